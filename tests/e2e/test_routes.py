"""The gate's own routes: into the tunnel while it is open, nowhere while it is not; and the device that the gate
creates."""
import json
import os

import pytest

from daemon import GROUP, OPENVPN_USER
from netns import wait_for
from test_attacks import TOKEN, add_machine
from test_flow import gets_inside
from wire import Endpoint
from world import (HOST4, HOST6, INTERNET4, INTERNET6, NOBODY, ROOT, ROUTER4, ROUTER6, SERVER4, SERVERS, TUNNEL4, Server,
                   ask_udp, connect_tcp, send_udp)

TABLE, PROTOCOL = "8787", "87"
NO_ROUTE = {101, 113}
OUTSIDE4, OUTSIDE6 = (INTERNET4, ROUTER4, "224.0.0.251", "8.8.8.8"), (INTERNET6, ROUTER6, "2001:4860:4860::8888")


def rules(host, family="-4"):
    """Our rules, as the kernel reports them."""
    told = host.run("ip", "-d", family, "rule").stdout
    return [" ".join(line.split()) for line in told.splitlines() if f"proto {PROTOCOL}" in line]


def table(host, family="-4"):
    done = host.run("ip", "-d", family, "route", "show", "table", TABLE, check=False)
    return sorted(line.strip() for line in done.stdout.splitlines() if line.strip())


def ours(host):
    """Everything of ours: rules, table and device."""
    device = host.run("ip", "-o", "link", "show", "tun0", check=False).stdout
    return rules(host), rules(host, "-6"), table(host), table(host, "-6"), device


NOTHING = ([], [], [], [], "")


def goes(host, address, uid=NOBODY):
    """The link that a program's packet would take, or None."""
    done = host.run("ip", "route", "get", address, "uid", str(uid), check=False)
    return done.stdout.split(" dev ")[1].split()[0] if done.returncode == 0 and " dev " in done.stdout else None


def test_device_and_routes_of_an_open_gate(world, portcullis):
    """The gate sets everything itself, because openvpn has no right to."""
    gate = portcullis().start_open()
    device = json.loads(world.host.run("ip", "-j", "-d", "address", "show", "dev", "tun0").stdout)[0]
    data = device["linkinfo"]["info_data"]
    assert (data["user"], data["group"], data["persist"]) == (OPENVPN_USER, GROUP, True), device
    assert device["ifalias"] == "portcullis" and device["mtu"] == 1500
    assert {(a["local"], a["prefixlen"]) for a in device["addr_info"]} == {(TUNNEL4, 24), ("fd00:8::1000", 64)}
    with open(f"/proc/{gate.openvpn()}/cmdline", encoding="ascii") as file:
        assert {"--ifconfig-noexec", "--route-noexec"} <= set(file.read().split("\0"))
    # openvpn reaches the endpoint by the network's route; everybody else, root too, is routed into the tunnel.
    assert goes(world.host, SERVER4, OPENVPN_USER) == "eth0"
    for uid in (0, NOBODY, OPENVPN_USER - 1, OPENVPN_USER + 1, 4294967294):
        for address in (SERVER4, INTERNET4, INTERNET6, ROUTER4, "10.8.0.77"):
            assert goes(world.host, address, uid) == "tun0", (address, uid)
    assert "tun0" not in world.host.run("ip", "route", "show", "table", "main").stdout
    assert "tun0" not in world.host.run("ip", "-6", "route", "show", "table", "main").stdout
    assert all(f"proto {PROTOCOL}" in line for line in table(world.host) + table(world.host, "-6"))
    assert gets_inside(world)


# --- the second wall

def refused(world, address, uid, **more):
    """Does the call itself fail, because there is no route?"""
    errors = world.host.call(lambda: send_udp(address, 5300, TOKEN, **more), uid=uid)
    return errors[0] in NO_ROUTE


def lock(gate):
    assert gate.run_daemon("-L").returncode == 0


def killed(gate):
    gate.start_open().kill()
    wait_for(lambda: not gate.openvpns(), "openvpn gone with its daemon")


def after_a_run(gate):
    gate.start_open().ctl("down", "--wait", check=True)
    gate.kill()


@pytest.mark.parametrize("how", [lock, after_a_run, killed])
def test_second_wall_without_any_filter(world, portcullis, how):
    """The filter's tables are deleted and the daemon is killed: an unbound socket still reaches nothing."""
    with world.wire("udp") as wire:
        how(portcullis())
        world.host.run("nft", "flush", "ruleset")
        world.host.without_link_filters()
        for uid in (0, NOBODY):
            for address in OUTSIDE4 + OUTSIDE6:
                # After a kill the device still exists, and leads nowhere.
                assert refused(world, address, uid) or how is killed, (address, uid)
        if how is killed:
            world.host.sysctl("net.ipv4.conf.all.ignore_routes_with_linkdown=1",
                              "net.ipv6.conf.all.ignore_routes_with_linkdown=1",
                              "net.ipv4.conf.tun0.ignore_routes_with_linkdown=1",
                              "net.ipv6.conf.tun0.ignore_routes_with_linkdown=1")
            world.host.call(send_udp, INTERNET4, 5300, TOKEN)
            world.host.call(send_udp, INTERNET6, 5300, TOKEN)
            world.host.ip("link del tun0")
            assert all(refused(world, address, NOBODY) for address in (INTERNET4, INTERNET6))
        # The machine's own addresses can still be reached.
        for address in ("127.0.0.1", HOST4, "::1", HOST6):
            assert not refused(world, address, NOBODY), address
        world.fence(wire)
        assert not wire.seen(TOKEN)
        # What it does not stop, as docs/security.md says: a bound socket. This is also the control.
        world.host.call(send_udp, INTERNET4, 5300, b"BOUND", "eth0", uid=0)
        world.host.without_second_wall()
        for address in (INTERNET4, INTERNET6):
            world.host.call(send_udp, address, 5300, TOKEN, uid=NOBODY)
        world.fence(wire)
        assert wire.seen(b"BOUND")
        assert {str(frame.destination) for frame in wire.seen(TOKEN)} >= {INTERNET4, INTERNET6}


def test_second_wall_lets_the_network_be_set(world, portcullis):
    """The second wall leaves DHCP's renewal and the kernel's own neighbour discovery alone, and lets root set a route
    via a router."""
    with world.wire("udp") as wire:
        lock(portcullis())
        world.host.run("nft", "flush", "ruleset")
        world.host.without_link_filters()
        assert world.host.call(send_udp, ROUTER4, 67, b"RENEW", None, 1, 68, uid=0) == [0]
        assert refused(world, ROUTER4, NOBODY, sport=40000)
        world.fence(wire)
        assert wire.seen(b"RENEW") and not wire.seen(TOKEN)
    # The kernel checks whether the router is on a link, but not in our table.
    world.host.ip(f"route replace default via {ROUTER4}", f"route replace default via {ROUTER6}")
    assert "dev eth0" in world.host.run("ip", "route", "show", "default").stdout
    assert "dev eth0" in world.host.run("ip", "-6", "route", "show", "default").stdout


def test_routes_set_while_open_stay_the_networks(world, portcullis):
    """A route via a router, given without a link, must not become one in the tunnel: it would disappear with the
    tunnel."""
    gate = portcullis().start_open()
    world.host.ip(f"route replace default via {ROUTER4}", f"route replace default via {ROUTER6}",
                  f"route add 192.0.2.0/24 via {ROUTER4}")
    gate.ctl("down", "--wait", check=True)
    told = world.host.run("ip", "route").stdout
    assert f"default via {ROUTER4} dev eth0" in told and f"192.0.2.0/24 via {ROUTER4} dev eth0" in told
    assert f"default via {ROUTER6} dev eth0" in world.host.run("ip", "-6", "route").stdout


