/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Storms of logins: a hundred thousand that are refused, for every reason, and ten thousand that are accepted and end, many of
 * them with commands under way. Afterwards all is as before: memory, connections, receive buffers, exposures, pools, sessions,
 * channels, paths; and who was there all the time did not notice.
 */
#include "bench.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
/* The sanitizer's own count, exact; its header is not installed with every compiler. */
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

#define N_VISITORS 15u /* and the resident: as many hosts as the ledger knows */
#define N_REFUSED 100000u
#define N_ACCEPTED 10000u
#define N_WARM_UP 500u
#define N_CMDS 4u
/* Heaps of timers and the like grow a few times; a leak of the smallest allocation per login would be far more. */
#define SLACK_BYTES 32768u

enum visit { VISIT_NONE, VISIT_LOGIN, VISIT_STAY, VISIT_LEAVING };

struct visitor {
	struct client *c;
	enum visit visit;
	uint32_t number; /* of the login, over all visitors */
	uint32_t n_cmds, n_cut;
	struct initiator_cmd cmd[N_CMDS];
	struct client_cmd write;
	bool busy[N_CMDS];
};

struct storm {
	struct bench b;
	struct client *resident; /* logged in all the time */
	struct visitor v[N_VISITORS];
	uint32_t n_begun, n_done, n_want;
	uint64_t n_in_flight; /* commands that were under way when their session ended */
	bool refused;
};

/* What must be the same before and after. */
struct books {
	uint64_t heap_bytes;
	struct sim_stats sim;
	struct sim_backend_stats backend;
	uint64_t pool_free_bytes;
	uint32_t n_sessions, n_channels, n_free_tasks;
	size_t n_paths;
};

static struct storm storm;

static uint64_t heap_bytes(void)
{
#ifdef __SANITIZE_ADDRESS__
	return __sanitizer_get_current_allocated_bytes();
#else
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
#endif
}

static void take_books(struct books *k)
{
	const struct core_status *st;

	sim_run_idle(storm.b.rig.w, 500 * NS_PER_MS, 20 * NS_PER_S);
	memset(k, 0, sizeof(*k));
	st = rig_status(&storm.b.rig);
	k->n_sessions = st->reactor[0].n_sessions;
	k->n_channels = st->reactor[0].n_channels;
	k->n_free_tasks = st->reactor[0].task_states[TASK_FREE];
	k->pool_free_bytes = st->reactor[0].pool_free_bytes;
	k->n_paths = st->n_path;
	sim_stats(storm.b.rig.w, &k->sim);
	sim_backend_stats(storm.b.rig.backend[0]->target, &k->backend);
	k->heap_bytes = heap_bytes();
}

static void expect_same(const struct books *was, const struct books *is)
{
	assert_int_equal(is->sim.n_links, was->sim.n_links);
	assert_int_equal(is->sim.n_rx_held, was->sim.n_rx_held);
	assert_int_equal(is->sim.n_exposures, was->sim.n_exposures);
	assert_int_equal(is->sim.n_regions, was->sim.n_regions);
	assert_int_equal(is->sim.violations, 0);
	assert_int_equal(is->backend.n_paths, was->backend.n_paths);
	assert_int_equal(is->backend.n_ios, 0);
	assert_int_equal(is->backend.n_tmfs, 0);
	assert_int_equal(is->pool_free_bytes, was->pool_free_bytes);
	assert_int_equal(is->n_sessions, was->n_sessions);
	assert_int_equal(is->n_channels, was->n_channels);
	assert_int_equal(is->n_free_tasks, was->n_free_tasks);
	assert_int_equal(is->n_paths, was->n_paths);
	if (is->heap_bytes > was->heap_bytes + SLACK_BYTES)
		fail_msg("%llu bytes of memory more than before", (unsigned long long)(is->heap_bytes - was->heap_bytes));
}

/* ---- logins that are refused ---- */

struct refusal {
	uint32_t reason;
	void (*spoil)(struct srp_login_req *req);
	size_t len;
};

static void other_target(struct srp_login_req *req)
{
	req->t_port_id[0] = 0x77;
}

static void nothing(struct srp_login_req *req)
{
	(void)req;
}

static void small_units(struct srp_login_req *req)
{
	req->req_it_iu_len = 63;
}

static void large_units(struct srp_login_req *req)
{
	req->req_it_iu_len = 1u << 20;
}

static void no_format(struct srp_login_req *req)
{
	req->buf_fmt = 0x0001;
}

static void reserved_action(struct srp_login_req *req)
{
	req->req_flags = 2;
}

