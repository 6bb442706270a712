/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many connections between two data reactors with threads of their own and a control reactor: every connection writes,
 * reads and checks data of random sizes, and ends in the middle of it. For the thread sanitizer above all.
 */
#include "peers.h"

#include <pthread.h>
#include <stdatomic.h>

enum { N_CONNS = 24, ROUNDS = 30, BUF = 96 << 10 };

struct world;

/* One end; all of it belongs to its data reactor, but for what is atomic. */
struct end {
	struct world *w;
	bool host, closing;
	struct fabric *fabric;
	struct fabric_conn *conn;
	uint8_t *mem;
	struct mem_region region;
	struct fabric_exposure *x;
	uint32_t rkey, seed, round, len;
	uint64_t remote;
	bool up, busy;
	struct fabric_op op;
	struct fabric_wr wr[2];
	struct fabric_seg seg[2][3];
	int stage;
	_Atomic bool closed;
};

struct world {
	struct reactor *control, *r[2];
	struct fabric *tf, *hf;
	struct fabric_listener *listener;
	struct fabric_addr addr;
	struct end target[N_CONNS], host[N_CONNS];
	uint32_t n_accepted;
	_Atomic uint32_t n_closed, n_rounds, n_bad;
};

struct hello {
	uint32_t rkey, seed;
	uint64_t addr;
};

static void bad(struct end *e)
{
	atomic_fetch_add(&e->w->n_bad, 1);
}

static void fill(uint8_t *p, uint32_t n, uint32_t seed)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = (uint8_t)((seed + i) * 2654435761u >> 11);
}

static void end_close(struct end *e)
{
	if (e->closing)
		return;
	e->closing = true;
	e->fabric->ops->close(e->conn);
}

static void set_wr(struct end *e, int k, enum fabric_opcode opcode, uint32_t at, uint32_t len)
{
	e->wr[k] = (struct fabric_wr){
		.opcode = opcode, .seg = e->seg[k], .n_seg = 3, .rkey = e->rkey, .remote_addr = e->remote
	};
	for (int i = 0; i < 3; i++) {
		uint32_t from = (uint32_t)((uint64_t)len * i / 3), to = (uint32_t)((uint64_t)len * (i + 1) / 3);

		e->seg[k][i] = (struct fabric_seg){ e->mem + at + from, to - from, &e->region };
	}
}

static void post(struct end *e, uint32_t n_wr)
{
	e->op.first = &e->wr[0];
	e->op.n_wr = n_wr;
	e->wr[0].next = n_wr > 1 ? &e->wr[1] : NULL;
	e->busy = true;
	if (e->fabric->ops->post(e->conn, &e->op)) {
		e->busy = false;
		end_close(e);
	}
}

static void target_step(struct end *e);

static void on_done(struct fabric_op *op, enum fabric_wc_status status)
{
	struct end *e = container_of(op, struct end, op);

	e->busy = false;
	if (status != FABRIC_WC_OK)
		end_close(e);
	else if (!e->host && !e->closing)
		target_step(e);
}

/* Target: read the host's memory, check it, write it back elsewhere changed, send, and again. */
static void target_step(struct end *e)
{
	if (e->stage == 0) {
		e->seed = e->seed * 1103515245u + 12345u;
		e->len = e->round % 4 == 3 ? 0 : (e->seed >> 8) % (BUF / 2);
		set_wr(e, 0, FABRIC_READ, 0, e->len);
		e->stage = 1;
		post(e, 1);
	} else if (e->stage == 1) {
		for (uint32_t i = 0; i < e->len; i++)
			if (e->mem[i] != (uint8_t)((77 + i) * 2654435761u >> 11)) {
				bad(e);
				break;
			}
		fill(e->mem + BUF / 2, e->len, e->seed);
		set_wr(e, 0, FABRIC_WRITE, BUF / 2, e->len);
		e->wr[0].remote_addr = e->remote + BUF / 2;
		memcpy(e->mem, &e->len, 4);
		memcpy(e->mem + 4, &e->seed, 4);
		set_wr(e, 1, FABRIC_SEND, 0, 8);
		e->stage = 2;
		post(e, 2);
	}
}

static void on_recv(void *ctx, struct fabric_rx *rx)
{
	struct end *e = ctx;

	if (e->host) {
		uint32_t len, seed;

		memcpy(&len, rx->data, 4);
		memcpy(&seed, rx->data + 4, 4);
		for (uint32_t i = 0; i < len; i++)
			if (e->mem[BUF / 2 + i] != (uint8_t)((seed + i) * 2654435761u >> 11)) {
				bad(e);
				break;
			}
		atomic_fetch_add(&e->w->n_rounds, 1);
		if (++e->round == ROUNDS) {
			end_close(e);
		} else if (!e->busy) {
			set_wr(e, 0, FABRIC_SEND, BUF, sizeof(struct hello));
			post(e, 1);
		}
	} else {
		struct hello h;

		memcpy(&h, rx->data, sizeof(h));
		e->rkey = h.rkey;
		e->remote = h.addr;
		e->seed ^= h.seed;
		e->stage = 0;
		e->round++;
		if (!e->busy)
			target_step(e);
	}
	e->fabric->ops->rx_release(rx);
}

