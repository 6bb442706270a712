/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random outages under load: sessions that die, attempts that fail, back-ends that fall silent and come back or not, moves; by each
 * policy. The ledger sees that no old write lands after a newer one and that nobody is told what did not happen; here it is seen that
 * every command is answered in bounded time, that a logout's flush never waits longer than it should, that hosts of the other
 * back-end do not notice, and that all works at the end. OUTAGE_SEED=N runs one seed alone, OUTAGE_SEEDS=N so many.
 */
#include "bench.h"

#include "../../gateway/core/outage.h"
#include "../../gateway/core/path.h"

#include <stdio.h>
#include <stdlib.h>

#define N_CLIENTS 2u /* and the bystander */
#define DEPTH 6u
#define N_CMDS 700u
#define STEP_NS (2 * NS_PER_MS)
#define FLUSH_SLACK_MS (OUTAGE_SILENT_MS + 400u) /* a silence that nobody has told yet; it may be among the last that the back-end did, slowly */

enum kind { KIND_NONE, KIND_READ, KIND_WRITE, KIND_FLUSH, KIND_ASK };

struct slot {
	struct client_cmd cmd;
	enum kind kind;
	uint64_t sent_ns;
};

struct user {
	struct client *c;
	uint32_t number, first_lun, n_luns;
	struct slot slot[DEPTH];
};

enum trouble {
	TROUBLE_NONE,
	TROUBLE_DOWN,
	TROUBLE_REFUSED,    /* down, and no attempt begins */
	TROUBLE_FAILS,	    /* down, and attempts fail after a while */
	TROUBLE_FROZEN,	    /* silent, and comes back by itself */
	TROUBLE_FROZEN_DOWN, /* silent, and the session dies of it */
	TROUBLE_RUMOUR,	    /* silent, says the bridge, but the back-end answers */
	TROUBLE_MOVE,
	N_TROUBLES
};

static struct {
	struct bench b;
	struct user user[N_CLIENTS + 1];
	uint64_t rng, seed;
	uint32_t n_sent;
	uint32_t blind; /* rounds: a login took its time: nobody saw when other commands ended */
	uint64_t burst_ns;
	/* the trouble that there is */
	enum trouble trouble;
	bool told;
	uint64_t began_ns, ends_ns, next_ns, dies_ns;
	uint32_t n_troubles[N_TROUBLES], n_answers[256], n_disconnects, n_refused;
} s;

static uint64_t totals[5]; /* commands, GOOD, outages, disconnects, late landings */

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

#define check(cond, ...)                                                                               \
	do {                                                                                           \
		if (!(cond)) {                                                                         \
			printf("seed %llu at %llu ms: ", (unsigned long long)s.seed,                   \
			       (unsigned long long)(now_ns() / NS_PER_MS));                            \
			printf(__VA_ARGS__);                                                           \
			printf("\n");                                                                  \
			fail();                                                                        \
		}                                                                                      \
	} while (0)

/* ---- outages of the first back-end ---- */

static struct srpgw_bridge_target *sick(void)
{
	return s.b.rig.backend[0]->target;
}

static void begin_trouble(void)
{
	struct sim_bridge_knobs *k = &s.b.rig.knobs[0];

	s.trouble = 1 + below(N_TROUBLES - 1);
	s.n_troubles[s.trouble]++;
	s.told = false;
	s.began_ns = now_ns();
	s.ends_ns = s.began_ns + below(below(3) ? 3000 : 9000) * NS_PER_MS;
	s.dies_ns = s.began_ns + below(6000) * NS_PER_MS;
	trace("trouble %d for %llu ms", s.trouble, (unsigned long long)((s.ends_ns - s.began_ns) / NS_PER_MS));
	switch (s.trouble) {
	case TROUBLE_REFUSED:
		k->attach_fail_ppm = 1000000;
		sim_backend_down(sick(), false);
		break;
	case TROUBLE_FAILS:
		k->attach_down_ppm = 1000000;
		sim_backend_down(sick(), false);
		break;
	case TROUBLE_DOWN:
		sim_backend_down(sick(), false);
		s.ends_ns = s.began_ns;
		break;
	case TROUBLE_MOVE:
		sim_backend_say(sick(), SRPGW_PATH_MOVE);
		s.ends_ns = s.began_ns;
		break;
	case TROUBLE_RUMOUR:
		sim_backend_say(sick(), SRPGW_PATH_SILENT);
		s.told = true;
		break;
	default:
		sim_backend_freeze(sick(), true);
	}
}

