/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Task attributes through the whole gateway: the ledger's rules of order are judged first, then hosts work with ORDERED and HEAD OF QUEUE
 * commands over back-ends that delay, lose and return them.
 */
#include "bench.h"

/* ---- the judge ---- */

static struct ledger *l;
static const struct cmd_answer good = { .status = 0 };

static int judge_setup(void **state)
{
	(void)state;
	log_init("ledger", LOG_LEVEL_ERROR, false);
	l = ledger_create();
	return 0;
}

static int judge_teardown(void **state)
{
	(void)state;
	ledger_free(l);
	return 0;
}

static uint32_t sent(uint64_t queue, uint8_t attr)
{
	uint32_t id = ledger_send(l, 1, 2, true, 0, 4);

	ledger_order(l, id, queue, attr);
	return id;
}

static void begin(uint32_t id, uint64_t n_breaches)
{
	ledger_deliver(l, id, 2, true, 0, 4);
	assert_int_equal(ledger_breaches(l), n_breaches);
	if (n_breaches)
		assert_non_null(strstr(ledger_first_breach(l), "order: "));
}

static void answered(uint32_t id)
{
	ledger_land(l, id);
	ledger_answer(l, id, LEDGER_ANSWERED, &good);
}

enum { S = 0, H = 1, O = 2 };

static void judge_allows_what_is_right(void **state)
{
	uint32_t a = sent(7, S), b = sent(7, S), o = sent(7, O), h = sent(7, H), c = sent(7, S), other = sent(8, O);

	(void)state;
	begin(other, 0);
	begin(b, 0);
	begin(h, 0);
	begin(a, 0);
	answered(a);
	answered(b);
	answered(h);
	begin(o, 0);
	ledger_answer(l, o, LEDGER_NEVER, &good);
	begin(o, 0);
	answered(o);
	begin(c, 0);
}

static void judge_sees_an_early_ordered_one(void **state)
{
	uint32_t a = sent(7, S), o = sent(7, O);

	(void)state;
	begin(a, 0);
	begin(o, 1);
}

static void judge_sees_what_passes_an_ordered_one(void **state)
{
	uint32_t o = sent(7, O), a = sent(7, S);

	(void)state;
	begin(o, 0);
	begin(a, 1);
}

static void judge_sees_an_overtaken_one(void **state)
{
	uint32_t a = sent(7, S), o = sent(7, O);

	(void)state;
	begin(o, 0);
	answered(o);
	begin(a, 1);
}

static void judge_sees_what_does_not_wait_for_the_head(void **state)
{
	uint32_t h = sent(7, H), a = sent(7, S);

	(void)state;
	begin(h, 0);
	begin(a, 1);
}

/* ---- hosts ---- */

static struct bench bench;

#define N_CMDS 14u

/* Commands of all attributes in one burst, for many fates of theirs; each must end with GOOD and in its order. */
static void burst(uint64_t seed, uint32_t n_channels, uint32_t down_every)
{
	struct rig_params p = bench_params();
	struct client_cmd cmd[N_CMDS];
	struct client *c;

	p.seed = seed;
	p.hold_ms = 60000;
	p.retry_ms = 10;
	p.map.req_lim = 20;
	p.knobs.delay_ns = 300 * NS_PER_US;
	p.knobs.long_ppm = 50000;
	p.knobs.inside_ppm = seed % 3 ? 0 : 200000;
	p.knobs.max_outstanding = seed % 4 ? 0 : 3;
	p.delays = (struct sim_delays){ .none_pct = 60, .short_ns = 30 * NS_PER_US, .long_ns = 2 * NS_PER_MS, .long_pct = 5 };
	bench_make(&bench, &p);
	c = client_make(&bench, 0);
	c->p.n_channels = n_channels;
	if (down_every)
		ledger_allow_asc(bench.rig.ledger, 0x29);
	assert_int_equal(client_login(c), 0);
	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t k = 0; k < N_CMDS; k++) {
			uint32_t die = (uint32_t)(seed * 31 + round * 17 + k * 7) % 10;

			c->task_attr = die < 6 ? S : die < 8 ? O : H;
			/* Without data some, so that they reach the back-end without a detour. */
			client_rw(c, &cmd[k], k % 5 == 4, die & 1, k * 64, die % 4 ? 1 + die * 3 : 0, 1, k * 32768);
		}
		if (down_every && round % down_every == 0) {
			sim_run_for(bench.rig.w, (seed % 7) * 100 * NS_PER_US);
			sim_backend_down(bench.rig.backend[0]->target, false);
		}
		for (uint32_t k = 0; k < N_CMDS; k++) {
			bench_until(&bench, 30, cmd[k].done);
			assert_int_equal(cmd[k].c.code, 0);
			assert_true(cmd[k].c.status == 0 ||
				    (down_every && (cmd[k].c.status == SCSI_BUSY || client_was_reset(&cmd[k]))));
		}
	}
	client_free(c);
	bench_free(&bench);
}

