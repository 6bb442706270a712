/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A token bucket in one word: the time at which what was taken is paid for. Who finds that time in the past may
 * start, and then moves it on by what his command costs; so a command that is larger than all the credit is late, but
 * never impossible, and what was taken too much by two at once is paid by those who come next. Credit is saved for
 * BUCKET_BURST_NS at most.
 *
 * 64-bit integers; what a division leaves is carried to the next cost, so that nothing drifts however long it runs.
 * Several threads may use one bucket; none of them ever waits.
 * Pure. Layer: core. Knows libc only.
 */
#ifndef CORE_BUCKET_H
#define CORE_BUCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BUCKET_BURST_NS 100000000ull
/* Largest @amount of bucket_cost_ns(). */
#define BUCKET_MOST (1ull << 33)

struct bucket {
	_Atomic uint64_t free_ns;
};

/*
 * What @amount (at most BUCKET_MOST) costs at @rate per second (1 to 2^62), in ns. @rest: of the caller, zero at first;
 * carries what is less than 1 ns.
 */
uint64_t bucket_cost_ns(uint64_t amount, uint64_t rate, uint64_t *rest);

/* When the next one may start; not in the future: now. */
static inline uint64_t bucket_free_ns(const struct bucket *b)
{
	return atomic_load_explicit(&b->free_ns, memory_order_relaxed);
}

/* The end of what was paid, after a command that starts at @now_ns and costs @cost_ns. */
static inline uint64_t bucket_after(uint64_t free_ns, uint64_t now_ns, uint64_t cost_ns)
{
	uint64_t saved_ns = now_ns > BUCKET_BURST_NS ? now_ns - BUCKET_BURST_NS : 0;

	return (free_ns > saved_ns ? free_ns : saved_ns) + cost_ns;
}

/* Takes it, whether there is credit or not: bucket_free_ns() was asked before. */
void bucket_take(struct bucket *b, uint64_t now_ns, uint64_t cost_ns);

/* Takes over the debt of another bucket. */
void bucket_inherit(struct bucket *b, const struct bucket *from);

#endif
