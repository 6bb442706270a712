/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queue depths, caps, and back-ends that say TASK SET FULL: what each host gets of what is limited. Judged by counts over virtual
 * time.
 */
#include "load.h"

#include <unistd.h>

static struct bench bench;
static struct load load[6];
static uint32_t n_loads;

static struct rig_params params(uint32_t n_reactors)
{
	struct rig_params p = bench_params();

	p.n_reactors = n_reactors;
	p.map.req_lim = 64;
	p.core = (struct core_params){ .pool_bytes = 32u << 20, .max_tasks = 1024, .max_ios = 512 };
	p.knobs.delay_ns = 200 * NS_PER_US;
	return p;
}

/* One host for each appetite. */
static void start(const struct rig_params *p, uint32_t n, const uint32_t *depth, uint32_t n_luns, uint32_t n_blocks)
{
	bench_make(&bench, p);
	n_loads = n;
	for (uint32_t h = 0; h < n; h++)
		load_start(&load[h], &bench, h, h % n_luns, depth[h], n_blocks);
}

static void run_for(uint64_t ns)
{
	for (uint32_t h = 0; h < n_loads; h++)
		load_reset(&load[h]);
	sim_run_for(bench.rig.w, ns);
}

static void stop(void)
{
	for (uint32_t h = 0; h < n_loads; h++)
		load_stop(&load[h]);
	bench_free(&bench);
}

static uint64_t sum(void)
{
	uint64_t n = 0;

	for (uint32_t h = 0; h < n_loads; h++)
		n += load[h].n_done;
	return n;
}

/* @from .. @to of them have the same, within @percent of their mean. */
static void expect_equal(uint32_t from, uint32_t to, double percent)
{
	double mean = 0;

	for (uint32_t h = from; h < to; h++)
		mean += (double)load[h].n_done / (to - from);
	for (uint32_t h = from; h < to; h++) {
		double off = ((double)load[h].n_done - mean) * 100 / mean;

		if (off > percent || off < -percent)
			fail_msg("host %u did %llu, the mean is %.0f: %.1f %% off", h, (unsigned long long)load[h].n_done, mean, off);
	}
}

static void expect_near(uint64_t is, double should, double percent)
{
	if ((double)is < should * (1 - percent / 100) || (double)is > should * (1 + percent / 100))
		fail_msg("%llu instead of %.0f", (unsigned long long)is, should);
}

static struct sim_backend_stats backend(uint32_t k)
{
	struct sim_backend_stats s;

	sim_backend_stats(bench.rig.backend[k]->target, &s);
	return s;
}

static uint32_t n_shards_used(void)
{
	const struct core_status *st = rig_status(&bench.rig);
	uint32_t mask = 0;

	for (size_t k = 0; k < st->n_session; k++)
		mask |= 1u << st->session[k].reactor;
	return (uint32_t)__builtin_popcount(mask);
}

/* ---- depths ---- */

static void test_backend_depth_is_shared(void **state)
{
	static const uint32_t appetite[] = { 64, 32, 16, 12 };
	struct rig_params p = params(1);

	(void)state;
	p.backend_depth = 8;
	start(&p, 4, appetite, 2, 8);
	run_for(5 * NS_PER_S);
	expect_equal(0, 4, 10);
	assert_int_equal(backend(0).most_inside, 8);
	assert_true(sum() > 10000);
	stop();
}

/* Who wants less than his share gets what he wants, at once; the others have the rest. */
static void test_modest_hosts_do_not_wait(void **state)
{
	static const uint32_t appetite[] = { 1, 64, 64 };
	struct rig_params p = params(1);
	double alone;

	(void)state;
	start(&p, 1, appetite, 1, 8);
	run_for(5 * NS_PER_S);
	alone = (double)load[0].n_done;
	stop();
	p.backend_depth = 9;
	start(&p, 3, appetite, 1, 8);
	run_for(5 * NS_PER_S);
	/* A slot becomes free nine times in the time of one command. */
	assert_true((double)load[0].n_done > alone * 0.75);
	expect_equal(1, 3, 10);
	stop();
}

/* LUN 0 and 1 have a depth each; a third limit is that of the back-end. */
static void test_lun_depth(void **state)
{
	static const uint32_t appetite[] = { 64, 16, 32, 8, 48, 12 };
	struct rig_params p = params(1);

	(void)state;
	p.lun_depth = 3;
	start(&p, 6, appetite, 2, 8);
	run_for(5 * NS_PER_S);
	expect_equal(0, 6, 10);
	assert_int_equal(backend(0).most_inside, 6);
	stop();
	p.backend_depth = 4;
	start(&p, 6, appetite, 2, 8);
	run_for(5 * NS_PER_S);
	assert_int_equal(backend(0).most_inside, 4);
	expect_equal(0, 6, 20);
	stop();
}

