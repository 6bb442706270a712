/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keep_store.h, keep_file.h: what is kept comes through the file as it was; damaged files and folders that cannot be
 * used cost a warning and nothing else.
 */
#include "../../../gateway/control/keep_file.h"
#include "../../../gateway/control/keep_store.h"
#include "../../../gateway/core/keep.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>

#define DELAY_MS 20u

struct rig {
	char dir[UNIT_DIR], state[UNIT_DIR + 8], file[UNIT_DIR + 32];
	struct reactor *control;
	struct core *core;
	struct map map;
	struct backend backend[2], *list[2];
	unsigned n_warnings;
	char warning[600];
};

static void hear(void *arg, enum log_level level, const char *text)
{
	struct rig *r = arg;

	if (level > LOG_LEVEL_WARN)
		return;
	r->n_warnings++;
	snprintf(r->warning, sizeof(r->warning), "%s", text);
}

static void start_core(struct rig *r)
{
	struct core_params p = {
		.control = r->control, .reactor = &r->control, .n_reactor = 1, .pool_bytes = 4u << 20
	};
	struct err e = ERR_INIT;

	p.max_tasks = p.max_ios = 16;
	assert_int_equal(core_create(&p, &r->core, &e), 0);
	core_apply(r->core, &r->map, NULL, NULL);
}

static void next_life(struct rig *r)
{
	core_destroy(r->core);
	start_core(r);
}

static int setup(void **state)
{
	static char names[2][8] = { "san", "s\"\xc3\xa4n" }, uris[2][16] = { "iscsi://one", "iscsi://two" };
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	unit_mkdir(r->dir);
	snprintf(r->state, sizeof(r->state), "%s/state", r->dir);
	snprintf(r->file, sizeof(r->file), "%s/" KEEP_STORE_FILE, r->state);
	assert_int_equal(reactor_create("control", &r->control), 0);
	for (unsigned i = 0; i < 2; i++) {
		r->backend[i] = (struct backend){ .name = names[i], .uri = uris[i] };
		r->list[i] = &r->backend[i];
	}
	r->map.backend = r->list;
	r->map.n_backend = 2;
	log_init("test", LOG_LEVEL_ERROR, false);
	log_set_level(LOG_LEVEL_WARN);
	log_set_hook(hear, r);
	start_core(r);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { KEEP_STORE_FILE, NULL };
	struct rig *r = *state;
	struct stat st;

	core_destroy(r->core);
	reactor_destroy(r->control);
	log_set_hook(NULL, NULL);
	if (lstat(r->state, &st) == 0 && S_ISDIR(st.st_mode))
		unit_rm(r->state, names);
	else
		unlink(r->state);
	unit_rm(r->dir, NULL);
	free(r);
	return 0;
}

static struct keep_store *open_store(struct rig *r)
{
	return keep_store_create(r->state, r->core, r->control, DELAY_MS);
}

/* ---- answers ---- */

static char san[] = "san", other[] = "s\"\xc3\xa4n", who[] = "iqn.2026-11.example:host";

static struct keep_key key_of(char *backend, enum keep_kind kind, uint8_t page)
{
	struct keep_key k = { .backend = backend, .initiator = who, .kind = (uint8_t)kind, .page = page };

	k.uri_print = keep_uri_print(backend == san ? "iscsi://one" : "iscsi://two");
	if (kind != KEEP_LUNS)
		k.lun[1] = 7;
	return k;
}

static void add(struct rig *r, char *backend, enum keep_kind kind, uint8_t page, const char *tail)
{
	uint8_t data[64] = { 0 };
	struct keep_key k = key_of(backend, kind, page);
	size_t len = strlen(tail), head = kind == KEEP_INQUIRY ? 5 : kind == KEEP_VPD ? 4 : 8;

	memcpy(data + head, tail, len);
	data[1] = page;
	data[kind == KEEP_INQUIRY ? 4 : 3] = (uint8_t)len;
	assert_int_equal(core_keep_add(r->core, &k, data, (uint32_t)(head + len)), 0);
}