/* The resident's identity, from another address. */
static void thief(struct srp_login_req *req)
{
	memcpy(req->i_port_id, storm.resident->p.i_port_id, sizeof(req->i_port_id));
}

/* It has all its channels. */
static const struct refusal refusals[] = {
	{ SRP_REJ_NO_NEXUS, other_target, 56 },	      { SRP_REJ_NO_DETAIL, nothing, 47 },
	{ SRP_REJ_NO_DETAIL, nothing, 1 },	      { SRP_REJ_NO_DETAIL, small_units, 56 },
	{ SRP_REJ_IT_IU_TOO_LARGE, large_units, 56 }, { SRP_REJ_BUF_FORMAT, no_format, 56 },
	{ SRP_REJ_NO_DETAIL, reserved_action, 56 },   { SRP_REJ_NO_NEXUS, thief, 56 },
};
#define N_REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

static void spoil_login(struct visitor *v)
{
	const struct refusal *r = &refusals[v->number % N_REFUSALS];
	struct srp_login_req req = { .req_it_iu_len = 8260, .buf_fmt = SRP_BUF_DIRECT | SRP_BUF_INDIRECT };
	uint8_t priv[FABRIC_PRIV_MAX];

	memcpy(req.i_port_id, v->c->p.i_port_id, sizeof(req.i_port_id));
	memcpy(req.t_port_id, v->c->p.t_port_id, sizeof(req.t_port_id));
	r->spoil(&req);
	assert_int_equal(srp_login_req_encode(&req, SRP_LOGIN_FORM_RDMA_CM, priv, sizeof(priv)), 56);
	initiator_raw_set_login(v->c->i, priv, r->len);
}

/* ---- a visit ---- */

static void arrive(struct visitor *v)
{
	struct client *c = v->c;
	struct err e = ERR_INIT;

	v->number = storm.n_begun++;
	v->visit = VISIT_LOGIN;
	c->login_told = c->lost = c->out = false;
	c->code = 0;
	c->reject = 0;
	c->p.n_channels = storm.refused ? 1 : 1 + v->number % 3;
	assert_int_equal(initiator_create(&c->p, &c->i, &e), 0);
	if (storm.refused)
		spoil_login(v);
	assert_int_equal(initiator_login(c->i, &e), 0);
}

static void cmd_done(struct initiator_cmd *cmd)
{
	struct visitor *v = cmd->ctx;
	uint32_t k = (uint32_t)(cmd - v->cmd);

	assert_true(v->busy[k]);
	v->busy[k] = false;
	v->n_cut += cmd->code == -ENOTCONN;
	if (cmd->code != -ENOTCONN)
		assert_int_equal(cmd->code, 0);
}

/* Reads, which nobody books; and a write now and then, which the ledger follows to its end. */
static void send_commands(struct visitor *v)
{
	memset(v->cmd, 0, sizeof(v->cmd));
	v->n_cmds = v->number % (N_CMDS + 1);
	for (uint32_t k = 0; k < v->n_cmds; k++) {
		struct initiator_cmd *c = &v->cmd[k];

		c->lun[1] = k % 2;
		c->cdb[0] = 0x88;
		c->cdb[13] = 16;
		c->dir = INITIATOR_READ;
		c->len_bytes = 16 * BLOCK_BYTES;
		c->buf = v->c->arena + (size_t)k * c->len_bytes;
		c->n_frag = 1 + k * 3;
		c->channel = UINT32_MAX;
		c->done = cmd_done;
		c->ctx = v;
		v->busy[k] = true;
		initiator_submit(v->c->i, c);
	}
	v->write.done = true;
	if (v->number % 8 == 0)
		client_rw(v->c, &v->write, 1, true, (v->number / 8) % 32 * 16, 16, 5, 64 << 10);
}

static bool is_busy(const struct visitor *v)
{
	bool busy = !v->write.done;

	for (uint32_t k = 0; k < v->n_cmds; k++)
		busy = busy || v->busy[k];
	return busy;
}

static void logged_out(void *arg)
{
	((struct visitor *)arg)->c->out = true;
}

static void leave(struct visitor *v)
{
	v->visit = VISIT_LEAVING;
	/* A channel breaks, I_LOGOUT, or a plain disconnect. */
	if (v->number % 7 == 3)
		initiator_raw_drop(v->c->i, v->c->p.n_channels - 1);
	initiator_logout(v->c->i, v->number % 2, logged_out, v);
}

static void depart(struct visitor *v)
{
	initiator_destroy(v->c->i);
	v->c->i = NULL;
	v->visit = VISIT_NONE;
	storm.n_done++;
}

