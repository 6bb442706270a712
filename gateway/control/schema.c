/* SPDX-License-Identifier: BSD-3-Clause */
/* A table-driven reader of JSON objects, see schema.h. Layer: control. Knows base, arena, problems, jansson. */
#include "schema.h"
#include "nearest.h"

#include <errno.h>
#include <string.h>

struct reader {
	struct arena *arena;
	struct problems *problems;
};

static int read_object(struct reader *r, const struct schema_object *o, const json_t *v, struct json_path path,
		       void *out);

static void wrong_kind(struct reader *r, const struct schema_key *k, const struct json_path *path)
{
	char must[256];

	err_cure(problem_at(r->problems, path, "this value has the wrong type"), "give %s",
		 schema_type_str(k, must, sizeof(must)));
}

static int read_objects(struct reader *r, const struct schema_key *k, const json_t *v, struct json_path path,
			struct schema_list *list)
{
	size_t size = k->object->size_bytes;
	int rc = 0;

	list->word = k->word && json_is_string(v) && strcmp(json_string_value(v), k->word) == 0;
	if (list->word)
		return 0;
	if (!json_is_array(v)) {
		wrong_kind(r, k, &path);
		return 0;
	}
	list->item = arena_array(r->arena, json_array_size(v), size);
	if (!list->item)
		return -ENOMEM;
	list->n = json_array_size(v);
	for (size_t i = 0; i < list->n && rc == 0; i++)
		rc = read_object(r, k->object, json_array_get(v, i), json_path_index(path, i),
				 (char *)list->item + i * size);
	return rc;
}

static int read_named(struct reader *r, const struct schema_key *k, const json_t *v, struct json_path path,
		      struct schema_list *list)
{
	size_t size = k->object->size_bytes, i = 0;
	const char *name;
	json_t *member;
	int rc = 0;

	if (!json_is_object(v)) {
		wrong_kind(r, k, &path);
		return 0;
	}
	list->item = arena_array(r->arena, json_object_size(v), size);
	if (!list->item)
		return -ENOMEM;
	list->n = json_object_size(v);
	json_object_foreach((json_t *)v, name, member)
	{
		char *item = (char *)list->item + i++ * size;

		if (!(*(char **)(void *)item = arena_strdup(r->arena, name)))
			return -ENOMEM;
		rc = read_object(r, k->object, member, json_path_key(path, name), item);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_strings(struct reader *r, const struct schema_key *k, const json_t *v, struct json_path path,
			struct schema_strings *list)
{
	const struct schema_key item = { .type = SCHEMA_STRING };

	if (!json_is_array(v)) {
		wrong_kind(r, k, &path);
		return 0;
	}
	list->item = arena_array(r->arena, json_array_size(v), sizeof(*list->item));
	if (!list->item)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(v); i++) {
		struct json_path at = json_path_index(path, i);
		int rc = schema_scalar(&item, json_array_get(v, i), &at, &list->item[list->n], r->arena, r->problems);

		if (rc)
			return rc;
		if (list->item[list->n])
			list->n++;
	}
	return 0;
}

static int read_settings(struct reader *r, const struct schema_key *k, const json_t *v, struct json_path path,
			 struct schema_list *list)
{
	const struct schema_key item = { .type = SCHEMA_STRING };
	struct schema_setting *s;
	const char *name;
	json_t *member;

