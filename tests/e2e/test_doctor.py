"""portcullis doctor on a machine where everything is fine, and on one with a single fault."""
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from daemon import BUILD
from test_ctl import Server, answers, status

GOOD, UNKNOWN, WARN, FAIL = ORDER = ["fine", "unknown", "warn", "fail"]
PROFILE = "client\ndev tun\nremote 192.0.2.1 1194 udp\n"
LOCK = ("Id=portcullis-lock.service\nWantedBy=sysinit.target\nBefore=network-pre.target\nLoadState=loaded\n"
        "UnitFileState=enabled\n")
DAEMON = "\nId=portcullis.service\nWantedBy=multi-user.target\nLoadState=loaded\nUnitFileState=enabled\n"
CHECKS = ["programs", "configuration", "profile", "remotes", "certificates", "credentials", "users", "openvpn-group",
          "files", "openvpn", "firewall", "tun", "interface", "links", "ipv6", "others", "resolver",
          "connectivity-check", "clock", "boot", "initrd", "boot-lock", "daemon", "gate", "off"]


def call(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more)


def certificate(name, begin, end):
    """A self-signed certificate in PEM; the dates in the format of openssl ca."""
    folder = pathlib.Path(name)
    folder.mkdir(exist_ok=True)
    (folder / "index").write_text("")
    (folder / "serial").write_text("01\n")
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=x\n[x]\ndatabase={folder}/index\nserial={folder}/serial\nnew_certs_dir={folder}\n"
        "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    call("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
         f"/CN={folder.name}\x1b[2J", "-keyout", f"{folder}/key", "-out", f"{folder}/csr")
    call("openssl", "ca", "-batch", "-notext", "-config", f"{folder}/ca.cnf", "-selfsign", "-keyfile", f"{folder}/key",
         "-in", f"{folder}/csr", "-startdate", begin, "-enddate", end, "-out", f"{folder}/crt")
    return (folder / "crt").read_text()


class Machine:
    """A folder that stands for a machine, with its own /etc, stand-ins for the system's tools, and a daemon that
    answers."""

    def __init__(self, root):
        self.root = root
        self.programs, self.standin = root / "programs", root / "standin"
        self.processes, self.links, self.mounts, self.server, self.took = [], [], [], None, 0
        for folder in (root, self.programs, self.standin, root / "state", root / "log"):
            folder.mkdir()
        for name in ("portcullisd", "portcullis-driver", "test/portcullis"):
            shutil.copy2(os.path.join(BUILD, name), self.programs)
        (self.standin / "openssl").symlink_to("/usr/bin/openssl")
        self.systemctl(LOCK + DAEMON)
        self.write(self.standin / "update-initramfs", "#!/bin/sh\nexit 1\n", 0o755)
        self.own_etc()
        os.makedirs("/run/systemd/system", exist_ok=True)
        self.settings = {"user": 64000, "openvpn-user": 64002, "openvpn-group": 64001, "state-dir": root / "state", "profile": root / "a.ovpn",
                         "runtime-dir": root / "run"}
        self.sections = f'log {{ file = "{root}/log/portcullis.log" }}\n'
        self.ca = certificate(root / "Tomorrow", "20200101000000Z", "20900101000000Z")
        self.profile(self.ca)
        boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        self.status = status("open", boot_locked_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(boot + 3)),
                             interface="tun0", addresses=["10.8.0.2"], version="0.1.0")

    def own_etc(self):
        shutil.copytree("/etc", self.root / "etc", symlinks=True)
        call("mount", "--bind", self.root / "etc", "/etc")
        (self.root / "etc/resolv.conf").unlink()
        self.write("/etc/resolv.conf", "nameserver 192.0.2.53\n")

    def systemctl(self, shown):
        self.write(self.standin / "shown", shown + "\n")
        self.write(self.standin / "systemctl", f"#!/bin/sh\nexec /bin/cat {self.standin}/shown\n", 0o755)

    def write(self, path, text, mode=0o644):
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def profile(self, *certificates, text=PROFILE):
        self.write(self.root / "a.ovpn", text + "<ca>\n" + "".join(certificates) + "</ca>\n", 0o600)

    def process(self, name):
        """A process of root's with this name."""
        shutil.copy2("/bin/sleep", self.root / name)
        self.processes.append(subprocess.Popen([self.root / name, "60"]))  # pylint: disable=consider-using-with

    def pair(self, name):
        """Two links."""
        call("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p")
        self.links.append(name)

    def run(self, *words, user=None, answer=True):
        lines = [f'{key} = "{value}"\n' for key, value in self.settings.items() if value is not None]
        config = self.root / "portcullis.conf"
        self.write(config, "".join(lines) + self.sections)
        os.makedirs(self.root / "run", exist_ok=True)
        if answer:
            self.server = Server(self.root / "run/control.sock", answers(self.status))
        began = time.monotonic()
        done = subprocess.run([self.programs / "portcullis", "doctor", *words, "-c", config], text=True,
                              capture_output=True, check=False, timeout=100, user=user, group=user,
                              env={**os.environ, "PORTCULLIS_STANDIN": str(self.standin)})
        self.took = time.monotonic() - began
        if answer:
            self.server.close()
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        return done

    def look(self, **more):
        done = self.run("--json", **more)
        said = json.loads(done.stdout)
        counts = {word: sum(check["result"] == word for check in said["checks"]) for word in (GOOD, WARN, FAIL, UNKNOWN)}
        assert counts == {word: said[word] for word in counts}
        assert done.returncode == (1 if counts[FAIL] else 3 if counts[WARN] + counts[UNKNOWN] else 0)
        for check in said["checks"]:
            assert check.keys() == {"name", "subject", "result", "text", "instead"}
            assert check["result"] in (GOOD, UNKNOWN) or check["instead"], check
        return said["checks"]

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for name in self.links:
            call("ip", "link", "delete", name)
        for path in ("/run/portcullis/off", "/var/lib/portcullis/off"):
            pathlib.Path(path).unlink(missing_ok=True)
        for path in self.mounts:
            call("umount", path)
        call("umount", "/etc")
        shutil.rmtree("/run/systemd", ignore_errors=True)


