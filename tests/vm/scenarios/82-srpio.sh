# srpio, the initiator without a kernel, over the same verbs: next to the kernel's session, and what one writes the other reads.
# limit: 120
need_srpgw
target_up 16
login
d=$(disk 0)
srpio() { command srpio --fabric rdma --target $FABRIC_IP:$SRP_PORT --id-ext $ID_EXT --ioc-guid $IOC_GUID "$@"; }
srpio login >/dev/null || fail "srpio login"
srpio luns >"$STATE/luns" || fail "srpio luns"
[ -s "$STATE/luns" ] || fail "srpio luns prints nothing"
srpio inquiry | grep -qi 'IET' || fail "srpio inquiry does not show tgt's disk"
srpio verify >"$STATE/verify" 2>&1 || fail "srpio verify: $(tail -n 3 "$STATE/verify")"
srpio perf >"$STATE/perf" 2>&1 || fail "srpio perf: $(tail -n 3 "$STATE/perf")"
fio_verify "$d" --bs=64k --iodepth=8 --size=4M