static void append(void *arg, const struct keep_key *key, const struct keep_answer *a)
{
	char *text = arg, piece[160];
	bool is_vpd = key->kind == KEEP_VPD;
	size_t head = key->kind == KEEP_INQUIRY ? 5 : is_vpd ? 4 : 8;

	snprintf(piece, sizeof(piece), "%s/%s/%u/%u/%x=%.*s;", key->backend, key->initiator, key->lun[1], key->kind,
		 key->page, (int)(a->len_bytes - head), (const char *)a->data + head);
	strncat(text, piece, 1000);
}

static const char *all(struct rig *r)
{
	static char text[4096];

	text[0] = '\0';
	core_keep_for_each(r->core, append, text);
	return text;
}

#define THREE                                                                                                          \
	"s\"\xc3\xa4n/iqn.2026-11.example:host/0/0/0=eightbyt;san/iqn.2026-11.example:host/7/1/0=disk;"                \
	"san/iqn.2026-11.example:host/7/2/80=serial;"

static void add_three(struct rig *r)
{
	add(r, san, KEEP_INQUIRY, 0, "disk");
	add(r, san, KEEP_VPD, 0x80, "serial");
	add(r, other, KEEP_LUNS, 0, "eightbyt");
}

static void run_ms(struct rig *r, unsigned ms)
{
	uint64_t end_ns = reactor_clock_ns(r->control) + ms * NS_PER_MS;

	while (reactor_clock_ns(r->control) < end_ns)
		reactor_poll(r->control, 1);
}

static bool is_written(struct rig *r)
{
	struct stat st;

	for (unsigned i = 0; i < 5000; i++) {
		if (stat(r->file, &st) == 0) {
			assert_int_equal(st.st_mode & 07777, 0600);
			return true;
		}
		reactor_poll(r->control, 1);
	}
	return false;
}

/* ---- the tests ---- */

static void test_next_life(void **state)
{
	struct rig *r = *state;
	struct keep_store *s = open_store(r);

	assert_non_null(s);
	add_three(r);
	assert_string_equal(all(r), THREE);
	keep_store_changed(s);
	assert_true(is_written(r));
	run_ms(r, 2 * DELAY_MS);
	keep_store_destroy(s);
	next_life(r);
	s = open_store(r);
	assert_string_equal(all(r), THREE);
	keep_store_destroy(s);
	assert_int_equal(r->n_warnings, 0);
}

static void test_written_at_the_end(void **state)
{
	struct rig *r = *state;
	struct keep_store *s = open_store(r);

	add_three(r);
	keep_store_changed(s);
	keep_store_destroy(s);
	next_life(r);
	s = open_store(r);
	assert_string_equal(all(r), THREE);
	/* Nothing changed: nothing is written. */
	assert_int_equal(unlink(r->file), 0);
	keep_store_destroy(s);
	assert_int_equal(access(r->file, F_OK), -1);
}

/* The end while the thread writes: its message comes to control after the store is gone. */
static void test_end_while_writing(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < 20; i++) {
		struct keep_store *s = open_store(r);

		add_three(r);
		keep_store_changed(s);
		run_ms(r, DELAY_MS + i % 3);
		keep_store_destroy(s);
		run_ms(r, 1);
	}
	next_life(r);
	assert_true(is_written(r));
	assert_int_equal(r->n_warnings, 0);
}

static void test_another_uri(void **state)
{
	static char moved[] = "iscsi://moved";
	struct rig *r = *state;
	struct keep_store *s = open_store(r);

	add_three(r);
	keep_store_changed(s);
	keep_store_destroy(s);
	r->backend[0].uri = moved;
	next_life(r);
	s = open_store(r);
	assert_string_equal(all(r), "s\"\xc3\xa4n/iqn.2026-11.example:host/0/0/0=eightbyt;");
	keep_store_destroy(s);
	assert_int_equal(r->n_warnings, 0);
}

