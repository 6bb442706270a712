# 200 accepted logins with a command and a logout each leave nothing behind in srpgwd: not memory, not descriptors, not queue pairs, memory regions or
# back-end sessions.
# limit: 300
need_srpgw
# Else huge pages, which the kernel makes of what is half used already, would look like growth.
thp=/sys/kernel/mm/transparent_hugepage/enabled
echo never >$thp
target_up 16
storm() {
	st=0
	while [ $st -lt "$1" ]; do
		login ch_count=$((st % 2 + 1))
		logout
		st=$((st + 1))
	done
}
storm 20
wait_for 10 "all sessions to be gone" has_sessions 0
sleep 1
gateway_resources >"$STATE/before"
rss=$(gateway_rss_kib)
t=$(now_ms)
storm 200
t=$(($(now_ms) - t))
wait_for 20 "the resources of before" resources_as "$STATE/before"
grown=$(($(gateway_rss_kib) - rss))
say "200 logins in $((t / 1000)) s; resident memory $rss KiB, grown by $grown KiB; $(tr '\n' ',' <"$STATE/before")"
[ $grown -le 512 ] || fail "200 logins cost $grown KiB"
login
fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=4M
echo always >$thp
