# The demonstration's chain for machines with an RDMA device of their own: tgtd, srpgwd, srpio, nothing left behind.
# limit: 120
need_srpgw
before=$(ls /tmp)
/vm/chain $FABRIC_IP >"$STATE/chain" 2>&1 || fail "the chain does not work: $(tail -n 3 "$STATE/chain")"
[ "$(ls /tmp)" = "$before" ] || fail "it left something in /tmp: $(ls /tmp)"
