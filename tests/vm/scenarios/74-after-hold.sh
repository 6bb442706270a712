# An outage longer than hold_seconds, by policy. busy: a host without multipath goes on afterwards, without an error. fail and disconnect: its multipath
# goes over to another gateway with another portal of the same back-end, in a bounded time, and back.
# limit: 300
need_srpgw
need_rxe
. /vm/faults.sh
allow_dmesg 'ib_srp: ' '(I/O|device offline) error' 'rejecting I/O' 'reconnect' 'Connection .* failed' 'REJ' 'device-mapper: multipath' \
	'Result: hostbyte' 'Sense Key' 'Add. Sense' 'CDB: ' 'Synchronize Cache'
hold_ms=3000
store_tgtd_up
matrix_gateway "iscsi://$PORTAL/$IQN" ', "hold_seconds": 3'
FAULT_SECONDS=8
matrix hold=3,busy portal
logout
gateway_stop
tgtadm -C 1 --lld iscsi --op new --mode portal --param portal=127.0.0.1:3262
for policy in fail disconnect; do
	matrix_gateway "iscsi://$PORTAL/$IQN" ', "hold_seconds": 3, "after_hold": "'$policy'"'
	second_gateway_start "iscsi://127.0.0.1:3262/$IQN"
	login
	first=$HOST
	set_rport "$first" reconnect_delay=1 fast_io_fail_tmo=1
	d0=$(disk 0)
	second_login
	d1=$(disk 0)
	multipath_up mp "$d0" "$d1"
	witness_start mine mapper/mp 8388608 2097152
	before=$(now_ms)
	fault portal on
	witness_settled mine "on the other path, after_hold $policy"
	stall=$(witness_stall mine "$before")
	fault portal off
	printf '@cell multipath,hold=3,%s portal %s %s 0 0\n' $policy $hold_ms "$stall" >&3
	say "after_hold $policy: over to the other gateway after $stall ms"
	[ "$stall" -ge $((hold_ms * 9 / 10)) ] || fail "the host changed paths after $stall ms, before the hold time was over"
	[ "$stall" -lt $((hold_ms + 7000 * ${VM_SLOWER:-1})) ] || fail "the host changed paths after $stall ms only"
	# Back, as multipathd does it when the first path works again.
	wait_for 30 "$first to be connected" grep -q running "$(rport_of "$first")/state"
	wait_for 30 "a command on the first path" dd if="/dev/$d0" of=/dev/null bs=4k count=1 iflag=direct
	dmsetup message mp 0 reinstate_path "$(cat "/sys/block/$d0/dev")"
	dmsetup message mp 0 switch_group 1
	reads=$(awk '{ print $1 }' "/sys/block/$d0/stat")
	witness_settled mine "back on the first path"
	[ "$(awk '{ print $1 }' "/sys/block/$d0/stat")" -gt "$reads" ] || fail "nobody uses the first path again"
	witness_stop mine
	dmsetup remove mp
	logout
	gateway_stop
	second_gateway_stop
done
