"""pf as the firewall, with a stand-in for pfctl: the order of our calls, and what follows if one fails.

openvpn and the network are real; after every single call tests/pf/evaluator.py judges what pf would pass, with packets
in the clear and into the tunnel. What no stand-in can show is in docs/platforms.md."""
import os
import signal
import time

import pytest

from daemon import BUILD, is_gone, programs_with
from netns import wait_for
from standin.pfctl import ANCHOR, CLEAR, FALLBACK, FREEBSD, STOCK, TUNNEL, Pfctl
from world import ROOT

PROGRAMS = f"{ROOT}/pf-programs"
TOKEN_FILE = "/var/lib/portcullis/pf.token"
LEFT = (TOKEN_FILE, "/run/portcullis/off", "/var/lib/portcullis/off")
LOAD, READ = f"-o none -a {ANCHOR} -f -", f"-a {ANCHOR} -v -s rules"
_count = 0


@pytest.fixture(name="pf")
def _pf():
    global _count  # pylint: disable=global-statement
    _count += 1
    standin = Pfctl(f"{ROOT}/pf{_count}")
    assert standin.gate() == "none", "control: with nothing loaded everything passes"
    yield standin
    standin.close()


@pytest.fixture(name="gate")
def _gate(world, portcullis, pf):
    """portcullisd with pf, not started; nothing is left of the previous one."""
    programs_with(PROGRAMS, portcullisd=f"{BUILD}/test/portcullisd-pf", portcullis=f"{BUILD}/test/portcullis-pf")
    for left in LEFT:
        if os.path.exists(left):
            os.unlink(left)
    return portcullis(programs=PROGRAMS, settings={"backend": '"auto"'},
                      environment={"PORTCULLIS_STANDIN": pf.directory})


def off(gate, *options):
    return gate.host.run(f"{gate.programs}/portcullis", "-s", gate.socket, "off", *options, check=False, timeout=30,
                         env=gate.environment)


def words(pf, since=0):
    return [call.words for call in pf.calls[since:]]


def leaks(pf, since=0):
    """The calls from `since` on after which something would have passed in the clear."""
    return [f"{number}: {call.words}" for number, call in enumerate(pf.calls[since:], since)
            if call.passes["clear"] or call.passes["clear6"]]


def first_shut(pf):
    return next(number for number, call in enumerate(pf.calls) if not call.passes["clear"])


def is_honest(gate, pf):
    """Does the status agree with what pf would do? `unprotected` may be reported whatever pf does."""
    said = gate.status()["gate"]
    return said == "unprotected" or said == pf.gate()


def watchdog(gate):
    """The watchdog's pid: a portcullisd that is not the daemon."""
    found = [pid for pid in gate.host.pids("portcullisd") if gate.process is None or pid != gate.pid]
    return found[0] if found else None


# --- the main flow

def test_whole_run(world, gate, pf):
    """locked, dialling, open; openvpn is killed: shut; every step in between is judged."""
    gate.start_open()
    kinds = ["none" if call.passes["clear"] else "open" if call.passes["tunnel"] else
             "dialling" if call.passes["hole"] else "locked" for call in pf.calls]
    assert [kind for n, kind in enumerate(kinds) if n == 0 or kinds[n - 1] != kind] == [
        "none", "locked", "dialling", "open"]
    assert pf.gate() == "open" and pf.verdict(CLEAR) == "block"
    gate.kill_openvpn()
    wait_for(lambda: pf.gate() in ("locked", "dialling"), "shut after the kill", 1)
    gate.wait(gate="open")
    assert gate.stop() == 0
    assert pf.gate() == "locked" and pf.pf.enabled
    assert leaks(pf, first_shut(pf)) == []


