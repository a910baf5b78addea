"""ipfw: the order of our calls, and the state of the gate after each failure of each call. The tool is a stand-in;
after every single change of its rules the evaluator says what would pass."""
import json
import os
import signal
import time

import pytest

from ipfw_world import Hand, Kernel, holding, is_shut, is_state, keepalives, passes
from netns import wait_for

LIST = ["-a", "-S", "list"]
FORGET = ["-q", "-D", "delete", "1-65534"]
FLOOR = "add 2 set 31 deny ip from any to any not via lo0 // portcullis"
LISTING_FAULTS = ("fail", "cut", "cut-at-line", "garbage", "done-then-fail")
BATCH_FAULTS = ("fail", "half", "silently-half", "done-then-fail")
WATCHDOG = "/run/portcullis/guardian"


@pytest.fixture(name="kernel")
def make_kernel(tmp_path):
    return Kernel(tmp_path)


@pytest.fixture(name="hand")
def make_hand(kernel):
    hand = Hand(kernel)
    yield hand
    hand.kill()


def words(calls):
    """Each call in short form; our own rules are one word."""
    told = []
    for call in calls:
        lines = ["rules for " + line.split()[3] if line.startswith("add 1 ") else line
                 for line in call["input"].splitlines() if not line.startswith("#")]
        told.append("list" if call["argv"] == LIST else "forget" if call["argv"] == FORGET else
                    "; ".join(dict.fromkeys(lines)))
    return told


# --- order -------------------------------------------------------------------------------

def test_order_of_calls(kernel, hand):
    hand.ok("locked")
    assert words(kernel.calls()) == [
        "list", FLOOR, "set disable 26; rules for 26", "list", "set disable 27 enable 26", "forget", "list"]
    before = len(kernel.calls())
    hand.ok("dialling")
    assert words(kernel.calls()[before:]) == [
        "list", "set disable 27; rules for 27", "list", "set disable 26 enable 27", "forget", "list", "delete set 26"]
    before = len(kernel.calls())
    hand.ok("dialling")  # the same state again
    assert words(kernel.calls()[before:]) == ["list"]
    before = len(kernel.calls())
    hand.ok("remove")
    assert words(kernel.calls()[before:]) == [
        "list", "delete set 27; set 31 delete 2; set enable 26 27", "list"]


def test_every_step_is_shut_and_some_set_of_ours_decides(kernel, hand):
    assert not is_shut(kernel.now())  # the control: without rules everything passes
    marks = {}
    for state in ("locked", "dialling", "open", "dialling", "locked", "open", "locked"):
        hand.ok(state)
        assert is_state(kernel.now(), state), state
        marks[len(kernel.steps())] = state
    steps = kernel.steps()
    armed = next(i for i, step in enumerate(steps) if step["line"].endswith("enable 26"))
    assert all(is_shut(step) for step in steps), [step["line"] for step in steps if not is_shut(step)]
    for step in steps[armed:]:
        assert len(holding(step)) == 1, step["line"]
    # Between two states nothing passes that passes in neither of them: the change is one command.
    flips = [step for step in steps if step["line"].startswith("set disable") and " enable " in step["line"]]
    assert len(flips) == 7


def test_the_standing_rules_of_a_killed_daemon_are_replaced(kernel, hand):
    hand.ok("open")
    hand.kill()
    before = len(kernel.steps())
    heir = Hand(kernel)
    heir.ok("locked")
    heir.kill()
    assert is_state(kernel.now(), "locked")
    assert all(is_shut(step) and len(holding(step)) == 1 for step in kernel.steps()[before:])


def test_module_is_loaded_and_switched_on(tmp_path):
    kernel = Kernel(tmp_path, module=False)
    hand = Hand(kernel)
    assert hand.ask("remove") == "ok"  # there is nothing to remove, and the tool is not run
    assert not kernel.calls()
    hand.ok("locked")
    assert (tmp_path / "kldload.calls").read_text() == "-n ipfw\n"
    kernel.manually("disable", "firewall")
    assert not is_shut(kernel.now())  # control
    hand.ok("locked")
    assert is_state(kernel.now(), "locked")
    (tmp_path / "no-module").touch()
    os.unlink(tmp_path / "enable")
    assert "can't load ipfw" in hand.ask("locked")
    hand.kill()


# --- failures -------------------------------------------------------------------------------

def clean_run(folder, start, target):
    """How many calls it makes, and which of them are listings."""
    os.makedirs(folder)
    kernel = Kernel(folder)
    hand = Hand(kernel)
    if start:
        hand.ok(start)
    before = len(kernel.calls())
    hand.ok(target)
    hand.kill()
    return [call["argv"] == LIST for call in kernel.calls()[before:]]