@pytest.fixture
def machine(tmp_path_factory):
    made = Machine(pathlib.Path("/run/e2e") / tmp_path_factory.mktemp("doctor").name)
    yield made
    made.end()
    shutil.rmtree(made.root)


def worst(checks, name):
    return max((ORDER.index(check["result"]), check["text"]) for check in checks if check["name"] == name)


def test_all_is_well(machine):
    checks = machine.look()
    assert [check for check in checks if check["result"] != GOOD] == []
    names = [check["name"] for check in checks]
    assert sorted(set(names), key=names.index) == CHECKS
    words = machine.run()
    assert words.returncode == 0 and words.stderr == "" and "\033" not in words.stdout
    assert f"{len(checks)} fine, 0 to do, 0 warnings, 0 unknown" in words.stdout.splitlines()[-1]
    assert "Tomorrow" in words.stdout and "\\1B[2J" in words.stdout
    assert machine.took < 10


def put(path, text):
    return lambda machine: machine.write(path, text)


def say(**more):
    return lambda machine: machine.status.update(more)


def configure(**more):
    return lambda machine: machine.settings.update({key.replace("_", "-"): value for key, value in more.items()})


def section(text):
    def add(machine):
        machine.sections += text
    return add


def lean(path, **how):
    """Lets users other than root write to the path."""
    def change(machine):
        target = machine.root / path
        if "mode" in how:
            target.chmod(how["mode"])
        else:
            os.chown(target, 501, 20)
    return change


def expired(machine):
    machine.profile(certificate(machine.root / "old", "20200101000000Z", "20210101000000Z"))


def one_of_two_expired(machine):
    machine.profile(machine.ca, certificate(machine.root / "old", "20200101000000Z", "20210101000000Z"))


def not_yet(machine):
    machine.profile(certificate(machine.root / "young", "20800101000000Z", "20810101000000Z"))


def soon(machine):
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 5 * 86400 + 600))
    machine.profile(certificate(machine.root / "soon", "20200101000000Z", end))


def no_openssl(machine):
    (machine.standin / "openssl").unlink()


def broken_openssl(machine):
    no_openssl(machine)
    machine.write(machine.standin / "openssl", "#!/bin/sh\necho 'subject=\033[2J'\n", 0o755)


def profile(text):
    return lambda machine: machine.profile(machine.ca, text=text)


