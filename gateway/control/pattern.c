/* SPDX-License-Identifier: BSD-3-Clause */
/* Text of an initiator pattern, see pattern.h. Pure. Layer: control. Knows core/map.h. */
#include "pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define N_DIGITS (2 * (size_t)SRP_PORT_ID_LEN)

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void set_digit(struct initiator_pattern *p, size_t at, char c)
{
	unsigned shift = at % 2 ? 0 : 4, value = (unsigned)digit(c) & 0xf;

	p->id[at / 2] |= (uint8_t)(value << shift);
	p->id_mask[at / 2] |= (uint8_t)(0xf << shift);
}

/* "0002c903*", "*0001", 32 digits; @len bytes of @s. */
static bool parse_id(const char *s, size_t len, struct initiator_pattern *out, char *why, size_t cap)
{
	bool open_left = len && s[0] == '*', open_right = len && s[len - 1] == '*';
	size_t n, at;

	s += open_left;
	len -= open_left + (open_right && len > 1 ? 1u : 0u);
	n = 0;
	for (size_t i = 0; i < len; i++) {
		if (digit(s[i]) < 0) {
			snprintf(why, cap, "\"%c\" is no hexadecimal digit", isprint((unsigned char)s[i]) ? s[i] : '?');
			return false;
		}
		n++;
	}
	if (open_left && open_right) {
		snprintf(why, cap, "\"*\" stands at both ends");
		return false;
	}
	if (n > N_DIGITS || (n < N_DIGITS && !open_left && !open_right)) {
		snprintf(why, cap, "an initiator port identifier has %zu digits, not %zu", N_DIGITS, n);
		return false;
	}
	at = open_left ? N_DIGITS - n : 0;
	for (size_t i = 0; i < len; i++)
		set_digit(out, at++, s[i]);
	out->has_id = true;
	return true;
}

static bool parse_addr(const char *s, struct initiator_pattern *out, char *why, size_t cap)
{
	char host[64];
	const char *slash = strchr(s, '/');
	size_t len = slash ? (size_t)(slash - s) : strlen(s);
	unsigned bits, max;

	if (len >= sizeof(host)) {
		snprintf(why, cap, "the address is too long");
		return false;
	}
	memcpy(host, s, len);
	host[len] = '\0';
	if (fabric_addr_parse(host, 0, &out->addr)) {
		snprintf(why, cap, "\"%s\" is no IP address", host);
		return false;
	}
	bits = max = out->addr.ss.ss_family == AF_INET ? 32 : 128;
	if (slash) {
		bits = 0;
		for (const char *p = slash + 1; *p; p++) {
			if (!isdigit((unsigned char)*p) || bits > max) {
				bits = max + 1;
				break;
			}
			bits = bits * 10 + (unsigned)(*p - '0');
		}
		if (!slash[1] || bits > max) {
			snprintf(why, cap, "the prefix length is no number from 0 to %u", max);
			return false;
		}
	}
	out->addr_prefix_len = (uint8_t)bits;
	out->has_addr = true;
	return true;
}

static bool looks_like_addr(const char *s)
{
	struct fabric_addr a;
	char host[64];
	size_t len = strcspn(s, "/");

	if (len >= sizeof(host) || strchr(s, '*'))
		return false;
	memcpy(host, s, len);
	host[len] = '\0';
	return s[len] == '/' || strchr(host, '.') || fabric_addr_parse(host, 0, &a) == 0;
}

bool pattern_parse(const char *text, struct initiator_pattern *out, char *why, size_t cap)
{
	const char *at = strchr(text, '@');

	memset(out, 0, sizeof(*out));
	if (strcmp(text, "*") == 0) {
		out->any = true;
		return true;
	}
	if (at)
		return parse_id(text, (size_t)(at - text), out, why, cap) && parse_addr(at + 1, out, why, cap);
	if (looks_like_addr(text))
		return parse_addr(text, out, why, cap);
	return parse_id(text, strlen(text), out, why, cap);
}

bool pattern_is_one_id(const struct initiator_pattern *p)
{
	for (size_t i = 0; i < sizeof(p->id_mask); i++) {
		if (p->id_mask[i] != 0xff)
			return false;
	}
	return p->has_id;
}

bool pattern_is_one_addr(const struct initiator_pattern *p)
{
	return p->has_addr && p->addr_prefix_len == (p->addr.ss.ss_family == AF_INET ? 32 : 128);
}
