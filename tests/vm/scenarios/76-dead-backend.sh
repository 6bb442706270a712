# A back-end that is stopped or dead holds nobody up: the host's logout and the gateway's stop take less than 5 s each.
# limit: 240
need_srpgw
allow_dmesg 'Synchronize Cache' 'Result: hostbyte' 'ib_srp: failed [A-Z ]+ status' 'connection closed' 'DREQ' 'reconnect' 'Connection [0-9]+/[0-9]+ to .* failed' 'REJ'
tgtd_start 1
tgtd_target 1 16
# in_time WHAT COMMAND...
in_time() {
	it_what=$1 it_start=$(now_ms)
	shift
	"$@"
	it_ms=$(($(now_ms) - it_start))
	say "$it_what: $it_ms ms"
	[ $it_ms -lt $((5000 * ${VM_SLOWER:-1})) ] || fail "$it_what took $it_ms ms"
}
gateway_config
gateway_start
for how in stopped dead; do
	for what in logout gateway_stop; do
		login
		# The disk has a write cache: a logout sends SYNCHRONIZE CACHE.
		fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=4M
		if [ $how = stopped ]; then kill -STOP "$(tgtd_pid 1)"; else tgtd_kill 1; fi
		in_time "$what with the back-end $how" $what
		if [ $how = stopped ]; then
			kill -CONT "$(tgtd_pid 1)"
		else
			tgtd_start 1
			tgtd_target 1 16
		fi
		[ $what = logout ] || gateway_start
		logout
	done
done
login
fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=4M