def test_policy_before_everything(gate, pf):
    """The order of the first lock: our rules are loaded, the main rules call them, pf is enabled, earlier states are
    killed; at last everything is read back."""
    assert gate.run_daemon("-L").returncode == 0
    asked = words(pf)
    assert asked[0] == LOAD
    order = [asked.index(LOAD), asked.index("-f -"), asked.index("-E"), asked.index("-F states"), asked.index(READ)]
    assert order == sorted(order), asked
    assert f"-o none -a {FALLBACK} -f -" in asked
    assert not any("-F rules" in word or "-F all" in word or word == "-d" for word in asked)
    main = pf.run("-s", "rules").splitlines()
    assert main.index(f'anchor "{ANCHOR}" all') < main.index('anchor "com.apple/*" all')
    assert f'scrub-anchor "{ANCHOR}" all fragment reassemble' in main


def test_flips_are_short(gate, pf):
    """A flip is three calls: load the rules, kill the states, read back. The states are killed after the load."""
    gate.start_open()
    shut = len(pf.calls)
    gate.ctl("down", "--wait", check=True)
    gate.wait(gate="locked")
    flips = [word for word in words(pf, shut) if not word.startswith("-s") and FALLBACK not in word]
    assert flips[:3] == [LOAD, "-F states", READ], flips
    opened = next(n for n, call in enumerate(pf.calls) if call.passes["tunnel"] and not call.passes["clear"])
    assert words(pf)[opened:opened + 3] == [LOAD, "-F states", READ]


def test_states_of_the_tunnel_end_with_it(gate, pf):
    gate.start_open()
    assert pf.verdict(TUNNEL, remember=True) == "pass"
    assert len(pf.pf.states) == 1
    gate.ctl("down", "--wait", check=True)
    gate.wait(gate="locked")
    assert pf.pf.states == [] and pf.verdict(TUNNEL) == "block"


def test_states_older_than_the_gate_end(gate, pf):
    pf.run("-f", "-", stdin="pass out all keep state\n")
    pf.run("-E")
    assert pf.verdict(CLEAR, remember=True) == "pass" and len(pf.pf.states) == 1
    pf.run("-a", ANCHOR, "-f", "-", stdin="block drop quick all\n")
    pf.run("-f", "-", stdin=f'anchor "{ANCHOR}"\npass out all keep state\n')
    assert pf.verdict(CLEAR) == "pass", "control: a state is asked before any rule"
    assert gate.run_daemon("-L").returncode == 0
    assert pf.gate() == "locked" and pf.pf.states == []


def test_stop_and_kill_leave_it_shut(gate, pf):
    gate.start_open()
    gate.kill()
    assert pf.verdict(CLEAR) == "block"
    before = len(pf.calls)
    gate.start()
    gate.wait(gate="open")
    assert leaks(pf, before) == []


def test_second_one_is_refused(gate, pf):
    gate.start_open()
    before = len(pf.calls)
    done = gate.run_daemon("-L")
    assert done.returncode == 0 and f"held by process {gate.pid}" in done.stdout
    assert not [word for word in words(pf, before) if "-f" in word or "-F" in word or "-E" in word]
    gate.kill()
    assert gate.run_daemon("-L").returncode == 0 and pf.gate() == "locked", "control: with nobody there it locks"


def test_lock_beside_a_daemon_that_is_off(gate, pf):
    """A daemon that is `off` holds no gate, so -L does not report that one is held: it locks, or says that it did
    not."""
    gate.start_open()
    assert off(gate).returncode == 0 and pf.gate() == "none"
    os.unlink("/run/portcullis/off")  # as `enable` and `up` do
    done = gate.run_daemon("-L")
    assert done.returncode == 0 and "locked and verified" in done.stdout, done
    assert pf.gate() == "locked"


# --- each call failing in turn

@pytest.mark.parametrize("fault", ["exit", "cut", "late", "busy", "hang"])
def test_each_call_of_the_first_lock_fails(gate, pf, fault):
    """-L, with the Nth call failing: either it locks and verifies that, or it reports a failure. It never reports a
    half-finished lock as done."""
    assert gate.run_daemon("-L").returncode == 0
    count, codes = len(pf.calls), []
    for number in range(count):
        other = Pfctl(f"{pf.directory}-{number}")
        other.fault = lambda n, argv, number=number: fault if n == number else None
        gate.environment["PORTCULLIS_STANDIN"] = other.directory
        os.unlink(TOKEN_FILE)
        done = gate.run_daemon("-L", timeout=20)
        # One reaction to a failure is to lock without the configuration's values, and that is reported too.
        codes.append(done.returncode or "locked without the configuration's values" in done.stderr)
        if done.returncode == 0:
            assert other.gate() == "locked" and other.pf.enabled and len(other.tokens) >= 1, (number, words(other))
            assert leaks(other, first_shut(other)) == []
        else:
            assert "portcullisd: " in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
        other.close()
        if not os.path.exists(TOKEN_FILE):
            open(TOKEN_FILE, "w", encoding="ascii").close()
    if fault == "busy":
        assert not any(codes), "pf that is busy for a moment is asked again"
    else:
        assert any(codes), "control: some call's failure must be told"


