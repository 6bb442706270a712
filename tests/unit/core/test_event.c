/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AER_REQ: who is told at once that LUNs changed, with which bytes, at most one request of the target unanswered per
 * channel, and the unit attention pending all the same.
 */
#include "../../../gateway/core/channel.h"
#include "rig.h"

#include <string.h>

static struct fake_conn *login(struct rig *r, uint8_t flags, bool multi)
{
	struct rig_login l = { .id = 1, .multi = multi, .flags = flags };
	struct fake_conn *c = rig_login_raw(r, &l);

	assert_true(c->accepted);
	fake_established(c);
	rig_run(r);
	return c;
}

/* A map with so many of the LUNs: another one each time. */
static void change_luns(struct rig *r, size_t n_lun, enum async_events events)
{
	struct rig_map *m = rig_map_new(r);

	m->group[0].n_lun = n_lun;
	m->target.async_events = events;
	rig_apply(r, m);
}

static void answer(struct rig *r, struct fake_conn *c, uint8_t opcode, const struct fake_iu *request)
{
	uint8_t rsp[16] = { opcode };

	memcpy(rsp + 8, request->data + 8, 8);
	fake_send(c, rsp, sizeof(rsp));
	rig_run(r);
}

static const struct fake_iu *expect_aer(struct rig *r, struct fake_conn *c, uint8_t delta)
{
	static const uint8_t sense[18] = { 0x70, 0, 0x06, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x3f, 0x0e };
	const struct fake_iu *iu;

	rig_run(r);
	iu = fake_next(c);
	assert_non_null(iu);
	assert_int_equal(iu->len, 36 + sizeof(sense));
	assert_int_equal(iu->data[0], SRP_AER_REQ);
	assert_int_equal(iu->data[7], delta);
	/* LUN 0 stands for all. */
	for (unsigned i = 16; i < 28; i++)
		assert_int_equal(iu->data[i], 0);
	assert_int_equal(iu->data[31], sizeof(sense));
	assert_memory_equal(iu->data + 36, sense, sizeof(sense));
	return iu;
}

static void expect_unit_attention(struct rig *r, struct fake_conn *c, uint32_t lun)
{
	rig_expect_sense(r, c, rig_read(r, c, lun, 0, r->mem, 512), 6, 0x3f, 0x0e);
	rig_expect_status(r, c, rig_read(r, c, lun, 0, r->mem, 512), SCSI_GOOD);
}

static void test_who_asked_is_told(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = login(r, SRP_LOGIN_AESOLNT, false);
	const struct fake_iu *aer;

	change_luns(r, 3, ASYNC_EVENTS_ASKED);
	aer = expect_aer(r, c, 0);
	assert_int_equal(aer->data[1], SRP_SOLNT);
	assert_true(aer->solicited);
	answer(r, c, SRP_AER_RSP, aer);
	rig_expect_nothing(r, c);
	/* Being told does not clear it. */
	expect_unit_attention(r, c, 0);
	expect_unit_attention(r, c, 2);
}

static void test_who_did_not_ask_is_not_told(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = login(r, SRP_LOGIN_CRSOLNT | SRP_LOGIN_LOSOLNT, false);

	change_luns(r, 3, ASYNC_EVENTS_ASKED);
	rig_expect_nothing(r, c);
	expect_unit_attention(r, c, 1);
}

static void test_always_and_never(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = login(r, 0, false);
	const struct fake_iu *aer;

	change_luns(r, 3, ASYNC_EVENTS_ALWAYS);
	aer = expect_aer(r, c, 0);
	assert_int_equal(aer->data[1], 0);
	assert_false(aer->solicited);
	answer(r, c, SRP_AER_RSP, aer);
	expect_unit_attention(r, c, 1);

	c = login(r, SRP_LOGIN_AESOLNT, true);
	change_luns(r, 2, ASYNC_EVENTS_NEVER);
	rig_expect_nothing(r, c);
	expect_unit_attention(r, c, 1);
}

/* What happened while the host had not answered is told in one, unless it asked for the list meanwhile. */
static void test_one_at_a_time(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = login(r, SRP_LOGIN_AESOLNT, false);
	struct rig_cmd report = { .dir = RIG_IN, .buf = r->mem, .len = 64, .cdb = { 0xa0, [9] = 64 } };
	const struct fake_iu *aer;

	change_luns(r, 3, ASYNC_EVENTS_ASKED);
	aer = expect_aer(r, c, 0);
	change_luns(r, 2, ASYNC_EVENTS_ASKED);
	change_luns(r, 1, ASYNC_EVENTS_ASKED);
	rig_expect_nothing(r, c);
	answer(r, c, SRP_AER_RSP, aer);
	aer = expect_aer(r, c, 0);
	change_luns(r, 2, ASYNC_EVENTS_ASKED);
	rig_expect_status(r, c, rig_send_cmd(r, c, &report), SCSI_GOOD);
	answer(r, c, SRP_AER_RSP, aer);
	rig_expect_nothing(r, c);
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
}

