# 200 accepted logins with a command and a logout each leave nothing behind in srpgwd: not memory, not descriptors, not queue pairs, memory regions or
# back-end sessions.
# limit: 300
need_srpgw
target_up 16
storm() {
	st=0
	while [ $st -lt "$1" ]; do
		login ch_count=$((st % 2 + 1))
		logout
		st=$((st + 1))
	done
}
leaves_nothing 20 200 512 logins
login
fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=4M
