// SPDX-License-Identifier: BSD-3-Clause
/*
 * CMD as a target reads it: one table of boundary cases. Bytes are laid down by hand here, not by the encoder.
 * Rows 6 to 11 of the validation matrix.
 */
#include "exact.h"
#include "iu_equal.h"

#include "../../../gateway/base/be.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { IU_CAP = 16384 };

static const struct srp_terms all_terms = {
	.imm_granted = true,
	.imm_data_offset = 68,
	.max_table_entries = 2048,
	.formats_direct = true,
	.formats_indirect = true,
};

static const uint8_t tag_bytes[8] = { 0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, 0x18 };
static const uint8_t lun_bytes[8] = { 0x41, 0x02 };

static void put32(uint8_t *p, uint32_t v)
{
	struct be32 w = be32_make(v);

	memcpy(p, &w, 4);
}

static void put_desc(uint8_t *p, uint32_t len_bytes)
{
	memset(p, 0x5a, 12);
	put32(p + 12, len_bytes);
}

/* One side of a command; n_list descriptors stand in the IU, of desc_len bytes each. */
struct side {
	unsigned fmt, count, n_list;
	uint32_t desc_len, table_len, total;
};

struct row {
	const char *what;
	unsigned add_cdb; /* byte 31 */
	struct side out, in;
	uint32_t imm_len;
	int extra; /* bytes more (or fewer) than the IU needs */
	enum srp_error want;
};

static uint8_t *put_side(uint8_t *p, const struct side *s, uint32_t imm_len)
{
	switch (s->fmt) {
	case 1:
		put_desc(p, s->desc_len);
		return p + 16;
	case 2:
		put_desc(p, s->table_len);
		put32(p + 16, s->total);
		p += 20;
		for (unsigned i = 0; i < s->n_list; i++, p += 16)
			put_desc(p, s->desc_len);
		return p;
	case 3:
		put32(p, imm_len);
		return p + 4;
	default:
		return p;
	}
}

/* Return: the length of the IU, extra included. */
static size_t put_cmd(uint8_t *iu, const struct row *r)
{
	uint8_t *p = iu + 48 + (r->add_cdb & 0xfc);

	memset(iu, 0, IU_CAP);
	iu[0] = 0x02;
	iu[1] = 0x06;
	iu[5] = (uint8_t)(r->out.fmt << 4 | r->in.fmt);
	iu[6] = (uint8_t)r->out.count;
	iu[7] = (uint8_t)r->in.count;
	memcpy(iu + 8, tag_bytes, 8);
	memcpy(iu + 20, lun_bytes, 8);
	iu[31] = (uint8_t)r->add_cdb;
	p = put_side(p, &r->out, r->imm_len);
	p = put_side(p, &r->in, 0);
	if (r->out.fmt == 3)
		p = iu + 68 + r->imm_len % 4096;
	return (size_t)(p - iu + r->extra);
}

#define DIRECT(len) { 1, 0, 0, len, 0, 0 }
/* n descriptors of len bytes in the IU, a table of n_table, total bytes */
#define TABLE(n, len, n_table, total) { 2, n, n, len, 16u * (n_table), total }
#define TABLE_BYTES(n, len, table_len, total) { 2, n, n, len, table_len, total }
#define COUNT(count, n) { 2, count, n, 512, 16u * (count), 512u * (count) }
#define FMT(f) { f, 0, 0, 0, 0, 0 }
#define NONE FMT(0)
#define IMM FMT(3)

