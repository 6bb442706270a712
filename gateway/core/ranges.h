/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set of logical blocks in fixed memory. When it has more pieces than fit, it also holds what lies between the two
 * that are closest: it may hold too much, never too little.
 * Pure. Layer: core.
 */
#ifndef CORE_RANGES_H
#define CORE_RANGES_H

#include <stdbool.h>
#include <stdint.h>

/* As many as a host usually has commands under way at one logical unit. */
#define RANGES_MOST 64u

struct range {
	uint64_t first, last; /* both of them */
};

struct ranges {
	uint32_t n;
	struct range r[RANGES_MOST + 1]; /* ascending, with gaps between; the last place is scratch */
};

/* All zero is the empty set, too. */
void ranges_clear(struct ranges *s);
void ranges_add(struct ranges *s, struct range r);
/* Do the two have a block in common? */
bool ranges_overlap(const struct ranges *s, struct range r);

#endif
