/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two halves of the simulated bridge: sessions (sim_bridge.c) and the device behind them (sim_device.c).
 */
#ifndef TESTS_SIM_SIM_DEVICE_H
#define TESTS_SIM_SIM_DEVICE_H

#include "sim_bridge.h"

#include "../../gateway/base/list.h"

#include <pthread.h>

enum phase { PHASE_QUEUED, PHASE_AT_DEVICE, PHASE_ACTED, PHASE_GONE };

struct simio {
	struct list_node node; /* path->ios */
	struct srpgw_io *io;
	struct simpath *path;
	enum phase phase;
	bool lost, aborted;
	bool inside; /* the device server took it */
	uint64_t due_ns;
	uint32_t id, lba, n_blocks, disk, moved;
	bool is_write, is_rw;
	uint64_t sum; /* of the data-in that was placed */
	uint8_t status;
	uint64_t mark; /* at the end, so that a host that gives less scratch is seen */
};

struct simtmf {
	struct list_node node;
	struct srpgw_tmf *tmf;
	uint64_t due_ns;
	bool lost;
	uint8_t result;
	uint64_t mark;
};

enum simpath_state { SIMPATH_ATTACHING, SIMPATH_UP, SIMPATH_DOWN };

struct simpath {
	struct list_node node;
	struct simbackend *be;
	struct srpgw_reactor *r;
	struct srpgw_path_ctx *ctx;
	struct srpgw_timer *timer;
	enum simpath_state state;
	uint64_t up_ns;
	uint64_t rng;
	struct list ios, tmfs;
	bool detaching, dying;
	uint32_t say; /* enum srpgw_path_event, or 0 */
	uint64_t die_due_ns, detach_due_ns;
	void (*done)(void *arg);
	void *done_arg;
};

struct simbackend {
	const struct srpgw_host *host;
	struct ledger *l;
	struct sim_bridge_knobs *k;
	uint64_t seed;
	uint32_t first_disk, n_disks;
	bool frozen;
	pthread_mutex_t lock; /* paths, counters */
	struct list paths;
	struct sim_backend_stats st;
	uint64_t n_attach;
};

/* A write that lands after its session died. */
struct late {
	struct simbackend *be;
	struct srpgw_timer *timer;
	uint32_t id;
};

uint64_t simpath_rnd(struct simpath *p);
bool simpath_chance(struct simpath *p, uint32_t ppm);
uint64_t simpath_now_ns(struct simpath *p);
/* When the next phase of something ends. */
uint64_t simpath_phase_ns(struct simpath *p);
void simbackend_count(struct simbackend *be, uint32_t *what, int delta);

/* A write's bytes must be the host's, from submit to the moment when they land. */
void simio_check_write(struct simio *s, const char *when);
/* The device does it. */
void simio_act(struct simio *s);
/* Tells the host; @delivery: enum srpgw_delivery. */
void simio_answer(struct simio *s, uint8_t delivery);
/* Its session ends. What it was doing at the device may still happen. */
void simio_answer_unknown(struct simio *s);
/* Goes through the phases that are due. Return: false when it was answered. */
bool simio_advance(struct simio *s);
/* The device ends the task: if it has not acted it never will. The answer still comes. */
void simio_end(struct simio *s);
/* The device does the function; sets the result. */
void simtmf_execute(struct simtmf *m, struct simpath *p);

#endif
