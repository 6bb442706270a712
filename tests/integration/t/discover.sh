# SPDX-License-Identifier: BSD-3-Clause
# srpgwctl discover against tgtd on this machine: targets, portals, LUNs; CHAP; what goes wrong; and the configuration that it prints, which
# srpgwd takes and serves.
# builds: plain address
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
. ./tgt.sh

portal=iscsi://127.0.0.1:$san_port
vault=iqn.2026-11.example:vault
if ! san_up; then
	bad "tgtd" "it does not start: $(tail -n 3 "$tmp/tgtd.log")"
	exit 0
fi
truncate -s 3G "$tmp/big"
adm --op new --mode logicalunit --tid 1 --lun 300 -b "$tmp/big"
adm --op new --mode target --tid 2 -T $vault
truncate -s 4M "$tmp/vault"
adm --op new --mode logicalunit --tid 2 --lun 1 -b "$tmp/vault"
adm --op bind --mode target --tid 2 -I ALL
adm --op new --mode account --user keeper --password 0123456789ab
adm --op bind --mode account --tid 2 --user keeper
printf '0123456789ab\n' >"$tmp/secret"
printf 'wrong, wrong, wrong\n' >"$tmp/wrong"
chmod 600 "$tmp/secret" "$tmp/wrong"

# One target, by name: all that is there to know. No daemon runs.
expect "one target" 0 "^target $iqn\$" "$srpgwctl" discover "$portal/$iqn"
cp "$tmp/out" "$tmp/text"
for line in "target portal group 1: 127.0.0.1:$san_port" ' *0  raid  IET +Controller .* -' ' *1  disk  IET +VIRTUAL-DISK .* 16.0 MiB' \
	'300  disk  IET +VIRTUAL-DISK .* 3.0 GiB' "\"uri\": \"$portal/$iqn\""; do
	true_of "one target: $line" grep -Eq -- "$line" "$tmp/text"
done
run 0 "$srpgwctl" --json discover "$portal/$iqn"
cp "$tmp/out" "$tmp/one.json"
is "JSON" "$(jq -c '.target_portal_groups[] | [.target_name, .portal_group, .portals, [.luns[] | [.lun, .type, .size_bytes]]]' "$tmp/one.json")" \
	"[\"$iqn\",1,[\"127.0.0.1:$san_port\"],[[\"0\",\"raid\",null],[\"1\",\"disk\",16777216],[\"300\",\"disk\",3221225472]]]"

# Both: the one that demands CHAP is named all the same, with the reason.
expect "without CHAP" 1 'not looked at: .*demands CHAP.*--chap-user' "$srpgwctl" discover "$portal"
cp "$tmp/out" "$tmp/text"
true_of "without CHAP: the other" grep -q 'VIRTUAL-DISK' "$tmp/text"
is "without CHAP: configuration" "$(run 1 "$srpgwctl" --json discover "$portal"; jq '.configuration.targets | length' "$tmp/out")" 2
expect "with CHAP" 0 "4.0 MiB" "$srpgwctl" discover --chap-user keeper --chap-secret-file "$tmp/secret" "$portal/$vault"
expect "wrong secret" 1 'authentication failed' "$srpgwctl" discover "$portal/$vault" --chap-user keeper --chap-secret-file "$tmp/wrong"
is "the secret stays where it is" "$(run 0 "$srpgwctl" discover --chap-user keeper --chap-secret-file "$tmp/secret" "$portal/$vault"
	grep -c 0123456789ab "$tmp/out" "$tmp/err" | sed 's/.*://' | paste -sd+ -)" 0+0

# What goes wrong.
expect "nobody there" 1 'refused; is an iSCSI target running' "$srpgwctl" discover "iscsi://127.0.0.1:$((san_port + 1))"
expect "no such target" 1 'has no target iqn.2026-11.example:none; leave the name out' "$srpgwctl" discover "$portal/iqn.2026-11.example:none"
expect "no portal" 1 'write iscsi://HOST' "$srpgwctl" discover 127.0.0.1
expect "no such bridge" 1 'there is no bridge "fcoe"' "$srpgwctl" discover fcoe://127.0.0.1
expect "a bridge that cannot" 1 'cannot ask for targets; name the target' "$srpgwctl" discover mem://16M
expect "half of CHAP" 1 'belong together; give both or none' "$srpgwctl" discover --chap-user keeper "$portal"
expect "time limit" 2 'from 1 to 3600' "$srpgwctl" discover --time-limit 0 "$portal"
expect "not for others" 2 'no options of discover' "$srpgwctl" status --chap-user x
adm --op unbind --mode target --tid 2 -I ALL
adm --op unbind --mode target --tid 1 -I ALL
expect "access list" 1 'has no targets; does an access list .* admit' "$srpgwctl" discover "$portal"
adm --op bind --mode target --tid 1 -Q iqn.2026-11.example:admin
expect "initiator name" 0 'VIRTUAL-DISK' "$srpgwctl" discover --initiator-name iqn.2026-11.example:admin "$portal/$iqn"
adm --op bind --mode target --tid 1 -I ALL
adm --op bind --mode target --tid 2 -I ALL
# A portal that takes the connection and says nothing.
kill -STOP "$tgtd"
expect "silence" 1 'within 1000 ms; is the portal reachable' "$srpgwctl" discover --time-limit 1 "$portal"
kill -CONT "$tgtd"

# The configuration, as it was printed; but a machine without an identity of its own has none to make an ioc_guid from.
guid=.
[ -s /etc/machine-id ] || guid='.targets[].ioc_guid = "0002c90300000001"'
run 0 "$srpgwctl" --json discover --chap-user keeper --chap-secret-file "$tmp/secret" "$portal/$vault"
cp "$tmp/out" "$tmp/vault.json"
jq ".configuration | $guid" "$tmp/one.json" >"$tmp/printed.json"
expect "check" 0 'all LUNs of disk' "$srpgwd" --check -c "$tmp/printed.json"
jq ".configuration | $guid" "$tmp/vault.json" >"$tmp/printed2.json"
expect "check with CHAP" 0 'all LUNs of vault' "$srpgwd" --check -c "$tmp/printed2.json"
jq --arg run "$tmp/run" --argjson port "$port" '.listen = [{fabric: "iwarp", address: "127.0.0.1", port: $port}] | .runtime_dir = $run |
	.state_dir = $run + "/state" | .targets[0].ioc_guid = "0002c90300000001"' "$tmp/printed2.json" >"$tmp/live.json"
if daemon_start "$tmp/live.json"; then ok; else bad "start" "$(tail -n 3 "$tmp/daemon.log")"; fi
expect "luns" 0 '1' "$host" luns
expect "data" 0 'as written' "$host" --quiet --lun 1 verify
status=0
daemon_stop TERM || status=$?
is "SIGTERM" "$status" 0
no_findings
