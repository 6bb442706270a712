/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Claims, see claim.h.
 * Layer: core.
 */
#include "claim.h"

#include "nexus.h"
#include "quota.h"
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

static void lose_patience(struct path *p)
{
	p->n_lapses += p->n_lapses < MOST_LAPSES;
	p->starving_from = p->shard->claim.n_started;
}

static void lapse(struct shard *s)
{
	lose_patience(s->claim.path);
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

/* Its back-end has commands, and gave no answer for so long that what it holds may not come back soon. */
static bool is_stuck(const struct path *p, uint64_t now_ns)
{
	return p->n_outstanding > 0 && now_ns >= p->heard_ns + CLAIM_IDLE_MS * NS_PER_MS;
}

/* Even if all the others stood still, there would be too little: back-ends that do not answer hold the rest. */
static bool is_hopeless(const struct shard *s, const struct task *t)
{
	uint64_t bytes = pool_free_bytes(s->pool), now_ns = shard_now_ns(s);
	uint32_t n_ios = s->n_ios_free;

	list_for_each(pos, &s->nexuses) {
		const struct nexus *n = list_entry(pos, struct nexus, node);

		bytes += n->quota_bytes;
		n_ios += n->quota_ios;
		list_for_each(ppos, &n->paths) {
			const struct path *p = list_entry(ppos, struct path, node);

			if (!is_stuck(p, now_ns))
				continue;
			bytes -= p->quota_bytes;
			n_ios -= p->quota_ios;
		}
	}
	return !quota_allows(0, 1, n_ios) || !quota_allows(0, io_need_bytes(t), bytes);
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
	if (is_hopeless(s, t)) {
		lose_patience(p);
		return;
	}
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
