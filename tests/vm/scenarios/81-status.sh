# srpgwctl in front of a working gateway: every document is JSON, and the numbers are those of what was done.
# limit: 120
need_srpgw
target_up 16 2
login
d=$(disk 1)
before=$(gateway_sum write_bytes_total)
dd if=/dev/zero of="/dev/$d" bs=64k count=32 oflag=direct 2>/dev/null
after=$(gateway_sum write_bytes_total)
[ $((after - before)) -ge 2097152 ] || fail "write_bytes_total went up by $((after - before)), not by 2 MiB"
for what in status sessions luns backends bridges events; do
	srpgwctl $what --json | jq -e . >/dev/null || fail "srpgwctl $what --json prints no JSON"
	[ -n "$(srpgwctl $what)" ] || fail "srpgwctl $what prints nothing"
done
srpgwctl luns | grep -q san || fail "srpgwctl luns names no back-end"
srpgwctl check $CONFIG >/dev/null || fail "srpgwctl check refuses the running configuration"
id=$(srpgwctl sessions --json | jq 'first(.. | objects | select(has("i_port_id")) | .id)')
allow_dmesg 'ib_srp: failed [A-Z ]+ status' 'connection closed' 'reconnect'
set_rport "$HOST" reconnect_delay=1 fast_io_fail_tmo=off
srpgwctl kick "$id" >/dev/null || fail "srpgwctl kick $id"
expect_dmesg 'DREQ|connection closed' 10
expect_dmesg 'reconnect succeeded' 20
fio_verify "$d" --bs=64k --iodepth=8 --size=4M
