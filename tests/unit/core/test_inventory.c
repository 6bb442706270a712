/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Maps that take all of a back-end: what the gateway's own REPORT LUNS brings and what hosts see of it; lists that lie; changes;
 * who waits for the first list, and how long.
 */
#include "../../../gateway/core/inventory.h"
#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/nexus.h"
#include "../../../gateway/core/path.h"
#include "rig.h"

#include <string.h>

/* What back-end @which says: LUN LIST LENGTH @list_bytes, and @n LUNs. The fake disk's first block is the answer. */
static void say_raw(struct rig *r, unsigned which, uint32_t list_bytes, const uint16_t *lun, size_t n)
{
	uint8_t *disk = r->disk[which]->disk;

	memset(disk, 0, INVENTORY_BYTES);
	disk[0] = (uint8_t)(list_bytes >> 24);
	disk[1] = (uint8_t)(list_bytes >> 16);
	disk[2] = (uint8_t)(list_bytes >> 8);
	disk[3] = (uint8_t)list_bytes;
	for (size_t i = 0; i < n; i++) {
		disk[8 + 8 * i] = (uint8_t)(lun[i] >> 8);
		disk[9 + 8 * i] = (uint8_t)lun[i];
	}
}

static void say(struct rig *r, unsigned which, const uint16_t *lun, size_t n)
{
	say_raw(r, which, (uint32_t)(8 * n), lun, n);
}
#define SAY(r, which, ...) \
	say(r, which, (const uint16_t[]){ __VA_ARGS__ }, sizeof((uint16_t[]){ __VA_ARGS__ }) / sizeof(uint16_t))

/* A map of @n_fixed entries of the usual one and all of the first @n_all back-ends. */
static struct rig_map *map_all(struct rig_map *m, size_t n_fixed, size_t n_all)
{
	m->group[0].n_lun = n_fixed;
	m->group[0].all = m->backend;
	m->group[0].n_all = n_all;
	return m;
}

static void set_alloc(struct rig_cmd *c, uint32_t len)
{
	c->cdb[6] = (uint8_t)(len >> 24);
	c->cdb[7] = (uint8_t)(len >> 16);
	c->cdb[8] = (uint8_t)(len >> 8);
	c->cdb[9] = (uint8_t)len;
}

static uint64_t ask(struct rig *r, struct fake_conn *c)
{
	struct rig_cmd cmd = { .dir = RIG_IN, .buf = r->mem, .len = 32768, .cdb = { 0xa0 } };

	memset(r->mem, 0xee, cmd.len);
	set_alloc(&cmd, cmd.len);
	return rig_send_cmd(r, c, &cmd);
}

/* The answer to ask(), as numbers. Return: how many. */
static size_t expect_list(struct rig *r, struct fake_conn *c, uint64_t tag, uint16_t *lun, size_t cap)
{
	uint32_t bytes;

	rig_expect_status(r, c, tag, SCSI_GOOD);
	bytes = (uint32_t)r->mem[0] << 24 | (uint32_t)r->mem[1] << 16 | (uint32_t)r->mem[2] << 8 | r->mem[3];
	assert_int_equal(bytes % 8, 0);
	assert_true(bytes / 8 <= cap);
	for (size_t i = 0; i < bytes / 8; i++)
		lun[i] = (uint16_t)(r->mem[8 + 8 * i] << 8 | r->mem[9 + 8 * i]);
	/* Not a byte more than it says. */
	assert_int_equal(r->mem[8 + bytes], 0xee);
	return bytes / 8;
}

static void check_luns(struct rig *r, struct fake_conn *c, const uint16_t *want, size_t n)
{
	uint16_t lun[INVENTORY_MAX_LUNS + 8];

	assert_int_equal(expect_list(r, c, ask(r, c), lun, sizeof(lun) / sizeof(lun[0])), n);
	if (n)
		assert_memory_equal(lun, want, n * sizeof(*want));
}
#define CHECK_LUNS(r, c, ...) \
	check_luns(r, c, (const uint16_t[]){ __VA_ARGS__ }, sizeof((uint16_t[]){ __VA_ARGS__ }) / sizeof(uint16_t))

