"""A router that announces a NAT64 prefix (RFC 8781): at once, and to each that asks. Arguments: link, prefix, seconds."""
import ipaddress
import select
import socket
import struct
import sys

link, prefix, seconds = sys.argv[1], ipaddress.ip_network(sys.argv[2]), int(sys.argv[3])
CODES = {96: 0, 64: 1, 56: 2, 48: 3, 40: 4, 32: 5}
option = struct.pack("!BBH", 38, 2, seconds & ~7 | CODES[prefix.prefixlen]) + prefix.network_address.packed[:12]
# A router for nothing else: its lifetime is 0.
advertisement = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 0, 0, 0) + option
everybody = ("ff02::1", 0, 0, socket.if_nametoindex(link))
with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as router:
    router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                      socket.inet_pton(socket.AF_INET6, "ff02::2") + struct.pack("@I", everybody[3]))
    while True:
        router.sendto(advertisement, everybody)
        print("announced", flush=True)
        asked = False
        while not asked:
            select.select([router], [], [])
            asked = router.recv(2048)[0] == 133
