# SPDX-License-Identifier: BSD-3-Clause
# A running srpgwd, over user-space iWARP: ready, asked, reloaded, drained, stopped, killed and started again.
# builds: address thread
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh


live_config live
: >"$tmp/daemon.log"
if daemon_start "$tmp/live.json"; then
	ok
else
	bad "start" "not ready within 20 s: $(tail -n 3 "$tmp/daemon.log")"
	exit 0
fi

# What it tells.
is "state" "$(json status .gateway.state)" ready
is "ready" "$(json status .gateway.ready)" true
is "pid" "$(json status .gateway.pid)" "$daemon"
is "listeners" "$(json status '.listeners | map(.state) | join(",")')" listening
is "reactors" "$(json status '.reactors | length')" 3
is "name" "$(json status '.backends[0].identities[0].initiator_name')" 'iqn.2026-11.srpgw:live:<initiator port identifier>'
for c in status sessions luns backends bridges events; do
	true_of "$c --json" sh -c "'$ctl' $c --json | jq -e .schema_version"
	expect "$c" 0 . "$ctl" "$c"
done
expect "bridges" 0 '^mem .*mem:SIZE' "$ctl" bridges
expect "kick nobody" 1 'there is no session 77; see' "$ctl" kick 77
if [ "$(id -u)" -eq 0 ]; then
	is "mode of control.sock" "$(stat -c %a "$tmp/run/control.sock")" 600
	want=600
	! getent group srpgw >/dev/null || want=660
	is "mode of status.sock" "$(stat -c %a "$tmp/run/status.sock")" $want
else
	skip "modes of the sockets" "not root"
fi

# Others that want the same folder, or the same port.
expect "same folder" 1 "error: .*another srpgwd runs in $tmp/run; .+" "$srpgwd" -c "$tmp/live.json"
live_config port -e "s|$tmp/run|$tmp/run2|"
expect "same port" 1 "error: .*port.json:3:17: listen\[0\]: .*$port.*(in use|busy|taken).*; .+" "$srpgwd" -c "$tmp/port.json"
is "nothing is left behind" "$(ls "$tmp/run2")" srpgwd.lock

# Reload: a new target, then a mistake, then by signal.
live_config live -e 's|"targets":  \[|&{ "id_ext": "0000000000000002", "ioc_guid": "0002c90300000001", "initiators": [ "*" ] },|'
expect "reload" 0 'the new configuration is in force' "$ctl" reload
is "two targets" "$(json status '.targets | length')" 2
is "reloads" "$(json status .gateway.reloads_total)" 1
cp "$tmp/live.json" "$tmp/good.json"
echo '{' >"$tmp/live.json"
expect "reload of a mistake" 1 'live.json:[0-9]+:[0-9]+: .+; .+' "$ctl" reload
is "still two targets" "$(json status '.targets | length')" 2
is "the error is told" "$(json status '.gateway.last_reload_error != null')" true
sed 's|"reactors": 2|"reactors": 1|' "$tmp/good.json" >"$tmp/live.json"
expect "reload with a warning" 0 'reactors: the change takes effect when srpgwd is restarted' "$ctl" reload
kill -HUP "$daemon"
if wait_for 10 sh -c "[ \"\$('$ctl' status --json | jq .gateway.reloads_total)\" = 3 ]"; then
	ok
else
	bad "SIGHUP" "no third reload"
fi

# Stop in good order.
status=0
daemon_stop TERM || status=$?
is "SIGTERM" "$status" 0
is "the sockets are gone" "$(ls "$tmp/run")" srpgwd.lock
if said 'error:|Sanitizer'; then
	grep -E 'error:' "$tmp/daemon.log" | grep -vq 'reload:' && bad "log" "$(grep -E 'error:|Sanitizer' "$tmp/daemon.log" | tail -n 3)"
fi

# Killed, and started over what it left behind.
cp "$tmp/good.json" "$tmp/live.json"
true_of "start again" daemon_start "$tmp/live.json"
daemon_stop KILL 2>/dev/null
true_of "sockets of the killed one" test -S "$tmp/run/status.sock"
expect "nobody answers" 3 'no srpgwd answers' "$ctl" status
true_of "start over them" daemon_start "$tmp/live.json"

# Drain: it goes on running, and is no longer ready.
expect "drain" 0 'all sessions have ended' "$ctl" drain
expect "status when drained" 1 ': drained, up' "$ctl" status
expect "reload when drained" 1 'not ready; try again later' "$ctl" reload
status=0
daemon_stop INT || status=$?
is "SIGINT" "$status" 0

# systemd is told.
"$BUILD/tests/integration/notify" "$tmp/notify.sock" >"$tmp/notified" &
notify=$!
started="$started $notify"
if wait_for 5 grep -q bound "$tmp/notified"; then
	NOTIFY_SOCKET=$tmp/notify.sock
	export NOTIFY_SOCKET
	true_of "start under systemd" daemon_start "$tmp/live.json"
	unset NOTIFY_SOCKET
	if wait_for 5 grep -q READY=1 "$tmp/notified"; then ok; else bad "notify" "no READY=1"; fi
	daemon_stop TERM || bad "stop under systemd" "status $?"
	if wait_for 5 grep -q STOPPING=1 "$tmp/notified"; then ok; else bad "notify" "no STOPPING=1"; fi
else
	bad "notify" "the socket cannot be made"
fi

# A port that is taken: nobody is told that it is ready.
live_config taken
true_of "first of two" daemon_start "$tmp/live.json"
"$BUILD/tests/integration/notify" "$tmp/notify2.sock" >"$tmp/notified2" &
notify=$!
started="$started $notify"
wait_for 5 grep -q bound "$tmp/notified2" || bad "notify" "the socket cannot be made"
run 1 env NOTIFY_SOCKET="$tmp/notify2.sock" "$srpgwd" -c "$tmp/port.json" || bad "same port" "exit status $status"
if wait_for 5 grep -q STOPPING=1 "$tmp/notified2" && ! grep -q READY "$tmp/notified2"; then
	ok
else
	bad "notify" "told ready, or not told that it stops"
fi
daemon_stop TERM || bad "stop" "status $?"