static void test_answer_of_another_kind(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = login(r, SRP_LOGIN_AESOLNT, false);

	change_luns(r, 3, ASYNC_EVENTS_ASKED);
	answer(r, c, SRP_CRED_RSP, expect_aer(r, c, 0));
	rig_expect_logout(r, c, SRP_TLO_NO_OUTSTANDING_REQUEST);
}

static void test_answer_with_another_tag(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = login(r, SRP_LOGIN_AESOLNT, false);
	struct fake_iu aer;

	change_luns(r, 3, ASYNC_EVENTS_ASKED);
	aer = *expect_aer(r, c, 0);
	aer.data[9] ^= 1;
	answer(r, c, SRP_AER_RSP, &aer);
	rig_expect_logout(r, c, SRP_TLO_NO_OUTSTANDING_REQUEST);
}

static void test_answered_twice(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = login(r, SRP_LOGIN_AESOLNT, false);
	struct fake_iu aer;

	change_luns(r, 3, ASYNC_EVENTS_ASKED);
	aer = *expect_aer(r, c, 0);
	answer(r, c, SRP_AER_RSP, &aer);
	answer(r, c, SRP_AER_RSP, &aer);
	rig_expect_logout(r, c, SRP_TLO_NO_OUTSTANDING_REQUEST);
}

/* CRED_REQ and AER_REQ share the one buffer that the initiator keeps; whichever goes carries the credits. */
static void test_waits_for_the_credit_request(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = login(r, 0, false), *b = login(r, SRP_LOGIN_AESOLNT, true);
	const struct fake_iu *iu;
	uint8_t told;

	r->disk[0]->hold = true;
	for (unsigned i = 0; i < 16; i++)
		rig_read(r, b, 0, 0, r->mem, 512);
	rig_expect_code(r, a, rig_tmf(r, a, SRP_TMF_LUN_RESET, 0, 0), 0);
	rig_run(r);
	iu = fake_next(b);
	assert_non_null(iu);
	assert_int_equal(iu->data[0], SRP_CRED_REQ);
	told = iu->data[7];
	change_luns(r, 3, ASYNC_EVENTS_ASKED);
	rig_expect_nothing(r, b);
	rig_expect_nothing(r, a);
	answer(r, b, SRP_CRED_RSP, iu);
	iu = expect_aer(r, b, (uint8_t)(16 - told));
	answer(r, b, SRP_AER_RSP, iu);
	rig_expect_nothing(r, b);
	while (fake_first(r->disk[0]))
		fake_answer(fake_first(r->disk[0]));
}

static void test_told_once_for_all_channels(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = login(r, SRP_LOGIN_AESOLNT, false), *b = login(r, SRP_LOGIN_AESOLNT, true);

	change_luns(r, 3, ASYNC_EVENTS_ASKED);
	answer(r, a, SRP_AER_RSP, expect_aer(r, a, 0));
	rig_expect_nothing(r, a);
	rig_expect_nothing(r, b);
	expect_unit_attention(r, b, 0);
}

static void test_only_the_channel_that_asked(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = login(r, 0, false), *b = login(r, SRP_LOGIN_AESOLNT, true);

	change_luns(r, 3, ASYNC_EVENTS_ASKED);
	answer(r, b, SRP_AER_RSP, expect_aer(r, b, 0));
	rig_expect_nothing(r, a);
}

/* The channel goes before the answer: the unit attention tells the next one. */
static void test_channel_lost_before_the_answer(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = login(r, SRP_LOGIN_AESOLNT, false), *b = login(r, SRP_LOGIN_AESOLNT, true);

	change_luns(r, 3, ASYNC_EVENTS_ASKED);
	expect_aer(r, a, 0);
	fake_break(a, FABRIC_DOWN_PEER);
	rig_expect_nothing(r, b);
	expect_unit_attention(r, b, 1);
}

static void test_back_end_says_that_its_luns_changed(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = login(r, SRP_LOGIN_AESOLNT, false);
	struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = SRPGW_PATH_INVENTORY_CHANGED };

	r->host.event(fake_path(r->disk[1])->ctx, &ev);
	answer(r, c, SRP_AER_RSP, expect_aer(r, c, 0));
	expect_unit_attention(r, c, 0);
	expect_unit_attention(r, c, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_asked_is_told),
		TEST(test_who_did_not_ask_is_not_told),
		TEST(test_always_and_never),
		TEST(test_one_at_a_time),
		TEST(test_answer_of_another_kind),
		TEST(test_answer_with_another_tag),
		TEST(test_answered_twice),
		TEST(test_waits_for_the_credit_request),
		TEST(test_told_once_for_all_channels),
		TEST(test_only_the_channel_that_asked),
		TEST(test_channel_lost_before_the_answer),
		TEST(test_back_end_says_that_its_luns_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
