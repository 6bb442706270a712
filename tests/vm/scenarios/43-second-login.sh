# A second login of the same initiator port that does not ask for several channels ends the first session: who was there is told and
# disconnected at once, and the newcomer works. Other initiators are not disturbed.
# limit: 120
need_srpgw
target_up 16
login
d=$(disk 0)
srpio() { command srpio --quiet --fabric rdma --target $FABRIC_IP:$SRP_PORT --id-ext $ID_EXT --ioc-guid $IOC_GUID "$@"; }
load_start load "$d"
for round in 1 2 3; do
	srpio --seconds 60 --channels 2 perf >"$STATE/first" 2>&1 &
	first=$!
	wait_for 10 "the first session" has_sessions 2
	t=$(now_ms)
	srpio --length 256K --offset 8M verify >"$STATE/second" 2>&1 || fail "the second login: $(tail -n 1 "$STATE/second")"
	wait_for 10 "the end of the first session" is_dead $first
	! wait $first || fail "the first session did not notice the second login"
	say "round $round, after $(($(now_ms) - t)) ms: $(tail -n 1 "$STATE/first")"
	wait_for 10 "only the host's session to be left" has_sessions 1
done
load_stop load
