# reload adds a LUN: the host that is logged in learns of it, keeps its session and its writer never stops; drain empties the gateway.
# limit: 180
need_srpgw
target_up 16 2
gateway_config '[ { "lun": 0, "backend": "san", "backend_lun": 1 } ]'
gateway_stop
gateway_start
login
d=$(disk 0)
[ ! -e "/sys/class/scsi_device/${HOST#host}:0:0:1" ] || fail "LUN 1 is there too early"
load_start load "$d"
gateway_config '[ { "lun": 0, "backend": "san", "backend_lun": 1 }, { "lun": 1, "backend": "san", "backend_lun": 2 } ]'
srpgwctl reload >/dev/null || fail "srpgwctl reload"
expect_dmesg 'LUN assignments on this target have changed' 10
echo "- - -" >"/sys/class/scsi_host/$HOST/scan"
fio_verify "$(disk 1)" --bs=64k --iodepth=8 --size=4M
load_stop load
dmesg_says 'reconnect|DREQ' && fail "the session did not survive the reload"
# A broken configuration changes nothing.
echo '{ "listen": 1 }' >$CONFIG
! srpgwctl reload >"$STATE/reload" 2>&1 || fail "reload accepts a broken configuration"
fio_verify "$d" --bs=64k --iodepth=8 --size=4M
