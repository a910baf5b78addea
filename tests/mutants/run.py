"""Would the tests notice? Makes small changes of the code, each in a copy of its own, and runs the tests that link it.

A change that does not compile, or whose object code is the same, is none. The rooms are in rooms.txt; survivors.txt
lists the changes that make no difference, with the reason of each. See docs/contributing.md."""

import argparse
import collections
import fnmatch
import hashlib
import math
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import threading
import time

import change

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
# What a run may take: so many times the healthy one's, and some seconds for a busy machine.
TIMES, SECONDS, COMPILE_SECONDS, E2E_SECONDS = 4, 5, 120, 1800
FAILED = b"[  FAILED  ]"  # cmocka's word, as soon as a test of several has failed
# Nothing of the machine is in reach: no link but a loopback, no folder of runs, no process but its own; who kills us
# ends them.
ALONE = """mount -t tmpfs none /run; case $PWD in /tmp/*) ;; *) mount -t tmpfs -o mode=1777 none /tmp;; esac
ip link set lo up; exec "$@" """
WALL = ["setpriv", "--pdeathsig", "KILL", "unshare", "-n", "-m", "-i", "-p", "-f", "--kill-child", "--mount-proc",
        "sh", "-c", ALONE, "sh"]

Room = collections.namedtuple("Room", "pattern share tests files")


def read_rooms(text, files):
    """The first room that a file fits is its own."""
    rooms, left = [], list(files)
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, share, *tests = line.split()
            own = [name for name in left if fnmatch.fnmatchcase(name, pattern)]
            left = [name for name in left if name not in own]
            rooms.append(Room(pattern, int(share), tuple(tests), tuple(own)))
    return rooms


def read_survivors(text):
    """key -> reason: a key begins its line, its reason is indented below it."""
    survivors, key = {}, None
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line[0].isspace():
            key = line
            survivors[key] = ""
        elif key is not None:
            survivors[key] = (survivors[key] + " " + line.strip()).strip()
    return survivors


class Commands:
    """How make makes each object, the archive of all of them, and each test: asked once, for it takes make longer to look at
    the tree than the compiler to compile a file."""

    def __init__(self, place, tests):
        said = subprocess.run(["make", "-nB", *tests], cwd=place, env=plain_environment(), check=True, text=True,
                              stdout=subprocess.PIPE).stdout.replace("\\\n", " ")
        self.archive, self.gathered, self.made, self.called = "", "", {}, {}
        for line in said.splitlines():
            words = line.split()
            if words[:1] == ["ar"]:  # of paths alone: nothing is copied
                self.archive, line = words[2], line.replace("ar qcs", "ar qcsT", 1)
                self.gathered = f"rm -f {self.archive}; {line}"
            elif words[:1] == ["objcopy"]:  # a main that a test calls: from, to
                self.called[words[-2]] = words[-1], line
            elif "-o" in words:
                # Without what only a debugger reads: it differs where the code does not, and takes time.
                self.made[words[words.index("-o") + 1]] = line + (" -w -g0" if "-c" in words else "")


def plain_environment():
    return {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "BUILD")}