@pytest.mark.parametrize("fault", ["exit", "cut", "late"])
def test_each_call_of_a_run_fails(gate, pf, fault):
    """A whole run until open, with one failing call: the status is true all the time, nothing passes in the clear, and
    the gate opens in the end."""
    gate.start_open()
    count = len(pf.calls)
    gate.kill()
    failed = set()
    for number in range(count):
        begin = len(pf.calls)
        pf.counted = 0
        pf.fault = lambda n, argv, number=number: (failed.add(number) or fault) if n == number else None
        gate.start()
        wait_for(lambda: is_honest(gate, pf), lambda: gate.told(f"call {number}"), 5)
        gate.wait(gate="open", seconds=20)
        assert leaks(pf, begin) == [], (number, fault)
        pf.fault = None
        gate.kill()
    assert failed >= set(range(8)), "control: the calls did fail"


@pytest.mark.parametrize("fault", ["exit", "hang", "cut"])
def test_calls_fail_for_good(gate, pf, fault):
    """While the gate is open, every call begins to fail: it becomes `unprotected`, and openvpn is ended. When calls
    work again, the gate recovers."""
    gate.configure(on_unprotected='"report"')
    gate.start_open()
    pf.fault = lambda n, argv: fault
    gate.kill_openvpn()
    gate.wait(gate="unprotected", seconds=25)
    assert not gate.openvpns()
    assert pf.verdict(CLEAR) == "block", "what stood goes on standing"
    pf.fault = None
    gate.wait(gate="open", seconds=25)
    assert pf.gate() == "open"


def test_unprotected_sets_the_links_down(world, gate, pf):
    pf.fault = lambda n, argv: "exit" if "-f" in argv else None
    gate.start()
    gate.wait(gate="unprotected")
    wait_for(lambda: "state DOWN" in world.host.run("ip", "link", "show", "eth0").stdout, "eth0 set down")
    pf.fault = None
    gate.wait(gate={"locked", "dialling", "open"})
    wait_for(lambda: "state UP" in world.host.run("ip", "link", "show", "eth0").stdout, "eth0 up again")


def test_refused_rules_are_told(gate, pf):
    """A pfctl that refuses our text: its own words are reported, in one line."""
    real = pf.execute
    pf.execute = lambda argv, stdin: (1, "", "stdin:7: syntax error\npfctl: Syntax error in config file: pf rules not "
                                      "loaded\n") if ANCHOR in argv and "-f" in argv else real(argv, stdin)
    done = gate.run_daemon("-L")
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "stdin:7: syntax error" in done.stderr and ANCHOR in done.stderr


def test_main_rules_that_are_refused_give_way(gate, pf):
    """pfctl refuses rules that it has printed itself: then the system's rules are used, with our anchor before them."""
    pf.run("-f", "-", stdin=STOCK + "pass quick proto udp from any to any\n")
    real = pf.execute
    pf.execute = lambda argv, stdin: (1, "", "stdin:9: syntax error\n") if argv == ["-f", "-"] and "proto udp" in stdin \
        else real(argv, stdin)
    gate.start_open()
    assert pf.verdict(CLEAR) == "block"
    assert 'anchor "com.apple/*" all' in pf.run("-s", "rules")
    wait_for(lambda: "pf's main rules could not be kept, those of the system are loaded: pfctl -f -: stdin:9: syntax error"
             in gate.log(), lambda: gate.told("the remark"), 5)


