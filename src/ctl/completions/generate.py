"""Writes the completions of bash, zsh and fish from what `--help` says; `--check` compares and writes nothing.

    src/ctl/completions/generate.py BUILD [--check]
"""
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# What stands for a value in --help, and what completes it: words, or one of the kinds below. A name that is not here is
# a mistake of whoever wrote a new option: nothing is guessed.
VALUES = {
    "NAME": {"backend": "nft pf ipfw", "interface": "@link", "link": "@link", "gateway": "@link", "dhcp-user": "@user"},
    "STATE": "locked dialling open", "ENDPOINT": "", "ADDR": "", "NET/LEN": "", "GROUP": "@group", "USER": "@user", "N": "",
    "FILE": "@file", "DIRECTORY": "@directory", "ROOT": "@directory", "DURATION": "30s 5m 15m 1h", "SOCKET": "@file",
}
OPERANDS = {
    "DURATION": "5m 15m 1h", "FILE.ovpn": "@ovpn", "COMMAND": "@command", "NAME": "",
    "PROFILE": {"import": "@ovpn", "enable": "@profile"},
}


class Option:
    def __init__(self, letter, name, value, optional, text):
        self.letter, self.name, self.value, self.optional, self.text = letter, name, value, optional, text

    def words(self):
        return [word for word in (self.letter and f"-{self.letter}", self.name and f"--{self.name}") if word]


def said(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=20).stdout


def kind(table, value, owner):
    """What completes a value: "" nothing, "@kind", or words."""
    found = table[value]
    return found[owner] if isinstance(found, dict) else found


def options(text):
    found = []
    for letter, name, optional, value, told in re.findall(
            r"^  (?:-(\w), )?--([\w-]+)(?:(\[=)?[ ]?([A-Z/]+)\]?)?  +(\S.*)$", text, re.M):
        found.append(Option(letter, name, kind(VALUES, value, name) if value else None, bool(optional), told))
    return found


def commands(build):
    """[(name, operands' kinds, summary, options)]"""
    found = []
    for name, operands, summary in re.findall(r"^  ([a-z]+) {1,10}((?:\[?[A-Z][\w.]*\]? ?)*) +(\S.*)$", said(f"{build}/portcullis", "help"), re.M):
        kinds = [kind(OPERANDS, word.strip("[]"), name) for word in operands.split()]
        found.append((name, kinds, summary, [] if name == "help" else options(said(f"{build}/portcullis", name, "--help"))))
    assert len(found) > 12, found
    return found


def daemon_options(build):
    found = []
    for letter, value, text in re.findall(r"^  -(\w)( FILE)?  +(\S.*)$", said(f"{build}/portcullisd", "--help"), re.M):
        found.append(Option(letter, "", "@file" if value else None, False, text))
    assert len(found) >= 4
    return [*found, Option("", "version", None, False, "the version"), Option("", "help", None, False, "the options")]


GLOBAL = [Option("s", "", "@file", False, "the control socket"), Option("V", "version", None, False, "the version"),
          Option("h", "help", None, False, "the commands")]
HELP = Option("h", "help", None, False, "what it takes")
HEAD = "# Generated from --help by src/ctl/completions/generate.py; see there.\n"


# --- bash

