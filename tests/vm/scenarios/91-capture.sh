# SPDX-License-Identifier: BSD-3-Clause
# A small run with all that travels between the kernel's soft iWARP and srpgwd captured, for tshark to read outside: logins, immediate
# data, RDMA Reads and Writes, tables of descriptors, task management, logout. The files are kept small.
# limit: 300
case $FABRIC in
siw) capture=crc device=d1 ;;
outside) capture=plain device=eth0 ;;
*) skip "it captures soft iWARP, and the fabric is $FABRIC" ;;
esac
command -v dumpcap >/dev/null || skip "no dumpcap in this image"
target_up 16
dumpcap -q -i $device -f "tcp port $SRP_PORT" -B 32 -a filesize:30000 -w /log/$capture.pcapng >"$STATE/dumpcap" 2>&1 &
dumpcap=$!
wait_for 20 "dumpcap to begin" test -s /log/$capture.pcapng

login
d=$(disk 0)
fio_verify "$d" --bs=4k --iodepth=1 --size=64k
fio_verify "$d" --bs=4k --iodepth=32 --size=512k
fio_verify "$d" --bs=512 --iodepth=8 --size=32k
fio_verify "$d" --bs=1M --iodepth=4 --size=4M
allow_dmesg 'SRP (abort|reset_device) called' 'Sending SRP abort' 'Power-on or device reset'
sg_reset -d "/dev/$d"
logout
load_initiator use_imm_data=N never_register=Y register_always=N indirect_sg_entries=256
login cmd_sg_entries=4,allow_ext_sg=1,sg_tablesize=128
scatter "/dev/$(disk 0)" 2097152 128 4096
logout

sleep 1 # dumpcap looks at its packets in batches
kill -INT $dumpcap
wait $dumpcap
say "$(grep -i 'received/dropped' "$STATE/dumpcap")"
grep -Eq 'dropped.*: [0-9]+/0 ' "$STATE/dumpcap" || fail "dumpcap lost packets: $(cat "$STATE/dumpcap")"
