/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Task management, see tmf.h. A function waits for two things: that no RDMA of an affected task can happen any more
 * (bounded: its channel is closed), and that the back-end confirms (bounded: the fence).
 * Layer: core. Source: SAM-5 7; SRP r16a TSK_MGMT.
 */
#include "tmf.h"

#include "channel.h"
#include "fence.h"
#include "io.h"
#include "lu.h"
#include "nexus.h"
#include "order.h"
#include "path.h"
#include "reserve.h"

#include <string.h>

static void deadline_fired(struct reactor_timer *timer);

/* ---- objects ---- */

static struct tmf *tmf_new(struct task *t, uint8_t function)
{
	struct shard *s = t->shard;
	struct list_node *node;
	struct tmf *m;
	void *scratch;

	shard_stock_tmfs(s);
	node = list_pop_front(&s->free_tmfs);
	if (!node)
		return NULL;
	m = list_entry(node, struct tmf, node);
	scratch = m->pub.scratch;
	*m = (struct tmf){
		.pub = { .struct_size = sizeof(m->pub), .function = function, .scratch = scratch },
		.in_use = true,
		.shard = s,
		.nexus = t->nexus,
		.lu = t->lu,
		.path = t->lu ? t->lu->path : NULL,
		.task = t,
		.function = function,
		.serial = t->serial,
		.asked_ns = shard_now_ns(s),
	};
	memcpy(m->lun, t->lun, sizeof(m->lun));
	timer_init(&m->deadline, deadline_fired);
	list_push_back(&t->nexus->tmfs, &m->node);
	if (m->lu) {
		memcpy(m->pub.lun, m->lu->backend_lun, sizeof(m->pub.lun));
		lu_ref(m->lu);
	}
	t->tmf = m;
	return m;
}

/* Nobody waits for it any more, neither here nor at the bridge. */
static void tmf_free_if_done(struct tmf *m)
{
	struct shard *s = m->shard;

	if (!m->in_use || m->task || m->at_bridge)
		return;
	m->in_use = false;
	timer_cancel(s->reactor, &m->deadline);
	if (m->fences)
		fence_lower(m->lu);
	list_del(&m->node);
	if (m->lu)
		lu_unref(m->lu);
	nexus_mark(m->nexus);
	list_push_front(&s->free_tmfs, &m->node);
}

/* Answered, or nobody waits for the answer any more. */
static void leave(struct tmf *m)
{
	m->task->tmf = NULL;
	m->task = NULL;
	timer_cancel(m->shard->reactor, &m->deadline);
	if (!m->at_bridge)
		return;
	m->path->n_late_tmfs++;
	path_check_detached(m->path);
}

/* ---- what it affects ---- */

/*
 * By LUN and not by LU: after a change of the map, older commands may be on their way to another LU under the same
 * LUN.
 */
static bool affects(const struct tmf *m, const uint8_t lun[8], uint64_t serial)
{
	if (m->function == SRP_TMF_ABORT_TASK)
		return serial == m->victim_serial;
	return serial < m->serial && scsi_lun_equal(lun, m->lun);
}

static bool affects_task(const struct tmf *m, const struct task *t)
{
	return t->kind == TASK_COMMAND && affects(m, t->lun, t->serial);
}

/* Detached, and may still act. */
static bool affects_io(const struct tmf *m, const struct io *io)
{
	return !io->task && !io->settled && affects(m, io->lu->lun, io->serial);
}

/* An affected task whose posted RDMA is not back yet; on @ch, or NULL: on any channel. */
static const struct task *find_dying_on(const struct tmf *m, const struct channel *ch)
{
	if (m->nexus->n_dying == 0)
		return NULL;
	list_for_each(pos, &m->nexus->tasks) {
		const struct task *t = list_entry(pos, struct task, nexus_node);

		if (t->cause != TASK_CAUSE_NONE && (!ch || t->ch == ch) && affects_task(m, t))
			return t;
	}
	return NULL;
}

