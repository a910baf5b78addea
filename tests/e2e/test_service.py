"""enable, disable, and what `off` gives back, with each platform's service files and stand-ins for its tools: the order
of the calls, and every call failing, hanging or cut short in turn. Nothing but the test's own folder is touched."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import stat
import subprocess

import pytest

from daemon import BUILD
from test_ctl import Server, answers, status

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
PROFILES = HERE.parent / "unit/data/profiles"
PLATFORMS = ("macos", "freebsd", "linux")
TOOLS = ("launchctl", "dscl", "pw", "networksetup", "systemctl", "systemd-run", "systemd-sysusers", "service", "sysrc", "getent",
         "userdel", "groupdel", "pfctl")
DAEMON, LOCK = "system/org.portcullis.daemon", "system/org.portcullis.lock"
# /etc/pf.conf of macOS 12 to 15.
STOCK = """#
# Default PF configuration file.
#
scrub-anchor "com.apple/*"
nat-anchor "com.apple/*"
rdr-anchor "com.apple/*"
dummynet-anchor "com.apple/*"
anchor "com.apple/*"
load anchor "com.apple" from "/etc/pf.anchors/com.apple"
"""
CONF = """# mine
lan = true   # the printer
profile = "/old/one.ovpn"  # the old one
log { level = "debug" }
"""


class Machine:
    """A folder that stands for a machine of a platform, as `make install` leaves it."""

    def __init__(self, folder, platform, conf=CONF, gate="open", **state):
        self.root, self.platform = pathlib.Path(folder), platform
        self.root.mkdir()
        for tool in TOOLS:
            shutil.copy(HERE / "standin/recorder", self.root / tool)
        self.daemon = self.put("usr/local/sbin/portcullisd", (HERE / "standin/recorder").read_text(), 0o755)
        for name in ("lock", "daemon"):
            self.put(f"usr/local/share/portcullis/org.portcullis.{name}.plist", f"<plist>{name}</plist>\n")
        self.put("usr/local/lib/sysusers.d/portcullis.conf", "u _portcullis\n")
        self.put("usr/local/etc/rc.d/portcullis", "#!/bin/sh\n", 0o755)
        self.put("etc/pf.conf", STOCK)
        (self.root / "run/systemd/system").mkdir(parents=True)
        if conf is not None:
            self.put("etc/portcullis/portcullis.conf", conf)
        self.state = {"calls": [], "faults": {}, "loaded": [], "units": True, "enabled": [], "vars": {}, "services": {},
                      "require_lock": [], "records": {"/Users/root": {"UniqueID": "0"}, "/Users/nobody": {"UniqueID": "-2"},
                                  "/Users/_x": {"UniqueID": "499"}, "/Groups/wheel": {"PrimaryGroupID": "0"},
                                  "/Groups/_y": {"PrimaryGroupID": "498"}}, **state}
        self.server = Server(self.root / "control.sock", answers(status(gate))) if gate else None
        self.save()

    def put(self, name, text, mode=0o644):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def save(self):
        (self.root / "standin.json").write_text(json.dumps(self.state))

    def load(self):
        self.state = json.loads((self.root / "standin.json").read_text())
        return self.state

    def forget(self, **faults):
        """Forgets the calls so far, and makes the next ones fail as given: n3 stands for the third."""
        self.load()
        self.state["calls"], self.state["faults"] = [], {name[1:]: how for name, how in faults.items()}
        self.save()

    def run(self, *words, user=None, timeout=300, **environment):
        done = subprocess.run([f"{BUILD}/test/portcullis-{self.platform}", "-s", self.root / "control.sock", *words],
                              capture_output=True, text=True, check=False, timeout=timeout, user=user,
                              env={"PORTCULLIS_STANDIN": str(self.root)} | environment)
        self.load()
        return done

    def calls(self):
        """Each call as one line, without the machine's own folder."""
        return [" ".join(call).replace(str(self.root), "") for call in self.state["calls"]]

    def conf(self):
        path = self.root / "etc/portcullis/portcullis.conf"
        return path.read_text() if path.exists() else None

    def is_enabled(self):
        """Does the service manager start it at boot?"""
        return {"macos": (self.root / "Library/LaunchDaemons/org.portcullis.daemon.plist").exists(),
                "freebsd": self.state["vars"].get("portcullis_enable") == "YES",
                "linux": "portcullis.service" in self.state["enabled"]}[self.platform]

    def is_started(self):
        return bool({DAEMON, "portcullis", "portcullis.service"} & set(self.state["loaded"]))

    def files(self):
        """All files except the stand-ins: name -> content."""
        return {str(path.relative_to(self.root)): path.read_bytes() for path in self.root.rglob("*")
                if path.is_file() and path.name not in ("standin.json", *TOOLS)}


