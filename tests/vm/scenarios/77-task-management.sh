# Task management reaches the back-end (LIO, which counts): LOGICAL UNIT RESET and ABORT TASK of one logical unit; writers of the other one
# notice nothing. With a back-end that answers nothing it is answered within 3 s, and what the back-end says later does not
# touch the memory of commands that the host has given up.
# limit: 300
need_srpgw
need_rxe
. /vm/faults.sh
# What LIO counts: resets, aborts_complete, aborts_no_task of its disk N.
lio_counts() { cat "$LIO/core/iblock_0/disk$1/statistics/scsi_tgt_dev/$2"; }
lio_aborts() { echo $(($(lio_counts "$1" aborts_complete) + $(lio_counts "$1" aborts_no_task))); }
aborts_counted() { [ "$(lio_aborts 1)" -gt 0 ]; }
fault_disk store 16
fault_disk other 16
# "Null scmnd": an answer that crossed the host's abort on its way.
allow_dmesg 'Null scmnd for RSP' 'SRP (abort|reset_device) called' 'Sending SRP abort' 'Power-on or device reset' 'tag#[0-9]+ (FAILED|CDB)' 'Unable to (recover|locate)|ABORT_TASK|LUN_RESET|TARGET_CORE|iSCSI'
lio_iscsi_start tcp /dev/mapper/store /dev/mapper/other
gateway_config '[ { "lun": 0, "backend": "san", "backend_lun": 1 }, { "lun": 1, "backend": "san", "backend_lun": 2 } ]'
gateway_start
login
d=$(disk 0) other=$(disk 1)
echo 3 >"/sys/block/$d/device/timeout"
echo 3 >"/sys/block/$other/device/timeout"
witness_start others "$other" 0 1048576
load_start load "$d"
t=$(now_ms)
for n in 1 2 3 4; do
	sleep 1
	sg_reset -d "/dev/$d" >/dev/null 2>"$STATE/reset" || fail "sg_reset -d: $(cat "$STATE/reset")"
done
load_stop load
say "4 resets of LUN 0: LIO counts $(lio_counts 1 resets), and $(lio_counts 2 resets) of LUN 1, whose longest I/O was $(witness_stall others "$t") ms"
[ "$(lio_counts 1 resets)" -ge 4 ] || fail "LIO counts $(lio_counts 1 resets) resets of LUN 1, not 4"
[ "$(lio_counts 2 resets)" -eq 0 ] || fail "LIO counts $(lio_counts 2 resets) resets of the other disk"

# The disk behind LIO hangs; the host aborts. LIO answers when the disk does.
load_start load "$d"
sleep 1
t=$(now_ms)
dmsetup suspend --nolockfs store
expect_dmesg 'SRP abort called' 15
expect_dmesg 'ABORT_TASK: Found referenced' 10
dmsetup resume store
wait_for 10 "LIO to count an abort" aborts_counted
load_stop load
witness_lives others "aborts of LUN 0"
say "LIO counts $(lio_aborts 1) aborts of LUN 0, $(lio_aborts 2) of LUN 1, whose longest I/O was $(witness_stall others "$t") ms"
[ "$(lio_aborts 2)" -eq 0 ] || fail "commands of the other disk were aborted"
witness_stop others
downs=$(srpgwctl backends --json | jq '[.. | objects | .downs_total? | numbers] | add')
[ "$downs" -eq 0 ] || fail "the session that both LUNs share was lost"
dmesg_says 'reset_host' && fail "the host reset its session"
fio_verify "$d" --bs=64k --iodepth=8 --size=4M
logout
gateway_stop
lio_iscsi_stop

# A back-end that is stopped. Memory is not registered, so that nothing but the gateway keeps late data away from it.
load_initiator never_register=Y register_always=N
tgtd_start 1
tgtd_target 1 16
# Its session shall not be given up meanwhile.
matrix_gateway "iscsi://$PORTAL/$IQN" ', "hold_seconds": 60, "settings": { "nop_timeout_ms": "60000" }'
login
d=$(disk 0)
fio_verify "$d" --bs=64k --iodepth=8 --size=4M
kill -STOP "$(tgtd_pid 1)"
canaries=
at_backend() { [ "$(srpgwctl backends --json | jq '[.. | objects | .n_outstanding? | numbers] | add // 0')" -ge "$1" ]; }
for n in 1 2 3 4; do
	canary "/dev/$d" 8000 >"$STATE/canary.$n" 2>&1 &
	canaries="$canaries $!"
done
all_wait() { [ "$(cat "$STATE"/canary.* | grep -c waiting)" -eq 4 ]; }
wait_for 10 "4 commands at the back-end" at_backend 4
t=$(now_ms)
sg_reset -d "/dev/$d" >/dev/null 2>"$STATE/reset" || fail "sg_reset -d with the back-end stopped: $(cat "$STATE/reset")"
t=$(($(now_ms) - t))
say "a reset with commands at a back-end that is stopped is answered after $t ms"
# (3 s, and the time of a process here.)
[ $t -lt $((3500 * ${VM_SLOWER:-1})) ] || fail "a reset with the back-end stopped was answered after $t ms"
wait_for 60 "the host to give up 4 commands" all_wait
say "given up: $(tail -n 1 "$STATE/canary.1")"
kill -CONT "$(tgtd_pid 1)"
# Once this is through, what was late has come.
fio_verify "$d" --bs=64k --iodepth=8 --size=4M
for n in $canaries; do
	kill -TERM "$n"
	wait "$n" || fail "late data touched the host's memory, or a canary died: $(cat "$STATE"/canary.*)"
done
dmesg_says 'reset_host' && fail "the host reset its session"
:
