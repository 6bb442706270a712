/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A back-end's URI and settings, and the words for what a login was refused with. Pure.
 */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char conf_settings_help[] =
	"header_digest: none (default), crc32c (a target without it is not used), or prefer (crc32c if the target can)\n"
	"login_timeout_ms: longest time from the first packet to the end of the login, 10000\n"
	"nop_interval_ms: silence after which the target is asked for a sign of life, 5000; 0 never asks\n"
	"nop_timeout_ms: how long the sign of life may take, 10000; a quarter of it while another portal answers\n"
	"tcp_user_timeout_ms: how long sent data may go unacknowledged, 10000; 0 is the system's\n"
	"max_outstanding: commands at the target at a time, per host; keep it below the target's command window\n"
	"max_outstanding_bytes: data at the target at a time, per host, so that one host does not keep a processor from the others; 2097152\n"
	"portals: more ways to the target, HOST[:PORT], comma separated, the preferred first\n"
	"discover_portals: true takes further portals from SendTargets, too; false (default)\n"
	"portal_group: tag of the target portal group to be used; without it, that of the portal in the URI\n"
	"failback_seconds: how long a preferred portal must have been back before sessions return to it; without it, never\n"
	"chap_user: name for CHAP\n"
	"chap_secret: secret for CHAP\n"
	"chap_mutual_user: name that the target must show\n"
	"chap_mutual_secret: secret that the target must know\n";

static int bad(char *why, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int bad(char *why, size_t cap, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, cap, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int parse_port(const char *text, size_t len, uint16_t *port)
{
	uint32_t v = 0;

	if (!len || len > 5)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		v = v * 10 + (uint32_t)(text[i] - '0');
	}
	if (!v || v > UINT16_MAX)
		return -EINVAL;
	*port = (uint16_t)v;
	return 0;
}

int portal_parse(const char *text, size_t len, struct portal *out)
{
	const char *comma = memchr(text, ',', len), *host = text, *rest;
	size_t host_len;

	if (comma)
		len = (size_t)(comma - text);
	if (len && text[0] == '[') {
		const char *end = memchr(text, ']', len);

		if (!end)
			return -EINVAL;
		host++;
		host_len = (size_t)(end - host);
		rest = end + 1;
	} else {
		const char *colon = memchr(text, ':', len);

		rest = colon ? colon : text + len;
		host_len = (size_t)(rest - host);
	}
	if (!host_len || host_len >= sizeof(out->host))
		return -EINVAL;
	memcpy(out->host, host, host_len);
	out->host[host_len] = 0;
	out->port = 3260;
	if (rest == text + len)
		return 0;
	return *rest == ':' ? parse_port(rest + 1, (size_t)(text + len - rest - 1), &out->port) : -EINVAL;
}

const char *portal_str(const struct portal *p, char *buf, size_t cap)
{
	snprintf(buf, cap, strchr(p->host, ':') ? "[%s]:%u" : "%s:%u", p->host, p->port);
	return buf;
}

static int parse_uri(const struct transport *t, const char *uri, struct conf *out, char *why, size_t cap)
{
	size_t scheme_len = strlen(t->scheme), name_len;
	const char *p = uri;

	if (strncmp(p, t->scheme, scheme_len) != 0 || strncmp(p + scheme_len, "://", 3) != 0)
		return bad(why, cap, "not an %s URI; write %s://HOST[:PORT]/TARGET-NAME", t->scheme, t->scheme);
	p += scheme_len + 3;
	size_t host_len = strcspn(p, "/");

	/* The interface of an IPv6 address stands behind a % of its own: [fe80::1%eth0]. */
	if (memchr(p, '@', host_len) || (*p != '[' && memchr(p, '%', host_len)))
		return bad(why, cap, "a user or secret stands in the URI; use the back-end's chap settings");
	if (portal_parse(p, host_len, &out->portal[0]) || memchr(p, ',', host_len))
		return bad(why, cap, "\"%.*s\" is no portal; write HOST[:PORT], an IPv6 address in brackets",
			   (int)host_len, p);
	out->n_portal = 1;
	p += host_len;
	if (*p++ != '/' || !*p)
		return bad(why, cap, "the target's name is missing; write %s://HOST[:PORT]/TARGET-NAME", t->scheme);
	/* A LUN behind the name is what other tools write; the LUN map says here which LUNs are used. */
	name_len = strcspn(p, "/");
	if (name_len >= sizeof(out->target_name))
		return bad(why, cap, "the target's name is longer than 223 bytes; it cannot be an iSCSI name");
	memcpy(out->target_name, p, name_len);
	out->target_name[name_len] = 0;
	if (strncmp(out->target_name, "iqn.", 4) != 0 && strncmp(out->target_name, "eui.", 4) != 0 &&
	    strncmp(out->target_name, "naa.", 4) != 0)
		return bad(why, cap, "\"%.60s\" is no iSCSI name; it begins with iqn., eui. or naa.", out->target_name);
	return 0;
}

static int parse_number(const struct srpgw_setting *s, uint32_t lo, uint32_t hi, uint32_t *out, char *why, size_t cap)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(s->value, &end, 10);
	if (s->value[0] < '0' || s->value[0] > '9' || *end || errno || v < lo || v > hi)
		return bad(why, cap, "setting \"%s\" is \"%.40s\"; it takes a number from %u to %u", s->key, s->value,
			   lo, hi);
	*out = (uint32_t)v;
	return 0;
}

