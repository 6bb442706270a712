/* SPDX-License-Identifier: BSD-3-Clause */
/* Single values of a table-driven JSON object, see schema.h. Layer: control. Knows base, proto, arena, problems,
 * jansson. */
#include "../proto/scsi.h"
#include "nearest.h"
#include "schema.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *json_kind(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a number";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	default:
		return "null";
	}
}

static uint64_t key_max(const struct schema_key *k)
{
	if (k->max)
		return k->max;
	return k->type == SCHEMA_UINT ? UINT32_MAX : INT64_MAX;
}

const char *schema_type_str(const struct schema_key *k, char *buf, size_t cap)
{
	size_t used;

	switch (k->type) {
	case SCHEMA_STRING:
		snprintf(buf, cap, "a string");
		break;
	case SCHEMA_UINT:
		snprintf(buf, cap, "a number from %" PRIu64 " to %" PRIu64, k->min, key_max(k));
		break;
	case SCHEMA_SIZE:
		snprintf(buf, cap, "a number of bytes from %" PRIu64 " to %" PRIu64 ", or a string such as \"64M\"",
			 k->min, key_max(k));
		break;
	case SCHEMA_BOOL:
		snprintf(buf, cap, "true or false");
		break;
	case SCHEMA_ENUM:
		used = (size_t)snprintf(buf, cap, "one of");
		for (int i = 0; k->names[i] && used < cap; i++)
			used += (size_t)snprintf(buf + used, cap - used, "%s \"%s\"", i ? "," : "", k->names[i]);
		break;
	case SCHEMA_GUID:
		snprintf(buf, cap, "a string of 16 hexadecimal digits");
		break;
	case SCHEMA_LUN:
		snprintf(buf, cap, "a number from 0 to 16383, or a string of 16 hexadecimal digits");
		break;
	case SCHEMA_OBJECT:
		snprintf(buf, cap, k->word ? "an object, or \"%s\"" : "an object", k->word);
		break;
	case SCHEMA_OBJECTS:
		snprintf(buf, cap, k->word ? "a list of objects, or \"%s\"" : "a list of objects", k->word);
		break;
	case SCHEMA_NAMED:
		snprintf(buf, cap, "an object with an object for each name");
		break;
	case SCHEMA_STRINGS:
		snprintf(buf, cap, "a list of strings");
		break;
	case SCHEMA_SETTINGS:
		snprintf(buf, cap, "an object with a string for each name");
		break;
	}
	return buf;
}

bool schema_size_parse(const char *s, uint64_t *bytes)
{
	uint64_t v = 0, unit = 1;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (v > (INT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	switch (*s) {
	case 'G':
	case 'g':
		unit <<= 30;
		s++;
		break;
	case 'M':
	case 'm':
		unit <<= 20;
		s++;
		break;
	case 'K':
	case 'k':
		unit <<= 10;
		s++;
		break;
	default:
		break;
	}
	if (*s || v > INT64_MAX / unit)
		return false;
	*bytes = v * unit;
	return true;
}

bool schema_hex64_parse(const char *s, uint8_t b[8])
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(s) != 16)
		return false;
	memset(b, 0, 8);
	for (int i = 0; i < 16; i++) {
		char c = s[i] >= 'A' && s[i] <= 'F' ? (char)(s[i] - 'A' + 'a') : s[i];
		const char *d = strchr(digits, c);

		if (!d)
			return false;
		b[i / 2] = (uint8_t)(b[i / 2] << 4 | (d - digits));
	}
	return true;
}

static void wrong_type(const struct schema_key *k, const json_t *v, const struct json_path *path,
		       struct problems *problems)
{
	struct nearest near = { .wanted = json_is_string(v) ? json_string_value(v) : "" };
	char must[256];
	struct err *e;

	for (int i = 0; k->type == SCHEMA_ENUM && k->names[i]; i++)
		nearest_offer(&near, k->names[i]);
	if (json_is_string(v))
		e = problem_at(problems, path, "\"%.64s\" is not allowed here", json_string_value(v));
	else if (json_is_integer(v))
		e = problem_at(problems, path, "%" JSON_INTEGER_FORMAT " is not allowed here", json_integer_value(v));
	else
		e = problem_at(problems, path, "%s is not allowed here", json_kind(v));
	if (near.best)
		err_cure(e, "did you mean \"%s\"?", near.best);
	err_cure(e, "give %s", schema_type_str(k, must, sizeof(must)));
}

static bool in_range(const struct schema_key *k, uint64_t v)
{
	return v >= k->min && v <= key_max(k);
}

static bool enum_value(const struct schema_key *k, const json_t *v, int *out)
{
	if (!json_is_string(v))
		return false;
	for (int i = 0; k->names[i]; i++) {
		if (strcmp(k->names[i], json_string_value(v)) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool lun_value(const json_t *v, struct schema_lun *out)
{
	if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= UINT32_MAX)
		out->given = scsi_lun_from_number((uint32_t)json_integer_value(v), out->b);
	else if (json_is_string(v))
		out->given = schema_hex64_parse(json_string_value(v), out->b);
	return out->given;
}

static bool size_value(const struct schema_key *k, const json_t *v, uint64_t *out)
{
	uint64_t bytes;

	if (json_is_integer(v) && json_integer_value(v) >= 0)
		bytes = (uint64_t)json_integer_value(v);
	else if (!json_is_string(v) || !schema_size_parse(json_string_value(v), &bytes))
		return false;
	*out = bytes;
	return in_range(k, bytes);
}

int schema_scalar(const struct schema_key *k, const json_t *v, const struct json_path *path, void *out,
		  struct arena *arena, struct problems *problems)
{
	bool ok = false;

	switch (k->type) {
	case SCHEMA_STRING:
		ok = json_is_string(v) && json_string_length(v) > 0;
		if (ok && !(*(char **)out = arena_strdup(arena, json_string_value(v))))
			return -ENOMEM;
		break;
	case SCHEMA_UINT:
		ok = json_is_integer(v) && json_integer_value(v) >= 0 && in_range(k, (uint64_t)json_integer_value(v));
		if (ok)
			*(uint32_t *)out = (uint32_t)json_integer_value(v);
		break;
	case SCHEMA_SIZE:
		ok = size_value(k, v, out);
		break;
	case SCHEMA_BOOL:
		ok = json_is_boolean(v);
		*(bool *)out = json_is_true(v);
		break;
	case SCHEMA_ENUM:
		ok = enum_value(k, v, out);
		break;
	case SCHEMA_GUID:
		ok = json_is_string(v) && schema_hex64_parse(json_string_value(v), ((struct schema_guid *)out)->b);
		((struct schema_guid *)out)->given = ok;
		break;
	case SCHEMA_LUN:
		ok = lun_value(v, out);
		break;
	default:
		break;
	}
	if (!ok)
		wrong_type(k, v, path, problems);
	return 0;
}
