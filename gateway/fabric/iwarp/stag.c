/* SPDX-License-Identifier: BSD-3-Clause */
/* The STags of one connection, see stag.h. Layer: fabric/iwarp. */
#include "stag.h"

#include <errno.h>
#include <stdatomic.h>

void stag_table_free(struct stag_table *t)
{
	free(t->slot);
	t->slot = NULL;
}

int stag_add(struct stag_table *t, uint32_t random, void *addr, uint64_t len_bytes, uint32_t *out)
{
	if (!t->slot)
		t->slot = calloc(STAG_SLOTS, sizeof(*t->slot));
	if (!t->slot)
		return -ENOMEM;
	for (uint32_t i = 0; i < STAG_SLOTS; i++) {
		uint32_t index = t->next++ % STAG_SLOTS;
		struct stag_slot *s = &t->slot[index];

		if (atomic_load_explicit(&s->stag, memory_order_relaxed))
			continue;
		*out = (random & ~(STAG_SLOTS - 1)) | index;
		if (*out < STAG_SLOTS) /* some peers take a low STag, 0 above all, for a special one */
			*out |= 1u << 31;
		s->addr = addr;
		s->len_bytes = len_bytes;
		atomic_store_explicit(&s->stag, *out, memory_order_release);
		return 0;
	}
	return -ENOSPC;
}

void stag_del(struct stag_table *t, uint32_t stag)
{
	struct stag_slot *s;

	if (!t->slot)
		return;
	s = &t->slot[stag % STAG_SLOTS];
	if (atomic_load_explicit(&s->stag, memory_order_relaxed) == stag)
		atomic_store_explicit(&s->stag, 0, memory_order_release);
}

bool stag_is_used(const struct stag_table *t, uint32_t stag)
{
	return t->slot && atomic_load_explicit(&t->slot[stag % STAG_SLOTS].stag, memory_order_relaxed) == stag;
}

enum stag_verdict stag_find(const struct stag_table *t, uint32_t stag, uint64_t to, uint64_t len_bytes, uint8_t **addr)
{
	const struct stag_slot *s = t->slot ? &t->slot[stag % STAG_SLOTS] : NULL;
	uint64_t base;

	if (!s || !stag || atomic_load_explicit(&s->stag, memory_order_acquire) != stag)
		return STAG_INVALID;
	if (to + len_bytes < to)
		return STAG_WRAP;
	base = (uintptr_t)s->addr;
	if (to < base || to - base > s->len_bytes || len_bytes > s->len_bytes - (to - base))
		return STAG_BOUNDS;
	*addr = s->addr + (to - base);
	return STAG_OK;
}
