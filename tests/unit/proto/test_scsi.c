// SPDX-License-Identifier: BSD-3-Clause
/*
 * The SCSI bits: sense data, LUN forms, CDB lengths, REPORT LUNS, INQUIRY of a LUN that is not mapped.
 */
#include "exact.h"

#include "../../../gateway/proto/scsi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static void sense_build(void **state)
{
	static const uint8_t plain[18] = { 0x70, 0, 0x06, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x3f, 0x0e };
	static const uint8_t field[18] = { 0x70, 0, 0x05, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0, 0, 0xc0, 0x01, 0x02 };
	uint8_t buf[18];

	(void)state;
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(scsi_sense_build((struct scsi_sense){ 6, 0x3f, 0x0e }, -1, buf), 18);
	assert_memory_equal(buf, plain, 18);
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(scsi_sense_build((struct scsi_sense){ 5, 0x24, 0 }, 0x102, buf), 18);
	assert_memory_equal(buf, field, 18);
	scsi_sense_build((struct scsi_sense){ 5, 0x24, 0 }, 0, buf);
	assert_int_equal(buf[15], 0xc0);
}

static void sense_parse(void **state)
{
	static const struct {
		const char *what;
		size_t len;
		uint8_t bytes[20];
		bool want;
		struct scsi_sense sense;
	} rows[] = {
		{ "none", 0, { 0 }, false, { 0, 0, 0 } },
		{ "fixed", 18, { 0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29, 1 }, true, { 6, 0x29, 1 } },
		{ "fixed, valid bit", 18, { 0xf0, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0 }, true, { 5, 0x24, 0 } },
		{ "fixed, deferred", 18, { 0x71, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x0c, 2 }, true, { 3, 0x0c, 2 } },
		{ "fixed, flags beside the key", 18, { 0x70, 0, 0xe3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x11, 0 }, true,
		  { 3, 0x11, 0 } },
		{ "fixed, 14 bytes", 14, { 0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29, 1 }, true, { 6, 0x29, 1 } },
		{ "fixed, 13 bytes", 13, { 0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29 }, true, { 6, 0x29, 0 } },
		{ "fixed, 12 bytes", 12, { 0x70, 0, 6, 0, 0, 0, 0, 10 }, true, { 6, 0, 0 } },
		{ "fixed, 8 bytes", 8, { 0x70, 0, 6, 0, 0, 0, 0, 10 }, true, { 6, 0, 0 } },
		{ "fixed, 3 bytes", 3, { 0x70, 0, 6 }, true, { 6, 0, 0 } },
		{ "fixed, 2 bytes", 2, { 0x70, 0 }, false, { 0, 0, 0 } },
		{ "fixed, 1 byte", 1, { 0x70 }, false, { 0, 0, 0 } },
		{ "fixed, additional length 0", 18, { 0x70, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x29, 1 }, true,
		  { 6, 0, 0 } },
		{ "fixed, additional length 5", 18, { 0x70, 0, 6, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0x29, 1 }, true,
		  { 6, 0x29, 0 } },
		{ "fixed, 14 bytes, additional length 5", 14, { 0x70, 0, 6, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0x29, 1 }, true,
		  { 6, 0x29, 0 } },
		{ "fixed, additional length 6", 18, { 0x70, 0, 6, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0x29, 1 }, true,
		  { 6, 0x29, 1 } },
		{ "fixed, additional length 255", 18, { 0x70, 0, 6, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0x29, 1 }, true,
		  { 6, 0x29, 1 } },
		{ "descriptor", 8, { 0x72, 5, 0x24, 1, 0, 0, 0, 0 }, true, { 5, 0x24, 1 } },
		{ "descriptor, deferred", 8, { 0x73, 0xf5, 0x24, 1, 0, 0, 0, 0 }, true, { 5, 0x24, 1 } },
		{ "descriptor, 4 bytes", 4, { 0x72, 5, 0x24, 1 }, true, { 5, 0x24, 1 } },
		{ "descriptor, 3 bytes", 3, { 0x72, 5, 0x24 }, true, { 5, 0x24, 0 } },
		{ "descriptor, 2 bytes", 2, { 0x72, 5 }, true, { 5, 0, 0 } },
		{ "descriptor, 1 byte", 1, { 0x72 }, false, { 0, 0, 0 } },
		{ "vendor specific", 18, { 0x7f, 5, 5, 5 }, false, { 0, 0, 0 } },
		{ "reserved", 18, { 0x74, 5, 5, 5 }, false, { 0, 0, 0 } },
		{ "zeros", 18, { 0 }, false, { 0, 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		struct scsi_sense s = { 0xee, 0xee, 0xee };
		struct exact x;
		bool got;

		assert_true(exact_init(&x, rows[i].bytes, rows[i].len));
		got = scsi_sense_parse(x.heap, rows[i].len, &s);
		assert_int_equal(scsi_sense_parse(x.fence, rows[i].len, &s), got);
		if (got != rows[i].want || memcmp(&s, &rows[i].sense, sizeof(s)))
			fail_msg("%s: %d %02x/%02x/%02x", rows[i].what, got, s.key, s.asc, s.ascq);
		exact_fini(&x);
	}
}

static void sense_round_trip(void **state)
{
	uint8_t buf[18];
	struct scsi_sense s;

	(void)state;
	for (unsigned key = 0; key < 16; key++) {
		scsi_sense_build((struct scsi_sense){ (uint8_t)key, 0x4e, (uint8_t)(key * 16) }, (int)key - 1, buf);
		assert_true(scsi_sense_parse(buf, sizeof(buf), &s));
		assert_int_equal(s.key, key);
		assert_int_equal(s.asc, 0x4e);
		assert_int_equal(s.ascq, key * 16);
	}
}

static void cdb_lengths(void **state)
{
	static const uint16_t by_group[8] = { 6, 10, 10, 0, 16, 12, 0, 0 };
	uint8_t cdb[16] = { 0 };

	(void)state;
	for (unsigned op = 0; op < 256; op++) {
		cdb[0] = (uint8_t)op;
		if (op != SCSI_OP_VARIABLE_LENGTH)
			assert_int_equal(scsi_cdb_len(cdb, 1), by_group[op >> 5]);
		assert_int_equal(scsi_cdb_control_at(cdb, by_group[op >> 5]),
				 op == SCSI_OP_VARIABLE_LENGTH ? 1 : by_group[op >> 5] - 1);
	}
	assert_int_equal(scsi_cdb_len(cdb, 0), 0);
	cdb[0] = SCSI_OP_VARIABLE_LENGTH;
	for (unsigned add = 0; add < 256; add++) {
		struct exact x;

		cdb[7] = (uint8_t)add;
		assert_true(exact_init(&x, cdb, 7));
		assert_int_equal(scsi_cdb_len(x.fence, 7), 0);
		exact_fini(&x);
		assert_int_equal(scsi_cdb_len(cdb, 8), 8 + add);
	}
}

static void blocks(void **state)
{
	static const struct {
		uint8_t cdb[16];
		bool any;
		uint64_t first, last;
	} table[] = {
		{ { 0x08, 0xff, 0x12, 0x34, 5 }, true, 0x1f1234, 0x1f1238 },
		{ { 0x0a, 0, 0, 7, 0 }, true, 7, 262 },
		{ { 0x28, 0xff, 1, 2, 3, 4, 0xff, 1, 0 }, true, 0x01020304, 0x01020403 },
		{ { 0x2a, 0, 0, 0, 0, 9, 0, 0, 0 }, false, 9, 0 },
		{ { 0x2e, 0, 0, 0, 0, 9, 0, 0, 1 }, true, 9, 9 },
		{ { 0x2f, 0, 0, 0, 0, 9, 0, 0, 2 }, true, 9, 10 },
		{ { 0x41, 0, 0, 0, 0, 9, 0, 0, 0 }, true, 9, UINT64_MAX },
		{ { 0x41, 0, 0, 0, 0, 9, 0, 0, 3 }, true, 9, 11 },
		{ { 0x51, 0, 0, 0, 0, 9, 0, 0, 3 }, true, 9, 11 },
		{ { 0x88, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 0, 0, 0 }, true, 0x0102030405060708, 0x0102030406060707 },
		{ { 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 8, 9, 9, 9, 2 }, true, 8, 9 },
		{ { 0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0 }, false, 8, 0 },
		/* Up to the last that there can be, and beyond. */
		{ { 0x8a, 0, 255, 255, 255, 255, 255, 255, 255, 254, 0, 0, 0, 2 }, true, UINT64_MAX - 1, UINT64_MAX },
		{ { 0x8a, 0, 255, 255, 255, 255, 255, 255, 255, 254, 0, 0, 0, 9 }, true, UINT64_MAX - 1, UINT64_MAX },
		{ { 0x8b, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 4 }, true, 8, 11 },
		{ { 0x8e, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 4 }, true, 8, 11 },
		{ { 0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 4 }, true, 8, 11 },
		{ { 0x93, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 4 }, true, 8, 11 },
		{ { 0x93, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0 }, true, 8, UINT64_MAX },
		{ { 0x9c, 0, 0, 0, 0, 0, 0, 0, 0, 8, 9, 9, 0, 4 }, true, 8, 11 },
		{ { 0xa8, 0, 0, 0, 0, 9, 1, 0, 0, 0 }, true, 9, 0x01000008 },
		{ { 0xaa, 0, 0, 0, 0, 9, 0, 0, 0, 1 }, true, 9, 9 },
		{ { 0xae, 0, 0, 0, 0, 9, 0, 0, 0, 1 }, true, 9, 9 },
		{ { 0xaf, 0, 0, 0, 0, 9, 0, 0, 0, 1 }, true, 9, 9 },
	};
	/* UNMAP keeps them in its data, SYNCHRONIZE CACHE reaches all that was written before. */
	static const uint8_t none[] = { 0x00, 0x12, 0x35, 0x42, 0x04, 0x5f, 0x83, 0x91, 0x9e, 0x7f, 0xc1 };
	struct scsi_blocks b;

	(void)state;
	for (unsigned i = 0; i < N_OF(table); i++) {
		assert_true(scsi_blocks(table[i].cdb, &b));
		assert_int_equal(b.any, table[i].any);
		assert_true(b.first == table[i].first);
		if (b.any)
			assert_true(b.last == table[i].last);
	}
	for (unsigned i = 0; i < N_OF(none); i++) {
		uint8_t cdb[16] = { none[i] };

		assert_false(scsi_blocks(cdb, &b));
	}
}

static void lun_numbers(void **state)
{
	char text[17], want[17];

	(void)state;
	for (uint32_t n = 0; n < 16384; n++) {
		uint8_t lun[8], flat[8] = { (uint8_t)(0x40 | n >> 8), (uint8_t)n };

		memset(lun, 0xee, sizeof(lun));
		assert_true(scsi_lun_from_number(n, lun));
		assert_int_equal(lun[0] >> 6, n < 256 ? 0 : 1);
		assert_int_equal(scsi_lun_to_number(lun), n);
		assert_int_equal(scsi_lun_to_number(flat), n);
		assert_true(scsi_lun_equal(lun, flat));
		snprintf(want, sizeof(want), "%u", n);
		assert_string_equal(scsi_lun_str(lun, text), want);
	}
	for (uint32_t n = 16384; n; n <<= 1) {
		uint8_t lun[8];

		assert_false(scsi_lun_from_number(n, lun));
	}
	assert_false(scsi_lun_from_number(UINT32_MAX, (uint8_t[8]){ 0 }));
}

static void lun_forms(void **state)
{
	static const struct {
		uint8_t lun[8];
		int32_t number;
		const char *text;
		bool report_luns;
	} rows[] = {
		{ { 0 }, 0, "0", false },
		{ { 0, 255 }, 255, "255", false },
		{ { 0x40, 5 }, 5, "5", false },
		{ { 0x41, 0 }, 256, "256", false },
		{ { 0x7f, 0xff }, 16383, "16383", false },
		{ { 0x01, 5 }, -1, "0105000000000000", false }, /* peripheral, bus 1 */
		{ { 0x3f, 0xff }, -1, "3fff000000000000", false },
		{ { 0x80, 1 }, -1, "8001000000000000", false }, /* logical unit addressing */
		{ { 0xc1, 1 }, -1, "c101000000000000", true }, /* well known: REPORT LUNS */
		{ { 0xc1, 2 }, -1, "c102000000000000", false }, /* well known: ACCESS CONTROLS */
		{ { 0xc1, 1, 0, 0, 0, 0, 0, 1 }, -1, "c101000000000001", false },
		{ { 0xd2, 0, 1, 2 }, -1, "d200010200000000", false }, /* extended flat space */
		{ { 0, 1, 0, 1 }, -1, "0001000100000000", false }, /* second level */
		{ { 0, 0, 0, 0, 0, 0, 0, 1 }, -1, "0000000000000001", false },
		{ { 0x40, 1, 1 }, -1, "4001010000000000", false },
	};
	char buf[17];

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		assert_int_equal(scsi_lun_to_number(rows[i].lun), rows[i].number);
		assert_string_equal(scsi_lun_str(rows[i].lun, buf), rows[i].text);
		assert_int_equal(scsi_lun_is_report_luns(rows[i].lun), rows[i].report_luns);
		for (size_t k = 0; k < N_OF(rows); k++)
			assert_int_equal(scsi_lun_equal(rows[i].lun, rows[k].lun), i == k);
	}
}

/* Room for each length: the header counts all, what is written is cut, nothing behind is touched. */
static void report_luns(void **state)
{
	static const uint8_t luns[3][8] = { { 0, 0 }, { 0, 1 }, { 0x41, 0 } };
	static const uint8_t want[32] = { 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					  0, 1, 0, 0,  0, 0, 0, 0, 0x41 };

	(void)state;
	for (size_t cap = 0; cap <= 40; cap++) {
		uint8_t blank[40];
		struct exact x;

		memset(blank, 0xee, sizeof(blank));
		assert_true(exact_init(&x, blank, cap));
		assert_int_equal(scsi_report_luns_build(luns, 3, x.heap, cap), 32);
		assert_int_equal(scsi_report_luns_build(luns, 3, x.fence, cap), 32);
		if (cap) {
			assert_memory_equal(x.heap, want, cap < 32 ? cap : 32);
			assert_memory_equal(x.fence, want, cap < 32 ? cap : 32);
		}
		for (size_t i = 32; i < cap; i++)
			assert_int_equal(x.heap[i], 0xee);
		exact_fini(&x);
	}
	assert_int_equal(scsi_report_luns_build(NULL, 0, NULL, 0), 8);
}

static void report_luns_many(void **state)
{
	static uint8_t luns[16384][8], buf[8 + sizeof(luns)];

	(void)state;
	for (uint32_t n = 0; n < 16384; n++)
		scsi_lun_from_number(n, luns[n]);
	assert_int_equal(scsi_report_luns_build((const uint8_t(*)[8])luns, 16384, buf, sizeof(buf)), sizeof(buf));
	assert_int_equal(buf[0] << 24 | buf[1] << 16 | buf[2] << 8 | buf[3], 16384 * 8);
	assert_memory_equal(buf + 8, luns, sizeof(luns));
}

static void inquiry_absent(void **state)
{
	uint8_t buf[40];

	(void)state;
	for (size_t cap = 0; cap <= sizeof(buf); cap++) {
		memset(buf, 0xee, sizeof(buf));
		assert_int_equal(scsi_inquiry_absent_build("SRPGW", "A product name far too long", "1", buf, cap), 36);
		for (size_t i = cap < 36 ? cap : 36; i < sizeof(buf); i++)
			assert_int_equal(buf[i], 0xee);
	}
	assert_int_equal(buf[0], 0x7f);
	assert_true(buf[2] >= 5);
	assert_int_equal(buf[3] & 0x0f, 2);
	assert_int_equal(buf[4], 31);
	assert_memory_equal(buf + 8, "SRPGW   ", 8);
	assert_memory_equal(buf + 16, "A product name f", 16);
	assert_memory_equal(buf + 32, "1   ", 4);
}

static void op_names(void **state)
{
	char buf[16];

	(void)state;
	assert_string_equal(scsi_op_name(0x28, buf), "READ(10)");
	assert_string_equal(scsi_op_name(0x00, buf), "TEST UNIT READY");
	assert_string_equal(scsi_op_name(0xc1, buf), "opcode 0xc1");
	for (unsigned op = 0; op < 256; op++)
		assert_true(strlen(scsi_op_name((uint8_t)op, buf)) > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sense_build),
		cmocka_unit_test(sense_parse),
		cmocka_unit_test(sense_round_trip),
		cmocka_unit_test(cdb_lengths),
		cmocka_unit_test(blocks),
		cmocka_unit_test(lun_numbers),
		cmocka_unit_test(lun_forms),
		cmocka_unit_test(report_luns),
		cmocka_unit_test(report_luns_many),
		cmocka_unit_test(inquiry_absent),
		cmocka_unit_test(op_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
