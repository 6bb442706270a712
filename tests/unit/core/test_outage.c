/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What hosts see while a back-end is away: who waits how long, what they are told then by each policy, moves to a better
 * way, and the unit attention afterwards.
 */
#include "rig.h"

#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/move.h"
#include "../../../gateway/core/outage.h"
#include "../../../gateway/core/path.h"

#include <stdlib.h>
#include <string.h>

static int teardown(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < RIG_BACKENDS; i++)
		r->disk[i]->hold = r->disk[i]->hold_up = r->disk[i]->hold_detach = false;
	return rig_teardown(state);
}

static uint64_t send_bare(struct rig *r, struct fake_conn *c, uint32_t lun, uint8_t opcode)
{
	struct rig_cmd cmd = { .lun = lun, .dir = RIG_NONE, .cdb = { opcode } };

	return rig_send_cmd(r, c, &cmd);
}

#define TEST_UNIT_READY 0x00
#define RESERVE 0x16
#define READ_CAPACITY 0x25
#define FLUSH 0x35

/* Down, and no attempt succeeds until fake_up(). */
static void go_away(struct rig *r)
{
	r->disk[0]->hold_up = true;
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_run(r);
}

static void come_back(struct rig *r)
{
	r->disk[0]->hold_up = false;
	rig_wait_ms(r, 1100);
	fake_up(r->disk[0]);
	rig_run(r);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
}

static void expect_good(struct rig *r, struct fake_conn *c, uint32_t lun)
{
	rig_expect_status(r, c, rig_read(r, c, lun, 0, r->mem, 512), SCSI_GOOD);
}

static void expect_unavailable(struct rig *r, struct fake_conn *c, uint64_t tag)
{
	rig_expect_sense(r, c, tag, SCSI_NOT_READY, 0x04, 0x0c);
}

/* ---- attempts ---- */

static void test_first_attempt_comes_at_once(void **state)
{
	struct rig *r = *state;

	rig_login(r);
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_run(r);
	assert_int_equal(r->disk[0]->n_attaches, 2);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
	/* Not for a back-end that takes logins and drops them. */
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_wait_ms(r, 99);
	assert_int_equal(r->disk[0]->n_attaches, 2);
	rig_wait_ms(r, 1);
	assert_int_equal(r->disk[0]->n_attaches, 3);
	/* After a while again. */
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_run(r);
	assert_int_equal(r->disk[0]->n_attaches, 4);
	assert_int_equal(r->disk[1]->n_attaches, 1);
}

static void test_second_attempt_waits(void **state)
{
	struct rig *r = *state;

	rig_login(r);
	r->disk[0]->attach_rc = -5;
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_run(r);
	assert_int_equal(r->disk[0]->n_attaches, 2);
	rig_wait_ms(r, 99);
	assert_int_equal(r->disk[0]->n_attaches, 2);
	rig_wait_ms(r, 1);
	assert_int_equal(r->disk[0]->n_attaches, 3);
	r->disk[0]->attach_rc = 0;
	rig_wait_ms(r, 300);
}

/* ---- moves ---- */

static void test_idle_path_moves_at_once(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	fake_say(r->disk[0], SRPGW_PATH_MOVE, "the preferred portal is back");
	rig_run(r);
	assert_int_equal(r->disk[0]->n_attaches, 2);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
	assert_int_equal(rig_lu(r, 0)->path->downs_total, 0);
	expect_good(r, c, 0);
}

static void test_busy_path_runs_dry_and_moves(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t old, new;

	r->disk[0]->hold = true;
	old = rig_write(r, c, 0, 0, r->mem, 512);
	fake_say(r->disk[0], SRPGW_PATH_MOVE, NULL);
	new = rig_write(r, c, 0, 0, r->mem, 512);
	rig_wait_ms(r, 1000);
	assert_int_equal(r->disk[0]->n_cmds, 1);
	assert_int_equal(r->disk[0]->n_attaches, 1);
	r->disk[0]->hold = false;
	fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, c, old, SCSI_GOOD);
	assert_int_equal(r->disk[0]->n_attaches, 2);
	rig_expect_status(r, c, new, SCSI_GOOD);
}

static void test_move_is_forgotten(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t old, new;

	r->disk[0]->hold = true;
	old = rig_write(r, c, 0, 0, r->mem, 512);
	fake_say(r->disk[0], SRPGW_PATH_MOVE, NULL);
	new = rig_read(r, c, 1, 0, r->mem, 512);
	rig_wait_ms(r, MOVE_MOST_MS - 1);
	assert_int_equal(r->disk[0]->n_cmds, 1);
	rig_wait_ms(r, 1);
	assert_int_equal(r->disk[0]->n_cmds, 2);
	fake_answer(fake_first(r->disk[0]));
	fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, c, old, SCSI_GOOD);
	rig_expect_status(r, c, new, SCSI_GOOD);
	assert_int_equal(r->disk[0]->n_attaches, 1);
}

