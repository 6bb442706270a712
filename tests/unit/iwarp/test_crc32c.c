/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC32C against the vectors of RFC 3720 B.4, and its two implementations against each other. */
#include "../../../gateway/fabric/iwarp/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint32_t both(const void *p, size_t n)
{
	uint32_t a = crc32c_final(crc32c_update(CRC32C_INIT, p, n));

	assert_int_equal(a, crc32c_final(crc32c_update_portable(CRC32C_INIT, p, n)));
	return a;
}

static void test_vectors(void **state)
{
	uint8_t b[48] = { 0 };
	static const uint8_t pdu[48] = { 0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0,
					 0x14, 0,    0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
					 0x28, 0,    0, 0, 0, 0, 0, 0, 2, 0, 0, 0,    0, 0, 0, 0 };

	(void)state;
	assert_int_equal(both("123456789", 9), 0xe3069283);
	assert_int_equal(both(b, 32), 0x8a9136aa);
	memset(b, 0xff, 32);
	assert_int_equal(both(b, 32), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		b[i] = (uint8_t)i;
	assert_int_equal(both(b, 32), 0x46dd794e);
	for (int i = 0; i < 32; i++)
		b[i] = (uint8_t)(31 - i);
	assert_int_equal(both(b, 32), 0x113fdb5c);
	assert_int_equal(both(pdu, 48), 0xd9963a56);
	assert_int_equal(both("", 0), 0);
}

/* Every length around the block sizes, every alignment, and cut anywhere. */
static void test_lengths(void **state)
{
	enum { MAX = 3 * 2048 * 2 + 3 * 256 + 40 };
	uint8_t *p = malloc(MAX + 8);

	(void)state;
	assert_non_null(p);
	for (unsigned i = 0, s = 7; i < MAX + 8; i++, s = s * 1103515245u + 12345u)
		p[i] = (uint8_t)(s >> 16);
	for (size_t n = 0; n < 1700; n++)
		both(p + n % 8, n);
	for (size_t n = 3 * 2048 - 20; n < 3 * 2048 + 20; n++)
		both(p + n % 8, n);
	for (size_t n = MAX - 40; n <= MAX; n++)
		both(p + n % 8, n);
	for (size_t cut = 0; cut < MAX; cut += 61) {
		uint32_t s = crc32c_update(CRC32C_INIT, p, cut);

		assert_int_equal(crc32c_final(crc32c_update(s, p + cut, MAX - cut)), both(p, MAX));
	}
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors), cmocka_unit_test(test_lengths) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
