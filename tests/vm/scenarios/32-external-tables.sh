# External indirect tables: 4 descriptors in the information unit, the other 124 are fetched from the host by RDMA READ.
# No kernel target can do this.
# limit: 120
need_srpgw
target_up 64
load_initiator never_register=Y register_always=N indirect_sg_entries=256
login cmd_sg_entries=4,allow_ext_sg=1,sg_tablesize=128
d=$(disk 0)
before=$(gateway_sum external_tables_total)
scatter "/dev/$d" 8388608 128 4096
scatter "/dev/$d" 4194304 37 4096
tables=$(($(gateway_sum external_tables_total) - before))
[ $tables -ge 40 ] || fail "only $tables external tables travelled"
say "$tables external tables"
fio_verify "$d" --bs=256k --iodepth=8 --size=16M