@pytest.mark.parametrize("start,target", [(None, "locked"), ("dialling", "open"), ("open", "locked")])
def test_each_call_fails_in_turn(tmp_path, sampled, start, target):
    kinds = clean_run(tmp_path / "clean", start, target)
    every = [(at, how) for at, is_listing in enumerate(kinds) for how in (LISTING_FAULTS if is_listing else BATCH_FAULTS)]
    cases = sampled(every, 10)
    errors = [case for case in cases if not fails_at(tmp_path, start, target, *case)]
    if len(cases) == len(every):
        assert len(errors) >= len(kinds) - 2  # the last call only cleans up


def fails_at(tmp_path, start, target, at, how):
    """Makes one call fail, and returns whether the target is reached nevertheless. Nothing may pass in the clear at any
    moment, and the machine can be locked afterwards."""
    folder = tmp_path / f"{at}-{how}"
    folder.mkdir()
    kernel = Kernel(folder)
    hand = Hand(kernel)
    if start:
        hand.ok(start)
    kernel.fault(how, at)
    steps_before = len(kernel.steps())
    answer = hand.ask(target)
    told = f"call {at} {how}: {answer}"
    # The previous state, the wanted one, or entirely shut: nothing else, and nothing in the clear.
    if answer == "ok":
        assert is_state(kernel.now(), target), told
    elif start is not None:
        assert is_state(kernel.now(), start) or is_state(kernel.now(), target), told
    shut = start is not None
    for step in kernel.steps()[steps_before:]:
        assert is_shut(step) or not shut, f"{told}: open after {step['line']}"
        assert start is None or len(holding(step)) == 1, f"{told}: none decides after {step['line']}"
        shut = shut or is_shut(step)
    kernel.fault(None)
    hand.ok("locked")
    assert is_state(kernel.now(), "locked"), told
    hand.kill()
    return answer == "ok"


@pytest.mark.parametrize("at", range(5))
def test_each_call_hangs_in_turn(kernel, hand, at):
    hand.ok("locked")
    before = len(kernel.steps())
    kernel.fault("hang", at)
    started = time.monotonic()
    answer = hand.ask("dialling")
    assert answer.startswith("error") and "killed" in answer, answer
    assert time.monotonic() - started < 5
    assert all(is_shut(step) for step in kernel.steps()[before:])
    kernel.fault(None)
    hand.ok("locked")
    assert is_state(kernel.now(), "locked")


def test_a_flip_that_was_made_but_never_answered(kernel, hand):
    hand.ok("locked")
    kernel.fault("done-then-hang", 3)
    assert hand.ask("open").startswith("error")
    assert is_state(kernel.now(), "open")  # the kernel has the rules, but an error is reported, so the gate locks
    hand.ok("locked")
    assert is_state(kernel.now(), "locked")


# --- others --------------------------------------------------------------------------------------

FOREIGN = [("add", "100", "allow", "ip", "from", "any", "to", "any", "via", "lo0"),
           ("add", "65000", "set", "3", "allow", "ip", "from", "any", "to", "any"),
           ("add", "500", "set", "31", "allow", "ip", "from", "any", "to", "any")]


def test_remove_takes_ours_and_leaves_theirs(kernel, hand):
    for rule in FOREIGN:
        kernel.manually(*rule)
    kernel.manually("set", "disable", "3")
    theirs = kernel.now()
    hand.ok("locked", "open")
    assert is_state(kernel.now(), "open")  # the others' rules come after ours
    hand.ok("remove")
    assert kernel.now() == theirs
    assert hand.ask("blocked").startswith("error")
    hand.ok("remove")


@pytest.mark.parametrize("rule,instead", [
    ("add 1 allow ip from any to any", "00001 set 0 allow ip from any to any"),
    ("add 1 set 5 skipto 3 ip from any to any", "00001 set 5 skipto 3 ip from any to any")])
def test_foreign_rule_before_ours_is_named_and_not_called_locked(kernel, hand, rule, instead):
    if "skipto" in rule:  # the evaluator has no jumps, and the stand-in accepts only what the evaluator can judge
        state = kernel.now()
        state["rules"].append([1, 5, 0, "skipto 3 ip from any to any"])
        del state["enable"]
        kernel.write("state", json.dumps(state))
    else:
        kernel.manually(*rule.split())
    answer = hand.ask("locked")
    assert answer.startswith("error") and instead in answer and "instead: delete it" in answer, answer
    kernel.manually("delete", "1")  # removes ours too
    hand.ok("locked")
    assert is_state(kernel.now(), "locked")


