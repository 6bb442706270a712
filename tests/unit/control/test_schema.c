/* SPDX-License-Identifier: BSD-3-Clause */
/* schema.h: the manual's tables are those of the keys; the tables themselves are sound; what needs a restart is found.
 */
#include "unit.h"

#include <errno.h>

static char *printed(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	schema_print(&config_schema, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static char *read_text(const char *path)
{
	char *text = NULL;
	size_t cap = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		fail_msg("%s: %s (run from the top of the project)", path, strerror(errno));
	assert_true(getdelim(&text, &cap, '\0', f) > 0);
	fclose(f);
	return text;
}

static void the_manual_is_up_to_date(void **state)
{
	char *want = printed(), *manual = read_text("docs/srpgw.json.5.md");

	(void)state;
	if (!strstr(manual, want))
		fail_msg("docs/srpgw.json.5.md does not hold what srpgwd --keys prints:\n%s", want);
	free(want);
	free(manual);
}

/* Every default must be a legal value, or an empty object would be refused. */
static void check_object(const struct schema_object *o, int depth)
{
	struct arena arena = { .last = NULL };
	struct problems problems = { .file = "defaults" };

	assert_true(depth < 6);
	for (const struct schema_key *k = o->key; k->name; k++) {
		json_t *v = k->def ? json_loads(k->def, JSON_DECODE_ANY, NULL) : NULL;
		struct json_path at = json_path_key(JSON_PATH_TOP, k->name);
		char room[64] = { 0 };

		assert_non_null(k->help);
		assert_true(strlen(k->help) > 0 && k->help[strlen(k->help) - 1] != '.');
		assert_false(k->required && k->def);
		assert_true(k->max == 0 || k->min <= k->max);
		assert_true(k->offset < o->size_bytes);
		if (k->object)
			check_object(k->object, depth + 1);
		if (k->def) {
			assert_non_null(v);
			if (!json_is_array(v))
				assert_int_equal(schema_scalar(k, v, &at, room, &arena, &problems), 0);
		}
		json_decref(v);
	}
	assert_int_equal(problems_count(&problems), 0);
	arena_free(&arena);
}

static void the_tables_are_sound(void **state)
{
	(void)state;
	check_object(&config_schema, 0);
}

static void sizes(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_true(schema_size_parse("0", &v) && v == 0);
	assert_true(schema_size_parse("4096", &v) && v == 4096);
	assert_true(schema_size_parse("3k", &v) && v == 3072);
	assert_true(schema_size_parse("64M", &v) && v == 64u << 20);
	assert_true(schema_size_parse("2G", &v) && v == 2ull << 30);
	assert_true(schema_size_parse("8589934591G", &v));
	assert_false(schema_size_parse("8589934592G", &v)); /* 2^63 */
	assert_false(schema_size_parse("99999999999999999999", &v));
	assert_false(schema_size_parse("", &v));
	assert_false(schema_size_parse("M", &v));
	assert_false(schema_size_parse("-1", &v));
	assert_false(schema_size_parse("1MB", &v));
	assert_false(schema_size_parse("1 M", &v));
	assert_false(schema_size_parse("0x10", &v));
}

static void collect(void *arg, const char *path)
{
	char *all = arg;

	strcat(all, path);
	strcat(all, " ");
}

static void what_needs_a_restart(void **state)
{
	json_t *was = json_loads(
	    "{\"name\":\"a\",\"listen\":[1],\"limits\":{\"req_lim\":8,\"max_tasks\":9},\"reactors\":1}", 0, NULL);
	json_t *is = json_loads(
	    "{\"name\":\"b\",\"listen\":[2],\"limits\":{\"req_lim\":7,\"max_tasks\":8},\"pool_bytes\":1}", 0, NULL);
	char all[256] = "";

	(void)state;
	schema_restart_diff(&config_schema, was, was, collect, all);
	assert_string_equal(all, "");
	schema_restart_diff(&config_schema, was, is, collect, all);
	assert_string_equal(all, "listen limits.max_tasks reactors pool_bytes ");
	all[0] = '\0';
	json_object_del(is, "limits");
	schema_restart_diff(&config_schema, was, is, collect, all);
	assert_string_equal(all, "listen limits.max_tasks reactors pool_bytes ");
	json_decref(was);
	json_decref(is);
}

static void arenas(void **state)
{
	struct arena a = { .last = NULL };
	char *s = arena_strdup(&a, "text"), *big;

	(void)state;
	assert_string_equal(s, "text");
	assert_string_equal(arena_printf(&a, "%d-%s", 7, s), "7-text");
	big = arena_alloc(&a, 100000);
	assert_non_null(big);
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(big[i], 0);
	for (int i = 0; i < 1000; i++) {
		void *p = arena_alloc(&a, (size_t)i % 70);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
	}
	assert_null(arena_array(&a, SIZE_MAX / 2, 16));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_string_equal(s, "text");
	arena_free(&a);
	assert_non_null(arena_alloc(&a, 0));
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_is_up_to_date),
		cmocka_unit_test(the_tables_are_sound),
		cmocka_unit_test(sizes),
		cmocka_unit_test(what_needs_a_restart),
		cmocka_unit_test(arenas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
