/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of this folder share: a loaded plugin, and the guard in front of it. Layer: bridge.
 */
#ifndef BRIDGE_INTERNAL_H
#define BRIDGE_INTERNAL_H

#include "../base/list.h"
#include "host.h"

#include <stdatomic.h>

/* One plugin, loaded and found good. */
struct plugin {
	struct list_node node;
	struct bridge_host *host;
	char *path; /* of the shared object */
	void *handle;
	struct srpgw_bridge real;    /* own copy: zeroed, then the smaller of both sizes */
	struct srpgw_bridge guarded; /* what the host calls: the guard's functions */
};

struct bridge_host {
	char *dir;
	struct srpgw_host services;   /* the host's own */
	struct srpgw_host to_plugins; /* the same, with the guard in between */
	struct list plugins;
	struct list discoveries; /* of all times */
	struct bridge_guard_stats stats;
};

/* ---- load.c ---- */

/*
 * Loads and checks @path; @name: what its scheme must be, or NULL. Return: 0 or -errno with @e; the caller frees with
 * plugin_unload().
 */
int plugin_load(struct bridge_host *h, const char *path, const char *name, struct plugin **out,
		struct err *e) WARN_UNUSED;
void plugin_unload(struct plugin *p);

/* ---- guard.c ---- */

/* Fills in h->to_plugins from h->services. */
void guard_wrap_host(struct bridge_host *h);
/* Fills in p->guarded from p->real. */
void guard_wrap_bridge(struct plugin *p);
/* Opens a back-end so that p->guarded may be used with the result. As srpgw_bridge.open. */
int guard_open(struct plugin *p, const char *uri, const struct srpgw_setting *settings, size_t n_settings,
	       struct srpgw_bridge_target **target, char *why, size_t why_cap) WARN_UNUSED;

/* ---- guard_set.c: what a thread's bridges owe ---- */

struct guard_path;

/* Return: false when @key is in there already or the set is full; @full tells which. */
bool guard_set_add(const void *key, struct guard_path *path, bool *full);
/* Return: whose it was, or NULL when @key is not in there. */
struct guard_path *guard_set_take(const void *key);
/* Any member of @path, or NULL. Slow: for the end of a path only. */
const void *guard_set_find(const struct guard_path *path);

/* ---- services.c ---- */

void services_log(int level, const char *fmt, ...) PRINTF_LIKE(2, 3);
int services_open_below(const char *uri, const struct srpgw_setting *settings, size_t n_settings,
			const struct srpgw_host *host_of_below, const struct srpgw_bridge **bridge,
			struct srpgw_bridge_target **target, char *why, size_t why_cap);
/* Between the two, open_below() on this thread means @h. Return: false when bridges are stacked too deep. */
bool services_enter_open(struct bridge_host *h);
void services_leave_open(void);

/* ---- discover.c ---- */

void discoveries_free(struct bridge_host *h);

/* ---- host.c ---- */

int bridge_host_find(struct bridge_host *h, const char *uri, struct plugin **out, struct err *e) WARN_UNUSED;

#endif
