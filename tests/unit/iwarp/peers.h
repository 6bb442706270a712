/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two users of the iWARP fabric over loopback TCP, for the tests: a target that listens and a host that connects, each
 * with its fabric, driven by one thread that steps their reactors, or by threads of the reactors' own.
 */
#ifndef TESTS_UNIT_IWARP_PEERS_H
#define TESTS_UNIT_IWARP_PEERS_H

#include "../../../gateway/fabric/iwarp/iwarp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PEER_MEM (4u << 20)
#define PEER_OPS 256
#define PEER_RECVS 4096

struct peer;

struct peer_op {
	struct fabric_op op;
	struct fabric_wr wr[4];
	struct fabric_seg seg[4][32];
	struct peer *p;
	uint32_t number;
	bool busy;
	enum fabric_wc_status status;
};

/* One end of one connection. */
struct peer {
	const char *name;
	struct fabric_conn *conn;
	struct fabric *fabric;
	bool established, refused, down, closed, hold_rx;
	int refuse_code;
	char why[512];
	uint8_t priv[FABRIC_PRIV_MAX];
	size_t priv_len;
	enum fabric_down cause;
	uint32_t n_recv, n_done, n_ok, next_done;
	uint64_t recv_sum;
	uint32_t recv_len[PEER_RECVS];
	uint8_t recv_first[PEER_RECVS];
	struct fabric_rx *held[PEER_RECVS];
	uint32_t n_held;
	uint8_t *mem;
	struct mem_region region;
	struct peer_op ops[PEER_OPS];
	uint32_t n_posted;
	void (*on_recv)(struct peer *p, struct fabric_rx *rx);
	void (*on_done)(struct peer *p, struct peer_op *o);
	void *arg;
};

static void peer_init(struct peer *p, const char *name)
{
	memset(p, 0, sizeof(*p));
	p->name = name;
	p->mem = malloc(PEER_MEM);
	assert_non_null(p->mem);
	p->region = (struct mem_region){ .base = p->mem, .len_bytes = PEER_MEM };
}

static void peer_fini(struct peer *p)
{
	free(p->mem);
}

static void peer_established(void *ctx, const void *priv, size_t len)
{
	struct peer *p = ctx;

	assert_false(p->established || p->refused || p->closed);
	p->established = true;
	if (len)
		memcpy(p->priv, priv, len);
	p->priv_len = len;
}

static void peer_refused(void *ctx, int code, const char *why, const void *priv, size_t len)
{
	struct peer *p = ctx;

	assert_false(p->established || p->refused || p->closed);
	p->refused = true;
	p->refuse_code = code;
	snprintf(p->why, sizeof(p->why), "%s", why);
	if (len)
		memcpy(p->priv, priv, len);
	p->priv_len = len;
}

static void peer_recv(void *ctx, struct fabric_rx *rx)
{
	struct peer *p = ctx;

	assert_false(p->closed || p->down);
	assert_true(p->n_recv < PEER_RECVS);
	p->recv_len[p->n_recv] = rx->len_bytes;
	p->recv_first[p->n_recv] = rx->len_bytes ? rx->data[0] : 0;
	p->n_recv++;
	for (uint32_t i = 0; i < rx->len_bytes; i++)
		p->recv_sum += rx->data[i];
	if (p->on_recv)
		p->on_recv(p, rx);
	if (p->hold_rx)
		p->held[p->n_held++] = rx;
	else
		p->fabric->ops->rx_release(rx);
}

static void peer_down(void *ctx, enum fabric_down cause)
{
	struct peer *p = ctx;

	assert_false(p->down || p->closed);
	p->down = true;
	p->cause = cause;
}

static void peer_closed(void *ctx)
{
	struct peer *p = ctx;

	assert_false(p->closed);
	assert_int_equal(p->n_done, p->n_posted);
	p->closed = true;
}

static const struct fabric_conn_cbs peer_cbs = {
	.established = peer_established,
	.refused = peer_refused,
	.recv = peer_recv,
	.down = peer_down,
	.closed = peer_closed,
};

