"""Keeps the house in shape: layers, calls, libraries, sizes. `--self-test` plants each fault and must find it."""

import argparse
import collections
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

# What each room may include, beside itself. Nothing includes upward.
LAYERS = {
    "src/base": set(),
    "openvpn-mgmt": set(),
    "src/policy": {"src/base"},
    "src/profile": {"src/base"},
    "src/tunnel": {"src/base"},
    "src/os": {"src/base", "src/policy"},
    "src/config": {"src/base", "src/policy"},
    "src/gate": {"src/base", "src/policy", "src/config", "src/os"},
    "src/driver": {"src/base", "src/profile", "src/tunnel", "src/os", "openvpn-mgmt"},
    "src/ctl": {"src/base", "src/policy", "src/profile", "src/os"},
}
PURE = ("src/policy", "src/profile", "src/tunnel", "openvpn-mgmt")
# So is the source of each header whose first comment says "Pure", in whatever room.
# What would be I/O, a clock, a process or luck.
IMPURE_CALLS = set("""open openat fopen fdopen read write readv writev recv send recvfrom sendto socket connect bind
 accept poll select ioctl fork execve execv time gettimeofday clock_gettime sleep usleep nanosleep getenv rand random
 getrandom getaddrinfo gethostbyname printf fprintf puts getpid getuid""".split())
FORBIDDEN_CALLS = set("system popen sprintf vsprintf strcpy strcat gets alloca atoi mktemp tmpnam execlp execvp".split())
FORBIDDEN_LIBRARIES = ("libssl", "libcrypto", "liblz4", "libjansson", "libcurl", "libxml2")
FORBIDDEN_SYMBOLS = re.compile(r" [Tt] (profile_|tunnel_step|ovm_)")
PLATFORM = re.compile(r"^\s*#\s*(?:el)?if.*\b(__linux__|__linux|__APPLE__|__FreeBSD__|__OpenBSD__|__NetBSD__|_WIN32|__unix__)",
                      re.M)
FILE_MAX, HEADER_MAX, FUNCTION_MAX, MEDIAN_MAX, FOLDER_MAX, SLACK_MAX = 800, 80, 100, 20, 40, 10
# What stands at the top; debian only where dist.sh put it, in the tarball.
TOP = set("""conf docs init launchd openvpn-mgmt packaging src tests Makefile README.md bootstrap LICENSE CHANGES SECURITY.md
 debian""".split())
# Twins: the build picks one of them, so they define the same names.
TWINS = re.compile(r"(_null|fault_none|sandbox_calls_sanitizer)\.c$")
# Declares what Apple's own libraries define.
FOREIGN_HEADERS = {"src/os/host/apple.h"}
KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "defined", "_Static_assert", "_Alignas", "__attribute__"}


def strip(text, keep_strings=False):
    """The code without comments and with empty strings; line numbers do not change."""
    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return " " + "\n" * token.count("\n")
        return token if keep_strings else token[0] + token[0]
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


class House:
    """The sources under a root, read once."""

    def __init__(self, root, build=None):
        self.root, self.build = pathlib.Path(root), build
        self.text = {}
        for room in LAYERS:
            for path in sorted((self.root / room).glob("*.[ch]" if room == "openvpn-mgmt" else "**/*.[ch]")):
                self.text[str(path.relative_to(self.root))] = path.read_text()
        self.code = {name: strip(text) for name, text in self.text.items()}
        self._functions = None

    @staticmethod
    def room(name):
        """src/os of src/os/firewall/nft/nft.c; None: it is in no room."""
        found = re.match(r"openvpn-mgmt(?=/)|src/[^/]+(?=/)", name)
        return found.group() if found and found.group() in LAYERS else None

    def is_pure(self, name):
        """By its room, or because the header that it implements says so."""
        header = self.text.get(name[:-2] + ".h", "")
        return self.room(name) in PURE or re.search(r"\bPure\b", header.split("*/")[0]) is not None

    def files(self):
        """The files of the tree: those that git tracks, or without git all except what was built."""
        if (self.root / ".git").exists():
            return subprocess.run(["git", "ls-files"], cwd=self.root, capture_output=True, text=True, check=True).stdout.splitlines()
        names = [str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()]
        return [name for name in names if not name.startswith("build/")]

    def functions(self):
        """[(name, file, first line, last line)] of every definition."""
        if self._functions is None:
            sources = [name for name in self.text if name.endswith(".c")]
            out = subprocess.run(
                ["ctags", "--languages=C", "--c-kinds=f", "--fields=+ne", "-f", "-", *sources],
                cwd=self.root, capture_output=True, text=True, check=True).stdout if sources else ""
            self._functions = []
            for line in out.splitlines():
                parts = line.split("\t")
                fields = dict(field.split(":", 1) for field in parts[3:] if ":" in field)
                if "end" in fields:
                    self._functions.append((parts[0], parts[1], int(fields["line"]), int(fields["end"])))
        return self._functions


