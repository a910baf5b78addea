"""make install and uninstall: what lies where, the service files filled and sound, and nothing left behind."""
import os
import pathlib
import plistlib
import re
import shutil
import stat
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("BUILD", "build")
PROGRAMS = {"sbin/portcullisd": 0o755, "bin/portcullis": 0o755, "libexec/portcullis-driver": 0o755}


def make(*words, check=True):
    return subprocess.run(["make", "-s", f"BUILD={BUILD}", *words], cwd=TOP, capture_output=True, text=True, check=check,
                          timeout=300)


def tree(folder):
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in pathlib.Path(folder).rglob("*")
            if path.is_file()}


def data(platform, folder, prefix="/opt/p", etc="/opt/e"):
    make("install-data", f"PLATFORM={platform}", f"DESTDIR={folder}", f"PREFIX={prefix}", f"SYSCONFDIR={etc}")
    return pathlib.Path(f"{folder}{prefix}")


def test_install_and_uninstall(tmp_path):
    make("install", f"DESTDIR={tmp_path}", "PREFIX=/opt/p", "SYSCONFDIR=/opt/e")
    there = tree(tmp_path)
    for name, mode in PROGRAMS.items():
        assert there[f"opt/p/{name}"] == mode
    assert all(mode in (0o644, 0o755) for mode in there.values())
    mine = {"opt/e/portcullis/portcullis.conf": b"lan = true\n", "opt/e/portcullis/profiles/home.ovpn": b"remote x\n"}
    for name, text in mine.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text)
    make("install", f"DESTDIR={tmp_path}", "PREFIX=/opt/p", "SYSCONFDIR=/opt/e")  # an upgrade
    make("uninstall", f"DESTDIR={tmp_path}", "PREFIX=/opt/p", "SYSCONFDIR=/opt/e")
    assert set(tree(tmp_path)) == set(mine)
    assert all((tmp_path / name).read_bytes() == text for name, text in mine.items())
    shutil.rmtree(tmp_path / "opt/e/portcullis")
    make("uninstall", f"DESTDIR={tmp_path}", "PREFIX=/opt/p", "SYSCONFDIR=/opt/e")


@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize("platform", ["macos", "freebsd", "linux"])
def test_what_is_installed_is_uninstalled(tmp_path, platform, blank):
    """At any place: a blank in a folder's name does not split it."""
    root, prefix, etc = tmp_path / f"r{blank}oot", f"opt/p{blank}x", f"opt/e{blank}x"
    words = f"PLATFORM={platform}", f"DESTDIR={root}", f"PREFIX=/{prefix}", f"SYSCONFDIR=/{etc}"
    make("install-data", *words)
    there = tree(root)
    assert len(there) >= 5 and {name.split("/")[0] for name in tree(tmp_path)} == {root.name}
    assert f"{etc}/portcullis/portcullis.conf.sample" in there and f"{prefix}/share/man/man8/portcullisd.8" in there
    make("uninstall", *words)
    assert tree(tmp_path) == {}
    assert not (root / etc / "portcullis").exists() and not (root / prefix / "share/portcullis").exists()


@pytest.mark.parametrize("platform,path", [
    ("macos", "Library/LaunchDaemons/org.portcullis.daemon.plist"),
    ("linux", "etc/systemd/system/multi-user.target.wants/portcullis.service")])
def test_what_is_enabled_is_not_pulled_away(tmp_path, platform, path):
    words = f"PLATFORM={platform}", f"DESTDIR={tmp_path}", "PREFIX=/opt/p", "SYSCONFDIR=/opt/e"
    make("install-data", *words)
    there = tree(tmp_path)
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).symlink_to("/nowhere")
    refused = make("uninstall", *words, check=False)
    assert refused.returncode != 0 and "instead: portcullis disable --purge" in refused.stderr
    assert tree(tmp_path) == there
    (tmp_path / path).unlink()
    assert make("uninstall", *words).returncode == 0


def plist(folder, name):
    path = data("macos", folder) / f"share/portcullis/org.portcullis.{name}.plist"
    text = path.read_text()
    assert "@" not in re.sub(r"<!DOCTYPE.*?>", "", text) and stat.S_IMODE(path.stat().st_mode) == 0o644
    return plistlib.loads(text.encode())


def test_the_lock_is_pfctl_alone(tmp_path):
    job = plist(tmp_path, "lock")
    assert job["Label"] == "org.portcullis.lock" and job["RunAtLoad"] is True and "KeepAlive" not in job
    assert job["ProgramArguments"] == ["/sbin/pfctl", "-q", "-E", "-f", "/opt/e/portcullis/boot-lock.conf"]
    named = re.search(r'#define PF_BOOT_MAIN "(.*)"', (TOP / "src/os/service/pf_boot_lock.h").read_text()).group(1)
    assert job["ProgramArguments"][-1].endswith(f"/{named}")