static void test_no_move_under_a_fence(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t w, tmf;

	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	w = rig_write(r, c, 0, 0, r->mem, 512);
	tmf = rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, w);
	fake_say(r->disk[0], SRPGW_PATH_MOVE, NULL);
	rig_wait_ms(r, 2600);
	rig_expect_code(r, c, tmf, SRP_RSP_CODE_OK);
	assert_true(lu_is_fenced(rig_lu(r, 0)));
	fake_say(r->disk[0], SRPGW_PATH_MOVE, NULL);
	rig_wait_ms(r, 100);
	assert_int_equal(r->disk[0]->n_attaches, 1);
	assert_true(path_is_open(rig_lu(r, 0)->path));
	r->disk[0]->hold_tmf = false;
	fake_tmf_answer(r->disk[0], SRPGW_TMF_COMPLETE);
	fake_answer(fake_first(r->disk[0]));
	rig_run(r);
}

/* ---- silence ---- */

static void test_nothing_goes_to_a_silent_back_end(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct path *p = rig_lu(r, 0)->path;
	uint64_t w;

	fake_say(r->disk[0], SRPGW_PATH_SILENT, "no answer for 2 s");
	assert_true(p->outage.silent);
	assert_string_equal(p->why, "fake"); /* the way that it takes */
	assert_int_equal(outage_ms(p), 1000); /* the clock of this test began a second ago */
	w = rig_write(r, c, 0, 0, r->mem, 512);
	rig_wait_ms(r, 1000);
	assert_int_equal(r->disk[0]->n_submits, 0);
	fake_say(r->disk[0], SRPGW_PATH_HEARD, "it answers");
	rig_expect_status(r, c, w, SCSI_GOOD);
	assert_int_equal(outage_ms(p), 0);
	assert_int_equal(r->disk[0]->n_attaches, 1);
}

/* An answer to a command is a sign of life, whatever the bridge says. */
static void test_an_answer_ends_the_silence(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t old, new;

	r->disk[0]->hold = true;
	old = rig_read(r, c, 0, 0, r->mem, 512);
	fake_say(r->disk[0], SRPGW_PATH_SILENT, NULL);
	new = rig_read(r, c, 0, 0, r->mem, 512);
	assert_int_equal(r->disk[0]->n_cmds, 1);
	r->disk[0]->hold = false;
	fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, c, old, SCSI_GOOD);
	rig_expect_status(r, c, new, SCSI_GOOD);
}

/* A bridge that never gives up: what it has is answered all the same. */
static void test_silence_ends(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t w;

	rig_wait_ms(r, 5000);
	r->disk[0]->hold = true;
	w = rig_write(r, c, 0, 0, r->mem, 512);
	fake_say(r->disk[0], SRPGW_PATH_SILENT, NULL);
	rig_wait_ms(r, 2999); /* two seconds old when it was told */
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 1);
	rig_expect_status(r, c, w, SCSI_BUSY);
	assert_int_equal(r->disk[0]->n_attaches, 2);
	r->disk[0]->hold = false;
	rig_wait_ms(r, 1000);
}

/* ---- flushes: a logout must not wait for a dead back-end ---- */

/* What Linux does at logout: a flush per logical unit, three times if need be. Return: how long it took. */
static uint64_t logout_flushes(struct rig *r, struct fake_conn *c, uint32_t n_luns)
{
	uint64_t from_ns = r->now_ns;

	for (uint32_t k = 0; k < 3 * n_luns; k++) {
		uint64_t tag = send_bare(r, c, k / 3, FLUSH);

		for (unsigned ms = 0; c->n_sent == c->n_seen && ms < 20000; ms++)
			rig_wait_ms(r, 1);
		rig_expect_sense(r, c, tag, SCSI_NOT_READY, 0x04, 0x01);
	}
	return (r->now_ns - from_ns) / NS_PER_MS;
}

