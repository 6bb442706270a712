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
# sg_of DISK: its sg node.
sg_of() { echo "/dev/$(ls "/sys/block/$1/device/scsi_generic")"; }

# iscsi_login_two [INSTANCE=1]: two initiators of the kernel without SRP at the tgtd of that number, or at what else is at its port;
# DIRECT and DIRECT2 are the two disks of LUN 1.
iscsi_login_two() {
	iscsi_login "${1:-1}"
	ilt_portal=127.0.0.1:$((3259 + ${1:-1}))
	iscsiadm -m iface -I second -o new
	iscsiadm -m iface -I second -o update -n iface.transport_name -v tcp
	iscsiadm -m iface -I second -o update -n iface.initiatorname -v iqn.2026-11.example:second
	iscsiadm -m node -T "$IQN" -p $ilt_portal -I second -o new
	timeout 30 iscsiadm -m node -T "$IQN" -p $ilt_portal -I second --login >"$STATE/iscsiadm" 2>&1 || fail "iscsiadm: $(tail -n 1 "$STATE/iscsiadm")"
	wait_for 30 "the second initiator's disk" second_iscsi_disk
	DIRECT2=$(second_iscsi_disk)
	DIRECT2=${DIRECT2##*/}
}
# shellcheck disable=SC2153 # of iscsi_login
second_iscsi_disk() { iscsi_disk | grep -v "/$DIRECT\$"; }
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

# ---- what two initiators may do, one line for each step ----
# reservation_steps DISK SECOND: libiscsi's suites leave out everything with two initiators where it is not its own iSCSI session, so these
# are the steps of its suites PROUT REGISTER, RESERVE, CLEAR, PREEMPT and RESERVE6. For comparison: prints "STEP: STATUS", the
# status as sg3-utils says it (0 GOOD, 5 ILLEGAL REQUEST, 24 RESERVATION CONFLICT), after the unit attentions (6).
reservation_steps() {
	rs_a=$1 rs_b=$2
	step "wrong key" pr_raw "$rs_a" --out --register --param-rk=bad --param-sark=aa
	step "register a" pr_raw "$rs_a" --out --register --param-sark=aa
	step "register b" pr_raw "$rs_b" --out --register --param-sark=bb
	step "register again without the key" pr_raw "$rs_a" --out --register --param-sark=ab
	show "keys" "$rs_b" --read-keys
	for rs_type in 1 3 5 6 7 8; do
		step "$rs_type: reserve" pr_raw "$rs_a" --out --reserve --param-rk=aa --prout-type=$rs_type
		show "$rs_type: reservation" "$rs_b" --read-reservation
		access "$rs_type: holder" "$rs_a"
		access "$rs_type: registrant" "$rs_b"
		step "$rs_type: reserve by the other" pr_raw "$rs_b" --out --reserve --param-rk=bb --prout-type=$rs_type
		step "$rs_type: release by the other" pr_raw "$rs_b" --out --release --param-rk=bb --prout-type=$rs_type
		show "$rs_type: reservation after that" "$rs_a" --read-reservation
		step "$rs_type: reserve again" pr_raw "$rs_a" --out --reserve --param-rk=aa --prout-type=$rs_type
		step "$rs_type: unregister the other" pr_raw "$rs_b" --out --register --param-rk=bb
		access "$rs_type: not registered" "$rs_b"
		step "$rs_type: register the other" pr_raw "$rs_b" --out --register --param-sark=bb
		step "$rs_type: unregister the holder" pr_raw "$rs_a" --out --register --param-rk=aa
		show "$rs_type: reservation without its holder" "$rs_b" --read-reservation
		access "$rs_type: then" "$rs_a"
		step "$rs_type: clear" pr_raw "$rs_b" --out --clear --param-rk=bb
		show "$rs_type: keys after that" "$rs_a" --read-keys
		step "$rs_type: register a" pr_raw "$rs_a" --out --register-ignore --param-sark=aa
		step "$rs_type: register b" pr_raw "$rs_b" --out --register-ignore --param-sark=bb
	done
	for rs_how in preempt preempt-abort; do
		step "$rs_how: reserve" pr_raw "$rs_a" --out --reserve --param-rk=aa --prout-type=1
		step "$rs_how" pr_raw "$rs_b" --out --$rs_how --param-rk=bb --param-sark=aa --prout-type=1
		show "$rs_how: reservation" "$rs_a" --read-reservation
		show "$rs_how: keys" "$rs_a" --read-keys
		access "$rs_how: who was preempted" "$rs_a"
		access "$rs_how: who did it" "$rs_b"
		step "$rs_how: clear" pr_raw "$rs_b" --out --clear --param-rk=bb
		step "$rs_how: register a" pr_raw "$rs_a" --out --register-ignore --param-sark=aa
		step "$rs_how: register b" pr_raw "$rs_b" --out --register-ignore --param-sark=bb
	done
	step "clear" pr_raw "$rs_a" --out --clear --param-rk=aa
	step "RESERVE" sg_raw "$rs_a" 16 00 00 00 00 00
	step "RESERVE again" sg_raw "$rs_a" 16 00 00 00 00 00
	access "RESERVE: holder" "$rs_a"
	access "RESERVE: other" "$rs_b"
	step "RESERVE by the other" sg_raw "$rs_b" 16 00 00 00 00 00
	step "RELEASE by the other" sg_raw "$rs_b" 17 00 00 00 00 00
	access "RESERVE: other, after its RELEASE" "$rs_b"
	step "RELEASE" sg_raw "$rs_a" 17 00 00 00 00 00
	step "RESERVE by the other, then" sg_raw "$rs_b" 16 00 00 00 00 00
	access "RESERVE: who released" "$rs_a"
	sg_reset -d "$rs_a" >/dev/null 2>&1 || echo "LUN reset: failed"
	access "RESERVE: after a LUN reset" "$rs_a"
	step "TEST UNIT READY" sg_raw "$rs_b" 00 00 00 00 00 00
}
pr_raw() {
	prr_disk=$1
	shift
	sg_persist -n "$@" "$prr_disk"
}
# step NAME COMMAND...
step() {
	st_name=$1 st_n=0
	shift
	st_status=6
	while [ $st_status -eq 6 ] && [ $st_n -lt 5 ]; do
		st_status=0
		"$@" >"$STATE/step" 2>&1 || st_status=$?
		st_n=$((st_n + 1))
	done
	echo "$st_name: $st_status"
}
# show NAME DISK ARGUMENT: what PERSISTENT RESERVE IN says, but for the generation.
show() {
	step "$1" pr_raw "$2" --in "$3"
	sed -n '/generation/d; s/^ *\(.*[Kk]ey.*\|.*type:.*\|0x.*\)$/  \1/p' "$STATE/step"
}
access() {
	step "$1 writes" sg_raw -s 512 -i /dev/zero "$2" 2a 00 00 00 00 00 00 00 01 00
	step "$1 reads" sg_raw -r 512 "$2" 28 00 00 00 00 00 00 00 01 00
}
