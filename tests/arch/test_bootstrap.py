"""bootstrap, with stand-ins for each system's package manager: what it installs, by whom, and what it leaves out."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
REAL = "sh cat grep mkdir dirname getconf tail sed head mktemp rm awk sort comm mv chmod env ls".split()
# Each notes its call. What is in $HAVE is installed, the release lacks what is in $UNKNOWN, $BROKEN can't be installed.
NOTE = 'echo "$(basename "$0") $*" >>"$CALLS"\n'
QUIET = 'has() { case " $1 " in *" $2 "*) return 0 ;; esac; return 1; }\n'
STANDINS = {
    "uname": 'echo "$SYSTEM"\n',
    "id": 'echo "$USER_ID"\n',
    "sudo": NOTE + 'shift 2; export SUDO=1; exec "$@"\n',
    "brew": QUIET + '[ "$USER_ID" != 0 ] || [ -n "${SUDO:-}" ] || { echo "not as root" >&2; exit 1; }\n'
            'case $1 in list) has "$HAVE" "$3" ;; info) ! has "$UNKNOWN" "$3" ;; install) ' + NOTE + ' [ -z "$BROKEN" ] ;; esac\n',
    "pkg": QUIET + 'case $1 in info) has "$HAVE" "$3" ;; rquery) ! has "$UNKNOWN" "$3" ;; update) : ;; install) '
           + NOTE + ' [ -z "$BROKEN" ] ;; esac\n',
    "apt-get": 'case "$*" in *install*) ' + NOTE + ' [ -z "$BROKEN" ] ;; esac\n',
    "apt-cache": QUIET + 'case $1 in depends) echo "  Depends: clang-14" ;;\n'
                 '*) if has "$UNKNOWN" "$2"; then echo "  Candidate: (none)"; else echo "  Candidate: 1"; fi ;; esac\n',
    "dpkg-query": QUIET + 'for last; do :; done; ! has "$HAVE" "$last" || echo installed\n',
    "dpkg": "exit 1\n",
    "python3": ":\n",
    "make": NOTE, "gmake": NOTE,
}


@pytest.fixture(name="bootstrap")
def make_bootstrap(tmp_path):
    """A copy of bootstrap that finds only stand-ins; calling it returns what it called and printed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in REAL + ["basename"]:
        (folder / name).symlink_to(shutil.which(name))
    for name, text in STANDINS.items():
        (folder / name).write_text("#!/bin/sh\n" + text)
        (folder / name).chmod(0o755)
    script = (TOP / "bootstrap").read_text().replace("/usr/sbin/policy-rc.d", f"{tmp_path}/policy-rc.d")
    (tmp_path / "bootstrap").write_text(script)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/check.sh").write_text('#!/bin/sh\necho "check.sh $*: $MAKE" >>"$CALLS"\n')
    for name in ("bootstrap", "tests/check.sh"):
        (tmp_path / name).chmod(0o755)

    def run(system, *words, user=0, **more):
        environment = {"PATH": str(folder), "CALLS": f"{tmp_path}/calls", "SYSTEM": system, "USER_ID": str(user), "HAVE": "",
                       "UNKNOWN": "", "BROKEN": "", "TMPDIR": str(tmp_path), **more}
        (tmp_path / "calls").write_text("")
        done = subprocess.run([f"{tmp_path}/bootstrap", *words], env=environment, capture_output=True, text=True, check=False,
                              timeout=20, stdin=subprocess.DEVNULL)
        assert not os.path.exists(f"{tmp_path}/policy-rc.d"), "services may start again"
        return done, (tmp_path / "calls").read_text().splitlines()
    return run


def test_deps_on_a_mac(bootstrap):
    """As a user, or with sudo, as which Homebrew refuses to run; README's line is the same."""
    packages = "pkgconf libevent confuse jansson openssl@3 openvpn"
    done, calls = bootstrap("Darwin", "deps", user=501)
    assert done.returncode == 0 and calls == [f"brew install {packages}"]
    done, calls = bootstrap("Darwin", "deps", SUDO_USER="me")
    assert done.returncode == 0 and calls[-1] == f"brew install {packages}" and calls[-2] == f"sudo -u me brew install {packages}"
    done, calls = bootstrap("Darwin", "deps")
    assert done.returncode == 1 and not calls and "Homebrew does not run as root; instead: " in done.stderr
    assert f"brew install {packages}\n" in (TOP / "README.md").read_text()


