# A host logs in while the back-end is away: its scan does not hang, and its disk comes alive with the back-end. First a back-end that the gateway has
# never seen; then one that it knows from before its restart, so that the host has its disk from the start.
# limit: 240
need_srpgw
# What the kernel says of a disk that is not ready.
allow_dmesg 'Read Capacity' 'Sense' 'Test WP failed' 'Asking for cache' 'Assuming drive cache' 'Result: hostbyte' '(I/O|device offline) error' 'Buffer I/O'
is_up() { srpgwctl backends --json | jq -e '[.. | objects | select(has("n_outstanding")) | .state] | any(. == "up")'; }
has_size() { [ "$(cat "/sys/class/scsi_device/${HOST#host}:0:0:0/device/block/"*/size)" -eq $((16 * 2048)) ]; }
# login_in_time WHAT: with the scan that belongs to it.
login_in_time() {
	li_start=$(now_ms)
	login
	li_ms=$(($(now_ms) - li_start))
	say "login and scan, back-end $1: $li_ms ms"
	[ $li_ms -lt $((20000 * ${VM_SLOWER:-1})) ] || fail "the host's scan took $li_ms ms"
}

gateway_config
sed -i 's|"runtime_dir"|"state_dir": "/run/srpgw-state", &|' $CONFIG
gateway_start
login_in_time "never seen"
gateway_said "san.*cannot connect to 127.0.0.1:3260: Connection refused" 10
tgtd_start 1
tgtd_target 1 16
wait_for 30 "the gateway to find its back-end" is_up
# The host knows of no logical unit: its next scan finds it.
echo "- - -" >"/sys/class/scsi_host/$HOST/scan"
fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=4M
logout

gateway_stop
tgtd_kill 1
gateway_start
login_in_time "known from before"
d=$(disk 0)
say "its disk is there: $(cat "/sys/block/$d/device/vendor") $(cat "/sys/block/$d/device/model")"
tgtd_start 1
tgtd_target 1 16
wait_for 30 "the gateway to find its back-end" is_up
# Any command: its answer says that there is more to ask.
sg_raw "/dev/$(ls "/sys/block/$d/device/scsi_generic")" 00 00 00 00 00 00 >/dev/null 2>&1 || :
wait_for 30 "the disk to have its size" has_size
fio_verify "$d" --bs=64k --iodepth=8 --size=4M
