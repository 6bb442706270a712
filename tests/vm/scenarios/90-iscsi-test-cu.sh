# libiscsi's SCSI conformance suites through SG_IO on the host's disk, with all of the initiator's defaults (so immediate data too), against the
# same suites on the same kind of disk without SRP: every test has the same result, for the same reason.
# limit: 1500
need_srpgw
suites=$(iscsi-test-cu -l | sed -n 's/^SCSI\.\([^.]*\)$/\1/p')
# What the kernel's iSCSI initiator says when a login takes its time.
allow_dmesg 'Login/Text in progress'
# suites_on NAME DISK: into $STATE/NAME one line "SUITE.TEST passed|failed|skipped REASON" for each test.
suites_on() {
	for suite in $suites; do
		timeout $((120 * ${VM_SLOWER:-1})) iscsi-test-cu -d -v -t "SCSI.$suite" "/dev/$(ls "/sys/block/$2/device/scsi_generic")" \
			>"$STATE/$1.$suite" 2>&1 </dev/null || : # 1: a test failed
		awk -v suite="$suite" '
			match($0, /\[(SKIPPED|FAILED)\].*/) { if (!why) why = substr($0, RSTART) }
			$1 == "Test:" { name = $2 }
			name && /(\.\.\.|^ *)(passed|FAILED)$/ {
				print suite "." name, /FAILED$/ ? "failed" : why ~ /SKIPPED/ ? "skipped" : "passed", why
				name = why = ""
			}' "$STATE/$1.$suite"
	done >"$STATE/$1"
}
counts() { awk '{ n[$2]++ } END { printf "%d passed, %d failed, %d skipped", n["passed"], n["failed"], n["skipped"] }' "$1"; }

# A back-end of its own for each, so that no reservation or mode page leaks from one to the other.
tgtd_start 2
tgtd_target 2 8
iscsi_login 2
target_up 8
login
d=$(disk 0)
in_background direct suites_on direct "$DIRECT"
suites_on srp "$d"
await direct
immediate=$(gateway_sum immediate_writes_total)
iscsi_logout
say "direct: $(counts "$STATE/direct")"
say "SRP:    $(counts "$STATE/srp"), $immediate writes with immediate data"
[ "$immediate" -gt 0 ] || fail "no immediate data travelled"
listed=$(iscsi-test-cu -l | grep -c '^SCSI\.[^.]*\.')
[ "$(wc -l <"$STATE/direct")" -eq "$listed" ] || fail "$(wc -l <"$STATE/direct") results, but $listed tests"
if ! diff "$STATE/direct" "$STATE/srp" >"$STATE/diff"; then
	cat "$STATE/diff"
	fail "the results differ: $(sed -n 's/^[<>] \([^ ]*\).*/\1/p' "$STATE/diff" | sort -u | tr '\n' ' ')"
fi