static void end_trouble(void)
{
	struct sim_bridge_knobs *k = &s.b.rig.knobs[0];

	k->attach_fail_ppm = k->attach_down_ppm = 0;
	sim_backend_freeze(sick(), false);
	if (s.told)
		sim_backend_say(sick(), SRPGW_PATH_HEARD);
	trace("trouble %d is over", s.trouble);
	s.trouble = TROUBLE_NONE;
	s.next_ns = now_ns() + below(1500) * NS_PER_MS;
}

/* A bridge says after two seconds that it hears nothing, whatever becomes of it. */
static void go_on(void)
{
	bool frozen = s.trouble == TROUBLE_FROZEN || s.trouble == TROUBLE_FROZEN_DOWN;

	if (frozen && !s.told && now_ns() >= s.began_ns + OUTAGE_SILENT_MS * NS_PER_MS) {
		s.told = true;
		sim_backend_say(sick(), SRPGW_PATH_SILENT);
	}
	if (s.trouble == TROUBLE_FROZEN_DOWN && s.dies_ns && now_ns() >= s.dies_ns) {
		s.dies_ns = 0;
		sim_backend_down(sick(), false);
	}
	if (s.trouble != TROUBLE_NONE && now_ns() >= s.ends_ns)
		end_trouble();
	else if (s.trouble == TROUBLE_NONE && now_ns() >= s.next_ns)
		begin_trouble();
}

/* ---- load ---- */

static void bare_done(struct initiator_cmd *c)
{
	((struct client_cmd *)c->ctx)->done = true;
}

static void send_bare(struct user *u, struct client_cmd *cmd, uint32_t lun, uint8_t opcode)
{
	*cmd = (struct client_cmd){ .client = u->c };
	cmd->c.lun[1] = (uint8_t)lun;
	cmd->c.cdb[0] = opcode;
	cmd->c.dir = INITIATOR_NONE;
	cmd->c.channel = UINT32_MAX;
	cmd->c.done = bare_done;
	cmd->c.ctx = cmd;
	initiator_submit(u->c->i, &cmd->c);
}

static void send_one(struct user *u, uint32_t k)
{
	struct slot *slot = &u->slot[k];
	uint32_t lun = u->first_lun + 2 * below(u->n_luns), die = below(20);

	slot->sent_ns = now_ns();
	slot->kind = die < 9 ? KIND_READ : die < 16 ? KIND_WRITE : die < 18 ? KIND_FLUSH : KIND_ASK;
	if (slot->kind == KIND_FLUSH)
		send_bare(u, &slot->cmd, lun, 0x35);
	else if (slot->kind == KIND_ASK)
		send_bare(u, &slot->cmd, lun, 0x00);
	else
		client_rw(u->c, &slot->cmd, lun, slot->kind == KIND_WRITE, below(24), 1 + below(below(4) ? 4 : 64), 1 + below(3),
			  k * 65536);
	s.n_sent++;
}

/* Longer nobody may wait, see outage.h: at a silent back-end, then here, then perhaps there once more, or in a move. */
static uint64_t most_ns(const struct user *u, enum kind kind)
{
	uint32_t hold_ms = s.b.rig.backend[0]->hold_ms,
		 silent_ms = hold_ms > OUTAGE_SILENT_MOST_MS ? hold_ms : OUTAGE_SILENT_MOST_MS;

	if (u->number == N_CLIENTS)
		return 300 * NS_PER_MS;
	if (kind == KIND_FLUSH)
		return (OUTAGE_FLUSH_MS + FLUSH_SLACK_MS) * NS_PER_MS;
	return (2 * (silent_ms + 500) + hold_ms + MOVE_MOST_MS) * NS_PER_MS;
}

