/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fences of some blocks: sessions die all the time and much of what they had lands late, while hosts go on with reads and writes that
 * overlap it, touch its edge or lie elsewhere, mixed with flushes, commands of unknown reach, task attributes and resets. The ledger's rule of
 * the fence, by blocks, is the judge.
 *
 *   FENCE_SEEDS=5000 .../scen_fence     more of them; FENCE_SEED=N that one
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_CLIENTS 2u
#define N_LUNS 1u
#define N_SLOTS 12u
#define N_CMDS 800u
#define MOST_NS (300 * NS_PER_S)
#define SLOT_BYTES (CLIENT_ARENA / N_SLOTS / 4096 * 4096)

struct slot {
	struct client_cmd cmd;
	bool busy, sent_fenced;
};

struct user {
	struct client *c;
	struct slot slot[N_SLOTS];
	struct client_cmd ask[N_LUNS];
	uint8_t function; /* that is asked for, or 0 */
	bool fenced;
};

static struct {
	struct bench b;
	uint64_t seed, rng;
	struct user user[N_CLIENTS];
	uint32_t n_sent;
	bool plain; /* no task attributes, functions or commands of unknown reach */
	uint64_t next_ns, look_ns, fence_to_ns;
} s;

/* All of it is of those that were sent while a fence stood: how many, and how many of them it did not keep. */
static struct {
	uint64_t losses, late, fenced, passed;
} totals;

static uint32_t below(uint32_t n)
{
	uint64_t z = s.rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	z ^= z >> 31;
	return n ? (uint32_t)((z >> 32) * n >> 32) : 0;
}

static uint64_t now_ns(void)
{
	return sim_now_ns(s.b.rig.w);
}

static void bare_done(struct initiator_cmd *c)
{
	((struct client_cmd *)c->ctx)->done = true;
}

static void send_bare(struct user *u, struct client_cmd *cmd, uint32_t lun, uint8_t opcode, uint8_t action, uint32_t data_in_bytes)
{
	*cmd = (struct client_cmd){ .client = u->c };
	cmd->c.lun[1] = (uint8_t)lun;
	cmd->c.cdb[0] = opcode;
	cmd->c.cdb[1] = action;
	cmd->c.dir = data_in_bytes ? INITIATOR_READ : INITIATOR_NONE;
	cmd->c.buf = u->c->arena + (size_t)N_SLOTS * SLOT_BYTES;
	cmd->c.len_bytes = data_in_bytes;
	cmd->c.n_frag = 1;
	cmd->c.channel = UINT32_MAX;
	cmd->c.done = bare_done;
	cmd->c.ctx = cmd;
	initiator_submit(u->c->i, &cmd->c);
}

/* READ CAPACITY(16), until it is answered: a unit attention may come first. */
static void ask_capacity(struct user *u, uint32_t lun)
{
	do {
		send_bare(u, &u->ask[lun], lun, 0x9e, 0x10, 32);
		bench_until(&s.b, 10, u->ask[lun].done);
	} while (u->ask[lun].c.status != 0);
}

static void send_one(struct user *u, uint32_t k)
{
	static const uint8_t asks[] = { 0x00, 0x35, 0x35, 0x5e, 0x42 };
	struct slot *slot = &u->slot[k];
	uint32_t lun = below(N_LUNS), lba = below(3) ? below(40) : below(600), n = 1 + below(below(6) ? 5 : 48);

	slot->busy = true;
	slot->sent_fenced = u->fenced && now_ns() < s.fence_to_ns;
	totals.fenced += slot->sent_fenced;
	s.n_sent++;
	u->c->task_attr = !s.plain && below(100) == 0 ? (uint8_t)(1 + below(2)) : 0;
	if (!s.plain && below(20) == 0)
		send_bare(u, &slot->cmd, lun, asks[below(below(8) ? 4 : 5)], 0, 0);
	else
		client_rw(u->c, &slot->cmd, lun, below(3) > 0, lba, n, 1 + below(3), k * SLOT_BYTES);
}

