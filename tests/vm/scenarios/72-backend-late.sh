# srpgwd starts before its back-end does and says so; a host that logs in then gets its disk once the back-end is there.
# limit: 180
need_srpgw
gateway_config
gateway_start
in_background login sh -c 'echo "id_ext='$ID_EXT',ioc_guid='$IOC_GUID',dest='$FABRIC_IP:$SRP_PORT'" >'$SRP_DIR'/srp-'$RDMA_DEV'-1/add_target'
gateway_said "san.*cannot connect to 127.0.0.1:3260: Connection refused" 10
sleep 2
tgtd_start 1
tgtd_target 1 16
await login
HOST=$(cd /sys/class/srp_remote_ports && echo port-*)
HOST=host${HOST#port-}
HOST=${HOST%:*}
# The scan of the login may have come too early; a scan by hand, or the unit attention, then finds the disk.
sleep 2
[ -e "/sys/class/scsi_device/${HOST#host}:0:0:0" ] || echo "- - -" >"/sys/class/scsi_host/$HOST/scan"
fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=4M
