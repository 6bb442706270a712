/* SPDX-License-Identifier: BSD-3-Clause */
/* Text made safe: a table of cases, and random bytes against a decoder written the other way round. */
#include "../../../gateway/base/text.h"

#include <stdbool.h>
#include <string.h>

#include "unit.h"

static void table(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "" },
		{ "plain text ~", "plain text ~" },
		{ "a\tb\nc\rd", "a b c d" },
		{ "\x01\x1b[2J\x7f", "??[2J?" },
		{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xc2\x9b" "31m", "??31m" },                  /* C1: CSI */
		{ "\xc2\xa0", "\xc2\xa0" },                     /* first after C1 */
		{ "\xc0\xaf", "??" },                           /* overlong */
		{ "\xe0\x9f\xbf", "???" },                      /* overlong */
		{ "\xed\xa0\x80", "???" },                      /* surrogate */
		{ "\xed\x9f\xbf", "\xed\x9f\xbf" },             /* last before the surrogates */
		{ "\xf0\x8f\xbf\xbf", "????" },                 /* overlong */
		{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },     /* U+10FFFF */
		{ "\xf4\x90\x80\x80", "????" },                 /* beyond */
		{ "\xff\xfe\x80", "???" },
		{ "\xc3x", "?x" },
		{ "\xe2\x82x", "??x" },
		{ "a\xc3", "a" },                               /* cut */
		{ "a\xe2", "a" },
		{ "a\xe2\x82", "a" },
		{ "a\xf0\x9f\x98", "a" },
	};
	char buf[64];

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		strncpy(buf, rows[i].in, sizeof(buf) - 1);
		text_make_safe(buf);
		assert_string_equal(buf, rows[i].want);
	}
}

/* Decodes to a code point and encodes it again: valid is what comes back the same. */
static bool is_safe(const unsigned char *s)
{
	while (*s) {
		unsigned n = *s < 0x80 ? 1 : *s >> 5 == 6 ? 2 : *s >> 4 == 14 ? 3 : *s >> 3 == 30 ? 4 : 0;
		static const unsigned long least[] = { 0, 0x20, 0xa0, 0x800, 0x10000 };
		unsigned long cp;

		if (!n)
			return false;
		cp = n == 1 ? *s : *s & (0x7fu >> n);
		for (unsigned i = 1; i < n; i++) {
			if (s[i] >> 6 != 2)
				return false;
			cp = cp << 6 | (s[i] & 0x3f);
		}
		if (cp < least[n] || cp == 0x7f || cp > 0x10ffff || cp >> 11 == 0x1b)
			return false;
		s += n;
	}
	return true;
}

static void random_bytes_become_safe_and_safe_text_stays(void **state)
{
	static const char alphabet[] =
		"a \n\x1b\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc2\xc3\xdf\xe0\xe1\xed\xef\xf0\xf1\xf4\xf5\xff";
	uint64_t seed = 42;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char in[9] = "", once[9], twice[9];
		size_t len = rnd_below(&seed, 9);

		for (size_t k = 0; k < len; k++)
			in[k] = alphabet[rnd_below(&seed, sizeof(alphabet) - 1)];
		memcpy(once, in, sizeof(once));
		text_make_safe(once);
		assert_true(is_safe((unsigned char *)once));
		assert_true(strlen(once) <= strlen(in));
		if (is_safe((unsigned char *)in))
			assert_string_equal(once, in);
		memcpy(twice, once, sizeof(twice));
		text_make_safe(twice);
		assert_string_equal(twice, once);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(random_bytes_become_safe_and_safe_text_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
