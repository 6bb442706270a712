/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moves bytes between the store and a command's buffers. Hosts may race on a block: what they then read is their
 * business (a mix of old and new words, as on a disk), but it must be no undefined behaviour here, hence relaxed
 * atomics, word by word: as fast as memcpy() once the memory itself is the limit.
 */
#include "mem.h"

#include <string.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096u

typedef uint64_t __attribute__((may_alias)) word_t;

static bool word_aligned(const uint8_t *p)
{
	return !((uintptr_t)p & (sizeof(word_t) - 1));
}

static void load_bytes(uint8_t *dst, const uint8_t *store, size_t len)
{
	for (; len && !word_aligned(store); len--)
		*dst++ = __atomic_load_n(store++, __ATOMIC_RELAXED);
	for (; len >= sizeof(word_t); len -= sizeof(word_t)) {
		word_t w = __atomic_load_n((const word_t *)(const void *)store, __ATOMIC_RELAXED);

		memcpy(dst, &w, sizeof(w));
		dst += sizeof(w);
		store += sizeof(w);
	}
	for (; len; len--)
		*dst++ = __atomic_load_n(store++, __ATOMIC_RELAXED);
}

static void store_bytes(uint8_t *store, const uint8_t *src, size_t len)
{
	for (; len && !word_aligned(store); len--)
		__atomic_store_n(store++, *src++, __ATOMIC_RELAXED);
	for (; len >= sizeof(word_t); len -= sizeof(word_t)) {
		word_t w;

		memcpy(&w, src, sizeof(w));
		__atomic_store_n((word_t *)(void *)store, w, __ATOMIC_RELAXED);
		src += sizeof(w);
		store += sizeof(w);
	}
	for (; len; len--)
		__atomic_store_n(store++, *src++, __ATOMIC_RELAXED);
}

static void zero_bytes(uint8_t *store, size_t len)
{
	for (; len && !word_aligned(store); len--)
		__atomic_store_n(store++, 0, __ATOMIC_RELAXED);
	for (; len >= sizeof(word_t); len -= sizeof(word_t), store += sizeof(word_t))
		__atomic_store_n((word_t *)(void *)store, 0, __ATOMIC_RELAXED);
	for (; len; len--)
		__atomic_store_n(store++, 0, __ATOMIC_RELAXED);
}

/* Walks a command's iovec: the next piece of at most @want bytes from position (*i, *off). */
static uint8_t *iov_piece(const struct srpgw_io *io, uint32_t *i, size_t *off, size_t want, size_t *len)
{
	while (*i < io->n_iov && *off >= io->iov[*i].iov_len) {
		*off -= io->iov[*i].iov_len;
		(*i)++;
	}
	if (*i >= io->n_iov)
		return NULL;
	uint8_t *p = (uint8_t *)io->iov[*i].iov_base + *off;
	size_t rest = io->iov[*i].iov_len - *off;

	*len = rest < want ? rest : want;
	*off += *len;
	return p;
}

void mem_store_to_iov(const uint8_t *store, const struct srpgw_io *io, size_t len)
{
	uint32_t i = 0;
	size_t off = 0, n;
	uint8_t *p;

	for (; len && (p = iov_piece(io, &i, &off, len, &n)); len -= n, store += n)
		load_bytes(p, store, n);
}

void mem_iov_to_store(uint8_t *store, const struct srpgw_io *io, size_t skip, size_t len)
{
	uint32_t i = 0;
	size_t off = skip, n;
	const uint8_t *p;

	for (; len && (p = iov_piece(io, &i, &off, len, &n)); len -= n, store += n)
		store_bytes(store, p, n);
}

size_t mem_store_compare(const uint8_t *store, const struct srpgw_io *io, size_t len)
{
	uint32_t i = 0;
	size_t off = 0, done = 0, n;
	const uint8_t *p;

	for (; done < len && (p = iov_piece(io, &i, &off, len - done, &n)); done += n) {
		for (size_t k = 0; k < n; k++)
			if (__atomic_load_n(store + done + k, __ATOMIC_RELAXED) != p[k])
				return done + k;
	}
	return len;
}

void mem_store_fill(uint8_t *store, const uint8_t *block, size_t block_bytes, uint64_t n_blocks)
{
	for (; n_blocks; n_blocks--, store += block_bytes)
		store_bytes(store, block, block_bytes);
}

void mem_store_discard(uint8_t *store, size_t len)
{
	size_t head = -(uintptr_t)store & (PAGE_BYTES - 1);

	if (head > len)
		head = len;
	zero_bytes(store, head);
	store += head;
	len -= head;
	size_t pages = len & ~(size_t)(PAGE_BYTES - 1);

	/* An anonymous page that was dropped reads as zeros; where dropping fails (locked memory) write them. */
	if (pages && madvise(store, pages, MADV_DONTNEED))
		zero_bytes(store, pages);
	zero_bytes(store + pages, len - pages);
}

void mem_buf_to_iov(const struct srpgw_io *io, const void *buf, size_t len)
{
	const uint8_t *src = buf;
	uint32_t i = 0;
	size_t off = 0, n;
	uint8_t *p;

	for (; len && (p = iov_piece(io, &i, &off, len, &n)); len -= n, src += n)
		memcpy(p, src, n);
}

void mem_iov_to_buf(const struct srpgw_io *io, void *buf, size_t len)
{
	uint8_t *dst = buf;
	uint32_t i = 0;
	size_t off = 0, n;
	const uint8_t *p;

	for (; len && (p = iov_piece(io, &i, &off, len, &n)); len -= n, dst += n)
		memcpy(dst, p, n);
}
