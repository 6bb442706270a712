/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RDMA Reads in both directions: what we asked of the peer, and what it asked of us. Both are answered in the order of
 * the requests (RFC 5040 5.5). Layer: fabric/iwarp. The connection's reactor.
 */
#include "internal.h"

/* ---- ours ---- */

static struct iwarp_orqe *orq_at(struct iwarp_tx *tx, uint32_t at)
{
	return &tx->orq[at & (tx->orq_size - 1)];
}

struct iwarp_orqe *iwarp_orq_oldest(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;

	return tx->orq_head == tx->orq_tail ? NULL : orq_at(tx, tx->orq_head);
}

bool iwarp_orq_has(const struct iwarp_conn *c, uint32_t stag)
{
	const struct iwarp_tx *tx = &c->tx;

	for (uint32_t at = tx->orq_head; at != tx->orq_tail; at++)
		if (tx->orq[at & (tx->orq_size - 1)].stag == stag)
			return true;
	return false;
}

struct iwarp_orqe *iwarp_orq_push(struct iwarp_conn *c, struct iwarp_sqe *sqe, const struct fabric_wr *wr,
				  uint32_t size_bytes)
{
	struct iwarp_tx *tx = &c->tx;
	struct iwarp_orqe *o = orq_at(tx, tx->orq_tail);

	if (tx->orq_head == tx->orq_tail) {
		c->rx.read_since_ns = iwarp_now(c);
		iwarp_lane_watchdog(c->lane);
	}
	*o = (struct iwarp_orqe){ .sqe = sqe, .size_bytes = size_bytes };
	if (wr) {
		o->seg = wr->seg;
		o->n_seg = wr->n_seg;
		/* Never the STag of an exposure, and never a small one, see stag.h. */
		do
			o->stag = iwarp_lane_random(c->lane) | 1u << 31;
		while (iwarp_orq_has(c, o->stag) || stag_is_used(&c->stags, o->stag));
	}
	tx->orq_tail++;
	return o;
}

void iwarp_orq_done(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;
	struct iwarp_orqe *o = orq_at(tx, tx->orq_head++);

	c->rx.read_since_ns = iwarp_now(c);
	if (o->sqe)
		o->sqe->reads_left--;
	iwarp_sq_complete(c);
	iwarp_lane_want(c); /* the next Read, or what stood behind a fence */
}

/* ---- the peer's ---- */

static enum term_cause check_source(const struct iwarp_conn *c, const struct rdmap_read_req *r)
{
	uint8_t *addr;

	if (r->size_bytes == 0)
		return TERM_NONE; /* RFC 5040 5.2.1: nothing is validated */
	switch (stag_find(&c->stags, r->src_stag, r->src_to, r->size_bytes, &addr)) {
	case STAG_OK:
		return TERM_NONE;
	case STAG_BOUNDS:
		return TERM_BOUNDS;
	case STAG_WRAP:
		return TERM_WRAP;
	case STAG_INVALID:
		break;
	}
	return iwarp_orq_has(c, r->src_stag) ? TERM_ACCESS : TERM_STAG;
}

void iwarp_read_request(struct iwarp_conn *c, const uint8_t body[RDMAP_READ_REQ_LEN])
{
	struct iwarp_tx *tx = &c->tx;
	struct rdmap_read_req r;
	enum term_cause cause;

	rdmap_read_req_decode(body, &r);
	cause = check_source(c, &r);
	if (tx->irq_tail - tx->irq_head >= c->terms.ird)
		cause = TERM_NO_BUFFER;
	if (cause != TERM_NONE) {
		iwarp_terminate(c, cause, c->rx.hdr, body);
		return;
	}
	tx->irq[tx->irq_tail++ & (tx->irq_size - 1)].req = r;
	iwarp_lane_want(c);
}
