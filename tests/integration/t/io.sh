# SPDX-License-Identifier: BSD-3-Clause
# Hosts that log in over user-space iWARP: data, counters, access lists, a session that is kicked, LUNs that come by reload.
# builds: address thread
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh

live_config live -e 's|"mem:16M"|"mem:16M?luns=2"|'
daemon_start "$tmp/live.json" || {
	bad "start" "$(tail -n 3 "$tmp/daemon.log")"
	exit 0
}

# Data goes there and back, and is counted.
expect "login" 0 'target port +0000000000000001:0002c90300000001' "$host" login
expect "luns" 0 '^0 +disk' "$host" luns
expect "verify" 0 'as written' "$host" --quiet verify
is "nobody is left" "$(json sessions '.sessions | length')" 0
is "logins" "$(json status .logins.logins_accepted_total)" 3
# (Another login of the same initiator port would end this one's session.)
"$host" --quiet --initiator-ext 00000000000000aa --seconds 60 perf >"$tmp/perf" 2>&1 &
perf=$!
started="$started $perf"
if wait_for 10 sh -c "[ \"\$('$ctl' sessions --json | jq '[.sessions[].io.reads_total] | add // 0')\" -gt 100 ]"; then
	ok
else
	bad "reads are counted" "$(json sessions .)"
fi
at_least "bytes are counted" "$(json sessions '.sessions[0].io.read_bytes_total')" 409600
is "one channel" "$(json sessions '.sessions[0].channels | length')" 1
is "path" "$(json backends '.backends[0].state')" up
is "LUN" "$(json luns '.luns[0].backend')" ram
expect "sessions for people" 0 '^ *[0-9]+ +[0-9a-f]{32} +127\.0\.0\.1:' "$ctl" sessions

# What the summary promised is what the back-end sees.
id=$(json sessions '.sessions[0].i_port_id')
is "initiator name" "$(json backends '.backends[0].paths[0].initiator_name')" "iqn.2026-11.srpgw:live:$id"

# A LUN that comes by reload is there for new commands; the session goes on.
session=$(json sessions '.sessions[0].id')
live_config live -e 's|"mem:16M"|"mem:16M?luns=2"|' -e 's|"luns": \[|&{ "lun": 7, "backend": "ram", "backend_lun": 1 }, |'
expect "reload" 0 'in force' "$ctl" reload
is "the session stays" "$(json sessions '.sessions[0].id')" "$session"
expect "the new LUN" 0 '^7 +disk' "$host" luns

# Kicked: the host is told, and the rest goes on.
expect "kick" 0 'told to log out' "$ctl" kick "$session"
if wait_for 10 sh -c "[ \"\$('$ctl' sessions --json | jq '[.sessions[] | select(.id == $session)] | length')\" = 0 ]"; then
	ok
else
	bad "kick" "the session is still there"
fi
status=0
wait "$perf" || status=$?
if [ "$status" -ne 0 ]; then ok; else bad "kick" "the host did not notice"; fi
expect "another login" 0 'logged in' "$host" login

# Who is not named is refused, and counted.
live_config live -e 's|"\*"|"00000000000000aa*"|'
expect "reload of the access list" 0 'in force' "$ctl" reload
expect "refused" 1 '.' "$host" --initiator-ext 00000000000000bb login
expect "let in" 0 'logged in' "$host" --initiator-ext 00000000000000aa login
at_least "refusals are counted" "$(json status .logins.logins_refused_total)" 1
expect "unknown target" 1 '.' "$srpio" --fabric iwarp --target "127.0.0.1:$port" --id-ext 00000000000000ff --ioc-guid 0002c90300000001 \
	--initiator-ext 00000000000000aa login

# Stopping under load: in good order and soon.
"$host" --quiet --initiator-ext 00000000000000aa --seconds 60 perf >"$tmp/perf" 2>&1 &
perf=$!
started="$started $perf"
wait_for 10 sh -c "[ \"\$('$ctl' sessions --json | jq '.sessions | length')\" = 1 ]" || bad "load" "no session"
start=$(date +%s%N)
status=0
daemon_stop TERM || status=$?
is "SIGTERM under load" "$status" 0
took_ms=$((($(date +%s%N) - start) / 1000000))
at_least "it is soon: $took_ms ms" 5000 $took_ms
wait "$perf"
if grep -q 'Sanitizer' "$tmp/daemon.log"; then bad "sanitizer" "$(grep -A 20 Sanitizer "$tmp/daemon.log")"; else ok; fi
