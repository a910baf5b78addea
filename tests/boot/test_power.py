"""A Debian machine from power-on to power-off, judged by what its network card sends; first the same machine without
Portcullis."""
import contextlib
import glob
import json
import os
import re
import time

import pytest

from image import PACKAGE, change, make_image
from machine import LOGIN, Machine
from capture import PHASES, table, tried
from world import INTERNET4, ROUTER4

ENOUGH = 20  # this many frames of a phase show that it sends
BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
CALLER = os.path.join(BUILD, "test", "boot_caller")
IS_OPEN, SHUT, ABSENT = 0, 3, 4  # exit codes of `portcullis status`
figures = {}


@pytest.fixture(scope="module")
def without(directory):
    """The image without Portcullis."""
    return make_image(f"{directory}/without", CALLER)


@pytest.fixture(scope="module")
def guarded(directory, network):
    """The same image with Portcullis, and with each kernel that the base has."""
    return make_image(f"{directory}/guarded", CALLER, package(), network.profile(), kernels=("5.10", "6.1"))


def package():
    """The package that `make deb` built last."""
    return max(glob.glob(f"{BUILD}/deb/portcullis_*.deb"), key=os.path.getmtime)


@pytest.fixture(scope="module")
def managed(directory, network):
    """With Portcullis, and with NetworkManager in place of ifupdown."""
    return make_image(f"{directory}/managed", CALLER, package(), network.profile(), manager="NetworkManager")


@pytest.fixture(scope="module")
def managed_without(directory):
    return make_image(f"{directory}/managed-without", CALLER, manager="NetworkManager")


@contextlib.contextmanager
def captured(network, image, **more):
    """(machine, capture). The capture begins before the power is on and ends after the process has ended."""
    disk = more.pop("disk", None) or image.copy()
    capture = network.capture()
    begun = time.time()
    machine = Machine(network.ns, image, disk, directory=network.directory, **more)
    try:
        with machine:
            yield machine, capture
    finally:
        keep_console(machine)
        capture.stop()
    assert begun <= machine.on < machine.off
    assert all(machine.on < when < machine.off for when, _, _ in capture.frames), "frames outside of the machine's life"
    os.unlink(disk)


def keep_console(machine):
    """Keeps what the machine printed, with the seconds since power-on, for whoever examines a failure."""
    logs = os.path.join(BUILD, "check")
    os.makedirs(logs, exist_ok=True)
    name = re.sub(r"\W+", "-", os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].split(" ")[0]).strip("-")
    with open(f"{logs}/boot-{name}.log", "w", encoding="utf-8") as file:
        file.write(machine.console())


def assert_shut(capture, machine):
    clear = capture.clear()
    told = "\n  ".join(f"{when - machine.on:7.2f} {frame}" for when, frame in clear[:12])
    assert not clear, f"{len(clear)} frames left in clear:\n  {told}\n{table(tried(clear))}\n{machine.console()[-3000:]}"


def wait_up(machine, after=0.0):
    """Waits for the log-in prompt and for the unit that is started last; returns the prompt's time."""
    prompt = machine.wait_said(LOGIN, after)
    machine.wait_true("systemctl is-active boot-late.service boot-early.service", "the callers run")
    return prompt


def seconds_to_multi_user(machine):
    """By systemd's own clock, since the kernel started."""
    text = machine.run("systemctl show --property=ActiveEnterTimestampMonotonic --value multi-user.target")
    return int(text) / 1e6


def log_in(machine, after):
    """As a person at the console does."""
    machine.type("alice\n")
    machine.wait_said("Password:", after, 60)
    machine.type("opensesame\n")
    there = machine.wait_said("alice@guarded", after, 60)
    machine.type("echo in-$((40+2))\n")
    machine.wait_said("in-42", there, 60)
    machine.type("exit\n")
    machine.wait_said(LOGIN, there, 60)


def called(machine, kind):
    """How often the gate stopped something, by its own counter."""
    return int(re.search(r"packets (\d+)", machine.run(f"nft list counter inet portcullis {kind}")).group(1))


