# The RDMA device is taken away under load and comes back: srpgwd survives, closes what was on it, and accepts logins again
# without a restart (blktests srp/016).
# limit: 240
need_srpgw
need_rxe
# librdmacm never frees the protection domain that it keeps for itself when its device goes (16 bytes).
echo 'leak:librxe' >"$STATE/leaks"
export LSAN_OPTIONS="suppressions=$STATE/leaks:print_suppressions=0"
target_up 16
login
d=$(disk 0)
allow_dmesg '(I/O|device offline) error' 'Synchronize Cache' 'rejecting I/O' 'ib_srp: failed' 'Result: hostbyte' 'rxe'
fio --name=load --allow_file_create=0 --filename="/dev/$d" --direct=1 --ioengine=libaio --rw=randwrite --bs=32k --iodepth=32 --size=8M \
	--time_based --runtime=30 >/dev/null 2>&1 &
load=$!
sleep 1
rdma link delete rxe0
wait_for 60 "the end of $HOST" is_gone "/sys/class/scsi_host/$HOST"
wait $load && fail "fio did not notice that its disk was gone"
gateway_ready || fail "srpgwd did not survive the device"
setup_rxe
wait_for 10 "the initiator to see the device" test -e $SRP_DIR/srp-$RDMA_DEV-1/add_target
login
fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=8M
