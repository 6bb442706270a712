/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ops in and out: a ring in posting order. An op is done when TCP has taken its last byte and its Reads are answered,
 * and not before the ops posted ahead of it. Layer: fabric/iwarp. The connection's reactor.
 */
#include "internal.h"

#include <errno.h>

static struct iwarp_sqe *sqe_at(struct iwarp_tx *tx, uint32_t at)
{
	return &tx->sq[at & (tx->sq_size - 1)];
}

/* Looks the chain over. Return: 0 with the number of READs, or -EINVAL. */
static int check_chain(const struct iwarp_conn *c, const struct fabric_op *op, uint32_t *n_reads)
{
	uint32_t n = 0;

	*n_reads = 0;
	for (const struct fabric_wr *wr = op->first; wr; wr = wr->next) {
		uint64_t len = 0;

		if (++n > op->n_wr || wr->n_seg > IWARP_SEGS_MAX)
			return -EINVAL;
		for (uint16_t i = 0; i < wr->n_seg; i++)
			len += wr->seg[i].len_bytes;
		if (len > IWARP_WR_BYTES_MAX)
			return -EINVAL;
		*n_reads += wr->opcode == FABRIC_READ;
	}
	return n != op->n_wr || n == 0 || (*n_reads && c->terms.ord == 0) ? -EINVAL : 0;
}

int iwarp_post(struct fabric_conn *conn, struct fabric_op *op)
{
	struct iwarp_conn *c = iwarp_conn_of(conn);
	struct iwarp_tx *tx = &c->tx;
	uint32_t n_reads;
	int rc;

	if (c->phase != IWARP_UP || c->closing || c->failed)
		return -ENOTCONN;
	if (op->n_wr > tx->sq_free)
		return -EAGAIN;
	rc = check_chain(c, op, &n_reads);
	if (rc)
		return rc;
	*sqe_at(tx, tx->sq_tail++) = (struct iwarp_sqe){
		.op = op,
		.reads_left = n_reads,
		.status = FABRIC_WC_FLUSHED,
	};
	tx->sq_free -= op->n_wr;
	iwarp_lane_want(c);
	return 0;
}

uint32_t iwarp_sq_free(const struct fabric_conn *conn)
{
	return container_of(conn, const struct iwarp_conn, base)->tx.sq_free;
}

static bool is_done(const struct iwarp_tx *tx, const struct iwarp_sqe *e)
{
	return e->built && e->end <= tx->sent && e->reads_left == 0;
}

static void pop(struct iwarp_tx *tx, struct iwarp_sqe *e)
{
	struct fabric_op *op = e->op;
	enum fabric_wc_status status = is_done(tx, e) ? FABRIC_WC_OK : e->status;

	tx->sq_head++;
	tx->sq_free += op->n_wr;
	op->done(op, status);
}

void iwarp_sq_complete(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;

	while (tx->sq_head != tx->sq_tail) {
		struct iwarp_sqe *e = sqe_at(tx, tx->sq_head);

		if (!is_done(tx, e))
			return;
		pop(tx, e);
	}
}

void iwarp_sq_flush(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;

	tx->sq_next = tx->sq_tail;
	tx->orq_head = tx->orq_tail;
	tx->irq_head = tx->irq_tail;
	while (tx->sq_head != tx->sq_tail)
		pop(tx, sqe_at(tx, tx->sq_head));
}
