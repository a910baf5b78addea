"""Fixtures and options of the end-to-end tests; re-executes itself in private namespaces first."""
import os
import random
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import isolate  # noqa: E402  pylint: disable=wrong-import-position
import world as world_module  # noqa: E402  pylint: disable=wrong-import-position
from daemon import BUILD, Portcullis  # noqa: E402  pylint: disable=wrong-import-position


def pytest_addoption(parser):
    parser.addoption("--kill-rounds", type=int, default=0, help="the whole kill matrix, so many times each")
    parser.addoption("--kill-sample", type=int, default=1, help="seed of the sample of the kill matrix")
    parser.addoption("--kill-count", type=int, default=12, help="size of that sample")
    parser.addoption("--sample", type=int, default=0, help="seed: of long matrices a sample; 0: all of them")
    parser.addoption("--chaos-seconds", type=float, default=60, help="how long the chaos lasts")
    parser.addoption("--chaos-seed", type=int, default=0, help="decides the chaos; 0: --sample does")
    parser.addoption("--flips", type=int, default=1000, help="flips under the flood")


def pytest_configure(config):
    config.addinivalue_line("markers", "quiet: measures time or floods: beside another worker it would find the other's load")
    isolate.run_pytest(config)


def pytest_generate_tests(metafunc):
    """The kill matrix: all of it with --kill-rounds N, otherwise a sample chosen by a seed."""
    cells = getattr(metafunc.function, "kill_matrix", None)
    if cells is None:
        return
    rounds, seed = metafunc.config.getoption("kill_rounds"), metafunc.config.getoption("kill_sample")
    if rounds:
        chosen = [(cell, n) for cell in cells for n in range(rounds)]
    else:
        count = min(metafunc.config.getoption("kill_count"), len(cells))
        chosen = [(cell, 0) for cell in random.Random(seed).sample(cells, count)]
    metafunc.parametrize("cell", [cell for cell, _ in chosen],
                         ids=["-".join(map(str, cell)) + (f"-{n}" if rounds else "") for cell, n in chosen])


@pytest.fixture(scope="session")
def whole_world():
    return world_module.World().start()


@pytest.fixture
def world(whole_world, request):  # pylint: disable=redefined-outer-name
    """A fresh machine on the wire, not protected yet."""
    whole_world.fresh_host()
    yield whole_world
    if isolate.has_failed(request):
        print(whole_world.told())
    whole_world.host.kill_all()


@pytest.fixture
def portcullis(world, request):  # pylint: disable=redefined-outer-name
    """Makes installations. What they leave behind is removed; on a failure, what they logged is shown."""
    made = []

    def make(*servers, **more):
        made.append(Portcullis(world, *servers, **more))
        return made[-1]
    yield make
    for each in made:
        if isolate.has_failed(request):
            print(each.told())
        each.clean_up()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    isolate.note_failure(item, (yield))


def build_tool(name, *flags):
    """A small C program of these tests, built into the private /run."""
    target = f"{world_module.ROOT}/{name}"
    if not os.path.exists(target):
        top = os.path.dirname(os.path.dirname(HERE))
        subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror",
                        "-D_GNU_SOURCE", f"-I{top}/src", *flags, "-o", target, f"{HERE}/{name}.c",
                        f"{top}/src/base/wire.c"], check=True)
    return target


@pytest.fixture
def sampled(request):
    """`count` of many cases, chosen for this test by the seed --sample; without --sample all of them."""
    seed = request.config.getoption("sample")

    def choose(cases, count):
        cases = list(cases)
        if not seed or len(cases) <= count:
            return cases
        print(f"by --sample={seed}: {count} of {len(cases)} cases")
        return sorted(random.Random(f"{seed} {request.node.name}").sample(cases, count))
    return choose


@pytest.fixture(scope="session")
def flood_program():
    return build_tool("flood")


@pytest.fixture(scope="session")
def captured_driver_program():
    return build_tool("captured_driver")


@pytest.fixture(scope="session")
def faulty_daemon():
    return os.path.join(BUILD, "test", "portcullisd")