@pytest.fixture(name="machine")
def fixture_machine(tmp_path):
    made = []

    def make(platform, **more):
        made.append(Machine(tmp_path / f"m{len(made)}", platform, **more))
        return made[-1]
    yield make
    for each in made:
        if each.server:
            each.server.listener.close()


def profile(machine):
    """A user's profile whose server name need not be resolved."""
    text = (PROFILES / "stronghold-udp.ovpn").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("remote ")]
    return machine.put("home/Downloads/home.ovpn", "\n".join([*lines, "remote 203.0.113.7 1194 udp"]) + "\n")


OUTSIDE = ("/etc/portcullis", "/Library", "/var/db/portcullis", "/usr/local/etc/rc.d", "/etc/pf.conf")


@pytest.fixture(autouse=True)
def nothing_outside_is_touched():
    there = [path for path in OUTSIDE if os.path.exists(path)]
    yield
    assert [path for path in OUTSIDE if os.path.exists(path)] == there


CHECK = ["portcullisd -n -c /etc/portcullis/portcullis.conf"]
SHUT = ["portcullisd -L -c /etc/portcullis/portcullis.conf"]
USER_LIST, GROUP_LIST = "dscl . -list /Users UniqueID", "dscl . -list /Groups PrimaryGroupID"
ORDER = {
    "macos": [
        USER_LIST, GROUP_LIST, "dscl . -create /Groups/_portcullis Password *",
        "dscl . -create /Groups/_portcullis RealName Portcullis driver",
        "dscl . -create /Groups/_portcullis PrimaryGroupID 497",
        USER_LIST, GROUP_LIST, "dscl . -create /Users/_portcullis Password *",
        "dscl . -create /Users/_portcullis RealName Portcullis driver",
        "dscl . -create /Users/_portcullis NFSHomeDirectory /var/empty",
        "dscl . -create /Users/_portcullis UserShell /usr/bin/false", "dscl . -create /Users/_portcullis IsHidden 1",
        "dscl . -create /Users/_portcullis PrimaryGroupID 497", "dscl . -create /Users/_portcullis UniqueID 497",
        USER_LIST, GROUP_LIST, "dscl . -create /Groups/_openvpn Password *",
        "dscl . -create /Groups/_openvpn RealName OpenVPN behind Portcullis",
        "dscl . -create /Groups/_openvpn PrimaryGroupID 496",
        USER_LIST, GROUP_LIST, "dscl . -create /Users/_openvpn Password *",
        "dscl . -create /Users/_openvpn RealName OpenVPN behind Portcullis",
        "dscl . -create /Users/_openvpn NFSHomeDirectory /var/empty",
        "dscl . -create /Users/_openvpn UserShell /usr/bin/false", "dscl . -create /Users/_openvpn IsHidden 1",
        "dscl . -create /Users/_openvpn PrimaryGroupID 496", "dscl . -create /Users/_openvpn UniqueID 496", *CHECK,
        "pfctl -q -n -f /etc/portcullis/boot-lock.rules.candidate",
        "pfctl -q -n -f /etc/portcullis/boot-lock.conf.candidate", *SHUT, f"launchctl enable {LOCK}",
        f"launchctl enable {DAEMON}", f"launchctl bootout {DAEMON}", f"launchctl print {DAEMON}", "launchctl print system",
        "launchctl bootstrap system /Library/LaunchDaemons/org.portcullis.daemon.plist"],
    "freebsd": [
        "sysrc -n portcullis_enable", "pw groupshow -n _portcullis", "pw groupadd -n _portcullis",
        "pw usershow -n _portcullis",
        "pw useradd -n _portcullis -g _portcullis -c Portcullis driver -d /nonexistent -s /usr/sbin/nologin -w no",
        "pw groupshow -n _openvpn", "pw groupadd -n _openvpn", "pw usershow -n _openvpn",
        "pw useradd -n _openvpn -g _openvpn -c OpenVPN behind Portcullis -d /nonexistent -s /usr/sbin/nologin -w no", *CHECK,
        "service portcullis_lock oneprepare", "sysrc portcullis_enable=YES", *SHUT, "service portcullis restart"],
    "linux": [
        "systemctl --quiet is-enabled portcullis.service", "systemd-sysusers /usr/local/lib/sysusers.d/portcullis.conf",
        *CHECK, "systemctl --quiet daemon-reload",
        "systemctl --quiet enable portcullis-lock.service portcullis.service", *SHUT,
        "systemctl --quiet reset-failed portcullis-lock.service portcullis.service",
        "systemctl --quiet start portcullis-lock.service", "systemctl --quiet restart portcullis.service"],
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_enable_in_its_order(machine, platform):
    host = machine(platform)
    done = host.run("enable", str(profile(host)))
    assert done.returncode == 0, done.stderr
    assert host.calls() == ORDER[platform]
    assert host.is_enabled() and host.is_started()
    stored = f"{host.root}/etc/portcullis/profiles/home.ovpn"
    assert os.path.exists(stored) and "gate       open" in done.stdout
    assert host.conf() == CONF.replace("/old/one.ovpn", stored)
    assert {"/Users/_portcullis", "/Groups/_portcullis", "/Users/_openvpn", "/Groups/_openvpn"} <= set(host.state["records"])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_enable_over_ssh(machine, platform):
    """The lock would end the session: nothing is done without a word. A machine that is enabled is reached in spite of it."""
    host, ssh = machine(platform), {"SSH_CONNECTION": "192.0.2.1 50022 192.168.50.2 22"}
    done = host.run("enable", str(profile(host)), **ssh)
    assert done.returncode == 1 and done.stderr.count("instead:") == 1
    assert "(ssh)" in done.stderr and f"portcullis enable --confirm 2m {profile(host)}" in done.stderr
    assert not host.is_enabled() and not host.is_started() and host.conf() == CONF
    assert host.run("enable", "--remote", str(profile(host)), **ssh).returncode == 0
    assert host.is_enabled() and host.is_started()
    assert host.run("enable", str(profile(host)), **ssh).returncode == 0
    host.server.close()  # enabled, and nobody holds it
    done = host.run("enable", str(profile(host)), **ssh)
    assert done.returncode == 1 and f"portcullis enable --remote {profile(host)}" in done.stderr


def test_initrds_get_the_lock_and_lose_it(machine):
    """The initrds are built anew only if initramfs-tools is there (the order above shows a machine without it)."""
    host = machine("linux")
    shutil.copy(HERE / "standin/recorder", host.root / "update-initramfs")
    assert host.run("enable", str(profile(host))).returncode == 0
    calls = host.calls()
    assert calls.index("update-initramfs -u -k all") > calls.index(
        "systemctl --quiet enable portcullis-lock.service portcullis.service")
    assert host.run("disable").returncode == 0
    assert host.calls().count("update-initramfs -u -k all") == 2


def test_a_daemon_that_comes_late_is_not_enabled(machine):
    """The daemon is on a file system that is mounted late: the lock would wait for this mount, the mount for udev, and
    udev for the lock."""
    host = machine("linux")
    usr = host.root / "usr"
    shutil.copytree(usr, host.root / "copy")
    for late, refused in (("usr/local", True), ("usr", False)):
        folder = host.root / late
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder], check=True)
        shutil.copytree(host.root / "copy" / pathlib.Path(late).relative_to("usr"), folder, dirs_exist_ok=True)
        host.forget()
        done = host.run("enable", str(profile(host)))
        subprocess.run(["umount", folder], check=True)
        assert done.returncode == (1 if refused else 0), done.stderr
        assert refused == ("is on a file system of its own" in done.stderr)
        assert host.is_enabled() != refused and (host.conf() == CONF) == refused


