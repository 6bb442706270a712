/* SPDX-License-Identifier: BSD-3-Clause */
/* DDP headers, see ddp.h. Layer: fabric/iwarp, pure. */
#include "ddp.h"

#include "../../base/be.h"

enum { CTRL_TAGGED = 0x80, CTRL_LAST = 0x40, CTRL_VERSION = 0x03 };

void ddp_decode(const uint8_t *p, struct ddp_hdr *h)
{
	*h = (struct ddp_hdr){
		.tagged = p[0] & CTRL_TAGGED,
		.last = p[0] & CTRL_LAST,
		.version = p[0] & CTRL_VERSION,
		.rdmap = p[1],
	};
	if (h->tagged) {
		h->stag = be32_at(p + 2);
		h->to = (uint64_t)be32_at(p + 6) << 32 | be32_at(p + 10);
	} else {
		h->inval_stag = be32_at(p + 2);
		h->qn = be32_at(p + 6);
		h->msn = be32_at(p + 10);
		h->mo = be32_at(p + 14);
	}
}

size_t ddp_encode(const struct ddp_hdr *h, uint8_t *p)
{
	p[0] = (uint8_t)((h->tagged ? CTRL_TAGGED : 0) | (h->last ? CTRL_LAST : 0) | (h->version & CTRL_VERSION));
	p[1] = h->rdmap;
	if (h->tagged) {
		be32_put(p + 2, h->stag);
		be32_put(p + 6, (uint32_t)(h->to >> 32));
		be32_put(p + 10, (uint32_t)h->to);
		return DDP_TAGGED_LEN;
	}
	be32_put(p + 2, h->inval_stag);
	be32_put(p + 6, h->qn);
	be32_put(p + 10, h->msn);
	be32_put(p + 14, h->mo);
	return DDP_UNTAGGED_LEN;
}
