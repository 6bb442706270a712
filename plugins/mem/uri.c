/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RAM disk's URI: mem:SIZE[?bs=512|4096][&luns=N][&id=HEX]. Pure.
 */
#include "mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bad(char *why, size_t cap, const char *text)
{
	snprintf(why, cap, "%s; write mem:SIZE[?bs=512|4096][&luns=N][&id=16 hex digits], for example mem:64M", text);
	return -EINVAL;
}

/* "64M" -> bytes; zero on error. @end is set behind the number. */
static uint64_t parse_size(const char *s, const char **end)
{
	char *e;
	unsigned shift = 0;

	if (*s < '0' || *s > '9')
		return 0;
	errno = 0;
	uint64_t v = strtoull(s, &e, 10);
	if (errno)
		return 0;
	switch (*e) {
	case 'K': case 'k': shift = 10; break;
	case 'M': case 'm': shift = 20; break;
	case 'G': case 'g': shift = 30; break;
	case 'T': case 't': shift = 40; break;
	default: break;
	}
	if (shift)
		e++;
	*end = e;
	return v > UINT64_MAX >> shift ? 0 : v << shift;
}

static bool parse_hex8(const char *s, size_t len, uint8_t id[8])
{
	if (len != 16)
		return false;
	for (size_t i = 0; i < 8; i++) {
		char two[3] = { s[2 * i], s[2 * i + 1], 0 };
		char *e;

		id[i] = (uint8_t)strtoul(two, &e, 16);
		if (*e || two[0] == '-' || two[0] == '+' || two[0] == ' ')
			return false;
	}
	return true;
}

static int parse_option(const char *s, size_t len, struct mem_conf *out)
{
	const char *end;

	if (len > 3 && !strncmp(s, "bs=", 3)) {
		uint64_t v = parse_size(s + 3, &end);

		if ((v != 512 && v != 4096) || end != s + len)
			return -EINVAL;
		out->block_bytes = (uint32_t)v;
		return 0;
	}
	if (len > 5 && !strncmp(s, "luns=", 5)) {
		uint64_t v = parse_size(s + 5, &end);

		if (v < 1 || v > MEM_MAX_LUS || end != s + len)
			return -EINVAL;
		out->n_lu = (uint32_t)v;
		return 0;
	}
	if (len > 3 && !strncmp(s, "id=", 3)) {
		out->has_id = parse_hex8(s + 3, len - 3, out->id);
		return out->has_id ? 0 : -EINVAL;
	}
	return -EINVAL;
}

int mem_uri_parse(const char *uri, struct mem_conf *out, char *why, size_t why_cap)
{
	const char *p = uri;

	*out = (struct mem_conf){ .block_bytes = 512, .n_lu = 1 };
	if (strncmp(p, "mem:", 4) != 0)
		return bad(why, why_cap, "not a mem: URI");
	out->bytes = parse_size(p + 4, &p);
	if (!out->bytes)
		return bad(why, why_cap, "the size of the RAM disk is missing or not a number");
	if (*p && *p != '?')
		return bad(why, why_cap, "text after the size of the RAM disk");
	while (*p) {
		size_t len = strcspn(++p, "&");
		char text[160];

		if (parse_option(p, len, out)) {
			snprintf(text, sizeof(text), "option \"%.*s\" is not known or out of range",
				 (int)(len < 60 ? len : 60), p);
			return bad(why, why_cap, text);
		}
		p += len;
	}
	if (out->bytes % out->block_bytes)
		return bad(why, why_cap, "the size is no multiple of the block size");
	if (out->bytes > (UINT64_C(1) << 46) / out->n_lu)
		return bad(why, why_cap, "the RAM disk is larger than 64 TiB in all");
	return 0;
}
