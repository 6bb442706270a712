# 1,000 refused logins leave nothing behind in srpgwd: not memory, not descriptors, not queue pairs.
# limit: 360
need_srpgw
target_up 16
allow_dmesg 'SRP LOGIN REJECTED' 'Connection 0/[0-9]+ to .* failed' 'REJ'
storm() {
	st=0
	while [ $st -lt "$1" ]; do
		# (The shell's own echo: no process for each.)
		! echo "$string" >$SRP_DIR/srp-rxe0-1/add_target 2>/dev/null || fail "a login that had to be refused was accepted"
		st=$((st + 1))
	done
}
string="id_ext=00000000000000ff,ioc_guid=$IOC_GUID,dest=$FABRIC_IP:$SRP_PORT,ch_count=1"
leaves_nothing 100 1000 1024 "refused logins"
refused=$(srpgwctl status --json | jq '[.. | objects | .logins_refused_total? | numbers] | add')
[ "$refused" -eq 1100 ] || fail "the gateway counts $refused refused logins, not 1100"
login
fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=4M
