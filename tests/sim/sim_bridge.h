/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bridge for the simulator: in-memory disks behind sessions that delay, reorder, forget, refuse and die by chance. It keeps the
 * bridge contract to the letter and judges the host's half of it: buffers untouched while it has them, no
 * submit to a session that was detached, no abort of what it does not have, and so on; breaches go to the ledger.
 */
#ifndef TESTS_SIM_BRIDGE_H
#define TESTS_SIM_BRIDGE_H

#include "../../gateway/include/srpgw/bridge.h"
#include "ledger.h"

/* Chances in millionths, per command unless it says otherwise. May be changed while running (stepped mode). */
struct sim_bridge_knobs {
	uint64_t delay_ns;       /* each of a command's three phases takes up to this */
	uint32_t long_ppm;       /* ... or a hundred times that */
	uint32_t inside_ppm;     /* answered from inside submit() */
	uint32_t lost_ppm;       /* no answer until it is aborted or the session ends */
	uint32_t busy_ppm, check_ppm, full_ppm, short_ppm;
	uint32_t down_ppm;       /* the session dies now */
	uint32_t attach_fail_ppm, attach_down_ppm; /* per session: attach() fails; DOWN instead of UP */
	uint32_t tmf_lost_ppm, tmf_fail_ppm; /* per function: no answer before the session ends; refused */
	uint32_t late_ppm;       /* a write whose session died lands all the same, within late_ns */
	uint64_t late_ns;
	uint64_t detach_ns;      /* how long detach may take */
	bool stuck;              /* nothing is answered, not even task management, until the session ends */
	uint32_t max_outstanding, max_transfer_bytes;
	uint32_t room;           /* commands at once, of all sessions; more are answered TASK SET FULL; 0: any number */
};

extern const struct srpgw_bridge sim_bridge;

struct sim_backend_stats {
	uint32_t n_paths, n_ios, n_tmfs, n_late; /* now */
	uint32_t n_inside, most_inside; /* commands that the device server took: now, and the most at once */
	uint32_t attaches, downs, tmfs, aborts;
};

/*
 * A back-end with @n_disks disks, LUN 0..n-1, which are disks first_disk.. of the ledger. @host as for bridge.open. The caller closes it with
 * sim_bridge.close(). Knobs are borrowed.
 */
struct srpgw_bridge_target *sim_backend_create(const struct srpgw_host *host, struct ledger *l, uint64_t seed, uint32_t first_disk,
					       uint32_t n_disks, struct sim_bridge_knobs *knobs);
void sim_backend_stats(struct srpgw_bridge_target *t, struct sim_backend_stats *out);
/* All its sessions die now (stepped mode). */
void sim_backend_down(struct srpgw_bridge_target *t, bool permanent);

/* READ(16) and WRITE(16) carry their number in the ledger where the CDB has room: group number, DPO, FUA and RARC. */
void sim_cmd_name(uint8_t *cdb, uint32_t number);
uint32_t sim_cmd_number(const uint8_t *cdb);

/* Frozen: nothing moves there and nobody is answered, new sessions neither; the bridge's own part goes on (stepped mode). */
void sim_backend_freeze(struct srpgw_bridge_target *t, bool frozen);
/* All its sessions that are up say that, an enum srpgw_path_event (stepped mode). */
void sim_backend_say(struct srpgw_bridge_target *t, uint32_t kind);

#endif
