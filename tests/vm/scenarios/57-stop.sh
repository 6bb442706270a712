# SIGTERM with live sessions: srpgwd tells the hosts, ends within 5 s and with status 0; under load, and with a back-end that answers
# nothing while commands are out.
# limit: 180
need_srpgw
target_up 16
allow_dmesg 'ib_srp: failed [A-Z ]+ status' 'connection closed' 'reconnect' 'Connection [0-9]+/[0-9]+ to .* failed' 'REJ' 'Null scmnd'
login
set_rport "$HOST" reconnect_delay=1 fast_io_fail_tmo=off dev_loss_tmo=120
load_start load "$(disk 0)"
for stopped in '' '' yes; do
	wait_for 15 "the host to be connected" grep -q running "$(rport_of "$HOST")/state"
	sleep 2
	[ -z "$stopped" ] || kill -STOP "$(tgtd_pid)"
	[ -z "$stopped" ] || sleep 1
	t=$(now_ms)
	gateway_stop
	t=$(($(now_ms) - t))
	[ $t -le $((5000 * ${VM_SLOWER:-1})) ] || fail "srpgwd took $t ms to end"
	say "ended after $t ms${stopped:+, with the back-end stopped}"
	[ -z "$stopped" ] || kill -CONT "$(tgtd_pid)"
	gateway_start
done
load_stop load
