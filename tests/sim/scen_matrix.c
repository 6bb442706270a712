/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The validation matrix: what a host may not send, sent to the whole gateway over the simulated fabric, and the exact answer.
 * After each, an honest host must be served, and nothing may be left behind.
 */
#include "bench.h"

static struct bench bench;
static struct client *honest;

static int setup(void **state)
{
	struct rig_params p = bench_params();

	(void)state;
	bench_make(&bench, &p);
	honest = client_make(&bench, 0);
	assert_int_equal(client_login(honest), 0);
	return 0;
}

static int teardown(void **state)
{
	struct initiator_info info;

	(void)state;
	client_must_work(honest, 0);
	client_must_work(honest, 1);
	info = client_info(honest);
	assert_int_equal(info.protocol_errors, 0);
	client_free(honest);
	bench_free(&bench);
	return 0;
}

/* ---- rows 1 to 5: logins ---- */

static struct srp_login_req good_login(const struct client *c)
{
	struct srp_login_req q = { .tag = 77, .req_it_iu_len = 8260, .buf_fmt = SRP_BUF_DIRECT | SRP_BUF_INDIRECT };

	memcpy(q.i_port_id, c->p.i_port_id, 16);
	memcpy(q.t_port_id, c->p.t_port_id, 16);
	return q;
}

static void expect_reject_bytes(const uint8_t *priv, size_t len, uint32_t reason)
{
	struct client *c = client_make(&bench, 1);

	assert_int_equal(client_login_raw(c, priv, len), -ECONNREFUSED);
	assert_int_equal(c->reject, reason);
	client_free(c);
}

static void expect_reject(const struct srp_login_req *q, uint32_t reason)
{
	uint8_t priv[64];

	expect_reject_bytes(priv, srp_login_req_encode(q, SRP_LOGIN_FORM_RDMA_CM, priv, sizeof(priv)), reason);
}

static void row_1_login_malformed(void **state)
{
	struct srp_login_req q = good_login(honest);
	uint8_t priv[64];
	size_t len;

	(void)state;
	q.i_port_id[15] = 9;
	len = srp_login_req_encode(&q, SRP_LOGIN_FORM_RDMA_CM, priv, sizeof(priv));
	expect_reject_bytes(priv, 47, SRP_REJ_NO_DETAIL);
	expect_reject_bytes(priv, 1, SRP_REJ_NO_DETAIL);
	priv[11] = SRP_CMD;
	expect_reject_bytes(priv, len, SRP_REJ_NO_DETAIL);
	q.req_it_iu_len = 63;
	expect_reject(&q, SRP_REJ_NO_DETAIL);
	q.req_it_iu_len = 0;
	expect_reject(&q, SRP_REJ_NO_DETAIL);
	q.req_it_iu_len = 1u << 20;
	expect_reject(&q, SRP_REJ_IT_IU_TOO_LARGE);
	q.req_it_iu_len = UINT32_MAX;
	expect_reject(&q, SRP_REJ_IT_IU_TOO_LARGE);
}

static void row_1_smallest_and_oldest_login(void **state)
{
	struct client *c = client_make(&bench, 1);
	struct srp_login_req q = good_login(c);
	uint8_t priv[64];

	(void)state;
	q.req_it_iu_len = 64;
	srp_login_req_encode(&q, SRP_LOGIN_FORM_RDMA_CM, priv, sizeof(priv));
	assert_int_equal(client_login_raw(c, priv, SRP_LOGIN_REQ_RDMA_OLD_LEN), 0);
	assert_false(client_info(c).immediate_data);
	client_free(c);
}

static void row_2_unknown_target(void **state)
{
	struct srp_login_req q = good_login(honest);

	(void)state;
	q.t_port_id[0] ^= 1;
	expect_reject(&q, SRP_REJ_NO_NEXUS);
}

static void row_3_no_buffer_format(void **state)
{
	struct srp_login_req q = good_login(honest);

	(void)state;
	q.i_port_id[15] = 9;
	q.buf_fmt = 0;
	expect_reject(&q, SRP_REJ_BUF_FORMAT);
	q.buf_fmt = 0xfff9;
	expect_reject(&q, SRP_REJ_BUF_FORMAT);
}

