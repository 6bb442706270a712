/* SPDX-License-Identifier: BSD-3-Clause */
/* The manual's tables from the tables of keys, see schema.h. Layer: control. Knows schema. */
#include "schema.h"

#include <inttypes.h>
#include <string.h>

#define OBJECTS_MAX 32

static void print_number(const struct schema_key *k, uint64_t v, FILE *out)
{
	if (k->type == SCHEMA_SIZE && v && v % (1u << 30) == 0)
		fprintf(out, "%" PRIu64 "G", v >> 30);
	else if (k->type == SCHEMA_SIZE && v && v % (1u << 20) == 0)
		fprintf(out, "%" PRIu64 "M", v >> 20);
	else if (k->type == SCHEMA_SIZE && v && v % (1u << 10) == 0)
		fprintf(out, "%" PRIu64 "K", v >> 10);
	else
		fprintf(out, "%" PRIu64, v);
}

static void print_type(const struct schema_key *k, FILE *out)
{
	switch (k->type) {
	case SCHEMA_STRING:
		fputs("string", out);
		break;
	case SCHEMA_UINT:
	case SCHEMA_SIZE:
		fputs(k->type == SCHEMA_UINT ? "number " : "size ", out);
		print_number(k, k->min, out);
		fputs("..", out);
		print_number(k, k->max ? k->max : UINT32_MAX, out);
		break;
	case SCHEMA_BOOL:
		fputs("true or false", out);
		break;
	case SCHEMA_ENUM:
		for (int i = 0; k->names[i]; i++)
			fprintf(out, "%s`%s`", i ? ", " : "", k->names[i]);
		break;
	case SCHEMA_GUID:
		fputs("16 hex digits", out);
		break;
	case SCHEMA_LUN:
		fputs("LUN", out);
		break;
	case SCHEMA_OBJECT:
	case SCHEMA_OBJECTS:
		fputs(k->type == SCHEMA_OBJECT ? "object" : "list of objects", out);
		if (k->word)
			fprintf(out, ", or `\"%s\"`", k->word);
		break;
	case SCHEMA_NAMED:
		fputs("objects by name", out);
		break;
	case SCHEMA_STRINGS:
		fputs("list of strings", out);
		break;
	case SCHEMA_SETTINGS:
		fputs("strings by name", out);
		break;
	}
	if (k->unit)
		fprintf(out, " (%s)", k->unit);
}

static void print_keys(const struct schema_object *o, FILE *out)
{
	fprintf(out, "### %s\n\n%s.\n\n| key | value | default | meaning |\n|---|---|---|---|\n", o->title, o->help);
	for (const struct schema_key *k = o->key; k->name; k++) {
		fprintf(out, "| `%s` | ", k->name);
		print_type(k, out);
		if (k->required)
			fputs(" | required", out);
		else if (k->def)
			fprintf(out, " | `%s`", k->def);
		else
			fputs(" | -", out);
		fprintf(out, " | %s%s |\n", k->help, k->restart ? " (restart)" : "");
	}
	fputc('\n', out);
}

void schema_print(const struct schema_object *o, FILE *out)
{
	const struct schema_object *queue[OBJECTS_MAX] = { o };
	size_t n = 1;

	for (size_t i = 0; i < n; i++) {
		print_keys(queue[i], out);
		for (const struct schema_key *k = queue[i]->key; k->name; k++) {
			bool seen = !k->object;

			for (size_t j = 0; j < n && !seen; j++)
				seen = queue[j] == k->object;
			if (!seen && n < OBJECTS_MAX)
				queue[n++] = k->object;
		}
	}
}
