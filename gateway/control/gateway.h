/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The running gateway: everything from a configuration to sessions, put together and taken apart in the right order.
 * The composition root says which fabrics there are and what to do when it is ready; this file knows none of them by
 * name. Control reactor only. Layer: control.
 */
#ifndef CONTROL_GATEWAY_H
#define CONTROL_GATEWAY_H

#include "config.h"
#include "listeners.h"
#include "status_doc.h"

struct gateway;

struct gateway_params {
	struct reactor *control;
	const struct fabric_kind *kinds; /* borrowed for ever */
	const char *bridge_dir;		 /* folder of the bridges */
	const char *version;
	/* Control reactor; each at most once. Ready: every listen entry listens. */
	void (*ready)(void *arg);
	void (*failed)(void *arg, const struct problems *problems);
	void *arg;
};

/**
 * gateway_create() - take the runtime folder, open back-ends and devices, open the sockets.
 * @config: taken over, also on failure.
 * Return: 0 or -errno with at least one problem.
 */
int gateway_create(const struct gateway_params *p, struct config *config, struct gateway **out,
		   struct problems *problems) WARN_UNUSED;

/* Starts the data reactors and, once they have the configuration, listens: then ready() or failed() is called. */
int gateway_start(struct gateway *g, struct problems *problems) WARN_UNUSED;

/*
 * Reads the file again and swaps it in; on any error the old configuration stays.
 * @done: gets {"ok": true, "warnings": [...]} or {"error": {...}}; it owns the value; NULL when out of memory. May be
 * NULL: log only.
 */
void gateway_reload(struct gateway *g, void (*done)(void *arg, json_t *answer), void *arg);

/* No more logins, all sessions end; @done is called when they have, after @timeout_ms at the latest. @done may be NULL.
 */
void gateway_drain(struct gateway *g, uint32_t timeout_ms, void (*done)(void *arg), void *arg);

/* After gateway_drain(), when the control reactor no longer runs. NULL is harmless. */
void gateway_destroy(struct gateway *g);

/* ---- for the sockets ---- */
struct core *gateway_core(struct gateway *g);
struct reactor *gateway_control(struct gateway *g);
/* Counts what made an older status document wrong: changes of state, reloads. */
uint64_t gateway_generation(const struct gateway *g);
/* @core: as collected. The json members belong to the caller; NULL when out of memory. */
void gateway_status_input(struct gateway *g, const struct core_status *core, struct status_input *in);
/* Every plugin in the folder, usable or not: { "schema_version", "bridges": [...] }. */
json_t *gateway_bridges_json(struct gateway *g);

#endif
