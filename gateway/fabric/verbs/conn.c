/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection on its reactor: adopted, established, down, closed, drained. Its state only goes forward.
 *
 *   close() -> control: disconnect, queue pair to error -> here: wait for the last completions, at most DRAIN_NS
 *           -> control: destroy the queue pair and the id -> here: end what is left, closed() -> control: free
 *
 * Layer: fabric. The connection's reactor.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>

/* closed() is promised within 2 s; the rest is for the control side. */
#define DRAIN_NS (1500 * NS_PER_MS)
/* A device that goes may deliver nothing more. */
#define DRAIN_DEAD_NS (100 * NS_PER_MS)
/* Not every device tells the last receive of a shared queue. */
#define LAST_WQE_NS (30 * NS_PER_MS)
/* Flushed, and the reason has not come yet. */
#define SUSPECT_NS (200 * NS_PER_MS)

static struct reactor *control_of(struct verbs_conn *c)
{
	return c->fabric->control;
}

/* ---- down ---- */

void verbs_conn_down(struct verbs_conn *c, enum fabric_down cause)
{
	bool refused = c->active && c->phase == VERBS_CONN_NEW;

	if (c->phase >= VERBS_CONN_DOWN)
		return;
	c->phase = VERBS_CONN_DOWN;
	timer_cancel(c->base.reactor, &c->timer);
	list_del(&c->pending);
	if (!refused)
		c->cbs->down(c->ctx, cause);
	else if (c->refuse_code)
		c->cbs->refused(c->ctx, c->refuse_code, c->why, c->priv, c->priv_len);
	else
		c->cbs->refused(c->ctx, -ECONNRESET, "the connection failed while it was set up", NULL, 0);
}

void verbs_conn_fail(struct verbs_conn *c)
{
	c->failed = true;
	if (c->phase < VERBS_CONN_DOWN && !list_linked(&c->pending))
		list_push_back(&c->lane->pending, &c->pending);
}

void verbs_conn_suspect(struct verbs_conn *c)
{
	if (c->phase < VERBS_CONN_DOWN && !timer_armed(&c->timer))
		timer_arm_in(c->base.reactor, &c->timer, SUSPECT_NS);
}

/* ---- drain ---- */

static void drained(struct verbs_conn *c)
{
	c->phase = VERBS_CONN_DRAINED;
	timer_cancel(c->base.reactor, &c->timer);
	reactor_send(control_of(c), &c->drained_msg);
}

static bool rq_is_drained(const struct verbs_conn *c)
{
	return c->lane->rx.srq ? c->rq_drained : c->rx_posted == 0;
}

void verbs_conn_drain_step(struct verbs_conn *c)
{
	if (c->phase != VERBS_CONN_DRAINING || !c->sq_drained)
		return;
	if (rq_is_drained(c)) {
		drained(c);
		return;
	}
	if (c->lane->rx.srq)
		timer_arm_in(c->base.reactor, &c->timer, LAST_WQE_NS);
}

static void on_timer(struct reactor_timer *t)
{
	struct verbs_conn *c = container_of(t, struct verbs_conn, timer);

	if (c->phase == VERBS_CONN_DRAINING)
		drained(c);
	else
		verbs_conn_down(c, FABRIC_DOWN_ERROR);
}

/* ---- messages from control ---- */

static void on_adopt(struct reactor_msg *m)
{
	struct verbs_conn *c = container_of(m, struct verbs_conn, adopt_msg);

	c->adopted = true;
	list_push_back(&c->lane->conns[c->qp_num % VERBS_CONN_BUCKETS], &c->bucket);
	verbs_rx_conn_open(c);
	reactor_send(control_of(c), &c->adopted_msg);
}

static void on_up(struct reactor_msg *m)
{
	struct verbs_conn *c = container_of(m, struct verbs_conn, up_msg);

	if (c->phase != VERBS_CONN_NEW)
		return;
	c->phase = VERBS_CONN_OPEN;
	c->cbs->established(c->ctx, c->active ? c->priv : NULL, c->active ? c->priv_len : 0);
	verbs_rx_early(c);
}

