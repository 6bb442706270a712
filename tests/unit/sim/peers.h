/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two users of the simulated fabric, as small as can be, that write down what they are told: a host that connects and a
 * gateway that accepts. For the simulator's own tests.
 */
#ifndef TESTS_SIM_PEERS_H
#define TESTS_SIM_PEERS_H

#include "../../../gateway/fabric/sim/sim.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define ARENA_BYTES 65536u
#define MAX_RX 256

struct user {
	struct fabric *f;
	struct fabric_conn *conn;
	struct fabric_exposure *x;
	uint32_t rkey;
	struct mem_region region;
	uint8_t *arena;
	bool established, refused, down, closed, keep_rx;
	enum fabric_down cause;
	int code;
	char priv[64];
	size_t priv_len;
	struct fabric_rx *held[MAX_RX];
	uint32_t n_rx, n_held;
	uint8_t rx_first[MAX_RX]; /* first byte of each IU */
	uint8_t seen[MAX_RX];     /* arena[0] when the IU came */
};

struct pair {
	struct sim_world *w;
	struct reactor *r[2];
	struct user host, gw;
	struct fabric_listener *listener;
	bool refuse_all, hold_login, gone;
	struct fabric_conn *pending; /* with hold_login */
	uint32_t n_recv, sq_depth;
};

struct test_op {
	struct fabric_op op;
	struct fabric_wr wr[8];
	struct fabric_seg seg[8];
	bool done;
	enum fabric_wc_status status;
	uint32_t order;
};

static uint32_t done_counter;

static void on_established(void *ctx, const void *priv, size_t len)
{
	struct user *u = ctx;

	assert_false(u->established || u->closed);
	u->established = true;
	u->priv_len = len;
	memcpy(u->priv, priv ? priv : "", len < sizeof(u->priv) ? len : sizeof(u->priv));
	assert_int_equal(u->f->ops->expose(u->conn, u->arena, ARENA_BYTES, &u->x, &u->rkey), 0);
}

static void on_refused(void *ctx, int code, const char *why, const void *priv, size_t len)
{
	struct user *u = ctx;

	assert_non_null(why);
	assert_false(u->established || u->refused);
	u->refused = true;
	u->code = code;
	u->priv_len = len;
	memcpy(u->priv, priv, len < sizeof(u->priv) ? len : sizeof(u->priv));
	u->f->ops->close(u->conn);
}

static void on_recv(void *ctx, struct fabric_rx *rx)
{
	struct user *u = ctx;

	assert_true(u->n_rx < MAX_RX);
	u->rx_first[u->n_rx] = rx->data[0];
	u->seen[u->n_rx++] = u->arena[0];
	if (u->keep_rx)
		u->held[u->n_held++] = rx;
	else
		u->f->ops->rx_release(rx);
}

static void on_down(void *ctx, enum fabric_down cause)
{
	struct user *u = ctx;

	assert_false(u->down || u->closed);
	u->down = true;
	u->cause = cause;
	u->f->ops->close(u->conn);
}

static void on_closed(void *ctx)
{
	struct user *u = ctx;

	assert_false(u->closed);
	u->closed = true;
	if (u->x)
		u->f->ops->unexpose(u->conn, u->x);
	u->x = NULL;
	u->conn = NULL;
}

static const struct fabric_conn_cbs user_cbs = { on_established, on_refused, on_recv, on_down, on_closed };

static void on_login(void *arg, struct fabric_conn *conn, const struct fabric_login *login)
{
	struct pair *p = arg;
	struct fabric_accept a = { .reactor = p->r[1], .cbs = &user_cbs, .ctx = &p->gw, .priv = "rep", .priv_len = 4,
				   .n_recv = p->n_recv, .sq_depth = p->sq_depth };

	assert_int_equal(login->priv_len, 4);
	assert_memory_equal(login->priv, "req", 4);
	if (p->hold_login) {
		p->pending = conn;
		return;
	}
	if (p->refuse_all) {
		conn->ops->reject(conn, "rej", 4);
		return;
	}
	p->gw.conn = conn;
	p->gw.closed = p->gw.established = p->gw.down = false;
	if (conn->ops->accept(conn, &a)) {
		p->gw.conn = NULL;
		conn->ops->reject(conn, "acc", 4);
	}
}

static void on_gone(void *arg, struct fabric_conn *conn)
{
	struct pair *p = arg;

	assert_ptr_equal(conn, p->pending);
	p->gone = true;
}

static const struct fabric_listen_cbs listen_cbs = { on_login, on_gone };

static void run(struct pair *p)
{
	assert_true(sim_run_idle(p->w, 100 * NS_PER_MS, 60 * NS_PER_S));
}

