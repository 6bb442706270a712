/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a value stands in a JSON text, see json_path.h. The scanner relies on the text being valid JSON, but stays
 * within its bounds whatever it is given. Layer: control. Knows base and jansson.
 */
#include "json_path.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct cursor {
	const char *text, *end, *at;
};

struct json_path json_path_key(struct json_path p, const char *key)
{
	if (p.n < JSON_PATH_MAX) {
		p.step[p.n].key = key;
		p.step[p.n].index = 0;
		p.n++;
	}
	return p;
}

struct json_path json_path_index(struct json_path p, size_t index)
{
	if (p.n < JSON_PATH_MAX) {
		p.step[p.n].key = NULL;
		p.step[p.n].index = index;
		p.n++;
	}
	return p;
}

const char *json_path_str(const struct json_path *p, char *buf, size_t cap)
{
	size_t used = 0;
	int n;

	if (cap)
		buf[0] = '\0';
	for (unsigned i = 0; i < p->n && used < cap; i++) {
		if (p->step[i].key)
			n = snprintf(buf + used, cap - used, "%s%s", i ? "." : "", p->step[i].key);
		else
			n = snprintf(buf + used, cap - used, "[%zu]", p->step[i].index);
		if (n < 0)
			break;
		used += (size_t)n;
	}
	return buf;
}

static void skip_space(struct cursor *c)
{
	while (c->at < c->end && strchr(" \t\r\n", *c->at) && *c->at)
		c->at++;
}

/* At a quote; leaves the cursor behind the closing one. */
static void skip_string(struct cursor *c)
{
	for (c->at++; c->at < c->end && *c->at != '"'; c->at++) {
		if (*c->at == '\\' && c->at + 1 < c->end)
			c->at++;
	}
	if (c->at < c->end)
		c->at++;
}

static void skip_value(struct cursor *c)
{
	size_t depth = 0;

	skip_space(c);
	while (c->at < c->end) {
		char ch = *c->at;

		if (ch == '"') {
			skip_string(c);
		} else if (ch == '{' || ch == '[') {
			depth++;
			c->at++;
		} else if (ch == '}' || ch == ']') {
			if (depth == 0)
				return;
			depth--;
			c->at++;
		} else if (ch == ',' && depth == 0) {
			return;
		} else {
			c->at++;
			continue; /* a literal goes on until one of the above */
		}
		if (depth == 0 && ch != ',')
			return;
	}
}

/* Does the string token [from, to), quotes included, spell @key? */
static bool token_is(const char *from, const char *to, const char *key)
{
	const char *text;
	json_t *v;
	bool same;

	if (!memchr(from, '\\', (size_t)(to - from)))
		return (size_t)(to - from) == strlen(key) + 2 && memcmp(from + 1, key, strlen(key)) == 0;
	v = json_loadb(from, (size_t)(to - from), JSON_DECODE_ANY, NULL);
	text = json_string_value(v); /* NULL of what is no string */
	same = text && strcmp(text, key) == 0;
	json_decref(v);
	return same;
}

/* At the brace of an object: goes to the value of @key. Return: false (cursor anywhere) if there is none. */
static bool enter_member(struct cursor *c, const char *key, const char **key_at)
{
	c->at++;
	for (;;) {
		const char *from;
		bool found;

		skip_space(c);
		if (c->at >= c->end || *c->at != '"')
			return false;
		from = c->at;
		skip_string(c);
		found = token_is(from, c->at, key);
		skip_space(c);
		if (c->at < c->end && *c->at == ':')
			c->at++;
		skip_space(c);
		if (found) {
			*key_at = from;
			return true;
		}
		skip_value(c);
		skip_space(c);
		if (c->at >= c->end || *c->at != ',')
			return false;
		c->at++;
	}
}

static bool enter_item(struct cursor *c, size_t index)
{
	c->at++;
	skip_space(c);
	if (c->at < c->end && *c->at == ']')
		return false;
	while (index--) {
		skip_value(c);
		skip_space(c);
		if (c->at >= c->end || *c->at != ',')
			return false;
		c->at++;
		skip_space(c);
	}
	return true;
}

void json_locate(const char *text, size_t len, const struct json_path *p, int of_key, int *line, int *column)
{
	struct cursor c = { .text = text, .end = text + len, .at = text };
	const char *found, *key_at = NULL;

	skip_space(&c);
	found = c.at;
	for (unsigned i = 0; i < p->n && c.at < c.end; i++) {
		const char *key = p->step[i].key;
		bool in = false;

		if (key && *c.at == '{')
			in = enter_member(&c, key, &key_at);
		else if (!key && *c.at == '[')
			in = enter_item(&c, p->step[i].index);
		if (!in)
			break;
		found = of_key && key && i == p->n - 1 ? key_at : c.at;
	}
	*line = 1;
	*column = 1;
	for (const char *s = text; s < found; s++) {
		if (*s == '\n') {
			++*line;
			*column = 1;
		} else if (((unsigned char)*s & 0xc0) != 0x80) {
			++*column;
		}
	}
}
