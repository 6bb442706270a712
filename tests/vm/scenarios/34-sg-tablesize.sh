# The host's segment limit from 1 to 128, scattered memory that is never joined (blktests srp/013): what one command cannot describe travels in
# several, and beyond the descriptors in the information unit as an external table. A request limit of 8 gives the gateway a send queue of 64, so that
# 128 descriptors are more RDMA than it takes at once.
# limit: 240
target_up 16
if [ "$TARGET" = srpgw ]; then
	gateway_stop
	sed -i 's|"runtime_dir"|"limits": { "req_lim": 8 }, &|' $CONFIG
	gateway_start
fi
load_initiator never_register=Y register_always=N indirect_sg_entries=256
for n in 1 3 16 64 128; do
	login cmd_sg_entries=$n,sg_tablesize=$n
	d=$(disk 0)
	[ "$(cat "/sys/class/scsi_host/$HOST/sg_tablesize")" -eq $n ] || fail "sg_tablesize is $(cat "/sys/class/scsi_host/$HOST/sg_tablesize"), not $n"
	scatter "/dev/$d" 524288 $n 4096
	scatter "/dev/$d" 65536 $n 512
	logout
	if [ "$TARGET" = srpgw ] && [ $n -gt 4 ]; then
		login cmd_sg_entries=4,allow_ext_sg=1,sg_tablesize=$n
		before=$(gateway_sum external_tables_total)
		scatter "/dev/$(disk 0)" 1048576 $n 4096
		[ "$(gateway_sum external_tables_total)" -gt "$before" ] || fail "no external table travelled with sg_tablesize=$n"
		logout
	fi
done
