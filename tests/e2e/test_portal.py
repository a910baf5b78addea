"""A captive portal: what one group's programs may do in its time, and what nobody else may, then or later (row 16). The
router is the portal: it answers every name with its own address, and at ports 80 and 443."""
import contextlib
import os
import re
import signal
import socket
import struct
import subprocess

import pytest

from daemon import GROUP, OPENVPN_USER, WIRE_VERSION
from netns import wait_for
from test_keys import private
from world import HERE, INTERNET4, INTERNET6, ROUTER4, SERVER4, ask_udp, connect_tcp, send_udp

PORTAL, PERSON, OTHER_GROUP = 64005, 64006, 64007
ROUTER_ULA, HOST_ULA = "fd00:50::1", "fd00:50::2"
PRIVATE = (ROUTER4, ROUTER_ULA)
PUBLIC = (INTERNET4, INTERNET6)
ADMIN_PORTAL = 9
RECVFROM = {"x86_64": 45, "aarch64": 207}[os.uname().machine]


@pytest.fixture(name="net")
def with_portal(world):
    """The world, with a portal at the router."""
    world.host.ip(f"address add {HOST_ULA}/64 dev eth0 nodad")
    world.rtr.ip(f"address add {ROUTER_ULA}/64 dev r0 nodad")
    echo = world.rtr.popen("/usr/bin/python3", f"{HERE}/echo.py", ",".join(PRIVATE), "80,443,8080",
                           stdout=subprocess.PIPE, text=True)
    assert echo.stdout.readline() == "ready\n"
    names = world.rtr.popen("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null",
                            "--pid-file=", "--user=root", f"--address=/#/{ROUTER4}", f"--listen-address={','.join(PRIVATE)}",
                            "--bind-interfaces", stderr=subprocess.PIPE, text=True)
    wait_for(lambda: world.rtr.call(asks, ROUTER4, 53), "dnsmasq")
    yield world
    for process in (echo, names):
        process.kill()
        process.wait()


@pytest.fixture(name="shut")
def locked(net, portcullis):
    """A gate that is shut, and may have portals."""
    gate = portcullis("udp", settings={"portal-group": str(PORTAL)}).start().wait(gate="open")
    assert gate.ctl("down").returncode == 0
    return gate.wait(gate="locked", tunnel="down")


QUESTION = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\6portal\4test\0\0\1\0\1"


def asks(server, port=53):
    """Does the resolver answer?"""
    answer = ask_udp(server, port, QUESTION, seconds=0.5)
    return answer is not None and answer[:2] == QUESTION[:2]


def asks_tcp(server):
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(1)
        try:
            sock.connect((server, 53))
            sock.sendall(struct.pack("!H", len(QUESTION)) + QUESTION)
            return sock.recv(2000)[2:4] == QUESTION[:2]
        except OSError:
            return False


def request(gate, seconds, any_address=0, user=PERSON):
    """What portcullis itself asks of the gate; (refused, what it says, the group)."""
    with gate.host.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(5)
        sock.connect(gate.admin_socket)
        sock.sendall(struct.pack("IIIIII256x", WIRE_VERSION, ADMIN_PORTAL, seconds, 0, user, any_address))
        answer = sock.recv(256, socket.MSG_WAITALL)
    _, refused, _, group = struct.unpack_from("IIII", answer)
    return bool(refused), answer[16:].split(b"\0")[0].decode(), group


def opened(gate, seconds=60, **more):
    refused, text, group = request(gate, seconds, **more)
    assert not refused and group == PORTAL, text
    return gate


def get(gate, address, port, gid=PORTAL, uid=PERSON, device=None, payload=b"GET / HTTP/1.0\r\n\r\n"):
    """Is what is sent over TCP answered?"""
    error, echoed, _ = gate.host.call(connect_tcp, address, port, payload, device, uid=uid, gid=gid)
    return error == 0 and echoed == payload


def datagram(gate, address, port, gid=PORTAL, uid=PERSON):
    return gate.host.call(ask_udp, address, port, b"datagram", 0.3, uid=uid, gid=gid) == b"datagram"


def name(gate, server, gid=PORTAL, uid=PERSON):
    return gate.host.call(asks, server, uid=uid, gid=gid)


