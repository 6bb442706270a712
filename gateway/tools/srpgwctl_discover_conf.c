/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A configuration made of what a discovery found, see srpgw.json(5). Pure. Layer: tools.
 *
 * The target ports of an array differ in what they register and in their ALUA states, and a target portal group is one
 * target port: so each becomes a back-end and an SRP target of its own, and the hosts' multipath joins them again.
 */
#include "srpgwctl_discover.h"

#include <string.h>

#define BACKEND_NAME_BYTES 64 /* srpgw.json(5): at most 63 */
#define STEM_BYTES 40

static bool is_fine(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* What people call the target: the part of its name after the naming authority. */
static void stem(const char *target_name, char out[STEM_BYTES])
{
	const char *colon = strchr(target_name, ':');
	const char *from = colon && colon[1] ? colon + 1 : target_name;
	size_t n = 0;

	for (; *from && n + 1 < STEM_BYTES; from++)
		out[n++] = is_fine(*from) ? *from : '-';
	out[n] = '\0';
	if (n == 0)
		snprintf(out, STEM_BYTES, "target");
}

static bool has_siblings(const struct discover_result *r, const struct discover_group *g)
{
	for (size_t i = 0; i < r->n_group; i++)
		if (&r->group[i] != g && strcmp(r->group[i].target_name, g->target_name) == 0)
			return true;
	return false;
}

/* A name that no other back-end has. */
static void name_backend(const struct discover_result *r, const struct discover_group *g, const json_t *taken,
			 char out[BACKEND_NAME_BYTES])
{
	char base[BACKEND_NAME_BYTES - 8], part[STEM_BYTES];

	stem(g->target_name, part);
	if (g->tag >= 0 && has_siblings(r, g))
		snprintf(base, sizeof(base), "%s-%d", part, g->tag);
	else
		snprintf(base, sizeof(base), "%s", part);
	snprintf(out, BACKEND_NAME_BYTES, "%s", base);
	for (unsigned i = 2; json_object_get(taken, out); i++)
		snprintf(out, BACKEND_NAME_BYTES, "%s-%u", base, i % 100000);
}

static json_t *further_portals(const struct discover_group *g)
{
	json_t *list = json_array();

	for (size_t i = 1; list && i < g->n_portal; i++) {
		if (json_array_append_new(list, json_string(g->portal[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *backend(const struct discover_result *r, const struct discover_group *g, const char *chap_user,
		       const char *chap_secret_file)
{
	json_t *v = json_object();
	bool ok = v && json_object_set_new(v, "uri",
					   json_sprintf("%s://%s/%s", r->scheme, g->portal[0], g->target_name)) == 0;

	if (ok && g->n_portal > 1)
		ok = json_object_set_new(v, "portals", further_portals(g)) == 0;
	if (ok && chap_user && chap_secret_file)
		ok = json_object_set_new(v, "chap", json_pack("{s:s, s:s}", "user", chap_user, "secret_file",
							      chap_secret_file)) == 0;
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static bool add(const struct discover_result *r, const struct discover_group *g, const char *chap_user,
		const char *chap_secret_file, json_t *backends, json_t *targets)
{
	char name[BACKEND_NAME_BYTES];

	name_backend(r, g, backends, name);
	return json_object_set_new(backends, name, backend(r, g, chap_user, chap_secret_file)) == 0 &&
	       json_array_append_new(targets, json_pack("{s:s, s:[s], s:[{s:s, s:b}]}", "name", name, "initiators", "*",
							"luns", "backend", name, "all", 1)) == 0;
}

json_t *discover_config(const struct discover_result *r, const char *chap_user, const char *chap_secret_file)
{
	json_t *backends = json_object(), *targets = json_array();
	bool ok = backends && targets;

	for (size_t i = 0; ok && i < r->n_group; i++)
		ok = add(r, &r->group[i], chap_user, chap_secret_file, backends, targets);
	if (!ok) {
		json_decref(backends);
		json_decref(targets);
		return NULL;
	}
	return json_pack("{s:[{s:s, s:s, s:i}], s:o, s:o}", "listen", "fabric", "rdma", "address", "0.0.0.0", "port", 5555,
			 "backends", backends, "targets", targets);
}
