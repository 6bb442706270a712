/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fence of a logical unit, for one nexus: while it stands nothing is delivered there. Each reason counts one:
 *  - a detached command whose fate matters, until the back-end answers it;
 *  - a task management function that was answered before the back-end confirmed it, until it does;
 *  - the hazard: writes of unknown fate in a session that ended, until its end is proven and fence_ms passed.
 * Where a hazard is all that stands, and all its writes name their blocks, the logical unit is shut in part only: reads
 * and writes of other blocks pass, and so does what asks for nothing that is stored. Who cannot pass is held until the
 * hazard ends, and with it all that must not overtake it: what touches the same blocks. Behind one that is not SIMPLE, or
 * whose reach is not known, everything waits. That the logical unit is a disk is known by its capacity, see lu.h.
 * Layer: core. Source: SAM-5 7 (a completed task management function: the affected commands can no longer act).
 */
#ifndef CORE_FENCE_H
#define CORE_FENCE_H

#include "lu.h"
#include "task.h"

struct io;
struct nexus;
struct path;

void fence_raise(struct lu *lu);
void fence_lower(struct lu *lu);

/* The slow half of what follows. */
bool fence_lets_part(const struct task *t);
/* May @t be delivered, as far as fences are concerned? */
static inline bool fence_lets(const struct task *t)
{
	return t->lu->fence == LU_OPEN || fence_lets_part(t);
}
/* @t is in READY, not shut, and may not: it is set aside, or all of its LU waits from now on. */
void fence_hold(struct task *t);

/* A detached io's fence; idempotent. */
void fence_io_raise(struct io *io);
void fence_io_lower(struct io *io);

/*
 * Something of the path's present session has an unknown fate: @cdb (16 bytes), or NULL: nobody knows what it may do.
 * The session is given up if it still stands.
 */
void fence_hazard(struct lu *lu, const uint8_t *cdb);
/* That session is over: the hazards of its LUs end after the back-end's fence_ms. */
void fence_session_over(struct path *p);
/* path->fence_timer fired. */
void fence_timer_fired(struct path *p);

/*
 * A fence that stands for this long (or the back-end's hold_ms, if that is longer) ends with the session: what the
 * back-end does not say in this time, it will not say.
 */
#define FENCE_MOST_MS 10000u
/*
 * All channels of @n are lost. However long it lingers, a session that does not confirm that the host's commands are
 * over ends after tmf_answer_ms: by then multipath may send them again through another nexus, maybe of another
 * gateway, where no fence of ours stands.
 */
void fence_nexus_lost(struct nexus *n);
/* The same goes for a detached command of @p that raises no fence: it takes up room there that others need. */
void fence_await(struct path *p);
/* path->stuck_timer fired. */
void fence_stuck_fired(struct path *p);

#endif
