/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data buffers of one reactor: an arena that is mapped once and registered once per device, cut by a buddy
 * allocator into blocks of 8 KiB to 256 KiB. A command's buffer is a chain of blocks, never one huge one.
 * No lock: a pool belongs to its reactor. No allocation after pool_create().
 * Layer: rt. Knows base and libc.
 */
#ifndef RT_POOL_H
#define RT_POOL_H

#include "../base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEM_KEY_SLOTS 16
#define POOL_BLOCK_MIN_BYTES 8192u
#define POOL_BLOCK_MAX_BYTES 262144u

/* Memory that a fabric can move to and from; key[slot] is the fabric's (its registration on device @slot). */
struct mem_region {
	void *base;
	size_t len_bytes;
	_Atomic(void *) key[MEM_KEY_SLOTS];
};

/* One block. addr, cap_bytes and region are constant while the holder has it; len_bytes is the part in use. */
struct buf {
	struct buf *next; /* next block of the same command, or NULL */
	uint8_t *addr;
	uint32_t len_bytes, cap_bytes;
	const struct mem_region *region;
	uint8_t order, state; /* private */
};

struct pool;

/**
 * pool_create() - map and cut an arena.
 * @size_bytes: rounded up to POOL_BLOCK_MAX_BYTES.
 * Return: 0, -ENOMEM.
 */
int pool_create(size_t size_bytes, struct pool **out) WARN_UNUSED;
/* Every block must be back; if one is not, it says so in the log and keeps the pool. NULL is harmless. */
void pool_destroy(struct pool *p);

/* The arena, for registration; lives as long as the pool. */
struct mem_region *pool_region(struct pool *p);

/**
 * pool_get() - take a chain of blocks for @len_bytes (> 0).
 * @out: first block; the len_bytes of the chain add up to @len_bytes, each block but the last is full. Blocks of
 * 256 KiB as long as they fit, then as few smaller ones as waste less than a third; when large blocks are fragmented
 * away, more and smaller ones: at worst @len_bytes / 8 KiB blocks.
 * Content is whatever was there: the caller must never send more than was written into it.
 * Return: 0; -EAGAIN when less than @len_bytes (in units of 8 KiB) is free now, for no other reason, and nothing is
 * taken; -E2BIG if it never will suffice; -EINVAL for 0.
 */
int pool_get(struct pool *p, size_t len_bytes, struct buf **out) WARN_UNUSED;

/* Gives a whole chain back; NULL is harmless. A block that nobody holds (given back twice) is logged and ignored. */
void pool_put(struct pool *p, struct buf *chain);

size_t pool_size_bytes(const struct pool *p);
size_t pool_free_bytes(const struct pool *p);
/* Lowest pool_free_bytes() since creation. */
size_t pool_low_water_bytes(const struct pool *p);

#endif