@pytest.mark.parametrize("words", [True, False])
def test_enable_tells_what_the_initrd_stops(machine, words):
    host = machine("linux")
    if not words:
        shutil.copy(HERE / "standin/recorder", host.root / "update-initramfs")
    done = host.run("enable", str(profile(host)))
    assert done.returncode == 0, done.stderr
    assert ("enable: note: initramfs-tools is not installed" in done.stdout) == words


@pytest.mark.parametrize("platform", PLATFORMS)
def test_enable_by_name_without_a_configuration(machine, platform):
    host = machine(platform, conf=None)
    host.put("etc/portcullis/profiles/work.ovpn", "remote 203.0.113.7\n", 0o600)
    assert host.run("enable", "work").returncode == 0
    assert f'profile = "{host.root}/etc/portcullis/profiles/work.ovpn"\n' in host.conf()
    refused = host.run("enable", "other")
    assert refused.returncode == 1 and "instead: portcullis enable FILE.ovpn" in refused.stderr


def test_what_launchd_gets(machine):
    host = machine("macos")
    assert host.run("enable", str(profile(host))).returncode == 0
    for name in ("lock", "daemon"):
        path = host.root / f"Library/LaunchDaemons/org.portcullis.{name}.plist"
        assert path.read_text() == f"<plist>{name}</plist>\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    rules = (host.root / "etc/portcullis/boot-lock.rules").read_text()
    assert rules.endswith("block drop out quick all\nblock drop in quick all\n") and "user = 0" in rules
    lines = [line for line in (host.root / "etc/portcullis/boot-lock.conf").read_text().splitlines() if line[0] != "#"]
    assert lines.index('anchor "org.portcullis"') < lines.index('anchor "com.apple/*"')
    assert lines.index('scrub-anchor "org.portcullis"') < lines.index('scrub-anchor "com.apple/*"')
    source = f'from "{host.root}/etc/portcullis/boot-lock.rules"'
    # The fallback too: if /etc/pf.conf is loaded after us, its line for com.apple calls the same rules.
    assert lines[-3:] == ['load anchor "com.apple" from "/etc/pf.anchors/com.apple"',
                          f'load anchor "org.portcullis" {source}', f'load anchor "com.apple/000.portcullis" {source}']


