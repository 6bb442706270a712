# The fault matrix with two portals of one target: when the first is gone or swallows everything, the host's commands go through the second
# one within 2 s after the loss is noticed, which takes 4 s in silence; and back when the first one answers again. The fence is short: it is not what is measured.
# limit: 240
need_srpgw
need_rxe
. /vm/faults.sh
second=127.0.0.1:3262
store_tgtd_up
tgtadm -C 1 --lld iscsi --op new --mode portal --param portal=$second
matrix_gateway "iscsi://$PORTAL/$IQN" ", \"portals\": [ \"$second\" ], \"failback_seconds\": 2, \"fence_ms\": 1000"
used_portal() { sed -n 's/.*back-end san is up through \([0-9.:]*\).*/\1/p' "/log/$SCENARIO.srpgwd" | tail -n 1; }
is_used() { [ "$(used_portal)" = "$1" ]; }
FAULT_FELT_PERCENT=0
for fault in portal blackhole; do
	[ $fault = portal ] && FAULT_STALL_MS=4500 || FAULT_STALL_MS=8500
	matrix 2-portals $fault
	grep -q "is up through $second" "/log/$SCENARIO.srpgwd" || fail "$fault: nobody used the second portal"
	logout
	# So that the next one begins at the first portal.
	: >"/log/$SCENARIO.srpgwd"
done
login
load_start load "$(disk 0)"
fault portal on
wait_for 10 "the session at the second portal" is_used $second
fault portal off
wait_for 20 "the session to return to the first portal" is_used "$PORTAL"
load_stop load
