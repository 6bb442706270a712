/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration changes while hosts are logged in, what the status says, the host services, and core's own limits.
 */
#include "rig.h"

#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int teardown(void **state)
{
	struct rig *r = *state;

	rig_stop(r);
	assert_int_equal(r->n_released, r->n_maps);
	free(r);
	return 0;
}

/* ---- snapshots ---- */

static void test_same_map_again(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (unsigned i = 0; i < 5; i++) {
		rig_apply(r, rig_map_new(r));
		assert_int_equal(r->n_released, i + 1);
		rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
	}
	assert_int_equal(r->disk[0]->n_attaches, 1);
}

static void test_lun_added(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_map *m = rig_map_new(r);
	struct rig_cmd report = { .dir = RIG_IN, .buf = r->mem, .len = 256, .cdb = { 0xa0, [9] = 255 } };

	rig_lun(7, m->lun[0][4].lun);
	rig_lun(20, m->lun[0][4].backend_lun);
	m->lun[0][4].backend = &r->backend[1];
	m->group[0].n_lun = 5;
	rig_expect_sense(r, c, rig_read(r, c, 7, 0, r->mem, 512), 5, 0x25, 0);
	rig_apply(r, m);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), 6, 0x3f, 0x0e);
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
	rig_expect_sense(r, c, rig_read(r, c, 7, 0, r->mem, 512), 6, 0x3f, 0x0e);
	/* Who asks for the list knows. */
	rig_expect_status(r, c, rig_send_cmd(r, c, &report), SCSI_GOOD);
	assert_int_equal(r->mem[3], 40);
	rig_expect_status(r, c, rig_read(r, c, 3, 0, r->mem, 512), SCSI_GOOD);
	rig_expect_status(r, c, rig_read(r, c, 7, 0, r->mem, 512), SCSI_GOOD);
	assert_int_equal(r->disk[1]->last_lun[1], 20);
}

static void test_request_sense_tells_the_unit_attention(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_map *m = rig_map_new(r);
	struct rig_cmd cmd = { .dir = RIG_IN, .buf = r->mem, .len = 18, .cdb = { 0x03, [4] = 18 } };

	m->group[0].n_lun = 3;
	rig_apply(r, m);
	rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
	assert_int_equal(r->mem[2], 6);
	assert_int_equal(r->mem[12], 0x3f);
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
}

static void test_backend_removed(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_map *m = rig_map_new(r);
	uint64_t tag;

	r->disk[1]->hold = true;
	tag = rig_write(r, c, 2, 0, r->mem, 512);
	m->group[0].n_lun = 2;
	m->map.n_backend = 1;
	rig_apply(r, m);
	/* The command under way is finished; the session and the old map live until then. */
	assert_int_equal(r->n_released, 0);
	assert_int_equal(r->disk[1]->n_paths, 1);
	rig_expect_sense(r, c, rig_read(r, c, 2, 0, r->mem, 512), 5, 0x25, 0);
	fake_answer(fake_first(r->disk[1]));
	rig_expect_status(r, c, tag, SCSI_GOOD);
	rig_run(r);
	assert_int_equal(r->disk[1]->n_paths, 0);
	assert_int_equal(r->n_released, 1);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), 6, 0x3f, 0x0e);
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
}

static void test_lun_goes_and_comes_back(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_map *m = rig_map_new(r);
	struct lu *lu = rig_nexus(r)->lu[3];
	uint64_t tag;

	r->disk[1]->hold = true;
	tag = rig_write(r, c, 3, 0, r->mem, 512);
	m->group[0].n_lun = 3;
	rig_apply(r, m);
	assert_int_equal(rig_nexus(r)->n_lu, 3);
	rig_apply(r, rig_map_new(r));
	/* The same LU, with its commands and fences, not a second one beside it. */
	assert_ptr_equal(rig_nexus(r)->lu[3], lu);
	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_ABORT_TASK_SET, 3, 0), 0);
	assert_int_equal(r->disk[1]->last_tmf, SRPGW_TMF_ABORT_TASK_SET);
	fake_answer(fake_first(r->disk[1]));
	rig_expect_nothing(r, c);
	(void)tag;
}

static void test_initiator_not_admitted_any_more(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_map *m = rig_map_new(r);
	struct rig_login l = { .id = 1 };

	m->pattern[0] = (struct initiator_pattern){ .has_id = true };
	memset(m->pattern[0].id_mask, 0xff, sizeof(m->pattern[0].id_mask));
	rig_apply(r, m);
	rig_expect_logout(r, c, 0);
	rig_expect_reject(r, rig_login_raw(r, &l), 0x00010003);
	assert_int_equal(r->core->port.n_nexuses, 0);
	rig_apply(r, rig_map_new(r));
	assert_true(rig_login_raw(r, &l)->accepted);
}

static void test_target_gone(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_map *m = rig_map_new(r);

	m->map.n_target = 0;
	rig_apply(r, m);
	rig_expect_logout(r, c, 0);
	assert_int_equal(r->core->port.n_nexuses, 0);
}

static void set_flag(void *arg)
{
	*(bool *)arg = true;
}

