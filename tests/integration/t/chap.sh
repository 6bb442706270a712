# SPDX-License-Identifier: BSD-3-Clause
# CHAP and mutual CHAP from secret files, and header digests, against tgtd: right and wrong secrets, what is said of them, and that a
# reload with the right one brings the path back. A secret shows up nowhere.
# builds: address
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
. ./tgt.sh
umask 077
secret=Tr0ub4dor-and-3
other=correct-horse-battery
wrong=wr0ng-secret-42
echo $secret >"$tmp/secret"
echo $other >"$tmp/mutual"
: >"$tmp/all.log"

# chap_config MEMBERS: further members of the back-end.
chap_config() { san_config live -e "s|\"hold_seconds\"|$1, \"hold_seconds\"|"; }
ours="\"user\": \"gw\", \"secret_file\": \"$tmp/secret\""
both="$ours, \"mutual_user\": \"san\", \"mutual_secret_file\": \"$tmp/mutual\""
# reload CASE: the configuration that was written is in force, and a new page of the log begins.
reload() {
	cat "$tmp/daemon.log" >>"$tmp/all.log"
	: >"$tmp/daemon.log"
	expect "$1" 0 'in force' "$ctl" reload
}
# There and back in 1 MiB.
works() { expect "$1" 0 'as written' "$host" --quiet --length 1M verify; }
# refused CASE PATTERN: the host is told NOT READY when the hold time is over; the path and the log say why.
refused() {
	background "$tmp/refused" "$host" --quiet --length 64k --file /dev/null read
	waits "$1: the path says why" 15 shown backends "[.backends[].paths[] | select(.state != \"up\") | .why | test(\"$2\")] | any"
	waits "$1: the log says why" 5 grep -Eq "warning: session [0-9]+: back-end ram is down: .*$2" "$tmp/daemon.log"
	if "$ctl" backends | grep -Eq "$2"; then ok; else bad "$1: for people" "$("$ctl" backends)"; fi
	status=0
	wait "$job" || status=$?
	if [ "$status" -eq 1 ] && grep -q 'NOT READY' "$tmp/refused"; then ok; else bad "$1: the host" "exit status $status: $(cat "$tmp/refused")"; fi
	waits "$1: the host is gone" 10 shown sessions '.sessions == []'
}

san_up || {
	bad "tgtd" "$(tail -n 3 "$tmp/tgtd.log")"
	exit 0
}
adm --op new --mode account --user gw --password $secret
adm --op new --mode account --user san --password $other
adm --op bind --mode account --tid 1 --user gw

# The right secret.
chap_config "\"chap\": { $ours }"
true_of "start" daemon_start "$tmp/live.json"
works "CHAP"
is "core files" "$(awk '/Max core file size/ { print $5 }' "/proc/$daemon/limits")" 0

# A wrong one comes by reload, while a host works; then the right one again, and the same host goes on.
background "$tmp/perf" "$host" --quiet --initiator-ext 00000000000000aa --seconds 60 perf
perf=$job
waits "load" 10 shown sessions '[.sessions[].io.reads_total] | add > 10'
echo $wrong >"$tmp/secret"
reload "reload of a wrong secret"
waits "the path of a working host goes down" 15 shown backends '.backends[].paths[] | .state != "up" and (.why | test("authentication failed"))'
echo $secret >"$tmp/secret"
reload "reload of the right secret"
waits "its path comes back" 15 shown backends '.backends[].paths[] | .state == "up"'
reads=$(json sessions '[.sessions[].io.reads_total] | add')
waits "it goes on" 15 shown sessions "[.sessions[].io.reads_total] | add > $reads"
kill "$perf"
wait "$perf" 2>/dev/null
waits "it is gone" 10 shown sessions '.sessions == []'

echo $wrong >"$tmp/secret"
reload "reload of a wrong secret"
refused "wrong secret" 'authentication failed: compare CHAP name and secret'
echo $secret >"$tmp/secret"
reload "reload of the right secret"
works "CHAP again"

san_config live
reload "reload without CHAP"
refused "no secret" 'the target demands CHAP'

chap_config "\"chap\": { \"user\": \"nobody\", \"secret_file\": \"$tmp/secret\" }"
reload "reload of an unknown user"
refused "unknown user" 'authentication failed'

# Mutual: first with a target that has no name of its own, then right, then wrong.
chap_config "\"chap\": { $both }"
reload "reload of mutual CHAP"
refused "a target that proves nothing" 'outgoing account'
adm --op bind --mode account --tid 1 --user san --outgoing
reload "reload of the same"
works "mutual CHAP"
echo $wrong >"$tmp/mutual"
reload "reload of a wrong mutual secret"
refused "wrong mutual secret" 'compare mutual_secret_file'
chap_config "\"chap\": { $ours, \"mutual_user\": \"else\", \"mutual_secret_file\": \"$tmp/mutual\" }"
reload "reload of a wrong mutual user"
refused "wrong mutual user" 'mutual_user'
echo $other >"$tmp/mutual"
chap_config "\"chap\": { $both }"
reload "reload of the right mutual secret"
works "mutual CHAP again"

# Header digests: with a target that does without them, and with one that takes them.
digest() {
	chap_config "\"chap\": { $both }, \"settings\": { \"header_digest\": \"$1\" }"
	reload "reload of header digests"
}
digest prefer
works "preferred, without"
digest crc32c
refused "a target without header digests" 'does without header digests'
adm --op update --mode target --tid 1 --name HeaderDigest --value CRC32C
reload "reload of the same"
works "header digests"

# A file that others may read is not taken, and the old secret stays in force.
chmod 644 "$tmp/secret"
expect "a secret for all to read" 1 'secret has mode 0644: .*; run: chmod 0600' "$ctl" reload
works "the old secret stays"

# Nowhere but in their files.
"$ctl" status --json >"$tmp/status.json"
"$ctl" events --json >"$tmp/events.json"
"$ctl" backends >"$tmp/backends.txt"
status=0
daemon_stop TERM || status=$?
is "SIGTERM" "$status" 0
no_findings
cat "$tmp/daemon.log" >>"$tmp/all.log"
for word in $secret $other $wrong; do
	if grep -Fl "$word" "$tmp/all.log" "$tmp"/*.json "$tmp/backends.txt" "$tmp/refused" "$tmp/perf"; then
		bad "secrets" "$word shows up"
	else
		ok
	fi
done
