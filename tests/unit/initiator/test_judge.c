/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The initiator as a judge: each thing that a target may not do is sent once, and must be counted once.
 */
#include "target.h"

struct wrong {
	const char *what;
	uint32_t len;       /* of the RSP; the tag is filled in */
	uint8_t at[4], val[4]; /* bytes to set; at 0 ends the list */
	uint64_t expect;
	bool answers;       /* the command is done by it */
	int dir;
};

static const struct wrong wrongs[] = {
	{ "a good answer", 36, { 0 }, { 0 }, 0, true, INITIATOR_READ },
	{ "too short", 35, { 0 }, { 0 }, 1, false, INITIATOR_READ },
	{ "longer than it says", 40, { 0 }, { 0 }, 1, true, INITIATOR_READ },
	{ "sense length beyond the end", 36, { 18, 31 }, { SRP_RSP_SNSVALID, 4 }, 1, false, INITIATOR_READ },
	{ "reserved byte", 36, { 2 }, { 1 }, 1, true, INITIATOR_READ },
	{ "reserved flag", 36, { 18 }, { 0x40 }, 1, true, INITIATOR_READ },
	{ "unwanted notification", 36, { 1 }, { SRP_SOLNT }, 1, true, INITIATOR_READ },
	{ "underflow without a count", 36, { 18 }, { SRP_RSP_DIUNDER }, 1, true, INITIATOR_READ },
	{ "count without a flag", 36, { 27 }, { 9 }, 1, true, INITIATOR_READ },
	{ "over and under", 36, { 18, 27 }, { SRP_RSP_DIUNDER | SRP_RSP_DIOVER, 9 }, 1, true, INITIATOR_READ },
	{ "more missing than there was", 36, { 18, 26 }, { SRP_RSP_DIUNDER, 3 }, 1, true, INITIATOR_READ },
	{ "the whole missing", 36, { 18, 26 }, { SRP_RSP_DIUNDER, 2 }, 0, true, INITIATOR_READ },
	{ "data-out residual of a read", 36, { 18, 23 }, { SRP_RSP_DOUNDER, 2 }, 1, true, INITIATOR_READ },
	{ "data-out residual of a write", 36, { 18, 23 }, { SRP_RSP_DOUNDER, 2 }, 0, true, INITIATOR_WRITE },
	{ "data-in residual of a write", 36, { 18, 27 }, { SRP_RSP_DIUNDER, 2 }, 1, true, INITIATOR_WRITE },
	{ "check condition without sense", 36, { 19 }, { 2 }, 1, true, INITIATOR_READ },
	{ "response code and status", 40, { 18, 35, 39, 19 }, { SRP_RSP_RSPVALID, 4, 2, 8 }, 1, true, INITIATOR_READ },
	{ "response code", 40, { 18, 35, 39 }, { SRP_RSP_RSPVALID, 4, 2 }, 0, true, INITIATOR_READ },
	{ "unknown tag", 36, { 8 }, { 0xee }, 1, false, INITIATOR_READ },
	{ "longer than negotiated", 260, { 18, 31 }, { SRP_RSP_SNSVALID, 224 }, 1, true, INITIATOR_READ },
};

static void test_wrong_answers(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(wrongs) / sizeof(wrongs[0]); k++) {
		const struct wrong *wr = &wrongs[k];
		struct target *t = target_make(k);
		struct initiator_params p = params_of(t);
		struct initiator_cmd c = { .dir = wr->dir, .buf = t->arena, .len_bytes = 512, .done = cmd_done, .ctx = t };
		uint8_t iu[300] = { SRP_RSP };

		target_login(t, &p);
		initiator_submit(t->i, &c);
		run(t);
		memcpy(iu + 8, t->ch[0].iu[0] + 8, 8);
		for (int n = 0; n < 4 && wr->at[n]; n++)
			iu[wr->at[n]] = wr->val[n];
		target_send(t, 0, iu, wr->len);
		run(t);
		if (t->n_done != wr->answers)
			print_error("%s\n", wr->what);
		assert_int_equal(t->n_done, wr->answers);
		if (wr->answers)
			assert_int_equal(c.code, 0);
		target_free(t, wr->expect);
	}
}

static void test_wrong_ius(void **state)
{
	static const uint8_t cmd[48] = { SRP_CMD }, short_cred[15] = { SRP_CRED_REQ }, short_tlo[8] = { SRP_T_LOGOUT }, junk[1] = { 0x77 };
	struct target *t = target_make(100);
	struct initiator_params p = params_of(t);
	struct initiator_info info;

	(void)state;
	target_login(t, &p);
	target_send(t, 0, cmd, sizeof(cmd));
	target_send(t, 0, short_cred, sizeof(short_cred));
	target_send(t, 0, short_tlo, sizeof(short_tlo));
	target_send(t, 0, junk, sizeof(junk));
	run(t);
	initiator_info(t->i, &info);
	assert_int_equal(info.protocol_errors, 4);
	assert_int_equal(info.t_logouts + info.cred_reqs, 0);
	target_free(t, 4);
}

static void test_wrong_login_answers(void **state)
{
	struct target *t = target_make(101);
	struct initiator_params p = params_of(t);

	(void)state;
	t->garbage = true;
	target_login(t, &p);
	target_free(t, 1);

	t = target_make(102);
	p = params_of(t);
	t->rsp_flags = SRP_RSP_IMMED_SUPP; /* nobody asked */
	target_login(t, &p);
	target_free(t, 1);

	t = target_make(103);
	p = params_of(t);
	t->rsp_flags = SRP_RSP_MULTI_MAINTAINED; /* for SINGLE */
	target_login(t, &p);
	target_free(t, 1);
}

static void test_task_management_needs_a_code(void **state)
{
	struct target *t = target_make(104);
	struct initiator_params p = params_of(t);
	struct srp_rsp rsp = { .req_lim_delta = 1 };
	const uint8_t lun[8] = { 0 };

	(void)state;
	target_login(t, &p);
	assert_int_equal(initiator_tmf(t->i, 0, SRP_TMF_LUN_RESET, lun, NULL, tmf_done, t), 0);
	run(t);
	memcpy(&rsp.tag, t->ch[0].iu[0] + 8, 8);
	target_rsp(t, 0, &rsp);
	run(t);
	assert_int_equal(t->n_tmf, 1);
	assert_int_equal(t->tmf_code, -EPROTO);
	target_free(t, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_answers),
		cmocka_unit_test(test_wrong_ius),
		cmocka_unit_test(test_wrong_login_answers),
		cmocka_unit_test(test_task_management_needs_a_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
