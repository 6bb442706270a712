/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffer pool: a buddy allocator whose whole book-keeping is beside the arena, one descriptor per smallest block, so
 * that neither a peer's RDMA nor a stray write into a data buffer can damage it. Layer: rt. Knows base and libc.
 */
#include "pool.h"

#include "../base/list.h"
#include "../base/log.h"

#include <errno.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ASAN 1
#endif
#endif
#ifdef POOL_ASAN
#include <sanitizer/asan_interface.h>
#define hide(addr, len_bytes) ASAN_POISON_MEMORY_REGION(addr, len_bytes)
#define show(addr, len_bytes) ASAN_UNPOISON_MEMORY_REGION(addr, len_bytes)
#else
#define hide(addr, len_bytes) ((void)(addr), (void)(len_bytes))
#define show(addr, len_bytes) ((void)(addr), (void)(len_bytes))
#endif

#define ORDERS 6u /* 8, 16, 32, 64, 128, 256 KiB */
#define TOP_ORDER (ORDERS - 1)
#define HUGE_PAGE_BYTES (2u << 20)
_Static_assert(POOL_BLOCK_MIN_BYTES << TOP_ORDER == POOL_BLOCK_MAX_BYTES, "orders span the block sizes");

/* Lengths inside the allocator are in units: smallest blocks. An order o block has 2^o units. */
enum block_state { BLOCK_INNER, BLOCK_FREE, BLOCK_USED }; /* INNER: not the first unit of a block */

struct block {
	struct buf buf;
	struct list_node node; /* of the free list of its order */
};

struct pool {
	struct mem_region region;
	size_t n_units, n_free, n_low_water;
	unsigned free_orders; /* bit o: free_list[o] is not empty */
	struct list free_list[ORDERS];
	void *map; /* what munmap wants; region.base is aligned inside */
	size_t map_bytes;
	struct block block[]; /* one per unit */
};

/* ---- blocks ---- */

static size_t index_of(const struct pool *p, const struct block *b)
{
	return (size_t)(b - p->block);
}

static void free_list_add(struct pool *p, struct block *b, unsigned order)
{
	b->buf.order = (uint8_t)order;
	b->buf.state = BLOCK_FREE;
	/* Last in, first out: what was used last may still be in the cache. */
	list_push_front(&p->free_list[order], &b->node);
	p->free_orders |= 1u << order;
}

static void free_list_del(struct pool *p, struct block *b)
{
	unsigned order = b->buf.order;

	list_del(&b->node);
	if (list_empty(&p->free_list[order]))
		p->free_orders &= ~(1u << order);
	b->buf.state = BLOCK_INNER;
}

static struct block *free_list_pop(struct pool *p, unsigned order)
{
	struct block *b = list_entry(list_first(&p->free_list[order]), struct block, node);

	free_list_del(p, b);
	return b;
}

/* Takes a block of @want, or the largest smaller one when no block as large is free. Something must be free. */
static struct block *take(struct pool *p, unsigned want)
{
	unsigned enough = p->free_orders >> want << want;
	unsigned order = enough ? (unsigned)__builtin_ctz(enough) : 31u - (unsigned)__builtin_clz(p->free_orders);
	struct block *b = free_list_pop(p, order);

	while (order > want) {
		order--;
		free_list_add(p, b + ((size_t)1 << order), order);
	}
	b->buf.order = (uint8_t)order;
	b->buf.state = BLOCK_USED;
	p->n_free -= (size_t)1 << order;
	return b;
}

static void give_back(struct pool *p, struct block *b)
{
	unsigned order = b->buf.order;
	size_t i = index_of(p, b);

	p->n_free += (size_t)1 << order;
	b->buf.state = BLOCK_INNER;
	for (; order < TOP_ORDER; order++) {
		struct block *buddy = &p->block[i ^ (size_t)1 << order];

		if (buddy->buf.state != BLOCK_FREE || buddy->buf.order != order)
			break;
		free_list_del(p, buddy);
		i &= ~((size_t)1 << order);
	}
	free_list_add(p, &p->block[i], order);
}

/*
 * The order to take when @units are still to cover: one block for all of them, unless a third or more of what they
 * need would be wasted; then the largest block that they fill.
 */
static unsigned order_for(size_t units)
{
	unsigned floor_order;

	if (units >= (size_t)1 << TOP_ORDER)
		return TOP_ORDER;
	floor_order = 31u - (unsigned)__builtin_clz((unsigned)units);
	return units * 2 > (size_t)3 << floor_order ? floor_order + 1 : floor_order;
}

/* ---- chains ---- */

