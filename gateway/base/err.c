/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fills and prints the error object of the control path. The first to report knows the root; what others say on the
 * way up only fills in what is still missing. Layer: base. Knows libc only.
 */
#include "err.h"

#include "text.h"

#include <stdarg.h>
#include <stdio.h>

static void PRINTF_LIKE(3, 0) put_text(char *dst, size_t cap, const char *fmt, va_list ap)
{
	if (vsnprintf(dst, cap, fmt, ap) < 0)
		dst[0] = '\0';
	text_make_safe(dst);
}

static void PRINTF_LIKE(3, 4) put_textf(char *dst, size_t cap, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_text(dst, cap, fmt, ap);
	va_end(ap);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e || e->cause[0])
		return code;
	va_start(ap, fmt);
	put_text(e->cause, sizeof(e->cause), fmt, ap);
	va_end(ap);
	return code;
}

void err_cure(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (!e || e->cure[0])
		return;
	va_start(ap, fmt);
	put_text(e->cure, sizeof(e->cure), fmt, ap);
	va_end(ap);
}

void err_at(struct err *e, const char *file, int line, int column, const char *key)
{
	if (!e)
		return;
	if (file && !e->file[0])
		put_textf(e->file, sizeof(e->file), "%s", file);
	/* Line and column belong together: a column without its line would point anywhere. */
	if (line && !e->line) {
		e->line = line;
		e->column = column;
	}
	if (key && !e->key[0])
		put_textf(e->key, sizeof(e->key), "%s", key);
}

const char *err_format(const struct err *e, char *buf, size_t cap)
{
	char line[16] = "", column[16] = "";

	if (!cap)
		return buf;
	if (e->line)
		snprintf(line, sizeof(line), "%d:", e->line);
	if (e->line && e->column)
		snprintf(column, sizeof(column), "%d:", e->column);
	put_textf(buf, cap, "%s%s%s%s%s%s%s%s%s%s",
		  e->file[0] ? e->file : e->line ? "line " : "", e->file[0] ? ":" : "", line, column,
		  e->file[0] || e->line ? " " : "", e->key, e->key[0] ? ": " : "",
		  e->cause[0] ? e->cause : "unknown error", e->cure[0] ? "; " : "", e->cure);
	return buf;
}
