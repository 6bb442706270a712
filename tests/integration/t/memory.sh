# SPDX-License-Identifier: BSD-3-Clause
# Resident memory of a daemon where nothing runs: of itself, of a channel of a host that has many, and of a host with one channel.
# Prints what it measured, and fails above the limits.
# builds: plain
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
daemon_limit_kib=40960
channel_limit_kib=64

# Under a sanitizer memory is another: shadow, red zones, a quarantine.
if nm "$srpgwd" 2>/dev/null | grep -q __asan_init; then
	skip "memory" "this build has a sanitizer"
	exit 0
fi

resident_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/$daemon/status"; }
n_channels() { "$ctl" sessions --json | jq '[.sessions[].channels | length] | add // 0'; }
are_channels() { [ "$(n_channels)" -eq "$1" ]; }

# measure WHAT HOSTS CHANNELS: what each channel of them needs in a daemon that just started.
measure() {
	what=$1 n=$(($2 * $3))
	if ! daemon_start "$tmp/live.json"; then
		bad "$what" "no start: $(tail -n 3 "$tmp/daemon.log")"
		return
	fi
	before=$(resident_kib)
	"$BUILD/tests/integration/idle-hosts" 127.0.0.1 "$port" "$2" "$3" >"$tmp/hosts" 2>"$tmp/hosts.err" &
	hosts=$!
	started="$started $hosts"
	wait_for 60 grep -q in "$tmp/hosts"
	# Before anything is asked for: a status document needs memory, too.
	grown=$(($(resident_kib) - before))
	if ! wait_for 10 are_channels "$n"; then
		bad "$what" "$(n_channels) of $n channels: $(tail -n 1 "$tmp/hosts.err")"
		return
	fi
	kill "$hosts"
	status=0
	wait "$hosts" || status=$?
	echo "  memory    $what: $((grown / n)) KiB resident per channel ($n channels: $grown KiB; limit $channel_limit_kib KiB)"
	if [ "$grown" -le $((n * channel_limit_kib)) ]; then ok; else bad "$what" "more than $channel_limit_kib KiB"; fi
	if [ "$status" -eq 0 ] && wait_for 10 are_channels 0; then
		ok
	else
		bad "$what" "the hosts did not log out ($status): $(tail -n 1 "$tmp/hosts.err")"
	fi
	daemon_stop TERM || bad "stop" "exit status $?"
}

# Four reactors, as on a larger machine.
live_config live -e 's|"reactors": 2|"reactors": 4|'
if ! daemon_start "$tmp/live.json"; then
	bad "start" "$(tail -n 3 "$tmp/daemon.log")"
	exit 0
fi
idle=$(resident_kib)
echo "  memory    idle daemon: $idle KiB resident, with what it touched of its buffer pools (4 reactors; limit $daemon_limit_kib KiB beside the pools)"
if [ "$idle" -le "$daemon_limit_kib" ]; then ok; else bad "idle daemon" "$idle KiB"; fi
daemon_stop TERM || bad "stop" "exit status $?"
measure "channels of 4 hosts" 4 32
measure "128 hosts with one channel" 128 1
