# Two hosts (two initiator port identifiers) with different LUN maps: each sees its own LUNs, and a LUN that both see is the same.
# limit: 180
need_srpgw
tgtd_start 1
tgtd_target 1 16 3
cat >$CONFIG <<-END
	{
	  "listen":   [ { "fabric": "rdma", "address": "0.0.0.0", "port": $SRP_PORT } ],
	  "backends": { "san": { "uri": "iscsi://$PORTAL/$IQN" } },
	  "targets":  [ { "id_ext": "$ID_EXT", "ioc_guid": "$IOC_GUID", "groups": [
	    { "name": "a", "initiators": [ "00000000000000aa*" ],
	      "luns": [ { "lun": 0, "backend": "san", "backend_lun": 1 }, { "lun": 5, "backend": "san", "backend_lun": 3 } ] },
	    { "name": "b", "initiators": [ "00000000000000bb*" ],
	      "luns": [ { "lun": 0, "backend": "san", "backend_lun": 2 }, { "lun": 1, "backend": "san", "backend_lun": 3 } ] } ] } ],
	  "runtime_dir": "/run/srpgw"
	}
END
gateway_start
login initiator_ext=00000000000000aa
a=$HOST
login initiator_ext=00000000000000bb
b=$HOST
a0=$(disk 0 "$a") a5=$(disk 5 "$a") b0=$(disk 0 "$b") b1=$(disk 1 "$b")
for h in "$a" "$b"; do
	n=$(ls -d "/sys/class/scsi_disk/${h#host}:"* | wc -l)
	[ "$n" -eq 2 ] || fail "$h sees $n disks, not 2"
done
fio_verify "$a0" --bs=4k --iodepth=16 --size=2M
echo "written by host a" >/tmp/text
truncate -s 4096 /tmp/text
dd if=/tmp/text of="/dev/$a5" bs=4096 oflag=direct 2>/dev/null
dd if="/dev/$b1" bs=4096 count=1 iflag=direct of=/tmp/back 2>/dev/null
cmp /tmp/text /tmp/back || fail "LUN 5 of host a is not LUN 1 of host b"
dd if="/dev/$b0" bs=4096 count=1 iflag=direct of=/tmp/back 2>/dev/null
! cmp -s /tmp/text /tmp/back || fail "host b's LUN 0 holds what belongs to LUN 1"
[ "$(srpgwctl sessions --json | jq '[.. | objects | .i_port_id? | strings] | unique | length')" -eq 2 ] || fail "the gateway does not count two sessions"

# Each host is an I_T nexus of its own at the back-end: a reservation of one keeps the other out.
sg_persist -n --out --register --param-sark=aa "/dev/$a5" >/dev/null
sg_persist -n --out --reserve --param-rk=aa --prout-type=1 "/dev/$a5" >/dev/null
! dd if=/tmp/text of="/dev/$b1" bs=4096 oflag=direct 2>/dev/null || fail "host b wrote to what host a has reserved"
dd if=/tmp/text of="/dev/$a5" bs=4096 oflag=direct 2>/dev/null || fail "host a cannot write to what it has reserved"
sg_persist -n --out --clear --param-rk=aa "/dev/$a5" >/dev/null
dd if=/tmp/text of="/dev/$b1" bs=4096 oflag=direct 2>/dev/null || fail "host b cannot write after the reservation is gone"
allow_dmesg 'reservation conflict' 'critical nexus error'