@pytest.mark.parametrize("name", ["boot-lock.rules", "boot-lock.conf"])
def test_rules_that_pfctl_refuses_leave_the_good_ones(machine, name):
    which = ORDER["macos"].index(f"pfctl -q -n -f /etc/portcullis/{name}.candidate")
    host = machine("macos")
    host.put("etc/portcullis/boot-lock.rules", "good\n")
    host.put("etc/portcullis/boot-lock.conf", "good\n")
    host.forget(**{f"n{which + 1}": 1})
    done = host.run("enable", str(profile(host)))
    assert host.calls()[-1] == f"pfctl -q -n -f /etc/portcullis/{name}.candidate"
    assert done.returncode == 1 and "pfctl does not accept the rules for the boot" in done.stderr
    assert (host.root / "etc/portcullis/boot-lock.conf").exists() is False or \
        (host.root / "etc/portcullis/boot-lock.conf").read_text() == "good\n"
    assert not list(host.root.rglob("*.candidate")) and not host.is_enabled()


def told_of_failure(host, done, before):
    """Whatever failed, the machine is as it was, or it is shut and the message says so."""
    shut = [call for call in host.calls() if call == SHUT[0]]
    if done.returncode == 0:
        assert host.is_enabled() and host.is_started()
        return "done"
    assert "\nportcullis: enable: " in "\n" + done.stderr, done.stderr
    if "SHUT" in done.stderr:
        assert shut and host.is_enabled()
        return "shut"
    after = {name: text for name, text in host.files().items() if "profiles/" not in name}
    assert after == before and not host.is_enabled() and not host.is_started()
    return "as it was"


def fail_at(folder, platform, call, how):
    host = Machine(folder, platform)
    try:
        path = profile(host)
        before = host.files()
        host.forget(**{f"n{call}": how})
        done = host.run("enable", str(path))
        assert len(host.calls()) >= call, done.stderr
        return told_of_failure(host, done, before)
    finally:
        host.server.listener.close()


def sound_ends(platform, ends):
    """How it may end, by the number of the call that fails: before the lock, as the machine was; after it, shut. A call
    that only queries may fail without harm."""
    lock = ORDER[platform].index(SHUT[0]) + 1
    before, after = ({end for n, end in ends.items() if (n > lock) == late} for late in (False, True))
    assert "shut" not in before and "as it was" not in after
    if len(ends) == len(ORDER[platform]):
        assert "as it was" in before and "shut" in after


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_call_of_enable_fails_in_turn(tmp_path, platform):
    numbers = range(1, len(ORDER[platform]) + 1)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        sound_ends(platform, dict(zip(numbers, pool.map(lambda n: fail_at(tmp_path / f"c{n}", platform, n, 1), numbers))))


@pytest.mark.parametrize("call", [1, 2, 6, 7, 15, 16])
def test_a_listing_cut_short_is_no_listing(tmp_path, call):
    assert fail_at(tmp_path / "m", "macos", call, "cut") == "as it was"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_enable_again_keeps_the_gate_shut(machine, platform):
    """As in an upgrade: the lock is requested before the old daemon ends, and nothing is opened in between."""
    host = machine(platform)
    path = str(profile(host))
    assert host.run("enable", path).returncode == 0
    host.forget()
    assert host.run("enable", path).returncode == 0
    calls = host.calls()
    ends = {"macos": f"launchctl bootout {DAEMON}", "freebsd": "service portcullis restart",
            "linux": "systemctl --quiet restart portcullis.service"}[platform]
    assert calls.index(SHUT[0]) < calls.index(ends)
    assert not [call for call in calls if "-x" in call or "disable" in call or "-delete" in call or "del" in call]
    assert host.is_enabled() and host.is_started() and host.conf().count("profile =") == 1
    host.forget(**{f"n{calls.index(SHUT[0]) + 1}": 1})
    assert host.run("enable", path).returncode == 1
    assert host.is_enabled() and host.is_started() and "Library" not in host.run("enable", "none").stderr


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_configuration_that_is_refused_comes_back(machine, platform):
    for conf in (CONF, None):
        host = machine(platform, conf=conf)
        path = profile(host)
        before = host.files()
        host.forget(**{f"n{ORDER[platform].index(CHECK[0]) + 1}": 1})
        done = host.run("enable", str(path))
        assert done.returncode == 1 and "refused for the test" in done.stderr and host.conf() == conf
        assert told_of_failure(host, done, before) == "as it was"
    host = machine(platform, conf='log { level = "x\n')
    done = host.run("enable", str(profile(host)))
    assert done.returncode == 1 and "instead: fix the file" in done.stderr
    assert not [call for call in host.calls() if call in SHUT]


