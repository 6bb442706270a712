/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text from outside must not forge a line, drive a terminal or break a JSON document.
 * Layer: base. Knows libc only.
 */
#include "text.h"

#include <stddef.h>

enum verdict { TEXT_GOOD, TEXT_BAD, TEXT_CUT };

/* Judges what begins at @s with a byte above 0x7f; @len: its bytes when good (RFC 3629, section 4). */
static enum verdict judge_sequence(const unsigned char *s, size_t *len)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t want;

	if (s[0] < 0xc2 || s[0] > 0xf4)
		return TEXT_BAD;
	want = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	switch (s[0]) {
	case 0xc2: /* U+0080 to U+009F: the C1 controls */
	case 0xe0:
		lo = 0xa0;
		break;
	case 0xed: /* surrogates */
		hi = 0x9f;
		break;
	case 0xf0:
		lo = 0x90;
		break;
	case 0xf4:
		hi = 0x8f;
		break;
	}
	for (size_t i = 1; i < want; i++) {
		if (!s[i])
			return TEXT_CUT;
		if (s[i] < lo || s[i] > hi)
			return TEXT_BAD;
		lo = 0x80;
		hi = 0xbf;
	}
	*len = want;
	return TEXT_GOOD;
}

void text_make_safe(char *s)
{
	while (*s) {
		unsigned char c = (unsigned char)*s;
		size_t len = 1;

		if (c == '\t' || c == '\n' || c == '\r') {
			*s = ' ';
		} else if (c < ' ' || c == 0x7f) {
			*s = '?';
		} else if (c >= 0x80) {
			switch (judge_sequence((unsigned char *)s, &len)) {
			case TEXT_GOOD:
				break;
			case TEXT_BAD:
				*s = '?';
				break;
			case TEXT_CUT:
				*s = '\0';
				return;
			}
		}
		s += len;
	}
}
