# SPDX-License-Identifier: BSD-3-Clause
# Peers that waste the gateway's time (nothing, half an MPA request, a byte at a time, half an FPDU) are cut off after the stated time,
# and other hosts notice nothing.
# builds: address
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
live_config live
true_of "start" daemon_start "$tmp/live.json"
background "$tmp/load" "$client" load 2 4
if wait_for 30 grep -q working "$tmp/load"; then ok; else bad "load" "$(cat "$tmp/load")"; fi
expect "slow peers" 0 '^4 cut off' "$client" slow
waits "their session ends" 10 shown sessions '.sessions | length == 2'
kill "$job"
status=0
wait "$job" || status=$?
# A unit attention or two at the beginning are repeated.
if [ "$status" -eq 0 ] && grep -q '2 hosts, .* [0-9] repeated' "$tmp/load"; then ok; else bad "the others" "exit status $status: $(cat "$tmp/load")"; fi
status=0
daemon_stop TERM || status=$?
is "SIGTERM" "$status" 0
no_findings
