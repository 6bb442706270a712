# Logging out in the middle of writes, in again, and the disk is in order: no hang, no corruption, nothing left at the target.
# limit: 240
target_up 16
# What the kernel says when a disk goes away under its user.
allow_dmesg '(I/O|device offline) error' 'Buffer I/O error' 'Synchronize Cache' 'rejecting I/O' 'ib_srp: failed [A-Z ]+ status' 'Result: hostbyte'
for round in 1 2 3 4; do
	login ch_count=$((round % 2 + 1))
	d=$(disk 0)
	fio --name=load --allow_file_create=0 --filename="/dev/$d" --direct=1 --ioengine=libaio --rw=randwrite --bs=32k --iodepth=32 --size=8M \
		--time_based --runtime=30 >/dev/null 2>&1 &
	load=$!
	sleep 1
	logout
	wait $load && fail "fio did not notice that its disk was gone"
	login
	fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=8M
	logout
	say "round $round"
done
if [ "$TARGET" = srpgw ]; then
	wait_for 10 "the gateway to have no session" sh -c '[ "$(srpgwctl sessions --json | jq "[.. | objects | .i_port_id? | strings] | length")" -eq 0 ]'
fi
