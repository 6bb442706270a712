/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fence in part: writes of unknown fate shut the blocks that they name, and nothing that may pass waits for it.
 */
#include "rig.h"

#include "../../../gateway/base/be.h"
#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <string.h>

/* Of the hazard. */
#define FIRST 100u
#define N 8u
#define FENCE_MS 700u

enum { READ_CAPACITY = 0x25, WRITE_SAME = 0x41, UNMAP = 0x42, FLUSH = 0x35, COMPARE_AND_WRITE = 0x89 };

static uint64_t bare(struct rig *r, struct fake_conn *c, uint32_t lun, const uint8_t cdb[16], uint8_t attr)
{
	struct rig_cmd cmd = { .lun = lun, .attr = attr };

	memcpy(cmd.cdb, cdb, 16);
	return rig_send_cmd(r, c, &cmd);
}

/* The host asks for the capacity, as disks' drivers do. */
static void size(struct rig *r, struct fake_conn *c, uint32_t lun)
{
	struct rig_cmd cmd = { .lun = lun, .dir = RIG_IN, .buf = r->mem, .len = 8, .cdb = { READ_CAPACITY } };

	be32_put(r->disk[0]->disk, 2047);
	be32_put(r->disk[0]->disk + 4, 512);
	rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
	assert_int_equal(rig_lu(r, lun)->block_bytes, 512);
}

/* Without data: a write that is fetched may be overtaken. */
static uint64_t touch(struct rig *r, struct fake_conn *c, uint32_t lun, uint8_t opcode, uint32_t block, uint32_t n)
{
	uint8_t cdb[16] = { opcode };

	be32_put(cdb + 2, block);
	cdb[8] = (uint8_t)n;
	return bare(r, c, lun, cdb, SRPGW_ATTR_SIMPLE);
}

static uint64_t put(struct rig *r, struct fake_conn *c, uint32_t block, uint32_t n)
{
	return touch(r, c, 0, 0x2a, block, n);
}

static uint64_t get(struct rig *r, struct fake_conn *c, uint32_t block, uint32_t n)
{
	return touch(r, c, 0, 0x28, block, n);
}

/* What is at the back-end is lost with its session, and the next one is up at once. */
static void lose(struct rig *r)
{
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	r->disk[0]->hold = false;
	rig_run(r);
}

/* The next session is up, and the host has heard of it. */
static void back(struct rig *r, struct fake_conn *c)
{
	static const uint8_t tur[16];

	rig_wait_ms(r, 20);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
	for (uint32_t lun = 0; lun < 2; lun++)
		if (rig_lu(r, lun)->ua)
			rig_expect_sense(r, c, bare(r, c, lun, tur, SRPGW_ATTR_SIMPLE), SCSI_UNIT_ATTENTION, 0x29, 0x07);
}

static struct fake_conn *start_with_hazard(struct rig *r)
{
	struct fake_conn *c = rig_login(r);
	uint64_t w;

	size(r, c, 0);
	r->disk[0]->hold = true;
	w = put(r, c, FIRST, N);
	lose(r);
	rig_expect_status(r, c, w, SCSI_BUSY);
	back(r, c);
	assert_int_equal(rig_lu(r, 0)->fence, LU_PART);
	return c;
}

/* All of @tag waits until the hazard ends, and is answered then, in this order. */
static void expect_late(struct rig *r, struct fake_conn *c, const uint64_t *tag, unsigned n)
{
	rig_wait_ms(r, FENCE_MS - 100);
	rig_expect_nothing(r, c);
	assert_true(rig_lu(r, 0)->hazard);
	rig_wait_ms(r, 200);
	for (unsigned i = 0; i < n; i++)
		rig_expect_status(r, c, tag[i], SCSI_GOOD);
	assert_int_equal(rig_lu(r, 0)->fence, LU_OPEN);
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
	assert_true(list_empty(&rig_lu(r, 0)->held));
	rig_expect_idle(r);
}

