# SPDX-License-Identifier: BSD-3-Clause
# The demonstration, to its end and interrupted, and what the README tells the reader to type.
# builds: plain
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
if ! command -v tgtd >/dev/null || ! command -v tgtadm >/dev/null; then
	skip "everything" "no tgtd"
	exit 0
fi
mkdir "$tmp/demo"
TMPDIR=$tmp/demo
export TMPDIR
nothing_left() {
	if [ -z "$(ls "$tmp/demo")" ]; then ok; else bad "$1" "left behind: $(ls "$tmp/demo")"; fi
}

# To its end.
if run 0 env DEMO_EXIT=1 DEMO_MB=16 "$project/tests/demo/demo" "$BUILD"; then
	ok
	for line in 'all the same' 'write 100%' 'read 100%' 'san +up' '[0-9]+ IOPS' 'Everything is up and works'; do
		if grep -Eq "$line" "$tmp/out"; then ok; else bad "demo" "it does not say '$line'"; fi
	done
else
	bad "demo" "exit status $status"
fi
nothing_left "demo"

# It stays up, answers, and goes when it is told to.
DEMO_EXIT='' DEMO_MB=16 "$project/tests/demo/demo" "$BUILD" >"$tmp/stays" 2>&1 &
demo=$!
started="$started $demo"
if wait_for 60 grep -q 'Ctrl-C ends it all' "$tmp/stays"; then
	ok
	expect "what it tells to try" 0 'IET' sh -c "$(sed -n 's/^ *\([^ ]*srpio .*\) verify$/\1 luns/p' "$tmp/stays")"
else
	bad "demo that stays" "$(tail -n 20 "$tmp/stays")"
fi
status=0
kill -TERM "$demo" && wait "$demo" || status=$?
if [ "$status" -eq 0 ]; then ok; else bad "interrupted demo" "exit status $status: $(tail -n 5 "$tmp/stays")"; fi
nothing_left "interrupted demo"

# Without its programs it says what is missing.
mkdir "$tmp/bin"
for program in awk basename cat df dirname grep mktemp readlink rm sed sh; do
	ln -s "$(command -v $program)" "$tmp/bin/$program"
done
expect "demo without tgtd" 1 'no tgtd .*; run as root: packaging/install-deps demo' env PATH="$tmp/bin" "$project/tests/demo/demo" "$BUILD"
expect "demo without a build" 1 'run: make' "$project/tests/demo/demo" "$tmp"

# The README: its two commands are rules, what they need is known, its commands do something. Its configuration and those of
# the manuals are good.
for rule in demo check; do
	if grep -q "^make $rule " "$project/README.md"; then ok; else bad "README" "make $rule is not there"; fi
	expect "make $rule" 0 "install-deps $rule" make -n -C "$project" $rule
done
# shellcheck disable=SC2016 # three backticks
json_of() { sed -n '/^```json$/,/^```$/{/^```/d;p}' "$project/$1"; }
json_of README.md >"$tmp/readme.json"
expect "README's configuration" 0 'readme.json: ok' "$srpgwd" --check -c "$tmp/readme.json"
json_of docs/srpgw.json.5.md >"$tmp/manual.json"
expect "the manual page's configuration" 0 'manual.json: ok' "$srpgwd" --check -c "$tmp/manual.json"
# A back-end, without the braces around it.
if { echo '{'; json_of docs/operations.md; echo '}'; } | jq --slurpfile c "$tmp/readme.json" '. as $b | $c[0] | .backends = $b' >"$tmp/portals.json"; then
	expect "the back-end with several portals" 0 'portals.json: ok' "$srpgwd" --check -c "$tmp/portals.json"
else
	bad "the back-end with several portals" "docs/operations.md: it is no JSON"
fi
live_config readme
if daemon_start "$tmp/readme.json"; then
	srpio_line=$(sed -n '/^srpio --target/p' "$project/README.md")
	srpio_line=$(echo "$srpio_line" | sed "s|^srpio|'$srpio' --fabric iwarp|; s|192.0.2.1:5555|127.0.0.1:$port|")
	expect "README's srpio" 0 '^0 +disk' sh -c "$srpio_line"
	expect "README's srpgwctl" 0 ready "$ctl" status
	daemon_stop TERM || bad "stop" "status $?"
else
	bad "start" "$(tail -n 3 "$tmp/daemon.log")"
fi