static void test_order_on_one_channel(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++)
		burst(seed, 1, 0);
}

static void test_order_on_many_channels(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++)
		burst(seed, 3, 0);
}

/* The session is lost in the middle: what never left the bridge comes back into its old order. */
static void test_order_over_lost_sessions(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++)
		burst(seed, 1 + seed % 2, 1 + seed % 2);
}

/* What ORDERED commands wait for never ends: their host frees itself by a reset, and other hosts do not notice. */
static void test_reset_frees_a_set(void **state)
{
	struct rig_params p = bench_params();
	struct client *a, *b;
	struct client_cmd cmd[8];

	(void)state;
	bench_make(&bench, &p);
	a = client_make(&bench, 0);
	b = client_make(&bench, 1);
	assert_int_equal(client_login(a), 0);
	assert_int_equal(client_login(b), 0);
	for (uint32_t round = 0; round < 3; round++) {
		bench.rig.knobs[0].lost_ppm = 1000000;
		a->task_attr = S;
		client_rw(a, &cmd[0], 0, true, 0, 8, 1, 0);
		sim_run_for(bench.rig.w, 10 * NS_PER_MS);
		bench.rig.knobs[0].lost_ppm = 0;
		for (uint32_t k = 1; k < 8; k++) {
			a->task_attr = k % 2 ? O : S;
			client_rw(a, &cmd[k], 0, true, k * 8, 8, 1, k * 4096);
		}
		sim_run_for(bench.rig.w, 100 * NS_PER_MS);
		for (uint32_t k = 1; k < 8; k++)
			assert_false(cmd[k].done);
		client_must_work(b, 0);
		client_tmf(a, round == 0 ? SRP_TMF_ABORT_TASK : round == 1 ? SRP_TMF_ABORT_TASK_SET : SRP_TMF_LUN_RESET, 0,
			   round == 0 ? &cmd[0] : NULL);
		bench_until(&bench, 5, a->tmf_told);
		assert_int_equal(a->tmf_rsp, SRP_RSP_CODE_OK);
		for (uint32_t k = 0; k < 8; k++) {
			bench_until(&bench, 5, cmd[k].done);
			assert_int_equal(cmd[k].c.code, round == 0 && k ? 0 : -ECANCELED);
		}
		client_must_work(a, 0);
	}
	client_free(b);
	client_free(a);
	bench_free(&bench);
}

int main(void)
{
#define JUDGE(f) cmocka_unit_test_setup_teardown(f, judge_setup, judge_teardown)
	const struct CMUnitTest tests[] = {
		JUDGE(judge_allows_what_is_right),
		JUDGE(judge_sees_an_early_ordered_one),
		JUDGE(judge_sees_what_passes_an_ordered_one),
		JUDGE(judge_sees_an_overtaken_one),
		JUDGE(judge_sees_what_does_not_wait_for_the_head),
		cmocka_unit_test(test_order_on_one_channel),
		cmocka_unit_test(test_order_on_many_channels),
		cmocka_unit_test(test_order_over_lost_sessions),
		cmocka_unit_test(test_reset_frees_a_set),
	};

	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
