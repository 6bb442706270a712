/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Back-ends that say TASK SET FULL or BUSY: the command was not executed, so it goes back to READY and is sent again,
 * for hold_ms at most; then the host is told. Meanwhile the path sends less:
 *  - With other commands of its own at the back-end: half as many at once, at most one halving per round trip; each
 *    round without a refusal allows one more.
 *  - With none there, others fill the back-end: it tries again after 10 ms, then 20 ... 1000 ms. If those others are
 *    our own paths, of any shard, they make room: each of its refusals lets every path of this back-end go down by
 *    half once, and none goes up, until it was served or for THROTTLE_PRESS_MS. The sixth and the seventh let all
 *    others pause for THROTTLE_GAP_MS, for a back-end with less room than hosts. Who is still refused then suffers
 *    from strangers, or by its own logical unit, and does not slow down the others any longer.
 * Layer: core. Source: SAM-5 5.3.1.
 */
#ifndef CORE_THROTTLE_H
#define CORE_THROTTLE_H

#include "../proto/scsi.h"
#include "../rt/reactor.h"
#include "io.h"

#include <stdatomic.h>

struct path;

#define THROTTLE_FIRST_MS 10u
#define THROTTLE_MOST_MS 1000u
#define THROTTLE_PRESS_MS 2000u
#define THROTTLE_GAP_AFTER 6u
#define THROTTLE_GAP_MS 20u

/* Of a back-end, over all shards. */
struct pressure {
	_Atomic uint32_t n_events;       /* refusals of paths that have nothing there */
	_Atomic uint64_t quiet_until_ns; /* nobody sends more than before */
	_Atomic uint64_t gap_until_ns;   /* the others send nothing */
};

/* Of a path. */
struct throttle {
	uint32_t depth;      /* commands at once; 0: not lowered */
	uint32_t n_good;     /* answers since it was changed */
	uint32_t backoff_ms; /* 0: it has not been refused with nothing there since the last answer */
	uint32_t n_refused;  /* such refusals in a row */
	uint32_t n_seen;     /* of pressure.n_events */
	uint64_t lowered_ns, refused_ns; /* last halving; first refusal with nothing there, 0: none */
	struct reactor_timer timer; /* armed: sends nothing */
	uint64_t refused_total;     /* commands that went back to READY */
};

void throttle_init(struct path *p);
/* Its session is new, or it goes. */
void throttle_reset(struct path *p);

/* The back-end answered @io, which has its task: true when the task went back to READY. */
bool throttle_settles(struct io *io);

#endif
