# SPDX-License-Identifier: BSD-3-Clause
# A back-end that stays away for longer than commands are held: what hosts that are there, and hosts that come, see by each policy
# (after_hold), which a reload changes under them.
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
. ./tgt.sh
# policy NAME: a reload that changes nothing else.
policy() {
	san_config live -e 's|"hold_seconds": 2|"hold_seconds": 2, "after_hold": "'"$1"'", "fence_ms": 500, "settings": { "nop_interval_ms": "500", "nop_timeout_ms": "60000" }|'
}
away() { shown backends '.backends[0].paths | length > 0 and all(.outage_ms > 0)'; }
# soon CASE MS COMMAND...: it takes no longer, and what the machine adds.
soon() {
	soon_name=$1 soon_ms=$2 soon_start=$(clock_ms)
	shift 2
	expect "$soon_name" "$@"
	took_ms=$(($(clock_ms) - soon_start))
	at_least "$soon_name: it is soon, $took_ms ms" $((soon_ms + slack_ms)) $took_ms
}

san_up || {
	bad "tgtd" "$(tail -n 3 "$tmp/tgtd.log")"
	exit 0
}
policy busy
true_of "start" daemon_start "$tmp/live.json"
background "$tmp/load" "$client" load 2 2
if wait_for 30 grep -q working "$tmp/load"; then ok; else bad "load" "$(cat "$tmp/load")"; fi

start=$(clock_ms)
expect "a host logs in" 0 '' "$host" --initiator-ext 00000000000000b0 login
slack_from "$start"

# Stopped: the sessions stand, and are silent.
kill -STOP "$tgtd"
waits "stopped: the paths are silent" 20 shown backends '.backends[0].paths | length > 0 and all(.silent and .state == "up")'
kill -CONT "$tgtd"
waits "continued: they are heard" 20 shown backends '.backends[0].paths | all(.silent | not)'

# Dead, with busy: the hosts that are there get BUSY and stay; one that comes is told that its disk is not ready.
san_down
waits "dead: the paths are away" 20 away
soon "busy: a host logs in all the same" 5000 0 '' "$host" --initiator-ext 00000000000000b1 login
soon "busy: its disk is not ready" 7000 1 '02/04/0c' "$host" --initiator-ext 00000000000000b1 read --length 4K --file /dev/null
waits "busy: the others get BUSY" 15 shown sessions '[.sessions[].io.busy_total] | add > 0'
san_up || bad "tgtd" "it does not start again: $(tail -n 3 "$tmp/tgtd.log")"
waits "back: the paths are up" 30 shown backends '.backends[0].paths | length > 0 and all(.outage_ms == 0)'
before=$(json sessions '[.sessions[].io | .reads_total + .writes_total] | add')
waits "back: the hosts go on" 30 shown sessions "([.sessions[].io | .reads_total + .writes_total] | add) > $before + 50"

# A reload changes the policy, and no session.
sessions=$(json sessions '[.sessions[].id] | sort | join(" ")')
policy fail
true_of "reload" "$ctl" reload
is "reload: the policy" "$(json backends '.backends[0].after_hold')" fail
is "reload: the sessions live" "$(json sessions '[.sessions[].id] | sort | join(" ")')" "$sessions"
kill "$job"
status=0
wait "$job" || status=$?
is "nothing was mixed up" "$status" 0
san_down
soon "fail: a disk is not ready" 7000 1 '02/04/0c' "$host" --initiator-ext 00000000000000b1 read --length 4K --file /dev/null
san_up || bad "tgtd" "it does not start again: $(tail -n 3 "$tmp/tgtd.log")"

# disconnect: a login waits for the back-end, is refused when it stays away, and accepted when it comes.
policy disconnect
true_of "reload" "$ctl" reload
san_down
soon "disconnect: a login is refused" 5000 1 '0x00010001|insufficient|refused' "$host" --initiator-ext 00000000000000b2 login
# It is there, but says nothing before it is told to: a login waits three seconds only, and tgtd's start may take longer.
san_up || bad "tgtd" "it does not start again: $(tail -n 3 "$tmp/tgtd.log")"
kill -STOP "$tgtd"
background "$tmp/late" "$host" --initiator-ext 00000000000000b3 login
waits "disconnect: the login waits" 5 away
kill -CONT "$tgtd"
status=0
wait "$job" || status=$?
is "disconnect: a login that found the back-end on its return" "$status" 0
is "no protocol error" "$(json status .logins.protocol_errors_total)" 0
daemon_stop TERM || bad "stop" "exit status $?"
no_findings
