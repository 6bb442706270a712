/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Completion queues: polled in batches, armed before the reactor sleeps.
 * Layer: fabric.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>

enum { ACK_BATCH = 64 }; /* each acknowledgement takes a lock */

/* ---- reactor ---- */

static void wc_done(struct verbs_lane *l, const struct ibv_wc *wc)
{
	struct verbs_conn *c;

	switch (verbs_wr_kind(wc->wr_id)) {
	case VERBS_WR_RECV:
		verbs_rx_done(l, wc);
		return;
	case VERBS_WR_OP:
		c = verbs_lane_conn(l, wc->qp_num);
		if (c)
			verbs_post_done(c, wc);
		return;
	case VERBS_WR_DRAIN:
		c = verbs_lane_conn(l, wc->qp_num);
		if (c) {
			c->sq_drained = true;
			verbs_conn_drain_step(c);
		}
		return;
	}
}

static int half_poll(struct verbs_cq *q, struct verbs_cq_half *h, int max)
{
	struct ibv_wc wc[VERBS_POLL_BATCH];
	int total = 0;

	while (total < max) {
		int n = ibv_poll_cq(h->cq, VERBS_POLL_BATCH, wc);

		if (n <= 0)
			break;
		for (int i = 0; i < n; i++)
			wc_done(q->lane, &wc[i]);
		total += n;
		if (n < VERBS_POLL_BATCH)
			break;
	}
	return total;
}

int verbs_cq_poll(struct verbs_cq *q, int max)
{
	/* Sends first: they give back what new requests need. */
	int n = half_poll(q, &q->send, max);

	return n + half_poll(q, &q->recv, max);
}

int verbs_cq_poll_sends(struct verbs_cq *q)
{
	return half_poll(q, &q->send, VERBS_POLL_BATCH);
}

static int half_arm(struct verbs_cq *q, struct verbs_cq_half *h)
{
	if (h->armed)
		return 0;
	if (ibv_req_notify_cq(h->cq, 0))
		return 0; /* a dead device: its connections are closed by other means */
	h->armed = true;
	/* What came before the arming raises no event. */
	return half_poll(q, h, VERBS_POLL_BATCH) > 0;
}

int verbs_cq_arm(struct verbs_cq *q)
{
	return half_arm(q, &q->recv) | (q->n_awaited ? half_arm(q, &q->send) : 0);
}

static void on_event(struct reactor_watch *w, uint32_t revents)
{
	struct verbs_cq *q = container_of(w, struct verbs_cq, watch);
	struct ibv_cq *cq;
	void *ctx;

	(void)revents;
	/* One arming makes one event: a second read would find nothing as a rule, and costs a system call. */
	if (!ibv_get_cq_event(q->channel, &cq, &ctx)) {
		struct verbs_cq_half *h = ctx;

		h->armed = false; /* the poller looks before the loop sleeps again */
		if (++h->n_unacked == ACK_BATCH) {
			ibv_ack_cq_events(h->cq, h->n_unacked);
			h->n_unacked = 0;
		}
	} else if (errno != EAGAIN && errno != EINTR) {
		(void)!reactor_watch_mod(q->lane->reactor, w, 0); /* a dead device answers with an error for ever */
	}
}

void verbs_cq_reap_later(struct verbs_cq *q)
{
	if (!timer_armed(&q->reap))
		timer_arm_in(q->lane->reactor, &q->reap, FABRIC_LAZY_MS * NS_PER_MS);
}

static void on_reap(struct reactor_timer *t)
{
	struct verbs_cq *q = container_of(t, struct verbs_cq, reap);

	half_poll(q, &q->send, VERBS_POLL_BATCH);
	if (q->n_lazy)
		verbs_cq_reap_later(q);
}

static void on_start(struct reactor_msg *m)
{
	struct verbs_cq *q = container_of(m, struct verbs_cq, start_msg);

	list_push_back(&q->lane->cqs, &q->node);
	if (reactor_watch_add(q->lane->reactor, &q->watch))
		log_error("RDMA completion channel: cannot be watched: %m");
}

void verbs_cq_unwatch(struct verbs_cq *q)
{
	reactor_watch_del(q->lane->reactor, &q->watch);
	timer_cancel(q->lane->reactor, &q->reap);
}

/* ---- control ---- */

void verbs_cq_init(struct verbs_cq *q, struct verbs_lane *l)
{
	q->lane = l;
	q->start_msg.fn = on_start;
	timer_init(&q->reap, on_reap);
}

static int half_make(struct verbs_cq *q, struct verbs_cq_half *h, uint32_t depth, int vector)
{
	h->cq = ibv_create_cq(q->lane->dev->ctx, (int)depth, h, q->channel, vector);
	return h->cq ? 0 : -errno;
}

static int cq_make(struct verbs_cq *q)
{
	struct verbs_dev *d = q->lane->dev;
	const struct verbs_caps *k = &q->lane->caps;
	int flags, vector, rc;

	q->channel = ibv_create_comp_channel(d->ctx);
	if (!q->channel)
		return -errno;
	flags = fcntl(q->channel->fd, F_GETFL);
	if (flags < 0 || fcntl(q->channel->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	vector = d->ctx->num_comp_vectors > 0 ? (int)(d->next_vector++ % (uint32_t)d->ctx->num_comp_vectors) : 0;
	rc = half_make(q, &q->recv, k->recv_cq_depth, vector);
	if (!rc)
		rc = half_make(q, &q->send, k->send_cq_depth, vector);
	if (rc)
		return rc;
	q->watch.fn = on_event;
	q->watch.fd = q->channel->fd;
	q->watch.events = EPOLLIN;
	return 0;
}

int verbs_cq_get(struct verbs_lane *l, uint32_t n, struct verbs_cq **out)
{
	struct verbs_cq *q;
	int rc;

	for (q = l->made; q; q = q->next_made)
		if ((uint64_t)q->reserved + n <= l->caps.send_cq_depth)
			break;
	if (!q) {
		if (n > l->caps.send_cq_depth)
			return -ENOSPC;
		q = calloc(1, sizeof(*q));
		if (!q)
			return -ENOMEM;
		verbs_cq_init(q, l);
		rc = cq_make(q);
		if (rc) {
			verbs_cq_free(q);
			return rc;
		}
		q->next_made = l->made;
		l->made = q;
		reactor_send(l->reactor, &q->start_msg);
	}
	q->reserved += n;
	*out = q;
	return 0;
}

static void half_free(struct verbs_cq_half *h)
{
	if (!h->cq)
		return;
	if (h->n_unacked)
		ibv_ack_cq_events(h->cq, h->n_unacked);
	if (ibv_destroy_cq(h->cq))
		log_warn("RDMA completion queue: cannot be destroyed: %m");
}

void verbs_cq_free(struct verbs_cq *q)
{
	half_free(&q->recv);
	half_free(&q->send);
	if (q->channel)
		ibv_destroy_comp_channel(q->channel);
	free(q);
}
