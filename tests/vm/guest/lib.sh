# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# What scenarios are written with. Sourced by guest/run-scenario; everything here runs as root in the emulated machine.
#
# FABRIC chooses the host's device: rxe (both ends of the fabric are one soft RoCE device, 10.77.0.1 on rxe0), or siw (soft
# iWARP on one end of a veth pair; srpgwd and tgtd live in a network namespace at its other end, with user-space iWARP), or
# outside (soft iWARP on a network card; srpgwd runs already, outside of the machine, with one LUN of 64 MiB).
#
# A scenario is a script that ends with status 0 (ok), calls skip REASON, or fails: any command that fails ends it (set -e).
# It starts with no back-end, no target and no session, and need not clean up.
#
# TARGET chooses who is tested: srpgw (tgtd behind srpgwd), or lio (the kernel's own ib_srpt with a RAM disk).

FABRIC_IP=10.77.0.1
SRP_PORT=5555
PORTAL=127.0.0.1:3260
IQN=iqn.2026-11.example:disk
CONFIG=/etc/srpgw/srpgw.json
SRP_DIR=/sys/class/infiniband_srp
ID_EXT=0000000000000001
IOC_GUID=0002c90300000001
: "${TARGET:=srpgw}" "${SCENARIO:=shell}" "${STATE:=/run/vm}" "${FABRIC:=rxe}"
RDMA_DEV=siw0 GATEWAY_FABRIC=iwarp AT_GATEWAY=
case $FABRIC in
rxe) RDMA_DEV=rxe0 GATEWAY_FABRIC=rdma ;;
siw) AT_GATEWAY='ip netns exec gw' ;;
outside) FABRIC_IP=10.0.2.2 SRP_PORT=$OUTSIDE_PORT TARGET=outside ;;
esac
mkdir -p "$STATE" /etc/srpgw /log /var/lib

# Both speak on descriptor 3, the scenario's own output: a function's output may be read or thrown away by its caller.
say() { printf '@info %s\n' "$*" >&3; }
fail() {
	printf '@because %s\n' "$*" >&3
	exit 1
}
skip() {
	echo "$*" >"$STATE/skip"
	exit 77
}
need_rxe() { [ "$FABRIC" = rxe ] || skip "it is about soft RoCE, and the fabric is $FABRIC"; }
need_srpgw() { [ "$TARGET" = srpgw ] || skip "it is about srpgwd, and the target is $TARGET"; }

