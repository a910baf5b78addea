"""A small world in namespaces: a protected host, a watched wire, OpenVPN servers and an "internet".

    host eth0 192.168.50.2 ──── r0 rtr r1 ──── eth0 203.0.113.10 srv (lo: 198.51.100.80)

The wire is captured at r0, the host's far end: rtr is the attacker.
"""
import os
import select
import socket
import subprocess
import time

from netns import Namespace, wait_for
from wire import Endpoint, Wire, fence

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = "/run/e2e"
HOST4, HOST6, ROUTER4, ROUTER6 = "192.168.50.2", "2001:db8:50::2", "192.168.50.1", "2001:db8:50::1"
INTERNET4, INTERNET6 = "198.51.100.80", "2001:db8:80::80"
SERVER4, SERVER6 = "203.0.113.10", "2001:db8:203::10"
GLOBAL4 = "192.31.196.10"  # behind the well-known NAT64 prefix there may only be addresses that are global
TUNNEL4 = "10.8.0.2"
ECHO_PORTS = (53, 67, 80, 123, 443, 547, 853, 5300, 5353)
NOBODY = 65534
NO_OFFLOAD = ["--ignore-unknown-option", "disable-dco", "--disable-dco"]  # openvpn 2.5 does not have it


class Server:
    """One OpenVPN server: how to start it, and what a client's profile says about it."""

    def __init__(self, name, endpoint, network, extra=()):
        self.name, self.endpoint, self.network, self.extra = name, endpoint, network, list(extra)

    def options(self):
        v6 = ":" in self.endpoint.address
        proto = {"udp": "udp6" if v6 else "udp4", "tcp": "tcp6-server" if v6 else "tcp4-server"}
        return [
            "--dev", f"tun{self.network}", "--dev-type", "tun", "--proto", proto[self.endpoint.proto],
            "--local", self.endpoint.address, "--port", str(self.endpoint.port),
            "--topology", "subnet", "--server", f"10.{self.network}.0.0", "255.255.255.0",
            *([] if self.name == "v4only" else ["--server-ipv6", f"fd00:{self.network}::/64"]),
            "--push", "redirect-gateway def1" + ("" if self.name == "v4only" else " ipv6"), "--push", "dhcp-option DNS 10.8.0.1",
            "--ca", "ca.crt", "--cert", "server.crt", "--key", "server.key", "--dh", "none",
            "--keepalive", "1", "4", *NO_OFFLOAD, "--verb", "3", *self.extra]


def management(name):
    """Where that server's management interface listens."""
    return f"{ROOT}/server-{name}.management"


SLOW = ["--script-security", "2"]
PATIENT = ["--keepalive", "10", "60"]  # as providers push it


def asking(mode):
    """The options of a server that wants a second factor, in one of verify_login's ways."""
    return ["--script-security", "2", "--auth-user-pass-verify", f"{HERE}/verify_login {mode}", "via-file"]


