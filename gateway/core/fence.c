/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fences, see fence.h.
 * Layer: core.
 */
#include "fence.h"

#include "io.h"
#include "lu.h"
#include "nexus.h"
#include "path.h"
#include "repeat.h"
#include "shard.h"

static void trace(const struct lu *lu)
{
	shard_trace(lu->path->shard, TRACE_FENCE, lu->nexus->id, (uint64_t)scsi_lun_to_number(lu->lun), lu->n_fences);
}

static uint64_t most_ns(const struct path *p)
{
	uint32_t hold_ms = p->backend->hold_ms;

	/* Its host is on its way to another nexus, and waits for that no longer than it does for task management. */
	if (p->nexus->n_channels == 0)
		return map_or(p->shard->map->tmf_answer_ms, MAP_TMF_ANSWER_MS) * NS_PER_MS;
	return (hold_ms > FENCE_MOST_MS ? hold_ms : FENCE_MOST_MS) * NS_PER_MS;
}

void fence_await(struct path *p)
{
	if (!timer_armed(&p->stuck_timer))
		timer_arm_in(p->shard->reactor, &p->stuck_timer, most_ns(p));
}

void fence_raise(struct lu *lu)
{
	struct path *p = lu->path;

	/* The first that only the back-end can end; a hazard may have stood for long by now. */
	if (lu->n_fences == lu->hazard + lu->n_older) {
		lu->fenced_since_ns = shard_now_ns(p->shard);
		fence_await(p);
	}
	lu->n_fences++;
	lu_fence_changed(lu);
	trace(lu);
}

void fence_lower(struct lu *lu)
{
	lu->n_fences--;
	trace(lu);
	lu_fence_changed(lu);
}

/* ---- in part ---- */

/* What a command can see or change of what is stored. */
enum reach {
	REACH_NOTHING,
	REACH_BLOCKS, /* those that it names */
	REACH_STATE,  /* it only looks at what was carried out before, or at reservations: nothing need wait for it */
	REACH_ALL,    /* or nobody knows */
};

static enum reach reach_of(const struct lu *lu, const uint8_t *cdb, struct range *r)
{
	struct scsi_blocks blocks;

	/* Only disks are asked for their capacity. Elsewhere the operation codes mean other things. */
	if (lu->block_bytes && scsi_blocks(cdb, &blocks)) {
		*r = (struct range){ blocks.first, blocks.last };
		return blocks.any ? REACH_BLOCKS : REACH_NOTHING;
	}
	if (repeat_is_flush(cdb) || cdb[0] == SCSI_OP_PERSISTENT_RESERVE_IN)
		return REACH_STATE;
	return repeat_only_asks(cdb) && repeat_is_harmless(cdb) ? REACH_NOTHING : REACH_ALL;
}

static bool is_fenced(const struct lu *lu, struct range r)
{
	const struct lu *other = lu;

	do {
		if (ranges_overlap(&other->fenced, r))
			return true;
		other = other->twin;
	} while (other != lu);
	return false;
}

bool fence_lets_part(const struct task *t)
{
	struct range r;

	/* What comes before or after one that is not SIMPLE is more than a matter of blocks. */
	if (t->lu->fence == LU_SHUT || t->attr != SRPGW_ATTR_SIMPLE)
		return false;
	switch (reach_of(t->lu, t->cdb, &r)) {
	case REACH_NOTHING:
		return true;
	case REACH_BLOCKS:
		return !is_fenced(t->lu, r);
	default:
		return false;
	}
}

/* The hazard is also where @cdb may act; NULL: nobody knows where that is. */
static void widen(struct lu *lu, const uint8_t *cdb)
{
	struct range r;
	enum reach reach = cdb ? reach_of(lu, cdb, &r) : REACH_ALL;

	if (reach == REACH_BLOCKS)
		ranges_add(&lu->fenced, r);
	else if (reach == REACH_ALL)
		lu->fences_all = true;
}

void fence_hold(struct task *t)
{
	struct lu *lu = t->lu;

	widen(lu, t->attr == SRPGW_ATTR_SIMPLE ? t->cdb : NULL);
	if (lu->fences_all) {
		lu_fence_changed(lu);
		return;
	}
	list_del(&t->node);
	list_push_back(&lu->held, &t->node);
	outage_wait(t);
}

/* ---- detached ios ---- */

void fence_io_raise(struct io *io)
{
	if (io->fences || !io->lu)
		return;
	io->fences = true;
	fence_raise(io->lu);
}

void fence_io_lower(struct io *io)
{
	if (!io->fences)
		return;
	io->fences = false;
	fence_lower(io->lu);
}

/* ---- hazards ---- */

void fence_hazard(struct lu *lu, const uint8_t *cdb)
{
	struct path *p = lu->path;

	widen(lu, cdb);
	if (lu->hazard) {
		lu_fence_changed(lu);
	} else {
		lu->hazard = true;
		fence_raise(lu);
	}
	timer_cancel(p->shard->reactor, &p->fence_timer);
	if (p->state == PATH_UP || p->state == PATH_ATTACHING)
		path_rebuild(p, "a command of unknown fate");
	else if (!p->session)
		fence_session_over(p);
}

static struct lu *first_hazard(const struct path *p)
{
	list_for_each(pos, &p->lus) {
		struct lu *lu = list_entry(pos, struct lu, path_node);

		if (lu->hazard)
			return lu;
	}
	return NULL;
}

void fence_session_over(struct path *p)
{
	/* Already armed: for hazards of an earlier session, which this one does not prolong. */
	if (first_hazard(p) && !timer_armed(&p->fence_timer))
		timer_arm_in(p->shard->reactor, &p->fence_timer, p->backend->fence_ms * NS_PER_MS);
}

void fence_timer_fired(struct path *p)
{
	struct lu *lu;

	/* Looked for anew each time: the end of one LU may be the end of the one that waited for it. */
	while ((lu = first_hazard(p))) {
		lu->hazard = false;
		fence_lower(lu);
	}
	nexus_mark(p->nexus);
}

void fence_nexus_lost(struct nexus *n)
{
	list_for_each(pos, &n->paths) {
		struct path *p = list_entry(pos, struct path, node);

		if (timer_armed(&p->stuck_timer))
			fence_stuck_fired(p);
	}
}

/* Since when the back-end owes an answer; UINT64_MAX: it owes none. */
static uint64_t owed_since_ns(const struct path *p)
{
	uint64_t since_ns = UINT64_MAX;

	list_for_each(pos, &p->lus) {
		const struct lu *lu = list_entry(pos, struct lu, path_node);

		/* A hazard has its own end, and for an older LU nobody can do anything here. */
		if (lu->n_fences != lu->hazard + lu->n_older && lu->fenced_since_ns < since_ns)
			since_ns = lu->fenced_since_ns;
	}
	list_for_each(pos, &p->outstanding) {
		const struct io *io = list_entry(pos, struct io, node);

		if (!io->task && !io->probed && !io->fences && io->detached_ns < since_ns)
			since_ns = io->detached_ns;
	}
	return since_ns;
}

void fence_stuck_fired(struct path *p)
{
	uint64_t now_ns = shard_now_ns(p->shard), since_ns = owed_since_ns(p);

	if (since_ns == UINT64_MAX)
		return;
	if (since_ns + most_ns(p) <= now_ns) {
		path_rebuild(p, "it does not say what became of aborted commands");
		since_ns = now_ns;
	}
	timer_arm(p->shard->reactor, &p->stuck_timer, since_ns + most_ns(p));
}
