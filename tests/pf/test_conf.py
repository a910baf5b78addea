"""The pf files of conf/: a machine that loads them is shut, and only their last line completes that."""
import pathlib

import pytest

from evaluator import APPLE, FREEBSD, Pf, PfError
from machine import HERE, RULESETS, ours, packets

CONF = pathlib.Path(HERE).parent.parent / "conf"
FILES = {APPLE: ("pf.conf.macos", "/etc/portcullis/pf.locked.conf"),
         FREEBSD: ("pf.conf.freebsd", "/usr/local/etc/portcullis/pf.locked.conf")}


@pytest.mark.parametrize("dialect", [APPLE, FREEBSD])
def test_main_file_locks(dialect):
    name, locked = FILES[dialect]
    text = (CONF / name).read_text()
    files = {locked: ours("locked"), "/etc/pf.anchors/com.apple": 'anchor "200.AirDrop/*"\n'}
    pf, gate = Pf(dialect, read_file=files.__getitem__), Pf(dialect)
    outgoing = [line for line in packets("locked") if line.verdict == "block"]
    assert any(pf.verdict(line.step) == "pass" for line in outgoing), "control: without it they pass"
    pf.load_main(text)
    gate.load_main(text.replace("load anchor", "# load anchor"))
    gate.load_anchor("org.portcullis", ours("locked"))
    for line in packets("locked"):
        assert pf.verdict(line.step) == gate.verdict(line.step), line.text
    with pytest.raises(PfError):
        Pf(dialect).load_main(text.replace("anchor", "anker", 1))


@pytest.mark.parametrize("name", RULESETS)
def test_every_state_loads_behind_the_main_file(name):
    pf = Pf(APPLE)
    pf.load_main((CONF / "pf.conf.macos").read_text().replace("load anchor", "# load anchor"))
    pf.load_anchor("org.portcullis", ours(name))
    assert pf.main.filter[0].anchor == "anchor org.portcullis"
