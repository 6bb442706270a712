// SPDX-License-Identifier: BSD-3-Clause
/*
 * LOGIN_REQ, LOGIN_RSP, LOGIN_REJ: exact lengths, what a short login still tells, reserved bytes of the answers.
 * Rows 1, 3 and 4 of the validation matrix.
 */
#include "exact.h"
#include "iu_equal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct srp_login_req sample = {
	.tag = 0x1122334455667788,
	.req_it_iu_len = 8260,
	.buf_fmt = SRP_BUF_DIRECT | SRP_BUF_INDIRECT,
	.req_flags = SRP_LOGIN_IMMED_REQ | SRP_MULTI_MULTI,
	.imm_data_offset = 68,
	.i_port_id = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
	.t_port_id = { 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 },
};

static enum srp_error decode_exactly(const uint8_t *iu, size_t len, enum srp_login_form form, struct srp_login_req *req)
{
	struct exact x;
	enum srp_error e;

	assert_true(exact_init(&x, iu, len));
	e = srp_login_req_decode(x.heap, len, form, req);
	exact_fini(&x);
	return e;
}

static void req_lengths(void **state)
{
	static const struct {
		enum srp_login_form form;
		size_t len;
		enum srp_error want;
	} rows[] = {
		{ SRP_LOGIN_FORM_NATIVE, 0, SRP_ERR_SHORT },
		{ SRP_LOGIN_FORM_NATIVE, 1, SRP_ERR_SHORT },
		{ SRP_LOGIN_FORM_NATIVE, 48, SRP_ERR_SHORT },
		{ SRP_LOGIN_FORM_NATIVE, 56, SRP_ERR_SHORT },
		{ SRP_LOGIN_FORM_NATIVE, 63, SRP_ERR_SHORT },
		{ SRP_LOGIN_FORM_NATIVE, 64, SRP_OK },
		{ SRP_LOGIN_FORM_NATIVE, 65, SRP_OK },
		{ SRP_LOGIN_FORM_NATIVE, 92, SRP_OK },
		{ SRP_LOGIN_FORM_RDMA_CM, 0, SRP_ERR_SHORT },
		{ SRP_LOGIN_FORM_RDMA_CM, 1, SRP_ERR_SHORT },
		{ SRP_LOGIN_FORM_RDMA_CM, 47, SRP_ERR_SHORT },
		{ SRP_LOGIN_FORM_RDMA_CM, 48, SRP_OK },
		{ SRP_LOGIN_FORM_RDMA_CM, 49, SRP_OK },
		{ SRP_LOGIN_FORM_RDMA_CM, 50, SRP_OK },
		{ SRP_LOGIN_FORM_RDMA_CM, 55, SRP_OK },
		{ SRP_LOGIN_FORM_RDMA_CM, 56, SRP_OK },
		{ SRP_LOGIN_FORM_RDMA_CM, 57, SRP_OK },
		{ SRP_LOGIN_FORM_RDMA_CM, 512, SRP_OK },
	};
	uint8_t iu[512];
	struct srp_login_req req;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct srp_login_req want = sample;

		memset(iu, 0xee, sizeof(iu));
		assert_true(srp_login_req_encode(&sample, rows[i].form, iu, sizeof(iu)) > 0);
		assert_int_equal(decode_exactly(iu, rows[i].len, rows[i].form, &req), rows[i].want);
		if (rows[i].form == SRP_LOGIN_FORM_RDMA_CM && rows[i].len < 50)
			want.imm_data_offset = 0;
		if (rows[i].want == SRP_OK)
			assert_true(login_req_equal(&req, &want));
	}
}

/* Whatever arrived of the tag is there for the reject; the rest is zero and not what the caller's memory held. */
static void req_short_fills_what_arrived(void **state)
{
	static const struct {
		enum srp_login_form form;
		size_t tag_at;
	} forms[] = { { SRP_LOGIN_FORM_NATIVE, 8 }, { SRP_LOGIN_FORM_RDMA_CM, 0 } };
	uint8_t iu[64];

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		assert_true(srp_login_req_encode(&sample, forms[f].form, iu, sizeof(iu)) > 0);
		for (size_t len = 0; len < 48; len++) {
			struct srp_login_req req;
			uint8_t want[8] = { 0 };

			memset(&req, 0xee, sizeof(req));
			assert_int_equal(decode_exactly(iu, len, forms[f].form, &req), SRP_ERR_SHORT);
			for (size_t i = 0; i < 8 && forms[f].tag_at + i < len; i++)
				want[i] = iu[forms[f].tag_at + i];
			assert_memory_equal(&req.tag, want, 8);
			assert_int_equal(req.t_port_id[15], 0);
		}
	}
}

static void req_null_buffer_is_empty(void **state)
{
	struct srp_login_req req;

	(void)state;
	assert_int_equal(srp_login_req_decode(NULL, 0, SRP_LOGIN_FORM_NATIVE, &req), SRP_ERR_SHORT);
	assert_int_equal(srp_login_req_decode(NULL, 0, SRP_LOGIN_FORM_RDMA_CM, &req), SRP_ERR_SHORT);
}