def homebrew(machine):
    """As Homebrew installs it: a link in a folder of the user's."""
    cellar = machine.root / "Cellar/openvpn"
    cellar.mkdir(parents=True)
    shutil.copy2("/usr/sbin/openvpn", cellar)
    (machine.root / "openvpn").symlink_to("Cellar/openvpn/openvpn")
    os.chown(machine.root / "Cellar", 501, 80)
    machine.sections += f'openvpn {{ binary = "{machine.root}/openvpn" }}\n'


def openvpn_says(text):
    def change(machine):
        machine.write(machine.root / "openvpn", f"#!/bin/sh\necho '{text}'\nexit 1\n", 0o755)
        machine.sections += f'openvpn {{ binary = "{machine.root}/openvpn" }}\n'
    return change


def systemctl(shown):
    return lambda machine: machine.systemctl(shown)


def unit(name, active="active", enabled="disabled", drop_in=""):
    return systemctl(LOCK + DAEMON + f"\nId={name}\nActiveState={active}\nUnitFileState={enabled}\nDropInPaths={drop_in}\n")


def initrd_hook(name):
    return put(f"/etc/initramfs-tools/hooks/{name}", "#!/bin/sh\n")


def no_initramfs_tools(machine):
    (machine.standin / "update-initramfs").unlink()


def root_by_nfs(machine):
    machine.write(machine.root / "cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/nfs ip=dhcp\n")
    call("mount", "--bind", machine.root / "cmdline", "/proc/cmdline")
    machine.mounts.append("/proc/cmdline")


def own_file_system(machine):
    call("mount", "-t", "tmpfs", "tmpfs", "/usr/local/sbin")
    machine.mounts.append("/usr/local/sbin")


def process(name):
    return lambda machine: machine.process(name)


def network_manager(text):
    def change(machine):
        machine.process("NetworkManager")
        machine.write("/etc/NetworkManager/conf.d/x.conf", text)
    return change


def wireguard(automatic):
    def change(machine):
        machine.write("/etc/NetworkManager/system-connections/home.nmconnection",
                      f"[connection]\nid=home\ntype=wireguard\nautoconnect={automatic}\n", 0o600)
    return change


def group_members(machine):
    with open("/etc/group", "a", encoding="ascii") as file:
        file.write("ovpn:x:64005:alice\n")
    with open("/etc/passwd", "a", encoding="ascii") as file:
        file.write("mallory:x:64006:64005::/:/bin/false\n")
        file.write("ovpn:x:64002:64005::/:/bin/false\n")
    machine.settings["openvpn-group"] = "ovpn"


def interface_taken(machine):
    """Somebody else's link has the name of the configured interface, which is not the daemon's."""
    machine.pair("doctor0")
    machine.settings["interface"] = "doctor0"


def many_links(machine):
    for i in range(260):
        machine.pair(f"many{i}")


def world_ipv6(machine):
    machine.pair("doctor6")
    call("ip", "address", "add", "2001:db8::2/64", "dev", "doctor6", "nodad")


def clock_back(machine):
    os.utime(machine.root / "state", (time.time() + 9e6, time.time() + 9e6))


def off(machine):
    os.makedirs("/run/portcullis", exist_ok=True)
    call(machine.programs / "portcullis", "off", "--offline")


def no_driver(machine):
    (machine.programs / "portcullis-driver").unlink()


def other_daemon(machine):
    machine.write(machine.programs / "portcullisd", "#!/bin/sh\necho 'usage: \033[2J' >&2\nexit 1\n", 0o755)


def names(*hosts):
    return profile("client\ndev tun\n" + "".join(f"remote {host} 1194 udp\n" for host in hosts))