def assert_open(gate, any_address=False):
    for address in PRIVATE:
        assert get(gate, address, 80) and get(gate, address, 443), gate.told(address)
        assert name(gate, address) and gate.host.call(asks_tcp, address, uid=PERSON, gid=PORTAL), gate.told(address)
    for address in PUBLIC:
        assert get(gate, address, 80) == get(gate, address, 443) == any_address, gate.told(address)


def assert_shut(gate, wire):
    """Nobody of the portal's group gets a packet out, whatever the routes say."""
    for device in (None, "eth0"):  # the latter is past the second wall
        before = len(sent(wire))
        for address in PRIVATE + PUBLIC:
            assert not get(gate, address, 80, device=device) and not get(gate, address, 443, device=device)
        for address in PRIVATE:
            assert not name(gate, address)
        gate.world.fence(wire)
        assert len(sent(wire)) == before, [str(f) for f in sent(wire)[before:]]


def sent(wire):
    """Frames for a portal's ports or a resolver's, to anybody."""
    return [f for f in wire.seen(lambda f: f.dport in (53, 80, 443, 853, 8080) and f.proto in (6, 17))]


def test_a_portal_and_its_end(net, shut):
    """Closed, open for private addresses over IPv4 and IPv6, closed again: at its time, and by command."""
    with net.wire() as wire:
        assert_shut(shut, wire)
        opened(shut)
        assert_open(shut)
        assert "portal is open until" in str(shut.ctl("status").stdout)
        assert not request(shut, 0)[0]
        assert_shut(shut, wire)
        assert "portal" not in shut.ctl("status").stdout
        opened(shut, 2)
        assert_open(shut)
        wait_for(lambda: not shut.set_members("portal"), "the kernel's end of it", 5)
        wait_for(lambda: "its time is over" in shut.log(), "the gate's")
        assert_shut(shut, wire)


def test_any_address_only_as_asked(net, shut):
    """--any opens ports 80 and 443 of every address, by TCP; DNS stays local."""
    opened(shut, any_address=1)
    assert_open(shut, any_address=True)
    with net.wire() as wire:
        for address in PUBLIC:
            assert not name(shut, address)
            assert not datagram(shut, address, 443) and not datagram(shut, address, 80)
            assert not get(shut, address, 853) and not get(shut, address, 5300)
        net.fence(wire)
        assert not sent(wire)


def test_nobody_else(net, shut):
    """Another group of the same user, root, openvpn's own and nobody; and the group, to other ports. The control is
    the same request of the group, before and after."""
    opened(shut, any_address=1)
    assert_open(shut, any_address=True)
    with net.wire() as wire:
        for uid, gid in ((PERSON, OTHER_GROUP), (PERSON, PERSON), (0, 0), (OPENVPN_USER, GROUP), (65534, 65534), (PORTAL, PERSON)):
            for address in PRIVATE + PUBLIC:
                for device in (None, "eth0"):
                    assert not get(shut, address, 80, gid, uid, device), (uid, gid, address)
                    assert not get(shut, address, 443, gid, uid, device), (uid, gid, address)
            assert not name(shut, ROUTER4, gid, uid) and not name(shut, ROUTER_ULA, gid, uid), (uid, gid)
        for address in PRIVATE:
            assert not get(shut, address, 8080) and not datagram(shut, address, 443) and not datagram(shut, address, 8080)
            assert shut.host.call(send_udp, address, 853, b"x", uid=PERSON, gid=PORTAL) != [0]
        net.fence(wire)
        assert not sent(wire), [str(f) for f in sent(wire)]
    assert get(shut, ROUTER4, 80)


def test_the_daemon_dies(net, shut):
    """kill -9 in the window: the kernel ends it at its time; a new daemon at once."""
    with net.wire() as wire:
        opened(shut, 4)
        shut.kill()
        assert_open(shut)
        wait_for(lambda: not shut.set_members("portal"), "the kernel's end of it", 6)
        assert_shut(shut, wire)
        shut.start().wait(gate="locked")
        opened(shut, 600)
        assert_open(shut)
        shut.kill()
        shut.start().wait(gate="locked")
        assert_shut(shut, wire)


