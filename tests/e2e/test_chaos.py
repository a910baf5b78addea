"""Chaos under constant traffic: nothing leaves in clear, the gate is open again in time after each disturbance, and
`open` is never said for long over a dead tunnel.

A minute of it by a seed; `make check-chaos CHAOS_SECONDS=600 CHAOS_SEED=7` runs longer."""
import itertools

import pytest

import chaos
from test_robust import small_disk  # noqa: F401  pylint: disable=unused-import


def test_the_seed_decides_the_schedule():
    def some(seed):
        return [str(episode) for episode in itertools.islice(chaos.schedule(seed), 60)]
    assert some(7) == some(7) != some(8)
    for name in chaos.DISTURBANCES:
        assert any(name in line for line in some(7)), name


def judged(*looks, limit=chaos.DEAD):
    judge = chaos.Judge()
    judge.limit = limit
    for now, gate, answered, late in looks:
        judge.look(now, gate, answered, late)


def test_the_judge():
    """A green light over a dead tunnel is found, and nothing else is: a tunnel that carries, one that is not said to be
    open, a machine that was too busy to ask."""
    over = chaos.DEAD + 1
    with pytest.raises(chaos.Broken):
        judged((100, "open", 100, 0), (100 + over, "open", 100, 0))
    with pytest.raises(chaos.Broken):
        judged((100, "open", 0, 0), (100 + over, "open", 0, 0))
    with pytest.raises(chaos.Broken):
        judged((100, "open", 100, 0), (103, "open", 100, 0), limit=chaos.DEAD_BY_ROUTE)
    judged((100, "open", 100, 0), (103, "open", 100, 0))
    judged((100, "open", 100, 0), (100 + over, "open", 100 + over, 0))
    judged((100, "open", 100, 0), (105, "dialling", 100, 0), (100 + over, "open", 100, 0))
    judged((100, "open", 100, 0), (105, None, 100, 0), (100 + over, "open", 100, 0))
    judged((100, "open", 100, 0), (100 + over, "open", 100, 2))


@pytest.mark.quiet
def test_chaos(world, portcullis, small_disk, request):  # noqa: F811  pylint: disable=redefined-outer-name
    seed = request.config.getoption("chaos_seed") or request.config.getoption("sample") or 1
    seconds = request.config.getoption("chaos_seconds")
    print(f"make check-chaos CHAOS_SEED={seed} CHAOS_SECONDS={seconds}", flush=True)
    gate = portcullis(*chaos.NAMES)
    logs = small_disk(f"{gate.directory}/logs", "2m")
    small_disk(gate.state, "2m")
    gate.configure(log='{ file = "' + logs + '/portcullis.log" level = "debug" }')
    machine = chaos.Machine(world, gate, logs)
    liar = machine.connect()
    try:
        chaos.control(machine)
        gate.start_open()
        chaos.forget_lies(machine)
        referee = chaos.run(machine, seed, seconds)
        # The capture has seen the tunnel all the time, and sees the programs as soon as they may pass.
        assert referee.wires[0].counts["outer"] > 100
        gate.ctl("off", check=True)
        chaos.control(machine)
    finally:
        liar.kill()
        liar.wait()
        for table in chaos.PROVIDER_TABLES:
            world.rtr.run("nft", "delete", "table", "inet", table, check=False)
        for name in chaos.NAMES:
            world.server(name)
    for _, took, episode in sorted(referee.took)[-5:]:
        print(f"slowest: {took:.2f} s  {episode}")
