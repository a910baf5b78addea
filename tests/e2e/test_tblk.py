"""Coming from Tunnelblick: its bundles in every layout, its settings, its folders; and what a hostile one tries.

Where the layouts are from, at Tunnelblick's commit 9e5afa8d (9.0beta09):
- Contents/Resources/config.ovpn: configPathFromTblkPath in helper.m; the folders: defines.h, L_AS_T_SHARED, L_AS_T_USERS;
  owners and modes: PERMS_PRIVATE_... and PERMS_SECURED_... there.
- .ovpn or .conf anywhere in a bundle that is not installed yet, bundles in bundles, .ovpn before .conf, the names of
  several: convertOuterTblk and convertInnerTblkAtPath in ConfigurationManager.m; tunnelblick.net/cPkgs.html.
- a file is looked for by the last part of its path: ConfigurationConverter.m, ignorePathInfo.
- ~/Library/openvpn, and the link that it became: checkSymbolicLink in MenuController.m.
- keys of preferences ("NAMEautoConnect" and "NAMEuseDNS" have no dash): defines.h, CONFIGURATIONS_PREFERENCES_NSARRAY;
  which file counts, and "*": TBUserDefaults.m; TBPreference and TBAlwaysSetPreference: VPNConnection.m.
- net.tunnelblick.tunnelblick.startup.NAME.plist: atsystemstart.m; com.openvpn.tunnelblick.plist: the project's wiki, wPrefs.
- scripts: tunnelblick-helper.m, VPNConnection.m.
The property lists are written by Python's plistlib, XML and binary.
"""
import os
import pathlib
import plistlib
import shutil
import stat
import subprocess
import tempfile

import pytest

from daemon import BUILD
from test_profile_openvpn import OPENVPN, start, vet

FILES = pathlib.Path(__file__).resolve().parents[1] / "unit/data/profiles/files"
PORTCULLIS = os.path.join(BUILD, "portcullis")
ALICE, BOB = 4242, 4343
SUPPORT = "Library/Application Support/Tunnelblick"
INSTALLED = "Contents/Resources/config.ovpn"
BARE = "client\nremote 192.0.2.1 1194 udp\ndev tun\n"
KEYED = BARE + "ca ca.crt\ncert client.crt\nkey client.key\ntls-auth ta.key 1\n"
KEYS = {"ca.crt": FILES / "ca.crt", "client.crt": FILES / "client.crt", "client.key": FILES / "keys/client.key",
        "ta.key": FILES / "ta.key"}
SECRET = "root:$6$not-for-you:19000:0:99999:7:::"


