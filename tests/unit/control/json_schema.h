/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * As much of JSON Schema as docs/status.schema.json uses. A keyword that is not known here fails the test, so that no
 * rule is skipped silently.
 */
#ifndef UNIT_CONTROL_JSON_SCHEMA_H
#define UNIT_CONTROL_JSON_SCHEMA_H

#include <jansson.h>
#include <regex.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct schema_run {
	const json_t *root;
	char why[512]; /* first violation */
};

static inline bool js_fail(struct schema_run *r, const char *where, const char *what)
{
	if (!r->why[0])
		snprintf(r->why, sizeof(r->why), "%s: %s", where, what);
	return false;
}

static inline bool js_is(const json_t *v, const char *type)
{
	if (strcmp(type, "object") == 0)
		return json_is_object(v);
	if (strcmp(type, "array") == 0)
		return json_is_array(v);
	if (strcmp(type, "string") == 0)
		return json_is_string(v);
	if (strcmp(type, "integer") == 0)
		return json_is_integer(v);
	if (strcmp(type, "boolean") == 0)
		return json_is_boolean(v);
	return strcmp(type, "null") == 0 && json_is_null(v);
}

static inline bool js_type(const json_t *v, const json_t *type)
{
	if (json_is_string(type))
		return js_is(v, json_string_value(type));
	for (size_t i = 0; i < json_array_size(type); i++) {
		if (js_is(v, json_string_value(json_array_get(type, i))))
			return true;
	}
	return false;
}

static inline bool js_matches(const char *s, const char *pattern)
{
	regex_t re;
	bool ok;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB))
		return false;
	ok = regexec(&re, s, 0, NULL, 0) == 0;
	regfree(&re);
	return ok;
}

static bool js_valid(struct schema_run *r, const json_t *v, const json_t *s, const char *where);

static inline bool js_members(struct schema_run *r, const json_t *v, const json_t *s, const char *where)
{
	const json_t *properties = json_object_get(s, "properties"), *more = json_object_get(s, "additionalProperties"),
		     *required;
	const char *key;
	json_t *member;
	char at[256];

	required = json_object_get(s, "required");
	for (size_t i = 0; i < json_array_size(required); i++) {
		key = json_string_value(json_array_get(required, i));
		snprintf(at, sizeof(at), "%.150s.%s", where, key);
		if (!json_object_get(v, key))
			return js_fail(r, at, "is missing");
	}
	json_object_foreach((json_t *)v, key, member)
	{
		const json_t *rule = json_object_get(properties, key);

		snprintf(at, sizeof(at), "%.150s.%.60s", where, key);
		if (!rule)
			rule = more;
		if (json_is_false(rule))
			return js_fail(r, at, "is not in the schema");
		if (json_is_object(rule) && !js_valid(r, member, rule, at))
			return false;
	}
	return true;
}

static inline bool js_items(struct schema_run *r, const json_t *v, const json_t *s, const char *where)
{
	const json_t *min = json_object_get(s, "minItems"), *max = json_object_get(s, "maxItems");
	char at[256];

	if ((min && json_array_size(v) < (size_t)json_integer_value(min)) ||
	    (max && json_array_size(v) > (size_t)json_integer_value(max)))
		return js_fail(r, where, "has a wrong number of items");
	for (size_t i = 0; i < json_array_size(v); i++) {
		snprintf(at, sizeof(at), "%.200s[%zu]", where, i);
		if (!js_valid(r, json_array_get(v, i), json_object_get(s, "items"), at))
			return false;
	}
	return true;
}

static inline bool js_keywords_known(struct schema_run *r, const json_t *s, const char *where)
{
	static const char *const known[] = { "$schema",
					     "$defs",
					     "$ref",
					     "title",
					     "description",
					     "type",
					     "enum",
					     "const",
					     "minimum",
					     "maximum",
					     "pattern",
					     "items",
					     "minItems",
					     "maxItems",
					     "properties",
					     "required",
					     "additionalProperties" };
	const char *key;
	json_t *ignored;

	json_object_foreach((json_t *)s, key, ignored)
	{
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found |= strcmp(known[i], key) == 0;
		if (!found)
			return js_fail(r, where, "the schema has a keyword that this test does not know");
	}
	return true;
}

static bool js_valid(struct schema_run *r, const json_t *v, const json_t *s, const char *where)
{
	const json_t *rule;
	bool ok = true;

	if (!json_is_object(s))
		return js_fail(r, where, "has no schema");
	if (!js_keywords_known(r, s, where))
		return false;
	rule = json_object_get(s, "$ref");
	if (rule)
		return js_valid(
		    r, v,
		    json_object_get(json_object_get(r->root, "$defs"), json_string_value(rule) + strlen("#/$defs/")),
		    where);
	if ((rule = json_object_get(s, "type")) && !js_type(v, rule))
		return js_fail(r, where, "has a wrong type");
	if ((rule = json_object_get(s, "const")) && !json_equal(v, rule))
		return js_fail(r, where, "has a wrong value");
	if ((rule = json_object_get(s, "enum"))) {
		ok = false;
		for (size_t i = 0; i < json_array_size(rule); i++)
			ok |= json_equal(v, json_array_get(rule, i));
		if (!ok)
			return js_fail(r, where, "is none of the words allowed");
	}
	if ((rule = json_object_get(s, "minimum")) && json_integer_value(v) < json_integer_value(rule))
		return js_fail(r, where, "is too small");
	if ((rule = json_object_get(s, "maximum")) && json_integer_value(v) > json_integer_value(rule))
		return js_fail(r, where, "is too large");
	if ((rule = json_object_get(s, "pattern")) && json_is_string(v) &&
	    !js_matches(json_string_value(v), json_string_value(rule)))
		return js_fail(r, where, "has a wrong form");
	if (json_is_object(v))
		return js_members(r, v, s, where);
	if (json_is_array(v))
		return js_items(r, v, s, where);
	return true;
}

/* Return: true, or false with r->why. */
static inline bool json_schema_ok(struct schema_run *r, const json_t *root, const json_t *v)
{
	memset(r, 0, sizeof(*r));
	r->root = root;
	return js_valid(r, v, root, "$");
}

#endif
