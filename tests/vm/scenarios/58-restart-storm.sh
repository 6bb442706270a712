# The target restarts over and over while a host logs in and out over and over: each login works or is refused at once, nothing hangs, and
# in the end all is as it was.
# limit: 240
need_srpgw
target_up 16
allow_dmesg 'ib_srp:' 'srp_[a-z_]+:' 'Connection [0-9]+/[0-9]+ to .* failed' 'REJ' '(I/O|device offline) error' 'Synchronize Cache' 'rejecting I/O' \
	'Result: hostbyte' 'INQUIRY failed' 'Buffer I/O error' 'Read Capacity' 'Sense not available' 'Asking for cache' 'Assuming drive cache' 'Test WP' \
	'0 512-byte' 'reconnect' 'unable to read partition'
# A target that ends while the host scans it: the host's scan times out 20 s later, and it aborts what has no connection any more.
allow_dmesg 'SRP (abort|reset_device|reset_host) called' 'Sending SRP abort'
relogins() {
	n=0 good=0
	until [ -e "$STATE/stop.relogins" ]; do
		n=$((n + 1))
		! add_target "id_ext=$ID_EXT,ioc_guid=$IOC_GUID,dest=$FABRIC_IP:$SRP_PORT" >/dev/null || good=$((good + 1))
		for p in /sys/class/srp_remote_ports/port-*; do
			[ ! -e "$p" ] || echo 1 >"$p/delete" || :
			wait_for 60 "the end of ${p##*/}" is_gone "$p"
		done
		echo "$n $good" >"$STATE/relogins"
	done
}
# How many work while the target restarts is chance: a scan that loses its target takes 20 s. But they do go on working.
three_worked() { read -r n good <"$STATE/relogins" && [ "$good" -ge 3 ]; }
in_background relogins relogins
for n in 1 2 3 4 5 6 7 8; do
	sleep 1
	gateway_stop
	gateway_start
done
wait_for 90 "three logins that work" three_worked
: >"$STATE/stop.relogins"
await relogins
read -r n good <"$STATE/relogins"
say "8 restarts, $good of $n logins worked"
logout
login
fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=4M
