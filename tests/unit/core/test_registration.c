/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registrations for persistent reservations: the back-end's sessions linger for them, and after a lost session the gateway asks
 * whether they are still there before anything else is delivered.
 */
#include "rig.h"

#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <string.h>

enum { REGISTER = 0, CLEAR = 3, IGNORE = 6, LINGER_MS = 60000 };

static uint64_t pr_out(struct rig *r, struct fake_conn *c, uint8_t action, uint8_t key, uint8_t action_key, uint8_t flags)
{
	struct rig_cmd cmd = { .dir = RIG_OUT, .buf = r->mem, .len = 24, .cdb = { 0x5f, action, 0, 0, 0, 0, 0, 0, 24 } };

	memset(r->mem, 0, 24);
	r->mem[7] = key;
	r->mem[15] = action_key;
	r->mem[20] = flags;
	return rig_send_cmd(r, c, &cmd);
}

static struct fake_conn *registered(struct rig *r, uint8_t key, uint8_t flags)
{
	struct fake_conn *c = rig_login(r);

	rig_expect_status(r, c, pr_out(r, c, IGNORE, 0, key, flags), SCSI_GOOD);
	assert_true(rig_lu(r, 0)->registration.held);
	return c;
}

static void ua(struct fake_target *t, uint8_t asc, uint8_t ascq)
{
	t->status = SCSI_CHECK_CONDITION;
	t->sense_len = (uint8_t)scsi_sense_build((struct scsi_sense){ SCSI_UNIT_ATTENTION, asc, ascq }, -1, t->sense);
}

static void good(struct fake_target *t)
{
	t->status = SCSI_GOOD;
	t->sense_len = 0;
}

/* The session dies, and the next one is up with everything held. @c: its host is told, or NULL: it has yet to hear of it. */
static void lose_session(struct rig *r, struct fake_conn *c)
{
	r->disk[0]->hold = true;
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_wait_ms(r, 1000);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
	for (uint32_t lun = 0; c && lun < 2; lun++)
		if (rig_lu(r, lun)->ua)
			rig_expect_sense(r, c, rig_send_cmd(r, c, &(struct rig_cmd){ .lun = lun }), 6, 0x29, 0x07);
}

/* The only command there is the question for @key. */
static struct fake_cmd *question(struct rig *r, uint8_t key, uint8_t flags)
{
	const uint8_t cdb[10] = { 0x5f, REGISTER, [8] = 24 };
	struct fake_cmd *c = fake_first(r->disk[0]);
	uint8_t list[24] = { [7] = key, [15] = key, [20] = flags };

	assert_non_null(c);
	assert_int_equal(r->disk[0]->n_cmds, 1);
	assert_int_equal(c->io->cdb_len, sizeof(cdb));
	assert_memory_equal(c->io->cdb, cdb, sizeof(cdb));
	assert_int_equal(c->io->data_len, sizeof(list));
	assert_memory_equal(c->io->iov[0].iov_base, list, sizeof(list));
	return c;
}

static void answer(struct rig *r, struct fake_cmd *c, uint8_t status)
{
	r->disk[0]->status = status;
	fake_answer(c);
	good(r->disk[0]);
	rig_run(r);
}

/* The back-end answers what it holds and what comes. */
static void release(struct rig *r)
{
	r->disk[0]->hold = false;
	while (fake_first(r->disk[0]))
		fake_answer(fake_first(r->disk[0]));
	rig_run(r);
}

/* Is the nexus there for longer than a moment after its only channel is lost? */
static bool lingers(struct rig *r, struct fake_conn *c)
{
	bool there;

	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, LINGER_MS - 1000);
	there = r->core->port.n_nexuses == 1;
	rig_wait_ms(r, 2000);
	assert_int_equal(r->core->port.n_nexuses, 0);
	return there;
}

static void test_lingers_while_registered(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	assert_false(lingers(r, c));
	assert_true(lingers(r, registered(r, 1, 0)));
	/* The key of nobody ends it. */
	c = registered(r, 1, 0);
	rig_expect_status(r, c, pr_out(r, c, REGISTER, 1, 0, 0), SCSI_GOOD);
	assert_false(lingers(r, c));
	c = registered(r, 1, 0);
	rig_expect_status(r, c, pr_out(r, c, CLEAR, 1, 0, 0), SCSI_GOOD);
	assert_false(lingers(r, c));
	/* What was refused changes nothing. */
	c = registered(r, 1, 0);
	r->disk[0]->status = SCSI_RESERVATION_CONFLICT;
	rig_expect_status(r, c, pr_out(r, c, REGISTER, 1, 0, 0), SCSI_RESERVATION_CONFLICT);
	good(r->disk[0]);
	assert_true(lingers(r, c));
	/* Preempted, and told so. */
	c = registered(r, 1, 0);
	ua(r->disk[0], 0x2a, 0x05);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), 6, 0x2a, 0x05);
	good(r->disk[0]);
	assert_false(lingers(r, c));
}

static void test_kept(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = registered(r, 7, 0x01);
	struct fake_cmd *q;
	uint64_t tag;

	lose_session(r, c);
	tag = rig_read(r, c, 0, 0, r->mem, 512);
	rig_expect_nothing(r, c);
	q = question(r, 7, 0x01);
	answer(r, q, SCSI_GOOD);
	release(r);
	rig_expect_status(r, c, tag, SCSI_GOOD);
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
	/* Only what was asked for is asked for. */
	assert_true(rig_lu(r, 0)->registration.held);
	assert_false(rig_lu(r, 0)->registration.unproven);
	rig_expect_idle(r);
}

