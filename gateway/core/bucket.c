/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Token buckets, see bucket.h.
 * Layer: core.
 */
#include "bucket.h"

#define NS 1000000000ull

uint64_t bucket_cost_ns(uint64_t amount, uint64_t rate, uint64_t *rest)
{
	uint64_t sum;

	/* Left by a higher rate. */
	if (*rest >= rate)
		*rest = 0;
	sum = amount * NS + *rest;
	*rest = sum % rate;
	return sum / rate;
}

void bucket_take(struct bucket *b, uint64_t now_ns, uint64_t cost_ns)
{
	uint64_t was = bucket_free_ns(b);

	while (!atomic_compare_exchange_weak_explicit(&b->free_ns, &was, bucket_after(was, now_ns, cost_ns),
						      memory_order_relaxed, memory_order_relaxed))
		;
}

void bucket_inherit(struct bucket *b, const struct bucket *from)
{
	uint64_t was = bucket_free_ns(b), other = bucket_free_ns(from);

	while (was < other && !atomic_compare_exchange_weak_explicit(&b->free_ns, &was, other, memory_order_relaxed,
								      memory_order_relaxed))
		;
}
