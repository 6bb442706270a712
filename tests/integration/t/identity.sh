# SPDX-License-Identifier: BSD-3-Clause
# Who hosts are at an iSCSI back-end: names before the first login, names of a group, one name for all; what is lost is said, and no session
# ends another.
# builds: address
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
. ./tgt.sh
san_up || {
	bad "tgtd" "$(tail -n 3 "$tmp/tgtd.log")"
	exit 0
}
# The hosts of client.c.
one=74657374000000000000000000000001 two=74657374000000000000000000000002
groups='"groups": [ { "name": "first", "initiators": [ "'$one'" ], @FIRST@ "luns": [ { "lun": 0, "backend": "ram", "backend_lun": 1 } ] } ], "initiators"'
identity() { san_config live -e "s|\"initiators\"|$groups|; s|@FIRST@|$1|; s|\"hold_seconds\"|$2 &|"; }
names() { adm --op show --mode conn --tid 1 | sed -n 's/.*Initiator: \([^ ]*\).*/\1/p' | sort -u; }
# Each of the three sessions came up once: nobody ended it.
undisturbed() {
	is "$1: sessions" "$(json backends '[.backends[0].paths[].ups_total]|join(" ")')" ""
	rm -f "$tmp/load"
	background "$tmp/load" "$client" load 3 2
	waits "$1: the hosts are in" 30 grep -q working "$tmp/load"
	waits "$1: their sessions are up" 10 shown backends '[.backends[0].paths[] | select(.state == "up")] | length == 3'
	names >"$tmp/names"
	json backends '[.backends[0].paths[] | .ups_total, .downs_total] | join(" ")' >"$tmp/ups"
	json backends '.backends[0].paths[].initiator_name' | sort -u >"$tmp/paths"
	is "$1: no session ended another" "$(cat "$tmp/ups")" "1 0 1 0 1 0"
	is "$1: the back-end sees what the status says" "$(cat "$tmp/names")" "$(cat "$tmp/paths")"
	kill "$job"
	status=0
	wait "$job" || status=$?
	is "$1: what was compared" "$status" 0
	waits "$1: all have left" 10 shown sessions '.sessions == []'
}
id_of() { json backends ".backends[0].identities[] | select(.group == \"$1\") | .$2"; }

# A name for each.
identity '' ''
expect "check" 0 "$one in group first .*: iqn.2026-11.srpgw:live:$one, ISID 80[0-9a-f]{10}$" "$srpgwd" --check -c "$tmp/live.json"
if grep -q warning "$tmp/out"; then bad "no warning" "there is nothing to warn of"; else ok; fi
true_of "start" daemon_start "$tmp/live.json"
is "name" "$(id_of first initiator_name)" "iqn.2026-11.srpgw:live:$one"
is "form" "$(id_of default initiator_name)" "iqn.2026-11.srpgw:live:<initiator port identifier>"
undisturbed "names of their own"
is "three names" "$(wc -l <"$tmp/names")" 3

# A name for a group of one host, and of more.
identity '"initiator_name": "iqn.2026-11.example:first",' ''
expect "reload" 0 'in force' "$ctl" reload
is "name of a group" "$(id_of first initiator_name)" "iqn.2026-11.example:first"
is "and its ISID is known" "$(id_of first isid | wc -c)" 13
undisturbed "name of a group"
is "three names" "$(wc -l <"$tmp/names")" 3
true_of "the group's name" grep -qx iqn.2026-11.example:first "$tmp/names"
groups=$(echo "$groups" | sed "s|\"$one\"|\"$one\", \"$two\"|")
identity '"initiator_name": "iqn.2026-11.example:first",' ''
expect "two hosts of one name" 0 'warning: back-end ram: all hosts of group first .*access list cannot tell them apart' \
	"$srpgwd" --check -c "$tmp/live.json"
expect "reload" 0 'in force' "$ctl" reload
undisturbed "two hosts of one name"
is "two names" "$(wc -l <"$tmp/names")" 2

# One name for all.
identity '' '"identity": "shared",'
expect "one name for all" 0 'warning: back-end ram: all hosts are "iqn.2026-11.srpgw:live" there: .*SPC-4' "$srpgwd" --check -c "$tmp/live.json"
expect "reload" 0 'all hosts are "iqn.2026-11.srpgw:live"' "$ctl" reload
true_of "the log says so" said 'reload: back-end ram: all hosts are'
is "known before the first login" "$(id_of default initiator_name)" "iqn.2026-11.srpgw:live"
is "whose ISID only a login tells" "$(id_of default isid)" ""
undisturbed "one name for all"
is "one name" "$(cat "$tmp/names")" "iqn.2026-11.srpgw:live"
expect "reservations tell the hosts apart all the same" 0 '6 types, both ways' "$client" pr "$port" types
identity '' '"identity": { "initiator_name": "iqn.2026-11.example:all" },'
expect "reload" 0 'all hosts are "iqn.2026-11.example:all"' "$ctl" reload
undisturbed "a given name for all"
is "that name" "$(cat "$tmp/names")" "iqn.2026-11.example:all"

# As many sessions as the back-end admits, nearly.
identity '' '"max_sessions": 4,'
expect "reload" 0 'in force' "$ctl" reload
is "nothing to warn of" "$(json backends '.backends[0] | .max_sessions, .warning' | tr '\n' ' ')" "4  "
background "$tmp/load" "$client" load 4 1
waits "four sessions" 10 shown backends '.backends[0] | .sessions == 4 and .warning == "most of the sessions that it admits are in use"'
true_of "the log warns" said 'back-end ram: 4 of the 4 sessions that it admits are in use'
kill "$job"
wait "$job"
waits "fewer again" 10 shown backends '.backends[0] | .sessions == 0 and .warning == ""'

status=0
daemon_stop TERM || status=$?
is "SIGTERM" "$status" 0
no_findings
