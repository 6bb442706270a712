/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that is a few arrays: what is posted can be looked at, and completions are what the test says. Beside it a lane
 * and one connection on a reactor with a clock that the test moves; the control side is the test. Tests only.
 */
#ifndef TESTS_UNIT_VERBS_FAKE_H
#define TESTS_UNIT_VERBS_FAKE_H

#include "../rt/rt_unit.h"

#include "../../../gateway/fabric/verbs/internal.h"

#include <errno.h>
#include <stdio.h>

enum { FAKE_N_RX = 64, FAKE_RX_BYTES = 256, FAKE_QUEUE = 512, FAKE_QPN = 0x77, FAKE_SQ = 32 };

struct fake {
	struct ibv_context ctx;
	struct ibv_device device;
	struct ibv_qp qp;
	struct ibv_cq recv_cq, send_cq;
	struct ibv_srq srq;
	struct ibv_mr rx_mr, mr;
	struct mem_region region;

	struct ibv_send_wr sent[FAKE_QUEUE];
	unsigned n_sent, n_posts; /* work requests; calls */
	unsigned fail_at;         /* the work request of the next call that fails, from 1; 0 = none */
	int fail_with;
	uint64_t posted_rx[FAKE_QUEUE];
	unsigned n_posted_rx, n_rx_posts;
	unsigned rx_room;         /* posts of receives that still succeed */
	struct fake_cq {
		struct ibv_wc wc[FAKE_QUEUE];
		unsigned n_wc, wc_at, n_armed;
	} recv, send;

	struct virtual_clock clock;
	struct reactor *reactor;
	struct verbs_fabric fabric;
	struct verbs_dev dev;
	struct verbs_lane lane;
	struct verbs_cq vcq;
	struct verbs_conn conn;
	uint8_t arena[FAKE_N_RX * FAKE_RX_BYTES];
	uint8_t data[4096];

	/* what the owner of the connection was told */
	unsigned n_established, n_refused, n_recv, n_down, n_closed;
	enum fabric_down down_cause;
	int refused_code;
	struct fabric_rx *rx[FAKE_QUEUE];
	bool keep_rx, close_on_down;
	/* what the control side was told */
	unsigned n_adopted, n_close, n_drained, n_free;
};

/* ---- the device ---- */

static inline struct fake *fake_of(struct ibv_context *ctx)
{
	return container_of(ctx, struct fake, ctx);
}

static inline int fake_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	struct fake *f = fake_of(qp->context);

	f->n_posts++;
	for (unsigned n = 1; wr; wr = wr->next, n++) {
		if (n == f->fail_at) {
			*bad = wr;
			return f->fail_with;
		}
		f->sent[f->n_sent++ % FAKE_QUEUE] = *wr;
	}
	return 0;
}

static inline int fake_take_rx(struct fake *f, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	f->n_rx_posts++;
	for (; wr; wr = wr->next) {
		if (!f->rx_room) {
			*bad = wr;
			return ENOMEM;
		}
		f->rx_room--;
		f->posted_rx[f->n_posted_rx++ % FAKE_QUEUE] = wr->wr_id;
	}
	return 0;
}

static inline int fake_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	return fake_take_rx(fake_of(qp->context), wr, bad);
}

static inline int fake_post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	return fake_take_rx(fake_of(srq->context), wr, bad);
}

static inline struct fake_cq *fake_cq_of(struct ibv_cq *cq)
{
	struct fake *f = fake_of(cq->context);

	return cq == &f->recv_cq ? &f->recv : &f->send;
}

static inline int fake_poll_cq(struct ibv_cq *cq, int max, struct ibv_wc *wc)
{
	struct fake_cq *q = fake_cq_of(cq);
	int n = 0;

	while (n < max && q->wc_at < q->n_wc)
		wc[n++] = q->wc[q->wc_at++];
	if (q->wc_at == q->n_wc)
		q->wc_at = q->n_wc = 0;
	return n;
}

static inline int fake_req_notify(struct ibv_cq *cq, int solicited_only)
{
	(void)solicited_only;
	fake_cq_of(cq)->n_armed++;
	return 0;
}

static inline void fake_complete(struct fake *f, enum verbs_wr_kind kind, uint64_t number, enum ibv_wc_status status)
{
	struct fake_cq *q = kind == VERBS_WR_RECV ? &f->recv : &f->send;

	assert_true(q->n_wc < FAKE_QUEUE);
	q->wc[q->n_wc++] = (struct ibv_wc){
		.wr_id = verbs_wr_id(kind, number),
		.status = status,
		.qp_num = FAKE_QPN,
		.byte_len = kind == VERBS_WR_RECV ? 48 : 0,
	};
}

