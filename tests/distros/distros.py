"""Every Debian that people have: the programs built, and tested end to end, with each release's own compilers and tools.

distros.py --place PLACE [--releases NAMES] [--steps NAMES] prints a table. A release is made once, by debootstrap, in
PLACE/NAME (the network is needed for that); its build folder is PLACE/NAME.build. Root; the kernel is this machine's.
"""
import argparse
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MIRROR = os.environ.get("PORTCULLIS_MIRROR", "http://deb.debian.org/debian")
RELEASES = {"bookworm": "Debian 12", "trixie": "Debian 13", "sid": "Debian sid"}
# What a step needs and no user's build.
PACKAGES = ("clang libcmocka-dev iproute2 python3 python3-pytest python3-pytest-timeout python3-pytest-xdist python3-scapy openssl "
            "tcpdump dnsmasq-base isc-dhcp-client conntrack procps systemd softhsm2 pkcs11-provider p11-kit opensc")
PYTEST = "/usr/bin/python3 -B -m pytest -q -p no:cacheprovider -rs"
STEPS = {
    "gcc": "make check-gcc",
    "unit": "make CC=gcc unit",
    "clang": "make check-clang",
    "clang-unit": "make CC=clang BUILD=build/clang unit",
    "nft": f"{PYTEST} tests/e2e/test_policy_text.py",
    "firewall": f"{PYTEST} tests/e2e/test_firewall.py",
    "flow": f"{PYTEST} tests/e2e/test_flow.py",
    "captured": f"{PYTEST} tests/e2e/test_captured.py",
    "pushes": f"{PYTEST} tests/e2e/test_pushed_options.py",
    "profile": f"{PYTEST} tests/e2e/test_profile_openvpn.py",
    "token": f"{PYTEST} tests/e2e/test_token.py",
}
# openvpn 2.5 is Debian 11's, whose headers are too old for the programs: it is tested where all but one of its libraries are.
OLD, OLD_IN, OLD_AT = "bullseye", "bookworm", "/opt/openvpn-2.5"
STEPS["openvpn-2.5"] = (f"mount --bind {OLD_AT}/usr/sbin/openvpn /usr/sbin/openvpn && openvpn --version | grep '^OpenVPN 2[.]5' && {PYTEST} "
                        "tests/e2e/test_flow.py tests/e2e/test_captured.py tests/e2e/test_pushed_options.py tests/e2e/test_profile_openvpn.py")
STEPS["musl"] = "tests/distros/musl.sh"
MUSL_PACKAGES = "musl-tools dpkg-dev xz-utils cmake autoconf automake libtool gettext autopoint flex gperf bison"
ONLY_IN = {"openvpn-2.5": OLD_IN, "musl": "trixie"}
VERSIONS = ("dpkg-query -W -f '${Package} ${Version}\\n' gcc clang libc6 libcmocka0 libcmocka1 nftables openvpn python3 libseccomp2 2>/dev/null")


def enter(place, name, command, log=None):
    """The exit code of a shell command in that release."""
    return subprocess.run([f"{HERE}/enter.sh", f"{place}/{name}", f"{place}/{name}.build", "sh", "-c", command],
                          stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False).returncode


# --- a release

def install(place, name, log):
    """What `./bootstrap deps` installs, and it is enough for a build; then what the steps need, as far as the release has it."""
    return enter(place, name, f"./bootstrap deps && make -j{os.cpu_count()} all", log) or enter(place, name, f"""
        for package in {PACKAGES}; do
            if apt-cache policy $package | grep -q 'Candidate: [0-9]'; then names="$names $package"; else echo "no $package here"; fi
        done
        apt-get -qy --no-install-recommends install $names""", log)


def install_old(place, name, log):
    """Debian 11's openvpn beside the release's own, and the one library of it that the release has no more."""
    return enter(place, name, f"""
        set -e
        echo 'deb {MIRROR} {OLD} main' >/etc/apt/sources.list.d/old.list
        printf 'Package: *\\nPin: release n={OLD}\\nPin-Priority: 100\\n' >/etc/apt/preferences.d/old
        apt-get -q update
        apt-get -qy install libssl1.1
        cd /tmp && apt-get -q download openvpn/{OLD}
        dpkg -x openvpn_2.5*.deb {OLD_AT}""", log)


