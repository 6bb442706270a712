# SPDX-License-Identifier: BSD-3-Clause
# For scenarios with reservations. Knows lib.sh.
# shellcheck shell=sh disable=SC2154 # lib.sh

# pr DISK ARGUMENT...: sg_persist, its output in $STATE/persist; a unit attention (reservations released, preempted) is taken once.
pr() {
	pr_disk=$1
	shift
	pr_status=0
	sg_persist -n "$@" "$pr_disk" >"$STATE/persist" 2>&1 || pr_status=$?
	[ $pr_status -ne 6 ] || { sg_persist -n "$@" "$pr_disk" >"$STATE/persist" 2>&1 && pr_status=0; }
	[ $pr_status -eq 0 ] || fail "sg_persist $*: $(tail -n 1 "$STATE/persist")"
}
may_write() { dd if=/dev/zero of="$1" bs=4096 count=1 oflag=direct 2>/dev/null; }
may_read() { dd if="$1" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null; }
# pr_holds DISK KEY TYPE: the reservation is that one.
pr_holds() {
	pr "$1" --in --read-reservation
	grep -q "Key=0x$2" "$STATE/persist" && grep -q "type: $3" "$STATE/persist"
}
# pr_has_key DISK KEY.
pr_has_key() {
	pr "$1" --in --read-keys
	grep -qi "0x$2\$" "$STATE/persist"
}
