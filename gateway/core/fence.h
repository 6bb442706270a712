/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fence of a logical unit, for one nexus: while it stands nothing is delivered there. Each reason counts one:
 *  - a detached command whose fate matters, until the back-end answers it;
 *  - a task management function that was answered before the back-end confirmed it, until it does;
 *  - the hazard: writes of unknown fate in a session that ended, until its end is proven and fence_ms passed.
 * Layer: core. Source: SAM-5 7 (a completed task management function: the affected commands can no longer act).
 */
#ifndef CORE_FENCE_H
#define CORE_FENCE_H

struct io;
struct lu;
struct nexus;
struct path;

void fence_raise(struct lu *lu);
void fence_lower(struct lu *lu);

/* A detached io's fence; idempotent. */
void fence_io_raise(struct io *io);
void fence_io_lower(struct io *io);

/* Commands of the path's present session have an unknown fate. The session is given up if it still stands. */
void fence_hazard(struct lu *lu);
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
/* path->stuck_timer fired. */
void fence_stuck_fired(struct path *p);

#endif
