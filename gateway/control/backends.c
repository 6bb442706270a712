/* SPDX-License-Identifier: BSD-3-Clause */
/* The open back-ends, see backends.h. Layer: control. Knows config, core/map.h, bridge/host.h. */
#include "backends.h"
#include "../base/list.h"
#include "../base/secret.h"
#include "nearest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX 64u
#define REGIONS_MAX 64u

/* What the bridge is given beside the URI, and the text that tells whether it changed. */
struct settings {
	struct srpgw_setting item[SETTINGS_MAX];
	size_t n;
	char secret[SECRET_MAX_BYTES + 1], mutual_secret[SECRET_MAX_BYTES + 1];
	struct arena arena;
};

/* What may change without touching a session. */
struct policy {
	uint32_t hold_ms, after_hold, retry_ms, retry_max_ms, fence_ms, max_detached, queue_depth, max_sessions;
	uint64_t max_inflight_bytes;
};

struct open_backend {
	struct backend backend;
	struct list_node node;
	struct policy next; /* of the configuration that was read last; see backends_commit() */
	unsigned n_users;
	char *fingerprint; /* holds secrets: wiped before it is freed */
	struct arena arena;
};

struct backends {
	struct bridge_host *bridges;
	const struct core *core;
	struct iovec
	    region[REGIONS_MAX]; /* the core's buffers; a copy, because back-ends close while the core goes away */
	size_t n_region;
	struct list open;
	uint32_t last_number;
};

int backends_create(struct bridge_host *bridges, struct core *core, struct backends **out)
{
	struct backends *s = calloc(1, sizeof(*s));
	struct mem_region *region[REGIONS_MAX];
	size_t n;

	if (!s)
		return -ENOMEM;
	s->bridges = bridges;
	s->core = core;
	n = core_regions(core, region, REGIONS_MAX);
	for (; s->n_region < n && s->n_region < REGIONS_MAX; s->n_region++)
		s->region[s->n_region] = (struct iovec){ region[s->n_region]->base, region[s->n_region]->len_bytes };
	list_init(&s->open);
	*out = s;
	return 0;
}

void backends_destroy(struct backends *s)
{
	free(s);
}

static void problem_from(struct problems *problems, struct json_path at, const struct err *e)
{
	struct err *p = problem_at(problems, &at, "%s", e->cause);

	if (e->cure[0])
		err_cure(p, "%s", e->cure);
}

static void settings_free(struct settings *t)
{
	secret_wipe(t->secret);
	secret_wipe(t->mutual_secret);
	arena_free(&t->arena);
}

static bool add_setting(struct settings *t, const char *key, const char *value)
{
	if (t->n == SETTINGS_MAX)
		return false;
	t->item[t->n++] = (struct srpgw_setting){ .key = key, .value = value };
	return true;
}

/* Is @key the name of a "key: meaning" line of the bridge's help? Offers all names to @near. */
static bool bridge_knows(const char *help, const char *key, struct nearest *near, struct arena *arena)
{
	for (const char *line = help; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		size_t len = strcspn(line, ":\n");
		char *name = arena_printf(arena, "%.*s", (int)len, line);

		if (!name)
			continue;
		if (strcmp(name, key) == 0)
			return true;
		nearest_offer(near, name);
	}
	return false;
}

/* Keys of the back-end itself, which the bridge is given from there. */
static bool is_reserved(const char *key)
{
	static const char *const own[] = { "portals", "discover_portals", "portal_group", "failback_seconds" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(key, own[i]) == 0)
			return true;
	return strncmp(key, "chap_", 5) == 0;
}

static int own_settings(struct settings *t, const struct config_backend *c, const struct srpgw_bridge *bridge,
			struct json_path at, struct problems *problems)
{
	struct json_path list = json_path_key(at, "settings");

	for (size_t i = 0; i < c->settings.n; i++) {
		const struct schema_setting *s = CONFIG_ITEM(&c->settings, struct schema_setting, i);
		struct json_path item = json_path_key(list, s->key);
		struct nearest near = { .wanted = s->key };
		struct err *e;

		if (is_reserved(s->key)) {
			err_cure(problem_at_key(problems, &item, "this is no place for \"%.64s\"", s->key),
				 "it is a key of the back-end itself; secrets stand in files of their own, see \"chap\"");
			return -EINVAL;
		}
		if (!bridge_knows(bridge->settings_help, s->key, &near, &t->arena)) {
			e = problem_at_key(problems, &item, "bridge %s knows no such setting", bridge->name);
			if (near.best)
				err_cure(e, "did you mean \"%s\"?", near.best);
			else
				err_cure(e, "see `srpgwctl bridges` for its settings");
			return -EINVAL;
		}
		if (!add_setting(t, s->key, s->value)) {
			err_cure(problem_at(problems, &item, "too many settings"), "give at most %u", SETTINGS_MAX - 8);
			return -E2BIG;
		}
	}
	return 0;
}

