/* SPDX-License-Identifier: BSD-3-Clause */
/* DDP headers, see ddp.h. Layer: fabric/iwarp, pure. */
#include "ddp.h"

#include "../../base/be.h"

#include <string.h>

enum { CTRL_TAGGED = 0x80, CTRL_LAST = 0x40, CTRL_VERSION = 0x03 };

static uint32_t get32(const uint8_t *p)
{
	struct be32 v;

	memcpy(v.b, p, sizeof(v));
	return be32_get(v);
}

static void put32(uint8_t *p, uint32_t x)
{
	struct be32 v = be32_make(x);

	memcpy(p, v.b, sizeof(v));
}

void ddp_decode(const uint8_t *p, struct ddp_hdr *h)
{
	*h = (struct ddp_hdr){
		.tagged = p[0] & CTRL_TAGGED,
		.last = p[0] & CTRL_LAST,
		.version = p[0] & CTRL_VERSION,
		.rdmap = p[1],
	};
	if (h->tagged) {
		h->stag = get32(p + 2);
		h->to = (uint64_t)get32(p + 6) << 32 | get32(p + 10);
	} else {
		h->inval_stag = get32(p + 2);
		h->qn = get32(p + 6);
		h->msn = get32(p + 10);
		h->mo = get32(p + 14);
	}
}

size_t ddp_encode(const struct ddp_hdr *h, uint8_t *p)
{
	p[0] = (uint8_t)((h->tagged ? CTRL_TAGGED : 0) | (h->last ? CTRL_LAST : 0) | (h->version & CTRL_VERSION));
	p[1] = h->rdmap;
	if (h->tagged) {
		put32(p + 2, h->stag);
		put32(p + 6, (uint32_t)(h->to >> 32));
		put32(p + 10, (uint32_t)h->to);
		return DDP_TAGGED_LEN;
	}
	put32(p + 2, h->inval_stag);
	put32(p + 6, h->qn);
	put32(p + 10, h->msn);
	put32(p + 14, h->mo);
	return DDP_UNTAGGED_LEN;
}