# --- the control

def test_without_portcullis(network, without, accelerator):
    """The control: frames of each phase are captured in the clear, from the initrd to the shutdown."""
    with captured(network, without, accelerator=accelerator) as (machine, capture):
        machine.wait_hand()
        prompt = wait_up(machine)
        figures["without"] = seconds_to_multi_user(machine)
        log_in(machine, prompt)
        machine.start("systemctl poweroff")
        machine.wait_off()
    counter = tried(capture.clear())
    print(f"\nwithout Portcullis, frames in clear:\n{table(counter)}")
    for phase in PHASES:
        seen = sum(count for (of, _), count in counter.items() if of == phase)
        assert seen >= ENOUGH, f"{phase}: {seen} frames"
    for way in ("DNS", "NTP", "mDNS", "HTTP"):
        assert counter[None, way], f"no program of the system's own sent {way}"
    assert min(when for when, _ in capture.clear()) < machine.said("calling-out: the initrd ends"), "nothing left the initrd"


# --- the proof

def test_from_power_on_to_power_off(network, guarded, accelerator):
    """0 frames in the clear through boot, log-in, restart, upgrade, reboot and power-off; the VPN is up before the
    log-in."""
    with captured(network, guarded, accelerator=accelerator) as (machine, capture):
        machine.wait_hand()
        prompt = wait_up(machine)
        connected = network.connections(machine.on)
        assert connected and connected[0] < prompt, "somebody could log in before the VPN was there"
        figures["ahead"] = prompt - connected[0]
        figures["with"] = seconds_to_multi_user(machine)
        assert machine.run("portcullis status", check=False)[0] == IS_OPEN
        log_in(machine, prompt)
        assert "Status: \"open" in machine.run("systemctl status portcullis.service")

        figures["stopped"] = called(machine, "blocked")
        assert figures["stopped"] > ENOUGH, "nothing tried to get out: nothing is shown"
        machine.run("systemctl restart portcullis.service")
        machine.wait_true("portcullis status", "the gate is open")

        upgrade(machine)
        machine.wait_true("portcullis status", "the gate is open")

        begun = time.time()
        machine.start("systemctl reboot")
        machine.wait_said("calling-out: the initrd ends", begun)
        machine.wait_hand()
        again = wait_up(machine, begun)
        assert begun < network.connections(begun)[0] < again
        machine.wait_true("portcullis status", "the gate is open")
        machine.start("systemctl poweroff")
        machine.wait_off()
    kinds = capture.counts()
    assert_shut(capture, machine)
    print(f"\nwith Portcullis, frames: 0 in clear, {dict(kinds)}; stopped inside by the first log-in: {figures['stopped']} packets; "
          f"connected {figures['ahead']:.1f} s before the log-in prompt")
    assert kinds["outer"] > 100 and kinds["dhcp"] >= 2 and kinds["arp"], f"the VPN was not used: {kinds}"
    if "without" in figures:
        print(f"multi-user: {figures['without']:.1f} s without, {figures['with']:.1f} s with: "
              f"{figures['with'] / figures['without']:.2f} x")


def upgrade(machine):
    """The package over itself: dpkg runs all the steps of an upgrade."""
    before = machine.run("pidof portcullisd")
    assert "Unpacking portcullis" in machine.run(f"dpkg -i {PACKAGE}", seconds=240)
    assert machine.run("pidof portcullisd") != before, "the new program does not run"


# --- what is broken

