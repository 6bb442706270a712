/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulated fabric itself: what it promises (order, completions, data before messages), and that it sees each
 * thing that its users may not do.
 */
#include "peers.h"

static void test_accept_carries_private_data(void **state)
{
	struct pair p;

	(void)state;
	pair_make(&p, 1, NULL, 4);
	pair_connect(&p);
	assert_string_equal(p.host.priv, "rep");
	pair_free(&p, 0);
	assert_true(p.gw.down && p.gw.cause == FABRIC_DOWN_PEER);
	assert_false(p.host.down); /* who closes is not told */
}

static void test_reject_refuse_timeout(void **state)
{
	struct pair p;

	(void)state;
	pair_make(&p, 2, NULL, 4);
	p.refuse_all = true;
	pair_connect_to(&p, 5555);
	assert_true(p.host.refused && p.host.closed);
	assert_string_equal(p.host.priv, "rej");
	p.refuse_all = false;
	sim_faults(p.w)->refuse_accept_ppm = 1000000;
	pair_connect_to(&p, 5555);
	assert_string_equal(p.host.priv, "acc");
	sim_faults(p.w)->refuse_accept_ppm = 0;
	pair_connect_to(&p, 5556);
	assert_true(p.host.refused && p.host.code == -ECONNREFUSED);
	p.hold_login = true;
	pair_connect_to(&p, 5555);
	assert_false(p.host.refused);
	sim_run_for(p.w, 4 * NS_PER_S);
	assert_true(p.host.refused && p.host.code == -ETIMEDOUT && p.gone);
	p.pending->ops->reject(p.pending, NULL, 0);
	pair_free(&p, 0);
}

/* SENDs and WRITEs of one connection happen in order; the WRITE is placed when the SEND behind it is seen. */
static void test_order_and_placement(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct test_op o[20];
		struct pair p;

		memset(o, 0, sizeof(o));
		pair_make(&p, seed, NULL, 64);
		pair_connect(&p);
		for (uint8_t k = 0; k < 20; k++) {
			p.gw.arena[k] = k + 1;
			op_add(&o[k], &p.gw, FABRIC_WRITE, 0, k, 1, &p.host, 0);
			op_add(&o[k], &p.gw, FABRIC_SEND, 0, k, 1, NULL, 0);
			assert_int_equal(post(&p.gw, &o[k]), 0);
		}
		run(&p);
		assert_int_equal(p.host.n_rx, 20);
		for (uint8_t k = 0; k < 20; k++) {
			assert_true(o[k].done && o[k].status == FABRIC_WC_OK);
			assert_int_equal(p.host.rx_first[k], k + 1);
			assert_true(p.host.seen[k] >= k + 1);
			assert_true(!k || o[k].order == o[k - 1].order + 1);
		}
		pair_free(&p, 0);
	}
}

/* A SEND may overtake a READ before it; FENCE forbids that. Completions keep posting order either way. */
static void test_reads_are_overtaken_unless_fenced(void **state)
{
	bool overtaken[2] = { false, false };

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		bool fenced = seed & 1;
		struct test_op o = { 0 };
		struct pair p;

		pair_make(&p, seed, NULL, 64);
		pair_connect(&p);
		memset(p.host.arena, 7, 100);
		op_add(&o, &p.gw, FABRIC_READ, 0, 100, 100, &p.host, 0);
		op_add(&o, &p.gw, FABRIC_SEND, fenced ? FABRIC_FENCE : 0, 0, 1, NULL, 0);
		assert_int_equal(post(&p.gw, &o), 0);
		while (!p.host.n_rx)
			sim_run_for(p.w, NS_PER_US);
		if (p.gw.arena[100] != 7)
			overtaken[fenced] = true;
		run(&p);
		assert_true(o.done && o.status == FABRIC_WC_OK);
		assert_memory_equal(p.gw.arena + 100, p.host.arena, 100);
		pair_free(&p, 0);
	}
	assert_true(overtaken[0]);
	assert_false(overtaken[1]);
}

