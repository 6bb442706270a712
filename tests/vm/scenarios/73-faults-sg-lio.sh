# The fault matrix, bridge sg on a disk of Linux' own iSCSI initiator, and Linux' own target behind that: see guest/faults.sh.
# limit: 300
need_srpgw
need_rxe
. /vm/faults.sh
store_lio_up
iscsi_login
# What that initiator says of connections that come and go.
allow_dmesg 'connection[0-9]+:[0-9]+:' 'session[0-9]+:' 'iscsi' "$DIRECT|sd [0-9]+:0:0:1:"
matrix_gateway "sg:/dev/$(ls "/sys/block/$DIRECT/device/scsi_generic")"
matrix sg-iscsi-lio cut portal target hang blackhole
