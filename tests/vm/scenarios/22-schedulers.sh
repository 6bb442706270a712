# Each I/O scheduler of the host's kernel in front of the disk (blktests srp/012).
# limit: 180
target_up 16
modprobe -a kyber-iosched bfq
modprobe mq-deadline 2>/dev/null || :
login
d=$(disk 0)
n=0
for s in $(tr -d '[]' <"/sys/block/$d/queue/scheduler"); do
	echo "$s" >"/sys/block/$d/queue/scheduler"
	fio_verify "$d" --bs=64k --iodepth=32 --size=8M
	n=$((n + 1))
done
[ $n -ge 3 ] || fail "only $n schedulers: $(cat "/sys/block/$d/queue/scheduler")"
say "$(cat "/sys/block/$d/queue/scheduler")"
