# dm-multipath over a session that logs out and in again and again: the writer above it sees a pause, never an error (blktests
# srp/002 and srp/011 in small).
# limit: 300
target_up 16
allow_dmesg '(I/O|device offline) error' 'Synchronize Cache' 'rejecting I/O' 'ib_srp: failed [A-Z ]+ status' 'Result: hostbyte' 'device-mapper: multipath'
modprobe -a dm_multipath dm_service_time
table() { echo "0 $sectors multipath 1 queue_if_no_path 0 1 1 service-time 0 1 1 $1 1"; }
login
d=$(disk 0)
sectors=$(cat "/sys/block/$d/size")
table "$(cat "/sys/block/$d/dev")" | dmsetup create mp
dmsetup mknodes
load_start load mapper/mp
n=0
while [ $n -lt 10 ]; do
	sleep 1
	logout
	login
	d=$(disk 0)
	# What multipathd does when the path is back.
	table "$(cat "/sys/block/$d/dev")" | dmsetup load mp
	dmsetup suspend --noflush --nolockfs mp
	dmsetup resume mp
	n=$((n + 1))
done
load_stop load
say "$n logouts and logins under load"
dmsetup remove mp
