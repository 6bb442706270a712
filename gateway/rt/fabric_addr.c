/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints as text and back: numeric only, no resolver, no allocation. Layer: rt. Knows base and libc.
 */
#include "fabric.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* Native InfiniBand: the family and the layout are the kernel's ABI (struct sockaddr_ib in include/uapi/rdma/ib.h). */
#define FAMILY_IB 27
struct ib_sockaddr {
	uint16_t family;
	uint8_t pkey[2];
	uint8_t flowinfo[4];
	uint8_t gid[16];
	uint8_t sid[8], sid_mask[8];
	uint64_t scope_id;
};

/* The bytes of a host's address, whatever the family. */
struct host {
	enum { HOST_NONE, HOST_IPV4, HOST_IPV6, HOST_IB } kind;
	uint8_t addr[16];
	uint32_t scope;
	uint16_t port;
};

/* Reads @a into a plain form, so that sockaddrs are copied out and never cast. */
static struct host host_of(const struct fabric_addr *a)
{
	struct host h = { .kind = HOST_NONE };

	if (a->ss.ss_family == AF_INET && a->ss_len >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in sin;

		memcpy(&sin, &a->ss, sizeof(sin));
		h.kind = HOST_IPV4;
		memcpy(h.addr, &sin.sin_addr, 4);
		h.port = ntohs(sin.sin_port);
	} else if (a->ss.ss_family == AF_INET6 && a->ss_len >= sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 sin6;

		memcpy(&sin6, &a->ss, sizeof(sin6));
		h.kind = HOST_IPV6;
		memcpy(h.addr, &sin6.sin6_addr, 16);
		h.scope = sin6.sin6_scope_id;
		h.port = ntohs(sin6.sin6_port);
	} else if (a->ss.ss_family == FAMILY_IB && a->ss_len >= sizeof(struct ib_sockaddr)) {
		struct ib_sockaddr sib;

		memcpy(&sib, &a->ss, sizeof(sib));
		h.kind = HOST_IB;
		memcpy(h.addr, sib.gid, 16);
	}
	return h;
}

const char *fabric_addr_str(const struct fabric_addr *a, char buf[FABRIC_ADDR_STRLEN])
{
	struct host h = host_of(a);
	char text[INET6_ADDRSTRLEN] = "", scope[16] = "";

	inet_ntop(h.kind == HOST_IPV4 ? AF_INET : AF_INET6, h.addr, text, sizeof(text));
	if (h.scope)
		snprintf(scope, sizeof(scope), "%%%u", h.scope);
	switch (h.kind) {
	case HOST_IPV4:
		snprintf(buf, FABRIC_ADDR_STRLEN, "%s:%u", text, h.port);
		break;
	case HOST_IPV6:
		snprintf(buf, FABRIC_ADDR_STRLEN, "[%s%s]:%u", text, scope, h.port);
		break;
	case HOST_IB:
		snprintf(buf, FABRIC_ADDR_STRLEN, "ib:%s", text);
		break;
	case HOST_NONE:
		snprintf(buf, FABRIC_ADDR_STRLEN, "unknown");
		break;
	}
	return buf;
}

/* The interface index of "%3" or "%eth0"; 0 when it is neither. */
static uint32_t parse_scope(const char *s)
{
	uint64_t n = 0;
	const char *p = s;

	for (; *p >= '0' && *p <= '9' && n <= UINT32_MAX; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	if (!*p && p != s)
		return n <= UINT32_MAX ? (uint32_t)n : 0;
	return if_nametoindex(s);
}

static int parse_ipv6(const char *host, size_t len, uint16_t port, struct fabric_addr *out)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	char *scope;

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, host, len);
	text[len] = '\0';
	scope = strchr(text, '%');
	if (scope)
		*scope++ = '\0';
	if (inet_pton(AF_INET6, text, &sin6.sin6_addr) != 1)
		return -EINVAL;
	if (scope) {
		/* Only a link-local address is ambiguous without its link (RFC 4007, section 11). */
		sin6.sin6_scope_id = IN6_IS_ADDR_LINKLOCAL(&sin6.sin6_addr) ? parse_scope(scope) : 0;
		if (!sin6.sin6_scope_id)
			return -EINVAL;
	}
	memset(out, 0, sizeof(*out));
	memcpy(&out->ss, &sin6, sizeof(sin6));
	out->ss_len = sizeof(sin6);
	return 0;
}

int fabric_addr_parse(const char *host, uint16_t port, struct fabric_addr *out)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	size_t len = strlen(host);

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']')
		return parse_ipv6(host + 1, len - 2, port, out);
	if (inet_pton(AF_INET, host, &sin.sin_addr) != 1)
		return parse_ipv6(host, len, port, out);
	memset(out, 0, sizeof(*out));
	memcpy(&out->ss, &sin, sizeof(sin));
	out->ss_len = sizeof(sin);
	return 0;
}

/* A socket of both families shows an IPv4 peer as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2): it is the same host. */
static struct host unmapped(struct host h)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };
	struct host v4 = { .kind = HOST_IPV4 };

	if (h.kind != HOST_IPV6 || memcmp(h.addr, prefix, sizeof(prefix)) != 0)
		return h;
	memcpy(v4.addr, h.addr + 12, 4);
	return v4;
}

bool fabric_addr_same_host(const struct fabric_addr *a, const struct fabric_addr *b)
{
	struct host x = unmapped(host_of(a)), y = unmapped(host_of(b));

	return x.kind != HOST_NONE && x.kind == y.kind && memcmp(x.addr, y.addr, sizeof(x.addr)) == 0 &&
	       x.scope == y.scope;
}