static void test_other_blocks_pass(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = start_with_hazard(r);

	/* To the very edge. */
	rig_expect_status(r, c, put(r, c, FIRST - 1, 1), SCSI_GOOD);
	rig_expect_status(r, c, put(r, c, FIRST + N, 1), SCSI_GOOD);
	rig_expect_status(r, c, get(r, c, FIRST - 4, 4), SCSI_GOOD);
	rig_expect_status(r, c, get(r, c, FIRST + N, 64), SCSI_GOOD);
	rig_expect_status(r, c, put(r, c, 0, FIRST), SCSI_GOOD);
	assert_true(rig_lu(r, 0)->hazard);
}

/* Each of them touches one block of it. */
static void overlapping(struct rig *r, uint32_t block, uint32_t n)
{
	struct fake_conn *c = start_with_hazard(r);
	uint64_t tag[] = { put(r, c, block, n), get(r, c, block, n) };

	expect_late(r, c, tag, 2);
}

static void test_first_block_waits(void **state)
{
	overlapping(*state, FIRST - 3, 4);
}

static void test_last_block_waits(void **state)
{
	overlapping(*state, FIRST + N - 1, 4);
}

static void test_around_it_waits(void **state)
{
	overlapping(*state, FIRST - 4, N + 8);
}

static void test_inside_it_waits(void **state)
{
	overlapping(*state, FIRST + 2, 1);
}

/* What touches the blocks of one that waits must not overtake it, and so on. */
static void test_order_of_those_who_overlap(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = start_with_hazard(r);
	uint64_t tag[5];

	tag[0] = put(r, c, FIRST + N - 1, 4);
	tag[1] = put(r, c, FIRST + N + 2, 4);
	tag[2] = get(r, c, FIRST + N + 5, 1);
	tag[3] = put(r, c, FIRST + N + 5, 1);
	tag[4] = put(r, c, FIRST + N + 2, 4);
	rig_expect_status(r, c, put(r, c, FIRST + N + 6, 1), SCSI_GOOD);
	expect_late(r, c, tag, 5);
}

/* ---- what is neither read nor write ---- */

static void test_questions_pass(void **state)
{
	static const uint8_t cdb[][16] = {
		{ 0x00 },	 /* TEST UNIT READY */
		{ 0x12 },	 /* INQUIRY */
		{ 0x1a },	 /* MODE SENSE(6) */
		{ 0x25 },	 /* READ CAPACITY(10) */
		{ 0x4d },	 /* LOG SENSE */
		{ 0x9e, 0x10 },	 /* READ CAPACITY(16) */
		{ 0xa3, 0x0a },	 /* REPORT TARGET PORT GROUPS */
		{ 0x28, 0, 0, 0, 0, FIRST }, /* READ(10) of no block */
		{ COMPARE_AND_WRITE, 0, 0, 0, 0, 0, 0, 0, 0, FIRST + N, 0, 0, 0, 1 },
		{ WRITE_SAME, 0, 0, 0, 0, FIRST + N, 0, 0, 0 },
		{ WRITE_SAME, 0, 0, 0, 0, FIRST - 1, 0, 0, 1 },
	};
	struct rig *r = *state;
	struct fake_conn *c = start_with_hazard(r);

	for (unsigned i = 0; i < sizeof(cdb) / sizeof(cdb[0]); i++)
		rig_expect_status(r, c, bare(r, c, 0, cdb[i], SRPGW_ATTR_SIMPLE), SCSI_GOOD);
	assert_int_equal(rig_lu(r, 0)->fence, LU_PART);
}

/* They look at what was carried out before: they wait, and the others go on. */
static void test_flush_waits_alone(void **state)
{
	static const uint8_t cdb[][16] = { { FLUSH }, { 0x91 }, { 0x5e } };
	struct rig *r = *state;
	struct fake_conn *c = start_with_hazard(r);
	uint64_t tag[3];

	for (unsigned i = 0; i < 3; i++) {
		tag[i] = bare(r, c, 0, cdb[i], SRPGW_ATTR_SIMPLE);
		rig_expect_status(r, c, put(r, c, 0, 1), SCSI_GOOD);
	}
	expect_late(r, c, tag, 3);
}

