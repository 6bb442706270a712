# An upgrade: srpgwd ends by SIGTERM under load and a new one starts; the host waits and goes on.
# limit: 240
need_srpgw
target_up 16
login
set_rport "$HOST" reconnect_delay=1 fast_io_fail_tmo=off dev_loss_tmo=120
d=$(disk 0)
allow_dmesg 'ib_srp: failed [A-Z ]+ status' 'connection closed' 'reconnect' 'Connection [0-9]+/[0-9]+ to .* failed' 'REJ'
load_start load "$d"
for n in 1 2 3; do
	sleep 2
	gateway_stop
	gateway_start
	wait_for 15 "the host to reconnect" sh -c "[ \"\$(cat $(rport_of "$HOST")/state)\" = running ]"
done
load_stop load
