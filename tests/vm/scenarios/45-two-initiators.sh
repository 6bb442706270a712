# Reservations of two SRP initiators, against the same steps on the same kind of disk without SRP and two iSCSI initiators: libiscsi's suites,
# of which it leaves out those that need an iSCSI session of its own, and their steps by sg3-utils. Every result is the same.
# limit: 400
need_srpgw
. /vm/pr.sh
suites='PrinReadKeys PrinServiceactionRange PrinReportCapabilities ProutRegister ProutReserve ProutClear ProutPreempt Reserve6 MultipathIO'
allow_dmesg 'Login/Text in progress' 'SRP reset_device called' 'Power-on or device reset' 'reservation conflict' 'nexus error' 'Asking for cache data failed' 'Assuming drive cache'
sg() { echo "/dev/$(ls "/sys/block/$1/device/scsi_generic")"; }
# suites_on NAME DISK SECOND: into $STATE/NAME one line "SUITE.TEST passed|failed|skipped REASON" for each test.
suites_on() {
	for suite in $suites; do
		timeout $((120 * ${VM_SLOWER:-1})) iscsi-test-cu -d -v -t "SCSI.$suite" "$(sg "$2")" "$(sg "$3")" >"$STATE/$1.$suite" 2>&1 </dev/null || : # 1: a test failed
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
two_direct() { [ "$(ls -d /sys/class/iscsi_session/session*/device/target*/*:1/block/sd* | wc -l)" -eq 2 ]; }

# A back-end of its own for each, so that no reservation leaks from one to the other.
tgtd_start 2
tgtd_target 2 8
iscsi_login 2
iscsiadm -m iface -I second -o new >"$STATE/iface"
iscsiadm -m iface -I second -o update -n iface.transport_name -v tcp >"$STATE/iface"
iscsiadm -m iface -I second -o update -n iface.initiatorname -v iqn.2026-11.example:second >"$STATE/iface"
iscsiadm -m node -T "$IQN" -p 127.0.0.1:3261 -I second -o new >"$STATE/iface"
timeout 30 iscsiadm -m node -T "$IQN" -p 127.0.0.1:3261 -I second --login >"$STATE/iface" 2>&1 || fail "iscsiadm: $(tail -n 1 "$STATE/iface")"
wait_for 30 "two disks without SRP" two_direct
# shellcheck disable=SC2046 # two words
set -- $(iscsi_disk | sed 's|.*/||')
direct=$1 direct2=$2

target_up 8
login initiator_ext=00000000000000aa
a=$(disk 0)
login initiator_ext=00000000000000bb
b=$(disk 0)
suites_on direct "$direct" "$direct2"
suites_on srp "$a" "$b"
say "direct: $(counts "$STATE/direct")"
say "SRP:    $(counts "$STATE/srp")"
reservation_steps "$(sg "$direct")" "$(sg "$direct2")" >"$STATE/steps.direct"
reservation_steps "$(sg "$a")" "$(sg "$b")" >"$STATE/steps.srp"
say "$(grep -c '^[^ ]' "$STATE/steps.srp") steps by two initiators: $(grep -c ': 24$' "$STATE/steps.srp") reservation conflicts, $(grep -c ': 0$' "$STATE/steps.srp") good"
rm -rf /etc/iscsi/ifaces
iscsi_logout
[ "$(wc -l <"$STATE/direct")" -gt 15 ] || fail "only $(wc -l <"$STATE/direct") results: $(cat "$STATE"/direct.*)"
sed -n 's/^[^ ]* skipped \(.*\)/skipped: \1/p' "$STATE/srp" | sort | uniq -c | while read -r n why; do say "$n $why"; done
# It compares the two, and skips itself where there is only one.
grep -q '^MultipathIO.Simple passed' "$STATE/srp" || fail "the second initiator was not used: $(grep MultipathIO "$STATE/srp")"
if ! diff "$STATE/direct" "$STATE/srp" >"$STATE/diff"; then
	cat "$STATE/diff"
	fail "the results differ: $(sed -n 's/^[<>] \([^ ]*\).*/\1/p' "$STATE/diff" | sort -u | tr '\n' ' ')"
fi
[ "$(grep -c ': 24$' "$STATE/steps.direct")" -ge 25 ] || fail "hardly any conflict: $(cat "$STATE/steps.direct")"
if ! diff "$STATE/steps.direct" "$STATE/steps.srp" >"$STATE/diff"; then
	cat "$STATE/diff"
	fail "the steps differ: $(grep -c '^[<>]' "$STATE/diff") lines"
fi
