/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gateway on the bench: a simulated world with a core, its fabric, simulated back-ends and a configuration, as main.c and control/
 * would build it. Shared by the random runs, the scenarios and the threaded run.
 */
#ifndef TESTS_SIM_RIG_H
#define TESTS_SIM_RIG_H

#include "../../gateway/core/core.h"
#include "../../gateway/fabric/sim/sim.h"
#include "ledger.h"
#include "sim_bridge.h"

#define RIG_MAX_BACKENDS 3u
#define RIG_MAX_REACTORS 4u
#define RIG_MAX_LUNS 8u

struct rig_params {
	uint64_t seed;
	bool threaded;
	uint32_t n_reactors;  /* data reactors; 0: control is the only one */
	uint32_t n_backends;  /* default 1 */
	uint32_t disks_per_backend; /* default 2 */
	uint32_t n_targets;   /* default 1; all with the same LUNs */
	struct core_params core; /* sizes; reactors are filled in */
	struct map map;       /* limits; the rest is filled in */
	uint32_t hold_ms, retry_ms, fence_ms, max_detached;
	/* Limits, 0: none; rig_apply() takes over what changed here since. */
	uint32_t backend_depth, lun_depth;
	uint64_t lun_iops, lun_bytes_per_second, host_iops, host_bytes_per_second, max_inflight_bytes;
	struct fabric_limits limits; /* of the gateway's device */
	uint32_t n_spare_rx;
	bool native; /* logins in the standard's own layout */
	struct sim_delays delays;
	struct sim_bridge_knobs knobs;
};

struct rig {
	struct rig_params p;
	struct sim_world *w;
	struct reactor *control, *data[RIG_MAX_REACTORS];
	struct core *core;
	struct fabric *gw;
	struct fabric_listener *listener;
	struct ledger *ledger;
	struct srpgw_host host;
	struct sim_bridge_knobs knobs[RIG_MAX_BACKENDS];
	struct backend *backend[RIG_MAX_BACKENDS];
	struct mem_region *region[RIG_MAX_REACTORS];
	size_t n_region;
	uint64_t pool_free_bytes[RIG_MAX_REACTORS]; /* before anybody logged in */
	uint32_t n_released; /* snapshots that core let go */
	struct core_status *status;
	_Atomic bool applied, drained, have_status;
};

/* Defaults where zero; aborts the test program when something cannot be built. */
void rig_make(struct rig *r, const struct rig_params *p);
/* The address that the gateway listens on; targets are rig_t_port_id(0..). */
struct fabric_addr rig_addr(void);
void rig_t_port_id(uint32_t n, uint8_t id[SRP_PORT_ID_LEN]);
/* Applies a new snapshot with @n_luns of the LUNs (stepped mode). */
void rig_apply(struct rig *r, uint32_t n_luns);
/* LUN number n of a host: which disk of the ledger. LUNs go round the back-ends. */
uint32_t rig_n_luns(const struct rig *r);

/* Stepped mode: takes the status; the rig frees it. */
const struct core_status *rig_status(struct rig *r);
/*
 * Drains, checks that nothing is left (tasks, buffers, ios, sessions, links, receive buffers, violations, breaches), and
 * frees everything. Return: NULL, or what was wrong; valid until the next call.
 */
const char *rig_finish(struct rig *r, uint32_t drain_timeout_ms);
/* The same in parts, for the threaded run: the reactors have stopped. */
const char *rig_check_idle(struct rig *r);
void rig_free(struct rig *r);

#endif
