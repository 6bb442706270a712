/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transfer planning, see xfer.h. Layer: core.
 */
#include "xfer.h"

void xfer_init(struct xfer *x, const struct buf *desc, const struct buf *local, uint32_t len_bytes)
{
	*x = (struct xfer){ .desc = desc, .local = local, .left_bytes = len_bytes };
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The descriptor at the cursor, with spent and empty ones skipped. False at the end of the table. */
static bool current_desc(struct xfer *x, struct srp_mdesc *d)
{
	while (x->desc) {
		if (x->desc_off + SRP_MDESC_LEN > x->desc->len_bytes) {
			x->desc = x->desc->next;
			x->desc_off = 0;
			continue;
		}
		*d = srp_mdesc_get(x->desc->addr + x->desc_off);
		if (x->remote_off < d->len_bytes)
			return true;
		x->desc_off += SRP_MDESC_LEN;
		x->remote_off = 0;
	}
	return false;
}

/* Fills one work request's segments with at most @want bytes. */
static uint32_t gather(struct xfer *x, uint32_t want, struct fabric_seg *seg, uint32_t max_seg, uint16_t *n_seg)
{
	uint32_t got = 0;

	*n_seg = 0;
	while (got < want && x->local) {
		uint32_t n = min_u32(want - got, x->local->len_bytes - x->local_off);

		if (n == 0) {
			x->local = x->local->next;
			x->local_off = 0;
			continue;
		}
		if (*n_seg == max_seg)
			break;
		seg[(*n_seg)++] = (struct fabric_seg){
			.addr = x->local->addr + x->local_off,
			.len_bytes = n,
			.region = x->local->region,
		};
		x->local_off += n;
		got += n;
	}
	return got;
}

uint32_t xfer_plan(struct xfer *x, enum fabric_opcode opcode, const struct xfer_limits *lim, struct fabric_wr *wr,
		   struct fabric_seg *seg)
{
	uint32_t n_wr = 0, n_seg = 0;
	struct srp_mdesc d;

	while (x->left_bytes > 0 && n_wr < lim->max_wr && n_seg < lim->max_seg && current_desc(x, &d)) {
		uint32_t want = min_u32(min_u32(x->left_bytes, d.len_bytes - x->remote_off), lim->max_wr_bytes);
		struct fabric_wr *w = &wr[n_wr];
		uint32_t got;

		*w = (struct fabric_wr){
			.opcode = opcode,
			.seg = &seg[n_seg],
			.remote_addr = d.va + x->remote_off,
			.rkey = d.rkey,
		};
		got = gather(x, want, &seg[n_seg], min_u32(lim->max_wr_seg, lim->max_seg - n_seg), &w->n_seg);
		if (got == 0)
			break;
		if (n_wr > 0)
			wr[n_wr - 1].next = w;
		n_wr++;
		n_seg += w->n_seg;
		x->remote_off += got;
		x->left_bytes -= got;
	}
	return n_wr;
}

uint64_t xfer_table_bytes(const struct buf *desc)
{
	uint64_t sum = 0;

	for (; desc; desc = desc->next)
		for (uint32_t off = 0; off + SRP_MDESC_LEN <= desc->len_bytes; off += SRP_MDESC_LEN)
			sum += srp_mdesc_get(desc->addr + off).len_bytes;
	return sum;
}
