# As 46-cu-tgtd, with LIO as the back-end: it knows initiators by name and ISID, and passes tests that tgtd fails.
# limit: 400
need_srpgw
. /vm/faults.sh
. /vm/pr.sh
. /vm/cu.sh
allow_dmesg 'Login/Text in progress' 'Power-on or device reset' 'reservation conflict' 'nexus error' 'SRP reset_host called' 'ib_srp: reconnect|reconnect succeeded' 'SPC-3 PR|TARGET_CORE|iSCSI|PERSISTENT_RESERVE'
for lun in 1 2 3; do
	fault_disk store$lun 8
done
lio_iscsi_start tcp /dev/mapper/store1 /dev/mapper/store2 /dev/mapper/store3
iscsi_login_two
cu_through_srp