/* Nobody knows what it touches, so it waits, and so does all that comes behind it. */
static void everything_waits(struct rig *r, const uint8_t cdb[16], uint8_t attr)
{
	struct fake_conn *c = start_with_hazard(r);
	uint64_t tag[3];

	tag[0] = put(r, c, FIRST, 1);
	tag[1] = bare(r, c, 0, cdb, attr);
	tag[2] = put(r, c, 0, 1);
	assert_int_equal(rig_lu(r, 0)->fence, LU_SHUT);
	if (attr == SRPGW_ATTR_HEAD_OF_QUEUE) {
		uint64_t first = tag[1];

		tag[1] = tag[0];
		tag[0] = first;
	}
	expect_late(r, c, tag, 3);
}

#define WAITS(name, attr, ...)                                  \
	static void test_##name##_shuts(void **state)           \
	{                                                       \
		static const uint8_t cdb[16] = { __VA_ARGS__ }; \
		everything_waits(*state, cdb, attr);            \
	}
WAITS(unmap, SRPGW_ATTR_SIMPLE, UNMAP)
WAITS(format, SRPGW_ATTR_SIMPLE, 0x04)
WAITS(pr_out, SRPGW_ATTR_SIMPLE, 0x5f)
WAITS(mode_select, SRPGW_ATTR_SIMPLE, 0x15)
WAITS(copy, SRPGW_ATTR_SIMPLE, 0x83)
WAITS(stop, SRPGW_ATTR_SIMPLE, 0x1b)
WAITS(ordered, SRPGW_ATTR_ORDERED, 0x00)
WAITS(head_of_queue, SRPGW_ATTR_HEAD_OF_QUEUE, 0x00)

/* To the last block: everything behind it waits, and nothing before. */
static void test_write_same_of_the_rest(void **state)
{
	static const uint8_t cdb[16] = { WRITE_SAME, 0, 0, 0, 0, FIRST };
	struct rig *r = *state;
	struct fake_conn *c = start_with_hazard(r);
	uint64_t tag[2];

	tag[0] = bare(r, c, 0, cdb, SRPGW_ATTR_SIMPLE);
	tag[1] = put(r, c, 2000, 1);
	rig_expect_status(r, c, put(r, c, FIRST - 1, 1), SCSI_GOOD);
	expect_late(r, c, tag, 2);
}

/* ---- hazards ---- */

/* @cdb (or a write, if NULL) is lost: is the LU shut? */
static void hazard_of(struct rig *r, bool sized, const uint8_t *cdb, enum lu_fence want)
{
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	if (sized)
		size(r, c, 0);
	r->disk[0]->hold = true;
	tag = cdb ? bare(r, c, 0, cdb, SRPGW_ATTR_SIMPLE) : put(r, c, FIRST, N);
	lose(r);
	/* BUSY, or what tells the host to look itself. */
	assert_int_not_equal(rig_expect_rsp(r, c, tag).status, SCSI_GOOD);
	back(r, c);
	assert_int_equal(rig_lu(r, 0)->fence, want);
	tag = put(r, c, FIRST + N, 1);
	if (want == LU_PART)
		rig_expect_status(r, c, tag, SCSI_GOOD);
	else
		expect_late(r, c, &tag, 1);
}

static void test_unsized_is_shut(void **state)
{
	hazard_of(*state, false, NULL, LU_SHUT);
}

static void test_lost_unmap_shuts(void **state)
{
	static const uint8_t cdb[16] = { UNMAP };

	hazard_of(*state, true, cdb, LU_SHUT);
}

static void test_lost_write_same_shuts_its_blocks(void **state)
{
	static const uint8_t cdb[16] = { WRITE_SAME, 0, 0, 0, 0, FIRST, 0, 0, N };

	hazard_of(*state, true, cdb, LU_PART);
}

static void test_lost_compare_and_write_shuts_its_blocks(void **state)
{
	static const uint8_t cdb[16] = { COMPARE_AND_WRITE, 0, 0, 0, 0, 0, 0, 0, 0, FIRST, 0, 0, 0, N };

	hazard_of(*state, true, cdb, LU_PART);
}

