"""The "internet": answers TCP and UDP with what it received. Arguments: addresses, then ports."""
import selectors
import socket
import sys


def udp(sock, _):
    while True:
        try:
            data, peer = sock.recvfrom(65536)
            sock.sendto(data, peer)
        except BlockingIOError:
            return
        except OSError:  # there is nobody to answer
            continue


def stream(sock, selector):
    try:
        data = sock.recv(65536)
        if data:
            sock.sendall(data)
            return
    except OSError:
        pass
    selector.unregister(sock)
    sock.close()


def listener(sock, selector):
    try:
        peer, _ = sock.accept()
    except OSError:
        return
    selector.register(peer, selectors.EVENT_READ, stream)


def main(addresses, ports):
    selector = selectors.DefaultSelector()
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for port in ports:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                sock = socket.socket(family, kind)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((address, port))
                if kind == socket.SOCK_STREAM:
                    sock.listen(512)
                sock.setblocking(False)
                selector.register(sock, selectors.EVENT_READ, udp if kind == socket.SOCK_DGRAM else listener)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            key.data(key.fileobj, selector)


main(sys.argv[1].split(","), [int(port) for port in sys.argv[2].split(",")])
