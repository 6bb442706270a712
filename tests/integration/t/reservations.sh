# SPDX-License-Identifier: BSD-3-Clause
# Persistent and SCSI-2 reservations of hosts behind two gateways, and behind one, in front of one tgtd: every type, preempts under load in both
# directions, a host's lost connection, lost sessions of the back-end.
# builds: address thread
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
. ./tgt.sh
san_up || {
	bad "tgtd" "$(tail -n 3 "$tmp/tgtd.log")"
	exit 0
}
other_port=$((port + 2))
san_config live
san_config other -e "s|@TMP@/run|$tmp/run2|" -e "s|\"live\"|\"other\"|" -e "s|\"port\": $port|\"port\": $other_port|"
sed -i "s|$tmp/run\"|$tmp/run2\"|" "$tmp/other.json"
true_of "start" daemon_start "$tmp/live.json"
first=$daemon
"$srpgwd" -c "$tmp/other.json" >>"$tmp/daemon.log" 2>&1 &
second=$!
started="$started $second"
if wait_for 20 "$srpgwctl" --runtime-dir "$tmp/run2" status; then ok; else bad "start of the other" "$(cat "$tmp/err")"; fi

# The back-end's sessions end; tgtd forgets who is registered with them.
cat >"$tmp/lose" <<-END
	#!/bin/sh
	tgtadm -C $instance --lld iscsi --op show --mode conn --tid 1 | sed -n 's/^Session: //p' | while read -r sid; do
		tgtadm -C $instance --lld iscsi --op delete --mode conn --tid 1 --sid "\$sid" --cid 0 || exit 1
	done
END
chmod 700 "$tmp/lose"

# pr CASE PORT2 PATTERN WHAT...
pr() {
	pr_case=$1 pr_port=$2 pr_pattern=$3
	shift 3
	expect "$pr_case" 0 "$pr_pattern" "$client" pr "$pr_port" "$@"
	[ "$pr_case" != "${pr_case#two}" ] && sed "s/^/    $pr_case: /" "$tmp/out"
}
for gateways in two one; do
	[ $gateways = two ] && p2=$other_port || p2=$port
	pr "$gateways: types" "$p2" '6 types, both ways' types
	pr "$gateways: preempts" "$p2" ' 0 of them got through' preempt 5
	pr "$gateways: SCSI-2" "$p2" 'both ways, and over' scsi2
	pr "$gateways: away and back" "$p2" '3 times away and back' reconnect
	pr "$gateways: lost sessions" "$p2" 'and the host knows' lost "$tmp/lose"
done

for pid in $first $second; do
	status=0
	kill -TERM "$pid"
	wait "$pid" || status=$?
	is "SIGTERM" "$status" 0
done
no_findings