@pytest.mark.parametrize("change,name,result,text", [
    (lean("programs"), "programs", FAIL, "belongs to user 501"),
    (no_driver, "programs", FAIL, "can't be run"),
    (other_daemon, "programs", FAIL, "does not print its settings"),
    (configure(interfac="x"), "configuration", FAIL, "did you mean"),
    (configure(profile="/nonexistent"), "configuration", FAIL, "/nonexistent does not exist"),
    (profile("client\nremote 192.0.2.1\ndev tun\nplugin /x\n"), "profile", FAIL, "plugin"),
    (names("192.0.2.1", "vpn.example"), "remotes", WARN, "1 of 2 names have never been resolved, and are not dialled: "
     "vpn.example"),
    (names("vpn.example"), "remotes", FAIL, "1 of 1"),
    (expired, "certificates", FAIL, "expired on 2021-01-01"),
    (one_of_two_expired, "certificates", WARN, "expired on 2021-01-01"),
    (not_yet, "certificates", FAIL, "not valid before 2080-01-01"),
    (soon, "certificates", WARN, "expires in 5 days"),
    (no_openssl, "certificates", UNKNOWN, "/openssl: No such file"),
    (broken_openssl, "certificates", UNKNOWN, "\\x1b[2J"),
    (profile(PROFILE + "auth-user-pass\n"), "credentials", FAIL, "the user name and the password"),
    (configure(user="nobody-here"), "users", FAIL, "nobody-here does not exist"),
    (configure(**{"openvpn-user": "none-here"}), "users", FAIL, "none-here does not exist"),
    (configure(**{"openvpn-user": "root"}), "users", WARN, "can read and write root's files"),
    (group_members, "openvpn-group", FAIL, "in the clear: alice mallory"),
    (lean("a.ovpn", mode=0o640), "files", WARN, "others may read it"),
    (lean("state"), "files", FAIL, "belongs to user 501"),
    (lean("log", mode=0o777), "files", FAIL, "anybody may write"),
    (homebrew, "files", FAIL, "Cellar belongs to user 501"),
    (openvpn_says("OpenVPN 2.4.9 x86_64"), "openvpn", FAIL, "older than 2.5"),
    (openvpn_says("OpenVPN 2.6.3 x86_64"), "openvpn", WARN, "CVE-2023-46850"),
    (openvpn_says("OpenVPN 2.7_alpha1 x86_64"), "openvpn", WARN, "dns-updown"),
    (openvpn_says("OpenVPN 2.7.6 x86_64"), "openvpn", GOOD, "dns-updown"),
    (openvpn_says("hello \033[2J"), "openvpn", UNKNOWN, "hello \\x1b[2J"),
    (section('openvpn { binary = "/nonexistent" }\n'), "openvpn", FAIL, "No such file"),
    (interface_taken, "interface", FAIL, "doctor0 is in use"),
    (many_links, "links", WARN, "more than 512"),
    (world_ipv6, "ipv6", WARN, "the tunnel does not"),
    (process("mullvad-daemon"), "others", WARN, "another VPN"),
    (unit("wg-quick@home.service"), "others", WARN, "WireGuard"),
    (unit("nftables.service", enabled="enabled", active="inactive"), "others", FAIL, "flush ruleset"),
    (unit("nftables.service", drop_in="/etc/systemd/system/nftables.service.d/my.conf"), "others", FAIL, "is not in force"),
    (unit("nftables.service", drop_in="/usr/lib/systemd/system/nftables.service.d/portcullis.conf"), "others", GOOD,
     "in one transaction"),
    (wireguard("true"), "others", WARN, "NetworkManager"),
    (systemctl("\n" * 3 + "x" * 400000), "others", UNKNOWN, "no service manager answers"),
    (put("/etc/resolv.conf", "nameserver 192.168.1.1\n"), "resolver", FAIL, "192.168.1.1"),
    (network_manager("[connectivity]\nuri=http://x.example/\033[2J\n"), "connectivity-check", WARN, "x.example/\\x1b[2J"),
    (clock_back, "clock", FAIL, "certificates may not be valid yet"),
    (systemctl(LOCK.replace("sysinit.target", "") + DAEMON), "boot", FAIL, "nothing starts"),
    (systemctl(LOCK.replace("network-pre.target", "network.target") + DAEMON), "boot", FAIL, "not ordered"),
    (systemctl(LOCK + DAEMON.replace("=enabled", "=disabled")), "boot", FAIL, "not enabled"),
    (systemctl(LOCK + "DropInPaths=/etc/systemd/system/portcullis-lock.service.d/my\033.conf\n" + DAEMON), "boot", UNKNOWN,
     "portcullis-lock.service is changed by /etc/systemd/system/portcullis-lock.service.d/my\\x1b.conf"),
    (systemctl(LOCK + DAEMON + "DropInPaths=/etc/systemd/system/portcullis.service.d/my.conf\n"), "boot", UNKNOWN,
     "portcullis.service is changed by"),
    (systemctl(LOCK + "DropInPaths=\n" + DAEMON + "DropInPaths=\n"), "boot", GOOD, "locks before"),
    (own_file_system, "boot", FAIL, "/usr/local/sbin is on a file system of its own"),
    (no_initramfs_tools, "initrd", WARN, "has no lock"),
    (initrd_hook("dropbear"), "initrd", WARN, "disks can't be unlocked over the network"),
    (initrd_hook("clevis"), "initrd", WARN, "tang"),
    (root_by_nfs, "initrd", WARN, "on NFS"),
    (say(boot_locked_at=None), "boot-lock", UNKNOWN, "only portcullisd knows"),
    (say(boot_locked_at="2099-01-01T00:00:00Z"), "boot-lock", WARN, "after the start of the kernel"),
    (say(gate="locked", tunnel="waiting", reason="no answer\033[2J"), "gate", WARN, "no answer\\x1b[2J"),
    (say(gate="unprotected", reason="no nft"), "gate", FAIL, "NOT PROTECTED"),
    (say(gate="off"), "gate", WARN, "in the clear"),
    (say(gate=7), "gate", UNKNOWN, "its state is not known"),
    (off, "off", WARN, "stays off"),
], ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "")
def test_one_thing_is_wrong(machine, change, name, result, text):
    """The same machine as in test_all_is_well, with nothing else changed."""
    if name == "resolver":  # so that it does not matter which resolver tool this machine has
        machine.sections += "dns { manage = false }\n"
    change(machine)
    checks = machine.look()
    found = [check for check in checks if check["name"] == name]
    assert max((check["result"] for check in found), key=ORDER.index) == result, found
    assert any(check["result"] == result and text in f"{check['text']} {check['instead']}" for check in found), found


