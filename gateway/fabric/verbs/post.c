/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ops to the send queue and back. Every work request of an op carries the op's sequence number, and the last one is
 * signalled: a completion ends its op and proves all earlier ones, and the queue can never fill with requests that say
 * nothing. Layer: fabric. The connection's reactor.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>

/* Hands a queued op to the device. Return: 0; -errno with nothing posted. */
static int op_to_device(struct verbs_conn *c, struct fabric_op *op)
{
	struct verbs_lane *l = c->lane;
	struct ibv_send_wr *bad = NULL;
	uint64_t seq = op->fabric_private;
	int rc = verbs_wr_build(op, &l->caps, l->slot, c->inline_bytes, verbs_wr_id(VERBS_WR_OP, seq), &l->room);

	if (rc)
		return rc;
	rc = ibv_post_send(c->qp, l->room.wr, &bad);
	if (!rc)
		return 0;
	verbs_conn_fail(c);
	if (!bad || bad == l->room.wr)
		return rc < 0 ? rc : -rc;
	/* Its first part runs, and none of it is signalled: it ends when the queue is drained. */
	c->partial_seq = seq;
	return 0;
}

int verbs_post(struct fabric_conn *conn, struct fabric_op *op)
{
	struct verbs_conn *c = verbs_conn_of(conn);
	int rc = 0;

	if (!c->adopted || c->failed || c->phase >= VERBS_CONN_DOWN)
		return -ENOTCONN;
	if (op->n_wr > c->sq_free)
		return -EAGAIN;
	op->fabric_private = c->next_seq;
	if (!c->gated)
		rc = op_to_device(c, op);
	if (rc)
		return rc;
	c->next_seq++;
	c->sq_free -= op->n_wr;
	list_push_back(&c->ops, &op->node);
	return 0;
}

uint32_t verbs_sq_free(const struct fabric_conn *conn)
{
	return container_of(conn, const struct verbs_conn, base)->sq_free;
}

void verbs_post_ungate(struct verbs_conn *c)
{
	c->gated = false;
	list_for_each(n, &c->ops) {
		struct fabric_op *op = list_entry(n, struct fabric_op, node);

		if (!c->failed && op_to_device(c, op)) {
			c->partial_seq = op->fabric_private;
			verbs_conn_fail(c);
		}
	}
}

static void op_end(struct verbs_conn *c, struct fabric_op *op, enum fabric_wc_status status)
{
	list_del(&op->node);
	c->sq_free += op->n_wr;
	op->done(op, status);
}

/* Ends every op before @seq, in order: their completions are lost, or they never had one. */
static void ops_end_before(struct verbs_conn *c, uint64_t seq)
{
	struct list_node *n;

	while ((n = list_first(&c->ops))) {
		struct fabric_op *op = list_entry(n, struct fabric_op, node);

		if (op->fabric_private >= seq)
			return;
		op_end(c, op, op->fabric_private == c->partial_seq ? FABRIC_WC_ERROR : FABRIC_WC_FLUSHED);
	}
}

void verbs_post_done(struct verbs_conn *c, const struct ibv_wc *wc)
{
	uint64_t seq = verbs_wr_number(wc->wr_id);
	enum fabric_wc_status status = verbs_wc_status(wc->status);
	struct list_node *n;

	ops_end_before(c, seq);
	n = list_first(&c->ops);
	/* After an error the rest of the op's chain completes as well, one by one; the op has ended by then. */
	if (n && list_entry(n, struct fabric_op, node)->fabric_private == seq) {
		if (status != FABRIC_WC_OK && status != FABRIC_WC_FLUSHED)
			log_info("RDMA device %s: queue pair 0x%x: %s", c->lane->dev->name, c->qp_num,
				 ibv_wc_status_str(wc->status));
		op_end(c, list_entry(n, struct fabric_op, node), status);
	}
	if (status == FABRIC_WC_FLUSHED)
		verbs_conn_suspect(c);
	else if (status != FABRIC_WC_OK)
		verbs_conn_down(c, FABRIC_DOWN_ERROR);
	verbs_conn_drain_step(c);
}

int verbs_post_drain_marker(struct verbs_conn *c)
{
	/* Never carried out: the queue pair is in error. It comes back after everything that was posted before it. */
	struct ibv_send_wr wr = {
		.wr_id = verbs_wr_id(VERBS_WR_DRAIN, 0),
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
	};
	struct ibv_send_wr *bad = NULL;
	int rc = ibv_post_send(c->qp, &wr, &bad);

	return rc < 0 ? rc : -rc;
}

void verbs_post_flush(struct verbs_conn *c)
{
	ops_end_before(c, UINT64_MAX);
}
