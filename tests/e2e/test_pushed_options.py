"""A server that pushes hostile options: which of them take effect, and what follows from that."""
import re
import time

from test_flow import gets_inside, gets_out
from wire import Endpoint
from world import NOBODY, ROOT, SERVER4, SERVERS, Server, send_udp

PUSHED = ["verb 11", "mute 100", "persist-tun", "bind-dev eth0", "setenv-safe LD_PRELOAD /x.so", "errors-to-stderr",
          "inactive 1", "session-timeout 1", "ping-exit 1", "explicit-exit-notify 3", "socket-flags TCP_NODELAY",
          "dhcp-option DNS 10.20.0.53", "dhcp-option DNS 10.20.0.54;id", "dhcp-option DNS $(id)",
          "dhcp-option DNS 127.0.0.1",
          "dhcp-option DNS 224.0.0.1", "dhcp-option DNS ::ffff:10.0.0.1", "dhcp-option DNS resolver.example",
          "dhcp-option DOMAIN a`id`b.example", "dhcp-option DOMAIN -x", "dhcp-option DOMAIN good.example",
          "dhcp-option DOMAIN a/../b", "dhcp-option PROXY_HTTP 10.0.0.1 80", "script-security 3", "up /bin/true",
          "plugin /x.so", "redirect-private block-local"]


def push(options):
    return [word for option in options for word in ("--push", option)]


def add_server(name, port, network, options):
    if name not in SERVERS:
        SERVERS[name] = Server(name, Endpoint(SERVER4, port, "udp"), network, push(options))
    return name


def hostile_server():
    return add_server("hostile", 1204, 31, PUSHED)


# openvpn compares a filter with the line as it arrived, and unquotes it afterwards.
QUOTED = ['"verb" 11', "'verb' 11", '"verb" "11"', ' "verb" 11', "   'verb' 11", "  verb 11", '"verb"11', "\\verb 11",
          '"mute" 1', "'ping-exit' 1", '"session-timeout" 1', "'inactive' 1", '"ifconfig-noexec"', "'persist-tun'",
          "ifconfig-noexec"]

FILTERED = ("verb 11", "mute 100", "persist-tun", "bind-dev eth0", "setenv-safe", "errors-to-stderr", "inactive 1",
            "session-timeout 1", "ping-exit 1", "explicit-exit-notify 3", "socket-flags TCP_NODELAY")


def was_sent(server):
    """The server's own log of what it pushed, which is the control of every test here."""
    with open(f"{ROOT}/server-{server}.log", encoding="utf-8", errors="replace") as file:
        return "".join(line for line in file if "PUSH_REPLY" in line or "SENT CONTROL" in line)


def test_hostile_pushes(world, portcullis):
    """Each option is filtered or checked: the tunnel opens and stays, only valid addresses are reported, nothing
    leaks."""
    server = hostile_server()
    with world.wire(server) as wire:
        gate = portcullis(server).start_open()
        began = time.monotonic()
        status, openvpn = gate.status(), gate.openvpn()
        assert status["dns"] == ["10.8.0.1", "10.20.0.53"], status
        sent, said = was_sent(server), gate.log()
        assert not [option for option in PUSHED if option not in sent], f"control: {sent}"
        assert not [option for option in FILTERED if f"removed by filter: '{option}" not in said], said
        # session-timeout and inactive would have ended the tunnel by then.
        while time.monotonic() < began + 2.5:
            assert gets_inside(world) and not gets_out(world, wire)
        assert (gate.openvpn(), gate.status()["since"]) == (openvpn, status["since"]), gate.told("it did not last")
        # verb 11 would log every packet.
        assert not re.search(r"UDP(v4)? WRITE|UDP(v4)? READ|TUN READ", gate.log())
        with open(f"/proc/{openvpn}/environ", encoding="ascii", errors="replace") as file:
            assert "LD_PRELOAD" not in file.read()
        # explicit-exit-notify would keep openvpn alive for seconds after it was asked to exit.
        began = time.monotonic()
        gate.ctl("down", "--wait", check=True)
        assert time.monotonic() - began < 1.0
        wire.assert_clean()


def test_server_that_claims_its_own_address(world, portcullis):
    """A pushed route that puts the server's own address into the tunnel harms that tunnel and nothing else: it does not
    count as a network of the tunnel, nothing leaves in the clear, and the next server opens."""
    claiming = add_server("claiming", 1205, 32, [f"route {SERVER4} 255.255.255.255", "route 10.77.0.0 255.255.0.0"])
    with world.wire(claiming) as wire:
        gate = portcullis(claiming).start_open()
        assert f"route {SERVER4}" in was_sent(claiming), "control"
        networks = str(gate.set_members("tunnel_networks4"))
        assert "10.77.0.0" in networks and SERVER4 not in networks, networks
        world.host.call(send_udp, SERVER4, 5300, b"CLEAR", "eth0", uid=NOBODY)
        world.host.call(send_udp, SERVER4, 5300, b"CLEAR", uid=NOBODY)
        assert not gets_out(world, wire)
        gate.ctl("down", "--wait", check=True)
        assert not gets_out(world, wire)
        assert SERVER4 not in world.host.run("ip", "route").stdout, "a route to the server stays behind"
        wire.assert_clean()
        assert gate.stop() == 0
    gate.write(world.profile("udp"))
    gate.start().wait(gate="locked", tunnel="down")
    gate.ctl("up", check=True)
    gate.wait(gate="open")
    assert gets_inside(world)


def test_quoted_pushes(world, portcullis):
    """The same options in every spelling that openvpn accepts, also of 2.5.1, whose filters do not skip leading spaces:
    none gets through, and no key of the data channel is in the log."""
    server = add_server("quoted", 1230, 33, QUOTED)
    # The control: filters by the plain name alone do not match them.
    bare = world.bare_vpn(server, "--pull-filter", "ignore", "verb", "--pull-filter", "ignore", "\\", "--pull-filter",
                          "ignore", "'", "--pull-filter", "ignore", '"s', "--pull-filter", "ignore", '"m')
    bare.wait(" WRITE [")
    bare.kill()
    world.fresh_host()
    with world.wire(server) as wire:
        gate = portcullis(server).start_open()
        began, status, openvpn = time.monotonic(), gate.status(), gate.openvpn()
        sent, said = was_sent(server), gate.log()
        assert all(option.strip() in sent for option in QUOTED), f"control: {sent}"
        removed = re.sub("(removed by filter: ') +", r"\1", said)
        assert all(f"removed by filter: '{option.strip()}" in removed for option in QUOTED if option[0] != "\\"), said
        while time.monotonic() < began + 1.5:
            assert gets_inside(world) and not gets_out(world, wire)
        assert (gate.openvpn(), gate.status()["since"]) == (openvpn, status["since"]), gate.told("it did not last")
        assert not re.search(r"UDP(v4)? WRITE|UDP(v4)? READ|TUN READ|KEY: |pre_master", gate.log())
        wire.assert_clean()
