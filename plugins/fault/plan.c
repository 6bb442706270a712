/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads the rules. Pure. A rule is KEY[=VALUE],... with
 *   whom it means     op=HEX  dir=none|in|out  lun=N
 *   how often         pct=PERCENT  nth=N (that one only)  every=N  after=N (not the first N)  count=N (at most N times)
 *   one effect        hold_ms=N     the command goes to the back-end so late
 *                     delay_ms=N    the answer comes so late
 *                     lose=command  never goes to the back-end; not answered until it is aborted or the path ends
 *                     lose=answer   goes there, and its answer is lost likewise
 *                     status=HEX    is answered so, without asking the back-end
 *                     sense=KKAAQQ  CHECK CONDITION with this sense key, ASC and ASCQ
 * and, in any rule, about the path
 *                     seed=N  paths=N (only so many first paths have faults)  down_after=N (commands)
 *                     down_after_ms=N  attach_fail=N (first attempts that fail at once)
 *                     attach_down=N (first attempts that go down instead of up)  up_delay_ms=N
 *                     tmf_delay_ms=N  tmf_lose (never answered)  tmf_result=complete|nosuch|unsupported|failed
 */
#include "fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS                                                                                             \
	"op dir lun, pct nth every after count, hold_ms delay_ms lose status sense, seed paths "         \
	"down_after down_after_ms attach_fail attach_down up_delay_ms tmf_delay_ms tmf_lose tmf_result"

const char plan_help[] =
    "rules: more rules, RULE;RULE as in the URI; a rule is KEY[=VALUE],... with the keys " KEYS "\n";

void plan_init(struct plan *p)
{
	memset(p, 0, sizeof(*p));
	p->seed = 1;
	p->tmf_result = -1;
}

static int number(const char *v, int base, uint64_t max, uint64_t *out)
{
	char *end;

	if (!*v || *v == '-' || *v == '+' || *v == ' ')
		return -EINVAL;
	errno = 0;
	*out = strtoull(v, &end, base);
	return *end || errno || *out > max ? -EINVAL : 0;
}

static int percent(const char *v, uint32_t *ppm)
{
	char *end;
	double d = strtod(v, &end);

	if (!*v || *end || !(d >= 0 && d <= 100))
		return -EINVAL;
	*ppm = (uint32_t)(d * 10000 + 0.5);
	return 0;
}

/* Index of @v in the NULL-terminated @words, or -1. */
static int word(const char *v, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(v, words[i]))
			return i;
	return -1;
}

static int set_act(struct rule *r, enum rule_act act)
{
	if (r->act != ACT_NONE)
		return -EINVAL;
	r->act = act;
	return 0;
}

/* Return: 0; -EINVAL; 1 when the key is not about commands. */
static int rule_key(struct rule *r, const char *k, const char *v)
{
	static const char *const dirs[] = { "none", "in", "out", NULL };
	static const char *const what[] = { "command", "answer", NULL };
	const struct {
		const char *key;
		uint64_t *out;
	} counts[] = { { "nth", &r->nth }, { "every", &r->every }, { "after", &r->after }, { "count", &r->count } };
	uint64_t n;
	int i;

	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
		if (!strcmp(k, counts[c].key))
			return number(v, 10, UINT32_MAX, counts[c].out);
	if (!strcmp(k, "op")) {
		i = number(v, 16, 0xff, &n);
		r->op = (int16_t)n;
		return i;
	}
	if (!strcmp(k, "lun")) {
		i = number(v, 10, 16383, &n);
		r->lun = (int32_t)n;
		return i;
	}
	if (!strcmp(k, "dir")) {
		r->dir = (int16_t)word(v, dirs);
		return r->dir < 0 ? -EINVAL : 0;
	}
	if (!strcmp(k, "pct"))
		return percent(v, &r->pct_ppm);
	if (!strcmp(k, "hold_ms") || !strcmp(k, "delay_ms")) {
		i = number(v, 10, 3600000, &n);
		r->ms = (uint32_t)n;
		return i ? i : set_act(r, *k == 'h' ? ACT_HOLD : ACT_DELAY);
	}
	if (!strcmp(k, "lose")) {
		i = word(v, what);
		return i < 0 ? -EINVAL : set_act(r, i ? ACT_LOSE_ANSWER : ACT_LOSE_COMMAND);
	}
	if (!strcmp(k, "status")) {
		i = number(v, 16, 0xff, &n);
		r->status = (uint8_t)n;
		return i ? i : set_act(r, ACT_STATUS);
	}
	if (!strcmp(k, "sense")) {
		if (strlen(v) != 6 || number(v, 16, 0x0fffff, &n))
			return -EINVAL;
		r->status = 0x02;
		r->sense[0] = (uint8_t)(n >> 16);
		r->sense[1] = (uint8_t)(n >> 8);
		r->sense[2] = (uint8_t)n;
		return set_act(r, ACT_STATUS);
	}
	return 1;
}