static void test_logout_with_a_stopped_back_end(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	r->backend[0].hold_ms = 60000;
	rig_wait_ms(r, 5000);
	r->disk[0]->hold = true;
	/* It is at the back-end when that falls silent. */
	tag = send_bare(r, c, 1, FLUSH);
	rig_wait_ms(r, 2500);
	fake_say(r->disk[0], SRPGW_PATH_SILENT, NULL);
	rig_wait_ms(r, 499);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 1);
	rig_expect_sense(r, c, tag, SCSI_NOT_READY, 0x04, 0x01);
	assert_in_range(logout_flushes(r, c, 2), 0, 1000);
	/* No fence: what it does later harms nobody. */
	assert_int_equal(rig_lu(r, 1)->n_fences, 0);
	assert_int_equal(rig_nexus(r)->n_detached, 1);
	r->disk[0]->hold = false;
	fake_answer(fake_first(r->disk[0]));
	rig_run(r);
	expect_good(r, c, 1);
	r->backend[0].hold_ms = 5000;
}

static void test_logout_with_a_dead_back_end(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	r->backend[0].hold_ms = 60000;
	go_away(r);
	/* In the moment of the loss, and long after it. */
	assert_in_range(logout_flushes(r, c, 2), 3000, 3500);
	rig_wait_ms(r, 10000);
	assert_in_range(logout_flushes(r, c, 2), 100, 500);
	come_back(r);
	r->backend[0].hold_ms = 5000;
}

/* A file system's flush is repeated by its host until the back-end is back. */
static void test_flush_goes_through_at_last(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	go_away(r);
	logout_flushes(r, c, 1);
	tag = send_bare(r, c, 0, FLUSH);
	fake_up(r->disk[0]);
	rig_expect_status(r, c, tag, SCSI_GOOD);
}

/* Its fate is unknown, and that is no reason to fence or to bother the host. */
static void test_flush_of_unknown_fate(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	r->disk[0]->hold = true;
	tag = send_bare(r, c, 0, FLUSH);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	r->disk[0]->hold = false;
	rig_expect_status(r, c, tag, SCSI_GOOD);
	assert_int_equal(r->disk[0]->n_submits, 2);
}

/* ---- policies ---- */

static void test_busy_policy(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t rd, ask, cap, res;

	expect_good(r, c, 0);
	go_away(r);
	rd = rig_read(r, c, 0, 0, r->mem, 512);
	ask = send_bare(r, c, 0, TEST_UNIT_READY);
	rig_wait_ms(r, 2000);
	cap = send_bare(r, c, 0, READ_CAPACITY);
	res = send_bare(r, c, 0, RESERVE);
	rig_wait_ms(r, 2999);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 1);
	rig_expect_status(r, c, rd, SCSI_BUSY);
	expect_unavailable(r, c, ask);
	expect_unavailable(r, c, cap);
	/* It came while the outage was young: its own hold time. */
	rig_wait_ms(r, 1999);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 1);
	rig_expect_status(r, c, res, SCSI_BUSY);
	/* From now on who asks is told at once, and who moves data waits a while, so that the host does not hammer. */
	expect_unavailable(r, c, send_bare(r, c, 1, TEST_UNIT_READY));
	rd = rig_read(r, c, 1, 0, r->mem, 512);
	rig_wait_ms(r, OUTAGE_PAUSE_MS - 1);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 1);
	rig_expect_status(r, c, rd, SCSI_BUSY);
	/* The other back-end works, and this one again when it is back. */
	expect_good(r, c, 2);
	rd = rig_read(r, c, 1, 0, r->mem, 512);
	fake_up(r->disk[0]);
	rig_expect_status(r, c, rd, SCSI_GOOD);
	rig_expect_idle(r);
}

static void test_fail_policy(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t first, second;

	r->backend[0].after_hold = AFTER_HOLD_FAIL;
	go_away(r);
	first = rig_write(r, c, 0, 0, r->mem, 65536);
	rig_wait_ms(r, 3000);
	second = rig_read(r, c, 0, 0, r->mem, 512);
	rig_wait_ms(r, 1999);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 1);
	expect_unavailable(r, c, first);
	expect_unavailable(r, c, second);
	expect_unavailable(r, c, rig_read(r, c, 0, 0, r->mem, 512));
	expect_unavailable(r, c, send_bare(r, c, 0, RESERVE));
	expect_unavailable(r, c, send_bare(r, c, 0, FLUSH));
	expect_good(r, c, 2);
	come_back(r);
	expect_good(r, c, 0);
	r->backend[0].after_hold = AFTER_HOLD_BUSY;
}