static void expect_told(struct rig *r, struct fake_conn *c, uint32_t lun)
{
	rig_expect_sense(r, c, rig_read(r, c, lun, 4, r->mem, 512), 6, 0x3f, 0x0e);
	rig_expect_status(r, c, rig_read(r, c, lun, 4, r->mem, 512), SCSI_GOOD);
}

static void expect_not_told(struct rig *r, struct fake_conn *c, uint32_t lun)
{
	rig_expect_status(r, c, rig_read(r, c, lun, 4, r->mem, 512), SCSI_GOOD);
}

static void says_it_changed(struct rig *r, unsigned which)
{
	struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = SRPGW_PATH_INVENTORY_CHANGED };

	r->host.event(fake_path(r->disk[which])->ctx, &ev);
	rig_wait_ms(r, INVENTORY_PAUSE_MS + 1);
}

static struct inventory *inventory(struct rig *r, unsigned which)
{
	list_for_each(pos, &rig_nexus(r)->paths) {
		struct path *p = list_entry(pos, struct path, node);

		if (p->backend == &r->backend[which])
			return p->inventory;
	}
	return NULL;
}

/* ---- what is mapped ---- */

static void test_all_luns_under_their_own_numbers(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	static const uint8_t luns_cdb[12] = { 0xa0, [8] = INVENTORY_BYTES >> 8, INVENTORY_BYTES & 0xff };

	map_all(r->maps[0], 0, 1);
	rig_start(r);
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

	map_all(r->maps[0], 0, 1);
	rig_start(r);
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
	map_all(r->maps[0], 2, 2);
	rig_start(r);
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

	map_all(r->maps[0], 0, 1);
	rig_start(r);
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

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	say(r, 0, NULL, 0);
	c = rig_login(r);
	check_luns(r, c, NULL, 0);
}

static void test_more_announced_than_sent(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	const uint16_t luns[] = { 1, 2, 3, 4 };

	map_all(r->maps[0], 0, 1);
	rig_start(r);
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

	map_all(r->maps[0], 0, 1);
	rig_start(r);
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

	map_all(r->maps[0], 0, 1);
	rig_start(r);
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
	map_all(r->maps[0], 0, 2);
	rig_start(r);
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

	map_all(r->maps[0], 0, 1);
	rig_start(r);
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

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	SAY(r, 0, 2);
	r->disk[0]->status = SCSI_BUSY;
	c = rig_login(r);
	tag = ask(r, c);
	rig_expect_nothing(r, c);
	r->disk[0]->status = SCSI_GOOD;
	rig_wait_ms(r, INVENTORY_RETRY_MS + 1);
	assert_int_equal(expect_list(r, c, tag, lun, 4), 1);
}

/* ---- changes ---- */

static void test_change_is_told_once(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t n;

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	SAY(r, 0, 1, 2);
	c = rig_login(r);
	CHECK_LUNS(r, c, 1, 2);
	SAY(r, 0, 2, 3);
	says_it_changed(r, 0);
	expect_told(r, c, 2);
	expect_told(r, c, 3);
	rig_expect_sense(r, c, rig_read(r, c, 1, 4, r->mem, 512), 5, 0x25, 0);
	CHECK_LUNS(r, c, 2, 3);
	/* The same list again is no news. */
	n = r->disk[0]->n_submits;
	says_it_changed(r, 0);
	assert_int_equal(r->disk[0]->n_submits, n + 1);
	expect_not_told(r, c, 2);
	expect_not_told(r, c, 3);
}

