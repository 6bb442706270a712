# Persistent reservations of two hosts: each registers for itself; who does not hold the reservation cannot write, whatever its type;
# a preempt takes it over, and with it the other's registration.
# limit: 120
need_srpgw
. /vm/pr.sh
target_up 16
allow_dmesg 'reservation conflict' 'nexus error' 'Asking for cache data failed' 'Assuming drive cache'
login initiator_ext=00000000000000aa
a=$HOST
login initiator_ext=00000000000000bb
b=$HOST
a0=/dev/$(disk 0 "$a") b0=/dev/$(disk 0 "$b")

pr "$a0" --out --register --param-sark=aa
pr "$b0" --out --register --param-sark=bb
pr "$a0" --in --read-keys
[ "$(grep -Eci '0x(aa|bb)$' "$STATE/persist")" -eq 2 ] || fail "not both keys are registered: $(cat "$STATE/persist")"
# 1 Write Exclusive, 3 Exclusive Access, 5 Write Exclusive to registrants only.
for type in 1 3 5; do
	pr "$a0" --out --reserve --param-rk=aa --prout-type=$type
	pr "$b0" --in --read-reservation
	grep -q 'Key=0xaa' "$STATE/persist" || fail "host b does not see who reserved: $(cat "$STATE/persist")"
	may_write "$a0" || fail "type $type: the holder cannot write"
	case $type in
	1 | 3) ! may_write "$b0" || fail "type $type: host b wrote to what host a has reserved" ;;
	5) may_write "$b0" || fail "type $type: host b is registered and cannot write" ;;
	esac
	case $type in
	1 | 5) may_read "$b0" || fail "type $type: host b cannot read" ;;
	3) ! may_read "$b0" || fail "type $type: host b read what host a has reserved" ;;
	esac
	[ $type -eq 5 ] || pr "$a0" --out --release --param-rk=aa --prout-type=$type
done
# A third host, not registered, while the reservation is for registrants only.
login initiator_ext=00000000000000cc
! may_write "/dev/$(disk 0)" || fail "a host that is not registered wrote"
# Host b takes over: host a is out, its registration gone.
pr "$b0" --out --preempt --param-rk=bb --param-sark=aa --prout-type=1
! may_write "$a0" || fail "host a wrote after it was preempted"
may_write "$b0" || fail "host b cannot write after its preempt"
pr "$b0" --in --read-keys
! grep -qi '0xaa$' "$STATE/persist" || fail "host a's key survived the preempt"
pr "$b0" --out --clear --param-rk=bb
may_write "$a0" || fail "host a cannot write after the reservation is gone"