# --- routes that are preferred to ours

def better_routes(world):
    """The routes that result from DHCP's option 121 and from a router advertisement."""
    for half in ("0.0.0.0/1", "128.0.0.0/1", f"{INTERNET4}/32", "10.8.0.0/25"):
        world.host.ip(f"route replace {half} via {ROUTER4} dev eth0")
    for half in ("::/1", "8000::/1", f"{INTERNET6}/128", "fd00:8::/65"):
        world.host.ip(f"route replace {half} via {ROUTER6} dev eth0")


@pytest.mark.parametrize("user", [OPENVPN_USER, "root"])
def test_tunnelvision_takes_nothing_away(world, portcullis, user):
    """With openvpn alone, such routes take traffic away from the tunnel and into the clear. With the gate, they change
    nothing."""
    vpn = world.bare_vpn()
    with world.wire("udp") as wire:
        better_routes(world)
        world.host.call(send_udp, INTERNET4, 5300, TOKEN, uid=NOBODY)
        world.fence(wire)
        assert wire.seen(TOKEN), "control"
    vpn.kill()
    world.fresh_host()
    with world.wire("udp") as wire:
        gate = portcullis(settings={"openvpn-user": f'"{user}"'}).start_open()
        better_routes(world)
        assert gets_inside(world), gate.told()
        for uid in (0, NOBODY):
            for address in (INTERNET4, INTERNET6, "10.8.0.1"):
                assert goes(world.host, address, uid) == "tun0"
            assert world.host.call(ask_udp, INTERNET4, 5300, TOKEN, uid=uid) == TOKEN
        # With these routes the tunnel comes back by itself, too.
        gate.ctl("reconnect", "--wait", check=True)
        gate.wait(gate="open")
        assert gets_inside(world), gate.told()
        world.fence(wire)
        wire.assert_clean()


def test_rules_of_the_machine_itself(world, portcullis):
    """A machine that has rules already: they do not take precedence over ours, and are as they were when ours are
    removed."""
    world.host.ip("rule add pref 100 lookup 500", f"route add default via {ROUTER4} dev eth0 table 500",
                  f"route add default via {ROUTER6} dev eth0 table 500",
                  "rule add pref 12 fwmark 7 lookup 500 protocol 99")
    world.host.run("ip", "-6", "rule", "add", "pref", "100", "lookup", "500")
    before = [world.host.run("ip", family, "rule").stdout for family in ("-4", "-6")]
    gate = portcullis().start_open()
    assert gets_inside(world), gate.told()
    assert goes(world.host, INTERNET4, 0) == "tun0" and goes(world.host, SERVER4, OPENVPN_USER) == "eth0"
    gate.ctl("off", check=True)
    assert [world.host.run("ip", family, "rule").stdout for family in ("-4", "-6")] == before
    assert ours(world.host) == NOTHING


# --- what is received

@pytest.mark.parametrize("server", ["udp", "udp6"])
@pytest.mark.parametrize("check", ["rp_filter=0", "rp_filter=1", "rp_filter=2", "fib"])
def test_senders_are_looked_for_past_our_table(world, portcullis, check, server):
    """The kernel (rp_filter), or a firewall of the machine, checks by which link a packet's sender would be reached.
    Our routes must not make it drop the server's answers or neighbours' requests."""
    if check == "fib":
        world.host.nft("table inet theirs { chain pre { type filter hook prerouting priority raw; "
                       "iif eth0 ip6 nexthdr != 58 fib saddr . iif oif missing counter drop; "
                       "iif eth0 ip protocol udp fib saddr . iif oif missing counter drop; } }")
    else:
        number = check[-1]
        world.host.sysctl(f"net.ipv4.conf.all.rp_filter={number}", f"net.ipv4.conf.eth0.rp_filter={number}",
                          f"net.ipv4.conf.default.rp_filter={number}")
    gate = portcullis(server)
    lock(gate)

    def known():
        """The router asks for this machine's hardware address. Does it get an answer?"""
        world.rtr.run("ip", "neigh", "flush", "dev", "r0")
        world.rtr.call(send_udp, HOST4, 9, b"x")
        return "lladdr" in wait_for(lambda: [line for line in world.rtr.run("ip", "neigh", "show", HOST4).stdout.splitlines()
                                             if "INCOMPLETE" not in line], "an answer to ARP")[0]
    assert known()
    gate.start_open()
    assert gets_inside(world), gate.told()
    assert known()