/* The host hears it from the back-end itself: it is not told a second time there, and the list that it asks for is new. */
static void test_attention_passes_and_is_not_repeated(void **state)
{
	struct rig *r = *state;
	struct fake_target *t;
	struct fake_conn *c;
	uint16_t lun[4];
	uint64_t tag;

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	t = r->disk[0];
	SAY(r, 0, 1, 2);
	c = rig_login(r);
	SAY(r, 0, 1, 2, 3);
	t->status = SCSI_CHECK_CONDITION;
	t->sense_len = (uint8_t)scsi_sense_build((struct scsi_sense){ SCSI_UNIT_ATTENTION, 0x3f, 0x0e }, -1, t->sense);
	t->on_submit = NULL;
	tag = rig_read(r, c, 2, 4, r->mem, 512);
	t->hold = true;
	rig_expect_sense(r, c, tag, 6, 0x3f, 0x0e);
	t->status = SCSI_GOOD;
	t->sense_len = 0;
	rig_wait_ms(r, INVENTORY_PAUSE_MS + 1);
	tag = ask(r, c);
	rig_expect_nothing(r, c);
	t->hold = false;
	while (fake_first(t))
		fake_answer(fake_first(t));
	assert_int_equal(expect_list(r, c, tag, lun, 4), 3);
	expect_not_told(r, c, 2);
	expect_not_told(r, c, 1);
	expect_not_told(r, c, 3);
}

static void test_attention_on_one_lun_is_told_on_the_others(void **state)
{
	struct rig *r = *state;
	struct fake_target *t;
	struct fake_conn *c;

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	t = r->disk[0];
	SAY(r, 0, 1, 2);
	c = rig_login(r);
	SAY(r, 0, 1, 2, 3);
	t->status = SCSI_CHECK_CONDITION;
	t->sense_len = (uint8_t)scsi_sense_build((struct scsi_sense){ SCSI_UNIT_ATTENTION, 0x3f, 0x0e }, -1, t->sense);
	rig_wait_ms(r, INVENTORY_PAUSE_MS + 1);
	t->hold = true;
	rig_read(r, c, 2, 4, r->mem, 512);
	fake_answer(fake_first(t));
	rig_expect_sense(r, c, r->next_tag, 6, 0x3f, 0x0e);
	t->status = SCSI_GOOD;
	t->sense_len = 0;
	t->hold = false;
	while (fake_first(t))
		fake_answer(fake_first(t));
	rig_run(r);
	expect_not_told(r, c, 2);
	expect_told(r, c, 1);
	expect_told(r, c, 3);
}

/* A command that is at the back-end when its LUN goes is answered all the same. */
static void test_lun_goes_under_a_command(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t tag;

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	SAY(r, 0, 1, 2);
	c = rig_login(r);
	r->disk[0]->hold = true;
	tag = rig_read(r, c, 1, 4, r->mem, 512);
	r->disk[0]->hold = false;
	SAY(r, 0, 2);
	says_it_changed(r, 0);
	assert_null(rig_lu(r, 1));
	fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, c, tag, SCSI_GOOD);
	expect_told(r, c, 2);
}

/* A back-end that never stops saying so is not asked more often than it makes sense. */
static void test_endless_changes(void **state)
{
	struct rig *r = *state;
	struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = SRPGW_PATH_INVENTORY_CHANGED };
	uint64_t n;

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	SAY(r, 0, 1);
	rig_login(r);
	n = r->disk[0]->n_submits;
	for (unsigned i = 0; i < 1000; i++) {
		r->host.event(fake_path(r->disk[0])->ctx, &ev);
		rig_wait_ms(r, 1);
	}
	assert_in_range(r->disk[0]->n_submits - n, 5, 1000 / INVENTORY_PAUSE_MS + 1);
}

/* ---- waiting ---- */

/* A scan that comes before the back-end answered sees what it has, and so does a command. */
static void test_first_scan_waits(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t list_tag, read_tag, inquiry_tag;
	uint16_t lun[4];
	struct rig_cmd inquiry = { .lun = 9, .dir = RIG_IN, .buf = r->mem + 65536, .len = 36,
				   .cdb = { 0x12, [4] = 36 } };

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	r->disk[0]->hold_up = true;
	SAY(r, 0, 5);
	c = rig_login(r);
	list_tag = ask(r, c);
	read_tag = rig_read(r, c, 5, 4, r->mem + 40960, 512);
	inquiry.buf = r->mem + 65536;
	inquiry_tag = rig_send_cmd(r, c, &inquiry);
	rig_wait_ms(r, 3000);
	rig_expect_nothing(r, c);
	r->disk[0]->hold_up = false;
	rig_run(r);
	assert_int_equal(expect_list(r, c, list_tag, lun, 4), 1);
	rig_expect_status(r, c, inquiry_tag, SCSI_GOOD);
	assert_int_equal(r->mem[65536], 0x7f);
	rig_expect_status(r, c, read_tag, SCSI_GOOD);
	expect_not_told(r, c, 5);
}

