// SPDX-License-Identifier: BSD-3-Clause
/*
 * RSP and the small IUs: room, cutting of sense data, the places that initiators look at.
 * Row 6 of the validation matrix for all but CMD.
 */
#include "exact.h"
#include "iu_equal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ib_srp reads the response code of a task management answer at byte 39 and nowhere else. */
static void response_code_is_at_39(void **state)
{
	struct srp_rsp rsp = { .tag = 5, .has_rsp_code = true, .rsp_code = SRP_RSP_CODE_TMF_FAILED };
	uint8_t iu[64];

	(void)state;
	memset(iu, 0xee, sizeof(iu));
	assert_int_equal(srp_rsp_encode(&rsp, iu, sizeof(iu)), 40);
	assert_int_equal(iu[18], SRP_RSP_RSPVALID);
	assert_int_equal(iu[35], 4);
	assert_int_equal(iu[36] | iu[37] | iu[38], 0);
	assert_int_equal(iu[39], SRP_RSP_CODE_TMF_FAILED);
	assert_int_equal(iu[40], 0xee);
}

static void sense_is_cut_to_the_room(void **state)
{
	uint8_t sense[252], iu[300];

	(void)state;
	memset(sense, 0x72, sizeof(sense));
	for (int has_code = 0; has_code <= 1; has_code++) {
		size_t sense_at = has_code ? 40 : 36;

		for (size_t cap = 0; cap <= sizeof(iu); cap++) {
			struct srp_rsp rsp = {
				.status = 2,
				.has_rsp_code = has_code,
				.rsp_code = has_code ? 2 : 0,
				.sense = sense,
				.sense_len = sizeof(sense),
			};
			struct srp_rsp out;
			size_t room = cap < sense_at ? 0 : cap - sense_at;
			size_t want_sense = room < sizeof(sense) ? room : sizeof(sense);
			struct exact x;

			memset(iu, 0xee, sizeof(iu));
			assert_true(exact_init(&x, iu, cap));
			if (cap < sense_at) {
				assert_int_equal(srp_rsp_encode(&rsp, x.heap, cap), 0);
				exact_fini(&x);
				continue;
			}
			assert_int_equal(srp_rsp_encode(&rsp, x.heap, cap), sense_at + want_sense);
			assert_int_equal(srp_rsp_decode(x.heap, sense_at + want_sense, &out), SRP_OK);
			assert_int_equal(out.sense_len, want_sense);
			rsp.sense_len = (uint32_t)want_sense;
			assert_true(rsp_equal(&rsp, &out));
			exact_fini(&x);
		}
	}
}

static void valid_flags_follow_from_the_members(void **state)
{
	struct srp_rsp rsp = { .flags = 0xff };
	uint8_t iu[64];

	(void)state;
	assert_int_equal(srp_rsp_encode(&rsp, iu, sizeof(iu)), 36);
	assert_int_equal(iu[18], 0x3c);
	rsp.sense_len = 10; /* a length without sense data is none */
	assert_int_equal(srp_rsp_encode(&rsp, iu, sizeof(iu)), 36);
	assert_int_equal(iu[18], 0x3c);
}

