# Three logical units of three kinds behind one target: iSCSI, the gateway's own RAM disk, and a local SCSI device with 4096-byte blocks.
# limit: 120
need_srpgw
tgtd_start 1
tgtd_target 1 16
modprobe scsi_debug dev_size_mb=16 sector_size=4096 delay=0
wait_for 10 "scsi_debug's disk" sh -c 'ls -d /sys/bus/pseudo/devices/adapter0/host*/target*/*/scsi_generic/sg*'
sg=$(basename /sys/bus/pseudo/devices/adapter0/host*/target*/*/scsi_generic/sg*)
gateway_config '[ { "lun": 0, "backend": "san", "backend_lun": 1 }, { "lun": 1, "backend": "ram", "backend_lun": 0 }, { "lun": 2, "backend": "local", "backend_lun": 0 } ]'
sed -i "s|\"backends\": { |&\"ram\": { \"uri\": \"mem:16M\" }, \"local\": { \"uri\": \"sg:/dev/$sg\" }, |" $CONFIG
gateway_start
login
for l in 0 1 2; do
	t=$(now_ms)
	d=$(disk $l)
	[ "$(cat "/sys/block/$d/size")" -eq $((16 * 2048)) ] || fail "LUN $l has $(cat "/sys/block/$d/size") sectors"
	fio_verify "$d" --bs=4k --iodepth=16 --size=2M
	fio_verify "$d" --bs=256k --iodepth=4 --size=8M
	say "LUN $l: $(cat "/sys/block/$d/device/vendor") $(cat "/sys/block/$d/device/model"), blocks of $(cat "/sys/block/$d/queue/logical_block_size"), $(($(now_ms) - t)) ms"
done
t=$(now_ms)
logout
say "logout $(($(now_ms) - t)) ms"
gateway_stop
say "stop $(($(now_ms) - t)) ms"
modprobe -r scsi_debug
