# A back-end dies and comes back: the hosts of another back-end notice nothing, those on it see a pause and no error.
# limit: 240
need_srpgw
tgtd_start 1
tgtd_target 1 16
tgtd_start 2
tgtd_target 2 16
gateway_config_two
gateway_start
login
d0=$(disk 0) d1=$(disk 1)
# tgtd 2's disk: a command that takes longer than 3 s would show.
echo 3 >"/sys/block/$d1/device/timeout"
allow_dmesg "sd [0-9:]*:0: .*"
load_start other "$d1"
load_start load "$d0"
for n in 1 2; do
	sleep 3
	tgtd_kill 1
	sleep 3
	is_running load || fail "the writer did not survive the loss"
	tgtd_start 1
	tgtd_target 1 16
done
load_stop other
load_stop load
dmesg_says 'SRP abort|reset_host' && fail "the host noticed by a timeout"
fio_verify "$d0" --bs=64k --iodepth=8 --size=8M
