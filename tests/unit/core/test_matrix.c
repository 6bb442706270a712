/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a peer does wrong, end to end, and exactly what it is answered: the rows of the validation matrix, in their
 * order.
 */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

/* ---- logins: a good LOGIN_REQ to spoil ---- */

static size_t good_login(uint8_t buf[SRP_LOGIN_REQ_LEN])
{
	memset(buf, 0, SRP_LOGIN_REQ_LEN);
	memset(buf + 8, 0xa5, 8); /* tag */
	buf[18] = 8260 >> 8;
	buf[19] = 8260 & 0xff;
	buf[25] = 0x06;
	memset(buf + 32, 0x11, 16);
	memset(buf + 48, 0x77, 16);
	return SRP_LOGIN_REQ_LEN;
}

static struct fake_conn *login(struct rig *r, const uint8_t *buf, size_t len)
{
	struct fake_conn *c = fake_login(&r->fab, r->core, "10.0.0.1", buf, len, FABRIC_LOGIN_NATIVE);

	rig_run(r);
	return c;
}

static void row1_login_length_and_opcode(void **state)
{
	struct rig *r = *state;
	uint8_t buf[SRP_LOGIN_REQ_LEN];
	struct fake_conn *c;
	size_t len = good_login(buf);

	for (size_t cut = 0; cut < len; cut += 7)
		rig_expect_reject(r, login(r, buf, cut), 0x00010000);
	c = login(r, buf, len - 1);
	rig_expect_reject(r, c, 0x00010000);
	assert_memory_equal(c->reply + 8, buf + 8, 8);
	buf[0] = SRP_CMD;
	rig_expect_reject(r, login(r, buf, len), 0x00010000);
	assert_int_equal(r->core->port.n_nexuses, 0);
}

static void row1_login_iu_length(void **state)
{
	struct rig *r = *state;
	uint8_t buf[SRP_LOGIN_REQ_LEN];
	size_t len = good_login(buf);

	buf[18] = 0, buf[19] = 63;
	rig_expect_reject(r, login(r, buf, len), 0x00010000);
	buf[18] = 8277 >> 8, buf[19] = 8277 & 0xff;
	rig_expect_reject(r, login(r, buf, len), 0x00010002);
	buf[16] = 0xff;
	rig_expect_reject(r, login(r, buf, len), 0x00010002);
	buf[16] = 0, buf[18] = 8276 >> 8, buf[19] = 8276 & 0xff;
	assert_true(login(r, buf, len)->accepted);
}

static void row2_unknown_target(void **state)
{
	struct rig *r = *state;
	uint8_t buf[SRP_LOGIN_REQ_LEN];
	size_t len = good_login(buf);
	struct fake_conn *c;

	for (unsigned i = 48; i < 64; i++) {
		buf[i] ^= 1;
		c = login(r, buf, len);
		rig_expect_reject(r, c, 0x00010003);
		assert_memory_equal(c->reply + 8, buf + 8, 8);
		buf[i] ^= 1;
	}
}

static void row3_no_format(void **state)
{
	struct rig *r = *state;
	uint8_t buf[SRP_LOGIN_REQ_LEN];
	size_t len = good_login(buf);

	buf[25] = 0;
	rig_expect_reject(r, login(r, buf, len), 0x00010004);
	buf[25] = 0xf9;
	rig_expect_reject(r, login(r, buf, len), 0x00010004);
}

static void row4_multichannel_action(void **state)
{
	struct rig *r = *state;
	uint8_t buf[SRP_LOGIN_REQ_LEN];
	size_t len = good_login(buf);

	for (uint8_t action = 2; action <= 3; action++) {
		buf[26] = action;
		rig_expect_reject(r, login(r, buf, len), 0x00010000);
	}
}

static void row5_immediate_data_offset(void **state)
{
	static const struct {
		uint16_t offset;
		bool granted;
	} cases[] = { { 0, false }, { 47, false }, { 48, true },    { 68, true },
		      { 80, true }, { 81, false }, { 65535, false } };
	struct rig *r = *state;
	uint8_t buf[SRP_LOGIN_REQ_LEN];
	size_t len = good_login(buf);

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_conn *c;

		buf[26] = SRP_LOGIN_IMMED_REQ;
		buf[28] = (uint8_t)(cases[i].offset >> 8);
		buf[29] = (uint8_t)cases[i].offset;
		buf[47] = (uint8_t)i;
		c = login(r, buf, len);
		assert_true(c->accepted);
		assert_int_equal(c->reply[26] & SRP_RSP_IMMED_SUPP ? 1 : 0, cases[i].granted);
		for (unsigned b = 27; b < 52; b++)
			assert_int_equal(c->reply[b], 0);
	}
}

