# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh disable=SC2034,SC2154
# The fault matrix: what a host with writers on a disk sees of each outage of what is behind it. Sourced by scenarios; knows lib.sh.
#
# A scenario brings up a store (sets STORE) and the gateway (matrix_gateway URI), and calls `matrix NAME FAULT...`. A fault is a pair
# of functions: fault_FAULT_STORE_on and ..._off, or fault_FAULT_on and ..._off where all stores are alike.
# LUN 0 is the disk behind the store, LUN 1 the gateway's RAM disk, whose users must not notice anything.

# ---- stores ----
# fault_disk NAME SIZE_MB: /dev/mapper/NAME, a disk in memory that can be held up and can fail.
fault_disk() {
	modprobe -a loop dm_mod
	dd if=/dev/zero of="/tmp/disk.$1" bs=1M count="$2" 2>/dev/null
	fd_loop=$(losetup -f)
	losetup "$fd_loop" "/tmp/disk.$1"
	echo "0 $(($2 * 2048)) linear $fd_loop 0" >"$STATE/table.$1"
	dmsetup create "$1" <"$STATE/table.$1"
	dmsetup mknodes
}

store_tgtd_up() {
	STORE=tgtd
	fault_disk store 16
	tgtd_start 1
	tgtd_target 1 /dev/mapper/store
}
store_lio_up() {
	STORE=lio
	# What it says while it turns away who comes to a target that is off, and of connections that are cut.
	allow_dmesg 'Unable to locate Target Portal Group' 'iSCSI Login' 'iscsi_target|iSCSI-TCP|TARGET_CORE|Unexpected ret' 'Detected .*_LUN|NOP-?In|timeout'
	fault_disk store 16
	lio_iscsi_start tcp /dev/mapper/store
}

# store_debug_up: a local SCSI disk (scsi_debug); its sg node is $DEBUG_SG.
store_debug_up() {
	STORE=debug
	modprobe scsi_debug dev_size_mb=16 delay=0
	wait_for 10 "the local disk" debug_node
	DEBUG_SG=$(basename "$(debug_node)")
	allow_dmesg 'scsi_debug'
}
debug_node() { ls -d /sys/bus/pseudo/drivers/scsi_debug/adapter0/host*/target*/*:0/scsi_generic/sg*; }
debug_device() { debug_node | sed 's|/scsi_generic/.*||'; }
debug_knob() { echo "$2" >"/sys/bus/pseudo/drivers/scsi_debug/$1"; }

# ---- faults ----
# fault_seconds FAULT: how long it lasts ($FAULT_SECONDS, if set). A black hole lasts longer than the gateway needs to find out.
fault_seconds() {
	case ${FAULT_SECONDS:-$1} in
	[0-9]*) echo "$FAULT_SECONDS" ;;
	cut) echo 0 ;;
	stop | silent) echo 6 ;;
	blackhole) echo 13 ;;
	*) echo 4 ;;
	esac
}

# The connection is cut, both ends live.
fault_cut_on() { ss -K -t -n state established "( sport = :${PORTAL##*:} or dport = :${PORTAL##*:} )" >/dev/null; }
fault_cut_off() { :; }

# Nobody listens any more, and the connection is cut.
fault_portal_tgtd_on() {
	tgtadm -C 1 --lld iscsi --op delete --mode portal --param "portal=$PORTAL"
	fault_cut_on
}
fault_portal_tgtd_off() { tgtadm -C 1 --lld iscsi --op new --mode portal --param "portal=$PORTAL"; }
fault_portal_lio_on() {
	rmdir "$(cat "$STATE/lio-iscsi")/np/$PORTAL"
	fault_cut_on
}
fault_portal_lio_off() { mkdir "$(cat "$STATE/lio-iscsi")/np/$PORTAL"; }

# The portal is there and has no such target.
fault_target_tgtd_on() {
	# tgt deletes no target with commands in it, so nobody may come any more, and who is there must go.
	tgtadm -C 1 --lld iscsi --op unbind --mode target --tid 1 -I ALL
	fault_cut_on
	wait_for 10 "tgtd to delete the target" tgtadm -C 1 --lld iscsi --op delete --mode target --force --tid 1
}
fault_target_tgtd_off() { tgtd_target 1 /dev/mapper/store; }
fault_target_lio_on() { echo 0 >"$(cat "$STATE/lio-iscsi")/enable"; }
fault_target_lio_off() { echo 1 >"$(cat "$STATE/lio-iscsi")/enable"; }

# The back-end's process: dead and started again, or stopped (TCP answers, nobody else does).
fault_kill_tgtd_on() { tgtd_kill 1; }
fault_kill_tgtd_off() {
	tgtd_start 1
	tgtd_target 1 /dev/mapper/store
}
fault_stop_tgtd_on() { kill -STOP "$(tgtd_pid 1)"; }
fault_stop_tgtd_off() { kill -CONT "$(tgtd_pid 1)"; }

# The session stands, the LUN's device answers nothing.
fault_hang_on() { dmsetup suspend --nolockfs store; }
fault_hang_off() { dmsetup resume store; }

# A local disk: taken offline by its administrator, taken away, or answering nothing (what it has not answered, it never will).
fault_offline_debug_on() { echo offline >"$(debug_device)/state"; }
fault_offline_debug_off() { echo running >"$(debug_device)/state"; }
fault_removed_debug_on() {
	debug_device | sed 's|.*/\(host[0-9]*\)/.*|\1|' >"$STATE/debug-host"
	echo 1 >"$(debug_device)/delete"
}
fault_removed_debug_off() {
	echo "- - -" >"/sys/class/scsi_host/$(cat "$STATE/debug-host")/scan"
	wait_for 20 "the local disk" debug_node
}
fault_silent_debug_on() {
	debug_knob opts 4
	debug_knob every_nth -1
}
fault_silent_debug_off() {
	debug_knob every_nth 0
	debug_knob opts 0
}

