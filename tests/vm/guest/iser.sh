# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# Back-ends over iSER for scenarios: tgtd and the kernel's own target on the soft RoCE device, and the gateway in front of
# them. Sourced after lib.sh.

ISER_PORTAL=$FABRIC_IP:3260

# iser_tgtd_start: tgtd with iSER at $ISER_PORTAL; iSCSI over TCP has to make room for it. (It takes no port for iSER but this.)
iser_tgtd_start() {
	tgtd -f -C 1 --iser pool_sz_mb=128 --iscsi portal=$FABRIC_IP:3261 >>"/log/$SCENARIO.tgtd1" 2>&1 &
	echo $! >"$STATE/tgtd.1"
	wait_for 30 "tgtd" tgtadm -C 1 --op show --mode sys
}
# iser_tgtd_target SIZE_MB: target $IQN with LUN 1. It wants an access list of addresses and one of names.
iser_tgtd_target() {
	it_file=/tmp/disk.1.1
	[ -e $it_file ] || dd if=/dev/zero of=$it_file bs=1M count="$1" 2>/dev/null
	tgtadm -C 1 --lld iser --op new --mode target --tid 1 -T $IQN
	tgtadm -C 1 --lld iser --op new --mode logicalunit --tid 1 --lun 1 -b $it_file
	tgtadm -C 1 --lld iser --op update --mode logicalunit --tid 1 --lun 1 --params scsi_sn=disk1-1,scsi_id=disk1-1
	tgtadm -C 1 --lld iser --op bind --mode target --tid 1 -I ALL
	tgtadm -C 1 --lld iser --op bind --mode target --tid 1 -Q "$(iser_initiator_name)"
}
# The gateway tells the name before anybody has logged in.
iser_initiator_name() { echo iqn.2026-11.example:iser; }

# iser_gateway [HOLD_S]: srpgwd in front of $ISER_PORTAL; LUN 0 is the back-end's LUN 1.
iser_gateway() {
	gateway_config
	sed -i "s|\"san\": {[^}]*}|\"san\": { \"uri\": \"iser://$ISER_PORTAL/$IQN\", \"identity\": { \"initiator_name\": \"$(iser_initiator_name)\" }, \
		\"hold_seconds\": ${1:-25}, \"retry_max_ms\": 1000 }|" $CONFIG
	gateway_start
}
# What of the session at the back-end srpgwctl shows under KEY.
iser_fact() { srpgwctl sessions --json | jq -r "[.. | objects | .$1? | strings] | first // empty"; }