static void told(struct visitor *v)
{
	if (storm.refused) {
		assert_int_equal(v->c->code, -ECONNREFUSED);
		assert_int_equal(v->c->reject, refusals[v->number % N_REFUSALS].reason);
		depart(v);
		return;
	}
	assert_int_equal(v->c->code, 0);
	v->n_cut = 0;
	send_commands(v);
	v->visit = VISIT_STAY;
}

static void step(struct visitor *v)
{
	switch (v->visit) {
	case VISIT_NONE:
		if (storm.n_begun < storm.n_want)
			arrive(v);
		break;
	case VISIT_LOGIN:
		if (v->c->login_told)
			told(v);
		break;
	case VISIT_STAY:
		/* Half of them wait for their answers. */
		if (v->number % 4 < 2 || !is_busy(v))
			leave(v);
		break;
	default:
		if (!v->c->out)
			break;
		storm.n_in_flight += v->n_cut;
		depart(v);
	}
}

static void run(bool refused, uint32_t n)
{
	storm.refused = refused;
	storm.n_begun = storm.n_done = 0;
	storm.n_want = n;
	for (uint32_t idle = 0, done = 0; storm.n_done < n; done = storm.n_done) {
		for (uint32_t k = 0; k < N_VISITORS; k++)
			step(&storm.v[k]);
		sim_run_for(storm.b.rig.w, 50 * NS_PER_US);
		idle = storm.n_done == done ? idle + 1 : 0;
		assert_true(idle < 100000);
	}
}

/* ---- the storms ---- */

static int setup(void **state)
{
	struct rig_params p = bench_params();

	(void)state;
	p.core.max_tasks = 512;
	p.knobs.delay_ns = 100 * NS_PER_US;
	p.knobs.detach_ns = 500 * NS_PER_US;
	memset(&storm, 0, sizeof(storm));
	bench_make(&storm.b, &p);
	/* A host that comes back before its old session is detached, and one whose write was cut off. */
	ledger_allow_asc(storm.b.rig.ledger, 0x29);
	storm.resident = client_make(&storm.b, N_VISITORS);
	storm.resident->p.n_channels = 2;
	assert_int_equal(client_login(storm.resident), 0);
	for (uint32_t k = 0; k < N_VISITORS; k++) {
		storm.v[k].c = client_make(&storm.b, k);
		storm.v[k].c->p.queue_size = 8;
		storm.v[k].c->p.max_descs = 16;
		storm.v[k].c->p.register_always = true;
	}
	client_must_work(storm.resident, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	client_must_work(storm.resident, 0);
	assert_false(storm.resident->lost);
	for (uint32_t k = 0; k < N_VISITORS; k++) {
		storm.v[k].c->i = NULL;
		client_free(storm.v[k].c);
	}
	client_free(storm.resident);
	bench_free(&storm.b);
	return 0;
}

static void test_refused_logins(void **state)
{
	struct books before, after;
	const struct core_status *st;
	uint64_t sum = 0;

	(void)state;
	run(true, N_WARM_UP);
	take_books(&before);
	run(true, N_REFUSED);
	take_books(&after);
	expect_same(&before, &after);
	st = rig_status(&storm.b.rig);
	assert_int_equal(st->logins_refused_total, N_REFUSED + N_WARM_UP);
	assert_int_equal(st->logins_accepted_total, 2);
	for (unsigned k = 0; k < 7; k++)
		sum += st->refused_by_reason_total[k];
	assert_int_equal(sum, N_REFUSED + N_WARM_UP);
	print_message("%u logins refused; memory %+lld bytes\n", N_REFUSED,
		      (long long)after.heap_bytes - (long long)before.heap_bytes);
}

static void test_accepted_logins(void **state)
{
	struct books before, after;
	uint64_t begun;

	(void)state;
	run(false, N_WARM_UP);
	take_books(&before);
	begun = rig_status(&storm.b.rig)->logins_accepted_total;
	storm.n_in_flight = 0;
	run(false, N_ACCEPTED);
	take_books(&after);
	expect_same(&before, &after);
	assert_int_equal(rig_status(&storm.b.rig)->logins_refused_total, 0);
	/* One to three channels each. */
	assert_true(storm.b.rig.status->logins_accepted_total - begun >= 2 * (N_ACCEPTED - 3));
	assert_true(storm.n_in_flight > N_ACCEPTED / 4);
	print_message("%u logins accepted, with %llu commands cut off; memory %+lld bytes\n", N_ACCEPTED,
		      (unsigned long long)storm.n_in_flight, (long long)after.heap_bytes - (long long)before.heap_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused_logins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_accepted_logins, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
