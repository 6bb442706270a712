/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Gaps through which a fence, a nexus or other hosts could fall: writes without data-out, a map that changes while a
 * nexus goes, one host that takes all tasks or buffers.
 */
#include "rig.h"

#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int setup_big(void **state)
{
	struct rig *r = rig_new(state);

	r->params.max_tasks = 2048;
	r->params.pool_bytes = 16u << 20;
	rig_start(r);
	return 0;
}

/* Unknown fate of a command without data-out that writes (WRITE SAME with NDOB, FORMAT UNIT). */
static void test_no_data_write_fences(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_cmd cmd = {.dir = RIG_NONE, .cdb = {0x93, 0x01}};
	uint64_t tag;

	r->disk[0]->hold = true;
	tag = rig_send_cmd(r, c, &cmd);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	r->disk[0]->hold = false;
	rig_expect_status(r, c, tag, SCSI_BUSY);
	assert_true(rig_lu(r, 0)->n_fences > 0);
	rig_wait_ms(r, 2000);
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
	/* TEST UNIT READY changes nothing. */
	cmd.cdb[0] = cmd.cdb[1] = 0;
	r->disk[0]->hold = true;
	tag = rig_send_cmd(r, c, &cmd);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	r->disk[0]->hold = false;
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
	rig_wait_ms(r, 20);
	rig_expect_status(r, c, tag, SCSI_GOOD);
}

/* A reload that adds a back-end while the nexus lets go: it must still end. */
static void test_reload_while_letting_go(void **state)
{
	struct rig *r = *state;
	struct rig_map *with = rig_map_new(r), *without = rig_map_new(r);
	struct fake_conn *c;

	without->group[0].n_lun = 2; /* back-end 0 only */
	rig_apply(r, without);
	c = rig_login(r);
	r->disk[0]->hold_detach = true;
	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 100);
	assert_int_equal(r->core->port.n_nexuses, 1);
	rig_apply(r, with); /* LUNs 2 and 3 come, with back-end 1 */
	r->disk[0]->hold_detach = false;
	fake_detached(r->disk[0]);
	rig_wait_ms(r, 5000);
	assert_int_equal(r->core->port.n_nexuses, 0);
}

/* One host takes all tasks with commands for a dead back-end: others must still be served. */
static void test_tasks_are_shared(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a[8], *b;
	struct rig_login l = {.peer = "10.0.0.2", .id = 2};

	a[0] = rig_login(r);
	r->disk[0]->hold_up = true;
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "dead");
	for (unsigned i = 1; i < 8; i++)
		a[i] = rig_login_multi(r);
	for (unsigned i = 0; i < 8; i++)
		for (unsigned k = 0; k < 16; k++)
			rig_read(r, a[i], 0, 0, r->mem, 512);
	b = rig_login_raw(r, &l);
	fake_established(b);
	rig_run(r);
	rig_expect_status(r, b, rig_read(r, b, 2, 0, r->mem, 512), SCSI_GOOD);
	r->disk[0]->hold_up = false;
}

/* The same for ios, with a host that never takes its responses: REPORT LUNS and others are answered here, but hold
 * buffers, too. */
static void test_ios_of_local_commands(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a[8], *b;
	struct rig_login l = {.peer = "10.0.0.2", .id = 2};
	struct rig_cmd cmd = {.dir = RIG_IN, .buf = r->mem, .len = 512, .cdb = {0xa0, [8] = 2}};

	for (unsigned i = 0; i < 5; i++) {
		a[i] = i ? rig_login_multi(r) : rig_login(r);
		a[i]->manual = true;
	}
	for (unsigned i = 0; i < 5; i++)
		for (unsigned k = 0; k < 16; k++)
			rig_send_cmd(r, a[i], &cmd);
	b = rig_login_raw(r, &l);
	fake_established(b);
	rig_run(r);
	rig_expect_status(r, b, rig_read(r, b, 2, 0, r->mem, 512), SCSI_GOOD);
	for (unsigned i = 0; i < 5; i++)
		a[i]->manual = false;
}

/* LUN 0 moves to another back-end, in truth the same device with other settings. */
static struct rig_map *moved(struct rig *r)
{
	struct rig_map *m = rig_map_new(r);

	m->lun[0][0].backend = &r->backend[1];
	return m;
}

/* What is sent to the new back-end does not overtake what the old one still has. */
static void test_moved_lun_waits(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	r->disk[0]->hold = true;
	rig_write(r, c, 0, 0, r->mem, 512);
	rig_apply(r, moved(r));
	/* With its channel the host loses the write, and sends it again. */
	fake_break(c, FABRIC_DOWN_PEER);
	rig_run(r);
	c = rig_login(r);
	rig_expect_sense(r, c, rig_write(r, c, 0, 0, r->mem, 512), SCSI_UNIT_ATTENTION, 0x29, 7);
	rig_expect_sense(r, c, rig_write(r, c, 0, 0, r->mem, 512), SCSI_UNIT_ATTENTION, 0x3f, 0x0e);
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	assert_int_equal(r->disk[0]->n_cmds, 1);
	assert_int_equal(r->disk[1]->n_submits, 0);
	rig_expect_nothing(r, c);
	fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, c, tag, SCSI_GOOD);
	assert_int_equal(r->disk[1]->n_submits, 1);
}