@pytest.mark.parametrize("moment", ["flip-before-send", "flip-after-send", "flip-before-readback"])
def test_killed_inside_a_flip(gate, pf, moment):
    """SIGKILL at each moment of each flip until open: from the first lock on nothing passes, and the next start
    opens."""
    gate.start_open()
    gate.kill()
    begin = len(pf.calls)
    for number in range(1, 5):
        gate.environment["PORTCULLIS_FAULT"] = f"{moment}:{number}"
        gate.start()
        assert gate.process.wait(10) == -signal.SIGKILL, f"control: {moment}:{number} was never reached"
        assert pf.verdict(CLEAR) == "block"
        del gate.environment["PORTCULLIS_FAULT"]
        gate.start()
        gate.wait(gate="open")
        gate.kill()
    assert leaks(pf, begin) == []


@pytest.mark.parametrize("server", ["tcp", "udp6", "tcp6", "port53"])
def test_other_transports_and_the_local_network(gate, pf, world, server):
    """The rules for other situations are loaded completely: there are as many rules as the printed lists expand to."""
    gate.configure(lan="true")
    gate.write(world.profile(server))
    gate.start_open()
    assert pf.verdict(TUNNEL) == "pass" and pf.verdict(CLEAR) == "block"
    assert pf.verdict("out eth0 tcp 192.168.50.2:5000 > 192.168.50.9:445 uid=501 gid=20 flags=S") == "pass"
    assert pf.verdict("out eth0 udp 192.168.50.2:5000 > 233.252.0.1:9 uid=501 gid=20 ttl=1") == "block", "the probe's"


# --- others who change pf

OTHERS = {
    "disabled": (["-d"], "", "pf is disabled"),
    "flushed": (["-F", "all"], "", "do not call our anchor"),
    "replaced": (["-f", "-"], STOCK, "do not call our anchor"),
    "pass-quick": (["-f", "-"], f'scrub-anchor "{ANCHOR}"\nnat-anchor "{ANCHOR}"\nrdr-anchor "{ANCHOR}"\n'
                   f'pass quick on eth0 all\nanchor "{ANCHOR}"\n', "a `pass quick` comes before our anchor"),
    "behind": (["-f", "-"], STOCK + f'anchor "{ANCHOR}"\n', "another anchor is called before ours"),
    "conditional": (["-f", "-"], f'scrub-anchor "{ANCHOR}"\nnat-anchor "{ANCHOR}"\nrdr-anchor "{ANCHOR}"\n'
                    f'anchor "{ANCHOR}" on eth1\n', "for some packets only"),
    "skip": (["-f", "-"], f'set skip on eth0\nscrub-anchor "{ANCHOR}"\nnat-anchor "{ANCHOR}"\nrdr-anchor "{ANCHOR}"\n'
             f'anchor "{ANCHOR}"\n', "pf skips eth0"),
    "emptied": (["-a", ANCHOR, "-F", "rules"], "", "our anchor was emptied"),
    "changed": (["-a", ANCHOR, "-f", "-"], "pass quick all\n", "the rules of our anchor were changed"),
    "translated": (["-f", "-"], f'scrub-anchor "{ANCHOR}"\nnat pass on eth0 from any to any -> 192.0.2.9\n'
                   f'nat-anchor "{ANCHOR}"\nrdr-anchor "{ANCHOR}"\nanchor "{ANCHOR}"\n',
                   "packets are translated before our anchor"),
}


@pytest.mark.parametrize("what", list(OTHERS))
def test_others_are_noticed_and_undone(gate, pf, what):
    """Somebody opens pf: one line of the log names that, and the gate is shut and verified within a second after the
    look that finds it."""
    argv, text, said = OTHERS[what]
    gate.start_open()
    pf.run(*argv, stdin=text)
    # Where Apple's own call is in place, the second anchor holds the lock: nothing is open even for a moment.
    assert pf.gate() == ("locked" if what in ("replaced", "behind", "emptied") else "none"), pf.explain()
    began = time.monotonic()
    wait_for(lambda: pf.gate() == "open", lambda: gate.told("restored"), 5)
    assert time.monotonic() - began < 3
    wait_for(lambda: f"{said}" in gate.log() and "restored and verified" in gate.log(), "named in the log", 5)
    line = next(line for line in gate.log().splitlines() if "restored and verified" in line)
    assert said in line
    assert gate.status()["gate"] == "open" and pf.verdict(CLEAR) == "block"
    assert pf.pf.enabled and not pf.skipped