def test_a_connection_does_not_outlive_it(net, shut):
    """What is connected, and sends, when it ends: cut, both ways."""
    opened(shut)
    with net.wire() as wire:
        talker = shut.host.popen("/usr/bin/setpriv", f"--reuid={PERSON}", f"--regid={PORTAL}", "--clear-groups",
                                 "/usr/bin/python3", "-c", f"""
import socket
s = socket.create_connection(("{ROUTER4}", 80))
s.settimeout(0.2)
while True:
    s.sendall(b"still here")
    try: got = s.recv(100)
    except TimeoutError: got = b""
    print(len(got), flush=True)
""", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert talker.stdout.readline() == "10\n"
        request(shut, 0)
        net.fence(wire)
        before = len(wire.seen(b"still here"))
        assert before
        while talker.stdout.readline() not in ("0\n", ""):  # what was answered before
            pass
        net.fence(wire)
        assert len(wire.seen(b"still here")) == before
        talker.kill()
        talker.wait()


def test_the_states_that_have_none(net, shut):
    """The tunnel opens: gone with the flip. A pause: gone before it, so it does not outlast one that ends without the
    daemon. While open, paused and off: refused."""
    opened(shut, 600)
    with net.wire("udp") as wire:
        assert shut.ctl("up").returncode == 0
        shut.wait(gate="open")
        assert not shut.set_members("portal")
        for address in PRIVATE:
            assert not get(shut, address, 80)
        assert get(shut, INTERNET4, 80)  # the control: through the tunnel
        net.fence(wire)
        assert not [f for f in sent(wire) if f.dport != 1194]
    assert request(shut, 60)[0]
    shut.ctl("down")
    shut.wait(gate="locked", tunnel="down")
    opened(shut, 600)
    assert shut.ctl("pause", "2s").returncode == 0
    assert not shut.set_members("portal")
    assert request(shut, 60)[0]
    shut.kill()
    wait_for(lambda: not shut.set_members("paused"), "the end of the pause", 5)
    with net.wire() as wire:
        assert_shut(shut, wire)
    shut.start().wait(gate="locked")
    assert shut.ctl("off").returncode == 0
    assert request(shut, 60)[0]


def test_what_is_refused(net, shut):
    """Too long, root, nobody, a second one; without a group none at all; and only root may ask."""
    for seconds, user in ((901, PERSON), (60, 0), (60, 65534)):
        assert request(shut, seconds, user=user)[0]
    opened(shut, 5)
    left = shut.set_members("portal")[0]["elem"]["expires"]
    assert request(shut, 900)[0]
    assert shut.set_members("portal")[0]["elem"]["expires"] <= left
    done = shut.host.run("/usr/bin/setpriv", f"--reuid={PERSON}", f"--regid={PORTAL}", "--clear-groups",
                         f"{shut.programs}/portcullis", "-s", shut.socket, "portal", "--end", check=False)
    assert done.returncode == 1 and "only root" in done.stderr
    request(shut, 0)
    shut.configure(portal_group=None)
    assert shut.ctl("reload").returncode == 0
    refused, text, _ = request(shut, 60)
    assert refused and "portal-group" in text


def test_foreign_changes(net, shut):
    """A flush in the window builds the rules anew, with no more time than was left."""
    opened(shut, 60)
    shut.host.run("nft", "delete", "table", "inet", "portcullis", check=False)
    shut.host.run("nft", "flush", "ruleset", check=False)
    wait_for(lambda: shut.set_members("portal"), "the rules again")
    for member in shut.set_members("portal"):
        assert member["elem"]["timeout"] <= 60, member
    assert_open(shut)
    request(shut, 0)
    with net.wire() as wire:
        assert_shut(shut, wire)


def test_another_group(net, shut):
    """A portal is one group's: it ends when portal-group is changed, and does not come back with it."""
    for group in (f'"{OTHER_GROUP}"', None):
        opened(shut, 60)
        shut.configure(portal_group=group)
        assert shut.ctl("reload").returncode == 0
        for gid in (PORTAL, OTHER_GROUP):
            assert not get(shut, ROUTER4, 80, gid=gid)
        assert not shut.set_members("portal") and "portal" not in shut.ctl("status").stdout
        shut.configure(portal_group=f'"{PORTAL}"')
        assert shut.ctl("reload").returncode == 0 and not get(shut, ROUTER4, 80)
    opened(shut, 60)
    assert shut.ctl("reload").returncode == 0 and get(shut, ROUTER4, 80)  # the control
    assert net


def test_forged_and_forwarded(net, shut):
    """A mark, raw and packet sockets, and packets of other machines do not have the group."""
    opened(shut, any_address=1)

    def raw(gid):
        """A SYN to the portal by a raw socket of root's."""
        os.setresgid(gid, gid, gid)
        syn = struct.pack("!HHIIBBHHH", 40001, 80, 1, 0, 0x50, 2, 8192, 0, 0)
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")  # past the second wall
            with contextlib.suppress(OSError):
                sock.sendto(syn, (ROUTER4, 0))

    def marked():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(0.3)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
            sock.setsockopt(socket.SOL_SOCKET, 36, 0x706f7274)  # SO_MARK
            return sock.connect_ex((ROUTER4, 80))

    with net.wire() as wire:
        shut.host.call(raw, 0)
        assert shut.host.call(marked) != 0
        net.fence(wire)
        assert not sent(wire), [str(f) for f in sent(wire)]
        shut.host.call(raw, PORTAL)  # the control: root may join any group
        wait_for(lambda: sent(wire), "the raw socket's packet")


def command(gate, *arguments, **more):
    """`portcullis portal`, as by sudo of the person."""
    with open(f"{gate.directory}/resolv.conf", "w", encoding="ascii") as file:
        file.write(f"nameserver {INTERNET4}\nnameserver {ROUTER4}\n")
    return gate.host.run("unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"', "sh", file.name,
                         f"{gate.programs}/portcullis", "-s", gate.socket, "portal", *arguments, check=False,
                         env=dict(os.environ, SUDO_UID=str(PERSON)), **more)


def test_the_command(net, shut):
    """curl finds the portal by a name that only the portal's resolver knows, with user, group and files of its own; then
    all is shut."""
    done = command(shut, "--for", "30s", "sh", "-c", "id -u; id -g; id -G; pwd; ls -A; env; ps -e -o pid=,comm=; "
                   "curl -s --http0.9 --max-time 1 --data hello http://any.name.example/ ; echo; ls -l /etc/resolv.conf; "
                   "echo x >/etc/resolv.conf; exit 7")
    assert done.returncode == 7, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:4] == [str(PERSON), str(PORTAL), str(PORTAL), "/run/portcullis-portal"], done.stdout
    assert lines[4].startswith("PATH=") or "=" in lines[4], "its folder is empty"
    assert "SUDO" not in done.stdout and "hello" in done.stdout and "any.name.example" in done.stdout, done.stdout + done.stderr
    assert "Permission denied" in done.stderr or "cannot create" in done.stderr, done.stderr
    assert not shut.set_members("portal") and not os.path.exists("/run/portcullis-portal")
    assert "a portal is open" in shut.log() and "the portal is shut: by root's command" in shut.log()