/* One warning that says @why, nothing is kept, and the file is written anew. */
static void is_warned(struct rig *r, const char *why, const char *kept)
{
	struct keep_store *s;

	r->n_warnings = 0;
	next_life(r);
	s = open_store(r);
	assert_non_null(s);
	assert_int_equal(r->n_warnings, 1);
	if (!strstr(r->warning, why))
		fail_msg("'%s' does not say '%s'", r->warning, why);
	assert_non_null(strchr(r->warning, ';'));
	assert_string_equal(all(r), kept);
	add_three(r);
	keep_store_changed(s);
	keep_store_destroy(s);
	assert_int_equal(r->n_warnings, 1);
	next_life(r);
	s = open_store(r);
	assert_string_equal(all(r), THREE);
	keep_store_destroy(s);
	assert_int_equal(r->n_warnings, 1);
}

#define HEAD "{\"version\":1,\"kept\":["
#define ITEM "{\"backend\":\"san\",\"uri\":\"0123456789abcdef\",\"initiator\":\"iqn.2026-11.example:host\","

static void test_damaged_files(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "line 1" },
		{ "{\"version\":1,\"kept\":[", "line 1" },
		{ "\x7f"
		  "ELF",
		  "line 1" },
		{ "[]", "no list" },
		{ "7", "line 1" },
		{ "{\"version\":1}", "no list" },
		{ "{\"version\":1,\"kept\":{}}", "no list" },
		{ "{\"version\":\"1\",\"kept\":[]}", "no list" },
		{ "{\"version\":2,\"kept\":[]}", "version 2" },
		{ HEAD "7,null,[],\"x\",{}]}", "5 of 5" },
	};
	struct rig *r = *state;

	assert_int_equal(mkdir(r->state, 0700), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unit_write(r->state, KEEP_STORE_FILE, bad[i].text, 0600);
		is_warned(r, bad[i].why, "");
	}
}

static void test_damaged_answers(void **state)
{
	static const char *const bad[] = {
		ITEM "\"what\":\"inquiry\",\"lun\":\"0007000000000000\",\"data\":\"000006020\"}", /* half a byte */
		ITEM "\"what\":\"inquiry\",\"lun\":\"0007000000000000\",\"data\":\"00000602g0\"}",
		ITEM "\"what\":\"inquiry\",\"lun\":\"0007000000000000\",\"data\":\"\"}",
		ITEM "\"what\":\"inquiry\",\"lun\":\"0007000000000000\",\"data\":\"00000602\"}",     /* short */
		ITEM "\"what\":\"inquiry\",\"lun\":\"0007000000000000\",\"data\":\"000006020041\"}", /* long */
		ITEM "\"what\":\"inquiry\",\"lun\":\"00070000000000\",\"data\":\"0000060200\"}",
		ITEM "\"what\":\"inquiry\",\"lun\":\"000700000000000000\",\"data\":\"0000060200\"}",
		ITEM "\"what\":\"inquiry\",\"data\":\"0000060200\"}",
		ITEM "\"what\":\"inquiry\",\"lun\":7,\"data\":\"0000060200\"}",
		ITEM "\"what\":\"enquiry\",\"lun\":\"0007000000000000\",\"data\":\"0000060200\"}",
		ITEM "\"what\":\"vpd\",\"lun\":\"0007000000000000\",\"data\":\"00800000\"}",
		ITEM "\"what\":\"vpd\",\"page\":384,\"lun\":\"0007000000000000\",\"data\":\"00800000\"}",
		ITEM "\"what\":\"vpd\",\"page\":-128,\"lun\":\"0007000000000000\",\"data\":\"00800000\"}",
		ITEM "\"what\":\"vpd\",\"page\":131,\"lun\":\"0007000000000000\",\"data\":\"00800000\"}",
		ITEM "\"what\":\"luns\",\"data\":\"0000000400000000\"}",
		ITEM "\"what\":\"luns\"}",
	};
	struct rig *r = *state;
	char text[600];

	assert_int_equal(mkdir(r->state, 0700), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), HEAD "%s]}", bad[i]);
		unit_write(r->state, KEEP_STORE_FILE, text, 0600);
		is_warned(r, "1 of 1 answers are damaged", "");
	}
}