SERVERS = {server.name: server for server in (
    Server("udp", Endpoint(SERVER4, 1194, "udp"), 8),
    Server("tcp", Endpoint(SERVER4, 1194, "tcp"), 9),
    Server("port53", Endpoint(SERVER4, 53, "udp"), 10),
    Server("udp6", Endpoint(SERVER6, 1194, "udp"), 11),
    Server("tcp6", Endpoint(SERVER6, 1194, "tcp"), 12),
    Server("v4only", Endpoint(SERVER4, 1196, "udp"), 14),
    Server("noredirect", Endpoint(SERVER4, 1197, "udp"), 15),
    Server("badroute", Endpoint(SERVER4, 1199, "udp"), 17, ["--push", "route 10.99.0.0 255.255.0.0 192.0.2.77"]),
    Server("slowtls", Endpoint(SERVER4, 1198, "udp"), 16, SLOW + ["--tls-verify", f"{HERE}/slow_server"]),
    Server("password", Endpoint(SERVER4, 1200, "udp"), 18, ["--script-security", "3", "--auth-user-pass-verify",
                                                            f"{HERE}/verify_password", "via-env"]),
    Server("approval", Endpoint(SERVER4, 1202, "udp"), 19, [
        "--script-security", "3", "--setenv", "asked", f"{ROOT}/asked", "--auth-user-pass-verify", f"{HERE}/slow_approval",
        "via-env"]),
    Server("static", Endpoint(SERVER4, 1221, "udp"), 101, asking("static")),
    Server("suffix", Endpoint(SERVER4, 1222, "udp"), 102, asking("suffix")),
    Server("dynamic", Endpoint(SERVER4, 1223, "udp"), 103, asking("dynamic")),
    Server("pending", Endpoint(SERVER4, 1224, "udp"), 104, asking("pending")
           + ["--client-crresponse", f"{HERE}/verify_login response"]),
    Server("token", Endpoint(SERVER4, 1225, "udp"), 105, asking("static") + ["--auth-gen-token", "600"]),
    Server("refusing", Endpoint(SERVER4, 1220, "udp"), 40, [
        "--script-security", "3", "--setenv", "asked", f"{ROOT}/asked", "--auth-user-pass-verify",
        f"{HERE}/refusing_password", "via-env"]),
    Server("welcoming", Endpoint(SERVER6, 1221, "udp"), 42, ["--script-security", "3", "--auth-user-pass-verify",
                                                             f"{HERE}/verify_password", "via-env"]),
    Server("full", Endpoint(SERVER4, 1227, "udp"), 43, PATIENT + ["--max-clients", "1"]),
    Server("full-tcp", Endpoint(SERVER4, 1227, "tcp"), 44, PATIENT + ["--max-clients", "1"]),
    Server("revoked", Endpoint(SERVER4, 1226, "udp"), 41, ["--crl-verify", "crl.pem"]),
    Server("global", Endpoint(GLOBAL4, 1227, "udp"), 106),
    Server("global-tcp", Endpoint(GLOBAL4, 1227, "tcp"), 107),
    Server("stranger", Endpoint(SERVER4, 1195, "udp"), 13, ["--cert", "other.crt",
                                                            "--key", "other.key"]),
    *(Server(name, Endpoint(address, 1201, proto), network, PATIENT) for name, address, proto, network in (
        ("patient", SERVER4, "udp", 80), ("patient-tcp", SERVER4, "tcp", 81),
        ("patient6", SERVER6, "udp", 82), ("patient-tcp6", SERVER6, "tcp", 83))),
)}


def make_certificates(directory):
    """A small certificate authority, a server and a client; and another authority that nobody trusts."""
    os.makedirs(directory, exist_ok=True)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    def authority(name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}", "-days", "2")

    def issue(name, ca, usage):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}", "-days", "2",
                "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-addext", f"extendedKeyUsage={usage}",
                "-addext", "keyUsage=digitalSignature", "-addext", "basicConstraints=critical,CA:FALSE")

    def revoke(name):
        """A list of revoked certificates with this one; and one that has expired, of the same key."""
        with open(f"{directory}/ca.cnf", "w", encoding="ascii") as file:
            file.write("[ca]\ndefault_ca = c\n[c]\ndatabase = index.txt\nnew_certs_dir = .\nrand_serial = yes\n"
                       "default_md = sha256\npolicy = p\ndefault_crl_days = 2\nunique_subject = no\n[p]\ncommonName = supplied\n"
                       "[client]\nextendedKeyUsage = clientAuth\nkeyUsage = digitalSignature\n")
        open(f"{directory}/index.txt", "w", encoding="ascii").close()
        by = ("ca", "-batch", "-config", "ca.cnf", "-cert", "ca.crt", "-keyfile", "ca.key")
        openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", "old.csr")
        openssl(*by, "-in", "old.csr", "-out", "expired.crt", "-startdate", "20240101000000Z",
                "-enddate", "20250101000000Z", "-extensions", "client", "-notext")
        openssl(*by, "-revoke", f"{name}.crt")
        openssl(*by, "-gencrl", "-out", "crl.pem")

    authority("ca")
    authority("other-ca")
    issue("server", "ca", "serverAuth")
    issue("client", "ca", "clientAuth")
    issue("other", "other-ca", "serverAuth")
    revoke("client")


