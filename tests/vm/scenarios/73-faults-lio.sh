# The fault matrix, iSCSI to the kernel's own target (LIO): see guest/faults.sh.
# limit: 300
need_srpgw
need_rxe
. /vm/faults.sh
store_lio_up
matrix_gateway "iscsi://$PORTAL/$IQN"
matrix iscsi-lio cut portal target hang blackhole