static void on_down(struct reactor_msg *m)
{
	struct verbs_conn *c = container_of(m, struct verbs_conn, down_msg);

	verbs_conn_down(c, c->cm_cause);
}

/* The queue pair is in error: nothing moves any more, and what was posted comes back. */
static void on_error(struct reactor_msg *m)
{
	struct verbs_conn *c = container_of(m, struct verbs_conn, error_msg);

	c->phase = VERBS_CONN_DRAINING;
	if (!c->adopted) {
		drained(c);
		return;
	}
	c->cq->n_awaited++; /* until on_gone() */
	timer_arm_in(c->base.reactor, &c->timer, c->cm_cause == FABRIC_DOWN_DEVICE ? DRAIN_DEAD_NS : DRAIN_NS);
	if (verbs_post_drain_marker(c) && list_empty(&c->ops))
		c->sq_drained = true; /* iWARP adapters may take no marker; without ops there is nothing to wait for */
	verbs_conn_drain_step(c);
}

static void on_last_wqe(struct reactor_msg *m)
{
	struct verbs_conn *c = container_of(m, struct verbs_conn, last_wqe_msg);

	c->rq_drained = true;
	verbs_conn_drain_step(c);
}

/* The queue pair is destroyed. */
static void on_gone(struct reactor_msg *m)
{
	struct verbs_conn *c = container_of(m, struct verbs_conn, gone_msg);

	if (c->adopted) {
		/* Completions that still name it must not meet a later queue pair of the same number. */
		while (verbs_cq_poll(c->cq, VERBS_POLL_BATCH) > 0)
			;
		verbs_post_flush(c);
		verbs_rx_conn_gone(c);
		list_del(&c->bucket);
		c->cq->n_awaited--;
		if (c->lane->last == c)
			c->lane->last = NULL;
	}
	c->phase = VERBS_CONN_CLOSED;
	c->cbs->closed(c->ctx);
	reactor_send(control_of(c), &c->free_msg);
}

/* ---- life ---- */

void verbs_conn_close(struct fabric_conn *conn)
{
	struct verbs_conn *c = verbs_conn_of(conn);

	if (c->phase >= VERBS_CONN_CLOSING)
		return;
	c->phase = VERBS_CONN_CLOSING;
	timer_cancel(c->base.reactor, &c->timer);
	list_del(&c->pending);
	list_del(&c->needy);
	verbs_post_hand_over(c);
	verbs_rx_early(c);
	reactor_send(control_of(c), &c->close_msg);
}

void verbs_conn_init(struct verbs_conn *c, struct verbs_fabric *f, bool active)
{
	c->base.ops = &verbs_ops;
	c->fabric = f;
	c->active = active;
	c->next_seq = 1;
	list_init(&c->ops);
	list_init(&c->early);
	list_node_init(&c->bucket);
	list_node_init(&c->pending);
	list_node_init(&c->to_post);
	list_node_init(&c->needy);
	timer_init(&c->timer, on_timer);
	c->adopt_msg.fn = on_adopt;
	c->up_msg.fn = on_up;
	c->down_msg.fn = on_down;
	c->error_msg.fn = on_error;
	c->last_wqe_msg.fn = on_last_wqe;
	c->gone_msg.fn = on_gone;
	c->adopted_msg.fn = verbs_conn_on_adopted;
	c->close_msg.fn = verbs_conn_on_close;
	c->drained_msg.fn = verbs_conn_on_drained;
	c->free_msg.fn = verbs_conn_on_free;
	list_push_back(&f->conns, &c->node);
}

void verbs_conn_bind(struct verbs_conn *c, const struct fabric_accept *a)
{
	c->params = *a;
	c->params.priv = NULL; /* borrowed by the caller's call only */
	c->cbs = a->cbs;
	c->ctx = a->ctx;
	c->base.reactor = a->reactor;
}
