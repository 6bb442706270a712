/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that is freed all at once: a configuration or a snapshot is one arena, so that no member needs a free of its
 * own. Control path only. Layer: control. Knows libc only.
 */
#ifndef CONTROL_ARENA_H
#define CONTROL_ARENA_H

#include "../base/cleanup.h"

#include <stddef.h>

struct arena_chunk;

/* Zero-initialized by its owner. */
struct arena {
	struct arena_chunk *last;
};

/* Zeroed memory, aligned for any type; valid until arena_free(). @len_bytes may be 0. Return: NULL when out of memory.
 */
void *arena_alloc(struct arena *a, size_t len_bytes);
/* An array of @n items; NULL also when the product overflows. */
void *arena_array(struct arena *a, size_t n, size_t item_bytes);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The arena is empty afterwards and may be used again. */
void arena_free(struct arena *a);

#endif