/* Hosts on different reactors: no slot of difference more than the reactors are, and nobody starves, whatever the depth is. */
static void test_depth_over_reactors(void **state)
{
	static const uint32_t appetite[] = { 64, 8, 32, 16, 48, 12 }, depth[] = { 12, 6, 2, 1 };

	(void)state;
	for (uint32_t k = 0; k < 4; k++) {
		struct rig_params p = params(3);

		p.backend_depth = depth[k];
		start(&p, 6, appetite, 2, 8);
		assert_true(n_shards_used() > 1);
		run_for(10 * NS_PER_S);
		assert_int_equal(backend(0).most_inside, depth[k]);
		for (uint32_t h = 0; h < 6; h++)
			assert_true(load[h].n_done * 6 * 2 > sum());
		if (depth[k] >= 6)
			expect_equal(0, 6, 25);
		/* All slots are in use all the time, or nearly so: three phases of 100 us each on the average. */
		assert_true(sum() > (uint64_t)(depth[k] * 10 / 300e-6 * 0.8));
		stop();
	}
}

/* A change by reload is felt at once, and the sessions stay. */
static void test_depth_changes(void **state)
{
	static const uint32_t appetite[] = { 32, 32 }, depth[] = { 4, 8, 0, 2, 1, 0 };
	struct rig_params p = params(2);

	(void)state;
	start(&p, 2, appetite, 1, 8);
	for (uint32_t k = 0; k < 6; k++) {
		bench.rig.p.backend_depth = depth[k];
		bench.rig.p.lun_depth = k % 2 ? depth[k] : 0;
		rig_apply(&bench.rig, 2);
		run_for(NS_PER_S);
		/* Three phases of 100 us on the average; without a limit the hosts are the limit. */
		if (depth[k])
			expect_near(sum(), depth[k] / 300e-6, 10);
		else
			assert_true(sum() > 30000);
	}
	assert_int_equal(rig_status(&bench.rig)->session[0].logins_total, 1);
	stop();
}

/* ---- caps ---- */

static void test_iops_of_a_host(void **state)
{
	static const uint32_t appetite[] = { 32, 4 };
	struct rig_params p = params(1);

	(void)state;
	p.host_iops = 777;
	start(&p, 2, appetite, 2, 1);
	/* What was saved. */
	run_for(NS_PER_S);
	run_for(120 * NS_PER_S);
	expect_near(load[0].n_done, 777 * 120, 0.1);
	expect_near(load[1].n_done, 777 * 120, 0.1);
	/* Another rate, the same sessions. */
	bench.rig.p.host_iops = 2000;
	rig_apply(&bench.rig, 2);
	run_for(NS_PER_S);
	run_for(30 * NS_PER_S);
	expect_near(load[0].n_done, 2000 * 30, 0.1);
	assert_int_equal(rig_status(&bench.rig)->session[0].logins_total, 1);
	/* None. */
	bench.rig.p.host_iops = 0;
	rig_apply(&bench.rig, 2);
	run_for(NS_PER_S);
	assert_true(load[0].n_done > 10000);
	stop();
}

static void test_bytes_of_a_host(void **state)
{
	static const uint32_t appetite[] = { 8, 2 };
	struct rig_params p = params(1);

	(void)state;
	p.host_bytes_per_second = 10000000;
	start(&p, 2, appetite, 2, 48);
	run_for(NS_PER_S);
	run_for(60 * NS_PER_S);
	for (uint32_t h = 0; h < 2; h++)
		expect_near(load[h].n_done * 48 * BLOCK_BYTES, 10000000. * 60, 0.1);
	stop();
}

/* A command that is larger than all that can be saved is late, not impossible. */
static void test_large_command_under_a_small_cap(void **state)
{
	struct rig_params p = params(1);
	struct client_cmd cmd[3];
	uint64_t began_ns;
	struct client *c;

	(void)state;
	p.host_bytes_per_second = 100000;
	bench_make(&bench, &p);
	c = client_make(&bench, 0);
	assert_int_equal(client_login(c), 0);
	began_ns = sim_now_ns(bench.rig.w);
	for (uint32_t k = 0; k < 3; k++)
		client_rw(c, &cmd[k], 0, k & 1, 0, 256, 1, k * 256 * BLOCK_BYTES);
	bench_until(&bench, 10, cmd[0].done && cmd[1].done && cmd[2].done);
	/* The third starts when the first two are paid, less what was saved. */
	assert_in_range(sim_now_ns(bench.rig.w) - began_ns, 2500 * NS_PER_MS, 2700 * NS_PER_MS);
	client_free(c);
	bench_free(&bench);
}