def test_second_place_is_filled_again(gate, pf):
    """Somebody empties the anchor that Apple's own rules call: that alone opens nothing, so no connection is cut."""
    gate.start_open()
    second = pf.run("-a", FALLBACK, "-s", "rules")
    assert second != "" and pf.verdict(TUNNEL, remember=True) == "pass"
    states = list(pf.pf.states)
    pf.run("-a", FALLBACK, "-F", "rules")
    wait_for(lambda: pf.run("-a", FALLBACK, "-s", "rules") == second, "the second place filled", 5)
    assert pf.gate() == "open" and pf.pf.states == states
    wait_for(lambda: "the fallback anchor in pf was changed" in gate.log(), "named in the log", 5)


@pytest.mark.parametrize("where", [(), ("-a", ANCHOR)], ids=["main", "anchor"])
def test_others_states_do_not_outlive_their_rules(gate, pf, where):
    """A floating state that was made while others' rules were in force is gone when ours are in force again."""
    gate.start_open()
    with pf.lock:
        pf.run(*where, "-f", "-", stdin="pass out quick all keep state\n")
        assert pf.verdict(CLEAR, remember=True) == "pass"
    wait_for(lambda: pf.gate() == "open", "restored", 5)
    assert pf.verdict(CLEAR) == "block"


def test_others_states_do_not_outlive_a_flip(gate, pf):
    """Others' rules were in our anchor between two looks, and a flip overwrote them before any look: the states that
    they made are gone all the same."""
    gate.start_open()
    with pf.lock:
        ours = pf.anchor_texts[ANCHOR]
        pf.run("-a", ANCHOR, "-f", "-", stdin="pass out quick all keep state\n")
        assert pf.verdict(CLEAR, remember=True) == "pass"
        pf.run("-a", ANCHOR, "-f", "-", stdin=ours)
        assert pf.verdict(CLEAR) == "pass", "control: the state outlives the rule"
    gate.ctl("down", "--wait", check=True)
    gate.wait(gate="locked")
    assert pf.verdict(CLEAR) == "block"


def test_reference_taken_away(gate, pf):
    """Somebody releases our reference to pf, while another program's keeps it enabled: we take a new one."""
    gate.start_open()
    ours = pf.tokens[0]
    pf.run("-E")
    pf.run("-X", str(ours))
    assert pf.pf.enabled and ours not in pf.tokens
    wait_for(lambda: len(pf.tokens) == 2, "a reference of our own again", 5)
    wait_for(lambda: "our reference to pf is gone" in gate.log(), "named", 5)
    with open(TOKEN_FILE, encoding="ascii") as file:
        assert int(file.read()) == pf.tokens[0]


def test_pf_that_lies_is_found_by_the_probe(world, gate, pf):
    """pfctl says that all is well, but packets pass: no lock counts as verified until the probe is refused on a link
    that is up."""
    lies = [True]

    def probe(argv, _):
        if "state DOWN" in world.host.run("ip", "link", "show", argv[0]).stdout:
            return 2, "", "the link is down\n"
        return (0 if lies[0] else 1), "", ""
    gate.start_open()
    pf.tools[1].answer = probe
    gate.wait(gate="unprotected")
    assert "a datagram got out of eth0 although pf should stop it; instead: restart" in gate.status()["reason"]
    wait_for(lambda: "state DOWN" in world.host.run("ip", "link", "show", "eth0").stdout, "eth0 set down")
    asked = len(pf.calls)
    wait_for(lambda: len(pf.calls) > asked + 20, "more tries", 15)
    assert gate.status()["gate"] == "unprotected", "a link that is down proves nothing"
    lies[0] = False
    world.host.ip("link set eth0 up")
    gate.wait(gate={"locked", "dialling", "open"}, seconds=15)


