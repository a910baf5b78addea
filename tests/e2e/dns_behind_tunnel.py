"""A resolver behind tun0: answers every A query with 192.0.2.53, and prints what it was asked."""

import fcntl
import os
import struct
import sys

from scapy.all import DNS, DNSRR, IP, UDP

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000

tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", b"tun0", IFF_TUN | IFF_NO_PI))
print("ready", flush=True)
while True:
    bytes_ = os.read(tun, 2048)
    packet = IP(bytes_) if bytes_[0] >> 4 == 4 else None
    if packet is None or DNS not in packet or packet[UDP].dport != 53:
        continue
    question = packet[DNS].qd
    print("asked", question.qname.decode(), packet[IP].dst, flush=True)
    answer = DNSRR(rrname=question.qname, ttl=1, rdata="192.0.2.53") if question.qtype == 1 else None
    reply = DNS(id=packet[DNS].id, qr=1, ra=1, qd=question, an=answer)
    os.write(tun, bytes(IP(src=packet[IP].dst, dst=packet[IP].src)
                        / UDP(sport=53, dport=packet[UDP].sport) / reply))
