/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a value stands in a JSON text: the parser used for configuration (jansson) keeps no positions, so a
 * path is followed once more through the text when an error is to be told. Layer: control. Knows base and jansson.
 */
#ifndef CONTROL_JSON_PATH_H
#define CONTROL_JSON_PATH_H

#include <stddef.h>

#define JSON_PATH_MAX 12

/* From the top to a value: object members and array items. Passed by value; keys are borrowed. */
struct json_path {
	struct {
		const char *key; /* NULL: array item */
		size_t index;
	} step[JSON_PATH_MAX];
	unsigned n;
};

#define JSON_PATH_TOP ((struct json_path){ .n = 0 })

/* One step further; a path longer than JSON_PATH_MAX stays where it is. */
struct json_path json_path_key(struct json_path p, const char *key);
struct json_path json_path_index(struct json_path p, size_t index);

/* "targets[0].luns[1].backend"; "" for the top. Return: @buf. */
const char *json_path_str(const struct json_path *p, char *buf, size_t cap);

/**
 * json_locate() - position of the value at @p, or of the deepest part of the path that exists.
 * @text: @len bytes that jansson has accepted.
 * @of_key: position of the last step's key instead of its value.
 * @line, @column: 1-based; columns count characters.
 */
void json_locate(const char *text, size_t len, const struct json_path *p, int of_key, int *line, int *column);

#endif
