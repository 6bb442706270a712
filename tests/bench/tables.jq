# SPDX-License-Identifier: BSD-3-Clause
# tables.jq: the document of summary.jq as tables for people; columns are divided by tabs, tests/bench/align makes them straight.

def whole: if . == null then "-" else (. + 0.5 | floor | tostring) end;
def fixed2: if . == null then "-" else (. * 100 | round) as $n | "\($n / 100 | floor).\($n % 100 + 100 | tostring | .[1:])" end;
def row: join("\t");

# The main table: what each case gives to the ways, as ratios.
def ratios:
	. as $p
	| ([.ways[] | select(. != $p.base)]) as $others
	| ([$others[] | select(. as $w | $p.cases | any(.ways[$w].to_rival? != null))]) as $judged
	| (["case", "\(.base // "") IOPS"] + ($judged | map("\(.) / best rival")) + ($others | map("\(.) / \($p.base)")) + (if .rivals | length > 1 then ["best rival"] else [] end) | row),
	(.cases[] | . as $c
		| ([.case, (.ways[$p.base // ""].metrics.iops.median? | whole)]
			+ ($judged | map($c.ways[.] | if . == null then "-" else (.to_rival | fixed2) + (if .to_rival != null and .to_rival < 1 then " <" else "  " end) end))
			+ ($others | map($c.ways[.] | if . == null then "-" else (.to_base | fixed2) + (if .disturbed > 0 then "~" else " " end) end))
			+ (if $p.rivals | length > 1 then [$c.rival // "-"] else [] end) | row)),
	"";

# One row a case and way, one column a metric.
def metrics($names):
	. as $p
	| (["case", "way"] + $names | row),
	(.cases[] | . as $c | $p.ways[] | . as $w | $c.ways[$w] | select(. != null) | . as $v
		| select($names | any($v.metrics[.] != null))
		| ([$c.case, $w] + ($names | map($v.metrics[.].median? | if . == null then "-" elif . < 100 then fixed2 else whole end)) | row)),
	"";

.parts | to_entries[] | .key as $name | .value
| "== \($name)\(.env | to_entries | map("\(.key): \(.value)") | join(", ") | if . == "" then "" else " (" + . + ")" end)",
"",
(if .metrics | index(["iops"]) then
	ratios,
	(([.cases[].ways[] | select(.disturbed > 0)] | length) as $n | if $n > 0 then "~ measured on a disturbed machine (\($n) of \([.cases[].ways[]] | length) pairs of case and way).", "" else empty end)
else empty end),
metrics(.metrics),
(.failed[] | "could not be measured: \(.case) \(.way): \(.why)"),
(if .again | length > 0 then "measured again because the machine was disturbed: \(.again | length) times" else empty end),
(.notes[] | "note: \(.)"),
""
