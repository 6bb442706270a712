#!/usr/bin/awk -f
# SPDX-License-Identifier: BSD-3-Clause
# core_cost.awk [-v by=layer|function] CALLGRIND-OUTPUT: what gateway/core costs, as lines "name TAB instructions": its own functions
# (with what was inlined into them), and the inclusive cost of their calls into proto, rt, base and libc. Calls into a fabric or a
# bridge are not core's. The format: callgrind's manual, "Callgrind Format Specification"; names are compressed to "(ID) name".
function full(kind, text,   id) {
	match(text, /^\([0-9]+\)/)
	if (!RLENGTH || RSTART != 1) return text
	id = kind substr(text, 1, RLENGTH)
	if (length(text) > RLENGTH) names[id] = substr(text, RLENGTH + 2)
	return names[id]
}
function layer(object, file) {
	if (match(file, /gateway\/(core|proto|rt|base)\//)) return substr(file, RSTART + 8, RLENGTH - 9)
	if (file ~ /(gateway|tests|plugins)\//) return "others"
	return object ~ /\/(libc|ld-linux|libm)[-.]|vgpreload|\[vdso\]/ || file ~ /^\.\/|sysdeps/ ? "libc" : "others"
}
function add(name, n) { cost[name] += n }
/^ob=/ { object = full("ob", substr($0, 4)); next }
/^fl=/ { file = full("fl", substr($0, 4)); next }
/^fi=|^fe=/ { full("fl", substr($0, 4)); next }
/^fn=/ { fn = full("fn", substr($0, 4)); home = layer(object, file); called = 0; c_object = object; c_file = file; next }
/^cob=/ { c_object = full("ob", substr($0, 5)); next }
/^cfi=|^cfl=/ { c_file = full("fl", substr($0, 5)); next }
/^cfn=/ { c_fn = full("fn", substr($0, 5)); next }
/^calls=/ { called = 1; next }
/^[0-9+*-]/ {
	if (called) {
		to = layer(c_object, c_file)
		if (home == "core" && to != "core" && to != "others") add(by == "function" ? c_fn " (" to ")" : to " for core", $2)
		called = 0
		c_object = object
		c_file = file
	} else if (home == "core") {
		add(by == "function" ? fn : "core", $2)
	}
}
END { for (n in cost) printf "%s\t%d\n", n, cost[n] }
