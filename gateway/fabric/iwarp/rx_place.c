/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an FPDU means: where its payload belongs, once its header is known, and what follows from it, once it is whole
 * and good. All checks of RFC 5041 7 and RFC 5040 7.2 come before the first byte is placed; a fault is told when the
 * FPDU has passed its CRC. Layer: fabric/iwarp. The connection's reactor.
 */
#include "internal.h"

/* ---- placing ---- */

static void place_at(struct iwarp_rxs *rx, void *addr, uint32_t cap)
{
	rx->one = (struct fabric_seg){ .addr = addr, .len_bytes = rx->left < cap ? rx->left : cap };
	rx->seg = &rx->one;
	rx->n_seg = rx->one.len_bytes ? 1 : 0;
	rx->seg_off = 0;
}

static enum term_cause place_write(struct iwarp_conn *c)
{
	struct iwarp_rxs *rx = &c->rx;
	uint8_t *addr;

	if (rx->left == 0) /* RFC 5041 5.2: STag and TO are not looked at */
		return TERM_NONE;
	switch (stag_find(&c->stags, rx->ddp.stag, rx->ddp.to, rx->left, &addr)) {
	case STAG_OK:
		place_at(rx, addr, rx->left);
		rx->placed_stag = rx->ddp.stag;
		return TERM_NONE;
	case STAG_BOUNDS:
		return TERM_TAGGED_BOUNDS;
	case STAG_WRAP:
		return TERM_TAGGED_WRAP;
	case STAG_INVALID:
		break;
	}
	/* The sink of a Read is open to its response only. */
	return iwarp_orq_has(c, rx->ddp.stag) ? TERM_ACCESS : TERM_TAGGED_STAG;
}

/* The segments of @o from its byte @at on. */
static void place_in_sink(struct iwarp_rxs *rx, const struct iwarp_orqe *o)
{
	uint32_t at = o->placed_bytes, i = 0;

	while (i < o->n_seg && at >= o->seg[i].len_bytes)
		at -= o->seg[i++].len_bytes;
	rx->seg = o->seg + i;
	rx->n_seg = o->n_seg - i;
	rx->seg_off = at;
}

static enum term_cause place_response(struct iwarp_conn *c)
{
	struct iwarp_rxs *rx = &c->rx;
	const struct iwarp_orqe *o = iwarp_orq_oldest(c);

	if (!o)
		return TERM_OPCODE;
	if (rx->left) {
		if (rx->ddp.stag != o->stag)
			return stag_is_used(&c->stags, rx->ddp.stag) ? TERM_ACCESS : TERM_TAGGED_STAG;
		if (rx->ddp.to + rx->left < rx->ddp.to)
			return TERM_TAGGED_WRAP;
		/* Sinks begin at tagged offset 0, and a response has no gaps. */
		if (rx->ddp.to != o->placed_bytes || rx->left > o->size_bytes - o->placed_bytes)
			return TERM_TAGGED_BOUNDS;
		place_in_sink(rx, o);
	}
	if (rx->ddp.last && o->placed_bytes + rx->left != o->size_bytes)
		return TERM_STREAM; /* the rest would never come */
	return TERM_NONE;
}

static enum term_cause place_read_request(struct iwarp_rxs *rx)
{
	if (rx->ddp.msn != rx->read_msn)
		return TERM_MSN;
	if (rx->ddp.mo)
		return TERM_MO;
	if (rx->left > RDMAP_READ_REQ_LEN || !rx->ddp.last)
		return TERM_TOO_LONG;
	if (rx->left < RDMAP_READ_REQ_LEN)
		return TERM_STREAM;
	place_at(rx, rx->small, sizeof(rx->small));
	return TERM_NONE;
}

static enum term_cause place_terminate(struct iwarp_rxs *rx)
{
	if (rx->ddp.msn != 1)
		return TERM_MSN;
	if (rx->ddp.mo)
		return TERM_MO;
	place_at(rx, rx->small, sizeof(rx->small));
	rx->small_len = rx->one.len_bytes;
	return TERM_NONE;
}

static bool invalidates(const struct iwarp_rxs *rx)
{
	enum rdmap_opcode op = rdmap_opcode_of(&rx->ddp);

	return op == RDMAP_SEND_INV || op == RDMAP_SEND_SE_INV;
}

static enum iwarp_rx_go place_send(struct iwarp_conn *c)
{
	struct iwarp_rxs *rx = &c->rx;