static const struct row rows[] = {
	/* row 6: the fixed part */
	{ "no data", 0, NONE, NONE, 0, 0, SRP_OK },
	{ "no data, one byte short", 0, NONE, NONE, 0, -1, SRP_ERR_SHORT },
	{ "no data, one byte more", 0, NONE, NONE, 0, 1, SRP_OK },
	{ "no bytes", 0, NONE, NONE, 0, -48, SRP_ERR_SHORT },
	/* row 7: additional CDB and descriptors end within the bytes */
	{ "additional CDB", 16, NONE, NONE, 0, 0, SRP_OK },
	{ "additional CDB, one byte short", 16, NONE, NONE, 0, -1, SRP_ERR_DESC_BOUNDS },
	{ "longest additional CDB", 252, NONE, NONE, 0, 0, SRP_OK },
	{ "longest additional CDB, one byte short", 252, NONE, NONE, 0, -1, SRP_ERR_DESC_BOUNDS },
	{ "longest additional CDB, absent", 252, NONE, NONE, 0, -252, SRP_ERR_DESC_BOUNDS },
	{ "direct out", 0, DIRECT(512), NONE, 0, 0, SRP_OK },
	{ "direct out, one byte short", 0, DIRECT(512), NONE, 0, -1, SRP_ERR_DESC_BOUNDS },
	{ "direct out, one byte more", 0, DIRECT(512), NONE, 0, 1, SRP_OK },
	{ "direct in", 0, NONE, DIRECT(512), 0, 0, SRP_OK },
	{ "direct in, one byte short", 0, NONE, DIRECT(512), 0, -1, SRP_ERR_DESC_BOUNDS },
	{ "direct in behind additional CDB", 4, NONE, DIRECT(512), 0, 0, SRP_OK },
	{ "additional CDB pushes direct in out", 4, NONE, DIRECT(512), 0, -4, SRP_ERR_DESC_BOUNDS },
	{ "additional CDB pushes direct in out by one", 252, NONE, DIRECT(512), 0, -1, SRP_ERR_DESC_BOUNDS },
	{ "both directions", 0, DIRECT(512), DIRECT(1024), 0, 0, SRP_OK },
	{ "both directions, one byte short", 0, DIRECT(512), DIRECT(1024), 0, -1, SRP_ERR_DESC_BOUNDS },
	{ "both directions, only one arrived", 0, DIRECT(512), DIRECT(1024), 0, -16, SRP_ERR_DESC_BOUNDS },
	{ "both directions, additional CDB", 252, DIRECT(512), DIRECT(1024), 0, 0, SRP_OK },
	{ "table header, one byte short", 0, NONE, TABLE(0, 0, 4, 512), 0, -1, SRP_ERR_DESC_BOUNDS },
	{ "table header", 0, NONE, TABLE(0, 0, 4, 512), 0, 0, SRP_OK },
	{ "count beyond the bytes", 0, NONE, COUNT(3, 2), 0, 0, SRP_ERR_DESC_BOUNDS },
	{ "count beyond the bytes by one byte", 0, NONE, COUNT(3, 2), 0, 15, SRP_ERR_DESC_BOUNDS },
	{ "count of 255 absent", 0, COUNT(255, 0), NONE, 0, 0, SRP_ERR_DESC_BOUNDS },
	{ "count of 255", 0, COUNT(255, 255), NONE, 0, 0, SRP_OK },
	{ "count of 255 both ways", 252, COUNT(255, 255), COUNT(255, 255), 0, 0, SRP_OK },
	{ "count of 255 both ways, one byte short", 252, COUNT(255, 255), COUNT(255, 255), 0, -1, SRP_ERR_DESC_BOUNDS },
	{ "data-out list pushes data-in out", 0, COUNT(2, 2), DIRECT(1), 0, -1, SRP_ERR_DESC_BOUNDS },
	{ "immediate length, one byte short", 0, IMM, NONE, 0, -17, SRP_ERR_DESC_BOUNDS },
	/* row 8: reserved bits of byte 31 */
	{ "reserved bit 0", 1, NONE, NONE, 0, 0, SRP_ERR_ADD_CDB_RESERVED },
	{ "reserved bit 1", 2, NONE, NONE, 0, 0, SRP_ERR_ADD_CDB_RESERVED },
	{ "reserved bits beside a length", 255, NONE, NONE, 0, 0, SRP_ERR_ADD_CDB_RESERVED },
	{ "reserved bits, CDB short", 255, NONE, NONE, 0, -1, SRP_ERR_DESC_BOUNDS },
	{ "reserved bits beside a bad table", 1, TABLE_BYTES(0, 0, 1, 0), NONE, 0, 0, SRP_ERR_ADD_CDB_RESERVED },
	/* row 9: formats */
	{ "immediate in", 0, NONE, IMM, 0, 0, SRP_ERR_DATA_IN_FORMAT },
	{ "reserved out 4", 0, FMT(4), NONE, 0, 0, SRP_ERR_DATA_OUT_FORMAT },
	{ "reserved out 8", 0, FMT(8), NONE, 0, 64, SRP_ERR_DATA_OUT_FORMAT },
	{ "reserved out 15", 0, FMT(15), NONE, 0, 0, SRP_ERR_DATA_OUT_FORMAT },
	{ "reserved in 4", 0, NONE, FMT(4), 0, 0, SRP_ERR_DATA_IN_FORMAT },
	{ "reserved in 15", 0, NONE, FMT(15), 0, 64, SRP_ERR_DATA_IN_FORMAT },
	{ "reserved both", 0, FMT(5), FMT(5), 0, 0, SRP_ERR_DATA_OUT_FORMAT },
	{ "sound out, reserved in", 0, DIRECT(512), FMT(5), 0, 0, SRP_ERR_DATA_IN_FORMAT },
	{ "reserved in and reserved bits", 3, NONE, FMT(5), 0, 0, SRP_ERR_DATA_IN_FORMAT },
	/* row 10: immediate data ends within the bytes, without wrapping */
	{ "immediate", 0, IMM, NONE, 512, 0, SRP_OK },
	{ "immediate, one byte short", 0, IMM, NONE, 512, -1, SRP_ERR_IMM_BOUNDS },
	{ "immediate, one byte more", 0, IMM, NONE, 512, 1, SRP_OK },
	{ "immediate of none", 0, IMM, NONE, 0, 0, SRP_OK },
	{ "immediate of none, offset behind the end", 0, IMM, NONE, 0, -1, SRP_ERR_IMM_BOUNDS },
	{ "immediate, additional CDB up to the offset", 16, IMM, NONE, 512, 0, SRP_OK },
	{ "immediate, additional CDB over the offset", 20, IMM, NONE, 512, 0, SRP_ERR_IMM_BOUNDS },
	{ "immediate, data-in up to the offset", 0, IMM, DIRECT(512), 512, 0, SRP_OK },
	{ "immediate, data-in over the offset", 4, IMM, DIRECT(512), 512, 0, SRP_ERR_IMM_BOUNDS },
	{ "immediate length wraps 32 bits", 0, IMM, NONE, 0xffffffff, 0, SRP_ERR_IMM_BOUNDS },
	{ "immediate length wraps to zero", 0, IMM, NONE, 0u - 68, 0, SRP_ERR_IMM_BOUNDS },
	{ "immediate length wraps into the IU", 0, IMM, NONE, 0u - 8, 3000, SRP_ERR_IMM_BOUNDS },
	/* row 11: table length and sums */
	{ "table in the IU", 0, NONE, TABLE(3, 512, 3, 1536), 0, 0, SRP_OK },
	{ "table in the IU, more than the total", 0, NONE, TABLE(3, 512, 3, 1535), 0, 0, SRP_OK },
	{ "table in the IU, less than the total", 0, NONE, TABLE(3, 512, 3, 1537), 0, 0, SRP_ERR_DESC_SUM },
	{ "table in the IU, all lengths zero", 0, NONE, TABLE(3, 0, 3, 1), 0, 0, SRP_ERR_DESC_SUM },
	{ "empty table, no data", 0, NONE, TABLE(0, 0, 0, 0), 0, 0, SRP_OK },
	{ "empty table, some data", 0, NONE, TABLE(0, 0, 0, 1), 0, 0, SRP_ERR_DESC_SUM },
	{ "external table", 0, TABLE(2, 512, 2048, 8192), NONE, 0, 0, SRP_OK },
	{ "external table, list up to the total", 0, TABLE(2, 512, 3, 1024), NONE, 0, 0, SRP_OK },
	{ "external table, list over the total", 0, TABLE(2, 512, 3, 1023), NONE, 0, 0, SRP_ERR_DESC_SUM },
	{ "external table, list over 32 bits", 0, TABLE(2, ~0u, 3, ~0u), NONE, 0, 0, SRP_ERR_DESC_SUM },
	{ "table at the cap", 0, TABLE(0, 0, 2048, 512), NONE, 0, 0, SRP_OK },
	{ "table over the cap", 0, TABLE(0, 0, 2049, 512), NONE, 0, 0, SRP_ERR_TABLE_LEN },
	{ "table of 4 GiB", 0, TABLE_BYTES(0, 0, 0xfffffff0, 512), NONE, 0, 0, SRP_ERR_TABLE_LEN },
	{ "table length no multiple of 16, below", 0, TABLE_BYTES(1, 512, 15, 512), NONE, 0, 0, SRP_ERR_TABLE_LEN },
	{ "table length no multiple of 16, above", 0, TABLE_BYTES(1, 512, 17, 512), NONE, 0, 0, SRP_ERR_TABLE_LEN },
	{ "table length of one", 0, TABLE_BYTES(0, 0, 1, 0), NONE, 0, 0, SRP_ERR_TABLE_LEN },
	{ "count over the table", 0, TABLE(2, 512, 1, 512), NONE, 0, 0, SRP_ERR_TABLE_LEN },
	{ "count over an empty table", 0, TABLE(1, 512, 0, 512), NONE, 0, 0, SRP_ERR_TABLE_LEN },
	{ "sum of 2^32 - 1", 0, TABLE(1, ~0u, 1, ~0u), NONE, 0, 0, SRP_OK },
	{ "sum of 2^32", 0, TABLE(2, 0x80000000, 2, 512), NONE, 0, 0, SRP_ERR_DESC_SUM },
	{ "sum wraps to the total", 0, TABLE(4, 0x40000000, 4, 0), NONE, 0, 0, SRP_ERR_DESC_SUM },
	{ "bad table in, sound table out", 0, TABLE(1, 512, 1, 512), TABLE(2, 512, 1, 512), 0, 0, SRP_ERR_TABLE_LEN },
	{ "bad sum in, sound table out", 0, TABLE(1, 512, 1, 512), TABLE(1, 512, 1, 513), 0, 0, SRP_ERR_DESC_SUM },
};

