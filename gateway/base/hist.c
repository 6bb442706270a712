/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Latency histogram: bucket index from the leading bit and the two bits below it, as in a tiny floating-point number.
 * Layer: base. Knows libc only.
 */
#include "hist.h"

/*
 * With q = v in quarters of a microsecond, the bucket bounds are 4, 5, 6, 7, 8, 10, 12, 14, 16, ...: integers, so
 * rounding q down moves no value over a bound. The division by a constant compiles to a multiplication.
 */
#define QUARTER_US_NS 250u

static unsigned bucket_of(uint64_t value_ns)
{
	uint64_t q = value_ns / QUARTER_US_NS;
	unsigned msb, b;

	if (q < 4)
		return 0;
	msb = 63u - (unsigned)__builtin_clzll(q);
	b = (msb - 2) * 4 + (unsigned)(q >> (msb - 2) & 3) + 1;
	return b < HIST_BUCKETS ? b : HIST_BUCKETS - 1;
}

void hist_add(struct hist *h, uint64_t value_ns)
{
	h->count++;
	h->sum_ns += value_ns;
	if (value_ns > h->max_ns)
		h->max_ns = value_ns;
	h->bucket[bucket_of(value_ns)]++;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	into->count += from->count;
	into->sum_ns += from->sum_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
	for (unsigned b = 0; b < HIST_BUCKETS; b++)
		into->bucket[b] += from->bucket[b];
}

uint64_t hist_bound_ns(unsigned b)
{
	if (b >= HIST_BUCKETS - 1)
		return UINT64_MAX;
	return (uint64_t)QUARTER_US_NS * (4 + b % 4) << b / 4;
}

uint64_t hist_percentile_ns(const struct hist *h, double p)
{
	uint64_t rank, seen = 0;
	double want;

	if (!h->count)
		return 0;
	if (!(p > 0)) /* also NaN */
		p = 0;
	if (p >= 100)
		return h->max_ns;
	want = (double)h->count * p / 100;
	rank = (uint64_t)want;
	if ((double)rank < want || !rank)
		rank++;
	for (unsigned b = 0; b < HIST_BUCKETS; b++) {
		seen += h->bucket[b];
		if (seen >= rank) {
			uint64_t bound = hist_bound_ns(b);

			return bound < h->max_ns ? bound : h->max_ns;
		}
	}
	return h->max_ns;
}
