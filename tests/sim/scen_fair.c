/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fairness for memory: one large command among many small ones of other hosts is served after a bounded number of them; and what a
 * back-end that does not answer holds cannot make the others stand still for long.
 */
#include "bench.h"

static struct bench bench;

#define N_SMALL 4u  /* hosts */
#define DEPTH 14u   /* of each */
#define SMALL_BLOCKS 64u
#define LARGE_BLOCKS 1024u

struct small {
	struct client_cmd cmd[DEPTH];
	struct client *c;
};

static struct small small[N_SMALL];
static uint64_t n_small_done;

static void submit_small(struct small *s, uint32_t k)
{
	/* Without a number in the ledger, which has an end. */
	initiator_submit(s->c->i, &s->cmd[k].c);
}

static bool refill;

static void small_done(struct initiator_cmd *c)
{
	struct client_cmd *cmd = c->ctx;

	cmd->done = true;
	assert_int_equal(c->code, 0);
	n_small_done += c->status == 0;
	if (refill)
		submit_small(&small[cmd->client->p.i_port_id[15] - 1], (uint32_t)(cmd - small[cmd->client->p.i_port_id[15] - 1].cmd));
}

static void start_small(uint32_t first_lun)
{
	refill = true;
	n_small_done = 0;
	for (uint32_t h = 0; h < N_SMALL; h++) {
		small[h].c = client_make(&bench, h);
		assert_int_equal(client_login(small[h].c), 0);
		for (uint32_t k = 0; k < DEPTH; k++) {
			struct client_cmd *cmd = &small[h].cmd[k];

			*cmd = (struct client_cmd){ .client = small[h].c };
			cmd->c.lun[1] = (uint8_t)(first_lun + h % 2);
			cmd->c.cdb[0] = 0x28;
			cmd->c.cdb[8] = SMALL_BLOCKS;
			cmd->c.len_bytes = SMALL_BLOCKS * BLOCK_BYTES;
			cmd->c.dir = INITIATOR_READ;
			cmd->c.buf = small[h].c->arena + k * cmd->c.len_bytes;
			cmd->c.n_frag = 1;
			cmd->c.channel = UINT32_MAX;
			cmd->c.done = small_done;
			cmd->c.ctx = cmd;
			submit_small(&small[h], k);
		}
	}
}

static void stop_small(void)
{
	refill = false;
	for (uint32_t h = 0; h < N_SMALL; h++)
		bench_until(&bench, 20, client_info(small[h].c).n_outstanding == 0);
	for (uint32_t h = 0; h < N_SMALL; h++)
		client_free(small[h].c);
}

static struct rig_params tight(void)
{
	struct rig_params p = bench_params();

	p.core = (struct core_params){ .pool_bytes = 2u << 20, .max_tasks = 128, .max_ios = 128 };
	p.knobs.delay_ns = 500 * NS_PER_US;
	return p;
}

/* One large command after the other; each is served while the small ones never pause. */
static void test_large_among_small(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct rig_params p = tight();
		struct client *c;

		p.seed = seed;
		bench_make(&bench, &p);
		c = client_make(&bench, N_SMALL);
		assert_int_equal(client_login(c), 0);
		start_small(0);
		bench_until(&bench, 20, n_small_done > 1000);
		for (uint32_t k = 0; k < 5; k++) {
			struct client_cmd large;
			uint64_t before = n_small_done, started_ns = sim_now_ns(bench.rig.w);

			client_rw(c, &large, k % 2, k & 1, 0, LARGE_BLOCKS, 1, 0);
			while (!large.done && n_small_done < before + 20000)
				sim_run_for(bench.rig.w, 20 * NS_PER_US);
			assert_true(large.done);
			assert_int_equal(large.c.status, 0);
			/* 64 that may go before it, all that were under way then, and what goes on beside it. */
			assert_in_range(n_small_done - before, 1, 64 + 2 * N_SMALL * DEPTH + 200);
			assert_true(sim_now_ns(bench.rig.w) - started_ns < NS_PER_S);
		}
		stop_small();
		client_free(c);
		bench_free(&bench);
	}
}