static void test_rnr_waits_for_a_receive(void **state)
{
	struct test_op o[8];
	struct sim_stats st;
	struct pair p;

	(void)state;
	memset(o, 0, sizeof(o));
	pair_make(&p, 3, NULL, 2);
	p.n_recv = 4;
	pair_connect(&p);
	p.host.keep_rx = true;
	for (int k = 0; k < 8; k++) {
		op_add(&o[k], &p.gw, FABRIC_SEND, 0, 0, 8, NULL, 0);
		assert_int_equal(post(&p.gw, &o[k]), 0);
	}
	run(&p);
	assert_int_equal(p.host.n_rx, 6);
	assert_true(p.host.f->ops->rx_low(p.host.conn));
	sim_stats(p.w, &st);
	assert_true(st.rnr > 0);
	for (uint32_t k = 0; k < 6; k++)
		p.host.f->ops->rx_release(p.host.held[k]);
	run(&p);
	assert_int_equal(p.host.n_rx, 8);
	/* Two are held beyond the end of the connection. */
	user_close(&p.host);
	run(&p);
	assert_true(p.host.closed && p.gw.closed);
	p.host.f->ops->rx_release(p.host.held[6]);
	p.host.f->ops->rx_release(p.host.held[7]);
	pair_free(&p, 0);
}

static void test_send_queue_is_bounded(void **state)
{
	struct fabric_limits limits = { .sq_depth = 4 };
	struct test_op o[3];
	struct pair p;

	(void)state;
	memset(o, 0, sizeof(o));
	pair_make(&p, 4, &limits, 16);
	pair_connect(&p);
	for (int k = 0; k < 3; k++) {
		op_add(&o[k], &p.gw, FABRIC_SEND, 0, 0, 8, NULL, 0);
		op_add(&o[k], &p.gw, FABRIC_SEND, 0, 0, 8, NULL, 0);
	}
	assert_int_equal(post(&p.gw, &o[0]), 0);
	assert_int_equal(post(&p.gw, &o[1]), 0);
	assert_int_equal(p.gw.f->ops->sq_free(p.gw.conn), 0);
	assert_int_equal(post(&p.gw, &o[2]), -EAGAIN);
	run(&p);
	assert_int_equal(p.gw.f->ops->sq_free(p.gw.conn), 4);
	assert_int_equal(post(&p.gw, &o[2]), 0);
	run(&p);
	pair_free(&p, 0);
}

/* Every op is done once, whatever breaks when; nothing moves after closed(). */
static void test_breaks_flush_everything(void **state)
{
	uint32_t n_flushed = 0, n_ok = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct test_op o[12];
		struct pair p;

		memset(o, 0, sizeof(o));
		pair_make(&p, seed, NULL, 64);
		pair_connect(&p);
		if (seed % 3 == 0)
			sim_faults(p.w)->break_ppm = 100000;
		for (int k = 0; k < 12; k++) {
			op_add(&o[k], &p.gw, FABRIC_READ, 0, 4096, 100, &p.host, 0);
			op_add(&o[k], &p.gw, FABRIC_WRITE, 0, 0, 100, &p.host, 0);
			op_add(&o[k], &p.gw, FABRIC_SEND, 0, 0, 100, NULL, 0);
			assert_int_equal(post(&p.gw, &o[k]), 0);
		}
		if (seed % 3 == 1) {
			sim_run_for(p.w, sim_rand_below(p.w, 200000));
			sim_conn_break(sim_rand_below(p.w, 2) ? p.gw.conn : p.host.conn);
			run(&p);
			assert_true(p.host.down && p.gw.down);
		} else if (seed % 3 == 2) {
			sim_run_for(p.w, sim_rand_below(p.w, 200000));
			user_close(sim_rand_below(p.w, 2) ? &p.gw : &p.host);
		}
		run(&p);
		pair_free(&p, 0);
		for (int k = 0; k < 12; k++) {
			assert_true(o[k].done);
			n_ok += o[k].status == FABRIC_WC_OK;
			n_flushed += o[k].status == FABRIC_WC_FLUSHED;
			assert_true(!k || o[k].order == o[k - 1].order + 1);
		}
	}
	assert_true(n_flushed > 100 && n_ok > 100);
}

static void test_device_removal_and_dead_peer(void **state)
{
	struct test_op o = { 0 };
	struct pair p;

	(void)state;
	pair_make(&p, 5, NULL, 4);
	pair_connect(&p);
	sim_fabric_remove_device(p.gw.f);
	run(&p);
	assert_true(p.gw.down && p.gw.cause == FABRIC_DOWN_DEVICE && p.gw.closed);
	assert_true(p.host.down && p.host.cause == FABRIC_DOWN_ERROR);
	pair_connect_to(&p, 5555);
	assert_true(p.host.refused);
	pair_free(&p, 0);

	pair_make(&p, 6, NULL, 4);
	pair_connect(&p);
	sim_fabric_silence(p.host.f);
	sim_run_for(p.w, 10 * NS_PER_S);
	assert_false(p.gw.down); /* nobody notices an idle dead peer */
	op_add(&o, &p.gw, FABRIC_SEND, 0, 0, 8, NULL, 0);
	assert_int_equal(post(&p.gw, &o), 0);
	sim_run_for(p.w, 2 * NS_PER_S);
	assert_true(o.done && o.status == FABRIC_WC_FLUSHED && p.gw.down && p.gw.closed);
	assert_false(p.host.down);
	pair_free(&p, 0);
}

