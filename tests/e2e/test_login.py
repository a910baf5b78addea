"""Logging in: a second factor by time or by a person, against real servers that reckon the codes themselves; the
server's token; what a person is asked; and that no secret is told anywhere."""
import base64
import hashlib
import hmac
import os
import struct
import subprocess
import time

import pytest

from netns import wait_for
from test_flow import gets_inside
from world import ROOT

KEY = base64.b32encode(b"12345678901234567890").decode()
CHALLENGE = 'static-challenge "Enter the code" 1'


@pytest.fixture
def server_asks():
    """How the servers reckon; what they were asked until now is forgotten."""
    def settle(algorithm="sha1", digits=6, period=5, says=""):
        for name in os.listdir(ROOT):
            if name == "logins" or name.startswith(("totp-", "pending")):
                os.unlink(f"{ROOT}/{name}")
        for name, text in (("totp-settings", f"{algorithm} {digits} {period}"), ("pending-says", says)):
            with open(f"{ROOT}/{name}", "w", encoding="ascii") as file:
                file.write(text)
    return settle


def logins():
    """What the servers were asked, in order."""
    try:
        with open(f"{ROOT}/logins", encoding="ascii") as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def private(gate, name, content):
    path = f"{gate.directory}/{name}"
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, 0o600)
    return path


def credentials(gate, totp=None, use="challenge", password=b"right horse\n", user="alice"):
    """The password file, and a TOTP file if there is one."""
    text = f'password-file = "{private(gate, "password", password)}"'
    if user:
        text += f' username = "{user}"'
    if totp is not None:
        text += f' totp-file = "{private(gate, "totp", totp.encode())}" totp-use = "{use}"'
    gate.configure(credentials=f"{{ {text} }}")


def link(algorithm="SHA1", digits=6, period=5, key=KEY):
    return f"otpauth://totp/test:alice?secret={key}&issuer=test&algorithm={algorithm}&digits={digits}&period={period}\n"


def everything_told(gate):
    """Logs, status, and what the processes were started with."""
    told = gate.log() + str(gate.status())
    for pid in [gate.pid, *gate.drivers(), *gate.openvpns()]:
        for name in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{name}", encoding="ascii", errors="replace") as file:
                told += file.read()
    return told


def answer(gate, text):
    done = gate.ctl("login", input=text + "\n")
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("algorithm,digits", [("sha1", 6), ("sha256", 8), ("sha512", 7)])
def test_static_challenge_by_time(world, portcullis, server_asks, algorithm, digits):
    """An unattended machine logs in with a second factor, which the server checks by its own reckoning; each log-in has a
    code of its own, and none is refused."""
    server_asks(algorithm, digits)
    gate = portcullis("static", extra=("auth-user-pass", CHALLENGE))
    credentials(gate, link(algorithm.upper(), digits))
    gate.start_open()
    assert gets_inside(world)
    assert logins() == ["static", "right"]
    gate.ctl("reconnect", check=True)
    wait_for(lambda: logins() == ["static", "right"] * 2, lambda: str(logins()), 20)
    gate.wait(gate="open")
    assert gate.stop() == 0  # and another daemon knows which was sent
    gate.start_open()
    assert logins() == ["static", "right"] * 3
    told = everything_told(gate)
    for secret in ("right horse", KEY, "SCRV1", base64.b64encode(b"right horse").decode()):
        assert secret not in told, secret


def test_wrong_secret(portcullis, server_asks):
    """The control of the above: with another secret the same server refuses, and says so."""
    server_asks()
    gate = portcullis("static", extra=("auth-user-pass", CHALLENGE))
    credentials(gate, link(key=base64.b32encode(b"09876543210987654321").decode()))
    gate.start()
    wait_for(lambda: "wrong" in logins(), "a refusal")
    gate.wait(tunnel={"stopped", "waiting"})
    assert gate.status()["gate"] == "locked" and "refused" in gate.status()["reason"]


def test_after_the_password(world, portcullis, server_asks):
    server_asks()
    gate = portcullis("suffix", extra=("auth-user-pass",))
    credentials(gate, link(), "password-suffix")
    gate.start_open()
    assert gets_inside(world) and logins() == ["suffix", "right"]