	if (!json_is_object(v)) {
		wrong_kind(r, k, &path);
		return 0;
	}
	s = arena_array(r->arena, json_object_size(v), sizeof(*s));
	if (!s)
		return -ENOMEM;
	list->item = s;
	json_object_foreach((json_t *)v, name, member)
	{
		struct json_path at = json_path_key(path, name);
		int rc = schema_scalar(&item, member, &at, &s[list->n].value, r->arena, r->problems);

		if (rc)
			return rc;
		if (!s[list->n].value)
			continue;
		if (!(s[list->n++].key = arena_strdup(r->arena, name)))
			return -ENOMEM;
	}
	return 0;
}

static const struct schema_key *find_key(const struct schema_object *o, const char *name)
{
	for (const struct schema_key *k = o->key; k->name; k++) {
		if (strcmp(k->name, name) == 0)
			return k;
	}
	return NULL;
}

/* An object, or its word: the defaults, with the key that it names. */
static int read_member(struct reader *r, const struct schema_key *k, const json_t *v, struct json_path path, void *out)
{
	int rc;

	if (!k->word || !json_is_string(v))
		return read_object(r, k->object, v, path, out);
	if (strcmp(json_string_value(v), k->word) != 0) {
		wrong_kind(r, k, &path);
		return 0;
	}
	rc = read_object(r, k->object, NULL, path, out);
	*(bool *)((char *)out + find_key(k->object, k->word)->offset) = true;
	return rc;
}

static int read_value(struct reader *r, const struct schema_key *k, const json_t *v, struct json_path path, void *out)
{
	switch (k->type) {
	case SCHEMA_OBJECT:
		return read_member(r, k, v, path, out);
	case SCHEMA_OBJECTS:
		return read_objects(r, k, v, path, out);
	case SCHEMA_NAMED:
		return read_named(r, k, v, path, out);
	case SCHEMA_STRINGS:
		return read_strings(r, k, v, path, out);
	case SCHEMA_SETTINGS:
		return read_settings(r, k, v, path, out);
	default:
		return schema_scalar(k, v, &path, out, r->arena, r->problems);
	}
}

static int read_default(struct reader *r, const struct schema_key *k, struct json_path path, void *out)
{
	json_t *v;
	int rc;

	if (k->type == SCHEMA_OBJECT) /* absent: its keys have defaults of their own, and none of them is required */
		return read_object(r, k->object, NULL, path, out);
	if (!k->def)
		return 0;
	v = json_loads(k->def, JSON_DECODE_ANY, NULL);
	if (!v)
		return -ENOMEM;
	rc = read_value(r, k, v, path, out);
	json_decref(v);
	return rc;
}

static void unknown_key(struct reader *r, const struct schema_object *o, const struct json_path *path, const char *name)
{
	struct nearest near = { .wanted = name };
	struct err *e = problem_at_key(r->problems, path, "unknown key");
	char known[400];
	size_t used = 0;

	for (const struct schema_key *k = o->key; k->name; k++)
		nearest_offer(&near, k->name);
	if (near.best) {
		err_cure(e, "did you mean \"%s\"?", near.best);
		return;
	}
	known[0] = '\0';
	for (const struct schema_key *k = o->key; k->name && used < sizeof(known); k++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", k->name);
	err_cure(e, "the keys here are %s", known);
}

static int read_object(struct reader *r, const struct schema_object *o, const json_t *v, struct json_path path,
		       void *out)
{
	const char *name;
	json_t *member;

	if (v && !json_is_object(v)) {
		err_cure(problem_at(r->problems, &path, "this value has the wrong type"), "give an object: { ... }");
		v = NULL;
	} else if (v) {
		json_object_foreach((json_t *)v, name, member)
		{
			struct json_path at = json_path_key(path, name);

			if (!find_key(o, name))
				unknown_key(r, o, &at, name);
		}
	}
	for (const struct schema_key *k = o->key; k->name; k++) {
		struct json_path at = json_path_key(path, k->name);
		void *member_out = (char *)out + k->offset;
		int rc;

		member = v ? json_object_get(v, k->name) : NULL;
		if (member)
			rc = read_value(r, k, member, at, member_out);
		else
			rc = read_default(r, k, at, member_out);
		if (rc)
			return rc;
		if (!member && v && k->required)
			err_cure(problem_at(r->problems, &at, "this key is missing"), "add \"%s\": %s", k->name,
				 k->help);
	}
	return 0;
}

int schema_parse(const struct schema_object *o, const json_t *v, struct json_path path, void *out, struct arena *arena,
		 struct problems *problems)
{
	struct reader r = { .arena = arena, .problems = problems };

	return read_object(&r, o, v, path, out);
}

static void restart_diff(const struct schema_object *o, const json_t *was, const json_t *is, struct json_path path,
			 void (*fn)(void *arg, const char *path), void *arg)
{
	char text[128];

	for (const struct schema_key *k = o->key; k->name; k++) {
		struct json_path at = json_path_key(path, k->name);
		const json_t *a = was ? json_object_get(was, k->name) : NULL,
			     *b = is ? json_object_get(is, k->name) : NULL;

		if (!k->restart && k->type == SCHEMA_OBJECT)
			restart_diff(k->object, a, b, at, fn, arg);
		else if (k->restart && (a || b) && !json_equal(a, b))
			fn(arg, json_path_str(&at, text, sizeof(text)));
	}
}

void schema_restart_diff(const struct schema_object *o, const json_t *was, const json_t *is,
			 void (*fn)(void *arg, const char *path), void *arg)
{
	restart_diff(o, was, is, JSON_PATH_TOP, fn, arg);
}