static void go_on(struct user *u, bool more)
{
	for (uint32_t k = 0; k < N_SLOTS; k++) {
		struct slot *slot = &u->slot[k];

		if (slot->busy && slot->cmd.done) {
			slot->busy = false;
			totals.passed += slot->sent_fenced && slot->cmd.c.code == 0 && slot->cmd.c.status == 0 &&
					 now_ns() < s.fence_to_ns;
		}
		if (more && !slot->busy && s.n_sent < N_CMDS && below(8) == 0)
			send_one(u, k);
	}
	if (u->function && u->c->tmf_told) {
		/* Refused: a host asks for something else then, or again. */
		if (u->c->tmf_rsp == SRP_RSP_CODE_OK)
			u->function = 0;
		else
			client_tmf(u->c, u->function, 0, NULL);
	}
	if (more && !s.plain && !u->function && below(2000) == 0) {
		u->function = below(2) ? SRP_TMF_LUN_RESET : SRP_TMF_ABORT_TASK_SET;
		client_tmf(u->c, u->function, 0, NULL);
	}
}

static bool is_idle(const struct user *u)
{
	for (uint32_t k = 0; k < N_SLOTS; k++)
		if (u->slot[k].busy)
			return false;
	return !u->function;
}

static void lose_sessions(const struct rig_params *p)
{
	sim_backend_down(s.b.rig.backend[0]->target, false);
	totals.losses++;
	for (uint32_t k = 0; k < N_CLIENTS; k++)
		s.user[k].fenced = false;
	/* By then the next one is up; and no fence of this loss ends before that. */
	s.look_ns = now_ns() + p->knobs.detach_ns + 2 * p->retry_ms * NS_PER_MS;
	s.fence_to_ns = now_ns() + p->fence_ms * NS_PER_MS;
	s.next_ns = now_ns() + (s.plain || below(4) ? p->fence_ms + 50 + below(100) : below(p->fence_ms)) * NS_PER_MS;
}

/* Whose logical unit is fenced? */
static void look(void)
{
	const struct core_status *st = rig_status(&s.b.rig);

	s.look_ns = UINT64_MAX;
	for (size_t k = 0; k < st->n_lun; k++)
		for (size_t n = 0; n < st->n_session; n++)
			if (st->session[n].id == st->lun[k].session_id)
				s.user[st->session[n].i_port_id[15] - 1].fenced = st->lun[k].fenced;
}

static void choose(struct rig_params *p)
{
	*p = bench_params();
	p->seed = s.seed;
	p->disks_per_backend = N_LUNS;
	p->fence_ms = 50 + below(200);
	p->hold_ms = p->fence_ms + below(1000);
	p->retry_ms = 2 + below(10);
	p->max_detached = 4 + below(60);
	p->knobs.delay_ns = (200 + below(5000)) * NS_PER_US;
	p->knobs.inside_ppm = below(3) ? 0 : 100000;
	p->knobs.detach_ns = below(10) * NS_PER_MS;
	p->knobs.max_outstanding = below(3) ? 0 : 4 + below(16);
	p->knobs.lost_ppm = below(2) ? 2000 : 0;
	p->knobs.late_ppm = 800000;
	p->knobs.late_ns = p->fence_ms * NS_PER_MS * 9 / 10;
	if (!s.plain) {
		p->knobs.tmf_lost_ppm = below(2) ? 300000 : 0;
		p->knobs.tmf_fail_ppm = below(2) ? 300000 : 0;
	}
	p->delays = (struct sim_delays){ .none_pct = 60, .long_pct = 3, .short_ns = 20 * NS_PER_US, .long_ns = 2 * NS_PER_MS };
}

