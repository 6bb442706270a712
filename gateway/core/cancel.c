/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ending a task without a response: one function over the column "memory is held by" of the state table.
 * Layer: core. Source: SAM-5 7.
 */
#include "channel.h"
#include "io.h"
#include "lu.h"
#include "nexus.h"
#include "path.h"
#include "shard.h"
#include "task.h"
#include "tmf.h"

/* The bridge keeps the io until the back-end answers; the task goes. */
static void leave_io(struct task *t, enum task_cause cause)
{
	struct io *io = t->io;
	struct path *p = io->path;
	bool lost = cause == TASK_CAUSE_CHANNEL;

	if (!io->submitted)
		return;
	/*
	 * Task management asks the back-end itself, and raises the fence if it must answer first. After the loss of a
	 * channel nobody asks: what the host sends next must not be overtaken by what may still act.
	 */
	path_detach_io(io, lost && io_may_write(io), !lost || io_may_write(io));
	if (lost && p->state == PATH_UP)
		p->backend->bridge->abort(p->session, &io->pub);
}

void task_cancel(struct task *t, enum task_cause cause)
{
	struct nexus *n = t->nexus;

	if (t->cause != TASK_CAUSE_NONE)
		return;
	shard_trace(t->shard, TRACE_TASK_CANCEL, t->ch->number, t->tag, (uint64_t)t->state << 8 | cause);
	if (t->kind == TASK_COMMAND)
		n->io.aborted_total++;
	switch (task_holder(t)) {
	case TASK_HELD_BY_FABRIC:
		/* Posted work must come back first: it may still touch the host's memory. */
		t->cause = (uint8_t)cause;
		n->n_dying++;
		break;
	case TASK_HELD_BY_BRIDGE:
		if (t->tmf)
			tmf_orphan(t->tmf);
		else if (t->io)
			leave_io(t, cause);
		task_retire(t);
		break;
	default:
		/* Who waits behind it may need less. */
		if (t->state == TASK_READY)
			path_mark(t->lu->path);
		task_retire(t);
	}
}

void task_cancel_failed(struct task *t)
{
	t->cause = TASK_CAUSE_CHANNEL;
	t->nexus->n_dying++;
	channel_end(t->ch, OUTCOME_POST_FAILED);
	task_retire(t);
}
