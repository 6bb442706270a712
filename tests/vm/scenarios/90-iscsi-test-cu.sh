# libiscsi's SCSI conformance suites through SG_IO on the host's disk, with all of the initiator's defaults (so immediate data too), against the
# same suites on the same kind of disk without SRP: every test has the same result, for the same reason. (Those that want two initiators skip themselves.)
# limit: 1500
need_srpgw
. /vm/pr.sh
. /vm/cu.sh
suites=$(iscsi-test-cu -l | sed -n 's/^SCSI\.\([^.]*\)$/\1/p')
# What the kernel's iSCSI initiator says when a login takes its time.
allow_dmesg 'Login/Text in progress'
# A back-end of its own for each, so that no reservation or mode page leaks from one to the other.
tgtd_start 2
tgtd_target 2 8
iscsi_login 2
target_up 8
login
d=$(disk 0)
in_background direct cu_run direct "$suites" "$(sg_of "$DIRECT")"
cu_run srp "$suites" "$(sg_of "$d")"
await direct
immediate=$(gateway_sum immediate_writes_total)
iscsi_logout
say "direct: $(cu_counts "$STATE/direct")"
say "SRP:    $(cu_counts "$STATE/srp"), $immediate writes with immediate data"
[ "$immediate" -gt 0 ] || fail "no immediate data travelled"
listed=$(iscsi-test-cu -l | grep -c '^SCSI\.[^.]*\.')
[ "$(wc -l <"$STATE/direct")" -eq "$listed" ] || fail "$(wc -l <"$STATE/direct") results, but $listed tests"
cu_same direct srp