/* After the hold time the list is what it is; what comes later is told. */
static void test_back_end_away_at_login(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t list_tag, read_tag;
	uint16_t lun[4];

	map_all(r->maps[0], 2, 0);
	r->maps[0]->group[0].all = &r->maps[0]->backend[1];
	r->maps[0]->group[0].n_all = 1;
	rig_start(r);
	r->disk[1]->hold_up = true;
	SAY(r, 1, 5);
	c = rig_login(r);
	list_tag = ask(r, c);
	read_tag = rig_read(r, c, 5, 4, r->mem + 40960, 512);
	rig_wait_ms(r, 4999);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 2);
	assert_int_equal(expect_list(r, c, list_tag, lun, 4), 2);
	rig_expect_sense(r, c, read_tag, 5, 0x25, 0);
	/* Nobody waits any more. */
	CHECK_LUNS(r, c, 0, 1);
	r->disk[1]->hold_up = false;
	rig_run(r);
	expect_told(r, c, 0);
	expect_told(r, c, 5);
	CHECK_LUNS(r, c, 0, 1, 5);
}

/* Task management and the end of a channel find commands that wait for the list. */
static void test_waiting_commands_can_be_ended(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t a, b;

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	r->disk[0]->hold_up = true;
	SAY(r, 0, 5);
	c = rig_login(r);
	a = rig_read(r, c, 5, 4, r->mem, 512);
	b = ask(r, c);
	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_ABORT_TASK, 5, a), SRP_RSP_CODE_OK);
	(void)b;
	assert_int_equal(rig_nexus(r)->n_tasks, 1);
	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 10000);
	rig_expect_idle(r);
}

/* A path that was lost and comes back is asked again; meanwhile the list stands, and hosts are not made to wait. */
static void test_path_lost_and_back(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t n;

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	SAY(r, 0, 1, 2);
	c = rig_login(r);
	r->disk[0]->hold_up = true;
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "gone");
	rig_run(r);
	CHECK_LUNS(r, c, 1, 2);
	SAY(r, 0, 1, 2, 8);
	n = r->disk[0]->n_submits;
	r->disk[0]->hold_up = false;
	rig_wait_ms(r, 1000);
	assert_int_equal(r->disk[0]->n_submits, n + 1);
	expect_told(r, c, 1);
	CHECK_LUNS(r, c, 1, 2, 8);
}

/* The path dies with the question: it is asked on the next one. */
static void test_question_lost_with_the_path(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint16_t lun[4];
	uint64_t tag;

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	SAY(r, 0, 6);
	r->disk[0]->hold = true;
	c = rig_login(r);
	tag = ask(r, c);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "gone");
	r->disk[0]->hold = false;
	rig_wait_ms(r, 1000);
	assert_int_equal(expect_list(r, c, tag, lun, 4), 1);
	assert_int_equal(lun[0], 6);
}

/* It is aborted after a while, and asked again. */
static void test_question_never_answered(void **state)
{
	struct rig *r = *state;

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	SAY(r, 0, 6);
	r->disk[0]->hold = true;
	rig_login(r);
	rig_wait_ms(r, INVENTORY_ANSWER_MS - 1000);
	assert_int_equal(r->disk[0]->n_aborts, 0);
	r->disk[0]->hold = false;
	r->disk[0]->abort_answers = true;
	rig_wait_ms(r, 2000);
	assert_int_equal(r->disk[0]->n_aborts, 1);
	assert_non_null(rig_lu(r, 6));
}

