/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets of blocks: compared with a plain array of them over random additions, and at the ends of what a number can say.
 */
#include "cmocka_all.h"

#include "../../../gateway/core/ranges.h"

#include <stdlib.h>
#include <string.h>

#define BLOCKS 4000u

static uint32_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(seed >> 4) * n >> 28);
}

static void check_shape(const struct ranges *s)
{
	assert_in_range(s->n, 0, RANGES_MOST);
	for (uint32_t i = 0; i < s->n; i++) {
		assert_true(s->r[i].first <= s->r[i].last);
		if (i > 0)
			assert_true(s->r[i].first - s->r[i - 1].last > 1);
	}
}

/* @exact: as long as there is room, it holds what was added and nothing else. */
static void random_set(uint32_t n_adds, uint32_t most_len, bool exact)
{
	static bool has[BLOCKS];
	struct ranges s;

	ranges_clear(&s);
	memset(has, 0, sizeof(has));
	for (uint32_t k = 0; k < n_adds; k++) {
		uint32_t first = below(BLOCKS - most_len), len = 1 + below(most_len);

		memset(has + first, true, len);
		ranges_add(&s, (struct range){ first, first + len - 1 });
		check_shape(&s);
	}
	for (uint32_t b = 0; b < BLOCKS; b++) {
		bool in = ranges_overlap(&s, (struct range){ b, b });

		if (has[b] || exact)
			assert_int_equal(in, has[b]);
	}
	for (uint32_t k = 0; exact && k < 300; k++) {
		uint32_t first = below(BLOCKS - 40), last = first + below(40);
		bool any = memchr(has + first, true, last - first + 1) != NULL;

		assert_int_equal(ranges_overlap(&s, (struct range){ first, last }), any);
	}
}

static void test_random_sets(void **state)
{
	(void)state;
	for (seed = 1; seed < 300000000; seed += 997331) {
		random_set(1 + below(RANGES_MOST), 1 + below(60), true);
		random_set(500, 3, false);
	}
}

/* What is given up when it is full is the smallest gap. */
static void test_full(void **state)
{
	struct ranges s;

	(void)state;
	ranges_clear(&s);
	for (uint64_t k = 0; k < RANGES_MOST; k++)
		ranges_add(&s, (struct range){ k * 100, k * 100 });
	ranges_add(&s, (struct range){ 1050, 1050 });
	assert_int_equal(s.n, RANGES_MOST);
	assert_int_equal(ranges_overlap(&s, (struct range){ 1001, 1049 }) + ranges_overlap(&s, (struct range){ 1051, 1099 }), 1);
	assert_false(ranges_overlap(&s, (struct range){ 901, 999 }));
	assert_false(ranges_overlap(&s, (struct range){ 1101, 1199 }));
}

static void test_ends(void **state)
{
	struct ranges s;

	(void)state;
	ranges_clear(&s);
	ranges_add(&s, (struct range){ UINT64_MAX, UINT64_MAX });
	ranges_add(&s, (struct range){ 0, 0 });
	assert_int_equal(s.n, 2);
	assert_false(ranges_overlap(&s, (struct range){ 1, UINT64_MAX - 1 }));
	assert_true(ranges_overlap(&s, (struct range){ 1, UINT64_MAX }));
	ranges_add(&s, (struct range){ 5, UINT64_MAX });
	assert_int_equal(s.n, 2);
	ranges_add(&s, (struct range){ 1, 4 });
	assert_int_equal(s.n, 1);
	assert_int_equal(s.r[0].first, 0);
	assert_true(s.r[0].last == UINT64_MAX);
	ranges_add(&s, (struct range){ 7, 7 });
	assert_int_equal(s.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_sets),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
