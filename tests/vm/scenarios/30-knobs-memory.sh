# The initiator's ways of sending data and describing memory: with immediate data and without, memory registered for each
# command, only where needed, or never (then scattered memory travels as tables of descriptors).
# limit: 360
target_up 64
for knobs in use_imm_data=Y use_imm_data=N 'use_imm_data=Y max_imm_data=1024' register_always=N \
	'never_register=Y register_always=N' 'never_register=Y register_always=N use_imm_data=N'; do
	# shellcheck disable=SC2086
	load_initiator $knobs
	login cmd_sg_entries=64,sg_tablesize=64
	d=$(disk 0)
	fio_verify "$d" --bs=4k --iodepth=16 --size=1M
	fio_verify "$d" --bs=256k --iodepth=4 --size=8M
	# 64 pages, none adjacent: with never_register a table of 64 descriptors, with registration one. Then odd pieces.
	scatter "/dev/$d" 2097152 64 4096
	scatter "/dev/$d" 1048576 16 1536
	if [ "$TARGET" = srpgw ] && [ "$knobs" = use_imm_data=N ]; then
		[ "$(gateway_sum immediate_writes_total)" -eq 0 ] || fail "immediate data arrived though the host had it off"
	elif [ "$TARGET" = srpgw ] && [ "$knobs" = use_imm_data=Y ]; then
		[ "$(gateway_sum immediate_writes_total)" -gt 0 ] || fail "no immediate data arrived though the host had it on"
	fi
	logout
	say "$knobs"
done
