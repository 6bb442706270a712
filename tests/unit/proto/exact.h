/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Input buffers of exactly the length of what arrived: one on the heap, for the address sanitizer, and one that ends
 * at an inaccessible page, so that a read beyond faults in every build. For the tests of proto.
 */
#ifndef TESTS_PROTO_EXACT_H
#define TESTS_PROTO_EXACT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct exact {
	uint8_t *heap;  /* len bytes */
	uint8_t *fence; /* len bytes, the next one faults */
	size_t len;
	uint8_t *map;
	size_t map_len;
};

/* @bytes, @len: copied. Return: false when memory is short. */
static inline bool exact_init(struct exact *x, const void *bytes, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (len + page - 1) / page * page;

	*x = (struct exact){ .len = len };
	x->map_len = room + page;
	x->map = mmap(NULL, x->map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (x->map == MAP_FAILED || mprotect(x->map + room, page, PROT_NONE))
		return false;
	x->fence = x->map + room - len;
	x->heap = malloc(len);
	if (len && !x->heap)
		return false;
	if (len) {
		memcpy(x->heap, bytes, len);
		memcpy(x->fence, bytes, len);
	}
	return true;
}

static inline void exact_fini(struct exact *x)
{
	free(x->heap);
	munmap(x->map, x->map_len);
}

#endif