static void test_done_when_every_reactor_has_it(void **state)
{
	struct rig *r = *state;
	struct rig_map *m = rig_map_new(r);
	bool done = false;

	core_apply(r->core, &m->map, set_flag, &done);
	assert_ptr_equal(core_map(r->core), &m->map);
	assert_false(done);
	rig_run(r);
	assert_true(done);
}

/* ---- status ---- */

static void got_status(void *arg, struct core_status *st)
{
	*(struct core_status **)arg = st;
}

static struct core_status *status(struct rig *r)
{
	struct core_status *st = NULL;

	assert_int_equal(core_status_get(r->core, got_status, &st), 0);
	rig_run(r);
	assert_non_null(st);
	return st;
}

static void test_status(void **state)
{
	struct rig *r = *state;
	struct core_status *st = status(r);
	struct fake_conn *c;
	struct rig_login other = { .id = 9, .peer = "10.0.0.9", .it_iu_len = 9000 };

	assert_int_equal(st->n_session + st->n_path + st->n_lun, 0);
	assert_int_equal(st->n_reactor, 1);
	core_status_free(st);
	c = rig_login(r);
	rig_login_multi(r);
	rig_login_raw(r, &other);
	rig_write(r, c, 0, 0, r->mem, 4096);
	rig_read(r, c, 0, 0, r->mem, 1024);
	rig_send_cmd(r, c, &(struct rig_cmd){ .lun = 50 });
	st = status(r);
	assert_int_equal(st->n_session, 1);
	assert_int_equal(st->session[0].n_channels, 2);
	assert_string_equal(st->session[0].channel[0].state, "live");
	assert_string_equal(st->session[0].channel[0].device, "fake0");
	assert_int_equal(st->session[0].channel[0].req_lim, 16);
	assert_int_equal(st->session[0].channel[0].n_recv, 3);
	assert_int_equal(st->session[0].channel[0].n_sent, 3);
	assert_string_equal(st->session[0].target, "target");
	assert_string_equal(st->session[0].group, "everybody");
	assert_int_equal(st->session[0].io.writes_total, 1);
	assert_int_equal(st->session[0].io.write_bytes_total, 4096);
	assert_int_equal(st->session[0].io.reads_total, 1);
	assert_int_equal(st->session[0].io.read_bytes_total, 1024);
	assert_int_equal(st->session[0].io.others_total, 1);
	assert_int_equal(st->session[0].io.check_conditions_total, 1);
	assert_int_equal(st->session[0].io.errors_total, 1);
	assert_int_equal(st->session[0].time.total.count, 3);
	assert_int_equal(st->session[0].logins_total, 2);
	assert_int_equal(st->n_path, 2);
	assert_string_equal(st->path[0].backend, "one");
	assert_string_equal(st->path[0].state, "up");
	assert_int_equal(st->path[0].ups_total, 1);
	assert_int_equal(st->path[0].backend_time.count, 2);
	assert_int_equal(st->n_lun, 4);
	assert_string_equal(st->lun[0].lun, "0");
	assert_string_equal(st->lun[0].backend_lun, "10");
	assert_int_equal(st->lun[0].io.writes_total, 1);
	assert_int_equal(st->lun[1].io.writes_total, 0);
	assert_false(st->lun[0].fenced);
	assert_int_equal(st->reactor[0].n_sessions, 1);
	assert_int_equal(st->reactor[0].n_channels, 2);
	assert_int_equal(st->reactor[0].task_states[TASK_FREE], 128);
	assert_int_equal(st->logins_accepted_total, 2);
	assert_int_equal(st->logins_refused_total, 1);
	assert_int_equal(st->refused_by_reason_total[2], 1);
	core_status_free(st);
	fake_send(c, "\xff", 1);
	rig_run(r);
	st = status(r);
	assert_int_equal(st->protocol_errors_total, 1);
	core_status_free(st);
}

static void test_time_is_split(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct core_status *st;

	r->disk[0]->hold = true;
	c->manual = true;
	rig_write(r, c, 0, 0, r->mem, 512);
	r->now_ns += 3 * NS_PER_MS; /* the READ */
	fake_complete(c, FABRIC_WC_OK);
	rig_run(r);
	r->now_ns += 50 * NS_PER_MS; /* the back-end */
	rig_run(r);
	fake_answer(fake_first(r->disk[0]));
	rig_run(r);
	r->now_ns += 4 * NS_PER_MS; /* the response */
	rig_run(r);
	fake_complete(c, FABRIC_WC_OK);
	c->manual = false;
	st = status(r);
	assert_int_equal(st->session[0].time.fabric.sum_ns, 7 * NS_PER_MS);
	assert_int_equal(st->session[0].time.backend.sum_ns, 50 * NS_PER_MS);
	assert_int_equal(st->session[0].time.gateway.sum_ns, 0);
	assert_int_equal(st->session[0].time.total.sum_ns, 57 * NS_PER_MS);
	assert_int_equal(st->lun[0].time.total.sum_ns, 57 * NS_PER_MS);
	core_status_free(st);
}

/* ---- services for bridges ---- */

static void timer_fn(void *arg)
{
	++*(int *)arg;
}