static void test_disconnect_policy(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r), *other;
	struct rig_login l = { .peer = "10.0.0.1", .id = 1 };

	r->backend[0].after_hold = AFTER_HOLD_DISCONNECT;
	go_away(r);
	/* Nobody waits: nobody is bothered. */
	rig_wait_ms(r, 8000);
	rig_expect_nothing(r, c);
	expect_good(r, c, 2);
	rig_read(r, c, 0, 0, r->mem, 512);
	rig_wait_ms(r, 1);
	rig_expect_logout(r, c, SRP_TLO_NONE);
	/* A login waits for the back-end, but not for long. */
	other = rig_login_raw(r, &l);
	rig_wait_ms(r, OUTAGE_LOGIN_MS - 1);
	rig_expect_nothing(r, other);
	rig_wait_ms(r, 100);
	rig_expect_reject(r, other, SRP_REJ_INSUFFICIENT_RESOURCES);
	rig_wait_ms(r, 3000);
	other = rig_login_raw(r, &l);
	rig_wait_ms(r, 1000);
	r->disk[0]->hold_up = false;
	fake_up(r->disk[0]);
	rig_run(r);
	expect_good(r, other, 0);
	r->backend[0].after_hold = AFTER_HOLD_BUSY;
}

/* With a session that lingers, the refusal comes at once: it knows. */
static void test_disconnect_at_the_hold_time(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	r->backend[0].after_hold = AFTER_HOLD_DISCONNECT;
	go_away(r);
	rig_write(r, c, 1, 0, r->mem, 512);
	rig_wait_ms(r, 4999);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 1);
	rig_expect_logout(r, c, SRP_TLO_NONE);
	rig_wait_ms(r, 3000);
	r->backend[0].after_hold = AFTER_HOLD_BUSY;
}

/* REQUEST SENSE is never refused: it tells. */
static void test_request_sense(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_cmd cmd = { .dir = RIG_IN, .buf = r->mem, .len = 18, .cdb = { 0x03, 0, 0, 0, 18 } };

	go_away(r);
	rig_wait_ms(r, 5000);
	rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
	assert_int_equal(r->mem[2] & 0x0f, SCSI_NOT_READY);
	assert_int_equal(r->mem[12], 0x04);
	assert_int_equal(r->mem[13], 0x0c);
	come_back(r);
}

/* ---- hosts that come while it is away ---- */

static void test_login_while_it_is_away(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t ask, cap;

	r->backend[0].hold_ms = 20000;
	r->disk[0]->hold_up = true;
	c = rig_login(r);
	ask = send_bare(r, c, 0, TEST_UNIT_READY);
	cap = send_bare(r, c, 0, READ_CAPACITY);
	rig_wait_ms(r, OUTAGE_FIRST_MS - 1);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 1);
	expect_unavailable(r, c, ask);
	expect_unavailable(r, c, cap);
	expect_unavailable(r, c, send_bare(r, c, 1, TEST_UNIT_READY));
	/* Back: who was refused the capacity is told to look again. */
	fake_up(r->disk[0]);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_UNIT_ATTENTION, 0x3f, 0x03);
	expect_good(r, c, 0);
	expect_good(r, c, 1);
	r->backend[0].hold_ms = 5000;
}

/* ---- unit attentions afterwards ---- */

static void answer_29(struct fake_target *t, bool on)
{
	static const uint8_t sense[18] = { 0x70, [2] = SCSI_UNIT_ATTENTION, [7] = 10, [12] = 0x29 };

	t->status = on ? SCSI_CHECK_CONDITION : SCSI_GOOD;
	t->sense_len = on ? sizeof(sense) : 0;
	memcpy(t->sense, sense, sizeof(sense));
}

static void test_gateway_tells_the_loss(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	expect_good(r, c, 0);
	go_away(r);
	fake_up(r->disk[0]);
	rig_run(r);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_UNIT_ATTENTION, 0x29, 0x07);
	expect_good(r, c, 0);
	/* It was not dealt with before, or belongs to another back-end. */
	expect_good(r, c, 1);
	expect_good(r, c, 2);
}

static void test_back_end_tells_the_loss(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t held;

	expect_good(r, c, 0);
	go_away(r);
	held = rig_read(r, c, 0, 0, r->mem, 512);
	answer_29(r->disk[0], true);
	fake_up(r->disk[0]);
	rig_expect_sense(r, c, held, SCSI_UNIT_ATTENTION, 0x29, 0x00);
	answer_29(r->disk[0], false);
	expect_good(r, c, 0);
}