static void peer_done(struct fabric_op *op, enum fabric_wc_status status)
{
	struct peer_op *o = (struct peer_op *)(void *)op;
	struct peer *p = o->p;

	assert_true(o->busy && !p->closed);
	assert_int_equal(o->number, p->next_done); /* in posting order */
	p->next_done++;
	o->busy = false;
	o->status = status;
	p->n_done++;
	p->n_ok += status == FABRIC_WC_OK;
	if (p->on_done)
		p->on_done(p, o);
}

/* A free op, cleared. */
static inline struct peer_op *peer_op(struct peer *p)
{
	for (int i = 0; i < PEER_OPS; i++) {
		if (p->ops[i].busy)
			continue;
		memset(&p->ops[i], 0, sizeof(p->ops[i]));
		p->ops[i].p = p;
		p->ops[i].op.done = peer_done;
		return &p->ops[i];
	}
	fail_msg("no free op");
	return NULL;
}

/* Adds a work request over mem[at..at+len) in @n_seg pieces. */
static inline struct fabric_wr *peer_wr(struct peer_op *o, enum fabric_opcode opcode, uint32_t at, uint32_t len,
					uint32_t n_seg)
{
	uint32_t k = o->op.n_wr++;
	struct fabric_wr *wr = &o->wr[k];

	*wr = (struct fabric_wr){ .opcode = opcode, .seg = o->seg[k], .n_seg = (uint16_t)n_seg };
	for (uint32_t i = 0; i < n_seg; i++) {
		uint32_t from = (uint32_t)((uint64_t)len * i / n_seg), to = (uint32_t)((uint64_t)len * (i + 1) / n_seg);

		o->seg[k][i] = (struct fabric_seg){ o->p->mem + at + from, to - from, &o->p->region };
	}
	if (k)
		o->wr[k - 1].next = wr;
	else
		o->op.first = wr;
	return wr;
}

static inline struct fabric_wr *peer_rdma(struct peer_op *o, enum fabric_opcode opcode, uint32_t at, uint32_t len,
					  uint32_t n_seg, const void *remote, uint32_t rkey)
{
	struct fabric_wr *wr = peer_wr(o, opcode, at, len, n_seg);

	wr->remote_addr = (uintptr_t)remote;
	wr->rkey = rkey;
	return wr;
}

static inline int peer_post(struct peer *p, struct peer_op *o)
{
	int rc;

	o->number = p->n_posted;
	o->busy = true;
	rc = p->fabric->ops->post(p->conn, &o->op);
	if (rc)
		o->busy = false;
	else
		p->n_posted++;
	return rc;
}

static inline void peer_send(struct peer *p, uint32_t at, uint32_t len)
{
	struct peer_op *o = peer_op(p);

	peer_wr(o, FABRIC_SEND, at, len, 1);
	assert_int_equal(peer_post(p, o), 0);
}

/* ---- a pair, stepped by hand ---- */

struct pair {
	struct reactor *r;
	struct fabric *tf, *hf;
	struct fabric_listener *listener;
	struct fabric_addr addr;
	struct peer target, host;
	struct peer *accept_as; /* whose end the next login becomes */
	bool do_reject, wait_answer;
	uint8_t login_priv[FABRIC_PRIV_MAX];
	size_t login_len;
	uint32_t n_logins, n_gone;
	struct fabric_conn *pending;
	const char *answer;
	struct fabric_limits limits;
	uint32_t n_recv;
};