static void every_row(void **state)
{
	static uint8_t iu[IU_CAP];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		size_t len = put_cmd(iu, r);
		enum srp_error e, e_fence;
		struct srp_cmd cmd;
		struct exact x;

		assert_true(exact_init(&x, iu, len));
		e_fence = srp_cmd_decode(x.fence, len, &all_terms, &cmd);
		e = srp_cmd_decode(x.heap, len, &all_terms, &cmd);
		if (e != r->want || e_fence != e)
			fail_msg("%s: %s, want %s", r->what, srp_error_name(e), srp_error_name(r->want));
		/* The answer to a refused request needs these, so they are there whenever the fixed part is. */
		if (len >= 48) {
			assert_memory_equal(&cmd.tag, tag_bytes, 8);
			assert_memory_equal(cmd.lun, lun_bytes, 8);
			assert_int_equal(cmd.sol_not, 6);
		}
		/* All that was lent lies within the bytes that arrived. */
		if (e == SRP_OK) {
			const struct srp_data *sides[] = { &cmd.data_out, &cmd.data_in };

			assert_true(cmd.cdb == x.heap + 32 && cmd.cdb + cmd.cdb_len <= x.heap + len);
			for (int s = 0; s < 2; s++) {
				const struct srp_data *d = sides[s];

				if (d->n_desc)
					assert_true(d->desc > x.heap && d->desc + 16 * d->n_desc <= x.heap + len);
				if (d->fmt == SRP_FMT_IMMEDIATE)
					assert_true(d->imm == x.heap + 68 && d->imm + d->len_bytes <= x.heap + len);
				if (d->fmt == SRP_FMT_INDIRECT)
					assert_true(d->n_table >= d->n_desc && d->n_table <= 2048);
				else
					assert_int_equal(d->n_table, 0);
			}
		}
		exact_fini(&x);
	}
}

