/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive buffers: one registered arena per lane, behind a shared receive queue where the device has one, else dealt out
 * to the connections. Given back buffers are posted again in chains.
 * Layer: fabric.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <sys/mman.h>

enum { REFILL_BATCH = 32 };

/* ---- control ---- */

static size_t arena_bytes(const struct verbs_lane *l)
{
	return (size_t)l->caps.n_rx * l->dev->fabric->params.rx_bytes;
}

static void srq_make(struct verbs_lane *l)
{
	struct ibv_srq_init_attr attr = { .attr = { .max_wr = l->caps.n_rx, .max_sge = 1 } };

	l->rx.srq = ibv_create_srq(l->dev->pd, &attr);
	if (l->rx.srq)
		return;
	log_warn("RDMA device %s: no shared receive queue: %m; each connection gets its own receives", l->dev->name);
	l->caps.srq = false;
	l->dev->caps.srq = false;
	if (l->caps.max_recv > (uint32_t)l->dev->attr.max_qp_wr)
		l->caps.max_recv = l->dev->caps.max_recv = (uint32_t)l->dev->attr.max_qp_wr;
}

int verbs_rx_init(struct verbs_lane *l)
{
	struct verbs_rx_set *s = &l->rx;
	uint32_t rx_bytes = l->dev->fabric->params.rx_bytes;
	struct ibv_mr *mr;

	list_init(&s->free);
	list_init(&s->needy);
	s->base = mmap(NULL, arena_bytes(l), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->base == MAP_FAILED) {
		s->base = NULL;
		return -ENOMEM;
	}
	mr = ibv_reg_mr(l->dev->pd, s->base, arena_bytes(l), IBV_ACCESS_LOCAL_WRITE);
	if (!mr)
		return -errno;
	s->region.base = s->base;
	s->region.len_bytes = arena_bytes(l);
	atomic_store(&s->region.key[l->slot], mr);
	if (l->caps.srq)
		srq_make(l);
	s->n_rx = l->caps.n_rx;
	s->rx = calloc(s->n_rx, sizeof(*s->rx));
	if (!s->rx)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_rx; i++) {
		struct verbs_rx *rx = &s->rx[i];

		rx->base.data = s->base + (size_t)i * rx_bytes;
		rx->base.region = &s->region;
		rx->lane = l;
		list_push_back(&s->free, &rx->node);
	}
	s->n_free = s->n_rx;
	return 0;
}

void verbs_rx_fini(struct verbs_lane *l)
{
	struct verbs_rx_set *s = &l->rx;
	struct ibv_mr *mr = atomic_load(&s->region.key[l->slot]);

	if (s->srq && ibv_destroy_srq(s->srq))
		log_warn("RDMA device %s: cannot destroy the shared receive queue: %m", l->dev->name);
	if (mr && ibv_dereg_mr(mr))
		log_warn("RDMA device %s: cannot deregister receive buffers: %m", l->dev->name);
	if (s->base)
		munmap(s->base, arena_bytes(l));
	free(s->rx);
}

/* ---- reactor ---- */

static void held_add(struct verbs_rx_set *s, int n)
{
	uint32_t now = atomic_load_explicit(&s->n_held, memory_order_relaxed);

	/* Only this thread writes it; others read it for the status. */
	atomic_store_explicit(&s->n_held, now + (uint32_t)n, memory_order_relaxed);
}

static void put_free(struct verbs_rx_set *s, struct verbs_rx *rx)
{
	list_push_front(&s->free, &rx->node); /* the warmest first */
	s->n_free++;
}

/* Takes up to @max free buffers and makes a chain of them. Return: their number. */
static uint32_t chain_build(struct verbs_lane *l, struct verbs_conn *owner, uint32_t max, struct ibv_recv_wr *wr,
			    struct ibv_sge *sge)
{
	struct verbs_rx_set *s = &l->rx;
	const struct ibv_mr *mr = atomic_load_explicit(&s->region.key[l->slot], memory_order_relaxed);
	uint32_t rx_bytes = (uint32_t)(s->region.len_bytes / s->n_rx), n;

	for (n = 0; n < max && s->n_free; n++) {
		struct verbs_rx *rx = list_entry(list_pop_front(&s->free), struct verbs_rx, node);

		s->n_free--;
		rx->conn = owner;
		sge[n] = (struct ibv_sge){ .addr = (uintptr_t)rx->base.data, .length = rx_bytes, .lkey = mr->lkey };
		wr[n] = (struct ibv_recv_wr){
			.wr_id = verbs_wr_id(VERBS_WR_RECV, (uint64_t)(rx - s->rx)),
			.sg_list = &sge[n],
			.num_sge = 1,
			.next = &wr[n + 1],
		};
	}
	if (n)
		wr[n - 1].next = NULL;
	return n;
}

/* What the device did not take. Return: its number. */
static uint32_t chain_unbuild(struct verbs_rx_set *s, struct ibv_recv_wr *bad)
{
	uint32_t n = 0;

	for (; bad; bad = bad->next, n++) {
		struct verbs_rx *rx = &s->rx[verbs_wr_number(bad->wr_id)];

		rx->conn = NULL;
		put_free(s, rx);
	}
	return n;
}

static void refill_srq(struct verbs_lane *l)
{
	while (l->rx.n_free) {
		struct ibv_recv_wr wr[REFILL_BATCH + 1], *bad = NULL;
		struct ibv_sge sge[REFILL_BATCH];
		uint32_t n = chain_build(l, NULL, REFILL_BATCH, wr, sge);

		if (n && ibv_post_srq_recv(l->rx.srq, wr, &bad)) {
			chain_unbuild(&l->rx, bad ? bad : wr); /* full or dead: the next round tries again */
			return;
		}
	}
}

