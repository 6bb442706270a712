/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Latency histogram with logarithmic buckets: plain counters of one reactor, no lock, no allocation.
 * Bucket b counts values v (nanoseconds) with hist_bound_ns(b - 1) <= v < hist_bound_ns(b); four buckets per
 * power of two from 1 us up; the last one is open. Layer: base. Knows libc only.
 */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include <stdint.h>

#define HIST_BUCKETS 128

struct hist {
	uint64_t count, sum_ns, max_ns;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t value_ns);
void hist_merge(struct hist *into, const struct hist *from);

/* Upper bound of bucket @b in nanoseconds (exclusive); UINT64_MAX for the last. */
uint64_t hist_bound_ns(unsigned b);

/* @p in 0..100: an upper bound of the p-th percentile in nanoseconds; 0 when empty. */
uint64_t hist_percentile_ns(const struct hist *h, double p);

#endif