static bool may_be_told(const struct user *u, const struct slot *slot)
{
	const struct initiator_cmd *c = &slot->cmd.c;
	bool not_ready = c->status == SCSI_CHECK_CONDITION && c->sense_len >= 14 && c->sense[12] == 0x04;

	if (c->status == SCSI_GOOD)
		return true;
	if (u->number == N_CLIENTS)
		return false;
	if (client_was_reset(&slot->cmd))
		return slot->kind != KIND_NONE;
	if (c->status == SCSI_BUSY)
		return slot->kind != KIND_FLUSH;
	if (!not_ready)
		return false;
	if (c->sense[13] == 0x01)
		return slot->kind == KIND_FLUSH;
	return c->sense[13] == 0x0c && (slot->kind == KIND_ASK || s.b.rig.backend[0]->after_hold == AFTER_HOLD_FAIL);
}

static void look_at(struct user *u, struct slot *slot)
{
	uint64_t took_ns = now_ns() - slot->sent_ns;

	check(took_ns <= most_ns(u, slot->kind) + STEP_NS || (s.blind > 0 && slot->cmd.done), "client %u has waited %llu ms for a command of kind %d", u->number,
	      (unsigned long long)(took_ns / NS_PER_MS), slot->kind);
	if (!slot->cmd.done)
		return;
	if (slot->cmd.c.code == 0) {
		s.n_answers[slot->cmd.c.status]++;
		check(may_be_told(u, slot), "client %u got status %02x, sense %02x/%02x for a command of kind %d", u->number,
		      slot->cmd.c.status, slot->cmd.c.sense[12], slot->cmd.c.sense[13], slot->kind);
	}
	slot->kind = KIND_NONE;
}

static bool is_idle(const struct user *u)
{
	for (uint32_t k = 0; k < DEPTH; k++)
		if (u->slot[k].kind != KIND_NONE)
			return false;
	return true;
}

static void log_in(struct user *u)
{
	s.blind = 2; /* this round and the next */
	for (;;) {
		u->c = client_make(&s.b, u->number);
		if (client_login(u->c) == 0)
			return;
		check(u->c->reject == SRP_REJ_INSUFFICIENT_RESOURCES, "a login was refused with %08x: %s", u->c->reject, u->c->why);
		s.n_refused++;
		client_free(u->c);
		go_on();
	}
}

/* Its channel went: by the policy, or never. */
static void come_back(struct user *u)
{
	check(s.b.rig.backend[0]->after_hold == AFTER_HOLD_DISCONNECT && u->number < N_CLIENTS, "client %u was disconnected", u->number);
	s.n_disconnects++;
	client_free(u->c);
	log_in(u);
}

/* Bursts, so that there is much under way, and pauses, so that there is time for outages. */
static bool is_eager(void)
{
	if (below(4000) == 0)
		s.burst_ns = now_ns() + below(40) * NS_PER_MS;
	return now_ns() < s.burst_ns ? below(3) == 0 : below(700) == 0;
}

static void step(struct user *u, bool refill)
{
	for (uint32_t k = 0; k < DEPTH; k++) {
		if (u->slot[k].kind != KIND_NONE)
			look_at(u, &u->slot[k]);
		else if (refill && !u->c->lost && is_eager())
			send_one(u, k);
	}
	if (u->c->lost && is_idle(u))
		come_back(u);
}

static void choose(struct rig_params *p)
{
	*p = bench_params();
	p->seed = s.seed;
	p->n_backends = 2;
	p->disks_per_backend = 2;
	/* Small, so that who waits for the sick back-end could be in the way of others. */
	p->core = (struct core_params){ .pool_bytes = 2u << 20, .max_tasks = 96, .max_ios = 64 };
	p->hold_ms = 100 + below(4000);
	p->retry_ms = 5 + below(200);
	p->fence_ms = below(3) ? 10 + below(1500) : 0;
	p->max_detached = 4 + below(60);
	p->map.nexus_linger_ms = below(2) ? below(3000) : 0;
	/* Slow enough, in half of them, that much is at the device when the session dies. */
	p->knobs.delay_ns = below(2) ? below(400) * NS_PER_US : below(20) * NS_PER_MS;
	p->knobs.long_ppm = p->knobs.delay_ns < NS_PER_MS ? 10000 : 0;
	p->knobs.inside_ppm = below(3) ? 0 : 300000;
	p->knobs.detach_ns = below(300) * NS_PER_MS;
	p->knobs.max_outstanding = below(2) ? 1 + below(16) : 0;
	p->knobs.late_ppm = p->fence_ms ? 700000 : 0;
	p->knobs.late_ns = p->fence_ms * NS_PER_MS * 9 / 10;
	p->delays = (struct sim_delays){ .none_pct = 60, .long_pct = 3, .short_ns = 20 * NS_PER_US, .long_ns = 2 * NS_PER_MS };
}