# Packets vanish in both directions, without a word to anybody.
fault_blackhole_on() {
	modprobe -a sch_ingress cls_u32 act_gact
	tc qdisc add dev lo clsact
	for fb in sport dport; do
		tc filter add dev lo ingress protocol ip u32 match ip protocol 6 0xff match ip $fb "${PORTAL##*:}" 0xffff action drop
	done
}
fault_blackhole_off() { tc qdisc del dev lo clsact; }

# fault FAULT on|off
fault() {
	fa=fault_$1_${STORE}_$2
	command -v "$fa" >/dev/null || fa=fault_$1_$2
	$fa
}

# ---- witnesses ----
# witness_start NAME DISK OFFSET SIZE: see witness.c; its log is $STATE/witness.NAME.
witness_start() {
	rm -f "$STATE/witness.$1"
	witness "/dev/$2" "$3" "$4" "$STATE/witness.$1" >"$STATE/witness.$1.says" 2>&1 &
	echo $! >"$STATE/bg.witness.$1"
	wait_for 60 "witness $1 to have written all blocks" witness_is_ready "$1"
}
witness_is_ready() {
	witness_lives "$1" "witness $1"
	grep -q ready "$STATE/witness.$1"
}
witness_lives() { is_running "witness.$1" || fail "$2: $(cat "$STATE/witness.$1.says")"; }

# witness_settled NAME WHAT: what it began before is over, and it has gone on since.
witness_settled() {
	ws_n=$(($(grep -c settled "$STATE/witness.$1" || :) + 1))
	kill -USR1 "$(cat "$STATE/bg.witness.$1")"
	wait_for 45 "the host to go on ($2)" witness_has_settled "$1" $ws_n "$2"
}
witness_has_settled() {
	witness_lives "$1" "$3"
	[ "$(grep -c settled "$STATE/witness.$1")" -ge "$2" ]
}
witness_stop() {
	kill -TERM "$(cat "$STATE/bg.witness.$1")"
	aw_status=0
	wait "$(cat "$STATE/bg.witness.$1")" || aw_status=$?
	rm -f "$STATE/bg.witness.$1"
	[ $aw_status -eq 0 ] || fail "witness $1: $(cat "$STATE/witness.$1.says")"
}
# witness_stall NAME FROM_MS: the longest I/O that ended after that time, in ms. witness_recovery NAME END_MS: how long after that time
# the last I/O ended that had begun before.
witness_stall() { awk -v from="$2" '$1 == "io" && $3 >= from && $3 - $2 > max { max = $3 - $2 } END { print max + 0 }' "$STATE/witness.$1"; }
witness_recovery() { awk -v end="$2" '$1 == "io" && $2 <= end && $3 - end > max { max = $3 - end } END { print max + 0 }' "$STATE/witness.$1"; }

# ---- the matrix ----
# matrix_gateway URI [MORE]: srpgwd with that back-end; MORE of its keys as JSON (', "key": value').
matrix_gateway() {
	case $1 in sg:*) mg_lun=0 ;; *) mg_lun=1 ;; esac
	gateway_config '[ { "lun": 0, "backend": "san", "backend_lun": '$mg_lun' }, { "lun": 1, "backend": "ram", "backend_lun": 0 } ]'
	sed -i "s|\"backends\": .*|\"backends\": { \"ram\": { \"uri\": \"mem:16M\" }, \"san\": { \"uri\": \"$1\"${2:-} } },|" "$CONFIG"
	gateway_start
}

