# The fault matrix, bridge sg on a disk of Linux' own iSCSI initiator, which does the recovering itself: see guest/faults.sh.
# limit: 300
need_srpgw
need_rxe
. /vm/faults.sh
store_tgtd_up
iscsi_login
# What that initiator says of connections that come and go.
allow_dmesg 'connection[0-9]+:[0-9]+:' 'session[0-9]+:' 'iscsi' "$DIRECT|sd [0-9]+:0:0:1:"
matrix_gateway "sg:/dev/$(ls "/sys/block/$DIRECT/device/scsi_generic")"
matrix sg-iscsi cut portal target kill stop hang blackhole
