# SPDX-License-Identifier: BSD-3-Clause
# tables.jq: the document of summary.jq as tables for people; columns are divided by tabs, tests/bench/align makes them straight.

def whole: if . == null then "-" else (. + 0.5 | floor | tostring) end;
def fixed2: if . == null then "-" else (. * 100 | round) as $n | "\($n / 100 | floor).\($n % 100 + 100 | tostring | .[1:])" end;
def row: join("\t");

# Better is a larger figure, or for what is spent a smaller one; < marks where a way is behind.
def mark($behind): if . == null then "-" else fixed2 + (if $behind then " <" else "  " end) end;

# The main table: what each case gives to the ways, as ratios.
def ratios:
	. as $p
	| [.ways[] | select(. != $p.base)] as $others
	| [$others[] | select(. as $w | $p.cases | any(.ways[$w].to_rival? != null))] as $judged
	| (if $judged == [] then empty else "main column: I/O per second divided by that of the better rival (\(.rivals | join(", "))); < is below 1.00" end),
	(["case"] + ($judged | map("\(.)/rival")) + ["\(.base // "-") IOPS"] + ($others | map("\(.)/\($p.base)")) | row),
	(.cases[] | . as $c
		| ([.case]
			+ ($judged | map($c.ways[.] | if . == null then "-" else (.to_rival | mark(. != null and . < 1)) end))
			+ [.ways[$p.base // ""].metrics.iops.median? | whole]
			+ ($others | map($c.ways[.] | if . == null then "-" else (.to_base | fixed2) + (if .disturbed > 0 then "~" else " " end) end)) | row)),
	"";

# What people read of the metrics, in this order; those that are not known here come behind, some are only for programs.
def shown:
	["iops", "p50_us", "p99_us", "cpu_us", "gateway_us", "backend_us", "kernel_us", "fio_us", "machine_us", "gateway_runs"] as $order
	| ["ios", "others_percent", "gateway_user_us", "backend_runs"] as $hidden
	| . as $have
	| [$order[] | select(. as $m | $have | index([$m]))] + [$have[] | select(. as $m | $order + $hidden | index([$m]) | not)];

# One row a case and way, one column a metric.
def metrics($names):
	. as $p
	| ($names | index(["iops"]) != null and any($p.cases[].ways[].metrics.iops.repeats // {}; length > 1)) as $spread
	| (["case", "way"] + (if $spread then ["spread"] else [] end) + $names | row),
	(.cases[] | . as $c | $p.ways[] | . as $w | $c.ways[$w] | select(. != null) | . as $v
		| select($names | any($v.metrics[.] != null))
		| ([$c.case, $w] + (if $spread then [$v.metrics.iops.spread | if . == null then "-" else "\(. * 100 | round) %" end] else [] end)
			+ ($names | map($v.metrics[.].median? | if . == null then "-" elif . < 100 then fixed2 else whole end)) | row)),
	"";

# Two builds of one program in one run: the other's figures divided by the plain one's.
def builds:
	. as $p
	| [.ways[] | . as $w | select($p.cases | any(.ways[$w].to_other_build? != null))] as $others
	| if $others == [] then empty else
		["iops", "p50_us", "p99_us", "machine_us", "cpu_us", "gateway_us", "kernel_us", "backend_us", "gateway_runs", "instructions"] as $all
		| [$all[] | . as $m | select($p.metrics | index([$m]))] as $names
		| "one build against the other (its figure / the plain one's):",
		(["case", "way"] + $names | row),
		(.cases[] | . as $c | $others[] | . as $w | $c.ways[$w] | select(. != null and .to_other_build != null) | . as $v
			| ([$c.case, $w] + ($names | map($v.to_other_build[.] | fixed2)) | row)),
		""
	end;

.parts | to_entries[] | .key as $name | .value
| "== \($name)\(.env | to_entries | map("\(.key): \(.value)") | join(", ") | if . == "" then "" else " (" + . + ")" end)",
"",
(if .metrics | index(["iops"]) then
	ratios,
	(([.cases[].ways[] | select(.disturbed > 0)] | length) as $n | if $n > 0 then "~ measured on a disturbed machine (\($n) of \([.cases[].ways[]] | length) pairs of case and way).", "" else empty end)
else empty end),
builds,
metrics(.metrics | shown),
(.failed[] | "could not be measured: \(.case) \(.way): \(.why)"),
(if .again | length > 0 then "measured again because the machine was disturbed: \(.again | length) times" else empty end),
(.notes[] | "note: \(.)"),
""
