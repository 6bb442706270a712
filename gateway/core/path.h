/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way of one I_T nexus to one back-end: one bridge session at a time, attached in the background with back-off,
 * given up and built anew when it dies or hoards. Commands wait in READY of their LU until the path is up, as long as
 * outage.h says.
 * Layer: core. Knows the bridge only through <srpgw/bridge.h>.
 */
#ifndef CORE_PATH_H
#define CORE_PATH_H

#include "../base/hist.h"
#include "identity.h"
#include "io.h"
#include "map.h"
#include "move.h"
#include "outage.h"
#include "shard.h"

struct nexus;

enum path_state {
	PATH_OFF,       /* no session, none wanted */
	PATH_WAITING,   /* no session; the next attempt is timed */
	PATH_ATTACHING, /* attach() succeeded, UP or DOWN will come */
	PATH_UP,
	PATH_ENDING,    /* the session is to be detached, from a clean stack */
	PATH_DETACHING, /* detach() was called */
};

/* A back-end that is mapped as a whole may have a thousand. */
#define PATH_LU_BUCKETS 64u

struct path {
	struct list_node node;         /* nexus->paths */
	struct list_node dirty_node;   /* shard->dirty_paths */
	struct list_node starved_node; /* shard->starved */
	struct shard *shard;
	struct nexus *nexus;
	struct backend *backend;
	struct share *share; /* of the back-end, with the other nexuses' */
	struct snapshot_use *use; /* keeps the back-end alive */
	struct srpgw_bridge_path *session;
	uint32_t number;

	enum path_state state;
	bool wanted;
	bool counted; /* in the back-end's census */
	bool at_once; /* attach again as soon as the old session is gone */
	struct reactor_timer timer; /* retry, or detach from a clean stack */
	struct reactor_timer fence_timer;
	struct reactor_timer stuck_timer; /* armed while the back-end owes an answer to what was given up */
	struct reactor_timer pause_timer; /* armed: nothing is submitted, see path_pause() */
	uint32_t backoff_ms;
	uint64_t at_once_ns; /* the last attempt after a loss that did not wait */
	struct outage outage;
	struct move move;

	struct inventory *inventory; /* all of the back-end is mapped; or NULL */
	struct list lus;
	struct list lu_buckets[PATH_LU_BUCKETS]; /* the same, to be found by the back-end's LUN */
	struct list ready_lus;   /* those with tasks in READY that are not shut; served in turn */
	struct list outstanding; /* ios at the bridge */
	uint32_t n_outstanding;  /* of them */
	uint32_t n_admitted;     /* tasks that passed READY and have no answer yet */
	uint32_t n_waiting;      /* tasks in READY */
	uint32_t n_detached;
	uint32_t n_late_tmfs;    /* at the bridge, and nobody waits for them any more */
	uint64_t quota_bytes;
	uint32_t quota_ios;
	bool starving;          /* its first task in READY was refused memory, see claim.h ... */
	uint8_t n_lapses;       /* ... and claimed so often in vain */
	uint64_t starving_from; /* claim.n_started then */

	struct gate_user host_gate, backend_gate; /* see limit.h */
	uint32_t n_in_line; /* of them and of those of its LUs */
	struct throttle throttle;
	uint64_t heard_ns; /* last answer, or when it was given the first of those that it has */
	uint64_t limited_total; /* times that a command had to wait for a limit */

	uint64_t since_ns, ups_total, downs_total;
	char why[256];
	char told[256]; /* the reason of DOWN that the log has: not again at every attempt */
	struct identity identity; /* of the present session, or the last */
	struct hist backend_time;
};

/* The path of @n to @b, made when there is none; attaching begins. NULL: out of memory. */
struct path *path_get(struct nexus *n, struct backend *b);
/* No LU needs it any more, or the nexus lets go: ends the session. */
void path_unwant(struct path *p);
/* Wanted again before it was gone. */
void path_want(struct path *p);
/* Gives the present session up and builds another. */
void path_rebuild(struct path *p, const char *why);
void path_free(struct path *p);
/* The present session is given up for a better one, see move.h. */
void path_move(struct path *p);
const char *path_state_name(enum path_state s);

/* It sends as much as the back-end takes at present, see throttle.h. */
static inline bool throttle_holds(const struct path *p)
{
	return p->throttle.depth && (p->n_admitted >= p->throttle.depth || timer_armed(&p->throttle.timer));
}

/* Must the status that the back-end gave it be looked at? */
static inline bool throttle_concerns(const struct path *p, uint8_t status)
{
	return status != SCSI_GOOD || p->throttle.depth != 0 ||
	       p->throttle.n_seen !=
		       atomic_load_explicit(&p->backend->pressure.n_events, memory_order_relaxed);
}

/* It holds as much memory as one path may. */
static inline bool limit_bytes_full(const struct path *p)
{
	uint64_t most = atomic_load_explicit(&p->backend->max_inflight_bytes, memory_order_relaxed);

	return most && p->quota_bytes >= most;
}

/* A drain does not wait for fences: nothing comes any more that they would have to hold. */
static inline bool path_is_idle(const struct path *p)
{
	return p->state == PATH_OFF && (p->shard->draining || !timer_armed(&p->fence_timer));
}

/* The back-end has as many commands as it takes. */
/* It takes commands: it is up, the back-end speaks, and the path is not about to move. */
static inline bool path_is_open(const struct path *p)
{
	return p->state == PATH_UP && !p->outage.silent && !timer_armed(&p->move.timer);
}

bool path_queue_full(const struct path *p);
/* Tasks may go: path_run() when the shard settles. */
void path_mark(struct path *p);
/* Settle loop only: lets as many tasks go as state, fences, queue limit and quotas allow. */
void path_run(struct path *p);
/*
 * The bridge takes nothing now although the path is up: its DOWN is about to come. Looks again a little later,
 * instead of offering the same command for ever without letting the bridge run.
 */
#define PATH_PAUSE_MS 10u
void path_pause(struct path *p);

/* ---- path_io.c: commands at the bridge ---- */
/* So often the gateway itself repeats a command of unknown fate that changes nothing. */
#define PATH_MOST_REPEATS 3u
/*
 * Task in EXECUTING with all its data: hands the io to the bridge, or sends the task back to READY when the path is
 * not up.
 */
void path_submit(struct task *t);
/*
 * The task will not hear of its io any more: the io waits alone for the back-end. @fence: until then nothing else is
 * delivered to the LU. @ordered: until then it keeps its place in the task set.
 */
void path_detach_io(struct io *io, bool fence, bool ordered);
/* A command of the gateway's own, see io_acquire_own(): its LU is fenced until it is answered. The path is up. */
void path_submit_own(struct io *io);
/* A command of the gateway's own that asks something, see io_acquire_probe(). The path is up. */
void path_submit_probe(struct io *io);
/* Gives the session up when too much waits at it that nobody waits for any more. */
void path_check_detached(struct path *p);
/* The task of @io was not carried out: it waits in READY again, without a buffer if it can do without. @io may be gone. */
void path_wait_again(struct io *io);
void path_io_done(struct srpgw_io *pub);
/* The session is gone and these were never answered, against the contract. */
void path_answer_leftovers(struct path *p);

/* Bridge's events. */
void path_event(struct srpgw_path_ctx *ctx, const struct srpgw_event *ev);

#endif
