// SPDX-License-Identifier: BSD-3-Clause
/*
 * CMD as an initiator writes it: room, contradictions, immediate data that the caller sends as a further segment.
 */
#include "iu_equal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct srp_terms terms = {
	.imm_granted = true,
	.imm_data_offset = 68,
	.max_table_entries = 2048,
	.formats_direct = true,
	.formats_indirect = true,
};

static uint8_t cdb[SRP_CDB_MAX] = { 0x2a, 1, 2, 3 };
static uint8_t descs[256 * SRP_MDESC_LEN];
static uint8_t iu[16384];

static struct srp_cmd cmd_without_data(void)
{
	return (struct srp_cmd){
		.tag = 0x0102030405060708,
		.sol_not = SRP_UCSOLNT,
		.lun = { 0, 9 },
		.task_attr = 2,
		.cdb_len = 16,
		.cdb = cdb,
	};
}

static struct srp_data direct(uint32_t len_bytes)
{
	srp_mdesc_put(descs, (struct srp_mdesc){ .va = 0x1000, .rkey = 7, .len_bytes = len_bytes });
	return (struct srp_data){ .fmt = SRP_FMT_DIRECT, .len_bytes = len_bytes, .n_desc = 1, .desc = descs };
}

static struct srp_data indirect(uint32_t n_desc, uint32_t n_table, uint32_t len_each)
{
	for (uint32_t i = 0; i < n_desc; i++)
		srp_mdesc_put(descs + (size_t)i * SRP_MDESC_LEN,
			      (struct srp_mdesc){ .va = i, .rkey = 7, .len_bytes = len_each });
	return (struct srp_data){
		.fmt = SRP_FMT_INDIRECT,
		.len_bytes = n_table * len_each,
		.n_desc = n_desc,
		.desc = descs,
		.table = { .va = 0xabc000, .rkey = 8, .len_bytes = n_table * SRP_MDESC_LEN },
		.n_table = n_table,
	};
}

/* Encodes into exactly the room that is needed, and refuses one byte less; decodes to the same. */
static void round_trip(const struct srp_cmd *cmd, size_t want_len)
{
	struct srp_cmd out;

	memset(iu, 0xee, sizeof(iu));
	assert_int_equal(srp_cmd_encode(cmd, 68, true, iu, want_len - 1), 0);
	assert_int_equal(iu[0], 0xee);
	assert_int_equal(srp_cmd_encode(cmd, 68, true, iu, want_len), want_len);
	assert_int_equal(iu[want_len], 0xee);
	assert_int_equal(srp_cmd_decode(iu, want_len, &terms, &out), SRP_OK);
	assert_true(cmd_equal(cmd, &out));
}

static void lengths(void **state)
{
	struct srp_cmd cmd = cmd_without_data();

	(void)state;
	round_trip(&cmd, 48);
	for (unsigned cdb_len = 16; cdb_len <= SRP_CDB_MAX; cdb_len += 4) {
		cmd.cdb_len = (uint16_t)cdb_len;
		round_trip(&cmd, 32 + cdb_len);
	}
	cmd = cmd_without_data();
	cmd.data_in = direct(4096);
	round_trip(&cmd, 64);
	cmd.data_out = cmd.data_in;
	round_trip(&cmd, 80);
	for (uint32_t n = 0; n <= 255; n++) {
		cmd = cmd_without_data();
		cmd.data_in = indirect(n, n, 512);
		round_trip(&cmd, 48 + 20 + 16 * n);
		cmd.data_in = indirect(n, n + 5, 512);
		round_trip(&cmd, 48 + 20 + 16 * n);
	}
}

static void reserved_bytes_are_zero(void **state)
{
	struct srp_cmd cmd = cmd_without_data();
	static const uint8_t reserved[] = { 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 28, 30, 31 };

	(void)state;
	cmd.sol_not = 0xff;
	cmd.task_attr = 0xff;
	memset(iu, 0xee, sizeof(iu));
	assert_int_equal(srp_cmd_encode(&cmd, 0, true, iu, sizeof(iu)), 48);
	for (size_t i = 0; i < sizeof(reserved); i++)
		assert_int_equal(iu[reserved[i]], 0);
	assert_int_equal(iu[1], 6);
	assert_int_equal(iu[29], 7);
}