/* ---- IUs: a good SRP_CMD to spoil ---- */

static size_t good_cmd(uint8_t iu[256], uint8_t tag)
{
	memset(iu, 0, 256);
	iu[0] = SRP_CMD;
	iu[15] = tag;
	return 48;
}

static void row6_short_iu(void **state)
{
	static const struct {
		uint8_t opcode;
		size_t len;
	} cases[] = { { SRP_CMD, 0 },	    { SRP_CMD, 1 },	  { SRP_CMD, 47 },	{ SRP_TSK_MGMT, 1 },
		      { SRP_TSK_MGMT, 47 }, { SRP_I_LOGOUT, 15 }, { SRP_CRED_RSP, 15 }, { SRP_AER_RSP, 1 } };
	struct rig *r = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_conn *c = rig_login(r);
		uint8_t iu[48] = { cases[i].opcode };

		fake_send(c, iu, cases[i].len);
		rig_expect_logout(r, c, 8);
	}
}

static void row7_descriptors_beyond_the_iu(void **state)
{
	static const struct {
		uint8_t fmt, n_out, n_in, add_cdb;
		size_t len;
	} cases[] = {
		{ 0x10, 0, 0, 0, 48 },	    { 0x10, 0, 0, 0, 63 },    { 0x01, 0, 0, 0, 63 },
		{ 0x20, 0, 0, 0, 67 },	    { 0x02, 0, 255, 0, 68 },  { 0x02, 0, 2, 0, 68 + 31 },
		{ 0x11, 0, 0, 0, 48 + 31 }, { 0x00, 0, 0, 0xfc, 64 }, { 0x01, 0, 0, 0x04, 64 },
	};
	struct rig *r = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_conn *c = rig_login(r);
		uint8_t iu[256];

		good_cmd(iu, 1);
		iu[5] = cases[i].fmt;
		iu[6] = cases[i].n_out;
		iu[7] = cases[i].n_in;
		iu[31] = cases[i].add_cdb;
		if ((cases[i].fmt & 0xf) == 2) /* a table as long as the list, so that only the bounds are wrong */
			iu[62] = (uint8_t)(cases[i].n_in * 16 >> 8), iu[63] = (uint8_t)(cases[i].n_in * 16);
		fake_send(c, iu, cases[i].len);
		rig_expect_logout(r, c, 8);
	}
}

static void row8_reserved_cdb_length_bits(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (uint8_t bits = 1; bits <= 3; bits++) {
		uint8_t iu[256], want[40] = {
			0xc1, [7] = 1, [15] = bits, [18] = SRP_RSP_RSPVALID, [31] = 0, [35] = 4, [39] = 2
		};
		const struct fake_iu *rsp;

		good_cmd(iu, bits);
		iu[31] = bits;
		fake_send(c, iu, 48);
		rig_run(r);
		rsp = fake_next(c);
		assert_non_null(rsp);
		assert_int_equal(rsp->len, sizeof(want));
		assert_memory_equal(rsp->data, want, sizeof(want));
	}
	rig_expect_idle(r);
}

static void row9_reserved_formats(void **state)
{
	struct rig *r = *state;

	for (unsigned nibble = 3; nibble < 16; nibble++) {
		struct rig_login l = { .id = 1 }; /* no immediate data */
		struct fake_conn *c = rig_login_raw(r, &l);
		uint8_t iu[256];

		fake_established(c);
		good_cmd(iu, 1);
		iu[5] = (uint8_t)(nibble << 4);
		fake_send(c, iu, 256);
		rig_expect_logout(r, c, 6);
		c = rig_login(r);
		good_cmd(iu, 1);
		iu[5] = (uint8_t)nibble;
		fake_send(c, iu, 256);
		rig_expect_logout(r, c, 7);
	}
}