# second_gateway_start URI: another srpgwd, on port 5556, with another target port and that back-end's LUN 1 as LUN 0.
second_gateway_start() {
	sed "s|\"backends\": .*|\"backends\": { \"san\": { \"uri\": \"$1\" } },|
		s|\"port\": $SRP_PORT|\"port\": 5556|; s|$ID_EXT|0000000000000002|; s|/run/srpgw|/run/srpgw2|
		s|\"luns\": .*|\"luns\": [ { \"lun\": 0, \"backend\": \"san\", \"backend_lun\": 1 } ] } ],|" "$CONFIG" >/etc/srpgw/second.json
	srpgwd -c /etc/srpgw/second.json >>"/log/$SCENARIO.srpgwd2" 2>&1 &
	echo $! >"$STATE/srpgwd.second"
	wait_for 30 "the second srpgwd to listen" srpgwctl --runtime-dir /run/srpgw2 status
}
second_gateway_stop() {
	sg_pid=$(cat "$STATE/srpgwd.second")
	kill -TERM "$sg_pid"
	wait "$sg_pid" || fail "the second srpgwd ended with status $?"
	rm "$STATE/srpgwd.second"
}
# second_login: logs in to it; sets HOST.
second_login() {
	sl_id=$ID_EXT sl_port=$SRP_PORT
	ID_EXT=0000000000000002 SRP_PORT=5556
	login
	ID_EXT=$sl_id SRP_PORT=$sl_port
}

matrix() {
	mx_name=$1
	shift
	login
	mx_disk=$(disk 0)
	witness_start others "$(disk 1)" 0 1048576
	witness_start mine "$mx_disk" 8388608 2097152
	load_start load "$mx_disk"
	for mx_fault; do matrix_cell "$mx_name" "$mx_fault"; done
	load_stop load
	witness_stop mine
	witness_stop others
	fio_verify "$mx_disk" --bs=64k --iodepth=8 --size=4M
}

# Soft RoCE of Linux 6.1 may find memory registered already that it registers ("rxe_reg_fast_mr: ... not free"). That ends the host's own connection,
# and the host logs in again after its reconnect_delay of 10 s. How often it did:
host_broke() { dmesg_scenario | grep -c 'rxe_reg_fast_mr: .*not free' || :; }

# matrix_cell NAME FAULT: one outage under load. Nothing may be lost and no I/O may fail; how long things took is printed. It must be felt for 70 % of
# its time ($FAULT_FELT_PERCENT), and for less than $FAULT_STALL_MS, if set.
matrix_cell() {
	witness_settled mine "before $2"
	mc_seconds=$(fault_seconds "$2")
	mc_broke=$(host_broke)
	mc_begin=$(now_ms)
	fault "$2" on
	sleep "$mc_seconds"
	fault "$2" off
	mc_end=$(now_ms)
	witness_settled mine "after $2"
	is_running load || fail "$2: fio did not survive"
	witness_lives others "$2"
	mc_stall=$(witness_stall mine "$mc_begin")
	mc_others=$(witness_stall others "$mc_begin")
	mc_recovery=$(witness_recovery mine "$mc_end")
	printf '@cell %s %s %s %s %s %s\n' "$1" "$2" $((mc_end - mc_begin)) "$mc_stall" "$mc_recovery" "$mc_others" >&3
	say "$2: $((mc_end - mc_begin)) ms long, longest stall $mc_stall ms, gone on $mc_recovery ms after its end; others' longest I/O $mc_others ms"
	if [ "$(host_broke)" -gt "$mc_broke" ]; then
		say "$2: the host's own soft RoCE broke its connection: the times say nothing of the gateway"
		allow_dmesg 'ib_srp: failed [A-Z ]+ status'
		return
	fi
	# An outage that nobody noticed was none.
	[ "$mc_stall" -ge $((mc_seconds * ${FAULT_FELT_PERCENT:-70} * 10)) ] || fail "$2: it lasted $mc_seconds s, but the host's longest stall was $mc_stall ms"
	[ -z "${FAULT_STALL_MS:-}" ] || [ "$mc_stall" -lt $((FAULT_STALL_MS * ${VM_SLOWER:-1})) ] || fail "$2: the host waited $mc_stall ms"
	[ "$mc_others" -lt $((3000 * ${VM_SLOWER:-1})) ] || fail "$2: a host of another back-end waited $mc_others ms"
}
