"""Looks at what `make cross` linked: what it loads, how it is hardened, and that every call it makes is a documented one."""

import argparse
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

PROGRAMS = ("portcullisd", "portcullis-driver", "portcullis")
# All of the system's library that a program of ours loads, by system.
LIBRARIES = {"macos": {"/usr/lib/libSystem.B.dylib"},
             "freebsd": {"libc.so.7", "libm.so.5", "libthr.so.3", "libsys.so.7"}}
CPU = {"aarch64": 0x0100000C, "x86_64": 0x01000007}
MINIMUM = (12, 0)
# Who openvpn is if nothing else is configured: a user of its own, as the doctor says it.
OPENVPN_USER = b"_openvpn, the default"
# Calls that no program of ours makes, whatever header has them.
FORBIDDEN = set("system popen gets tmpnam mktemp dlopen sandbox_init_with_parameters".split())
# portcullisd has no parser of what a user, a server or the network says.
GATE_WITHOUT = re.compile(r"^(profile_|tunnel_step|ovm_|json_|SSL_|EVP_)")
# The compiler's own, and what the linker adds; no header has them.
RUNTIME = re.compile(r"^(__stack_chk_(fail|guard)|_?_(memcpy|memset|memmove|strcpy|strncpy|strcat|snprintf|vsnprintf"
                     r"|sprintf|vsprintf|strlcpy|strlcat)_chk|_?_sF|__std(in|out|err)p|_?_error|___error|__cxa_\w+"
                     r"|dyld_stub_binder|__bzero|_tlv_bootstrap|_?_tls_get_addr|atexit|_init_tls|__progname|environ"
                     r"|__assert_rtn|__assert|__mb_sb_limit|_CurrentRuneLocale|_DefaultRuneLocale|__maskrune"
                     r"|_ThreadRuneLocale|__xuname|__libc_start1|__isthreaded|__error|__h_errno)$")


class Wrong(Exception):
    """The file is not what it should be."""


def mach_commands(data):
    """(command, its bytes) of a 64-bit Mach-O file: <mach-o/loader.h>."""
    magic, cpu, _sub, kind, count, _size, flags, _ = struct.unpack_from("<8I", data)
    if magic != 0xFEEDFACF:
        raise Wrong("no 64-bit Mach-O file")
    at, found = 32, []
    for _ in range(count):
        command, size = struct.unpack_from("<2I", data, at)
        found.append((command & 0x7FFFFFFF, data[at:at + size]))
        at += size
    return cpu, kind, flags, found


def text_at(data, at):
    return data[at:data.index(b"\0", at)].decode()


def mach(data):
    """What the load commands say: libraries, minimum system, flags, undefined and own symbols."""
    cpu, kind, flags, commands = mach_commands(data)
    about = {"cpu": cpu, "kind": kind, "pie": bool(flags & 0x200000), "libraries": set(), "undefined": set(),
             "own": set(), "signed": False, "minimum": None}
    for command, body in commands:
        if command in (0x0C, 0x18, 0x1F, 0x23):  # LC_LOAD_DYLIB, weak, reexport, upward
            about["libraries"].add(text_at(body, struct.unpack_from("<I", body, 8)[0]))
        elif command == 0x32:  # LC_BUILD_VERSION
            platform, minimum = struct.unpack_from("<2I", body, 8)
            about["minimum"] = (minimum >> 16, minimum >> 8 & 0xFF) if platform == 1 else None
        elif command == 0x1D:  # LC_CODE_SIGNATURE
            about["signed"] = True
        elif command == 0x02:  # LC_SYMTAB
            symbols, count, strings, _size = struct.unpack_from("<4I", body, 8)
            for i in range(count):
                name, kind_of, _section, _desc, _value = struct.unpack_from("<IBBHQ", data, symbols + 16 * i)
                if kind_of & 0xE0:  # for a debugger
                    continue
                about["undefined" if kind_of & 0x0E == 0 else "own"].add(text_at(data, strings + name).removeprefix("_"))
    return about


def elf(path):
    """The same of an ELF file, by readelf."""
    def said(*options):
        return subprocess.run(["readelf", "-W", *options, path], capture_output=True, text=True, check=True).stdout

    dynamic, header, segments, symbols = said("-d"), said("-h"), said("-l"), said("-s")
    names = [(line.split()[6], line.split()[7].split("@")[0]) for line in symbols.splitlines()
             if re.match(r"\s*\d+:", line) and len(line.split()) > 7]
    return {"libraries": set(re.findall(r"\(NEEDED\).*\[(.*?)\]", dynamic)), "pie": "DYN" in header,
            "relro": "GNU_RELRO" in segments and "NOW" in dynamic,
            "stack": not re.search(r"GNU_STACK.*RWE", segments), "freebsd": "FreeBSD" in said("-n"),
            "undefined": {name for section, name in names if section == "UND"},
            "own": {name for section, name in names if section != "UND"}}


