"""The private key on a token: SoftHSM through p11-kit and OpenSSL's provider, against a real server; how often the token is
given a PIN, counted where the module is called; and what is said of a token that can't be used."""
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from daemon import USER
from test_flow import gets_inside
from test_keys import KINDS, issue, keyless, memory_has, openssl, private, read, signer, words
from world import ROOT

PIN, OTHER_PIN = "704215", "5124071"
MODULES = subprocess.run(["openssl", "version", "-m"], capture_output=True, text=True, check=True).stdout.split('"')[1]
PROVIDER = f"{MODULES}/pkcs11.so"
MODULE_FILE = "/usr/share/p11-kit/modules/softhsm2.module"
needs_token = pytest.mark.skipif(
    not (os.path.exists(PROVIDER) and os.path.exists(MODULE_FILE) and shutil.which("softhsm2-util")),
    reason="needs pkcs11-provider, softhsm2 and p11-kit")
ABSENT = "no such token is plugged in, or it has no such private key (it is looked for every half a minute); instead: plug it in"


class Token:
    """A SoftHSM of the driver's user, in place of the machine's; p11-kit writes down each call of its module."""

    def __init__(self, directory):
        self.etc, self.store, self.module = f"{directory}/softhsm", f"{directory}/tokens", f"{directory}/module"
        os.makedirs(self.etc)
        os.makedirs(self.store)
        with open(f"{self.etc}/softhsm2.conf", "w", encoding="ascii") as file:
            file.write(f"directories.tokendir = {self.store}\nobjectstore.backend = file\nlog.level = ERROR\n")
        with open(self.module, "w", encoding="ascii") as file:
            file.write(read(MODULE_FILE) + "log-calls: yes\n")
        # p11-kit asks for the user's home.
        self.users = f"{directory}/passwd"
        with open(self.users, "w", encoding="ascii") as file:
            file.write(f"{read('/etc/passwd')}driver:x:{USER}:{USER}::/nonexistent:/usr/sbin/nologin\n")
        self.covered = {"/etc/softhsm": self.etc, MODULE_FILE: self.module, "/etc/passwd": self.users}
        for path, own in self.covered.items():
            subprocess.run(["mount", "--bind", own, path], check=True)
        self.run("--init-token", "--free", "--label", "vpn", "--so-pin", OTHER_PIN, "--pin", PIN)

    def run(self, *arguments):
        subprocess.run(["softhsm2-util", *arguments], check=True, capture_output=True, text=True)
        subprocess.run(["chown", "-R", f"{USER}:{USER}", self.store], check=True)

    def add(self, world, kind, label="client", number="01"):
        issue(world, kind, KINDS[kind])
        openssl(world.keys, "pkcs8", "-topk8", "-nocrypt", "-in", f"{kind}.key", "-out", f"{kind}.p8")
        self.run("--import", f"{world.keys}/{kind}.p8", "--token", "vpn", "--label", label, "--id", number, "--pin", PIN)

    def remove(self):
        for path in self.covered:
            subprocess.run(["umount", path], check=True)


@pytest.fixture
def token():
    with tempfile.TemporaryDirectory(dir=ROOT) as directory:
        os.chmod(directory, 0o755)
        made = Token(directory)
        yield made
        made.remove()


@pytest.fixture
def with_token(world, portcullis):
    """Makes a gate whose key is on a token."""
    def make(kind, pin=PIN, extra=(), uri="pkcs11:token=vpn;object=client"):
        gate = portcullis(profile=keyless(world, kind, extra))
        text = f'key = "{uri}"'
        if pin is not None:
            text += f' key-passphrase-file = "{private(gate, "pin", pin + chr(10))}"'
        gate.configure(credentials=f"{{ {text} }}")
        return gate
    return make


def logins(gate):
    """How often the module was given a PIN: p11-kit's log is on the daemon's stderr."""
    return len(re.findall(r"^C_Login$", read(gate.stderr.name), re.M))


def is_refused(gate, reason):
    """Shut, with this reason, and nothing was dialled."""
    gate.wait(tunnel="stopped", gate="locked")
    assert reason in gate.status()["reason"], gate.status()["reason"]
    assert not gate.openvpns() and "tunnel resolving -> connecting" not in gate.log()


@needs_token
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", ["rsa2048", "p256"])
def test_each_kind_of_key(world, token, with_token, kind, version):
    """Open by the token's signature; one log-in, and the PIN is nowhere afterwards."""
    token.add(world, kind)
    gate = with_token(kind, extra=[f"tls-version-max {version}"])
    with world.wire("udp") as wire:
        gate.start_open()
        assert gets_inside(world) and not wire.seen(b"INSIDE")
        wire.assert_clean()
    assert "--management-external-key" in words(gate.openvpn())
    assert logins(gate) == 1
    needles = {"PIN": PIN.encode()}
    for pid in (gate.pid, *gate.drivers(), gate.openvpn()):
        assert not memory_has(pid, needles), words(pid)
    assert PIN not in read(gate.log_file)
    gate.ctl("reconnect", check=True)
    gate.wait(gate="open")
    assert logins(gate) == 1  # the session stands for the next signature