/* @sized: the hosts ask for the capacity. */
static void run_seed(uint64_t seed, bool plain, bool sized)
{
	struct ledger_stats ls;
	struct rig_params p;
	bool all_idle;

	memset(&s, 0, sizeof(s));
	s.seed = seed;
	s.rng = seed * 0xd1342543de82ef95ull;
	s.plain = plain;
	choose(&p);
	bench_make(&s.b, &p);
	ledger_allow_asc(s.b.rig.ledger, 0x29);
	ledger_allow_asc(s.b.rig.ledger, 0x04);
	if (sized)
		ledger_by_blocks(s.b.rig.ledger);
	s.b.rig.knobs[0].lost_ppm = 0;
	for (uint32_t k = 0; k < N_CLIENTS; k++) {
		s.user[k].c = client_make(&s.b, k);
		assert_int_equal(client_login(s.user[k].c), 0);
		for (uint32_t lun = 0; sized && lun < N_LUNS; lun++)
			ask_capacity(&s.user[k], lun);
	}
	s.b.rig.knobs[0].lost_ppm = p.knobs.lost_ppm;
	s.next_ns = now_ns() + below(100) * NS_PER_MS;
	s.look_ns = UINT64_MAX;
	do {
		sim_run_for(s.b.rig.w, 500 * NS_PER_US);
		/* To the end, because what the device forgot ends with its session. */
		if (now_ns() >= s.next_ns)
			lose_sessions(&p);
		if (now_ns() >= s.look_ns)
			look();
		all_idle = s.n_sent == N_CMDS;
		for (uint32_t k = 0; k < N_CLIENTS; k++) {
			go_on(&s.user[k], s.n_sent < N_CMDS);
			all_idle = all_idle && is_idle(&s.user[k]);
		}
		if (now_ns() > MOST_NS)
			fail_msg("seed %llu: it does not come to its end", (unsigned long long)seed);
	} while (!all_idle);
	s.b.rig.knobs[0].lost_ppm = s.b.rig.knobs[0].tmf_lost_ppm = 0;
	sim_run_for(s.b.rig.w, (p.fence_ms + 1000) * NS_PER_MS);
	for (uint32_t k = 0; k < N_CLIENTS; k++)
		for (uint32_t lun = 0; lun < N_LUNS; lun++)
			client_must_work(s.user[k].c, lun);
	ledger_stats(s.b.rig.ledger, &ls);
	totals.late += ls.late_landings;
	if (ledger_breaches(s.b.rig.ledger))
		printf("seed %llu: %s\n", (unsigned long long)seed, ledger_first_breach(s.b.rig.ledger));
	for (uint32_t k = 0; k < N_CLIENTS; k++)
		client_free(s.user[k].c);
	bench_free(&s.b);
}

static uint64_t env_or(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : fallback;
}

static void run_seeds(bool plain, bool sized)
{
	uint64_t one = env_or("FENCE_SEED", 0), n = env_or("FENCE_SEEDS", 60);

	memset(&totals, 0, sizeof(totals));
	for (uint64_t seed = one ? one : 1; seed <= (one ? one : n); seed++)
		run_seed(seed, plain, sized);
	printf("  %llu lost sessions, %llu late landings; of %llu commands that were sent behind a fence %llu passed it\n",
	       (unsigned long long)totals.losses, (unsigned long long)totals.late, (unsigned long long)totals.fenced,
	       (unsigned long long)totals.passed);
	if (!one)
		assert_true(totals.late > n);
}

/* A wall, where nobody knows what a block is. */
static void test_whole(void **state)
{
	(void)state;
	run_seeds(true, false);
	assert_int_equal(totals.passed, 0);
}

static void test_by_blocks(void **state)
{
	(void)state;
	run_seeds(true, true);
	/* Most of them meet nothing that is fenced. */
	if (!getenv("FENCE_SEED"))
		assert_true(totals.passed > totals.fenced / 2);
}

static void test_everything(void **state)
{
	(void)state;
	run_seeds(false, true);
	if (!getenv("FENCE_SEED"))
		assert_true(totals.passed > totals.fenced / 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_by_blocks),
		cmocka_unit_test(test_everything),
	};

	return cmocka_run_group_tests_name("fence", tests, NULL, NULL);
}