def words(headers, system):
    """Every word of the system's public headers, and of the file that names what those lack."""
    folders = {"macos": "*darwin*", "freebsd": "*freebsd*"}
    found = set()
    for folder in [*headers.glob(folders[system]), *headers.glob(f"*-{system}-*")]:
        for header in folder.rglob("*.h"):
            found.update(re.findall(r"\w+", header.read_text(errors="replace")))
    if system == "macos":
        apple = pathlib.Path(__file__).resolve().parents[2] / "src/os/host/apple.h"
        found.update(re.findall(r"\w+", apple.read_text()))
    return found


def check_calls(about, known):
    for name in sorted(about["undefined"]):
        plain = name.split("$")[0]
        if plain in FORBIDDEN:
            yield f"calls {plain}()"
        elif plain and plain not in known and not RUNTIME.match(plain):
            yield f"calls {plain}(), which no public header has"


def check_macos(path, arch):
    about = mach(path.read_bytes())
    if about["cpu"] != CPU[arch] or about["kind"] != 2:
        yield about, "is not a program for " + arch
    if not about["pie"]:
        yield about, "is not position-independent"
    if about["minimum"] != MINIMUM:
        yield about, f"asks for macOS {about['minimum']}, not {MINIMUM}"
    if arch == "aarch64" and not about["signed"]:
        yield about, "has no signature, not even an ad-hoc one: Apple silicon would kill it"
    yield about, None


def check_freebsd(path, _arch):
    about = elf(path)
    for what, complaint in (("freebsd", "is not a program for FreeBSD"), ("pie", "is not position-independent"),
                            ("relro", "has tables that can be written to"), ("stack", "has an executable stack")):
        if not about[what]:
            yield about, complaint
    yield about, None


def look(path, system, arch, known):
    """One line for everything that is wrong with a program."""
    check = {"macos": check_macos, "freebsd": check_freebsd}[system]
    about = None
    for about, complaint in check(path, arch):
        if complaint:
            yield complaint
    for library in sorted(about["libraries"] - LIBRARIES[system]):
        yield f"loads {library}"
    if not about["libraries"] or not about["undefined"]:
        yield "loads nothing and calls nothing: it was not read"
    yield from check_calls(about, known)
    if path.name == "portcullis" and OPENVPN_USER not in path.read_bytes():
        yield "does not have openvpn as a user of its own"
    if path.name == "portcullisd":
        for name in sorted(filter(GATE_WITHOUT.match, about["own"])):
            yield f"contains {name}, a parser of what users or networks say"


def planted_mach(**changes):
    """A Mach-O file of nothing but what is looked at."""
    fields = {"cpu": CPU["aarch64"], "flags": 0x200000, "minimum": 12 << 16, "library": "/usr/lib/libSystem.B.dylib",
              "call": "_read", "own": "_main", "signed": True, **changes}
    library = fields["library"].encode().ljust(48, b"\0")
    commands = [struct.pack("<6I", 0x0C, 24 + len(library), 24, 0, 0, 0) + library,
                struct.pack("<6I", 0x32, 24, 1, fields["minimum"], 0, 0)]
    if fields["signed"]:
        commands.append(struct.pack("<4I", 0x1D, 16, 0, 0))
    strings = b"\0" + fields["call"].encode() + b"\0" + fields["own"].encode() + b"\0"
    at = 32 + sum(map(len, commands)) + 24
    commands.append(struct.pack("<6I", 0x02, 24, at, 2, at + 32, len(strings)))
    symbols = struct.pack("<IBBHQ", 1, 0x01, 0, 0, 0) + struct.pack("<IBBHQ", 2 + len(fields["call"]), 0x0F, 1, 0, 0)
    head = struct.pack("<8I", 0xFEEDFACF, fields["cpu"], 0, 2, len(commands), sum(map(len, commands)),
                       fields["flags"], 0)
    return head + b"".join(commands) + symbols + strings


def self_test():
    faults = {"sound": {}, "cpu": {"cpu": CPU["x86_64"]}, "pie": {"flags": 0}, "minimum": {"minimum": 13 << 16},
              "library": {"library": "/usr/lib/libcurl.dylib"}, "forbidden": {"call": "_system"},
              "private": {"call": "_secret_of_apple"}, "parser": {"own": "_profile_parse"}, "unsigned": {"signed": False}}
    blind = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "portcullisd"
        for name, changes in faults.items():
            path.write_bytes(planted_mach(**changes))
            found = list(look(path, "macos", "aarch64", {"read", "system"}))
            if (name == "sound") == bool(found):
                blind.append(f"{name}: {found or 'not seen'}")
        path = path.with_name("portcullis")
        for name, after in (("its own user", OPENVPN_USER), ("root by default", b"root, the default")):
            path.write_bytes(planted_mach() + after)
            if (name == "its own user") == bool(list(look(path, "macos", "aarch64", {"read"}))):
                blind.append(f"{name}: not seen")
    print(f"cross self-test: {len(faults) + 2} files, {len(blind)} complaints")
    return blind


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--headers", type=pathlib.Path)
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    complaints = self_test() if options.self_test else []
    for target in options.targets:
        arch, system = target.split("-")
        known = words(options.headers, system)
        for program in PROGRAMS:
            path = options.build / target / program
            found = [f"{target}/{program} {complaint}" for complaint in look(path, system, arch, known)]
            complaints += found
            print(f"{target}/{program}: {path.stat().st_size // 1024} KiB, {len(found)} complaints")
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
