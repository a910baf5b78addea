"""Options; re-executes itself in private namespaces first, as the end-to-end tests do."""
import importlib.util
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [HERE, f"{TESTS}/pf", f"{TESTS}/ipfw", f"{TESTS}/e2e"]
sys.dont_write_bytecode = True

import isolate  # noqa: E402  pylint: disable=wrong-import-position


def load(name, path):
    """Both evaluators are called evaluator.py, so each is loaded under a name of its own."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


load("pf_evaluator", f"{TESTS}/pf/evaluator.py")
load("ipfw_evaluator", f"{TESTS}/ipfw/evaluator.py")


def pytest_addoption(parser):
    parser.addoption("--property-seed", type=int, default=1, help="another seed makes other situations and packets")
    parser.addoption("--property-situations", type=int, default=150, help="how many for pf and ipfw")
    parser.addoption("--property-kernel", type=int, default=40, help="how many for nft in the kernel")


def pytest_configure(config):
    isolate.run_pytest(config)


@pytest.fixture(scope="session")
def seed(request):
    return request.config.getoption("property_seed")


@pytest.fixture(scope="session")
def machine():
    """Everything runs on one processor, so that one packet has been handled before the next is sent."""
    from kernel import Machine  # pylint: disable=import-outside-toplevel
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    made = Machine().create()
    yield made
    made.destroy()
    os.sched_setaffinity(0, allowed)
