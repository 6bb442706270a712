# SPDX-License-Identifier: BSD-3-Clause
# srpgwd's command line, and what it says when it cannot start here.
# builds: plain address
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
version=$(sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' "$project/CHANGELOG.md" | head -n 1)
expect "version" 0 "^srpgwd $version\$" "$srpgwd" --version
expect "help" 0 '^usage: srpgwd' "$srpgwd" -h
expect "no arguments" 2 '^usage: srpgwd' "$srpgwd"
expect "unknown option" 2 '^usage: srpgwd' "$srpgwd" --daemonize
expect "too many arguments" 2 '^usage: srpgwd' "$srpgwd" -c x y

if run 0 "$srpgwd" --keys && awk '/keys: begin/ { on = 1; next } /keys: end/ { on = 0 } on' "$project/docs/srpgw.json.5.md" |
	sed '1{/^$/d;}' | cmp -s - "$tmp/out"; then
	ok
else
	bad "keys" "docs/srpgw.json.5.md holds other tables than srpgwd --keys"
fi

config no-device
if [ -n "$(ls /sys/class/infiniband 2>/dev/null)" ]; then
	skip "no device" "this machine has an RDMA device"
else
	expect "no device" 1 "no-device.json:2:17: listen\[0\]: .*(no RDMA device|RDMA).*; .+" "$srpgwd" -c "$tmp/no-device.json"
	n=$(grep -c ': error: ' "$tmp/err")
	if [ "$n" -eq 1 ]; then ok; else bad "no device" "$n error lines instead of one"; fi
	if [ -e "$tmp/run/status.sock" ] || [ -e "$tmp/run/control.sock" ]; then
		bad "no device" "sockets are left behind"
	else
		ok
	fi
fi

# Another daemon in the same folder: its lock is what counts.
config second
mkdir -p "$tmp/run"
: >"$tmp/run/srpgwd.lock"
(
	flock -n 9 || exit 1
	expect "second daemon" 1 "another srpgwd runs in $tmp/run; .*runtime_dir" "$srpgwd" -c "$tmp/second.json"
) 9<"$tmp/run/srpgwd.lock"

config no-folder -e "s|$tmp/run|$tmp/none/run|"
expect "no folder" 1 'cannot make the runtime folder .*: No such file or directory; .+' "$srpgwd" -c "$tmp/no-folder.json"

config no-bridge
expect "no bridges" 1 'backends.san.uri: ' env SRPGW_BRIDGE_DIR="$tmp" "$srpgwd" --check -c "$tmp/no-bridge.json"

# The unit file: systemd reads it, and its sandbox is tight.
if ! command -v systemd-analyze >/dev/null; then
	skip "unit" "no systemd-analyze"
else
	sed -e "s|/usr/sbin/srpgwd|$srpgwd|; s|/usr/bin/srpgwctl|$srpgwctl|; /^Documentation=/d" "$project/etc/srpgwd.service" >"$tmp/srpgwd.service"
	if run 0 systemd-analyze verify "$tmp/srpgwd.service" && ! grep -q srpgwd.service "$tmp/err"; then
		ok
	else
		bad "unit verify" "systemd complains"
	fi
	expect "unit sandbox" 0 'exposure' systemd-analyze security --offline=yes --threshold=35 "$tmp/srpgwd.service"
fi