def test_foreign_rule_before_ours_that_stops_is_none_of_ours(kernel, hand):
    kernel.manually(*"add 1 deny ip from 198.51.100.7 to any".split())
    kernel.manually(*"add 1 count ip from any to any".split())
    kernel.manually(*"add 1 set 7 allow ip from any to any".split())
    kernel.manually("set", "disable", "7")
    hand.ok("locked")
    kernel.manually("set", "enable", "7")
    assert "00001 set 7 allow" in hand.ask("locked")


INTERFERENCE = {
    "flush": ("deleted our rules", ["flush"]),
    "delete set": ("deleted our rules", ["delete set 26"]),
    "disable set": ("disabled our rules", ["set disable 26"]),
    "one more": ("changed our rules", ["add 1 set 26 allow ip from any to any"]),
    "the floor": ("deleted rule 2 of set 31", ["set 31 delete 2"]),
    "switched off": ("disabled ipfw", ["disable firewall"]),
    "other set": ("enabled set 27", ["add 1 set 27 allow ip from any to any", "set enable 27"]),
}


@pytest.mark.parametrize("name", INTERFERENCE)
def test_interference_is_noticed_and_undone(kernel, hand, name):
    said, commands = INTERFERENCE[name]
    hand.ok("locked", "watch")
    before = len(kernel.steps())
    for command in commands:
        kernel.manually(*command.split())
    line = hand.line(4)  # the watch looks once a second
    assert line.startswith("foreign 0 ") and said in line, line
    assert is_state(kernel.now(), "locked")
    steps = kernel.steps()[before:]
    # Only switching ipfw off opens, until the next look. If rules are deleted or disabled, the floor remains.
    opened = [step["line"] for step in steps if not is_shut(step)]
    assert opened == (["disable firewall"] if name == "switched off" else []), opened


def test_everything_deleted_is_open_without_the_floor(kernel, hand):
    """The control for the floor: without it, the same flush opens."""
    hand.ok("locked")
    bare = dict(kernel.now(), rules=[])
    assert passes(bare, "clear")
    kernel.manually("flush")
    assert is_shut(kernel.now()) and passes(kernel.now(), "loopback")


def test_tool_that_stops_answering_is_noticed(kernel, hand):
    hand.ok("locked", "watch")
    kernel.fault("hang", 0, and_on=True)
    line = hand.line(8)
    assert line.startswith("foreign -1 ipfw does not answer"), line


def test_what_passes_all_the_same_is_not_called_locked(kernel, hand):
    """The rules are as they should be, but a datagram got out: something lets packets pass before they come to ipfw."""
    kernel.write("leak", "em0")
    assert "got out of em0" in hand.ask("locked")
    os.unlink(os.path.join(kernel.folder, "leak"))
    hand.ok("locked", "watch")
    kernel.write("leak", "em0")
    line = hand.line(4)
    assert line.startswith("foreign -1 a datagram got out of em0"), line


def test_quiet_watch_says_nothing(kernel, hand):
    hand.ok("locked", "watch")
    looks = len(kernel.calls())
    wait_for(lambda: len(kernel.calls()) >= looks + 3, "three looks", 6)
    kernel.manually("add", "900", "allow", "ip", "from", "any", "to", "any")  # after ours: it does no harm
    wait_for(lambda: len(kernel.calls()) >= looks + 6, "three more", 6)
    hand.ok("dialling")  # the answer to this command, not a line that the watch printed before


# --- dynamic states of others: their keepalives pass before any rule -------------------------------

THEIRS = "add 900 allow tcp from any to any out keep-state"
OLDER = "out em0 tcp 192.168.1.23:5000 > 198.51.100.1:22 uid=501 gid=20 flags=S"


def others_rules(kernel):
    return [rule[3] for rule in kernel.now()["rules"] if rule[1] not in (26, 27, 31)]


@pytest.mark.parametrize("state", ["locked", "dialling", "open"])
def test_no_state_of_before_outlives_a_lock(kernel, hand, state):
    kernel.manually(*THEIRS.split())
    assert kernel.traffic(OLDER) and keepalives(kernel.now())
    kernel.manually("add", "1", "deny", "ip", "from", "any", "to", "any")
    assert not kernel.traffic(OLDER) and keepalives(kernel.now()), "control: a rule before all others does not end it"
    kernel.manually("delete", "1")
    theirs = others_rules(kernel)
    hand.ok(state)
    assert not keepalives(kernel.now()) and others_rules(kernel) == theirs
    steps = kernel.steps()
    flip = next(i for i, step in enumerate(steps) if step["line"].endswith("enable 26"))
    assert keepalives(steps[flip]) and steps[flip + 1]["line"] == "-D delete 1-65534", "after the flip, not before it"
    assert is_state(kernel.now(), state)


