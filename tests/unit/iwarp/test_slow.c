/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers that begin and do not go on: each is cut off when its time is over, and delays nobody else. */
#include "raw.h"

static struct raw raw; /* large */

struct world {
	struct pair w; /* the innocent connection */
	struct peer t; /* our end of the slow one */
	uint64_t begin_ns;
};

static void setup(struct world *d, const struct iwarp_params *p)
{
	pair_up(&d->w, p, NULL);
	peer_init(&d->t, "target of the raw peer");
	d->t.fabric = d->w.tf;
	d->w.accept_as = &d->t;
	raw_up(&raw, &d->w);
	d->begin_ns = reactor_clock_ns(d->w.r);
}

/* Meanwhile the innocent connection works; @poke is called now and then. */
static void expect_cut_off(struct world *d, uint32_t after_ms, void (*poke)(void))
{
	uint32_t n = d->w.target.n_recv;
	uint64_t ended;

	while (!d->t.down) {
		uint64_t sent = reactor_clock_ns(d->w.r);

		peer_send(&d->w.host, 0, 100);
		n++;
		STEP_UNTIL(d->w.r, d->w.target.n_recv == n);
		assert_true(reactor_clock_ns(d->w.r) - sent < NS_PER_S);
		if (poke)
			poke();
		while (reactor_clock_ns(d->w.r) - sent < 20 * NS_PER_MS)
			reactor_poll(d->w.r, 5);
		assert_true(reactor_clock_ns(d->w.r) - d->begin_ns < 8 * NS_PER_S);
	}
	ended = reactor_clock_ns(d->w.r);
	assert_int_equal(d->t.cause, FABRIC_DOWN_ERROR);
	assert_true(ended - d->begin_ns >= after_ms * NS_PER_MS);
	raw_close(&raw);
	peer_close(&d->t);
	STEP_UNTIL(d->w.r, d->t.closed);
	assert_false(d->w.target.down || d->w.host.down);
	pair_down(&d->w);
	peer_fini(&d->t);
}

static void test_half_frame(void **state)
{
	const struct iwarp_params p = { .frame_timeout_ms = 300 };
	static const size_t cuts[] = { 1, 5, 20, 30, 50 };
	struct ddp_hdr h = raw_send_hdr(1);
	uint8_t bytes[128];
	struct world d;

	(void)state;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		setup(&d, &p);
		assert_int_equal(raw_fpdu_at(bytes, &h, "0123456789012345678901234567", 28, 0), 52);
		raw_write(&raw, bytes, cuts[i]);
		expect_cut_off(&d, 300, NULL);
	}
}

static void test_half_message(void **state)
{
	const struct iwarp_params p = { .frame_timeout_ms = 300 };
	struct ddp_hdr h = raw_send_hdr(1);
	struct world d;

	(void)state;
	setup(&d, &p);
	h.last = false;
	raw_fpdu(&raw, &h, "a part", 6);
	expect_cut_off(&d, 300, NULL);
}

static void poke_byte(void)
{
	raw_write(&raw, "\x40", 1);
}

/* A byte now and then keeps nothing alive. */
static void test_trickle(void **state)
{
	const struct iwarp_params p = { .frame_timeout_ms = 400 };
	struct world d;

	(void)state;
	setup(&d, &p);
	raw_write(&raw, "\x20\x12\x41\x43", 4); /* a Send of 8192 bytes */
	raw_write(&raw, "\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0", 16);
	expect_cut_off(&d, 400, poke_byte);
}

/* An idle connection between messages may stay as long as it likes. */
static void test_idle_is_no_crime(void **state)
{
	const struct iwarp_params p = { .frame_timeout_ms = 100, .send_timeout_ms = 100, .read_timeout_ms = 100 };
	struct pair w;

	(void)state;
	pair_up(&w, &p, &p);
	peer_send(&w.host, 0, 10);
	STEP_UNTIL(w.r, w.target.n_recv == 1);
	for (int i = 0; i < 60; i++)
		reactor_poll(w.r, 10);
	assert_false(w.target.down || w.host.down);
	pair_down(&w);
}

static void again(struct peer *p, struct peer_op *o)
{
	if (o->status == FABRIC_WC_OK && !p->down) {
		o->number = p->n_posted;
		o->busy = true;
		if (p->fabric->ops->post(p->conn, &o->op) == 0)
			p->n_posted++;
		else
			o->busy = false;
	}
}

/* The peer reads nothing: its sends pile up in TCP, then wait, then it is cut off. */
static void test_stops_reading(void **state)
{
	const struct iwarp_params p = { .send_timeout_ms = 400 };
	struct ddp_hdr h = raw_send_hdr(1);
	struct world d;

	(void)state;
	setup(&d, &p);
	raw_fpdu(&raw, &h, "go", 2);
	STEP_UNTIL(d.w.r, d.t.n_recv == 1);
	d.t.on_done = again;
	for (int i = 0; i < 8; i++) {
		struct peer_op *o = peer_op(&d.t);

		peer_rdma(o, FABRIC_WRITE, 0, 1u << 20, 4, NULL, 1);
		assert_int_equal(peer_post(&d.t, o), 0);
	}
	expect_cut_off(&d, 400, NULL);
	assert_true(d.t.n_ok < d.t.n_posted);
}

static void test_does_not_answer_reads(void **state)
{
	const struct iwarp_params p = { .read_timeout_ms = 300 };
	struct ddp_hdr h = raw_send_hdr(1);
	struct peer_op *o;
	struct world d;

	(void)state;
	setup(&d, &p);
	raw_fpdu(&raw, &h, "go", 2);
	STEP_UNTIL(d.w.r, d.t.n_recv == 1);
	o = peer_op(&d.t);
	peer_rdma(o, FABRIC_READ, 0, 100, 1, NULL, 1);
	assert_int_equal(peer_post(&d.t, o), 0);
	expect_cut_off(&d, 300, NULL);
	assert_int_equal(o->status, FABRIC_WC_FLUSHED);
}

/* close() is bounded, whatever the peer does. */
static void test_close_with_a_dead_peer(void **state)
{
	struct ddp_hdr h = raw_send_hdr(1);
	struct pair w;
	uint64_t begin;

	(void)state;
	pair_init(&w, NULL, NULL);
	raw_up(&raw, &w);
	raw_fpdu(&raw, &h, "go", 2);
	STEP_UNTIL(w.r, w.target.n_recv == 1);
	for (int i = 0; i < 16; i++) {
		struct peer_op *o = peer_op(&w.target);

		peer_rdma(o, FABRIC_WRITE, 0, 1u << 20, 1, NULL, 1);
		assert_int_equal(peer_post(&w.target, o), 0);
	}
	begin = reactor_clock_ns(w.r);
	peer_close(&w.target);
	STEP_UNTIL(w.r, w.target.closed);
	assert_true(reactor_clock_ns(w.r) - begin < 2 * NS_PER_S);
	assert_true(w.target.n_ok < 16);
	raw_close(&raw);
	pair_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_frame),	      cmocka_unit_test(test_half_message),
		cmocka_unit_test(test_trickle),		      cmocka_unit_test(test_idle_is_no_crime),
		cmocka_unit_test(test_stops_reading),	      cmocka_unit_test(test_does_not_answer_reads),
		cmocka_unit_test(test_close_with_a_dead_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
