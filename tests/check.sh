#!/bin/sh
# Every step of the check, one after the other; a table of them with seconds at the end.
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
	begun=$(date +%s)
	printf '%-14s ' "$name"
	if "$@" >"$logs/$name.log" 2>&1 </dev/null; then
		word=passed
		passed=$((passed + 1))
	else
		word=FAILED
		failed=$((failed + 1))
	fi
	seconds=$(($(date +%s) - begun))
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
steps=${*:-gcc clang unit model san arch format tidy cppcheck man shell help pf ipfw property mutants cross fuzz e2e kill-sample package boot bench}
for step in $steps; do
	case $step in
	gcc | clang | fuzz | san) run "$step" "$make" "$jobs" "check-$step" ;;
	e2e | kill-sample)
		echo "the next step's sample: SEED=$seed"
		run "$step" "$make" "check-$step" SEED="$seed"
		;;
	boot) run boot "$make" check-boot-once && grep -E "^(without Portcullis|with Portcullis|multi-user)" "$logs/boot.log" ;;
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
