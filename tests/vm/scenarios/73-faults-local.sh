# The fault matrix, bridge sg on a local disk: see guest/faults.sh.
# limit: 240
need_srpgw
need_rxe
. /vm/faults.sh
store_debug_up
allow_dmesg 'rejecting I/O to offline device'
matrix_gateway "sg:/dev/$DEBUG_SG" ', "settings": { "timeout_ms": "5000" }'
matrix sg-local offline removed silent
logout
gateway_stop
modprobe -r scsi_debug
