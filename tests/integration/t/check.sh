# SPDX-License-Identifier: BSD-3-Clause
# srpgwd --check on good configurations and on one bad one for each kind of mistake: FILE.expect holds the whole answer.
# @TMP@ stands for a scratch folder, FILE for the configuration.
# builds: address
# shellcheck shell=sh disable=SC1091,SC2154 # lib.sh
. ./lib.sh
umask 077
echo hush >"$tmp/secret"
echo other >"$tmp/secret-other"
echo hush >"$tmp/secret-open"
chmod 644 "$tmp/secret-open"
: >"$tmp/secret-empty"

for f in config/good/*.json; do
	name=$(basename "$f" .json)
	sed "s|@TMP@|$tmp|g" "$f" >"$tmp/$name.json"
	expect "good/$name" 0 "^$tmp/$name.json: ok\$" "$srpgwd" --check -c "$tmp/$name.json"
	# With --json nothing but JSON is said.
	if run 0 "$srpgwd" --check --json -c "$tmp/$name.json" && [ "$(jq -c . "$tmp/out")" = '{"ok":true,"problems":[]}' ]; then
		ok
	else
		bad "good/$name --json" "exit status $status, or other JSON"
	fi
done

for f in config/bad/*.json; do
	name=$(basename "$f" .json)
	sed "s|@TMP@|$tmp|g" "$f" >"$tmp/$name.json"
	sed "s|@TMP@|$tmp|g; s|^FILE|$tmp/$name.json|" "config/bad/$name.expect" >"$tmp/want"
	if ! run 1 "$srpgwd" --check -c "$tmp/$name.json"; then
		bad "bad/$name" "exit status $status instead of 1"
	elif ! cmp -s "$tmp/want" "$tmp/out"; then
		bad "bad/$name" "another answer than:"
		sed 's/^/    = /' "$tmp/want"
	elif ! run 1 "$srpgwd" --check --json -c "$tmp/$name.json" ||
		[ "$(jq -r '.problems[].text' "$tmp/out")" != "$(grep -v ': and [0-9]* more$' "$tmp/want")" ]; then
		bad "bad/$name --json" "exit status $status, or other problems"
	else
		ok
	fi
	# Starting says the same, and changes nothing.
	if ! run 1 "$srpgwd" -c "$tmp/$name.json"; then
		bad "bad/$name start" "exit status $status instead of 1"
	elif ! grep -Fq "$(head -n 1 "$tmp/want")" "$tmp/err"; then
		bad "bad/$name start" "not what --check says"
	else
		ok
	fi
done

# What only the bridge can know.
config mem-size -e 's|iscsi:[^"]*|mem:1Q|'
expect "mem-size" 1 'mem-size.json:3:33: backends.san.uri: bridge mem: .+; .+' "$srpgwd" --check -c "$tmp/mem-size.json"

expect "no such file" 1 "$tmp/none.json: cannot read the configuration: No such file or directory" "$srpgwd" --check -c "$tmp/none.json"

# Names for the array's access list, before the first login.
if run 0 "$srpgwd" --check -c "$tmp/groups.json" && grep -q 'at san: iqn.2026-11.srpgw:gw:0002c90300a1b2c3' "$tmp/out"; then
	ok
else
	bad "initiator names" "the summary does not print them"
fi

# The example that is installed.
if [ -s /etc/machine-id ]; then
	expect "example" 0 ': ok$' "$srpgwd" --check -c "$project/etc/srpgw.json"
else
	expect "example without a machine-id" 1 'systemd-machine-id-setup' "$srpgwd" --check -c "$project/etc/srpgw.json"
fi
