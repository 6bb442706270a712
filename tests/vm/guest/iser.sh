# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh disable=SC2034,SC2154
# Back-ends over iSER, for the fault matrix and other scenarios: tgtd and the kernel's own target on the soft RoCE device.
# Sourced after lib.sh and faults.sh.

# The back-end's end of the link to it, and the gateway's.
SAN_IP=10.78.0.2 SAN_GATEWAY_IP=10.78.0.1
PORTAL=$SAN_IP:3260
export LSAN_OPTIONS=suppressions=/vm/iser.supp:print_suppressions=0

# What hosts' kernels say of outages and resets. "Null scmnd": an answer that crossed the host's abort on its way.
iser_allow() {
	allow_dmesg 'Null scmnd for RSP' 'SRP (abort|reset_device|reset_host) called' 'Sending SRP abort' 'tag#[0-9]+ (FAILED|CDB)' \
		'ib_srp: failed [A-Z ]+ status' 'reconnect succeeded' 'ib_srp: reconnect' 'sd [0-9:]*:0: .*' \
		'device offline error|Buffer I/O error|I/O error|unable to read|rejecting I/O' 'rdma_rxe: Failed sending'
}

# ---- the link between the gateway and the back-end ----
# iser_link_up: two soft RoCE devices at the two ends of a veth pair. The kernel knows soft RoCE in its first network namespace only, and would not
# send to an address of its own: the local table is asked for what arrives, and for what leaves only after the link.
# (rxe loops back what goes to its own device's address, as all of the SRP fabric does: none of that could be dropped.)
iser_link_up() {
	if [ -e /sys/class/infiniband/san1 ]; then
		# What an outage of a scenario that failed has left.
		iser_blackhole_off 2>/dev/null || :
		iser_portal_address 2>/dev/null || :
		return 0
	fi
	ip link add san0 mtu 4200 type veth peer name san1 mtu 4200
	for lu_dev in san0 san1 all; do
		echo 0 >/proc/sys/net/ipv4/conf/$lu_dev/rp_filter
		[ $lu_dev = all ] || echo 1 >/proc/sys/net/ipv4/conf/$lu_dev/accept_local
	done
	ip rule add pref 100 lookup local
	ip rule add pref 10 iif san0 lookup local
	ip rule add pref 11 iif san1 lookup local
	ip rule add pref 20 to $SAN_IP lookup 1000
	ip rule add pref 21 to $SAN_GATEWAY_IP lookup 1001
	ip rule del pref 0
	ip addr add $SAN_GATEWAY_IP/24 dev san0
	ip link set san0 up
	ip link set san1 up
	ip route add $SAN_IP dev san0 src $SAN_GATEWAY_IP table 1000
	iser_portal_address
	for lu_dev in san0 san1; do
		rdma link add $lu_dev type rxe netdev $lu_dev
		wait_for 10 "the GID of $lu_dev" test -e /sys/class/infiniband/$lu_dev/ports/1/gids/1
	done
}
# iser_portal_address: the portal's address, and what goes from it. (The route goes with the address.)
iser_portal_address() {
	ip addr add $SAN_IP/24 dev san1
	ip route add $SAN_GATEWAY_IP dev san1 src $SAN_IP table 1001
}

# Packets vanish in both directions, without a word to anybody.
iser_blackhole_on() {
	modprobe -a sch_ingress cls_u32 act_gact
	for ib_dev in san0 san1; do
		tc qdisc add dev $ib_dev clsact
		tc filter add dev $ib_dev ingress protocol ip u32 match ip protocol 17 0xff match ip dport 4791 0xffff action drop
	done
}
iser_blackhole_off() { for ib_dev in san0 san1; do tc qdisc del dev $ib_dev clsact; done; }

