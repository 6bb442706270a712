// SPDX-License-Identifier: BSD-3-Clause
/*
 * CMD under several login terms: what is lent lies within the bytes, what decodes encodes and decodes to the same,
 * and a whole table covers its total.
 */
#include "fuzz.h"

#include "../unit/proto/iu_equal.h"

/* granted, offset, largest table, direct, indirect */
static const struct srp_terms terms[] = {
	{ true, 68, 2048, true, true },
	{ true, 52, 3, true, true },
	{ true, 84, 255, true, false },
	{ true, 0, UINT32_MAX, false, true },
	{ false, 68, 2048, true, true },
};

static void check_within(const uint8_t *p, size_t len, const uint8_t *data, size_t size)
{
	FUZZ_CHECK(p >= data && p <= data + size && len <= (size_t)(data + size - p));
	fuzz_touch(p, len);
}

static void check_data(const struct srp_data *d, const struct srp_terms *t, const uint8_t *data, size_t size)
{
	if (d->n_desc)
		check_within(d->desc, (size_t)d->n_desc * SRP_MDESC_LEN, data, size);
	switch (d->fmt) {
	case SRP_FMT_NONE:
		FUZZ_CHECK(!d->n_desc && !d->len_bytes);
		break;
	case SRP_FMT_DIRECT:
		FUZZ_CHECK(t->formats_direct && d->n_desc == 1);
		break;
	case SRP_FMT_INDIRECT:
		FUZZ_CHECK(t->formats_indirect && d->n_desc <= d->n_table && d->n_table <= t->max_table_entries);
		FUZZ_CHECK(d->table.len_bytes == (uint64_t)d->n_table * SRP_MDESC_LEN);
		if (d->n_desc == d->n_table)
			FUZZ_CHECK(srp_table_check(d->desc, d->n_desc, d->len_bytes) == SRP_OK);
		break;
	case SRP_FMT_IMMEDIATE:
		FUZZ_CHECK(t->imm_granted && d->imm == data + t->imm_data_offset);
		check_within(d->imm, d->len_bytes, data, size);
		break;
	}
}

static void cmd_under(const struct srp_terms *t, const uint8_t *data, size_t size)
{
	static uint8_t iu[1 << 17];
	struct srp_cmd a, b;
	size_t len;

	if (srp_cmd_decode(data, size, t, &a) != SRP_OK)
		return;
	check_within(a.cdb, a.cdb_len, data, size);
	FUZZ_CHECK(a.cdb_len >= 16 && a.cdb_len <= SRP_CDB_MAX && a.cdb_len % 4 == 0 && a.task_attr < 8);
	check_data(&a.data_out, t, data, size);
	check_data(&a.data_in, t, data, size);
	FUZZ_CHECK(a.data_in.fmt != SRP_FMT_IMMEDIATE);

	len = srp_cmd_encode(&a, t->imm_data_offset, true, iu, sizeof(iu));
	FUZZ_CHECK(len >= SRP_CMD_LEN && len <= size);
	FUZZ_CHECK(srp_cmd_encode(&a, t->imm_data_offset, true, iu, len - 1) == 0);
	FUZZ_CHECK(srp_cmd_decode(iu, len, t, &b) == SRP_OK);
	FUZZ_CHECK(cmd_equal(&a, &b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		cmd_under(&terms[i], data, size);
	return 0;
}