def test_probe_that_got_out_once_is_no_doubt_for_good(gate, pf):
    gate.start_open()
    outs = [0]
    pf.tools[1].answer = lambda argv, stdin: (outs.pop() if outs else 1, "", "")
    wait_for(lambda: "a datagram got out of eth0; restored and verified" in gate.log(), lambda: gate.told("probe"), 5)
    assert gate.status()["gate"] == "open"


def test_hanging_pfctl_does_not_stop_the_gate(gate, pf):
    """The look hangs: commands are answered nevertheless."""
    gate.start_open()
    pf.fault = lambda n, argv: "hang" if argv == ["-s", "nat"] else None
    wait_for(lambda: pf.calls[-1].code is None, "a look that hangs", 5)
    began = time.monotonic()
    assert gate.status()["gate"] == "open"
    assert time.monotonic() - began < 1
    pf.fault = None
    gate.wait(gate="open")


def test_no_more_than_a_look_a_second(gate, pf):
    gate.start_open()
    wait_for(lambda: ["-s", "Interfaces", "-v"] in [call.argv for call in pf.calls[20:]], "a look")
    before, began = len(pf.calls), time.monotonic()
    wait_for(lambda: len([1 for call in pf.calls[before:] if call.argv == ["-s", "info"]]) >= 3, "three looks", 8)
    assert time.monotonic() - began >= 1.9


def test_blocked_packets_are_counted(gate, pf):
    gate.start_open()
    first = wait_for(lambda: gate.status()["blocked"]["packets"], "packets counted", 5)
    gate.ctl("reconnect", "--wait", check=True)
    gate.wait(gate="open")
    wait_for(lambda: gate.status()["blocked"]["packets"] > first, "the old rules' packets count too", 5)


# --- pause

def pause(gate, length):
    gate.ctl("pause", length, check=True)
    gate.wait(gate="paused")


def test_pause_and_resume(gate, pf):
    gate.start_open()
    pause(gate, "1h")
    assert pf.gate() == "none" and watchdog(gate)
    assert pf.verdict(CLEAR, remember=True) == "pass"
    process, before = watchdog(gate), len(pf.calls)
    gate.ctl("resume", check=True)
    gate.wait(gate={"locked", "dialling", "open"})
    wait_for(lambda: is_gone(process), "the watchdog gone")
    assert pf.verdict(CLEAR) == "block"
    after = words(pf, before)
    assert after.index(LOAD) < after.index("-F states")


@pytest.mark.parametrize("daemon", ["alive", "killed"])
def test_pause_ends_by_itself(gate, pf, daemon):
    gate.start_open()
    pause(gate, "2s")
    assert pf.gate() == "none", "control: a pause lets through"
    with pf.lock:
        pf.run("-a", "others", "-f", "-", stdin="pass out all keep state\n")
    if daemon == "killed":
        gate.kill()
    wait_for(lambda: pf.gate() == "locked" or pf.verdict(CLEAR) == "block", "the pause's end", 8)
    wait_for(lambda: watchdog(gate) is None if daemon == "alive" else not gate.host.pids("portcullisd"),
             "the watchdog gone", 5)
    if daemon == "killed":
        assert pf.gate() == "locked" and pf.pf.states == []
        gate.start()
    gate.wait(gate="open")
    assert pf.gate() == "open"


def test_restart_in_a_pause(gate, pf):
    """The daemon is killed in a pause and started again: it locks first, and dismisses the watchdog."""
    gate.start_open()
    pause(gate, "1h")
    gate.kill()
    assert pf.gate() == "none"
    gate.start()
    gate.wait(gate={"locked", "dialling", "open"})
    wait_for(lambda: watchdog(gate) is None, "the watchdog gone")
    assert pf.verdict(CLEAR) == "block"


def test_no_pause_without_a_watchdog(gate, pf):
    """If the watchdog can't look at pf, there is no pause: the gate stays shut."""
    gate.start_open()
    pf.fault = lambda n, argv: "exit" if argv == ["-s", "info"] else None
    gate.ctl("pause", "1h")
    wait_for(lambda: "pause refused" in gate.log(), lambda: gate.told("refused"), 10)
    pf.fault = None
    assert "the pause watchdog does not work" in gate.log()
    assert watchdog(gate) is None
    gate.wait(gate={"locked", "dialling", "open"}, seconds=20)
    assert pf.verdict(CLEAR) == "block"
    assert not any(call.passes["clear"] for call in pf.calls[first_shut(pf):])


