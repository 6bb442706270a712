# SPDX-License-Identifier: BSD-3-Clause
# An iSCSI back-end that stops answering, dies and comes back while hosts write and compare: nothing is lost, nothing is mixed up, and
# the sessions of the hosts live on. And an end of srpgwd while commands are at a back-end that does not answer.
# builds: address thread
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
. ./tgt.sh
busy_total() { json sessions '[.sessions[].io | .reads_total + .writes_total] | add // 0'; }
# goes_on CASE: commands are answered.
goes_on() {
	before=$(busy_total)
	waits "$1" 30 shown sessions "([.sessions[].io | .reads_total + .writes_total] | add // 0) > $before + 50"
}
paths_are() { shown backends "[.backends[].paths[].state == \"up\"] | (length > 0 and (all == $1 or any == $1))"; }

san_up || {
	bad "tgtd" "$(tail -n 3 "$tmp/tgtd.log")"
	exit 0
}
san_config live -e 's|"hold_seconds": 2|"hold_seconds": 3, "fence_ms": 500, "settings": { "nop_interval_ms": "500", "nop_timeout_ms": "500" }|'
true_of "start" daemon_start "$tmp/live.json"
background "$tmp/load" "$client" load 4 4
if wait_for 30 grep -q working "$tmp/load"; then ok; else bad "load" "$(cat "$tmp/load")"; fi

# It stops answering for a moment: the sign of life fails, the sessions are given up, and are there again when it goes on.
kill -STOP "$tgtd"
waits "stopped: the paths are down" 15 paths_are false
kill -CONT "$tgtd"
waits "continued: the paths are up" 30 paths_are true
goes_on "continued: the hosts go on"

# It dies, stays away longer than commands are held, and is started anew.
san_down
waits "killed: the paths are down" 15 paths_are false
if "$ctl" backends | grep -q "127.0.0.1:$san_port"; then ok; else bad "killed" "the status does not say where: $("$ctl" backends)"; fi
waits "killed: the hosts get BUSY" 15 shown sessions '[.sessions[].io.busy_total] | add > 0'
is "killed: the sessions of the hosts live" "$(json sessions '.sessions | length')" 4
san_up || bad "tgtd" "it does not start again: $(tail -n 3 "$tmp/tgtd.log")"
waits "started again: the paths are up" 30 paths_are true
goes_on "started again: the hosts go on"

kill "$job"
status=0
wait "$job" || status=$?
if [ "$status" -eq 0 ] && grep -q '4 hosts, .* [1-9][0-9]* repeated' "$tmp/load"; then
	ok
else
	bad "what was compared" "exit status $status: $(cat "$tmp/load")"
fi
is "no protocol error" "$(json status .logins.protocol_errors_total)" 0

# Told to stop while commands are at a back-end that does not answer: soon all the same.
background "$tmp/load" "$client" load 2 4
if wait_for 30 grep -q working "$tmp/load"; then ok; else bad "load" "$(cat "$tmp/load")"; fi
kill -STOP "$tgtd"
waits "commands are stuck" 15 shown backends '[.backends[].paths[].n_outstanding] | add > 0'
start=$(date +%s%N)
status=0
daemon_stop TERM || status=$?
took_ms=$((($(date +%s%N) - start) / 1000000))
is "SIGTERM while the back-end is stopped" "$status" 0
at_least "it is soon: $took_ms ms" 5000 $took_ms
kill "$job" 2>/dev/null
no_findings
