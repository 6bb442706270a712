# The fault matrix, iSCSI to tgtd: see guest/faults.sh.
# limit: 300
need_srpgw
need_rxe
. /vm/faults.sh
store_tgtd_up
matrix_gateway "iscsi://$PORTAL/$IQN"
matrix iscsi-tgtd cut portal target kill stop hang blackhole
