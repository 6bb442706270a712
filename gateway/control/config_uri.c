/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The form of a back-end's URI, as far as it is the same for every bridge of a scheme. The bridge itself looks closer
 * when it opens the back-end. Pure. Layer: control. Knows config and nearest.
 */
#include "config.h"
#include "nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define ISCSI_NAME_MAX 223u /* RFC 7143 4.2.7.1 */

static const struct {
	const char *name, *form;
} schemes[] = {
	{ "iscsi", "iscsi://HOST[:PORT]/IQN" },
	{ "iser", "iser://HOST[:PORT]/IQN" },
	{ "mem", "mem:SIZE, for example mem:64M" },
	{ "sg", "sg:/dev/sgN" },
	{ "fault", "fault:..., in front of another URI" },
};

static bool port_ok(const char *s, size_t len)
{
	unsigned v = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
		v = v * 10 + (unsigned)(s[i] - '0');
	}
	return v >= 1 && v <= 65535;
}

static bool host_ok(const char *s, size_t len)
{
	if (len == 0 || len > 253)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)s[i]) && !strchr("-._", s[i]))
			return false;
	}
	return true;
}

/* HOST, HOST:PORT, [V6], [V6]:PORT in @len bytes. */
static bool authority_ok(const char *s, size_t len)
{
	const char *end = s + len, *colon;

	if (len && *s == '[') {
		const char *close = memchr(s, ']', len);

		if (!close || close - s < 3)
			return false;
		/* A link-local address comes with its interface: fe80::1%eth0. */
		const char *scope = memchr(s, '%', (size_t)(close - s));

		for (const char *p = s + 1; p < (scope ? scope : close); p++) {
			if (!isxdigit((unsigned char)*p) && !strchr(":.", *p))
				return false;
		}
		if (scope && !host_ok(scope + 1, (size_t)(close - scope - 1)))
			return false;
		return close + 1 == end || (close[1] == ':' && port_ok(close + 2, (size_t)(end - close - 2)));
	}
	colon = memchr(s, ':', len);
	if (!colon)
		return host_ok(s, len);
	return host_ok(s, (size_t)(colon - s)) && port_ok(colon + 1, (size_t)(end - colon - 1));
}

bool config_portal_ok(const char *portal)
{
	return authority_ok(portal, strlen(portal));
}

static bool iscsi_name_ok(const char *s)
{
	if (strlen(s) > ISCSI_NAME_MAX)
		return false;
	return strncmp(s, "iqn.", 4) == 0 || strncmp(s, "eui.", 4) == 0 || strncmp(s, "naa.", 4) == 0;
}

static bool iscsi_ok(const char *rest, const char *form, char *cause, char *cure, size_t cap)
{
	const char *slash;

	snprintf(cure, cap, "write %s", form);
	if (strncmp(rest, "//", 2) != 0) {
		snprintf(cause, cap, "\"//\" is missing after the scheme");
		return false;
	}
	rest += 2;
	slash = strchr(rest, '/');
	if (memchr(rest, '@', slash ? (size_t)(slash - rest) : strlen(rest))) {
		snprintf(cause, cap, "a user or secret stands in the URI");
		snprintf(cure, cap, "move it to \"chap\": { \"user\": ..., \"secret_file\": ... }");
		return false;
	}
	if (!authority_ok(rest, slash ? (size_t)(slash - rest) : strlen(rest))) {
		snprintf(cause, cap, "the portal is no HOST[:PORT]");
		return false;
	}
	if (!slash || !slash[1]) {
		snprintf(cause, cap, "the target's name is missing");
		return false;
	}
	if (strpbrk(slash + 1, "/?#")) {
		snprintf(cause, cap, "there is more after the target's name");
		snprintf(cure, cap, "write %s and give the LUN as \"backend_lun\" in the target's luns", form);
		return false;
	}
	if (!iscsi_name_ok(slash + 1)) {
		snprintf(cause, cap, "\"%.64s\" is no iSCSI name", slash + 1);
		snprintf(cure, cap, "give the target's name, which begins with iqn., eui. or naa.");
		return false;
	}
	return true;
}

bool config_uri_ok(const char *uri, char *cause, char *cure, size_t cap)
{
	const char *colon = strchr(uri, ':');
	struct nearest near;
	char scheme[16];
	const char *form = NULL;

	snprintf(scheme, sizeof(scheme), "%.*s", colon ? (int)(colon - uri < 16 ? colon - uri : 15) : 15, uri);
	near = (struct nearest){ .wanted = scheme };
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (colon && strcmp(schemes[i].name, scheme) == 0)
			form = schemes[i].form;
		nearest_offer(&near, schemes[i].name);
	}
	if (!form) {
		snprintf(cause, cap, "\"%s\" is no known scheme", scheme);
		if (near.best)
			snprintf(cure, cap, "did you mean \"%s:\"?", near.best);
		else
			snprintf(cure, cap, "begin with iscsi:, iser:, mem:, sg: or fault:");
		return false;
	}
	if (strcmp(scheme, "iscsi") == 0 || strcmp(scheme, "iser") == 0)
		return iscsi_ok(colon + 1, form, cause, cure, cap);
	if (!colon[1] || (strcmp(scheme, "sg") == 0 && colon[1] != '/') ||
	    (strcmp(scheme, "mem") == 0 && !isdigit((unsigned char)colon[1]))) {
		snprintf(cause, cap, "the URI is not complete");
		snprintf(cure, cap, "write %s", form);
		return false;
	}
	return true;
}
