/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Terminate message, sent and received (RFC 5040 4.8, 5.4, 7): once, for the first error, and nothing after it.
 * It ends its own connection and no other. Layer: fabric/iwarp. The connection's reactor.
 */
#include "../../base/log.h"
#include "internal.h"

#include <stdio.h>

void iwarp_terminate(struct iwarp_conn *c, enum term_cause cause, const uint8_t *ddp, const uint8_t *read_req)
{
	struct iwarp_tx *tx = &c->tx;
	char peer[FABRIC_ADDR_STRLEN];
	uint16_t ulpdu_len = 0;
	size_t ddp_len = 0;

	if (c->phase != IWARP_UP)
		return;
	log_warn("iwarp: %s: terminated by us: %s", fabric_addr_str(&c->peer, peer), term_text(cause));
	if (ddp) {
		ulpdu_len = (uint16_t)(ddp[0] << 8 | ddp[1]);
		ddp += FPDU_LENGTH_LEN;
		ddp_len = ddp_hdr_len(ddp[0]);
	}
	tx->term = cause;
	tx->term_len = (uint32_t)term_encode(cause, ulpdu_len, ddp, ddp_len, read_req, tx->term_body);
	tx->stop = true;
	iwarp_count(&c->lane->count.terminates_sent_total, 1);
	iwarp_conn_last(c);
	iwarp_conn_down(c, FABRIC_DOWN_ERROR);
}

void iwarp_terminated(struct iwarp_conn *c, const uint8_t *body, size_t len)
{
	struct iwarp_tx *tx = &c->tx;
	char peer[FABRIC_ADDR_STRLEN];
	struct term_msg m;

	iwarp_count(&c->lane->count.terminates_received_total, 1);
	fabric_addr_str(&c->peer, peer);
	if (!term_decode(body, len, &m)) {
		log_warn("iwarp: %s: terminated by the peer, without a reason", peer);
	} else {
		/* The raw bytes: some peers lay them out wrong. */
		log_warn("iwarp: %s: terminated by the peer: %s (%02x %02x %02x %02x%s)", peer, m.text, body[0],
			 body[1], body[2], body[3], m.swapped ? ", fields swapped" : "");
		if (m.cause == TERM_CRC)
			log_warn("iwarp: %s: if that is Linux' siw, it is wrong: a TCP segment ended inside of a CRC; "
				 "give the way to it an MTU that is a multiple of 4, or turn our CRC off",
				 peer);
		if (term_is_remote_access(&m) && tx->sq_head != tx->sq_tail)
			tx->sq[tx->sq_head & (tx->sq_size - 1)].status = FABRIC_WC_REMOTE_ACCESS;
	}
	iwarp_conn_dead(c, FABRIC_DOWN_ERROR);
}