def test_no_state_of_a_pause_outlives_it(kernel, hand):
    kernel.manually(*THEIRS.split())
    hand.ok("locked", "pause 600")
    assert kernel.traffic(OLDER) and keepalives(kernel.now())
    hand.ok("locked")
    assert not keepalives(kernel.now()) and is_state(kernel.now(), "locked")


def test_no_state_outlives_a_pause_that_the_watchdog_ends(kernel, hand):
    kernel.manually(*THEIRS.split())
    hand.ok("locked", "pause 2")
    assert kernel.traffic(OLDER) and keepalives(kernel.now())
    hand.kill()
    wait_for(lambda: is_state(kernel.now(), "locked") and not keepalives(kernel.now()), "locked by the watchdog", 8)
    assert THEIRS.split(" ", 2)[2] in others_rules(kernel)


def test_forgetting_deletes_no_rule(kernel, hand):
    kernel.manually(*THEIRS.split())
    kernel.traffic(OLDER)
    hand.ok("locked")
    kernel.write("state", json.dumps(dict(kernel.now(), states=[[900, 0, "tcp 192.168.1.23>198.51.100.1"]])))
    before = kernel.now()
    hand.ok("forget")
    assert kernel.now() == dict(before, states=[])
    kernel.manually("-f", "-D", "flush")
    assert not others_rules(kernel), "the control: so would the rules have gone"


def test_states_that_can_not_be_deleted_are_no_lock(kernel, hand):
    kernel.manually(*THEIRS.split())
    kernel.traffic(OLDER)
    kernel.fault("fail", 5)
    assert hand.ask("locked").startswith("error") and keepalives(kernel.now())
    kernel.fault(None)
    hand.ok("locked")
    assert not keepalives(kernel.now())


# --- counters, pause ----------------------------------------------------------------------------------

def test_blocked_counts_what_was_stopped_over_flips(kernel, hand):
    hand.ok("locked")
    kernel.count(5, "any to any out // row 11")
    kernel.count(4, "deny ip from any to any // row 11")  # incoming: not counted
    first = int(hand.ok("blocked").split()[0])
    assert first == 5
    hand.ok("dialling")
    assert int(hand.ok("blocked").split()[0]) == first
    kernel.count(3, "not via lo0 // portcullis")
    assert int(hand.ok("blocked").split()[0]) == first + 3


def test_pause_ends_without_the_daemon(kernel, hand):
    hand.ok("locked", "forget", "pause 2")
    assert not is_shut(kernel.now())
    hand.kill()
    wait_for(lambda: is_state(kernel.now(), "locked"), "locked by the watchdog", 8)


def test_pause_ends_by_the_watchdog_even_if_the_rules_were_flushed(kernel, hand):
    hand.ok("locked", "pause 1")
    kernel.manually("flush")
    hand.kill()
    wait_for(lambda: is_state(kernel.now(), "locked"), "locked by the watchdog", 8)


def test_pause_is_ended_by_the_daemon(kernel, hand):
    hand.ok("locked", "pause 600")
    assert not is_shut(kernel.now())
    hand.ok("locked")
    assert is_state(kernel.now(), "locked")
    hand.ok("dialling", "open")
    assert is_state(kernel.now(), "open")


def test_pause_is_refused_where_nobody_could_end_it(kernel, hand):
    hand.ok("locked")
    kernel.fault("fail", 0)
    assert "watchdog" in hand.ask("pause 5")
    kernel.fault(None)
    assert is_state(kernel.now(), "locked")
    hand.ok("open")
    assert "before the gate is locked" in hand.ask("pause 5")


def test_pause_whose_watchdog_is_killed_is_noticed(kernel, hand):
    hand.ok("locked", "watch", "pause 600")
    os.kill(watchdog_pid(hand.process.pid), signal.SIGKILL)
    line = hand.line(4)
    assert line.startswith("foreign 0 no process is left"), line
    assert is_state(kernel.now(), "locked")


def watchdog_pid(parent):
    """The console's child, which has a session of its own."""
    with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
        children = [int(word) for word in file.read().split()]
    return next(pid for pid in children if os.getsid(pid) == pid)
