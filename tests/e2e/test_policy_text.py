"""Every golden text of the policy for nft is one that nft takes, in a network namespace of its own."""
import pathlib
import re
import subprocess

import pytest

GOLDEN = sorted((pathlib.Path(__file__).parent.parent / "golden/policy").glob("*.nft"))

LINKS = "ip link add en0 type veth peer name en1; ip link add tun0 type veth peer name other;"


def load(text, then="nft list ruleset"):
    """The text is loaded into a fresh namespace with the links that it names; what `then` prints."""
    script = f"{LINKS} nft -f - && {then}"
    return subprocess.run(["unshare", "-n", "sh", "-c", script], input=text, text=True, capture_output=True, timeout=20)


def read(path):
    """nft resolves names while it loads: a text with names needs some that every machine has."""
    return re.sub(r'"_\w+"', '"daemon"', path.read_text())


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_nft_takes_the_text(path):
    text = read(path)
    done = load(text)
    assert done.returncode == 0, done.stderr
    rules = [line for line in text.splitlines() if re.search(r"(accept|drop|goto \w+|reject.*|jump \w+)$", line.strip())]
    listed = [line for line in done.stdout.splitlines()
              if re.search(r"(accept|drop|goto \w+|reject.*|jump \w+)$", line.strip())]
    assert len(listed) == len(rules) > 60, "nft holds another number of rules than the text has"


def test_the_text_replaces_itself():
    """Loaded twice it stands once: no element of the first stays behind."""
    first = load(read(GOLDEN[0].parent / "open-dual.nft"))
    both = read(GOLDEN[0].parent / "dialling-udp4.nft") + read(GOLDEN[0].parent / "open-dual.nft")
    assert first.returncode == 0
    assert load(both).stdout == first.stdout


@pytest.mark.parametrize("path", [path for path in GOLDEN if "uplink" not in path.stem], ids=lambda path: path.stem)
def test_a_change_of_state_changes_sets_only(path):
    """The chains are the same in every situation with the same identities and no uplink's frames: a flip is a change
    of elements."""
    def chains(text):
        kept = re.sub(r"set \w+ \{.*?\n\t\}", "", text, flags=re.S)
        kept = re.sub(r"chain link_\w+ \{.*?\n\t\}", "", kept, flags=re.S)
        return re.sub(r"^#.*$", "", kept, flags=re.M).split()

    if "gateway" in path.stem:
        reference = GOLDEN[0].parent / "locked-gateway.nft"
    elif '"_' in path.read_text() or path.stem in ("locked-nothing-known", "open-nothing-known"):
        reference = GOLDEN[0].parent / "locked-nothing-known.nft"
    else:
        reference = GOLDEN[0].parent / "locked.nft"
    assert chains(path.read_text()) == chains(reference.read_text())