/* A silent back-end holds so much that the large one cannot be served: the small ones go on, after one short pause. */
static void test_silent_backend_stops_nobody(void **state)
{
	struct rig_params p = tight();
	struct client *silent, *c;
	struct client_cmd held[15], large;
	uint64_t before, n_first, n_later;

	(void)state;
	p.n_backends = 2;
	p.disks_per_backend = 1;
	bench_make(&bench, &p);
	silent = client_make(&bench, N_SMALL);
	c = client_make(&bench, N_SMALL + 1);
	assert_int_equal(client_login(silent), 0);
	assert_int_equal(client_login(c), 0);
	bench.rig.knobs[1].lost_ppm = 1000000;
	for (uint32_t k = 0; k < 15; k++)
		client_rw(silent, &held[k], 1, false, 0, 128, 1, k % 8 * 65536);
	sim_run_for(bench.rig.w, 10 * NS_PER_MS);
	bench.rig.knobs[1].lost_ppm = 0;
	start_small(0);
	for (uint32_t h = 0; h < N_SMALL; h++)
		for (uint32_t k = 0; k < DEPTH; k++)
			small[h].cmd[k].c.lun[1] = 0;
	client_rw(c, &large, 0, false, 0, LARGE_BLOCKS, 1, 0);
	before = n_small_done;
	sim_run_for(bench.rig.w, 3 * NS_PER_S);
	assert_false(large.done);
	n_first = n_small_done - before;
	/* From now on the silence is old: nobody waits for what it holds. The one pause before was short. */
	before = n_small_done;
	sim_run_for(bench.rig.w, 3 * NS_PER_S);
	assert_false(large.done);
	n_later = n_small_done - before;
	assert_true(n_first * 100 > n_later * 90);
	/* It answers at last: the large one, too, is served. */
	client_tmf(silent, SRP_TMF_LUN_RESET, 1, NULL);
	bench_until(&bench, 5, silent->tmf_told);
	bench_until(&bench, 30, large.done);
	assert_int_equal(large.c.status, 0);
	stop_small();
	client_free(c);
	client_free(silent);
	bench_free(&bench);
}

/* The one that claims is aborted, or its channel goes: the others go on at once. */
static void test_claim_ends_with_its_command(void **state)
{
	(void)state;
	for (uint32_t how = 0; how < 3; how++) {
		struct rig_params p = tight();
		struct client *c;
		struct client_cmd large;
		uint64_t before;

		bench_make(&bench, &p);
		c = client_make(&bench, N_SMALL);
		assert_int_equal(client_login(c), 0);
		start_small(0);
		bench_until(&bench, 20, n_small_done > 1000);
		/* Commands under way take long, so that the claim stands. */
		client_rw(c, &large, 0, false, 0, LARGE_BLOCKS, 1, 0);
		bench.rig.knobs[0].delay_ns = 80 * NS_PER_MS;
		before = n_small_done;
		bench_until(&bench, 5, n_small_done > before + 70);
		if (how == 0)
			client_tmf(c, SRP_TMF_ABORT_TASK, 0, &large);
		else if (how == 1)
			initiator_raw_drop(c->i, 0);
		bench_until(&bench, 5, large.done);
		bench.rig.knobs[0].delay_ns = 100 * NS_PER_US;
		before = n_small_done;
		bench_until(&bench, 5, n_small_done > before + 1000);
		stop_small();
		client_free(c);
		bench_free(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_among_small),
		cmocka_unit_test(test_silent_backend_stops_nobody),
		cmocka_unit_test(test_claim_ends_with_its_command),
	};

	return cmocka_run_group_tests_name("fairness", tests, NULL, NULL);
}