/* A session that has no LU at all is held as one with: its path stays up, also through a short loss of the host. */
static void test_path_without_luns_stays(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;

	r->maps[0]->map.nexus_linger_ms = 1000;
	map_all(r->maps[0], 0, 1);
	rig_start(r);
	say(r, 0, NULL, 0);
	c = rig_login(r);
	rig_wait_ms(r, 1000);
	assert_int_equal(fake_path(r->disk[0])->up, true);
	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 10);
	c = rig_login(r);
	SAY(r, 0, 3);
	says_it_changed(r, 0);
	expect_told(r, c, 3);
	assert_int_equal(r->disk[0]->n_attaches, 1);
	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 5000);
	assert_int_equal(r->disk[0]->n_paths, 0);
}

/* ---- reload ---- */

static void test_reload_from_fixed_to_all(void **state)
{
	struct rig *r = *state;
	struct rig_map *m;
	struct fake_conn *c;
	struct lu *lu;

	for (unsigned i = 0; i < 2; i++)
		rig_lun(i, r->maps[0]->lun[0][i].backend_lun);
	r->maps[0]->group[0].n_lun = 2;
	rig_start(r);
	SAY(r, 0, 0, 1);
	c = rig_login(r);
	lu = rig_lu(r, 1);
	assert_false(lu->imported);
	/* The same units: nothing happens to them, not even for a moment. */
	r->disk[0]->hold = true;
	m = map_all(rig_map_new(r), 0, 1);
	rig_apply(r, m);
	assert_ptr_equal(rig_lu(r, 1), lu);
	r->disk[0]->hold = false;
	while (fake_first(r->disk[0]))
		fake_answer(fake_first(r->disk[0]));
	rig_run(r);
	assert_ptr_equal(rig_lu(r, 1), lu);
	assert_true(lu->imported);
	expect_not_told(r, c, 1);
	/* And back, with less. */
	m = rig_map_new(r);
	rig_lun(1, m->lun[0][0].lun);
	rig_lun(1, m->lun[0][0].backend_lun);
	m->group[0].n_lun = 1;
	rig_apply(r, m);
	assert_ptr_equal(rig_lu(r, 1), lu);
	assert_false(lu->imported);
	expect_told(r, c, 1);
	CHECK_LUNS(r, c, 1);
	assert_null(inventory(r, 0));
}

static void test_reload_takes_an_empty_back_end_away(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	say(r, 0, NULL, 0);
	c = rig_login(r);
	rig_run(r);
	assert_int_equal(r->disk[0]->n_paths, 1);
	rig_apply(r, map_all(rig_map_new(r), 0, 0));
	rig_wait_ms(r, 100);
	assert_int_equal(r->disk[0]->n_paths, 0);
	check_luns(r, c, NULL, 0);
}

/* The question is out while nobody wants the answer any more. */
static void test_reload_while_asking(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;

	map_all(r->maps[0], 0, 1);
	rig_start(r);
	SAY(r, 0, 1);
	r->disk[0]->hold = true;
	c = rig_login(r);
	rig_apply(r, map_all(rig_map_new(r), 0, 0));
	rig_apply(r, map_all(rig_map_new(r), 0, 1));
	r->disk[0]->hold = false;
	while (fake_first(r->disk[0]))
		fake_answer(fake_first(r->disk[0]));
	rig_wait_ms(r, 1000);
	CHECK_LUNS(r, c, 1);
}

static int setup(void **state)
{
	static struct rig rig;

	rig_init(&rig);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	rig_stop(*state);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
		TEST(test_change_is_told_once),
		TEST(test_attention_passes_and_is_not_repeated),
		TEST(test_attention_on_one_lun_is_told_on_the_others),
		TEST(test_lun_goes_under_a_command),
		TEST(test_endless_changes),
		TEST(test_first_scan_waits),
		TEST(test_back_end_away_at_login),
		TEST(test_waiting_commands_can_be_ended),
		TEST(test_path_lost_and_back),
		TEST(test_question_lost_with_the_path),
		TEST(test_question_never_answered),
		TEST(test_path_without_luns_stays),
		TEST(test_reload_from_fixed_to_all),
		TEST(test_reload_takes_an_empty_back_end_away),
		TEST(test_reload_while_asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