static void test_gone(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = registered(r, 7, 0);
	struct rig_cmd inquiry = { .cdb = { 0x12 } };
	uint64_t first, second, exempt;

	lose_session(r, c);
	exempt = rig_send_cmd(r, c, &inquiry);
	first = rig_write(r, c, 0, 0, r->mem, 512);
	second = rig_write(r, c, 0, 8, r->mem, 512);
	answer(r, question(r, 7, 0), SCSI_RESERVATION_CONFLICT);
	release(r);
	/* It waited, in the belief that the registration was there. */
	rig_expect_sense(r, c, first, 6, 0x2a, 0x05);
	rig_expect_status(r, c, exempt, SCSI_GOOD);
	rig_expect_status(r, c, second, SCSI_GOOD);
	assert_false(rig_lu(r, 0)->registration.held);
	/* Told once; and nothing is asked any more. */
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_wait_ms(r, 1000);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), 6, 0x29, 0x07);
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
	assert_int_equal(r->disk[0]->last_cdb[0], 0x28);
	/* Without anything that waits, the next command hears it. */
	rig_expect_status(r, c, pr_out(r, c, IGNORE, 0, 7, 0), SCSI_GOOD);
	lose_session(r, c);
	answer(r, question(r, 7, 0), SCSI_RESERVATION_CONFLICT);
	release(r);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), 6, 0x2a, 0x05);
	rig_expect_status(r, c, rig_read(r, c, 1, 0, r->mem, 512), SCSI_GOOD);
	rig_expect_idle(r);
}

static void test_attention_takes_its_answer(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = registered(r, 7, 0);
	uint64_t tag;

	lose_session(r, NULL);
	ua(r->disk[0], 0x29, 0x00);
	fake_answer(question(r, 7, 0));
	good(r->disk[0]);
	rig_run(r);
	answer(r, question(r, 7, 0), SCSI_GOOD);
	release(r);
	/* What the target said was meant for the host, which has not heard of the loss yet. */
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), 6, 0x29, 0x07);
	tag = rig_read(r, c, 0, 0, r->mem, 512);
	rig_expect_status(r, c, tag, SCSI_GOOD);
	/* Or has. */
	lose_session(r, c);
	ua(r->disk[0], 0x29, 0x00);
	fake_answer(question(r, 7, 0));
	good(r->disk[0]);
	rig_run(r);
	answer(r, question(r, 7, 0), SCSI_GOOD);
	release(r);
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
	/* One that never says anything else knows no registration. */
	r->disk[0]->hold = true;
	ua(r->disk[0], 0x29, 0x00);
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	r->disk[0]->hold = false;
	rig_wait_ms(r, 1000);
	good(r->disk[0]);
	assert_false(rig_lu(r, 0)->registration.held);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), 6, 0x29, 0x07);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), 6, 0x2a, 0x05);
	rig_expect_idle(r);
}

static void test_no_answer(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = registered(r, 7, 0);
	struct lu *lu = rig_lu(r, 0);
	uint64_t n, tag;

	/* Too busy: another session, and again. */
	lose_session(r, c);
	n = r->disk[0]->n_attaches;
	answer(r, question(r, 7, 0), SCSI_BUSY);
	rig_wait_ms(r, 1000);
	assert_int_equal(r->disk[0]->n_attaches, n + 1);
	/* Lost with its session: nothing hangs on its fate, and no fence stands. */
	question(r, 7, 0);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	rig_wait_ms(r, 1000);
	assert_false(lu->hazard);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), 6, 0x29, 0x07);
	tag = rig_read(r, c, 0, 0, r->mem, 512);
	answer(r, question(r, 7, 0), SCSI_GOOD);
	release(r);
	rig_expect_status(r, c, tag, SCSI_GOOD);
	rig_expect_idle(r);
}

/* More logical units than the back-end takes commands at once. */
static void test_many(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = registered(r, 7, 0);
	struct rig_cmd cmd = { .lun = 1, .dir = RIG_OUT, .buf = r->mem, .len = 24, .cdb = { 0x5f, IGNORE, [8] = 24 } };
	uint64_t tag[2];

	rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
	r->backend[0].limits.max_outstanding = 1;
	lose_session(r, c);
	tag[0] = rig_read(r, c, 0, 0, r->mem, 512);
	tag[1] = rig_read(r, c, 1, 0, r->mem, 512);
	answer(r, question(r, 7, 0), SCSI_GOOD);
	answer(r, question(r, 7, 0), SCSI_RESERVATION_CONFLICT);
	release(r);
	rig_expect_sense(r, c, tag[1], 6, 0x2a, 0x05);
	rig_expect_status(r, c, tag[0], SCSI_GOOD);
	r->backend[0].limits.max_outstanding = 0;
	rig_expect_idle(r);
}

/* The host is away, and the session is lost meanwhile: it hears of both when it is back. */
static void test_lost_while_away(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = registered(r, 7, 0);

	fake_break(c, FABRIC_DOWN_PEER);
	rig_run(r);
	lose_session(r, NULL);
	answer(r, question(r, 7, 0), SCSI_RESERVATION_CONFLICT);
	release(r);
	c = rig_login(r);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), 6, 0x29, 0x07);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), 6, 0x2a, 0x05);
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
	rig_expect_idle(r);
}

static int setup(void **state)
{
	struct rig *r = rig_new(state);

	r->maps[0]->map.registration_linger_ms = LINGER_MS;
	rig_start(r);
	return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lingers_while_registered),
		TEST(test_kept),
		TEST(test_gone),
		TEST(test_attention_takes_its_answer),
		TEST(test_no_answer),
		TEST(test_many),
		TEST(test_lost_while_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
