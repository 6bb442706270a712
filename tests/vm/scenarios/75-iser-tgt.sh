# The fault matrix over iSER, tgtd; data in every size; resets; what sessions leave behind, in good order and lost.
# limit: 420
need_srpgw
need_rxe
. /vm/faults.sh
. /vm/iser.sh
iser_allow
store_iser_tgtd_up
iser_gateway
iser_warm_up
matrix iser-tgtd cut portal target kill stop hang blackhole
d=$mx_disk
set_rport "$HOST" reconnect_delay=1 fast_io_fail_tmo=off
iser_held "after two lost sessions"
iser_data "$d"
iser_resets "$d"
iser_left 5