def test_watchdog_killed_in_a_pause(gate, pf):
    """Without its watchdog, a pause ends."""
    gate.start_open()
    pause(gate, "1h")
    os.kill(watchdog(gate), signal.SIGKILL)
    wait_for(lambda: pf.verdict(CLEAR) == "block", "shut again", 5)
    gate.wait(gate={"locked", "dialling", "open"})


def test_watchdog_goes_on_until_it_is_shut(gate, pf):
    """pfctl fails when the pause is over, and no daemon runs: the watchdog runs it again until it works."""
    gate.start_open()
    pause(gate, "1s")
    gate.kill()
    failing = len(pf.calls)
    pf.fault = lambda n, argv: "exit" if "-f" in argv else None
    wait_for(lambda: len([1 for call in pf.calls[failing:] if call.code == 1]) >= 3, "three tries", 8)
    pf.fault = None
    wait_for(lambda: pf.gate() == "locked", "shut", 5)


# --- off, and what is left

def test_reference_is_kept_over_a_restart(gate, pf):
    others = 4242
    pf.tokens.append(others)
    pf.pf.enabled = True
    gate.start_open()
    assert len(pf.tokens) == 2
    mode = os.stat(TOKEN_FILE)
    assert mode.st_mode & 0o777 == 0o600 and mode.st_uid == 0
    ours = pf.tokens[0]
    gate.kill()
    gate.start()
    gate.wait(gate="open")
    assert pf.tokens == [ours, others], "no new one for each start"
    assert off(gate).returncode == 0
    gate.wait(gate="off")
    assert pf.tokens == [others] and pf.pf.enabled and not os.path.exists(TOKEN_FILE)


MINE = """scrub-anchor "com.apple/*"
nat-anchor "com.apple/*"
rdr-anchor "com.apple/*"
rdr on eth0 proto tcp from any to any port 80 -> 127.0.0.1 port 8080
dummynet-anchor "com.apple/*"
block in quick on eth0 proto tcp from any to any port 22
anchor "mine/*"
anchor "com.apple/*"
pass out proto tcp from any to any port 443 keep state
"""


def test_a_binat_is_named_and_left_out(gate, pf):
    """A binat rule lets packets pass before any rule is evaluated. It is named and left out, whether it is there before
    the start or is added while the daemon runs."""
    binat = "binat pass on eth0 inet from 192.168.50.2 to any -> 192.0.2.9\n"
    pf.run("-f", "-", stdin=MINE.replace("rdr on", binat + "rdr on"))
    assert "binat" in pf.run("-s", "nat"), "the control: it stands"
    gate.start()
    gate.wait(gate={"locked", "dialling", "open"})
    assert "binat" not in pf.run("-s", "nat")
    wait_for(lambda: "a `binat` in pf's main rules" in gate.log(), "named")
    rules = pf.run("-s", "rules").splitlines(keepends=True)
    scrub = [line for line in rules if line.startswith("scrub")]
    pf.run("-f", "-", stdin="".join([*scrub, pf.run("-s", "nat"), binat, *rules[len(scrub):]]))
    wait_for(lambda: "a `binat` in the main rules" in gate.log(), "noticed")
    wait_for(lambda: "binat" not in pf.run("-s", "nat"), "left out again")