class Disk:
    """A Mac's disk in a folder: where Tunnelblick's files are, and with whose rights."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.out = self.root / "out"
        self.homes = {}

    def folder(self, path, owner=0, mode=0o755):
        """Creates this folder and the missing ones above it. They belong to the owner."""
        path = self.root / path
        missing = [each for each in [path, *path.parents] if not each.exists()]
        for each in reversed(missing):
            each.mkdir(mode=mode)
            each.chmod(mode)
            os.chown(each, owner, owner)
        return path

    def home(self, name, owner):
        self.homes[name] = owner
        self.folder("Users")
        return self.folder(f"Users/{name}", owner, 0o700)

    def put(self, path, data, owner=0, mode=0o700):
        path = self.root / path
        self.folder(path.parent, owner, 0o755 if owner == 0 else 0o750)
        if isinstance(data, pathlib.Path):
            data = data.read_bytes()
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        path.chmod(mode)
        os.chown(path, owner, owner)
        return path

    def bundle(self, path, files, owner=0):
        for name, data in files.items():
            self.put(f"{path}/{name}", data, owner)
        return self.root / path

    def shared(self, name, files):
        return self.bundle(f"{SUPPORT}/Shared/{name}.tblk", files)

    def private(self, user, name, files):
        return self.bundle(f"Users/{user}/{SUPPORT}/Configurations/{name}.tblk", files, self.homes[user])

    def shadow(self, user, name, files):
        return self.bundle(f"{SUPPORT}/Users/{user}/{name}.tblk", files)

    def preferences(self, user, values, form=plistlib.FMT_BINARY, name="net.tunnelblick.tunnelblick"):
        return self.put(f"Users/{user}/Library/Preferences/{name}.plist", plistlib.dumps(values, fmt=form),
                        self.homes[user], 0o600)

    def forced(self, values):
        return self.put(f"{SUPPORT}/forced-preferences.plist", plistlib.dumps(values), 0, 0o644)

    def portcullis(self, *words, user=None, **more):
        extra = {"user": user, "group": user, "extra_groups": []} if user else {}
        done = subprocess.run([PORTCULLIS, "import", *map(str, words)], capture_output=True, timeout=60, check=False,
                              **extra, **more)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        for text in (done.stdout, done.stderr):
            # Nothing in a bundle controls the terminal, and nothing of anybody else's file is shown.
            assert not set(text) & {chr(i) for i in range(32) if chr(i) not in "\n\t"} and SECRET not in text
        return done

    def bring(self, bundle, *words):
        return self.portcullis("--to", self.out, bundle, *words)

    def stored(self):
        return sorted(path.name for path in self.out.glob("*")) if self.out.exists() else []

    def look(self, **more):
        return self.portcullis(f"--tunnelblick={self.root}", **more)


@pytest.fixture(name="disk")
def disk_of_a_mac():
    root = tempfile.mkdtemp(prefix="tblk-")
    os.chmod(root, 0o755)
    disk = Disk(root)
    disk.home("alice", ALICE)
    yield disk
    shutil.rmtree(root)


def in_resources(files):
    return {f"Contents/Resources/{name}": data for name, data in files.items()}


def installed(text=BARE, **more):
    return {INSTALLED: text, **more}


def fails(disk, done, *says):
    """It fails with one line that says what to do instead. What was stored before is still there, and nothing was
    added."""
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 1, done
    assert "; instead" in lines[0] and all(each in lines[0] for each in says), lines
    assert disk.stored() in ([], ["kept.ovpn"])


# --- layouts

@pytest.mark.parametrize("place", ["shared", "private", "shadow"])
def test_installed_layouts(disk, place):
    """Each of Tunnelblick's own folders, with keys beside the configuration."""
    files = in_resources({"config.ovpn": KEYED, **KEYS})
    made = disk.shared("Work", files) if place == "shared" else getattr(disk, place)("alice", "Work", files)
    done = disk.bring(made)
    assert done.returncode == 0, done
    assert disk.stored() == ["Work.ovpn"] and f'profile = "{disk.out}/Work.ovpn"\n' in done.stdout
    text = (disk.out / "Work.ovpn").read_text()
    assert all(f"\n<{block}>\n" in text for block in ("ca", "cert", "key", "tls-auth"))
    status = os.stat(disk.out / "Work.ovpn")
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o600)


@pytest.mark.parametrize("name", ["Home.ovpn", "Home.conf", "other.ovpn", "sub/deep.conf", "Contents/Resources/x.ovpn"])
def test_one_configuration_anywhere_has_the_name_of_the_bundle(disk, name):
    folder = name.rpartition("/")[0]
    beside = {f"{folder}/{key}".lstrip("/"): data for key, data in KEYS.items()}
    done = disk.bring(disk.bundle("Users/alice/Downloads/My VPN (2).tblk", {name: KEYED, **beside}, ALICE))
    assert done.returncode == 0, done
    assert disk.stored() == ["My-VPN-2.ovpn"]


def test_ovpn_counts_before_conf(disk):
    made = disk.bundle("Users/alice/A.tblk", {"a.conf": "no such thing\n", "a.ovpn": BARE}, ALICE)
    assert disk.bring(made).returncode == 0
    assert disk.stored() == ["A.ovpn"]


def test_several_configurations(disk):
    """Each configuration gets its own name, and equal names are made different. A bundle inside the bundle is imported
    too."""
    made = disk.bundle("Users/alice/All.tblk", {
        "Contents/Resources/de fra.ovpn": BARE, "Contents/Resources/de-fra.ovpn": BARE,
        "Contents/Resources/nl.conf": BARE,
        "Contents/Resources/in/Inner.tblk/Contents/Resources/config.ovpn": KEYED,
        **{f"Contents/Resources/in/Inner.tblk/Contents/Resources/{name}": data for name, data in KEYS.items()}}, ALICE)
    fails(disk, disk.bring(made, "one"), "4 configurations (de fra, de-fra, in/Inner, nl) but one name")
    done = disk.bring(made)
    assert done.returncode == 0, done
    assert disk.stored() == ["de-fra-2.ovpn", "de-fra.ovpn", "in-Inner.ovpn", "nl.ovpn"]
    assert done.stdout.count("imported; in portcullis.conf:\n") == 4 and "in/Inner:\n" in done.stdout