/* The first affected command that a bridge still has. @unhurried: and that was not aborted yet. */
static struct io *find_io(const struct tmf *m, bool unhurried)
{
	list_for_each(ppos, &m->nexus->paths) {
		list_for_each(pos, &list_entry(ppos, struct path, node)->outstanding) {
			struct io *io = list_entry(pos, struct io, node);

			if (affects_io(m, io) && !(unhurried && io->hurried))
				return io;
		}
	}
	return NULL;
}

static void cancel_affected(struct tmf *m)
{
	list_for_each_safe(pos, &m->nexus->tasks) {
		struct task *t = list_entry(pos, struct task, nexus_node);

		if (affects_task(m, t))
			task_cancel(t, TASK_CAUSE_TMF);
	}
}

/*
 * abort() may answer at once, so the lists are looked through anew after each. @others: only those that the function
 * itself does not reach.
 */
static void abort_affected(const struct tmf *m, bool others)
{
	struct io *io;

	while ((io = find_io(m, true))) {
		struct path *p = io->path;

		io->hurried = true;
		if (p->state == PATH_UP && !(others && io->lu == m->lu))
			p->backend->bridge->abort(p->session, &io->pub);
	}
}

/* What is not confirmed, and may act after all: nothing else reaches its LU before the back-end has answered. */
static void fence_affected(struct tmf *m)
{
	list_for_each(ppos, &m->nexus->paths) {
		list_for_each(pos, &list_entry(ppos, struct path, node)->outstanding) {
			struct io *io = list_entry(pos, struct io, node);

			if (affects_io(m, io))
				fence_io_raise(io);
		}
	}
	if (m->at_bridge && m->function != SRP_TMF_ABORT_TASK && !m->fences) {
		/* The function itself may still act, on what comes after it. */
		m->fences = true;
		fence_raise(m->lu);
	}
}

/* ---- answering ---- */

static void answer(struct tmf *m, enum outcome code)
{
	struct task *t = m->task;

	shard_trace(m->shard, TRACE_TMF, t->ch->number, t->tag, (uint64_t)m->function << 8 | outcome_row(code)->value);
	leave(m);
	task_refuse(t, code);
	tmf_free_if_done(m);
}

/* The back-end confirmed that the affected commands can no longer act. */
static bool is_confirmed(const struct tmf *m)
{
	return m->result == SRPGW_TMF_COMPLETE || m->result == SRPGW_TMF_NO_SUCH_TASK;
}

/*
 * What a host is told of a function on the LU. One that failed, or was lost with its session, is complete like one that is
 * late: its commands ended here, and whatever acts of them, or of itself, acts before anything that follows, because the LU
 * is fenced until that session is proven over (see bridge_done()). A host that heard of a failure would go on to reset all
 * that it has.
 */
static enum outcome verdict(const struct tmf *m)
{
	return m->result == SRPGW_TMF_NOT_SUPPORTED ? OUTCOME_TMF_NOT_SUPPORTED : OUTCOME_TMF_OK;
}

static void check(struct tmf *m)
{
	if (!m->task || m->starting || find_dying_on(m, NULL))
		return;
	if (m->late) {
		/* Fenced: what the host sends next cannot be overtaken, so the answer is true. */
		answer(m, OUTCOME_TMF_OK);
	} else if (m->function == SRP_TMF_ABORT_TASK || m->function == SRP_TMF_ABORT_TASK_SET || !m->asked) {
		/*
		 * The commands themselves count: whoever answers first, their own answer or the function's, settles
		 * it.
		 */
		if (!find_io(m, false))
			answer(m, OUTCOME_TMF_OK);
	} else if (!m->at_bridge) {
		/* A host may take any answer for the end of its commands. */
		if (!is_confirmed(m))
			fence_affected(m);
		answer(m, verdict(m));
	}
}