static void pair_login(void *arg, struct fabric_conn *conn, const struct fabric_login *login)
{
	struct pair *w = arg;
	struct fabric_accept a = {
		.reactor = w->r,
		.cbs = &peer_cbs,
		.ctx = w->accept_as,
		.priv = w->answer,
		.priv_len = strlen(w->answer),
		.n_recv = w->n_recv,
		.sq_depth = 64,
	};

	w->n_logins++;
	memcpy(w->login_priv, login->priv, login->priv_len);
	w->login_len = login->priv_len;
	w->tf->ops->limits(conn, &w->limits);
	if (w->wait_answer) {
		w->pending = conn;
	} else if (w->do_reject) {
		w->tf->ops->reject(conn, w->answer, strlen(w->answer));
	} else {
		w->accept_as->conn = conn;
		assert_int_equal(w->tf->ops->accept(conn, &a), 0);
	}
}

static void pair_gone(void *arg, struct fabric_conn *conn)
{
	struct pair *w = arg;

	w->n_gone++;
	w->tf->ops->reject(conn, NULL, 0);
}

static const struct fabric_listen_cbs pair_listen_cbs = { .login = pair_login, .gone = pair_gone };

/* A free loopback port. */
static inline struct fabric_addr any_port(void)
{
	struct fabric_addr a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(fabric_addr_parse("127.0.0.1", 0, &a), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a.ss, a.ss_len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a.ss, &a.ss_len), 0);
	close(fd);
	return a;
}

static inline void pair_init(struct pair *w, const struct iwarp_params *tp, const struct iwarp_params *hp)
{
	struct err e = ERR_INIT;

	memset(w, 0, sizeof(*w));
	w->answer = "welcome";
	w->n_recv = 64;
	w->accept_as = &w->target;
	assert_int_equal(reactor_create("pair", &w->r), 0);
	assert_int_equal(iwarp_fabric_create(w->r, tp, &w->tf, &e), 0);
	assert_int_equal(iwarp_fabric_create(w->r, hp, &w->hf, &e), 0);
	w->addr = any_port();
	assert_int_equal(w->tf->ops->listen(w->tf, &w->addr, &pair_listen_cbs, w, &w->listener, &e), 0);
	peer_init(&w->target, "target");
	peer_init(&w->host, "host");
	w->target.fabric = w->tf;
	w->host.fabric = w->hf;
}

static inline void pair_connect(struct pair *w, const char *priv)
{
	struct fabric_connect c = {
		.dst = w->addr,
		.params = { .reactor = w->r, .cbs = &peer_cbs, .ctx = &w->host, .priv = priv, .priv_len = strlen(priv),
			    .n_recv = 64, .sq_depth = 64 },
		.timeout_ms = 2000,
	};
	struct err e = ERR_INIT;

	assert_int_equal(w->hf->ops->connect(w->hf, &c, &w->host.conn, &e), 0);
}

/* Steps until @cond holds; fails after ten seconds. */
#define STEP_UNTIL(r_, cond)                                                                            \
	do {                                                                                            \
		uint64_t until_ = reactor_clock_ns(r_) + 10 * NS_PER_S;                                 \
		while (!(cond)) {                                                                       \
			reactor_poll(r_, 100);                                                          \
			if (reactor_clock_ns(r_) > until_)                                              \
				fail_msg("%s:%d: did not come true: %s", __FILE__, __LINE__, #cond);    \
		}                                                                                       \
	} while (0)

static inline void pair_up(struct pair *w, const struct iwarp_params *tp, const struct iwarp_params *hp)
{
	pair_init(w, tp, hp);
	pair_connect(w, "hello");
	STEP_UNTIL(w->r, w->target.established && w->host.established);
}

static inline void peer_close(struct peer *p)
{
	p->fabric->ops->close(p->conn);
}

static inline void pair_fini(struct pair *w)
{
	w->tf->ops->destroy(w->tf);
	w->hf->ops->destroy(w->hf);
	reactor_destroy(w->r);
	peer_fini(&w->target);
	peer_fini(&w->host);
}

static inline void pair_down(struct pair *w)
{
	if (!w->host.closed)
		peer_close(&w->host);
	STEP_UNTIL(w->r, w->host.closed);
	if (!w->target.closed)
		peer_close(&w->target);
	STEP_UNTIL(w->r, w->target.closed);
	pair_fini(w);
}

#endif
