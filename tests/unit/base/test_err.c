/* SPDX-License-Identifier: BSD-3-Clause */
/* Error object: the line it makes of what is known, which cause wins, and where long texts are cut. */
#include "../../../gateway/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

static void formats_what_is_known(void **state)
{
	static const struct {
		struct err e;
		const char *want;
	} rows[] = {
		{ { .line = 0 }, "unknown error" },
		{ { .cause = "no" }, "no" },
		{ { .cause = "no", .cure = "do" }, "no; do" },
		{ { .key = "a.b", .cause = "no" }, "a.b: no" },
		{ { .file = "f", .cause = "no" }, "f: no" },
		{ { .file = "f", .line = 3, .cause = "no" }, "f:3: no" },
		{ { .file = "f", .line = 3, .column = 4, .cause = "no" }, "f:3:4: no" },
		{ { .file = "f", .column = 4, .cause = "no" }, "f: no" },
		{ { .line = 3, .column = 4, .cause = "no" }, "line 3:4: no" },
		{ { .line = 3, .cause = "no" }, "line 3: no" },
		{ { .file = "f", .line = 3, .column = 4, .key = "k[0]", .cause = "no", .cure = "do" }, "f:3:4: k[0]: no; do" },
	};
	char buf[2048];

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++)
		assert_string_equal(err_format(&rows[i].e, buf, sizeof(buf)), rows[i].want);
}

static void first_cause_and_its_cure_stay(void **state)
{
	struct err e = ERR_INIT;
	char buf[256];

	(void)state;
	assert_int_equal(err_set(&e, -ENOENT, "no file %s", "x"), -ENOENT);
	err_cure(&e, "make %s", "x");
	assert_int_equal(err_set(&e, -EIO, "second"), -EIO);
	err_cure(&e, "another");
	err_at(&e, NULL, 0, 0, "inner");
	err_at(&e, "file", 7, 9, "outer");
	err_at(&e, "other", 1, 2, NULL);
	assert_string_equal(err_format(&e, buf, sizeof(buf)), "file:7:9: inner: no file x; make x");
}

static void null_object_discards(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, -EPERM, "%d", 1), -EPERM);
	err_cure(NULL, "x");
	err_at(NULL, "f", 1, 1, "k");
}

static void long_texts_are_cut_and_terminated(void **state)
{
	struct err e = ERR_INIT;
	char text[2000], buf[4096];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&e, -1, "%s", text);
	err_cure(&e, "%s", text);
	err_at(&e, text, 1, 1, text);
	assert_int_equal(strlen(e.cause), sizeof(e.cause) - 1);
	assert_int_equal(strlen(e.cure), sizeof(e.cure) - 1);
	assert_int_equal(strlen(e.file), sizeof(e.file) - 1);
	assert_int_equal(strlen(e.key), sizeof(e.key) - 1);
	err_format(&e, buf, sizeof(buf));
	for (size_t cap = 1; cap <= strlen(buf) + 1; cap += 13) {
		char small[1500];

		memset(small, '#', sizeof(small));
		assert_ptr_equal(err_format(&e, small, cap), small);
		assert_int_equal(strlen(small), cap - 1);
		assert_memory_equal(small, buf, cap - 1);
		assert_int_equal(small[cap], '#');
	}
	buf[0] = '#';
	err_format(&e, buf, 0);
	assert_int_equal(buf[0], '#');
}

static void cut_never_splits_a_character(void **state)
{
	/* 1, 2, 3 and 4 bytes of UTF-8; a cut text ends before the character that does not fit. */
	static const char *const chars[] = { "x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

	(void)state;
	for (unsigned c = 0; c < N_OF(chars); c++) {
		size_t n = strlen(chars[c]);

		for (size_t room = 0; room < 8; room++) {
			struct err e = ERR_INIT;
			size_t pad = sizeof(e.cause) - 1 - room;

			err_set(&e, -1, "%*s%s%s%s%s%s%s%s%s%s", (int)pad, "", chars[c], chars[c], chars[c], chars[c],
				chars[c], chars[c], chars[c], chars[c], chars[c]);
			assert_int_equal(strlen(e.cause), pad + room / n * n);
		}
	}
}

static void texts_are_made_safe(void **state)
{
	struct err e = ERR_INIT;
	char buf[64];

	(void)state;
	err_set(&e, -1, "a\nb");
	err_cure(&e, "c\x1b");
	err_at(&e, "d\xff", 0, 0, "e\x7f");
	assert_string_equal(err_format(&e, buf, sizeof(buf)), "d?: e?: a b; c?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_what_is_known),
		cmocka_unit_test(first_cause_and_its_cure_stay),
		cmocka_unit_test(null_object_discards),
		cmocka_unit_test(long_texts_are_cut_and_terminated),
		cmocka_unit_test(cut_never_splits_a_character),
		cmocka_unit_test(texts_are_made_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
