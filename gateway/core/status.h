/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What core tells about itself: plain copies, taken on each reactor and handed to the control reactor.
 * Text members are copies inside the structure, so that nothing borrows from a session that may end.
 * Layer: core. Knows base, proto and rt.
 */
#ifndef CORE_STATUS_H
#define CORE_STATUS_H

#include "../base/hist.h"
#include "../proto/srp.h"
#include "../rt/reactor.h"
#include "task_state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Time of a command, split: fabric (RDMA READs of data-out and tables, WRITEs and response), gateway (waiting here),
 * backend.
 */
struct time_split {
	struct hist fabric, gateway, backend, total;
};

struct io_counters {
	uint64_t reads_total, writes_total, others_total; /* commands answered, by data direction */
	uint64_t read_bytes_total, write_bytes_total;
	/* Errors: ended by a cause of ours or of the fabric */
	uint64_t check_conditions_total, busy_total, errors_total;
	uint64_t aborted_total;
};

struct channel_status {
	uint32_t id;
	char state[16];
	char peer[64], device[32];
	int32_t req_lim;         /* requests that the host may still send */
	uint32_t req_lim_granted; /* at login */
	uint32_t n_tasks;        /* live now */
	uint32_t it_iu_len, ti_iu_len;
	bool immediate_data;
	uint64_t n_recv, n_sent, imm_writes_total, ext_tables_total;
};

struct session_status {
	uint32_t id; /* what srpgwctl kick takes */
	uint32_t reactor;
	uint8_t i_port_id[SRP_PORT_ID_LEN], t_port_id[SRP_PORT_ID_LEN];
	char target[64], group[64], peer[64];
	uint64_t since_ns; /* reactor clock of the login */
	uint32_t n_channels;
	struct channel_status channel[64]; /* first 64 */
	struct io_counters io;
	struct time_split time;
	uint64_t tmf_total, tmf_timeout_total, logins_total;
	uint32_t n_detached; /* answered tasks whose command is still at a back-end */
};

struct path_status {
	uint32_t session_id;
	char backend[64];
	char state[16];       /* "attaching", "up", "down", "fenced" ... */
	char why[256];        /* last reason of DOWN */
	char initiator_name[224];
	uint64_t since_ns;
	bool silent;        /* up, but the back-end does not answer */
	uint64_t outage_ms; /* how long it has been away, silent or not up; 0: it is not */
	uint32_t n_outstanding, n_waiting, n_detached;
	uint64_t ups_total, downs_total;
	uint32_t depth_now;     /* commands at once, since the back-end refused some; 0: not lowered */
	uint64_t refused_total; /* commands that the back-end refused (BUSY, TASK SET FULL) and that were sent again */
	uint64_t limited_total; /* times that commands had to wait for a queue depth or a cap */
	struct hist backend_time;
};

struct lun_status {
	uint32_t session_id;
	char lun[17], backend_lun[17], backend[64];
	bool imported; /* from the back-end's own list, not from an entry of the map */
	bool fenced;
	struct io_counters io;
	struct time_split time;
};

struct reactor_status {
	uint32_t index;
	char name[16];
	struct reactor_stats stats;
	uint64_t pool_size_bytes, pool_free_bytes, pool_low_water_bytes;
	uint32_t task_states[TASK_N_STATES]; /* occupancy */
	uint32_t n_sessions, n_channels;
};

struct core_status {
	uint64_t now_ns;
	struct reactor_status *reactor; size_t n_reactor;
	struct session_status *session; size_t n_session;
	struct path_status *path; size_t n_path;
	struct lun_status *lun; size_t n_lun;
	/* Logins since start, on control. */
	uint64_t logins_accepted_total, logins_refused_total;
	uint64_t refused_by_reason_total[7]; /* index: low byte of the reject reason */
	uint64_t protocol_errors_total;      /* T_LOGOUTs for what a peer did wrong */
};

#endif
