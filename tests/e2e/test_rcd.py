"""FreeBSD's rc.d scripts, run with a small rc.subr and stand-ins: what they call, and what passes afterwards."""
import os
import re
import shutil
import subprocess

import pytest

from ipfw_world import BUILD, TESTS, Kernel, is_shut, is_state, passes

TOP = os.path.dirname(TESTS)
SCRIPTS = ("portcullis_lock", "portcullis_relock", "portcullis")
RECORDER = """#!/bin/sh
printf '%s\\n' "${0##*/} $*" >> "${0%/*}/calls.log"
[ ! -e "${0%/*}/fail.${0##*/}" ] || exit 1
case "${0##*/} $*" in
"pfctl -s info") echo "Status: $(cat "${0%/*}/pf.status" 2>/dev/null || echo Disabled) for 0 days" ;;
"pfctl -q -e") echo Enabled > "${0%/*}/pf.status" ;;
"portcullis rules"*) exec "%s/portcullis" "$@" ;;
esac
"""


class Machine:
    """The scripts as installed, with each absolute path of a tool replaced by that of a stand-in."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.kernel = Kernel(folder, module=False)
        for name in ("pfctl", "portcullisd", "portcullis"):
            path = self.path(name)
            if os.path.lexists(path):
                os.unlink(path)
            with open(path, "w", encoding="ascii") as file:
                file.write(RECORDER.replace("%s/portcullis", f"{BUILD}/portcullis"))
            os.chmod(path, 0o755)
        os.mkdir(self.path("rc.d"))
        for name in SCRIPTS:
            with open(f"{TOP}/init/rc.d/{name}", encoding="ascii") as file:
                text = file.read()
            text = text.replace(". /etc/rc.subr", f". {self.folder}/rc.subr").replace("/sbin/", f"{self.folder}/")
            text = text.replace("/usr/local/bin/", f"{self.folder}/").replace(f"/usr/local{self.folder}/",
                                                                              f"{self.folder}/")
            with open(self.path("rc.d", name), "w", encoding="ascii") as file:
                file.write(text)
        self.configure()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def configure(self, enable="YES", backend="ipfw"):
        with open(self.path("rc.conf"), "w", encoding="ascii") as file:
            file.write(f'portcullis_enable="{enable}"\nportcullis_backend="{backend}"\n'
                       f'portcullis_flags="-c {self.folder}/my.conf"\nportcullis_lock_dir="{self.folder}/lock"\n'
                       f'portcullis_run_dir="{self.folder}/run"\nportcullis_state_dir="{self.folder}/db"\n')

    def service(self, name, command="start", boot=False):
        """Runs a script as service(8) does; with `boot`, as /etc/rc does at boot, where a running shell reads it."""
        script = self.path("rc.d", name)
        line = ["sh", "-c", f"autoboot=yes; set -- faststart; set -- start; . {script}", script] if boot else \
            ["sh", script, command]
        return subprocess.run(line, env=dict(self.kernel.environment, RC_CONF=self.path("rc.conf")), check=False,
                              timeout=30, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def said(self):
        try:
            with open(self.path("calls.log"), encoding="ascii") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def fail(self, tool):
        with open(self.path(f"fail.{tool}"), "w", encoding="ascii"):
            pass

    def prepare(self):
        done = self.service("portcullis_lock", "prepare")
        assert done.returncode == 0, done

    def marker(self, where, mode=0o644):
        os.makedirs(self.path(where), exist_ok=True)
        with open(self.path(where, "off"), "w", encoding="ascii") as file:
            file.write("x\n")
        os.chmod(self.path(where, "off"), mode)


@pytest.fixture(name="machine")
def make_machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize("name", SCRIPTS)
def test_form(name):
    """The scripts contain what rcorder and rc.subr read, and every shell can parse them."""
    with open(f"{TOP}/init/rc.d/{name}", encoding="ascii") as file:
        text = file.read()
    assert os.access(f"{TOP}/init/rc.d/{name}", os.X_OK)
    assert f"# PROVIDE: {name}\n" in text and '\nrcvar="portcullis_enable"\n' in text
    assert text.rstrip().endswith('run_rc_command "$1"') and "\n. /etc/rc.subr\n" in text
    subprocess.run(["sh", "-n", f"{TOP}/init/rc.d/{name}"], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "-s", "sh", "-e", "SC1091,SC2034,SC2086,SC2154,SC2223,SC3043",
                        f"{TOP}/init/rc.d/{name}"], check=True)


# PROVIDE and REQUIRE of FreeBSD 13's and 14's own scripts, as far as they matter here.
BASE = {"FILESYSTEMS": ["root", "mountcritlocal", "cleanvar", "tmp"], "root": [], "mountcritlocal": ["root"],
        "cleanvar": ["mountcritlocal"], "tmp": ["mountcritlocal"], "netif": ["FILESYSTEMS", "sysctl"], "sysctl": [],
        "ppp": ["netif"], "ipfw": ["ppp"], "routing": ["netif", "ppp"], "pf": ["FILESYSTEMS", "netif", "routing"],
        "ldconfig": ["FILESYSTEMS"], "NETWORKING": ["netif", "routing", "ipfw"], "SERVERS": ["NETWORKING"],
        "DAEMON": ["SERVERS"], "LOGIN": ["DAEMON"], "devd": ["netif"]}


def test_order_at_boot():
    """As rcorder(8) would order them: the lock before any link, once more after the system's rules, the daemon before a
    log-in."""
    needs = {name: list(wanted) for name, wanted in BASE.items()}
    for name in SCRIPTS:
        with open(f"{TOP}/init/rc.d/{name}", encoding="ascii") as file:
            header = dict(re.findall(r"^# (PROVIDE|REQUIRE|BEFORE): (.*)$", file.read(), re.M))
        needs.setdefault(name, []).extend(header["REQUIRE"].split())
        for later in header.get("BEFORE", "").split():
            needs[later].append(name)
    order, seen = [], set()

    def visit(name, above=()):
        assert name not in above, f"a circle: {above} {name}"
        for needed in needs[name] if name not in seen else ():
            visit(needed, (*above, name))
        if name not in seen:
            seen.add(name)
            order.append(name)
    for name in needs:
        visit(name)
    at = order.index
    assert at("FILESYSTEMS") < at("portcullis_lock") < at("netif")
    assert max(at("pf"), at("ipfw")) < at("portcullis_relock") < at("portcullis") < at("LOGIN")


def test_boot_locks_with_the_systems_tools_alone(machine):
    machine.prepare()
    machine.fail("portcullisd")  # no code of ours is needed
    assert passes(machine.kernel.now(), "clear")  # the control: booted, but not locked yet
    done = machine.service("portcullis_lock", boot=True)
    assert done.returncode == 0 and "locked" in done.stdout, done
    assert is_state(machine.kernel.now(), "locked")
    assert not any(call.startswith("portcullisd") for call in machine.said())
    steps = machine.kernel.steps()
    assert all(is_shut(step) for step in steps), [step["line"] for step in steps]


def test_foreign_flush_after_the_boot_lock(machine):
    """rc.d/ipfw flushes everything and passes everything, long before the daemon looks: the floor still shuts."""
    machine.prepare()
    machine.service("portcullis_lock", boot=True)
    machine.kernel.manually("flush")
    machine.kernel.manually(*"add 65000 pass ip from any to any".split())
    assert is_shut(machine.kernel.now())
    assert machine.service("portcullis_relock", boot=True).returncode == 0
    assert machine.said()[-1] == f"portcullisd -L -c {machine.folder}/my.conf"


@pytest.mark.parametrize("spoilt", ["missing", "syntax", "ipfw"])
def test_boot_falls_back_to_portcullisd(machine, spoilt):
    machine.prepare()
    lock = machine.path("lock", "locked.ipfw")
    if spoilt == "missing":
        os.unlink(lock)
    elif spoilt == "syntax":
        with open(lock, "a", encoding="ascii") as file:
            file.write("add 1 set 26 allow nonsense\n")
    else:
        machine.kernel.fault("fail", 0, and_on=True)
    done = machine.service("portcullis_lock", boot=True)
    assert done.returncode == 0 and "locked by portcullisd" in done.stdout, done
    assert machine.said()[-1] == f"portcullisd -L -c {machine.folder}/my.conf"
    if spoilt == "syntax":
        assert is_shut(machine.kernel.now())  # what was loaded before, and the floor
    machine.fail("portcullisd")
    done = machine.service("portcullis_lock", boot=True)
    assert done.returncode == 1 and "NOT LOCKED" in done.stderr, done


def test_locked_twice_is_locked(machine):
    machine.prepare()
    for _ in range(2):
        assert machine.service("portcullis_lock", boot=True).returncode == 0
    floors = [rule for rule in machine.kernel.now()["rules"] if rule[1] == 31]
    assert len(floors) == 1 and is_state(machine.kernel.now(), "locked")
    assert machine.service("portcullis_lock", "status").returncode == 0
    steps = machine.kernel.steps()
    assert all(is_shut(step) for step in steps)


def test_boot_locks_pf(machine):
    machine.configure(backend="pf")
    machine.prepare()
    with open(machine.path("lock", "locked.pf"), encoding="ascii") as file:
        assert 'load anchor "org.portcullis"' in file.read()
    with open(machine.path("lock", "anchor.pf"), encoding="ascii") as file:
        assert "block" in file.read()
    before = len(machine.said())
    assert machine.service("portcullis_lock", boot=True).returncode == 0
    assert machine.said()[before:] == [f"pfctl -q -f {machine.folder}/lock/locked.pf", "pfctl -s info", "pfctl -q -e"]
    assert machine.service("portcullis_lock", boot=True).returncode == 0  # it is enabled already
    assert machine.said()[-1] == "pfctl -s info"
    machine.fail("pfctl")
    assert "locked by portcullisd" in machine.service("portcullis_lock", boot=True).stdout


def test_portcullisd_started_manually_locks_first(machine):
    machine.prepare()
    done = machine.service("portcullis_lock", "lock")
    assert done.returncode == 0 and "locked by portcullisd" in done.stdout, done
    assert not machine.kernel.steps()
    machine.fail("portcullisd")
    assert machine.service("portcullis_lock", "lock").returncode == 0
    assert is_state(machine.kernel.now(), "locked")


@pytest.mark.parametrize("where,boot,off", [("run", True, False), ("run", False, True), ("db", True, True),
                                            ("db", False, True)])
def test_off_marker(machine, where, boot, off):
    machine.prepare()
    machine.marker(where)
    before = len(machine.said())
    done = machine.service("portcullis_lock", boot=boot)
    assert done.returncode == 0
    assert ("NOT PROTECTED" in done.stderr) == off
    assert (bool(machine.kernel.steps()) or len(machine.said()) > before) != off


@pytest.mark.parametrize("wrong", ["writable", "not root's", "a link", "in a writable folder"])
def test_marker_that_does_not_count(machine, wrong):
    machine.prepare()
    machine.marker("db")
    path = machine.path("db", "off")
    if wrong == "writable":
        os.chmod(path, 0o666)
    elif wrong == "not root's":
        os.chown(path, 64000, 64000)
    elif wrong == "a link":
        os.rename(path, path + ".real")
        os.symlink(path + ".real", path)
    else:
        os.chmod(machine.path("db"), 0o777)
    machine.service("portcullis_lock", boot=True)
    assert is_state(machine.kernel.now(), "locked")


def test_not_enabled_does_nothing(machine):
    machine.prepare()
    machine.configure(enable="NO")
    before = len(machine.said())
    for name in SCRIPTS:
        assert machine.service(name).returncode != 0
    assert not machine.kernel.steps() and len(machine.said()) == before


def test_daemon_script(machine):
    """The daemon is started with its options; `stop` leaves the gate shut; `lock` does the same as `down` if the daemon
    runs."""
    assert machine.service("portcullis").returncode == 0
    assert machine.said() == [f"portcullisd -c {machine.folder}/my.conf"]
    assert machine.service("portcullis", "lock").returncode == 0
    assert machine.said()[-1] == f"portcullisd -L -c {machine.folder}/my.conf"
    assert machine.service("portcullis", "status").returncode != 0
    assert machine.service("portcullis", "nonsense").returncode != 0
    script = machine.path("as-daemon", "portcullisd")
    os.mkdir(os.path.dirname(script))
    shutil.copy("/bin/sleep", script)
    with subprocess.Popen([script, "60"]) as daemon:
        assert machine.service("portcullis", "status").returncode == 0
        assert machine.service("portcullis", "lock").returncode == 0
        assert machine.said()[-1] == "portcullis down"
        done = machine.service("portcullis", "stop")
        assert done.returncode == 0 and "stays shut" in done.stdout, done
        assert daemon.wait(10) == -15
    assert not any(word in call for call in machine.said() for word in ("off", "pfctl -d", "disable firewall"))
