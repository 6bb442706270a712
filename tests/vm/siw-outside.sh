# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# The gateway on this machine, under its sanitizers, for an emulated machine whose soft iWARP reaches it through QEMU's user-mode
# network: tgtd with one disk of 64 MiB, and srpgwd on the loopback interface. Sourced by `run`.
#
# Without CRCs: that network cuts TCP segments anew, and siw finds CRC errors where a segment ends inside of a CRC.

# outside_up BUILD FOLDER: starts both; sets $outside_port. Status 1 when one does not start, 3 when the storage is not ours to start.
outside_up() {
	PATH=$PATH:/usr/sbin:/sbin
	ou_build=$(readlink -f "$1") ou_dir=$2
	ou_iqn=iqn.2026-11.example:disk
	outside_port=$((20000 + $$ % 20000))
	outside_run=$(mktemp -d) # short: sockets are made in it
	TGT_IPC_SOCKET=$outside_run/tgt
	export TGT_IPC_SOCKET
	truncate -s 64M "$outside_run/disk"
	tgtd -f -C 97 --iscsi portal=127.0.0.1:$((outside_port + 1)) >"$ou_dir/tgtd.log" 2>&1 &
	outside_tgtd=$!
	if ! outside_wait tgtadm -C 97 --op show --mode sys; then
		[ "$(id -u)" -eq 0 ] || return 3
		return 1
	fi
	{
		tgtadm -C 97 --lld iscsi --op new --mode target --tid 1 -T $ou_iqn &&
		tgtadm -C 97 --lld iscsi --op new --mode logicalunit --tid 1 --lun 1 -b "$outside_run/disk" &&
		tgtadm -C 97 --lld iscsi --op bind --mode target --tid 1 -I ALL
	} || return 1
	for ou_kv in MaxRecvDataSegmentLength=262144 FirstBurstLength=262144 MaxBurstLength=1048576 InitialR2T=No; do
		tgtadm -C 97 --lld iscsi --op update --mode target --tid 1 --name "${ou_kv%=*}" --value "${ou_kv#*=}" || return 1
	done
	cat >"$outside_run/srpgw.json" <<-END
		{
		  "listen":   [ { "fabric": "iwarp", "address": "127.0.0.1", "port": $outside_port, "crc": "optional" } ],
		  "backends": { "san": { "uri": "iscsi://127.0.0.1:$((outside_port + 1))/$ou_iqn" } },
		  "targets":  [ { "id_ext": "0000000000000001", "ioc_guid": "0002c90300000001",
		                  "initiators": [ "*" ],
		                  "luns": [ { "lun": 0, "backend": "san", "backend_lun": 1 } ] } ],
		  "runtime_dir": "$outside_run"
		}
	END
	SRPGW_BRIDGE_DIR=$ou_build/bridges ASAN_OPTIONS=detect_leaks=1:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1 \
		"$ou_build/sbin/srpgwd" -c "$outside_run/srpgw.json" >"$ou_dir/srpgwd.log" 2>&1 &
	outside_srpgwd=$!
	outside_wait "$ou_build/bin/srpgwctl" --runtime-dir "$outside_run" status
}

outside_wait() {
	ow_end=$(($(date +%s) + 20))
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt $ow_end ] || return 1
		sleep 0.1
	done
}

# outside_down: ends both. Fails when srpgwd does not end with status 0, as after a sanitizer's complaint.
outside_down() {
	od_status=0
	if [ -n "${outside_srpgwd:-}" ]; then
		kill -TERM "$outside_srpgwd" 2>/dev/null || :
		wait "$outside_srpgwd" || od_status=$?
		outside_srpgwd=
	fi
	if [ -n "${outside_tgtd:-}" ]; then
		kill -KILL "$outside_tgtd" 2>/dev/null || :
		wait "$outside_tgtd" 2>/dev/null || :
		outside_tgtd=
	fi
	[ -z "${outside_run:-}" ] || rm -rf "$outside_run"
	return $od_status
}
