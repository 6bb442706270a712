# fio with checksums, block sizes from 4 KiB to 8 MiB, depths 1 to 64: what is written comes back.
# limit: 240
target_up 64
login cmd_sg_entries=255,sg_tablesize=255,max_sect=16384
d=$(disk 0)
jobs='4k:1:1M 4k:64:6M 64k:16:12M 256k:8:16M 1M:4:24M 8M:2:32M'
# Less of each where the fabric is TCP in the same machine: the sizes are what counts.
[ "$FABRIC" = rxe ] || jobs='4k:1:256k 4k:64:2M 64k:16:4M 256k:8:4M 1M:4:8M 8M:2:16M'
for job in $jobs; do
	bs=${job%%:*} size=${job##*:} depth=${job#*:}
	depth=${depth%:*}
	t=$(now_ms)
	fio_verify "$d" --bs="$bs" --iodepth="$depth" --size="$size"
	say "bs $bs, depth $depth, $size: $(($(now_ms) - t)) ms"
done
