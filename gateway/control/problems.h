/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All that is wrong with one configuration file, each with its place, cause and cure: a person mends them in one go.
 * Layer: control. Knows base and json_path.
 */
#ifndef CONTROL_PROBLEMS_H
#define CONTROL_PROBLEMS_H

#include "../base/err.h"
#include "json_path.h"

#include <stdarg.h>
#include <stdio.h>

#define PROBLEMS_MAX 50u

/* Zero-initialized by its owner, then file and text may be set; both are borrowed. */
struct problems {
	const char *file; /* as the person named it */
	const char *text; /* accepted by jansson, or NULL */
	size_t text_len;
	struct err *item;
	size_t n;      /* in item[], at most PROBLEMS_MAX */
	size_t n_more; /* that did not fit */
	struct err spill;
};

/* A problem without a place in the text. Return: the error, for err_cure(); valid until the next problem. Never NULL.
 */
struct err *problem(struct problems *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* At the value of @path (or what exists of it). */
struct err *problem_at(struct problems *p, const struct json_path *path, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* At the key that ends @path. */
struct err *problem_at_key(struct problems *p, const struct json_path *path, const char *fmt, ...) PRINTF_LIKE(3, 4);

static inline size_t problems_count(const struct problems *p)
{
	return p->n + p->n_more;
}

/* One line each, and "and N more" when some did not fit. */
void problems_print(const struct problems *p, FILE *out);
void problems_free(struct problems *p);

#endif