def check_layers(house):
    for name, text in house.text.items():
        room = house.room(name)
        for number, line in enumerate(strip(text, keep_strings=True).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if not match:
                continue
            target = match.group(1)
            other = house.room(target) or house.room(f"src/{target}") if "/" in target else room
            if other is None:
                yield f"{name}:{number}: includes {target}, which is in no room"
            elif other != room and other not in LAYERS[room]:
                yield f"{name}:{number}: {room} may not include {target}"


def calls(code):
    """Names that are called, with the line of the first call."""
    found = {}
    for match in re.finditer(r"(?<![.>\w])([A-Za-z_]\w*)\s*\(", code):
        found.setdefault(match.group(1), code.count("\n", 0, match.start()) + 1)
    return {name: line for name, line in found.items() if name not in KEYWORDS}


def check_pure(house):
    own = {name for name, *_ in house.functions()}
    for name, code in house.code.items():
        if name.endswith(".c") and not name.endswith("_main.c") and house.is_pure(name):
            for call, line in calls(code).items():
                if call in IMPURE_CALLS - own:
                    yield f"{name}:{line}: is pure, but calls {call}()"


def check_forbidden_calls(house):
    for name, code in house.code.items():
        for call, line in calls(code).items():
            if call in FORBIDDEN_CALLS:
                yield f"{name}:{line}: {call}() is not used in this house"
        if "/bin/sh" in strip(house.text[name], keep_strings=True):
            yield f"{name}: names a shell"


def check_cmocka(house):
    """What cmocka 2 deprecates is an error in Debian sid."""
    for path in sorted((house.root / "tests").glob("*/*.c")):
        if re.search(r"\bassert_(not_)?in_range\(", path.read_text()):
            yield f"{path.relative_to(house.root)}: cmocka 2 deprecates assert_in_range; instead: assert_between, of between.h"


def check_fork(house):
    for name, code in house.code.items():
        if not name.startswith("src/os/process/") and "fork" in calls(code):
            yield f"{name}:{calls(code)['fork']}: a child is made by child_fork()"


def file_graph(house):
    """file -> {file: a function of it that is called}"""
    defined, static = {}, collections.defaultdict(set)
    for function, name, first, _last in house.functions():
        if TWINS.search(name):
            continue
        line = house.code[name].splitlines()[first - 1]
        if re.match(r"\s*static\b", line):
            static[name].add(function)
        else:
            defined.setdefault(function, name)
    graph = collections.defaultdict(dict)
    for name, code in house.code.items():
        if not name.endswith(".c") or TWINS.search(name):
            continue
        for call in calls(code):
            target = defined.get(call)
            if target and target != name and call not in static[name]:
                graph[name].setdefault(target, call)
    return graph


def strongly_connected(graph):
    """Tarjan's components of more than one file."""
    index, low, stack, on_stack, components = {}, {}, [], set(), []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on_stack.add(node)
        for target in graph.get(node, {}):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in on_stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            component = []
            while True:
                member = stack.pop()
                on_stack.discard(member)
                component.append(member)
                if member == node:
                    break
            if len(component) > 1:
                components.append(sorted(component))

    for node in list(graph):
        if node not in index:
            visit(node)
    return components


def check_cycles(house):
    graph = file_graph(house)
    for component in strongly_connected(graph):
        edges = [f"{a} -> {b} ({graph[a][b]})" for a in component for b in graph[a] if b in component]
        yield "files call each other in a circle: " + ", ".join(edges)


def check_sizes(house):
    for name, text in house.text.items():
        lines = text.count("\n")
        limit = HEADER_MAX if name.endswith(".h") else FILE_MAX - 1
        if lines > limit:
            yield f"{name}: {lines} lines, at most {limit}"


def check_functions(house):
    sizes = []
    for function, name, first, last in house.functions():
        lines = last - first + 1
        sizes.append(lines)
        if lines > FUNCTION_MAX:
            yield f"{name}:{first}: {function} has {lines} lines, at most {FUNCTION_MAX}"
    if sizes:
        sizes.sort()
        median = statistics.median(sizes)
        print(f"  {len(sizes)} functions: median {median:g} lines, 90% within {sizes[len(sizes) * 9 // 10]}, longest {sizes[-1]}")
        if median > MEDIAN_MAX:
            yield f"the median function has {median:g} lines, at most {MEDIAN_MAX}"


def check_platforms(house):
    for name, code in house.code.items():
        for match in PLATFORM.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            yield f"{name}:{line}: a platform is a file name in src/os, not {match.group(1)}"


def check_purpose(house):
    for name, text in house.text.items():
        if not text.startswith("/* ") or len(text.splitlines()[0]) < 12:
            yield f"{name}:1: does not begin with what it is for"
    for path in sorted(house.root.glob("tests/*/*.c")):
        if not path.read_text().startswith("/* "):
            yield f"{path.relative_to(house.root)}:1: does not begin with what it is for"
    for path in sorted(house.root.glob("tests/*/*.py")):
        if not re.match(r'(#!.*\n)?"""', path.read_text()):
            yield f"{path.relative_to(house.root)}:1: does not begin with what it is for"


def root_code(house, platform):
    """{room: lines without blanks and comments} of all that portcullisd links there, with the headers included."""
    listed = subprocess.run(["make", "-s", "list-root", f"PLATFORM={platform}"], cwd=house.root, capture_output=True, text=True,
                            check=True).stdout.split()
    seen, todo = set(), listed
    while todo:
        seen.update(todo)
        included = {target for name in todo for target in re.findall(r'^\s*#\s*include\s*"([^"]+)"', house.text[name], re.M)}
        todo = [name for name in (f"src/{target}" for target in included) if name in house.text and name not in seen]
    lines = collections.Counter()
    for name in seen:
        folders = name.split("/")
        room = "/".join(folders[:3 if folders[1] == "os" and len(folders) > 3 else 2])
        lines[room] += sum(1 for line in house.code[name].splitlines() if line.strip())
    return lines


def check_root_code(house):
    """The code with root's rights stays within the budget of its room; a budget has no slack."""
    heading, *rows = [line.split() for line in (house.root / "tests/arch/root_code.txt").read_text().splitlines()
                      if line and not line.startswith("#")]
    budget = {platform: {row[0]: int(row[column]) for row in rows} for column, platform in enumerate(heading[1:], 1)}
    found = {platform: root_code(house, platform) for platform in budget}
    rooms = sorted({room for counted in [*budget.values(), *found.values()] for room in counted})
    print(f"  {'code with root rights':22}" + "".join(f"{platform:>9}" for platform in budget))
    for room in rooms:
        print(f"  {room:22}" + "".join(f"{counted[room]:9}" for counted in found.values()))
    print(f"  {'total':22}" + "".join(f"{counted.total():9}" for counted in found.values()))
    for platform, counted in found.items():
        for room in rooms:
            allowed = budget[platform].get(room, 0)
            if counted[room] > allowed:
                yield f"{room} on {platform}: {counted[room]} lines of root's code, at most {allowed} (tests/arch/root_code.txt)"
            elif counted[room] + SLACK_MAX < allowed:
                yield f"{room} on {platform}: a budget of {allowed} lines of root's code for {counted[room]} is slack"


def check_null_twins(house):
    """Each port has a twin that does nothing, with every function of its header."""
    for name in [name for name in house.text if name.startswith("src/os/") and name.endswith(".h")]:
        port = name.rsplit("/", 1)[1][:-2]
        null = f"{name[:-2]}_null.c"
        if null not in house.text:
            continue
        declared = re.sub(r"\btypedef\b[^;]*;", "", house.code[name])
        wanted = set(re.findall(rf"\b({port}_\w+)\(", declared))
        have = {function for function, file, *_ in house.functions() if file == null}
        for function in sorted(wanted - have):
            yield f"{null}: lacks {function}()"


def check_rooms(house):
    """Nothing else lies at the top, and no source outside the rooms except those of the tests."""
    for name in house.files():
        first = name.split("/")[0]
        if first not in TOP and not first.startswith("."):
            yield f"{name}: {first} is not one of those at the top"
        elif name.endswith((".c", ".h")) and house.room(name) is None and not name.startswith(("tests/", "openvpn-mgmt/tests/")):
            yield f"{name}: is in no room"


def check_folders(house):
    count = collections.Counter(name.rsplit("/", 1)[0] for name in house.text)
    for folder, files in count.items():
        if files > FOLDER_MAX:
            yield f"{folder}: {files} files, at most {FOLDER_MAX}"


def declares(code):
    """Does a header name functions or objects that some source must define?"""
    code = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", code, flags=re.M)
    while re.search(r"\{[^{}]*\}", code):
        code = re.sub(r"\{[^{}]*\}", " ", code)
    return any(re.match(r"\s*extern\b|\s*(?!typedef\b|static\b|_Static_assert\b)\w[\w\s*]*[\s*]\w+\(", each) for each in code.split(";"))


def check_headers(house):
    """What NAME.h or NAME_internal.h promises is kept by NAME.c beside it, or by NAME_*.c: a platform's, or parts. A header
    with its folder's name speaks for all of that folder."""
    for name, code in house.code.items():
        if not name.endswith(".h") or name in FOREIGN_HEADERS or not declares(code):
            continue
        folder, stem = name[:-2].rsplit("/", 1)
        if stem == folder.rsplit("/", 1)[-1]:
            continue
        stem = re.escape(stem.removesuffix("_internal").removeprefix("openvpn-mgmt-"))
        if not any(re.fullmatch(rf"{re.escape(folder)}/{stem}(_\w+)?\.c", source) for source in house.text):
            yield f"{name}: no source has its name"


# What only the tests and the documents are made with, and why it stands in the product.
NOT_CALLED = {
    "config_read_stream": "the parser without the file and without the user database",
    "tunnel_effect_name": "docs/states.md and the stories of tests/replay",
    "tunnel_print_states": "docs/states.md",
}
WORD = re.compile(r"[A-Za-z_]\w*")


def public_functions(house):
    """function -> the files that define it; twins and platforms make more than one"""
    declared, defined = set(), collections.defaultdict(set)
    for name, code in house.code.items():
        if name.endswith(".h"):
            declared |= set(calls(code))
    for function, name, first, _last in house.functions():
        if function in declared and not re.match(r"\s*static\b", house.code[name].splitlines()[first - 1]):
            defined[function].add(name)
    return defined


def check_unused(house):
    """What a header declares is called from another file, and not by tests alone. openvpn-mgmt is a library: its
    tests are users like any other."""
    words = {name: collections.Counter(WORD.findall(code)) for name, code in house.code.items() if name.endswith(".c")}
    tests = set()
    for path in [*house.root.glob("tests/*/*.c"), *house.root.glob("openvpn-mgmt/*/*.c")]:
        tests |= set(WORD.findall(strip(path.read_text())))
    for function, files in sorted(public_functions(house).items()):
        if any(count[function] for name, count in words.items() if name not in files):
            continue
        own = any(words[name][function] > 1 for name in files)
        library = all(house.room(name) == "openvpn-mgmt" for name in files)
        where = sorted(files)[0]
        if function not in tests:
            yield f"{where}: {function}() is declared in a header, but no other file calls it"
        elif not own and not library and function not in NOT_CALLED:
            yield f"{where}: {function}() is called by tests only"


STATIC_FILES_MAX = 2


def check_static_names(house):
    """A static function's name is used in at most two files of a room: it should say what that one does."""
    files = collections.defaultdict(set)
    for function, name, first, _last in house.functions():
        if re.match(r"\s*static\b", house.code[name].splitlines()[first - 1]):
            room = house.room(name)
            files[room, function].add(name)
    for (room, function), names in sorted(files.items()):
        if len(names) > STATIC_FILES_MAX:
            yield f"{room}: static {function}() in {len(names)} files: {', '.join(sorted(names))}"


def check_gate_closure(house):
    if house.build is None:
        return
    program = pathlib.Path(house.build) / "portcullisd"
    if not program.exists():
        yield f"{program}: not built"
        return
    closure = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for library in FORBIDDEN_LIBRARIES:
        if library in closure:
            yield f"{program}: linked with {library}"
    symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    for line in symbols.splitlines():
        if FORBIDDEN_SYMBOLS.search(line):
            yield f"{program}: contains {line.split()[-1]}, a parser of what users or networks say"


CHECKS = [check_layers, check_pure, check_forbidden_calls, check_cmocka, check_fork, check_cycles, check_sizes, check_functions, check_platforms,
          check_purpose, check_root_code, check_null_twins, check_rooms, check_folders, check_headers, check_unused,
          check_static_names, check_gate_closure]


# --- each check must be able to fail

OK = "/* A file of the self-test. */\n"
ROOT = {"Makefile": "list-root:\n\t@echo src/gate/a.c\n", "tests/arch/root_code.txt": "# code\nroom linux\nsrc/gate 20\n"}
PLANTED = {
    check_layers: ({"src/policy/a.c": OK + '#include "gate/gate.h"\n'}, {"src/gate/a.c": OK + '#include "policy/a.h"\n'}),
    check_pure: ({"src/tunnel/a.c": OK + "int f(void)\n{\n\treturn clock_gettime(0, 0);\n}\n"},
                 {"src/os/dns/a.h": "/* A file\n * that is Pure. */\n", "src/os/dns/a.c": OK + "int f(void)\n{\n\treturn open(0);\n}\n"},
                 {"src/tunnel/a.c": OK + "/* no clock_gettime() */\nint f(void)\n{\n\treturn 0;\n}\n"}),
    check_forbidden_calls: ({"src/ctl/a.c": OK + "int f(void)\n{\n\treturn system(\"x\");\n}\n"},
                            {"src/ctl/a.c": OK + 'const char *f = "system(";\n'}),
    check_cmocka: ({"tests/unit/a.c": OK + "int a = assert_in_range(1, 2, 3);\n"}, {"tests/unit/a.c": OK + "int a = assert_between(1, 2, 3);\n"}),
    check_fork: ({"src/gate/a.c": OK + "int f(void)\n{\n\treturn fork();\n}\n"},
                 {"src/os/process/child_unix.c": OK + "int f(void)\n{\n\treturn fork();\n}\n"}),
    check_cycles: ({"src/gate/a.c": OK + "int b(void);\nint a(void)\n{\n\treturn b();\n}\n",
                    "src/gate/b.c": OK + "int a(void);\nint b(void)\n{\n\treturn a();\n}\n"},
                   {"src/gate/a.c": OK + "int b(void);\nint a(void)\n{\n\treturn b();\n}\n",
                    "src/gate/b.c": OK + "static int a(void)\n{\n\treturn 0;\n}\nint b(void)\n{\n\treturn a();\n}\n"}),
    check_sizes: ({"src/base/a.h": OK + "\n" * 80}, {"src/base/a.h": OK + "\n" * 79}),
    check_functions: ({"src/base/a.c": OK + "int a(void)\n{\n" + "\n" * 98 + "}\n"},
                      {"src/base/a.c": OK + "int a(void)\n{\n\treturn 0;\n}\n"}),
    check_platforms: ({"src/os/a.c": OK + "#if defined(__APPLE__)\n#endif\n"}, {"src/os/a.c": OK + "/* __APPLE__ */\n"}),
    check_purpose: ({"src/base/a.c": "int a;\n"}, {"src/base/a.c": OK}),
    check_root_code: ({**ROOT, "src/gate/a.c": OK + "int a;\n" * 21}, {**ROOT, "src/gate/a.c": OK + "int a;\n" * 9},
                      {**ROOT, "src/gate/a.c": OK + '#include "base/a.h"\n' * 20, "src/base/a.h": OK + "int a;\n"},
                      {**ROOT, "src/gate/a.c": OK + "int a;\n\n/* b */\n" * 20, "src/base/a.h": OK + "int a;\n"}),
    check_unused: ({"src/gate/a.h": OK + "int a(void);\n",
                    "src/gate/a.c": OK + "int a(void)\n{\n\treturn 0;\n}\nint b(void)\n{\n\treturn a();\n}\n"},
                   {"src/gate/a.h": OK + "int a(void);\nint c(void);\n",
                    "src/gate/a.c": OK + "int a(void)\n{\n\treturn 0;\n}\nint c(void)\n{\n\treturn 0;\n}\n"
                                      "static int d(void)\n{\n\treturn c();\n}\n",
                    "src/gate/b.c": OK + "static int b(void)\n{\n\treturn a();\n}\n",
                    "tests/unit/test_a.c": OK + "int main(void)\n{\n\treturn c();\n}\n"}),
    check_static_names: ({f"src/os/{each}.c": OK + "static int a(void)\n{\n\treturn 0;\n}\n" for each in "abc"},
                         {f"src/{each}/a.c": OK + "static int a(void)\n{\n\treturn 0;\n}\n"
                          for each in ("os", "gate", "driver")}),
    check_null_twins: ({"src/os/port.h": OK + "int port_a(void);\nint port_b(void);\n",
                        "src/os/port_null.c": OK + "int port_a(void)\n{\n\treturn 0;\n}\n"},
                       {"src/os/port.h": OK + "typedef void port_fn(\n\tint a);\nint port_a(void);\n",
                        "src/os/port_null.c": OK + "int port_a(void)\n{\n\treturn 0;\n}\n"}),
    check_rooms: ({"src/helpers/a.c": OK}, {"src/a.c": OK}, {"docs/a.c": OK}, {"helpers/a.txt": ""}, {"a.txt": ""},
                  {"src/os/dns/a.c": OK, "tests/unit/a.c": OK, "openvpn-mgmt/a.c": OK, "docs/a.md": ""}),
    check_folders: ({f"src/os/dns/a{n}.c": OK for n in range(FOLDER_MAX + 1)},
                    {f"src/os/{folder}/a{n}.c": OK for n in range(FOLDER_MAX) for folder in ("dns", "host")}),
    check_headers: ({"src/os/dns/a.h": OK + "struct a {\n\tint b;\n};\nint a_of(\n\tstruct a *a);\n", "src/os/dns/b.c": OK},
                    {"src/os/dns/a.h": OK + "struct a {\n\tint (*b)(int);\n};\ntypedef int fn(int);\n#define A(b) c(b);\n",
                     "src/os/dns/b.h": OK + "extern int b;\n", "src/os/dns/b_linux.c": OK}),
}


def planted_house(files, directory):
    for name, text in files.items():
        path = pathlib.Path(directory) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return House(directory)


def self_test_closure(directory):
    """A program that is linked with OpenSSL's libcrypto and has a profile's parser in it."""
    source = pathlib.Path(directory) / "a.c"
    found = []
    for text, flags in (("int profile_parse(void){return 0;}\nint main(void){return profile_parse();}\n", []),
                        ("int main(void){return 0;}\n", ["-Wl,--no-as-needed", "-lcrypto"])):
        source.write_text(text)
        done = subprocess.run(["cc", "-O0", "-o", f"{directory}/portcullisd", source, *flags], check=False,
                              capture_output=True, text=True)
        if done.returncode != 0 and flags:
            print("  check_gate_closure: no libcrypto here to plant; its name was not tried")
            continue
        found.append(any(check_gate_closure(House(directory, build=directory))))
    source.write_text("int main(void){return 0;}\n")
    subprocess.run(["cc", "-o", f"{directory}/portcullisd", source], check=True)
    return all(found) and not any(check_gate_closure(House(directory, build=directory)))


def self_test():
    blind = []
    for check, (*faults, sound) in PLANTED.items():
        for faulty in faults:
            with tempfile.TemporaryDirectory() as directory:
                if not list(check(planted_house(faulty, directory))):
                    blind.append(f"{check.__name__} does not see the planted fault in {', '.join(faulty)}")
        with tempfile.TemporaryDirectory() as directory:
            if list(check(planted_house(sound, directory))):
                blind.append(f"{check.__name__} complains of nothing")
    with tempfile.TemporaryDirectory() as directory:
        if not self_test_closure(directory):
            blind.append("check_gate_closure does not see the planted fault")
    missing = set(CHECKS) - set(PLANTED) - {check_gate_closure}
    blind += [f"{check.__name__} has no planted fault" for check in missing]
    return blind


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--build", help="where portcullisd is; else its libraries are not looked at")
    options = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    if options.self_test:
        complaints = self_test()
        total = len(CHECKS)
    else:
        house = House(root, build=options.build)
        complaints, total = [], len(CHECKS)
        for check in CHECKS:
            complaints += list(check(house))
    for complaint in complaints:
        print(complaint)
    print(f"arch{' self-test' if options.self_test else ''}: {total} checks, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
