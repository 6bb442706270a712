/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What two MPA peers agree on: CRC, markers, how many RDMA Reads may be outstanding, who sends first
 * (RFC 5044 7.1, RFC 6581 9 and 10). Pure functions. Layer: fabric/iwarp.
 */
#ifndef FABRIC_IWARP_MPA_NEGOTIATE_H
#define FABRIC_IWARP_MPA_NEGOTIATE_H

#include "mpa.h"
#include "term.h"

/* What this side wants. */
struct mpa_local {
	bool crc;         /* our C bit */
	uint16_t ird;     /* inbound RDMA Reads that we can serve at once, at least 1 */
	uint16_t ord;     /* outbound RDMA Reads that we would like to have outstanding, at least 1 */
	uint8_t revision; /* of our requests: 1 or 2 */
	uint8_t rtr;      /* of our requests: ready-to-receive messages that we offer; none: client-server mode */
};

struct mpa_terms {
	bool crc;         /* in both directions */
	bool markers;     /* in what we send */
	bool enhanced;
	uint8_t revision;
	uint8_t rtr;      /* the one that the initiator sends first, or MPA_RTR_NONE */
	uint16_t ird, ord; /* ord 0: this side must not send Read Requests */
};

/* Without the enhanced word nothing is said of the peer's IRD; one Read at a time is what every peer takes. */
#define MPA_UNSAID_ORD 1u

/**
 * mpa_answer() - the responder's part.
 * @req: a decoded request.
 * @reply: all but priv; add MPA_REJECTED to its flags to refuse.
 */
void mpa_answer(const struct mpa_frame *req, const struct mpa_local *l, struct mpa_terms *t, struct mpa_frame *reply);

/* The initiator's request, all but priv. */
void mpa_ask(const struct mpa_local *l, struct mpa_frame *req);

/**
 * mpa_settle() - the initiator's part, when the reply came and is not a reject.
 * @t: the terms, valid with TERM_NONE; after another return enough of them to send a Terminate message.
 * Return: TERM_NONE; TERM_IRD, TERM_RTR: say so to the peer; TERM_STREAM: the reply does not fit the request, just
 * close.
 */
enum term_cause mpa_settle(const struct mpa_frame *req, const struct mpa_frame *reply, const struct mpa_local *l,
			   struct mpa_terms *t);

#endif
