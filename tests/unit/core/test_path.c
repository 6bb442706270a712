/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Back-ends that come and go: hold, BUSY, resubmission, back-off, fences after writes of unknown fate, others
 * undisturbed.
 */
#include "rig.h"

#include "../../../gateway/base/log.h"
#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int teardown(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < RIG_BACKENDS; i++)
		r->disk[i]->hold_up = false;
	return rig_teardown(state);
}

static void test_held_until_up(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t tag;

	r->disk[0]->hold_up = true;
	c = rig_login(r);
	tag = rig_read(r, c, 0, 0, r->mem, 512);
	rig_wait_ms(r, 4000);
	rig_expect_nothing(r, c);
	rig_expect_status(r, c, rig_read(r, c, 2, 0, r->mem, 512), SCSI_GOOD);
	fake_up(r->disk[0]);
	rig_expect_status(r, c, tag, SCSI_GOOD);
}

static void test_busy_after_the_hold_time(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t first, second;

	r->disk[0]->hold_up = true;
	c = rig_login(r);
	first = rig_write(r, c, 0, 0, r->mem, 65536);
	rig_wait_ms(r, 3000);
	second = rig_read(r, c, 1, 0, r->mem, 512);
	rig_wait_ms(r, 1999);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 2);
	rig_expect_status(r, c, first, SCSI_BUSY);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 3000);
	rig_expect_status(r, c, second, SCSI_BUSY);
	assert_int_equal(r->disk[0]->n_submits, 0);
	assert_int_equal(c->n_read_wr, 0);
	rig_expect_idle(r);
}

static void test_attach_backs_off(void **state)
{
	struct rig *r = *state;

	r->disk[0]->attach_rc = -ENETUNREACH;
	rig_login(r);
	assert_int_equal(r->disk[0]->n_attaches, 1);
	rig_wait_ms(r, 99);
	assert_int_equal(r->disk[0]->n_attaches, 1);
	rig_wait_ms(r, 2);
	assert_int_equal(r->disk[0]->n_attaches, 2);
	rig_wait_ms(r, 200 + 400 + 800);
	assert_int_equal(r->disk[0]->n_attaches, 5);
	rig_wait_ms(r, 10000); /* at most a second apart */
	assert_in_range(r->disk[0]->n_attaches, 14, 15);
	r->disk[0]->attach_rc = 0;
	rig_wait_ms(r, 1100);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
	assert_int_equal(r->disk[1]->n_attaches, 1);
}

static void count_down(void *arg, enum log_level level, const char *text)
{
	(void)level;
	*(unsigned *)arg += strstr(text, "is down") != NULL || strstr(text, "trying again") != NULL;
}

/* The log tells of a lost back-end once, and again when the reason changes, not at every attempt. */
static void test_down_is_logged_once(void **state)
{
	struct rig *r = *state;
	unsigned n = 0;

	rig_login(r);
	log_set_level(LOG_LEVEL_WARN);
	log_set_hook(count_down, &n);
	r->disk[0]->hold_up = true;
	for (unsigned i = 0; i < 4; i++) {
		fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "no route");
		rig_wait_ms(r, 2000);
	}
	assert_int_equal(n, 1);
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "login refused");
	r->disk[0]->attach_rc = -ENETUNREACH;
	rig_wait_ms(r, 10000);
	assert_int_equal(n, 3);
	/* It was up in between: the same reason is news. */
	r->disk[0]->attach_rc = 0;
	r->disk[0]->hold_up = false;
	rig_wait_ms(r, 2000);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "login refused");
	assert_int_equal(n, 4);
	log_set_hook(NULL, NULL);
	log_set_level(LOG_LEVEL_ERROR);
}

static void test_never_delivered_is_sent_again(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t w, rd;

	r->disk[0]->hold = true;
	rig_fill(r->mem, 65536, 5);
	w = rig_write(r, c, 0, 0, r->mem, 65536);
	rd = rig_read(r, c, 1, 0, r->mem + 65536, 512);
	assert_int_equal(r->disk[0]->n_cmds, 2);
	r->disk[0]->hold_up = true;
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_wait_ms(r, 200);
	rig_expect_nothing(r, c);
	r->disk[0]->hold = false;
	/* The data-out buffer is kept: not a byte is read from the host again. */
	fake_up(r->disk[0]);
	rig_run(r);
	assert_int_equal(c->read_bytes, 65536);
	rig_expect_status(r, c, w, SCSI_GOOD);
	rig_expect_status(r, c, rd, SCSI_GOOD);
	assert_memory_equal(r->disk[0]->disk, r->mem, 65536);
	assert_int_equal(r->disk[0]->n_submits, 4);
}