static void on_established(void *ctx, const void *priv, size_t len)
{
	struct end *e = ctx;
	struct hello h = { .seed = e->seed, .addr = (uintptr_t)e->mem };

	(void)priv;
	(void)len;
	e->up = true;
	if (!e->host)
		return;
	if (e->fabric->ops->expose(e->conn, e->mem, BUF, &e->x, &h.rkey))
		bad(e);
	memcpy(e->mem + BUF, &h, sizeof(h));
	set_wr(e, 0, FABRIC_SEND, BUF, sizeof(h));
	post(e, 1);
}

static void on_refused(void *ctx, int code, const char *why, const void *priv, size_t len)
{
	(void)code;
	(void)why;
	(void)priv;
	(void)len;
	bad(ctx);
	end_close(ctx);
}

static void on_down(void *ctx, enum fabric_down cause)
{
	(void)cause;
	end_close(ctx);
}

static void on_closed(void *ctx)
{
	struct end *e = ctx;

	if (e->busy)
		bad(e);
	atomic_store(&e->closed, true);
	atomic_fetch_add(&e->w->n_closed, 1);
}

static const struct fabric_conn_cbs cbs = { on_established, on_refused, on_recv, on_down, on_closed };

static void end_init(struct end *e, struct world *w, struct fabric *f, bool host, uint32_t seed)
{
	memset(e, 0, sizeof(*e));
	e->w = w;
	e->fabric = f;
	e->host = host;
	e->seed = seed;
	e->op.done = on_done;
	e->mem = malloc(BUF + 64);
	assert_non_null(e->mem);
	e->region = (struct mem_region){ .base = e->mem, .len_bytes = BUF + 64 };
	fill(e->mem, BUF, 77);
}

static void on_login(void *arg, struct fabric_conn *conn, const struct fabric_login *login)
{
	struct world *w = arg;
	struct end *e = &w->target[w->n_accepted++];
	struct fabric_accept a = { .reactor = w->r[0], .cbs = &cbs, .ctx = e, .n_recv = 8, .sq_depth = 16 };

	(void)login;
	e->conn = conn;
	if (w->tf->ops->accept(conn, &a)) {
		bad(e);
		w->tf->ops->reject(conn, NULL, 0);
	}
}

static void *run(void *arg)
{
	reactor_run(arg);
	return NULL;
}

static void test_many_connections(void **state)
{
	static const struct fabric_listen_cbs listen_cbs = { .login = on_login };
	static const struct iwarp_params hp = { .reads = 4 };
	struct world *w = calloc(1, sizeof(*w));
	struct err e = ERR_INIT;
	pthread_t thread[2];
	uint64_t until;

	(void)state;
	assert_non_null(w);
	assert_int_equal(reactor_create("control", &w->control), 0);
	assert_int_equal(reactor_create("target", &w->r[0]), 0);
	assert_int_equal(reactor_create("host", &w->r[1]), 0);
	assert_int_equal(iwarp_fabric_create(w->control, NULL, &w->tf, &e), 0);
	assert_int_equal(iwarp_fabric_create(w->control, &hp, &w->hf, &e), 0);
	w->addr = any_port();
	assert_int_equal(w->tf->ops->listen(w->tf, &w->addr, &listen_cbs, w, &w->listener, &e), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, run, w->r[i]), 0);
	for (uint32_t i = 0; i < N_CONNS; i++) {
		end_init(&w->target[i], w, w->tf, false, i);
		end_init(&w->host[i], w, w->hf, true, i * 7 + 1);
	}
	for (uint32_t i = 0; i < N_CONNS; i++) {
		struct fabric_connect c = {
			.dst = w->addr,
			.params = { .reactor = w->r[1],
				    .cbs = &cbs,
				    .ctx = &w->host[i],
				    .priv = "x",
				    .priv_len = 1,
				    .n_recv = 8 },
		};

		assert_int_equal(w->hf->ops->connect(w->hf, &c, &w->host[i].conn, &e), 0);
	}
	until = reactor_clock_ns(w->control) + 60 * NS_PER_S;
	while (atomic_load(&w->n_closed) < 2 * N_CONNS && reactor_clock_ns(w->control) < until)
		reactor_poll(w->control, 10);
	assert_int_equal(atomic_load(&w->n_closed), 2 * N_CONNS);
	assert_int_equal(atomic_load(&w->n_bad), 0);
	assert_int_equal(atomic_load(&w->n_rounds), N_CONNS * ROUNDS);
	for (int i = 0; i < 2; i++) {
		reactor_stop(w->r[i]);
		pthread_join(thread[i], NULL);
	}
	w->tf->ops->destroy(w->tf);
	w->hf->ops->destroy(w->hf);
	for (uint32_t i = 0; i < N_CONNS; i++) {
		free(w->target[i].mem);
		free(w->host[i].mem);
	}
	reactor_destroy(w->r[0]);
	reactor_destroy(w->r[1]);
	reactor_destroy(w->control);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_many_connections) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
