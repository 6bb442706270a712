# fio with checksums, block sizes from 4 KiB to 8 MiB, depths 1 to 64: what is written comes back.
# limit: 240
target_up 64
login cmd_sg_entries=255,max_sect=16384
d=$(disk 0)
for job in 4k:1:1M 4k:64:6M 64k:16:12M 256k:8:16M 1M:4:24M 8M:2:32M; do
	bs=${job%%:*} size=${job##*:} depth=${job#*:}
	depth=${depth%:*}
	t=$(now_ms)
	fio_verify "$d" --bs="$bs" --iodepth="$depth" --size="$size"
	say "bs $bs, depth $depth, $size: $(($(now_ms) - t)) ms"
done