def test_one_of_several_fails_alone(disk):
    made = disk.bundle("Users/alice/All.tblk", {"a.ovpn": BARE, "b.ovpn": BARE + "plugin /x.so\n"}, ALICE)
    done = disk.bring(made)
    assert done.returncode == 1 and "All.tblk/b.ovpn:4: plugin: " in done.stderr
    assert disk.stored() == ["a.ovpn"]


def test_with_a_name_and_from_the_folder_itself(disk):
    disk.bundle("Users/alice/Work.tblk", installed(), ALICE)
    disk.root.joinpath("Users/alice").chmod(0o755)
    done = disk.portcullis("--to", disk.out, "Work.tblk/", "office", cwd=disk.root / "Users/alice")
    assert done.returncode == 0 and disk.stored() == ["office.ovpn"], done


def test_finders_files_and_the_archivers(disk):
    made = disk.bundle("Users/alice/W.tblk", installed(**{
        ".DS_Store": b"\0\0", "Contents/Resources/._config.ovpn": b"\0\5\26\7", "__MACOSX/x.ovpn": "junk\n"}), ALICE)
    assert disk.bring(made).returncode == 0 and disk.stored() == ["W.ovpn"]


def test_a_path_before_a_files_name_is_not_looked_at(disk):
    """As in Tunnelblick, only the last part of a path counts; a file in a folder of the bundle is found as well."""
    text = BARE + "ca keys/ca.crt\ncert sub/client.crt\nkey client.key\n"
    made = disk.bundle("Users/alice/W.tblk", in_resources({
        "config.ovpn": text, "ca.crt": KEYS["ca.crt"], "sub/client.crt": KEYS["client.crt"],
        "client.key": KEYS["client.key"]}), ALICE)
    done = disk.bring(made)
    assert done.returncode == 0, done


@pytest.mark.skipif(not os.access(OPENVPN, os.X_OK), reason=f"no {OPENVPN}")
def test_openvpn_takes_what_was_imported(disk):
    done = disk.bring(disk.private("alice", "Work", in_resources({"config.ovpn": KEYED, **KEYS})))
    assert done.returncode == 0, done
    code, canonical, complaint = vet(disk.out / "Work.ovpn")
    assert code == 0, complaint
    directory = disk.folder("m", 0, 0o700)
    body = canonical.split("\n\n", 1)[1]
    config = directory / "c.ovpn"
    config.write_text(body)
    said, ended = start(directory, config, "udp")
    assert ">HOLD:" in said, ended
    # The control: the same without its CA certificate exits at once.
    directory = disk.folder("n", 0, 0o700)
    config = directory / "c.ovpn"
    config.write_text(body.replace("<ca>", "<no-such>"))
    said, ended = start(directory, config, "udp")
    assert said == "" and ended


# --- scripts and settings

def test_scripts_are_named_and_dropped(disk):
    scripts = ["up.tunnelblick.sh", "pre-connect.sh", "password-replace.user.sh", "1.route-pre-down.tunnelblick.sh"]
    made = disk.private("alice", "Work", in_resources({
        "config.ovpn": BARE, **dict.fromkeys(scripts, "#!/bin/sh\ntouch /tmp/ran\n")}))
    done = disk.bring(made)
    assert done.returncode == 0, done
    notes = [line for line in done.stderr.splitlines() if ".sh: dropped: " in line]
    assert sorted(line.split(": ")[1] for line in notes) == sorted(scripts)
    assert "credentials { }" in [line for line in notes if "password-replace" in line][0]


def configuration(done):
    """What is to be put into portcullis.conf: everything after the words that say so."""
    return done.stdout.split("imported; in portcullis.conf:\n", 1)[1].splitlines()


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY], ids=["xml", "binary"])
def test_settings_of_info_plist(disk, form):
    info = {"TBPackageVersion": "1", "CFBundleIdentifier": "com.example.work", "TBReplaceIdentical": "ask",
            "TBSharePackage": "private", "TBKeepExistingFilesList": ["a", "b"], "TBPreferenceuseDNS": 0,
            "TBAlwaysSetPreference-keepConnected": True, "TBPreference-openvpnVersion": "2.6.12-openssl-3.0.15"}
    made = disk.bundle("Users/alice/W.tblk", {INSTALLED: BARE, "Contents/Info.plist": plistlib.dumps(info, fmt=form)},
                       ALICE)
    done = disk.bring(made)
    assert done.returncode == 0 and done.stderr == "".join(
        line for line in done.stderr.splitlines(True) if ": ca: missing" in line), done
    lines = configuration(done)
    assert "dns { manage = false }" in lines and "# keep connected: Portcullis always does" in lines
    assert any("OpenVPN 2.6.12-openssl-3.0.15: dropped" in line for line in lines)
    # All of it can be pasted: portcullisd accepts it as its configuration.
    assert all(line.startswith(("#", "profile = ", "dns {")) for line in lines)


