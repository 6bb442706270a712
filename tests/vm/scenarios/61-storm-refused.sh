# 1,000 refused logins leave nothing behind in srpgwd: not memory, not descriptors, not queue pairs.
# limit: 240
need_srpgw
# Else huge pages, which the kernel makes of what is half used already, would look like growth.
thp=/sys/kernel/mm/transparent_hugepage/enabled
echo never >$thp
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
storm 50
wait_for 10 "all channels to be gone" has_sessions 0
sleep 1
gateway_resources >"$STATE/before"
rss=$(gateway_rss_kib)
t=$(now_ms)
storm 1000
t=$(($(now_ms) - t))
wait_for 20 "the resources of before" resources_as "$STATE/before"
grown=$(($(gateway_rss_kib) - rss))
say "1000 refused in $((t / 1000)) s; resident memory $rss KiB, grown by $grown KiB; $(tr '\n' ',' <"$STATE/before")"
[ $grown -le 256 ] || fail "1000 refused logins cost $grown KiB"
refused=$(srpgwctl status --json | jq '[.. | objects | .logins_refused_total? | numbers] | add')
[ "$refused" -eq 1050 ] || fail "the gateway counts $refused refused logins, not 1050"
login
fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=4M
echo always >$thp