int pool_get(struct pool *p, size_t len_bytes, struct buf **out)
{
	struct buf *first = NULL, **link = &first;
	size_t units = len_bytes / POOL_BLOCK_MIN_BYTES + (len_bytes % POOL_BLOCK_MIN_BYTES != 0);

	if (units > p->n_units)
		return -E2BIG;
	if (!units)
		return -EINVAL;
	/* From here on it cannot fail: a block that is taken covers all that is left, or lies wholly inside it. */
	if (units > p->n_free)
		return -EAGAIN;
	while (len_bytes) {
		struct buf *b = &take(p, order_for(units))->buf;
		size_t got = (size_t)1 << b->order;

		b->cap_bytes = POOL_BLOCK_MIN_BYTES << b->order;
		b->len_bytes = len_bytes < b->cap_bytes ? (uint32_t)len_bytes : b->cap_bytes;
		show(b->addr, b->cap_bytes);
		len_bytes -= b->len_bytes;
		units -= got < units ? got : units;
		*link = b;
		link = &b->next;
	}
	*link = NULL;
	if (p->n_free < p->n_low_water)
		p->n_low_water = p->n_free;
	*out = first;
	return 0;
}

/* True when @b is a block of this pool that somebody holds. */
static bool is_held(const struct pool *p, const struct buf *b)
{
	uintptr_t at = (uintptr_t)b, first = (uintptr_t)p->block;

	return at >= first && at - first < p->n_units * sizeof(p->block[0]) && (at - first) % sizeof(p->block[0]) == 0 &&
	       b->state == BLOCK_USED;
}

void pool_put(struct pool *p, struct buf *chain)
{
	while (chain) {
		struct buf *next;

		/* What hangs on a block that is not ours or free already cannot be trusted either: leave it. */
		if (!is_held(p, chain)) {
			log_error("buffer pool: a block was given back that nobody holds; ignored");
			return;
		}
		next = chain->next;
		chain->next = NULL;
		chain->len_bytes = 0;
		hide(chain->addr, chain->cap_bytes);
		give_back(p, container_of(chain, struct block, buf));
		chain = next;
	}
}

/* ---- life ---- */

/* The arena begins on a huge-page boundary, so that few translations cover it, in the CPU and in the adapter. */
static void place_arena(struct pool *p, void *map, size_t size_bytes)
{
	size_t skip = (size_t)(-(uintptr_t)map & (HUGE_PAGE_BYTES - 1));

	p->map = map;
	p->map_bytes = size_bytes + HUGE_PAGE_BYTES;
	p->region.base = (uint8_t *)map + skip;
	p->region.len_bytes = size_bytes;
	/* Advice only. What hosts store has no place in a core dump. */
	(void)madvise(p->region.base, size_bytes, MADV_HUGEPAGE);
	(void)madvise(p->region.base, size_bytes, MADV_DONTDUMP);
}

int pool_create(size_t size_bytes, struct pool **out)
{
	size_t n_blocks = size_bytes / POOL_BLOCK_MAX_BYTES + (size_bytes % POOL_BLOCK_MAX_BYTES != 0);
	size_t n_units, arena_bytes;
	struct pool *p;
	void *map;

	if (!n_blocks)
		n_blocks = 1;
	if (n_blocks > (SIZE_MAX - HUGE_PAGE_BYTES) / POOL_BLOCK_MAX_BYTES)
		return -ENOMEM;
	n_units = n_blocks << TOP_ORDER;
	arena_bytes = n_blocks * POOL_BLOCK_MAX_BYTES;
	/* First, because it refuses what is far too large without touching anything. */
	map = mmap(NULL, arena_bytes + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	p = calloc(1, sizeof(*p) + n_units * sizeof(p->block[0]));
	if (!p) {
		munmap(map, arena_bytes + HUGE_PAGE_BYTES);
		return -ENOMEM;
	}
	place_arena(p, map, arena_bytes);
	p->n_units = p->n_free = p->n_low_water = n_units;
	for (unsigned o = 0; o < ORDERS; o++)
		list_init(&p->free_list[o]);
	for (size_t i = 0; i < n_units; i++) {
		p->block[i].buf.addr = (uint8_t *)p->region.base + i * POOL_BLOCK_MIN_BYTES;
		p->block[i].buf.region = &p->region;
	}
	/* From the top, so that the lowest addresses are taken first. */
	for (size_t i = n_units; i; i -= (size_t)1 << TOP_ORDER)
		free_list_add(p, &p->block[i - ((size_t)1 << TOP_ORDER)], TOP_ORDER);
	hide(p->region.base, p->region.len_bytes);
	*out = p;
	return 0;
}

void pool_destroy(struct pool *p)
{
	if (!p)
		return;
	if (p->n_free != p->n_units) {
		/* Whoever holds a block may write to it, or an adapter may: rather lose the memory than give it away. */
		log_error("buffer pool: %zu KiB are still held; the pool is kept",
			  (p->n_units - p->n_free) * (POOL_BLOCK_MIN_BYTES / 1024));
		return;
	}
	show(p->region.base, p->region.len_bytes);
	munmap(p->map, p->map_bytes);
	free(p);
}

struct mem_region *pool_region(struct pool *p)
{
	return &p->region;
}

size_t pool_size_bytes(const struct pool *p)
{
	return p->n_units * POOL_BLOCK_MIN_BYTES;
}

size_t pool_free_bytes(const struct pool *p)
{
	return p->n_free * POOL_BLOCK_MIN_BYTES;
}

size_t pool_low_water_bytes(const struct pool *p)
{
	return p->n_low_water * POOL_BLOCK_MIN_BYTES;
}