# now_ms: milliseconds since boot, without a new process.
now_ms() {
	read -r up _ </proc/uptime
	echo "${up%.*}${up#*.}0"
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds; fails naming WHAT. A slow machine gets more ($VM_SLOWER).
wait_for() {
	wf_limit=$(($1 * ${VM_SLOWER:-1})) wf_what=$2
	shift 2
	wf_end=$(($(now_ms) + wf_limit * 1000))
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$wf_end" ] || fail "waited $wf_limit s for $wf_what"
		sleep 0.1
	done
}
is_gone() { ! [ -e "$1" ]; }
is_dead() { ! [ -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

# ---- fabric ----
setup_rxe() {
	[ -e /sys/class/infiniband/rxe0 ] && return 0
	modprobe crc32_generic
	modprobe crc32_pclmul 2>/dev/null || :
	modprobe -a rdma_rxe ib_uverbs rdma_ucm veth
	if ! [ -e /sys/class/net/d0 ]; then
		ip link add d0 mtu 4200 type veth peer name d1 mtu 4200
		ip addr add $FABRIC_IP/24 dev d0
		ip link set d0 up
		ip link set d1 up
	fi
	rdma link add rxe0 type rxe netdev d0
	wait_for 10 "the GID of $FABRIC_IP on rxe0" test -e /sys/class/infiniband/rxe0/ports/1/gids/1
}

load_siw() {
	modprobe crc32c_intel 2>/dev/null || :
	modprobe -a crc32c_generic libcrc32c ib_uverbs rdma_cm
	[ -d /sys/module/siw ] || insmod /vm/siw.ko
}
setup_siw() {
	[ -e /sys/class/infiniband/siw0 ] && return 0
	load_siw
	modprobe veth
	if ! [ -e /sys/class/net/d1 ]; then
		ip netns add gw
		ip link add d0 type veth peer name d1
		ip link set d0 netns gw
		ip -n gw link set lo up
		ip -n gw addr add $FABRIC_IP/24 dev d0
		ip -n gw link set d0 up
		ip addr add 10.77.0.2/24 dev d1
		ip link set d1 up
	fi
	rdma link add siw0 type siw netdev d1
}
setup_outside() {
	[ -e /sys/class/infiniband/siw0 ] && return 0
	load_siw
	modprobe -a virtio_pci virtio_net
	wait_for 10 "the network card" test -e /sys/class/net/eth0
	ip addr add 10.0.2.15/24 dev eth0
	ip link set eth0 up
	rdma link add siw0 type siw netdev eth0
}
setup_fabric() { setup_"$FABRIC"; }

# load_initiator [PARAMETER=VALUE...]: the kernel's initiator with these parameters.
load_initiator() {
	# shellcheck disable=SC2015
	[ -d /sys/module/ib_srp ] && modprobe -r ib_srp || :
	modprobe ib_srp "$@"
	wait_for 10 "$SRP_DIR" test -e "$SRP_DIR/srp-$RDMA_DEV-1/add_target"
}

# ---- back-ends ----
# tgtd_start [INSTANCE=1 [PORTAL]]: a tgtd on 127.0.0.1, port 3259 + INSTANCE, or on that portal; its pid in $STATE/tgtd.INSTANCE.
tgtd_start() {
	ts_i=${1:-1}
	$AT_GATEWAY tgtd -f -C "$ts_i" --iscsi "portal=${2:-127.0.0.1:$((3259 + ts_i))}" >>"/log/$SCENARIO.tgtd$ts_i" 2>&1 &
	echo $! >"$STATE/tgtd.$ts_i"
	wait_for 20 "tgtd $ts_i" tgtadm -C "$ts_i" --op show --mode sys
}
tgtd_pid() { cat "$STATE/tgtd.${1:-1}"; }
tgtd_kill() {
	tk_pid=$(tgtd_pid "${1:-1}")
	kill -9 "$tk_pid"
	wait "$tk_pid" 2>/dev/null || :
	rm -f "/run/tgtd/socket.${1:-1}" "/run/tgtd/socket.${1:-1}.lock"
}

# tgtd_target INSTANCE SIZE_MB [N_LUNS]: target $IQN with LUNs 1.. on tmpfs files that outlive the daemon.
# tgtd_target INSTANCE DEVICE: the same with one LUN on that block device, past the page cache.
tgtd_target() {
	tt_i=$1 tt_mb=$2 tt_n=${3:-1} tt_l=0
	tgtadm -C "$tt_i" --lld iscsi --op new --mode target --tid 1 -T $IQN
	while [ $tt_l -lt "$tt_n" ]; do
		tt_l=$((tt_l + 1))
		tt_file=/tmp/disk.$tt_i.$tt_l
		tt_flags=
		case $tt_mb in
		/dev/*) tt_file=$tt_mb tt_flags='--bsoflags direct' ;;
		esac
		# Allocated now: a file that grows while it is measured measures the growing.
		[ -e "$tt_file" ] || dd if=/dev/zero of="$tt_file" bs=1M count="$tt_mb" 2>/dev/null
		# shellcheck disable=SC2086 # words, or none
		tgtadm -C "$tt_i" --lld iscsi --op new --mode logicalunit --tid 1 --lun $tt_l -b "$tt_file" $tt_flags
		tgtadm -C "$tt_i" --lld iscsi --op update --mode logicalunit --tid 1 --lun $tt_l \
			--params "scsi_sn=disk$tt_i-$tt_l,scsi_id=disk$tt_i-$tt_l"
	done
	tgtadm -C "$tt_i" --lld iscsi --op bind --mode target --tid 1 -I ALL
	for tt_kv in MaxRecvDataSegmentLength=262144 FirstBurstLength=262144 MaxBurstLength=1048576 InitialR2T=No; do
		tgtadm -C "$tt_i" --lld iscsi --op update --mode target --tid 1 --name "${tt_kv%=*}" --value "${tt_kv#*=}"
	done
}

# ---- the kernel's own iSCSI initiator: the same storage without SRP ----
# iscsi_login [INSTANCE=1]: logs in to that tgtd and sets DIRECT to the disk of its LUN 1 (sdX).
# (In a session of its own: iscsid ends its whole process group.)
iscsi_login() {
	modprobe iscsi_tcp
	mkdir -p /run/lock/iscsi
	echo "InitiatorName=iqn.2026-11.example:direct" >/etc/iscsi/initiatorname.iscsi
	: >/etc/iscsi/iscsid.conf
	setsid iscsid -f >"/log/$SCENARIO.iscsid" 2>&1 &
	echo $! >"$STATE/iscsid"
	il_portal=127.0.0.1:$((3259 + ${1:-1}))
	wait_for 20 "iscsid" timeout 5 iscsiadm -m discovery -t sendtargets -p $il_portal
	timeout 30 iscsiadm -m node -T $IQN -p $il_portal --login >"$STATE/iscsiadm" 2>&1 || fail "iscsiadm: $(tail -n 1 "$STATE/iscsiadm")"
	wait_for 30 "the iSCSI disk" iscsi_disk
	# shellcheck disable=SC2034 # for scenarios
	DIRECT=$(basename "$(iscsi_disk)")
}
iscsi_disk() { ls -d /sys/class/iscsi_session/session*/device/target*/*:1/block/sd*; }
iscsi_logout() {
	[ -e "$STATE/iscsid" ] || return 0
	timeout 30 iscsiadm -m node -u >"$STATE/iscsiadm" 2>&1 || fail "iscsiadm: $(tail -n 1 "$STATE/iscsiadm")"
	iu_pid=$(cat "$STATE/iscsid")
	rm -rf "$STATE/iscsid" /etc/iscsi/nodes /etc/iscsi/send_targets /etc/iscsi/ifaces
	kill "$iu_pid"
	wait_for 10 "the end of iscsid" is_dead "$iu_pid"
}

# ---- the gateway ----
# gateway_config_two: as gateway_config, LUN 0 from tgtd 1 and LUN 1 from tgtd 2.
gateway_config_two() {
	gateway_config '[ { "lun": 0, "backend": "san", "backend_lun": 1 }, { "lun": 1, "backend": "other", "backend_lun": 1 } ]'
	sed -i "s|\"backends\": { |&\"other\": { \"uri\": \"iscsi://127.0.0.1:3261/$IQN\" }, |" $CONFIG
}

# gateway_config [LUNS]: writes $CONFIG; LUNS is the JSON array of the only target's LUN map.
gateway_config() {
	gc_luns=${1:-'[ { "lun": 0, "backend": "san", "backend_lun": 1 } ]'}
	cat >$CONFIG <<-EOF
		{
		  "listen":   [ { "fabric": "$GATEWAY_FABRIC", "address": "0.0.0.0", "port": $SRP_PORT } ],
		  "backends": { "san": { "uri": "iscsi://$PORTAL/$IQN" } },
		  "targets":  [ { "id_ext": "$ID_EXT", "ioc_guid": "$IOC_GUID",
		                  "initiators": [ "*" ],
		                  "luns": $gc_luns } ],
		  "runtime_dir": "/run/srpgw"
		}
	EOF
}

# gateway_start: srpgwd with $CONFIG; returns when it listens.
gateway_start() {
	command -v srpgwd >/dev/null || fail "no srpgwd in this image"
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=exitcode=99 \
		$AT_GATEWAY srpgwd -c $CONFIG >>"/log/$SCENARIO.srpgwd" 2>&1 &
	echo $! >"$STATE/srpgwd"
	wait_for 30 "srpgwd to listen" gateway_ready
}
gateway_ready() {
	kill -0 "$(cat "$STATE/srpgwd")" || fail "srpgwd ended at once"
	srpgwctl status
}
gateway_pid() { cat "$STATE/srpgwd"; }
gateway_kill() {
	gk_pid=$(gateway_pid)
	kill -9 "$gk_pid"
	wait "$gk_pid" 2>/dev/null || :
}

# gateway_stop: SIGTERM; fails unless it ends within 20 s with status 0 (so a sanitizer's complaint at exit counts).
gateway_stop() {
	gs_pid=$(gateway_pid)
	rm -f "$STATE/srpgwd"
	kill -TERM "$gs_pid"
	wait_for 20 "srpgwd to end after SIGTERM" is_dead "$gs_pid"
	gs_status=0
	wait "$gs_pid" || gs_status=$?
	[ $gs_status -eq 0 ] || fail "srpgwd ended with status $gs_status"
}

# gateway_said REGEX [SECONDS=5]: waits for a line of srpgwd's log.
gateway_said() { wait_for "${2:-5}" "srpgwd to say '$1'" grep -Eqi "$1" "/log/$SCENARIO.srpgwd"; }

# gateway_refuses REGEX: srpgwd with $CONFIG must end at once, not with 0, and say that.
gateway_refuses() {
	gr_status=0
	# shellcheck disable=SC2086 # words, or none
	timeout 20 $AT_GATEWAY srpgwd -c $CONFIG >"$STATE/refused" 2>&1 || gr_status=$?
	cat "$STATE/refused" >>"/log/$SCENARIO.srpgwd"
	case $gr_status in 0 | 124) fail "srpgwd ended with status $gr_status (124 is: not at all)" ;; esac
	grep -Eqi "$1" "$STATE/refused" || fail "srpgwd does not say '$1' but: $(tail -n 3 "$STATE/refused")"
	say "$(grep -Ei "$1" "$STATE/refused" | head -n 1)"
}

# gateway_sum KEY: sum of all numbers under that key anywhere in the sessions document.
gateway_sum() { srpgwctl sessions --json | jq "[.. | objects | .$1? | numbers] | add // 0"; }

# gateway_resources: what srpgwd holds that a storm of logins must not let grow, one "NAME COUNT" a line; resources_as FILE: no more and
# no less than that.
gateway_resources() {
	gr_pid=$(gateway_pid)
	# shellcheck disable=SC2012 # numbers only
	echo "fds $(ls "/proc/$gr_pid/fd" | wc -l)"
	for gr_kind in qp cq mr pd cm_id; do
		echo "$gr_kind $(rdma resource show $gr_kind | grep -c "pid $gr_pid " || :)"
	done
}
resources_as() { gateway_resources | cmp -s - "$1"; }
# resources_settle FILE: what it holds when that has not changed for half a second.
resources_settle() {
	gateway_resources >"$1"
	wait_for 20 "srpgwd to have let go of what it lets go" resources_rest "$1"
}
resources_rest() {
	sleep 0.5
	resources_as "$1" || {
		gateway_resources >"$1"
		return 1
	}
}
gateway_rss_kib() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$(gateway_pid)/status"; }
gateway_sessions() { srpgwctl sessions --json | jq '[.. | objects | .i_port_id? | strings] | length'; }
has_sessions() { [ "$(gateway_sessions)" -eq "$1" ]; }

# leaves_nothing WARM_UP N KIB WHAT: after `storm WARM_UP` (the scenario's function), `storm N` leaves nothing behind in srpgwd: not descriptors,
# queue pairs, memory regions or back-end sessions, and at most so much memory.
leaves_nothing() {
	# Else huge pages, which the kernel makes of what is half used already, would look like growth.
	echo never >/sys/kernel/mm/transparent_hugepage/enabled
	storm "$1"
	wait_for 10 "all sessions to be gone" has_sessions 0
	resources_settle "$STATE/before"
	ln_rss=$(gateway_rss_kib) ln_start=$(now_ms) ln_lines=$(wc -l <"/log/$SCENARIO.srpgwd")
	storm "$2"
	ln_ms=$(($(now_ms) - ln_start))
	wait_for 20 "the resources of before" resources_as "$STATE/before"
	# The slower the machine, the more lines it logs (so many a second at most); it keeps the last 256, 536 bytes each.
	ln_lines=$(($(wc -l <"/log/$SCENARIO.srpgwd") - ln_lines))
	[ $ln_lines -le 256 ] || ln_lines=256
	ln_grown=$(($(gateway_rss_kib) - ln_rss - ln_lines * 536 / 1024))
	echo always >/sys/kernel/mm/transparent_hugepage/enabled
	say "$2 $4 in $((ln_ms / 1000)) s; resident memory $ln_rss KiB, grown by $ln_grown KiB beside $ln_lines lines of the log; $(tr '\n' ',' <"$STATE/before")"
	[ "$ln_grown" -le "$3" ] || fail "$2 $4 cost $ln_grown KiB"
}

# ---- the kernel's own target ----
LIO=/sys/kernel/config/target
lio_start() {
	ls_mb=$1 ls_n=$2 ls_l=0
	modprobe -a target_core_mod target_core_file
	modprobe ib_srpt
	ID_EXT=$(printf '%016x' "$(cat /sys/module/ib_srpt/parameters/srpt_service_guid)")
	IOC_GUID=$ID_EXT
	# Below a port's GUID hosts are known by their address, below its GID by their initiator port identifier.
	ls_guid=$(cut -d : -f 5- </sys/class/infiniband/rxe0/ports/1/gids/0)
	ls_tpg=$LIO/srpt/$ls_guid/$ls_guid
	mkdir -p "$ls_tpg"
	echo "$SRP_PORT" >$LIO/srpt/discovery_auth/rdma_cm_port
	while [ $ls_l -lt "$ls_n" ]; do
		ls_file=/tmp/disk.lio.$ls_l
		[ -e $ls_file ] || dd if=/dev/zero of=$ls_file bs=1M count="$ls_mb" 2>/dev/null
		ls_store=$LIO/core/fileio_0/disk$ls_l
		mkdir -p $ls_store
		echo "fd_dev_name=$ls_file,fd_dev_size=$((ls_mb << 20)),fd_buffered_io=1" >$ls_store/control
		echo "disk-$ls_l" >$ls_store/wwn/vpd_unit_serial
		echo 1 >$ls_store/enable
		mkdir "$ls_tpg/lun/lun_$ls_l"
		ln -s $ls_store "$ls_tpg/lun/lun_$ls_l/disk"
		mkdir -p "$ls_tpg/acls/$FABRIC_IP/lun_$ls_l"
		ln -s "$ls_tpg/lun/lun_$ls_l" "$ls_tpg/acls/$FABRIC_IP/lun_$ls_l/lun"
		ls_l=$((ls_l + 1))
	done
	echo 1 >"$ls_tpg/enable"
	echo "$ls_tpg" >"$STATE/lio"
}
lio_stop() {
	[ -e "$STATE/lio" ] || return 0
	lp_tpg=$(cat "$STATE/lio")
	rm -f "$STATE/lio"
	echo 0 >"$lp_tpg/enable"
	for lp in "$lp_tpg/acls/$FABRIC_IP"/lun_*; do
		rm -f "$lp/lun"
		rmdir "$lp"
	done
	rmdir "$lp_tpg/acls/$FABRIC_IP"
	for lp in "$lp_tpg"/lun/lun_*; do
		rm -f "$lp/disk"
		rmdir "$lp"
	done
	rmdir "$lp_tpg" "$(dirname "$lp_tpg")" $LIO/srpt
	for lp in "$LIO"/core/fileio_0/*/; do
		[ ! -e "$lp/enable" ] || rmdir "$lp"
	done
	rmdir $LIO/core/fileio_0
	modprobe -r ib_srpt
}

# lio_iscsi_start tcp|iser DEVICE...: the kernel's own iSCSI target $IQN at $PORTAL; its LUNs 1.. are these block devices.
lio_iscsi_start() {
	li_transport=$1 li_l=0
	shift
	modprobe -a target_core_mod target_core_iblock iscsi_target_mod
	li_tpg=$LIO/iscsi/$IQN/tpgt_1
	mkdir -p "$li_tpg/np/$PORTAL"
	for li_device; do
		li_l=$((li_l + 1))
		li_store=$LIO/core/iblock_0/disk$li_l
		mkdir -p $li_store "$li_tpg/lun/lun_$li_l"
		echo "udev_path=$li_device" >$li_store/control
		echo "$li_device" >$li_store/udev_path
		echo disk-$li_l >$li_store/wwn/vpd_unit_serial
		echo 1 >$li_store/enable
		ln -s $li_store "$li_tpg/lun/lun_$li_l/disk"
	done
	[ "$li_transport" != iser ] || echo 1 >"$li_tpg/np/$PORTAL/iser"
	lio_iscsi_open "$li_tpg"
	echo "$li_tpg" >"$STATE/lio-iscsi"
}
lio_iscsi_open() {
	for li_kv in authentication=0 generate_node_acls=1 demo_mode_write_protect=0 cache_dynamic_acls=1; do
		echo "${li_kv#*=}" >"$1/attrib/${li_kv%=*}"
	done
	echo 1 >"$1/enable"
}
# lio_iscsi_group TAG PORTAL...: one more target portal group of it, with the same LUNs.
lio_iscsi_group() {
	li_tpg=$LIO/iscsi/$IQN/tpgt_$1
	shift
	for li_portal; do mkdir -p "$li_tpg/np/$li_portal"; done
	for li_lun in "$(cat "$STATE/lio-iscsi")"/lun/lun_*; do
		mkdir "$li_tpg/lun/${li_lun##*/}"
		ln -s "$(readlink -f "$li_lun/disk")" "$li_tpg/lun/${li_lun##*/}/disk"
	done
	lio_iscsi_open "$li_tpg"
}
lio_iscsi_stop() {
	[ -e "$STATE/lio-iscsi" ] || return 0
	rm -f "$STATE/lio-iscsi"
	for li_tpg in "$LIO/iscsi/$IQN"/tpgt_*; do
		echo 0 >"$li_tpg/enable"
		rm -f "$li_tpg"/lun/lun_*/disk
		rmdir "$li_tpg"/lun/lun_* "$li_tpg"/np/* "$li_tpg"
	done
	rmdir "$LIO/iscsi/$IQN" $LIO/iscsi
	rmdir $LIO/core/iblock_0/disk* $LIO/core/iblock_0
}

# target_up [SIZE_MB=64] [N_LUNS=1]: whatever TARGET says, with LUNs 0..N-1 of that size.
target_up() {
	tu_mb=${1:-64} tu_n=${2:-1} tu_l=0 tu_map=
	[ "$FABRIC" != outside ] || return 0
	if [ "$TARGET" = lio ]; then
		lio_start "$tu_mb" "$tu_n"
		return
	fi
	tgtd_start 1
	tgtd_target 1 "$tu_mb" "$tu_n"
	while [ $tu_l -lt "$tu_n" ]; do
		tu_map="$tu_map${tu_map:+, }{ \"lun\": $tu_l, \"backend\": \"san\", \"backend_lun\": $((tu_l + 1)) }"
		tu_l=$((tu_l + 1))
	done
	gateway_config "[ $tu_map ]"
	gateway_start
}

# target_crash: the target vanishes without a word; target_back: it is there again, with the same disks.
target_crash() {
	if [ "$TARGET" = lio ]; then
		echo 0 >"$(cat "$STATE/lio")/enable"
	else
		gateway_kill
	fi
}
target_back() {
	if [ "$TARGET" = lio ]; then
		echo 1 >"$(cat "$STATE/lio")/enable"
	else
		gateway_start
	fi
}

# ---- the host ----
# add_target STRING: one write to the initiator; prints the error. (The shell's own echo says "I/O error" to them all.)
add_target() { echo "$1" | dd of="$SRP_DIR/srp-$RDMA_DEV-1/add_target" bs=4k status=none 2>&1; }

# login [OPTION=VALUE,...]: one more session of the kernel; sets HOST (hostN). Fails with the kernel's reason.
login() {
	lg_before=" $(scsi_hosts) "
	lg_string="id_ext=$ID_EXT,ioc_guid=$IOC_GUID,dest=$FABRIC_IP:$SRP_PORT${1:+,$1}"
	lg_end=$(($(now_ms) + 10000))
	until lg_error=$(add_target "$lg_string"); do
		# A session just logged out stays on the kernel's list a little longer than anything of it can be seen.
		case $lg_error in
		*"File exists"*) [ "$(now_ms)" -gt $lg_end ] || { sleep 0.1; continue; } ;;
		esac
		dmesg | tail -n 5
		fail "the kernel could not log in with $lg_string: ${lg_error##*: }"
	done
	HOST=
	for lg_h in $(scsi_hosts); do
		case $lg_before in
		*" $lg_h "*) ;;
		*) HOST=${lg_h%:*} ;;
		esac
	done
	[ -n "$HOST" ] || fail "a login without a new SCSI host"
}

# scsi_hosts: "hostN:INODE" of each. The kernel gives the number of a host that is just gone to the next one; an inode number it
# does not give again.
scsi_hosts() {
	for sh_h in /sys/class/scsi_host/*; do
		! sh_inode=$(stat -L -c %i "$sh_h" 2>/dev/null) || printf '%s ' "${sh_h##*/}:$sh_inode"
	done
}

# refused_login [OPTIONS]: a login that must fail.
refused_login() {
	if add_target "id_ext=$ID_EXT,ioc_guid=$IOC_GUID,dest=$FABRIC_IP:$SRP_PORT${1:+,$1}" >&3; then
		fail "a login that had to be refused was accepted"
	fi
}
rport_of() { echo "/sys/class/srp_remote_ports/port-${1#host}:1"; }

# disk [LUN=0] [HOST]: waits for the disk of that LUN and prints its name (sdX).
disk() {
	dk_h=${2:-$HOST}
	dk_glob="/sys/class/scsi_device/${dk_h#host}:0:0:${1:-0}/device/block"
	# (The folder may be there before the disk's name is in it.)
	wait_for 30 "a disk for LUN ${1:-0} at $dk_h" has_entries "$dk_glob"
	dk_name=$(ls "$dk_glob")
	wait_for 30 "/dev/$dk_name" test -b "/dev/$dk_name"
	echo "$dk_name"
}

has_entries() { [ -n "$(ls "$1")" ]; }

# logout [HOST...]: ends these sessions, or all.
# shellcheck disable=SC2120 # scenarios name hosts
logout() {
	for lo_p in $(if [ $# -gt 0 ]; then for h; do rport_of "$h"; done; else ls -d /sys/class/srp_remote_ports/port-* 2>/dev/null; fi); do
		# It may have been given up by the kernel meanwhile.
		echo 1 >"$lo_p/delete" || is_gone "$lo_p"
		wait_for 60 "the end of ${lo_p##*/}" is_gone "$lo_p"
		lo_h=${lo_p##*/port-}
		wait_for 60 "the end of host${lo_h%%:*}" is_gone "/sys/class/scsi_host/host${lo_h%%:*}"
	done
}

# set_rport HOST FILE=VALUE...: fast_io_fail_tmo, dev_loss_tmo, reconnect_delay.
set_rport() {
	sr_port=$(rport_of "$1")
	shift
	for sr_kv; do echo "${sr_kv#*=}" >"$sr_port/${sr_kv%=*}"; done
}

# ---- multipath ----
# multipath_up NAME DISK...: /dev/mapper/NAME over these paths, the first one preferred; a write without a path waits. multipath_path NAME
# DISK...: the paths are other disks from now on, which is what multipathd does when a path comes back.
multipath_up() {
	modprobe -a dm_multipath dm_service_time
	mu_name=$1
	shift
	multipath_table "$@" | dmsetup create "$mu_name"
	dmsetup mknodes
}
multipath_path() {
	mu_name=$1
	shift
	multipath_table "$@" | dmsetup load "$mu_name"
	dmsetup suspend --noflush --nolockfs "$mu_name"
	dmsetup resume "$mu_name"
}
multipath_table() {
	mt_groups=
	for mt_disk; do mt_groups="$mt_groups service-time 0 1 1 $(cat "/sys/block/$mt_disk/dev") 1"; done
	echo "0 $(cat "/sys/block/$1/size") multipath 1 queue_if_no_path 0 $# 1$mt_groups"
}

# ---- load ----
# fio_verify DISK [ARGUMENT...]: writes and reads back with checksums; fails on the first difference.
fio_verify() {
	fv_disk=$1 fv_out=$STATE/fio.${1##*/}
	shift
	fio --name=verify --allow_file_create=0 --filename="/dev/$fv_disk" --direct=1 --ioengine=libaio --rw=randwrite --verify=crc32c \
		--verify_fatal=1 --do_verify=1 --group_reporting --output-format=terse "$@" >"$fv_out" 2>&1 || {
		tail -n 20 "$fv_out" >&3
		fail "fio on $fv_disk: $*"
	}
}

# load_start NAME DISK: in the background, writes and verifies over and over; load_stop NAME ends it and fails if it did.
load_start() {
	rm -f "$STATE/stop.$1"
	in_background "$1" load_until_stopped "$1" "$2"
}
load_until_stopped() {
	until [ -e "$STATE/stop.$1" ]; do
		fio_verify "$2" --loops=100000 --time_based --runtime=3 --bs=16k --iodepth=16 --size=4M
	done
}
load_stop() {
	: >"$STATE/stop.$1"
	await "$1"
}

# ---- the kernel's log ----
# allow_dmesg REGEX...: lines of level err and above that this scenario means to cause (extended regular expression).
allow_dmesg() { printf '%s\n' "$@" >>"$STATE/allow"; }

# dmesg_scenario: this scenario's part of the kernel log, with levels.
dmesg_scenario() { dmesg -r | awk -v m="vm: scenario $SCENARIO starts" 'on { print } index($0, m) { on = 1 }'; }
expect_dmesg() { wait_for "${2:-5}" "the kernel to say '$1'" dmesg_says "$1"; }
dmesg_says() { dmesg_scenario | grep -Eq "$1"; }

# expect_dmesg_clean: no line of level err or worse, no warning with a stack, but what was allowed.
expect_dmesg_clean() {
	dmesg_scenario >"$STATE/dmesg"
	# <N>: N % 8 is the level, 3 is err.
	awk -F '[<>]' '$2 % 8 <= 3 || /WARNING:|BUG:|blocked for more than|Call Trace/' "$STATE/dmesg" >"$STATE/bad"
	if [ -s "$STATE/allow" ]; then
		grep -Ev -f "$STATE/allow" "$STATE/bad" >"$STATE/bad2" || :
		mv "$STATE/bad2" "$STATE/bad"
	fi
	if [ -s "$STATE/bad" ]; then
		cat "$STATE/bad"
		fail "the kernel complained"
	fi
}

# dm_remove: all device-mapper devices that nobody has open; none of them holds anything back any longer.
dm_remove() {
	for dr in $(dmsetup ls 2>/dev/null | awk '$2 ~ /^\(/ { print $1 }'); do
		dmsetup resume "$dr" || :
		dmsetup message "$dr" 0 fail_if_no_path 2>/dev/null || :
		dmsetup remove --force "$dr" || :
	done
}

# clean_up: back to no session, no target, no back-end. Returns 1 when something would not go.
clean_up() {
	cu_mnt=$(awk '$2 ~ "^/tmp/" { print $2 }' /proc/mounts)
	# shellcheck disable=SC2086
	[ -z "$cu_mnt" ] || umount -l $cu_mnt || :
	(iscsi_logout) || return 1
	dm_remove
	# Whatever the scenario started carries its mark; the daemons are needed until the sessions are gone.
	for cu_p in $(grep -lzx VM_ROLE=scenario /proc/[0-9]*/environ 2>/dev/null | tr -dc '0-9\n'); do
		read -r cu_name </proc/"$cu_p"/comm || continue
		case $cu_name in
		tgtd) kill -CONT "$cu_p" || : ;;
		srpgwd) ;;
		*) kill -9 "$cu_p" || : ;;
		esac
	done 2>/dev/null
	# A disk whose back-end is gone would keep the logout waiting for its SYNCHRONIZE CACHE.
	for cu_f in /sys/class/scsi_disk/*/device/state; do
		[ ! -e "$cu_f" ] || echo offline >"$cu_f" || :
	done
	# shellcheck disable=SC2119
	(logout) || return 1
	for cu_f in "$STATE"/tgtd.* "$STATE"/srpgwd*; do
		if [ -e "$cu_f" ]; then
			kill -9 "$(cat "$cu_f")" 2>/dev/null || :
			wait_for 10 "the end of ${cu_f##*/}" is_dead "$(cat "$cu_f")"
		fi
	done
	lio_stop || return 1
	lio_iscsi_stop || return 1
	# What back-ends had on it.
	dm_remove
	losetup -a | while IFS=: read -r cu_f _; do losetup -d "$cu_f" || :; done
	rm -rf "$STATE" /run/tgtd /run/srpgw /run/srpgw2 /run/srpgw-state /var/lib/srpgw /tmp/disk.*
	mkdir -p "$STATE"
}

# in_background NAME COMMAND...: starts it, its pid in $STATE/bg.NAME; await NAME collects its status.
in_background() {
	ib_name=$1
	shift
	"$@" &
	echo $! >"$STATE/bg.$ib_name"
}
await() {
	aw_pid=$(cat "$STATE/bg.$1")
	rm -f "$STATE/bg.$1"
	wait "$aw_pid" || fail "$1 failed"
}
is_running() { kill -0 "$(cat "$STATE/bg.$1")" 2>/dev/null; }