static void run_seed(uint64_t seed, enum after_hold policy)
{
	struct ledger_stats ls;
	struct rig_params p;

	memset(&s, 0, sizeof(s));
	s.seed = seed;
	s.rng = seed * 0xd1342543de82ef95ull + policy;
	choose(&p);
	bench_make(&s.b, &p);
	s.b.rig.backend[0]->after_hold = policy;
	/* The other one is well. */
	s.b.rig.knobs[1] = (struct sim_bridge_knobs){ .delay_ns = 50 * NS_PER_US };
	ledger_allow_asc(s.b.rig.ledger, 0x04);
	ledger_allow_asc(s.b.rig.ledger, 0x29);
	for (uint32_t k = 0; k <= N_CLIENTS; k++) {
		struct user *u = &s.user[k];

		*u = (struct user){ .number = k, .first_lun = k == N_CLIENTS, .n_luns = k == N_CLIENTS ? 1 : 2 };
		log_in(u);
	}
	s.burst_ns = now_ns() + 20 * NS_PER_MS;
	s.next_ns = now_ns() + below(500) * NS_PER_MS;
	while (s.n_sent < N_CMDS) {
		sim_run_for(s.b.rig.w, STEP_NS);
		go_on();
		for (uint32_t k = 0; k <= N_CLIENTS; k++)
			step(&s.user[k], true);
		s.blind -= s.blind > 0;
	}
	if (s.trouble != TROUBLE_NONE)
		end_trouble();
	for (uint32_t k = 0; k <= N_CLIENTS; k++) {
		while (!is_idle(&s.user[k]) || s.user[k].c->lost) {
			sim_run_for(s.b.rig.w, STEP_NS);
			for (uint32_t j = 0; j <= N_CLIENTS; j++)
				step(&s.user[j], false);
		}
	}
	/* Fences and pauses between attempts end; then all works. */
	sim_run_for(s.b.rig.w, (p.fence_ms + 8 * p.retry_ms + 1000) * NS_PER_MS);
	for (uint32_t k = 0; k <= N_CLIENTS; k++)
		for (uint32_t n = 0; n < s.user[k].n_luns; n++)
			client_must_work(s.user[k].c, s.user[k].first_lun + 2 * n);
	ledger_stats(s.b.rig.ledger, &ls);
	totals[0] += s.n_sent;
	totals[1] += s.n_answers[SCSI_GOOD];
	for (uint32_t k = 1; k < N_TROUBLES; k++)
		totals[2] += s.n_troubles[k];
	totals[3] += s.n_disconnects;
	totals[4] += ls.late_landings;
	for (uint32_t k = 0; k <= N_CLIENTS; k++)
		client_free(s.user[k].c);
	bench_free(&s.b);
}

static uint64_t env_or(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : fallback;
}

static void run_seeds(enum after_hold policy)
{
	uint64_t one = env_or("OUTAGE_SEED", 0), n = env_or("OUTAGE_SEEDS", 100);

	memset(totals, 0, sizeof(totals));
	for (uint64_t seed = one ? one : 1; seed <= (one ? one : n); seed++)
		run_seed(seed, policy);
	printf("  %llu commands (%llu GOOD), %llu outages, %llu disconnects, %llu late landings\n", (unsigned long long)totals[0],
	       (unsigned long long)totals[1], (unsigned long long)totals[2], (unsigned long long)totals[3],
	       (unsigned long long)totals[4]);
}

static void test_busy(void **state)
{
	(void)state;
	run_seeds(AFTER_HOLD_BUSY);
}

static void test_fail(void **state)
{
	(void)state;
	run_seeds(AFTER_HOLD_FAIL);
}

static void test_disconnect(void **state)
{
	(void)state;
	run_seeds(AFTER_HOLD_DISCONNECT);
	if (!getenv("OUTAGE_SEED"))
		assert_true(totals[3] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_fail),
		cmocka_unit_test(test_disconnect),
	};

	return cmocka_run_group_tests_name("outage", tests, NULL, NULL);
}