def test_nothing_outlives_the_command(net, shut):
    """A child that goes its own way ends with the command; and with portcullis, if that is killed."""
    done = command(shut, "sh", "-c", "setsid sleep 997 & exit 0")
    assert done.returncode == 0, done.stderr
    assert not sleepers(shut, "997")
    running = shut.host.popen(f"{shut.programs}/portcullis", "-s", shut.socket, "portal", "--for", "1m", "sh", "-c",
                              "setsid sleep 998 & sleep 999", env=dict(os.environ, SUDO_UID=str(PERSON)))
    wait_for(lambda: sleepers(shut, "998") and sleepers(shut, "999"), "the command")
    running.send_signal(signal.SIGTERM)
    running.wait(5)
    assert not shut.set_members("portal")
    wait_for(lambda: not sleepers(shut, "998") and not sleepers(shut, "999"), "their end")
    running = shut.host.popen(f"{shut.programs}/portcullis", "-s", shut.socket, "portal", "--for", "1m", "sh", "-c",
                              "setsid sleep 998 & sleep 999", env=dict(os.environ, SUDO_UID=str(PERSON)))
    wait_for(lambda: sleepers(shut, "998"), "the command")
    running.kill()
    running.wait(5)
    wait_for(lambda: not sleepers(shut, "998") and not sleepers(shut, "999"), "their end")
    assert shut.set_members("portal")  # nobody is left to end it before its time,
    assert command(shut, "true").returncode == 1
    assert shut.ctl("portal", "--end").returncode == 0  # but root
    assert not shut.set_members("portal")


