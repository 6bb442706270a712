/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The course of a discovery: which targets and portals there are, gathered into target portal groups, each of which is
 * then looked at. Layer: tools.
 */
#include "srpgwctl_discover.h"

#include "../base/log.h"
#include "../base/secret.h"
#include "../base/text.h"
#include "../rt/reactor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_INITIATOR "iqn.2026-11.srpgw:discover"
/* A login that takes longer will not come. */
#define LOGIN_MS_MAX 10000u

struct course {
	struct discover_result *result;
	const char *only; /* this target, or NULL: all */
	struct reactor *reactor;
	bool over, no_memory;
	int rc;
	char why[512];
};

static struct discover_group *group_of(struct course *c, const struct srpgw_found *f)
{
	struct discover_result *r = c->result;
	struct discover_group *g;

	for (size_t i = 0; i < r->n_group; i++)
		if (r->group[i].tag == f->group && strcmp(r->group[i].target_name, f->target_name) == 0)
			return &r->group[i];
	if (r->n_group == DISCOVER_MAX_GROUPS) {
		r->cut = true;
		return NULL;
	}
	g = &r->group[r->n_group];
	g->portal = calloc(DISCOVER_MAX_PORTALS, sizeof(*g->portal));
	if (!g->portal) {
		c->no_memory = true;
		return NULL;
	}
	r->n_group++;
	g->tag = f->group;
	snprintf(g->target_name, sizeof(g->target_name), "%s", f->target_name);
	return g;
}

static void on_found(void *arg, const struct srpgw_found *f)
{
	struct course *c = arg;
	struct discover_group *g;

	if (strlen(f->target_name) >= DISCOVER_NAME_BYTES || strlen(f->address) >= DISCOVER_ADDRESS_BYTES) {
		c->result->cut = true;
		return;
	}
	if (c->only && strcmp(c->only, f->target_name) != 0)
		return;
	g = group_of(c, f);
	if (!g)
		return;
	for (size_t i = 0; i < g->n_portal; i++)
		if (strcmp(g->portal[i], f->address) == 0)
			return;
	if (g->n_portal == DISCOVER_MAX_PORTALS)
		c->result->cut = true;
	else
		snprintf(g->portal[g->n_portal++], sizeof(g->portal[0]), "%s", f->address);
}

static void on_done(void *arg, int rc, const char *why)
{
	struct course *c = arg;

	c->over = true;
	c->rc = rc;
	snprintf(c->why, sizeof(c->why), "%s", why);
}

/* "SCHEME://HOST" of @uri and the target's name behind it, if there is one. */
static int split_uri(const char *uri, struct discover_result *out, char *portal, size_t cap, const char **only,
		     struct err *e)
{
	const char *colon = strstr(uri, "://"), *slash;
	size_t len;

	if (!colon || colon == uri || (size_t)(colon - uri) >= sizeof(out->scheme) || !colon[3]) {
		err_cure(e, "write iscsi://HOST[:PORT]");
		return err_set(e, -EINVAL, "\"%.80s\" names no portal", uri);
	}
	snprintf(out->scheme, sizeof(out->scheme), "%.*s", (int)(colon - uri), uri);
	slash = strchr(colon + 3, '/');
	len = slash ? (size_t)(slash - uri) : strlen(uri);
	if (len >= cap)
		return err_set(e, -EINVAL, "the URI is too long");
	snprintf(portal, cap, "%.*s", (int)len, uri);
	*only = slash && slash[1] ? slash + 1 : NULL;
	return 0;
}

static int ask_portal(struct course *c, struct bridge_host *h, const char *portal, const struct srpgw_setting *settings,
		      size_t n_settings, const char *initiator_name, struct err *e)
{
	int rc = bridge_discover(h, (struct srpgw_reactor *)(void *)c->reactor, portal, settings, n_settings,
				 initiator_name, on_found, on_done, c, e);

	if (rc)
		return rc;
	/* The bridge has a time limit of its own (login_timeout_ms). */
	while (!c->over)
		reactor_poll(c->reactor, -1);
	if (c->rc)
		return err_set(e, c->rc, "%s", c->why);
	if (c->no_memory)
		return err_set(e, -ENOMEM, "out of memory");
	if (c->result->n_group > 0)
		return 0;
	if (c->only)
		err_cure(e, "leave the name out to see what there is, and compare the target's access list with %s",
			 initiator_name);
	else
		err_cure(e, "does an access list of the array admit the initiator name %s? Choose another with --initiator-name",
			 initiator_name);
	return err_set(e, -ENOENT, c->only ? "%s has no target %s" : "%s has no targets", portal, c->only);
}