/* Return: false when the free buffers ran out before the connection had what it wants. */
static bool refill_conn(struct verbs_lane *l, struct verbs_conn *c)
{
	while (c->rx_out < c->rx_want) {
		struct ibv_recv_wr wr[REFILL_BATCH + 1], *bad = NULL;
		struct ibv_sge sge[REFILL_BATCH];
		uint32_t want = c->rx_want - c->rx_out;
		uint32_t n = chain_build(l, c, want < REFILL_BATCH ? want : REFILL_BATCH, wr, sge);

		if (!n)
			return false;
		c->rx_out += n;
		c->rx_posted += n;
		if (ibv_post_recv(c->qp, wr, &bad)) {
			uint32_t n_bad = chain_unbuild(&l->rx, bad ? bad : wr);

			c->rx_out -= n_bad;
			c->rx_posted -= n_bad;
			return true; /* the queue pair is broken; nothing to wait for */
		}
	}
	return true;
}

void verbs_rx_refill(struct verbs_lane *l)
{
	if (!l->rx.n_free)
		return;
	if (l->rx.srq) {
		refill_srq(l);
		return;
	}
	list_for_each_safe(n, &l->rx.needy) {
		struct verbs_conn *c = list_entry(n, struct verbs_conn, needy);

		if (!refill_conn(l, c))
			return;
		list_del(&c->needy);
	}
}

static void conn_needs(struct verbs_conn *c)
{
	if (c->phase < VERBS_CONN_CLOSING && !list_linked(&c->needy))
		list_push_back(&c->lane->rx.needy, &c->needy);
}

void verbs_rx_conn_open(struct verbs_conn *c)
{
	if (c->lane->rx.srq)
		return;
	if (refill_conn(c->lane, c))
		return;
	conn_needs(c);
}

void verbs_rx_conn_gone(struct verbs_conn *c)
{
	struct verbs_rx_set *s = &c->lane->rx;

	list_del(&c->needy);
	if (s->srq)
		return;
	for (uint32_t i = 0; i < s->n_rx; i++) {
		struct verbs_rx *rx = &s->rx[i];

		if (rx->conn != c)
			continue;
		rx->conn = NULL;
		if (!rx->with_receiver) /* its completion never came */
			put_free(s, rx);
	}
	c->rx_posted = c->rx_out = 0;
}

/* The receiver gives it back, or nobody wants it. */
static void give_back(struct verbs_rx *rx)
{
	struct verbs_lane *l = rx->lane;
	struct verbs_conn *c = rx->conn;

	rx->with_receiver = false;
	held_add(&l->rx, -1);
	rx->conn = NULL;
	put_free(&l->rx, rx);
	if (c) {
		c->rx_out--;
		conn_needs(c);
	}
	verbs_lane_try_stopped(l);
}

void verbs_rx_release(struct fabric_rx *rx)
{
	give_back(container_of(rx, struct verbs_rx, base));
}

static void deliver(struct verbs_conn *c, struct verbs_rx *rx)
{
	if (!c || c->phase >= VERBS_CONN_DOWN) {
		give_back(rx);
		return;
	}
	if (c->gated)
		verbs_post_ungate(c);
	if (c->active && c->phase == VERBS_CONN_NEW)
		list_push_back(&c->early, &rx->node);
	else
		c->cbs->recv(c->ctx, &rx->base);
}

void verbs_rx_done(struct verbs_lane *l, const struct ibv_wc *wc)
{
	struct verbs_rx *rx = &l->rx.rx[verbs_wr_number(wc->wr_id)];
	struct verbs_conn *c = l->rx.srq ? verbs_lane_conn(l, wc->qp_num) : rx->conn;

	held_add(&l->rx, 1);
	rx->with_receiver = true;
	if (c && !l->rx.srq)
		c->rx_posted--;
	if (wc->status == IBV_WC_SUCCESS) {
		rx->base.len_bytes = wc->byte_len;
		deliver(c, rx);
	} else {
		give_back(rx);
		if (c && wc->status == IBV_WC_WR_FLUSH_ERR)
			verbs_conn_suspect(c);
		else if (c)
			verbs_conn_down(c, FABRIC_DOWN_ERROR);
	}
	if (c)
		verbs_conn_drain_step(c);
}

void verbs_rx_early(struct verbs_conn *c)
{
	struct list_node *n;

	while ((n = list_pop_front(&c->early))) {
		struct verbs_rx *rx = list_entry(n, struct verbs_rx, node);

		if (c->phase == VERBS_CONN_OPEN)
			c->cbs->recv(c->ctx, &rx->base);
		else
			give_back(rx);
	}
}

/*
 * Without a shared queue nothing takes the place of a receive that is held, and its credit is back with the response, long
 * before the back-end may let go of an aborted command: on iWARP a SEND without a receive ends the connection. Of the receives
 * beyond the request limit (core adds 4) two may be held.
 */
#define OWN_HELD_MAX 2u

bool verbs_rx_low(const struct fabric_conn *conn)
{
	const struct verbs_conn *c = container_of(conn, const struct verbs_conn, base);
	const struct verbs_rx_set *s = &c->lane->rx;

	if (!s->srq)
		return c->rx_out - c->rx_posted > OWN_HELD_MAX;
	return atomic_load_explicit(&s->n_held, memory_order_relaxed) > s->n_rx / 2;
}
