/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets of logical blocks, see ranges.h.
 * Layer: core.
 */
#include "ranges.h"

#include <string.h>

void ranges_clear(struct ranges *s)
{
	s->n = 0;
}

/* No block lies between @a and what comes before it, which ends with @last. */
static bool follows(const struct range *a, uint64_t last)
{
	return a->first <= last || a->first - last == 1;
}

/* Puts @r in the place of those from @i to before @k. */
static void replace(struct ranges *s, uint32_t i, uint32_t k, struct range r)
{
	memmove(&s->r[i + 1], &s->r[k], (s->n - k) * sizeof(s->r[0]));
	s->r[i] = r;
	s->n = s->n - (k - i) + 1;
}

static void close_smallest_gap(struct ranges *s)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i + 1 < s->n; i++)
		if (s->r[i + 1].first - s->r[i].last < s->r[best + 1].first - s->r[best].last)
			best = i;
	replace(s, best, best + 2, (struct range){ s->r[best].first, s->r[best + 1].last });
}

void ranges_add(struct ranges *s, struct range r)
{
	uint32_t i = 0, k;

	while (i < s->n && !follows(&r, s->r[i].last))
		i++;
	for (k = i; k < s->n && follows(&s->r[k], r.last); k++) {
		if (s->r[k].first < r.first)
			r.first = s->r[k].first;
		if (s->r[k].last > r.last)
			r.last = s->r[k].last;
	}
	replace(s, i, k, r);
	if (s->n > RANGES_MOST)
		close_smallest_gap(s);
}

bool ranges_overlap(const struct ranges *s, struct range r)
{
	for (uint32_t i = 0; i < s->n && s->r[i].first <= r.last; i++)
		if (s->r[i].last >= r.first)
			return true;
	return false;
}
