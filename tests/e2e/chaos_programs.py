"""What runs on and beside the machine while there is chaos: programs that send all the time, one that asks through the
tunnel and notes when it was last answered, and a resolver that lies."""
import contextlib
import mmap
import os
import selectors
import socket
import struct
import sys
import time

# When the last question that was answered had been asked, IPv4 and IPv6; by how many seconds in all the asker was late:
# so much of the time this machine was too busy to be judged.
NOTES = struct.Struct("ddd")
TOKEN = b"CHAOS-IN-CLEAR"
EVERY, ASK_EVERY = 0.1, 0.03
UDP_PORT, TCP_PORT, LIE = 5300, 443, b"\xcb\x00\x71\x42"
KINDS = ("udp4", "udp6", "dns", "tcp4", "tcp6")
KINDS_OF_ROOT = ("bound0", "bound1", "packet0", "packet1", "icmp")


def token(kind):
    return TOKEN + f"-{kind}-{os.getuid()};".encode()


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def question(name):
    """A query for the address of `name`, which contains the token."""
    labels = b"".join(bytes([len(label)]) + label for label in (name, b"example"))
    return struct.pack("!HHHHHH", os.getpid() & 0xffff, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


class Programs:
    """All that one user's programs send."""

    def __init__(self, inside4, inside6, resolver, mac, lies):
        self.inside = {"4": inside4, "6": inside6}
        self.resolver, self.mac = resolver, bytes.fromhex(mac.replace(":", ""))
        self.lies, self.streams = lies, []
        self.asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.asking.setblocking(False)

    def udp(self, version, device=None, kind=None):
        kind = kind or f"udp{version}"
        with socket.socket(family_of(self.inside[version]), socket.SOCK_DGRAM) as sock:
            if device:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
            sock.sendto(token(kind), (self.inside[version], UDP_PORT))

    def dns(self):
        for server in (self.resolver, self.inside["4"]):
            for port in (53, 853):
                with contextlib.suppress(OSError):
                    self.asking.sendto(question(token("dns")), (server, port))
        with contextlib.suppress(OSError):
            while True:
                if LIE in self.asking.recv(2048):
                    os.write(self.lies, b"L")

    def tcp(self, version):
        """A connection; what was begun a second ago says its token, and is closed."""
        sock = socket.socket(family_of(self.inside[version]), socket.SOCK_STREAM)
        sock.setblocking(False)
        self.streams.append((time.monotonic() + 1, sock, f"tcp{version}"))
        sock.connect_ex((self.inside[version], TCP_PORT))
        while self.streams and (self.streams[0][0] < time.monotonic() or len(self.streams) > 40):
            _, old, kind = self.streams.pop(0)
            with contextlib.suppress(OSError):
                old.send(token(kind))
            old.close()

    def packet(self, device, kind):
        payload = token(kind)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
            sock.bind((device, 0))
            header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 1, 0, 64, 17, 0, socket.inet_aton("192.0.2.9"),
                                 socket.inet_aton(self.inside["4"]))
            datagram = struct.pack("!HHHH", 40000, UDP_PORT, 8 + len(payload), 0)
            sock.send(self.mac + sock.getsockname()[4] + b"\x08\0" + header + datagram + payload)
            sock.send(self.mac + sock.getsockname()[4] + b"\x88\xb5" + payload + bytes(40))

    def icmp(self):
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
            sock.sendto(struct.pack("!BBHHH", 8, 0, 0, 1, 1) + token("icmp"), (self.inside["4"], 0))

    def run(self):
        acts = [lambda: self.udp("4"), lambda: self.udp("6"), self.dns, lambda: self.tcp("4"), lambda: self.tcp("6")]
        if os.getuid() == 0:
            acts += [lambda: self.udp("4", b"eth0", "bound0"), lambda: self.udp("4", b"eth1", "bound1"),
                     lambda: self.packet("eth0", "packet0"), lambda: self.packet("eth1", "packet1"), self.icmp]
        while True:
            for act in acts:
                with contextlib.suppress(OSError):  # refused: that is what the gate is for
                    act()
            time.sleep(EVERY)


def ask(path, *addresses):
    """Asks both families' servers again and again; the file says which question was the last to be answered."""
    with open(path, "r+b") as file:
        shared = mmap.mmap(file.fileno(), NOTES.size)
    selector, answered = selectors.DefaultSelector(), [0.0, 0.0]
    socks = [socket.socket(family_of(address), socket.SOCK_DGRAM) for address in addresses]
    for index, sock in enumerate(socks):
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ, index)
    due, late = time.monotonic(), 0.0
    while True:
        now = time.monotonic()
        late += max(0.0, now - due)
        due = now + ASK_EVERY
        for sock, address in zip(socks, addresses):
            with contextlib.suppress(OSError):
                sock.sendto(struct.pack("d", now), (address, UDP_PORT))
        while (left := due - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                with contextlib.suppress(OSError):
                    asked, = struct.unpack("d", key.fileobj.recv(64))
                    answered[key.data] = max(answered[key.data], asked)
        shared[:] = NOTES.pack(*answered, late)  # pack_into would write zeros first, which a reader may see


def lie(*addresses):
    """A resolver that says of each name that it is at an address of its own."""
    selector = selectors.DefaultSelector()
    for address in addresses:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, 53))
        selector.register(sock, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            with contextlib.suppress(OSError):
                asked, peer = key.fileobj.recvfrom(2048)
                key.fileobj.sendto(asked[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + asked[12:]
                                   + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + LIE, peer)


def main(role, *arguments):
    if role == "ask":
        ask(*arguments)
    elif role == "lie":
        lie(*arguments)
    else:
        *rest, lies = arguments
        Programs(*rest, os.open(lies, os.O_WRONLY | os.O_APPEND)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