static void row_4_multichannel_action(void **state)
{
	struct srp_login_req q = good_login(honest);

	(void)state;
	for (q.req_flags = 2; q.req_flags <= 3; q.req_flags++)
		expect_reject(&q, SRP_REJ_NO_DETAIL);
}

static void row_5_immediate_data_offset(void **state)
{
	static const struct {
		uint16_t offset;
		bool granted;
	} rows[] = { { 0, false }, { 47, false }, { 48, true }, { 68, true }, { 80, true }, { 81, false }, { 65535, false } };

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct client *c = client_make(&bench, 1);
		struct srp_login_req q = good_login(c);
		uint8_t priv[64];

		q.req_flags = SRP_LOGIN_IMMED_REQ;
		q.imm_data_offset = rows[k].offset;
		c->p.immediate_data = true;
		assert_int_equal(client_login_raw(c, priv, srp_login_req_encode(&q, SRP_LOGIN_FORM_RDMA_CM, priv, sizeof(priv))), 0);
		assert_int_equal(client_info(c).immediate_data, rows[k].granted);
		client_free(c);
	}
}

/* ---- rows 6 to 15: information units ---- */

static struct client *villain(void)
{
	struct client *c = client_make(&bench, 1);

	c->p.immediate_data = true;
	assert_int_equal(client_login(c), 0);
	return c;
}

static void expect_end(const void *iu, size_t len, uint32_t reason)
{
	struct client *c = villain();

	client_raw(c, iu, len);
	expect_t_logout(c, reason);
	client_free(c);
}

static void row_6_short_ius(void **state)
{
	static const struct {
		uint8_t opcode;
		uint32_t len;
	} rows[] = { { SRP_CMD, 47 }, { SRP_CMD, 1 }, { SRP_TSK_MGMT, 47 }, { SRP_I_LOGOUT, 15 }, { SRP_CRED_RSP, 15 }, { SRP_AER_RSP, 8 } };

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		uint8_t iu[64] = { rows[k].opcode };

		expect_end(iu, rows[k].len, SRP_TLO_INVALID_IU_LEN);
	}
}

static void row_7_descriptors_beyond_the_end(void **state)
{
	uint8_t iu[512];

	(void)state;
	/* A direct descriptor that is not there; half there; additional CDB; an indirect header; a partial list. */
	raw_cmd(iu, 1, 0);
	iu[5] = SRP_FMT_DIRECT;
	expect_end(iu, 48, SRP_TLO_INVALID_IU_LEN);
	expect_end(iu, 63, SRP_TLO_INVALID_IU_LEN);
	iu[5] = SRP_FMT_DIRECT << 4 | SRP_FMT_DIRECT;
	expect_end(iu, 79, SRP_TLO_INVALID_IU_LEN);
	raw_cmd(iu, 1, 0);
	iu[31] = 0xfc;
	expect_end(iu, 48 + 251, SRP_TLO_INVALID_IU_LEN);
	raw_cmd(iu, 1, 0);
	iu[5] = SRP_FMT_INDIRECT;
	expect_end(iu, 67, SRP_TLO_INVALID_IU_LEN);
	iu[7] = 255;
	expect_end(iu, 68, SRP_TLO_INVALID_IU_LEN);
	expect_end(iu, 500, SRP_TLO_INVALID_IU_LEN);
}

static void row_8_reserved_cdb_bits(void **state)
{
	struct client *c = villain();
	uint8_t iu[512];

	(void)state;
	for (uint8_t bits = 1; bits <= 3; bits++) {
		raw_cmd(iu, 40u + bits, 0);
		iu[31] = bits;
		client_raw(c, iu, 48);
		expect_rsp_code(c, 40u + bits, SRP_RSP_CODE_INVALID_FIELDS);
	}
	client_free(c);
}

static void row_9_formats(void **state)
{
	uint8_t iu[512];

	(void)state;
	for (uint8_t f = 4; f < 16; f += 3) {
		raw_cmd(iu, 1, 0);
		iu[5] = (uint8_t)(f << 4);
		expect_end(iu, 200, SRP_TLO_BAD_DATA_OUT_FORMAT);
		iu[5] = f;
		expect_end(iu, 200, SRP_TLO_BAD_DATA_IN_FORMAT);
	}
	raw_cmd(iu, 1, 0);
	iu[5] = SRP_FMT_IMMEDIATE; /* data-in */
	expect_end(iu, 200, SRP_TLO_BAD_DATA_IN_FORMAT);
}

