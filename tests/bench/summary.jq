# SPDX-License-Identifier: BSD-3-Clause
# summary.jq: the lines of tests/bench/report's header (raw, by -nR) into the document of docs/testing.md.

def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def round3: if . == null then null else (. * 1000 | round) / 1000 end;

# Order of first appearance, which is the order of the tables.
def uniq: reduce .[] as $x ([]; if index([$x]) then . else . + [$x] end);

# [{repeat, value}...] -> the figures of one metric; $bad are the disturbed repeats.
def figures($bad):
	(map(select(.repeat as $r | $bad | index([$r]) | not))) as $good
	| (if ($good | length) > 0 then $good else . end)
	| {
		median: (map(.value) | median),
		min: (map(.value) | min),
		max: (map(.value) | max),
		spread: ((map(.value) | median) as $m | if $m > 0 then ((map(.value) | max - min) / $m | round3) else null end),
		repeats: map({key: (.repeat | tostring), value: .value}) | from_entries
	};

# Median of the ratios of equal repeats; of the medians where no repeat is common.
def ratio($a; $b):
	if $a == null or $b == null then null
	else
		[($a.repeats | keys[]) as $r | select($b.repeats[$r] != null and $b.repeats[$r] > 0) | $a.repeats[$r] / $b.repeats[$r]]
		| if length > 0 then median elif $b.median > 0 then $a.median / $b.median else null end
		| round3
	end;

[inputs | select(startswith("@")) | split(" ") | {tag: .[0][1:], part: .[1], w: .[2:]}] as $lines
| {
	schema: 1,
	made_at: (now | todate),
	parts: (
		[$lines[] | select(.tag == "result" or .tag == "failed") | .part] | uniq
		| map(. as $part
			| [$lines[] | select(.part == $part)] as $mine
			| [$mine[] | select(.tag == "result") | {case: .w[0], way: .w[1], repeat: (.w[2] | tonumber), metric: .w[3], value: (.w[4] | tonumber)}] as $results
			| (first($mine[] | select(.tag == "base") | .w[0]) // null) as $base
			| (first($mine[] | select(.tag == "rivals") | .w) // []) as $rivals
			| (first($mine[] | select(.tag == "info_way") | .w) // []) as $info
			| {
				key: $part,
				value: {
					env: ([$mine[] | select(.tag == "env") | {key: .w[0], value: (.w[1:] | join(" "))}] | from_entries),
					base: $base,
					rivals: $rivals,
					ways: ([$results[].way] | uniq),
					metrics: ([$results[].metric] | uniq),
					notes: [$mine[] | select(.tag == "note") | .w | join(" ")],
					failed: [$mine[] | select(.tag == "failed") | {case: .w[0], way: .w[1], why: (.w[2:] | join(" "))}],
					again: [$mine[] | select(.tag == "again") | {case: .w[0], way: .w[1], repeat: (.w[2] | tonumber), why: (.w[3:] | join(" "))}],
					cases: (
						[$results[].case] | uniq
						| map(. as $case
							| ([$results[] | select(.case == $case) | .way] | uniq
								| map(. as $way
									| ([$mine[] | select(.tag == "disturbed" and .w[0] == $case and .w[1] == $way) | (.w[2] | tonumber)] | unique) as $bad
									| [$results[] | select(.case == $case and .way == $way)] as $here
									| {
										key: $way,
										value: {
											disturbed: ($bad | length),
											metrics: ([$here[].metric] | uniq | map(. as $m | {key: $m, value: ([$here[] | select(.metric == $m)] | figures($bad))}) | from_entries)
										}
									}) | from_entries) as $ways
							| ([$rivals[] | {way: ., iops: $ways[.].metrics.iops.median} | select(.iops != null)] | max_by(.iops) | .way?) as $rival
							| {
								case: $case,
								rival: $rival,
								ways: ($ways | with_entries(.key as $way
									| .value += {
										to_base: (if $base != null and $way != $base then ratio(.value.metrics.iops; $ways[$base].metrics.iops) else null end),
										to_other_build: (($way | sub("@.*"; "")) as $plain
											| if $plain == $way or $ways[$plain] == null then null
											else . as $v | [.value.metrics | keys[] | . as $m
												| {key: $m, value: ratio($v.value.metrics[$m]; $ways[$plain].metrics[$m])}] | from_entries end),
										to_rival: (if $rival == null or $way == $base or ($rivals | index([$way])) or ($info | index([$way])) then null
											else ratio(.value.metrics.iops; $ways[$rival].metrics.iops) end)
									}))
							})
					)
				}
			}) | from_entries)
}
