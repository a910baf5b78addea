"""make: a warning fails the checks, but no user's build; a missing library is reported in one line; make 3.81 works."""
import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
# What make learnt after 3.81, which is what Apple ships: in its own lines, not in those of a recipe.
NEWER = re.compile(r"\$\((file|let|intcmp|guile)\s|^\s*[\w.-]+\s*!=|::=|&:|^\.(ONESHELL|EXTRA_PREREQS|SHELLSTATUS)|"
                   r"^\s*(undefine|private|load)\b|^\s*define\s+\S+\s*[:+?]?=", re.M)


def make(*words, check=True):
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "WERROR", "CFLAGS")}
    return subprocess.run(["make", *words], cwd=TOP, capture_output=True, text=True, check=check, timeout=60, env=environment)


def compiled(done):
    lines = [line for line in done.stdout.splitlines() if " -Wextra " in line and " -c " in line]
    assert len(lines) > 50, done.stdout[-2000:]
    return lines


def test_a_warning_fails_no_user_s_build(tmp_path):
    assert not [line for line in compiled(make("-n", f"BUILD={tmp_path}", "all", "unit")) if "-Werror" in line]


@pytest.mark.parametrize("step", ["check-gcc", "check-clang", "check-san"])
def test_a_warning_fails_a_check(tmp_path, step):
    assert not [line for line in compiled(make("-n", f"BUILD={tmp_path}", step)) if " -Werror " not in line]


def test_the_build_service_runs_those_checks():
    """.ci/run is bootstrap's check, which is tests/check.sh; all of its steps are targets."""
    steps = re.search(r"^steps=\$\{\*:-(.*)\}$", (TOP / "tests/check.sh").read_text(), re.M).group(1).split()
    assert {"gcc", "clang", "san"} <= set(steps)
    assert "./bootstrap check" in (TOP / ".ci/run").read_text()


@pytest.mark.parametrize("platform", ["macos", "freebsd", "linux"])
def test_what_is_linux_s_is_tested_on_linux(tmp_path, platform):
    """Elsewhere the pure rooms, golden files and replays; and a name in that list that is no test is a mistake."""
    said = make("-npq", f"PLATFORM={platform}", f"BUILD={tmp_path}", "help", check=False).stdout
    files, linux = (re.search(rf"^{name} := (.*)$", said, re.M).group(1).split() for name in ("UNIT_FILES", "UNIT_LINUX"))
    names = {pathlib.Path(name).stem.removeprefix("test_") for name in files}
    assert {"policy_golden", "tunnel_replay", "profile_options", "pf_parse", "ipfw"} <= names
    assert all((TOP / f"tests/unit/test_{name}.c").exists() for name in linux)
    assert set(linux) <= names if platform == "linux" else not set(linux) & names


@pytest.mark.parametrize("goal", ["all", "unit"])
def test_without_pkg_config(tmp_path, goal):
    """One line that names the package, instead of a header that is not found."""
    done = make("-s", f"BUILD={tmp_path}", "PKG_CONFIG=no-such-pkg-config", goal, check=False)
    assert done.returncode == 2
    assert re.fullmatch(r"Makefile:\d+: \*\*\* no-such-pkg-config is missing; instead: ./bootstrap deps\.  Stop\.\n", done.stderr)


def test_without_a_library(tmp_path):
    standin = tmp_path / "pkg-config"
    standin.write_text('#!/bin/sh\ncase "$*" in *jansson*) echo "no jansson" >&2; exit 1 ;; esac\n'
                       'exec pkg-config "$@"\n')
    standin.chmod(0o755)
    done = make("-s", f"BUILD={tmp_path}/build", f"PKG_CONFIG={standin}", "all", check=False)
    assert done.returncode == 2
    assert re.fullmatch(rf"Makefile:\d+: \*\*\* {standin} does not find jansson; instead: ./bootstrap deps\.  Stop\.\n", done.stderr)


def test_what_needs_no_compiler_needs_no_pkg_config(tmp_path):
    for goal in ("help", "clean", "install-data"):
        done = make("-s", f"BUILD={tmp_path}/build", f"DESTDIR={tmp_path}/root", "PKG_CONFIG=no-such-pkg-config", goal)
        assert done.stderr == "", goal


def make_s_own_lines(text):
    return "\n".join(line for line in text.replace("\\\n", " ").splitlines() if not line.startswith(("\t", "#")))


def test_make_3_81_reads_it():
    for path in (TOP / "Makefile", *TOP.glob("src/**/*.mk"), *TOP.glob("tests/**/*.mk")):
        found = NEWER.search(make_s_own_lines(path.read_text()))
        assert not found, f"{path}: {found.group(0)!r} is newer than make 3.81"


@pytest.mark.parametrize("line", ["X := $(file <x)", "X != date", "X ::= y", "a b &: c", ".ONESHELL:", "undefine X", "define X ="])
def test_the_search_finds(line):
    assert NEWER.search(make_s_own_lines(f"# none\n\techo a != b\n{line}\n"))
    assert not NEWER.search(make_s_own_lines("all: a\n\t[ a != b ]\nX := $(filter a,b)\ndefine X\nendef\n"))