/* BUSY makes the host repeat the command: not when that does harm. */
static void test_unknown_fate_by_command(void **state)
{
	static const struct {
		uint8_t cdb[2];
		bool repeat;
	} cases[] = {
		{ { 0x28 }, true },	  { { 0x2a }, true },	      { { 0x8a }, true },
		{ { 0x42 }, true },	  { { 0x93, 0x08 }, true }, { { 0x9e, 0x10 }, true }, { { 0x5e, 0x02 }, true },
		{ { 0xa3, 0x0a }, true }, { { 0xa4, 0x0a }, false }, /* SET TARGET PORT GROUPS */
		{ { 0x9e, 0x14 }, false },			     /* STREAM CONTROL */
		{ { 0x89 }, false },				     /* COMPARE AND WRITE */
		{ { 0x08 }, false },	  { { 0x0a }, false },	     /* on a tape the next block */
		{ { 0x10 }, false },				     /* WRITE FILEMARKS */
		{ { 0x11 }, false },	  { { 0x91, 0x01 }, false }, /* SPACE */
		{ { 0x16 }, false },				     /* RESERVE */
		{ { 0x5f }, false },				     /* PERSISTENT RESERVE OUT */
		{ { 0x83 }, false },				     /* EXTENDED COPY */
		{ { 0xc1 }, false },				     /* vendor specific */
	};
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_cmd cmd = { .dir = RIG_NONE, .cdb = { cases[i].cdb[0], cases[i].cdb[1] } };
		uint64_t tag;

		r->disk[0]->hold = true;
		tag = rig_send_cmd(r, c, &cmd);
		fake_lose(fake_first(r->disk[0]), SRPGW_DELIVERY_MAYBE);
		if (cases[i].repeat)
			rig_expect_status(r, c, tag, SCSI_BUSY);
		else
			rig_expect_sense(r, c, tag, SCSI_ABORTED_COMMAND, 0x08, 0x00);
		rig_wait_ms(r, 2000); /* the fence */
	}
	r->disk[0]->hold = false;
}

static void test_immediate_data_is_sent_again(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_cmd cmd = { .dir = RIG_OUT, .buf = r->mem, .len = 4096, .immediate = true, .cdb = { 0x2a } };
	uint64_t tag;

	r->disk[0]->hold = true;
	rig_fill(r->mem, 4096, 6);
	tag = rig_send_cmd(r, c, &cmd);
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	r->disk[0]->hold = false;
	rig_wait_ms(r, 200);
	rig_expect_status(r, c, tag, SCSI_GOOD);
	assert_memory_equal(r->disk[0]->disk, r->mem, 4096);
}

/* A path that goes up and down for ever: no command goes round for longer than the hold time. */
static void test_resubmission_ends(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	r->disk[0]->hold = true;
	tag = rig_read(r, c, 0, 0, r->mem, 512);
	for (unsigned i = 0; i < 60 && c->n_sent == 0; i++) {
		if (fake_path(r->disk[0]) && fake_path(r->disk[0])->up)
			fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
		rig_wait_ms(r, 110);
	}
	assert_in_range(r->now_ns / NS_PER_MS, 1000 + 5000, 1000 + 5500);
	rig_expect_status(r, c, tag, SCSI_BUSY);
	assert_true(r->disk[0]->n_submits > 10);
}

/* A bridge that says NEVER while its session counts as up must not spin. */
static void test_never_while_up(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	r->disk[0]->never = true;
	tag = rig_read(r, c, 0, 0, r->mem, 512);
	rig_wait_ms(r, 5100);
	rig_expect_status(r, c, tag, SCSI_BUSY);
	assert_in_range(r->disk[0]->n_submits, 2, 600);
	r->disk[0]->never = false;
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
}