def test_no_later_portal_for_an_earlier_program(net, shut):
    """A portal that has ended before its program: shut. A later one is refused until the program has ended, and then it
    is nobody's but its own command's."""
    program = f"""
import socket
while True:
    with socket.socket() as s:
        s.settimeout(0.2)
        if s.connect_ex(("{ROUTER4}", 80)) == 0: s.sendall(b"the earlier program")
"""
    with net.wire() as wire:
        earlier = shut.host.popen(f"{shut.programs}/portcullis", "-s", shut.socket, "portal", "--for", "15m", "/usr/bin/python3",
                                  "-c", program, env=dict(os.environ, SUDO_UID=str(PERSON)))
        wait_for(lambda: wire.seen(b"the earlier program"), "the control: the program is heard")
        assert shut.ctl("portal", "--end").returncode == 0
        net.fence(wire)
        before = len(wire.seen(b"the earlier program"))
        done = command(shut, "--any", "sh", "-c", f"curl -qs --http0.9 --max-time 1 --data later http://{ROUTER4}/")
        assert done.returncode == 1 and "an earlier portal still runs; instead: end it first" in done.stderr, done.stderr
        assert not shut.set_members("portal") and earlier.poll() is None
        earlier.terminate()
        earlier.wait(5)
        done = command(shut, "--any", "sh", "-c", f"curl -qs --http0.9 --max-time 1 --data later http://{ROUTER4}/")
        assert "later" in done.stdout, done.stdout + done.stderr
        net.fence(wire)
        assert len(wire.seen(b"the earlier program")) == before


def test_group_that_has_members(net, shut):
    """A person who may be in the group by any program is refused; without members it is a group of its own."""
    for members, code in (("", 0), ("somebody", 1)):
        with open(f"{shut.directory}/group", "w", encoding="ascii") as file:
            file.write(f"root:x:0:\ntheirs:x:{OTHER_GROUP}:{members}\n")
        shut.configure(portal_group='"theirs"')
        done = shut.host.run("unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/group; shift; exec "$@"', "sh", file.name,
                             f"{shut.programs}/portcullisd", "-n", "-c", shut.file, check=False)
        assert done.returncode == code and ("without members" in done.stderr) == bool(members), done.stderr
    assert net


def test_what_root_has_open(net, shut):
    """A file of root's that nobody closed is not for the command."""
    path = private(shut, "roots", "a secret of root's")
    with open(path, encoding="ascii") as file:
        look = ("/usr/bin/python3", "-c", f"import os; print(os.pread({file.fileno()}, 99, 0))")
        assert "a secret of root's" in shut.host.run(*look, pass_fds=(file.fileno(),)).stdout  # the control
        done = shut.ctl("portal", *look, pass_fds=(file.fileno(),), env=dict(os.environ, SUDO_UID=str(PERSON)))
    assert "Bad file descriptor" in done.stderr and "secret" not in done.stdout, done.stdout + done.stderr
    assert net