@pytest.mark.parametrize("change", [
    process("firewalld"), unit("ufw.service"), unit("nftables.service", active="inactive"), wireguard("false"),
    network_manager("[connectivity]\nuri=http://x.example/\nenabled=false\n")], ids=["firewalld", "ufw", "nftables", "wireguard", "connectivity"])
def test_what_does_no_harm_is_fine(machine, change):
    change(machine)
    assert [check for check in machine.look() if check["result"] != GOOD] == []


def test_without_a_daemon(machine):
    checks = machine.look(answer=False)
    assert worst(checks, "daemon")[1].startswith("not running")
    assert worst(checks, "gate")[0] == worst(checks, "boot-lock")[0] == 1


def test_without_root(machine):
    """It says what it could not examine, and finds what it can."""
    checks = machine.look(user=4009, answer=False)
    found = {check["name"]: check for check in checks}
    for name in ("profile", "certificates", "firewall"):
        assert found[name]["result"] == UNKNOWN and "sudo" in found[name]["instead"], found[name]
    assert found["configuration"]["result"] == found["openvpn"]["result"] == found["resolver"]["result"] == GOOD
    assert "root sees more" in machine.run(user=4009, answer=False).stdout


def test_a_tool_that_hangs_is_not_waited_for(machine):
    machine.write(machine.standin / "systemctl", "#!/bin/sh\nexec /bin/sleep 50\n", 0o755)
    openvpn_says("x")(machine)
    machine.write(machine.root / "openvpn", "#!/bin/sh\nexec /bin/sleep 50\n", 0o755)
    checks = machine.look()
    assert worst(checks, "openvpn")[0] == worst(checks, "boot")[0] == worst(checks, "others")[0] == 1
    assert machine.took < 20


def test_what_runs_for_the_doctor_is_not_root(machine):
    """openvpn and openssl read what others wrote: neither runs with root's rights."""
    openvpn_says("OpenVPN 2.6.14 $(/usr/bin/id -u)")(machine)
    machine.write(machine.root / "openvpn", "#!/bin/sh\necho \"uid $(/usr/bin/id -u) $(/usr/bin/id -G)\"\n", 0o755)
    no_openssl(machine)
    machine.write(machine.standin / "openssl", "#!/bin/sh\necho \"uid $(/usr/bin/id -u) $(/usr/bin/id -G)\"\n", 0o755)
    checks = machine.look()
    assert "uid 65534 65534" in worst(checks, "openvpn")[1]
    assert "uid 65534 65534" in worst(checks, "certificates")[1]


def test_wrong_words(machine):
    for words in (["--bogus"], ["operand"], ["-c"]):
        done = subprocess.run([machine.programs / "portcullis", "doctor", *words], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1
