"""The private key in a process of its own: each kind of key against a real server, what is said if it can't be used, and
that its bytes are in nobody else's memory."""
import os
import re
import signal
import subprocess

import pytest

from netns import state_of, wait_for, wait_gone
from test_flow import gets_inside

KINDS = {
    "rsa2048": ["-newkey", "rsa:2048"],
    "rsa4096": ["-newkey", "rsa:4096"],
    "p256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    "p384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"],
    "ed25519": ["-newkey", "ed25519"],
}
PASSPHRASE = "four pale horses"


def openssl(directory, *arguments):
    return subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True, text=True).stdout


def issue(world, name, kind):
    """A key, and a certificate of the authority that the servers trust."""
    if not os.path.exists(f"{world.keys}/{name}.crt"):
        openssl(world.keys, "req", "-x509", *kind, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.crt",
                "-subj", f"/CN={name}", "-days", "2", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-addext", "extendedKeyUsage=clientAuth", "-addext", "keyUsage=digitalSignature",
                "-addext", "basicConstraints=critical,CA:FALSE")


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def private(gate, name, content, mode=0o600):
    path = f"{gate.directory}/{name}"
    with open(path, "w", encoding="ascii") as file:
        file.write(content)
    os.chmod(path, mode)
    return path


def keyless(world, kind, extra=()):
    """A profile with a certificate of this kind, and without its key."""
    issue(world, kind, KINDS[kind])
    profile = re.sub(r"<key>.*</key>\n", "", world.profile("udp", certificate=kind, extra=extra), flags=re.S)
    assert "PRIVATE KEY" not in profile
    return profile


@pytest.fixture
def with_key(world, portcullis):
    """Makes a gate whose key is not in the profile: a key of this kind, or these files."""
    def make(kind, extra=(), key=None, passphrase=None):
        gate = portcullis(profile=keyless(world, kind, extra))
        text = 'key = "' + private(gate, "client.key", key or read(f"{world.keys}/{kind}.key")) + '"'
        if passphrase is not None:
            text += f' key-passphrase-file = "{private(gate, "passphrase", passphrase)}"'
        gate.configure(credentials=f"{{ {text} }}")
        return gate
    return make


def words(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().decode().split("\0")


def signer(gate):
    """The process that holds the key."""
    return wait_for(lambda: [pid for pid in gate.drivers() if "--sign" in words(pid)], "the process with the key")[0]


def driver(gate):
    return wait_for(lambda: [pid for pid in gate.drivers() if "--sign" not in words(pid)], "the driver")[0]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ed25519"])
def test_each_kind_of_key(world, with_key, kind, version):
    gate = with_key(kind, [f"tls-version-max {version}"]).start_open()
    assert gets_inside(world)


def test_ed25519(world, with_key):
    """In TLS 1.3 what is signed says what it is. In TLS 1.2 it does not, and is not signed."""
    gate = with_key("ed25519").start_open()
    assert gets_inside(world)
    assert gate.stop() == 0
    gate = with_key("ed25519", ["tls-version-max 1.2"]).start()
    gate.wait(tunnel="stopped", gate="locked")
    assert "no signature of TLS 1.2 or 1.3 with SHA-2" in gate.status()["reason"]


def test_key_of_the_profile_itself(world, portcullis):
    """The profile may be named: its key then goes to that process, and not to openvpn."""
    gate = portcullis("udp")
    gate.configure(credentials=f'{{ key = "{gate.profile}" }}')
    gate.start_open()
    assert gets_inside(world) and signer(gate)
    assert "--management-external-key" in words(gate.openvpn())


# --- where the key is

def scalar(world, name):
    """The secret number of an EC key."""
    text = openssl(world.keys, "pkey", "-in", f"{name}.key", "-noout", "-text")
    digits = re.search(r"priv:\n((?:\s+[0-9a-f:]+\n)+)", text).group(1)
    number = bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))[-32:]
    assert len(number) == 32
    return number