static int plan_key(struct plan *p, const char *k, const char *v)
{
	static const char *const results[] = { "complete", "nosuch", "unsupported", "failed", NULL };
	const struct {
		const char *key;
		uint32_t *out;
	} numbers[] = {
		{ "paths", &p->paths },
		{ "attach_fail", &p->attach_fail },
		{ "attach_down", &p->attach_down },
		{ "up_delay_ms", &p->up_delay_ms },
		{ "tmf_delay_ms", &p->tmf_delay_ms },
	};
	uint64_t n;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!strcmp(k, numbers[i].key)) {
			if (number(v, 10, 3600000, &n))
				return -EINVAL;
			*numbers[i].out = (uint32_t)n;
			return 0;
		}
	}
	if (!strcmp(k, "seed"))
		return number(v, 10, UINT64_MAX, &p->seed);
	if (!strcmp(k, "down_after"))
		return number(v, 10, UINT32_MAX, &p->down_after);
	if (!strcmp(k, "down_after_ms"))
		return number(v, 10, 3600000, &p->down_after_ms);
	if (!strcmp(k, "tmf_lose")) {
		p->tmf_lose = true;
		return *v ? -EINVAL : 0;
	}
	if (!strcmp(k, "tmf_result")) {
		p->tmf_result = (int8_t)word(v, results);
		return p->tmf_result < 0 ? -EINVAL : 0;
	}
	return -ENOENT;
}

/* One "KEY[=VALUE]". */
static int parse_item(struct plan *p, struct rule *r, char *item, char *why, size_t cap)
{
	char *eq = strchr(item, '=');
	const char *v = eq ? eq + 1 : "";
	int rc;

	if (eq)
		*eq = 0;
	rc = rule_key(r, item, v);
	if (rc == 1)
		rc = plan_key(p, item, v);
	if (rc == -ENOENT)
		snprintf(why, cap, "fault rule \"%s\" is not known; those that are: " KEYS, item);
	else if (rc)
		snprintf(why, cap,
			 "fault rule \"%s=%s\" is out of range, or one effect too many; a rule has one effect", item,
			 v);
	return rc ? -EINVAL : 0;
}

static int parse_rule(struct plan *p, const char *text, size_t len, char *why, size_t cap)
{
	struct rule r = { .op = -1, .dir = -1, .lun = -1, .pct_ppm = 1000000 };

	for (size_t done = 0; done < len;) {
		size_t n = 0;
		char item[64];

		while (done + n < len && text[done + n] != ',')
			n++;
		if (!n || n >= sizeof(item)) {
			snprintf(why, cap,
				 "fault rule \"%.*s\": one of its parts is empty or too long; write KEY[=VALUE],...",
				 (int)len, text);
			return -EINVAL;
		}
		memcpy(item, text + done, n);
		item[n] = 0;
		if (parse_item(p, &r, item, why, cap))
			return -EINVAL;
		done += n + 1;
	}
	if (r.act == ACT_NONE)
		return 0; /* only keys about the path */
	if (p->n_rules == MAX_RULES) {
		snprintf(why, cap, "more than %u fault rules; take some out", MAX_RULES);
		return -EINVAL;
	}
	p->rule[p->n_rules++] = r;
	return 0;
}

int plan_parse(struct plan *p, const char *rules, size_t len, char *why, size_t why_cap)
{
	for (size_t done = 0; done < len;) {
		const char *end = memchr(rules + done, ';', len - done);
		size_t n = end ? (size_t)(end - rules) - done : len - done;

		if (n && parse_rule(p, rules + done, n, why, why_cap))
			return -EINVAL;
		done += n + 1;
	}
	return 0;
}
