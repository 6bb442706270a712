/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands on their way through: which rule takes one, and what it then suffers.
 */
#include "fault.h"

#include <string.h>

static struct fault_io *of(const struct srpgw_io *io)
{
	return io->scratch;
}

/* splitmix64 */
static uint64_t dice(struct srpgw_bridge_path *path)
{
	uint64_t z = path->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static bool means(const struct rule *r, const struct srpgw_io *io)
{
	if (r->op >= 0 && (!io->cdb_len || io->cdb[0] != r->op))
		return false;
	if (r->dir >= 0 && io->dir != r->dir)
		return false;
	return r->lun < 0 || r->lun == ((io->lun[0] & 0x3f) << 8 | io->lun[1]);
}

static bool takes(struct srpgw_bridge_path *path, uint32_t i, const struct srpgw_io *io)
{
	const struct rule *r = &path->plan->rule[i];

	if (!means(r, io))
		return false;
	uint64_t n = ++path->seen[i];

	if (n <= r->after || (r->count && path->taken[i] >= r->count))
		return false;
	n -= r->after;
	if ((r->nth && n != r->nth) || (r->every && n % r->every))
		return false;
	if (r->pct_ppm < 1000000 && dice(path) % 1000000 >= r->pct_ppm)
		return false;
	path->taken[i]++;
	return true;
}

static const struct rule *choose(struct srpgw_bridge_path *path, const struct srpgw_io *io)
{
	for (uint32_t i = 0; path->faulty && i < path->plan->n_rules; i++)
		if (takes(path, i, io))
			return &path->plan->rule[i];
	return NULL;
}

static void done(struct fault_io *f)
{
	tmfs_forget(f->path, f->io);
	f->path->host->io_done(f->io);
}

static void answer(struct fault_io *f, enum srpgw_delivery delivery)
{
	f->io->delivery = (uint8_t)delivery;
	done(f);
}

static void answer_status(struct fault_io *f, uint8_t status, const uint8_t sense[3])
{
	struct srpgw_io *io = f->io;

	io->status = status;
	io->sense_len = 0;
	if (status == 0x02) {
		const uint8_t fixed[18] = { 0x70, 0, sense[0], 0, 0, 0, 0, 10, 0, 0, 0, 0, sense[1], sense[2] };

		memcpy(io->sense, fixed, sizeof(fixed));
		io->sense_len = sizeof(fixed);
	}
	io->resid_kind = io->data_len ? SRPGW_RESID_UNDER : SRPGW_RESID_NONE;
	io->resid = io->data_len;
	answer(f, SRPGW_DELIVERY_ANSWERED);
}

static void go_below(struct fault_io *f)
{
	f->place = AT_BELOW;
	f->io->scratch = f->below;
	f->path->target->below->submit(f->path->below, f->io);
}

/* By due time; equal ones in order. */
static void wait_for(struct fault_io *f, enum fault_place place)
{
	struct srpgw_bridge_path *path = f->path;
	struct fault_io *p;

	f->place = place;
	f->due_ns = path->host->now_ns(path->reactor) + f->rule->ms * NS_PER_MS;
	TAILQ_FOREACH_REVERSE(p, &path->waiting, fault_ios, node) {
		/* cppcheck-suppress uninitvar */
		if (p->due_ns <= f->due_ns) {
			TAILQ_INSERT_AFTER(&path->waiting, p, f, node);
			break;
		}
	}
	if (!p)
		TAILQ_INSERT_HEAD(&path->waiting, f, node);
	path_soon(path);
}

static void lose(struct fault_io *f, enum fault_place place)
{
	f->place = place;
	f->path->lost_total++;
	TAILQ_INSERT_TAIL(&f->path->lost, f, node);
}

void fault_submit(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct fault_io *f = io->scratch;

	f->path = path;
	f->io = io;
	f->rule = NULL;
	f->serial = path->serial++;
	f->place = AT_BELOW;
	if (!path->up || path->down || path->detached) {
		answer(f, SRPGW_DELIVERY_NEVER);
		return;
	}
	f->rule = choose(path, io);
	if (path->faulty && path->plan->down_after && ++path->n_commands > path->plan->down_after && !path->down_ns) {
		path->down_ns = path->host->now_ns(path->reactor);
		path_soon(path);
	}
	switch (f->rule ? f->rule->act : ACT_NONE) {
	case ACT_HOLD:
		path->held_total++;
		wait_for(f, HELD);
		break;
	case ACT_LOSE_COMMAND:
		lose(f, LOST_BELOW);
		break;
	case ACT_STATUS:
		path->failed_total++;
		answer_status(f, f->rule->status, f->rule->sense);
		break;
	default:
		go_below(f);
		break;
	}
}

void fault_io_done(struct srpgw_io *io)
{
	struct fault_io *f = (struct fault_io *)(void *)((uint8_t *)io->scratch - offsetof(struct fault_io, below));

	io->scratch = f;
	/* Only a true answer can come late or get lost; and a session that is gone answers for everything. */
	if (f->rule && io->delivery == SRPGW_DELIVERY_ANSWERED && !f->path->down && !f->path->detached) {
		if (f->rule->act == ACT_DELAY) {
			f->path->delayed_total++;
			wait_for(f, DELAYED);
			return;
		}
		if (f->rule->act == ACT_LOSE_ANSWER) {
			lose(f, LOST);
			return;
		}
	}
	if (f->path->down && io->delivery == SRPGW_DELIVERY_ANSWERED)
		io->delivery = SRPGW_DELIVERY_MAYBE;
	done(f);
}

uint64_t commands_due(struct srpgw_bridge_path *path, uint64_t now)
{
	struct fault_io *f;

	while ((f = TAILQ_FIRST(&path->waiting)) && f->due_ns <= now) {
		TAILQ_REMOVE(&path->waiting, f, node);
		if (f->place == HELD)
			go_below(f);
		else
			done(f);
	}
	return f ? f->due_ns : UINT64_MAX;
}

/* Says what truly happened to one that is here. */
static void end(struct fault_io *f)
{
	enum fault_place place = f->place;

	if (place == HELD || place == DELAYED)
		TAILQ_REMOVE(&f->path->waiting, f, node);
	else
		TAILQ_REMOVE(&f->path->lost, f, node);
	f->place = AT_BELOW;
	if (place == HELD)
		answer(f, SRPGW_DELIVERY_NEVER);
	else if (place == DELAYED && !f->path->down)
		done(f);
	else
		answer(f, SRPGW_DELIVERY_MAYBE);
}

/* The first on @list that came before @limit, of @lun. Looked for anew each time: answers make the host do things. */
static struct fault_io *next_to_end(struct fault_ios *list, const uint8_t *lun, uint64_t limit)
{
	struct fault_io *f;

	TAILQ_FOREACH(f, list, node)
		if (f->serial < limit && (!lun || !memcmp(f->io->lun, lun, sizeof(f->io->lun))))
			break;
	return f;
}

void commands_end(struct srpgw_bridge_path *path, const uint8_t *lun)
{
	uint64_t limit = path->serial;
	struct fault_io *f;

	while ((f = next_to_end(&path->waiting, lun, limit)) || (f = next_to_end(&path->lost, lun, limit))) {
		if (lun)
			command_end_one(f->io);
		else
			end(f);
	}
}

int command_end_one(struct srpgw_io *io)
{
	static const uint8_t no_sense[3];
	struct fault_io *f = of(io);

	switch (f->place) {
	case HELD:
	case LOST_BELOW: /* as a target that hung on it, and then gave it up */
		if (f->place == HELD)
			TAILQ_REMOVE(&f->path->waiting, f, node);
		else
			TAILQ_REMOVE(&f->path->lost, f, node);
		f->place = AT_BELOW;
		answer_status(f, 0x40, no_sense); /* TASK ABORTED */
		return SRPGW_TMF_COMPLETE;
	case DELAYED:
	case LOST: /* it did act, and the target has forgotten it */
		end(f);
		return SRPGW_TMF_NO_SUCH_TASK;
	default:
		return -1;
	}
}

void fault_abort(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct fault_io *f; /* while the bridge below has the command, io->scratch is the lower bridge's */

	TAILQ_FOREACH(f, &path->waiting, node) {
		/* cppcheck-suppress uninitvar */
		if (f->io == io) {
			end(f);
			return;
		}
	}
	TAILQ_FOREACH(f, &path->lost, node) {
		if (f->io == io) {
			end(f);
			return;
		}
	}
	if (path->below && !path->below_detaching)
		path->target->below->abort(path->below, io);
}
