/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A path moves to a better way without a host noticing: nothing new goes in, what is outstanding ends, then the session
 * is ended and the next one begins at once. What comes meanwhile waits in READY.
 *
 * It is forgotten when that takes longer than MOVE_MOST_MS, or when something needs the present session: a fence (only
 * the session's own answers end it), or a SCSI-2 reservation (which ends with the session). The bridge asks again.
 * Layer: core.
 */
#ifndef CORE_MOVE_H
#define CORE_MOVE_H

#include "../rt/reactor.h"

struct path;

#define MOVE_MOST_MS 2000u

/* Part of a path: armed while it moves. */
struct move {
	struct reactor_timer timer;
};

void move_init(struct path *p);
/* It moves no longer. */
void move_stop(struct path *p);
/* The bridge knows a better way. */
void move_ask(struct path *p);
/* Something at the bridge ended. Settle loop only. */
void move_try(struct path *p);

#endif