# --- what others change

def delete_rules(host):
    for family in ("-4", "-6"):
        host.run("ip", family, "rule", "flush", "protocol", PROTOCOL)


HANDS = {
    "rules": delete_rules,
    "table": lambda host: [host.run("ip", family, "route", "flush", "table", TABLE) for family in ("-4", "-6")],
    "another route": lambda host: host.ip(f"route add {INTERNET4}/32 via {ROUTER4} dev eth0 table {TABLE}"),
    "a rule of our mark": lambda host: host.ip(f"rule add pref 5 lookup main protocol {PROTOCOL}"),
    "addresses": lambda host: host.run("ip", "address", "flush", "dev", "tun0"),
    "mtu": lambda host: host.ip("link set tun0 mtu 9000"),
}


@pytest.mark.parametrize("state", ["open", "shut"])
def test_what_others_change_is_put_back(world, portcullis, state):
    """If systemd-networkd, NetworkManager or anybody else changes what we have set, the kernel notifies the gate, which
    sets it again at once."""
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        if state == "shut":
            gate.ctl("down", "--wait", check=True)
        for what, hand in HANDS.items():
            if state == "shut" and what in ("addresses", "mtu"):
                continue
            before = ours(world.host)
            hand(world.host)
            wait_for(lambda: ours(world.host) == before, lambda: gate.told(f"{what}: {ours(world.host)}"), 2)  # pylint: disable=cell-var-from-loop
            if state == "open":
                assert "1500" in world.host.run("ip", "link", "show", "tun0").stdout
                assert gets_inside(world), gate.told(what)
                assert gate.status()["gate"] == "open"
            else:
                assert refused(world, INTERNET4, NOBODY) and refused(world, INTERNET6, 0)
        assert "restored and verified" in gate.log()
        wire.assert_clean()


def test_device_that_goes_or_changes_hands_shuts(world, portcullis):
    """If the device is deleted, set down or renamed, nothing leaves in the clear at any moment, and the tunnel comes
    back."""
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        for command in ("link del tun0", "link set tun0 down"):
            before = gate.openvpn()
            world.host.ip(command)
            wait_for(lambda: gate.openvpns() not in ([], [before]), lambda: gate.told(command))  # pylint: disable=cell-var-from-loop
            gate.wait(gate="open")
            assert gets_inside(world), gate.told(command)
        wire.assert_clean()


# --- nothing is left

def by_off(gate):
    gate.ctl("off", check=True)


def by_off_offline(gate):
    gate.ctl("off", "--offline", check=True)


def by_off_after_a_crash(gate):
    gate.kill()
    gate.ctl("off", "--offline", check=True)


@pytest.mark.parametrize("how", [by_off, by_off_offline, by_off_after_a_crash])
def test_nothing_is_left_behind(world, portcullis, how):
    gate = portcullis().start_open()
    assert all(ours(world.host))
    how(gate)
    assert ours(world.host) == NOTHING
    assert world.host.call(ask_udp, INTERNET4, 5300, b"CLEAR", uid=NOBODY) == b"CLEAR"


def test_pause_takes_them_out_of_the_way(world, portcullis):
    gate = portcullis().start_open()
    gate.ctl("pause", "60s", check=True)
    gate.wait(gate="paused")
    wait_for(lambda: ours(world.host) == NOTHING, lambda: gate.told(str(ours(world.host))))
    assert world.host.call(ask_udp, INTERNET4, 5300, b"CLEAR", uid=NOBODY) == b"CLEAR"
    gate.ctl("resume", check=True)
    gate.wait(gate="open")
    assert all(ours(world.host)) and gets_inside(world)


