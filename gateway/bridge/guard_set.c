/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands and task management functions that this thread's bridges have and not yet answered: an open-addressing
 * set per thread, of fixed size, so that an answer can be looked up without trusting the pointer that came with it.
 * Layer: bridge.
 */
#include "internal.h"

#define N_SLOTS 16384u /* a power of two */
#define MAX_USED (N_SLOTS / 4 * 3)

struct slot {
	const void *key; /* NULL: free */
	struct guard_path *path;
};

static _Thread_local struct {
	uint32_t n_used;
	struct slot slot[N_SLOTS];
} set;

static uint32_t home(const void *key)
{
	return (uint32_t)(((uint64_t)(uintptr_t)key >> 4) * 0x9e3779b97f4a7c15ull >> 50) & (N_SLOTS - 1);
}

/* The slot of @key, or the free one where it would go. */
static uint32_t find(const void *key)
{
	uint32_t i = home(key);

	while (set.slot[i].key && set.slot[i].key != key)
		i = (i + 1) & (N_SLOTS - 1);
	return i;
}

bool guard_set_add(const void *key, struct guard_path *path, bool *full)
{
	uint32_t i = find(key);

	*full = !set.slot[i].key && set.n_used == MAX_USED;
	if (set.slot[i].key || *full)
		return false;
	set.slot[i] = (struct slot){ key, path };
	set.n_used++;
	return true;
}

struct guard_path *guard_set_take(const void *key)
{
	uint32_t hole = find(key), i = hole;
	struct guard_path *path = set.slot[hole].path;

	if (!set.slot[hole].key)
		return NULL;
	set.n_used--;
	/* Close the gap: move back what would no longer be found behind a free slot. */
	for (;;) {
		i = (i + 1) & (N_SLOTS - 1);
		if (!set.slot[i].key)
			break;
		uint32_t want = home(set.slot[i].key);

		if (((i - want) & (N_SLOTS - 1)) >= ((i - hole) & (N_SLOTS - 1))) {
			set.slot[hole] = set.slot[i];
			hole = i;
		}
	}
	set.slot[hole] = (struct slot){ NULL, NULL };
	return path;
}

const void *guard_set_find(const struct guard_path *path)
{
	for (uint32_t i = 0; i < N_SLOTS; i++)
		if (set.slot[i].key && set.slot[i].path == path)
			return set.slot[i].key;
	return NULL;
}
