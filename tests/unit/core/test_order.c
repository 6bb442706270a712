/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Task attributes: who starts when, whatever ends, comes back or is aborted meanwhile; and that there is no ACA.
 * Commands are named by their block: what the back-end has is written as the list of them.
 */
#include "rig.h"

#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <stdlib.h>
#include <string.h>

#define S SRPGW_ATTR_SIMPLE
#define H SRPGW_ATTR_HEAD_OF_QUEUE
#define O SRPGW_ATTR_ORDERED

static int setup(void **state)
{
	struct rig *r = rig_new(state);

	rig_start(r);
	r->disk[0]->hold = true;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < RIG_BACKENDS; i++) {
		r->disk[i]->hold = r->disk[i]->hold_tmf = r->disk[i]->hold_up = false;
		while (fake_first(r->disk[i]))
			fake_answer(fake_first(r->disk[i]));
		while (r->disk[i]->n_tmfs > 0)
			fake_tmf_answer(r->disk[i], SRPGW_TMF_COMPLETE);
		rig_run(r);
		r->backend[i].limits.max_outstanding = 0;
	}
	rig_stop(r);
	free(r);
	return 0;
}

/* Block @block of LUN @lun, one block. */
static uint64_t rw(struct rig *r, struct fake_conn *c, uint32_t lun, uint8_t attr, bool is_write, uint8_t block)
{
	struct rig_cmd cmd = {
		.lun = lun,
		.dir = is_write ? RIG_OUT : RIG_IN,
		.buf = r->mem,
		.len = 512,
		.attr = attr,
		.cdb = { is_write ? 0x2a : 0x28, [5] = block, [8] = 1 },
	};

	return rig_send_cmd(r, c, &cmd);
}

static uint64_t put(struct rig *r, struct fake_conn *c, uint8_t attr, uint8_t block)
{
	return rw(r, c, 0, attr, true, block);
}

static struct fake_cmd *find(struct rig *r, uint8_t block)
{
	list_for_each(pos, &r->disk[0]->cmds) {
		struct fake_cmd *cmd = list_entry(pos, struct fake_cmd, node);

		if (cmd->io->cdb[5] == block)
			return cmd;
	}
	return NULL;
}

static void answer(struct rig *r, uint8_t block)
{
	assert_non_null(find(r, block));
	fake_answer(find(r, block));
	rig_run(r);
}

/* What the back-end has, in the order in which it was given it. */
static void expect_at_backend(struct rig *r, const char *blocks)
{
	char have[64];
	size_t n = 0;

	rig_run(r);
	list_for_each(pos, &r->disk[0]->cmds)
		have[n++] = (char)('0' + list_entry(pos, struct fake_cmd, node)->io->cdb[5]);
	have[n] = '\0';
	assert_string_equal(have, blocks);
}

static void expect_empty(struct rig *r, struct fake_conn *c)
{
	const struct order *o = &rig_lu(r, 0)->order;

	rig_run(r);
	c->n_seen = c->n_sent;
	assert_int_equal(o->n_started, 0);
	assert_int_equal(o->n_barriers, 0);
	assert_int_equal(o->n_ranked, 0);
	rig_expect_idle(r);
}

/* ---- who starts ---- */

static void test_ordered_waits_and_holds_up(void **state)
{
	static const uint8_t ends[6][3] = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 }, { 2, 3, 1 }, { 3, 1, 2 }, { 3, 2, 1 } };
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (unsigned i = 0; i < 6; i++) {
		for (uint8_t block = 1; block <= 3; block++)
			put(r, c, S, block);
		put(r, c, O, 4);
		put(r, c, S, 5);
		put(r, c, O, 6);
		put(r, c, S, 7);
		put(r, c, S, 8);
		expect_at_backend(r, "123");
		answer(r, ends[i][0]);
		answer(r, ends[i][1]);
		assert_null(find(r, 4));
		answer(r, ends[i][2]);
		expect_at_backend(r, "4");
		answer(r, 4);
		expect_at_backend(r, "5");
		answer(r, 5);
		expect_at_backend(r, "6");
		answer(r, 6);
		expect_at_backend(r, "78");
		answer(r, 8);
		answer(r, 7);
		expect_empty(r, c);
	}
}