/* ---- the owner and the control side ---- */

static inline void fake_established(void *ctx, const void *priv, size_t len)
{
	(void)priv;
	(void)len;
	((struct fake *)ctx)->n_established++;
}

static inline void fake_refused(void *ctx, int code, const char *why, const void *priv, size_t len)
{
	struct fake *f = ctx;

	(void)priv;
	(void)len;
	assert_non_null(why);
	f->n_refused++;
	f->refused_code = code;
}

static inline void fake_recv(void *ctx, struct fabric_rx *rx)
{
	struct fake *f = ctx;

	f->rx[f->n_recv++ % FAKE_QUEUE] = rx;
	if (!f->keep_rx)
		verbs_rx_release(rx);
}

static inline void fake_down(void *ctx, enum fabric_down cause)
{
	struct fake *f = ctx;

	f->n_down++;
	f->down_cause = cause;
	if (f->close_on_down)
		verbs_conn_close(&f->conn.base);
}

static inline void fake_closed(void *ctx)
{
	((struct fake *)ctx)->n_closed++;
}

static const struct fabric_conn_cbs fake_cbs = { fake_established, fake_refused, fake_recv, fake_down, fake_closed };

static inline void fake_on_adopted(struct reactor_msg *m)
{
	container_of(container_of(m, struct verbs_conn, adopted_msg), struct fake, conn)->n_adopted++;
}

static inline void fake_on_close(struct reactor_msg *m)
{
	container_of(container_of(m, struct verbs_conn, close_msg), struct fake, conn)->n_close++;
}

static inline void fake_on_drained(struct reactor_msg *m)
{
	container_of(container_of(m, struct verbs_conn, drained_msg), struct fake, conn)->n_drained++;
}

static inline void fake_on_free(struct reactor_msg *m)
{
	container_of(container_of(m, struct verbs_conn, free_msg), struct fake, conn)->n_free++;
}

/* ---- set-up ---- */

static inline void fake_lane(struct fake *f, bool srq, bool iwarp)
{
	struct verbs_lane *l = &f->lane;
	struct verbs_rx_set *s = &l->rx;

	l->dev = &f->dev;
	l->reactor = f->reactor;
	l->caps = (struct verbs_caps){ .iwarp = iwarp, .srq = srq, .sq_depth = FAKE_SQ, .send_sge = 4, .read_sge = iwarp ? 1 : 4,
				       .max_wr_bytes = 1 << 20, .n_rx = FAKE_N_RX, .max_recv = FAKE_N_RX };
	list_init(&l->cqs);
	list_init(&l->pending);
	list_init(&l->unposted);
	for (unsigned i = 0; i < VERBS_CONN_BUCKETS; i++)
		list_init(&l->conns[i]);
	l->room.n_wr = FAKE_SQ;
	l->room.wr = calloc(FAKE_SQ, sizeof(*l->room.wr));
	l->room.sge = calloc(FAKE_SQ * VERBS_SGE_MAX, sizeof(*l->room.sge));
	list_init(&s->free);
	list_init(&s->needy);
	s->base = f->arena;
	s->region.base = f->arena;
	s->region.len_bytes = sizeof(f->arena);
	atomic_store(&s->region.key[0], &f->rx_mr);
	s->srq = srq ? &f->srq : NULL;
	s->n_rx = s->n_free = FAKE_N_RX;
	s->rx = calloc(FAKE_N_RX, sizeof(*s->rx));
	for (unsigned i = 0; i < FAKE_N_RX; i++) {
		s->rx[i].base.data = f->arena + i * FAKE_RX_BYTES;
		s->rx[i].base.region = &s->region;
		s->rx[i].lane = l;
		list_push_back(&s->free, &s->rx[i].node);
	}
	verbs_cq_init(&f->vcq, l);
	f->vcq.recv.cq = &f->recv_cq;
	f->vcq.send.cq = &f->send_cq;
	list_push_back(&l->cqs, &f->vcq.node);
}