struct watch_state {
	struct rig *r;
	struct srpgw_watch *w;
	int fd, n;
};

static void watch_fn(void *arg, int revents)
{
	struct watch_state *ws = arg;

	assert_true(revents & POLLIN);
	ws->n++;
	ws->r->host.watch_mod(ws->w, 0);
}

static void test_timers_and_watches(void **state)
{
	struct rig *r = *state;
	struct srpgw_reactor *sr = (struct srpgw_reactor *)(void *)r->core->shard[0];
	struct watch_state ws = { .r = r };
	struct srpgw_timer *t;
	int fired = 0;

	assert_int_equal(r->host.now_ns(sr), r->now_ns);
	t = r->host.timer_new(sr, timer_fn, &fired);
	r->host.timer_arm(t, 5 * NS_PER_MS);
	rig_wait_ms(r, 4);
	assert_int_equal(fired, 0);
	rig_wait_ms(r, 2);
	assert_int_equal(fired, 1);
	r->host.timer_arm(t, NS_PER_MS);
	r->host.timer_cancel(t);
	rig_wait_ms(r, 5);
	assert_int_equal(fired, 1);
	r->host.timer_arm(t, NS_PER_MS);
	r->host.timer_free(t);
	rig_wait_ms(r, 5);
	assert_int_equal(fired, 1);
	r->host.timer_free(NULL);

	ws.fd = eventfd(1, EFD_NONBLOCK);
	assert_true(ws.fd >= 0);
	ws.w = r->host.watch_add(sr, ws.fd, POLLIN, watch_fn, &ws);
	assert_non_null(ws.w);
	rig_run(r);
	assert_int_equal(ws.n, 1);
	r->host.watch_mod(ws.w, POLLIN);
	rig_run(r);
	assert_int_equal(ws.n, 2);
	r->host.watch_del(ws.w);
	r->host.watch_del(NULL);
	close(ws.fd);
}

struct job {
	pthread_t caller;
	bool elsewhere;
	int done;
};

static void job_fn(void *arg)
{
	struct job *j = arg;

	j->elsewhere = !pthread_equal(j->caller, pthread_self());
}

static void job_done(void *arg)
{
	struct job *j = arg;

	assert_true(pthread_equal(j->caller, pthread_self()));
	j->done++;
}

static void test_work(void **state)
{
	struct rig *r = *state;
	struct srpgw_reactor *sr = (struct srpgw_reactor *)(void *)r->core->shard[0];
	struct job j[20];

	memset(j, 0, sizeof(j));
	for (unsigned i = 0; i < 20; i++) {
		j[i].caller = pthread_self();
		assert_int_equal(r->host.work(sr, job_fn, job_done, &j[i]), 0);
	}
	for (unsigned i = 0; i < 20; i++)
		while (!j[i].done)
			reactor_poll(r->reactor, 100);
	for (unsigned i = 0; i < 20; i++)
		assert_true(j[i].elsewhere);
}

static void test_check_bridge(void **state)
{
	struct rig *r = *state;
	struct srpgw_bridge b = fake_bridge;
	struct err e = ERR_INIT;

	assert_int_equal(core_check_bridge(r->core, &b, &e), 0);
	b.scratch_size = 257;
	assert_int_equal(core_check_bridge(r->core, &b, &e), -E2BIG);
	assert_non_null(strstr(e.cause, "256"));
	b = fake_bridge;
	b.tmf_scratch_size = 10000;
	assert_int_equal(core_check_bridge(r->core, &b, NULL), -E2BIG);
	b = fake_bridge;
	b.tmf = NULL;
	assert_int_equal(core_check_bridge(r->core, &b, NULL), -EPROTO);
	b = fake_bridge;
	b.struct_size = 64;
	assert_int_equal(core_check_bridge(r->core, &b, NULL), -EPROTO);
}

static void test_pool_too_small(void **state)
{
	struct rig *r = *state;
	struct core_params p = r->params;
	struct err e = ERR_INIT;
	struct core *c = NULL;

	p.pool_bytes = 1;
	p.max_tasks = 4096;
	assert_true(core_create(&p, &c, &e) < 0);
	assert_null(c);
	assert_true(strlen(e.cause) > 0 && strlen(e.cure) > 0);
}

static void test_regions(void **state)
{
	struct rig *r = *state;
	struct mem_region *reg[4] = { NULL };

	assert_int_equal(core_regions(r->core, reg, 4), 1);
	assert_non_null(reg[0]);
	assert_true(reg[0]->len_bytes >= r->params.pool_bytes);
	assert_int_equal(core_regions(r->core, reg, 0), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_same_map_again),
		TEST(test_lun_added),
		TEST(test_request_sense_tells_the_unit_attention),
		TEST(test_backend_removed),
		TEST(test_lun_goes_and_comes_back),
		TEST(test_initiator_not_admitted_any_more),
		TEST(test_target_gone),
		TEST(test_done_when_every_reactor_has_it),
		TEST(test_status),
		TEST(test_time_is_split),
		TEST(test_timers_and_watches),
		TEST(test_work),
		TEST(test_check_bridge),
		TEST(test_pool_too_small),
		TEST(test_regions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