static void test_write_of_unknown_fate_fences(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t w, rd, next;

	r->disk[0]->hold = true;
	w = rig_write(r, c, 0, 0, r->mem, 512);
	rd = rig_read(r, c, 1, 0, r->mem, 512);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	r->disk[0]->hold = false;
	rig_expect_status(r, c, w, SCSI_BUSY);
	assert_true(rig_lu(r, 0)->hazard);
	assert_false(rig_lu(r, 1)->hazard);
	next = rig_write(r, c, 0, 0, r->mem, 512);
	/* The gateway itself asks again for what changes nothing. */
	rig_wait_ms(r, 20);
	rig_expect_status(r, c, rd, SCSI_GOOD);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
	rig_expect_status(r, c, rig_write(r, c, 1, 0, r->mem, 512), SCSI_GOOD);
	rig_wait_ms(r, 630);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 100);
	rig_expect_status(r, c, next, SCSI_GOOD);
}

/* The clock of the fence starts when the old session is proven dead, not when it went down. */
static void test_fence_waits_for_the_detach(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t w, next;

	r->disk[0]->hold = r->disk[0]->hold_detach = true;
	w = rig_write(r, c, 0, 0, r->mem, 512);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	rig_expect_status(r, c, w, SCSI_BUSY);
	r->disk[0]->hold = false;
	next = rig_write(r, c, 0, 0, r->mem, 512);
	rig_wait_ms(r, 1900);
	assert_int_equal(r->disk[0]->n_attaches, 1);
	fake_detached(r->disk[0]);
	r->disk[0]->hold_detach = false;
	rig_wait_ms(r, 650);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 100);
	rig_expect_status(r, c, next, SCSI_GOOD);
}

