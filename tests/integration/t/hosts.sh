# SPDX-License-Identifier: BSD-3-Clause
# Hosts over user-space iWARP that do all that a host may: every form of data descriptor, immediate data, more commands than credits,
# ABORT TASK and LOGICAL UNIT RESET of what a back-end holds, and 200 sessions at once, each with data that is compared.
# builds: address thread
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
live_config live
true_of "start" daemon_start "$tmp/live.json"

# Forms of data; the gateway counts those that are seldom seen.
expect "tables" 0 '42 there and back' "$client" tables
expect "credits" 0 '400 done, request limit [0-9]+ again' "$client" credits

# 200 sessions at once.
background "$tmp/load" "$client" load 200 2
if wait_for 60 grep -q working "$tmp/load"; then ok; else bad "200 sessions" "$(cat "$tmp/load")"; fi
is "200 sessions" "$(json sessions '.sessions | length')" 200
is "each of them reads and writes" "$(json sessions '[.sessions[] | select(.io.reads_total > 0 and .io.writes_total > 0)] | length')" 200
is "on both reactors" "$(json status '[.reactors[] | select((.n_sessions // 0) >= 50)] | length')" 2
kill "$job"
status=0
wait "$job" || status=$?
if [ "$status" -eq 0 ] && grep -q '200 hosts' "$tmp/load"; then ok; else bad "200 sessions" "exit status $status: $(cat "$tmp/load")"; fi
waits "all have left" 10 shown sessions '.sessions == []'
is "no protocol error" "$(json status .logins.protocol_errors_total)" 0

# A back-end that holds reads: 8 are aborted, 8 are reset; then it works.
live_config live -e 's|mem:16M|fault:op=28,lose=command;mem:16M|'
expect "reload" 0 'in force' "$ctl" reload
expect "ABORT TASK" 0 '8 aborted' "$client" abort 8
expect "LOGICAL UNIT RESET" 0 '8 ended by a reset' "$client" reset 8
live_config live
expect "reload" 0 'in force' "$ctl" reload
expect "afterwards" 0 'as written' "$host" --quiet --length 1M verify

status=0
daemon_stop TERM || status=$?
is "SIGTERM" "$status" 0
no_findings
