#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What a back-end told of its logical units is kept: a host that asks while it is away is answered from that, also by a gateway that was
# started again. And whatever is wrong with the state folder costs a warning and nothing else.
# builds: address thread
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
. ./tgt.sh
kept=$tmp/state/kept.json
# says NAME: what the disk says about itself, into $tmp/NAME.
says() {
	for says_page in '' 0 80 83; do
		run 0 "$host" --json --timeout 10 inquiry ${says_page:+--vpd "$says_page"} || return 1
		cat "$tmp/out"
	done >"$tmp/$1"
}
# same NAME: it says the same as before the outage.
same() { says same && diff "$tmp/before" "$tmp/same"; }
is_away() { shown backends '[.backends[].paths[].state == "up"] | any | not'; }
down_and_up() {
	daemon_stop TERM || bad "$1" "srpgwd ends with $?"
	true_of "$1: start" daemon_start "$tmp/live.json"
}

san_up || {
	bad "tgtd" "$(tail -n 3 "$tmp/tgtd.log")"
	exit 0
}
san_config live -e 's|"hold_seconds": 2|"hold_seconds": 1|'
true_of "start" daemon_start "$tmp/live.json"
start=$(clock_ms)
true_of "the disk says what it is" says before
slack_from "$start"
is "as tgtd says" "$(jq -rs '.[0].vendor' "$tmp/before")" IET
waits "it is in the state folder" 10 test -s "$kept"
is "for nobody else to read" "$(stat -c %a "$kept")" 600
if ! grep -q 127.0.0.1 "$kept"; then ok; else bad "kept" "the file tells the back-end's address"; fi

# Away: a host that logs in now finds its disk, at once.
san_down
start=$(clock_ms)
true_of "away: the same" same
took_ms=$(($(clock_ms) - start))
at_least "away: without being held, $took_ms ms" $((4000 + slack_ms)) $took_ms
# And after a start without it.
down_and_up "started again"
true_of "started again: the same" same
waits "started again: it is away" 10 is_away
# Another host may be shown something else: it is not answered with what this one was told.
expect "another host is not answered from it" 1 'NOT READY' "$host" --initiator-ext 00000000000000aa inquiry
# It is back: the back-end answers again.
san_up || bad "tgtd" "it does not start again: $(tail -n 3 "$tmp/tgtd.log")"
waits "back: the same from the back-end" 10 same
san_down

# A damaged file, one that another user could write, a folder that is none.
daemon_stop TERM || bad "stop" "srpgwd ends with $?"
head -c 300 "$kept" >"$tmp/cut" && cat "$tmp/cut" >"$kept"
true_of "damaged: start" daemon_start "$tmp/live.json"
true_of "damaged: a warning" said 'kept.json is not used: line .*; nothing need be done'
expect "damaged: login" 0 'logged in' "$host" login
san_up || bad "tgtd" "it does not start again: $(tail -n 3 "$tmp/tgtd.log")"
waits "damaged: from the back-end" 10 same
waits "damaged: written anew" 10 jq -e '.kept | length >= 4' "$kept"
daemon_stop TERM || bad "stop" "srpgwd ends with $?"
no_findings
: >"$tmp/daemon.log"
san_config live -e "s|$tmp/state|$tmp/none/state|"
true_of "no folder: start" daemon_start "$tmp/live.json"
waits "no folder: from the back-end" 10 same
is "no folder: one warning" "$(grep -c 'state_dir' "$tmp/daemon.log")" 1
status=0
daemon_stop TERM || status=$?
is "SIGTERM" "$status" 0
no_findings
