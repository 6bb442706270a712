# SPDX-License-Identifier: BSD-3-Clause
# Caps of hosts and LUNs, and the depth of a back-end, with real hosts: judged by what they did in some seconds, and changed by reload under
# them.
# builds: plain
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
reload() { expect "$1" 0 'in force' "$ctl" reload; }
perf() { background "$tmp/perf.$1" "$host" --quiet --json --initiator-ext "00000000000000$1" --seconds "$2" --bs "$3" --depth "$4" perf; }
# near CASE VALUE WANT PERCENT
near() {
	if [ $(($2 * 100)) -ge $(($3 * (100 - $4))) ] && [ $(($2 * 100)) -le $(($3 * (100 + $4))) ]; then
		ok
	else
		bad "$1" "$2 instead of $3, within $4 %"
	fi
}
rate_of() { jq -r '.iops | floor' "$tmp/perf.$1"; }
# both SECONDS BS DEPTH_A DEPTH_B: two hosts at once; their rates in $a and $b.
both() {
	perf aa "$1" "$2" "$3"
	first=$job
	perf bb "$1" "$2" "$4"
	second=$job
	for pid in $first $second; do
		status=0
		wait "$pid" || status=$?
		is "a host's exit status" "$status" 0
	done
	a=$(rate_of aa) b=$(rate_of bb)
}

live_config live -e 's|"initiators": \[|"iops": 300, &|'
true_of "start" daemon_start "$tmp/live.json"
# The first 100 ms of a rate are saved and go at once.
both 5 4k 32 2
near "iops of the first host" "$a" 306 10
near "iops of the second host" "$b" 306 10

# Other limits while a third host works all the time.
perf cc 60 4k 1
steady=$job
waits "it works" 10 shown sessions '(.sessions | length) == 1 and ([.sessions[].io.reads_total] | add) > 10'
session=$(json sessions '.sessions[].id')
live_config live -e 's|"initiators": \[|"bytes_per_second": "4M", &|'
reload "bytes per second"
both 4 64k 16 1
near "bytes per second of the first host" "$a" $((64 + 2)) 10
near "bytes per second of the second host" "$b" $((64 + 2)) 10

live_config live -e 's|"backend_lun": 0|&, "iops": 900|'
reload "iops of the LUN"
is "it is in the status" "$(json status '.targets[0].groups[0].luns[0].limits.iops')" 900
before=$(json sessions ".sessions[] | select(.id == $session) | .io.reads_total") start=$(date +%s%N)
both 4 4k 32 16
ms=$((($(date +%s%N) - start) / 1000000))
after=$(json sessions ".sessions[] | select(.id == $session) | .io.reads_total")
# Three hosts share it: all that was done from before the two logged in until after they had gone, when the third had it all.
done=$(($(jq .commands "$tmp/perf.aa") + $(jq .commands "$tmp/perf.bb") + after - before))
near "iops of the LUN, of three hosts" $((done * 1000 / ms)) 920 10
near "the parts of two hosts" "$a" "$b" 25

live_config live -e 's|"mem:16M"|&, "queue_depth": 2|'
reload "the depth of the back-end"
is "it is in the status" "$(json backends '.backends[0].queue_depth')" 2
both 3 4k 32 4
at_least "the first host works" "$a" 100
at_least "the second host works" "$b" 100
is "no limit was passed" "$(json backends '.backends[0].queue_depth_used <= 2')" true

live_config live
reload "no limit"
waits "the depth is not used any more" 10 shown backends '.backends[0].queue_depth_used == 0'
is "the session is the same" "$(json sessions '.sessions[].id')" "$session"
is "commands waited for limits" "$(json backends '([.backends[0].paths[].limited_total] | add) > 100')" true
kill "$steady"
wait "$steady" 2>/dev/null
status=0
daemon_stop TERM || status=$?
is "SIGTERM" "$status" 0
