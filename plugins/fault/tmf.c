/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Task management: late, lost, or with another result; else as it truly goes.
 */
#include "fault.h"

/* Is the command of ABORT TASK with us? Then io->scratch is ours. */
static bool is_here(struct srpgw_bridge_path *path, const struct srpgw_io *io)
{
	struct fault_io *f;

	TAILQ_FOREACH(f, &path->waiting, node)
		if (f->io == io)
			return true;
	TAILQ_FOREACH(f, &path->lost, node)
		if (f->io == io)
			return true;
	return false;
}

static void finish(struct fault_tmf *t)
{
	struct srpgw_bridge_path *path = t->path;

	TAILQ_REMOVE(&path->tmfs, t, node);
	t->tmf->result = path->faulty && path->plan->tmf_result >= 0 ? (uint8_t)path->plan->tmf_result : t->result;
	path->host->tmf_done(t->tmf);
}

/* Its time has come: acts here, or goes below. */
static void act(struct fault_tmf *t)
{
	struct srpgw_bridge_path *path = t->path;
	struct srpgw_tmf *tmf = t->tmf;

	if (tmf->function == SRPGW_TMF_ABORT_TASK) {
		if (t->io_is_gone || !tmf->io) {
			t->result = SRPGW_TMF_NO_SUCH_TASK;
			finish(t);
			return;
		}
		if (is_here(path, tmf->io)) {
			t->result = (uint8_t)command_end_one(tmf->io);
			finish(t);
			return;
		}
	} else if (tmf->function != SRPGW_TMF_CLEAR_ACA) {
		commands_end(path, tmf->lun);
	}
	if (!path->below || path->below_detaching) {
		t->result = SRPGW_TMF_FAILED;
		finish(t);
		return;
	}
	t->sent = true;
	tmf->scratch = t->below;
	path->target->below->tmf(path->below, tmf);
}

void fault_tmf(struct srpgw_bridge_path *path, struct srpgw_tmf *tmf)
{
	struct fault_tmf *t = tmf->scratch;
	uint64_t now = path->host->now_ns(path->reactor);

	t->path = path;
	t->tmf = tmf;
	t->sent = t->io_is_gone = false;
	t->result = SRPGW_TMF_FAILED;
	t->due_ns = now;
	if (path->faulty)
		t->due_ns = path->plan->tmf_lose ? UINT64_MAX : now + path->plan->tmf_delay_ms * NS_PER_MS;
	TAILQ_INSERT_TAIL(&path->tmfs, t, node);
	path_soon(path);
}

void fault_tmf_done(struct srpgw_tmf *tmf)
{
	struct fault_tmf *t = (struct fault_tmf *)(void *)((uint8_t *)tmf->scratch - offsetof(struct fault_tmf, below));

	tmf->scratch = t;
	t->sent = false;
	t->result = tmf->result;
	finish(t);
}

static bool is_due(const struct fault_tmf *t, uint64_t now)
{
	return !t->sent && (t->path->down || t->path->detached || t->due_ns <= now);
}

uint64_t tmfs_due(struct srpgw_bridge_path *path, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	struct fault_tmf *t = TAILQ_FIRST(&path->tmfs);

	while (t) {
		if (!is_due(t, now)) {
			if (!t->sent && t->due_ns < next)
				next = t->due_ns;
			t = TAILQ_NEXT(t, node);
			continue;
		}
		if (path->down || path->detached)
			finish(t);
		else
			act(t);
		/* Answers make the host do things: look anew. */
		next = UINT64_MAX;
		t = TAILQ_FIRST(&path->tmfs);
	}
	return next;
}

void tmfs_forget(struct srpgw_bridge_path *path, const struct srpgw_io *io)
{
	struct fault_tmf *t;

	TAILQ_FOREACH(t, &path->tmfs, node)
		if (t->tmf->io == io)
			t->io_is_gone = true;
}