BASH = r'''# bash completion for portcullis(8) and portcullisd(8).
HEAD
# Offers what stands on standard input, a name a line, and begins with $1. Links, users and profiles are named by
# others: a name is never expanded, and one that a shell would read as more than a word is left out.
_portcullis_names()
{
	local name
	while IFS= read -r name; do
		[[ $name == "$1"* && $name != -* && $name != *[!A-Za-z0-9._:@+-]* ]] && COMPREPLY+=("$name")
	done
}

# Offers what compgen finds; bash itself quotes what becomes part of the line.
_portcullis_files()
{
	local name
	compopt -o filenames 2>/dev/null
	while IFS= read -r name; do
		COMPREPLY+=("$name")
	done < <(compgen "$@")
}

_portcullis_in()
{
	local path
	for path in "$@"; do
		path=${path##*/}
		printf '%s\n' "${path%.ovpn}"
	done
}

# What completes $2 as a value of kind or words $1.
_portcullis_value()
{
	local IFS=$'\n'
	case $1 in
	@file) _portcullis_files -f -- "$2" ;;
	@directory) _portcullis_files -d -- "$2" ;;
	@ovpn | @profile)
		_portcullis_files -d -- "$2"
		_portcullis_files -f -X '!*.ovpn' -- "$2"
		_portcullis_files -f -X '!*.conf' -- "$2"
		[ "$1" = @ovpn ] || _portcullis_names "$2" < <(_portcullis_in /etc/portcullis/profiles/*.ovpn)
		;;
	@link) _portcullis_names "$2" < <(_portcullis_in /sys/class/net/*) ;;
	@user) _portcullis_names "$2" < <(compgen -u -- "$2") ;;
	@group) _portcullis_names "$2" < <(compgen -g -- "$2") ;;
	@command) _portcullis_names "$2" <<<"${_portcullis_commands// /$'\n'}" ;;
	*) _portcullis_names "$2" <<<"${1// /$'\n'}" ;;
	esac
}

_portcullis_commands='COMMANDS'

# What a command takes, one a line: option WORD, value WORD=KIND, optional WORD=KIND (only behind an =), operand KIND.
_portcullis_takes()
{
	case $1 in
TAKES
	esac
}

# Those of $2... that begin with $1.
_portcullis_options()
{
	local current=$1 word
	shift
	for word in "$@"; do
		[[ $word == "$current"* ]] && COMPREPLY+=("$word")
	done
}

_portcullis_walk()
{
	local current=$1 command=$2 words=() values=() optionals=() operands=() line position=0 word waiting= i
	shift 2
	while IFS=$'\t' read -r line word; do
		case $line in
		option) words+=("$word") ;;
		optional) optionals+=("$word") ;;
		value) values+=("$word") ;;
		operand) operands+=("$word") ;;
		esac
	done < <(_portcullis_takes "$command")
	for word in "$@"; do
		if [ -n "$waiting" ]; then
			waiting=
			continue
		fi
		case $word in
		-*) for i in "${values[@]}"; do [ "${i%%=*}" = "$word" ] && waiting=$i; done ;;
		*) position=$((position + 1)) ;;
		esac
	done
	if [ -n "$waiting" ]; then
		_portcullis_value "${waiting#*=}" "$current"
	elif [[ $current == --*=* ]]; then
		for i in "${values[@]}" "${optionals[@]}"; do
			if [ "${i%%=*}" = "${current%%=*}" ]; then
				_portcullis_value "${i#*=}" "${current#*=}"
				# Where = breaks no word, bash replaces all of it.
				[[ ${COMP_WORDBREAKS:-} == *=* ]] || COMPREPLY=("${COMPREPLY[@]/#/${current%%=*}=}")
			fi
		done
	elif [[ $current == -* ]]; then
		_portcullis_options "$current" "${words[@]}"
	elif [ $position -lt ${#operands[@]} ]; then
		_portcullis_value "${operands[position]}" "$current"
	fi
}

_portcullis()
{
	local line current command= before=() after=() word skip= words=() i
	COMPREPLY=()
	# --name=VALUE comes in three words where = breaks them.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [ "$word" = = ] && [ ${#words[@]} -gt 0 ]; then
			words[${#words[@]} - 1]+==
		elif [ ${#words[@]} -gt 0 ] && [[ ${words[${#words[@]} - 1]} == --*= ]] && [ "${COMP_WORDS[i - 1]}" = = ]; then
			words[${#words[@]} - 1]+=$word
		else
			words+=("$word")
		fi
	done
	current=${words[${#words[@]} - 1]}
	unset "words[${#words[@]} - 1]"
	for word in "${words[@]}"; do
		if [ -n "$command" ]; then
			after+=("$word")
		elif [ -n "$skip" ]; then
			skip=
		elif [ "$word" = -s ]; then
			skip=1
		elif [[ $word != -* ]]; then
			command=$word
		fi
	done
	if [ -n "$skip" ]; then
		_portcullis_value @file "$current"
	elif [ -n "$command" ]; then
		_portcullis_walk "$current" "$command" "${after[@]}"
	elif [[ $current == -* ]]; then
		_portcullis_options "$current" GLOBAL
	else
		_portcullis_value @command "$current"
	fi
}

_portcullisd()
{
	local words=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
	COMPREPLY=()
	_portcullis_walk "${COMP_WORDS[COMP_CWORD]}" portcullisd "${words[@]}"
}

complete -F _portcullis portcullis
complete -F _portcullisd portcullisd
'''


