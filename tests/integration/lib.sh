# SPDX-License-Identifier: BSD-3-Clause
# What the integration tests share: a scratch folder, cases that are counted, and clean-up of all that was started.
# shellcheck shell=sh disable=SC2034 # for the tests
set -u
srpgwd=$BUILD/sbin/srpgwd
srpgwctl=$BUILD/bin/srpgwctl
project=$(cd ../.. && pwd)
SRPGW_BRIDGE_DIR=$BUILD/bridges
ASAN_OPTIONS=detect_leaks=1:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1
export SRPGW_BRIDGE_DIR ASAN_OPTIONS UBSAN_OPTIONS
tmp=$(mktemp -d) || exit 2
started=''
test_name=$(basename "$0" .sh)

clean_up() {
	for pid in $started; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# ok CASE, bad CASE WHY, skip CASE WHY: count one case.
ok() { echo passed >>"$TALLY"; }
bad() {
	echo failed >>"$TALLY"
	echo "  FAILED    $test_name: $1: $2"
	[ ! -s "$tmp/out" ] || sed 's/^/    | /' "$tmp/out"
	[ ! -s "$tmp/err" ] || sed 's/^/    ! /' "$tmp/err"
}
skip() {
	echo skipped >>"$TALLY"
	echo "  skipped   $test_name: $1: $2"
}

# run STATUS COMMAND...: runs it with its output in $tmp/out and $tmp/err; false when the exit status is another.
run() {
	want_status=$1
	shift
	status=0
	timeout 30 "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
	[ "$status" -eq "$want_status" ]
}

# expect CASE STATUS PATTERN COMMAND...: the exit status, and a line of the output or the error output that matches (grep -E).
expect() {
	case_name=$1 want=$2 pattern=$3
	shift 3
	if ! run "$want" "$@"; then
		bad "$case_name" "exit status $status instead of $want"
	elif ! cat "$tmp/out" "$tmp/err" | grep -Eq -- "$pattern"; then
		bad "$case_name" "no line matches '$pattern'"
	else
		ok
	fi
}

# config NAME: $tmp/NAME.json from config/good/smallest.json with its folders below $tmp; further arguments go to sed.
config() {
	name=$1
	shift
	sed -e "s|/run/srpgw|$tmp/run|" "$@" config/good/smallest.json >"$tmp/$name.json"
}
