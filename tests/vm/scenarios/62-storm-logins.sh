# 200 accepted logins, each with a logout while the host looks at its disk, leave nothing behind in srpgwd: not memory, not descriptors, not queue pairs, memory regions or
# back-end sessions.
# limit: 360
need_srpgw
target_up 16
# The host logs out while it still looks at its disk.
allow_dmesg '(I/O|device offline) error' 'unable to read' 'rejecting I/O' 'Result: hostbyte' 'INQUIRY failed' 'Read Capacity' 'Sense not available' \
	'Asking for cache' 'Assuming drive cache' 'Test WP' '0 512-byte' 'Synchronize Cache'
storm() {
	st=0
	while [ $st -lt "$1" ]; do
		login ch_count=$((st % 2 + 1))
		logout
		st=$((st + 1))
	done
}
leaves_nothing 20 200 1024 logins
login
fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=4M
