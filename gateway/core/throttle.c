/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending less, and more again, see throttle.h.
 * Layer: core.
 */
#include "throttle.h"

#include "lu.h"
#include "path.h"
#include "shard.h"
#include "task.h"

static uint32_t least_1(uint32_t n)
{
	return n > 0 ? n : 1;
}

/* ---- less and more ---- */

static void halve(struct path *p, uint32_t n)
{
	p->throttle.depth = least_1(n / 2);
	p->throttle.n_good = 0;
	p->throttle.lowered_ns = shard_clock_ns(p->shard);
}

/* The other paths of the back-end shall make room for it. It ends by itself, whatever becomes of this path. */
static void press(struct path *p, bool gap)
{
	struct throttle *th = &p->throttle;
	struct pressure *pr = &p->backend->pressure;
	uint64_t now_ns = shard_now_ns(p->shard);

	if (th->refused_ns == 0)
		th->refused_ns = now_ns;
	if (now_ns - th->refused_ns >= THROTTLE_PRESS_MS * NS_PER_MS)
		return;
	if (gap)
		pr->gap_until_ns = now_ns + THROTTLE_GAP_MS * NS_PER_MS;
	pr->quiet_until_ns = now_ns + (th->backoff_ms + THROTTLE_GAP_MS) * NS_PER_MS;
	/* Its own event is no news to it. */
	th->n_seen = atomic_fetch_add(&pr->n_events, 1) + 1;
}

static void back_off(struct path *p)
{
	struct throttle *th = &p->throttle;
	uint32_t ms = th->backoff_ms * 2;
	bool gap;

	th->n_refused++;
	gap = th->n_refused == THROTTLE_GAP_AFTER || th->n_refused == THROTTLE_GAP_AFTER + 1;
	th->depth = 1;
	th->n_good = 0;
	th->backoff_ms = ms < THROTTLE_FIRST_MS ? THROTTLE_FIRST_MS : ms < THROTTLE_MOST_MS ? ms : THROTTLE_MOST_MS;
	press(p, gap);
	/* In the middle of the gap. */
	timer_arm_in(p->shard->reactor, &th->timer, (gap ? THROTTLE_GAP_MS / 2 : th->backoff_ms) * NS_PER_MS);
}

/* Another one is refused although it has nothing there. */
static void make_room(struct path *p)
{
	uint64_t gap_until_ns = p->backend->pressure.gap_until_ns;

	if (p->n_outstanding > 0)
		halve(p, p->n_outstanding + 1);
	if (gap_until_ns <= shard_now_ns(p->shard))
		return;
	if (p->throttle.depth == 0)
		halve(p, 2);
	timer_arm(p->shard->reactor, &p->throttle.timer, gap_until_ns);
}

static void went_well(struct path *p, uint32_t n_events)
{
	struct throttle *th = &p->throttle;

	if (th->backoff_ms > 0) {
		th->backoff_ms = 0;
		th->refused_ns = 0;
		/* Where it took a gap it will take one again. */
		th->n_refused = th->n_refused >= THROTTLE_GAP_AFTER ? THROTTLE_GAP_AFTER - 2 : 0;
	}
	if (th->n_seen != n_events) {
		th->n_seen = n_events;
		make_room(p);
		return;
	}
	if (th->depth == 0 || p->backend->pressure.quiet_until_ns > shard_now_ns(p->shard) || ++th->n_good < th->depth)
		return;
	th->n_good = 0;
	if (++th->depth >= p->shard->n_ios)
		th->depth = 0;
}

/* ---- refused commands ---- */

static void hold(struct path *p, struct task *t)
{
	if (t->hold_until_ns == 0)
		t->hold_until_ns = shard_now_ns(p->shard) + p->backend->hold_ms * NS_PER_MS;
}

static bool take_back(struct io *io)
{
	struct task *t = io->task;
	struct path *p = io->path;

	hold(p, t);
	/* The refusals of one round trip are one piece of news. */
	if (p->n_outstanding == 0)
		back_off(p);
	else if (io->submitted_ns >= p->throttle.lowered_ns)
		halve(p, p->n_outstanding + 1);
	if (t->hold_until_ns <= shard_now_ns(p->shard))
		return false;
	p->throttle.refused_total++;
	path_wait_again(io);
	return true;
}

bool throttle_settles(struct io *io)
{
	struct path *p = io->path;
	uint32_t n_events;

	if (io->pub.status == SCSI_TASK_SET_FULL || io->pub.status == SCSI_BUSY)
		return take_back(io);
	n_events = atomic_load_explicit(&p->backend->pressure.n_events, memory_order_relaxed);
	went_well(p, n_events);
	return false;
}

/* Those behind the refused one wait for the same reason, and not longer. */
static void hold_waiting(struct path *p)
{
	uint64_t now_ns = shard_now_ns(p->shard);

	list_for_each(pos, &p->lus) {
		struct lu *lu = list_entry(pos, struct lu, path_node);

		list_for_each_safe(tpos, &lu->ready) {
			struct task *t = list_entry(tpos, struct task, node);

			hold(p, t);
			/* The oldest is tried once more, and told what the back-end says then. */
			if (t->hold_until_ns <= now_ns && tpos != list_first(&lu->ready))
				task_refuse(t, OUTCOME_BACKEND_BUSY);
		}
	}
}

static void timer_fired(struct reactor_timer *timer)
{
	struct path *p = container_of(timer, struct path, throttle.timer);
	struct shard *s = p->shard;

	shard_enter(s);
	if (p->state == PATH_UP && p->throttle.backoff_ms > 0)
		hold_waiting(p);
	path_mark(p);
	shard_leave(s);
}

void throttle_init(struct path *p)
{
	timer_init(&p->throttle.timer, timer_fired);
	p->throttle.n_seen = atomic_load(&p->backend->pressure.n_events);
}

void throttle_reset(struct path *p)
{
	struct throttle *th = &p->throttle;

	timer_cancel(p->shard->reactor, &th->timer);
	th->depth = th->n_good = th->backoff_ms = th->n_refused = 0;
	th->lowered_ns = th->refused_ns = 0;
	th->n_seen = atomic_load(&p->backend->pressure.n_events);
}