# ---- tgtd ----
# iser_tgtd_start: iSER takes no port but 3260, so TCP has to make room for it.
iser_tgtd_start() {
	tgtd -f -C 1 --iser pool_sz_mb=128 --iscsi portal=127.0.0.1:3261 >>"/log/$SCENARIO.tgtd1" 2>&1 &
	echo $! >"$STATE/tgtd.1"
	wait_for 30 "tgtd" tgtadm -C 1 --op show --mode sys
}
# iser_tgtd_target: target $IQN with LUN 1. It wants an access list of addresses and one of names.
iser_tgtd_target() {
	tgtadm -C 1 --lld iser --op new --mode target --tid 1 -T "$IQN"
	tgtadm -C 1 --lld iser --op new --mode logicalunit --tid 1 --lun 1 -b /dev/mapper/store --bsoflags direct
	tgtadm -C 1 --lld iser --op update --mode logicalunit --tid 1 --lun 1 --params scsi_sn=disk1-1,scsi_id=disk1-1
	tgtadm -C 1 --lld iser --op bind --mode target --tid 1 -I ALL
	tgtadm -C 1 --lld iser --op bind --mode target --tid 1 -Q "$ISER_INITIATOR"
}
store_iser_tgtd_up() {
	STORE=iser_tgtd
	iser_link_up
	fault_disk store 32
	iser_tgtd_start
	iser_tgtd_target
}
# The connection is cut, both ends live.
fault_cut_iser_tgtd_on() {
	tgtadm -C 1 --lld iser --op show --mode conn --tid 1 >"$STATE/connections"
	awk '$1 == "Session:" { sid = $2 } $1 == "Connection:" { print sid, $2 }' "$STATE/connections" >"$STATE/cut"
	[ -s "$STATE/cut" ] || fail "there is no connection to be cut"
	while read -r fc_sid fc_cid; do
		tgtadm -C 1 --lld iser --op delete --mode conn --tid 1 --sid "$fc_sid" --cid "$fc_cid"
	done <"$STATE/cut"
}
fault_cut_iser_tgtd_off() { :; }
# The connection is cut, and the portal's address is away: tgt gives up no listener of iSER.
fault_portal_iser_tgtd_on() {
	fault_cut_iser_tgtd_on
	ip addr del $SAN_IP/24 dev san1
}
fault_portal_iser_tgtd_off() { iser_portal_address; }
# The portal is there and has no such target. (tgt deletes none with commands in it: nobody may come any more, and who is there must go.)
fault_target_iser_tgtd_on() {
	tgtadm -C 1 --lld iser --op unbind --mode target --tid 1 -I ALL
	fault_cut_iser_tgtd_on
	wait_for 10 "tgtd to delete the target" tgtadm -C 1 --lld iser --op delete --mode target --force --tid 1
}
fault_target_iser_tgtd_off() { iser_tgtd_target; }
fault_blackhole_iser_tgtd_on() { iser_blackhole_on; }
fault_blackhole_iser_tgtd_off() { iser_blackhole_off; }
fault_kill_iser_tgtd_on() { tgtd_kill 1; }
fault_kill_iser_tgtd_off() {
	iser_tgtd_start
	iser_tgtd_target
}
fault_stop_iser_tgtd_on() { kill -STOP "$(tgtd_pid 1)"; }
fault_stop_iser_tgtd_off() { kill -CONT "$(tgtd_pid 1)"; }

# ---- the kernel's own target ----
store_iser_lio_up() {
	STORE=iser_lio
	iser_link_up
	allow_dmesg 'isert|iSCSI Login|iscsi_target|TARGET_CORE|Unexpected ret' 'Unable to locate Target Portal Group' \
		'Detected .*_LUN|NOP-?In|timeout'
	fault_disk store 32
	modprobe crc32c_intel 2>/dev/null || :
	modprobe ib_isert
	lio_iscsi_start iser /dev/mapper/store
}
fault_target_iser_lio_on() { echo 0 >"$(cat "$STATE/lio-iscsi")/enable"; }
fault_target_iser_lio_off() { echo 1 >"$(cat "$STATE/lio-iscsi")/enable"; }

