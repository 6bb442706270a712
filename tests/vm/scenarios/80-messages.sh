# What goes wrong at the start is said in one line that names the cause: a busy port, an address without a device, a mistake in
# the configuration.
need_srpgw
tgtd_start 1
tgtd_target 1 16
gateway_config
sed -i "s|0\\.0\\.0\\.0|$FABRIC_IP|" $CONFIG
rdma link delete rxe0
gateway_refuses "no RDMA device"
setup_rxe
wait_for 10 "the initiator to see the device" test -e $SRP_DIR/srp-rxe0-1/add_target
gateway_config
gateway_start
sed -i 's|/run/srpgw|/run/srpgw2|' $CONFIG
gateway_refuses "5555.*(in use|busy|taken)"
gateway_config
sed -i 's|0\.0\.0\.0|10.99.0.1|; s|5555|5556|; s|/run/srpgw|/run/srpgw2|' $CONFIG
gateway_refuses '10\.99\.0\.1'
gateway_config
sed -i 's|"initiators"|"initiator"|' $CONFIG
gateway_refuses 'initiators'
srpgwd --check -c $CONFIG >"$STATE/check" 2>&1 && fail "--check accepts an unknown key"
grep -Eq 'srpgw.json:[0-9]+:[0-9]+' "$STATE/check" || fail "--check names no line and column: $(cat "$STATE/check")"
gateway_config
srpgwd --check -c $CONFIG >/dev/null 2>&1 || fail "--check refuses the example"
login
fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=4M
