/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Maps that take all of a back-end: changes and who is told of them; who waits for the first list, and how long; outages; reloads.
 */
#include "inventory_rig.h"

#include <string.h>

/* ---- changes ---- */

static void test_change_is_told_once(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t n;

	start_with_all(r, 0, 1);
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

	start_with_all(r, 0, 1);
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

	start_with_all(r, 0, 1);
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

	start_with_all(r, 0, 1);
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

	start_with_all(r, 0, 1);
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

	start_with_all(r, 0, 1);
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

/* The host was here before: what it was told then is what it sees while the back-end is away, soon and without news. */
static void test_kept_list_while_away(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint16_t lun[4];
	uint64_t tag;

	start_with_all(r, 0, 1);
	SAY(r, 0, 4, 2);
	c = rig_login(r);
	CHECK_LUNS(r, c, 2, 4);
	rig_wait_ms(r, 1000);
	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 5000);
	r->disk[0]->hold_up = true;
	c = rig_login(r);
	tag = ask(r, c);
	rig_wait_ms(r, INVENTORY_FRESH_MS - 1);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 2);
	assert_int_equal(expect_list(r, c, tag, lun, 4), 2);
	assert_int_equal(lun[1], 4);
	/* It comes back with something else. */
	SAY(r, 0, 4, 5);
	r->disk[0]->hold_up = false;
	rig_run(r);
	expect_told(r, c, 4);
	CHECK_LUNS(r, c, 4, 5);
	/* Another initiator is not told what this one saw. */
	r->disk[0]->hold_up = true;
	c = rig_login_raw(r, &(struct rig_login){ .id = 9, .peer = "10.0.0.9" });
	fake_established(c);
	tag = ask(r, c);
	rig_wait_ms(r, 5001);
	assert_int_equal(expect_list(r, c, tag, lun, 4), 0);
}

/* Kept, and there in time: the answer is the back-end's, and no news. */
static void test_kept_list_is_overtaken(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint16_t lun[4];
	uint64_t tag;

	start_with_all(r, 0, 1);
	SAY(r, 0, 4, 2);
	fake_break(rig_login(r), FABRIC_DOWN_PEER);
	rig_wait_ms(r, 5000);
	r->disk[0]->hold_up = true;
	SAY(r, 0, 4, 6);
	c = rig_login(r);
	assert_non_null(rig_lu(r, 2));
	tag = ask(r, c);
	rig_wait_ms(r, 1000);
	r->disk[0]->hold_up = false;
	rig_run(r);
	assert_int_equal(expect_list(r, c, tag, lun, 4), 2);
	assert_int_equal(lun[1], 6);
	expect_not_told(r, c, 6);
	assert_null(rig_lu(r, 2));
}

/* Task management and the end of a channel find commands that wait for the list. */
static void test_waiting_commands_can_be_ended(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t a, b;

	start_with_all(r, 0, 1);
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

	start_with_all(r, 0, 1);
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

	start_with_all(r, 0, 1);
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

	start_with_all(r, 0, 1);
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
	start_with_all(r, 0, 1);
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

/* All of another back-end instead: what the host finds under the same numbers is something else, and it is told so. */
static void test_reload_to_another_back_end(void **state)
{
	struct rig *r = *state;
	struct rig_map *m;
	struct fake_conn *c;
	uint16_t lun[4];
	uint64_t tag;

	start_with_all(r, 0, 1);
	SAY(r, 0, 0, 1);
	SAY(r, 1, 0, 2);
	c = rig_login(r);
	expect_not_told(r, c, 1);
	r->disk[1]->hold_up = true;
	m = rig_map_new(r);
	m->group[0].n_lun = 0;
	m->group[0].all = &m->backend[1];
	m->group[0].n_all = 1;
	rig_apply(r, m);
	tag = ask(r, c);
	rig_expect_nothing(r, c);
	r->disk[1]->hold_up = false;
	rig_run(r);
	assert_int_equal(expect_list(r, c, tag, lun, 4), 2);
	assert_int_equal(lun[1], 2);
	/* Asking for the list was enough. */
	expect_not_told(r, c, 0);
	rig_apply(r, map_all(rig_map_new(r), 0, 1));
	expect_told(r, c, 0);
	expect_told(r, c, 1);
}

static void test_reload_takes_an_empty_back_end_away(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;

	start_with_all(r, 0, 1);
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

	start_with_all(r, 0, 1);
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

/* REPORT LUNS waits for memory, and there are fewer when it comes. */
static void test_list_shrinks_while_it_waits_for_memory(void **state)
{
	struct rig *r = *state;
	struct shard *s;
	struct fake_conn *c;
	struct rig_map *m;
	struct list ios;
	struct buf *all;
	uint16_t lun[4];
	uint32_t n_made;
	uint64_t tag;

	rig_start(r);
	s = r->core->shard[0];
	c = rig_login(r);
	assert_int_equal(pool_get(s->pool, (size_t)pool_free_bytes(s->pool), &all), 0);
	for (struct buf *b = all; b; b = b->next)
		memset(b->addr, 0xaa, b->len_bytes);
	pool_put(s->pool, all);
	list_init(&ios);
	list_splice_back(&ios, &s->free_ios);
	n_made = s->n_ios_made;
	s->n_ios_made = s->n_ios;
	tag = ask(r, c);
	rig_expect_nothing(r, c);
	m = rig_map_new(r);
	m->group[0].n_lun = 1;
	rig_apply(r, m);
	shard_enter(s);
	list_splice_back(&s->free_ios, &ios);
	s->n_ios_made = n_made;
	s->feed = true;
	shard_leave(s);
	assert_int_equal(expect_list(r, c, tag, lun, 4), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_change_is_told_once),
		TEST(test_attention_passes_and_is_not_repeated),
		TEST(test_attention_on_one_lun_is_told_on_the_others),
		TEST(test_lun_goes_under_a_command),
		TEST(test_endless_changes),
		TEST(test_first_scan_waits),
		TEST(test_back_end_away_at_login),
		TEST(test_kept_list_while_away),
		TEST(test_kept_list_is_overtaken),
		TEST(test_waiting_commands_can_be_ended),
		TEST(test_path_lost_and_back),
		TEST(test_question_lost_with_the_path),
		TEST(test_question_never_answered),
		TEST(test_path_without_luns_stays),
		TEST(test_reload_from_fixed_to_all),
		TEST(test_reload_to_another_back_end),
		TEST(test_reload_takes_an_empty_back_end_away),
		TEST(test_reload_while_asking),
		TEST(test_list_shrinks_while_it_waits_for_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
