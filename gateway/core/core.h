/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The SRP target: what main.c and control/ use of core. One object per daemon.
 * All functions run on the control reactor unless they say otherwise.
 * Layer: core. Knows base, proto, rt and <srpgw/bridge.h>; no verbs, no dlopen, no sockets, no clock but the reactors'.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "../base/err.h"
#include "../rt/fabric.h"
#include "../rt/reactor.h"
#include "map.h"
#include "status.h"

struct core;

/* What cannot change while running. Zero means the default in parentheses. */
struct core_params {
	struct reactor *control;
	struct reactor **reactor; /* data reactors; may be one that equals control */
	uint32_t n_reactor;
	uint64_t pool_bytes;      /* per reactor (64 MiB) */
	uint32_t max_tasks;       /* live tasks per reactor, allocated at start (4096) */
	uint32_t max_ios;         /* commands with buffers or at a back-end per reactor (1024) */
	/* Room per command for the bridge; a back-end that needs more is refused by core_check_bridge() (1024) */
	uint32_t scratch_bytes;
	const char *gateway_name; /* default of map.gateway_name ("srpgw") */
};

int core_create(const struct core_params *p, struct core **out, struct err *e) WARN_UNUSED;

/* The pools' arenas, for fabric_ops.mem_add() and bridge mem_add(): one per reactor. */
size_t core_regions(struct core *c, struct mem_region **out, size_t cap);

/*
 * The host's side of the bridge interface for this core: the table given to srpgw_bridge.open. open_below and log are
 * filled in by bridge/ (see bridge/host.h): core provides io_done, tmf_done, event, watches, timers, work.
 */
void core_host_services(struct core *c, struct srpgw_host *host);
/* Can this core carry that bridge (scratch sizes, required members)? Return: 0 or -errno with @e. */
int core_check_bridge(const struct core *c, const struct srpgw_bridge *bridge, struct err *e) WARN_UNUSED;

/*
 * Swaps in a snapshot on every reactor; the old one is release()d when the last reactor is off it. Sessions whose
 * group no longer exists or whose target is gone are closed; changed LUN maps raise REPORTED LUNS DATA HAS CHANGED.
 * @done: called when every reactor uses the new one; may be NULL.
 */
void core_apply(struct core *c, struct map *m, void (*done)(void *arg), void *arg);
const struct map *core_map(const struct core *c);

/* What a listener is given: pass &core_listen_cbs and the core as arg to fabric_ops.listen. */
extern const struct fabric_listen_cbs core_listen_cbs;

/*
 * Collects the status of all reactors; @done gets a copy that it must free with core_status_free(), or NULL when
 * memory ran out. Asynchronous.
 */
int core_status_get(struct core *c, void (*done)(void *arg, struct core_status *st), void *arg) WARN_UNUSED;
void core_status_free(struct core_status *st);

/* Ends session @id with T_LOGOUT. @done says whether it existed. */
int core_kick(struct core *c, uint32_t session_id, void (*done)(void *arg, bool found), void *arg) WARN_UNUSED;

/*
 * Refuses new logins, ends all sessions in an orderly way, and calls @done when all channels are closed and all paths
 * detached, at the latest after @timeout_ms (then what is left is abandoned and counted).
 */
void core_drain(struct core *c, uint32_t timeout_ms, void (*done)(void *arg), void *arg);

/*
 * After core_drain(), when no reactor runs; not from inside a callback of one. Handles the messages that are still on
 * their way, frees the last map by release(), and what a drain had to abandon.
 */
void core_destroy(struct core *c);

/*
 * Identity of a nexus at an iSCSI back-end; pure. The name is "iqn.2026-11.srpgw:GATEWAY:I_PORT_ID" (lower case),
 * with the peer's address appended where the interface-id half of the identifier is zero. @isid is stable over
 * restarts.
 */
void identity_initiator_name(const char *gateway_name, const uint8_t i_port_id[SRP_PORT_ID_LEN],
			     const struct fabric_addr *peer, char *buf, size_t cap);
/*
 * The initiator port identifier in a name that identity_initiator_name() made for this gateway. @name: ends with a NUL, a
 * comma or after @len bytes. Return: false for all other names.
 */
bool identity_parse_name(const char *gateway_name, const char *name, size_t len, uint8_t i_port_id[SRP_PORT_ID_LEN]);
void identity_isid(const uint8_t t_port_id[SRP_PORT_ID_LEN], const char *backend_name, uint8_t isid[6]);

#endif
