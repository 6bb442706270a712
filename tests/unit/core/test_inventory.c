/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Maps that take all of a back-end: what the gateway's own REPORT LUNS brings and what hosts see of it; lists that lie.
 */
#include "inventory_rig.h"

/* ---- what is mapped ---- */

static void test_all_luns_under_their_own_numbers(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	static const uint8_t luns_cdb[12] = { 0xa0, [8] = INVENTORY_BYTES >> 8, INVENTORY_BYTES & 0xff };

	start_with_all(r, 0, 1);
	SAY(r, 0, 0, 7, 3, 0x412c);
	c = rig_login(r);
	assert_memory_equal(r->disk[0]->last_cdb, luns_cdb, sizeof(luns_cdb));
	assert_int_equal(r->disk[0]->last_cdb_len, 12);
	assert_int_equal(r->disk[0]->last_data_len, INVENTORY_BYTES);
	assert_int_equal(r->disk[1]->n_attaches, 0);
	CHECK_LUNS(r, c, 0, 3, 7, 0x412c);
	/* First seen, so no news. */
	expect_not_told(r, c, 3);
	expect_not_told(r, c, 300);
	assert_int_equal(r->disk[0]->last_lun[0], 0x41);
	assert_int_equal(r->disk[0]->last_lun[1], 0x2c);
	assert_true(rig_lu(r, 3)->imported);
}

/* Flat addressing of small numbers: the host sees the usual form, the back-end its own. */
static void test_forms_of_a_number(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;

	start_with_all(r, 0, 1);
	SAY(r, 0, 0x4005, 1, 0x4001, 1, 0xc101, 0xffff);
	c = rig_login(r);
	CHECK_LUNS(r, c, 1, 5);
	expect_not_told(r, c, 5);
	assert_int_equal(r->disk[0]->last_lun[0], 0x40);
}

static void test_fixed_entries_win(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;

	/* Host's 0 and 1 are the first back-end's 10 and 11. */
	start_with_all(r, 2, 2);
	SAY(r, 0, 0, 1, 5, 10, 0x400b);
	SAY(r, 1, 1, 5, 6, 10);
	c = rig_login(r);
	CHECK_LUNS(r, c, 0, 1, 5, 6, 10);
	expect_not_told(r, c, 0);
	assert_int_equal(r->disk[0]->last_lun[1], 10);
	assert_false(rig_lu(r, 0)->imported);
	/* Of two back-ends the first. */
	assert_ptr_equal(rig_lu(r, 5)->path->backend, &r->backend[0]);
	assert_ptr_equal(rig_lu(r, 6)->path->backend, &r->backend[1]);
	assert_ptr_equal(rig_lu(r, 10)->path->backend, &r->backend[1]);
}

static void test_each_nexus_asks_for_itself(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;

	start_with_all(r, 0, 1);
	SAY(r, 0, 1);
	c = rig_login(r);
	CHECK_LUNS(r, c, 1);
	SAY(r, 0, 2);
	c = rig_login_raw(r, &(struct rig_login){ .id = 9, .peer = "10.0.0.9" });
	fake_established(c);
	rig_run(r);
	CHECK_LUNS(r, c, 2);
	assert_int_equal(r->disk[0]->n_attaches, 2);
}

/* ---- lists that lie ---- */

static void test_empty_list(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;

	start_with_all(r, 0, 1);
	say(r, 0, NULL, 0);
	c = rig_login(r);
	check_luns(r, c, NULL, 0);
}

static void test_more_announced_than_sent(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	const uint16_t luns[] = { 1, 2, 3, 4 };

	start_with_all(r, 0, 1);
	say_raw(r, 0, 0xffffffff, luns, 4);
	r->disk[0]->resid_kind = SRPGW_RESID_UNDER;
	r->disk[0]->resid = INVENTORY_BYTES - (8 + 8 * 2 + 7);
	c = rig_login(r);
	r->disk[0]->resid_kind = SRPGW_RESID_NONE;
	r->disk[0]->resid = 0;
	CHECK_LUNS(r, c, 1, 2);
}

static void test_less_announced_than_sent(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	const uint16_t luns[] = { 1, 2, 3, 4 };

	start_with_all(r, 0, 1);
	say_raw(r, 0, 8 * 2 + 3, luns, 4);
	c = rig_login(r);
	CHECK_LUNS(r, c, 1, 2);
}

/* Not even a header: asked again, a little later each time, and taken when it is one. */
static void test_short_answer(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t tag;
	uint16_t lun[4];

	start_with_all(r, 0, 1);
	SAY(r, 0, 4);
	r->disk[0]->resid_kind = SRPGW_RESID_UNDER;
	r->disk[0]->resid = INVENTORY_BYTES - 7;
	c = rig_login(r);
	tag = ask(r, c);
	rig_wait_ms(r, 3 * INVENTORY_RETRY_MS + 1);
	assert_int_equal(r->disk[0]->n_submits, 3);
	rig_expect_nothing(r, c);
	r->disk[0]->resid_kind = SRPGW_RESID_NONE;
	r->disk[0]->resid = 0;
	rig_wait_ms(r, 4 * INVENTORY_RETRY_MS + 1);
	assert_int_equal(expect_list(r, c, tag, lun, 4), 1);
	assert_int_equal(lun[0], 4);
	expect_not_told(r, c, 4);
}

static void test_more_than_the_limit(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint16_t luns[INVENTORY_MAX_LUNS + 4], want[INVENTORY_MAX_LUNS];

	for (unsigned i = 0; i < INVENTORY_MAX_LUNS + 4; i++)
		luns[i] = (uint16_t)(0x4000 | i);
	for (unsigned i = 0; i < INVENTORY_MAX_LUNS; i++)
		want[i] = (uint16_t)(i < 256 ? i : 0x4000 | i);
	start_with_all(r, 0, 2);
	say(r, 0, luns, INVENTORY_MAX_LUNS + 4);
	SAY(r, 1, 0x7fff);
	c = rig_login(r);
	/* The limit holds for the nexus too: of the second back-end nothing is left. */
	check_luns(r, c, want, INVENTORY_MAX_LUNS);
	assert_true(inventory(r, 0)->list.cut);
}

/* ILLEGAL REQUEST: it has LUN 0 only. */
static void test_command_unknown(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;

	start_with_all(r, 0, 1);
	r->disk[0]->status = SCSI_CHECK_CONDITION;
	r->disk[0]->sense_len = (uint8_t)scsi_sense_build((struct scsi_sense){ SCSI_ILLEGAL_REQUEST, 0x20, 0 }, -1,
							  r->disk[0]->sense);
	c = rig_login(r);
	CHECK_LUNS(r, c, 0);
}

static void test_busy_is_asked_again(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint16_t lun[4];
	uint64_t tag;

	start_with_all(r, 0, 1);
	SAY(r, 0, 2);
	r->disk[0]->status = SCSI_BUSY;
	c = rig_login(r);
	tag = ask(r, c);
	rig_expect_nothing(r, c);
	r->disk[0]->status = SCSI_GOOD;
	rig_wait_ms(r, INVENTORY_RETRY_MS + 1);
	assert_int_equal(expect_list(r, c, tag, lun, 4), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_luns_under_their_own_numbers),
		TEST(test_forms_of_a_number),
		TEST(test_fixed_entries_win),
		TEST(test_each_nexus_asks_for_itself),
		TEST(test_empty_list),
		TEST(test_more_announced_than_sent),
		TEST(test_less_announced_than_sent),
		TEST(test_short_answer),
		TEST(test_more_than_the_limit),
		TEST(test_command_unknown),
		TEST(test_busy_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
