/* SPDX-License-Identifier: BSD-3-Clause */
/* What two MPA peers agree on, see mpa_negotiate.h. Layer: fabric/iwarp, pure. */
#include "mpa_negotiate.h"

static uint16_t min_u16(uint16_t a, uint16_t b)
{
	return a < b ? a : b;
}

/* The Read is what RNICs prefer; a Write costs least; a Send eats a receive. */
static uint8_t pick_rtr(uint8_t set)
{
	if (set & MPA_RTR_READ)
		return MPA_RTR_READ;
	if (set & MPA_RTR_WRITE)
		return MPA_RTR_WRITE;
	return set & MPA_RTR_SEND;
}

static void answer_enhanced(const struct mpa_frame *req, const struct mpa_local *l, struct mpa_terms *t,
			    struct mpa_frame *reply)
{
	/* RFC 6581 9.1: never more than the initiator's IRD; 0x3fff leaves our own value as it is. */
	t->ord = req->ird == MPA_DEPTH_ULP ? l->ord : min_u16(req->ird, l->ord);
	t->ird = req->ord == MPA_DEPTH_ULP ? l->ird : min_u16(req->ord, l->ird);
	if (t->ird == 0) /* room for a Read as ready-to-receive message costs nothing */
		t->ird = 1;
	reply->ord = req->ird == MPA_DEPTH_ULP ? MPA_DEPTH_ULP : t->ord;
	reply->ird = req->ord == MPA_DEPTH_ULP ? MPA_DEPTH_ULP : t->ird;
	if (!req->p2p)
		return;
	reply->p2p = true;
	t->rtr = pick_rtr(req->rtr);
	/* An initiator that offers none gets to know what we would take, and must give up (RFC 6581 9.2). */
	reply->rtr = t->rtr ? t->rtr : MPA_RTR_READ;
}

void mpa_answer(const struct mpa_frame *req, const struct mpa_local *l, struct mpa_terms *t, struct mpa_frame *reply)
{
	*t = (struct mpa_terms){
		.crc = l->crc || req->flags & MPA_CRC,
		.markers = req->flags & MPA_MARKERS,
		.enhanced = req->flags & MPA_ENHANCED,
		.revision = req->revision,
		.ird = l->ird,
		.ord = min_u16(l->ord, MPA_UNSAID_ORD),
	};
	*reply = (struct mpa_frame){
		.kind = MPA_REPLY,
		.flags = (uint8_t)((t->crc ? MPA_CRC : 0) | (t->enhanced ? MPA_ENHANCED : 0)),
		.revision = req->revision,
	};
	if (t->enhanced)
		answer_enhanced(req, l, t, reply);
}

void mpa_ask(const struct mpa_local *l, struct mpa_frame *req)
{
	bool enhanced = l->revision >= 2;

	*req = (struct mpa_frame){
		.kind = MPA_REQUEST,
		.flags = (uint8_t)((l->crc ? MPA_CRC : 0) | (enhanced ? MPA_ENHANCED : 0)),
		.revision = l->revision,
		.p2p = enhanced && l->rtr,
		.rtr = enhanced ? l->rtr : MPA_RTR_NONE,
		.ird = l->ird,
		.ord = l->ord,
	};
}

enum term_cause mpa_settle(const struct mpa_frame *req, const struct mpa_frame *reply, const struct mpa_local *l,
			   struct mpa_terms *t)
{
	*t = (struct mpa_terms){
		.crc = (req->flags | reply->flags) & MPA_CRC,
		.markers = reply->flags & MPA_MARKERS,
		.enhanced = req->flags & MPA_ENHANCED,
		.revision = req->revision,
		.ird = l->ird,
		.ord = min_u16(l->ord, MPA_UNSAID_ORD),
	};
	if ((req->flags ^ reply->flags) & MPA_ENHANCED || reply->revision > req->revision)
		return TERM_STREAM;
	if (!t->enhanced)
		return TERM_NONE;
	t->ord = reply->ird == MPA_DEPTH_ULP ? l->ord : min_u16(l->ord, reply->ird);
	if (reply->ord != MPA_DEPTH_ULP && reply->ord > l->ird)
		return TERM_IRD;
	if (!req->p2p || !reply->p2p)
		return TERM_NONE;
	t->rtr = pick_rtr(req->rtr & reply->rtr);
	if (t->rtr == MPA_RTR_READ && t->ord == 0)
		t->ord = 1;
	return t->rtr ? TERM_NONE : TERM_RTR;
}