def test_the_daemon_is_kept(tmp_path):
    job = plist(tmp_path, "daemon")
    assert job["Label"] == "org.portcullis.daemon" and job["RunAtLoad"] is True and job["KeepAlive"] is True
    assert job["ProgramArguments"] == ["/opt/p/sbin/portcullisd", "-d", "-c", "/opt/e/portcullis/portcullis.conf"]
    assert job["ProcessType"] == "Interactive" and job["Umask"] == 0o77 and job["ThrottleInterval"] == 1
    # Longer than strict boot may take, shorter than enable waits for the old daemon.
    limits = {"strict_boot_macos.c": "ALL_CALLS", "service_launchd.c": "LEAVING"}
    shortest, longest = (int(re.search(rf"{name} = (\d+)", (TOP / "src/os/service" / file).read_text()).group(1)) / 1000
                         for file, name in limits.items())
    assert shortest < job["ExitTimeOut"] < longest
    assert "AbandonProcessGroup" not in job and set(job["EnvironmentVariables"]) == {"PATH"}


@pytest.mark.parametrize("name", ["lock", "daemon"])
def test_the_labels_are_those_that_enable_uses(tmp_path, name):
    source = (TOP / "src/os/service/service_launchd.c").read_text()
    assert f'#define {name.upper()} "{plist(tmp_path, name)["Label"]}"' in source


def unit(folder, name):
    lines = (data("linux", folder) / f"lib/systemd/system/{name}").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_units(tmp_path):
    lock, daemon = unit(tmp_path, "portcullis-lock.service"), unit(tmp_path, "portcullis.service")
    for line in ("DefaultDependencies=no", "Wants=network-pre.target", "RemainAfterExit=yes",
                 "Before=network-pre.target sysinit.target systemd-udevd.service systemd-udev-trigger.service",
                 "Type=oneshot", "ExecStart=/opt/p/sbin/portcullisd -L -c /opt/e/portcullis/portcullis.conf",
                 "WantedBy=sysinit.target"):
        assert line in lock, line
    for line in ("ExecStart=/opt/p/sbin/portcullisd -d -c /opt/e/portcullis/portcullis.conf", "Restart=always",
                 "StartLimitIntervalSec=0", "After=portcullis-lock.service network-pre.target", "KillMode=mixed"):
        assert line in daemon, line
    assert not [line for line in lock + daemon if line.startswith("ExecStop")]  # a stop opens nothing


# As Debian's package nftables has it.
NFTABLES = """[Unit]
Description=nftables
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target
DefaultDependencies=no

[Service]
Type=oneshot
RemainAfterExit=yes
StandardInput=null
ProtectSystem=full
ProtectHome=true
ExecStart=/usr/sbin/nft -f /etc/nftables.conf
ExecReload=/usr/sbin/nft -f /etc/nftables.conf
ExecStop=/usr/sbin/nft flush ruleset

[Install]
WantedBy=sysinit.target
"""


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_systemd_reads_the_units(tmp_path):
    """systemd's own verification, with a daemon that exists."""
    prefix = str(tmp_path / "p")
    data("linux", "", prefix=prefix, etc=str(tmp_path / "e"))
    for program in ("sbin/portcullisd", "bin/portcullis"):
        (tmp_path / "p" / program).parent.mkdir()
        shutil.copy("/bin/true", tmp_path / "p" / program)
    folder = tmp_path / "p/lib/systemd/system"
    units = sorted(each for each in folder.iterdir() if each.is_file())
    (folder / "nftables.service").write_text(NFTABLES)
    (folder / "sysinit.target.wants").mkdir()
    for name in ("nftables.service", "portcullis-lock.service"):
        (folder / "sysinit.target.wants" / name).symlink_to(f"../{name}")
    assert [each.name for each in units] == [f"portcullis{name}.service" for name in ("-lock", "-online", "-sleep", "-unconfirmed", "")]
    units += [folder / "nftables.service"]

    def judged():
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units, "sysinit.target"], capture_output=True, text=True,
                              check=False, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}, timeout=60)
        return done.stdout + done.stderr

    assert not re.search("portcullis|nftables|cycle", judged()), judged()
    drop_in = folder / "nftables.service.d/portcullis.conf"
    sound = drop_in.read_text()
    drop_in.write_text(sound.replace("After=", "After=network-pre.target "))
    assert "cycle" in judged()
    drop_in.write_text(sound)
    units[0].write_text(units[0].read_text().replace("Type=oneshot", "Type=wrong"))
    assert "portcullis-lock.service" in judged()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_the_unit_s_exposure_is_below_3(tmp_path):
    """By systemd's own rating; without one of the restrictions the rating is worse."""
    text = (data("linux", tmp_path) / "lib/systemd/system/portcullis.service").read_text()
    unit = tmp_path / "portcullis.service"

    def exposure(words):
        unit.write_text(words)
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit], capture_output=True,
                              text=True, check=False, timeout=60)
        return float(re.search(r"exposure level for \S+: ([\d.]+)", done.stdout).group(1))
    assert exposure(text) < 3.0
    assert exposure(text.replace("PrivateDevices=yes", "")) >= 3.0