@pytest.mark.parametrize("how", ["daemon", "offline", "killed"])
def test_off_leaves_others_alone(gate, pf, how):
    """`off` removes what is ours: the calls of our anchors, their rules, the reference. What belongs to others stays,
    in its order."""
    pf.run("-f", "-", stdin=MINE)
    pf.run("-a", "mine/a", "-f", "-", stdin="pass quick on eth0 all\n")
    before = [pf.run("-s", what) for what in ("rules", "nat", "dummynet")]
    mine = pf.run("-a", "mine/a", "-s", "rules")
    gate.start_open()
    assert pf.gate() == "open"
    if how == "killed":
        gate.kill()
    done = off(gate, *([] if how == "daemon" else ["--offline"]))
    assert done.returncode == 0, done
    assert [pf.run("-s", what) for what in ("rules", "nat", "dummynet")] == before
    assert pf.run("-a", "mine/a", "-s", "rules") == mine
    assert pf.run("-a", ANCHOR, "-s", "rules") == pf.run("-a", FALLBACK, "-s", "rules") == ""
    assert pf.tokens == [] and not os.path.exists(TOKEN_FILE)
    again = off(gate, "--offline")
    assert again.returncode == 0, "0 also if there was nothing to remove"


def test_off_in_a_pause(gate, pf):
    """The pause watchdog does not shut the gate again after root has removed the rules."""
    gate.start_open()
    pause(gate, "1h")
    gate.kill()
    process = watchdog(gate)
    assert off(gate, "--offline").returncode == 0
    wait_for(lambda: is_gone(process), "the watchdog gone")
    assert pf.gate() == "none" and f'anchor "{ANCHOR}"' not in pf.run("-s", "rules")


def test_check_tells_of_pf(gate, pf):
    done = gate.run_daemon("-n")
    assert done.returncode == 0 and "firewall: pf" in done.stdout and "our rules are accepted: yes" in done.stdout
    assert not any("-E" in call.argv or ("-f" in call.argv and "-n" not in call.argv) for call in pf.calls)


# --- FreeBSD's pf: no references, no second place, no dummynet

@pytest.fixture(name="freebsd")
def _freebsd(portcullis):
    global _count  # pylint: disable=global-statement
    _count += 1
    programs = programs_with(f"{ROOT}/pf-freebsd", portcullisd=f"{BUILD}/test/portcullisd-pf-freebsd")
    standin = Pfctl(f"{ROOT}/pf{_count}", FREEBSD)
    standin.run("-f", "-", stdin="block in quick on eth0 proto tcp from any to any port 22\npass out all keep state\n")
    made = portcullis(programs=programs, settings={"backend": '"auto"'},
                      environment={"PORTCULLIS_STANDIN": standin.directory})
    yield made, standin
    standin.close()


def test_freebsd_whole_run(freebsd):
    gate, pf = freebsd
    before = pf.run("-s", "rules")
    gate.start_open()
    assert pf.gate() == "open" and leaks(pf, first_shut(pf)) == []
    assert "-e" in words(pf) and "-E" not in words(pf) and "-d" not in words(pf)
    assert "scrub in all fragment reassemble" in pf.run("-s", "rules").splitlines()[0]
    pf.run("-d")
    assert pf.gate() == "none", "control"
    wait_for(lambda: pf.gate() == "open", "enabled again", 5)
    pf.run("-F", "rules")
    wait_for(lambda: "do not call our anchor" in gate.log(), "named", 5)
    wait_for(lambda: pf.gate() == "open", "called again", 5)
    pf.run("-f", "-", stdin=before)
    wait_for(lambda: pf.gate() == "open", "called again", 5)
    gate.kill_openvpn()
    gate.wait(gate="open")
    assert off(gate).returncode == 0
    gate.wait(gate="off")
    assert pf.run("-s", "rules") == before and pf.pf.enabled, "others' rules, and pf stays on"


@pytest.mark.parametrize("fault", ["exit", "cut", "late"])
def test_freebsd_each_call_of_the_first_lock_fails(freebsd, fault):
    gate, pf = freebsd
    assert gate.run_daemon("-L").returncode == 0
    count, codes = len(pf.calls), []
    for number in range(count):
        other = Pfctl(f"{pf.directory}-{number}", FREEBSD)
        other.fault = lambda n, argv, number=number: fault if n == number else None
        gate.environment["PORTCULLIS_STANDIN"] = other.directory
        done = gate.run_daemon("-L")
        codes.append(done.returncode or "locked without the configuration's values" in done.stderr)
        if done.returncode == 0:
            assert other.gate() == "locked" and other.pf.enabled, number
        other.close()
    assert any(codes)