def install_musl(place, name, log):
    """What builds libraries from Debian's sources."""
    return enter(place, name, f"""
        echo 'deb-src {MIRROR} {name} main' >/etc/apt/sources.list.d/sources.list
        apt-get -q update && apt-get -qy --no-install-recommends install {MUSL_PACKAGES}""", log)


MORE = {OLD_IN: install_old, ONLY_IN["musl"]: install_musl}


def make(place, name, log):
    """The release's tree, unless it is there."""
    tree = f"{place}/{name}"
    if os.path.exists(f"{tree}/made"):
        return 0
    shutil.rmtree(tree, ignore_errors=True)
    code = subprocess.run(["debootstrap", "--variant=minbase", name, tree, MIRROR], stdout=log, stderr=log, check=False).returncode
    if code:
        return code
    # A mirror's copy of a release may be older than its signature lasts.
    with open(f"{tree}/etc/apt/apt.conf.d/distros", "w", encoding="ascii") as file:
        file.write('Acquire::Check-Valid-Until "false";\nAPT::Sandbox::User "root";\n')
    with open(f"{tree}/usr/sbin/policy-rc.d", "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
        file.write("#!/bin/sh\nexit 101\n")
    code = install(place, name, log) or (MORE[name](place, name, log) if name in MORE else 0)
    if code == 0:
        enter(place, name, "apt-get clean", log)
        os.mknod(f"{tree}/made")
    return code


def versions(place, name):
    told = subprocess.run(["chroot", f"{place}/{name}", "sh", "-c", VERSIONS], text=True, capture_output=True, check=False).stdout
    return " ".join(re.sub(r"[+~-].*", "", re.sub(r" \d+:", " ", line)) for line in told.splitlines())


# --- the table

def outcome(path, code):
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    lacks = "".join(f"; {line}" for line in re.findall(r"^this mirror has no source of .*", text, re.M))
    count = re.findall(r"^\d+ (?:passed|failed).*", text, re.M)
    unit = re.findall(r"^\[  PASSED  \] (\d+) test", text, re.M)
    said = re.sub(r" in [\d.]+s.*", "", count[-1]) if count else f"{sum(map(int, unit))} passed" if unit else "done"
    return (said if code == 0 else f"FAILED ({said if count else code})") + lacks


def run(place, name, steps):
    """(step, outcome, seconds) of each; a step that fails does not hide the next."""
    def step(what, action):
        path = f"{place}/{name}.{what}.log"
        begun = time.monotonic()
        with open(path, "w", encoding="utf-8") as log:
            code = action(log)
        told = outcome(path, code)
        print(f"{name:9} {what:11} {told}  {time.monotonic() - begun:.0f} s", flush=True)
        if code:
            print(subprocess.run(["tail", "-n", "40", path], capture_output=True, text=True, check=False).stdout)
        return told

    told = {"made": step("made", lambda log: make(place, name, log))}
    if told["made"].startswith("FAILED"):
        return told
    for what in steps:
        if ONLY_IN.get(what, name) != name:
            continue
        told[what] = step(what, lambda log, line=STEPS[what]: enter(place, name, f"export MAKEFLAGS=-j{os.cpu_count()}; {line}", log))
    return told


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--place", required=True)
    parser.add_argument("--releases", default=" ".join(RELEASES))
    parser.add_argument("--steps", default=" ".join(STEPS))
    chosen = parser.parse_args()
    place, steps = os.path.abspath(chosen.place), chosen.steps.split()
    os.makedirs(place, exist_ok=True)
    lock = os.open(place, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    table = {name: run(place, name, steps) for name in chosen.releases.split()}
    for name, told in table.items():
        print(f"\n{RELEASES[name]} ({name}): {versions(place, name)}")
        print("".join(f"  {what:11} {result}\n" for what, result in told.items()), end="")
    return any("FAILED" in result for told in table.values() for result in told.values())


if __name__ == "__main__":
    sys.exit(main())
