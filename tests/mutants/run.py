"""Would the tests notice? Makes small changes of the code, each in a copy of its own, and runs the tests that link it.

A change that does not compile, or whose object code is the same, is none. The rooms are in rooms.txt; survivors.txt
lists the changes that make no difference, with the reason of each. See docs/contributing.md."""

import argparse
import collections
import fnmatch
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import change

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
# What a run may take: so many times the healthy one's, and some seconds for a busy machine.
TIMES, SECONDS, COMPILE_SECONDS, E2E_SECONDS = 4, 5, 120, 1800
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


def code_of(path):
    """An object without what only a debugger reads."""
    with tempfile.NamedTemporaryFile() as bare:
        subprocess.run(["objcopy", "--strip-debug", path, bare.name], check=True)
        return pathlib.Path(bare.name).read_bytes()


class Copy:
    """A copy of the tree and of what is built of it, for one change at a time."""

    def __init__(self, place, build):
        self.place, self.seconds = place, {}
        place.mkdir(parents=True)
        for entry in ROOT.iterdir():
            if entry.name not in (".git", "build") and entry != build:
                subprocess.run(["cp", "-a", entry, place], check=True)
        for name in ("obj", "test"):
            (place / "build").mkdir(exist_ok=True)
            subprocess.run(["cp", "-a", build / name, place / "build"], check=True)
        if (build / "deps").exists():
            (place / "build" / "deps").symlink_to((build / "deps").resolve())
        self.tests = {test: test.read_bytes() for test in sorted((place / "build" / "test").glob("test_*"))}

    def links(self, path):
        """The unit tests whose debugging information names the file."""
        return sorted((test for test, image in self.tests.items() if path.encode() + b"\0" in image), key=self.healthy)

    def healthy(self, test):
        """Seconds that a test takes when nothing is changed."""
        if test not in self.seconds:
            begun = time.monotonic()
            if not self.run([test], 300):
                raise SystemExit(f"mutants: {test.name} fails without any change")
            self.seconds[test] = time.monotonic() - begun
        return self.seconds[test]

    def make(self, *what, seconds=COMPILE_SECONDS):
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "BUILD")}
        try:
            return subprocess.run(["make", "-s", *what], cwd=self.place, env={**env, "CFLAGS": "-w"}, timeout=seconds,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def run(self, command, seconds):
        try:
            return subprocess.run([*WALL, *command], cwd=self.place, timeout=seconds, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def judge(self, one, room, end_to_end):
        """None if it is no change; else what noticed it, or "" if nothing did."""
        source, object_ = self.place / one.path, self.place / "build" / "obj" / (one.path[:-2] + ".o")
        text, name = source.read_text(), str(object_.relative_to(self.place))
        if not object_.exists() and not self.make(name):
            return None
        tests = self.links(one.path)
        kept, times = object_.read_bytes(), source.stat()
        try:
            before = code_of(object_)
            source.write_text(change.apply(text, one))
            if not self.make(name) or code_of(object_) == before:
                return None
            return self.noticed_by(tests, room, end_to_end)
        finally:
            source.write_text(text)
            os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
            object_.write_bytes(kept)  # newer than what was linked with the changed one

    def noticed_by(self, tests, room, end_to_end):
        if not self.make(*(str(test.relative_to(self.place)) for test in tests)):
            return "the linker"
        for test in tests:
            if not self.run([test], TIMES * self.healthy(test) + SECONDS):
                return test.name
        if not end_to_end:
            return ""
        self.make("all", "tests-build", seconds=10 * COMPILE_SECONDS)
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
    """The table; whether too few were noticed."""
    print(f"\n{'room':24} {'changes':>7} {'tried':>5} {'noticed':>7} {'share':>6}  wanted")
    tried_all = noticed_all = wanted_all = 0
    for room in rooms:
        noticed, survived = len(result.noticed[room]), len(result.survived[room])
        tried = noticed + survived
        tried_all, noticed_all, wanted_all = tried_all + tried, noticed_all + noticed, wanted_all + tried * room.share
        changes = noticed + survived + len(result.none[room]) + len(result.waiting[room])
        share = f"{100 * noticed / tried:5.1f}%" if tried else ""
        print(f"{room.pattern:24} {changes:7} {tried:5} {noticed:7} {share:>6}  {room.share}%")
    print(f"{'all':24} {'':7} {tried_all:5} {noticed_all:7} {100 * noticed_all / max(tried_all, 1):5.1f}%")
    return 100 * noticed_all < wanted_all


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
    parser.add_argument("--jobs", type=int, default=2)
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