/* More writes than there is room for: between the two that are closest it is shut, too, and everywhere else it is right. */
static void test_many_hazards(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t tag[RANGES_MOST + 6], late;
	unsigned n = RANGES_MOST + 6;

	r->params.max_tasks = r->params.max_ios = 512;
	r->maps[0]->map.req_lim = 100;
	rig_start(r);
	c = rig_login(r);
	size(r, c, 0);
	r->disk[0]->hold = true;
	/* 0, 20, 40 ... and the last seven closer together. */
	for (unsigned i = 0; i < n; i++)
		tag[i] = put(r, c, i < RANGES_MOST - 1 ? i * 20 : 1900 + 3 * (i - RANGES_MOST + 1), 1);
	lose(r);
	for (unsigned i = 0; i < n; i++)
		rig_expect_status(r, c, tag[i], SCSI_BUSY);
	back(r, c);
	assert_int_equal(rig_lu(r, 0)->fenced.n, RANGES_MOST);
	for (unsigned i = 0; i < RANGES_MOST - 1; i++)
		rig_expect_status(r, c, put(r, c, i * 20 + 1, 19), SCSI_GOOD);
	late = put(r, c, 1901, 1);
	expect_late(r, c, &late, 1);
}

/* The next session is lost as well: both hazards stand until its end is old enough. */
static void test_second_loss(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = start_with_hazard(r);
	uint64_t tag[3];

	tag[0] = put(r, c, FIRST, 1);
	rig_wait_ms(r, 400);
	r->disk[0]->hold = true;
	tag[1] = put(r, c, 500, 1);
	lose(r);
	rig_expect_status(r, c, tag[1], SCSI_BUSY);
	rig_wait_ms(r, 100);
	back(r, c);
	tag[1] = put(r, c, 500, 1);
	tag[2] = get(r, c, FIRST, 1);
	rig_expect_status(r, c, put(r, c, 501, 1), SCSI_GOOD);
	rig_wait_ms(r, 300);
	/* The first alone would be over. */
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 400);
	for (unsigned i = 0; i < 3; i++)
		rig_expect_status(r, c, tag[i], SCSI_GOOD);
	assert_int_equal(rig_lu(r, 0)->fence, LU_OPEN);
}

static void test_twin(void **state)
{
	struct rig *r = *state;
	struct rig_map *m = rig_map_new(r);
	struct fake_conn *c;
	uint64_t w, tag[2];

	memcpy(m->lun[0][1].backend_lun, m->lun[0][0].backend_lun, 8);
	rig_apply(r, m);
	c = rig_login(r);
	size(r, c, 0);
	size(r, c, 1);
	r->disk[0]->hold = true;
	w = touch(r, c, 1, 0x2a, FIRST, N);
	lose(r);
	rig_expect_status(r, c, w, SCSI_BUSY);
	back(r, c);
	assert_int_equal(rig_lu(r, 0)->fence, LU_PART);
	rig_expect_status(r, c, put(r, c, FIRST + N, 1), SCSI_GOOD);
	tag[0] = put(r, c, FIRST, 4);
	tag[1] = touch(r, c, 1, 0x2a, FIRST + N - 1, 1);
	rig_wait_ms(r, FENCE_MS - 100);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 200);
	/* Two logical units for the order. */
	rig_expect_status(r, c, tag[1], SCSI_GOOD);
	rig_expect_status(r, c, tag[0], SCSI_GOOD);
	assert_int_equal(rig_lu(r, 0)->fence, LU_OPEN);
	assert_int_equal(rig_lu(r, 1)->fence, LU_OPEN);
	assert_int_equal(rig_lu(r, 0)->fenced.n + rig_lu(r, 1)->fenced.n, 0);
}

/* Its data is on the way from the host while the session is lost and the next one comes: it is looked at once more. */
static void test_hazard_during_a_fetch(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t w, late, beside;

	size(r, c, 0);
	r->disk[0]->hold = true;
	w = put(r, c, FIRST, N);
	c->manual = true;
	late = rig_write(r, c, 0, FIRST, r->mem, 512);
	beside = rig_write(r, c, 0, FIRST + N, r->mem, 512);
	lose(r);
	rig_wait_ms(r, 20);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
	assert_int_equal(rig_lu(r, 0)->fence, LU_PART);
	c->manual = false;
	rig_run(r);
	rig_expect_status(r, c, w, SCSI_BUSY);
	rig_expect_status(r, c, beside, SCSI_GOOD);
	expect_late(r, c, &late, 1);
}

