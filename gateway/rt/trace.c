/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trace ring: one array, one counter that never wraps. Layer: rt. Knows base and libc.
 */
#include "trace.h"

#include <errno.h>

struct trace_ring {
	uint64_t n_added;
	uint32_t mask;
	struct trace_entry entry[];
};

int trace_ring_create(uint32_t n_entries, struct trace_ring **out)
{
	uint64_t n = 1;
	struct trace_ring *t;

	while (n < n_entries)
		n <<= 1;
	if (n > (SIZE_MAX - sizeof(*t)) / sizeof(t->entry[0]))
		return -ENOMEM;
	t = calloc(1, sizeof(*t) + n * sizeof(t->entry[0]));
	if (!t)
		return -ENOMEM;
	t->mask = (uint32_t)(n - 1);
	*out = t;
	return 0;
}

void trace_ring_destroy(struct trace_ring *t)
{
	free(t);
}

void trace_add(struct trace_ring *t, uint64_t at_ns, uint32_t kind, uint32_t object, uint64_t a, uint64_t b)
{
	t->entry[t->n_added++ & t->mask] = (struct trace_entry){
		.at_ns = at_ns, .kind = kind, .object = object, .a = a, .b = b,
	};
}

uint32_t trace_read(const struct trace_ring *t, struct trace_entry *out, uint32_t cap)
{
	uint64_t n = (uint64_t)t->mask + 1;

	if (n > t->n_added)
		n = t->n_added;
	if (n > cap)
		n = cap;
	for (uint64_t i = 0; i < n; i++)
		out[i] = t->entry[(t->n_added - n + i) & t->mask];
	return (uint32_t)n;
}