static int read_secret(const char *file, char out[SECRET_MAX_BYTES + 1], struct json_path at, struct problems *problems)
{
	struct err e = ERR_INIT;
	int rc = secret_read(file, out, &e);

	if (rc)
		problem_from(problems, at, &e);
	return rc;
}

/* 0 is none. Return: 0 or -ENOMEM. */
static int add_number(struct settings *t, const char *key, uint32_t value)
{
	char *text = value ? arena_printf(&t->arena, "%u", value) : NULL;

	if (text)
		add_setting(t, key, text);
	return value && !text ? -ENOMEM : 0;
}

static int settings_make(struct settings *t, const struct config_backend *c, const struct srpgw_bridge *bridge,
			 struct json_path at, struct problems *problems)
{
	struct json_path chap = json_path_key(at, "chap");
	char *portals = NULL;
	int rc;

	for (size_t i = 0; i < c->portals.n; i++) {
		portals =
		    arena_printf(&t->arena, "%s%s%s", portals ? portals : "", portals ? "," : "", c->portals.item[i]);
		if (!portals)
			return -ENOMEM;
	}
	if (portals)
		add_setting(t, "portals", portals);
	if (c->discover_portals)
		add_setting(t, "discover_portals", "true");
	if (add_number(t, "portal_group", c->portal_group) || add_number(t, "failback_seconds", c->failback_seconds))
		return -ENOMEM;
	if (c->chap.user) {
		rc = read_secret(c->chap.secret_file, t->secret, json_path_key(chap, "secret_file"), problems);
		if (rc)
			return rc;
		add_setting(t, "chap_user", c->chap.user);
		add_setting(t, "chap_secret", t->secret);
	}
	if (c->chap.mutual_user) {
		rc = read_secret(c->chap.mutual_secret_file, t->mutual_secret,
				 json_path_key(chap, "mutual_secret_file"), problems);
		if (rc)
			return rc;
		add_setting(t, "chap_mutual_user", c->chap.mutual_user);
		add_setting(t, "chap_mutual_secret", t->mutual_secret);
	}
	return own_settings(t, c, bridge, at, problems);
}

static char *fingerprint(const struct config_backend *c, const struct settings *t)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	bool failed;

	if (!f)
		return NULL;
	fprintf(f, "%s\n%s\n%s\n", c->name, c->uri, c->identity.initiator_name ? c->identity.initiator_name : "");
	for (size_t i = 0; i < t->n; i++)
		fprintf(f, "%s=%s\n", t->item[i].key, t->item[i].value);
	failed = ferror(f) != 0;
	if (fclose(f) || failed) {
		free(text);
		return NULL;
	}
	return text;
}

static struct policy policy_of(const struct config_backend *c)
{
	return (struct policy){
		.hold_ms = c->hold_seconds * 1000,
		.after_hold = (uint32_t)c->after_hold,
		.retry_ms = c->retry_ms,
		.retry_max_ms = c->retry_max_ms,
		.fence_ms = c->fence_ms,
		.max_detached = c->max_detached,
		.queue_depth = c->queue_depth,
		.max_inflight_bytes = c->max_inflight_bytes,
		.max_sessions = c->max_sessions,
	};
}

static void policy_apply(struct backend *b, const struct policy *p)
{
	b->hold_ms = p->hold_ms;
	b->after_hold = p->after_hold;
	b->retry_ms = p->retry_ms;
	b->retry_max_ms = p->retry_max_ms;
	b->fence_ms = p->fence_ms;
	b->max_detached = p->max_detached;
	b->gate.depth = p->queue_depth;
	b->max_inflight_bytes = p->max_inflight_bytes;
	b->census.most = p->max_sessions;
}

void backends_commit(struct backends *s)
{
	list_for_each (n, &s->open) {
		struct open_backend *o = list_entry(n, struct open_backend, node);

		policy_apply(&o->backend, &o->next);
	}
}

