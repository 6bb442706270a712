# Persistent reservations of two hosts with a back-end that knows initiators by name and ISID (LIO): they outlive a lost connection to the
# back-end, a reconnect of the host and a restart of the gateway, and keep the other host out all the time; PREEMPT AND ABORT, READ FULL
# STATUS, APTPL.
# limit: 240
need_srpgw
. /vm/faults.sh
. /vm/pr.sh
# Where LIO writes what shall outlive a loss of power.
mkdir -p /etc/target/pr
allow_dmesg 'reservation conflict' 'nexus error' 'Asking for cache data failed' 'Assuming drive cache' 'ib_srp: failed [A-Z ]+ status' \
	'connection closed' 'reconnect' 'Connection [0-9]+/[0-9]+ to .* failed' 'REJ' 'Power-on or device reset' 'SPC-3 PR|TARGET_CORE|iSCSI'
store_lio_up
gateway_config
# The gateway keeps no session for a host that is away: what is kept, LIO keeps.
sed -i 's|"runtime_dir"|"limits": { "registration_linger_ms": 0 }, &|' $CONFIG
gateway_start
login initiator_ext=00000000000000aa
a=$HOST
login initiator_ext=00000000000000bb
b=$HOST
for h in $a $b; do
	set_rport "$h" reconnect_delay=1 fast_io_fail_tmo=off dev_loss_tmo=120
done
a0=/dev/$(disk 0 "$a") b0=/dev/$(disk 0 "$b")
# in_force WHEN: host a holds, host b is out.
in_force() {
	may_write "$a0" || fail "$1: host a cannot write to what it has reserved"
	! may_write "$b0" || fail "$1: host b wrote to what host a has reserved"
	pr_holds "$a0" aa "Write Exclusive" || fail "$1: $(cat "$STATE/persist")"
}
ups() { srpgwctl backends --json | jq '[.. | objects | .ups_total? | numbers] | add'; }
both_up() { srpgwctl backends --json | jq -e '[.. | objects | select(has("ups_total")) | select(.state == "up")] | length == 2'; }

pr "$a0" --out --register --param-sark=aa --param-aptpl
pr "$b0" --out --register --param-sark=bb
pr "$a0" --out --reserve --param-rk=aa --prout-type=1
in_force "reserved"
pr "$b0" --in --read-full-status
for ext in aa bb; do
	grep -q "^ *00 00 00 00 00 00 00 $ext " "$STATE/persist" || fail "READ FULL STATUS does not name SRP port $ext: $(cat "$STATE/persist")"
done

n=0
while [ $n -lt 3 ]; do
	n=$((n + 1))
	fault_cut_on
	gateway_said "outlived the lost session" 20
	wait_for 20 "both sessions" both_up
	in_force "connections to the back-end cut, round $n"
done
say "connections to the back-end cut 3 times: $(ups) sessions in all, the reservation in force"

logout "$a"
! may_write "$b0" || fail "host b wrote while host a was logged out"
login initiator_ext=00000000000000aa
a=$HOST
set_rport "$a" reconnect_delay=1 fast_io_fail_tmo=off dev_loss_tmo=120
a0=/dev/$(disk 0 "$a")
in_force "host a logged out and in"

gateway_kill
gateway_start
for h in $a $b; do
	wait_for 30 "$h to reconnect" grep -q running "$(rport_of "$h")/state"
done
in_force "the gateway was killed and started again"

# Host b takes over, and what host a has under way ends.
pr "$b0" --out --preempt-abort --param-rk=bb --param-sark=aa --prout-type=1
! may_write "$a0" || fail "host a wrote after it was preempted"
may_write "$b0" || fail "host b cannot write after its preempt"
! pr_has_key "$b0" aa || fail "host a's key survived"
fault_cut_on
wait_for 20 "both sessions" both_up
! may_write "$a0" || fail "host a wrote after it was preempted, through a new session"
may_write "$b0" || fail "host b cannot write through a new session"
pr "$b0" --out --clear --param-rk=bb
may_write "$a0" || fail "host a cannot write after the reservation is gone"
logout
gateway_stop
lio_iscsi_stop