def test_settings_by_their_rank(disk):
    """The order of precedence: forced > TBAlwaysSet > the user's > TBPreference; the key itself > "*". The settings of
    "Workshop" are not those of "Work"."""
    info = {"TBPackageVersion": "1", "TBPreferenceuseDNS": 1, "TBAlwaysSetPreference-loggingLevel": 4,
            "TBAlwaysSetPreference-openvpnVersion": "2.5.9"}
    made = disk.private("alice", "Work", installed(**{"Contents/Info.plist": plistlib.dumps(info)}))
    disk.preferences("alice", {"WorkuseDNS": 0, "*useDNS": 1, "WorkshopuseDNS": 1, "Work-loggingLevel": 11,
                               "Work-openvpnVersion": "2.4", "ignored": [{"a": 1}], "date": b"x"})
    disk.forced({"*-openvpnVersion": "2.6.1"})
    done = disk.bring(made)
    lines = configuration(done)
    assert "dns { manage = false }" in lines, done
    assert any("logging level 4:" in line for line in lines) and any("OpenVPN 2.6.1:" in line for line in lines)


@pytest.mark.parametrize("values,forced,says", [
    ({"WorkautoConnect": True}, {}, "VPN Details, Configurations, Work, Settings, Connect: Manually"),
    ({}, {"*autoConnect": True}, "in its forced-preferences.plist"), ({}, {}, None),
    ({"WorkautoConnect": True}, {"WorkautoConnect": False}, None), ({"OtherautoConnect": True}, {}, None)])
def test_its_own_connecting_is_told(disk, values, forced, says):
    made = disk.private("alice", "Work", installed())
    disk.preferences("alice", values)
    disk.forced(forced)
    before = {path: path.read_bytes() for path in disk.root.rglob("*") if path.is_file()}
    done = disk.bring(made)
    assert done.returncode == 0, done
    assert ("to turn that off in Tunnelblick" in done.stdout) == (says is not None)
    assert says is None or says in done.stdout
    # It is reported, and not done.
    assert all(path.read_bytes() == data for path, data in before.items())


def test_settings_of_a_shadow_copy_are_its_users(disk):
    disk.home("bob", BOB)
    disk.preferences("alice", {"WorkuseDNS": 0})
    disk.preferences("bob", {"WorkuseDNS": 1}, name="com.openvpn.tunnelblick")
    done = disk.bring(disk.shadow("alice", "Work", installed()))
    assert "dns { manage = false }" in configuration(done), done
    done = disk.bring(disk.shadow("bob", "Work", installed()))
    assert "dns { manage = true }" in configuration(done), done


def test_settings_of_a_shared_one_are_told_by_user(disk):
    disk.home("bob", BOB)
    disk.preferences("alice", {"WorkuseDNS": 0})
    disk.preferences("bob", {"WorkuseDNS": 1, "WorkautoConnect": True})
    disk.forced({"Work-keepConnected": True})
    lines = configuration(disk.bring(disk.shared("Work", installed())))
    assert "# as alice set it: dns { manage = false }" in lines and "# as bob set it: dns { manage = true }" in lines
    assert lines.count("# keep connected: Portcullis always does") == 1
    assert sum("to turn that off" in line for line in lines) == 1


@pytest.mark.parametrize("data", [b"junk", b"bplist00" + b"\xff" * 40, b"<plist><dict><key>a</key>", b"x" * (1 << 20 | 1)],
                         ids=["text", "binary", "cut", "large"])
def test_settings_that_cannot_be_read_lose_no_profile(disk, data):
    done = disk.bring(disk.private("alice", "Work", installed(**{"Contents/Info.plist": data})))
    assert done.returncode == 0 and disk.stored() == ["Work.ovpn"], done
    assert "its settings are not imported" in done.stderr


# --- the list

def test_look(disk):
    disk.home("bob", BOB)
    work = disk.shared("Work", in_resources({"config.ovpn": KEYED, **KEYS}))
    home = disk.private("alice", "Sub/It's home", installed())
    disk.private("bob", "Half", in_resources({"config.ovpn": KEYED, "ca.crt": KEYS["ca.crt"]}))
    disk.private("bob", "Empty", {"Contents/Resources/readme.txt": "nothing\n"})
    disk.private("bob", "Many", {"a.ovpn": BARE, "b.ovpn": BARE})
    disk.shadow("alice", "Only here", installed())
    disk.put("Users/alice/Library/openvpn/old.conf", BARE, ALICE)
    os.makedirs(disk.root / "Users/Shared")
    done = disk.look()
    assert done.returncode == 0 and done.stderr == "", done
    lines = done.stdout.splitlines()
    assert "Work: shared, complete" in lines and "Sub/It's home: private, of alice, complete" in lines
    half = [line for line in lines if line.startswith("Half: private, of bob, incomplete: ")]
    assert "client.crt: not in the bundle; instead: put it into the directory of the configuration" in half[0]
    assert any(line.startswith("Empty: private, of bob, incomplete: it has no configuration") for line in lines)
    assert "Many: private, of bob, several in one bundle" in lines and "    b: complete" in lines
    assert "Only here: Tunnelblick's own copy of a private one, of alice, complete" in lines
    assert "old: private, of alice, a file without a bundle, complete" in lines
    assert not any("connects it automatically" in line for line in lines)
    # The commands are exact: a shell can run each of them, and each imports.
    commands = [line.strip() for line in lines if line.startswith("    sudo portcullis import ")]
    assert f"sudo portcullis import '{work}' Work" in commands
    assert any("It'\\''s home" in each and each.endswith(" Sub-It-s-home-alice") for each in commands), home
    for command in commands:
        words = command.replace("sudo portcullis import", f"{PORTCULLIS} import --to '{disk.out}'")
        ran = subprocess.run(["/bin/bash", "-c", words], capture_output=True, check=False)
        assert ran.returncode == 0, (words, ran)
    # There is no command for what is incomplete.
    assert not any("Half" in each or "Empty" in each for each in commands)
    assert disk.stored() == ["Only-here-alice.ovpn", "Sub-It-s-home-alice.ovpn", "Work.ovpn", "a.ovpn", "b.ovpn",
                             "old-alice.ovpn"]


def test_look_tells_what_connects_by_itself(disk):
    disk.shared("Work", installed())
    disk.private("alice", "a-b.c", installed())
    disk.private("alice", "Quiet", installed())
    disk.preferences("alice", {"WorkautoConnect": True, "a-b.cautoConnect": True, "a-b.c-onSystemStart": True})
    daemon = disk.put("Library/LaunchDaemons/net.tunnelblick.tunnelblick.startup.a--b-Dc.plist", "x")
    lines = disk.look().stdout.splitlines()
    at = lines.index("a-b.c: private, of alice, complete")
    assert lines[at + 2].strip() == f"Tunnelblick connects it automatically when the machine starts: {daemon}"
    assert lines[at + 3].strip().endswith("VPN Details, Configurations, a-b.c, Settings, Connect: Manually")
    at = lines.index("Work: shared, as alice set it")
    assert lines[at + 1].strip() == "Tunnelblick connects it automatically when it is launched"
    assert sum("connects it automatically" in line for line in lines) == 2


def test_look_finds_nothing(disk):
    done = disk.look()
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "; instead: portcullis import" in done.stderr


def test_look_without_root(disk):
    """One's own configurations, and of the shared ones what everybody may read; nobody else's home is entered."""
    disk.home("bob", BOB)
    disk.private("alice", "Mine", installed())
    disk.private("bob", "Theirs", installed())
    disk.shared("Work", installed())
    done = disk.look(user=ALICE)
    assert "Mine: private, of alice, complete" in done.stdout and "Theirs" not in done.stdout
    assert "Work: shared, incomplete: " in done.stdout and f"user {ALICE} may not read it" in done.stdout
    assert "instead, to list all: sudo portcullis import --tunnelblick" in done.stderr
    # The control: root sees all three.
    assert all(name in disk.look().stdout for name in ("Mine", "Theirs", "Work"))


def test_look_and_import_are_two_things(disk):
    done = disk.portcullis("--tunnelblick", "x.tblk")
    assert done.returncode == 1 and "; instead: import one that it lists" in done.stderr


