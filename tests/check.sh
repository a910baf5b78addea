#!/bin/sh
# Every step of the check, one after the other, one of them beside others; a table of them with seconds at the end.
# A step's output is shown when it fails, and kept in build/check/STEP.log; the tests that failed are named at the end.
set -u
cd "$(dirname "$0")/.."
logs=${BUILD:-build}/check
mkdir -p "$logs"
passed=0 failed=0
table='' named=''

run() {
	name=$1
	shift
	printf '%-14s ' "$name"
	begun=$(date +%s)
	"$@" >"$logs/$name.log" 2>&1 </dev/null
	code=$?
	seconds=$(($(date +%s) - begun))
	tell
}
tell() {
	if [ "$code" -eq 0 ]; then
		word=passed
		passed=$((passed + 1))
	else
		word=FAILED
		failed=$((failed + 1))
	fi
	printf '%s after %d s\n' "$word" "$seconds"
	if [ "$word" = FAILED ]; then
		tail -n 60 "$logs/$name.log"
		# As pytest and cmocka name them.
		named="$named$(grep -aE '^(FAILED|ERROR) |^\[  FAILED  \] [a-z]' "$logs/$name.log" | sort -u | sed "s/^/$name: /")
"
	fi
	summary=$(grep -E '^(=+ )?[0-9]+ (passed|failed)|tests? passed' "$logs/$name.log" | tail -n 1)
	table="$table$(printf '%-14s %-6s %5d s  %s' "$name" "$word" "$seconds" "$summary")
"
}

# A step that keeps one processor busy for minutes, beside the steps from here to where it is waited for: none of them
# measures time. It is ended with this script, and all that it has started with it.
beside=''
run_beside() {
	name=$1
	shift
	rm -f "$logs/$name.took"
	setsid sh -c 'begun=$(date +%s) log=$1; shift; "$@" >"$log.log" 2>&1 </dev/null
		echo "$? $(($(date +%s) - begun))" >"$log.took"' sh "$logs/$name" "$@" &
	beside=$!
	trap 'kill -- "-$beside" 2>/dev/null' EXIT
	trap 'exit 130' HUP INT TERM
}
await_beside() {
	name=$1
	printf '%-14s ' "$name"
	wait "$beside"
	read -r code seconds <"$logs/$name.took" || code=1 seconds=0
	trap - EXIT
	tell
}

# This machine's own network: no step may leave a trace in it.
own_network() {
	for family in -4 -6; do
		ip "$family" rule show
		ip "$family" route show table all | sed 's/ expires [0-9]*sec//'
	done
	ip -o link show type tun
	nft list tables 2>/dev/null
}
own_network_is() {
	own_network | diff "$logs/own_network" -
}

make=${MAKE:-make}
jobs=-j$(getconf _NPROCESSORS_ONLN)
# Only Linux has namespaces, and tests that make networks.
[ "$(uname -s)" != Linux ] || own_network >"$logs/own_network"
# The matrices that are sampled are sampled anew each day; make check-e2e-whole and check-kill take all of them.
seed=${SEED:-$(date +%j | sed 's/^0*//')}
# A step named on the command line is run alone.
steps=${*:-gcc clang unit san tidy mutants cross fuzz begin-boot model arch format cppcheck man shell help pf ipfw property package boot e2e kill-sample bench}
for step in $steps; do
	case $step in
	gcc | clang | fuzz | san) run "$step" "$make" "$jobs" "check-$step" ;;
	e2e | kill-sample)
		echo "the next step's sample: SEED=$seed"
		run "$step" "$make" "check-$step" SEED="$seed"
		;;
	begin-boot) run_beside boot "$make" check-boot-once ;;
	boot)
		if [ -n "$beside" ]; then await_beside boot; else run boot "$make" check-boot-once; fi
		grep -E "^(without Portcullis|with Portcullis|multi-user)" "$logs/boot.log"
		;;
	cross) run cross "$make" "$jobs" cross ;;
	# Shown, not judged: other work on this machine must not fail a check. `make bench` judges.
	bench) run "$step" "$make" "$step" BENCH_OPTIONS=--report && sed -n '/^(/p' "$logs/bench.log" ;;
	*) run "$step" "$make" "check-$step" ;;
	esac
done
[ "$(uname -s)" != Linux ] || run own-network own_network_is

echo
printf '%s%s' "$named" "$table"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
