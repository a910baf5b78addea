"""The demonstration runs, its figures come from the capture, and it leaves nothing behind when it is killed."""
import os
import re
import select
import signal
import subprocess
import sys

from isolate import INSIDE
from netns import wait_for
from world import HERE


def demo(*options):
    environment = {key: value for key, value in os.environ.items() if key != INSIDE}
    return subprocess.Popen([sys.executable, "-B", f"{HERE}/demo.py", *options], env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_demo():
    with demo("--fast") as process:
        out = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 0, out
    without, protected = re.search(r"by capture:\s+without (\d+), with Portcullis (\d+)", out).groups()
    assert int(without) > 0 and protected == "0"
    assert out.count("inside the VPN") >= 5 and out.count("nothing left") == 4 and out.count("IN THE CLEAR") == 4, out


def test_killed_demo_leaves_nothing():
    with demo() as process:
        told = b""
        while b"VPN comes up" not in told:
            ready, _, _ = select.select([process.stdout], [], [], 20)
            chunk = os.read(process.stdout.fileno(), 65536) if ready else b""
            assert chunk, told
            told += chunk
        family = descendants(process.pid)
        assert len(family) > 3, "nothing ran: this shows nothing"
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
    wait_for(lambda: not [pid for pid in family if os.path.exists(f"/proc/{pid}")], "all of it gone")


def descendants(root):
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                children.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(entry))
        except OSError:
            continue
    found, todo = [], [root]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found