def test_whom_it_serves(machine):
    host = machine("linux")
    host.root.chmod(0o755)
    (host.root / "control.sock").chmod(0o666)
    for command in (["enable", "home"], ["disable"]):
        done = host.run(*command, user=65534)
        assert done.returncode == 1 and f"instead: sudo portcullis {command[0]}" in done.stderr
    assert host.calls() == []
    assert "no profile is given" in host.run("enable").stderr
    shutil.rmtree(host.root / "run")
    done = host.run("enable", str(profile(host)))
    assert done.returncode == 1 and "systemd does not run on this machine; instead: " in done.stderr
    assert host.calls() == []


def test_a_daemon_that_others_can_change_is_not_started(machine):
    host = machine("macos")
    (host.root / "usr/local").chmod(0o777)
    done = host.run("enable", str(profile(host)))
    assert done.returncode == 1 and "/usr/local: others may write to it; instead: chmod go-w" in done.stderr
    (host.root / "usr/local").chmod(0o755)
    os.chown(host.root / "usr/local/sbin", 1000, -1)
    done = host.run("enable", str(profile(host)))
    assert done.returncode == 1 and "belongs to user 1000" in done.stderr and host.calls() == []
    os.chown(host.root / "usr/local/sbin", 0, -1)
    assert host.run("enable", str(profile(host))).returncode == 0


def test_a_link_to_a_daemon_that_others_can_change(machine, tmp_path):
    """As Homebrew links its programs: the folders that the link leads to are checked too."""
    host = machine("macos")
    host.daemon.rename(tmp_path / "portcullisd")
    tmp_path.chmod(0o777)
    host.daemon.symlink_to(tmp_path / "portcullisd")
    done = host.run("enable", str(profile(host)))
    assert done.returncode == 1 and f"{tmp_path}: others may write to it" in done.stderr and host.calls() == []
    tmp_path.chmod(0o755)
    assert host.run("enable", str(profile(host))).returncode == 0


@pytest.mark.parametrize("name", ["lock", "daemon"])
def test_service_files_that_others_can_change_are_not_installed(machine, name):
    """Such files name the programs that launchd runs as root at boot."""
    host = machine("macos")
    os.chown(host.root / "usr/local/share", 1000, -1)
    done = host.run("enable", str(profile(host)))
    assert done.returncode == 1 and "/usr/local/share belongs to user 1000" in done.stderr and host.calls() == []
    os.chown(host.root / "usr/local/share", 0, -1)
    os.chown(host.root / f"usr/local/share/portcullis/org.portcullis.{name}.plist", 1000, -1)
    done = host.run("enable", str(profile(host)))
    assert done.returncode == 1 and f"{name}.plist belongs to user 1000" in done.stderr and not host.is_enabled()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_daemon_that_does_not_answer(machine, platform):
    host = machine(platform, gate=None)
    done = host.run("enable", str(profile(host)))
    assert done.returncode == 1 and "portcullisd does not answer, and the machine is SHUT" in done.stderr
    assert "waiting for portcullisd, at most 15 s" in done.stdout


def test_a_lock_that_stays_locked_is_said(machine):
    host = machine("linux", gate=None)
    host.server = Server(host.root / "control.sock", answers(status("locked", tunnel="stopped")))
    done = host.run("enable", str(profile(host)))
    assert done.returncode == 3 and "gate       locked" in done.stdout


@pytest.mark.parametrize("platform", PLATFORMS)
def test_disable_gives_the_machine_back(machine, platform):
    host = machine(platform)
    path = str(profile(host))
    before = set(host.files())
    assert host.run("enable", path).returncode == 0
    host.forget()
    done = host.run("disable")
    assert done.returncode == 0, done.stderr
    assert not host.is_enabled() and not host.is_started() and "NOT PROTECTED" in done.stdout
    assert not os.path.exists("/run/portcullis/off"), "no marker that the next enable would stay open by"
    assert set(host.files()) - before == {"etc/portcullis/profiles/home.ovpn"}
    assert "/Users/_portcullis" in host.state["records"]
    host.put("var/log/portcullis/portcullis.log", "x")
    for state in ("var/db/portcullis/intent", "var/lib/portcullis/intent"):
        host.put(state, "up\n")
    done = host.run("disable", "--purge")
    assert done.returncode == 0, done.stderr
    assert not [name for name in host.state["records"] if "portcullis" in name or "openvpn" in name]
    assert not (host.root / "var/log/portcullis").exists() and not (host.root / "var/lib/portcullis").exists()
    assert host.run("disable", "--purge").returncode == 0, "once more is no failure"