static void row_9_immediate_data_that_was_not_granted(void **state)
{
	struct client *c = client_make(&bench, 1);
	uint8_t iu[512];

	(void)state;
	assert_int_equal(client_login(c), 0);
	raw_cmd(iu, 1, 0);
	iu[5] = SRP_FMT_IMMEDIATE << 4;
	client_raw(c, iu, 100);
	expect_t_logout(c, SRP_TLO_BAD_DATA_OUT_FORMAT);
	client_free(c);
}

static void row_10_immediate_data_beyond_the_end(void **state)
{
	static const uint32_t lens[] = { 33, 100000, 0x7fffffff, 0xffffffbc, 0xffffffff };
	uint8_t iu[512];

	(void)state;
	for (size_t k = 0; k < sizeof(lens) / sizeof(lens[0]); k++) {
		raw_cmd(iu, 1, 0);
		iu[0] = SRP_CMD;
		iu[5] = SRP_FMT_IMMEDIATE << 4;
		iu[32] = 0x8a;
		for (int b = 0; b < 4; b++)
			iu[48 + b] = (uint8_t)(lens[k] >> (24 - 8 * b));
		expect_end(iu, 68 + 32, SRP_TLO_INVALID_IU_LEN);
	}
}

struct table_case {
	uint32_t table_len, total, n_in_iu, entry_len;
};

static void row_11_indirect_tables(void **state)
{
	/* Not a multiple of 16; shorter than the partial list; sum too small; too much in the IU; sum beyond 32 bits; over the cap. */
	static const struct table_case rows[] = {
		{ 33, 1024, 2, 512 },
		{ 16, 1024, 2, 512 },
		{ 32, 1025, 2, 512 },
		{ 32, 0xffffffff, 2, 512 },
		{ 32, 0, 2, 0x80000000u },
		{ 16 * 65536u, 1024, 2, 512 },
		{ 0xfffffff0u, 1024, 2, 512 },
		{ 0, 1024, 0, 0 },
	};
	struct client *c = villain();
	struct sim_stats before, after;

	(void)state;
	sim_stats(bench.rig.w, &before);
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		const struct table_case *t = &rows[k];
		uint32_t rkey = initiator_raw_rkey(c->i, 0);
		uint64_t va = (uint64_t)(uintptr_t)c->arena;
		uint8_t iu[512];

		raw_cmd(iu, 100 + k, 0);
		iu[5] = SRP_FMT_INDIRECT << 4;
		iu[6] = (uint8_t)t->n_in_iu;
		iu[32] = 0x8a;
		srp_mdesc_put(iu + 48, (struct srp_mdesc){ va, rkey, t->table_len });
		for (int b = 0; b < 4; b++)
			iu[64 + b] = (uint8_t)(t->total >> (24 - 8 * b));
		for (uint32_t n = 0; n < t->n_in_iu; n++)
			srp_mdesc_put(iu + 68 + n * 16, (struct srp_mdesc){ va, rkey, t->entry_len });
		client_raw(c, iu, 68 + t->n_in_iu * 16);
		expect_rsp_code(c, 100 + k, SRP_RSP_CODE_INVALID_FIELDS);
	}
	sim_stats(bench.rig.w, &after);
	assert_true(after.reads == before.reads && after.writes == before.writes);
	client_free(c);
}

/* The table lies outside of the IU: it must be fetched to be judged, and no data may move then. */
static void row_11_external_table_that_is_too_short(void **state)
{
	struct client *c = villain();
	uint32_t rkey = initiator_raw_rkey(c->i, 0);
	uint64_t va = (uint64_t)(uintptr_t)c->arena;
	struct sim_stats before, after;
	uint8_t iu[512];

	(void)state;
	for (uint32_t k = 0; k < 4; k++)
		srp_mdesc_put(c->arena + k * 16, (struct srp_mdesc){ va, rkey, 100 });
	raw_cmd(iu, 5, 0);
	iu[5] = SRP_FMT_INDIRECT << 4;
	iu[32] = 0x8a;
	srp_mdesc_put(iu + 48, (struct srp_mdesc){ va, rkey, 64 });
	iu[66] = 512 >> 8;
	sim_stats(bench.rig.w, &before);
	client_raw(c, iu, 68);
	expect_rsp_code(c, 5, SRP_RSP_CODE_INVALID_FIELDS);
	sim_stats(bench.rig.w, &after);
	assert_true(after.read_bytes - before.read_bytes <= 64);
	client_free(c);
}

