/* SPDX-License-Identifier: BSD-3-Clause */
/* srpgwctl_table.h: columns line up whatever is in them, and numbers read well. */
#include "../../../gateway/tools/srpgwctl_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void prints(const struct table *t, const char *want)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(table_print(t, f), 0);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, want);
	free(text);
}

static void columns_line_up(void **state)
{
	struct table t = { .n_cells = 0 };

	(void)state;
	table_row(&t);
	table_cell(&t, "NAME");
	table_cell(&t, "READS");
	table_cell(&t, "WHY");
	table_row(&t);
	table_cell(&t, "gr\xc3\xbc\xc3\x9f");
	table_cell(&t, "%d", 7);
	table_cell(&t, "%s", "");
	table_row(&t);
	table_cell(&t, "longer");
	table_cell(&t, "-");
	table_cell(&t, "because");
	prints(&t, "NAME    READS  WHY\n"
		   "gr\xc3\xbc\xc3\x9f        7  \n"
		   "longer      -  because\n");
	table_free(&t);
	assert_int_equal(t.n_cells, 0);
}

static void rows_may_be_short_or_none(void **state)
{
	struct table t = { .n_cells = 0 };

	(void)state;
	prints(&t, "");
	table_row(&t);
	table_cell(&t, "a");
	table_row(&t);
	table_cell(&t, "b");
	table_cell(&t, "c");
	prints(&t, "a\nb  c\n");
	for (int i = 0; i < 100; i++) { /* more cells than the first allocation holds, more columns than are aligned */
		table_row(&t);
		for (int k = 0; k < TABLE_COLUMNS_MAX + 4; k++)
			table_cell(&t, "%d", k);
	}
	assert_false(t.failed);
	table_free(&t);
}

static void units(void **state)
{
	char b[UNITS_STRLEN];

	(void)state;
	assert_string_equal(units_bytes(0, b), "0 B");
	assert_string_equal(units_bytes(1023, b), "1023 B");
	assert_string_equal(units_bytes(4096, b), "4.0 KiB");
	assert_string_equal(units_bytes(3ull << 39, b), "1.5 TiB");
	assert_string_equal(units_bytes(UINT64_MAX, b), "16.0 EiB");
	assert_string_equal(units_ns(0, b), "-");
	assert_string_equal(units_ns(999, b), "999 ns");
	assert_string_equal(units_ns(12500, b), "12.5 us");
	assert_string_equal(units_ns(3200000, b), "3.2 ms");
	assert_string_equal(units_ns(1000000000, b), "1.0 s");
	assert_string_equal(units_age_ms(0, b), "0 s");
	assert_string_equal(units_age_ms(119999, b), "119 s");
	assert_string_equal(units_age_ms(120000, b), "2 min");
	assert_string_equal(units_age_ms(5 * 3600000 + 12 * 60000, b), "5 h 12 min");
	assert_string_equal(units_age_ms((4ull * 24 + 3) * 3600000, b), "4 d 3 h");
	assert_string_equal(units_count(999999, b), "999999");
	assert_string_equal(units_count(1234567, b), "1.2 M");
	assert_string_equal(units_count(12345678901ull, b), "12.3 G");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_line_up),
		cmocka_unit_test(rows_may_be_short_or_none),
		cmocka_unit_test(units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
