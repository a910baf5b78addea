"""The shells' completions are what --help says, and real shells complete by them: every command, option and value."""
import ast
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", TOP / "build")).resolve()
STATES, BACKENDS = {"locked", "dialling", "open"}, {"nft", "pf", "ipfw"}


def said(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=20).stdout


def commands():
    return [line.split()[0] for line in said(BUILD / "portcullis", "help").splitlines() if re.match(r"  [a-z]+ ", line)]


def options(command):
    text = said(BUILD / "portcullis", command, "--help")
    return set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.M)) | set(re.findall(r"^  (-\w), ", text, re.M))


# --- one way to ask each shell: the words it offers for a line, the cursor at its end

BASH = r"""
source "$1"
line=$2
COMP_LINE=$line COMP_POINT=${#line} COMP_WORDS=() COMP_CWORD=0
# As readline breaks words: at blanks, and = stands alone.
read -ra parts <<<"${line//=/ = }"
COMP_WORDS=("${parts[@]}")
case $line in *[\ ]) COMP_WORDS+=("") ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
"_${parts[0]}"
printf '%s\n' "${COMPREPLY[@]}"
"""

ZSH = r"""
PROMPT= RPS1= ; unsetopt beep zle_bracketed_paste 2>/dev/null; zstyle ':completion:*' use-cache no
fpath=($1 $fpath); autoload -Uz compinit; compinit -u -D; out=$2
compadd() {
	local -a hits
	if [[ ${@[1,(i)(-|--)]} == *-[a-zA-Z]#(O|A|D)[a-zA-Z]#\ * ]]; then builtin compadd "$@"; return; fi
	builtin compadd -A hits "$@"; print -rl -- $hits >>$out; builtin compadd "$@"
}
capture() { zle list-choices; print -r -- DONE >>$out }
zle -N capture; bindkey '^X' capture; setopt extended_glob; print -r -- READY >>$out
"""


def bash(line, directory):
    done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", TOP / "src/ctl/completions/portcullis.bash", line],
                          capture_output=True, text=True, check=False, timeout=20, cwd=directory)
    assert done.stderr == "" and done.returncode == 0, done.stderr
    return set(done.stdout.split())


def fish(line, directory):
    done = subprocess.run(["fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]",
                           TOP / "src/ctl/completions/portcullis.fish", line],
                          capture_output=True, text=True, check=False, timeout=20,
                          cwd=directory, env=dict(os.environ, HOME=str(directory)))
    assert done.stderr == "" and done.returncode == 0, done.stderr
    # Of --name=VALUE fish offers all of it.
    return {each.split("\t")[0].rstrip("=").rpartition("=")[2] for each in done.stdout.splitlines()}


def read_until(master, path, word):
    """Reads the terminal's output, so that the shell never blocks, until the file contains the word."""
    end = time.monotonic() + 20
    while not (path.exists() and word in path.read_text().split("\n")):
        assert time.monotonic() < end, f"zsh never said {word}"
        if select.select([master], [], [], 0.05)[0]:
            os.read(master, 65536)


def zsh(line, directory):
    functions, out, setup = directory / "functions", directory / "out", directory / "setup"
    functions.mkdir(exist_ok=True)
    shutil.copy(TOP / "src/ctl/completions/portcullis.zsh", functions / "_portcullis")
    setup.write_text(ZSH)
    out.unlink(missing_ok=True)
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(directory)
        os.execvpe("zsh", ["zsh", "-f", "-i"], dict(os.environ, TERM="dumb", ZDOTDIR=str(directory)))
    try:
        os.write(master, f"source {setup} {functions} {out}\n".encode())
        read_until(master, out, "READY")
        os.write(master, line.encode() + b"\x18")
        read_until(master, out, "DONE")
    finally:
        os.close(master)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    # compadd gets options with what stands behind them.
    return {each.rstrip("=-") if each.endswith("=") else each for each in out.read_text().split("\n")} - {"READY", "DONE", ""}


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}


@pytest.fixture(params=SHELLS)
def offers(request, tmp_path):
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param}")
    (tmp_path / "home.ovpn").write_text("client\n")
    (tmp_path / "letter.txt").write_text("\n")
    (tmp_path / "folder").mkdir()
    return lambda line: SHELLS[request.param](line, tmp_path)


