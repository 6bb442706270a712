/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The posting side: the send queue, and completions in posting order.
 * Layer: fabric/sim. Knows base and rt.
 */
#include "internal.h"

#include <errno.h>

static void answered(struct reactor_msg *msg);

/* Those that are done are kept for reuse until the link goes. */
static struct sim_op *new_op(struct sim_end *end)
{
	struct list_node *n = list_pop_front(&end->spare);

	return n ? list_entry(n, struct sim_op, posted) : malloc(sizeof(struct sim_op));
}

int post_op(struct fabric_conn *conn, struct fabric_op *op)
{
	struct sim_end *end = end_of(conn);
	struct sim_world *w = end->link->w;
	struct sim_op *sop;
	int rc;

	if (!reactor_is_mine(conn->reactor))
		sim_violation(w, &end->f->base, "post() off the connection's reactor");
	if (end->closing || end->state == END_CLOSED) {
		sim_violation(w, &end->f->base, "post() after close()");
		return -ENOTCONN;
	}
	if (end->broken || (end->state != END_UP && end->state != END_ACCEPTED))
		return -ENOTCONN;
	rc = check_op(end, op);
	if (rc)
		return rc;
	if (op->n_wr > end->sq_depth - end->sq_used) {
		w->eagain++;
		return -EAGAIN;
	}
	sop = new_op(end);
	if (!sop)
		return -ENOMEM;
	*sop = (struct sim_op){
		.msg.fn = exec_arrived,
		.op = op,
		.from = end,
		.to = end->peer,
		.cursor = op->first,
		.n_wr = op->n_wr,
		.checksum = check_sum(op),
	};
	list_node_init(&sop->in);
	list_push_back(&end->posted, &sop->posted);
	end->sq_used += op->n_wr;
	if (!timer_armed(&end->retry_timer))
		timer_arm_in(conn->reactor, &end->retry_timer, SIM_RETRY_NS);
	reactor_send(end->peer->base.reactor, &sop->msg);
	return 0;
}

uint32_t post_sq_free(const struct fabric_conn *conn)
{
	const struct sim_end *end = container_of(conn, const struct sim_end, base);

	return end->sq_depth - end->sq_used;
}

/* Called by the peer's thread: the answer travels in the message that brought the op. */
void post_answer(struct sim_op *sop, enum fabric_wc_status status)
{
	sop->status = status;
	sop->msg.fn = answered;
	reactor_send(sop->from->base.reactor, &sop->msg);
}

static void cq_soon(struct sim_end *end)
{
	struct list_node *n = list_first(&end->posted);

	if (n && list_entry(n, struct sim_op, posted)->answered && !timer_armed(&end->cq_timer))
		timer_arm_in(end->base.reactor, &end->cq_timer, sim_delay_ns(end));
}

static void answered(struct reactor_msg *msg)
{
	struct sim_op *sop = container_of(msg, struct sim_op, msg);
	struct sim_end *end = sop->from;

	sop->answered = true;
	if (sop->status != FABRIC_WC_OK)
		end_break(end, FABRIC_DOWN_ERROR);
	cq_soon(end);
}

void post_flush(struct sim_end *end)
{
	list_for_each (n, &end->posted) {
		struct sim_op *sop = list_entry(n, struct sim_op, posted);

		if (sop->answered)
			continue;
		sop->answered = true;
		sop->status = FABRIC_WC_FLUSHED;
		end->link->w->flushed++;
	}
	cq_soon(end);
}

void post_cq_event(struct reactor_timer *t)
{
	struct sim_end *end = container_of(t, struct sim_end, cq_timer);
	uint32_t budget = 1 + rng_below(&end->rng, 8);

	/* done() may post more, which waits for the next time. */
	list_for_each_safe (n, &end->posted) {
		struct sim_op *sop = list_entry(n, struct sim_op, posted);
		struct fabric_op *op = sop->op;
		enum fabric_wc_status status;

		if (!budget-- || !sop->answered)
			break; /* without an answer it is still the peer's */
		status = sop->status;
		if (check_sum(op) != sop->checksum)
			sim_violation(end->link->w, &end->f->base, "an op or its memory changed between post and done");
		list_del(n);
		list_push_back(&end->spare, n);
		end->sq_used -= sop->n_wr;
		op->done(op, status);
	}
	if (list_empty(&end->posted))
		timer_cancel(end->base.reactor, &end->retry_timer);
	cq_soon(end);
	end_maybe_closed(end);
}

/* Set-up takes too long, or a dead peer does not acknowledge. */
void post_retry_event(struct reactor_timer *t)
{
	struct sim_end *end = container_of(t, struct sim_end, retry_timer);

	if (end->state == END_CONNECTING) {
		end_send(end->peer, end->peer->f->control, TELL_CANCEL, 0);
		connect_msg(end, TELL_REFUSE, -ETIMEDOUT);
	} else if (end->link->silent) {
		end_break(end, FABRIC_DOWN_ERROR);
	} else if (!list_empty(&end->posted)) {
		timer_arm_in(end->base.reactor, t, SIM_RETRY_NS);
	}
}
