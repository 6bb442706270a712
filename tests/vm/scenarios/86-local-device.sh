# A disk of the gateway's own machine, through the kernel (sg:): data; a disk that stops answering, whose commands the host aborts;
# a disk that is taken away and comes back; a stop with the disk dead ends in time.
# limit: 300
need_srpgw
# Of scsi_debug: what it does with commands. opts 4: it never answers, from every_nth on.
knob() { echo "$2" >"/sys/bus/pseudo/drivers/scsi_debug/$1"; }
no_answers() { knob opts 4; knob every_nth -1; }
answers() { knob every_nth 0; knob opts 0; }
local_disk() { ls -d /sys/bus/pseudo/drivers/scsi_debug/adapter0/host*/target*/*:0/scsi_generic/sg*; }
local_host() { for lh in /sys/bus/pseudo/drivers/scsi_debug/adapter0/host*; do echo "/sys/class/scsi_host/${lh##*/}"; done; }
modprobe scsi_debug dev_size_mb=16 delay=0
wait_for 10 "the local disk" local_disk
sg=$(basename "$(local_disk)")
gateway_config '[ { "lun": 0, "backend": "san", "backend_lun": 0 } ]'
sed -i "s|\"san\": {[^}]*}|\"san\": { \"uri\": \"sg:/dev/$sg\", \"hold_seconds\": 3, \"retry_max_ms\": 1000, \"settings\": { \"timeout_ms\": \"20000\" } }|" $CONFIG
gateway_start
login
d=$(disk 0)
[ "$(cat "/sys/block/$d/device/model" | xargs)" = scsi_debug ] || fail "the host sees another disk"
for bs in 4k 64k 512k; do fio_verify "$d" --bs=$bs --iodepth=16 --size=8M; done
sg_persist -k -i "/dev/$d" >"$STATE/persist" 2>&1 && fail "reservations cannot tell hosts apart here, but are not refused"

# It stops answering.
allow_dmesg 'Null scmnd for RSP' 'SRP abort called' 'Sending SRP abort' 'SRP reset_device called' 'SRP reset_host called' 'scsi_debug' \
	"$d|sd |Buffer I/O|I/O error|reconnect|rejecting I/O" 'failed (send|receive|RECV)' 'DREQ' 'connection closed'
echo 5 >"/sys/block/$d/device/timeout"
load_start load "$d"
sleep 1
no_answers
expect_dmesg 'SRP abort called' 20
answers
load_stop load
fio_verify "$d" --bs=64k --iodepth=8 --size=8M

# It is taken away and comes back, the same.
load_start load "$d"
echo 1 >"$(local_disk | sed 's|/scsi_generic/.*||')/delete"
gateway_said "$sg.*(removed|offline|No such|attached)" 20
echo "- - -" >"$(local_host)/scan"
wait_for 20 "the local disk" local_disk
load_stop load
fio_verify "$d" --bs=64k --iodepth=8 --size=8M

# A stop with the disk dead.
no_answers
in_background dead dd if="/dev/$d" of=/dev/null bs=4k count=1 iflag=direct
sleep 1
start=$(now_ms)
gateway_stop
[ $(($(now_ms) - start)) -lt 8000 ] || fail "a stop with a dead disk took $(($(now_ms) - start)) ms"
say "stopped with a dead disk in $(($(now_ms) - start)) ms"
answers