static void test_head_of_queue(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	put(r, c, S, 1);
	put(r, c, O, 2);
	put(r, c, S, 3);
	/* Neither what started nor what waits holds it up; the second does not pass the first. */
	r->backend[0].limits.max_outstanding = 1;
	put(r, c, H, 4);
	put(r, c, H, 5);
	put(r, c, S, 6);
	expect_at_backend(r, "1");
	r->backend[0].limits.max_outstanding = 0;
	answer(r, 1);
	expect_at_backend(r, "45");
	/* What waits does so until both have ended. */
	answer(r, 5);
	expect_at_backend(r, "4");
	answer(r, 4);
	expect_at_backend(r, "2");
	put(r, c, H, 7);
	expect_at_backend(r, "27");
	answer(r, 2);
	expect_at_backend(r, "7");
	answer(r, 7);
	expect_at_backend(r, "36");
	answer(r, 3);
	answer(r, 6);
	expect_empty(r, c);
}

static void test_logical_units_are_apart(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	put(r, c, S, 1);
	put(r, c, O, 2);
	rw(r, c, 1, S, true, 3);
	rw(r, c, 1, O, true, 4);
	expect_at_backend(r, "13");
	answer(r, 3);
	expect_at_backend(r, "14");
	answer(r, 1);
	expect_at_backend(r, "42");
	answer(r, 4);
	answer(r, 2);
	expect_empty(r, c);
}

/* What a host's ORDERED command waits for is its own: another host is not held up. */
static void test_nexuses_are_apart(void **state)
{
	const struct rig_login other = { .peer = "10.0.0.2", .id = 2 };
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_raw(r, &other);

	put(r, a, S, 1);
	put(r, a, O, 2);
	put(r, b, O, 3);
	put(r, b, S, 4);
	expect_at_backend(r, "13");
	answer(r, 3);
	expect_at_backend(r, "14");
	answer(r, 4);
	answer(r, 1);
	answer(r, 2);
	a->n_seen = a->n_sent;
	b->n_seen = b->n_sent;
}

static void test_channels_of_a_nexus_share_the_set(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_multi(r);

	put(r, a, S, 1);
	put(r, b, O, 2);
	put(r, a, S, 3);
	expect_at_backend(r, "1");
	answer(r, 1);
	expect_at_backend(r, "2");
	answer(r, 2);
	expect_at_backend(r, "3");
	answer(r, 3);
	b->n_seen = b->n_sent;
	expect_empty(r, a);
}

/* Fetching counts as started: what waits for it does not pass. */
static void test_older_is_fetching(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_multi(r);

	a->manual = true;
	put(r, a, S, 1);
	rw(r, b, 0, O, false, 2);
	expect_at_backend(r, "");
	a->manual = false;
	expect_at_backend(r, "1");
	answer(r, 1);
	expect_at_backend(r, "2");
	/* A younger one does not start to fetch either. */
	put(r, a, S, 3);
	assert_int_equal(a->read_bytes, 512);
	answer(r, 2);
	answer(r, 3);
	b->n_seen = b->n_sent;
	expect_empty(r, a);
}

/* ---- who comes back ---- */

/* Undelivered commands come back in any order, and find their old places. */
static void test_never_delivered_keeps_its_place(void **state)
{
	static const char *const ends[] = { "123", "132", "213", "231", "312", "321" };
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (unsigned i = 0; i < 6; i++) {
		for (uint8_t block = 1; block <= 3; block++)
			put(r, c, S, block);
		r->backend[0].limits.max_outstanding = 3;
		put(r, c, S, 4);
		put(r, c, O, 5);
		put(r, c, H, 6);
		expect_at_backend(r, "123");
		r->backend[0].limits.max_outstanding = 0;
		for (unsigned k = 0; k < 3; k++)
			fake_lose(find(r, (uint8_t)(ends[i][k] - '0')), SRPGW_DELIVERY_NEVER);
		rig_wait_ms(r, 2 * PATH_PAUSE_MS);
		expect_at_backend(r, "6");
		answer(r, 6);
		expect_at_backend(r, "1234");
		for (uint8_t block = 1; block <= 4; block++)
			answer(r, block);
		expect_at_backend(r, "5");
		/* It comes back itself, and is served again. */
		fake_lose(find(r, 5), SRPGW_DELIVERY_NEVER);
		put(r, c, S, 7);
		rig_wait_ms(r, 2 * PATH_PAUSE_MS);
		expect_at_backend(r, "5");
		answer(r, 5);
		answer(r, 7);
		expect_empty(r, c);
	}
}

