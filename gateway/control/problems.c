/* SPDX-License-Identifier: BSD-3-Clause */
/* All that is wrong with one configuration file, see problems.h. Layer: control. Knows base and json_path. */
#include "problems.h"

#include <stdlib.h>
#include <string.h>

static struct err *problem_new(struct problems *p)
{
	struct err *grown;

	memset(&p->spill, 0, sizeof(p->spill));
	if (p->n == PROBLEMS_MAX) {
		p->n_more++;
		return &p->spill;
	}
	grown = realloc(p->item, (p->n + 1) * sizeof(*p->item));
	if (!grown) {
		p->n_more++;
		return &p->spill;
	}
	p->item = grown;
	memset(&p->item[p->n], 0, sizeof(*p->item));
	return &p->item[p->n++];
}

static void set_cause(struct err *e, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void set_cause(struct err *e, const char *fmt, va_list ap)
{
	char cause[sizeof(e->cause)];

	vsnprintf(cause, sizeof(cause), fmt, ap);
	err_set(e, 0, "%s", cause);
}

static struct err *problem_located(struct problems *p, const struct json_path *path, int of_key)
{
	struct err *e = problem_new(p);
	int line = 0, column = 0;
	char key[sizeof(e->key)];

	if (p->text)
		json_locate(p->text, p->text_len, path, of_key, &line, &column);
	err_at(e, p->file, line, column, json_path_str(path, key, sizeof(key)));
	return e;
}

struct err *problem(struct problems *p, const char *fmt, ...)
{
	struct err *e = problem_new(p);
	va_list ap;

	err_at(e, p->file, 0, 0, NULL);
	va_start(ap, fmt);
	set_cause(e, fmt, ap);
	va_end(ap);
	return e;
}

struct err *problem_at(struct problems *p, const struct json_path *path, const char *fmt, ...)
{
	struct err *e = problem_located(p, path, 0);
	va_list ap;

	va_start(ap, fmt);
	set_cause(e, fmt, ap);
	va_end(ap);
	return e;
}

struct err *problem_at_key(struct problems *p, const struct json_path *path, const char *fmt, ...)
{
	struct err *e = problem_located(p, path, 1);
	va_list ap;

	va_start(ap, fmt);
	set_cause(e, fmt, ap);
	va_end(ap);
	return e;
}

void problems_print(const struct problems *p, FILE *out)
{
	char line[sizeof(struct err)];

	for (size_t i = 0; i < p->n; i++)
		fprintf(out, "%s\n", err_format(&p->item[i], line, sizeof(line)));
	if (p->n_more)
		fprintf(out, "%s: and %zu more\n", p->file ? p->file : "configuration", p->n_more);
}

void problems_free(struct problems *p)
{
	free(p->item);
	p->item = NULL;
	p->n = p->n_more = 0;
}
