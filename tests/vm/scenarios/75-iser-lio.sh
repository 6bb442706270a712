# The fault matrix over iSER, the kernel's own target; data in every size; logging out. No resets: a session that ends with commands in
# flight can leave that target's login thread waiting for ever (iscsi_check_for_session_reinstatement, seen with Linux 6.1). No black hole for the
# same reason: a login that the target gives up in it (15 s) left that thread blocked in one of fifteen.
# limit: 420
need_srpgw
need_rxe
. /vm/faults.sh
. /vm/iser.sh
iser_allow
store_iser_lio_up
iser_gateway
iser_warm_up
matrix iser-lio cut portal target hang
d=$mx_disk
set_rport "$HOST" reconnect_delay=1 fast_io_fail_tmo=off
iser_data "$d"
start=$(now_ms)
logout
say "logged out in $(($(now_ms) - start)) ms"
