/* SPDX-License-Identifier: BSD-3-Clause */
/* What the unit tests of control share: scratch folders and files, configurations from text. */
#ifndef UNIT_CONTROL_UNIT_H
#define UNIT_CONTROL_UNIT_H

#include "../../../gateway/control/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define UNIT_DIR 96
/* A fresh folder below $TMPDIR; the caller removes it with unit_rm(). */
static inline void unit_mkdir(char path[UNIT_DIR])
{
	const char *top = getenv("TMPDIR");

	snprintf(path, UNIT_DIR, "%s/srpgw-unit-XXXXXX", top && strlen(top) < 64 ? top : "/tmp");
	assert_non_null(mkdtemp(path));
}

static inline void unit_rm(const char *dir, const char *const *names)
{
	char path[256];

	for (; names && *names; names++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *names);
		unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

static inline void unit_write(const char *dir, const char *name, const char *text, mode_t mode)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* Parses @text as file "c.json". */
static inline int unit_parse(const char *text, struct config **c, struct problems *p)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	memset(p, 0, sizeof(*p));
	*c = NULL;
	return config_parse("c.json", copy, strlen(copy), c, p);
}

/* Asserts that @text is refused with exactly the one line @want. */
static inline void unit_refused(const char *text, const char *want)
{
	char line[sizeof(struct err)];
	struct problems p;
	struct config *c;
	int rc = unit_parse(text, &c, &p);

	if (rc == 0)
		fail_msg("accepted, but wanted: %s", want);
	assert_string_equal(err_format(&p.item[0], line, sizeof(line)), want);
	if (problems_count(&p) != 1)
		fail_msg("%zu problems, the second: %s", problems_count(&p),
			 err_format(&p.item[1], line, sizeof(line)));
	problems_free(&p);
}

#endif
