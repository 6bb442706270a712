# SPDX-License-Identifier: BSD-3-Clause
# What the integration tests share: a scratch folder, cases that are counted, and clean-up of all that was started.
# shellcheck shell=sh disable=SC2034 # for the tests
set -u
srpgwd=$BUILD/sbin/srpgwd
srpgwctl=$BUILD/bin/srpgwctl
srpio=$BUILD/bin/srpio
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

# is CASE VALUE WANT, at_least CASE NUMBER LEAST, true_of CASE COMMAND..., waits CASE SECONDS COMMAND...: count one case.
is() {
	if [ "$2" = "$3" ]; then ok; else bad "$1" "'$2' instead of '$3'"; fi
}
at_least() {
	if [ "$2" -ge "$3" ]; then ok; else bad "$1" "$2 is less than $3"; fi
}
true_of() {
	true_name=$1
	shift
	if "$@" >"$tmp/out" 2>"$tmp/err"; then ok; else bad "$true_name" "failed: $*"; fi
}
waits() {
	waits_name=$1 waits_s=$2
	shift 2
	if wait_for "$waits_s" "$@"; then ok; else bad "$waits_name" "not within $waits_s s: $*"; fi
}

# clock_ms; slack_from START_MS: sets $slack_ms, what a crowded machine may add to the times that are judged: four times as long as
# something ordinary took from START_MS until now.
clock_ms() { echo $(($(date +%s%N) / 1000000)); }
slack_from() { slack_ms=$((4 * ($(clock_ms) - $1))); }

# config NAME: $tmp/NAME.json from config/good/smallest.json with its folders below $tmp; further arguments go to sed.
config() {
	name=$1
	shift
	sed -e "s|\"/run/srpgw\"|\"$tmp/run\", \"state_dir\": \"$tmp/state\"|" "$@" config/good/smallest.json >"$tmp/$name.json"
}

# wait_for SECONDS COMMAND...: true as soon as the command succeeds.
wait_for() {
	until_ms=$(($(clock_ms) + $1 * 1000))
	shift
	until "$@" >"$tmp/out" 2>"$tmp/err"; do
		[ "$(clock_ms)" -lt "$until_ms" ] || return 1
		sleep 0.05
	done
}

# ---- a running daemon, over user-space iWARP on the loopback interface ----
# ports_from FIRST: four TCP ports in a row that nobody has, from there on.
ports_from() {
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port="$1" '
		{ n = split($2, a, ":"); taken[a[n]] = 1 }
		function is_taken(p) { return sprintf("%04X", p) in taken }
		END { while (is_taken(port) || is_taken(port + 1) || is_taken(port + 2) || is_taken(port + 3)) port += 4; print port }'
}
# Below those that the kernel gives to clients (from 32768 on), any of which may be in use at any time.
port=$(ports_from $((10000 + $$ % 5000 * 4)))

# live_config NAME [SED...]: $tmp/NAME.json for a daemon that can run here: a RAM disk, and two LUNs of it.
live_config() {
	live_name=$1
	shift
	sed -e "s|@TMP@|$tmp|; s|@PORT@|$port|" "$@" config/live.json >"$tmp/$live_name.json"
}

# A program, so that timeout and others can run it.
ctl=$tmp/ctl
# shellcheck disable=SC2016 # for the script that is written
printf '#!/bin/sh\nexec "%s" --runtime-dir "%s" "$@"\n' "$srpgwctl" "$tmp/run" >"$ctl"
chmod 700 "$ctl"

# json WHAT FILTER: srpgwctl WHAT --json through jq.
json() { "$ctl" "$1" --json | jq -r "$2"; }
# shown WHAT CONDITION: is this true of srpgwctl WHAT --json? For wait_for.
shown() { "$ctl" "$1" --json | jq -e "$2"; }
# said PATTERN: does a line of the daemon's log match?
said() { grep -Eq -- "$1" "$tmp/daemon.log"; }
# no_findings: no sanitizer found anything in the daemon.
no_findings() {
	if grep -q 'Sanitizer' "$tmp/daemon.log"; then bad "sanitizer" "$(grep -A 25 Sanitizer "$tmp/daemon.log")"; else ok; fi
}

# A host: srpio with its first arguments given.
host=$tmp/host
# shellcheck disable=SC2016
printf '#!/bin/sh\nexec "%s" --fabric iwarp --target 127.0.0.1:%s --id-ext 0000000000000001 --ioc-guid 0002c90300000001 "$@"\n' \
	"$srpio" "$port" >"$host"
chmod 700 "$host"

# client COMMAND...: hosts that do what srpio does not, see client.c.
# A program as the others, for timeout.
client=$tmp/client
# shellcheck disable=SC2016
printf '#!/bin/sh\nexec "%s" 127.0.0.1 %s "$@"\n' "$BUILD/tests/integration/client" "$port" >"$client"
chmod 700 "$client"

# daemon_start FILE: sets $daemon; true when it is ready.
daemon_start() {
	"$srpgwd" -c "$1" >>"$tmp/daemon.log" 2>&1 &
	daemon=$!
	started="$started $daemon"
	wait_for 20 "$ctl" status
}

# background FILE COMMAND...: sets $job; its output goes to FILE, and it does not outlive the test.
background() {
	bg_file=$1
	shift
	"$@" >"$bg_file" 2>&1 &
	job=$!
	started="$started $job"
}

# daemon_stop SIGNAL: its exit status.
daemon_stop() {
	kill "-$1" "$daemon"
	wait "$daemon"
}