def bash_takes(name, operands, every):
    lines = [f"\t{name})", "\t\tprintf '%s\\t%s\\n' \\"]
    for option in every:
        lines += [f"\t\t\toption '{word}' \\" for word in option.words()]
        if option.value is not None and option.optional:
            lines.append(f"\t\t\toptional '--{option.name}={option.value}' \\")
        elif option.value is not None:
            lines += [f"\t\t\tvalue '{word}={option.value}' \\" for word in option.words()]
    lines += [f"\t\t\toperand '{each}' \\" for each in operands]
    return "\n".join(lines)[:-2] + "\n\t\t;;"


def bash(build):
    all_of = [*((name, operands, every + [HELP]) for name, operands, _, every in commands(build)),
              ("portcullisd", [], daemon_options(build))]
    text = BASH.replace("HEAD\n", HEAD).replace("GLOBAL", " ".join(word for option in GLOBAL for word in option.words()))
    text = text.replace("COMMANDS'", " ".join(name for name, *_ in commands(build)) + "'")
    return text.replace("TAKES", "\n".join(bash_takes(*each) for each in all_of))


# --- zsh

ZSH_KINDS = {"": " ", "@file": "_files", "@directory": "_files -/", "@ovpn": "_files -g '*.(ovpn|conf)(-.,-/)'",
             "@link": "_net_interfaces", "@user": "_users", "@group": "_groups", "@profile": "_portcullis_profiles",
             "@command": "_portcullis_commands"}


def zsh_action(value):
    return ZSH_KINDS[value] if value in ZSH_KINDS else "(" + value + ")"


def zsh_text(text):
    return re.sub(r"([\[\]:\\])", r"\\\1", text).replace("'", "'\\''")


def zsh_option(option):
    words = option.words()
    repeats = "*" if "repeatable" in option.text or "once a family" in option.text else ""
    apart = f"({' '.join(words)})" if len(words) > 1 and not repeats else ""
    value = ""
    if option.value is not None:
        action = zsh_action(option.value).replace("'", "'\\''")
        value = f"{'::' if option.optional else ':'}value:{action}"
    made = []
    for word in words:
        equals = ("=-" if option.optional else "=") if option.value is not None and word.startswith("--") else ""
        if option.optional and not word.startswith("--"):
            made.append(f"'{apart}{word}[{zsh_text(option.text)}]'")
        else:
            made.append(f"'{apart or repeats}{word}{equals}[{zsh_text(option.text)}]{value}'")
    return made


def zsh(build):
    every, lines = commands(build), []
    for name, operands, _, its in every:
        words = [word for option in its + [HELP] for word in zsh_option(option)]
        words += ["'{}:{}:{}'".format(number, "operand", zsh_action(each).replace("'", "'\\''")) for number, each in enumerate(operands, 1)]
        lines.append(f"\t{name})\n\t\t_arguments -s " + " \\\n\t\t    ".join(words) + "\n\t\t;;")
    daemon = " \\\n\t    ".join(word for option in daemon_options(build) for word in zsh_option(option))
    listed = "\n".join(f"\t    '{name}:{zsh_text(summary)}'" for name, _, summary, _ in every)
    return f"""#compdef portcullis portcullisd
# zsh completion for portcullis(8) and portcullisd(8).
{HEAD}
_portcullis_commands() {{
	local -a commands
	commands=(
{listed}
	)
	_describe -t commands command commands
}}

_portcullis_profiles() {{
	local -a profiles
	profiles=(/etc/portcullis/profiles/*.ovpn(N:t:r))
	_alternative 'profiles:imported profile:compadd -a profiles' 'files:profile:_files -g "*.(ovpn|conf)(-.,-/)"'
}}

_portcullis_takes() {{
	case $1 in
{chr(10).join(lines)}
	esac
}}

_portcullisd() {{
	_arguments -s {daemon}
}}

_portcullis() {{
	local curcontext=$curcontext state line
	local -A opt_args
	if [[ $service == portcullisd ]]; then
		_portcullisd
		return
	fi
	_arguments -C '-s[the control socket]:socket:_files' '(- *)'{{-V,--version}}'[the version]' \\
	    '(- *)'{{-h,--help}}'[the commands]' '1:command:_portcullis_commands' '*::argument:->argument' && return 0
	[[ $state == argument ]] && _portcullis_takes $line[1]
}}

_portcullis "$@"
"""


