"""Fixtures of the package's tests; re-executes itself in private namespaces first, as the end-to-end tests do."""
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, f"{TOP}/tests/e2e", f"{TOP}/tests/boot"]
sys.dont_write_bytecode = True

import image  # noqa: E402  pylint: disable=wrong-import-position
import isolate  # noqa: E402  pylint: disable=wrong-import-position
import world as world_module  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine  # noqa: E402  pylint: disable=wrong-import-position
from supervisors import fetch_supervisors  # noqa: E402  pylint: disable=wrong-import-position


def prepare():
    """What needs the archive or a compiler: done before the network is cut off."""
    image.make_base_alone()
    fetch_supervisors()
    subprocess.run([sys.executable, "-B", f"{HERE}/packages.py"], check=True)


def pytest_configure(config):
    isolate.run_pytest(config, prepare)


@pytest.fixture(scope="session")
def base_tree():
    """The cached base, unpacked beside its tarball because it is large."""
    path, lock = image.own_directory()
    subprocess.run(["tar", "-C", path, "--numeric-owner", "-xpf", image.base_path(), "--exclude=./boot/*",
                    "--exclude=./usr/lib/modules/*"], check=True)
    # No program of the machine may start anything; the tests look at what `systemctl` says.
    yield path
    shutil.rmtree(path)
    os.close(lock)


@pytest.fixture(scope="session")
def whole_world():
    return world_module.World().start()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    isolate.note_failure(item, (yield))


@pytest.fixture
def world(whole_world, request):  # pylint: disable=redefined-outer-name
    whole_world.fresh_host()
    yield whole_world
    if isolate.has_failed(request):
        print(whole_world.told())
    whole_world.host.kill_all()


@pytest.fixture
def machine(world, base_tree, request):  # pylint: disable=redefined-outer-name
    """On a failure, what the daemon logged is shown, with openvpn's lines."""
    made = Machine(world, base_tree)
    yield made
    if isolate.has_failed(request):
        print("--- portcullis.log\n" + made.log()[-12000:])
    made.clean_up()