static void contradictions(void **state)
{
	struct srp_cmd cmd;

	(void)state;
#define REFUSED(change)                                                            \
	do {                                                                       \
		cmd = cmd_without_data();                                          \
		change;                                                            \
		assert_int_equal(srp_cmd_encode(&cmd, 68, true, iu, sizeof(iu)), 0); \
	} while (0)
	REFUSED(cmd.cdb = NULL);
	REFUSED(cmd.cdb_len = 0);
	REFUSED(cmd.cdb_len = 12);
	REFUSED(cmd.cdb_len = 17);
	REFUSED(cmd.cdb_len = SRP_CDB_MAX + 4);
	REFUSED(cmd.data_in = direct(512); cmd.data_in.n_desc = 0);
	REFUSED(cmd.data_in = direct(512); cmd.data_in.n_desc = 2);
	REFUSED(cmd.data_in = direct(512); cmd.data_in.desc = NULL);
	REFUSED(cmd.data_in = direct(512); cmd.data_in.len_bytes = 513);
	REFUSED(cmd.data_in = indirect(255, 256, 1); cmd.data_in.n_desc = 256);
	REFUSED(cmd.data_in = indirect(2, 1, 512));
	REFUSED(cmd.data_in = indirect(2, 2, 512); cmd.data_in.desc = NULL);
	REFUSED(cmd.data_in = indirect(2, 2, 512); cmd.data_in.table.len_bytes = 33);
	REFUSED(cmd.data_in.fmt = SRP_FMT_IMMEDIATE);
	REFUSED(cmd.data_in.fmt = (enum srp_fmt)4);
	REFUSED(cmd.data_out.fmt = (enum srp_fmt)15);
	REFUSED(cmd.data_out.fmt = SRP_FMT_IMMEDIATE; cmd.data_out.len_bytes = 1); /* no data to gather */
	REFUSED(cmd.data_out.fmt = SRP_FMT_IMMEDIATE; cmd.cdb_len = 36); /* reaches over the offset */
#undef REFUSED
}

static void immediate(void **state)
{
	uint8_t data[100];
	struct srp_cmd cmd = cmd_without_data();
	struct srp_cmd out;

	(void)state;
	memset(data, 0x77, sizeof(data));
	cmd.data_out = (struct srp_data){ .fmt = SRP_FMT_IMMEDIATE, .len_bytes = sizeof(data), .imm = data };
	round_trip(&cmd, 168);
	for (size_t i = 52; i < 68; i++)
		assert_int_equal(iu[i], 0);

	/* Not gathered: the IU ends where the caller's segment begins, and no data is needed. */
	memset(iu, 0xee, sizeof(iu));
	cmd.data_out.imm = NULL;
	assert_int_equal(srp_cmd_encode(&cmd, 68, false, iu, 67), 0);
	assert_int_equal(srp_cmd_encode(&cmd, 68, false, iu, 68), 68);
	assert_int_equal(iu[68], 0xee);
	memcpy(iu + 68, data, sizeof(data));
	assert_int_equal(srp_cmd_decode(iu, 168, &terms, &out), SRP_OK);
	assert_int_equal(out.data_out.len_bytes, sizeof(data));
	assert_memory_equal(out.data_out.imm, data, sizeof(data));

	assert_int_equal(srp_cmd_encode(&cmd, 51, false, iu, sizeof(iu)), 0);
	assert_int_equal(srp_cmd_encode(&cmd, 52, false, iu, sizeof(iu)), 52);
	cmd.data_out.len_bytes = ~0u;
	cmd.data_out.imm = data;
	assert_int_equal(srp_cmd_encode(&cmd, 68, true, iu, sizeof(iu)), 0);
}

static void mdesc_bytes(void **state)
{
	static const uint8_t wire[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	uint8_t unaligned[17], back[17];
	struct srp_mdesc d;

	(void)state;
	memcpy(unaligned + 1, wire, 16);
	d = srp_mdesc_get(unaligned + 1);
	assert_int_equal(d.va, 0x0102030405060708);
	assert_int_equal(d.rkey, 0x090a0b0c);
	assert_int_equal(d.len_bytes, 0x0d0e0f10);
	srp_mdesc_put(back + 1, d);
	assert_memory_equal(back + 1, wire, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),
		cmocka_unit_test(reserved_bytes_are_zero),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(immediate),
		cmocka_unit_test(mdesc_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
