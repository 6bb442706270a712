/* SPDX-License-Identifier: BSD-3-Clause */
/* json_path.h: every value and key of a text is found where it stands, and what does not exist is found at its parent.
 */
#include "../../../gateway/control/json_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char text[] = "{\n"
			   "  \"a\": [ 1, { \"b\": \"x,]}\\\"\", \"c\": true }, [], [2,3] ],\n"
			   "\t\"d\\u0065f\" :\n"
			   "\t\t{ \"gr\xc3\xbc\xc3\x9f\": null, \"h\": -1.5e3 }\n"
			   "}\n";

static void where(struct json_path p, int of_key, int want_line, int want_column)
{
	int line = 0, column = 0;

	json_locate(text, strlen(text), &p, of_key, &line, &column);
	assert_int_equal(line, want_line);
	assert_int_equal(column, want_column);
}

static void values_and_keys(void **state)
{
	struct json_path a = json_path_key(JSON_PATH_TOP, "a"), def = json_path_key(JSON_PATH_TOP, "def");

	(void)state;
	where(JSON_PATH_TOP, 0, 1, 1);
	where(a, 0, 2, 8);
	where(a, 1, 2, 3);
	where(json_path_index(a, 0), 0, 2, 10);
	where(json_path_index(a, 1), 0, 2, 13);
	where(json_path_key(json_path_index(a, 1), "b"), 0, 2, 20);
	where(json_path_key(json_path_index(a, 1), "c"), 0, 2, 35);
	where(json_path_key(json_path_index(a, 1), "c"), 1, 2, 30);
	where(json_path_index(a, 2), 0, 2, 43);
	where(json_path_index(json_path_index(a, 3), 1), 0, 2, 50);
	where(def, 1, 3, 2); /* spelled with an escape */
	where(def, 0, 4, 3);
	where(json_path_key(def, "h"), 0, 4, 24); /* columns count characters, not bytes */
}

static void what_is_missing_is_found_at_its_parent(void **state)
{
	struct json_path a = json_path_key(JSON_PATH_TOP, "a");

	(void)state;
	where(json_path_key(JSON_PATH_TOP, "zz"), 0, 1, 1);
	where(json_path_index(a, 4), 0, 2, 8);
	where(json_path_index(json_path_index(a, 2), 0), 0, 2, 43);
	where(json_path_key(json_path_index(a, 1), "z"), 1, 2, 13);
	where(json_path_key(a, "not an object"), 0, 2, 8);
	where(json_path_index(JSON_PATH_TOP, 1), 0, 1, 1);
}

static void names(void **state)
{
	struct json_path p = json_path_key(json_path_index(json_path_key(JSON_PATH_TOP, "targets"), 12), "luns");
	char buf[64], tiny[8];

	(void)state;
	assert_string_equal(json_path_str(&p, buf, sizeof(buf)), "targets[12].luns");
	assert_string_equal(json_path_str(&JSON_PATH_TOP, buf, sizeof(buf)), "");
	assert_string_equal(json_path_str(&p, tiny, sizeof(tiny)), "targets");
}

static void a_path_has_a_limit(void **state)
{
	struct json_path p = JSON_PATH_TOP;

	(void)state;
	for (int i = 0; i < 100; i++)
		p = json_path_index(p, 1);
	assert_int_equal(p.n, JSON_PATH_MAX);
	where(p, 0, 1, 1);
}

/* The scanner is meant for valid text, but must not run off the end of any. */
static void any_prefix_is_safe(void **state)
{
	struct json_path p = json_path_key(json_path_key(JSON_PATH_TOP, "def"), "h");
	int line, column;

	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		char *copy = malloc(len ? len : 1); /* exact: the sanitizer sees one byte too far */

		assert_non_null(copy);
		memcpy(copy, text, len);
		json_locate(copy, len, &p, 0, &line, &column);
		assert_in_range(line, 1, 6);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_and_keys),
		cmocka_unit_test(what_is_missing_is_found_at_its_parent),
		cmocka_unit_test(names),
		cmocka_unit_test(a_path_has_a_limit),
		cmocka_unit_test(any_prefix_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
