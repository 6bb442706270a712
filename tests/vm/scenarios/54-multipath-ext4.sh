# A file system over dm-multipath while its only path logs out and in again and again: files written with checksums come back right,
# and the file system is in order (blktests srp/002).
# limit: 300
target_up 64
modprobe ext4
allow_dmesg '(I/O|device offline) error' 'Synchronize Cache' 'rejecting I/O' 'ib_srp: failed [A-Z ]+ status' 'Result: hostbyte' 'device-mapper: multipath'
login
multipath_up mp "$(disk 0)"
mkfs.ext4 -q -F /dev/mapper/mp
mkdir -p /tmp/mnt
mount -t ext4 /dev/mapper/mp /tmp/mnt
in_background load fio --name=verify --directory=/tmp/mnt --numjobs=4 --size=2M --direct=1 --ioengine=libaio --rw=randwrite --bs=4k \
	--iodepth=16 --verify=crc32c --verify_fatal=1 --do_verify=1 --verify_backlog=256 --loops=100000 --time_based --runtime=$((12 * ${VM_SLOWER:-1})) \
	--group_reporting --output="$STATE/fio"
n=0
while is_running load; do
	sleep 1
	logout
	login
	multipath_path mp "$(disk 0)"
	n=$((n + 1))
done
await load
[ $n -ge 5 ] || fail "only $n logouts and logins"
umount /tmp/mnt
e2fsck -f -n /dev/mapper/mp >/tmp/fsck 2>&1 || fail "e2fsck: $(cat /tmp/fsck)"
say "$n logouts and logins under load"
dmsetup remove mp
