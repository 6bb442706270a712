# Commands of 4 and 8 MiB, direct and through the page cache, with 255 descriptors in an information unit and with one (blktests
# srp/005 to srp/010): one channel, a queue of 32, no limit of the initiator's on the size. With one descriptor the kernel must split, and
# does so only below what it can register by one key.
# limit: 300
target_up 64
if [ "$TARGET" = srpgw ]; then
	gateway_stop
	sed -i 's|"runtime_dir"|"limits": { "max_transfer_bytes": "8M" }, &|' $CONFIG
	gateway_start
fi
# written DISK: "COMMANDS SECTORS" so far.
written() { awk '{ print $5, $7 }' "/sys/block/$1/stat"; }
for entries in 255 1; do
	login cmd_sg_entries=$entries,sg_tablesize=$entries,ch_count=1,queue_size=32,max_sect=131072
	d=$(disk 0)
	for mib in 4 8; do
		[ $entries -eq 1 ] || echo $((mib * 1024)) >"/sys/block/$d/queue/max_sectors_kb"
		read -r commands sectors <<-END
			$(written "$d")
		END
		# Memory in huge pages, so that one descriptor describes a lot of it.
		fio_verify "$d" --bs=${mib}M --iodepth=4 --size=32M --mem=mmap
		# Through the page cache: written back, forgotten, and read by the device again.
		fio_verify "$d" --bs=${mib}M --iodepth=4 --size=32M --direct=0 --do_verify=0 --end_fsync=1
		echo 3 >/proc/sys/vm/drop_caches
		fio_verify "$d" --bs=${mib}M --iodepth=4 --size=32M --direct=0 --verify_only
		read -r commands2 sectors2 <<-END
			$(written "$d")
		END
		say "cmd_sg_entries=$entries, $mib MiB: $(((sectors2 - sectors) / 2 / (commands2 - commands))) KiB a write command"
	done
	logout
done