# --- bad input

@pytest.fixture(name="kept")
def kept_from_before(disk):
    """A profile that was stored before, which no failure may remove."""
    assert disk.bring(disk.bundle("Users/alice/kept.tblk", installed(), ALICE)).returncode == 0
    text = (disk.out / "kept.ovpn").read_bytes()
    yield disk
    assert (disk.out / "kept.ovpn").read_bytes() == text and disk.stored() == ["kept.ovpn"]


@pytest.mark.parametrize("name,files,says", [
    ("plain", {"readme": "x"}, "not a Tunnelblick bundle (NAME.tblk)"),
    ("conf", {"config.ovpn": BARE}, "conf/config.ovpn NAME"),
    ("My.visc", {"config.conf": BARE}, "Viscosity's, not Tunnelblick's; instead: portcullis import "),
    ("Empty.tblk", {"Contents/Resources/ca.crt": "x"}, "it has no configuration (.ovpn or .conf)"),
    ("Key.tblk", {INSTALLED: BARE + "key client.key\n"}, "key: client.key: not in the bundle; instead: put it into"),
    ("Far.tblk", {INSTALLED: BARE + "ca /Users/alice/ca.crt\n"}, "outside the bundle, so it is not read"),
    ("Deep.tblk", {"A.tblk/B.tblk/c.ovpn": BARE}, "a bundle in a bundle in a bundle"),
    ("Two.tblk", {"A.tblk/a.ovpn": BARE, "A.tblk/b.ovpn": BARE}, "A.tblk: more than one configuration"),
    ("Gone.tblk", {INSTALLED: BARE, "Info.plist": plistlib.dumps({"TBPackageVersion": "1", "TBUninstall": True})},
     "only removes a configuration (TBUninstall)")])
def test_bad_bundles(kept, name, files, says):
    done = kept.bring(kept.bundle(f"Users/alice/{name}", files, ALICE))
    done.stderr = "".join(line for line in done.stderr.splitlines(True) if ": note: " not in line)
    fails(kept, done, says)


def test_the_advice_for_viscosity_works(kept):
    made = kept.bundle("Users/alice/My.visc", {"config.conf": KEYED, **KEYS}, ALICE)
    assert kept.portcullis("--to", kept.root / "out2", made / "config.conf", "v").returncode == 0


@pytest.mark.parametrize("name,says", [("W.tblk.zip", "an archive"), ("W.zip", "an archive"), ("W.visz", "tar -xzf"),
                                       ("W.tblk", "a bundle is a directory, and this is not")])
def test_bad_files(kept, name, says):
    fails(kept, kept.bring(kept.put(f"Users/alice/{name}", b"PK\3\4", ALICE)), says)


def test_an_encrypted_key_is_taken_and_told(disk):
    key = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:x"],
                         capture_output=True, check=True).stdout
    assert b"ENCRYPTED" in key
    made = disk.private("alice", "Work", in_resources({"config.ovpn": BARE + "key k.key\n", "k.key": key}))
    done = disk.bring(made)
    assert done.returncode == 0, done
    line = [each for each in done.stdout.splitlines() if "passphrase" in each]
    assert len(line) == 1 and "encrypted" in line[0] and "; instead: set credentials { key-passphrase-file }" in line[0]
    made = disk.private("alice", "Work", in_resources({"config.ovpn": KEYED, **KEYS}))
    assert "passphrase" not in disk.bring(made).stdout


# --- hostile bundles; as the control, each without the trick is imported

def taken_without(disk, name="Fine"):
    done = disk.bring(disk.bundle(f"Users/alice/{name}.tblk", in_resources({"config.ovpn": KEYED, **KEYS}), ALICE))
    assert done.returncode == 0, done


@pytest.fixture(name="secret")
def secret_of_root(disk):
    return disk.put("etc/shadow", SECRET + "\n", 0, 0o600)


@pytest.mark.parametrize("owner", [ALICE, 0], ids=["user's", "root's"])
@pytest.mark.parametrize("what", ["ca.crt", "config.ovpn"])
def test_a_link_is_never_followed(disk, secret, what, owner):
    """A link in a bundle is not followed, whether it leads out of the bundle or not, whoever owns the bundle, and least
    of all with root's rights."""
    folder = "Users/alice" if owner else SUPPORT
    made = disk.bundle(f"{folder}/W.tblk", in_resources({"config.ovpn": KEYED, **KEYS, "real": KEYS["ca.crt"]}), owner)
    place = made / "Contents/Resources" / what
    assert disk.bring(made).returncode == 0
    for target in (secret, "real"):
        place.unlink()
        place.symlink_to(target)
        done = disk.bring(made, "other")
        assert done.returncode == 1 and "a link" in done.stderr and "followed" in done.stderr, done
    assert disk.stored() == ["W.ovpn"]


