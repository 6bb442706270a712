# SPDX-License-Identifier: BSD-3-Clause
# srpgwctl without a daemon: usage, exit statuses, and check.
# builds: plain address
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
config good
config bad -e 's/"initiators"/"initiator"/'

expect "help" 0 '^usage: srpgwctl' "$srpgwctl" -h
expect "no command" 2 '^usage: srpgwctl' "$srpgwctl"
expect "unknown command" 2 '^usage: srpgwctl' "$srpgwctl" frobnicate
expect "argument missing" 2 '^usage: srpgwctl' "$srpgwctl" kick
expect "argument too many" 2 '^usage: srpgwctl' "$srpgwctl" status now
expect "kick what" 2 'kick takes the number of a session; see' "$srpgwctl" kick seven
expect "version" 0 '^srpgwctl [0-9]' "$srpgwctl" --version

for c in status sessions luns backends bridges events reload drain 'kick 1'; do
	# shellcheck disable=SC2086
	expect "$c without a daemon" 3 "no srpgwd answers at $tmp/none/(status|control).sock; .+" "$srpgwctl" --runtime-dir "$tmp/none" $c
done
expect "socket option" 3 "no srpgwd answers at $tmp/x.sock" "$srpgwctl" --socket "$tmp/x.sock" status

expect "check good" 0 'good.json: ok$' "$srpgwctl" check "$tmp/good.json"
expect "check bad" 1 'bad.json:5:19: targets\[0\].initiator: unknown key; did you mean "initiators"\?' "$srpgwctl" check "$tmp/bad.json"
if run 1 "$srpgwctl" check --json "$tmp/bad.json" && [ "$(jq .ok "$tmp/out")" = false ]; then
	ok
else
	bad "check --json" "exit status $status, or no JSON"
fi
# Installed elsewhere, it finds srpgwd in PATH; without one it says so.
cp "$srpgwctl" "$tmp/srpgwctl"
expect "check by PATH" 0 'good.json: ok$' env PATH="$BUILD/sbin:$PATH" "$tmp/srpgwctl" check "$tmp/good.json"
expect "check without srpgwd" 1 'cannot run srpgwd --check; .+' env PATH="$tmp/none" "$tmp/srpgwctl" check "$tmp/good.json"
