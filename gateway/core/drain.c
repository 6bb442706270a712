/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ending sessions from outside: one (kick), or all (drain).
 * Layer: core.
 */
#include "../base/log.h"
#include "core_private.h"

#include <errno.h>

/* ---- kick ---- */

struct kick {
	struct reactor_msg msg;
	struct core *core;
	struct shard *shard;
	uint32_t session_id;
	bool found;
	void (*done)(void *arg, bool found);
	void *arg;
};

static void kick_answer(struct reactor_msg *msg)
{
	struct kick *k = container_of(msg, struct kick, msg);

	if (k->done)
		k->done(k->arg, k->found);
	free(k);
}

static void kick_on_shard(struct reactor_msg *msg)
{
	struct kick *k = container_of(msg, struct kick, msg);
	struct shard *s = k->shard;

	shard_enter(s);
	list_for_each(pos, &s->nexuses) {
		struct nexus *n = list_entry(pos, struct nexus, node);

		if (n->id != k->session_id)
			continue;
		k->found = true;
		nexus_end(n, OUTCOME_KICKED);
		break;
	}
	shard_leave(s);
	k->msg.fn = kick_answer;
	reactor_send(s->control, &k->msg);
}

int core_kick(struct core *c, uint32_t session_id, void (*done)(void *arg, bool found), void *arg)
{
	struct kick *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	*k = (struct kick){ .core = c, .session_id = session_id, .done = done, .arg = arg };
	if (session_id == 0) {
		k->msg.fn = kick_answer;
		reactor_send(c->control, &k->msg);
		return 0;
	}
	/* The number says where the session lives, see nexus_create(). */
	k->shard = c->shard[(session_id - 1) % c->n_shards];
	k->msg.fn = kick_on_shard;
	reactor_send(k->shard->reactor, &k->msg);
	return 0;
}

/* ---- drain ---- */

struct drain_shard {
	struct reactor_msg msg;
	struct shard *shard;
	struct drain *drain;
};

struct drain {
	struct core *core;
	struct reactor_timer timer;
	uint32_t n_waiting;
	void (*done)(void *arg);
	void *arg;
	struct drain_shard per_shard[];
};

static void finish(struct drain *d)
{
	void (*done)(void *arg) = d->done;

	timer_cancel(d->core->control, &d->timer);
	d->done = NULL;
	if (done)
		done(d->arg);
}

static void drain_timeout(struct reactor_timer *t)
{
	struct drain *d = container_of(t, struct drain, timer);

	log_warn("not all sessions ended in time; %u channels are abandoned", d->core->port.n_channels);
	finish(d);
}

static void shard_empty(struct reactor_msg *msg)
{
	struct drain *d = container_of(msg, struct drain_shard, msg)->drain;

	if (--d->n_waiting == 0 && d->done)
		finish(d);
}

void shard_nexus_gone(struct shard *s)
{
	struct reactor_msg *msg = s->drain_msg;

	if (!msg || !list_empty(&s->nexuses))
		return;
	s->drain_msg = NULL;
	msg->fn = shard_empty;
	reactor_send(s->control, msg);
}

static void drain_on_shard(struct reactor_msg *msg)
{
	struct shard *s = container_of(msg, struct drain_shard, msg)->shard;

	shard_enter(s);
	s->draining = true;
	s->drain_msg = msg;
	list_for_each_safe(pos, &s->nexuses)
		nexus_end(list_entry(pos, struct nexus, node), OUTCOME_DRAINED);
	shard_nexus_gone(s);
	shard_leave(s);
}

void core_drain(struct core *c, uint32_t timeout_ms, void (*done)(void *arg), void *arg)
{
	struct drain *d;

	c->port.draining = true;
	if (c->drain || !(d = calloc(1, sizeof(*d) + c->n_shards * sizeof(d->per_shard[0])))) {
		/* A second call, or no memory for an orderly end. */
		if (done)
			done(arg);
		return;
	}
	c->drain = d;
	d->core = c;
	d->n_waiting = c->n_shards;
	d->done = done;
	d->arg = arg;
	timer_init(&d->timer, drain_timeout);
	timer_arm_in(c->control, &d->timer, timeout_ms * NS_PER_MS);
	for (uint32_t i = 0; i < c->n_shards; i++) {
		d->per_shard[i] = (struct drain_shard){ .msg.fn = drain_on_shard, .shard = c->shard[i], .drain = d };
		reactor_send(c->shard[i]->reactor, &d->per_shard[i].msg);
	}
}

void drain_free(struct core *c)
{
	if (!c->drain)
		return;
	timer_cancel(c->control, &c->drain->timer);
	free(c->drain);
}
