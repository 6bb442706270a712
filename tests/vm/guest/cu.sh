# SPDX-License-Identifier: BSD-3-Clause
# For scenarios with libiscsi's conformance suites (iscsi-test-cu): runs them, reads what they say, compares two runs. Knows lib.sh and pr.sh.
# shellcheck shell=sh disable=SC2154 # lib.sh

# cu_read SUITE: from what iscsi-test-cu said one line "SUITE.TEST passed|failed|skipped REASON" for each test, the reason of those that did not pass.
# (Before its first test and behind the last result it speaks of its own preparations, which belong to no test.)
cu_read() {
	awk -v suite="$1" '
		$1 == "Test:" { name = $2; why = "" }
		name && match($0, /(\.\.\.|^ *)(passed|FAILED)(    \[.*)?$/) {
			how = $0 ~ /(\.\.\.|^ *)FAILED/ ? "failed" : why ~ /SKIPPED/ ? "skipped" : "passed"
			print suite "." name, how, how == "passed" ? "" : why
			name = ""
		}
		name && !why && match($0, /\[(SKIPPED|FAILED)\].*/) { why = substr($0, RSTART) }'
}

# cu_run NAME TESTS WHERE...: these tests (SUITE or SUITE.TEST, one after the other) there, one or two URLs or devices; the results in
# $STATE/NAME, as by cu_read. After each, cu_after WHERE... tidies up, if there is such a function.
cu_run() {
	cr_name=$1 cr_tests=$2
	shift 2
	for cr_test in $cr_tests; do
		timeout $((120 * ${VM_SLOWER:-1})) iscsi-test-cu -d -v -t "SCSI.$cr_test" "$@" >"$STATE/$cr_name.$cr_test" 2>&1 </dev/null || : # 1: a test failed
		cu_read "${cr_test%.*}" <"$STATE/$cr_name.$cr_test"
		! command -v cu_after >/dev/null || cu_after "$@"
	done >"$STATE/$cr_name"
}

# cu_tests SUITE...: all of their tests, as SUITE.TEST.
cu_tests() { for cu_suite; do iscsi-test-cu -l | sed -n "s/^SCSI\.\($cu_suite\.[^.]*\)\$/\1/p"; done; }
cu_counts() { awk '{ n[$2]++ } END { printf "%d passed, %d failed, %d skipped", n["passed"], n["failed"], n["skipped"] }' "$1"; }

# cu_same NAME NAME: every test has the same result there, for the same reason.
cu_same() {
	diff "$STATE/$1" "$STATE/$2" >"$STATE/diff" || {
		cat "$STATE/diff"
		fail "the results differ between $1 and $2: $(sed -n 's/^[<>] \([^ ]*\).*/\1/p' "$STATE/diff" | sort -u | tr '\n' ' ')"
	}
}

# ---- reservations of two initiators ----
# iscsi-test-cu knows two initiators only at iSCSI targets, so each of the host's disks gets one in front of it that hands on what it is told (tgt's
# passthrough to the sg node): one SRP session, one front, one of the two initiators.

# cu_front INSTANCE DISK: that disk as LUN 1 of a tgtd, which hands everything on to its sg node.
cu_front() {
	tgtd_start "$1"
	tgtadm -C "$1" --lld iscsi --op new --mode target --tid 1 -T "$IQN"
	tgtadm -C "$1" --lld iscsi --op new --mode logicalunit --tid 1 --lun 1 --device-type pt --bstype sg -b "$(sg_of "$2")"
	tgtadm -C "$1" --lld iscsi --op bind --mode target --tid 1 -I ALL
}
# cu_url INSTANCE LUN: of a tgtd, as iscsi-test-cu wants it.
cu_url() { echo "iscsi://127.0.0.1:$((3259 + $1))/$IQN/$2"; }

# A test that leaves a SCSI-2 reservation behind would fail those after it.
cu_release() {
	for ce_disk; do step "RELEASE" sg_raw "$(sg_of "$ce_disk")" 17 00 00 00 00 00 >&2; done
}

# What is about the session of iscsi-test-cu itself, whose end the session behind the front does not notice: the reservation stays. (The host's own
# logout and reset take their place, see reservation_ends. A LUN reset ends at the front, too: reservation_steps has one that does not.)
CU_FRONT='Reserve6.Logout Reserve6.ITNexusLoss'

# cu_reservations DISK SECOND: the reservation suites three times, each on a LUN of its own of the store at $PORTAL, which are alike: on LUN 3 by two
# initiators of iscsi-test-cu without anything between; on LUN 1 through fronts over two sessions of open-iscsi ($DIRECT, $DIRECT2); on LUN 2
# through fronts over two SRP sessions (the disks that are given).
cu_reservations() {
	cv_tests="PrinReadKeys PrinServiceactionRange PrinReportCapabilities ProutRegister ProutReserve ProutClear ProutPreempt $(cu_tests Reserve6)"
	cu_run straight "$cv_tests" "$(cu_url 1 3)" "$(cu_url 1 3)"
	cu_front 11 "$DIRECT"
	cu_front 12 "$DIRECT2"
	cu_after() { cu_release "$DIRECT" "$DIRECT2"; }
	cu_run direct "$cv_tests" "$(cu_url 11 1)" "$(cu_url 12 1)"
	cv_a=$1 cv_b=$2
	cu_front 13 "$cv_a"
	cu_front 14 "$cv_b"
	cu_after() { cu_release "$cv_a" "$cv_b"; }
	cu_run srp "$cv_tests" "$(cu_url 13 1)" "$(cu_url 14 1)"

	for cv_name in straight direct srp; do say "$cv_name: $(cu_counts "$STATE/$cv_name")"; done
	# shellcheck disable=SC2046 # words
	cv_listed=$(cu_tests $(printf '%s\n' "$cv_tests" | tr ' ' '\n' | sed 's/\..*//' | uniq) | wc -l)
	[ "$(wc -l <"$STATE/srp")" -eq "$cv_listed" ] || fail "$(wc -l <"$STATE/srp") results, but $cv_listed tests"
	cv_access=$(grep -c '^ProutReserve\.Access[^ ]* passed' "$STATE/srp" || :)
	[ "$cv_access" -eq 6 ] || fail "of the 6 types of reservation $cv_access were right: $(grep Access "$STATE/srp")"
	cu_same direct srp
	for cv_test in $CU_FRONT; do
		sed -i "/^$cv_test /d" "$STATE/straight" "$STATE/srp"
	done
	cu_same straight srp
}

# reservation_ends WHAT DISK SECOND COMMAND...: a SCSI-2 reservation that the first holds and the second cannot pass ends by that command.
reservation_ends() {
	re_what=$1 re_a=$(sg_of "$2") re_b=$(sg_of "$3")
	shift 3
	step "RESERVE" sg_raw "$re_a" 16 00 00 00 00 00
	[ "$st_status" -eq 0 ] || fail "$re_what: RESERVE: $(cat "$STATE/step")"
	step "RESERVE by the other" sg_raw "$re_b" 16 00 00 00 00 00
	[ "$st_status" -eq 24 ] || fail "$re_what: RESERVE by the other initiator was not refused: $(cat "$STATE/step")"
	"$@" || fail "$re_what: $*"
	wait_for 20 "the reservation to end with $re_what" sg_raw "$re_b" 16 00 00 00 00 00
	step "RELEASE" sg_raw "$re_b" 17 00 00 00 00 00
}

# cu_through_srp: all of it, with the store at $PORTAL (LUNs 1 to 3) as the back-end and two SRP sessions as the two initiators.
cu_through_srp() {
	gateway_config '[ { "lun": 0, "backend": "san", "backend_lun": 2 } ]'
	gateway_start
	login initiator_ext=00000000000000aa
	ct_host=$HOST ct_a=$(disk 0)
	login initiator_ext=00000000000000bb
	ct_b=$(disk 0)
	cu_reservations "$ct_a" "$ct_b"
	iscsi_logout
	reservation_ends "a reset of the host" "$ct_a" "$ct_b" sg_reset -H "$(sg_of "$ct_a")"
	reservation_ends "a logout" "$ct_a" "$ct_b" logout "$ct_host"
}