# --- enable --confirm

UNCONFIRMED = "portcullis-unconfirmed"
ARMED = [f"systemctl --quiet enable {UNCONFIRMED}.service", f"systemctl --quiet stop {UNCONFIRMED}.timer",
         f"systemd-run --quiet --unit={UNCONFIRMED}.service --on-active=120s --timer-property=AccuracySec=100ms"]
CONFIRM = ("enable", "--confirm", "2m")


def waiting(host):
    """What waits to be confirmed: files, the unit of the next boot, the timer."""
    return ({path.name for path in host.root.glob("var/lib/portcullis/unconfirmed*")},
            f"{UNCONFIRMED}.service" in host.state["enabled"], f"{UNCONFIRMED}.timer" in host.state["loaded"])


NOTHING_WAITS = (set(), False, False)


def test_enable_until_it_is_confirmed(machine):
    """Armed before the lock; confirmed in time: it stays, and nothing takes it back any more."""
    host = machine("linux")
    done = host.run(*CONFIRM, str(profile(host)))
    assert done.returncode == 0 and "portcullis confirm" in done.stdout, done
    calls = host.calls()
    assert calls == ORDER["linux"][:ORDER["linux"].index(SHUT[0])] + ARMED + ORDER["linux"][ORDER["linux"].index(SHUT[0]):]
    assert waiting(host) == ({"unconfirmed", "unconfirmed.conf"}, True, True)
    assert stat.S_IMODE((host.root / "var/lib/portcullis/unconfirmed").stat().st_mode) == 0o600
    refused = host.run("enable", "home")
    assert refused.returncode == 1 and "portcullis confirm" in refused.stderr
    assert host.run("confirm", user=64000).returncode == 1
    assert waiting(host)[0]
    assert host.run("confirm").returncode == 0
    assert waiting(host) == NOTHING_WAITS and host.is_enabled() and host.is_started()
    late = host.run("confirm")
    assert late.returncode == 1 and "nothing waits" in late.stderr
    host.forget()
    done = host.run("disable", "--unconfirmed")
    assert done.returncode == 0 and host.is_enabled() and not host.calls(), done


@pytest.mark.parametrize("conf", [CONF, None])
def test_enable_that_is_not_confirmed_is_taken_back(machine, conf):
    """The machine is as before; and whoever confirms now is told that it is too late."""
    host = machine("linux", conf=conf)
    path = profile(host)
    before = set(host.files())
    assert host.run(*CONFIRM, str(path)).returncode == 0
    assert host.conf() != conf
    done = host.run("disable", "--unconfirmed")
    assert done.returncode == 0 and "NOT PROTECTED" in done.stdout, done
    assert host.conf() == conf and not host.is_enabled() and not host.is_started()
    assert waiting(host) == NOTHING_WAITS
    assert set(host.files()) - before == {"etc/portcullis/profiles/home.ovpn"}
    assert not os.path.exists("/run/portcullis/off") and not os.path.exists("/var/lib/portcullis/off")
    late = host.run("confirm")
    assert late.returncode == 1 and "nothing waits" in late.stderr
    assert host.run("enable", "home").returncode == 0, "once more, and without a confirmation"
    assert waiting(host) == NOTHING_WAITS and host.is_enabled()


def test_disable_ends_what_waits(machine):
    host = machine("linux")
    assert host.run(*CONFIRM, str(profile(host))).returncode == 0
    assert host.run("disable").returncode == 0
    assert waiting(host) == NOTHING_WAITS and not host.is_enabled()


def test_where_nobody_can_take_it_back(machine):
    """Refused before anything is changed: another init, no systemd-run, a machine that is enabled already, no time."""
    for platform in ("macos", "freebsd", "linux"):
        host = machine(platform)
        if platform == "linux":
            (host.root / "systemd-run").unlink()
        before = host.files()
        done = host.run(*CONFIRM, str(profile(host)))
        assert done.returncode == 1 and "instead: enable without --confirm" in done.stderr, done
        assert {name: text for name, text in host.files().items() if "home/" not in name} == before and not host.is_enabled()
        assert not [call for call in host.calls() if "dscl" in call or "pw " in call or call in SHUT]
    host = machine("linux")
    assert host.run("enable", str(profile(host))).returncode == 0
    done = host.run(*CONFIRM, "home")
    assert done.returncode == 1 and "enabled already" in done.stderr and host.is_enabled(), done
    for time in ("9s", "2d", "soon", ""):
        assert "no time to confirm in" in host.run("enable", "--confirm", time, "home").stderr