static void req_fields(void **state)
{
	static const struct {
		uint32_t iu_len;
		uint8_t flags;
		uint16_t fmt;
		enum srp_error want;
	} rows[] = {
		{ 64, 0x00, 2, SRP_OK },
		{ 64, 0x01, 4, SRP_OK },
		{ 0xffffffff, 0xf1, 6, SRP_OK },
		{ 64, 0x0c, 0xffff, SRP_OK }, /* reserved bits beside sound ones */
		{ 63, 0x00, 6, SRP_ERR_IU_LEN_SMALL },
		{ 0, 0x00, 6, SRP_ERR_IU_LEN_SMALL },
		{ 64, 0x02, 6, SRP_ERR_MULTI_ACTION },
		{ 64, 0x03, 6, SRP_ERR_MULTI_ACTION },
		{ 64, 0xf2, 6, SRP_ERR_MULTI_ACTION },
		{ 64, 0x00, 0, SRP_ERR_BUF_FORMAT },
		{ 64, 0x00, 1, SRP_ERR_BUF_FORMAT },
		{ 64, 0x00, 0xfff9, SRP_ERR_BUF_FORMAT },
		{ 63, 0x03, 0, SRP_ERR_IU_LEN_SMALL }, /* the first fault is reported */
		{ 64, 0x03, 0, SRP_ERR_MULTI_ACTION },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int form = SRP_LOGIN_FORM_NATIVE; form <= SRP_LOGIN_FORM_RDMA_CM; form++) {
			struct srp_login_req in = sample, out;
			uint8_t iu[64];
			size_t len;

			in.req_it_iu_len = rows[i].iu_len;
			in.req_flags = rows[i].flags;
			in.buf_fmt = rows[i].fmt;
			len = srp_login_req_encode(&in, (enum srp_login_form)form, iu, sizeof(iu));
			assert_int_equal(srp_login_req_decode(iu, len, (enum srp_login_form)form, &out), rows[i].want);
			assert_true(login_req_equal(&in, &out));
		}
	}
}

static void encoders_need_their_room(void **state)
{
	struct srp_login_rsp rsp = { .tag = 1 };
	struct srp_login_rej rej = { .tag = 1 };
	uint8_t iu[64];

	(void)state;
	assert_int_equal(srp_login_req_encode(&sample, SRP_LOGIN_FORM_NATIVE, iu, 63), 0);
	assert_int_equal(srp_login_req_encode(&sample, SRP_LOGIN_FORM_NATIVE, iu, 64), 64);
	assert_int_equal(srp_login_req_encode(&sample, SRP_LOGIN_FORM_RDMA_CM, iu, 55), 0);
	assert_int_equal(srp_login_req_encode(&sample, SRP_LOGIN_FORM_RDMA_CM, iu, 56), 56);
	assert_int_equal(srp_login_rsp_encode(&rsp, iu, 51), 0);
	assert_int_equal(srp_login_rsp_encode(&rsp, iu, 52), 52);
	assert_int_equal(srp_login_rej_encode(&rej, iu, 31), 0);
	assert_int_equal(srp_login_rej_encode(&rej, iu, 32), 32);
}

/* Junk in LOGIN_RSP's reserved bytes once made initiators send immediate data to targets that could not take it. */
static void answers_have_zeros_where_reserved(void **state)
{
	struct srp_login_rsp rsp = { .req_lim_delta = ~0u, .tag = ~0ull, .max_it_iu_len = ~0u, .max_ti_iu_len = ~0u };
	struct srp_login_rej rej = { .reason = ~0u, .tag = ~0ull };
	uint8_t iu[64];

	(void)state;
	memset(iu, 0xee, sizeof(iu));
	assert_int_equal(srp_login_rsp_encode(&rsp, iu, sizeof(iu)), 52);
	for (size_t i = 24; i < 52; i++)
		assert_int_equal(iu[i], 0);
	assert_int_equal(iu[52], 0xee);
	assert_int_equal(iu[1] | iu[2] | iu[3], 0);

	memset(iu, 0xee, sizeof(iu));
	assert_int_equal(srp_login_rej_encode(&rej, iu, sizeof(iu)), 32);
	for (size_t i = 16; i < 32; i++)
		assert_int_equal(iu[i], 0);
	assert_int_equal(iu[32], 0xee);
	assert_int_equal(iu[1] | iu[2] | iu[3], 0);
}

static void answers_lengths_and_opcodes(void **state)
{
	struct srp_login_rsp rsp, rsp_in = { .req_lim_delta = 128, .tag = 7, .max_it_iu_len = 8276, .rsp_flags = 0x91 };
	struct srp_login_rej rej, rej_in = { .reason = SRP_REJ_NO_NEXUS, .tag = 9, .buf_fmt = 6 };
	uint8_t iu[64];

	(void)state;
	srp_login_rsp_encode(&rsp_in, iu, sizeof(iu));
	assert_int_equal(srp_login_rsp_decode(iu, 51, &rsp), SRP_ERR_SHORT);
	assert_int_equal(srp_login_rsp_decode(iu, 52, &rsp), SRP_OK);
	assert_true(login_rsp_equal(&rsp, &rsp_in));
	assert_int_equal(srp_login_rej_decode(iu, 52, &rej), SRP_ERR_OPCODE);

	srp_login_rej_encode(&rej_in, iu, sizeof(iu));
	assert_int_equal(srp_login_rej_decode(iu, 31, &rej), SRP_ERR_SHORT);
	assert_int_equal(srp_login_rej_decode(iu, 32, &rej), SRP_OK);
	assert_true(login_rej_equal(&rej, &rej_in));
	assert_int_equal(srp_login_rsp_decode(iu, 52, &rsp), SRP_ERR_OPCODE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(req_lengths),
		cmocka_unit_test(req_short_fills_what_arrived),
		cmocka_unit_test(req_null_buffer_is_empty),
		cmocka_unit_test(req_fields),
		cmocka_unit_test(encoders_need_their_room),
		cmocka_unit_test(answers_have_zeros_where_reserved),
		cmocka_unit_test(answers_lengths_and_opcodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