def test_dynamic_challenge_by_time(world, portcullis, server_asks):
    """The server asks once it knows the password; the next attempt answers, with no person."""
    server_asks()
    gate = portcullis("dynamic", extra=("auth-user-pass",))
    credentials(gate, link())
    gate.start_open()
    assert gets_inside(world)
    assert logins() == ["dynamic", "challenged", "wrong", "dynamic", "right"]
    assert "c2Vzc2lvbg" not in everything_told(gate)


def code_now(period):
    """A person's look at a device of theirs, of its own making."""
    step = int(time.time()) // period
    mac = hmac.new(b"12345678901234567890", struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


@pytest.mark.parametrize("server,extra", [("static", (CHALLENGE,)), ("dynamic", ())])
def test_a_person_answers(world, portcullis, server_asks, server, extra):
    """Without codes of its own it stops and tells the question; a static one before anything is dialled. The answer opens
    the gate."""
    server_asks()
    gate = portcullis(server, extra=("auth-user-pass", *extra))
    credentials(gate)
    gate.start().wait(tunnel="stopped")
    status = gate.status()
    assert status["question"].startswith("Enter the code") and "; instead: portcullis login" in status["reason"]
    assert logins() == ([] if server == "static" else ["dynamic", "challenged", "wrong"])
    code = code_now(5)
    assert "The server asks: Enter the code" in answer(gate, code)
    gate.wait(gate="open", question=None)
    assert gets_inside(world) and logins()[-1] == "right"
    assert code not in everything_told(gate)
    done = gate.ctl("login", input="again\n")
    assert done.returncode == 1 and "the server asks nothing at present" in done.stderr


def test_the_server_waits_for_a_person(world, portcullis, server_asks):
    """A question in the middle of an attempt is answered in that attempt."""
    server_asks(says="60\ncrtext\nCR_TEXT:R,E:Which colour? No: the other one\n")
    gate = portcullis("pending", extra=("auth-user-pass",))
    credentials(gate)
    gate.start().wait(question="Which colour? No: the other one")
    assert gate.status()["gate"] == "dialling"
    answer(gate, "blue")
    gate.wait(gate="open", question=None)
    assert gets_inside(world) and logins() == ["pending", "response"]


@pytest.mark.parametrize("said,shown", [
    ("WEB_AUTH:external:https://sso.example.org/x?y=1", "https://sso.example.org/x?y=1"),
    ("OPEN_URL:https://sso.example.org/x", "https://sso.example.org/x"),
    ("OPEN_URL:http://sso.example.org/x", None), ("OPEN_URL:javascript:alert(1)", None)])
def test_an_address_is_shown(portcullis, server_asks, said, shown):
    """It is opened by nobody; only an encrypted one is shown."""
    server_asks(says=f"60\n{said.split(':')[0].replace('_', '').lower()}\n{said}\n")
    gate = portcullis("pending", extra=("auth-user-pass",))
    credentials(gate)
    gate.start()
    if shown:
        gate.wait(url=shown)
        assert shown in gate.ctl("status").stdout and shown in gate.ctl("login").stderr
    else:
        wait_for(lambda: "left out" in gate.log(), "the line in the log")
        assert gate.status()["url"] is None
    assert said.split(":", 1)[1] not in gate.log()


def test_the_token(world, portcullis, server_asks):
    """The server's token stands for the second factor at the next dial: the server is not asked again. It is in no file,
    and another daemon does not have it."""
    server_asks()
    gate = portcullis("token", extra=("auth-user-pass", CHALLENGE))
    credentials(gate)
    gate.start().wait(tunnel="stopped")
    answer(gate, code_now(5))
    gate.wait(gate="open")
    for _ in range(2):
        with gate.watch() as watch:
            gate.ctl("reconnect", check=True)
            watch.until(tunnel="connecting")
            watch.until(gate="open")
    assert gets_inside(world) and logins() == ["static", "right"]
    assert "SESS_ID" not in everything_told(gate)
    # A server that has forgotten the token refuses it, and then the password counts at once.
    world.stop_server("token", "KILL")
    world.server("token")
    gate.wait(tunnel="stopped", question="Enter the code", seconds=30)
    assert gate.stop() == 0
    gate.start().wait(tunnel="stopped", question="Enter the code")


def test_mark_of_utf8(world, portcullis, server_asks):
    """Editors put it before the first word; it is no part of the user name."""
    server_asks()
    gate = portcullis("suffix", extra=("auth-user-pass",))
    credentials(gate, link(), "password-suffix", password=b"\xef\xbb\xbfalice\r\nright horse\r\n", user=None)
    gate.start_open()
    assert gets_inside(world)


@pytest.mark.parametrize("text,said", [
    ("ABC1DEFG", "character 4 of the secret is not base32"), ("otpauth://hotp/x?secret=" + KEY, "not one for codes by time"),
    ("", "the TOTP file is missing, empty or not root's alone")])
def test_a_wrong_file(portcullis, server_asks, text, said):
    """One line that says what and where; nothing is dialled, and nothing of the secret is told."""
    server_asks()
    gate = portcullis("static", extra=("auth-user-pass", CHALLENGE))
    credentials(gate, text)
    gate.start().wait(tunnel="stopped")
    reason = gate.status()["reason"]
    assert said in reason and "; instead: " in reason and "\n" not in reason
    assert not logins() and KEY not in gate.log() and "ABC1DEFG" not in gate.log()


def test_a_file_that_others_may_read(portcullis, server_asks):
    server_asks()
    gate = portcullis("static", extra=("auth-user-pass", CHALLENGE))
    credentials(gate, link())
    os.chmod(f"{gate.directory}/totp", 0o640)
    done = gate.run_daemon("-n")
    assert done.returncode == 1
    assert "totp-file" in done.stderr and done.stderr.rstrip().endswith("; instead: chmod 600")
    os.chmod(f"{gate.directory}/totp", 0o600)
    assert gate.run_daemon("-n").returncode == 0, "control"


def test_from_the_service_manager(world, portcullis, server_asks):
    """systemd's credentials stand for the files that the configuration does not name: password, secret of the codes, and
    the passphrase of an encrypted key."""
    server_asks()
    folder = f"{ROOT}/credentials"
    os.makedirs(folder, 0o700, exist_ok=True)
    gate = portcullis("static", extra=("auth-user-pass", CHALLENGE), environment={"CREDENTIALS_DIRECTORY": folder})
    with open(gate.profile, encoding="ascii") as file:
        profile = file.read()
    plain = profile.split("<key>\n")[1].split("\n</key>")[0]
    encrypted = subprocess.run(["openssl", "pkcs8", "-topk8", "-passout", "pass:a phrase"], input=plain, text=True,
                               capture_output=True, check=True).stdout.strip()
    gate.write(profile.replace(plain, encrypted))
    gate.start().wait(tunnel="stopped")  # the control: nothing is there
    assert gate.stop() == 0
    for name, content in (("password", "alice\nright horse\n"), ("totp", link()), ("key-passphrase", "a phrase\n")):
        path = f"{folder}/portcullis.{name}"
        with open(path, "w", encoding="ascii") as file:
            file.write(content)
        os.chmod(path, 0o400)
    gate.start_open()
    assert gets_inside(world) and logins() == ["static", "right"]
    told = everything_told(gate)
    assert "right horse" not in told and "a phrase" not in told and KEY not in told
    assert gate.stop() == 0
    os.chmod(f"{folder}/portcullis.totp", 0o440)
    done = gate.run_daemon("-n")
    assert done.returncode == 1 and "may be read or written by others; instead: chmod 600" in done.stderr


def test_a_file_put_right(world, portcullis, server_asks):
    """A wrong secret stops the tunnel; another file in its place, as editors write it, is noticed, and the VPN comes up."""
    server_asks()
    gate = portcullis("static", extra=("auth-user-pass", CHALLENGE))
    credentials(gate, "ABC1DEFG")
    gate.start().wait(tunnel="stopped")
    os.rename(private(gate, "better", link().encode()), f"{gate.directory}/totp")
    gate.wait(gate="open")
    assert gets_inside(world) and logins() == ["static", "right"]


def test_no_core_has_secrets(portcullis, server_asks):
    """A driver that crashes while it has them leaves no core."""
    server_asks()
    gate = portcullis("static", extra=("auth-user-pass", CHALLENGE))
    credentials(gate, link())
    gate.start_open()
    with open(f"/proc/{gate.driver()}/limits", encoding="ascii") as file:
        core = [line.split() for line in file if line.startswith("Max core file size")][0]
    assert core[4:6] == ["0", "0"]
