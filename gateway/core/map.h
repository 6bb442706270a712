/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration as core sees it: an immutable snapshot of targets, groups of initiators, LUN maps and back-ends.
 * control/ builds it, core_apply() hands it over, and it is freed when no reactor uses it any more.
 * Layer: core. Knows base, proto, rt and <srpgw/bridge.h>.
 */
#ifndef CORE_MAP_H
#define CORE_MAP_H

#include "../include/srpgw/bridge.h"
#include "../proto/srp.h"
#include "../rt/fabric.h"
#include "census.h"
#include "gate.h"
#include "throttle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What becomes of commands when an outage is longer than hold_ms, see outage.h. */
enum after_hold { AFTER_HOLD_BUSY, AFTER_HOLD_FAIL, AFTER_HOLD_DISCONNECT };

/*
 * A configured back-end: lives from core_apply() of the first snapshot that names it until release() of the last one.
 * Two snapshots that hold the same back-end unchanged share the pointer, so that a reload keeps its sessions.
 */
struct backend {
	char *name;
	char *uri; /* for people: no secrets */
	const struct srpgw_bridge *bridge;
	struct srpgw_bridge_target *target;
	struct srpgw_limits limits;
	/* Policy: may change while sessions live (control writes, reactors read). */
	_Atomic uint32_t hold_ms;  /* how long commands wait for a lost path */
	_Atomic uint32_t after_hold; /* enum after_hold */
	_Atomic uint32_t retry_ms; /* pause between attempts to get a path, doubled up to retry_max_ms */
	_Atomic uint32_t retry_max_ms;
	_Atomic uint32_t fence_ms; /* after an unproven end of a session: how long its writes may still land */
	_Atomic uint32_t max_detached; /* detached commands before the path is given up */
	_Atomic uint64_t max_inflight_bytes; /* no command starts on a path that holds as much memory; 0: no limit */
	struct gate gate;              /* queue depth over all hosts and shards */
	struct pressure pressure;
	struct census census;
	char *initiator_name; /* of all nexuses, or NULL: the group's, or made from the nexus; see identity.h */
	uint32_t number;      /* stable small number, for traces and the ISID */
};

struct lun_map_entry {
	uint8_t lun[8];         /* as the host addresses it */
	uint8_t backend_lun[8]; /* as the back-end addresses it */
	struct backend *backend;
	struct gate *gate; /* depth and rates over all hosts of the group; NULL: no limits */
};

/*
 * Pattern for an initiator. Matches when every given part matches.
 * "*" anybody; 32 hex digits an initiator port identifier, "*" allowed as a suffix or prefix of the digits; an IP
 * address or a prefix "10.0.0.0/24", "fe80::/10" the peer's address.
 */
struct initiator_pattern {
	bool any;
	bool has_id, has_addr;
	uint8_t id[SRP_PORT_ID_LEN], id_mask[SRP_PORT_ID_LEN];
	struct fabric_addr addr;
	uint8_t addr_prefix_len; /* bits */
	char *text;              /* as configured */
};

/* Some initiators and the LUNs they see. */
struct initiator_group {
	char *name;
	char *initiator_name; /* of its hosts at back-ends, or NULL: made from the nexus */
	struct initiator_pattern *pattern;
	size_t n_pattern;
	struct lun_map_entry *lun; /* sorted by LUN number */
	size_t n_lun;
	struct backend **all; /* back-ends of which they see all LUNs, under the back-end's numbers; see lun_plan.h */
	size_t n_all;
	struct gate **all_gate; /* for each of @all: depth and rates over all its LUNs and all hosts; NULL: no limits */
	uint64_t iops, bytes_per_second; /* of each nexus; 0: no limit */
};

/* To which hosts asynchronous events are told at once, by AER_REQ. */
enum async_events {
	ASYNC_EVENTS_ASKED, /* who asked for solicited notification of them at login (AESOLNT) */
	ASYNC_EVENTS_ALWAYS,
	ASYNC_EVENTS_NEVER,
};

struct target_conf {
	uint8_t t_port_id[SRP_PORT_ID_LEN]; /* id_ext then ioc_guid */
	char *name;                         /* for people: "0000000000000001:0002c90300000001" or as configured */
	struct initiator_group *group;      /* first match wins */
	size_t n_group;
	enum async_events async_events;
};

struct map {
	char *gateway_name; /* part of the initiator names shown to back-ends */
	struct target_conf *target;
	size_t n_target;
	struct backend **backend;
	size_t n_backend;

	/* Limits of a login; see core_params for those that cannot change while running. */
	uint32_t max_channels_per_nexus;
	uint32_t max_channels;      /* of the gateway */
	uint32_t max_nexuses;
	uint32_t max_it_iu_len;     /* bytes, at least 8260 by default */
	uint32_t max_imm_data_offset; /* bytes */
	uint32_t req_lim;           /* request limit granted per channel */
	uint32_t max_transfer_bytes; /* per command */
	uint32_t max_table_entries; /* external indirect tables */
	bool immediate_data;        /* grant it */
	bool allow_address_move;    /* a live nexus may log in again from another address */
	uint32_t tmf_answer_ms;     /* task management is answered within, default 2500 */
	uint32_t nexus_linger_ms;   /* how long a nexus without channels keeps its back-end sessions, default 0 */
	uint32_t registration_linger_ms; /* the same for one that is registered for persistent reservations, default 0 */

	void *owner; /* control's */
	void (*release)(struct map *m); /* control reactor; called by core when the last user is gone */
};

/* Pure searches; NULL when there is none. */
const struct target_conf *map_find_target(const struct map *m, const uint8_t t_port_id[SRP_PORT_ID_LEN]);
const struct initiator_group *map_find_group(const struct target_conf *t, const uint8_t i_port_id[SRP_PORT_ID_LEN],
					     const struct fabric_addr *peer);
/*
 * The same when the address is not known. Return: false when it hangs on that; else *@out is the group, or NULL: none.
 */
bool map_find_group_of_id(const struct target_conf *t, const uint8_t i_port_id[SRP_PORT_ID_LEN],
			  const struct initiator_group **out);
const struct lun_map_entry *map_find_lun(const struct initiator_group *g, const uint8_t lun[8]);

#endif
