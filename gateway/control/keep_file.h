/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The text of KEEP_STORE_FILE: one JSON object of version, and an array with a line for each answer that is kept.
 * Layer: control. Knows core/keep.h and jansson.
 */
#ifndef CONTROL_KEEP_FILE_H
#define CONTROL_KEEP_FILE_H

#include "../base/err.h"
#include "../core/core.h"

#define KEEP_FILE_VERSION 1
#define KEEP_FILE_MOST_BYTES ((size_t)64 << 20) /* twice what core keeps, in hexadecimal, with room for names */

struct keep_file_count {
	size_t used, damaged;
};

/* Everything that @core keeps. Return: malloc'ed text of *@len bytes, or NULL when out of memory. */
char *keep_file_text(struct core *core, size_t *len);

/*
 * Gives every answer in the @len bytes of @text to @core; each is checked as if a back-end had told it.
 * Return: 0 with @n; -EINVAL with @e when it is no such file, or of another version.
 */
int keep_file_parse(struct core *core, const char *text, size_t len, struct keep_file_count *n,
		    struct err *e) WARN_UNUSED;

#endif
