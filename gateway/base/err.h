/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The error object of the control path: what a person must mend, with the place, the cause and the cure.
 * Layer: base. Knows libc only.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "cleanup.h"

#include <stddef.h>

/*
 * All members are NUL-terminated; an empty string or 0 means "not known". The caller owns the object
 * (usually on its stack) and initializes it with ERR_INIT. The functions below never allocate, cut what does not
 * fit, and make what they store safe to print (base/text.h). What is stated first stays: the innermost function
 * knows the root, its callers add what it could not know.
 */
struct err {
	char file[256];
	int line, column; /* 1-based; 0 = none */
	char key[128];    /* configuration key in dotted form: "targets[0].luns" */
	char cause[512];
	char cure[512];
};

#define ERR_INIT { .line = 0 }

/**
 * err_set() - state the cause; keeps a cause that was set earlier (the first one is the root).
 * @e: error object, or NULL to discard.
 * @code: negative errno to return.
 * Return: @code, so that `return err_set(e, -EINVAL, ...)` reads well.
 */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* States the cure, one imperative sentence without a full stop ("give every target an initiators list"). */
void err_cure(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* States the place; any of @file, @key may be NULL, @line and @column 0. */
void err_at(struct err *e, const char *file, int line, int column, const char *key);

/**
 * err_format() - one line: "FILE:LINE:COL: key: cause; cure".
 * @buf, @cap: result, NUL-terminated, cut to @cap bytes.
 * Return: @buf.
 */
const char *err_format(const struct err *e, char *buf, size_t cap);

#endif
