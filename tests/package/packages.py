"""The Debian packages under test: this tree's, and a newer one of the same tree, each built once for each state of the
tree.

`python3 packages.py` builds them. That needs neither root nor the network."""
import glob
import hashlib
import os
import shutil
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", f"{TOP}/build"))
PLACE = f"{BUILD}/package"
WHO = "Seed b261b80f maintainers <maintainers@users.noreply.r-seed-b261b80f.example>"


def run(*command, **more):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stdout[-4000:]}")
    return done.stdout


def version():
    return run("dpkg-parsechangelog", "-S", "Version", "-l", f"{TOP}/packaging/debian/changelog").strip()


def newer():
    """The version with its last number raised by one."""
    parts = version().split(".")
    return ".".join([*parts[:-1], str(int(parts[-1]) + 1)])


def package(which):
    """The path of the built package: 'old' or 'new'."""
    found = glob.glob(f"{PLACE}/{which}/portcullis_*.deb")
    assert len(found) == 1, f"{which}: {found}"
    return found[0]


def changes():
    return glob.glob(f"{PLACE}/old/portcullis_*.changes")[0]


def built_from(tarball):
    with open(tarball, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def build_newer():
    """The same tree with one more entry in the changelog: the programs' version follows it."""
    number, tree = newer(), f"{PLACE}/new/portcullis-{newer()}"
    run("tar", "-xzf", f"{PLACE}/old/portcullis-{version()}.tar.gz", "-C", f"{PLACE}/new")
    os.rename(f"{PLACE}/new/portcullis-{version()}", tree)
    with open(f"{tree}/debian/changelog", encoding="utf-8") as file:
        rest = file.read()
    with open(f"{tree}/debian/changelog", "w", encoding="utf-8") as file:
        file.write(f"portcullis ({number}) unstable; urgency=medium\n\n  * For the tests of an upgrade.\n\n"
                   f" -- {WHO}  Thu, 26 Nov 2026 09:00:00 +0000\n\n{rest}")
    outside = {key: value for key, value in os.environ.items() if key not in ("BUILD", "MAKEFLAGS", "MFLAGS")}
    run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=tree, env=dict(outside, DEB_BUILD_OPTIONS="nocheck noddebs parallel=2"))


def build_all():
    os.makedirs(PLACE, exist_ok=True)
    tarball = run(f"{TOP}/packaging/dist.sh", version(), PLACE).strip().splitlines()[-1]
    state, note = built_from(tarball), f"{PLACE}/built-from"
    if os.path.exists(note) and open(note, encoding="ascii").read() == state:
        return
    for which in ("old", "new"):
        shutil.rmtree(f"{PLACE}/{which}", ignore_errors=True)
        os.makedirs(f"{PLACE}/{which}")
    run(f"{TOP}/packaging/deb.sh", version(), f"{PLACE}/old", env=dict(os.environ, DEB_BUILD_OPTIONS="parallel=2"))
    build_newer()
    with open(note, "w", encoding="ascii") as file:
        file.write(state)


if __name__ == "__main__":
    build_all()