/* Secrets are not repeated in errors. */
static int parse_text(const struct srpgw_setting *s, char out[256], char *why, size_t cap)
{
	size_t len = strlen(s->value);

	if (!len || len > 255)
		return bad(why, cap, "setting \"%s\" is %zu bytes long; it takes 1 to 255", s->key, len);
	memcpy(out, s->value, len + 1);
	return 0;
}

static int parse_digest(const struct srpgw_setting *s, enum iscsi_header_digest *out, char *why, size_t cap)
{
	if (!strcmp(s->value, "none"))
		*out = ISCSI_HEADER_DIGEST_NONE;
	else if (!strcmp(s->value, "crc32c"))
		*out = ISCSI_HEADER_DIGEST_CRC32C;
	else if (!strcmp(s->value, "prefer"))
		*out = ISCSI_HEADER_DIGEST_CRC32C_NONE;
	else
		return bad(why, cap, "setting \"header_digest\" is \"%.40s\"; it takes none, crc32c or prefer",
			   s->value);
	return 0;
}

static int parse_bool(const struct srpgw_setting *s, bool *out, char *why, size_t cap)
{
	*out = !strcmp(s->value, "true");
	return *out || !strcmp(s->value, "false") ? 0 : bad(why, cap, "setting \"%s\" is \"%.40s\"; it takes true or false",
							    s->key, s->value);
}

static int parse_portals(const struct srpgw_setting *s, struct conf *out, char *why, size_t cap)
{
	for (const char *p = s->value; *p;) {
		size_t len = strcspn(p, ",");
		struct portal portal;
		bool known = false;

		if (portal_parse(p, len, &portal))
			return bad(why, cap, "setting \"portals\": \"%.*s\" is no portal; write HOST[:PORT]", (int)len,
				   p);
		for (uint32_t i = 0; i < out->n_portal; i++)
			known |= !strcmp(out->portal[i].host, portal.host) && out->portal[i].port == portal.port;
		if (!known && out->n_portal == MAX_PORTALS)
			return bad(why, cap, "setting \"portals\" names too many; %u can be used", MAX_PORTALS);
		if (!known)
			out->portal[out->n_portal++] = portal;
		p += len;
		p += *p == ',';
	}
	return 0;
}

static int parse_setting(const struct transport *t, const struct srpgw_setting *s, struct conf *out, char *why,
			 size_t cap)
{
	const struct {
		const char *key;
		uint32_t lo, hi, *out;
	} numbers[] = {
		{ "login_timeout_ms", 100, 600000, &out->login_timeout_ms },
		{ "nop_interval_ms", 0, 3600000, &out->nop_interval_ms },
		{ "nop_timeout_ms", 100, 600000, &out->nop_timeout_ms },
		{ "tcp_user_timeout_ms", 0, 600000, &out->tcp_user_timeout_ms },
		{ "max_outstanding_bytes", 1u << 16, 1u << 30, &out->max_outstanding_bytes },
		{ "max_outstanding", 1, t->most_outstanding, &out->max_outstanding },
	};
	const struct {
		const char *key;
		char *out;
	} texts[] = {
		{ "chap_user", out->chap_user },
		{ "chap_secret", out->chap_secret },
		{ "chap_mutual_user", out->mutual_user },
		{ "chap_mutual_secret", out->mutual_secret },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(s->key, numbers[i].key))
			return parse_number(s, numbers[i].lo, numbers[i].hi, numbers[i].out, why, cap);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strcmp(s->key, texts[i].key))
			return parse_text(s, texts[i].out, why, cap);
	if (!strcmp(s->key, "header_digest"))
		return parse_digest(s, &out->header_digest, why, cap);
	if (!strcmp(s->key, "portals"))
		return parse_portals(s, out, why, cap);
	if (!strcmp(s->key, "discover_portals"))
		return parse_bool(s, &out->discover_portals, why, cap);
	if (!strcmp(s->key, "portal_group")) {
		uint32_t tag = 0;
		int rc = parse_number(s, 0, UINT16_MAX, &tag, why, cap);

		out->portal_group = (int32_t)tag;
		return rc;
	}
	if (!strcmp(s->key, "failback_seconds")) {
		out->has_failback = true;
		return parse_number(s, 0, 86400, &out->failback_s, why, cap);
	}
	return bad(why, cap, "setting \"%.60s\" is not known; `srpgwctl bridges` lists those that are", s->key);
}

