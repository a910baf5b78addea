"""nft loads every golden text of the policy, each in a network namespace of its own."""
import itertools
import os
import pathlib
import re
import subprocess

import pytest

from daemon import BUILD

GOLDEN = sorted((pathlib.Path(__file__).parent.parent / "golden/policy").glob("*.nft"))

# This machine's nft, and those of the releases that `make check-distros` has unpacked.
NFTS = {"own": "nft", **{tree.name: f"chroot {tree} nft" for tree in pathlib.Path(BUILD, "distros").glob("*")
                         if os.access(tree / "usr/sbin/nft", os.X_OK)}}
LINKS = "ip link add en0 type veth peer name en1; ip link add tun0 type veth peer name other;"


def load(text, then="nft list ruleset"):
    """Loads the text in a fresh namespace with the links that it names. Returns what `then` prints."""
    script = f"{LINKS} nft -f - && {then}"
    return subprocess.run(["unshare", "-n", "sh", "-c", script], input=text, text=True, capture_output=True, timeout=20)


def read(path):
    """Reads a text, and replaces the users and groups in it by ones that every machine has, because nft resolves them
    while it loads."""
    return re.sub(r'"_[\w-]+"', '"daemon"', path.read_text())


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
    """Loading the text twice gives the same as loading it once: no element of the first load remains."""
    first = load(read(GOLDEN[0].parent / "open-dual.nft"))
    both = read(GOLDEN[0].parent / "dialling-udp4.nft") + read(GOLDEN[0].parent / "open-dual.nft")
    assert first.returncode == 0
    assert load(both).stdout == first.stdout


@pytest.mark.parametrize("path", [path for path in GOLDEN if "uplink" not in path.stem], ids=lambda path: path.stem)
def test_a_change_of_state_changes_sets_only(path):
    """With the same users and groups, and no uplink frames configured, the chains are the same in every situation: a
    flip only changes the elements of sets."""
    def chains(text):
        kept = re.sub(r"set \w+ \{.*?\n\t\}", "", text, flags=re.S)
        kept = re.sub(r"chain link_\w+ \{.*?\n\t\}", "", kept, flags=re.S)
        return re.sub(r"^#.*$", "", kept, flags=re.M).split()

    if "gateway" in path.stem:
        reference = GOLDEN[0].parent / "locked-gateway.nft"
    elif "portal" in path.stem:
        reference = GOLDEN[0].parent / "locked-portal.nft"
    elif '"_' in path.read_text() or path.stem in ("locked-nothing-known", "open-nothing-known"):
        reference = GOLDEN[0].parent / "locked-nothing-known.nft"
    else:
        reference = GOLDEN[0].parent / "locked.nft"
    assert chains(path.read_text()) == chains(reference.read_text())


def printed():
    """What `portcullis rules` prints for each state."""
    for state, remote in itertools.product(("locked", "dialling", "open"), ("192.0.2.1:1194/udp", "[2001:db8::1]:443/tcp")):
        yield subprocess.run([f"{BUILD}/portcullis", "rules", "--backend", "nft", "--state", state, "--remote", remote],
                             text=True, check=True, capture_output=True).stdout


@pytest.mark.parametrize("nft", NFTS.values(), ids=NFTS.keys())
def test_every_nft_at_hand_reads_every_text(nft):
    def check(text):
        return subprocess.run(["unshare", "-n", "sh", "-c", f"{LINKS} {nft} -c -f -"], input=text, text=True, capture_output=True,
                              timeout=20, check=False)
    for text in [*map(read, GOLDEN), *(re.sub(r'"_[\w-]+"', '"daemon"', text) for text in printed())]:
        done = check(text)
        assert done.returncode == 0, f"{done.stderr}{text}"
    assert check("table inet t {\n\tset set {\n\t\ttype ipv4_addr\n\t}\n}\n").returncode == 1, "control: a word for a name"
