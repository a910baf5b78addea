"""What a process can do with CAP_NET_ADMIN and nothing else: send forged netlink messages, and own tables with our
names."""
import os
import re
import socket
import struct
import subprocess

STRANGER = 64099
CAPTURED = ["setpriv", "--reuid", str(STRANGER), "--regid", str(STRANGER), "--clear-groups", "--bounding-set", "-all,+net_admin",
            "--inh-caps", "-all,+net_admin", "--ambient-caps", "-all,+net_admin", "--no-new-privs"]
NETLINK_NETFILTER, GROUP_LINK, GROUP_NFTABLES = 12, 1, 7
NEWLINK, DELLINK = 16, 17
NEWTABLE, DELRULE, NEWGEN = 10 << 8, 10 << 8 | 8, 10 << 8 | 15
INET, NETDEV, BRIDGE = 1, 5, 7


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind, body, flags=0, number=1):
    return struct.pack("=IHHII", 16 + len(body), kind, flags, number, 0) + body


def link(kind, index, name):
    return message(kind, struct.pack("=BBHiII", 0, 0, 0xfffe, index, 0, 0) + attribute(3, name + b"\0"))


def foreign_change(generation):
    """The kernel's notification that somebody changed a rule of ours."""
    rule = struct.pack("!BBH", INET, 0, 0) + attribute(1, b"portcullis\0") + attribute(2, b"out\0")
    end = struct.pack("!BBH", 0, 0, 0) + attribute(1, struct.pack("!I", generation))
    return message(DELRULE, rule), message(NEWGEN, end)


NAMES = ("portcullis", "portcullis_second", "portcullis_third")
OWNED, OWNED_FOR_EVER = 2, 6
HOLD = """
import socket, struct, sys
def message(kind, flags, body): return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body
def attribute(kind, value): return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
sock.bind((int(sys.argv[1]), 0))
batch = struct.pack("!BBH", 0, 0, 10)
for word in sys.argv[3:]:
    family, _, name = word.partition(":")
    table = struct.pack("!BBH", int(family), 0, 0) + attribute(1, name.encode() + b"\\0")
    table += attribute(2, struct.pack("!I", int(sys.argv[2])))
    sock.send(message(0x10, 1, batch) + message(0xa00, 0x405, table) + message(0x11, 1, batch))
    print(struct.unpack_from("=i", sock.recv(4096), 16)[0], flush=True)
sys.stdin.read()
"""


class Holder:
    """A process with that one capability that owns empty tables of these names until it is closed."""

    def __init__(self, host, names=NAMES[:1], families=(INET,), address=0, flags=OWNED, program=("/usr/bin/python3",)):
        words = [f"{family}:{name}" for family in families for name in names]
        self.process = host.popen(*CAPTURED, *program, "-c", HOLD, str(address), str(flags), *words,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for word in words:
            assert self.process.stdout.readline() == "0\n", word

    def close(self):
        self.process.kill()
        self.process.wait()


def hold_names(host, names=NAMES, **more):
    """Owns tables of these names from a netlink address that is no process's number."""
    return Holder(host, names, address=0x7ffffff0, **more)


def addresses_of(pid, protocol):
    """The addresses of a process's netlink sockets of one protocol."""
    inodes = set()
    for entry in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{entry}")
        inodes.update(re.findall(r"socket:\[(\d+)\]", target))
    with open(f"/proc/{pid}/net/netlink", encoding="ascii") as file:
        rows = [line.split() for line in file.read().splitlines()[1:]]
    return [int(row[2]) for row in rows if int(row[1]) == protocol and row[9] in inodes]


def run_captured(host, code, *arguments, **more):
    """Runs this program in the namespace, with that one capability."""
    return host.run(*CAPTURED, "/usr/bin/python3", "-c", code, *map(str, arguments), **more)


def send(host, protocol, data, address=0, group=0):
    """Sends to an address or to a group, from a process with that one capability. Returns the errno, or 0."""
    code = ("import socket, sys\ns = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, int(sys.argv[1]))\n"
            "try: s.sendto(bytes.fromhex(sys.argv[2]), (int(sys.argv[3]), int(sys.argv[4]))); print(0)\n"
            "except OSError as problem: print(problem.errno)")
    return int(run_captured(host, code, protocol, data.hex(), address, 1 << group - 1 if group else 0).stdout)


def listener(host, protocol, group=0):
    """A socket that believes whoever sends to it: the control."""
    sock = host.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    sock.bind((0, 1 << group - 1 if group else 0))
    sock.settimeout(5)
    return sock
