# SPDX-License-Identifier: BSD-3-Clause
# For tests with an iSCSI back-end: tgtd on this machine, with one target and a disk of 16 MiB at LUN 1. Read after lib.sh; where there is
# no tgtd the test ends here, skipped. It listens at 127.0.0.1:$san_port and at $san_portals (",portal=HOST:PORT...").
# shellcheck shell=sh disable=SC2154 # lib.sh
if ! command -v tgtd >/dev/null || ! command -v tgtadm >/dev/null; then
	skip "everything" "no tgtd"
	exit 0
fi
iqn=iqn.2026-11.example:disk
san_port=$((port + 1))
instance=$((port % 1000 + 100))
TGT_IPC_SOCKET=$tmp/tgt
export TGT_IPC_SOCKET
tgtd=''
adm() { tgtadm -C "$instance" --lld iscsi "$@"; }
san_up() {
	tgtd -f -C "$instance" --iscsi "portal=127.0.0.1:$san_port${san_portals:-}" >>"$tmp/tgtd.log" 2>&1 &
	tgtd=$!
	started="$started $tgtd"
	wait_for 10 tgtadm -C "$instance" --op show --mode sys || return 1
	adm --op new --mode target --tid 1 -T $iqn
	truncate -s 16M "$tmp/disk"
	adm --op new --mode logicalunit --tid 1 --lun 1 -b "$tmp/disk"
	adm --op bind --mode target --tid 1 -I ALL
}
san_down() {
	kill -KILL "$tgtd" # it takes no notice of SIGTERM
	wait "$tgtd" 2>/dev/null
	rm -f "$tmp"/tgt.*
}
# The scratch folder goes away before tgtd could.
trap 'kill -KILL "${tgtd:-}" 2>/dev/null; clean_up' EXIT

# san_config NAME [SED...]: a live_config whose LUN 0 is the disk.
san_config() {
	sc_name=$1
	shift
	live_config "$sc_name" -e "s|\"mem:16M\"|\"iscsi://127.0.0.1:$san_port/$iqn\", \"hold_seconds\": 2, \"retry_ms\": 100, \"retry_max_ms\": 500|" \
		-e 's|"backend_lun": 0|"backend_lun": 1|' "$@"
}
