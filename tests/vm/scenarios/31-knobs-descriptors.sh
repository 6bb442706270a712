# Descriptors in the information unit: 1, 12 and 255; the host splits or not, and the data is the same.
# limit: 240
target_up 64
for options in cmd_sg_entries=1,sg_tablesize=1 cmd_sg_entries=12 cmd_sg_entries=255,sg_tablesize=255,max_sect=16384; do
	login $options
	d=$(disk 0)
	fio_verify "$d" --bs=1M --iodepth=4 --size=16M
	fio_verify "$d" --bs=4M --iodepth=2 --size=16M
	logout
	say "$options"
done
load_initiator never_register=Y register_always=N
login cmd_sg_entries=255,sg_tablesize=255,max_sect=4096
d=$(disk 0)
scatter "/dev/$d" 8388608 255 4096
say "255 descriptors in a table"
