"""How long an attempt lasts, which server is next, and what becomes of a refusal."""
import os
import time

from test_flow import gets_inside
from world import ROOT


def give_credentials(gate, user, password="right horse"):
    """The password file; it belongs to root."""
    secret = f"{gate.directory}/password"
    with open(secret, "w", encoding="ascii") as file:
        file.write(password + "\n")
    os.chmod(secret, 0o600)
    gate.configure(credentials=f'{{ username = "{user}" password-file = "{secret}" }}')


def times_asked():
    with open(f"{ROOT}/asked", encoding="ascii") as file:
        return file.read().count("asked")


def test_an_approval_takes_its_time(world, portcullis):
    """The server waits for somebody who approves: it is given the time that it asks for, and asks once."""
    gate = portcullis("approval", extra=("auth-user-pass", "hand-window 10"))
    open(f"{ROOT}/asked", "w", encoding="ascii").close()
    give_credentials(gate, "12-60")
    gate.start().wait(tunnel="authenticating").wait(gate="open", seconds=25)
    assert times_asked() == 1
    assert gets_inside(world)


def test_an_approval_that_does_not_come(portcullis):
    """The control: without the approval the attempt ends after the time that the server has named."""
    gate = portcullis("approval", extra=("auth-user-pass",))
    give_credentials(gate, "3600-10")
    gate.start().wait(tunnel="authenticating")
    began = time.monotonic()
    with gate.watch() as watch:
        said = watch.until(tunnel="leaving", seconds=20)
    assert 8 < time.monotonic() - began < 16, said
    assert said["gate"] != "open"
