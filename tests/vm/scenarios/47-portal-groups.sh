# A target (LIO) with two portal groups of two portals each, which SendTargets names. A back-end uses the portals of one group; the other group is a back-end and
# an SRP target of its own, and the host's multipath uses both. A lost portal is replaced inside its group, unnoticed by multipath; a lost group by the other one.
# limit: 240
need_srpgw
need_rxe
. /vm/faults.sh
allow_dmesg 'ib_srp: ' '(I/O|device offline) error' 'rejecting I/O' 'device-mapper: multipath' 'Result: hostbyte' 'Sense Key' 'Add. Sense' 'CDB: '
store_lio_up
# It says so of each connection without a login, which is how the gateway asks whether a portal answers.
allow_dmesg 'rx_data returned 0'
ip=${PORTAL%:*}
mkdir "$(cat "$STATE/lio-iscsi")/np/$ip:3262"
lio_iscsi_group 2 "$ip:3263" "$ip:3264"

# What people are told about it.
srpgwctl --json discover "iscsi://$PORTAL" >"$STATE/discover"
groups=$(jq -c '.target_portal_groups | sort_by(.portal_group) | map([.portal_group, (.portals | sort)])' "$STATE/discover")
[ "$groups" = "[[1,[\"$ip:3260\",\"$ip:3262\"]],[2,[\"$ip:3263\",\"$ip:3264\"]]]" ] || fail "srpgwctl discover: $groups"
[ "$(jq -c '.configuration | [(.backends | length), (.targets | length)]' "$STATE/discover")" = '[2,2]' ] || fail "srpgwctl discover: $(jq -c .configuration "$STATE/discover")"

# Long enough for a portal that is replaced, shorter than a command's time on the host.
hold_s=$((5 * ${VM_SLOWER:-1}))
[ $hold_s -le 20 ] || hold_s=20
policy="\"discover_portals\": true, \"failback_seconds\": 2, \"fence_ms\": 1000, \"hold_seconds\": $hold_s, \"after_hold\": \"fail\""
lun='"initiators": [ "*" ], "luns": [ { "lun": 0, "backend":'
cat >"$CONFIG" <<END
{
  "listen": [ { "fabric": "$GATEWAY_FABRIC", "address": "0.0.0.0", "port": $SRP_PORT } ],
  "backends": { "one": { "uri": "iscsi://$PORTAL/$IQN", $policy },
                "two": { "uri": "iscsi://$ip:3263/$IQN", "portal_group": 2, $policy } },
  "targets": [ { "id_ext": "$ID_EXT", "ioc_guid": "$IOC_GUID", $lun "one", "backend_lun": 1 } ] },
               { "id_ext": "0000000000000002", "ioc_guid": "$IOC_GUID", $lun "two", "backend_lun": 1 } ] } ],
  "runtime_dir": "/run/srpgw"
}
END
gateway_start
login
set_rport "$HOST" reconnect_delay=1 fast_io_fail_tmo=1
d1=$(disk 0)
ID_EXT=0000000000000002
login
d2=$(disk 0)
[ "$(cat "/sys/block/$d1/device/wwid")" = "$(cat "/sys/block/$d2/device/wwid")" ] || fail "the two paths do not lead to one logical unit"

# portals BACKEND: "PORT GROUP STATE, ..." of each of its portals.
portals() {
	srpgwctl --json backends | jq -r --arg b "$1" '.backends[] | select(.name == $b) | .portals | sort_by(.address) |
		map("\(.address | split(":")[1]) \(.group) \(.state)") | join(", ")'
}
portals_are() { [ "$(portals "$1")" = "$2" ]; }
# shows BACKEND PORTALS
shows() { (wait_for 40 "back-end $1 to show $2" portals_are "$1" "$2") || fail "back-end $1 shows $(portals "$1")"; }
ios() { awk '{ print $1 + $5 }' "/sys/block/$1/stat"; }
has_done() { [ "$(ios "$1")" -ge "$2" ]; }
# goes_through DISK WHEN: the load does so.
goes_through() {
	wait_for 60 "the load to go through $1 $2" has_done "$1" $(($(ios "$1") + 200))
	is_running load || fail "fio did not survive ($2)"
}
portal_off() {
	rmdir "$(cat "$STATE/lio-iscsi")/np/$ip:$1"
	ss -K -t -n state established "( sport = :$1 or dport = :$1 )" >/dev/null
}
portal_on() { mkdir "$(cat "$STATE/lio-iscsi")/np/$ip:$1"; }

shows one "3260 1 active, 3262 1 standby, 3263 2 down, 3264 2 down"
two="3260 1 down, 3262 1 down, 3263 2 active, 3264 2 standby"
shows two "$two"
srpgwctl --json backends | jq -e '[.backends[] | .portals[] | select(.state == "down") | .why | test("belongs to target portal group.*target of its own")] | length == 4 and all' >/dev/null ||
	fail "why the others are down: $(srpgwctl --json backends | jq -c '[.backends[].portals]')"
multipath_up mp "$d1" "$d2"
load_start load mapper/mp
goes_through "$d1" "at first"

before=$(ios "$d2")
portal_off 3260
shows one "3260 1 down, 3262 1 active, 3263 2 down, 3264 2 down"
goes_through "$d1" "without the first portal"
portal_on 3260
shows one "3260 1 active, 3262 1 standby, 3263 2 down, 3264 2 down"
goes_through "$d1" "with the first portal again"
[ "$(ios "$d2")" -eq "$before" ] || fail "multipath went to the other group, which has lost nothing"
shows two "$two"

portal_off 3262
portal_off 3260
began=$(now_ms)
goes_through "$d2" "without the first group"
say "the first group is gone: through the other one after $(($(now_ms) - began)) ms (hold_seconds $hold_s)"
case $(portals one) in *active*) fail "back-end one shows $(portals one)" ;; esac
shows two "$two"
portal_on 3260
portal_on 3262
shows one "3260 1 active, 3262 1 standby, 3263 2 down, 3264 2 down"
wait_for 30 "a command through the first group" dd if="/dev/$d1" of=/dev/null bs=4k count=1 iflag=direct
# As multipathd does it.
dmsetup message mp 0 reinstate_path "$(cat "/sys/block/$d1/dev")"
dmsetup message mp 0 switch_group 1
goes_through "$d1" "with the first group again"
load_stop load
dmsetup remove mp