BROKEN = {
    # name: (what is done to the disk, what the journal says about it)
    "configuration": (["rm /etc/portcullis/portcullis.conf", "write {here}/broken.conf /etc/portcullis/portcullis.conf"],
                      "portcullis.conf:2"),
    "profile": (["rm /etc/portcullis/profiles/home.ovpn"], "home.ovpn"),
    "driver": (["rm /usr/libexec/portcullis-driver"], "portcullis-driver"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken(network, guarded, accelerator, directory, what):
    """The machine is shut with a broken configuration, without a profile, without a driver; a line in the journal says
    what to do."""
    commands, told = BROKEN[what]
    with open(f"{directory}/broken.conf", "w", encoding="ascii") as file:
        file.write('profile = "profiles/home.ovpn\n')
    disk = guarded.copy()
    change(disk, *(command.format(here=directory) for command in commands))
    with captured(network, guarded, disk=disk, accelerator=accelerator) as (machine, capture):
        machine.wait_hand()
        wait_up(machine)
        machine.wait_true(f"journalctl -b -u portcullis.service | grep -F '{told}'", "the journal tells")
        assert machine.run("portcullis status", check=False)[0] in (SHUT, ABSENT)
        machine.run("nft list table inet portcullis")
        machine.start("systemctl poweroff")
        machine.wait_off()
    assert_shut(capture, machine)
    assert not capture.counts()["outer"]


def test_no_tun(network, guarded, accelerator):
    """A kernel without a TUN driver: nothing is dialled, and the gate stays shut; the journal says what to do."""
    with captured(network, guarded, accelerator=accelerator, append="module_blacklist=tun") as (machine, capture):
        machine.wait_hand()
        wait_up(machine)
        machine.wait_true("journalctl -b -u portcullis.service | grep '/dev/net/tun.*instead: .*portcullis doctor'", "the journal tells")
        assert machine.run("portcullis status", check=False)[0] == SHUT
        assert "modprobe tun" in machine.run("portcullis doctor", check=False)[1]
        machine.start("systemctl poweroff")
        machine.wait_off()
    assert_shut(capture, machine)


def test_overrides(network, guarded, accelerator, directory):
    """Somebody's overrides of our units: a word that systemd does not know changes nothing; a program that does not
    exist leaves the machine shut. The journal names the file and says what to do, and so does the doctor."""
    lines = {"portcullis-lock": "[Unit]\nPortcullis=yes\n", "portcullis": "[Service]\nExecStart=\nExecStart=/opt/nowhere\n"}
    disk = guarded.copy()
    for unit, text in lines.items():
        with open(f"{directory}/{unit}.override", "w", encoding="ascii") as file:
            file.write(text)
        folder = f"/etc/systemd/system/{unit}.service.d"
        change(disk, f"mkdir {folder}", f"write {directory}/{unit}.override {folder}/my.conf")
    with captured(network, guarded, disk=disk, accelerator=accelerator) as (machine, capture):
        machine.wait_hand()
        wait_up(machine)
        machine.wait_true("journalctl -b | grep -F 'portcullis-lock.service.d/my.conf:2: Unknown'", "systemd names the word")
        assert machine.run("systemctl is-active portcullis-lock.service") == "active"
        machine.wait_true("journalctl -b | grep -F '/opt/nowhere'", "systemd names the program")
        machine.wait_true("journalctl -b -u portcullis-online.service | grep 'instead: start portcullisd'", "the journal tells")
        machine.run("nft list table inet portcullis")
        assert machine.run("portcullis status", check=False)[0] == ABSENT
        assert "portcullis-lock.service is changed by" in machine.run("portcullis doctor", check=False)[1]
        machine.start("systemctl poweroff")
        machine.wait_off()
    assert_shut(capture, machine)
    assert not capture.counts()["outer"]


def test_full_disk(network, guarded, accelerator):
    """At boot no block is free on the root file system: the gate is shut, and the VPN comes up nevertheless."""
    disk = guarded.copy()
    with captured(network, guarded, disk=disk, accelerator=accelerator) as (machine, capture):
        machine.wait_hand()
        wait_up(machine)
        machine.run("dd if=/dev/zero of=/filler bs=1M; sync; df / | tail -1 | grep -q 100%")
        begun = time.time()
        machine.start("systemctl reboot")
        machine.wait_hand()
        wait_up(machine, begun)
        assert "100%" in machine.run("df / | tail -1")
        machine.wait_true("portcullis status", "the gate is open")
        machine.start("systemctl poweroff")
        machine.wait_off()
    assert_shut(capture, machine)


def test_no_nftables(network, guarded, accelerator):
    """A kernel without nftables: there can be no lock, and no link is left up to send by; the journal says why."""
    with captured(network, guarded, accelerator=accelerator, append="module_blacklist=nf_tables") as (machine, capture):
        machine.wait_hand()
        wait_up(machine)
        assert machine.run("nft list ruleset", check=False)[0] != 0, "there are nftables: nothing is shown"
        machine.wait_true("journalctl -b -k | grep 'portcullis: not locked in the initrd'", "the journal tells of the initrd")
        machine.wait_true("journalctl -b -u portcullis.service | grep -i 'unprotected.*instead: '", "the journal tells what to do")
        assert "eth0" not in machine.run("ls /sys/class/net")
        machine.start("systemctl poweroff")
        machine.wait_off()
    assert_shut(capture, machine)
    assert not capture.frames, "without a lock not even what the lock lets through may pass"


# --- other kernels

CONTAINER = f"""
sysctl -qw net.ipv4.ip_forward=1
nft add table ip containers
nft 'add chain ip containers p {{ type nat hook postrouting priority 100; }}'
nft 'add rule ip containers p oifname "tun0" masquerade'
ip netns add container
ip link add vc0 type veth peer name eth0 netns container
ip address add 172.31.0.1/24 dev vc0
ip link set vc0 up
ip -n container address add 172.31.0.2/24 dev eth0
ip -n container link set eth0 up
ip -n container route add default via 172.31.0.1
"""
STOLEN = "STOLEN-ANSWER"
TALK = f"""
import os, socket, time
talk = socket.create_connection(("{INTERNET4}", 80), timeout=30)
talk.sendall(b"answered")
assert talk.recv(64) == b"answered"
open("/run/answered", "w").close()
while not os.path.exists("/run/stolen"):
    time.sleep(0.05)
talk.sendall(b"{STOLEN}")
talk.settimeout(5)
try:
    print(talk.recv(64))
except TimeoutError:
    print("no answer")
"""


def steal_a_containers_answers(machine):
    """A container's connection through the tunnel: its answers come back. When a route leads them to the uplink, they
    are stopped there (test_containers.py has the rest, with its controls)."""
    machine.run(f"set -e{CONTAINER}")
    machine.run(f"cat > /run/talk.py <<'END'{TALK}END")
    machine.run("ip netns exec container python3 /run/talk.py > /run/talk.out 2>&1 &")
    machine.wait_true("test -e /run/answered", "the container's answer")
    machine.run(f"ip route add 172.31.0.2 via {ROUTER4}")
    assert f"via {ROUTER4}" in machine.run(f"ip route get 172.31.0.2 from {INTERNET4} iif tun0"), "control: stolen"
    machine.run("touch /run/stolen")
    machine.wait_true("grep -q . /run/talk.out", "what became of it")
    assert machine.run("cat /run/talk.out") == "no answer"


@pytest.mark.parametrize("release", ["5.10", "6.1.0-4"])
def test_oldest_kernels(network, guarded, accelerator, release):
    """The oldest kernels in the archives of Debian 11 and 12. Before 5.16 there is no hook for frames that no
    protocol's rules see: what a packet socket sends is the documented deviation, and nothing else may be seen."""
    with captured(network, guarded, kernel=release, accelerator=accelerator) as (machine, capture):
        machine.wait_hand()
        wait_up(machine)
        assert machine.run("uname -r").startswith(release)
        machine.wait_true("portcullis status", "the gate is open")
        steal_a_containers_answers(machine)
        machine.start("systemctl poweroff")
        machine.wait_off()
    assert not [frame for _, frame in capture.clear() if STOLEN.encode() in frame.raw]
    ways = {way for _, way in tried(capture.clear())}
    if release == "5.10":
        assert ways == {"frame"}, f"in clear: {table(tried(capture.clear()))}"
    else:
        assert_shut(capture, machine)
    assert capture.counts()["outer"] > 100


# --- another manager of networks

def test_network_manager_without_portcullis(network, managed_without, accelerator):
    """The control: NetworkManager asks for names and addresses, and checks whether the network is connected, in the
    clear."""
    with captured(network, managed_without, accelerator=accelerator) as (machine, capture):
        machine.wait_hand()
        wait_up(machine)
        machine.wait_true("nmcli -g STATE general | grep -q connected", "NetworkManager is connected")
        machine.start("systemctl poweroff")
        machine.wait_off()
    counter = tried(capture.clear())
    print(f"\nNetworkManager without Portcullis, frames in clear:\n{table(counter)}")
    assert all(any(of == phase for of, _ in counter) for phase in PHASES)


def test_network_manager(network, managed, accelerator):
    """The same with Portcullis: 0 frames in the clear, although nftables.service runs `flush ruleset` when it starts
    and stops."""
    with captured(network, managed, accelerator=accelerator) as (machine, capture):
        machine.wait_hand()
        wait_up(machine)
        machine.wait_true("nmcli -g STATE general | grep -q connected", "NetworkManager is connected")
        machine.wait_true("portcullis status", "the gate is open")
        assert machine.run("systemctl is-active nftables.service") == "active"
        assert "table inet filter" in machine.run("nft list tables"), "its own rules are not there"
        machine.start("systemctl poweroff")
        machine.wait_off()
    assert_shut(capture, machine)
    assert capture.counts()["outer"] > 100


# --- off

def test_off_survives_the_service_manager(network, guarded, accelerator):
    """`off` stays off with Restart=always, while the daemon crashes in a loop, is stopped or is gone; with --persist
    also over a reboot."""
    gone = "! nft list table inet portcullis 2>/dev/null"

    with captured(network, guarded, accelerator=accelerator) as (machine, capture):
        machine.wait_hand()
        wait_up(machine)

        # in a loop: it exits at each start, and systemd starts it again
        machine.run("cp -p /etc/portcullis/portcullis.conf /root/; echo broken >/etc/portcullis/portcullis.conf")
        machine.run("systemctl kill -s KILL portcullis.service")
        machine.wait_true("[ $(systemctl show -p NRestarts --value portcullis.service) -ge 3 ]", "it loops")
        machine.run("nft list table inet portcullis")
        machine.run("portcullis off --offline")
        before = int(machine.run("systemctl show -p NRestarts --value portcullis.service"))
        machine.wait_true(f"[ $(systemctl show -p NRestarts --value portcullis.service) -ge {before + 3} ]", "it loops on")
        machine.run(gone)
        machine.run("cp -p /root/portcullis.conf /etc/portcullis/; systemctl reset-failed portcullis.service; "
                    "systemctl restart portcullis.service; portcullis up")
        machine.wait_true("portcullis status --wait=30s", "open again")

        # gone, and started again by the service manager
        machine.run("portcullis off --offline")
        machine.run("systemctl kill -s KILL portcullis.service", check=False)
        machine.wait_true("pidof portcullisd && portcullis status | grep -q off", "a new daemon knows")
        machine.run(gone)
        machine.run("portcullis up")
        machine.wait_true("portcullis status --wait=30s", "open again")

        # stopped, for longer than the watchdog waits or not
        machine.run("pkill -STOP -x portcullisd; portcullis off --offline")
        machine.run(gone)
        machine.wait_true("pidof portcullisd && timeout 5 portcullis status | grep -q off", "a new daemon knows", 120)
        machine.run(gone)
        machine.run("portcullis up")
        machine.wait_true("portcullis status --wait=30s", "open again")
        shut_until = time.time()

        # over a reboot, although the initrd has locked
        machine.run("portcullis off --persist")
        machine.run(gone)
        begun = time.time()
        machine.start("systemctl reboot")
        machine.wait_hand()
        wait_up(machine, begun)
        machine.run(gone)
        assert json.loads(machine.run("portcullis status --json", check=False)[1])["gate"] == "off"
        machine.start("systemctl poweroff")
        machine.wait_off()
    assert capture.clear(shut_until), "off, and nothing left"
