/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who a nexus is at an iSCSI back-end. Pure.
 * Layer: core. Source: RFC 7143 4.2.7 (names), 11.12.5 (ISID); SRP r16a port identifiers.
 */
#include "identity.h"

#include "core.h"
#include "key.h"

#include <stdio.h>
#include <string.h>

/* iSCSI names take letters, digits, '.', '-' and ':' (RFC 3722); the rest becomes '-'. */
static void append_name(char *buf, size_t cap, const char *text)
{
	size_t n = strlen(buf);

	for (; *text && n + 1 < cap; text++) {
		char c = *text;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':'))
			c = '-';
		buf[n++] = c;
	}
	buf[n] = 0;
}

/* The host part of "a.b.c.d:port", "[v6%scope]:port" or "ib:GID". */
static void host_part(const struct fabric_addr *peer, char out[FABRIC_ADDR_STRLEN])
{
	char *end;

	fabric_addr_str(peer, out);
	/* A GID stands alone. */
	if (strncmp(out, "ib:", 3) == 0)
		return;
	if (out[0] == '[') {
		memmove(out, out + 1, strlen(out));
		end = strpbrk(out, "%]");
	} else {
		end = strrchr(out, ':');
	}
	if (end)
		*end = 0;
}

void identity_initiator_name(const char *gateway_name, const uint8_t i_port_id[SRP_PORT_ID_LEN],
			     const struct fabric_addr *peer, char *buf, size_t cap)
{
	char text[FABRIC_ADDR_STRLEN];

	if (cap == 0)
		return;
	snprintf(buf, cap, "iqn.2026-11.srpgw:");
	append_name(buf, cap, gateway_name);
	append_name(buf, cap, ":");
	for (size_t i = 0; i < SRP_PORT_ID_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", i_port_id[i]);
	append_name(buf, cap, text);
	if (!peer || !i_port_id_is_anonymous(i_port_id))
		return;
	host_part(peer, text);
	append_name(buf, cap, ":");
	append_name(buf, cap, text);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool identity_parse_name(const char *gateway_name, const char *name, size_t len, uint8_t i_port_id[SRP_PORT_ID_LEN])
{
	static const uint8_t nobody[SRP_PORT_ID_LEN];
	const size_t n_digits = 2 * (size_t)SRP_PORT_ID_LEN;
	char prefix[224];
	size_t n;

	identity_initiator_name(gateway_name, nobody, NULL, prefix, sizeof(prefix));
	n = strlen(prefix);
	if (n < n_digits || len < n || memcmp(name, prefix, n - n_digits) != 0)
		return false;
	for (size_t i = 0; i < SRP_PORT_ID_LEN; i++) {
		int hi = hex_digit(name[n - n_digits + 2 * i]), lo = hex_digit(name[n - n_digits + 2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		i_port_id[i] = (uint8_t)(hi << 4 | lo);
	}
	/* Then perhaps the address of a host whose identifier says nothing. */
	return len == n || name[n] == '\0' || name[n] == ',' || name[n] == ':';
}

/* ---- ISID ---- */

#define FNV_START 14695981039346656037ull

static uint64_t fnv(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 1099511628211ull;
	return h;
}

/* T = 10b: a "random" ISID, here one that only looks so; 24 bits of it, and 16 of qualifier. */
static void isid_from(uint64_t h, uint8_t isid[6])
{
	h ^= h >> 32;
	isid[0] = 0x80;
	isid[1] = (uint8_t)(h >> 32);
	isid[2] = (uint8_t)(h >> 24);
	isid[3] = (uint8_t)(h >> 16);
	isid[4] = (uint8_t)(h >> 8);
	isid[5] = (uint8_t)h;
}

void identity_isid(const uint8_t t_port_id[SRP_PORT_ID_LEN], const char *backend_name, uint8_t isid[6])
{
	uint64_t h = fnv(FNV_START, t_port_id, SRP_PORT_ID_LEN);

	isid_from(fnv(h, backend_name, strlen(backend_name)), isid);
}

/* Of one host among those with one name; another gateway in front of the same back-end makes another. */
static void isid_of_host(const struct identity_of *of, const char *backend_name, uint8_t isid[6])
{
	uint64_t h = fnv(FNV_START, of->t_port_id, SRP_PORT_ID_LEN);
	char text[FABRIC_ADDR_STRLEN];

	/* With their ends, so that no two pairs of texts run into one. */
	h = fnv(h, backend_name, strlen(backend_name) + 1);
	h = fnv(h, of->gateway_name, strlen(of->gateway_name) + 1);
	h = fnv(h, of->i_port_id, SRP_PORT_ID_LEN);
	if (of->peer && i_port_id_is_anonymous(of->i_port_id)) {
		host_part(of->peer, text);
		h = fnv(h, text, strlen(text));
	}
	isid_from(h, isid);
}

/* ---- both ---- */

const char *identity_configured_name(const struct initiator_group *g, const struct backend *b)
{
	if (b->initiator_name)
		return b->initiator_name;
	return g ? g->initiator_name : NULL;
}

void identity_make(const struct identity_of *of, const struct backend *b, struct identity *out)
{
	const char *name = identity_configured_name(of->group, b);

	if (name) {
		snprintf(out->initiator_name, sizeof(out->initiator_name), "%s", name);
		isid_of_host(of, b->name, out->isid);
	} else {
		identity_initiator_name(of->gateway_name, of->i_port_id, of->peer, out->initiator_name,
					sizeof(out->initiator_name));
		identity_isid(of->t_port_id, b->name, out->isid);
	}
}
