/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lane: what one reactor has of one device. Made and freed on control; lives on its reactor in between.
 * Layer: fabric.
 */
#include "internal.h"

#include <errno.h>

enum { POLL_BUDGET = 4 * VERBS_POLL_BATCH }; /* completions of one queue per iteration of the loop */

static void run_pending(struct verbs_lane *l)
{
	struct list_node *n;

	while ((n = list_pop_front(&l->pending)))
		verbs_conn_down(list_entry(n, struct verbs_conn, pending), FABRIC_DOWN_ERROR);
}

/*
 * One call for all that a connection posted in this iteration: each costs a doorbell, on many devices a system call.
 * Return: number of completions handled.
 */
static int hand_over(struct verbs_lane *l)
{
	struct list_node *n;
	int n_done = 0;

	if (list_empty(&l->unposted))
		return 0;
	while ((n = list_pop_front(&l->unposted)))
		verbs_post_hand_over(list_entry(n, struct verbs_conn, to_post));
	/* A software device has carried them out when the call returns. */
	list_for_each(q, &l->cqs)
		n_done += verbs_cq_poll_sends(list_entry(q, struct verbs_cq, node));
	return n_done;
}

static int lane_poll(struct reactor_poller *p)
{
	struct verbs_lane *l = container_of(p, struct verbs_lane, poller);
	int n = 0;

	list_for_each(q, &l->cqs)
		n += verbs_cq_poll(list_entry(q, struct verbs_cq, node), POLL_BUDGET);
	n += hand_over(l);
	run_pending(l);
	verbs_rx_refill(l);
	return n;
}

static int lane_arm(struct reactor_poller *p)
{
	struct verbs_lane *l = container_of(p, struct verbs_lane, poller);
	int busy = hand_over(l) > 0; /* what was posted outside of the loop */

	list_for_each(q, &l->cqs)
		busy |= verbs_cq_arm(list_entry(q, struct verbs_cq, node));
	if (busy || !list_empty(&l->pending))
		busy = 1;
	verbs_rx_refill(l);
	return busy;
}

static void on_start(struct reactor_msg *m)
{
	struct verbs_lane *l = container_of(m, struct verbs_lane, start_msg);

	verbs_rx_refill(l);
	reactor_poller_add(l->reactor, &l->poller);
}

void verbs_lane_try_stopped(struct verbs_lane *l)
{
	if (!l->stopping || atomic_load_explicit(&l->rx.n_held, memory_order_relaxed))
		return;
	l->stopping = false;
	reactor_send(l->dev->fabric->control, &l->stopped_msg);
}

/* No connection is left; receive buffers may still be with their receivers. */
static void on_stop(struct reactor_msg *m)
{
	struct verbs_lane *l = container_of(m, struct verbs_lane, stop_msg);

	reactor_poller_del(l->reactor, &l->poller);
	list_for_each(q, &l->cqs)
		verbs_cq_unwatch(list_entry(q, struct verbs_cq, node));
	l->stopping = true;
	verbs_lane_try_stopped(l);
}

static void on_stopped(struct reactor_msg *m)
{
	struct verbs_lane *l = container_of(m, struct verbs_lane, stopped_msg);
	struct verbs_dev *d = l->dev;

	list_init(&l->cqs); /* unwatched already */
	verbs_lane_free(l);
	verbs_dev_reap(d);
}

static struct verbs_lane *lane_find(struct verbs_dev *d, const struct reactor *r)
{
	list_for_each(n, &d->lanes) {
		struct verbs_lane *l = list_entry(n, struct verbs_lane, node);

		if (l->reactor == r)
			return l;
	}
	return NULL;
}

static int room_init(struct verbs_lane *l)
{
	struct verbs_wr_room *room = &l->room;

	room->n_wr = l->caps.sq_depth;
	room->wr = calloc(room->n_wr, sizeof(*room->wr));
	room->sge = calloc((size_t)room->n_wr * VERBS_SGE_MAX, sizeof(*room->sge));
	return room->wr && room->sge ? 0 : -ENOMEM;
}

static void lane_init(struct verbs_lane *l, struct verbs_dev *d, struct reactor *r)
{
	l->dev = d;
	l->reactor = r;
	l->caps = d->caps;
	l->slot = d->slot;
	l->start_msg.fn = on_start;
	l->stop_msg.fn = on_stop;
	l->stopped_msg.fn = on_stopped;
	l->poller.poll = lane_poll;
	l->poller.arm = lane_arm;
	list_init(&l->cqs);
	list_init(&l->pending);
	list_init(&l->unposted);
	for (unsigned i = 0; i < VERBS_CONN_BUCKETS; i++)
		list_init(&l->conns[i]);
	list_push_back(&d->lanes, &l->node);
}

int verbs_lane_get(struct verbs_dev *d, struct reactor *r, struct verbs_lane **out)
{
	struct verbs_lane *l = lane_find(d, r);
	int rc;

	if (l) {
		*out = l;
		return 0;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	lane_init(l, d, r);
	rc = room_init(l);
	if (!rc)
		rc = verbs_rx_init(l);
	if (rc) {
		verbs_lane_free(l);
		return rc;
	}
	reactor_send(r, &l->start_msg);
	*out = l;
	return 0;
}

void verbs_lane_stop(struct verbs_lane *l)
{
	if (l->stop_sent)
		return;
	l->stop_sent = true;
	reactor_send(l->reactor, &l->stop_msg);
}

void verbs_lane_free(struct verbs_lane *l)
{
	struct verbs_cq *q;

	reactor_poller_del(l->reactor, &l->poller);
	list_for_each(n, &l->cqs)
		verbs_cq_unwatch(list_entry(n, struct verbs_cq, node));
	while ((q = l->made)) {
		l->made = q->next_made;
		verbs_cq_free(q);
	}
	verbs_rx_fini(l);
	free(l->room.wr);
	free(l->room.sge);
	list_del(&l->node);
	free(l);
}

struct verbs_conn *verbs_lane_conn(struct verbs_lane *l, uint32_t qp_num)
{
	if (l->last && l->last->qp_num == qp_num)
		return l->last;
	list_for_each(n, &l->conns[qp_num % VERBS_CONN_BUCKETS]) {
		struct verbs_conn *c = list_entry(n, struct verbs_conn, bucket);

		if (c->qp_num == qp_num) {
			l->last = c;
			return c;
		}
	}
	return NULL;
}