void tmf_recheck(struct nexus *n)
{
	list_for_each_safe(pos, &n->tmfs)
		check(list_entry(pos, struct tmf, node));
}

/* RDMA that did not end in time ends with its channel: it is never answered while it may still happen. */
static void close_stuck(struct tmf *m)
{
	list_for_each(pos, &m->nexus->channels) {
		struct channel *ch = list_entry(pos, struct channel, nexus_node);
		const struct task *t = m->task ? find_dying_on(m, ch) : NULL;

		if (t)
			channel_end(ch, OUTCOME_RDMA_STUCK);
	}
}

static void deadline_fired(struct reactor_timer *timer)
{
	struct tmf *m = container_of(timer, struct tmf, deadline);
	struct shard *s = m->shard;

	shard_enter(s);
	m->late = true;
	m->nexus->tmf_timeout_total++;
	fence_affected(m);
	close_stuck(m);
	check(m);
	shard_leave(s);
}

/* ---- the back-end's part ---- */

/* The back-end confirmed: none of the affected commands that it had can act any more, answered or not. */
static void confirmed(struct tmf *m)
{
	if (m->function == SRP_TMF_LUN_RESET)
		reserve_forget(m->lu);
	list_for_each(pos, &m->path->outstanding) {
		struct io *io = list_entry(pos, struct io, node);

		if (!affects_io(m, io) || io->lu != m->lu)
			continue;
		io->settled = true;
		fence_io_lower(io);
		order_io_left(io);
	}
}

/* The function was to end them; now each must be aborted by itself. */
static void rehurry(const struct tmf *m)
{
	list_for_each(pos, &m->path->outstanding) {
		struct io *io = list_entry(pos, struct io, node);

		if (affects_io(m, io))
			io->hurried = false;
	}
}

static void bridge_done(struct tmf *m)
{
	m->at_bridge = false;
	if (!m->task)
		m->path->n_late_tmfs--;
	switch (m->result) {
	case SRPGW_TMF_COMPLETE:
	case SRPGW_TMF_NO_SUCH_TASK:
		confirmed(m);
		break;
	case SRPGW_TMF_NOT_SUPPORTED:
		rehurry(m);
		abort_affected(m, false);
		break;
	default:
		/* Fate unknown. If it may still act, only the end of the session ends that. */
		if (m->function != SRP_TMF_ABORT_TASK)
			fence_hazard(m->lu, NULL);
		rehurry(m);
		abort_affected(m, false);
	}
	if (m->fences) {
		m->fences = false;
		fence_lower(m->lu);
	}
	check(m);
	tmf_free_if_done(m);
}

void tmf_bridge_done(struct srpgw_tmf *pub)
{
	struct tmf *m = (struct tmf *)pub;
	struct shard *s = m->shard;

	shard_enter(s);
	if (m->at_bridge) {
		m->result = pub->result;
		bridge_done(m);
	} else {
		s->contract_breaches_total++;
	}
	shard_leave(s);
}

void tmf_session_over(struct path *p)
{
	list_for_each_safe(pos, &p->nexus->tmfs) {
		struct tmf *m = list_entry(pos, struct tmf, node);

		if (m->path != p || !m->at_bridge)
			continue;
		p->shard->contract_breaches_total++;
		m->result = SRPGW_TMF_FAILED;
		bridge_done(m);
	}
}

/* One that the back-end of the function's own LU has. */
static struct io *find_io_of(const struct tmf *m)
{
	list_for_each(pos, &m->path->outstanding) {
		struct io *io = list_entry(pos, struct io, node);

		if (affects_io(m, io) && io->lu == m->lu)
			return io;
	}
	return NULL;
}

static bool must_ask(const struct tmf *m)
{
	if (!m->path || m->path->state != PATH_UP)
		return false;
	/* These act on more than our own commands. */
	if (m->function == SRP_TMF_LUN_RESET || m->function == SRP_TMF_CLEAR_TASK_SET)
		return true;
	return find_io_of(m) != NULL;
}