int conf_parse(const struct transport *t, const char *uri, const struct srpgw_setting *settings, size_t n_settings,
	       struct conf *out, char *why, size_t cap)
{
	memset(out, 0, sizeof(*out));
	out->header_digest = ISCSI_HEADER_DIGEST_NONE;
	out->portal_group = NO_GROUP;
	out->login_timeout_ms = 10000;
	out->nop_interval_ms = 5000;
	out->nop_timeout_ms = 10000;
	out->tcp_user_timeout_ms = 10000;
	out->max_outstanding = t->default_outstanding;
	out->max_outstanding_bytes = 2u << 20;
	int rc = parse_uri(t, uri, out, why, cap);

	for (size_t i = 0; i < n_settings && !rc; i++)
		rc = parse_setting(t, &settings[i], out, why, cap);
	if (rc)
		return rc;
	if (!out->chap_user[0] != !out->chap_secret[0] || !out->mutual_user[0] != !out->mutual_secret[0])
		return bad(why, cap, "CHAP has a name without a secret or a secret without a name; give both or none");
	if (out->mutual_user[0] && !out->chap_user[0])
		return bad(why, cap, "mutual CHAP without CHAP; give chap_user and chap_secret too");
	if (out->mutual_user[0] && !strcmp(out->mutual_secret, out->chap_secret))
		return bad(why, cap,
			   "both CHAP secrets are the same, which lets an impostor answer with ours; use two (RFC 7143 "
			   "9.2.1)");
	return 0;
}

const char *login_proof_str(const char *libiscsi_text)
{
	static const struct {
		const char *has, *words;
	} known[] = {
		{ "Invalid CHAP_R", "the target did not prove that it knows the mutual secret: compare mutual_secret_file with the "
				    "target's, unless an impostor answers there" },
		{ "Wrong CHAP targetname", "the target shows another name than mutual_user: compare it with the target's" },
		{ "did not return CHAP_", "the target does not prove who it is: set its outgoing account, or leave mutual_user out" },
		{ "Wrong size of CHAP_R", "the target's proof for mutual CHAP is damaged, or an impostor answers there" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(libiscsi_text, known[i].has))
			return known[i].words;
	return NULL;
}

const char *login_status_str(int code, bool *permanent)
{
	static const struct {
		int code;
		bool permanent;
		const char *text;
	} known[] = {
		{ 0x0101, false, "the target has moved for a while" },
		{ 0x0102, false, "the target has moved" },
		{ 0x0200, false, "the target found a fault in the login" },
		{ LOGIN_NOT_AUTHENTICATED, true, "authentication failed: compare CHAP name and secret with the target's" },
		{ 0x0202, true, "not allowed: the target's access list lacks this initiator name" },
		{ 0x0203, true, "there is no such target at this portal: compare its name and access list" },
		{ 0x0204, false, "the target was removed" },
		{ 0x0205, true, "the target speaks another version of iSCSI" },
		{ LOGIN_TOO_MANY, false, "too many connections: raise the target's limit" },
		{ 0x0207, true, "a parameter is missing: does the target demand CHAP?" },
		{ 0x0208, false, "the session cannot be continued there" },
		{ 0x0209, true, "the target does not offer this type of session" },
		{ 0x020a, false, "the target does not know the session" },
		{ 0x020b, false, "the target found the login out of order" },
		{ 0x0300, false, "the target had a fault of its own" },
		{ 0x0301, false, "the target is out of service" },
		{ LOGIN_NO_RESOURCES, false, "the target is out of resources" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].code == code) {
			*permanent = known[i].permanent;
			return known[i].text;
		}
	}
	*permanent = false;
	return NULL;
}