static void make_safe(struct discover_result *r)
{
	for (size_t i = 0; i < r->n_group; i++) {
		struct discover_group *g = &r->group[i];

		text_make_safe(g->target_name);
		text_make_safe(g->error);
		for (size_t k = 0; k < g->n_portal; k++)
			text_make_safe(g->portal[k]);
		for (size_t k = 0; k < g->n_lun; k++)
			text_make_safe(g->lun[k].error);
	}
}

/* The bridge speaks of the configuration's keys; here it is options. */
static void point_at_chap(char *error, size_t cap)
{
	size_t len = strlen(error);

	if (strstr(error, "CHAP"))
		snprintf(error + len, cap - len, " (here: --chap-user, --chap-secret-file)");
}

static int look(struct course *c, struct bridge_host *h, const char *uri, const struct discover_options *o,
		const char *secret, struct err *e)
{
	const char *initiator_name = o->initiator_name ? o->initiator_name : DEFAULT_INITIATOR;
	uint64_t deadline_ns = reactor_now_ns(c->reactor) + o->time_limit_s * NS_PER_S;
	struct srpgw_setting settings[3];
	char portal[400], timeout[16];
	size_t n = 1;
	int rc = split_uri(uri, c->result, portal, sizeof(portal), &c->only, e);

	if (rc)
		return rc;
	snprintf(timeout, sizeof(timeout), "%u",
		 o->time_limit_s * 1000 < LOGIN_MS_MAX ? o->time_limit_s * 1000 : LOGIN_MS_MAX);
	settings[0] = (struct srpgw_setting){ "login_timeout_ms", timeout };
	if (o->chap_user) {
		settings[n++] = (struct srpgw_setting){ "chap_user", o->chap_user };
		settings[n++] = (struct srpgw_setting){ "chap_secret", secret };
	}
	rc = ask_portal(c, h, portal, settings, n, initiator_name, e);
	for (size_t i = 0; i < c->result->n_group && rc == 0; i++)
		discover_scan(h, c->reactor, settings, n, c->result->scheme, initiator_name, deadline_ns,
			      &c->result->group[i]);
	for (size_t i = 0; i < c->result->n_group && !o->chap_user; i++)
		point_at_chap(c->result->group[i].error, sizeof(c->result->group[i].error));
	make_safe(c->result);
	return rc;
}

int discover_run(const char *uri, const struct discover_options *o, struct discover_result *out, struct err *e)
{
	const char *dir = getenv("SRPGW_BRIDGE_DIR");
	struct course c = { .result = out };
	char secret[SECRET_MAX_BYTES + 1] = "";
	struct bridge_host *h = NULL;
	struct srpgw_host services;
	int rc = 0;

	/* What bridges have to say beside their errors is for a daemon's log. */
	log_set_level(LOG_LEVEL_ERROR);
	if (!o->chap_user != !o->chap_secret_file) {
		err_cure(e, "give both or none");
		return err_set(e, -EINVAL, "--chap-user and --chap-secret-file belong together");
	}
	if (o->chap_user)
		rc = secret_read(o->chap_secret_file, secret, e);
	if (rc == 0 && reactor_create("discover", &c.reactor))
		rc = err_set(e, -ENOMEM, "out of memory");
	discover_host_services(&services);
	if (rc == 0)
		rc = bridge_host_create(dir && *dir ? dir : SRPGW_BRIDGE_DIR, &services, &h, e);
	if (rc == 0)
		rc = look(&c, h, uri, o, secret, e);
	secret_wipe(secret);
	/* A name may still be looked up on a thread of its own, which comes back to the reactor. */
	if (discover_host_n_works() == 0) {
		bridge_host_destroy(h);
		if (c.reactor)
			reactor_destroy(c.reactor);
	}
	return rc;
}

void discover_free(struct discover_result *r)
{
	for (size_t i = 0; i < r->n_group; i++) {
		free(r->group[i].portal);
		free(r->group[i].lun);
	}
	r->n_group = 0;
}