static void user_make(struct user *u, struct fabric *f)
{
	u->f = f;
	u->arena = calloc(1, ARENA_BYTES);
	u->region.base = u->arena;
	u->region.len_bytes = ARENA_BYTES;
	assert_int_equal(f->ops->mem_add(f, &u->region), 0);
}

static void pair_make(struct pair *p, uint64_t seed, const struct fabric_limits *limits, uint32_t n_spare_rx)
{
	struct sim_params params = { .seed = seed };
	struct fabric_addr addr = sim_addr(1, 5555);
	struct err e = ERR_INIT;
	struct fabric *f[2];

	memset(p, 0, sizeof(*p));
	p->n_recv = 16;
	assert_int_equal(sim_world_create(&params, &p->w), 0);
	for (int k = 0; k < 2; k++) {
		assert_int_equal(sim_reactor_create(p->w, k ? "gw" : "host", &p->r[k]), 0);
		assert_int_equal(sim_fabric_create(p->w, k ? "gw" : "host", p->r[k], limits, n_spare_rx, &f[k]), 0);
	}
	user_make(&p->host, f[0]);
	user_make(&p->gw, f[1]);
	assert_int_equal(f[1]->ops->listen(f[1], &addr, &listen_cbs, p, &p->listener, &e), 0);
}

static void pair_connect_to(struct pair *p, uint16_t port)
{
	struct fabric_connect c = { .dst = sim_addr(1, port), .timeout_ms = 3000 };
	struct err e = ERR_INIT;

	c.params = (struct fabric_accept){ .reactor = p->r[0], .cbs = &user_cbs, .ctx = &p->host, .priv = "req", .priv_len = 4,
					   .n_recv = p->n_recv };
	p->host.established = p->host.refused = p->host.down = p->host.closed = false;
	assert_int_equal(p->host.f->ops->connect(p->host.f, &c, &p->host.conn, &e), 0);
	run(p);
}

static void pair_connect(struct pair *p)
{
	pair_connect_to(p, 5555);
	assert_true(p->host.established && p->gw.established);
}

static void user_close(struct user *u)
{
	if (u->conn)
		u->f->ops->close(u->conn);
}

/* Closes what is open and checks that nothing is left. */
static void pair_free(struct pair *p, uint64_t expect_violations)
{
	struct sim_stats st;

	user_close(&p->host);
	run(p);
	user_close(&p->gw);
	run(p);
	if (p->listener)
		p->gw.f->ops->unlisten(p->listener);
	for (struct user *u = &p->host;; u = &p->gw) {
		assert_null(u->conn);
		u->f->ops->mem_del(u->f, &u->region);
		if (u == &p->gw)
			break;
	}
	sim_stats(p->w, &st);
	assert_int_equal(st.n_links, 0);
	assert_int_equal(st.n_rx_held, 0);
	assert_int_equal(st.n_regions, 0);
	assert_int_equal(st.n_exposures, 0);
	if (st.violations != expect_violations)
		print_error("first violation: %s\n", sim_first_violation(p->w));
	assert_int_equal(st.violations, expect_violations);
	p->host.f->ops->destroy(p->host.f);
	p->gw.f->ops->destroy(p->gw.f);
	free(p->host.arena);
	free(p->gw.arena);
	sim_world_destroy(p->w);
}

/* ---- ops ---- */

static void on_done(struct fabric_op *op, enum fabric_wc_status status)
{
	struct test_op *o = container_of(op, struct test_op, op);

	assert_false(o->done);
	o->done = true;
	o->status = status;
	o->order = ++done_counter;
}

/* Appends a work request over @len bytes at arena offset @at; @offset and @peer: where in the other side's memory. */
static void op_add(struct test_op *o, struct user *u, enum fabric_opcode opcode, uint8_t flags, uint32_t at, uint32_t len,
		   struct user *peer, uint32_t offset)
{
	struct fabric_wr *wr = &o->wr[o->op.n_wr];

	o->seg[o->op.n_wr] = (struct fabric_seg){ u->arena + at, len, &u->region };
	*wr = (struct fabric_wr){ .opcode = opcode, .flags = flags, .n_seg = 1, .seg = &o->seg[o->op.n_wr] };
	if (peer) {
		wr->remote_addr = (uint64_t)(uintptr_t)peer->arena + offset;
		wr->rkey = peer->rkey;
	}
	if (o->op.n_wr)
		o->wr[o->op.n_wr - 1].next = wr;
	o->op.first = o->wr;
	o->op.n_wr++;
	o->op.done = on_done;
}

static int post(struct user *u, struct test_op *o)
{
	return u->f->ops->post(u->conn, &o->op);
}

#endif
