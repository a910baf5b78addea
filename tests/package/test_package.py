"""The Debian package: an installation opens and shuts nothing, an upgrade stays shut, a purge leaves nothing."""
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

from machine import CONFIGURATION
from netns import wait_for
from packages import TOP, changes, newer, package, version
from world import INTERNET4, NOBODY, send_udp

SENDER = """
import os, socket, sys
os.setgid(%d); os.setuid(%d)
names = [None, b"eth0"]
while True:
    for name in names:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            if name:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
            sock.sendto(b"ALWAYS", ("%s", 5300))
        except OSError:
            pass
        sock.close()
""" % (NOBODY, NOBODY, INTERNET4)


def gets_out(world, wire, token=b"CLEAR"):
    """Does a program's datagram leave in the clear?"""
    world.host.call(send_udp, INTERNET4, 5300, token, "eth0", uid=NOBODY)
    world.fence(wire)
    return bool(wire.seen(token))


@pytest.fixture
def sender(world):
    """A program that sends all the time, in every way there is."""
    process = world.host.popen(sys.executable, "-c", SENDER)
    yield process
    process.kill()
    process.wait()


# --- the package itself

def test_lint():
    """lintian reports nothing that is not overridden with a reason."""
    done = subprocess.run(["lintian", "--info", "--display-info", "--pedantic", "--fail-on", "error,warning,info,pedantic",
                           "--allow-root", changes()], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0 and done.stdout == "", done.stdout + done.stderr


def test_lint_can_fail(tmp_path):
    """The control: the same package without its licence."""
    subprocess.run(["dpkg-deb", "-R", package("old"), f"{tmp_path}/tree"], check=True)
    os.unlink(f"{tmp_path}/tree/usr/share/doc/portcullis/copyright")
    subprocess.run(["dpkg-deb", "-b", f"{tmp_path}/tree", f"{tmp_path}/portcullis.deb"], check=True, capture_output=True)
    done = subprocess.run(["lintian", "--allow-root", f"{tmp_path}/portcullis.deb"], capture_output=True, text=True, check=False,
                          timeout=60)
    assert "E: portcullis: no-copyright-file" in done.stdout, done.stdout


def test_versions_agree(machine):
    machine.install(package("new"))
    for program in ("portcullisd", "portcullis", "/usr/libexec/portcullis-driver"):
        assert machine.run(program, "--version").stdout.split()[1] == newer()


def test_install_starts_and_locks_nothing(machine, world):
    with world.wire("udp") as wire:
        assert gets_out(world, wire, b"BEFORE")
        machine.install(package("old"))
        assert machine.state() == "ii"
        assert machine.rules() == "" and world.host.pids() == []
        assert machine.enabled() == ["disabled", "disabled"]
        assert gets_out(world, wire, b"AFTER")
    assert machine.run("portcullis", "status", check=False).returncode == 4
    assert machine.run("dpkg", "--verify", "portcullis").stdout == ""
    for user in ("_portcullis", "_openvpn"):
        assert machine.run("getent", "passwd", user).stdout.endswith(":/:/usr/sbin/nologin\n")
    assert machine.run("getent", "group", "_openvpn").stdout.endswith(":\n")


def test_the_package_s_own_test(machine):
    """What autopkgtest would run."""
    machine.install(package("old"))
    shutil.copy(f"{TOP}/packaging/debian/tests/lock-and-off", machine.path("tmp/lock-and-off"))
    machine.run("/tmp/lock-and-off")


# --- removal and purge

def never(_machine):
    """Installed, but not enabled."""


def enabled(machine):
    machine.enable()


def disabled(machine):
    machine.enable()
    machine.run("systemctl", "disable", "portcullis-lock.service", "portcullis.service")


def switched_off(machine):
    """It was open; its owner has given `off`; the daemon still runs."""
    machine.enable()
    machine.start().wait(gate="open")
    machine.run("portcullis", "off")
    machine.wait(gate="off")


def ended(machine):
    """It was open; then `off --offline` was given, which needs no daemon."""
    machine.enable()
    machine.start().wait(gate="open")
    machine.run("portcullis", "off", "--offline")
    machine.daemon.wait(10)


@pytest.mark.parametrize("upgraded", [False, True], ids=["installed", "upgraded"])
@pytest.mark.parametrize("bring", [never, enabled, disabled, switched_off, ended], ids=lambda each: each.__name__)
def test_purge_leaves_nothing(machine, bring, upgraded):
    before = machine.files()
    machine.install(package("old"))
    bring(machine)
    if upgraded:
        machine.install(package("new"))
    there = machine.files()
    assert len(there) > len(before) + 20  # the comparison can notice something
    machine.run("dpkg", "--remove", "portcullis")
    left = {path for path in machine.files() if path not in before}
    assert not [path for path in left if path.startswith("usr/") or path.endswith(".service")], left
    if bring is not never:
        assert "etc/portcullis/profiles/home.ovpn" in left
    if machine.daemon:
        machine.daemon.poll() is not None or machine.stop()
    machine.run("dpkg", "--purge", "portcullis")
    after = machine.files()
    assert {path: (before.get(path), after.get(path)) for path in before.keys() | after.keys()
            if before.get(path) != after.get(path)} == {}
    assert machine.state() == "" and machine.rules() == ""


def test_remove_and_install_again(machine):
    """What the owner wrote survives a removal; that it was enabled does not."""
    machine.install(package("old"))
    enabled(machine)
    machine.install(package("new"))
    machine.run("dpkg", "--remove", "portcullis")
    machine.install(package("new"))
    assert machine.enabled() == ["disabled", "disabled"] and machine.rules() == ""
    machine.run("portcullisd", "-n")


LOCK = "etc/systemd/system/sysinit.target.wants/portcullis-lock.service"


def initrd_tool(machine, code):
    """Stands in for update-initramfs: notes how it was called, and whether the lock was enabled."""
    machine.write("usr/local/sbin/update-initramfs", f'#!/bin/sh\n[ -L /{LOCK} ] && lock=enabled || lock=gone\n'
                  f'echo "$* $lock" >>/tmp/initrd\nexit {code}\n', 0o755)


def test_no_initrd_of_an_earlier_life_keeps_the_lock(machine):
    """Disabled manually: no unit is enabled any more, but an initrd may still lock. If it can't be renewed, the package
    stays."""
    machine.install(package("old"))
    disabled(machine)
    initrd_tool(machine, 1)
    done = machine.run("dpkg", "--remove", "portcullis", check=False)
    assert done.returncode != 0 and "update-initramfs -u -k all" in done.stderr, done
    assert machine.state()[1:] == "i" and machine.enabled() == ["disabled", "disabled"]
    initrd_tool(machine, 0)
    machine.run("dpkg", "--remove", "portcullis")
    assert machine.read("tmp/initrd").splitlines().count("-u -k all gone") == 2


def test_a_machine_without_our_hook_is_spared_new_initrds(machine):
    machine.install(package("old"))
    os.unlink(machine.path("usr/share/initramfs-tools/hooks/portcullis"))
    initrd_tool(machine, 0)
    machine.run("dpkg", "--remove", "portcullis")
    assert "-k all" not in machine.read("tmp/initrd")


def without_notes(files):
    """What deb-systemd-helper remembers of an enabled unit is its own; a purge removes it."""
    return {path: each for path, each in files.items() if not path.startswith("var/lib/systemd/deb-systemd-helper")}


def test_no_initrd_keeps_the_lock(machine):
    """The initrd of every kernel is renewed; dpkg's own trigger would renew only the newest."""
    initrd_tool(machine, 0)
    machine.install(package("old"))
    enabled(machine)
    machine.run("dpkg", "--remove", "portcullis")
    assert "-u -k all gone" in machine.read("tmp/initrd").splitlines()


def test_an_initrd_that_can_t_be_renewed_keeps_the_package(machine):
    """Otherwise the next boot would be shut, and nothing would be installed that can open it."""
    machine.install(package("old"))
    enabled(machine)
    before = without_notes(machine.files())
    initrd_tool(machine, 1)
    done = machine.run("dpkg", "--remove", "portcullis", check=False)
    assert done.returncode != 0 and "update-initramfs -u -k all" in done.stderr, done
    assert machine.state()[1:] == "i" and machine.enabled() == ["enabled", "enabled"]
    os.unlink(machine.path("usr/local/sbin/update-initramfs"))
    assert without_notes(machine.files()) == before
    initrd_tool(machine, 0)
    machine.run("dpkg", "--remove", "portcullis")
    assert machine.enabled() != ["enabled", "enabled"]


# --- nothing but pause and off opens the gate, so no package manager does

def is_open(machine):
    machine.start().wait(gate="open")


def is_down(machine):
    machine.start().wait(gate="open")
    machine.run("portcullis", "down", "--wait")


def is_paused(machine):
    machine.start().wait(gate="open")
    machine.run("portcullis", "pause", "10m")
    machine.wait(gate="paused")


def is_locked_alone(machine):
    """By the boot lock, without a daemon."""
    machine.run("portcullisd", "-L")


def is_locked_by_a_dead_daemon(machine):
    machine.start().wait(gate="open")
    machine.stop(signal.SIGKILL)


@pytest.mark.parametrize("bring", [is_open, is_down, is_paused, is_locked_alone, is_locked_by_a_dead_daemon],
                         ids=lambda each: each.__name__)
def test_removal_of_a_shut_machine_is_refused(machine, world, bring):
    machine.install(package("old"))
    machine.enable()
    bring(machine)
    rules = machine.rules()
    assert "table inet portcullis" in rules
    with world.wire("udp") as wire:
        for verb in ("--remove", "--purge"):
            done = machine.run("dpkg", verb, "portcullis", check=False)
            assert done.returncode != 0 and "portcullis disable" in done.stderr, done
            # Its removal is wanted, but it is installed: "ri", "pi".
            assert machine.state()[1:] == "i" and machine.enabled() == ["enabled", "enabled"]
            assert "table inet portcullis" in machine.rules()
        if bring is not is_paused:
            assert not gets_out(world, wire)
            wire.assert_clean()
        machine.run("portcullis", "off", "--offline")
        assert gets_out(world, wire, b"CONTROL")
    machine.run("dpkg", "--purge", "portcullis")
    assert machine.state() == "" and machine.rules() == ""


def test_a_deconfiguration_is_no_removal(machine, world):
    """Another package breaks ours, and the package manager deconfigures ours to resolve that: everything stays."""
    machine.install(package("old"))
    machine.enable()
    is_open(machine)
    initrd_tool(machine, 0)
    machine.write("tmp/breaker/DEBIAN/control", "Package: breaker\nVersion: 1\nArchitecture: all\nBreaks: portcullis\n"
                  "Maintainer: x <x@example.org>\nDescription: x\n")
    machine.run("dpkg-deb", "-b", "/tmp/breaker", "/tmp/breaker.deb")
    machine.run("dpkg", "--auto-deconfigure", "--install", "/tmp/breaker.deb", check=False)
    assert machine.state() == "iF", "it was deconfigured at all"
    assert machine.enabled() == ["enabled", "enabled"] and "-k all" not in machine.read("tmp/initrd")
    assert machine.daemon.poll() is None and world.host.pids("portcullisd")
    machine.wait(gate="open")
    machine.run("dpkg", "--remove", "breaker")
    machine.run("dpkg", "--configure", "portcullis")
    assert machine.state() == "ii" and machine.enabled() == ["enabled", "enabled"]


# --- in a tree that is not the machine

def in_container(machine, *words, **more):
    """Runs a command in the same tree as if it were a machine of its own, where the tree is the root of process 1."""
    return machine.host.run("unshare", "--mount", "--pid", "--fork", *machine.words(
        "sh", "-c", 'mount -t proc proc /proc && "$@"; exit $?', "sh", *words), **more)


def test_a_chroot_is_not_asked_for_the_machine_s_gate(machine):
    """In a chroot the package was never enabled: the gate in the kernel is that of the machine around it, and stays."""
    machine.install(package("old"))
    machine.run("portcullisd", "-L", check=False)
    rules = machine.rules()
    assert "table inet portcullis" in rules
    done = in_container(machine, "dpkg", "--remove", "portcullis", check=False)
    assert done.returncode != 0 and "portcullis disable" in done.stderr and machine.state()[1:] == "i", done
    machine.run("dpkg", "--purge", "portcullis")
    assert machine.state() == "" and machine.rules() == rules


OTHER = "/mnt/other"


def test_a_tree_below_dpkg_s_root(machine):
    """Its scripts run outside the tree (--force-script-chrootless): the machine around it keeps everything of its
    own."""
    def dpkg(*words, **more):
        return machine.run("dpkg", f"--root={OTHER}", "--force-script-chrootless", "--force-depends", *words, **more)
    machine.install(package("old"))
    machine.enable()
    is_open(machine)
    initrd_tool(machine, 1)
    before = without_notes(machine.files())
    for folder in ("updates", "info"):
        os.makedirs(machine.path(f"{OTHER}/var/lib/dpkg/{folder}"))
    os.makedirs(machine.path(f"{OTHER}/etc"))
    machine.write(f"{OTHER}/var/lib/dpkg/status", "")
    dpkg("--install", "/tmp/portcullis.deb")
    assert os.path.exists(machine.path(f"{OTHER}/usr/sbin/portcullisd"))
    machine.write(f"{OTHER}/etc/portcullis/portcullis.conf", CONFIGURATION)
    machine.write(f"{OTHER}/var/log/portcullis/portcullis.log", "x")
    machine.run("systemctl", f"--root={OTHER}", "enable", "portcullis.service")
    assert machine.read(f"{OTHER}/etc/passwd").startswith("_portcullis:")
    dpkg("--remove", "portcullis")
    assert not [name for _, _, names in os.walk(machine.path(f"{OTHER}/etc/systemd")) for name in names]
    dpkg("--purge", "portcullis")
    for folder in ("etc", "var/lib", "var/log", "run"):
        assert not os.path.exists(machine.path(f"{OTHER}/{folder}/portcullis")), folder
    shutil.rmtree(machine.path(OTHER))
    assert without_notes(machine.files()) == before
    assert machine.read("tmp/initrd") == "" and machine.enabled() == ["enabled", "enabled"] and machine.state() == "ii"
    machine.wait(gate="open")


# --- from one version to another

# Stands in for systemctl: notes what a running systemd is asked to do, and answers as the files in /tmp say.
SYSTEMCTL = """#!/bin/sh
case "$*" in
*is-enabled*) exec /usr/bin/systemctl "$@" ;;
*is-active*) cat /tmp/active; [ "$(cat /tmp/active)" = active ]; exit ;;
esac
echo "systemctl $*" >>/tmp/calls
case "$*" in *restart*) . /tmp/restart ;; esac
"""
# Stands in for timeout: notes how long it was asked to wait, but waits one second only.
TIMEOUT = """#!/bin/sh
echo "timeout $1" >>/tmp/calls
shift
exec /usr/bin/timeout 1 "$@"
"""
RESTART = "systemctl --quiet --system restart portcullis.service"


def systemd(machine, active, restart="exit 0"):
    os.makedirs(machine.path("run/systemd/system"))
    machine.write("tmp/active", f"{active}\n")
    machine.write("tmp/restart", f"{restart}\n")
    machine.write("usr/local/sbin/systemctl", SYSTEMCTL, 0o755)
    machine.write("usr/local/sbin/timeout", TIMEOUT, 0o755)
    for tool in ("systemd-sysusers", "systemd-tmpfiles"):
        machine.write(f"usr/local/sbin/{tool}", f'#!/bin/sh\necho "{tool} $*" >>/tmp/calls\nexec /usr/bin/{tool} "$@"\n', 0o755)


def calls(machine):
    return machine.read("tmp/calls").splitlines()


@pytest.mark.parametrize("active", ["active", "activating", "reloading", "inactive", "failed"])
def test_an_upgrade_restarts_what_runs(machine, active):
    """It also restarts a unit that is `activating`, which an unprotected one is. Users and folders are created first,
    then the program that needs them is started."""
    machine.install(package("old"))
    machine.enable()
    systemd(machine, active)
    done = machine.install(package("new"))
    assert machine.state() == "ii" and "portcullis: " not in done.stderr
    if active in ("inactive", "failed"):
        assert RESTART not in calls(machine)
        return
    assert calls(machine).count(RESTART) == 1
    order = [calls(machine).index(call) for call in (
        "systemd-sysusers portcullis.conf", "systemd-tmpfiles --create portcullis.conf", "systemctl --system daemon-reload",
        "timeout 60", RESTART)]
    assert order == sorted(order), calls(machine)


@pytest.mark.parametrize("restart", ["exit 1", "exec sleep 600"], ids=["fails", "hangs"])
def test_a_restart_that_fails_is_told_in_a_line(machine, restart):
    """A restart that fails is reported in one line, and dpkg completes the upgrade."""
    machine.install(package("old"))
    machine.enable()
    systemd(machine, "active", restart)
    done = machine.install(package("new"))
    told = [line for line in done.stderr.splitlines() if line.startswith("portcullis: ")]
    assert len(told) == 1 and "instead: see 'systemctl status portcullis'" in told[0], done.stderr
    assert machine.state() == "ii" and RESTART in calls(machine)


def test_the_first_installation_restarts_nothing(machine):
    systemd(machine, "active")
    machine.install(package("old"))
    assert calls(machine) and RESTART not in calls(machine)


WAYS = {"upgrade": ("old", "new"), "downgrade": ("new", "old"), "again": ("old", "old")}


def number(which):
    return {"old": version(), "new": newer()}[which]


@pytest.mark.parametrize("way", WAYS)
def test_open_over_an_upgrade(machine, world, sender, way):
    """The old daemon holds the gate until the new one takes it over. Programs send all the time, in vain."""
    first, second = WAYS[way]
    with world.wire("udp") as wire:
        wait_for(lambda: wire.seen(b"ALWAYS"), "the sender on the wire, while nothing is protected")
    machine.install(package(first))
    machine.enable()
    machine.run("portcullisd", "-L")
    with world.wire("udp") as wire:
        machine.start().wait(gate="open", version=number(first))
        machine.install(package(second))
        assert machine.daemon.poll() is None and machine.enabled() == ["enabled", "enabled"]
        machine.wait(gate="open", version=number(first))
        assert machine.stop() == 0
        assert "table inet portcullis" in machine.rules()
        machine.start().wait(gate="open", version=number(second))
        assert machine.stop() == 0
        assert sender.poll() is None
        world.fence(wire)
        wire.assert_clean()
        machine.run("portcullis", "off", "--offline")
        wait_for(lambda: wire.seen(b"ALWAYS"), "the sender on the wire, after off")


def test_a_driver_of_another_version_is_refused(machine, world, sender):
    """The driver dies between the two halves of an upgrade: the one that is installed now is not used, and one line
    says so."""
    machine.install(package("old"))
    machine.enable()
    machine.run("portcullisd", "-L")
    with world.wire("udp") as wire:
        machine.start().wait(gate="open")
        machine.install(package("new"))
        (driver,) = world.host.pids("portcullis-driver")
        os.kill(driver, signal.SIGKILL)
        wait_for(lambda: "another version" in machine.log(), lambda: f"the refusal in the log: {machine.log()}")
        assert f"{newer()}" in machine.log() and version() in machine.log()
        told = machine.run("portcullis", "status", check=False)
        assert told.returncode in (1, 3), told
        assert machine.daemon.poll() is None and "table inet portcullis" in machine.rules()
        assert machine.stop() == 0
        machine.start().wait(gate="open", version=newer())
        assert sender.poll() is None
        world.fence(wire)
        wire.assert_clean()


def replaced(machine, before):
    try:
        return os.stat(machine.path("usr/sbin/portcullisd")).st_ino != before
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("whom", ["dpkg", "dpkg-and-daemon"])
@pytest.mark.parametrize("when", ["unpacking", "configuring"])
def test_killed_in_the_middle_of_an_upgrade(machine, world, sender, when, whom):
    """SIGKILL to dpkg and to the daemon: the machine is shut, and the next try repairs everything."""
    machine.install(package("old"))
    machine.enable()
    machine.run("portcullisd", "-L")
    if when == "configuring":
        # Its script is stopped at this point, and dpkg is killed while it waits for the script.
        machine.write("usr/local/sbin/systemd-sysusers", "#!/bin/sh\nkill -STOP $$\n", 0o755)
    before = os.stat(machine.path("usr/sbin/portcullisd")).st_ino
    shutil.copyfile(package("new"), machine.path("tmp/new.deb"))
    with world.wire("udp") as wire:
        machine.start().wait(gate="open")
        process = machine.popen("dpkg", "--install", "/tmp/new.deb", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if when == "configuring":
            wait_for(lambda: world.host.pids("systemd-sysuser"), "the package's script at its work")
        else:
            wait_for(lambda: replaced(machine, before) or process.poll() is not None, "the new program in its place")
        process.kill()
        assert process.wait(10) == -signal.SIGKILL, "dpkg was too fast to be killed"
        if whom == "dpkg-and-daemon":
            machine.stop(signal.SIGKILL)
        for pid in world.host.pids("systemd-sysuser", "portcullis.post"):
            os.kill(pid, signal.SIGKILL)
        assert "table inet portcullis" in machine.rules()
        assert machine.state() != "ii"
        world.fence(wire)
        wire.assert_clean()
        if when == "configuring":
            os.unlink(machine.path("usr/local/sbin/systemd-sysusers"))
        machine.install(package("new"))
        assert machine.state() == "ii" and machine.enabled() == ["enabled", "enabled"]
        machine.daemon.poll() is not None or machine.stop()
        machine.start().wait(gate="open", version=newer())
        world.fence(wire)
        wire.assert_clean()


def test_off_survives_an_upgrade(machine, world):
    machine.install(package("old"))
    switched_off(machine)
    with world.wire("udp") as wire:
        machine.install(package("new"))
        assert machine.stop() == 0
        machine.start().wait(gate="off", version=newer())
        assert machine.rules() == "" and gets_out(world, wire)
    machine.run("portcullis", "up", "--wait")
    with world.wire("udp") as wire:
        assert not gets_out(world, wire, b"AGAIN")


# --- the tarball builds by itself

def test_tarball_is_the_same_twice(tmp_path):
    made = []
    for name in ("one", "two"):
        subprocess.run([f"{TOP}/packaging/dist.sh", version(), f"{tmp_path}/{name}"], check=True, capture_output=True)
        with open(f"{tmp_path}/{name}/portcullis-{version()}.tar.gz", "rb") as file:
            made.append(file.read())
    assert made[0] == made[1] and len(made[0]) > 100000


def test_tarball_builds_and_tests_itself():
    """The tarball builds and passes its unit tests in another place, without git, by a user who is not root."""
    # Loopback, in this namespace: every machine that builds has it.
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    tmp_path = tempfile.mkdtemp()
    os.chmod(tmp_path, 0o755)
    subprocess.run([f"{TOP}/packaging/dist.sh", version(), str(tmp_path)], check=True, capture_output=True)
    subprocess.run(["tar", "-xzf", f"portcullis-{version()}.tar.gz"], cwd=tmp_path, check=True)
    tree = f"{tmp_path}/portcullis-{version()}"
    subprocess.run(["chown", "-R", str(NOBODY), tree], check=True)
    done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "make", "-j2", "all", "unit"],
                          cwd=tree, capture_output=True, text=True, check=False, timeout=400, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert os.access(f"{tree}/build/portcullisd", os.X_OK)


# --- for other systems' packagers

def test_formula_and_port(tmp_path):
    """The formula and the port are filled in for a tarball: its checksum and size are there, no placeholder is left,
    and Ruby accepts the formula."""
    subprocess.run([f"{TOP}/packaging/formula.sh", version(), tmp_path, f"https://example.org/p/portcullis-{version()}.tar.gz"],
                   check=True, capture_output=True)
    tarball = tmp_path / f"portcullis-{version()}.tar.gz"
    total = hashlib.sha256(tarball.read_bytes()).hexdigest()
    formula = (tmp_path / "packaging/portcullis.rb").read_text()
    assert f'sha256 "{total}"' in formula and "@" not in re.sub(r"@\d", "", formula)
    distinfo = (tmp_path / "packaging/freebsd/distinfo").read_text()
    assert total in distinfo and f"= {tarball.stat().st_size}\n" in distinfo
    port = (tmp_path / "packaging/freebsd/Makefile").read_text()
    assert f"DISTVERSION=\t{version()}\n" in port and "MASTER_SITES=\thttps://example.org/p/\n" in port and "@FreeBSD.org" in port
    if not shutil.which("ruby"):
        pytest.skip("no ruby to read the formula")
    assert subprocess.run(["ruby", "-c", tmp_path / "packaging/portcullis.rb"], capture_output=True, text=True,
                          check=True).stdout == "Syntax OK\n"


def test_port_s_list_is_what_is_installed(tmp_path):
    """The port's list has what `make install` installs on FreeBSD. The three programs, which can't be built here, are
    listed by name."""
    subprocess.run(["make", "-s", "install-data", "PLATFORM=freebsd", "PREFIX=/usr/local", "SYSCONFDIR=/usr/local/etc",
                    f"DESTDIR={tmp_path}/root", f"BUILD={tmp_path}/build"], cwd=TOP, check=True, capture_output=True)
    there = {os.path.relpath(path, tmp_path / "root/usr/local") for path in (tmp_path / "root").rglob("*") if not path.is_dir()}
    there |= {"bin/portcullis", "sbin/portcullisd", "libexec/portcullis-driver"}
    with open(f"{TOP}/packaging/freebsd/pkg-plist", encoding="ascii") as file:
        listed = {line.strip().removeprefix("@sample ") for line in file}
    assert {path + ".gz" if path.startswith("share/man/") else path for path in there} == listed