def test_the_second_wall_stays_when_the_daemon_is_stopped(world, portcullis):
    gate = portcullis().start_open()
    gate.stop()
    assert refused(world, INTERNET4, NOBODY) and refused(world, INTERNET6, NOBODY)
    assert "tun0" not in world.host.links(), "the device is the attempt's"


def test_names_that_are_taken(world, portcullis):
    """A device of that name without our marks belongs to somebody else: it is reported, and never touched. One with our
    marks is ours."""
    world.host.run("ip", "tuntap", "add", "tun0", "mode", "tun")
    gate = portcullis().start().wait(gate="locked", tunnel="waiting")
    assert "exists and is not ours" in gate.status()["reason"], gate.told()
    assert "tun0" in world.host.links()
    for owner in ([], ["user", "1234"]):
        world.host.ip("link delete tun0")
        world.host.run("ip", "tuntap", "add", "tun0", "mode", "tun", *owner)
        world.host.ip("link set tun0 alias portcullis")
        index = world.host.run("ip", "-o", "link", "show", "tun0").stdout.split(":")[0]
        before = gate.log().count("exists and is not ours")
        gate.ctl("up", check=True)
        wait_for(lambda: gate.log().count("exists and is not ours") > before, lambda: gate.told("refused"))  # pylint: disable=cell-var-from-loop
        assert world.host.run("ip", "-o", "link", "show", "tun0").stdout.split(":")[0] == index
    world.host.ip("link delete tun0")
    world.host.run("ip", "tuntap", "add", "tun0", "mode", "tun", "user", "1234", "group", "1234")
    world.host.ip("link set tun0 alias portcullis")
    gate.ctl("up", check=True)
    gate.wait(gate="open")
    # What a crash leaves is removed by the next start.
    gate.kill()
    assert "tun0" in world.host.links()
    gate.start_open()
    assert gets_inside(world)


def test_no_tun_driver(portcullis):
    """A kernel without a TUN driver: nothing is dialled, and the status says where to look. Once there is one, the
    tunnel comes up."""
    os.rename("/dev/net/tun", "/dev/net/none")
    try:
        gate = portcullis().start().wait(gate="locked", tunnel="waiting")
        reason = gate.status()["reason"]
        assert "/dev/net/tun: No such file or directory; instead: see the check of tun" in reason, reason
        assert not gate.openvpns()
    finally:
        os.rename("/dev/net/none", "/dev/net/tun")
    gate.ctl("up", check=True)
    gate.wait(gate="open")


# --- what a server pushes

PUSHES = {
    "own address": ("ifconfig-push 192.168.50.2 255.255.255.0", "192.168.50.2 is the address of eth0, and the server gives it to tun0 too; instead: give eth0 another address"),
    "endpoint": (f"ifconfig-push {SERVER4} 255.255.255.0", "endpoint is inside the tunnel"),
    "loopback": ("ifconfig-push 127.0.0.5 255.255.255.0", "the tunnel's address is not valid"),
    "multicast": ("ifconfig-push 224.0.0.5 255.255.255.0", "the tunnel's address is not valid"),
    "gateway outside": ('push "route 10.99.0.0 255.255.0.0 192.0.2.77"', "10.99.0.0/16 uses the gateway 192.0.2.77, which is not in"),
}