/* One write is lost while the session stands: only the end of the session can say that it will not land. */
static void test_single_loss_gives_the_session_up(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t w;

	r->disk[0]->hold = true;
	w = rig_write(r, c, 0, 0, r->mem, 512);
	fake_lose(fake_first(r->disk[0]), SRPGW_DELIVERY_MAYBE);
	rig_expect_status(r, c, w, SCSI_BUSY);
	rig_run(r);
	assert_int_equal(r->disk[0]->n_detaches, 1);
	r->disk[0]->hold = false;
	rig_wait_ms(r, 1000);
	rig_expect_status(r, c, rig_write(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
}

static void test_queue_limit(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	r->backend[0].limits.max_outstanding = 3;
	r->disk[0]->hold = true;
	for (unsigned i = 0; i < 10; i++)
		rig_read(r, c, i % 2, 0, r->mem, 512);
	assert_int_equal(r->disk[0]->n_cmds, 3);
	for (unsigned i = 0; i < 10; i++) {
		assert_in_range(r->disk[0]->n_cmds, 1, 3);
		fake_answer(fake_first(r->disk[0]));
		rig_run(r);
	}
	assert_int_equal(c->n_sent, 10);
	c->n_seen = 10;
	rig_expect_idle(r);
	r->backend[0].limits.max_outstanding = 0;
}

/* Both LUs of a back-end get their turn, however long the queue of one is. */
static void test_lus_take_turns(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	r->backend[0].limits.max_outstanding = 1;
	r->disk[0]->hold = true;
	for (unsigned i = 0; i < 6; i++)
		rig_read(r, c, 0, 0, r->mem, 512);
	rig_read(r, c, 1, 0, r->mem, 512);
	for (unsigned i = 0; i < 7; i++) {
		if (i == 2)
			assert_int_equal(fake_first(r->disk[0])->io->lun[1], 11);
		fake_answer(fake_first(r->disk[0]));
		rig_run(r);
	}
	r->backend[0].limits.max_outstanding = 0;
}

/* A command that was fetching its data while the path died does not reach the dead session. */
static void test_down_while_fetching(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	c->manual = true;
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	r->disk[0]->hold_up = true;
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	rig_run(r);
	fake_complete(c, FABRIC_WC_OK);
	c->manual = false;
	rig_run(r);
	assert_int_equal(r->disk[0]->n_submits, 0);
	fake_up(r->disk[0]);
	rig_expect_status(r, c, tag, SCSI_GOOD);
	assert_int_equal(r->disk[0]->n_submits, 1);
}

/* Counted while they are up; a person is warned before the last one, and when one is turned away. */
static void test_sessions_are_counted(void **state)
{
	struct rig *r = *state;
	struct census *c = &r->backend[0].census;
	struct srpgw_event ev = {
		.struct_size = sizeof(ev), .kind = SRPGW_PATH_DOWN, .text = "refused", .causes = SRPGW_CAUSE_NO_ROOM
	};
	struct rig_login other = { .id = 2 };
	struct fake_path *p;

	c->most = 5;
	rig_login(r);
	assert_int_equal(c->n, 1);
	assert_false(census_is_near(c));
	c->most = 2;
	rig_login_raw(r, &other);
	rig_run(r);
	assert_int_equal(c->n, 2);
	assert_true(census_is_near(c));
	assert_true(c->near_told);
	/* One of them ends, and is not let in again. */
	p = fake_path(r->disk[0]);
	p->up = false;
	r->disk[0]->hold_up = true;
	r->host.event(p->ctx, &ev);
	rig_wait_ms(r, 1000);
	assert_int_equal(c->n, 1);
	assert_false(c->near_told);
	assert_true(c->refused);
	/* A bridge that knows nothing of causes. */
	c->refused = false;
	ev.struct_size = offsetof(struct srpgw_event, causes);
	r->host.event(fake_path(r->disk[0])->ctx, &ev);
	rig_wait_ms(r, 1000);
	assert_false(c->refused);
	c->refused = true;
	fake_up(r->disk[0]);
	assert_int_equal(c->n, 2);
	assert_false(c->refused);
	r->disk[0]->hold_up = false;
}

static void test_permanent_down_retries_slowly(void **state)
{
	struct rig *r = *state;
	struct srpgw_event ev = {
		.struct_size = sizeof(ev), .kind = SRPGW_PATH_DOWN, .text = "no such target", .permanent = true
	};
	struct fake_path *p;

	rig_login(r);
	p = fake_path(r->disk[0]);
	p->up = false;
	r->host.event(p->ctx, &ev);
	rig_wait_ms(r, 900);
	assert_int_equal(r->disk[0]->n_attaches, 1);
	assert_string_equal(rig_lu(r, 0)->path->why, "no such target");
	rig_wait_ms(r, 200);
	assert_int_equal(r->disk[0]->n_attaches, 2);
	/* Up says through where. */
	assert_string_equal(rig_lu(r, 0)->path->why, "fake");
}

static void test_bridge_breaks_its_contract(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct shard *s = r->core->shard[0];
	struct srpgw_io *io;
	uint64_t tag;

	r->disk[0]->hold = true;
	tag = rig_read(r, c, 0, 0, r->mem, 512);
	io = fake_first(r->disk[0])->io;
	fake_answer(fake_first(r->disk[0]));
	r->host.io_done(io); /* answered twice */
	assert_int_equal(s->contract_breaches_total, 1);
	rig_expect_status(r, c, tag, SCSI_GOOD);
	s->contract_breaches_total = 0;
	rig_expect_idle(r);
}

static void test_identity_is_stable(void **state)
{
	struct rig *r = *state;
	uint8_t isid[6];
	char name[224];

	rig_login(r);
	memcpy(isid, fake_path(r->disk[0])->isid, 6);
	strcpy(name, fake_path(r->disk[0])->initiator_name);
	assert_string_equal(name, "iqn.2026-11.srpgw:gw:11111111111111111111111111111101");
	assert_memory_not_equal(isid, fake_path(r->disk[1])->isid, 6);
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_wait_ms(r, 200);
	assert_memory_equal(isid, fake_path(r->disk[0])->isid, 6);
	assert_string_equal(name, fake_path(r->disk[0])->initiator_name);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_held_until_up),
		TEST(test_busy_after_the_hold_time),
		TEST(test_attach_backs_off),
		TEST(test_never_delivered_is_sent_again),
		TEST(test_unknown_fate_by_command),
		TEST(test_down_is_logged_once),
		TEST(test_immediate_data_is_sent_again),
		TEST(test_resubmission_ends),
		TEST(test_never_while_up),
		TEST(test_write_of_unknown_fate_fences),
		TEST(test_fence_waits_for_the_detach),
		TEST(test_single_loss_gives_the_session_up),
		TEST(test_queue_limit),
		TEST(test_lus_take_turns),
		TEST(test_down_while_fetching),
		TEST(test_sessions_are_counted),
		TEST(test_permanent_down_retries_slowly),
		TEST(test_bridge_breaks_its_contract),
		TEST(test_identity_is_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