def confirm_fails_at(folder, call, how):
    """Before the lock nothing stays armed; after it, what waits takes it back."""
    host = Machine(folder, "linux")
    try:
        path = profile(host)
        before = host.files()
        host.forget(**{f"n{call}": how})
        done = host.run(*CONFIRM, str(path))
        end = told_of_failure(host, done, before)
        assert waiting(host) == (NOTHING_WAITS if end == "as it was" else ({"unconfirmed", "unconfirmed.conf"}, True, True))
        return end
    finally:
        host.server.listener.close()


def test_each_call_of_enable_until_confirmed_fails_in_turn(tmp_path):
    numbers = range(1, len(ORDER["linux"]) + len(ARMED) + 1)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda n: confirm_fails_at(tmp_path / f"c{n}", n, 1), numbers))
    assert {"as it was", "shut"} <= set(ends)


def taking_back_fails_at(folder, call):
    """It is open all the same, and the unit, which is started again, completes it."""
    host = Machine(folder, "linux")
    try:
        assert host.run(*CONFIRM, str(profile(host))).returncode == 0
        host.forget(**{f"n{call}": 1})
        done = host.run("disable", "--unconfirmed")
        if done.returncode != 0:
            assert "NOT PROTECTED" in done.stdout, done
            assert waiting(host)[0] >= {"unconfirmed.taken"}, "the next boot goes on with it"
            late = host.run("confirm")
            assert late.returncode == 1 and "too late" in late.stderr, late
            host.forget()
            assert host.run("disable", "--unconfirmed").returncode == 0
        assert waiting(host)[:2] == NOTHING_WAITS[:2], "a timer that could not be stopped starts what then does nothing"
        assert not host.is_enabled() and host.conf() == CONF
        return done.returncode
    finally:
        host.server.listener.close()


def test_each_call_of_taking_back_fails_in_turn(machine, tmp_path):
    host = machine("linux")
    assert host.run(*CONFIRM, str(profile(host))).returncode == 0
    host.forget()
    assert host.run("disable", "--unconfirmed").returncode == 0
    codes = [taking_back_fails_at(tmp_path / f"t{n}", n) for n in range(1, len(host.calls()) + 1)]
    assert 1 in codes


def require_lock():
    """The units that are stopped together with the lock's unit, as that unit says."""
    lines = (TOP / "init/systemd/portcullis-lock.service.in").read_text().splitlines()
    return [unit for line in lines if line.startswith("RequiredBy=") for unit in line.removeprefix("RequiredBy=").split()]


def test_the_network_s_own_services_run_on(machine):
    """The network's services require the lock, so stopping or restarting its unit stops them too. Neither `enable` nor
    `disable` may do that."""
    network = require_lock()
    assert "networking.service" in network
    host = machine("linux", loaded=list(network), require_lock=network)
    path = str(profile(host))
    for words in (("enable", path), ("enable", path), ("disable",), ("disable", "--purge")):
        assert host.run(*words).returncode == 0
        assert set(network) <= set(host.state["loaded"]), f"stopped by {words[0]}: {host.calls()}"
    subprocess.run([host.root / "systemctl", "stop", "portcullis-lock.service"], check=True)
    assert not set(network) & set(host.load()["loaded"]), "the stand-in's own control"


BROKEN_INITRD = "#!/bin/sh\necho 'no space left on /boot' >&2\nexit 1\n"


def test_disable_without_new_initrds(machine):
    """The initrds can't be built anew. One that still locks needs a daemon that honours root's `off`, so the units stay
    enabled, and the next `disable` completes it."""
    host = machine("linux")
    assert host.run("enable", str(profile(host))).returncode == 0
    both = sorted(host.state["enabled"])
    host.put("update-initramfs", BROKEN_INITRD, 0o755)
    done = host.run("disable")
    assert done.returncode == 1 and "NOT PROTECTED" not in done.stdout, done
    assert len(done.stderr.splitlines()) == 1 and "the units stay enabled" in done.stderr, done.stderr
    assert "no space left on /boot" in done.stderr and "SHUT; instead: fix that, then run portcullis disable again" in done.stderr
    assert sorted(host.state["enabled"]) == both and both
    shutil.copy(HERE / "standin/recorder", host.root / "update-initramfs")
    done = host.run("disable")
    assert done.returncode == 0 and "NOT PROTECTED" in done.stdout and not host.state["enabled"], done
    host.put("update-initramfs", BROKEN_INITRD, 0o755)
    assert host.run("disable").returncode == 1 and not host.state["enabled"], "what was not enabled is not now"