@needs_token
def test_certificates_key_is_chosen(world, token, with_token):
    """A token with several keys, and no name of one."""
    for number, kind in enumerate(("p384", "p256", "rsa2048")):
        token.add(world, kind, kind, f"0{number}")
    with_token("p256", uri="pkcs11:token=vpn").start_open()
    assert gets_inside(world)


@needs_token
def test_wrong_pin_is_given_once(world, token, with_token):
    """Not by this process, not by the next driver, not after the daemon's restart; another file is tried at once."""
    token.add(world, "p256")
    gate = with_token("p256", OTHER_PIN).start()
    is_refused(gate, "the token has refused the PIN, and it is not given again; instead: correct the file of ")
    assert logins(gate) == 1
    gate.ctl("reconnect")
    assert gate.stop() == 0
    gate.start()
    is_refused(gate, "the token has refused the PIN before, and it is not given again; instead: correct the file of ")
    assert logins(gate) == 1
    private(gate, "pin", PIN + "\n")
    gate.wait(gate="open")
    assert logins(gate) == 2 and gets_inside(world)
    assert gate.stop() == 0
    gate.start_open()  # the control: a right one is given at each start
    assert logins(gate) == 3


@needs_token
def test_no_pin(world, token, with_token):
    token.add(world, "p256")
    gate = with_token("p256", None).start()
    is_refused(gate, "the token wants a PIN, and there is none; instead: set credentials { key-passphrase-file }")
    assert logins(gate) == 0


@needs_token
def test_key_of_another_certificate(world, token, with_token):
    token.add(world, "p384")
    is_refused(with_token("p256").start(), "is not that of the profile's certificate (cert); instead: name ")


@needs_token
@pytest.mark.parametrize("uri", ["pkcs11:token=vpn;object=client", "pkcs11:token=later;object=client"])
def test_what_is_plugged_in_later(world, token, with_token, uri):
    """Nobody has to say that it is there."""
    gate = with_token("p256", uri=uri).start()
    is_refused(gate, ABSENT)
    if "later" in uri:
        assert logins(gate) == 0  # no other token is given the PIN
        token.run("--init-token", "--free", "--label", "later", "--so-pin", OTHER_PIN, "--pin", PIN)
        openssl(world.keys, "pkcs8", "-topk8", "-nocrypt", "-in", "p256.key", "-out", "p256.p8")
        token.run("--import", f"{world.keys}/p256.p8", "--token", "later", "--label", "client", "--id", "01", "--pin", PIN)
    else:
        token.add(world, "p256")
    gate.wait(gate="open", seconds=60)
    assert gets_inside(world)


@needs_token
@pytest.mark.skipif(not shutil.which("pkcs11-tool"), reason="needs opensc")
def test_pin_for_each_signature(world, token, with_token):
    """Such a key is not used: the PIN is given once, and the gate stays shut."""
    token.add(world, "p256")
    module = re.search(r"^module: *(.*)", read(MODULE_FILE), re.M).group(1)
    for kind, form in (("privkey", ()), ("pubkey", ("-pubout",))):
        openssl(world.keys, "pkey", "-in", "p256.key", *form, "-outform", "DER", "-out", f"{kind}.der")
        subprocess.run(["pkcs11-tool", "--module", module, "--token-label", "vpn", "--login", "--pin", PIN, "--write-object",
                        f"{world.keys}/{kind}.der", "--type", kind, "--id", "02", "--label", "always", "--usage-sign",
                        *(["--always-auth"] if kind == "privkey" else [])], check=True, capture_output=True)
    subprocess.run(["chown", "-R", f"{USER}:{USER}", token.store], check=True)
    gate = with_token("p256", uri="pkcs11:token=vpn;object=always").start()
    gate.wait(tunnel="stopped", gate="locked")
    assert "the token has not signed; instead: plug it in, and use a key that wants neither a touch nor a PIN " \
        in gate.status()["reason"]
    assert logins(gate) == 1
    gate.configure(credentials=gate.settings["credentials"].replace("always", "client"))
    gate.ctl("reload", check=True)
    gate.wait(gate="open")


@needs_token
def test_process_is_confined(world, token, with_token):
    """Not root, no further rights, a list of system calls, nobody looks into it."""
    token.add(world, "p256")
    pid = signer(with_token("p256").start_open())
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2" and status["Uid"].split() == [str(USER)] * 4
    assert int(status["CapEff"], 16) == 0
    assert os.stat(f"/proc/{pid}/mem").st_uid == 0


def test_without_a_provider(with_token):
    """As most machines are."""
    hidden = os.path.exists(PROVIDER)
    if hidden:
        subprocess.run(["mount", "--bind", "/dev/null", PROVIDER], check=True)
    try:
        gate = with_token("p256").start()
        is_refused(gate, "OpenSSL has no provider for a private key on a token (PKCS #11); instead: install pkcs11-provider")
    finally:
        if hidden:
            subprocess.run(["umount", PROVIDER], check=True)