@pytest.mark.parametrize("what", PUSHES)
def test_pushed_addresses_that_are_refused(world, portcullis, what):
    """An invalid address is refused and named, nothing opens and nothing is set. The same server is accepted once it
    pushes valid ones."""
    pushed, words = PUSHES[what]
    folder = f"{ROOT}/pushed"
    os.makedirs(folder, exist_ok=True)
    SERVERS.setdefault("pushed", Server("pushed", Endpoint(SERVER4, 1233, "udp"), 36, ["--client-config-dir", folder]))
    with open(f"{folder}/DEFAULT", "w", encoding="ascii") as file:
        file.write(pushed + "\n")
    with world.wire("pushed") as wire:
        gate = portcullis("pushed").start()
        wait_for(lambda: words in gate.log(), lambda: gate.told(f"{what} is named"))
        assert gate.kernel_gate() != "open" and words in gate.status()["reason"], gate.status()
        os.unlink(f"{folder}/DEFAULT")
        gate.wait(gate="open")
        wire.assert_clean()


def test_mtu_is_the_servers(world, portcullis):
    SERVERS.setdefault("mtu", Server("mtu", Endpoint(SERVER4, 1234, "udp"), 37, ["--tun-mtu", "1400"]))
    gate = portcullis("mtu").start_open()
    assert "mtu 1400" in world.host.run("ip", "link", "show", "tun0").stdout
    assert world.host.call(ask_udp, INTERNET4, 5300, b"x" * 4000, uid=NOBODY) == b"x" * 4000, gate.told()


def test_split_profile(world, portcullis):
    """route-nopull: what the profile names goes into the tunnel, everything else goes nowhere."""
    gate = portcullis("udp", extra=("route-nopull", f"route {INTERNET4}", "route 192.0.2.0 255.255.255.0 net_gateway",
                                    "route 10.99.0.0 255.255.0.0")).start_open()
    assert goes(world.host, INTERNET4) == goes(world.host, "10.99.1.1") == goes(world.host, "10.8.0.1") == "tun0"
    assert [goes(world.host, address) for address in ("198.51.100.81", "192.0.2.1", ROUTER4, INTERNET6)] == [None] * 4
    assert world.host.call(ask_udp, INTERNET4, 5300, b"INSIDE", uid=NOBODY) == b"INSIDE", gate.told()
    assert refused(world, INTERNET6, NOBODY) and refused(world, "192.0.2.1", NOBODY)


def test_family_that_the_tunnel_lacks(world, portcullis):
    with world.wire("v4only") as wire:
        gate = portcullis("v4only").start_open()
        assert goes(world.host, INTERNET4) == "tun0" and goes(world.host, INTERNET6) is None
        assert refused(world, INTERNET6, NOBODY) and refused(world, INTERNET6, 0), gate.told()
        wire.assert_clean()


# --- networks of the machine

@pytest.mark.parametrize("lan", ["true", "false"])
@pytest.mark.parametrize("state", ["shut", "open"])
def test_bridge_without_an_uplink(world, portcullis, lan, state):
    """A network of containers or virtual machines on this machine: with lan = true, a local network like others."""
    world.machine = add_machine(world, address="172.30.0.2/24")
    world.host.ip("link add br9 type bridge", "link set vm0 master br9", "address add 172.30.0.1/24 dev br9", "link set br9 up")
    echo = world.machine.popen("/usr/bin/python3", "-c", "import socket\ns = socket.socket()\n"
                               "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\ns.bind(('', 80))\ns.listen()\n"
                               "while True:\n    c = s.accept()[0]\n    c.sendall(c.recv(100))\n    c.close()")
    wait_for(lambda: world.host.call(connect_tcp, "172.30.0.2", 80, b"x", uid=NOBODY)[1] == b"x", "control: before the gate")
    gate = portcullis(settings={"lan": lan})
    if state == "open":
        gate.start_open()
    else:
        lock(gate)
    error, said, _ = world.host.call(connect_tcp, "172.30.0.2", 80, b"x", uid=NOBODY)
    assert (error, said) == (0, b"x") if lan == "true" else error != 0, gate.told(str((error, said)))
    assert goes(world.host, "172.30.0.2") == ("br9" if lan == "true" else "tun0" if state == "open" else None)
    if state == "open":
        assert gets_inside(world)
    echo.kill()
    echo.wait()