class World:
    def __init__(self):
        self.host, self.rtr, self.srv = Namespace("host"), Namespace("rtr"), Namespace("srv")
        self.keys = f"{ROOT}/keys"
        self.running, self.used = {}, set()
        self.machine = None

    # --- the parts that last for the whole session

    def start(self):
        make_certificates(self.keys)
        for ns in (self.rtr, self.srv):
            ns.create()
            ns.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                      "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0")
        self.rtr.ip(
            "link add r1 type veth peer name eth0 netns srv",
            "address add 203.0.113.1/24 dev r1", "address add 2001:db8:203::1/64 dev r1", "link set r1 up")
        self.srv.ip(
            f"address add {SERVER4}/24 dev eth0", f"address add {SERVER6}/64 dev eth0", "link set eth0 up",
            f"address add {INTERNET4}/32 dev lo", f"address add {INTERNET6}/128 dev lo", f"address add {GLOBAL4}/32 dev lo",
            "route add default via 203.0.113.1", "route add default via 2001:db8:203::1")
        self.rtr.ip("route add 198.51.100.0/24 via 203.0.113.10", f"route add {GLOBAL4} via 203.0.113.10",
                    "route add 2001:db8:80::/64 via 2001:db8:203::10")
        self.srv.nft("table inet stale { chain o { type filter hook output priority 0; meta l4proto { tcp, udp } "
                     "th sport { 53, 1194-1240 } ip daddr 192.168.50.2 ct state new,invalid drop; meta l4proto { tcp, udp } "
                     "th sport { 53, 1194-1240 } ip6 daddr 2001:db8:50::2 ct state new,invalid drop; } }")
        echo = self.srv.popen("/usr/bin/python3", f"{HERE}/echo.py", f"{INTERNET4},{INTERNET6}",
                              ",".join(map(str, ECHO_PORTS)), stdout=subprocess.PIPE, text=True)
        assert echo.stdout.readline() == "ready\n"
        # The first question for a neighbour over IPv6 may be lost, and a second follows after a second.
        wait_for(lambda: self.rtr.call(connect_tcp, INTERNET6, 80)[0] == 0, "IPv6 from the router to the servers")
        return self

    def server(self, name):
        """The server's endpoint. The server is started if it does not run."""
        server = SERVERS[name]
        self.used.add(name)
        if name not in self.running:
            self.is_alone(server)
            log = open(f"{ROOT}/server-{name}.log", "w+", encoding="utf-8")
            process = self.srv.popen("openvpn", *server.options(), "--management", management(name), "unix",
                                     cwd=self.keys, stdout=log, stderr=log)
            self.running[name] = process

            def ready():
                log.seek(0)
                text = log.read()
                assert process.poll() is None, f"server {name} left: {text}"
                return "Initialization Sequence Completed" in text
            wait_for(ready, f"OpenVPN server {name}")
        return server

    def is_alone(self, server):
        """Servers run to the session's end: two of them with one port or one network are a fault of the tests."""
        for other in (SERVERS[name] for name in self.running if name in SERVERS):
            assert other.endpoint != server.endpoint and other.network != server.network, f"{other.name}, {server.name}"

    def told(self):
        """For the message of a failure: the last lines of each server."""
        text = ""
        for name in self.running:
            with open(f"{ROOT}/server-{name}.log", encoding="utf-8", errors="replace") as log:
                text += f"\n--- the server {name}\n" + log.read()[-4000:]
        return text

    def stop_server(self, name, sig="TERM"):
        process = self.running.pop(name)
        (process.terminate if sig == "TERM" else process.kill)()
        process.wait(10)

    def forget_clients(self):
        """A server that still has a session from a client's address and port answers nothing when that port asks for
        options again within 30 s (sent_push_reply_expiry in openvpn's push.c); a port is chosen again soon enough."""
        for name in self.used & self.running.keys():
            with socket.socket(socket.AF_UNIX) as server:
                server.settimeout(10)
                server.connect(management(name))
                server.sendall(b"kill client\nquit\n")
                while server.recv(4096):
                    pass
        self.used.clear()

    def profile(self, *names, extra=(), authority="ca", certificate="client"):
        """A provider's .ovpn for these servers, everything inline."""
        servers = [self.server(name) for name in names]

        def inline(tag, name):
            with open(f"{self.keys}/{name}", encoding="ascii") as file:
                return f"<{tag}>\n{file.read().strip()}\n</{tag}>"

        remotes = [f"remote {s.endpoint.address} {s.endpoint.port} "
                   + s.endpoint.proto + ("6" if ":" in s.endpoint.address else "") for s in servers]
        return "\n".join(["client", "dev tun", "nobind", "persist-key", "remote-cert-tls server", *remotes, *extra,
                          inline("ca", f"{authority}.crt"), inline("cert", f"{certificate}.crt"),
                          inline("key", "client.key")]) + "\n"

    # --- the protected machine and its wire: new for every test

    def fresh_host(self, up=True):
        """A new, empty machine on the wire: no rules, no routes, no processes of the previous test."""
        self.host.destroy()
        self.host.create()
        # The servers still send to the machine of the previous test, and the new one would answer that the port is
        # closed: without its entries in the connection table, the servers' own filter stops these packets. The router
        # has no such filter, because reassembly there would write into frames that the capture has yet to read.
        self.srv.run("conntrack", "-F")
        self.forget_clients()
        self.rtr.ip("link add r0 type veth peer name eth0 netns host",
                    f"address add {ROUTER4}/24 dev r0", f"address add {ROUTER6}/64 dev r0", "link set r0 up")
        self.host.ip(f"address add {HOST4}/24 dev eth0", f"address add {HOST6}/64 dev eth0 nodad")
        if up:
            self.link_up()
        return self.host

    def link_up(self):
        self.host.ip("link set eth0 up", f"route add default via {ROUTER4}", f"route add default via {ROUTER6}")
        # Neighbour entries lead these addresses to the router. A packet from a socket that is bound to the link, for
        # which our table has no route, would otherwise wait in vain for an answer to ARP and never come to a filter.
        mac = self.rtr.run("ip", "-o", "link", "show", "r0").stdout.split("link/ether ")[1].split()[0]
        self.host.ip(*(f"neigh replace {address} lladdr {mac} dev eth0" for address in (INTERNET4, SERVER4)))
        wait_for(lambda: "tentative" not in self.host.run("ip", "-6", "address").stdout
                 and "LOWER_UP" in self.host.run("ip", "link", "show", "eth0").stdout, "eth0 up")

    def wire(self, *names, link="r0", **more):
        return Wire(self.rtr, link, [SERVERS[name].endpoint for name in names], **more)

    def fence(self, wire, interface="eth0"):
        fence(self.host, wire, interface)

    def bare_vpn(self, name="udp", *options):
        """openvpn alone, without Portcullis: the control."""
        return BareVpn(self, name, options)