def memory_has(pid, needles):
    """Which of these are anywhere in the memory of a process?"""
    found = set()
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            low, high = (int(place, 16) for place in line.split()[0].split("-"))
            if "r" not in line.split()[1] or "[v" in line:
                continue
            memory.seek(low)
            try:
                chunk = memory.read(high - low)
            except OSError:
                continue
            found |= {name for name, bytes_ in needles.items() if bytes_ in chunk}
    return found


def test_key_is_in_one_memory_only(world, with_key, portcullis):
    """The number itself in both orders of bytes, and the text of the file, are found with the process that holds the key
    and nowhere else; the control: openvpn has them if the key is in its profile."""
    gate = with_key("p256").start_open()
    number = scalar(world, "p256")
    needles = {"big": number, "little": number[::-1],
               "text": read(f"{world.keys}/p256.key").splitlines()[1][:40].encode()}
    assert memory_has(signer(gate), needles) & {"big", "little"}
    for pid in (gate.pid, driver(gate), gate.openvpn()):
        assert not memory_has(pid, needles), words(pid)
    told = gate.log() + str(gate.status())
    for pid in (gate.pid, *gate.drivers(), gate.openvpn()):
        told += str(words(pid)) + open(f"/proc/{pid}/environ", encoding="ascii").read()
    assert needles["text"].decode() not in told and "PRIVATE KEY" not in told
    assert gate.stop() == 0
    plain = portcullis(profile=world.profile("udp", certificate="p256").replace(
        read(f"{world.keys}/client.key").strip(), read(f"{world.keys}/p256.key").strip()))
    plain.start_open()
    assert memory_has(plain.openvpn(), needles) & {"big", "little"}


def may_lock_memory():
    """Does this machine, or the container that it is, let root lock as much as our service may?"""
    return subprocess.run(["sh", "-c", "ulimit -H -l 65536"], check=False, capture_output=True).returncode == 0


