# One channel, two, and one for each processor: as many as asked for are used, and the data is right.
# limit: 240
target_up 32
for n in 1 2 "$(nproc)"; do
	login ch_count="$n"
	d=$(disk 0)
	[ "$(cat "/sys/class/scsi_host/$HOST/ch_count")" -eq "$n" ] || fail "asked for $n channels, got $(cat "/sys/class/scsi_host/$HOST/ch_count")"
	if [ "$TARGET" = srpgw ]; then
		[ "$(srpgwctl sessions --json | jq '[.. | objects | .channels? | arrays | length] | add')" -eq "$n" ] || fail "the gateway sees another number of channels"
	fi
	fio_verify "$d" --numjobs=2 --offset_increment=8M --bs=8k --iodepth=32 --size=4M
	logout
	say "$n channels"
done