/* All hosts of a LUN together, on one reactor or on three; and they share. */
static void test_cap_of_a_lun(void **state)
{
	static const uint32_t appetite[] = { 48, 6, 24, 8, 32, 12 };

	(void)state;
	for (uint32_t n_reactors = 1; n_reactors <= 3; n_reactors += 2) {
		struct rig_params p = params(n_reactors);

		p.lun_iops = 1500;
		start(&p, 6, appetite, 1, 8);
		run_for(NS_PER_S);
		run_for(30 * NS_PER_S);
		expect_near(sum(), 1500 * 30, 0.5);
		expect_equal(0, 6, n_reactors == 1 ? 2 : 10);
		stop();
		p.lun_iops = 0;
		p.lun_bytes_per_second = 8000000;
		start(&p, 6, appetite, 1, 8);
		run_for(NS_PER_S);
		run_for(30 * NS_PER_S);
		expect_near(sum() * 8 * BLOCK_BYTES, 8000000. * 30, 0.5);
		expect_equal(0, 6, n_reactors == 1 ? 2 : 10);
		stop();
	}
}

/* A host that wants less than its part is served as it comes, and the others use what it leaves. */
static void test_cap_is_used_up(void **state)
{
	static const uint32_t appetite[] = { 1, 32, 32 };
	struct rig_params p = params(3);

	(void)state;
	p.lun_iops = 30000;
	start(&p, 3, appetite, 1, 1);
	run_for(NS_PER_S);
	run_for(10 * NS_PER_S);
	expect_near(sum(), 30000 * 10, 1);
	assert_true(load[0].n_done > 1000 * 10);
	stop();
}

/* Everything at once, with aborts of what waits: nothing is left over. */
static void test_all_limits(void **state)
{
	static const uint32_t appetite[] = { 32, 16, 8, 4 };

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct rig_params p = params((uint32_t)seed % 3 + 1);

		p.seed = seed;
		p.backend_depth = 5;
		p.lun_depth = 4;
		p.lun_iops = 8000;
		p.host_iops = 5000;
		p.host_bytes_per_second = 30000000;
		p.max_inflight_bytes = 65536;
		p.knobs.full_ppm = 20000;
		p.knobs.inside_ppm = 100000;
		start(&p, 4, appetite, 2, 8);
		for (uint32_t h = 0; h < 4; h++)
			load[h].may_fail = true;
		run_for(2 * NS_PER_S);
		for (uint32_t h = 0; h < 4; h++)
			assert_true(load[h].n_done > 500);
		for (uint32_t k = 0; k < 20; k++) {
			client_tmf(load[k % 4].c, SRP_TMF_LUN_RESET, k % 2, NULL);
			if (k % 5 == 4)
				sim_backend_down(bench.rig.backend[0]->target, false);
			sim_run_for(bench.rig.w, 20 * NS_PER_MS);
		}
		bench.rig.p.lun_depth = 0;
		rig_apply(&bench.rig, 1);
		rig_apply(&bench.rig, 2);
		run_for(NS_PER_S);
		for (uint32_t h = 0; h < 4; h += 2)
			assert_true(load[h].n_done > 100);
		stop();
	}
}

/*
 * Hosts that need a slot of a LUN and one of the back-end, each of which has one to spare now and then: nobody who is the
 * next one in one line is sent to the end of the other for ever. Time would stand still then, hence the alarm.
 */
static void test_two_lines(void **state)
{
	static const uint32_t appetite[] = { 32, 16, 8, 4, 9, 3 };

	(void)state;
	alarm(300);
	for (uint64_t seed = 1; seed <= 24; seed++) {
		struct rig_params p = params(1);

		p.seed = seed;
		p.backend_depth = 3 + (uint32_t)seed % 3;
		p.lun_depth = p.backend_depth - 1;
		start(&p, 6, appetite, 2, 8);
		for (uint32_t h = 0; h < 6; h++)
			load[h].may_fail = true;
		for (uint32_t k = 0; k < 20; k++) {
			sim_run_for(bench.rig.w, 20 * NS_PER_MS);
			sim_backend_down(bench.rig.backend[0]->target, false);
		}
		run_for(NS_PER_S);
		expect_equal(0, 6, 30);
		stop();
	}
	alarm(0);
}

/* ---- back-ends that refuse ---- */

