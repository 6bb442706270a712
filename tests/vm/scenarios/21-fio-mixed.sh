# Reads and writes mixed, two jobs, all channels of the host at work: every byte read is the one written.
# limit: 180
target_up 64
login
d=$(disk 0)
fio_verify "$d" --rw=randrw --rwmixread=50 --bs=4k --iodepth=32 --size=3M
fio_verify "$d" --numjobs=2 --offset_increment=16M --bssplit=512/10:4k/40:16k/20:60k/10:128k/20 --bs_unaligned=0 \
	--iodepth=16 --size=4M
fio_verify "$d" --rw=write --bs=128k --iodepth=4 --size=16M
