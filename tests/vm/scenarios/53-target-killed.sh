# The target dies (SIGKILL) under load and is back within 5 s, several times: the host reconnects by itself, fio sees a pause.
# limit: 300
target_up 16
login
set_rport "$HOST" reconnect_delay=1 fast_io_fail_tmo=off dev_loss_tmo=120
d=$(disk 0)
allow_dmesg 'ib_srp: failed [A-Z ]+ status' 'connection closed' 'reconnect' 'Connection [0-9]+/[0-9]+ to .* failed' 'REJ'
load_start load "$d"
n=0
while [ $n -lt 4 ]; do
	sleep 2
	target_crash
	sleep 1
	t=$(now_ms)
	target_back
	wait_for 15 "the host to reconnect" sh -c "[ \"\$(cat $(rport_of "$HOST")/state)\" = running ]"
	n=$((n + 1))
	say "killed and back: running again after $(($(now_ms) - t)) ms"
done
is_running load || fail "the writer did not survive"
load_stop load
fio_verify "$d" --bs=64k --iodepth=8 --size=8M