static void row10_immediate_data_beyond_the_iu(void **state)
{
	static const uint32_t lengths[] = { 189, 1000, 0x7fffffff, 0xffffffbc, 0xffffffff };
	struct rig *r = *state;

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct fake_conn *c = rig_login(r); /* offset 68: 188 bytes fit */
		uint8_t iu[256];

		good_cmd(iu, 1);
		iu[5] = 0x30;
		for (unsigned b = 0; b < 4; b++)
			iu[48 + b] = (uint8_t)(lengths[i] >> (24 - 8 * b));
		fake_send(c, iu, 256);
		rig_expect_logout(r, c, 8);
	}
}

static void indirect(uint8_t iu[256], uint32_t table_len, uint32_t total, uint8_t count, uint32_t each)
{
	good_cmd(iu, 1);
	iu[5] = 0x02;
	iu[7] = count;
	for (unsigned b = 0; b < 4; b++) {
		iu[48 + 12 + b] = (uint8_t)(table_len >> (24 - 8 * b));
		iu[48 + 16 + b] = (uint8_t)(total >> (24 - 8 * b));
	}
	for (unsigned i = 0; i < count; i++)
		srp_mdesc_put(iu + 68 + 16 * i, (struct srp_mdesc){ 0x1000, 0x1234, each });
}

static void row11_indirect_tables(void **state)
{
	static const struct {
		uint32_t table_len, total;
		uint8_t count;
		uint32_t each;
	} cases[] = {
		{ 31, 512, 1, 512 },	  { 16, 512, 2, 256 },	{ 32, 1024, 2, 511 },	   { 16 * 2049, 512, 0, 0 },
		{ 0xfffffff0, 512, 0, 0 }, { 0, 512, 0, 0 },	{ 32, 512, 2, 0xffffffff },
	};
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t iu[256];

		indirect(iu, cases[i].table_len, cases[i].total, cases[i].count, cases[i].each);
		iu[15] = (uint8_t)(i + 1);
		fake_send(c, iu, 68 + 16u * cases[i].count);
		rig_run(r);
		assert_true(c->n_sent == i + 1);
		assert_int_equal(c->sent[i].data[18], SRP_RSP_RSPVALID | (c->sent[i].data[18] & SRP_RSP_DIUNDER));
		assert_int_equal(c->sent[i].data[39], 2);
		assert_int_equal(c->sent[i].data[15], i + 1);
	}
	assert_int_equal(c->n_write_wr + c->n_read_wr, 0);
	assert_int_equal(r->disk[0]->n_submits, 0);
	c->n_seen = c->n_sent;
	rig_expect_idle(r);
}

static void row11_fetched_table_too_short(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_cmd cmd = {
		.dir = RIG_OUT, .buf = r->mem, .len = 4096, .n_frag = 4, .external = true, .cdb = { 0x2a }
	};
	uint64_t tag;

	c->manual = true;
	tag = rig_send_cmd(r, c, &cmd);
	assert_int_equal(c->n_posted, 1);
	/* The table changes before it is read. */
	srp_mdesc_put(r->mem + RIG_MEM_BYTES - 16, (struct srp_mdesc){ 0, r->fab.rkey, 1 });
	c->manual = false;
	rig_expect_code(r, c, tag, 2);
	assert_int_equal(c->read_bytes, 64);
	assert_int_equal(r->disk[0]->n_submits, 0);
}

static void row12_over_the_request_limit(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint8_t iu[256];

	r->disk[0]->hold = true;
	for (uint8_t i = 0; i < 16; i++) {
		good_cmd(iu, (uint8_t)(i + 1));
		fake_send(c, iu, 48);
	}
	rig_expect_nothing(r, c);
	good_cmd(iu, 99);
	fake_send(c, iu, 48);
	rig_expect_logout(r, c, 0);
	while (fake_first(r->disk[0]))
		fake_answer(fake_first(r->disk[0]));
	r->disk[0]->hold = false;
}

static void row12_a_response_gives_a_credit_back(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint8_t iu[256];

	r->disk[0]->hold = true;
	for (uint8_t i = 0; i < 16; i++) {
		good_cmd(iu, (uint8_t)(i + 1));
		fake_send(c, iu, 48);
	}
	rig_run(r);
	c->manual = true;
	fake_answer(fake_first(r->disk[0]));
	rig_run(r);
	/* The host may use the credit as soon as the response is posted, before our completion comes. */
	assert_int_equal(c->n_posted, 1);
	good_cmd(iu, 1);
	fake_send(c, iu, 48);
	rig_run(r);
	assert_false(c->closing);
	c->manual = false;
	while (fake_first(r->disk[0]))
		fake_answer(fake_first(r->disk[0]));
	r->disk[0]->hold = false;
	rig_run(r);
	assert_int_equal(c->n_sent, 17);
	rig_expect_idle(r);
}

