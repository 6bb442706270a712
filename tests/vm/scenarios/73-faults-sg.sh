# The fault matrix, bridge sg on a disk of Linux' own iSCSI initiator, which does the recovering itself: see guest/faults.sh.
# No `target` here, and the portal comes back with its target: a login that tgtd refuses, and hangs up on at once, leaves that initiator's session stuck
# for good about one time in three ("can't bind conn 1:0 to session 1, retcode -107", Linux 6.1). 73-faults-sg-lio has that fault.
# limit: 300
need_srpgw
need_rxe
. /vm/faults.sh
fault_kill_tgtd_off() {
	tgtd_start 1 127.0.0.1:3299
	tgtd_target 1 /dev/mapper/store
	fault_portal_tgtd_off
}
store_tgtd_up
iscsi_login
# What that initiator says of connections that come and go.
allow_dmesg 'connection[0-9]+:[0-9]+:' 'session[0-9]+:' 'iscsi' "$DIRECT|sd [0-9]+:0:0:1:"
matrix_gateway "sg:/dev/$(ls "/sys/block/$DIRECT/device/scsi_generic")"
matrix sg-iscsi cut portal kill stop hang blackhole
