/* SPDX-License-Identifier: BSD-3-Clause */
/* srpgwctl: aligned tables and numbers for people, see srpgwctl_table.h. Layer: tools. Knows libc only. */
#include "srpgwctl_table.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static struct table_cell *cell_new(struct table *t)
{
	struct table_cell *grown;

	if (!t->cell || t->n_cells == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;

		grown = realloc(t->cell, cap * sizeof(*grown));
		if (!grown) {
			t->failed = true;
			return NULL;
		}
		t->cell = grown;
		t->cap = cap;
	}
	t->cell[t->n_cells] = (struct table_cell){ .text = NULL };
	return &t->cell[t->n_cells++];
}

void table_row(struct table *t)
{
	struct table_cell *c = cell_new(t);

	if (c)
		c->starts_row = true;
}

/* The cell that table_row() made waits for the first text. */
void table_cell(struct table *t, const char *fmt, ...)
{
	struct table_cell *c = t->n_cells ? &t->cell[t->n_cells - 1] : NULL;
	va_list ap;

	if (t->failed)
		return;
	if (!c || c->text)
		c = cell_new(t);
	if (!c)
		return;
	va_start(ap, fmt);
	if (vasprintf(&c->text, fmt, ap) < 0) {
		c->text = NULL;
		t->failed = true;
	}
	va_end(ap);
}

/* Characters, not bytes: names may be in any script. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

struct column {
	size_t width;
	bool numbers;
};

/* "17", "4.0 KiB", "-"; but not an address or a hexadecimal identifier. */
static bool is_number(const char *s)
{
	size_t n = strspn(s, "0123456789.");

	return strcmp(s, "-") == 0 || (n && (s[n] == '\0' || (s[n] == ' ' && isalpha((unsigned char)s[n + 1]))));
}

static void measure(const struct table *t, struct column *col)
{
	size_t at = 0, row = 0;

	for (size_t i = 0; i < t->n_cells; i++) {
		const struct table_cell *c = &t->cell[i];
		const char *text = c->text ? c->text : "";

		at = c->starts_row ? 0 : at + 1;
		row += c->starts_row;
		if (at >= TABLE_COLUMNS_MAX)
			continue;
		if (width_of(text) > col[at].width)
			col[at].width = width_of(text);
		if (row == 1)
			col[at].numbers = true;
		else if (*text && !is_number(text))
			col[at].numbers = false;
	}
}

int table_print(const struct table *t, FILE *out)
{
	struct column col[TABLE_COLUMNS_MAX] = { { 0, false } };
	size_t at = 0;

	if (t->failed)
		return -ENOMEM;
	measure(t, col);
	for (size_t i = 0; i < t->n_cells; i++) {
		const char *text = t->cell[i].text ? t->cell[i].text : "";
		bool last = i + 1 == t->n_cells || t->cell[i + 1].starts_row;
		size_t pad;

		at = t->cell[i].starts_row ? 0 : at + 1;
		pad = at < TABLE_COLUMNS_MAX ? col[at].width - width_of(text) : 0;
		if (at < TABLE_COLUMNS_MAX && col[at].numbers)
			fprintf(out, "%*s%s", (int)pad, "", text);
		else
			fprintf(out, "%s%*s", text, last ? 0 : (int)pad, "");
		fputs(last ? "\n" : "  ", out);
	}
	return 0;
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cell[i].text);
	free(t->cell);
	memset(t, 0, sizeof(*t));
}

const char *units_bytes(uint64_t bytes, char buf[UNITS_STRLEN])
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	size_t u = 0;

	for (; v >= 1024 && u + 1 < sizeof(unit) / sizeof(unit[0]); u++)
		v /= 1024;
	snprintf(buf, UNITS_STRLEN, u ? "%.1f %s" : "%.0f %s", v, unit[u]);
	return buf;
}

const char *units_ns(uint64_t ns, char buf[UNITS_STRLEN])
{
	if (ns == 0)
		snprintf(buf, UNITS_STRLEN, "-");
	else if (ns < 1000)
		snprintf(buf, UNITS_STRLEN, "%" PRIu64 " ns", ns);
	else if (ns < 1000000)
		snprintf(buf, UNITS_STRLEN, "%.1f us", (double)ns / 1e3);
	else if (ns < 1000000000)
		snprintf(buf, UNITS_STRLEN, "%.1f ms", (double)ns / 1e6);
	else
		snprintf(buf, UNITS_STRLEN, "%.1f s", (double)ns / 1e9);
	return buf;
}

const char *units_age_ms(uint64_t ms, char buf[UNITS_STRLEN])
{
	uint64_t s = ms / 1000;

	if (s < 120)
		snprintf(buf, UNITS_STRLEN, "%u s", (unsigned)s);
	else if (s < 3600)
		snprintf(buf, UNITS_STRLEN, "%u min", (unsigned)(s / 60));
	else if (s < 86400)
		snprintf(buf, UNITS_STRLEN, "%u h %u min", (unsigned)(s / 3600), (unsigned)(s % 3600 / 60));
	else
		snprintf(buf, UNITS_STRLEN, "%u d %u h", (unsigned)(s / 86400), (unsigned)(s % 86400 / 3600));
	return buf;
}

const char *units_count(uint64_t n, char buf[UNITS_STRLEN])
{
	static const char unit[] = " MGTPE";
	double v = (double)n / 1000;
	size_t u = 0;

	if (n < 1000000) {
		snprintf(buf, UNITS_STRLEN, "%" PRIu64, n);
		return buf;
	}
	for (; v >= 1000 && u + 1 < sizeof(unit) - 1; u++)
		v /= 1000;
	snprintf(buf, UNITS_STRLEN, "%.1f %c", v, unit[u]);
	return buf;
}