class Copy:
    """A copy of the tree and of what is built of it, for one change at a time."""
    seconds, asking = {}, collections.defaultdict(threading.Lock)

    def __init__(self, place, build):
        self.place, self.codes, self.linked = place, {}, {}
        self.hits = collections.Counter()  # how often a test has noticed a change of a file
        place.mkdir(parents=True)
        for entry in ROOT.iterdir():
            if entry.name not in (".git", "build") and entry != build:
                subprocess.run(["cp", "-a", entry, place], check=True)
        (place / "build" / "test").mkdir(parents=True)
        subprocess.run(["cp", "-a", build / "obj", place / "build"], check=True)
        for test in (build / "test").glob("test_*"):
            if (ROOT / "tests/unit" / (test.name + ".c")).exists():
                subprocess.run(["cp", "-a", test, place / "build" / "test"], check=True)
        if (build / "deps").exists():
            (place / "build" / "deps").symlink_to((build / "deps").resolve())
        self.tests = {test: test.read_bytes() for test in sorted((place / "build" / "test").glob("test_*"))}
        self.commands = Commands(place, [self.within(test) for test in self.tests])
        self.do(self.commands.gathered)

    def within(self, path):
        return str(path.relative_to(self.place))

    def links(self, path):
        """The unit tests whose debugging information names the file, and those that include it; first who has noticed most
        of its changes, then what is known to take no time."""
        if path not in self.linked:
            self.linked[path] = [test for test, image in self.tests.items()
                                 if path.encode() + b"\0" in image or self.includes(test, path)]
        return sorted(self.linked[path], key=lambda test: (-self.hits[path, test], self.seconds.get(test.name, 0)))

    def object_of(self, test):
        return self.place / "build/obj/tests/unit" / (test.name + ".o")

    def includes(self, test, path):
        """Some tests include a file instead of linking it."""
        return path in self.object_of(test).with_suffix(".d").read_text().split()

    def healthy(self, test):
        """Seconds that a test takes when nothing is changed: asked once for all copies."""
        with self.asking[test.name]:
            if test.name not in self.seconds:
                begun = time.monotonic()
                if not self.run([test], 300):
                    raise SystemExit(f"mutants: {test.name} fails without any change")
                self.seconds[test.name] = time.monotonic() - begun
            return self.seconds[test.name]

    def do(self, command, seconds=COMPILE_SECONDS):
        try:
            return subprocess.run(command, cwd=self.place, env=plain_environment(), timeout=seconds, shell=isinstance(command, str),
                                  check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def run(self, command, seconds):
        """Does it pass? The first assertion that fails ends it."""
        with subprocess.Popen([*WALL, *command], cwd=self.place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "stdout"}) as child:
            end = time.monotonic() + seconds
            try:
                said = b""
                while select.select([child.stdout], [], [], max(0, end - time.monotonic()))[0]:
                    piece = os.read(child.stdout.fileno(), 65536)
                    said = said[-len(FAILED):] + piece
                    if not piece:
                        return child.wait(max(0, end - time.monotonic())) == 0
                    if FAILED in said:
                        return False
                return False
            except subprocess.TimeoutExpired:
                return False
            finally:
                child.kill()

    def judge(self, one, room, end_to_end):
        """None if it is no change; else what noticed it, or "" if nothing did."""
        source, object_ = self.place / one.path, self.place / "build" / "obj" / (one.path[:-2] + ".o")
        if self.within(object_) not in self.commands.made:
            return None
        text, times, kept = source.read_text(), source.stat(), {object_: object_.read_bytes()}
        tests = self.links(one.path)
        try:
            if one.path not in self.codes:
                self.do(self.commands.made[self.within(object_)])
                self.codes[one.path] = object_.read_bytes()
            source.write_text(change.apply(text, one))
            if not self.do(self.commands.made[self.within(object_)]) or object_.read_bytes() == self.codes[one.path]:
                return None
            if self.within(object_) in self.commands.called:
                called, command = self.commands.called[self.within(object_)]
                kept[self.place / called] = (self.place / called).read_bytes()
                self.do(command)
                object_ = self.place / called
            return self.noticed_by(tests, one.path, object_, kept) or self.noticed_end_to_end(room if end_to_end else None)
        finally:
            source.write_text(text)
            os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
            for path, bytes_ in kept.items():
                path.write_bytes(bytes_)  # newer than what was linked with the changed one

    def links_again(self, test, path, object_, kept):
        """What the test takes from the archive; the changed object comes first, so that the archive's own is not looked at."""
        own = self.object_of(test)
        if self.includes(test, path):
            kept[own] = own.read_bytes()
            if not self.do(self.commands.made[self.within(own)]):
                return False
            return self.do(self.commands.made[self.within(test)])
        archive, made, changed = self.commands.archive, self.commands.made[self.within(test)], self.within(object_)
        return self.do(made if changed in made.split() else made.replace(archive, f"{changed} {archive}", 1))

    def noticed_by(self, tests, path, object_, kept):
        for test in tests:
            most = TIMES * self.healthy(test) + SECONDS  # before it is linked with the change
            if not self.links_again(test, path, object_, kept):
                return "the linker"
            if not self.run([test], most):
                self.hits[path, test] += 1
                return test.name
        return ""

    def noticed_end_to_end(self, room):
        if room is None:
            return ""
        self.do(["make", "-s", "CFLAGS=-w", "all", "tests-build"], 10 * COMPILE_SECONDS)
        for name in room.tests:
            if not self.run([sys.executable, "-B", "-m", "pytest", "-xq", "-p", "no:cacheprovider",
                             f"tests/e2e/{name}.py"], E2E_SECONDS):
                return name
        return ""


