/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the configuration file, see config.h. Layer: control. Knows base, schema, jansson. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES (16u << 20)

static int read_all(int fd, char **text, size_t *len)
{
	char *buf = NULL, *grown;
	size_t n = 0, cap = 0;
	ssize_t got;

	for (;;) {
		if (n == cap) {
			cap = cap ? cap * 2 : 16384;
			grown = cap <= 2 * (size_t)FILE_MAX_BYTES ? realloc(buf, cap) : NULL;
			if (!grown) {
				free(buf);
				return cap > FILE_MAX_BYTES ? -EFBIG : -ENOMEM;
			}
			buf = grown;
		}
		got = read(fd, buf + n, cap - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (got < 0 || n > FILE_MAX_BYTES) {
		int rc = got < 0 ? -errno : -EFBIG;

		free(buf);
		return rc;
	}
	*text = buf;
	*len = n;
	return 0;
}

static int read_file(const char *file, char **text, size_t *len, struct problems *problems)
{
	CLEANUP_FD int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct err *e;
	int rc;

	rc = fd < 0 ? -errno : read_all(fd, text, len);
	if (rc == 0)
		return 0;
	e = problem(problems, "cannot read the configuration: %s", strerror(-rc));
	if (rc == -ENOENT)
		err_cure(e, "give the path of an existing file with -c");
	else if (rc == -EACCES)
		err_cure(e, "run as root, or make the file readable");
	else if (rc == -EFBIG)
		err_cure(e, "keep it below 16 MiB");
	return rc;
}

/* A key that stands twice: jansson says `... near '"key"'`, and where the key ends. */
static void duplicate_key(struct problems *problems, const json_error_t *je, const char *near)
{
	int len = (int)strlen(near) - 1; /* of the key in its quotes, without the apostrophe that closes it */
	struct err *e;

	if (len < 2)
		len = 2;
	e = problem(problems, "the key %.*s stands twice in this object", len, near);
	err_at(e, NULL, je->line, je->column >= len ? je->column - len + 1 : 1, NULL);
	err_cure(e, "keep one of the two");
}

/* jansson repeats the text near the error, which the position says better. */
static void syntax_error(struct problems *problems, const json_error_t *je)
{
	char text[sizeof(je->text)];
	struct err *e;
	char *near;

	snprintf(text, sizeof(text), "%s", je->text);
	near = strstr(text, " near '");
	if (near && json_error_code(je) == json_error_duplicate_key) {
		duplicate_key(problems, je, near + strlen(" near '"));
		return;
	}
	if (near)
		*near = '\0';
	e = problem(problems, "%s", text);
	err_at(e, NULL, je->line > 0 ? je->line : 1, je->column > 0 ? je->column : 1, NULL);
	err_cure(e, "correct the JSON here; mind commas, quotes and brackets (comments are not allowed)");
}

void config_free(struct config *c)
{
	if (!c)
		return;
	json_decref(c->root);
	free(c->text);
	arena_free(&c->arena);
	free(c);
}

static int config_fill(struct config *c, struct problems *problems)
{
	json_error_t je;
	int rc;

	c->root = json_loadb(c->text, c->text_len, JSON_REJECT_DUPLICATES, &je);
	if (!c->root) {
		syntax_error(problems, &je);
		return -EINVAL;
	}
	problems->text = c->text;
	problems->text_len = c->text_len;
	rc = schema_parse(&config_schema, c->root, JSON_PATH_TOP, c, &c->arena, problems);
	/* What refers to other values is judged only when the values themselves are right. */
	if (rc == 0 && problems_count(problems) == 0)
		rc = config_check(c, problems);
	problems->text = NULL;
	problems->text_len = 0;
	return rc;
}

struct problems config_problems(const struct config *c)
{
	return (struct problems){ .file = c->file, .text = c->text, .text_len = c->text_len };
}

int config_parse(const char *file, char *text, size_t len, struct config **out, struct problems *problems)
{
	struct config *c = calloc(1, sizeof(*c));
	int rc = -ENOMEM;

	problems->file = file;
	if (c) {
		c->text = text;
		c->text_len = len;
		c->file = arena_strdup(&c->arena, file);
		rc = c->file ? config_fill(c, problems) : -ENOMEM;
	} else {
		free(text);
	}
	if (rc == -ENOMEM)
		problem(problems, "out of memory");
	if (rc == 0 && problems_count(problems))
		rc = -EINVAL;
	if (rc) {
		config_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

int config_load(const char *file, struct config **out, struct problems *problems)
{
	char *text = NULL;
	size_t len = 0;
	int rc;

	problems->file = file;
	rc = read_file(file, &text, &len, problems);
	return rc ? rc : config_parse(file, text, len, out, problems);
}
