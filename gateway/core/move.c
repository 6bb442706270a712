/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moving a path, see move.h.
 * Layer: core.
 */
#include "move.h"

#include "../base/log.h"
#include "lu.h"
#include "nexus.h"
#include "path.h"
#include "tmf.h"

static bool needs_session(const struct path *p)
{
	list_for_each(pos, &p->lus) {
		const struct lu *lu = list_entry(pos, struct lu, path_node);

		if (lu->n_fences > 0 || lu->reserved)
			return true;
	}
	return false;
}

static bool is_dry(const struct path *p)
{
	if (p->n_outstanding > 0)
		return false;
	list_for_each(pos, &p->nexus->tmfs) {
		const struct tmf *m = list_entry(pos, struct tmf, node);

		if (m->path == p && m->at_bridge)
			return false;
	}
	return true;
}

static void forget(struct path *p)
{
	move_stop(p);
	/* They waited as if for an outage, and shall not pay for it. */
	path_mark(p);
}

void move_try(struct path *p)
{
	if (!timer_armed(&p->move.timer))
		return;
	if (needs_session(p)) {
		forget(p);
	} else if (is_dry(p)) {
		move_stop(p);
		path_move(p);
	}
}

static void timer_fired(struct reactor_timer *timer)
{
	struct path *p = container_of(timer, struct path, move.timer);
	struct shard *s = p->shard;

	shard_enter(s);
	if (is_dry(p) && !needs_session(p))
		path_move(p);
	else
		log_info("session %u: back-end %s: it stays where it is, commands take too long to end", p->nexus->id,
			 p->backend->name);
	path_mark(p);
	shard_leave(s);
}

void move_ask(struct path *p)
{
	if (!path_is_open(p) || needs_session(p))
		return;
	timer_arm_in(p->shard->reactor, &p->move.timer, MOVE_MOST_MS * NS_PER_MS);
	path_mark(p);
}

void move_init(struct path *p)
{
	timer_init(&p->move.timer, timer_fired);
}

void move_stop(struct path *p)
{
	timer_cancel(p->shard->reactor, &p->move.timer);
}