# --- fish

FISH_KINDS = {"@directory": "__fish_complete_directories", "@link": "__fish_print_interfaces", "@user": "__fish_complete_users",
              "@group": "__fish_complete_groups", "@profile": "__portcullis_profiles; __portcullis_files",
              "@ovpn": "__portcullis_files", "@command": "__portcullis_commands"}


def fish_quote(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish_value(value):
    """-r: a value must follow; files only where they are wanted."""
    if value == "@file":
        return " -r -F"
    words = f"({FISH_KINDS[value]})" if value in FISH_KINDS else value
    return " -x" + (f" -a {fish_quote(words)}" if words else "")


def fish_option(where, option):
    line = f"complete -c {where}"
    line += f" -s {option.letter}" if option.letter else ""
    line += f" -l {option.name}" if option.name else ""
    if option.value is not None:
        made = fish_value(option.value)
        line += made.replace(" -x", " -f").replace(" -r", "") if option.optional else made
    return f"{line} -d {fish_quote(option.text)}"


def fish(build):
    every = commands(build)
    lines = []
    for name, operands, summary, its in every:
        lines.append(f"complete -c portcullis -n __portcullis_needs_command -a {name} -d {fish_quote(summary)}")
        where = f"portcullis -n '__portcullis_is {name}'"
        lines += [fish_option(where, option) for option in its + [HELP]]
        for number, each in enumerate(operands):
            if each:
                words = f"({FISH_KINDS[each]})" if each in FISH_KINDS else each
                lines.append(f"complete -c portcullis -n '__portcullis_is {name} {number}' -a {fish_quote(words)}")
    lines += [fish_option("portcullis -n __portcullis_needs_command", option) for option in GLOBAL]
    lines += ["", "complete -c portcullisd -f", *(fish_option("portcullisd", option) for option in daemon_options(build))]
    named = " ".join(name for name, *_ in every)
    valued = sorted({word for _, _, _, its in every for option in its if option.value is not None and not option.optional
                     for word in option.words()} | {"-s"})
    return f"""# fish completion for portcullis(8) and portcullisd(8).
{HEAD}
function __portcullis_commands
	printf '%s\\n' {named}
end

function __portcullis_profiles
	for file in /etc/portcullis/profiles/*.ovpn
		basename $file .ovpn
	end
end

function __portcullis_files
	__fish_complete_path (commandline -ct) | string match -er '(\.(ovpn|conf)|/)(\t.*)?$'
end

# The words before the cursor that are neither options nor their values: the command, its operands.
function __portcullis_words
	set -l value 0
	for word in (commandline -opc)[2..-1]
		if test $value = 1
			set value 0
		else if contains -- $word {' '.join(valued)}
			set value 1
		else if not string match -q -- '-*' $word
			echo $word
		end
	end
end

function __portcullis_needs_command
	test (count (__portcullis_words)) -eq 0
end

# Is it this command, and, if a number is given, are so many operands there?
function __portcullis_is
	set -l words (__portcullis_words)
	test "$words[1]" = $argv[1]; or return 1
	test (count $argv) -lt 2; or test (count $words) -eq (math $argv[2] + 1)
end

complete -c portcullis -f
{chr(10).join(lines)}
"""


FILES = {"portcullis.bash": bash, "portcullis.zsh": zsh, "portcullis.fish": fish}


def main():
    build, checks, stale = sys.argv[1], "--check" in sys.argv, []
    for name, make in FILES.items():
        text, path = make(build), HERE / name
        if checks and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(name)
        elif not checks:
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"src/ctl/completions/{name} is not what --help says; instead: make completions")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
