# Resets of the logical unit, the bus and the host while fio writes and verifies: nothing is lost, no command stays behind.
# limit: 360
target_up 16
login
set_rport "$HOST" reconnect_delay=1 fast_io_fail_tmo=off
d=$(disk 0)
# A command that a reset has ended without an answer is found by its timeout.
echo 5 >"/sys/block/$d/device/timeout"
# "Null scmnd": an answer that crossed the host's abort on its way.
allow_dmesg 'Null scmnd for RSP' 'SRP (abort|reset_device|reset_host) called' 'Sending SRP abort' 'Power-on or device reset' 'tag#[0-9]+ (FAILED|CDB)' 'ib_srp: failed [A-Z ]+ status'
allow_dmesg 'reconnect succeeded' 'ib_srp: reconnect'
for kind in d b H; do
	load_start load "$d"
	n=0
	while [ $n -lt 8 ]; do
		sleep 0.7
		sg_reset -$kind "/dev/$d" >/dev/null 2>"$STATE/reset" || fail "sg_reset -$kind: $(cat "$STATE/reset")"
		n=$((n + 1))
	done
	load_stop load
	say "sg_reset -$kind: $n times"
done