/* Every file that is cut off, and every flipped bit: no crash, and what is used is what core checks. */
static void test_mangled(void **state)
{
	struct rig *r = *state;
	struct keep_file_count n;
	struct err e = ERR_INIT;
	char *text;
	size_t len;

	add_three(r);
	text = keep_file_text(r->core, &len);
	assert_non_null(text);
	for (size_t i = 0; i < len - 2; i++) {
		char *piece = malloc(i + 1); /* exact, for the sanitizer */

		assert_non_null(piece);
		memcpy(piece, text, i);
		assert_int_equal(keep_file_parse(r->core, piece, i, &n, &e), -EINVAL);
		free(piece);
	}
	for (size_t i = 0; i < 8 * len; i++) {
		text[i / 8] ^= (char)(1 << i % 8);
		if (keep_file_parse(r->core, text, len, &n, &e) == 0)
			assert_true(n.used + n.damaged == 3);
		text[i / 8] ^= (char)(1 << i % 8);
	}
	free(text);
}

static void test_not_ours(void **state)
{
	struct rig *r = *state;

	assert_int_equal(mkdir(r->state, 0700), 0);
	unit_write(r->state, KEEP_STORE_FILE, HEAD "]}", 0620);
	is_warned(r, "others than the gateway's user", "");
	assert_int_equal(unlink(r->file), 0);
	assert_int_equal(symlink("/dev/zero", r->file), 0);
	is_warned(r, "symbolic link", "");
	assert_int_equal(unlink(r->file), 0);
	assert_int_equal(mkfifo(r->file, 0600), 0);
	is_warned(r, "no regular file", "");
	assert_int_equal(unlink(r->file), 0);
	unit_write(r->state, KEEP_STORE_FILE, "", 0600);
	assert_int_equal(truncate(r->file, (off_t)KEEP_FILE_MOST_BYTES + 1), 0);
	is_warned(r, "longer than", "");
}

static void test_no_folder(void **state)
{
	struct rig *r = *state;
	struct keep_store *s;

	s = keep_store_create("/nonexistent/state", r->core, r->control, DELAY_MS);
	assert_null(s);
	assert_int_equal(r->n_warnings, 1);
	assert_non_null(strstr(r->warning, "state_dir"));
	keep_store_destroy(s);
	/* A file stands in its place. */
	unit_write(r->dir, "state", "", 0600);
	assert_null(open_store(r));
	assert_int_equal(r->n_warnings, 2);
	assert_non_null(strstr(r->warning, "Not a directory"));
}

static void test_one_gateway_each(void **state)
{
	struct rig *r = *state;
	struct keep_store *s = open_store(r);

	assert_non_null(s);
	assert_null(open_store(r));
	assert_int_equal(r->n_warnings, 1);
	assert_non_null(strstr(r->warning, "another srpgwd"));
	keep_store_destroy(s);
	s = open_store(r);
	assert_non_null(s);
	keep_store_destroy(s);
}

/* It cannot be written: said once, tried again at the next change, and at the end. */
static void test_unwritable(void **state)
{
	struct rig *r = *state;
	struct keep_store *s = open_store(r);

	assert_int_equal(mkdir(r->file, 0700), 0); /* nothing can be renamed onto a folder, not even by root */
	add_three(r);
	for (unsigned i = 0; i < 3; i++) {
		keep_store_changed(s);
		run_ms(r, 3 * DELAY_MS);
	}
	assert_int_equal(r->n_warnings, 1);
	assert_non_null(strstr(r->warning, "cannot write"));
	assert_int_equal(rmdir(r->file), 0);
	keep_store_destroy(s);
	assert_true(is_written(r));
	assert_int_equal(r->n_warnings, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_next_life),	     TEST(test_written_at_the_end), TEST(test_end_while_writing),
		TEST(test_another_uri),	     TEST(test_damaged_files),	    TEST(test_damaged_answers),
		TEST(test_mangled),	     TEST(test_not_ours),	    TEST(test_no_folder),
		TEST(test_one_gateway_each), TEST(test_unwritable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
