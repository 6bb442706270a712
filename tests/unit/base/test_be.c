/* SPDX-License-Identifier: BSD-3-Clause */
/* Wire integers: byte order, and that nothing is lost on the way there and back. */
#include "../../../gateway/base/be.h"

#include "unit.h"

static void bytes_are_most_significant_first(void **state)
{
	struct be16 a = be16_make(0x0102);
	struct be32 b = be32_make(0x01020304);
	struct be64 c = be64_make(0x0102030405060708u);

	(void)state;
	assert_memory_equal(a.b, "\1\2", 2);
	assert_memory_equal(b.b, "\1\2\3\4", 4);
	assert_memory_equal(c.b, "\1\2\3\4\5\6\7\10", 8);
}

static void values_survive_the_round_trip(void **state)
{
	static const uint64_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, 0x8000, 0xffff, 0x80000000u, 0xffffffffu,
					  0x8000000000000000u, UINT64_MAX };
	uint64_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t v = i < N_OF(edges) ? edges[i] : rnd(&seed);

		assert_int_equal(be16_get(be16_make((uint16_t)v)), (uint16_t)v);
		assert_int_equal(be32_get(be32_make((uint32_t)v)), (uint32_t)v);
		assert_int_equal(be64_get(be64_make(v)), v);
	}
}

static void types_have_no_padding_and_no_alignment(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct be16), 2);
	assert_int_equal(sizeof(struct be32), 4);
	assert_int_equal(sizeof(struct be64), 8);
	assert_int_equal(_Alignof(struct be64), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_most_significant_first),
		cmocka_unit_test(values_survive_the_round_trip),
		cmocka_unit_test(types_have_no_padding_and_no_alignment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