def test_a_link_to_a_folder_is_never_followed(disk, secret):
    made = disk.bundle("Users/alice/W.tblk", {"Contents/readme": "x"}, ALICE)
    real = disk.bundle("Users/alice/real", {"config.ovpn": BARE}, ALICE)
    (made / "Contents/Resources").symlink_to(real)
    done = disk.bring(made)
    assert done.returncode == 1 and "Contents/Resources: a link, not followed" in done.stderr
    (made / "Contents/Resources").unlink()
    real.rename(made / "Contents/Resources")
    assert disk.bring(made).returncode == 0 and secret.exists()


@pytest.mark.parametrize("owner", [ALICE, 0], ids=["user's", "root's"])
def test_a_link_on_the_way_is_never_followed(disk, owner):
    """A file named by a path in the configuration, in a folder that is a link."""
    folder = "Users/alice" if owner else SUPPORT
    made = disk.bundle(f"{folder}/W.tblk", installed(BARE + "ca sub/ca.crt\n"), owner)
    elsewhere = disk.bundle(f"{folder}/elsewhere", {"ca.crt": KEYS["ca.crt"]}, owner)
    (made / "Contents/Resources/sub").symlink_to(elsewhere)
    done = disk.bring(made)
    assert done.returncode == 1 and "sub/ca.crt: a link, and links are not followed; instead" in done.stderr, done
    (made / "Contents/Resources/sub").unlink()
    elsewhere.rename(made / "Contents/Resources/sub")
    assert disk.bring(made).returncode == 0


def test_roots_bundle_with_what_is_not_roots(disk):
    """Root reads only what nobody else can have put there."""
    made = disk.shared("Work", in_resources({"config.ovpn": KEYED, **KEYS}))
    for path, change, back in ((made / "Contents/Resources/config.ovpn", (ALICE, 0o700), (0, 0o700)),
                               (made / "Contents/Resources/ca.crt", (0, 0o777), (0, 0o700)),
                               (made / "Contents", (0, 0o777), (0, 0o755)), (made, (ALICE, 0o755), None)):
        os.chown(path, change[0], change[0])
        path.chmod(change[1])
        done = disk.bring(made)
        if back is None:
            # A bundle of alice's with files that only root can read: with her rights they can't be read.
            assert done.returncode == 1 and f"user {ALICE} may not read it" in done.stderr, done
            break
        assert done.returncode == 1 and "others may have changed it, and root would read it; instead" in done.stderr
        os.chown(path, back[0], back[0])
        path.chmod(back[1])
        assert disk.stored() == []
    os.chown(made, 0, 0)
    assert disk.bring(made).returncode == 0


def test_anothers_file_by_its_path(disk, secret):
    """The owner's rights count only inside the bundle: neither ".." nor "~" nor "/" leads out of it."""
    disk.put("Users/alice/mine.crt", KEYS["ca.crt"], ALICE)
    for path in (str(secret), disk.root / "Users/alice/mine.crt", "~/mine.crt", "../../../mine.crt",
                 "../Resources/../../../mine.crt", "../../../../../etc/shadow"):
        made = disk.bundle("Users/alice/W.tblk", installed(BARE + f"ca {path}\n"), ALICE)
        done = disk.bring(made)
        assert done.returncode == 1 and "; instead: " in done.stderr, done
        assert "not in the bundle" in done.stderr or "outside the bundle" in done.stderr or "out of the" in done.stderr
    taken_without(disk)


@pytest.mark.parametrize("name", ["config.ovpn", "ca.crt", "Info.plist"])
def test_a_pipe_blocks_nobody(disk, name):
    made = disk.bundle("Users/alice/W.tblk", in_resources({"config.ovpn": KEYED, **KEYS}), ALICE)
    path = made / ("Contents" if name == "Info.plist" else "Contents/Resources") / name
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o644)
    os.chown(path, ALICE, ALICE)
    done = disk.bring(made)
    assert (done.returncode == 0) == (name == "Info.plist") and "not a regular file" in done.stderr, done


