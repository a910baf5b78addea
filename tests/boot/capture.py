"""The capture of a machine's network card: from before it is switched on until its process has ended."""
import collections
import ipaddress
import re
import struct
import subprocess

from wire import PROTO, Frame, Wire

TAG = re.compile(rb"calling-out:([a-z]+):([a-z0-9]+):")
PHASES = ("initrd", "early", "late", "shutdown")
FIRST_TCP_PORT = 8000


class Capture(Wire):  # pylint: disable=super-init-not-called
    """tcpdump's file of what came in at `interface`, that is, what the machine sent, with the time of each frame."""

    def __init__(self, ns, interface, path, outer=(), own=("2001:db8:50::/64",)):
        self.outer = {(ipaddress.ip_address(e.address), e.port, PROTO[e.proto]) for e in outer}
        self.own = [ipaddress.ip_network(net) for net in own]
        self.path, self.output = path, ""
        self.frames = []  # (seconds since the epoch, Frame, what it is)
        self.fragments = set()
        self.process = ns.popen("tcpdump", "-i", interface, "-Q", "in", "-n", "-U", "-B", "65536", "-s", "0", "-w", path,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        while line and "listening on" not in line:
            line = self.process.stderr.readline()
        assert "listening on" in line, f"tcpdump: {line}"

    def stop(self):
        """The machine is off: everything that it sent is read. A lost frame is a failure."""
        self.process.terminate()
        self.output = self.process.communicate(timeout=20)[1]
        assert self.lost() == 0, f"the capture lost frames: {self.output}"
        with open(self.path, "rb") as file:
            raw = file.read()
        at = 24
        assert raw[:4] == b"\xd4\xc3\xb2\xa1", "no tcpdump file"
        while at < len(raw):
            seconds, micro, size, whole = struct.unpack_from("<IIII", raw, at)
            assert size == whole, "a frame was cut"
            frame = Frame(raw[at + 16:at + 16 + size])
            self.frames.append((seconds + micro / 1e6, frame, self.classify(frame)))
            at += 16 + size
        captured = int(re.search(r"(\d+) packets? captured", self.output).group(1))
        assert captured == len(self.frames), f"{captured} captured, {len(self.frames)} in the file"
        return self

    def lost(self):
        return sum(int(n) for n in re.findall(r"(\d+) packets? dropped by", self.output))

    def clear(self, begin=0.0, end=float("inf")):
        return [(when, frame) for when, frame, kind in self.frames if kind == "clear" and begin <= when < end]

    def counts(self):
        return collections.Counter(kind for _, _, kind in self.frames)


def caller_of(frame):
    """(phase, way) of a frame in the clear that one of our programs sent; (None, what it looks like) of any other."""
    tag = TAG.search(frame.raw)
    if tag:
        return tag.group(1).decode(), tag.group(2).decode()
    if frame.proto == 6 and frame.dport is not None and 0 <= frame.dport - FIRST_TCP_PORT < len(PHASES):
        return PHASES[frame.dport - FIRST_TCP_PORT], "tcp4" if frame.type == 0x0800 else "tcp6"
    known = {53: "DNS", 123: "NTP", 5353: "mDNS", 80: "HTTP", 443: "HTTPS"}
    if frame.dport in known:
        return None, known[frame.dport]
    if frame.proto == 2:
        return None, "IGMP"
    if frame.proto in (1, 58):
        return None, f"ICMP {frame.icmp}"
    return None, f"type {frame.type:#06x} protocol {frame.proto} port {frame.dport}"


def tried(frames):
    """{(phase, way): how many} of the frames in the clear."""
    return collections.Counter(caller_of(frame) for _, frame in frames)


def table(counter):
    """One row for each way, one column for each phase."""
    ways = sorted({way for _, way in counter})
    rows = [f"{'':28}" + "".join(f"{phase or 'others':>10}" for phase in (*PHASES, None))]
    for way in ways:
        rows.append(f"{way:28}" + "".join(f"{counter[phase, way] or '–':>10}" for phase in (*PHASES, None)))
    return "\n".join(rows)