static void row13_response_to_nothing(void **state)
{
	static const uint8_t opcodes[] = { SRP_CRED_RSP, SRP_AER_RSP };
	struct rig *r = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct fake_conn *c = rig_login(r);
		uint8_t iu[16] = { opcodes[i] };

		fake_send(c, iu, sizeof(iu));
		rig_expect_logout(r, c, 3);
	}
}

static void row14_wrong_types(void **state)
{
	static const uint8_t opcodes[] = { SRP_LOGIN_REQ, SRP_T_LOGOUT, SRP_CRED_REQ, SRP_AER_REQ, SRP_LOGIN_RSP,
					   SRP_RSP,	  SRP_LOGIN_REJ, 0x04,	      0x7f,	    0xff };
	struct rig *r = *state;

	for (unsigned i = 0; i < sizeof(opcodes); i++) {
		struct fake_conn *c = rig_login(r);
		uint8_t iu[64] = { opcodes[i] };

		fake_send(c, iu, i % 2 ? sizeof(iu) : 1);
		rig_expect_logout(r, c, 2);
	}
}

static void row15_duplicate_tag(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_multi(r);
	struct rig_cmd cmd = { .tag = 5 };

	r->disk[0]->hold = true;
	rig_send_cmd(r, a, &cmd);
	rig_send_cmd(r, a, &cmd);
	rig_expect_sense(r, a, 5, 0x0b, 0x4e, 0x00);
	/* The tag belongs to the nexus, not to the channel. */
	rig_send_cmd(r, b, &cmd);
	rig_expect_sense(r, b, 5, 0x0b, 0x4e, 0x00);
	r->disk[0]->hold = false;
	fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, a, 5, SCSI_GOOD);
	rig_send_cmd(r, b, &cmd);
	rig_expect_status(r, b, 5, SCSI_GOOD);
}

static void logout_is_bounded(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint8_t iu[1] = { 0xff };

	/* The T_LOGOUT's completion never comes. */
	c->manual = true;
	fake_send(c, iu, 1);
	rig_wait_ms(r, 400);
	assert_false(c->closing);
	rig_wait_ms(r, 200);
	assert_true(c->closed);
}

static void random_bytes_do_no_harm(void **state)
{
	struct rig *r = *state;
	unsigned seed = 3;

	for (int i = 0; i < 400; i++) {
		struct fake_conn *c = rig_login(r);
		uint8_t iu[300];

		for (int k = 0; k < 4 && !c->closing; k++) {
			size_t len = (size_t)rand_r(&seed) % sizeof(iu);

			for (size_t b = 0; b < len; b++)
				iu[b] = rand_r(&seed) % 3 ? 0 : (uint8_t)rand_r(&seed);
			if (len > 0)
				iu[0] = (uint8_t)(rand_r(&seed) % 4);
			if (len > 5)
				/* Data-out: READs of the host go nowhere */
				iu[5] = (uint8_t)((rand_r(&seed) % 4) << 4);
			fake_send(c, iu, len);
			rig_run(r);
		}
		r->fab.n_stray = 0;
	}
	r->fab.n_stray = 0;
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		ROW(row1_login_length_and_opcode),
		ROW(row1_login_iu_length),
		ROW(row2_unknown_target),
		ROW(row3_no_format),
		ROW(row4_multichannel_action),
		ROW(row5_immediate_data_offset),
		ROW(row6_short_iu),
		ROW(row7_descriptors_beyond_the_iu),
		ROW(row8_reserved_cdb_length_bits),
		ROW(row9_reserved_formats),
		ROW(row10_immediate_data_beyond_the_iu),
		ROW(row11_indirect_tables),
		ROW(row11_fetched_table_too_short),
		ROW(row12_over_the_request_limit),
		ROW(row12_a_response_gives_a_credit_back),
		ROW(row13_response_to_nothing),
		ROW(row14_wrong_types),
		ROW(row15_duplicate_tag),
		ROW(logout_is_bounded),
		ROW(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
