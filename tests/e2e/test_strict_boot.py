"""Strict boot in the real gate, with macOS's port of it and a stand-in for networksetup: Wi-Fi is off whenever the
daemon has ended, and on again only after a verified lock, whatever is interrupted. The last test is about a boot lock
that does not read the marker of `off`."""
import fcntl
import json
import os
import shutil
import signal

import pytest

from daemon import BUILD, GROUP, USER
from netns import wait_for
from test_service import HERE, SERVICES
from world import ROOT

OFF = {name: False for name in SERVICES}


class Network:
    """The stand-in's folder, and the programs that use it."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(f"{folder}/programs")
        shutil.copy(HERE / "standin/recorder", f"{folder}/networksetup")
        for name in ("portcullis", "portcullis-driver", "test/strict/portcullisd"):
            shutil.copy(f"{BUILD}/{name}", f"{folder}/programs")
        self.note = f"{folder}/var/lib/portcullis/strict-boot"
        self.write(calls=[], faults={}, services=SERVICES, watch_nft=True, locked=[])

    def write(self, **values):
        with open(f"{self.folder}/standin.json", "w", encoding="utf-8") as file:
            json.dump(values, file)

    def read(self):
        """Under the file's lock, because the stand-in writes its file in place."""
        with open(f"{self.folder}/standin.json", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return json.load(file)

    def change(self, **values):
        self.write(**{**self.read(), **values})

    def services(self):
        return self.read()["services"]


@pytest.fixture(name="network")
def fixture_network(tmp_path_factory, request):
    folder = f"{ROOT}/strict-{abs(hash(request.node.name))}"
    os.makedirs(folder)
    yield Network(folder)
    shutil.rmtree(folder)
    del tmp_path_factory


def install(portcullis, network, strict="true"):
    return portcullis("udp", programs=f"{network.folder}/programs", settings={"strict-boot": strict},
                      environment={"PORTCULLIS_STANDIN": network.folder})


def test_off_at_the_end_on_behind_the_lock(portcullis, network):
    gate = install(portcullis, network).start_open()
    assert network.read()["calls"] == [] and network.services() == SERVICES
    assert gate.stop() == 0
    assert network.services() == OFF
    with open(network.note, encoding="utf-8") as file:
        assert file.read() == "Wi-Fi\nUSB 10/100/1000 LAN\n"
    assert os.stat(network.note).st_mode & 0o777 == 0o600
    assert all(locked for _, word, locked in network.read()["locked"] if word == "off")
    # As after a reboot no rule is left. By the time the network comes back, all must be there again.
    gate.host.run("nft", "delete", "table", "inet", "portcullis")
    network.change(locked=[])
    gate.start_open()
    assert network.services() == SERVICES and not os.path.exists(network.note)
    assert network.read()["locked"] == [["Wi-Fi", "on", True], ["USB 10/100/1000 LAN", "on", True]]


def test_only_if_it_is_wanted(portcullis, network):
    gate = install(portcullis, network, strict="false").start_open()
    assert gate.stop() == 0
    assert network.read()["calls"] == [] and not os.path.exists(network.note)


def test_off_stays_off_with_its_network(portcullis, network):
    gate = install(portcullis, network).start_open()
    assert gate.ctl("off").returncode == 0
    assert gate.stop() == 0
    assert network.services() == SERVICES and not os.path.exists(network.note)


def test_a_torn_end_is_mended(portcullis, network):
    """networksetup hangs at the second service, and the daemon is killed: the first service comes back nevertheless."""
    gate = install(portcullis, network).start_open()
    network.change(faults={"3": "hang"})
    gate.process.send_signal(signal.SIGTERM)
    wait_for(lambda: len(network.read()["calls"]) == 3, "the call that hangs")
    gate.kill()
    assert network.services() == {**SERVICES, "Wi-Fi": False}
    network.change(calls=[], faults={})
    gate.start_open()
    assert network.services() == SERVICES and not os.path.exists(network.note)
    # An end that finds an older note adds to it.
    network.change(services={**SERVICES, "Wi-Fi": False})
    with open(network.note, "w", encoding="utf-8") as file:
        file.write("Wi-Fi\n")
    assert gate.stop() == 0
    with open(network.note, encoding="utf-8") as file:
        assert file.read() == "Wi-Fi\nUSB 10/100/1000 LAN\n"
    gate.start_open()
    assert network.services() == SERVICES


@pytest.mark.parametrize("call,how", [(1, 1), (1, "hang"), (1, "cut"), (2, 1), (2, "hang"), (3, 1)])
def test_each_call_at_the_end_fails_in_turn(portcullis, network, call, how):
    """The gate is locked and the daemon exits; what is switched off is remembered."""
    gate = install(portcullis, network).start_open()
    network.change(faults={str(call): how})
    gate.process.send_signal(signal.SIGTERM)
    assert gate.process.wait(20) == 0
    assert gate.host.run("nft", "list", "table", "inet", "portcullis").returncode == 0
    with open(gate.log_file, encoding="utf-8") as file:
        assert "strict boot: not every network service is disabled: " in file.read()
    switched = [name for name, on in network.services().items() if SERVICES[name] and not on]
    network.change(calls=[], faults={})
    gate.start_open()
    assert network.services() == SERVICES
    assert len(switched) == (0 if call == 1 else 1)


@pytest.mark.parametrize("call,how", [(1, 1), (1, "cut"), (2, 1), (2, "hang"), (3, 1)])
def test_each_call_at_the_start_fails_in_turn(portcullis, network, call, how):
    """The gate works; what stays off is remembered, and off --offline or the next start brings it back."""
    gate = install(portcullis, network).start_open()
    assert gate.stop() == 0
    network.change(calls=[], faults={str(call): how})
    gate.start().wait(gate="open", seconds=30)
    if call == 1:
        assert network.services() == SERVICES
        return
    assert network.services() != SERVICES and os.path.exists(network.note)
    calls = len(network.read()["calls"])
    assert gate.ctl("reconnect", "--wait=20s", timeout=30).returncode == 0
    assert len(network.read()["calls"]) == calls, "not tried again at every flip"
    with open(gate.log_file, encoding="utf-8") as file:
        assert "instead: networksetup -setnetworkserviceenabled" in file.read()
    network.change(faults={})
    gate.kill()
    gate.start_open()
    assert network.services() == SERVICES and not os.path.exists(network.note)


def test_a_lasting_off_opens_what_the_lock_at_boot_has_shut(portcullis):
    """On macOS pfctl alone loads the boot lock, whatever the marker says. Here nft loads the printed rules in its
    place, and a lasting `off` opens them."""
    gate = portcullis("udp").start_open()
    assert gate.ctl("off", "--persist").returncode == 0
    assert gate.stop() == 0
    rules = gate.ctl("rules", "--state", "locked", "--group", str(GROUP), "--user", str(USER)).stdout
    gate.host.run("nft", "-f", "-", input=rules)
    assert gate.host.run("nft", "list", "table", "inet", "portcullis").returncode == 0
    gate.start().wait(gate="off")
    assert gate.host.run("nft", "list", "table", "inet", "portcullis", check=False).returncode != 0
    assert gate.ctl("up", "--wait=20s", timeout=30).returncode == 0
    assert gate.host.run("nft", "list", "table", "inet", "portcullis").returncode == 0