static void test_refusals_at_random(void **state)
{
	static const uint32_t appetite[] = { 48, 16, 4, 1 };

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct rig_params p = params((uint32_t)seed % 2 ? 1 : 3);

		p.seed = seed;
		p.hold_ms = 20000;
		p.knobs.full_ppm = 200000;
		p.knobs.busy_ppm = 100000;
		start(&p, 4, appetite, 2, 8);
		run_for(20 * NS_PER_S);
		for (uint32_t h = 0; h < 4; h++) {
			assert_int_equal(load[h].n_told_busy, 0);
			/* One command at a time, with a pause now and then, would do some thousands. */
			assert_true(load[h].n_done > 1000);
			assert_true(load[h].longest_ns < 3 * NS_PER_S);
		}
		stop();
	}
}

/* An array with room for 8 commands: a greedy host must leave some of it, on the same reactor or on another one. */
static void test_greedy_host_makes_room(void **state)
{
	static const uint32_t appetite[] = { 64, 1, 2 };

	(void)state;
	for (uint32_t n_reactors = 1; n_reactors <= 3; n_reactors += 2) {
		for (uint32_t room = 1; room <= 8; room *= 8) {
			struct rig_params p = params(n_reactors);

			p.hold_ms = 20000;
			p.knobs.room = room;
			start(&p, 3, appetite, 1, 8);
			run_for(15 * NS_PER_S);
			for (uint32_t h = 0; h < 3; h++) {
				assert_int_equal(load[h].n_told_busy, 0);
				assert_true(load[h].n_done > 100);
				assert_true(load[h].longest_ns < 5 * NS_PER_S);
			}
			assert_true(sum() > 15 * 500);
			stop();
		}
	}
}

/* Strangers fill the array: short of hold_ms nobody hears of it, and it is over soon after they left; later all hosts are told. */
static void test_strangers_fill_the_array(void **state)
{
	static const uint32_t appetite[] = { 16, 4 };
	struct rig_params p = params(1);
	uint64_t refused;

	(void)state;
	p.hold_ms = 5000;
	start(&p, 2, appetite, 2, 8);
	bench.rig.knobs[0].full_ppm = 1000000;
	run_for(3 * NS_PER_S);
	bench.rig.knobs[0].full_ppm = 0;
	refused = rig_status(&bench.rig)->path[0].refused_total;
	/* 10, 20, 40 ... 1000 ms. */
	assert_in_range(refused, 6, 40);
	run_for(2 * NS_PER_S);
	for (uint32_t h = 0; h < 2; h++) {
		assert_int_equal(load[h].n_told_busy, 0);
		assert_true(load[h].n_done > 100);
	}
	bench.rig.knobs[0].busy_ppm = 1000000;
	run_for(NS_PER_S);
	for (uint32_t h = 0; h < 2; h++)
		assert_int_equal(load[h].n_told_busy, 0);
	run_for(7 * NS_PER_S);
	for (uint32_t h = 0; h < 2; h++)
		assert_true(load[h].n_told_busy >= load[h].depth);
	bench.rig.knobs[0].busy_ppm = 0;
	stop();
}

/* A path holds no more memory than it may, but for one command. */
static void test_bytes_in_flight(void **state)
{
	static const uint32_t appetite[] = { 8, 8 };
	struct rig_params p = params(1);
	const struct core_status *st;

	(void)state;
	p.max_inflight_bytes = 150000;
	p.knobs.delay_ns = 10 * NS_PER_MS;
	start(&p, 2, appetite, 2, 64);
	for (uint32_t k = 0; k < 50; k++) {
		sim_run_for(bench.rig.w, NS_PER_MS);
		st = rig_status(&bench.rig);
		for (size_t n = 0; n < st->n_path; n++)
			assert_true(st->path[n].n_outstanding <= 5);
	}
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backend_depth_is_shared),
		cmocka_unit_test(test_modest_hosts_do_not_wait),
		cmocka_unit_test(test_lun_depth),
		cmocka_unit_test(test_depth_over_reactors),
		cmocka_unit_test(test_depth_changes),
		cmocka_unit_test(test_iops_of_a_host),
		cmocka_unit_test(test_bytes_of_a_host),
		cmocka_unit_test(test_large_command_under_a_small_cap),
		cmocka_unit_test(test_cap_of_a_lun),
		cmocka_unit_test(test_cap_is_used_up),
		cmocka_unit_test(test_all_limits),
		cmocka_unit_test(test_two_lines),
		cmocka_unit_test(test_refusals_at_random),
		cmocka_unit_test(test_greedy_host_makes_room),
		cmocka_unit_test(test_strangers_fill_the_array),
		cmocka_unit_test(test_bytes_in_flight),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