def test_the_drop_in_names_a_script_that_is_there(tmp_path):
    prefix = data("linux", tmp_path)
    text = (prefix / "lib/systemd/system/nftables.service.d/portcullis.conf").read_text()
    assert re.findall(r"(?m)^Exec(\w+)=(.*)$", text) == [
        (verb, line) for verb, word in (("Start", "load"), ("Reload", "load"), ("Stop", "stop"))
        for line in ("", f"/opt/p/libexec/portcullis/nftables {word}")]
    script = prefix / "libexec/portcullis/nftables"
    assert stat.S_IMODE(script.stat().st_mode) == 0o755 and "@" not in script.read_text()
    subprocess.run(["sh", "-n", script], check=True)


@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="no systemd-sysusers")
def test_sysusers_makes_what_the_configuration_names(tmp_path):
    path = data("linux", tmp_path) / "lib/sysusers.d/portcullis.conf"
    (tmp_path / "etc").mkdir()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", "-"], input=path.read_text(), text=True, check=True,
                   capture_output=True, timeout=60)
    users, groups = ((tmp_path / "etc" / name).read_text() for name in ("passwd", "group"))
    assert re.search(r"(?m)^_portcullis:[!*x]*:\d+:\d+:[^:]*:/:(/usr)?/sbin/nologin$", users)
    assert re.search(r"(?m)^_portcullis:", groups) and re.search(r"(?m)^_openvpn:[^:]*:\d+:$", groups)
    assert re.search(r"(?m)^_openvpn:[!*x]*:\d+:\d+:[^:]*:/:(/usr)?/sbin/nologin$", users)
    header = (TOP / "src/os/service/account.h").read_text()
    assert '#define ACCOUNT_DRIVER "_portcullis"' in header and '#define ACCOUNT_OPENVPN "_openvpn"' in header


@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="no systemd-sysusers")
def test_sysusers_over_the_group_of_the_version_before(tmp_path):
    """0.1 made a group _openvpn and no user: the user gets that group, so that the hole stays the same group's."""
    path = data("linux", tmp_path) / "lib/sysusers.d/portcullis.conf"
    (tmp_path / "etc").mkdir()
    for lines in ("u _portcullis -\ng _openvpn -\n", path.read_text()):
        subprocess.run(["systemd-sysusers", f"--root={tmp_path}", "-"], input=lines, text=True, check=True,
                       capture_output=True, timeout=60)
    users, groups = ((tmp_path / "etc" / name).read_text() for name in ("passwd", "group"))
    group = re.search(r"(?m)^_openvpn:[^:]*:(\d+):$", groups).group(1)
    assert re.search(rf"(?m)^_openvpn:[!*x]*:\d+:{group}:", users), users + groups


@pytest.mark.skipif(not shutil.which("systemd-tmpfiles"), reason="no systemd-tmpfiles")
def test_tmpfiles_makes_what_the_daemon_would(tmp_path):
    path = data("linux", tmp_path) / "lib/tmpfiles.d/portcullis.conf"
    subprocess.run(["systemd-tmpfiles", "--create", f"--root={tmp_path}", "-"], input=path.read_text(), text=True, check=True,
                   capture_output=True, timeout=60)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode)
             for name in ("run/portcullis", "var/lib/portcullis", "var/log/portcullis")}
    assert modes == {"run/portcullis": 0o755, "var/lib/portcullis": 0o700, "var/log/portcullis": 0o755}
    files, lockfile = ((TOP / name).read_text() for name in ("src/gate/files.c", "src/os/host/lockfile_unix.c"))
    assert re.search(r"lockfile_open\(\w+\(gate->config.runtime_dir", files) and "file_folder_of(path, 0755" in lockfile
    assert "file_folder(gate->config.state_dir, 0700" in files and "file_folder_of(config->log_file, 0755" in files, "the log's folder"
