# Reservations of two SRP initiators, step by step, against the same steps on the same kind of disk without SRP and two iSCSI initiators: every
# status is the same. And both paths see the same data.
# limit: 400
need_srpgw
. /vm/pr.sh
. /vm/cu.sh
allow_dmesg 'Login/Text in progress' 'SRP reset_device called' 'Power-on or device reset' 'reservation conflict' 'nexus error' 'Asking for cache data failed' 'Assuming drive cache'

# A back-end of its own for each, so that no reservation leaks from one to the other.
tgtd_start 2
tgtd_target 2 8
iscsi_login_two 2
target_up 8
login initiator_ext=00000000000000aa
a=$(disk 0)
login initiator_ext=00000000000000bb
b=$(disk 0)
reservation_steps "$(sg_of "$DIRECT")" "$(sg_of "$DIRECT2")" >"$STATE/steps.direct"
reservation_steps "$(sg_of "$a")" "$(sg_of "$b")" >"$STATE/steps.srp"
say "$(grep -c '^[^ ]' "$STATE/steps.srp") steps by two initiators: $(grep -c ': 24$' "$STATE/steps.srp") reservation conflicts, $(grep -c ': 0$' "$STATE/steps.srp") good"
iscsi_logout
[ "$(grep -c ': 24$' "$STATE/steps.direct")" -ge 25 ] || fail "hardly any conflict: $(cat "$STATE/steps.direct")"
cu_same steps.direct steps.srp
cu_run multipath MultipathIO.Simple "$(sg_of "$a")" "$(sg_of "$b")"
grep -q '^MultipathIO.Simple passed' "$STATE/multipath" || fail "$(cat "$STATE/multipath" "$STATE/multipath.MultipathIO.Simple")"
