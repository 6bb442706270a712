// SPDX-License-Identifier: BSD-3-Clause
/* The pattern of verify says what happened to a wrong block; and the progress line. */
#include "../base/unit.h"

#include "../../../gateway/tools/srpio_pattern.h"
#include "../../../gateway/tools/srpio_progress.h"

#include <string.h>

static void crc32c(void **state)
{
	uint8_t zeros[32] = { 0 }, ones[32], up[32];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (unsigned i = 0; i < 32; i++)
		up[i] = (uint8_t)i;
	/* RFC 7143 appendix A.4, RFC 3720 B.4 */
	assert_int_equal(srpio_crc32c(zeros, 32), 0x8a9136aa);
	assert_int_equal(srpio_crc32c(ones, 32), 0x62a8ab43);
	assert_int_equal(srpio_crc32c(up, 32), 0x46dd794e);
	assert_int_equal(srpio_crc32c("123456789", 9), 0xe3069283);
}

static void good_block(void **state)
{
	uint8_t a[512], b[512];
	char why[128] = "";

	(void)state;
	srpio_pattern_fill(a, sizeof(a), 1, 1, 4096);
	assert_true(srpio_pattern_check(a, sizeof(a), 1, 1, 4096, why, sizeof(why)));
	srpio_pattern_fill(b, sizeof(b), 1, 1, 4608);
	assert_memory_not_equal(a + 32, b + 32, 400); /* the filler differs too */
	srpio_pattern_fill(a, SRPIO_PATTERN_MIN_BYTES, 1, 1, 0);
	assert_true(srpio_pattern_check(a, SRPIO_PATTERN_MIN_BYTES, 1, 1, 0, why, sizeof(why)));
}

static void every_byte_counts(void **state)
{
	uint8_t a[512];
	char why[128];

	(void)state;
	for (unsigned i = 0; i < sizeof(a); i++) {
		srpio_pattern_fill(a, sizeof(a), 7, 3, 512);
		a[i] ^= 0x10;
		assert_false(srpio_pattern_check(a, sizeof(a), 7, 3, 512, why, sizeof(why)));
	}
}

static void diagnoses(void **state)
{
	uint8_t a[512];
	char why[128];

	(void)state;
	srpio_pattern_fill(a, sizeof(a), 7, 3, 512);
	assert_false(srpio_pattern_check(a, sizeof(a), 7, 3, 1024, why, sizeof(why)));
	assert_non_null(strstr(why, "block of byte 512"));
	assert_false(srpio_pattern_check(a, sizeof(a), 7, 4, 512, why, sizeof(why)));
	assert_non_null(strstr(why, "generation 3"));
	assert_false(srpio_pattern_check(a, sizeof(a), 8, 3, 512, why, sizeof(why)));
	assert_non_null(strstr(why, "seed 7"));
	a[300] ^= 1;
	assert_false(srpio_pattern_check(a, sizeof(a), 7, 3, 512, why, sizeof(why)));
	assert_non_null(strstr(why, "CRC"));
	a[0] = 'x';
	assert_false(srpio_pattern_check(a, sizeof(a), 7, 3, 512, why, sizeof(why)));
	assert_non_null(strstr(why, "no verify run"));
	memset(a, 0, sizeof(a));
	assert_false(srpio_pattern_check(a, sizeof(a), 7, 3, 512, why, sizeof(why)));
	assert_non_null(strstr(why, "zeros"));
}

static void progress(void **state)
{
	char out[160];

	(void)state;
	assert_string_equal(srpio_progress_text("read", 0, 1 << 20, 0, out, sizeof(out)),
			    "read   0% [                        ] 0 B, 0 B/s, 0:00 left");
	assert_string_equal(srpio_progress_text("read", 512 << 10, 1 << 20, NS_PER_S, out, sizeof(out)),
			    "read  50% [============            ] 512.0 KiB, 512.0 KiB/s, 0:01 left");
	assert_string_equal(srpio_progress_text("write", 3 << 20, 3 << 20, NS_PER_S, out, sizeof(out)),
			    "write 100% [========================] 3.0 MiB, 3.0 MiB/s, 0:00 left");
	assert_string_equal(srpio_progress_text("write", 2048, 0, 2 * NS_PER_S, out, sizeof(out)), "write 2.0 KiB, 1.0 KiB/s");
	/* more than announced does not overrun the bar */
	assert_non_null(strstr(srpio_progress_text("read", 5, 4, 1, out, sizeof(out)), "100%"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c), cmocka_unit_test(good_block), cmocka_unit_test(every_byte_counts),
		cmocka_unit_test(diagnoses), cmocka_unit_test(progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