# Who is there must go, and may come again at once.
fault_cut_iser_lio_on() {
	fault_target_iser_lio_on
	fault_target_iser_lio_off
}
fault_cut_iser_lio_off() { :; }
# Nobody listens any more, and the connection is cut.
fault_portal_iser_lio_on() {
	rmdir "$(cat "$STATE/lio-iscsi")/np/$PORTAL"
	fault_cut_iser_lio_on
}
fault_portal_iser_lio_off() {
	mkdir "$(cat "$STATE/lio-iscsi")/np/$PORTAL"
	echo 1 >"$(cat "$STATE/lio-iscsi")/np/$PORTAL/iser"
}
fault_blackhole_iser_lio_on() { iser_blackhole_on; }
fault_blackhole_iser_lio_off() { iser_blackhole_off; }

# ---- the gateway ----
ISER_INITIATOR=iqn.2026-11.example:iser
# iser_gateway: srpgwd in front of it; LUN 0 is the back-end's LUN 1, LUN 1 its own RAM disk. (A login registers 64 MiB page by page, for which
# a slow machine may need longer than the default.)
iser_gateway() {
	matrix_gateway "iser://$PORTAL/$IQN" ", \"identity\": { \"initiator_name\": \"$ISER_INITIATOR\" }, \"retry_max_ms\": 1000, \"settings\": { \"login_timeout_ms\": \"60000\" }"
}

# iser_warm_up: a first login. On a slow machine the host may look for disks before the session to the back-end stands; the gateway
# knows them afterwards.
iser_warm_up() {
	login
	wait_for 60 "the disk to be found" iser_found "$HOST"
	logout
}
iser_found() {
	[ ! -e "/sys/class/scsi_device/${1#host}:0:0:0" ] || return 0
	echo "- - -" >"/sys/class/scsi_host/$1/scan"
	return 1
}

# iser_data DISK: commands of every size; those over 256 KiB go to the back-end in pieces, and the host knows.
iser_data() {
	id_kib=$(cat "/sys/block/$1/queue/max_sectors_kb")
	say "the host asks for $id_kib KiB at a time"
	for id_bs in 4k 64k 256k 512k 1M 8M; do fio_verify "$1" --bs=$id_bs --iodepth=8 --size=8M; done
	# A host that does not care for what it was told.
	echo "$(cat "/sys/block/$1/queue/max_hw_sectors_kb")" >"/sys/block/$1/queue/max_sectors_kb" || :
	fio_verify "$1" --bs=1M --iodepth=8 --size=8M
}

# iser_resets DISK: the logical unit is reset while fio verifies. libiscsi 1.19 cannot carry that: the session begins anew.
iser_resets() {
	load_start resets "$1"
	for ir_n in 1 2 3; do
		sleep 2
		sg_reset -d "/dev/$1" >/dev/null 2>"$STATE/reset" || fail "sg_reset -d: $(cat "$STATE/reset")"
	done
	load_stop resets
	say "sg_reset -d: $ir_n times under load, $(gateway_sum tmf_total) functions"
	fio_verify "$1" --bs=64k --iodepth=8 --size=8M
}

# iser_left N: nothing of N sessions that end in good order may stay in the gateway.
iser_left() {
	logout
	wait_for 20 "the end of the sessions" has_sessions 0
	sleep 2
	iser_resources >"$STATE/before"
	for il_n in $(seq "$1"); do
		login
		disk 0 >/dev/null
		logout
		wait_for 20 "the end of the sessions" has_sessions 0
	done
	wait_for 10 "the gateway to hold what it held before $1 logins: $(cat "$STATE/before")" iser_resources_as "$STATE/before"
	say "held before and after $1 logins: $(paste -s -d ' ' "$STATE/before"); memory then: $(gateway_rss_kib) KiB"
	login
}
iser_resources() {
	gateway_resources
	echo "threads $(awk '/^Threads:/ { print $2 }' "/proc/$(gateway_pid)/status")"
}
# iser_resources_as FILE: nothing of it is more than in FILE. (Less it may be: a session that was lost before may have been on its way out.)
iser_resources_as() {
	iser_resources | paste -d ' ' - "$1" | awk '$1 != $3 || $2 > $4 { more = 1 } END { exit more || NR == 0 }'
}
# iser_held WHAT: prints what the gateway holds; after lost sessions, what libiscsi has not given back.
iser_held() { say "$1: $(iser_resources | paste -s -d ' '), $(gateway_rss_kib) KiB"; }
