# SPDX-License-Identifier: BSD-3-Clause
# All LUNs of an iSCSI back-end (tgtd on this machine), while they come and go under a host that is logged in, in the middle of a reload,
# and when the back-end is away.
# builds: plain address
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
. ./tgt.sh

disk_new() {
	truncate -s "${2:-4M}" "$tmp/disk$1"
	adm --op new --mode logicalunit --tid 1 --lun "$1" -b "$tmp/disk$1"
}
disk_gone() { adm --op delete --mode logicalunit --tid 1 --lun "$1"; }

# look_start, ask LINE, look_end: a host that stays.
look_start() {
	rm -f "$tmp/look.in"
	mkfifo "$tmp/look.in"
	background "$tmp/look.out" sh -c "exec '$client' luns <'$tmp/look.in'"
	look=$job
	exec 9>"$tmp/look.in"
	n_lines=1
	wait_for 20 grep -q working "$tmp/look.out"
}
# Its answer.
ask() {
	echo "$1" >&9
	n_lines=$((n_lines + 1))
	wait_for 30 sh -c "[ \$(wc -l <'$tmp/look.out') -ge $n_lines ]"
	sed -n "${n_lines}p" "$tmp/look.out"
}
# Not in a subshell: it counts lines.
asks() {
	ask "$2" >"$tmp/answer"
	is "$1" "$(cat "$tmp/answer")" "$3"
}
# tgtd is started without descriptor 9, or this would not be the end of the input.
look_end() {
	exec 9>&-
	wait "$look"
}

if ! san_up; then
	bad "tgtd" "it does not start: $(tail -n 3 "$tmp/tgtd.log")"
	exit 0
fi
disk_new 2
disk_new 300
san_config live -e 's|{ "lun": 0, "backend": "ram", "backend_lun": 1 }|{ "backend": "ram", "all": true }|'
daemon_start "$tmp/live.json" || bad "start" "$(tail -n 3 "$tmp/daemon.log")"

# The first scan of a new host sees everything, and nothing is news to it.
look_start || bad "host" "$(cat "$tmp/look.out")"
asks "first scan" list 'luns 0 1 2 300'
waits "sources" 5 shown luns '[.luns[].source] == ["all", "all", "all", "all"]'
ask 'read 1' >/dev/null
ask 'read 2' >/dev/null
ask 'read 300' >/dev/null
for lun in 1 2 300; do
	asks "LUN $lun" "read $lun" good
done

# One more, under the host: what it hears first, on whichever LUN, is that the list changed, once on each; then it has the new one.
disk_new 7
asks "added: told" 'read 1' 6/3f/0e
asks "added: told once" 'read 1' good
asks "added: list" list 'luns 0 1 2 7 300'
for lun in 1 2 7 300; do
	# A unit attention of its own may come first with a new LUN.
	[ "$lun" != 7 ] || ask "read 7" >/dev/null
	asks "added: LUN $lun" "read $lun" good
done

# One less; the others are not touched. The back-end says so to the next command.
disk_gone 2
asks "deleted: told" 'read 1' 6/3f/0e
asks "deleted: list" list 'luns 0 1 7 300'
asks "deleted: gone" 'read 2' 5/25/00
asks "deleted: the others" 'read 300' good

# Fixed entries beside all, and fixed ones alone, by reload.
sed 's|{ "backend": "ram", "all": true }|{ "lun": 50, "backend": "ram", "backend_lun": 1 }, &|' "$tmp/live.json" >"$tmp/mixed.json"
sed 's|{ "backend": "ram", "all": true }|{ "lun": 1, "backend": "ram" }|' "$tmp/live.json" >"$tmp/fixed.json"
cp "$tmp/live.json" "$tmp/all.json"
reload() {
	cp "$tmp/$1.json" "$tmp/live.json"
	true_of "reload: $1" "$ctl" reload
}
reload mixed
asks "mixed: list" list 'luns 0 7 50 300'
waits "mixed: source" 5 shown luns '[.luns[] | select(.lun == "50") | [.source, .backend_lun]] == [["fixed", "1"]]'
ask 'read 50' >/dev/null
asks "mixed: read" 'read 50' good
reload fixed
asks "fixed: list" list 'luns 1'
reload all
asks "all again: list" list 'luns 0 1 7 300'
ask 'read 7' >/dev/null
asks "all again: read" 'read 7' good

# Away: who is there keeps the list; who comes is told what was there last, and what is there when it is back.
san_down
waits "down" 15 shown backends '.backends[0].paths[0].state != "up"'
asks "away: list" list 'luns 0 1 7 300'
look_end
look_start || bad "host" "$(cat "$tmp/look.out")"
asks "away: list of a new login" list 'luns 0 1 7 300'
san_up 9>&- || bad "tgtd" "it does not start again: $(tail -n 3 "$tmp/tgtd.log")"
waits "up" 15 shown backends '.backends[0].paths[0].state == "up"'
waits "only what is there now" 15 shown luns '[.luns[].lun] | sort == ["0", "1"]'
asks "back: told" 'read 1' 6/3f/0e
asks "back: list" list 'luns 0 1'
look_end
if grep -q '^client:' "$tmp/look.out"; then bad "host" "$(cat "$tmp/look.out")"; else ok; fi
status=0
daemon_stop TERM || status=$?
is "SIGTERM" "$status" 0
no_findings