class BareVpn:
    def __init__(self, world, name, options=()):
        self.world = world
        path = f"{ROOT}/bare.ovpn"
        with open(path, "w", encoding="ascii") as file:
            file.write(world.profile(name))
        self.process = world.host.popen("openvpn", "--config", path, "--dev", "tun0", *NO_OFFLOAD,
                                        "--script-security", "0", *options,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.wait("Initialization Sequence Completed")

    def wait(self, text, seconds=10):
        told, end = b"", time.monotonic() + seconds
        while text.encode() not in told:
            left = end - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            chunk = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert chunk, f"openvpn did not say {text!r}: {told.decode(errors='replace')}"
            told += chunk

    def kill(self):
        self.process.kill()
        self.process.wait()


# --- what programs on the machine do; all run inside a namespace (Namespace.call)

def send_udp(address, port, payload, device=None, count=1, sport=0, connect=False):
    """Sends datagrams. Returns the numbers of the errors that came back (0: it was accepted)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    results = []
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if device:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        if sport:
            sock.bind(("", sport))
        if connect:
            try:
                sock.connect((address, port))
            except OSError as problem:
                return [problem.errno]
        for _ in range(count):
            try:
                if connect:
                    sock.send(payload)
                else:
                    sock.sendto(payload, (address, port))
                results.append(0)
            except OSError as problem:
                results.append(problem.errno)
    return results


def connect_tcp(address, port, payload=b"", device=None, sport=0, seconds=1.0, source=None):
    """(error number or 0, what was echoed, seconds)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    began = time.monotonic()
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(seconds)
        try:
            if device:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            if sport or source:
                sock.bind((source or "", sport))
            sock.connect((address, port))
            echoed = b""
            if payload:
                sock.sendall(payload)
                while len(echoed) < len(payload):
                    chunk = sock.recv(65536)
                    if not chunk:
                        break
                    echoed += chunk
            return 0, echoed, time.monotonic() - began
        except OSError as problem:
            return problem.errno or 110, b"", time.monotonic() - began


def ask_udp(address, port, payload, seconds=2.0, device=None):
    """The echo, or None."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(seconds)
        if device:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        try:
            sock.sendto(payload, (address, port))
            return sock.recvfrom(65536)[0]
        except OSError:
            return None
