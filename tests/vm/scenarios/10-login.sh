# Log in, see the disks, log out, twice: nothing is left behind.
target_up 16 3
for round in 1 2; do
	login
	for l in 0 1 2; do
		d=$(disk $l)
		[ "$(cat "/sys/block/$d/size")" -eq $((16 * 2048)) ] || fail "LUN $l has $(cat "/sys/block/$d/size") sectors"
	done
	say "round $round: $(sg_inq "/dev/$d" | sed -n 's/ *Vendor identification: *//p'), $(cat "/sys/class/scsi_host/$HOST/ch_count" 2>/dev/null || echo '?') channels"
	logout
	[ -z "$(ls /sys/class/srp_remote_ports)" ] || fail "a remote port is left after logout"
	! [ -e "/sys/block/$d" ] || fail "/dev/$d is left after logout"
done