static void test_path_is_lost(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	rw(r, c, 0, S, false, 1);
	put(r, c, O, 2);
	put(r, c, S, 3);
	r->disk[0]->hold_up = true;
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_wait_ms(r, 100);
	fake_up(r->disk[0]);
	rig_wait_ms(r, 1000);
	fake_up(r->disk[0]);
	expect_at_backend(r, "1");
	answer(r, 1);
	expect_at_backend(r, "2");
	/* A write of unknown fate: its fence holds up the rest, and then they go on. */
	r->disk[0]->hold_up = false;
	fake_lose(find(r, 2), SRPGW_DELIVERY_MAYBE);
	expect_at_backend(r, "");
	rig_wait_ms(r, 2000);
	expect_at_backend(r, "3");
	answer(r, 3);
	expect_empty(r, c);
	/* All that wait are answered BUSY when it stays away. */
	put(r, c, S, 4);
	put(r, c, O, 5);
	put(r, c, H, 6);
	r->disk[0]->hold_up = true;
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_wait_ms(r, 10000);
	assert_int_equal(c->n_sent - c->n_seen, 3);
	expect_empty(r, c);
}

/* ---- who is aborted ---- */

static void test_abort_of_a_waiting_one(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	put(r, c, S, 1);
	tag = put(r, c, O, 2);
	put(r, c, S, 3);
	expect_at_backend(r, "1");
	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag), 0);
	/* What stood behind it goes. */
	expect_at_backend(r, "13");
	answer(r, 1);
	answer(r, 3);
	expect_empty(r, c);
}

/* An aborted command keeps its place until it can no longer act. */
static void abort_started(struct rig *r, uint8_t attr, bool is_write, bool confirm)
{
	struct fake_conn *c = rig_login(r);
	uint64_t tag, tmf;

	r->disk[0]->hold_tmf = true;
	tag = rw(r, c, 0, attr, is_write, 1);
	put(r, c, attr == O ? S : O, 2);
	expect_at_backend(r, "1");
	tmf = rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag);
	expect_at_backend(r, "1");
	if (confirm)
		fake_tmf_answer(r->disk[0], SRPGW_TMF_COMPLETE);
	else
		answer(r, 1);
	rig_run(r);
	assert_non_null(find(r, 2));
	rig_expect_code(r, c, tmf, 0);
	if (confirm)
		answer(r, 1);
	else
		fake_tmf_answer(r->disk[0], SRPGW_TMF_NO_SUCH_TASK);
	answer(r, 2);
	expect_empty(r, c);
	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 5000);
}

static void test_abort_of_a_started_one(void **state)
{
	for (unsigned i = 0; i < 8; i++)
		abort_started(*state, i & 1 ? O : S, i & 2, i & 4);
}

static void test_functions_on_the_set(void **state)
{
	static const uint8_t functions[] = { SRP_TMF_ABORT_TASK_SET, SRP_TMF_CLEAR_TASK_SET, SRP_TMF_LUN_RESET };
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (unsigned i = 0; i < 6; i++) {
		uint64_t tmf;

		r->disk[0]->hold_tmf = true;
		/* Started, waiting and HEAD OF QUEUE; with an ORDERED one that waits or one that started. */
		put(r, c, i < 3 ? S : O, 1);
		put(r, c, O, 2);
		put(r, c, S, 3);
		put(r, c, H, 4);
		expect_at_backend(r, "14");
		tmf = rig_tmf(r, c, functions[i % 3], 0, 0);
		put(r, c, O, 5);
		put(r, c, S, 6);
		expect_at_backend(r, "14");
		fake_tmf_answer(r->disk[0], SRPGW_TMF_COMPLETE);
		rig_expect_code(r, c, tmf, 0);
		/* They can no longer act, answered or not. */
		expect_at_backend(r, "145");
		answer(r, 1);
		answer(r, 4);
		answer(r, 5);
		answer(r, 6);
		assert_int_equal(c->n_sent - c->n_seen, 2);
		expect_empty(r, c);
	}
}

/* Nobody asks after a read of a lost channel: it moves nothing any more, and is not waited for. A write is. */
static void test_channel_loss(void **state)
{
	struct rig *r = *state;

	for (unsigned is_write = 0; is_write < 2; is_write++) {
		struct fake_conn *a = rig_login(r), *b = rig_login_multi(r);

		rw(r, a, 0, O, is_write, 1);
		put(r, a, O, 2);
		fake_break(a, FABRIC_DOWN_PEER);
		put(r, b, O, 3);
		expect_at_backend(r, is_write ? "1" : "13");
		answer(r, 1);
		expect_at_backend(r, "3");
		answer(r, 3);
		expect_empty(r, b);
		fake_break(b, FABRIC_DOWN_PEER);
		rig_wait_ms(r, 5000);
	}
}

/* ---- what waits here holds nothing that others need ---- */