void tmf_orphan(struct tmf *m)
{
	/* The host knows its commands lost, too: with the channel. */
	fence_affected(m);
	leave(m);
	tmf_free_if_done(m);
}

static void start(struct tmf *m)
{
	uint32_t answer_ms = map_or(m->shard->map->tmf_answer_ms, MAP_TMF_ANSWER_MS);
	struct task *t = m->task;

	/* From here it is held by the bridge's answer, or by time. */
	if (!task_set_state(t, TASK_READY) || !task_set_state(t, TASK_EXECUTING))
		return;
	timer_arm_in(m->shard->reactor, &m->deadline, answer_ms * NS_PER_MS);
	m->starting = true;
	cancel_affected(m);
	abort_affected(m, true);
	m->starting = false;
	if (must_ask(m)) {
		struct io *io = find_io_of(m);

		m->pub.io = m->function == SRP_TMF_ABORT_TASK && io ? &io->pub : NULL;
		m->asked = m->at_bridge = true;
		m->path->backend->bridge->tmf(m->path->session, &m->pub);
	}
	check(m);
}

/* ---- arrival ---- */

static bool is_known(uint8_t function)
{
	return function == SRP_TMF_ABORT_TASK || function == SRP_TMF_ABORT_TASK_SET ||
	       function == SRP_TMF_CLEAR_TASK_SET || function == SRP_TMF_LUN_RESET;
}

/*
 * With its response posted a command has no tag any more, but its WRITEs may still be on their way. On one channel
 * they stay ahead of our answer; on another nothing keeps them there.
 */
static struct task *find_victim(const struct task *t, uint64_t tag)
{
	struct task *victim = nexus_find_tag(t->nexus, tag);

	if (victim)
		return victim;
	list_for_each(pos, &t->nexus->tasks) {
		struct task *other = list_entry(pos, struct task, nexus_node);

		if (other->state == TASK_RESPONDING && other->tag == tag && other->ch != t->ch)
			return other;
	}
	return NULL;
}

void tmf_receive(struct task *t, const struct srp_tsk_mgmt *tm)
{
	struct task *victim = NULL;
	struct tmf *m;

	t->nexus->tmf_total++;
	if (tm->function == SRP_TMF_CLEAR_ACA) {
		/* None is ever in effect, see aca.h: it is done, for a LUN that is there. */
		task_refuse(t, lu_find(t->nexus, t->lun) ? OUTCOME_TMF_OK : OUTCOME_TMF_NO_LUN);
		return;
	}
	if (!is_known(tm->function)) {
		task_refuse(t, OUTCOME_TMF_NOT_SUPPORTED);
		return;
	}
	if (tm->function == SRP_TMF_ABORT_TASK)
		victim = find_victim(t, tm->task_tag);
	if (victim && (victim->kind != TASK_COMMAND || !scsi_lun_equal(victim->lun, t->lun)))
		victim = NULL;
	/* The map may have changed while the command was there. */
	t->lu = victim ? victim->lu : lu_find(t->nexus, t->lun);
	if (t->lu)
		lu_ref(t->lu);
	if (tm->function == SRP_TMF_ABORT_TASK && !victim) {
		/* It ended before, or never came: either way it can no longer act, if its LUN is one of ours. */
		task_refuse(t, t->lu ? OUTCOME_TMF_OK : OUTCOME_TMF_NO_LUN);
		return;
	}
	if (!t->lu && !victim) {
		task_refuse(t, OUTCOME_TMF_NO_LUN);
		return;
	}
	m = tmf_new(t, tm->function);
	if (!m) {
		/* Hosts take any answer for a yes, so there is none while the victims live. */
		channel_end(t->ch, OUTCOME_TMF_RESOURCES);
		return;
	}
	m->victim_serial = victim ? victim->serial : 0;
	start(m);
}
