/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table-driven reader of JSON objects: one table of keys per object gives the parser, the defaults, the error for an
 * unknown key and the manual's tables. It knows nothing of what the keys mean. Layer: control. Knows base, arena,
 * problems, jansson.
 */
#ifndef CONTROL_SCHEMA_H
#define CONTROL_SCHEMA_H

#include "arena.h"
#include "problems.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Type of the value, and of the member at schema_key.offset that receives it. */
enum schema_type {
	SCHEMA_STRING,	 /* char *: not empty; NULL when absent */
	SCHEMA_UINT,	 /* uint32_t */
	SCHEMA_SIZE,	 /* uint64_t bytes: a number, or a string with K, M or G */
	SCHEMA_BOOL,	 /* bool */
	SCHEMA_ENUM,	 /* int: index into names */
	SCHEMA_GUID,	 /* struct schema_guid: 16 hex digits */
	SCHEMA_LUN,	 /* struct schema_lun: 0..16383, or 16 hex digits */
	SCHEMA_OBJECT,	 /* the struct itself */
	SCHEMA_OBJECTS,	 /* struct schema_list of structs: a JSON array of objects */
	SCHEMA_NAMED,	 /* struct schema_list of structs that begin with char *name: a JSON object of objects */
	SCHEMA_STRINGS,	 /* struct schema_strings */
	SCHEMA_SETTINGS, /* struct schema_list of struct schema_setting: a JSON object of strings */
};

struct schema_guid {
	bool given;
	uint8_t b[8];
};

struct schema_lun {
	bool given;
	uint8_t b[8];
};

struct schema_list {
	void *item;
	size_t n;
	bool word; /* OBJECTS: the key's word stood there, the list is empty */
};

struct schema_strings {
	char **item;
	size_t n;
};

struct schema_setting {
	char *key, *value;
};

struct schema_object;

struct schema_key {
	const char *name;
	enum schema_type type;
	size_t offset;
	bool required;
	bool restart;			    /* a change takes effect only when the daemon starts anew */
	uint64_t min, max;		    /* UINT, SIZE; both 0: the type's own range */
	const char *unit;		    /* "bytes", "ms", or NULL */
	const char *def;		    /* default as JSON text, or NULL: absent */
	const char *const *names;	    /* ENUM: NULL-terminated */
	const struct schema_object *object; /* OBJECT, OBJECTS, NAMED */
	/* A string that may stand instead of the value, or NULL. OBJECTS: see schema_list; OBJECT: the BOOL key that it makes true. */
	const char *word;
	const char *help;		    /* one line for the manual, without a full stop */
};

struct schema_object {
	const char *title; /* in the manual: "targets[].groups[]" */
	const char *help;
	size_t size_bytes;
	const struct schema_key *key; /* ends with a NULL name */
};

/**
 * schema_parse() - fill a struct from a JSON object, with defaults for what is absent.
 * @v: the object, or NULL: defaults only.
 * @path: where @v stands.
 * @out: zeroed struct of @o; strings and lists come from @arena.
 * Return: 0 or -ENOMEM. What is wrong with the values goes to @problems (0 is returned then too).
 */
int schema_parse(const struct schema_object *o, const json_t *v, struct json_path path, void *out, struct arena *arena,
		 struct problems *problems) WARN_UNUSED;

/* One value by its key's rules; used by schema_parse(). @out: the member. */
int schema_scalar(const struct schema_key *k, const json_t *v, const struct json_path *path, void *out,
		  struct arena *arena, struct problems *problems) WARN_UNUSED;

/* "64M", "1G", "4096": Return: false when it is none or too large. */
bool schema_size_parse(const char *s, uint64_t *bytes);
/* 16 hex digits, any case. */
bool schema_hex64_parse(const char *s, uint8_t b[8]);

/* What a value must be, for people: "a number from 1 to 65535". Return: @buf. */
const char *schema_type_str(const struct schema_key *k, char *buf, size_t cap);

/* Markdown tables of @o and all objects below it, each once. */
void schema_print(const struct schema_object *o, FILE *out);

/* Calls @fn with the path of each key marked "restart" whose value differs between two accepted texts. */
void schema_restart_diff(const struct schema_object *o, const json_t *was, const json_t *is,
			 void (*fn)(void *arg, const char *path), void *arg);

#endif
