/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What core keeps per data reactor: pools of tasks, ios and buffers, the nexuses that live here, and the settle loop.
 *
 * Events (an IU, a completion, a timer, a message) only change states and mark objects dirty, between shard_enter() and
 * shard_leave(). The outermost leave settles: it feeds waiting tasks, runs paths, pumps channels and frees what ended,
 * until nothing is dirty. So a callback that arrives inside another never finds its objects freed or lists half-walked.
 * Layer: core.
 */
#ifndef CORE_SHARD_H
#define CORE_SHARD_H

#include "../rt/trace.h"
#include "core.h"
#include "trace_kinds.h"

struct io;
struct keep_set;
struct path;
struct task;
struct tmf;

/* A control snapshot of the configuration and its users; see apply.c. */
struct snapshot;

/* One shard's hold on a snapshot: paths and the shard itself count. */
struct snapshot_use {
	struct snapshot *snap;
	struct shard *shard;
	uint32_t n_refs;
	struct reactor_msg msg;  /* apply, and its acknowledgement */
	struct reactor_msg gone; /* the last reference went */
};

/* Pool memory that is given out in equal pieces and never taken back. */
struct cutter {
	struct buf *arena, *at;
	uint32_t off_bytes, piece_bytes;
};

/* Who may start while a path was passed over too often, see claim.h. */
struct claim {
	struct path *path;  /* NULL: everybody */
	uint64_t n_started; /* commands that took memory since the start */
	uint64_t since_ns;
	uint64_t free_bytes; /* when it was looked at last */
	uint32_t n_ios_free;
	struct reactor_timer timer;
};

struct shard {
	struct reactor *reactor, *control;
	struct core *core;
	uint32_t index, n_shards;

	const struct map *map; /* of @use; NULL before the first apply */
	struct snapshot_use *use;
	struct keep_set *kept;  /* what back-ends told before; NULL: nothing */
	uint32_t n_keep_notes; /* on their way to control and back */

	struct pool *pool;
	struct task *tasks;
	struct list free_tasks; /* of those made: see shard_stock_tasks() */
	uint32_t n_tasks, n_tasks_free, n_tasks_made;
	uint8_t *ios; /* n_ios * io_stride bytes */
	size_t io_stride;
	struct list free_ios;
	uint32_t n_ios, n_ios_free, n_ios_made;
	uint8_t *tmfs;
	size_t tmf_stride;
	struct list free_tmfs;
	uint32_t n_tmfs, n_tmfs_made;
	struct cutter rsp_cutter; /* where responses are built */
	struct cutter ctl_cutter;
	struct list free_ctl; /* struct ctl_slot: IUs that belong to a channel and not to a task */
	struct ctl_slot *ctl;
	uint32_t n_ctl;

	struct list nexuses;
	struct list shares;      /* struct share: of each back-end */
	struct list wait_buffer; /* tasks in WAIT_BUFFER */
	struct list starved;     /* paths with tasks in READY that wait for quota */
	struct claim claim;      /* of one of them */
	struct list gates;       /* struct gate_side that have users */
	struct reactor_msg gate_msg; /* of other shards: they gave something back */
	atomic_bool gate_msg_sent;
	struct list parked;      /* channels with IUs that found no free task */

	/* settle loop */
	unsigned depth;
	bool feed;                   /* something was given back: try wait_buffer, starved, parked */
	struct list dirty_paths;     /* path->dirty_node */
	struct list dirty_channels;  /* channel->dirty_node */
	struct list dirty_nexuses;   /* nexus->dirty_node */

	uint64_t next_serial;  /* of tasks and tmfs: tells older from newer */
	uint32_t next_session; /* see nexus_create() */
	uint32_t next_number;  /* of channels and paths, for traces and logs */
	bool draining, dead; /* dead: being destroyed, sends nothing any more */
	struct reactor_msg *drain_msg; /* waits for the last nexus */

	uint32_t task_states[TASK_N_STATES];
	uint64_t bad_edges_total, contract_breaches_total, protocol_errors_total;
	uint32_t n_channels;
	struct trace_ring *trace;
};

/* Registered memory for the IUs of one channel: its T_LOGOUT, then a CRED_REQ or AER_REQ. */
#define CTL_LOGOUT_BYTES 16u
#define CTL_REQUEST_BYTES 64u
#define CTL_SLOT_BYTES (CTL_LOGOUT_BYTES + CTL_REQUEST_BYTES)
struct ctl_slot {
	struct list_node node;
	uint8_t *addr;
};

/* core_params.gateway_name. */
const char *core_gateway_name(const struct core *c);

int shard_create(struct core *core, uint32_t index, const struct core_params *p, struct shard **out,
		 struct err *e) WARN_UNUSED;
/* Nothing of it is used any more, or the process ends. */
void shard_destroy(struct shard *s);

void shard_enter(struct shard *s);
void shard_leave(struct shard *s);

static inline uint64_t shard_now_ns(const struct shard *s)
{
	return reactor_now_ns(s->reactor);
}

/* Not the loop's cached time: what fabric and back-end do inside one iteration counts, too. */
static inline uint64_t shard_clock_ns(const struct shard *s)
{
	return reactor_clock_ns(s->reactor);
}

static inline void shard_trace(struct shard *s, enum trace_kind kind, uint32_t object, uint64_t a, uint64_t b)
{
	trace_add(s->trace, shard_now_ns(s), kind, object, a, b);
}

/* Registered memory for a channel, or NULL. */
struct ctl_slot *shard_ctl_get(struct shard *s);
void shard_ctl_put(struct shard *s, struct ctl_slot *slot);
const struct mem_region *shard_region(const struct shard *s);

/*
 * Tasks, ios and functions are allocated at start, and made when all before them are in use: memory that was never needed
 * is never touched. To be called before taking one from the free list.
 */
void shard_more_tasks(struct shard *s);
void shard_more_ios(struct shard *s);
void shard_more_tmfs(struct shard *s);

static inline void shard_stock_tasks(struct shard *s)
{
	if (list_empty(&s->free_tasks))
		shard_more_tasks(s);
}

static inline void shard_stock_ios(struct shard *s)
{
	if (list_empty(&s->free_ios))
		shard_more_ios(s);
}

static inline void shard_stock_tmfs(struct shard *s)
{
	if (list_empty(&s->free_tmfs))
		shard_more_tmfs(s);
}

/* A nexus left s->nexuses: a drain may be over. */
void shard_nexus_gone(struct shard *s);

/* ---- snapshots, see apply.c ---- */
struct snapshot_use *snapshot_ref(struct snapshot_use *u);
void snapshot_unref(struct snapshot_use *u);
void shard_apply_msg(struct reactor_msg *msg);

/* Defaults of a map's limits: a zero stands for the default. */
static inline uint32_t map_or(uint32_t value, uint32_t fallback)
{
	return value ? value : fallback;
}
#define MAP_REQ_LIM 128u
#define MAP_MAX_CHANNELS_PER_NEXUS 64u
#define MAP_MAX_CHANNELS 1024u
#define MAP_MAX_NEXUSES 1024u
#define MAP_MAX_IT_IU_LEN 8276u
#define MAP_MAX_IMM_OFFSET 80u
#define MAP_MAX_TRANSFER (16u << 20)
#define MAP_MAX_TABLE 2048u
#define MAP_TMF_ANSWER_MS 2500u
#define BACKEND_RETRY_MS 500u
#define BACKEND_RETRY_MAX_MS 10000u
#define BACKEND_MAX_DETACHED 64u

#endif
