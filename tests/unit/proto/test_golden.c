// SPDX-License-Identifier: BSD-3-Clause
/*
 * Walks tests/golden/IU/CASE: decodes in.hex, prints every member and compares with want.txt, encodes again and
 * compares with in.hex, or with canonical.hex where the input holds what an encoder never writes. Every prefix of
 * every IU, and the IU with each single bit flipped, is decoded from buffers of exactly that length.
 * The folder is found from the working directory, or named by SRPGW_GOLDEN.
 */
#include "exact.h"
#include "iu_text.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

struct golden_case {
	const struct iu_kind *kind;
	char dir[512];
	uint8_t in[8192];
	size_t in_len;
	struct srp_terms terms;
};

struct tally {
	unsigned n, n_ok[N_IU_KINDS], n_error[N_IU_KINDS];
	bool error_seen[N_SRP_ERRORS];
};

static const char *golden_root(void)
{
	const char *root = getenv("SRPGW_GOLDEN");

	return root ? root : "tests/golden";
}

static bool file_exists(const char *dir, const char *name)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, R_OK) == 0;
}

/* The file as a NUL-terminated string; fails the test when it is missing. The caller frees. */
static char *file_text(const char *dir, const char *name)
{
	char path[600], *text;
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f || fstat(fileno(f), &st))
		fail_msg("%s: %s", path, strerror(errno));
	text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)st.st_size, f), st.st_size);
	fclose(f);
	return text;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Pairs of hex digits with white space between them; "#" begins a comment. */
static size_t file_hex(const char *dir, const char *name, uint8_t *bytes, size_t cap)
{
	char *text = file_text(dir, name);
	size_t n = 0;

	for (const char *p = text; *p;) {
		if (*p == '#') {
			p += strcspn(p, "\n");
		} else if (strchr(" \t\n", *p)) {
			p++;
		} else {
			int hi = hex_digit(p[0]), lo = hi < 0 ? -1 : hex_digit(p[1]);

			if (lo < 0 || n == cap)
				fail_msg("%s/%s: not hex, or too long, at byte %zu", dir, name, n);
			bytes[n++] = (uint8_t)(hi << 4 | lo);
			p += 2;
		}
	}
	free(text);
	return n;
}

/* What the login fixed; terms.txt of a case changes single members. */
static struct srp_terms terms_load(const char *dir)
{
	struct srp_terms t = {
		.imm_granted = true,
		.imm_data_offset = 68,
		.max_table_entries = 2048,
		.formats_direct = true,
		.formats_indirect = true,
	};
	char *text, *save = NULL;
	unsigned number;

	if (!file_exists(dir, "terms.txt"))
		return t;
	text = file_text(dir, "terms.txt");
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strcmp(line, "imm_granted: no"))
			t.imm_granted = false;
		else if (!strcmp(line, "direct: no"))
			t.formats_direct = false;
		else if (!strcmp(line, "indirect: no"))
			t.formats_indirect = false;
		else if (sscanf(line, "imm_data_offset: %u", &number) == 1)
			t.imm_data_offset = (uint16_t)number;
		else if (sscanf(line, "max_table_entries: %u", &number) == 1)
			t.max_table_entries = number;
		else
			fail_msg("%s/terms.txt: unknown line: %s", dir, line);
	}
	free(text);
	return t;
}

/* Return: the printed text; the caller frees. */
static char *run_text(const struct golden_case *c, const uint8_t *buf, size_t len, struct iu_result *r)
{
	char *text = NULL;
	size_t text_len;
	FILE *f = open_memstream(&text, &text_len);

	assert_non_null(f);
	r->error = SRP_OK;
	r->encoded_len = 0;
	c->kind->run(f, buf, len, &c->terms, r);
	fclose(f);
	return text;
}

/* Decodes bytes that may hold anything; what decodes must survive encoding and decoding again. */
static void run_any(const struct golden_case *c, const uint8_t *bytes, size_t len)
{
	static struct iu_result r, again;
	char *text = run_text(c, bytes, len, &r), *text_again;

	if (r.error == SRP_OK) {
		if (!r.encoded_len)
			fail_msg("%s: decodes and cannot be encoded at %zu bytes", c->dir, len);
		text_again = run_text(c, r.encoded, r.encoded_len, &again);
		if (strcmp(text, text_again))
			fail_msg("%s: decoded, encoded and decoded:\n%s--\n%s", c->dir, text, text_again);
		free(text_again);
	} else {
		assert_int_equal(r.encoded_len, 0);
	}
	free(text);
}