static void rsp_lengths(void **state)
{
	static const struct {
		uint8_t flags;
		uint32_t rsp_len, sense_len;
		size_t len;
		enum srp_error want;
	} rows[] = {
		{ 0, 0, 0, 35, SRP_ERR_SHORT },
		{ 0, 0, 0, 36, SRP_OK },
		{ 0, 0, 0, 37, SRP_OK },
		{ 0, ~0u, ~0u, 36, SRP_OK },
		{ 1, 4, 0, 39, SRP_ERR_SHORT },
		{ 1, 4, 0, 40, SRP_OK },
		{ 1, 4, ~0u, 40, SRP_OK },
		{ 1, 3, 0, 60, SRP_ERR_SHORT },
		{ 1, 0, 0, 60, SRP_ERR_SHORT },
		{ 1, ~0u, 0, 60, SRP_ERR_SHORT },
		{ 2, 0, 18, 53, SRP_ERR_SHORT },
		{ 2, 0, 18, 54, SRP_OK },
		{ 2, ~0u, 18, 54, SRP_OK },
		{ 2, 0, ~0u, 54, SRP_ERR_SHORT },
		{ 3, 4, 18, 57, SRP_ERR_SHORT },
		{ 3, 4, 18, 58, SRP_OK },
		{ 3, 4, 0u - 4, 58, SRP_ERR_SHORT }, /* sums that wrap to 0 in 32 bits */
		{ 3, 0x80000000, 0x80000000, 58, SRP_ERR_SHORT },
		{ 3, ~0u, 1, 58, SRP_ERR_SHORT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t iu[64] = { 0xc1 };
		struct srp_rsp rsp;
		struct exact x;

		iu[18] = rows[i].flags;
		for (int b = 0; b < 4; b++) {
			iu[28 + b] = (uint8_t)(rows[i].sense_len >> (24 - 8 * b));
			iu[32 + b] = (uint8_t)(rows[i].rsp_len >> (24 - 8 * b));
		}
		assert_true(exact_init(&x, iu, rows[i].len));
		assert_int_equal(srp_rsp_decode(x.heap, rows[i].len, &rsp), rows[i].want);
		assert_int_equal(srp_rsp_decode(x.fence, rows[i].len, &rsp), rows[i].want);
		exact_fini(&x);
	}
}

static void small_iu_lengths(void **state)
{
	static const uint8_t simple[] = { SRP_I_LOGOUT, SRP_CRED_RSP, SRP_AER_RSP };
	struct srp_t_logout lo, lo_in = { .tag = 1, .sol_not = 1, .reason = SRP_TLO_INVALID_IU_LEN };
	struct srp_cred_req cr, cr_in = { .tag = 2, .sol_not = 1, .req_lim_delta = -15 };
	struct srp_tsk_mgmt tm, tm_in = { .tag = 3, .sol_not = 6, .lun = { 0, 1 }, .function = 1, .task_tag = 4 };
	uint8_t iu[64];
	uint64_t tag;

	(void)state;
	for (size_t i = 0; i < sizeof(simple); i++) {
		assert_int_equal(srp_simple_encode(simple[i], 42, iu, 15), 0);
		assert_int_equal(srp_simple_encode(simple[i], 42, iu, 16), 16);
		assert_int_equal(srp_simple_decode(iu, 15, simple[i], &tag), SRP_ERR_SHORT);
		assert_int_equal(srp_simple_decode(iu, 16, simple[i], &tag), SRP_OK);
		assert_int_equal(tag, 42);
		assert_int_equal(srp_simple_decode(iu, 16, SRP_CMD, &tag), SRP_ERR_OPCODE);
	}
	assert_int_equal(srp_t_logout_encode(&lo_in, iu, 15), 0);
	assert_int_equal(srp_t_logout_encode(&lo_in, iu, 16), 16);
	assert_int_equal(srp_t_logout_decode(iu, 15, &lo), SRP_ERR_SHORT);
	assert_int_equal(srp_t_logout_decode(iu, 16, &lo), SRP_OK);
	assert_true(t_logout_equal(&lo, &lo_in));
	assert_int_equal(srp_cred_req_decode(iu, 16, &cr), SRP_ERR_OPCODE);

	assert_int_equal(srp_cred_req_encode(&cr_in, iu, 15), 0);
	assert_int_equal(srp_cred_req_encode(&cr_in, iu, 16), 16);
	assert_int_equal(srp_cred_req_decode(iu, 15, &cr), SRP_ERR_SHORT);
	assert_int_equal(srp_cred_req_decode(iu, 16, &cr), SRP_OK);
	assert_true(cred_req_equal(&cr, &cr_in));
	assert_int_equal(srp_t_logout_decode(iu, 16, &lo), SRP_ERR_OPCODE);

	assert_int_equal(srp_tsk_mgmt_encode(&tm_in, iu, 47), 0);
	assert_int_equal(srp_tsk_mgmt_encode(&tm_in, iu, 48), 48);
	assert_int_equal(srp_tsk_mgmt_decode(iu, 47, &tm), SRP_ERR_SHORT);
	assert_int_equal(srp_tsk_mgmt_decode(iu, 48, &tm), SRP_OK);
	assert_true(tsk_mgmt_equal(&tm, &tm_in));
}

static void aer_lengths(void **state)
{
	uint8_t sense[18] = { 0x70 }, iu[64];
	struct srp_aer_req in = { .tag = 9, .req_lim_delta = 1, .lun = { 0, 3 }, .sense = sense, .sense_len = 18 }, out;

	(void)state;
	assert_int_equal(srp_aer_req_encode(&in, iu, 35), 0);
	assert_int_equal(srp_aer_req_encode(&in, iu, 53), 0); /* sense data of an event is whole or not at all */
	assert_int_equal(srp_aer_req_encode(&in, iu, 54), 54);
	assert_int_equal(srp_aer_req_decode(iu, 35, &out), SRP_ERR_SHORT);
	assert_int_equal(srp_aer_req_decode(iu, 53, &out), SRP_ERR_SHORT);
	assert_int_equal(srp_aer_req_decode(iu, 54, &out), SRP_OK);
	assert_true(aer_req_equal(&in, &out));
	in.sense = NULL;
	assert_int_equal(srp_aer_req_encode(&in, iu, 36), 36);
	assert_int_equal(srp_aer_req_decode(iu, 36, &out), SRP_OK);
	assert_int_equal(out.sense_len, 0);
}

/* A tag is eight bytes of the peer's: the same ones in memory, whatever the byte order of either machine. */
static void tags_are_opaque(void **state)
{
	static const uint8_t tag[8] = { 0xf0, 1, 2, 3, 4, 5, 6, 0x0f };
	struct srp_tsk_mgmt tm = { .function = 1 };
	struct srp_rsp rsp = { .status = 0 };
	uint8_t iu[64];

	(void)state;
	memcpy(&rsp.tag, tag, 8);
	memcpy(&tm.task_tag, tag, 8);
	assert_int_equal(srp_rsp_encode(&rsp, iu, sizeof(iu)), 36);
	assert_memory_equal(iu + 8, tag, 8);
	assert_int_equal(srp_tsk_mgmt_encode(&tm, iu, sizeof(iu)), 48);
	assert_memory_equal(iu + 32, tag, 8);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(srp_opcode_name(SRP_CMD), "SRP_CMD");
	assert_string_equal(srp_opcode_name(SRP_LOGIN_REJ), "SRP_LOGIN_REJ");
	assert_string_equal(srp_opcode_name(0x7f), "unknown");
	assert_string_equal(srp_error_name((enum srp_error)99), "unknown");
	for (int e = SRP_OK; e <= SRP_ERR_DESC_SUM; e++) {
		const char *name = srp_error_name((enum srp_error)e);

		assert_string_not_equal(name, "unknown");
		for (int other = SRP_OK; other < e; other++)
			assert_string_not_equal(name, srp_error_name((enum srp_error)other));
	}
	for (unsigned op = 0, named = 0; op < 256; op++) {
		named += strcmp(srp_opcode_name((uint8_t)op), "unknown") != 0;
		if (op == 255)
			assert_int_equal(named, 12);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(response_code_is_at_39),
		cmocka_unit_test(sense_is_cut_to_the_room),
		cmocka_unit_test(valid_flags_follow_from_the_members),
		cmocka_unit_test(rsp_lengths),
		cmocka_unit_test(small_iu_lengths),
		cmocka_unit_test(aer_lengths),
		cmocka_unit_test(tags_are_opaque),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