	if (rx->ddp.msn != rx->send_msn)
		rx->fault = TERM_MSN;
	else if (rx->ddp.mo != (rx->cur ? rx->cur_len : 0))
		rx->fault = TERM_MO;
	else if ((uint64_t)rx->ddp.mo + rx->left > c->fabric->params.rx_bytes)
		rx->fault = TERM_TOO_LONG;
	else if (invalidates(rx) && !stag_is_used(&c->stags, rx->ddp.inval_stag))
		rx->fault = TERM_INVALIDATE;
	if (rx->fault != TERM_NONE)
		return IWARP_RX_GO;
	if (!rx->cur) {
		rx->cur = iwarp_rx_get(c);
		rx->cur_len = 0;
	}
	if (!rx->cur)
		return IWARP_RX_STARVED;
	place_at(rx, rx->cur->base.data + rx->cur_len, rx->left);
	return IWARP_RX_GO;
}

enum iwarp_rx_go iwarp_rx_place(struct iwarp_conn *c)
{
	struct iwarp_rxs *rx = &c->rx;

	rx->fault = rdmap_check(&rx->ddp);
	if (rx->fault != TERM_NONE)
		return IWARP_RX_GO;
	switch (rdmap_opcode_of(&rx->ddp)) {
	case RDMAP_WRITE:
		rx->fault = place_write(c);
		break;
	case RDMAP_READ_RESP:
		rx->fault = place_response(c);
		break;
	case RDMAP_READ_REQ:
		rx->fault = place_read_request(rx);
		break;
	case RDMAP_TERMINATE:
		rx->fault = place_terminate(rx);
		break;
	case RDMAP_SEND:
	case RDMAP_SEND_INV:
	case RDMAP_SEND_SE:
	case RDMAP_SEND_SE_INV:
		return place_send(c);
	}
	if (rx->fault != TERM_NONE)
		rx->n_seg = 0;
	return IWARP_RX_GO;
}

/* ---- delivering ---- */

static void deliver_send(struct iwarp_conn *c, bool rtr)
{
	struct iwarp_rxs *rx = &c->rx;
	struct iwarp_rx *got = rx->cur;

	rx->cur_len = rx->ddp.mo + (rx->ulpdu_len - DDP_UNTAGGED_LEN);
	if (!rx->ddp.last)
		return;
	rx->cur = NULL;
	rx->send_msn++;
	if (invalidates(rx))
		stag_del(&c->stags, rx->ddp.inval_stag);
	if (rtr && rx->cur_len == 0) { /* it is MPA's, not the user's (RFC 6581 9.2) */
		iwarp_rx_put(got);
		return;
	}
	got->base.len_bytes = rx->cur_len;
	c->cbs->recv(c->ctx, &got->base);
}

static void deliver_response(struct iwarp_conn *c)
{
	struct iwarp_rxs *rx = &c->rx;
	struct iwarp_orqe *o = iwarp_orq_oldest(c);

	o->placed_bytes += rx->ulpdu_len - DDP_TAGGED_LEN;
	rx->read_since_ns = iwarp_now(c);
	if (rx->ddp.last)
		iwarp_orq_done(c);
}

/* The first FPDU of the initiator: from now on we may send (RFC 5044 7.1.2). */
static bool open_gate(struct iwarp_conn *c)
{
	if (!c->tx.gated)
		return false;
	c->tx.gated = false;
	timer_cancel(c->base.reactor, &c->timer);
	iwarp_lane_want(c);
	return true;
}

void iwarp_rx_deliver(struct iwarp_conn *c)
{
	struct iwarp_rxs *rx = &c->rx;
	bool first;

	if (rx->fault != TERM_NONE) {
		iwarp_terminate(c, rx->fault, rx->hdr, NULL);
		return;
	}
	first = open_gate(c);
	switch (rdmap_opcode_of(&rx->ddp)) {
	case RDMAP_WRITE:
		break; /* placed; the Send that follows tells */
	case RDMAP_READ_RESP:
		deliver_response(c);
		break;
	case RDMAP_READ_REQ:
		rx->read_msn++;
		iwarp_read_request(c, rx->small);
		break;
	case RDMAP_TERMINATE:
		iwarp_terminated(c, rx->small, rx->small_len);
		break;
	default:
		deliver_send(c, first && c->terms.rtr == MPA_RTR_SEND);
	}
}