static void check_want(const struct golden_case *c, struct tally *tally)
{
	static struct iu_result r;
	size_t kind = (size_t)(c->kind - iu_kinds);
	uint8_t canonical[8192];
	size_t canonical_len;
	char *text = run_text(c, c->in, c->in_len, &r), *want = file_text(c->dir, "want.txt");

	if (strcmp(text, want))
		fail_msg("%s: want:\n%s-- decoded:\n%s", c->dir, want, text);
	free(text);
	free(want);
	tally->n++;
	tally->error_seen[r.error] = true;
	if (r.error != SRP_OK) {
		tally->n_error[kind]++;
		return;
	}
	tally->n_ok[kind]++;
	canonical_len = file_hex(c->dir, file_exists(c->dir, "canonical.hex") ? "canonical.hex" : "in.hex", canonical,
				 sizeof(canonical));
	if (r.encoded_len != canonical_len || memcmp(r.encoded, canonical, canonical_len))
		fail_msg("%s: the encoder writes other bytes (%zu, want %zu)", c->dir, r.encoded_len, canonical_len);
}

static bool hidden(const struct dirent *d)
{
	return d->d_name[0] == '.';
}

/* Return: the number of cases; each folder below @root must be an IU kind, and each below that a whole case. */
static unsigned for_each_case(void (*visit)(const struct golden_case *c, void *arg), void *arg)
{
	static struct golden_case c;
	unsigned n = 0;

	for (c.kind = iu_kinds; c.kind < iu_kinds + N_IU_KINDS; c.kind++) {
		char kind_dir[256];
		struct dirent *d;
		DIR *dir;

		snprintf(kind_dir, sizeof(kind_dir), "%s/%s", golden_root(), c.kind->name);
		dir = opendir(kind_dir);
		if (!dir)
			fail_msg("%s: %s", kind_dir, strerror(errno));
		while ((d = readdir(dir))) {
			if (hidden(d))
				continue;
			snprintf(c.dir, sizeof(c.dir), "%s/%s", kind_dir, d->d_name);
			c.in_len = file_hex(c.dir, "in.hex", c.in, sizeof(c.in));
			c.terms = terms_load(c.dir);
			visit(&c, arg);
			n++;
		}
		closedir(dir);
	}
	return n;
}

static void visit_want(const struct golden_case *c, void *arg)
{
	check_want(c, arg);
}

static void visit_prefixes(const struct golden_case *c, void *arg)
{
	(void)arg;
	for (size_t len = 0; len <= c->in_len; len++) {
		struct exact x;

		assert_true(exact_init(&x, c->in, len));
		run_any(c, x.heap, len);
		run_any(c, x.fence, len);
		exact_fini(&x);
	}
}

static void visit_bits(const struct golden_case *c, void *arg)
{
	size_t n_bytes = c->in_len < 160 ? c->in_len : 160; /* the long lists repeat themselves */
	struct exact x;

	(void)arg;
	assert_true(exact_init(&x, c->in, c->in_len));
	for (size_t bit = 0; bit < n_bytes * 8; bit++) {
		x.heap[bit / 8] ^= (uint8_t)(1u << bit % 8);
		run_any(c, x.heap, c->in_len);
		x.heap[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	exact_fini(&x);
}

static void every_case_decodes_as_wanted(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	assert_true(for_each_case(visit_want, &tally) > 0);
	for (size_t i = 0; i < N_IU_KINDS; i++)
		if (!tally.n_ok[i] || !tally.n_error[i])
			fail_msg("%s/%s: %u sound and %u faulty cases; each must be there", golden_root(),
				 iu_kinds[i].name, tally.n_ok[i], tally.n_error[i]);
	for (size_t i = 0; i < N_SRP_ERRORS; i++)
		if (!tally.error_seen[i])
			fail_msg("no case gives %s", srp_error_ids[i]);
	print_message("%u golden cases\n", tally.n);
}

static void no_folder_is_overlooked(void **state)
{
	DIR *dir = opendir(golden_root());
	struct dirent *d;

	(void)state;
	assert_non_null(dir);
	while ((d = readdir(dir))) {
		size_t i = 0;

		while (i < N_IU_KINDS && strcmp(iu_kinds[i].name, d->d_name))
			i++;
		if (i == N_IU_KINDS && !hidden(d))
			fail_msg("%s/%s is no IU kind", golden_root(), d->d_name);
	}
	closedir(dir);
}

static void every_prefix_stays_within_its_bytes(void **state)
{
	(void)state;
	assert_true(for_each_case(visit_prefixes, NULL) > 0);
}

static void every_flipped_bit_survives_a_round_trip(void **state)
{
	(void)state;
	assert_true(for_each_case(visit_bits, NULL) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_decodes_as_wanted),
		cmocka_unit_test(no_folder_is_overlooked),
		cmocka_unit_test(every_prefix_stays_within_its_bytes),
		cmocka_unit_test(every_flipped_bit_survives_a_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
