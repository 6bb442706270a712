# dm-multipath over a session that logs out and in again and again: the writer above it sees a pause, never an error (blktests
# srp/011).
# limit: 300
target_up 16
allow_dmesg '(I/O|device offline) error' 'Synchronize Cache' 'rejecting I/O' 'ib_srp: failed [A-Z ]+ status' 'Result: hostbyte' 'device-mapper: multipath'
login
multipath_up mp "$(disk 0)"
load_start load mapper/mp
n=0
while [ $n -lt 10 ]; do
	sleep 1
	logout
	login
	multipath_path mp "$(disk 0)"
	n=$((n + 1))
done
load_stop load
say "$n logouts and logins under load"
dmsetup remove mp