class Result:
    """What became of each change; the rooms' quotas, which the copies work off together."""

    def __init__(self, rooms, survivors, most, seed):
        self.lock, self.survivors = threading.Lock(), survivors
        self.noticed, self.survived, self.none = (collections.defaultdict(list) for _ in range(3))
        self.known = set()
        self.waiting = {}
        for room in rooms:
            changes = [one for path in room.files for one in change.changes_of(path, (ROOT / path).read_text())]
            self.known.update(one.key for one in changes)
            self.waiting[room] = sorted((one for one in changes if one.key not in survivors),
                                        key=lambda one: hashlib.sha256(f"{seed} {one.key}".encode()).digest())
        total = sum(map(len, self.waiting.values()))
        self.left = {room: len(waiting) if most is None else min(len(waiting), max(2, most * len(waiting) // max(total, 1)))
                     for room, waiting in self.waiting.items()}
        self.begun = dict.fromkeys(rooms, 0)

    def next(self):
        with self.lock:
            for room in sorted(self.left, key=lambda room: -self.left[room]):
                if self.waiting[room] and self.left[room] > 0:
                    self.left[room] -= 1
                    return room, self.waiting[room].pop(0)
        return None

    def note(self, room, one, by):
        with self.lock:
            if by is None:
                self.none[room].append(one)
                self.left[room] += 1  # another in its place
            elif by:
                self.noticed[room].append(one)
            else:
                self.survived[room].append(one)
                print(f"survived (line {one.line})\n{one.key}", flush=True)


def work(copy, result, end_to_end, failures):
    try:
        while (found := result.next()) is not None and not failures:
            result.note(*found, copy.judge(found[1], found[0], end_to_end))
    except (Exception, SystemExit) as failure:  # noqa: told by the main thread
        failures.append(failure)


def report(result, rooms):
    """The table; whether too few were noticed. A sample may be unlucky: by three standard deviations, and no more."""
    print(f"\n{'room':24} {'changes':>7} {'tried':>5} {'noticed':>7} {'share':>6}  wanted")
    tried_all = noticed_all = wanted_all = variance = 0
    for room in rooms:
        noticed, survived = len(result.noticed[room]), len(result.survived[room])
        tried = noticed + survived
        tried_all, noticed_all, wanted_all = tried_all + tried, noticed_all + noticed, wanted_all + tried * room.share
        if result.waiting[room]:
            variance += tried * room.share * (100 - room.share)
        changes = noticed + survived + len(result.none[room]) + len(result.waiting[room])
        share = f"{100 * noticed / tried:5.1f}%" if tried else ""
        print(f"{room.pattern:24} {changes:7} {tried:5} {noticed:7} {share:>6}  {room.share}%")
    print(f"{'all':24} {'':7} {tried_all:5} {noticed_all:7} {100 * noticed_all / max(tried_all, 1):5.1f}%")
    return 100 * noticed_all < wanted_all - 3 * math.sqrt(variance)


def self_test(rooms):
    """Each kind of change is found; the rooms' table names what is there."""
    kinds = {one.key.split(": ")[2] for one in change.changes_of("sample.c", (HERE / "sample.txt").read_text())}
    missing = {"negated", "condition dropped", "value ignored", "constant doubled", "left out", "mask widened",
               "flag left out", "order swapped", "element left out", "told otherwise", "failure told as success"} - kinds
    if missing:
        sys.exit(f"mutants: no change of these kinds is found: {', '.join(sorted(missing))}")
    for room in rooms:
        if not room.files:
            sys.exit(f"rooms.txt: no file fits {room.pattern}")
        for name in room.tests:
            if not (ROOT / "tests/e2e" / f"{name}.py").exists():
                sys.exit(f"rooms.txt: there is no tests/e2e/{name}.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--most", default="40", help="how many changes, or `all`")
    parser.add_argument("--of", default="*", help="only files that fit this pattern")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="most tests wait more than they work")
    parser.add_argument("--end-to-end", action="store_true", help="ask the end-to-end tests too")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("mutants: changed programs run in namespaces of their own, which root makes; instead: sudo make check-mutants")
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.c"))
    table = (HERE / "rooms.txt").read_text()
    self_test(read_rooms(table, files))
    files = [name for name in files if fnmatch.fnmatchcase(name, options.of)]
    rooms = [room for room in read_rooms(table, files) if room.files]
    survivors = read_survivors((HERE / "survivors.txt").read_text())
    result = Result(rooms, survivors, None if options.most == "all" else int(options.most), options.seed)
    print(f"seed {options.seed}, {sum(result.left.values())} changes", flush=True)
    base = ROOT / options.build / "mutants" / str(os.getpid())
    for left in base.parent.glob("*"):  # an earlier run was killed
        if not (pathlib.Path("/proc") / left.name).exists():
            shutil.rmtree(left, ignore_errors=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("mutants: ended"))
    failures = []
    try:
        copies = [Copy(base / str(i), ROOT / options.build) for i in range(options.jobs)]
        threads = [threading.Thread(target=work, daemon=True, args=(copy, result, options.end_to_end, failures))
                   for copy in copies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        shutil.rmtree(base, ignore_errors=True)
    too_few = report(result, rooms)
    stale = [key for key in survivors if key not in result.known] if options.of == "*" else []
    for key in stale:
        print(f"survivors.txt: there is no such change any more; instead: take it out\n{key}")
    for key in (key for key, reason in survivors.items() if not reason):
        stale.append(key)
        print(f"survivors.txt: no reason is given\n{key}")
    if failures:
        sys.exit(f"mutants: {failures[0]}")
    sys.exit(1 if too_few or stale else 0)


main()
