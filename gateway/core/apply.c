/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration snapshots: control hands one to each shard; a shard counts its references (its own and one per path),
 * control counts shards, and the map is released when nobody is left.
 * Layer: core.
 */
#include "../base/log.h"
#include "core_private.h"
#include "nexus_map.h"

/* ---- control ---- */

static void snapshot_user_gone(struct snapshot *snap)
{
	if (--snap->n_users > 0)
		return;
	list_del(&snap->node);
	if (snap->map->release)
		snap->map->release(snap->map);
	free(snap);
}

static void shard_is_off(struct reactor_msg *msg)
{
	snapshot_user_gone(container_of(msg, struct snapshot_use, gone)->snap);
}

static void acknowledged(struct reactor_msg *msg)
{
	struct snapshot *snap = container_of(msg, struct snapshot_use, msg)->snap;
	void (*done)(void *arg) = snap->done;

	if (--snap->n_unacked == 0 && done)
		done(snap->arg);
	/* The message itself was a user: it lies in the snapshot. */
	snapshot_user_gone(snap);
}

void core_apply(struct core *c, struct map *m, void (*done)(void *arg), void *arg)
{
	struct snapshot *snap = calloc(1, sizeof(*snap) + c->n_shards * sizeof(snap->use[0]));
	struct snapshot *old = c->snap;

	if (!snap) {
		log_error("out of memory: the configuration is not applied");
		if (m->release)
			m->release(m);
		if (done)
			done(arg);
		return;
	}
	snap->core = c;
	snap->map = m;
	snap->done = done;
	snap->arg = arg;
	snap->n_unacked = c->n_shards;
	/* Control, each shard, and each message until it is back. */
	snap->n_users = 1 + 2 * c->n_shards;
	list_push_back(&c->snapshots, &snap->node);
	c->snap = snap;
	for (uint32_t i = 0; i < c->n_shards; i++) {
		struct snapshot_use *u = &snap->use[i];

		u->snap = snap;
		u->shard = c->shard[i];
		u->msg.fn = shard_apply_msg;
		u->gone.fn = shard_is_off;
		reactor_send(c->shard[i]->reactor, &u->msg);
	}
	if (old)
		snapshot_user_gone(old);
}

const struct map *core_map(const struct core *c)
{
	return c->snap ? c->snap->map : NULL;
}

void snapshots_free(struct core *c)
{
	list_for_each_safe(pos, &c->snapshots) {
		struct snapshot *snap = list_entry(pos, struct snapshot, node);

		list_del(pos);
		if (snap->map->release)
			snap->map->release(snap->map);
		free(snap);
	}
}

/* ---- shard ---- */

struct snapshot_use *snapshot_ref(struct snapshot_use *u)
{
	u->n_refs++;
	return u;
}

void snapshot_unref(struct snapshot_use *u)
{
	if (--u->n_refs == 0 && !u->shard->dead)
		reactor_send(u->shard->control, &u->gone);
}

void shard_apply_msg(struct reactor_msg *msg)
{
	struct snapshot_use *u = container_of(msg, struct snapshot_use, msg), *old = u->shard->use;
	struct shard *s = u->shard;

	shard_enter(s);
	s->use = snapshot_ref(u);
	s->map = u->snap->map;
	list_for_each_safe(pos, &s->nexuses)
		nexus_apply(list_entry(pos, struct nexus, node));
	if (old)
		snapshot_unref(old);
	u->msg.fn = acknowledged;
	reactor_send(s->control, &u->msg);
	shard_leave(s);
}