def test_enable_without_new_initrds(machine):
    """The initrds can be built neither with the lock nor, when that is undone, without it. The units stay enabled,
    because one of the initrds may lock, and the message says so."""
    host = machine("linux", conf=None)
    host.put("update-initramfs", BROKEN_INITRD, 0o755)
    done = host.run("enable", str(profile(host)))
    assert done.returncode == 1 and host.is_enabled() and not host.is_started(), done
    assert "may be SHUT from the next boot on; instead: fix that, then run portcullis disable" in done.stderr, done.stderr
    assert SHUT[0] not in host.calls()


def enabled(folder, platform):
    host = Machine(folder, platform)
    assert host.run("enable", str(profile(host))).returncode == 0
    host.forget()
    return host


def disable_calls(folder, platform):
    host = enabled(folder, platform)
    assert host.run("disable", "--purge").returncode == 0
    host.server.listener.close()
    assert len(host.calls()) >= 3
    return len(host.calls())


def disable_fails_at(host, call, how):
    try:
        host.forget(**{f"n{call}": how})
        done = host.run("disable", "--purge")
        if done.returncode != 0:
            assert done.stderr.startswith("portcullis: disable: "), done.stderr
            return "NOT PROTECTED" in done.stdout, host.is_enabled()
        assert not host.is_started() and not host.is_enabled()
        return None
    finally:
        host.server.listener.close()


def sound_gifts(ends):
    assert any(ends), "some failure was one"
    for opened, enabled in filter(None, ends):
        assert not (opened and enabled), "given back, and yet started again at the next boot"


# No `enable` runs beside a `disable`: `off` ends every portcullisd, including a stand-in.

@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_call_of_disable_fails_in_turn(tmp_path, platform):
    numbers = range(1, disable_calls(tmp_path / "c0", platform) + 1)
    hosts = [enabled(tmp_path / f"c{n}", platform) for n in numbers]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        sound_gifts(list(pool.map(disable_fails_at, hosts, numbers, [1] * len(hosts))))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_call_of_disable_hangs_in_turn(tmp_path, sampled, platform):
    """The cases run at the same time, because each waits for a deadline of its own."""
    numbers = sampled(range(1, disable_calls(tmp_path / "c0", platform) + 1), 6)
    hosts = [enabled(tmp_path / f"c{n}", platform) for n in numbers]
    with concurrent.futures.ThreadPoolExecutor(len(hosts)) as pool:
        sound_gifts(list(pool.map(disable_fails_at, hosts, numbers, ["hang"] * len(hosts))))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_call_of_enable_hangs_in_turn(tmp_path, sampled, platform):
    numbers = sampled(range(1, len(ORDER[platform]) + 1), 8)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        sound_ends(platform, dict(zip(numbers, pool.map(lambda n: fail_at(tmp_path / f"c{n}", platform, n, "hang"), numbers))))


# --- strict boot, from outside

SERVICES = {"Wi-Fi": True, "Thunderbolt Bridge": False, "iPhone USB": False, "USB 10/100/1000 LAN": True}


def note_of(host, *names):
    return host.put("var/lib/portcullis/strict-boot", "".join(name + "\n" for name in names), 0o600)


def test_off_switches_on_what_strict_boot_has_switched_off(machine):
    host = machine("macos", services={**SERVICES, "Wi-Fi": False, "USB 10/100/1000 LAN": False})
    note = note_of(host, "Wi-Fi", "USB 10/100/1000 LAN", "a removed one")
    assert host.run("off", "--offline").returncode == 0
    assert host.state["services"] == SERVICES and not note.exists()
    host.forget()
    assert host.run("off", "--offline").returncode == 0
    assert host.calls() == [], "nothing remembered, nothing asked"


@pytest.mark.parametrize("how", [1, "hang", "cut"])
def test_off_when_networksetup_fails(machine, how):
    host = machine("macos", services={**SERVICES, "Wi-Fi": False})
    note = note_of(host, "Wi-Fi")
    host.forget(n1=how)  # listing the services failed: they are enabled without the list
    assert host.run("off", "--offline").returncode == 0
    assert host.state["services"] == SERVICES and not note.exists()
    host.state["services"]["Wi-Fi"] = False
    host.save()
    note_of(host, "Wi-Fi")
    host.forget(n2=1)
    done = host.run("off", "--offline")
    assert done.returncode == 1 and 'instead: networksetup -setnetworkserviceenabled "Wi-Fi" on' in done.stderr
    assert note.exists()
    assert host.run("off", "--offline").returncode == 0 and host.state["services"] == SERVICES
    subprocess.run(["rm", "-f", "/run/portcullis/off"], check=True)
