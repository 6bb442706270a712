# SPDX-License-Identifier: BSD-3-Clause
# An iSCSI back-end (tgtd on this machine): there late, there, gone, and back. Nothing of it stops srpgwd.
# builds: address thread
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
. ./tgt.sh

# Not there yet: srpgwd serves, and says what is wrong.
live_config live -e "s|\"mem:16M\"|\"iscsi://127.0.0.1:$san_port/$iqn\", \"hold_seconds\": 2, \"retry_max_ms\": 500|" \
	-e 's|"backend_lun": 0|"backend_lun": 1|'
if daemon_start "$tmp/live.json"; then
	ok
else
	bad "start without the back-end" "$(tail -n 3 "$tmp/daemon.log")"
	exit 0
fi
expect "login without the back-end" 0 'logged in' "$host" login
if wait_for 10 grep -Eq "san|ram.*127.0.0.1:$san_port|127.0.0.1:$san_port.*ram" "$tmp/daemon.log"; then
	ok
else
	bad "warned" "the log does not name the back-end: $(tail -n 3 "$tmp/daemon.log")"
fi
is "still ready" "$(json status .gateway.ready)" true

# There, while a host waits for it: data, and the name that was promised.
"$host" --quiet verify >"$tmp/early" 2>&1 &
early=$!
started="$started $early"
if ! san_up; then
	bad "tgtd" "it does not start: $(tail -n 3 "$tmp/tgtd.log")"
	exit 0
fi
status=0
wait "$early" || status=$?
if [ "$status" -eq 0 ]; then ok; else bad "the host that waited" "$(cat "$tmp/early")"; fi
expect "inquiry" 0 'VIRTUAL-DISK' "$host" inquiry
"$host" --quiet --seconds 60 perf >"$tmp/perf" 2>&1 &
perf=$!
started="$started $perf"
if wait_for 10 sh -c "[ \"\$('$ctl' sessions --json | jq '[.sessions[].io.reads_total] | add // 0')\" -gt 100 ]"; then
	ok
else
	bad "load" "no reads: $(cat "$tmp/perf")"
fi
name=$(json backends '.backends[0].paths[0].initiator_name')
if adm --op show --mode conn --tid 1 | grep -q "Initiator: $name"; then
	ok
else
	bad "initiator name" "the target does not see $name: $(adm --op show --mode conn --tid 1)"
fi

# Gone under load: the path is down, with a reason; the session lives, and goes on when the back-end is back.
san_down
if wait_for 15 sh -c "'$ctl' backends --json | jq -e '.backends[0].paths[0] | .state != \"up\" and .why != \"\"'"; then
	ok
else
	bad "path down" "$(json backends '.backends[0].paths')"
fi
is "ready without it" "$(json status .gateway.ready)" true
is "degraded without it" "$(json status .gateway.state)" degraded
kill "$perf" 2>/dev/null
wait "$perf" 2>/dev/null
san_up || bad "tgtd" "it does not start again: $(tail -n 3 "$tmp/tgtd.log")"
expect "verify again" 0 'as written' "$host" --quiet verify
status=0
daemon_stop TERM || status=$?
is "SIGTERM" "$status" 0
if grep -q 'Sanitizer' "$tmp/daemon.log"; then bad "sanitizer" "$(grep -A 20 Sanitizer "$tmp/daemon.log")"; else ok; fi