/* ---- what becomes of those who are held ---- */

static void test_held_then_busy(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t tag;

	r->backend[0].fence_ms = 60000;
	c = start_with_hazard(r);
	tag = put(r, c, FIRST, 1);
	rig_wait_ms(r, 4900);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 200);
	rig_expect_status(r, c, tag, SCSI_BUSY);
	rig_expect_status(r, c, put(r, c, 0, 1), SCSI_GOOD);
	rig_expect_idle(r);
	r->backend[0].fence_ms = FENCE_MS;
}

static void test_abort_of_a_held_one(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = start_with_hazard(r);
	uint64_t tag = put(r, c, FIRST, 1);

	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag), 0);
	rig_expect_idle(r);
	tag = put(r, c, FIRST, 1);
	expect_late(r, c, &tag, 1);
}

static void test_held_host_is_lost(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = start_with_hazard(r);

	put(r, c, FIRST, 1);
	put(r, c, FIRST, 1);
	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 3000);
	assert_true(list_empty(&r->core->shard[0]->nexuses));
}

/* A function that the back-end does not answer shuts the LU over the hazard, and what was held stays in its order. */
static void test_shut_over_a_part(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t tag[3], reset;

	r->backend[0].fence_ms = 4000;
	c = start_with_hazard(r);
	tag[0] = put(r, c, FIRST, 1);
	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	tag[1] = put(r, c, 0, 1);
	reset = rig_tmf(r, c, SRP_TMF_LUN_RESET, 0, 0);
	/* Both were aborted. */
	rig_wait_ms(r, 2600);
	rig_expect_code(r, c, reset, 0);
	r->disk[0]->hold = false;
	assert_int_equal(rig_lu(r, 0)->fence, LU_SHUT);
	tag[0] = put(r, c, FIRST, 1);
	tag[1] = put(r, c, 0, 1);
	tag[2] = put(r, c, FIRST, 2);
	rig_wait_ms(r, 100);
	rig_expect_nothing(r, c);
	/* The back-end has the reset after all: from here on only the hazard stands. */
	fake_tmf_answer(r->disk[0], SRPGW_TMF_COMPLETE);
	fake_answer(fake_first(r->disk[0]));
	rig_run(r);
	assert_int_equal(rig_lu(r, 0)->fence, LU_PART);
	rig_expect_status(r, c, tag[1], SCSI_GOOD);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 1400);
	rig_expect_status(r, c, tag[0], SCSI_GOOD);
	rig_expect_status(r, c, tag[2], SCSI_GOOD);
	r->backend[0].fence_ms = FENCE_MS;
}

static int setup_unstarted(void **state)
{
	rig_new(state);
	return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_other_blocks_pass),
		TEST(test_first_block_waits),
		TEST(test_last_block_waits),
		TEST(test_around_it_waits),
		TEST(test_inside_it_waits),
		TEST(test_order_of_those_who_overlap),
		TEST(test_questions_pass),
		TEST(test_flush_waits_alone),
		TEST(test_unmap_shuts),
		TEST(test_format_shuts),
		TEST(test_pr_out_shuts),
		TEST(test_mode_select_shuts),
		TEST(test_copy_shuts),
		TEST(test_stop_shuts),
		TEST(test_ordered_shuts),
		TEST(test_head_of_queue_shuts),
		TEST(test_write_same_of_the_rest),
		TEST(test_unsized_is_shut),
		TEST(test_lost_unmap_shuts),
		TEST(test_lost_write_same_shuts_its_blocks),
		TEST(test_lost_compare_and_write_shuts_its_blocks),
		cmocka_unit_test_setup_teardown(test_many_hazards, setup_unstarted, rig_teardown),
		TEST(test_second_loss),
		TEST(test_twin),
		TEST(test_hazard_during_a_fetch),
		TEST(test_held_then_busy),
		TEST(test_abort_of_a_held_one),
		TEST(test_held_host_is_lost),
		TEST(test_shut_over_a_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
