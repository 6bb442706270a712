/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that is freed all at once, see arena.h. Chunks of the size asked for, large enough for many small strings.
 * Layer: control. Knows libc only.
 */
#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 4096u

struct arena_chunk {
	struct arena_chunk *prev;
	size_t used, cap;
	_Alignas(max_align_t) unsigned char data[];
};

void *arena_alloc(struct arena *a, size_t len_bytes)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_chunk *c = a->last;
	size_t need, cap;
	void *p;

	if (len_bytes > SIZE_MAX / 2)
		return NULL;
	need = (len_bytes + align - 1) / align * align;
	if (need == 0)
		need = align;
	if (!c || c->cap - c->used < need) {
		cap = need > CHUNK_BYTES ? need : CHUNK_BYTES;
		c = calloc(1, sizeof(*c) + cap);
		if (!c)
			return NULL;
		c->cap = cap;
		c->prev = a->last;
		a->last = c;
	}
	p = c->data + c->used;
	c->used += need;
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t item_bytes)
{
	if (item_bytes && n > SIZE_MAX / 2 / item_bytes)
		return NULL;
	return arena_alloc(a, n * item_bytes);
}

char *arena_strdup(struct arena *a, const char *s)
{
	size_t len = strlen(s) + 1;
	char *p = arena_alloc(a, len);

	return p ? memcpy(p, s, len) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		p = arena_alloc(a, (size_t)n + 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return p;
}

void arena_free(struct arena *a)
{
	struct arena_chunk *c = a->last, *prev;

	for (; c; c = prev) {
		prev = c->prev;
		free(c);
	}
	a->last = NULL;
}