static void row_12_more_requests_than_credits(void **state)
{
	struct client *c;
	uint32_t k;

	(void)state;
	bench.rig.knobs[0].stuck = true;
	c = villain();
	c->raw = true;
	for (k = 0; k < 17; k++) {
		uint8_t iu[512];

		raw_cmd(iu, 200 + k, 0);
		/* Wait for the sending of the first ones: there are sixteen raw slots. */
		sim_run_for(bench.rig.w, 10 * NS_PER_MS);
		assert_int_equal(c->n_ius, 0);
		assert_int_equal(initiator_raw_send(c->i, 0, iu, 48), 0);
	}
	bench_until(&bench, 5, c->n_ius);
	expect_t_logout(c, SRP_TLO_NONE);
	client_free(c);
	bench.rig.knobs[0].stuck = false;
}

static void row_13_responses_to_nothing(void **state)
{
	uint8_t iu[16] = { SRP_CRED_RSP };

	(void)state;
	expect_end(iu, 16, SRP_TLO_NO_OUTSTANDING_REQUEST);
	iu[0] = SRP_AER_RSP;
	expect_end(iu, 16, SRP_TLO_NO_OUTSTANDING_REQUEST);
}

static void row_14_ius_of_the_wrong_type(void **state)
{
	static const uint8_t opcodes[] = { SRP_LOGIN_REQ, 0x04, 0x40, 0x43, SRP_T_LOGOUT, SRP_CRED_REQ, SRP_AER_REQ, SRP_LOGIN_RSP,
					   SRP_RSP, SRP_LOGIN_REJ, 0xff };

	(void)state;
	for (size_t k = 0; k < sizeof(opcodes); k++) {
		uint8_t iu[64] = { opcodes[k] };

		expect_end(iu, 64, SRP_TLO_INVALID_IU_TYPE);
	}
}

static void row_15_tag_of_a_live_task(void **state)
{
	struct client *c;
	struct srp_rsp rsp;
	struct scsi_sense sense;
	uint8_t iu[512];

	(void)state;
	bench.rig.knobs[0].delay_ns = 100 * NS_PER_MS;
	c = villain();
	raw_cmd(iu, 5, 0);
	c->raw = true;
	assert_int_equal(initiator_raw_send(c->i, 0, iu, 48), 0);
	client_raw(c, iu, 48);
	assert_int_equal(srp_rsp_decode(c->iu, c->iu_len, &rsp), SRP_OK);
	assert_true(rsp.tag == 5);
	assert_int_equal(rsp.status, SCSI_CHECK_CONDITION);
	assert_true(scsi_sense_parse(rsp.sense, rsp.sense_len, &sense));
	assert_int_equal(sense.key, 0x0b);
	assert_int_equal(sense.asc, 0x4e);
	assert_int_equal(sense.ascq, 0);
	/* The first is served all the same. */
	bench_until(&bench, 5, c->n_ius == 2);
	assert_int_equal(srp_rsp_decode(c->iu, c->iu_len, &rsp), SRP_OK);
	assert_true(rsp.tag == 5 && rsp.status == 0 && !rsp.has_rsp_code);
	client_free(c);
	bench.rig.knobs[0].delay_ns = 20 * NS_PER_US;
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(row_1_login_malformed),
		ROW(row_1_smallest_and_oldest_login),
		ROW(row_2_unknown_target),
		ROW(row_3_no_buffer_format),
		ROW(row_4_multichannel_action),
		ROW(row_5_immediate_data_offset),
		ROW(row_6_short_ius),
		ROW(row_7_descriptors_beyond_the_end),
		ROW(row_8_reserved_cdb_bits),
		ROW(row_9_formats),
		ROW(row_9_immediate_data_that_was_not_granted),
		ROW(row_10_immediate_data_beyond_the_end),
		ROW(row_11_indirect_tables),
		ROW(row_11_external_table_that_is_too_short),
		ROW(row_12_more_requests_than_credits),
		ROW(row_13_responses_to_nothing),
		ROW(row_14_ius_of_the_wrong_type),
		ROW(row_15_tag_of_a_live_task),
	};

	return cmocka_run_group_tests_name("validation matrix", tests, NULL, NULL);
}
