/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ops to the send queue and back. Ops are collected and handed to the device in one chain at the end of the iteration. Every
 * work request of an op carries the op's sequence number, and the last one of a chain is signalled: a completion ends its op
 * and proves all earlier ones, and the queue can never fill with requests that say nothing.
 * Layer: fabric. The connection's reactor.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>

/* fabric_private of an op: seq << 1 | silent. Silent ones are not signalled: the completion of a later one is theirs. */
static uint64_t op_seq(const struct fabric_op *op)
{
	return op->fabric_private >> 1;
}

static bool op_is_silent(const struct fabric_op *op)
{
	return op->fabric_private & 1;
}

static struct fabric_op *op_after(struct verbs_conn *c, struct fabric_op *op)
{
	return op->node.next == &c->ops.head ? NULL : list_entry(op->node.next, struct fabric_op, node);
}

/*
 * Makes one chain of @op and those after it, as many as there is room for. Only what somebody waits for is signalled, and the
 * last. Return: the op that is not in it any more, or NULL; -errno of an op that can never be posted in @rc.
 */
static struct fabric_op *chain(struct verbs_conn *c, struct fabric_op *op, int *rc)
{
	struct verbs_lane *l = c->lane;
	struct fabric_op *last = NULL;

	l->room.n_used = 0;
	for (; op; op = op_after(c, op)) {
		uint32_t n = l->room.n_used;

		*rc = verbs_wr_append(op, &l->caps, l->slot, c->inline_bytes, verbs_wr_id(VERBS_WR_OP, op_seq(op)), &l->room);
		if (*rc)
			return op;
		if (last && last->lazy) {
			l->room.wr[n - 1].send_flags &= ~(unsigned)IBV_SEND_SIGNALED;
			last->fabric_private |= 1;
		}
		last = op;
	}
	return NULL;
}

/* What is posted in part, or after it not at all, ends when the queue is drained: its requests may still run. */
static void broken_at(struct verbs_conn *c, uint64_t seq)
{
	c->partial_seq = seq;
	c->unposted = NULL;
	verbs_conn_fail(c);
}

void verbs_post_hand_over(struct verbs_conn *c)
{
	list_del(&c->to_post);
	while (c->unposted && !c->failed && !c->gated) {
		struct ibv_send_wr *wr = c->lane->room.wr, *bad = NULL;
		int rc = 0;
		struct fabric_op *rest = chain(c, c->unposted, &rc);

		if (c->lane->room.n_used && ibv_post_send(c->qp, wr, &bad)) {
			broken_at(c, verbs_wr_number(bad ? bad->wr_id : wr->wr_id));
			return;
		}
		if (rest && (rc != -ENOSPC || !c->lane->room.n_used)) {
			broken_at(c, op_seq(rest));
			return;
		}
		c->unposted = rest;
	}
}

/* Half of the send queue in use is a reason to be woken: a transfer may wait for room before it is full. */
static void count_room(struct verbs_conn *c)
{
	bool crowded = c->sq_free <= c->sq_depth / 2;

	if (crowded == c->crowded)
		return;
	c->crowded = crowded;
	if (crowded)
		c->cq->n_awaited++;
	else
		c->cq->n_awaited--;
}

int verbs_post(struct fabric_conn *conn, struct fabric_op *op)
{
	struct verbs_conn *c = verbs_conn_of(conn);

	if (!c->adopted || c->failed || c->phase >= VERBS_CONN_DOWN)
		return -ENOTCONN;
	if (op->n_wr > c->sq_free)
		return -EAGAIN;
	op->fabric_private = c->next_seq++ << 1;
	c->sq_free -= op->n_wr;
	count_room(c);
	list_push_back(&c->ops, &op->node);
	if (op->lazy) {
		c->cq->n_lazy++;
		verbs_cq_reap_later(c->cq);
	} else {
		c->cq->n_awaited++;
	}
	if (!c->unposted)
		c->unposted = op;
	if (!c->gated && !list_linked(&c->to_post))
		list_push_back(&c->lane->unposted, &c->to_post);
	return 0;
}

uint32_t verbs_sq_free(const struct fabric_conn *conn)
{
	return container_of(conn, const struct verbs_conn, base)->sq_free;
}

void verbs_post_ungate(struct verbs_conn *c)
{
	c->gated = false;
	verbs_post_hand_over(c);
}

static void op_end(struct verbs_conn *c, struct fabric_op *op, enum fabric_wc_status status)
{
	list_del(&op->node);
	c->sq_free += op->n_wr;
	count_room(c);
	op->late = op->lazy;
	if (!op->lazy)
		c->cq->n_awaited--;
	else if (--c->cq->n_lazy == 0)
		timer_cancel(c->base.reactor, &c->cq->reap);
	op->done(op, status);
}

static enum fabric_wc_status status_without_completion(const struct verbs_conn *c, const struct fabric_op *op, bool proven)
{
	if (op_seq(op) == c->partial_seq)
		return FABRIC_WC_ERROR;
	/* A failure is told even where success is not: that a silent op was passed over says that it succeeded. */
	return proven && op_is_silent(op) ? FABRIC_WC_OK : FABRIC_WC_FLUSHED;
}

/*
 * Ends every op before @seq, in order: they are silent, or their completions are lost, or they never had one.
 * @proven: a completion of @seq says so.
 */
static void ops_end_before(struct verbs_conn *c, uint64_t seq, bool proven)
{
	struct list_node *n;

	while ((n = list_first(&c->ops))) {
		struct fabric_op *op = list_entry(n, struct fabric_op, node);

		if (op_seq(op) >= seq)
			return;
		op_end(c, op, status_without_completion(c, op, proven));
	}
}

void verbs_post_done(struct verbs_conn *c, const struct ibv_wc *wc)
{
	uint64_t seq = verbs_wr_number(wc->wr_id);
	enum fabric_wc_status status = verbs_wc_status(wc->status);
	struct list_node *n;

	ops_end_before(c, seq, true);
	n = list_first(&c->ops);
	/* After an error the rest of the op's chain completes as well, one by one; the op has ended by then. */
	if (n && op_seq(list_entry(n, struct fabric_op, node)) == seq) {
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
	c->unposted = NULL;
	ops_end_before(c, UINT64_MAX, false);
}
