/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Claims, see claim.h.
 * Layer: core.
 */
#include "claim.h"

#include "nexus.h"
#include "task.h"

#define MOST_LAPSES 6u

static void look_again_later(struct shard *s)
{
	struct claim *c = &s->claim;

	c->free_bytes = pool_free_bytes(s->pool);
	c->n_ios_free = s->n_ios_free;
	timer_arm_in(s->reactor, &c->timer, CLAIM_IDLE_MS * NS_PER_MS);
}

static void end(struct shard *s)
{
	s->claim.path = NULL;
	timer_cancel(s->reactor, &s->claim.timer);
	/* All that it held up. */
	s->feed = true;
}

static void lapse(struct shard *s)
{
	struct path *p = s->claim.path;

	p->n_lapses += p->n_lapses < MOST_LAPSES;
	p->starving_from = s->claim.n_started;
	end(s);
}

static void timer_fired(struct reactor_timer *timer)
{
	struct claim *c = container_of(timer, struct claim, timer);
	struct shard *s = container_of(c, struct shard, claim);
	/* Nobody else takes any meanwhile. */
	bool moves = pool_free_bytes(s->pool) > c->free_bytes || s->n_ios_free > c->n_ios_free;

	shard_enter(s);
	if (moves && shard_now_ns(s) - c->since_ns < CLAIM_MOST_MS * NS_PER_MS)
		look_again_later(s);
	else
		lapse(s);
	shard_leave(s);
}

void claim_init(struct shard *s)
{
	timer_init(&s->claim.timer, timer_fired);
}

/* Are others in its way, and not what its own host holds? */
static bool others_are_in_the_way(const struct task *t)
{
	const struct nexus *n = t->nexus;

	return n->quota_ios == 0 || n->quota_bytes < io_need_bytes(t);
}

/* How many may go before its first task. */
static uint64_t patience(const struct path *p)
{
	return (uint64_t)CLAIM_AFTER << 2 * p->n_lapses;
}

void claim_wait(struct path *p, const struct task *t)
{
	struct shard *s = p->shard;
	struct claim *c = &s->claim;

	if (!list_linked(&p->starved_node))
		list_push_back(&s->starved, &p->starved_node);
	if (!p->starving) {
		p->starving = true;
		p->starving_from = c->n_started;
	}
	if (c->path || c->n_started - p->starving_from < patience(p) || !others_are_in_the_way(t))
		return;
	c->path = p;
	c->since_ns = shard_now_ns(s);
	look_again_later(s);
}

void claim_settled(struct path *p)
{
	p->starving = false;
	p->n_lapses = 0;
	claim_end(p);
}

void claim_give_up(struct path *p)
{
	end(p->shard);
}
