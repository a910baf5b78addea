"""A machine in qemu, from power-on to power-off: its console, line by line with the time, and a shell for the test."""
import base64
import os
import re
import signal
import socket
import subprocess
import threading
import time

from netns import wait_for

MEMORY, MAC = "640", "52:54:00:12:34:56"
# A boot under emulation takes about half a minute on an idle processor, and longer if other work shares it.
BOOT_SECONDS = 600
LOGIN = "guarded login:"


class Machine:
    """Switched on by `with`. Afterwards the process has ended: the machine has powered off, or it was killed."""

    def __init__(self, ns, image, disk, kernel="6.1", accelerator="tcg", directory="/run/e2e", append=""):
        self.ns, self.disk, self.append = ns, disk, append
        self.kernel, self.initrd = image.kernel(kernel)
        self.accelerator, self.directory = accelerator, directory
        self.lines = []  # (seconds since the epoch, text)
        self.process = self.reader = self.hand = None
        self.rest, self.count, self.on, self.off = "", 0, None, None

    def __enter__(self):
        path = f"{self.directory}/hand-{os.getpid()}-{id(self)}"
        self.on = time.time()
        self.process = self.ns.popen(
            "qemu-system-x86_64", "-accel", self.accelerator, "-m", MEMORY, "-smp", "1", "-nodefaults", "-no-user-config",
            "-display", "none", "-kernel", self.kernel, "-initrd", self.initrd, "-append",
            f"root=/dev/vda rw console=ttyS0 net.ifnames=0 mitigations=off loglevel=4 panic=-1 {self.append}",
            "-drive", f"file={self.disk},if=virtio,format=raw,cache=unsafe",
            "-netdev", "tap,id=n,ifname=r0,script=no,downscript=no", "-device", f"virtio-net-pci,netdev=n,mac={MAC},romfile=",
            "-device", "virtio-rng-pci", "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
            "-chardev", f"socket,id=hand,path={path},server=on,wait=off", "-serial", "chardev:hand",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.hand = socket.socket(socket.AF_UNIX)
        wait_for(lambda: self._reach(path), "qemu listens")
        return self

    def _reach(self, path):
        assert self.process.poll() is None, f"qemu left: {self.lines}"
        return self.hand.connect_ex(path) == 0

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.off = time.time()
        self.reader.join(10)
        self.hand.close()

    # --- the console

    def _read(self):
        """Reads the console. The last line may not have ended yet, as a prompt has not."""
        text = ""
        while True:
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                break
            now = time.time()
            whole, _, text = (text + chunk.decode(errors="replace")).rpartition("\n")
            self.lines += [(now, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", line)) for line in whole.split("\n") if whole]
            if re.search(r"(login: |Password: |\$ )$", text):
                self.lines.append((now, text.strip()))
                text = ""

    def console(self):
        return "\n".join(f"{when - self.on:7.2f} {text}" for when, text in self.lines)

    def said(self, what, after=0.0):
        """The time of the first line after `after` that contains this, or None."""
        return next((when for when, text in list(self.lines) if when > after and what in text), None)

    def wait_said(self, what, after=0.0, seconds=BOOT_SECONDS):
        return wait_for(lambda: self.said(what, after) or self._must_live(),
                        lambda: f"{what!r} on the console:\n{self.console()[-3000:]}", seconds)

    def _must_live(self):
        assert self.process.poll() is None, f"the machine is off:\n{self.console()[-3000:]}"

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    # --- the hand: a shell in the machine, for the test

    def _answer(self, begin, seconds):
        end = time.monotonic() + seconds
        while True:
            line, newline, rest = self.rest.partition("\n")
            if newline:
                self.rest = rest
                if line.strip().startswith(begin):
                    return line.strip()
                continue
            left = end - time.monotonic()
            assert left > 0, f"no answer {begin!r} within {seconds} s:\n{self.console()[-3000:]}"
            self.hand.settimeout(left)
            try:
                chunk = self.hand.recv(65536)
            except TimeoutError:
                continue
            assert chunk, f"the machine went off:\n{self.console()[-3000:]}"
            self.rest += chunk.decode(errors="replace")

    def wait_hand(self, seconds=BOOT_SECONDS):
        self._answer("agent-ready", seconds)
        return self

    def run(self, command, check=True, seconds=90):
        """A command in root's shell in the machine. Returns what it printed; with check=False (exit code, what it
        printed)."""
        self.count += 1
        self.hand.sendall(f"{self.count} {base64.b64encode(command.encode()).decode()}\n".encode())
        _, code, *said = self._answer(f"{self.count} ", seconds).split(" ")
        text = base64.b64decode(said[0]).decode(errors="replace").strip() if said else ""
        if not check:
            return int(code), text
        assert code == "0", f"{command}: exit {code}: {text}"
        return text

    def start(self, command):
        """Does not wait for the command to end: one that takes the machine down never answers."""
        self.run(f"systemd-run --quiet --no-block --collect {command}")

    def wait_true(self, command, what, seconds=BOOT_SECONDS):
        return wait_for(lambda: self.run(command, check=False)[0] == 0,
                        lambda: f"{what}: {self.run(command, check=False)}\n{self.console()[-2000:]}", seconds)

    def wait_off(self, seconds=BOOT_SECONDS):
        """Waits until the machine has switched itself off."""
        wait_for(lambda: self.process.poll() is not None, lambda: f"power-off:\n{self.console()[-3000:]}", seconds)
        assert self.process.returncode == 0, f"qemu: {self.process.returncode}:\n{self.console()[-3000:]}"