/* Each format is refused exactly when the login did not put it in force. */
static void formats_in_force(void **state)
{
	static uint8_t iu[IU_CAP];
	static const struct row by_format[] = {
		{ "direct out", 0, DIRECT(512), NONE, 0, 0, SRP_ERR_DATA_OUT_FORMAT },
		{ "direct in", 0, NONE, DIRECT(512), 0, 0, SRP_ERR_DATA_IN_FORMAT },
		{ "indirect out", 0, TABLE(1, 512, 1, 512), NONE, 0, 0, SRP_ERR_DATA_OUT_FORMAT },
		{ "indirect in", 0, NONE, TABLE(1, 512, 1, 512), 0, 0, SRP_ERR_DATA_IN_FORMAT },
		{ "immediate out", 0, IMM, NONE, 512, 0, SRP_ERR_DATA_OUT_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(by_format) / sizeof(by_format[0]); i++) {
		const struct row *r = &by_format[i];
		size_t len = put_cmd(iu, r);
		unsigned fmt = r->out.fmt | r->in.fmt;
		struct srp_terms none = { .imm_data_offset = 68, .max_table_entries = 2048 }, only = none;
		struct srp_cmd cmd;

		only.formats_direct = fmt == 1;
		only.formats_indirect = fmt == 2;
		only.imm_granted = fmt == 3;
		assert_int_equal(srp_cmd_decode(iu, len, &none, &cmd), r->want);
		assert_int_equal(srp_cmd_decode(iu, len, &only, &cmd), SRP_OK);
	}
}

/* Every offset of a granted login against one IU: sound from the end of the descriptors to the end of the bytes. */
static void immediate_offsets(void **state)
{
	static uint8_t iu[IU_CAP];
	const struct row r = { "", 0, IMM, NONE, 16, 0, SRP_OK };
	size_t len = put_cmd(iu, &r);

	(void)state;
	assert_int_equal(len, 84);
	for (unsigned offset = 0; offset <= UINT16_MAX; offset++) {
		struct srp_terms terms = all_terms;
		struct srp_cmd cmd;
		enum srp_error e;

		terms.imm_data_offset = (uint16_t)offset;
		e = srp_cmd_decode(iu, len, &terms, &cmd);
		assert_int_equal(e, offset >= 52 && offset <= 68 ? SRP_OK : SRP_ERR_IMM_BOUNDS);
	}
}

static void members(void **state)
{
	static uint8_t iu[IU_CAP];
	const struct row r = { "", 8, TABLE(2, 512, 4, 2048), DIRECT(4096), 0, 0, SRP_OK };
	size_t len = put_cmd(iu, &r);
	struct srp_cmd cmd;

	(void)state;
	iu[1] = 0xff;
	iu[29] = 0xfc;
	for (int i = 0; i < 24; i++)
		iu[32 + i] = (uint8_t)i;
	assert_int_equal(srp_cmd_decode(iu, len, &all_terms, &cmd), SRP_OK);
	assert_int_equal(cmd.sol_not, SRP_SCSOLNT | SRP_UCSOLNT);
	assert_int_equal(cmd.task_attr, 4);
	assert_int_equal(cmd.cdb_len, 24);
	assert_ptr_equal(cmd.cdb, iu + 32);
	assert_int_equal(cmd.data_out.fmt, SRP_FMT_INDIRECT);
	assert_int_equal(cmd.data_out.len_bytes, 2048);
	assert_int_equal(cmd.data_out.n_desc, 2);
	assert_int_equal(cmd.data_out.n_table, 4);
	assert_int_equal(cmd.data_out.table.len_bytes, 64);
	assert_int_equal(cmd.data_out.table.va, 0x5a5a5a5a5a5a5a5a);
	assert_int_equal(cmd.data_out.table.rkey, 0x5a5a5a5a);
	assert_ptr_equal(cmd.data_out.desc, iu + 48 + 8 + 20);
	assert_int_equal(cmd.data_in.fmt, SRP_FMT_DIRECT);
	assert_int_equal(cmd.data_in.len_bytes, 4096);
	assert_int_equal(cmd.data_in.n_desc, 1);
	assert_ptr_equal(cmd.data_in.desc, iu + 48 + 8 + 20 + 32);
}

static void table_check(void **state)
{
	static const struct {
		uint32_t n, len_each, total;
		enum srp_error want;
	} tables[] = {
		{ 0, 0, 0, SRP_OK },
		{ 0, 0, 1, SRP_ERR_DESC_SUM },
		{ 4, 512, 2048, SRP_OK },
		{ 4, 512, 2049, SRP_ERR_DESC_SUM },
		{ 4, 512, 1, SRP_OK },
		{ 1, ~0u, ~0u, SRP_OK },
		{ 2, 0x80000000, 1, SRP_ERR_DESC_SUM },
		{ 2, 0x7fffffff, 0xfffffffe, SRP_OK },
		{ 2048, ~0u, 1, SRP_ERR_DESC_SUM },
		{ 2048, 0x001fffff, 0xfffff800, SRP_OK },
		{ 2048, 0x00200000, 0, SRP_ERR_DESC_SUM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		uint8_t *table = malloc((size_t)tables[i].n * 16);

		for (uint32_t k = 0; k < tables[i].n; k++)
			put_desc(table + (size_t)k * 16, tables[i].len_each);
		assert_int_equal(srp_table_check(table, tables[i].n, tables[i].total), tables[i].want);
		free(table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(formats_in_force),
		cmocka_unit_test(immediate_offsets),
		cmocka_unit_test(members),
		cmocka_unit_test(table_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
