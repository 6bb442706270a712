/* SPDX-License-Identifier: BSD-3-Clause */
/* STags: bounds, wrap, taking back, sparse values. */
#include "../../../gateway/fabric/iwarp/stag.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void test_find(void **state)
{
	struct stag_table t = { 0 };
	uint8_t mem[100], *at = NULL;
	uint64_t base = (uintptr_t)mem;
	uint32_t stag;

	(void)state;
	assert_int_equal(stag_find(&t, 0, 0, 0, &at), STAG_INVALID);
	assert_int_equal(stag_find(&t, 77, 0, 0, &at), STAG_INVALID);
	assert_false(stag_is_used(&t, 77));
	stag_del(&t, 77);
	assert_int_equal(stag_add(&t, 0xabcdef12, mem, 100, &stag), 0);
	assert_int_equal(stag & ~(STAG_SLOTS - 1), 0xabcdef12 & ~(STAG_SLOTS - 1));
	assert_true(stag_is_used(&t, stag));
	assert_int_equal(stag_find(&t, stag, base, 100, &at), STAG_OK);
	assert_ptr_equal(at, mem);
	assert_int_equal(stag_find(&t, stag, base + 99, 1, &at), STAG_OK);
	assert_ptr_equal(at, mem + 99);
	assert_int_equal(stag_find(&t, stag, base + 100, 0, &at), STAG_OK);
	assert_int_equal(stag_find(&t, stag, base + 99, 2, &at), STAG_BOUNDS);
	assert_int_equal(stag_find(&t, stag, base, 101, &at), STAG_BOUNDS);
	assert_int_equal(stag_find(&t, stag, base - 1, 1, &at), STAG_BOUNDS);
	assert_int_equal(stag_find(&t, stag, base + 101, 0, &at), STAG_BOUNDS);
	assert_int_equal(stag_find(&t, stag, 0, 1, &at), STAG_BOUNDS);
	assert_int_equal(stag_find(&t, stag, UINT64_MAX - 9, 10, &at), STAG_WRAP);
	assert_int_equal(stag_find(&t, stag, UINT64_MAX - 9, 9, &at), STAG_BOUNDS);
	assert_int_equal(stag_find(&t, stag ^ 1u << 20, base, 1, &at), STAG_INVALID);
	stag_del(&t, stag ^ 1u << 20);
	assert_true(stag_is_used(&t, stag));
	stag_del(&t, stag);
	assert_int_equal(stag_find(&t, stag, base, 1, &at), STAG_INVALID);
	assert_int_equal(stag_find(&t, 0, base, 1, &at), STAG_INVALID);
	stag_table_free(&t);
}

static void test_full(void **state)
{
	struct stag_table t = { 0 };
	static uint32_t stag[STAG_SLOTS];
	uint32_t one;
	uint8_t mem[1];

	(void)state;
	for (uint32_t i = 0; i < STAG_SLOTS; i++) {
		assert_int_equal(stag_add(&t, 0, mem, 1, &stag[i]), 0);
		assert_true(stag[i] >= STAG_SLOTS); /* never 0, never small */
	}
	assert_int_equal(stag_add(&t, 5, mem, 1, &one), -ENOSPC);
	for (uint32_t i = 0; i < STAG_SLOTS; i++)
		for (uint32_t k = i + 1; k < i + 4 && k < STAG_SLOTS; k++)
			assert_int_not_equal(stag[i], stag[k]);
	stag_del(&t, stag[1234]);
	assert_int_equal(stag_add(&t, 0x70000000, mem, 1, &one), 0);
	assert_int_equal(one, 0x70000000 | (stag[1234] & (STAG_SLOTS - 1)));
	stag_table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_find), cmocka_unit_test(test_full) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