static inline struct fake *fake_new(bool active, bool srq, bool iwarp)
{
	struct fake *f = calloc(1, sizeof(*f));
	struct verbs_conn *c;
	struct fabric_accept a = { .cbs = &fake_cbs, .ctx = f };

	assert_non_null(f);
	f->ctx.ops.post_send = fake_post_send;
	f->ctx.ops.post_recv = fake_post_recv;
	f->ctx.ops.post_srq_recv = fake_post_srq_recv;
	f->ctx.ops.poll_cq = fake_poll_cq;
	f->ctx.ops.req_notify_cq = fake_req_notify;
	f->qp.context = f->recv_cq.context = f->send_cq.context = f->srq.context = &f->ctx;
	f->qp.qp_num = FAKE_QPN;
	f->rx_mr.lkey = 0x11;
	f->mr.lkey = 0x22;
	f->rx_room = FAKE_QUEUE;
	f->region.base = f->data;
	f->region.len_bytes = sizeof(f->data);
	atomic_store(&f->region.key[0], &f->mr);
	f->clock.now_ns = NS_PER_S;
	f->reactor = new_reactor(&f->clock);
	f->fabric.control = f->reactor;
	list_init(&f->fabric.conns);
	f->dev.fabric = &f->fabric;
	snprintf(f->dev.name, sizeof(f->dev.name), "fake0");
	fake_lane(f, srq, iwarp);

	c = &f->conn;
	verbs_conn_init(c, &f->fabric, active);
	a.reactor = f->reactor;
	verbs_conn_bind(c, &a);
	c->lane = &f->lane;
	c->cq = &f->vcq;
	c->qp = &f->qp;
	c->qp_num = FAKE_QPN;
	c->sq_depth = c->sq_free = FAKE_SQ;
	c->inline_bytes = 64;
	c->rx_want = srq ? 0 : 16;
	c->gated = iwarp && !active;
	c->adopted_msg.fn = fake_on_adopted;
	c->close_msg.fn = fake_on_close;
	c->drained_msg.fn = fake_on_drained;
	c->free_msg.fn = fake_on_free;
	return f;
}

static inline void fake_run(struct fake *f)
{
	while (reactor_poll(f->reactor, 0))
		;
}

static inline void fake_pass(struct fake *f, uint64_t ns)
{
	f->clock.now_ns += ns;
	fake_run(f);
}

static inline void fake_hand_over(struct fake *f)
{
	struct list_node *n;

	while ((n = list_pop_front(&f->lane.unposted)))
		verbs_post_hand_over(list_entry(n, struct verbs_conn, to_post));
}

/* What the lane's poller does once per loop. */
static inline int fake_poll(struct fake *f)
{
	int n = verbs_cq_poll(&f->vcq, 1024);
	struct list_node *p;

	while ((p = list_pop_front(&f->lane.pending)))
		verbs_conn_down(list_entry(p, struct verbs_conn, pending), FABRIC_DOWN_ERROR);
	fake_hand_over(f);
	verbs_rx_refill(&f->lane);
	return n;
}

static inline void fake_adopt(struct fake *f)
{
	reactor_send(f->reactor, &f->conn.adopt_msg);
	fake_run(f);
	assert_int_equal(f->n_adopted, 1);
}

static inline void fake_up(struct fake *f)
{
	fake_adopt(f);
	reactor_send(f->reactor, &f->conn.up_msg);
	fake_run(f);
	assert_int_equal(f->n_established, 1);
}

static inline void fake_free(struct fake *f)
{
	free(f->lane.room.wr);
	free(f->lane.room.sge);
	free(f->lane.rx.rx);
	timer_cancel(f->reactor, &f->conn.timer);
	timer_cancel(f->reactor, &f->vcq.reap);
	reactor_destroy(f->reactor);
	free(f);
}

/* ---- ops ---- */

enum { NOT_DONE = 99 };

struct an_op {
	struct fabric_op op;
	struct fabric_wr wr[16];
	struct fabric_seg seg[16];
	int status; /* NOT_DONE, or enum fabric_wc_status */
	unsigned order;
};

static inline void an_op_done(struct fabric_op *op, enum fabric_wc_status status)
{
	static unsigned counter;
	struct an_op *o = container_of(op, struct an_op, op);

	assert_int_equal(o->status, NOT_DONE);
	o->status = (int)status;
	o->order = ++counter;
}

/* @n requests of one segment of @len bytes each. */
static inline void an_op_make(struct fake *f, struct an_op *o, enum fabric_opcode opcode, unsigned n, uint32_t len)
{
	memset(o, 0, sizeof(*o));
	o->status = NOT_DONE;
	o->op.first = o->wr;
	o->op.n_wr = n;
	o->op.done = an_op_done;
	for (unsigned i = 0; i < n; i++) {
		o->seg[i] = (struct fabric_seg){ f->data, len, &f->region };
		o->wr[i] = (struct fabric_wr){
			.next = i + 1 < n ? &o->wr[i + 1] : NULL,
			.opcode = opcode,
			.n_seg = 1,
			.seg = &o->seg[i],
			.remote_addr = 0x1000 + i,
			.rkey = 0xabc,
		};
	}
}

#endif
