# SPDX-License-Identifier: BSD-3-Clause
# The configuration changes while hosts write and compare: LUNs come and go, a back-end gets other settings, and so new sessions. Those
# whose LUN did not change notice nothing.
# builds: address thread
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
. ./tgt.sh
san_up || {
	bad "tgtd" "$(tail -n 3 "$tmp/tgtd.log")"
	exit 0
}
more='"ram": { "uri": "mem:16M" }'
san_live() { san_config live -e "s|\"ram\": {|\"san\": {|; s|\"backend\": \"ram\"|\"backend\": \"san\"|" "$@"; }
reload() { expect "$1" 0 'in force' "$ctl" reload; }
done_total() { json sessions '[.sessions[].io | .reads_total + .writes_total] | add // 0'; }
goes_on() {
	before=$(done_total)
	waits "$1: the hosts go on" 30 shown sessions "([.sessions[].io | .reads_total + .writes_total] | add // 0) > $before + 20"
}

san_live
true_of "start" daemon_start "$tmp/live.json"
background "$tmp/load" "$client" load 4 4
if wait_for 30 grep -q working "$tmp/load"; then ok; else bad "load" "$(cat "$tmp/load")"; fi
waits "all hosts have logged in" 30 shown sessions '(.sessions | length) == 4'
sessions=$(json sessions '[.sessions[].id] | sort')

for round in 1 2 3; do
	# A LUN of a new back-end comes; it holds data; it goes.
	san_live -e "s|\"backends\": {|&$more, |" -e 's|"luns": \[|&{ "lun": 5, "backend": "ram", "backend_lun": 0 }, |'
	reload "round $round: a LUN comes"
	expect "round $round: it is there" 0 'as written' "$host" --quiet --lun 5 --length 1M verify
	goes_on "round $round: a LUN came"
	san_live
	reload "round $round: it goes"
	expect "round $round: it is gone" 1 'LOGICAL UNIT NOT SUPPORTED|not supported|25/00' "$host" --quiet --lun 5 --length 1M verify
	goes_on "round $round: a LUN went"
	# The back-end's settings change: other sessions, the same disk.
	san_live -e "s|\"hold_seconds\"|\"settings\": { \"max_outstanding\": \"$((round + 2))\" }, \"hold_seconds\"|"
	reload "round $round: other settings"
	is "round $round: they are in force" "$(json backends '.backends[0].max_outstanding')" $((round + 2))
	goes_on "round $round: other settings"
done
# Other times only: nothing of a session changes.
ups=$(json backends '[.backends[].paths[].ups_total] | add')
san_live -e 's|"hold_seconds": 2|"hold_seconds": 7|' -e "s|\"hold_seconds\"|\"settings\": { \"max_outstanding\": \"5\" }, \"hold_seconds\"|"
reload "other times"
is "they are in force" "$(json backends '.backends[0].hold_ms')" 7000
is "the same sessions" "$(json backends '[.backends[].paths[].ups_total] | add')" "$ups"
# A mistake changes nothing.
cp "$tmp/live.json" "$tmp/good.json"
sed 's|"backend": "san"|"backend": "sun"|' "$tmp/good.json" >"$tmp/live.json"
expect "a mistake" 1 'live.json:[0-9]+:[0-9]+: .*sun' "$ctl" reload
goes_on "a mistake"

is "the sessions are the same" "$(json sessions '[.sessions[].id] | sort')" "$sessions"
kill "$job"
status=0
wait "$job" || status=$?
if [ "$status" -eq 0 ] && grep -q '4 hosts' "$tmp/load"; then ok; else bad "what was compared" "exit status $status: $(cat "$tmp/load")"; fi
is "no protocol error" "$(json status .logins.protocol_errors_total)" 0
status=0
daemon_stop TERM || status=$?
is "SIGTERM" "$status" 0
no_findings
