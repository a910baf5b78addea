# bash completion for portcullis(8) and portcullisd(8).
# Generated from --help by src/ctl/completions/generate.py; see there.
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

_portcullis_commands='status watch up down reconnect pause resume reload login off rules log portal import check doctor selftest enable confirm disable help'

# What a command takes, one a line: option WORD, value WORD=KIND, optional WORD=KIND (only behind an =), operand KIND.
_portcullis_takes()
{
	case $1 in
	status)
		printf '%s\t%s\n' \
			option '--json' \
			option '-w' \
			option '--wait' \
			value '-w=30s 5m 15m 1h' \
			value '--wait=30s 5m 15m 1h' \
			option '-h' \
			option '--help'
		;;
	watch)
		printf '%s\t%s\n' \
			option '--json' \
			option '-h' \
			option '--help'
		;;
	up)
		printf '%s\t%s\n' \
			option '-w' \
			option '--wait' \
			optional '--wait=30s 5m 15m 1h' \
			option '-h' \
			option '--help'
		;;
	down)
		printf '%s\t%s\n' \
			option '-w' \
			option '--wait' \
			optional '--wait=30s 5m 15m 1h' \
			option '-h' \
			option '--help'
		;;
	reconnect)
		printf '%s\t%s\n' \
			option '-w' \
			option '--wait' \
			optional '--wait=30s 5m 15m 1h' \
			option '-h' \
			option '--help'
		;;
	pause)
		printf '%s\t%s\n' \
			option '-h' \
			option '--help' \
			operand '5m 15m 1h'
		;;
	resume)
		printf '%s\t%s\n' \
			option '-h' \
			option '--help'
		;;
	reload)
		printf '%s\t%s\n' \
			option '-h' \
			option '--help'
		;;
	login)
		printf '%s\t%s\n' \
			option '-h' \
			option '--help'
		;;
	off)
		printf '%s\t%s\n' \
			option '--offline' \
			option '--persist' \
			option '-h' \
			option '--help'
		;;
	rules)
		printf '%s\t%s\n' \
			option '-b' \
			option '--backend' \
			value '-b=nft pf ipfw' \
			value '--backend=nft pf ipfw' \
			option '--state' \
			value '--state=locked dialling open' \
			option '-r' \
			option '--remote' \
			value '-r=' \
			value '--remote=' \
			option '-i' \
			option '--interface' \
			value '-i=@link' \
			value '--interface=@link' \
			option '--tunnel-address' \
			value '--tunnel-address=' \
			option '--tunnel-network' \
			value '--tunnel-network=' \
			option '-l' \
			option '--link' \
			value '-l=@link' \
			value '--link=@link' \
			option '--neighbour' \
			value '--neighbour=' \
			option '--lan' \
			option '--gateway' \
			value '--gateway=@link' \
			option '-g' \
			option '--group' \
			value '-g=@group' \
			value '--group=@group' \
			option '-u' \
			option '--user' \
			value '-u=@user' \
			value '--user=@user' \
			option '--dhcp-user' \
			value '--dhcp-user=@user' \
			option '--portal-group' \
			value '--portal-group=@group' \
			option '--tunnel-index' \
			value '--tunnel-index=' \
			option '-h' \
			option '--help'
		;;
	log)
		printf '%s\t%s\n' \
			option '-f' \
			option '--follow' \
			option '-n' \
			option '--lines' \
			value '-n=' \
			value '--lines=' \
			option '-h' \
			option '--help'
		;;
	portal)
		printf '%s\t%s\n' \
			option '--any' \
			option '--for' \
			value '--for=30s 5m 15m 1h' \
			option '-u' \
			option '--user' \
			value '-u=@user' \
			value '--user=@user' \
			option '--end' \
			option '--probe' \
			option '-h' \
			option '--help' \
			operand '@command'
		;;
	import)
		printf '%s\t%s\n' \
			option '--to' \
			value '--to=@directory' \
			option '--tunnelblick' \
			optional '--tunnelblick=@directory' \
			option '-h' \
			option '--help' \
			operand '@ovpn' \
			operand ''
		;;
	check)
		printf '%s\t%s\n' \
			option '-c' \
			option '--config' \
			value '-c=@file' \
			value '--config=@file' \
			option '-h' \
			option '--help' \
			operand '@ovpn'
		;;
	doctor)
		printf '%s\t%s\n' \
			option '-c' \
			option '--config' \
			value '-c=@file' \
			value '--config=@file' \
			option '--json' \
			option '-h' \
			option '--help'
		;;
	selftest)
		printf '%s\t%s\n' \
			option '--lock' \
			option '--openvpn-group' \
			value '--openvpn-group=@group' \
			option '-h' \
			option '--help'
		;;
	enable)
		printf '%s\t%s\n' \
			option '--confirm' \
			value '--confirm=30s 5m 15m 1h' \
			option '--remote' \
			option '-h' \
			option '--help' \
			operand '@profile'
		;;
	confirm)
		printf '%s\t%s\n' \
			option '-h' \
			option '--help'
		;;
	disable)
		printf '%s\t%s\n' \
			option '--purge' \
			option '--unconfirmed' \
			option '-h' \
			option '--help'
		;;
	help)
		printf '%s\t%s\n' \
			option '-h' \
			option '--help' \
			operand '@command'
		;;
	portcullisd)
		printf '%s\t%s\n' \
			option '-d' \
			option '-n' \
			option '-L' \
			option '-c' \
			value '-c=@file' \
			option '--version' \
			option '--help'
		;;
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
		_portcullis_options "$current" -s -V --version -h --help
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