def test_deps_on_freebsd(bootstrap):
    packages = "gmake pkgconf libevent libconfuse jansson openvpn"
    done, calls = bootstrap("FreeBSD", "deps")
    assert done.returncode == 0 and calls == [f"pkg install -y {packages}"]
    done, calls = bootstrap("FreeBSD", "deps", user=1001)
    assert done.returncode == 1 and not calls and "needs root" in done.stderr
    assert f"pkg install {packages}\n" in (TOP / "README.md").read_text()


def test_deps_on_debian(bootstrap):
    """Only what a build and the daemon need: one compiler, no linter, no emulator, no Python."""
    done, (call,) = bootstrap("Linux", "deps")
    assert done.returncode == 0 and "--no-install-recommends" in call
    assert {"gcc", "make", "libevent-dev", "openvpn", "nftables"} <= set(call.split())
    assert not re.search(r"clang|qemu|python|fish|zsh|cppcheck|cmocka|debhelper", call)


def test_a_build_needs_no_more(bootstrap):
    """The list in debian/control, without what the package and its unit tests need."""
    _, (call,) = bootstrap("Linux", "deps")
    text = (TOP / "packaging/debian/control").read_text()
    wanted = re.search(r"^Build-Depends:(.*?)^\S", text, re.M | re.S).group(1)
    names = {re.split(r"[\s(<|]", item.strip())[0] for item in wanted.split(",")} - {"", "libcmocka-dev"}
    assert {name for name in names if name.startswith("lib")} <= set(call.split())


def test_what_is_installed_is_left(bootstrap):
    done, calls = bootstrap("Darwin", "deps", user=501, HAVE="pkgconf libevent confuse jansson openssl@3 openvpn")
    assert done.returncode == 0 and not calls and "every package that is needed is installed" in done.stdout
    done, calls = bootstrap("FreeBSD", "deps", HAVE="pkgconf gmake jansson")
    assert calls == ["pkg install -y libevent libconfuse openvpn"]


@pytest.mark.parametrize("system,package", [("Darwin", "jansson"), ("FreeBSD", "libconfuse"), ("Linux", "libmnl-dev")])
def test_what_a_release_has_not_is_named_and_the_rest_installed(bootstrap, system, package):
    done, calls = bootstrap(system, "deps", user=0 if system != "Darwin" else 501, UNKNOWN=package)
    assert done.returncode == 0 and f"skipping {package}, which this release does not have" in done.stdout
    assert package not in calls[-1].split() and "openvpn" in calls[-1].split()


def test_another_name_is_taken(bootstrap):
    _, (call,) = bootstrap("Linux", "deps", UNKNOWN="pkg-config")
    assert "pkgconf" in call.split() and "pkg-config" not in call.split()
    _, calls = bootstrap("Linux", "check", UNKNOWN="dbus-daemon")
    assert "dbus" in calls[0].split()


@pytest.mark.parametrize("system", ["Darwin", "FreeBSD", "Linux"])
def test_what_fails_is_said(bootstrap, system):
    done, _ = bootstrap(system, "deps", user=0 if system != "Darwin" else 501, BROKEN="1")
    assert done.returncode != 0 and "bootstrap: could not install: " in done.stderr


@pytest.mark.parametrize("system,make", [("Darwin", "make"), ("FreeBSD", "gmake")])
def test_check_where_there_are_no_namespaces(bootstrap, system, make):
    done, calls = bootstrap(system, "check", user=0 if system != "Darwin" else 501)
    assert done.returncode == 0 and "cmocka" in calls[0].split()
    assert calls[-1] == f"check.sh unit pf ipfw selftest: {make}"
    assert bootstrap(system, "check", "unit", user=0 if system != "Darwin" else 501)[1][-1] == f"check.sh unit: {make}"
    done, calls = bootstrap(system, "demo")
    assert done.returncode == 1 and not calls and "instead: a Linux machine" in done.stderr


def test_check_on_debian(bootstrap):
    done, calls = bootstrap("Linux", "check")
    assert done.returncode == 0 and calls[-1].startswith("check.sh : ")
    assert {"clang", "qemu-system-x86", "python3-pytest-xdist", "fish"} <= set(calls[0].split())
    done, calls = bootstrap("Linux", "check", user=1000)
    assert done.returncode == 1 and not calls
