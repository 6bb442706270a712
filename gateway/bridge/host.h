/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads bridges (dlopen), checks their size and version, opens back-ends through them, and guards the contract.
 * Control thread, before and while reactors run. Layer: bridge. Knows core and below.
 */
#ifndef BRIDGE_HOST_H
#define BRIDGE_HOST_H

#include "../base/err.h"
#include "../include/srpgw/bridge.h"

#include <stdint.h>

struct bridge_host;

/* What bridges did against their contract since start; each was logged and survived. Plain copies. */
struct bridge_guard_stats {
	_Atomic uint64_t answers_unknown_total;   /* io_done or tmf_done twice, or for what was never submitted */
	_Atomic uint64_t answers_missing_total;   /* owed at the end of detach; the guard answered */
	_Atomic uint64_t answers_malformed_total; /* impossible delivery, sense length or residual */
	_Atomic uint64_t events_out_of_order_total;
};

/**
 * bridge_host_create() - an empty registry.
 * @dir: folder with NAME.so, copied; $SRPGW_BRIDGE_DIR is the caller's business.
 * @services: core_host_services(); log and open_below are filled in here. Copied.
 */
int bridge_host_create(const char *dir, const struct srpgw_host *services, struct bridge_host **out,
		       struct err *e) WARN_UNUSED;
/* All targets are closed. The code of plugins stays mapped. */
void bridge_host_destroy(struct bridge_host *h);

/*
 * The bridge for a URI's scheme ("iscsi:", "iser:", "mem:", "sg:", "fault:"): NAME.so of that name is loaded at first
 * use. Return: 0; -ENOENT no such plugin (the error lists what is there); -EPROTO wrong version, size or missing
 * members.
 */
int bridge_find(struct bridge_host *h, const char *uri, const struct srpgw_bridge **out, struct err *e) WARN_UNUSED;

/* bridge_find() and open. Return: 0 or -errno with the bridge's own cause. */
int bridge_open(struct bridge_host *h, const char *uri, const struct srpgw_setting *settings, size_t n_settings,
		const struct srpgw_bridge **bridge, struct srpgw_bridge_target **target, struct err *e) WARN_UNUSED;

/*
 * bridge_find() and discover, held to its contract: found() comes only before done(), done() once and not from inside this
 * call. Reactor thread of @r. Return: 0 or -errno with @e (neither is called); -EOPNOTSUPP when the bridge cannot.
 */
int bridge_discover(struct bridge_host *h, struct srpgw_reactor *r, const char *uri,
		    const struct srpgw_setting *settings, size_t n_settings, const char *initiator_name,
		    void (*found)(void *arg, const struct srpgw_found *f),
		    void (*done)(void *arg, int rc, const char *why), void *arg, struct err *e) WARN_UNUSED;

/* Any thread. */
void bridge_guard_stats(const struct bridge_host *h, struct bridge_guard_stats *out);

/* Loads every plugin in the folder and names each in turn: @b NULL and @why set when one cannot be used. */
void bridge_for_each(struct bridge_host *h,
		     void (*fn)(void *arg, const char *path, const struct srpgw_bridge *b, const char *why), void *arg);

#endif
