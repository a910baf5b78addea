"""Writes seeds/gate_verbs/ and seeds/gate_sock/: messages as a driver, and as root at gate.sock, would send them.

The targets mend the version, the verb, and a tunnel's name and endpoint's port where the first byte lets them
(fuzz_gate_verbs.c, fuzz_gate_sock.c): 1 means "mend", 200 "mend the version only", 250 and more "as it stands"."""
import ipaddress
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
READY, DIAL, ADDRESS, OPEN, COUNT, LEAVE = range(1, 7)  # base/wire_channel.h
UP, DOWN, RECONNECT, PAUSE, RESUME, OFF, RELOAD, _, PORTAL = range(1, 10)  # base/wire_admin.h
NAME, NETWORKS, SERVERS, DOMAINS, DOMAIN = 16, 32, 6, 4, 64
REQUEST = 1012
UDP, TCP = 17, 6


def address(text):
    if text is None:
        return bytes(17)
    value = ipaddress.ip_address(text)
    return bytes([value.version]) + value.packed.ljust(16, b"\0")


def prefix(text):
    net = ipaddress.ip_network(text)
    return address(str(net.network_address)) + bytes([net.prefixlen])


def request(verb, first=1, endpoint=None, port=1194, proto=UDP, name=b"tun0", four=None, six=None, networks=(), dns=(),
            domains=()):
    tunnel = name.ljust(NAME, b"\0")[:NAME] + address(four) + address(six)
    tunnel += b"".join(map(prefix, networks)).ljust(NETWORKS * 18, b"\0")
    tunnel += b"".join(map(address, dns)).ljust(SERVERS * 17, b"\0")
    tunnel += b"".join(each.ljust(DOMAIN, b"\0") for each in domains).ljust(DOMAINS * DOMAIN, b"\0")
    whole = struct.pack("=II", first, verb) + address(endpoint) + struct.pack("=BH", proto, port) + tunnel
    assert len(whole) == REQUEST, len(whole)
    return whole


GOOD = {"four": "10.8.0.2", "six": "fd00:8::2", "networks": ("10.8.0.0/24", "fd00:8::/64"), "dns": ("10.8.0.1",),
        "domains": (b"corp.example",)}
dial = request(DIAL, endpoint="192.0.2.1")
VERBS = {
    "ready-and-count": request(READY) + request(COUNT),
    "dialling": request(READY) + dial,
    "open": request(READY) + dial + request(ADDRESS, **GOOD) + request(OPEN, **GOOD),
    "open-without-address": dial + request(OPEN, four="10.8.0.2"),
    "open-and-leave-and-again": dial + request(OPEN, **GOOD) + request(LEAVE) + dial + request(OPEN, six="fd00:8::2"),
    "address-that-changes": dial + request(ADDRESS, four="10.8.0.2") + request(OPEN, four="10.8.0.3"),
    "address-while-open": dial + request(OPEN, **GOOD) + request(ADDRESS, four="10.8.0.9") + request(OPEN, **GOOD),
    "dial-twice": dial + dial,
    "open-before-dial": request(OPEN, **GOOD) + request(LEAVE) + request(ADDRESS, **GOOD),
    "dial-no-remote": request(DIAL, endpoint="192.0.2.2") + request(DIAL, endpoint="127.0.0.1")
    + request(DIAL, first=200, endpoint="192.0.2.1", port=53) + request(DIAL, first=200, endpoint="192.0.2.1", proto=TCP),
    "wrong-names": dial + request(OPEN, first=200, name=b"eth0", four="10.8.0.2")
    + request(OPEN, first=200, name=b"A" * NAME, four="10.8.0.2")
    + request(ADDRESS, first=200, name=b"../tun0", four="10.8.0.2"),
    "endpoint-inside": dial + request(OPEN, four="10.8.0.2", networks=("192.0.2.0/24",)),
    "no-address": dial + request(OPEN) + request(ADDRESS, four="224.0.0.1") + request(OPEN, six="::1"),
    "domain-that-is-none": dial + request(OPEN, four="10.8.0.2", domains=(b"a`id`b", b"x" * DOMAIN)),
    "verb-0": request(0) + dial,
    "verb-7": dial + request(7),
    "other-version": dial + request(OPEN, first=255, **GOOD),
    "half": dial + request(OPEN, **GOOD)[:500],
}


def request(verb, seconds=0, persist=0, first=1, user=0, any_address=0):
    return struct.pack("=IIIIII256x", first, verb, seconds, persist, user, any_address)


ADMIN = {
    "up": request(UP), "down-and-up": request(DOWN) + request(UP), "reconnect": request(RECONNECT),
    "pause-and-resume": request(PAUSE, 60) + request(RESUME), "pause-again": request(PAUSE, 1) + request(PAUSE, 3600),
    "pause-too-long": request(PAUSE, 0) + request(PAUSE, 0xffffffff), "pause-then-down": request(PAUSE, 60) + request(DOWN),
    "off-and-up": request(OFF) + request(RECONNECT) + request(PAUSE, 60) + request(UP), "off-persist": request(OFF, 0, 1) + request(OFF),
    "reload": request(RELOAD), "resume-nothing": request(RESUME), "verb-0": request(0), "verb-8": request(8) + request(UP),
    "portal": request(PORTAL, 60, user=1000) + request(PORTAL, 60, user=1000) + request(UP) + request(PORTAL),
    "portal-any": request(PORTAL, 900, user=1000, any_address=1) + request(PAUSE, 60) + request(PORTAL, 60, user=1000),
    "portal-refused": request(PORTAL, 901, user=1000) + request(PORTAL, 60),
    "other-version": request(OFF, first=254), "half": request(OFF, first=255)[:9],
}


def main():
    for folder, seeds in (("gate_verbs", VERBS), ("gate_sock", ADMIN)):
        (HERE / folder).mkdir(exist_ok=True)
        for name, seed in seeds.items():
            (HERE / folder / name).write_bytes(seed)


if __name__ == "__main__":
    main()