def test_command_is_looked_for_by_its_own_path(net, shut):
    """Not by ours, which may name a folder of the user's."""
    path = f"{shut.directory}/bin"
    os.mkdir(path, 0o755)
    with open(f"{path}/id", "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o755)) as file:
        file.write("#!/bin/sh\necho a stranger\n")
    environment = dict(os.environ, SUDO_UID=str(PERSON), PATH=f"{path}:{os.environ['PATH']}")
    assert shut.host.run("sh", "-c", "id", env=environment).stdout == "a stranger\n"  # the control
    assert shut.ctl("portal", "id", "-u", env=environment).stdout == f"{PERSON}\n"
    assert net


def test_asked_to_end_before_it_begins(net, shut):
    """A signal while portcullisd has yet to answer: no program, and no portal is left."""
    os.kill(shut.pid, signal.SIGSTOP)
    asks = shut.host.popen(f"{shut.programs}/portcullis", "-s", shut.socket, "portal", "--for", "1m", "sleep", "987",
                           env=dict(os.environ, SUDO_UID=str(PERSON)), stderr=subprocess.DEVNULL)
    wait_for(lambda: is_receiving(asks.pid), "it waits for the answer")
    asks.send_signal(signal.SIGTERM)
    os.kill(shut.pid, signal.SIGCONT)
    assert asks.wait(5) != 0
    assert "from 1 s to" in request(shut, 901)[1]  # portcullisd has read what was asked before
    assert not sleepers(shut, "987") and not shut.set_members("portal")
    assert net


def is_receiving(pid):
    with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
        return file.read().split()[0] == str(RECVFROM)


def sleepers(gate, seconds):
    found = []
    for pid in gate.host.pids("sleep"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            found += [pid] if file.read().split(b"\0")[1:2] == [seconds.encode()] else []
    return found


def test_what_a_neighbour_of_its_user_can_do(net, shut):
    """Another program of the same user can't trace it, nor reach its files: its group is another."""
    running = shut.host.popen(f"{shut.programs}/portcullis", "-s", shut.socket, "portal", "sleep", "996",
                              env=dict(os.environ, SUDO_UID=str(PERSON)))
    pid = wait_for(lambda: sleepers(shut, "996"), "the command")[0]

    def look():
        told = {}
        for what in ("root/", "fd/1", "maps", "environ"):
            try:
                act = {"root/": os.listdir, "fd/1": os.readlink}.get(what, lambda path: open(path, "rb").read(1))
                act(f"/proc/{pid}/{what}")
                told[what] = 0
            except OSError as problem:
                told[what] = problem.errno
        return told
    assert set(shut.host.call(look, uid=PERSON, gid=PERSON).values()) == {13}
    assert set(shut.host.call(look, uid=PERSON, gid=PORTAL).values()) == {0}  # the control
    running.terminate()
    running.wait(5)


def test_without_a_command(net, shut):
    """No screen, no browser, nobody's user: one line that says what to do instead, and nothing is opened."""
    for arguments, said in (((), "instead: sudo portcullis portal COMMAND"), (("--for", "20m", "true"), "instead: such as 5m")):
        done = command(shut, *arguments)
        assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr
    done = shut.ctl("portal", "true", env={k: v for k, v in os.environ.items() if k not in ("SUDO_UID", "DOAS_USER")})
    assert done.returncode == 1 and "--user" in done.stderr
    assert "a portal is open" not in shut.log()


WEB = """
import socket, sys
with socket.create_server((sys.argv[1], 8000)) as server:
    print("ready", flush=True)
    while True:
        client, _ = server.accept()
        with client:
            client.recv(4096)
            client.sendall(sys.argv[2].encode())
"""
PAGES = {  # what port 80 says, and what is told of it
    "portal": ("HTTP/1.1 302 Found\r\nLocation: http://login.example/?\x1b[2J\r\nContent-Length: 0\r\n\r\n",
               1, "a portal answers (HTTP 302, http://login.example/"),
    "its own page": ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1, "a portal answers (HTTP 200)"),
    "true page": ("HTTP/1.1 200 OK\r\nX-NetworkManager-Status: online\r\nContent-Length: 0\r\n\r\n", 0, "no portal"),
    "no web server": ("SSH-2.0-x\r\n", 1, "what answers is not a web server")}


@pytest.mark.parametrize("kind", PAGES)
def test_a_probe(net, shut, kind):
    """Whoever asks is told whether a portal answers: by a page that is known, through a hole for that question alone."""
    page, code, told = PAGES[kind]
    web = net.rtr.popen("/usr/bin/python3", "-c", WEB, ROUTER4, page, stdout=subprocess.PIPE, text=True)
    assert web.stdout.readline() == "ready\n"
    net.rtr.nft("table ip web { chain c { type nat hook prerouting priority dstnat; tcp dport 80 redirect to :8000; }; }")
    try:
        with net.wire() as wire:
            done = command(shut, "--probe")
            assert done.returncode == code and done.stdout.startswith(f"portal: {told}"), done
            assert done.stdout.count("\n") == 1 and "\x1b" not in done.stdout, done
            assert not shut.set_members("portal") and shut.status()["gate"] == "locked"
            assert any(f.dport == 80 for f in sent(wire)), "control"
            assert_shut(shut, wire)
    finally:
        net.rtr.run("nft", "delete", "table", "ip", "web")
        web.kill()
        web.wait()


ANSWERS = {"HTTP": b"HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n\r\n", "TLS": bytes.fromhex("15030100020246")}


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_stranger_answers(world, portcullis, kind):
    """A portal that takes every connection to itself answers in the server's place: that is told, with what to do."""
    with world.srv.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((SERVER4, 1230))
        server.listen()
        profile = re.sub(r"remote \S+ \d+ \S+", f"remote {SERVER4} 1230 tcp", world.profile("udp"))
        gate = portcullis(profile=profile).start()
        for _ in range(2):
            server.settimeout(10)
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(ANSWERS[kind])
        said = wait_for(lambda: re.search("but a web server.*", gate.log()), "the reason")
        assert kind in said.group() and "instead: log in to it, with sudo portcullis portal" in said.group(), said
