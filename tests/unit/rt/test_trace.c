/* SPDX-License-Identifier: BSD-3-Clause */
/* Trace ring: size, order, and what is overwritten. */
#include "../../../gateway/rt/trace.h"

#include <string.h>

#include "../base/unit.h"

static void reads_the_newest_oldest_first(void **state)
{
	static const struct {
		uint32_t asked, n_added, cap, want_n;
	} rows[] = {
		{ 0, 3, 8, 1 },  /* smallest ring: one entry */
		{ 1, 0, 8, 0 },
		{ 4, 3, 8, 3 },
		{ 4, 4, 8, 4 },
		{ 4, 5, 8, 4 },
		{ 5, 100, 64, 8 }, /* rounded up */
		{ 8, 100, 3, 3 },
		{ 8, 2, 0, 0 },
		{ 64, 1000, 64, 64 },
	};

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		struct trace_entry out[64];
		struct trace_ring *t = NULL;

		assert_int_equal(trace_ring_create(rows[i].asked, &t), 0);
		for (uint32_t k = 0; k < rows[i].n_added; k++)
			trace_add(t, k, k + 1, k + 2, k + 3, k + 4);
		memset(out, 0xee, sizeof(out));
		assert_int_equal(trace_read(t, out, rows[i].cap), rows[i].want_n);
		for (uint32_t k = 0; k < rows[i].want_n; k++) {
			uint32_t n = rows[i].n_added - rows[i].want_n + k;

			assert_int_equal(out[k].at_ns, n);
			assert_int_equal(out[k].kind, n + 1);
			assert_int_equal(out[k].object, n + 2);
			assert_int_equal(out[k].a, n + 3);
			assert_int_equal(out[k].b, n + 4);
		}
		if (rows[i].want_n < N_OF(out)) /* nothing written behind what was announced */
			assert_int_equal(out[rows[i].want_n].at_ns, 0xeeeeeeeeeeeeeeeeu);
		trace_ring_destroy(t);
	}
	trace_ring_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_newest_oldest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
