/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Multipath over two nexuses of one host: what the lost one left at the back-end may not land after the host has written through the other,
 * however long the lost one lingers. The ledger knows both nexuses as one host; its rule of the fence is the judge.
 */
#include "bench.h"

static struct bench bench;

/* Half of a Linux host's fast_io_fail_tmo: then it goes to the other path. */
#define FAILOVER_NS (15 * NS_PER_S / 2)

static struct client *login_at(uint32_t target)
{
	struct client *c = client_make(&bench, 0);

	rig_t_port_id(target, c->p.t_port_id);
	assert_int_equal(client_login(c), 0);
	return c;
}

/* Return: did the write land at all? */
static bool fail_over(uint64_t seed, uint32_t linger_ms)
{
	struct rig_params p = bench_params();
	struct client *lost, *other;
	struct client_cmd w;
	struct ledger_stats ls;

	p.seed = seed;
	p.n_targets = 2;
	p.fence_ms = 1000;
	p.map.nexus_linger_ms = linger_ms;
	p.knobs.late_ppm = 1000000;
	p.knobs.late_ns = 900 * NS_PER_MS;
	bench_make(&bench, &p);
	lost = login_at(0);
	other = login_at(1);
	client_must_work(other, 0);
	/* A device that takes up to half a minute, and does not always listen to an abort. */
	bench.rig.knobs[0].delay_ns = 12 * NS_PER_S;
	client_rw(lost, &w, 0, true, 0, 16, 1, 0);
	sim_run_for(bench.rig.w, NS_PER_S / 2);
	bench.rig.knobs[0].delay_ns = 20 * NS_PER_US;
	initiator_raw_drop(lost->i, 0);
	bench_until(&bench, 5, w.done);
	assert_int_equal(w.c.code, -ENOTCONN);
	sim_run_for(bench.rig.w, FAILOVER_NS);
	client_must_work(other, 0);
	sim_run_for(bench.rig.w, 30 * NS_PER_S);
	client_must_work(other, 0);
	/* It lingers all the same, for the host that comes back. */
	if (linger_ms > 45000)
		assert_int_equal(rig_status(&bench.rig)->n_session, 2);
	client_free(lost);
	client_free(other);
	ledger_stats(bench.rig.ledger, &ls);
	bench_free(&bench);
	return ls.late_landings > 0;
}

static void test_lost_nexus_is_bounded(void **state)
{
	uint32_t n_late = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		n_late += fail_over(seed, 60000);
		n_late += fail_over(seed, 0);
	}
	/* Some did land late, and in time. */
	assert_true(n_late > 5);
}

/* The host comes back to the nexus itself: the fence is where it was, and so is the LU. */
static void test_host_returns_to_a_lingering_nexus(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct rig_params p = bench_params();
		struct client *c;
		struct client_cmd w;

		p.seed = seed;
		p.fence_ms = 1000;
		p.hold_ms = 30000;
		p.map.nexus_linger_ms = 60000;
		p.knobs.late_ppm = 1000000;
		p.knobs.late_ns = 900 * NS_PER_MS;
		bench_make(&bench, &p);
		ledger_allow_asc(bench.rig.ledger, 0x29);
		c = login_at(0);
		bench.rig.knobs[0].delay_ns = 12 * NS_PER_S;
		client_rw(c, &w, 0, true, 0, 16, 1, 0);
		sim_run_for(bench.rig.w, NS_PER_S / 2);
		bench.rig.knobs[0].delay_ns = 20 * NS_PER_US;
		initiator_raw_drop(c->i, 0);
		bench_until(&bench, 5, w.done);
		client_free(c);
		sim_run_for(bench.rig.w, seed * 200 * NS_PER_MS);
		c = login_at(0);
		do {
			client_rw(c, &w, 0, true, 0, 16, 1, 0);
			bench_until(&bench, 40, w.done);
			assert_int_equal(w.c.code, 0);
		} while (w.c.status);
		client_must_work(c, 0);
		client_free(c);
		bench_free(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_nexus_is_bounded),
		cmocka_unit_test(test_host_returns_to_a_lingering_nexus),
	};

	return cmocka_run_group_tests_name("linger", tests, NULL, NULL);
}
