#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A write that is stuck in the back-end's device layer (late_write.c, preloaded into tgtd) must not land after a newer one to the same
# place, whatever became of the session that it came through. Each case runs behind the fence, and where time is all that the fence has,
# also without it: then the old write wins, or the case proves nothing.
# builds: plain
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
. ./tgt.sh
late=$tmp/late
mkdir "$late"
second_port=$((san_port + 1))
shim=$BUILD/tests/integration/late_write.so
tgtd() { exec env LD_PRELOAD="$shim" LATE_WRITE_DIR="$late" tgtd "$@"; }
portal() { adm --op "$1" --mode portal --param "portal=127.0.0.1:$2"; }
# at FILE WORD: the time that it tells.
at() { sed -n "s/^$2 *//p" "$1" | tail -n 1; }
rel() { echo "$(($1 - held))"; }

# late_case NAME WHAT FENCE_MS DELAY_MS OLD|NEW [SED...]: what the disk holds in the end. "cut" in NAME: the connections are cut while
# the write is held. The times that are printed are ms since the write reached the device layer.
late_case() {
	lc_name=$1 lc_what=$2 lc_fence=$3 lc_delay=$4 lc_want=$5
	shift 5
	rm -f "$late"/*
	echo "$lc_delay" >"$late/ms"
	case $lc_name in
	failover*) background "$tmp/failover" "$tmp/lose-portal" ;;
	*cut*) : >"$late/cut" ;;
	esac
	dd if=/dev/zero of="$tmp/disk" bs=4096 count=1 conv=notrunc status=none
	san_config live -e "s|\"hold_seconds\": 2|\"hold_seconds\": 1, \"fence_ms\": $lc_fence|" \
		-e 's|"reactors": 2|"limits": { "tmf_answer_ms": 500 }, &|' "$@"
	if ! daemon_start "$tmp/live.json"; then
		bad "$lc_name" "srpgwd does not start: $(tail -n 3 "$tmp/daemon.log")"
		return
	fi
	lc_status=0
	timeout 60 "$client" late "$lc_what" "$late/held" >"$tmp/client.out" 2>&1 || lc_status=$?
	if [ "$lc_status" -ne 0 ] || ! wait_for 20 test -s "$late/landed"; then
		bad "$lc_name" "exit status $lc_status: $(cat "$tmp/client.out")"
	else
		held=$(cat "$late/held") landed=$(cat "$late/landed")
		lc_disk=$(dd if="$tmp/disk" bs=8 count=1 status=none | tr -d '\0')
		lc_line="held $(rel "$landed")"
		for lc_word in busy answered beside new; do
			lc_at=$(at "$tmp/client.out" $lc_word)
			[ -z "$lc_at" ] || lc_line="$lc_line, $lc_word after $(rel "$lc_at")"
		done
		echo "  late_write: $lc_name, fence_ms $lc_fence: $lc_line: the disk holds ${lc_disk#LATE-}"
		is "$lc_name, fence_ms $lc_fence" "$lc_disk" "LATE-$lc_want"
	fi
	if [ "$lc_what" = part ] && [ "$lc_status" -eq 0 ]; then
		lc_at=$(at "$tmp/client.out" beside)
		is "$lc_name, fence_ms $lc_fence: other blocks before the old write lands" "$((lc_at < landed))" 1
	fi
	lc_status=0
	daemon_stop TERM || lc_status=$?
	is "$lc_name: SIGTERM" "$lc_status" 0
}

if ! san_up; then
	bad "tgtd" "$(tail -n 3 "$tmp/tgtd.log")"
	exit 0
fi

# The connection is lost while the back-end has the write; the host is told BUSY and writes again.
late_case "connection cut" lost 3000 2000 NEW
late_case "connection cut" lost 0 2000 OLD

# The gateway knows the blocks: the next ones do not wait, and the same ones do.
late_case "of other blocks, connection cut" part 3000 2000 NEW
late_case "of other blocks, connection cut" part 0 2000 OLD

# ABORT TASK, answered before the back-end answers it: here the fence has proof, and no time is needed.
late_case "aborted" abort 3000 2000 NEW
late_case "aborted" abort 0 2000 NEW

# The host goes without a word and logs in again. At once: the back-end's session still stands, and tells. Later: that session ended
# with the write in it.
late_case "host away and back at once" again 3000 2000 NEW
late_case "host away and back at once" again 0 2000 NEW
late_case "host away and back" away 4000 4500 NEW
late_case "host away and back" away 0 4500 OLD

# What tgt says to task management through the new session: LOGICAL UNIT RESET waits for the old session's write (and is answered to the
# host before that, behind the fence), ABORT TASK SET knows nothing of it.
late_case "reset, connection cut" reset 0 2000 NEW
late_case "task set aborted, connection cut" set 0 2000 OLD

# The portal is gone, too: the new session goes through another one of the same target.
if ! portal new "$second_port" >>"$tmp/tgtd.log" 2>&1; then
	bad "second portal" "$(tail -n 3 "$tmp/tgtd.log")"
	exit 0
fi
# While the write is held: the first portal is no more, and then its connection.
cat >"$tmp/lose-portal" <<END
#!/bin/sh
until [ -s "$late/held" ]; do sleep 0.01; done
tgtadm -C $instance --lld iscsi --op delete --mode portal --param portal=127.0.0.1:$san_port
: >"$late/cut"
END
chmod 700 "$tmp/lose-portal"
other="s|\"iscsi://127.0.0.1:$san_port/$iqn\"|&, \"portals\": [ \"127.0.0.1:$second_port\" ]|"
for fence in 3000 0; do
	want=NEW
	[ "$fence" -gt 0 ] || want=OLD
	for what in lost part; do
		late_case "failover, $what" $what "$fence" 2000 $want -e "$other"
		wait "$job"
		is "failover: the portal was lost" "$(cat "$tmp/failover")" ''
		portal new "$san_port" >>"$tmp/tgtd.log" 2>&1
	done
done
