/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FPDUs to TCP: as many as there are in one system call, straight from the memory they lie in. What TCP does not take
 * at once waits in the connection's own batch, so a slow peer delays nobody else. Layer: fabric/iwarp. The connection's
 * reactor.
 */
#include "internal.h"

#include <errno.h>
#include <sys/epoll.h>

/* Then the others have their turn. */
enum { BURSTS = 4 };

/* Drops @n bytes from the front of the batch. */
static void taken(struct iwarp_tx *tx, size_t n)
{
	struct fpdu_batch *b = tx->batch;

	tx->sent += n;
	while (n) {
		struct iovec *v = &b->iov[tx->iov_at];
		size_t part = n < v->iov_len ? n : v->iov_len;

		v->iov_base = (uint8_t *)v->iov_base + part;
		v->iov_len -= part;
		n -= part;
		if (v->iov_len == 0)
			tx->iov_at++;
	}
	if (tx->iov_at < b->n_iov)
		return;
	fpdu_batch_reset(b);
	tx->iov_at = 0;
}

static void stall(struct iwarp_conn *c, bool progress)
{
	if (progress || !c->tx.stalled_ns)
		c->tx.stalled_ns = iwarp_now(c);
	iwarp_conn_events(c, c->watch.events | EPOLLOUT);
	iwarp_lane_watchdog(c->lane);
}

/* Return: true when the whole batch is out. */
static bool send_batch(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;
	struct fpdu_batch *b = tx->batch;
	struct msghdr m = { .msg_iov = b->iov + tx->iov_at, .msg_iovlen = b->n_iov - tx->iov_at };
	ssize_t n;

	/* MSG_EOR: what comes later begins a segment of its own, so that the builder knows where segments end. */
	do
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_EOR);
	while (n < 0 && errno == EINTR);
	iwarp_count(&c->lane->count.send_calls_total, 1);
	if (n < 0 && errno == EAGAIN) {
		stall(c, false);
		return false;
	}
	if (n < 0) {
		iwarp_conn_dead(c, errno == EPIPE || errno == ECONNRESET ? FABRIC_DOWN_PEER : FABRIC_DOWN_ERROR);
		return false;
	}
	iwarp_count(&c->lane->count.send_bytes_total, n);
	taken(tx, (size_t)n);
	tx->stalled_ns = 0;
	if (b->n_iov)
		stall(c, true);
	return b->n_iov == 0;
}

void iwarp_tx_run(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;

	if (c->watch.events & EPOLLOUT) /* TCP is full: its event will come */
		return;
	for (int i = 0; i < BURSTS; i++) {
		bool whole;

		if (tx->batch->n_iov == 0)
			iwarp_tx_build(c);
		if (tx->batch->n_iov == 0)
			return;
		whole = send_batch(c);
		iwarp_sq_complete(c);
		if (!whole || (c->phase != IWARP_UP && c->phase != IWARP_LAST))
			return;
	}
	if (iwarp_tx_pending(c))
		iwarp_lane_want(c);
}