/* The gateway spoke first: the back-end's own is swallowed, and the command carried out. */
static void test_loss_is_told_once(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	expect_good(r, c, 0);
	go_away(r);
	fake_up(r->disk[0]);
	rig_run(r);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_UNIT_ATTENTION, 0x29, 0x07);
	r->disk[0]->hold = true;
	rig_fill(r->mem, 4096, 3);
	tag = rig_write(r, c, 0, 0, r->mem, 4096);
	answer_29(r->disk[0], true);
	fake_answer(fake_first(r->disk[0]));
	answer_29(r->disk[0], false);
	rig_run(r);
	rig_expect_nothing(r, c);
	r->disk[0]->hold = false;
	fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, c, tag, SCSI_GOOD);
	assert_memory_equal(r->disk[0]->disk, r->mem, 4096);
	/* A later one is news: somebody reset the unit. */
	answer_29(r->disk[0], true);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_UNIT_ATTENTION, 0x29, 0x00);
	answer_29(r->disk[0], false);
}

/* ---- commands of unknown fate ---- */

/* One that kills the session whenever it comes is not repeated for ever. */
static void test_repeats_end(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	r->disk[0]->hold = true;
	tag = rig_read(r, c, 0, 0, r->mem, 512);
	for (unsigned i = 0; i <= PATH_MOST_REPEATS; i++) {
		rig_wait_ms(r, 500);
		rig_expect_nothing(r, c);
		assert_int_equal(r->disk[0]->n_cmds, 1);
		fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	}
	rig_expect_status(r, c, tag, SCSI_BUSY);
	assert_int_equal(r->disk[0]->n_submits, 1 + PATH_MOST_REPEATS);
	r->disk[0]->hold = false;
	rig_wait_ms(r, 500);
	rig_expect_idle(r);
}

/* What waits for its second delivery holds no buffers but what the host would have to send again. */
static void test_repeats_hold_no_buffer(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct pool *pool = r->core->shard[0]->pool;
	uint64_t free_bytes = pool_free_bytes(pool), tag;

	r->disk[0]->hold = true;
	tag = rig_read(r, c, 0, 0, r->mem, 65536);
	assert_true(pool_free_bytes(pool) < free_bytes);
	r->disk[0]->hold_up = true;
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	rig_run(r);
	assert_int_equal(pool_free_bytes(pool), free_bytes);
	r->disk[0]->hold = false;
	rig_fill(r->disk[0]->disk, 65536, 8);
	fake_up(r->disk[0]);
	rig_expect_status(r, c, tag, SCSI_GOOD);
	assert_memory_equal(r->mem, r->disk[0]->disk, 65536);
}

/* ---- one logical unit under two LUNs ---- */

static void test_fence_holds_for_the_twin(void **state)
{
	struct rig *r = *state;
	struct rig_map *m = rig_map_new(r);
	struct fake_conn *c;
	uint64_t w, next;

	memcpy(m->lun[0][1].backend_lun, m->lun[0][0].backend_lun, 8);
	rig_apply(r, m);
	c = rig_login(r);
	r->disk[0]->hold = true;
	w = rig_write(r, c, 0, 0, r->mem, 512);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	r->disk[0]->hold = false;
	rig_expect_status(r, c, w, SCSI_BUSY);
	assert_true(lu_is_fenced(rig_lu(r, 1)));
	assert_int_equal(rig_lu(r, 1)->n_fences, 0);
	next = rig_write(r, c, 1, 0, r->mem, 512);
	rig_wait_ms(r, 600);
	rig_expect_nothing(r, c);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
	rig_wait_ms(r, 200);
	rig_expect_status(r, c, next, SCSI_GOOD);
	/* One of them goes from the map. */
	rig_apply(r, rig_map_new(r));
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_UNIT_ATTENTION, 0x3f, 0x0e);
	expect_good(r, c, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_first_attempt_comes_at_once),
		TEST(test_second_attempt_waits),
		TEST(test_idle_path_moves_at_once),
		TEST(test_busy_path_runs_dry_and_moves),
		TEST(test_move_is_forgotten),
		TEST(test_no_move_under_a_fence),
		TEST(test_nothing_goes_to_a_silent_back_end),
		TEST(test_an_answer_ends_the_silence),
		TEST(test_silence_ends),
		TEST(test_logout_with_a_stopped_back_end),
		TEST(test_logout_with_a_dead_back_end),
		TEST(test_flush_goes_through_at_last),
		TEST(test_flush_of_unknown_fate),
		TEST(test_busy_policy),
		TEST(test_fail_policy),
		TEST(test_disconnect_policy),
		TEST(test_disconnect_at_the_hold_time),
		TEST(test_request_sense),
		TEST(test_login_while_it_is_away),
		TEST(test_gateway_tells_the_loss),
		TEST(test_back_end_tells_the_loss),
		TEST(test_loss_is_told_once),
		TEST(test_repeats_end),
		TEST(test_repeats_hold_no_buffer),
		TEST(test_fence_holds_for_the_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