def test_they_are_what_help_says():
    done = subprocess.run([sys.executable, "-B", TOP / "src/ctl/completions/generate.py", BUILD, "--check"],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stale_one_is_noticed(tmp_path):
    shutil.copytree(TOP / "src/ctl/completions", tmp_path / "completions")
    with open(tmp_path / "completions/portcullis.fish", "a", encoding="utf-8") as file:
        file.write("\n")
    done = subprocess.run([sys.executable, "-B", tmp_path / "completions/generate.py", BUILD, "--check"], capture_output=True,
                          text=True, check=False, timeout=60)
    assert done.returncode == 1 and "portcullis.fish is not what --help says" in done.stdout


def test_commands(offers):
    assert offers("portcullis ") == set(commands())
    assert offers("portcullis re") == {word for word in commands() if word.startswith("re")} != set()
    assert offers("portcullis -s /tmp/control.sock sta") == {"status"}
    assert offers("portcullis help pa") == {"pause"}


@pytest.mark.parametrize("command", [word for word in commands() if word != "help"])
def test_every_option(offers, command):
    offered = offers(f"portcullis {command} -")
    long = {word for word in options(command) | {"--help"} if word.startswith("--")}
    assert long <= offered or long <= offered | offers(f"portcullis {command} --"), command
    assert not offered - options(command) - {"-h", "--help"}, command


def test_values(offers):
    assert offers("portcullis rules --state ") == STATES
    assert offers("portcullis rules --state=") == STATES
    assert offers("portcullis rules --backend=p") == {"pf"}
    assert offers("portcullis rules -b ") == BACKENDS
    assert "lo" in offers("portcullis rules --interface ")
    assert "root" in offers("portcullis rules --user ro")
    assert "root" in offers("portcullis rules --group ro")
    assert offers("portcullis rules --remote ") == set()
    # The value is over: options again.
    assert "--backend" in offers("portcullis rules --state locked --b")


def test_files(offers):
    for command in ("import", "check", "enable"):
        offered = {word.rstrip("/") for word in offers(f"portcullis {command} ")}
        assert {"home.ovpn", "folder"} <= offered and "letter.txt" not in offered, command
    offered = {word.rstrip("/") for word in offers("portcullis import --to ")}
    assert "folder" in offered and "home.ovpn" not in offered
    assert "letter.txt" in offers("portcullis check --config l")
    # A name of one's own choice: nothing to offer.
    assert offers("portcullis import home.ovpn ") == set()


def test_the_daemon(offers):
    assert {"-d", "-n", "-L", "-c", "--version", "--help"} <= offers("portcullisd -") | offers("portcullisd --")
    assert "letter.txt" in offers("portcullisd -c l")


# --- names that others chose: of files, folders, links

HOSTILE_FILES = ["x$(id>owned).ovpn", "y`id>owned`.ovpn", "z b;id>owned;.ovpn", "w\n$(id>owned).ovpn", "v'$(id>owned)'.ovpn",
                 "u\"$(id>owned)\".ovpn", "t\\$(id>owned).ovpn"]
HOSTILE_LINKS = ["x$(id>owned)", "y`id>owned`", "z;id>owned;#"]
STUB = """#!/bin/sh
for last; do :; done
printf '%s' "$last" >"$HOME/said.new"
mv "$HOME/said.new" "$HOME/said"
"""
BEGIN = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"], "fish": ["fish", "--no-config", "-i"]}
LOAD = {"bash": f"PS1=; PATH=$HOME/bin:$PATH; source {TOP}/src/ctl/completions/portcullis.bash; touch ready",
        "zsh": "PROMPT=; unsetopt beep; PATH=$HOME/bin:$PATH; fpath=($HOME/functions $fpath); autoload -Uz compinit; "
               "compinit -u -D; touch ready",
        "fish": f"set PATH $HOME/bin $PATH; source {TOP}/src/ctl/completions/portcullis.fish; touch ready"}


def talk(master, path):
    """Reads the terminal's output until the file exists."""
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        if select.select([master], [], [], 0.02)[0]:
            os.read(master, 65536)


def typed(shell, home, lines):
    """What the stub in place of portcullis was given, for each line typed with a TAB and Enter behind it."""
    (home / "bin").mkdir()
    (home / "bin/portcullis").write_text(STUB)
    (home / "bin/portcullis").chmod(0o755)
    (home / "functions").mkdir()
    shutil.copy(TOP / "src/ctl/completions/portcullis.zsh", home / "functions/_portcullis")
    said_file, given = home / "said", []
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(home)
        os.execvpe(BEGIN[shell][0], BEGIN[shell], dict(os.environ, TERM="dumb", HOME=str(home), ZDOTDIR=str(home)))
    try:
        os.write(master, f"{LOAD[shell]}\n".encode())
        talk(master, home / "ready")
        for line in lines:
            said_file.unlink(missing_ok=True)
            os.write(master, f"{line}\t\r".encode())
            talk(master, said_file)
            given.append(said_file.read_text())
    finally:
        os.close(master)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return given


@pytest.fixture(params=SHELLS)
def shell(request):
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param}")
    return request.param


def test_a_name_is_expanded_where_nobody_takes_care(tmp_path):
    """The control: what the same names do in a list of words."""
    subprocess.run(["bash", "-c", "compgen -W 'x$(id>owned)' -- x"], cwd=tmp_path, check=True, capture_output=True, timeout=20)
    assert (tmp_path / "owned").exists()


def test_hostile_files(shell, tmp_path):
    """A file's name is completed whole and quoted, or not at all; nothing in it runs, with TAB or Enter."""
    for name in HOSTILE_FILES:
        (tmp_path / name).write_text("client\n")
    given = typed(shell, tmp_path, [f"portcullis check {name[0]}" for name in HOSTILE_FILES])
    assert not list(tmp_path.rglob("owned*")), given
    assert given[0] == HOSTILE_FILES[0], "control: the stub is given a completed name"


def test_hostile_links_where_namespaces_can_be_made(shell, tmp_path):
    """The same for the names of links, and of folders of profiles."""
    inner = tmp_path / "inner.py"
    made = ["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-n", "-m", "sh", "-c",
            "mount -t sysfs none /sys && for name; do ip link add name \"$name\" type veth || exit 9; done; exec \"$0\" -B \"$INNER\"",
            sys.executable, *HOSTILE_LINKS]
    inner.write_text("import pathlib, sys\n"
                     f"sys.path.insert(0, {str(TOP / 'tests/arch')!r})\n"
                     "import test_completion as it\n"
                     f"given = it.typed({shell!r}, pathlib.Path({str(tmp_path)!r}),\n"
                     "                 [f'portcullis rules --link {name[0]}' for name in it.HOSTILE_LINKS])\n"
                     "print(given)\n")
    done = subprocess.run(made, env=dict(os.environ, INNER=str(inner), PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"),
                          capture_output=True, text=True, check=False, timeout=60)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no namespace can be made: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("owned*")), done.stdout
    assert ast.literal_eval(done.stdout)[0] in ("x", HOSTILE_LINKS[0]), "control: the stub was called"
