/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of the file of kept answers, see keep_file.h. Layer: control. */
#include "keep_file.h"
#include "../base/be.h"
#include "../core/keep.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
	[KEEP_LUNS] = "luns",
	[KEEP_INQUIRY] = "inquiry",
	[KEEP_VPD] = "vpd",
};
#define N_KINDS (sizeof(kind_names) / sizeof(kind_names[0]))

/* ---- writing ---- */

struct writer {
	FILE *f;
	size_t n;
	bool failed;
};

static void put_hex(FILE *f, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(f, "%02x", data[i]);
}

static bool put_string(FILE *f, const char *s)
{
	json_t *v = json_string(s);
	int rc = v ? json_dumpf(v, f, JSON_ENCODE_ANY) : -1;

	json_decref(v);
	return rc == 0;
}

static void put_answer(void *arg, const struct keep_key *key, const struct keep_answer *a)
{
	struct writer *w = arg;
	FILE *f = w->f;

	if (w->failed || key->kind >= N_KINDS)
		return;
	fprintf(f, "%s\n{\"backend\":", w->n++ ? "," : "");
	w->failed = !put_string(f, key->backend);
	fprintf(f, ",\"uri\":\"%016" PRIx64 "\",\"initiator\":", key->uri_print);
	w->failed = w->failed || !put_string(f, key->initiator);
	fprintf(f, ",\"what\":\"%s\"", kind_names[key->kind]);
	if (key->kind != KEEP_LUNS) {
		fprintf(f, ",\"lun\":\"");
		put_hex(f, key->lun, sizeof(key->lun));
		fputc('"', f);
	}
	if (key->kind == KEEP_VPD)
		fprintf(f, ",\"page\":%u", key->page);
	fprintf(f, ",\"data\":\"");
	put_hex(f, a->data, a->len_bytes);
	fprintf(f, "\"}");
}

char *keep_file_text(struct core *core, size_t *len)
{
	char *text = NULL;
	struct writer w = { .f = open_memstream(&text, len) };
	bool failed;

	if (!w.f)
		return NULL;
	fprintf(w.f,
		"{\"about\":\"what back-ends told of their logical units; srpgwd makes it anew when it is missing\",\n"
		"\"version\":%d,\"kept\":[",
		KEEP_FILE_VERSION);
	core_keep_for_each(core, put_answer, &w);
	fprintf(w.f, "\n]}\n");
	failed = ferror(w.f) || w.failed;
	if (fclose(w.f) || failed) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- reading ---- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* @len: in, room at @out; out, bytes. */
static bool get_hex(const json_t *v, uint8_t *out, size_t *len)
{
	const char *s = json_string_value(v);
	size_t n = json_string_length(v);

	if (!s || n % 2 || n / 2 > *len)
		return false;
	for (size_t i = 0; i < n; i += 2) {
		int hi = digit(s[i]), lo = digit(s[i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	*len = n / 2;
	return true;
}

/* A string without a NUL inside, which would end it early. */
static const char *get_name(const json_t *v)
{
	const char *s = json_string_value(v);

	return s && strlen(s) == json_string_length(v) ? s : NULL;
}

static bool get_kind(const json_t *v, uint8_t *kind)
{
	const char *s = get_name(v);

	for (*kind = 0; s && *kind < N_KINDS; (*kind)++)
		if (strcmp(s, kind_names[*kind]) == 0)
			return true;
	return false;
}

static bool get_key(const json_t *item, struct keep_key *key)
{
	const json_t *page = json_object_get(item, "page");
	struct be64 print;
	size_t print_len = sizeof(print.b), lun_len = sizeof(key->lun);

	key->backend = get_name(json_object_get(item, "backend"));
	key->initiator = get_name(json_object_get(item, "initiator"));
	if (!key->backend || !key->initiator || !get_kind(json_object_get(item, "what"), &key->kind))
		return false;
	if (!get_hex(json_object_get(item, "uri"), print.b, &print_len) || print_len != sizeof(print.b))
		return false;
	key->uri_print = be64_get(print);
	if (key->kind != KEEP_LUNS &&
	    (!get_hex(json_object_get(item, "lun"), key->lun, &lun_len) || lun_len != sizeof(key->lun)))
		return false;
	if (key->kind != KEEP_VPD)
		return true;
	key->page = (uint8_t)json_integer_value(page);
	return json_is_integer(page) && json_integer_value(page) == key->page;
}

static bool use(struct core *core, const json_t *item, uint8_t room[KEEP_LUNS_BYTES])
{
	struct keep_key key = { .kind = 0 };
	size_t len = KEEP_LUNS_BYTES;

	return get_key(item, &key) && get_hex(json_object_get(item, "data"), room, &len) &&
	       core_keep_add(core, &key, room, (uint32_t)len) == 0;
}

static int check_head(const json_t *doc, struct err *e)
{
	const json_t *version = json_object_get(doc, "version");

	if (!json_is_integer(version) || !json_is_array(json_object_get(doc, "kept")))
		return err_set(e, -EINVAL, "it is no list of kept answers");
	if (json_integer_value(version) != KEEP_FILE_VERSION)
		return err_set(e, -EINVAL, "it is of version %" JSON_INTEGER_FORMAT " and not of %d",
			       json_integer_value(version), KEEP_FILE_VERSION);
	return 0;
}

static int use_all(struct core *core, const json_t *kept, struct keep_file_count *n, struct err *e)
{
	uint8_t *room = malloc(KEEP_LUNS_BYTES);

	if (!room)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < json_array_size(kept); i++) {
		if (use(core, json_array_get(kept, i), room))
			n->used++;
		else
			n->damaged++;
	}
	free(room);
	return 0;
}

int keep_file_parse(struct core *core, const char *text, size_t len, struct keep_file_count *n, struct err *e)
{
	json_error_t je;
	json_t *doc;
	int rc;

	*n = (struct keep_file_count){ 0 };
	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);
	if (!doc)
		return err_set(e, -EINVAL, "line %d: %s", je.line, je.text);
	rc = check_head(doc, e);
	if (rc == 0)
		rc = use_all(core, json_object_get(doc, "kept"), n, e);
	json_decref(doc);
	return rc;
}
