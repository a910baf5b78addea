"""A DNS over TLS server that behaves as told, good or bad: dot_server.py ADDRESS CERTIFICATE KEY MODE [NAME=ADDRESS ...].

Prints "ready", then "from PEER" for each connection and "asked NAME TYPE" for each query. The messages are made by scapy,
which shares nothing with the driver's own reader."""

import socket
import ssl
import struct
import sys
import threading
import time

from scapy.all import DNS, DNSRR

ADDRESS, CERTIFICATE, KEY, MODE = sys.argv[1:5]
NAMES = {}
for pair in sys.argv[5:]:
    NAMES.setdefault(pair.split("=")[0], []).append(pair.split("=")[1])
TYPES = {1: "A", 28: "AAAA"}


def say(*words):
    print(*words, flush=True)


def whole(connection, length):
    got = b""
    while len(got) < length:
        chunk = connection.recv(length - len(got))
        if not chunk:
            raise ConnectionError
        got += chunk
    return got


def answer(query):
    """The answer to a query, as the mode wants it."""
    question = query.qd[0] if isinstance(query.qd, list) else query.qd
    name = question.qname.decode().rstrip(".")
    say("asked", name, TYPES.get(question.qtype, question.qtype))
    code = {"nxdomain": 3, "servfail": 2}.get(MODE, 0)
    records = None
    for address in NAMES.get(name, []) if code == 0 else []:
        if (":" in address) == (question.qtype == 28):
            record = DNSRR(rrname=question.qname, type=question.qtype, ttl=60, rdata=address)
            records = record if records is None else records / record
    if MODE == "cname" and records is not None:
        records = DNSRR(rrname=question.qname, type=5, ttl=60, rdata="other.example.net") / records
    reply = bytes(DNS(id=query.id, qr=1, rd=1, ra=1, rcode=code, qd=question, an=records))
    if MODE == "huge":
        extra = b"\xc0\x0c\0\x10\0\x01\0\0\0\x3c\0\xc9\xc8" + b"x" * 200  # a TXT record of the name asked for
        count, = struct.unpack("!H", reply[6:8])
        reply = reply[:6] + struct.pack("!H", count + 300) + reply[8:] + extra * 300
    return b"\xff" * len(reply) if MODE == "garbage" else reply


def serve(connection):
    try:
        while True:
            length, = struct.unpack("!H", whole(connection, 2))
            reply = answer(DNS(whole(connection, length)))
            if MODE == "reset":
                connection.unwrap()
                return
            if MODE == "silent":
                continue
            if MODE == "slow":
                for byte in struct.pack("!H", len(reply)) + reply:
                    connection.sendall(bytes([byte]))
                    time.sleep(0.002)
            else:
                connection.sendall(struct.pack("!H", len(reply)) + reply)
    except (OSError, ConnectionError):
        pass


def accept(plain, peer, context):
    say("from", peer)
    try:
        if MODE == "mute":  # no TLS at all
            plain.recv(1 << 20)
            time.sleep(60)
        if MODE == "plain":
            plain.sendall(b"HTTP/1.1 200 OK\r\n\r\n" * 10)
            return
        serve(context.wrap_socket(plain, server_side=True))
    except (OSError, ssl.SSLError) as problem:
        say("tls", problem)
    finally:
        plain.close()


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    family = socket.AF_INET6 if ":" in ADDRESS else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, 853))
        listener.listen(8)
        say("ready")
        while True:
            plain, peer = listener.accept()
            threading.Thread(target=accept, args=(plain, peer[0], context), daemon=True).start()


main()