static void test_waiting_writes_leave_memory_to_others(void **state)
{
	const struct rig_login other = { .peer = "10.0.0.2", .id = 2 };
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_raw(r, &other);
	struct rig_cmd cmd = { .dir = RIG_OUT, .buf = r->mem, .len = 65536, .attr = O, .cdb = { 0x2a, [8] = 128 } };

	for (unsigned i = 0; i < 15; i++)
		rig_send_cmd(r, a, &cmd);
	assert_int_equal(r->disk[0]->n_cmds, 1);
	assert_int_equal(a->read_bytes, 65536);
	cmd.lun = 2;
	for (unsigned i = 0; i < 30; i++)
		rig_expect_status(r, b, rig_send_cmd(r, b, &cmd), SCSI_GOOD);
	for (unsigned i = 0; i < 15; i++) {
		assert_int_equal(r->disk[0]->n_cmds, 1);
		fake_answer(fake_first(r->disk[0]));
		rig_run(r);
	}
	assert_int_equal(a->n_sent, 15);
	a->n_seen = a->n_sent;
}

/* ---- no ACA ---- */

static void test_attributes_refused(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (uint8_t attr = 3; attr < 8; attr++) {
		struct rig_cmd cmd = { .attr = attr };

		rig_expect_sense(r, c, rig_send_cmd(r, c, &cmd), SCSI_ILLEGAL_REQUEST, 0x49, 0x00);
		/* Commands that the gateway answers itself, too. */
		cmd.cdb[0] = SCSI_OP_REPORT_LUNS;
		rig_expect_sense(r, c, rig_send_cmd(r, c, &cmd), SCSI_ILLEGAL_REQUEST, 0x49, 0x00);
	}
	assert_int_equal(r->disk[0]->n_submits, 0);
	expect_empty(r, c);
}

static void test_naca_refused(void **state)
{
	static const struct {
		uint8_t opcode, at;
	} cases[] = { { 0x00, 5 },  { 0x12, 5 },  { 0x1a, 5 },	{ 0x28, 9 },  { 0x42, 9 },
		      { 0xa0, 11 }, { 0xa8, 11 }, { 0x88, 15 }, { 0x9e, 15 }, { 0x7f, 1 } };
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_cmd cmd = { .cdb = { cases[i].opcode } };
		struct srp_rsp rsp;

		cmd.cdb[cases[i].at] = 0x04;
		rsp = rig_expect_rsp(r, c, rig_send_cmd(r, c, &cmd));
		assert_int_equal(rsp.status, SCSI_CHECK_CONDITION);
		assert_int_equal(rsp.sense[2], SCSI_ILLEGAL_REQUEST);
		assert_int_equal(rsp.sense[12], 0x24);
		/* The field pointer: in the CDB, that byte. */
		assert_int_equal(rsp.sense[15], 0xc0);
		assert_int_equal(rsp.sense[17], cases[i].at);
	}
	assert_int_equal(r->disk[0]->n_submits, 0);
	/* Where the CONTROL byte stands in a vendor's CDB, only the vendor knows. */
	r->disk[0]->hold = false;
	for (uint8_t at = 1; at < 16; at++) {
		struct rig_cmd cmd = { .cdb = { 0xc1 } };

		cmd.cdb[at] = 0x04;
		rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
	}
	expect_empty(r, c);
}

static void test_normaca_is_hidden(void **state)
{
	static const struct {
		uint8_t flags, page, len, want;
	} cases[] = { { 0, 0, 36, 0xdf }, { 0, 0, 4, 0xdf }, { 0, 0, 3, 0 }, { 1, 0x83, 36, 0xff } };
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	r->disk[0]->hold = false;
	memset(r->disk[0]->disk, 0xff, FAKE_DISK_BYTES);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_cmd cmd = {
			.dir = RIG_IN,
			.buf = r->mem,
			.len = cases[i].len,
			.cdb = { 0x12, cases[i].flags, cases[i].page, 0, cases[i].len },
		};

		memset(r->mem, 0, 64);
		rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
		for (unsigned k = 0; k < cases[i].len; k++)
			assert_int_equal(r->mem[k], k == 3 ? cases[i].want : 0xff);
		assert_int_equal(r->mem[cases[i].len], 0);
	}
	expect_empty(r, c);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_ordered_waits_and_holds_up),
		TEST(test_head_of_queue),
		TEST(test_logical_units_are_apart),
		TEST(test_nexuses_are_apart),
		TEST(test_channels_of_a_nexus_share_the_set),
		TEST(test_older_is_fetching),
		TEST(test_never_delivered_keeps_its_place),
		TEST(test_path_is_lost),
		TEST(test_abort_of_a_waiting_one),
		TEST(test_abort_of_a_started_one),
		TEST(test_functions_on_the_set),
		TEST(test_channel_loss),
		TEST(test_waiting_writes_leave_memory_to_others),
		TEST(test_attributes_refused),
		TEST(test_naca_refused),
		TEST(test_normaca_is_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
