# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh disable=SC2034,SC2154
# Back-ends over iSER, for the fault matrix and other scenarios: tgtd and the kernel's own target on the soft RoCE device.
# Sourced after lib.sh and faults.sh.

PORTAL=$FABRIC_IP:3260
export LSAN_OPTIONS=suppressions=/vm/iser.supp:print_suppressions=0

# What hosts' kernels say of outages and resets. "Null scmnd": an answer that crossed the host's abort on its way.
iser_allow() {
	allow_dmesg 'Null scmnd for RSP' 'SRP (abort|reset_device|reset_host) called' 'Sending SRP abort' 'tag#[0-9]+ (FAILED|CDB)' \
		'ib_srp: failed [A-Z ]+ status' 'reconnect succeeded' 'ib_srp: reconnect' 'sd [0-9:]*:0: .*' \
		'device offline error|Buffer I/O error|I/O error|unable to read|rejecting I/O'
}

# ---- tgtd ----
# iser_tgtd_start: iSER takes no port but 3260, so TCP has to make room for it.
iser_tgtd_start() {
	tgtd -f -C 1 --iser pool_sz_mb=128 --iscsi portal="$FABRIC_IP:3261" >>"/log/$SCENARIO.tgtd1" 2>&1 &
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
	fault_disk store 32
	iser_tgtd_start
	iser_tgtd_target
}
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
	allow_dmesg 'isert|iSCSI Login|iscsi_target|TARGET_CORE|Unexpected ret' 'Unable to locate Target Portal Group' \
		'Detected .*_LUN|NOP-?In|timeout'
	fault_disk store 32
	modprobe crc32c_intel 2>/dev/null || :
	modprobe ib_isert
	lio_iscsi_start iser /dev/mapper/store
}
fault_target_iser_lio_on() { echo 0 >"$(cat "$STATE/lio-iscsi")/enable"; }
fault_target_iser_lio_off() { echo 1 >"$(cat "$STATE/lio-iscsi")/enable"; }

# ---- the gateway ----
ISER_INITIATOR=iqn.2026-11.example:iser
# iser_gateway: srpgwd in front of it; LUN 0 is the back-end's LUN 1, LUN 1 its own RAM disk.
iser_gateway() {
	matrix_gateway "iser://$PORTAL/$IQN" ", \"identity\": { \"initiator_name\": \"$ISER_INITIATOR\" }, \"retry_max_ms\": 1000"
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
iser_resources_as() { iser_resources | cmp -s - "$1"; }
# iser_held WHAT: prints what the gateway holds; after lost sessions, what libiscsi has not given back.
iser_held() { say "$1: $(iser_resources | paste -s -d ' '), $(gateway_rss_kib) KiB"; }
