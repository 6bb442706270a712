/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registry of bridges: from a URI's scheme to a loaded plugin, and the opening of back-ends. Layer: bridge.
 */
#include "internal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SCHEME_MAX 31u

int bridge_host_create(const char *dir, const struct srpgw_host *services, struct bridge_host **out, struct err *e)
{
	struct bridge_host *h = calloc(1, sizeof(*h));

	if (h)
		h->dir = strdup(dir);
	if (!h || !h->dir) {
		free(h);
		return err_set(e, -ENOMEM, "out of memory");
	}
	h->services = *services;
	h->services.struct_size = sizeof(h->services);
	h->services.abi = SRPGW_BRIDGE_ABI;
	h->services.io_size = sizeof(struct srpgw_io);
	h->services.tmf_size = sizeof(struct srpgw_tmf);
	h->services.log = services_log;
	h->services.open_below = services_open_below;
	list_init(&h->plugins);
	list_init(&h->discoveries);
	guard_wrap_host(h);
	*out = h;
	return 0;
}

void bridge_host_destroy(struct bridge_host *h)
{
	struct list_node *n;

	if (!h)
		return;
	while ((n = list_pop_front(&h->plugins)))
		plugin_unload(list_entry(n, struct plugin, node));
	discoveries_free(h);
	free(h->dir);
	free(h);
}

void bridge_guard_stats(const struct bridge_host *h, struct bridge_guard_stats *out)
{
	out->answers_unknown_total = atomic_load(&h->stats.answers_unknown_total);
	out->answers_missing_total = atomic_load(&h->stats.answers_missing_total);
	out->answers_malformed_total = atomic_load(&h->stats.answers_malformed_total);
	out->events_out_of_order_total = atomic_load(&h->stats.events_out_of_order_total);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_shared_object(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return len > 3 && !strcmp(d->d_name + len - 3, ".so");
}

static void free_names(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* "iscsi, mem" */
static void list_names(const char *dir, char *buf, size_t cap)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, is_shared_object, by_name);
	size_t len = 0;

	buf[0] = 0;
	for (int i = 0; i < n && len < cap; i++)
		len += (size_t)snprintf(buf + len, cap - len, "%s%.*s", i ? ", " : "",
					(int)strlen(names[i]->d_name) - 3, names[i]->d_name);
	if (n <= 0)
		snprintf(buf, cap, "none");
	if (n >= 0)
		free_names(names, n);
}

/* Return: false when @uri does not begin with a scheme and a colon. */
static bool take_scheme(const char *uri, char scheme[SCHEME_MAX + 1])
{
	size_t n = 0;

	while (n < SCHEME_MAX && (islower((unsigned char)uri[n]) || isdigit((unsigned char)uri[n]))) {
		scheme[n] = uri[n];
		n++;
	}
	scheme[n] = 0;
	return n && uri[n] == ':';
}

static int load(struct bridge_host *h, const char *path, const char *name, struct plugin **out, struct err *e)
{
	list_for_each(n, &h->plugins) {
		struct plugin *p = list_entry(n, struct plugin, node);

		if (!strcmp(p->path, path)) {
			*out = p;
			return 0;
		}
	}
	struct plugin *loaded = NULL;
	int rc = plugin_load(h, path, name, &loaded, e);

	if (rc || !loaded)
		return rc ? rc : -EPROTO;
	list_push_back(&h->plugins, &loaded->node);
	*out = loaded;
	return 0;
}

int bridge_host_find(struct bridge_host *h, const char *uri, struct plugin **out, struct err *e)
{
	char scheme[SCHEME_MAX + 1], there[256];
	CLEANUP_FREE char *path = NULL;

	if (!take_scheme(uri, scheme)) {
		err_set(e, -EINVAL, "\"%.80s\" does not begin with a scheme and a colon", uri);
		list_names(h->dir, there, sizeof(there));
		err_cure(e, "begin it with one of: %s", there);
		return -EINVAL;
	}
	if (asprintf(&path, "%s/%s.so", h->dir, scheme) < 0) {
		path = NULL;
		err_set(e, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	if (access(path, F_OK)) {
		list_names(h->dir, there, sizeof(there));
		err_set(e, -ENOENT, "there is no bridge \"%s\" in %s", scheme, h->dir);
		err_cure(e, "use one that is there (%s) or install %s.so", there, scheme);
		return -ENOENT;
	}
	return load(h, path, scheme, out, e);
}

int bridge_find(struct bridge_host *h, const char *uri, const struct srpgw_bridge **out, struct err *e)
{
	struct plugin *p;
	int rc = bridge_host_find(h, uri, &p, e);

	if (!rc)
		*out = &p->guarded;
	return rc;
}

int bridge_open(struct bridge_host *h, const char *uri, const struct srpgw_setting *settings, size_t n_settings,
		const struct srpgw_bridge **bridge, struct srpgw_bridge_target **target, struct err *e)
{
	char why[512] = "";
	struct plugin *p;
	int rc = bridge_host_find(h, uri, &p, e);

	if (rc)
		return rc;
	if (!services_enter_open(h))
		return err_set(e, -ELOOP, "bridges are stacked too deep");
	rc = guard_open(p, uri, settings, n_settings, target, why, sizeof(why));
	services_leave_open();
	why[sizeof(why) - 1] = 0;
	if (rc)
		return err_set(e, rc, "bridge %s: %s", p->real.name, why[0] ? why : strerror(-rc));
	*bridge = &p->guarded;
	return 0;
}

void bridge_for_each(struct bridge_host *h,
		     void (*fn)(void *arg, const char *path, const struct srpgw_bridge *b, const char *why), void *arg)
{
	struct dirent **names = NULL;
	int n = scandir(h->dir, &names, is_shared_object, by_name);

	for (int i = 0; i < n; i++) {
		CLEANUP_FREE char *path = NULL;
		struct err e = ERR_INIT;
		struct plugin *p;
		char text[512];

		if (asprintf(&path, "%s/%s", h->dir, names[i]->d_name) < 0) {
			path = NULL;
			break;
		}
		if (load(h, path, NULL, &p, &e))
			fn(arg, path, NULL, err_format(&e, text, sizeof(text)));
		else
			fn(arg, path, &p->guarded, NULL);
	}
	if (n >= 0)
		free_names(names, n);
}