static void wipe_and_free(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

static void open_backend_free(struct open_backend *o)
{
	wipe_and_free(o->fingerprint);
	arena_free(&o->arena);
	free(o);
}

static void mem_del_first(struct backends *s, struct backend *b, size_t n)
{
	for (size_t i = 0; i < n && SRPGW_HAS(b->bridge, mem_del); i++)
		b->bridge->mem_del(b->target, s->region[i].iov_base, s->region[i].iov_len);
}

static int mem_add_all(struct backends *s, struct backend *b, struct err *e)
{
	if (!SRPGW_HAS(b->bridge, mem_add))
		return 0;
	for (size_t i = 0; i < s->n_region; i++) {
		int rc = b->bridge->mem_add(b->target, s->region[i].iov_base, s->region[i].iov_len);

		if (rc == 0)
			continue;
		mem_del_first(s, b, i);
		err_cure(e, "raise the memory lock limit, or lower \"pool_bytes\"");
		return err_set(e, rc, "bridge %s cannot use the data buffers: %s", b->bridge->name, strerror(-rc));
	}
	return 0;
}

/* Every path lives on a reactor with others: a bridge that may block would stop them all. */
static int check_threads(const struct backend *b, struct err *e)
{
	if (!b->limits.own_thread)
		return 0;
	err_cure(e, "use a bridge that never blocks");
	return err_set(e, -ENOTSUP, "bridge %s needs threads of its own, which srpgwd does not give yet", b->bridge->name);
}

static int open_new(struct backends *s, struct open_backend *o, const struct config_backend *c,
		    const struct settings *t, struct err *e)
{
	struct backend *b = &o->backend;
	int rc;

	b->name = arena_strdup(&o->arena, c->name);
	b->uri = arena_strdup(&o->arena, c->uri);
	if (c->identity.initiator_name)
		b->initiator_name = arena_strdup(&o->arena, c->identity.initiator_name);
	if (!b->name || !b->uri || (c->identity.initiator_name && !b->initiator_name))
		return -ENOMEM;
	o->next = policy_of(c);
	policy_apply(b, &o->next);
	b->number = ++s->last_number;
	rc = bridge_open(s->bridges, c->uri, t->item, t->n, &b->bridge, &b->target, e);
	if (rc)
		return rc;
	b->limits.struct_size = sizeof(b->limits);
	if (SRPGW_HAS(b->bridge, limits))
		b->bridge->limits(b->target, &b->limits);
	rc = check_threads(b, e);
	if (rc == 0)
		rc = mem_add_all(s, b, e);
	if (rc)
		b->bridge->close(b->target);
	return rc;
}

static struct open_backend *find_open(struct backends *s, const char *print)
{
	list_for_each (n, &s->open) {
		struct open_backend *o = list_entry(n, struct open_backend, node);

		if (strcmp(o->fingerprint, print) == 0)
			return o;
	}
	return NULL;
}

static int get_with(struct backends *s, const struct config_backend *c, const struct settings *t, struct json_path at,
		    struct problems *problems, struct backend **out)
{
	char *print = fingerprint(c, t);
	struct open_backend *o = print ? find_open(s, print) : NULL;
	struct err e = ERR_INIT;
	int rc;

	if (!print)
		return -ENOMEM;
	if (o) {
		wipe_and_free(print);
		o->n_users++;
		o->next = policy_of(c);
		*out = &o->backend;
		return 0;
	}
	o = calloc(1, sizeof(*o));
	if (!o) {
		wipe_and_free(print);
		return -ENOMEM;
	}
	o->fingerprint = print;
	rc = open_new(s, o, c, t, &e);
	if (rc) {
		if (rc != -ENOMEM || e.cause[0])
			problem_from(problems, json_path_key(at, "uri"), &e);
		open_backend_free(o);
		return rc;
	}
	o->n_users = 1;
	list_push_back(&s->open, &o->node);
	*out = &o->backend;
	return 0;
}

int backends_get(struct backends *s, const struct config_backend *c, struct json_path at, struct problems *problems,
		 struct backend **out)
{
	struct settings *t = calloc(1, sizeof(*t));
	const struct srpgw_bridge *bridge;
	struct err e = ERR_INIT;
	int rc;

	if (!t)
		return -ENOMEM;
	rc = bridge_find(s->bridges, c->uri, &bridge, &e);
	if (rc == 0)
		rc = core_check_bridge(s->core, bridge, &e);
	if (rc)
		problem_from(problems, json_path_key(at, "uri"), &e);
	if (rc == 0)
		rc = settings_make(t, c, bridge, at, problems);
	if (rc == 0)
		rc = get_with(s, c, t, at, problems, out);
	settings_free(t);
	free(t);
	return rc;
}

void backends_put(struct backends *s, struct backend *b)
{
	struct open_backend *o = container_of(b, struct open_backend, backend);

	if (--o->n_users)
		return;
	list_del(&o->node);
	if (SRPGW_HAS(b->bridge, mem_add))
		mem_del_first(s, b, s->n_region);
	b->bridge->close(b->target);
	open_backend_free(o);
}
