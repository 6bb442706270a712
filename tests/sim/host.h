/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host of the simulator: logs in over some channels, sends random commands, aborts them, resets, disconnects, comes back, is
 * thrown out by a second login of its own; and checks all that it sees. Everything runs on its reactor.
 */
#ifndef TESTS_SIM_HOST_H
#define TESTS_SIM_HOST_H

#include "rig.h"

#include "../../gateway/initiator/initiator.h"
#include "../../gateway/initiator/initiator_raw.h"

struct host_params {
	struct sim_world *w;
	struct ledger *ledger;
	struct reactor *reactor;
	uint64_t seed;
	uint32_t number;      /* its place in the ledger; also its address and port identifier */
	uint32_t n_luns;
	const uint32_t *disk; /* by LUN */
	uint32_t n_targets;
	uint32_t n_channels, queue_size, cmd_descs, depth, max_bytes, max_cmds, req_it_iu_len;
	bool immediate_data, tables_external;
	uint8_t login_flags, sol_not;
	bool both_revisions; /* logs in with the identifiers of revision 10, or 16a, as it comes */
	uint32_t attr_ppm; /* commands that are not SIMPLE */
	/* Per tick, in millionths. */
	uint32_t abort_ppm, reset_ppm, drop_ppm, logout_ppm, evict_ppm;
	uint64_t tick_ns;
	uint64_t timeout_ns; /* after which a command is aborted */
	struct fabric_limits limits;
};

struct host;

struct host *host_create(const struct host_params *p);
/* Its reactor. */
void host_start(struct host *h);
/* No new commands and no trouble any more; its reactor. */
void host_stop(struct host *h);
/* All commands were sent that max_cmds allows. */
bool host_is_done(const struct host *h);
/* Nothing is outstanding. */
bool host_is_idle(const struct host *h);
/* Idle: asks each LUN until it has answered GOOD; its reactor. */
void host_probe(struct host *h);
bool host_is_probed(const struct host *h);
/* Idle: do the books balance? Breaches go to the ledger. */
void host_check_credits(struct host *h);
void host_logout(struct host *h);
bool host_is_out(const struct host *h);
/* What it waits for, for people. */
void host_describe(const struct host *h, char *buf, size_t cap);
void host_free(struct host *h);

struct host_stats {
	uint64_t cmds, good, logins, failed_logins, losses, aborts, resets, evictions, cred_reqs, bytes;
};
void host_stats(const struct host *h, struct host_stats *out);

#endif