@pytest.mark.parametrize("name,says", [("config.ovpn", "larger than 4096 KiB"), ("ca.crt", "larger than 1024 KiB")])
def test_a_huge_file_is_not_read(disk, name, says):
    made = disk.bundle("Users/alice/W.tblk", in_resources({"config.ovpn": KEYED, **KEYS}), ALICE)
    with open(made / "Contents/Resources" / name, "ab") as file:
        file.truncate(1 << 40)
    done = disk.bring(made)
    assert done.returncode == 1 and says in done.stderr, done
    taken_without(disk)


def test_nesting_and_numbers_have_an_end(disk):
    made = disk.bundle("Users/alice/W.tblk", {"/".join(["d"] * 30) + "/config.ovpn": BARE}, ALICE)
    done = disk.bring(made)
    assert done.returncode == 1 and "nested deeper than 8 directories; instead" in done.stderr
    made = disk.bundle("Users/alice/V.tblk", installed(), ALICE)
    for number in range(5000):
        (made / f"{number}.txt").touch()
    done = disk.bring(made)
    assert done.returncode == 1 and "it contains more than a VPN needs; instead" in done.stderr
    made = disk.bundle("Users/alice/U.tblk", {f"{number}.ovpn": BARE for number in range(65)}, ALICE)
    done = disk.bring(made)
    assert done.returncode == 1 and "more than 64 configurations; instead" in done.stderr
    (made / "64.ovpn").unlink()
    assert disk.bring(made).returncode == 0 and len(disk.stored()) == 64


def test_a_loop_of_links_ends(disk):
    made = disk.bundle("Users/alice/W.tblk", installed(), ALICE)
    (made / "Contents/loop").symlink_to("..")
    done = disk.bring(made)
    assert done.returncode == 0 and "note: Contents/loop: a link, not followed" in done.stderr


EVIL = "a\x1b[31m\nprofile = \"evil\"\r$(touch x)'\u202e\x9b"


def test_names_do_not_speak_to_the_terminal(disk):
    """Control bytes, line ends and right-to-left marks in the names of a bundle, a file and a user; Disk.portcullis
    checks the output too."""
    disk.home(EVIL, BOB)
    made = disk.private(EVIL, EVIL, {f"{EVIL}.ovpn": KEYED, "two.ovpn": BARE})
    done = disk.bring(made)
    assert done.returncode == 1 and disk.stored() == ["two.ovpn"]
    assert not any(line.startswith('profile = "evil"') for line in done.stdout.splitlines())
    listed = disk.look()
    for text in (done.stdout, done.stderr, listed.stdout, listed.stderr):
        assert "\u202e" not in text and "\x9b" not in text and "\x1b" not in text
    # The printed command is one command with one argument: nothing in the name is run.
    command = [line.strip() for line in listed.stdout.splitlines() if "sudo portcullis import" in line]
    assert len(command) == 1 and "import $'" in command[0]
    ran = subprocess.run(["/bin/bash", "-c", command[0].replace("sudo portcullis import", "printf '%s'")],
                         capture_output=True, check=True, cwd=disk.root)
    assert ran.stdout == os.fsencode(made) and not (disk.root / "x").exists()


def test_umlauts_are_shown_as_they_are(disk):
    made = disk.private("alice", "Büro", installed())
    assert f"sudo portcullis import '{made}' B-ro" in disk.look().stdout


def test_anothers_settings_are_not_read_with_roots_rights(disk, secret):
    """The preferences are a link to a file of root's: it is neither followed nor shown, and the profile is imported."""
    made = disk.private("alice", "Work", installed())
    place = disk.preferences("alice", {"WorkuseDNS": 0})
    assert "dns { manage = false }" in disk.bring(made).stdout
    place.unlink()
    place.symlink_to(secret)
    done = disk.bring(made)
    assert done.returncode == 0 and "dns {" not in done.stdout and "its settings are not imported" in done.stderr


def test_a_home_that_is_a_link_or_roots_is_nobodys(disk):
    disk.private("alice", "Mine", installed())
    (disk.root / "Users/mallory").symlink_to("alice")
    disk.bundle(f"Users/Shared/{SUPPORT}/Configurations/Trap.tblk", installed())
    done = disk.look()
    assert "mallory" not in done.stdout and "Trap" not in done.stdout and "Mine: private, of alice" in done.stdout