def test_process_with_the_key_is_closed(with_key):
    """No core file, no tracer, no further rights; its memory is locked; it has the driver's socket and nothing else."""
    gate = with_key("p256").start_open()
    pid = signer(gate)
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        assert re.search(r"Max core file size +0 +0 ", file.read())
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2" and status["Uid"].split()[0] != "0"
    assert int(status["CapEff"], 16) == 0
    if may_lock_memory():
        assert int(status["VmLck"].split()[0]) > 0
    else:
        assert "the memory that holds the private key can't be locked: it may be written to swap" in gate.log()
    assert os.stat(f"/proc/{pid}/mem").st_uid == 0  # not dumpable: its own user may not look into it
    open_files = {int(fd): os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    assert open_files.pop(3).startswith("socket:") and set(open_files) <= {0, 1, 2}
    os.kill(pid, signal.SIGABRT)
    wait_gone(pid, "the process with the key")
    assert not [name for name in os.listdir("/") + os.listdir(gate.directory) if name.startswith("core")]


# --- what goes wrong

def test_encrypted_key(world, with_key):
    issue(world, "p256", KINDS["p256"])
    openssl(world.keys, "pkey", "-in", "p256.key", "-aes-256-cbc", "-passout", f"pass:{PASSPHRASE}", "-out", "locked.key")
    gate = with_key("p256", key=read(f"{world.keys}/locked.key"), passphrase=PASSPHRASE + "\n").start_open()
    assert gets_inside(world)
    assert PASSPHRASE not in gate.log()
    assert not memory_has(driver(gate), {"passphrase": PASSPHRASE.encode()})
    private(gate, "passphrase", "five pale horses\n")
    wait_for(lambda: "reload: the passphrase taken" in gate.log(), "the other passphrase")
    gate.ctl("reconnect", check=True)
    gate.wait(tunnel="stopped", gate="locked", reason="the passphrase of the private key is wrong; instead: correct the file "
                                                      "of credentials { key-passphrase-file }")
    assert not gate.openvpns()
    private(gate, "passphrase", PASSPHRASE + "\n")  # and nobody has to say anything
    gate.wait(gate="open")


@pytest.mark.parametrize("what", ["no passphrase", "another key", "no key", "nothing"])
def test_key_that_cannot_be_used(world, with_key, what):
    """Said before anything is dialled, with what to do; and a right file is taken at once."""
    issue(world, "p256", KINDS["p256"])
    issue(world, "p384", KINDS["p384"])
    openssl(world.keys, "pkey", "-in", "p256.key", "-aes-256-cbc", "-passout", f"pass:{PASSPHRASE}", "-out", "locked.key")
    key, reason = {
        "no passphrase": (read(f"{world.keys}/locked.key"), "is encrypted, and its passphrase is not there; instead: set "),
        "another key": (read(f"{world.keys}/p384.key"), "is not that of the profile's certificate (cert); instead: name "),
        "no key": (read(f"{world.keys}/p256.crt"), "holds none that can be used; instead: PEM"),
        "nothing": ("\n", "holds none that can be used; instead: PEM"),
    }[what]
    gate = with_key("p256", key=key).start()
    gate.wait(tunnel="stopped", gate="locked")
    assert reason in gate.status()["reason"], gate.status()["reason"]
    assert not gate.openvpns() and "tunnel resolving -> connecting" not in gate.log()
    private(gate, "client.key", read(f"{world.keys}/p256.key"))
    gate.wait(gate="open")
    assert gets_inside(world)


def test_files_that_others_can_read(with_key):
    gate = with_key("p256")
    path = f"{gate.directory}/client.key"
    os.chmod(path, 0o640)
    refused = gate.run_daemon("-n")
    assert refused.returncode != 0
    assert f"credentials.key: {path} may be read or written by others; instead: chmod 600" in refused.stderr
    os.chmod(path, 0o600)
    assert gate.run_daemon("-n").returncode == 0
    gate.start_open()
    os.chmod(path, 0o644)
    gate.ctl("reload")
    wait_for(lambda: "may be read or written by others; instead: chmod 600" in gate.log(), "the refusal")
    assert gate.status()["gate"] == "open"


def test_profile_without_a_certificate(world, portcullis):
    text = world.profile("udp", extra=("auth-user-pass",))
    gate = portcullis(profile=re.sub(r"<(cert|key)>.*</\1>\n", "", text, flags=re.S))
    gate.configure(credentials=f'{{ key = "{private(gate, "client.key", read(f"{world.keys}/client.key"))}" }}')
    refused = gate.run_daemon("-n")
    assert "the profile has no certificate (cert) that it would belong to; instead: add cert" in refused.stderr


def test_pin_in_the_configuration(with_key):
    gate = with_key("p256")
    gate.configure(credentials='{ key = "pkcs11:token=mine;object=vpn?pin-value=1234" }')
    refused = gate.run_daemon("-n")
    assert refused.returncode != 0
    assert "credentials.key: a PIN in it; instead: credentials.key-passphrase-file, a file with the PIN" in refused.stderr
    gate.configure(credentials='{ key = "pkcs11:token=mine;object=vpn" }')
    assert gate.run_daemon("-n").returncode == 0


def test_process_with_the_key_is_killed(world, with_key):
    """The gate shuts, and comes back with another one. While it is stopped openvpn waits for its signature in vain, and
    the attempt ends."""
    gate = with_key("p256", ["hand-window 5"]).start_open()
    before = signer(gate)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: "open -> locked: " in gate.log(), "the lock")
    gate.wait(gate="open")
    assert signer(gate) != before and gets_inside(world)
    assert "error gate: the process that holds the private key has ended" in gate.log()
    stopped = signer(gate)
    os.kill(stopped, signal.SIGSTOP)
    wait_for(lambda: state_of(stopped) == "T", "it stands still")
    gate.ctl("reconnect", check=True)
    gate.wait(gate={"locked", "dialling"}, tunnel="waiting", seconds=30)
    os.kill(stopped, signal.SIGCONT)
    gate.wait(gate="open", seconds=30)


def test_stopping_leaves_nobody(with_key):
    gate = with_key("p256").start_open()
    held = signer(gate)
    assert gate.stop() == 0
    wait_gone(held, "the process with the key")
