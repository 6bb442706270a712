/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a command must pass before it leaves READY when limits are configured: the rates of its host, then depth and
 * rates of its LUN (over all hosts of that entry of the map), then the depth of its back-end (over all hosts and
 * shards).
 *
 * Whoever must wait stands in one line at a time, and holds nothing meanwhile: so no two lines can wait for each
 * other, and who cannot go for another reason is in nobody's way. What waits stays in READY: it holds no buffer.
 *
 * That somebody passes in the end: whoever goes on to a later gate keeps the turn that has come at the earlier ones.
 * Until somebody passes, a path therefore comes back from the line of its back-end to that of a LUN or of its host at
 * most once for each of them, and then stays in the line of the back-end until it is the next one there; and it
 * passes.
 * Layer: core.
 */
#ifndef CORE_LIMIT_H
#define CORE_LIMIT_H

#include "io.h"
#include "lu.h"
#include "path.h"
#include "share.h"

struct nexus;

enum limit { LIMIT_NONE, LIMIT_LU, LIMIT_PATH };

/* Must commands to @lu be looked at at all? */
static inline bool limit_concerns(const struct lu *lu)
{
	const struct path *p = lu->path;

	return lu->gate.side || p->host_gate.side ||
	       atomic_load_explicit(&p->backend->gate.depth, memory_order_relaxed);
}

/*
 * May @t, the first one in READY of its LU, go as far as limits are concerned? Nothing is taken.
 * LIMIT_LU: its LU waits, and is off path->ready_lus; others of the path may go. LIMIT_PATH: its path waits.
 */
enum limit limit_check(struct task *t);
/* It goes. False: another shard was quicker; look again. */
bool limit_take(struct task *t) WARN_UNUSED;

/* Its slots, limit_take() again when it returns to READY. */
void limit_give_slots(struct lu *lu, uint8_t slots);
static inline void limit_give(struct task *t)
{
	if (t->slots) {
		limit_give_slots(t->lu, t->slots);
		t->slots = 0;
	}
}
/* The task leaves it behind: it holds the slots until the back-end answers. */
static inline void limit_detach(struct io *io)
{
	io->slots = io->task->slots;
	io->task->slots = 0;
}
static inline void limit_give_detached(struct io *io)
{
	if (io->slots) {
		limit_give_slots(io->lu, io->slots);
		io->slots = 0;
	}
}

/* @p can send nothing now; it leaves its lines, so that it is in nobody's way. @lus: those of its LUs, too. */
void limit_leave_lines(struct path *p, bool lus);

/* ---- who is limited by what ---- */
/* @n has its group (or none): after it was found, and after each change of the configuration. */
void limit_nexus(struct nexus *n);
/* A new path, with its share; and before it goes. */
void limit_path(struct path *p);
void limit_path_gone(struct path *p);
/* @g: of its entry in the map; NULL: it has no limits, or is not mapped any more. */
void limit_lu(struct lu *lu, struct gate *g);

/* ---- for gate.c ---- */
/* The next in line is called: it looks again when the shard settles. False: it has nothing to send. */
bool limit_call(struct gate_user *u);

#endif
