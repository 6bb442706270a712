/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the peer of a connection may read and write of our memory. An exposure is its STag and nothing else: so it can
 * be made and ended for every command. Layer: fabric/iwarp. The connection's reactor or control.
 */
#include "internal.h"

#include <errno.h>
#include <sys/random.h>

static struct fabric_exposure *handle_of(uint32_t stag)
{
	return (struct fabric_exposure *)(uintptr_t)stag;
}

static uint32_t random_for(struct iwarp_conn *c)
{
	uint32_t value = 0;

	if (reactor_is_mine(c->base.reactor))
		return iwarp_lane_random(c->lane);
	while (getrandom(&value, sizeof(value), 0) < 0 && errno == EINTR)
		;
	return value;
}

int iwarp_expose(struct fabric_conn *conn, void *addr, size_t len_bytes, struct fabric_exposure **out, uint32_t *rkey)
{
	struct iwarp_conn *c = iwarp_conn_of(conn);
	int rc = stag_add(&c->stags, random_for(c), addr, len_bytes, rkey);

	if (rc == 0)
		*out = handle_of(*rkey);
	return rc;
}

/* Reads of this memory were answered, and TCP has not taken all of it yet. */
static bool is_being_sent(const struct iwarp_conn *c, const struct stag_slot *s)
{
	const struct fpdu_batch *b = c->tx.batch;

	for (uint32_t i = c->tx.iov_at; i < b->n_iov; i++) {
		uint64_t at = (uintptr_t)b->iov[i].iov_base, base = (uintptr_t)s->addr;

		if (at >= base && at - base < s->len_bytes)
			return true;
	}
	return false;
}

void iwarp_unexpose(struct fabric_conn *conn, struct fabric_exposure *x)
{
	struct iwarp_conn *c = iwarp_conn_of(conn);
	uint32_t stag = (uint32_t)(uintptr_t)x;

	if (reactor_is_mine(c->base.reactor) && c->phase < IWARP_DEAD &&
	    stag_is_used(&c->stags, stag) && is_being_sent(c, &c->stags.slot[stag % STAG_SLOTS]))
		iwarp_conn_fail(c); /* the peer has declared its Read over before it was answered */
	stag_del(&c->stags, stag);
	/* A Write of which only a part has come must not go on: the rest is dropped, and the peer hears of it. */
	if (c->rx.placed_stag == stag) {
		c->rx.placed_stag = 0;
		c->rx.n_seg = 0;
		c->rx.fault = TERM_TAGGED_STAG;
	}
}
