"""Fixtures of the boot tests; re-executes itself in private namespaces first, as the end-to-end tests do."""
import os
import shutil
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, f"{TOP}/tests/e2e"]
sys.dont_write_bytecode = True

import image as image_module  # noqa: E402  pylint: disable=wrong-import-position
import isolate  # noqa: E402  pylint: disable=wrong-import-position
from network import Network  # noqa: E402  pylint: disable=wrong-import-position

BUILD = os.path.abspath(os.environ.get("BUILD", f"{TOP}/build"))


def pytest_addoption(parser):
    parser.addoption("--accelerator", default="tcg", help="tcg: software emulation, the proof; or kvm, for quick looks")
    parser.addoption("--keep", action="store_true", help="leave images and captures where they are")


def pytest_configure(config):
    isolate.run_pytest(config, image_module.make_base_alone)


@pytest.fixture(scope="session")
def accelerator(request):
    return request.config.getoption("accelerator")


@pytest.fixture(scope="session")
def directory(request):
    """Where images are while the tests run: beside the cached base, because they are large."""
    path, lock = image_module.own_directory()
    yield path
    if request.config.getoption("keep"):
        os.rename(path, path.replace("/run-", "/kept-"))
    else:
        shutil.rmtree(path)
    os.close(lock)


@pytest.fixture(scope="session")
def network(directory):  # pylint: disable=redefined-outer-name
    whole = Network(directory)
    yield whole
    whole.stop()
