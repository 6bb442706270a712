/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffers by offset, see chain.h. Layer: core.
 */
#include "chain.h"

#include <string.h>

/* The block that holds byte *@off, which becomes an offset of it. */
static const struct buf *seek(const struct buf *chain, uint32_t *off)
{
	while (chain && *off >= chain->len_bytes) {
		*off -= chain->len_bytes;
		chain = chain->next;
	}
	return chain;
}

void chain_read(const struct buf *chain, uint32_t off, void *to, uint32_t len)
{
	uint8_t *out = to;

	for (chain = seek(chain, &off); chain && len > 0; chain = chain->next, off = 0) {
		uint32_t n = chain->len_bytes - off < len ? chain->len_bytes - off : len;

		memcpy(out, chain->addr + off, n);
		out += n;
		len -= n;
	}
}

void chain_write(const struct buf *chain, uint32_t off, const void *from, uint32_t len)
{
	const uint8_t *in = from;

	for (chain = seek(chain, &off); chain && len > 0; chain = chain->next, off = 0) {
		uint32_t n = chain->len_bytes - off < len ? chain->len_bytes - off : len;

		memcpy(chain->addr + off, in, n);
		in += n;
		len -= n;
	}
}

void chain_move(const struct buf *chain, uint32_t to, uint32_t from, uint32_t len)
{
	uint8_t piece[512] = { 0 };

	for (uint32_t n; len > 0; to += n, from += n, len -= n) {
		n = len < sizeof(piece) ? len : (uint32_t)sizeof(piece);
		chain_read(chain, from, piece, n);
		chain_write(chain, to, piece, n);
	}
}