static void test_sees_what_is_forbidden(void **state)
{
	static uint8_t stranger[64];
	struct test_op o[6];
	struct pair p;

	(void)state;
	memset(o, 0, sizeof(o));
	/* RDMA after unexpose. */
	pair_make(&p, 7, NULL, 4);
	pair_connect(&p);
	op_add(&o[0], &p.gw, FABRIC_WRITE, 0, 0, 8, &p.host, 0);
	p.host.f->ops->unexpose(p.host.conn, p.host.x);
	p.host.x = NULL;
	assert_int_equal(post(&p.gw, &o[0]), 0);
	run(&p);
	assert_int_equal(o[0].status, FABRIC_WC_REMOTE_ACCESS);
	assert_true(p.gw.down && p.host.down);
	assert_int_equal(sim_fabric_violations(p.gw.f), 1);
	assert_int_equal(sim_fabric_violations(p.host.f), 0);
	pair_free(&p, 1);

	/* RDMA beyond the end, for READ. */
	pair_make(&p, 8, NULL, 4);
	pair_connect(&p);
	op_add(&o[1], &p.gw, FABRIC_READ, 0, 0, 8, &p.host, ARENA_BYTES - 7);
	assert_int_equal(post(&p.gw, &o[1]), 0);
	run(&p);
	assert_int_equal(o[1].status, FABRIC_WC_REMOTE_ACCESS);
	pair_free(&p, 1);

	/* Memory that changes while it is posted; memory that is not registered; post after close. */
	pair_make(&p, 9, NULL, 4);
	pair_connect(&p);
	op_add(&o[2], &p.gw, FABRIC_SEND, 0, 0, 8, NULL, 0);
	assert_int_equal(post(&p.gw, &o[2]), 0);
	p.gw.arena[3]++;
	run(&p);
	assert_int_equal(sim_fabric_violations(p.gw.f), 1);
	op_add(&o[3], &p.gw, FABRIC_SEND, 0, 0, 8, NULL, 0);
	o[3].seg[0].addr = stranger;
	assert_int_equal(post(&p.gw, &o[3]), -EINVAL);
	assert_int_equal(sim_fabric_violations(p.gw.f), 2);
	op_add(&o[4], &p.gw, FABRIC_SEND, 0, 0, 8, NULL, 0);
	o[4].op.n_wr = 2;
	assert_int_equal(post(&p.gw, &o[4]), -EINVAL);
	assert_int_equal(sim_fabric_violations(p.gw.f), 3);
	user_close(&p.gw);
	op_add(&o[5], &p.gw, FABRIC_SEND, 0, 0, 8, NULL, 0);
	assert_int_equal(post(&p.gw, &o[5]), -ENOTCONN);
	p.gw.f->ops->close(p.gw.conn);
	assert_int_equal(sim_fabric_violations(p.gw.f), 5);
	pair_free(&p, 5);
}

static uint64_t fingerprint(uint64_t seed)
{
	struct test_op o[10];
	struct pair p;
	uint64_t h;

	memset(o, 0, sizeof(o));
	pair_make(&p, seed, NULL, 64);
	pair_connect(&p);
	for (int k = 0; k < 10; k++) {
		op_add(&o[k], &p.gw, FABRIC_READ, 0, 512, 64, &p.host, 0);
		op_add(&o[k], &p.gw, FABRIC_SEND, 0, 0, 64, NULL, 0);
		assert_int_equal(post(&p.gw, &o[k]), 0);
	}
	run(&p);
	h = sim_now_ns(p.w) ^ sim_rand(p.w);
	pair_free(&p, 0);
	return h;
}

static void test_same_seed_same_run(void **state)
{
	(void)state;
	assert_true(fingerprint(42) == fingerprint(42));
	assert_true(fingerprint(42) != fingerprint(43));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept_carries_private_data),
		cmocka_unit_test(test_reject_refuse_timeout),
		cmocka_unit_test(test_order_and_placement),
		cmocka_unit_test(test_reads_are_overtaken_unless_fenced),
		cmocka_unit_test(test_rnr_waits_for_a_receive),
		cmocka_unit_test(test_send_queue_is_bounded),
		cmocka_unit_test(test_breaks_flush_everything),
		cmocka_unit_test(test_device_removal_and_dead_peer),
		cmocka_unit_test(test_sees_what_is_forbidden),
		cmocka_unit_test(test_same_seed_same_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