/* It moves and comes back while commands are under way on both sides: each waits for those before it. */
static void test_lun_moves_and_returns(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag[3];

	r->disk[0]->hold = r->disk[1]->hold = true;
	tag[0] = rig_write(r, c, 0, 0, r->mem, 512);
	rig_apply(r, moved(r));
	rig_expect_sense(r, c, rig_write(r, c, 0, 0, r->mem, 512), SCSI_UNIT_ATTENTION, 0x3f, 0x0e);
	tag[1] = rig_write(r, c, 0, 0, r->mem, 512);
	rig_apply(r, rig_map_new(r));
	rig_expect_sense(r, c, rig_write(r, c, 0, 0, r->mem, 512), SCSI_UNIT_ATTENTION, 0x3f, 0x0e);
	tag[2] = rig_write(r, c, 0, 0, r->mem, 512);
	assert_int_equal(r->disk[0]->n_submits, 1);
	assert_int_equal(r->disk[1]->n_submits, 0);
	fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, c, tag[0], SCSI_GOOD);
	assert_int_equal(r->disk[0]->n_submits, 1);
	fake_answer(fake_first(r->disk[1]));
	rig_expect_status(r, c, tag[1], SCSI_GOOD);
	fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, c, tag[2], SCSI_GOOD);
	assert_true(list_empty(&rig_nexus(r)->old_lus));
	r->disk[0]->hold = r->disk[1]->hold = false;
}

/* A reset of a moved LUN aborts a command at the old back-end, whose bridge answers inside abort(). */
static void test_abort_answers_inside_reset(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tmf;

	r->disk[0]->hold = r->disk[0]->abort_answers = true;
	rig_write(r, c, 0, 0, r->mem, 512);
	rig_apply(r, moved(r));
	r->disk[1]->hold_tmf = true;
	tmf = rig_tmf(r, c, SRP_TMF_LUN_RESET, 0, 0);
	/* The back-end has not confirmed the reset. */
	rig_expect_nothing(r, c);
	fake_tmf_answer(r->disk[1], SRPGW_TMF_COMPLETE);
	rig_expect_code(r, c, tmf, 0);
}

/* A hazard that lasts longer than a fence may stand: the new session is not given up for it, and the LU comes back. */
static void test_hazard_longer_than_a_fence(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	r->backend[0].fence_ms = 12000; /* hold_ms is 5000 */
	r->disk[0]->hold = true;
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	r->disk[0]->hold = false;
	rig_expect_status(r, c, tag, SCSI_BUSY);
	rig_wait_ms(r, 11000);
	assert_true(rig_lu(r, 0)->n_fences > 0);
	rig_wait_ms(r, 2000);
	assert_int_equal(r->disk[0]->n_detaches, 1);
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
	r->backend[0].fence_ms = 700;
}

/* @n hosts, 15 commands of @len each, all for one back-end that does not answer. */
static void load_dead_backend(struct rig *r, unsigned n, uint32_t len)
{
	char peer[16];

	r->disk[0]->hold = true;
	for (unsigned i = 0; i < n; i++) {
		struct rig_login l = {.peer = peer, .id = (uint8_t)(10 + i)};
		struct fake_conn *c;

		snprintf(peer, sizeof(peer), "10.0.1.%u", i + 1);
		c = rig_login_raw(r, &l);
		fake_established(c);
		rig_run(r);
		for (unsigned k = 0; k < 15; k++)
			rig_read(r, c, 0, 0, r->mem, len);
	}
}

/* One back-end stands still for many hosts: another's still gets its large command through. */
static void dead_backend(struct rig *r, unsigned n, uint32_t len)
{
	struct rig_login l = {.peer = "10.0.0.9", .id = 99};
	const struct shard *s = r->core->shard[0];
	struct fake_conn *c;

	load_dead_backend(r, n, len);
	assert_true(s->n_ios_free >= s->n_ios / 4);
	assert_true(s->n_tasks_free >= s->n_tasks / 5);
	c = rig_login_raw(r, &l);
	fake_established(c);
	rig_run(r);
	rig_expect_status(r, c, rig_read(r, c, 2, 0, r->mem, 524288), SCSI_GOOD);
	r->disk[0]->hold = false;
	while (fake_first(r->disk[0])) {
		fake_answer(fake_first(r->disk[0]));
		rig_run(r);
	}
}

static void test_dead_backend_takes_not_all_memory(void **state)
{
	dead_backend(*state, 8, 131072);
}

static void test_dead_backend_takes_not_all_tasks(void **state)
{
	dead_backend(*state, 14, 512);
}

static void set_flag(void *arg)
{
	*(bool *)arg = true;
}

/* A drain does not wait until the fate of old writes is certain: nobody is left who could be overtaken. */
static void test_drain_does_not_wait_for_fences(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	bool drained = false;
	uint64_t tag;

	r->backend[0].fence_ms = 60000;
	r->disk[0]->hold = true;
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	rig_expect_status(r, c, tag, SCSI_BUSY);
	assert_true(rig_lu(r, 0)->n_fences > 0);
	core_drain(r->core, 5000, set_flag, &drained);
	rig_wait_ms(r, 1);
	assert_true(drained);
	assert_int_equal(r->core->port.n_nexuses, 0);
}

static int teardown_drained(void **state)
{
	rig_abandon(*state);
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_no_data_write_fences, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_reload_while_letting_go, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_tasks_are_shared, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_ios_of_local_commands, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_moved_lun_waits, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_lun_moves_and_returns, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_abort_answers_inside_reset, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_hazard_longer_than_a_fence, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_dead_backend_takes_not_all_memory, setup_big, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_dead_backend_takes_not_all_tasks, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_drain_does_not_wait_for_fences, rig_setup, teardown_drained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
