/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of an I_T nexus: admitting logins, losing channels, lingering, going. See nexus.h.
 * Layer: core. Source: SRP r16a multichannel; SAM-5 I_T nexus loss.
 */
#include "nexus.h"

#include "../base/log.h"
#include "channel.h"
#include "fence.h"
#include "inventory.h"
#include "lu.h"
#include "nexus_map.h"
#include "outage.h"
#include "path.h"
#include "port.h"
#include "registration.h"
#include "reserve.h"
#include "tmf.h"

/* ---- tags ---- */

static struct list *bucket(struct nexus *n, uint64_t tag)
{
	return &n->tags[(tag * 0x9e3779b97f4a7c15ull) >> 56 & (NEXUS_TAG_BUCKETS - 1)];
}

struct task *nexus_find_tag(struct nexus *n, uint64_t tag)
{
	list_for_each(pos, bucket(n, tag)) {
		struct task *t = list_entry(pos, struct task, tag_node);

		if (t->tag == tag)
			return t;
	}
	return NULL;
}

void nexus_add_tag(struct nexus *n, struct task *t)
{
	list_push_back(bucket(n, t->tag), &t->tag_node);
}

/* ---- life ---- */

static void linger_over(struct reactor_timer *t)
{
	struct nexus *n = container_of(t, struct nexus, linger_timer);
	struct shard *s = n->shard;

	shard_enter(s);
	nexus_mark(n);
	shard_leave(s);
}

struct nexus *nexus_find(struct shard *s, const struct nexus_key *key)
{
	list_for_each(pos, &s->nexuses) {
		struct nexus *n = list_entry(pos, struct nexus, node);

		if (nexus_key_equal(&n->key, key))
			return n;
	}
	return NULL;
}

static void init(struct nexus *n, struct shard *s, const struct nexus_key *key, const struct fabric_addr *peer)
{
	n->shard = s;
	n->key = *key;
	n->peer = *peer;
	fabric_addr_str(peer, n->peer_text);
	n->id = s->next_session++ * s->n_shards + s->index + 1;
	n->since_ns = shard_now_ns(s);
	n->gone.fn = port_nexus_gone;
	list_node_init(&n->dirty_node);
	list_init(&n->channels);
	list_init(&n->logins);
	list_init(&n->tasks);
	list_init(&n->tmfs);
	list_init(&n->old_lus);
	list_init(&n->undecided);
	list_init(&n->paths);
	for (unsigned i = 0; i < NEXUS_TAG_BUCKETS; i++)
		list_init(&n->tags[i]);
	timer_init(&n->linger_timer, linger_over);
	gate_side_init(&n->gate_side, s, &n->gate);
	list_push_back(&s->nexuses, &n->node);
}

struct nexus *nexus_create(struct shard *s, const struct nexus_key *key, const struct fabric_addr *peer,
			   enum outcome *why)
{
	struct nexus *n = calloc(1, sizeof(*n));

	*why = OUTCOME_LOGIN_RESOURCES;
	if (!n)
		return NULL;
	n->time = calloc(1, sizeof(*n->time));
	init(n, s, key, peer);
	if (!nexus_resolve(n)) {
		*why = OUTCOME_LOGIN_NOT_ALLOWED;
		list_del(&n->node);
		nexus_free(n);
		return NULL;
	}
	/* LUs come with their paths, which attach at once: the first command shall find them up. */
	if (nexus_build_lus(n) < 0)
		log_warn("session %u: out of memory for its LUN map: %zu of %zu LUNs", n->id, n->n_lu, n->group->n_lun);
	nexus_mark(n);
	return n;
}

/* What a drain had to give up, at the end of the process: nothing runs any more, but timers still lie in the heap. */
void nexus_abandon(struct nexus *n)
{
	struct reactor *r = n->shard->reactor;

	timer_cancel(r, &n->linger_timer);
	list_for_each(pos, &n->tmfs)
		timer_cancel(r, &list_entry(pos, struct tmf, node)->deadline);
	list_for_each_safe(cpos, &n->channels) {
		struct channel *ch = list_entry(cpos, struct channel, nexus_node);

		timer_cancel(r, &ch->logout_timer);
		channel_free(ch);
	}
	nexus_free(n);
}

void nexus_free(struct nexus *n)
{
	nexus_drop_lus(n);
	list_for_each_safe(pos, &n->paths)
		path_free(list_entry(pos, struct path, node));
	free(n->time);
	free(n);
}

void nexus_mark(struct nexus *n)
{
	if (!list_linked(&n->dirty_node))
		list_push_back(&n->shard->dirty_nexuses, &n->dirty_node);
}

/* ---- logins ---- */

void nexus_login(struct nexus *n, struct login *l)
{
	n->ending = false;
	list_push_back(&n->logins, &l->node);
	nexus_mark(n);
}

static void answer(struct nexus *n, struct login *l, enum outcome why)
{
	list_del(&l->node);
	l->why = why;
	l->session_id = n->id;
	port_reply(l);
}

/* Back-end sessions that outlived the channels: what the host must hear about its own loss. */
static void raise_nexus_loss(struct nexus *n)
{
	n->lost = false;
	for (size_t i = 0; i < n->n_lu; i++)
		if (n->lu[i]->path->state == PATH_UP)
			n->lu[i]->ua |= LU_UA_NEXUS_LOSS;
}

static void stop_lingering(struct nexus *n)
{
	timer_cancel(n->shard->reactor, &n->linger_timer);
	n->lingering = n->letting_go = false;
	for (size_t i = 0; i < n->n_lu; i++)
		path_want(n->lu[i]->path);
	list_for_each(pos, &n->paths) {
		struct path *p = list_entry(pos, struct path, node);

		if (p->inventory)
			path_want(p);
	}
}

static void admit(struct nexus *n, struct login *l)
{
	uint8_t multi_result = n->replacing ? SRP_RSP_MULTI_TERMINATED : SRP_RSP_MULTI_NONE;
	struct channel *ch;

	if (l->terms.multi && n->n_channels > 0)
		multi_result = SRP_RSP_MULTI_MAINTAINED;
	n->replacing = false;
	ch = channel_create(n, l->conn, &l->terms, &l->peer, l->device);
	if (!ch) {
		answer(n, l, OUTCOME_LOGIN_RESOURCES);
		return;
	}
	if (n->lost)
		raise_nexus_loss(n);
	if (n->lingering)
		stop_lingering(n);
	n->logins_total++;
	n->peer = l->peer;
	ch->limits = l->limits;
	ch->entry = l->entry;
	l->ch = ch;
	l->ch_number = ch->number;
	l->multi_result = multi_result;
	answer(n, l, OUTCOME_OK);
}

static void end_channels(struct nexus *n, enum outcome why)
{
	list_for_each_safe(pos, &n->channels)
		channel_end(list_entry(pos, struct channel, nexus_node), why);
}

/* Logins in their order; a SINGLE one waits until no RDMA of the channels before it is possible. */
static void settle_logins(struct nexus *n)
{
	struct list_node *pos;

	while ((pos = list_first(&n->logins))) {
		struct login *l = list_entry(pos, struct login, node);
		enum outcome why;
		bool wait;

		if (!n->group || n->shard->draining) {
			answer(n, l, n->group ? OUTCOME_LOGIN_DRAINING : OUTCOME_LOGIN_NOT_ALLOWED);
			continue;
		}
		why = outage_admits(n, &wait);
		if (wait)
			return;
		if (why != OUTCOME_OK) {
			answer(n, l, why);
			continue;
		}
		if (!l->terms.multi && n->n_channels > 0) {
			n->replacing = true;
			end_channels(n, OUTCOME_REPLACED);
			return;
		}
		admit(n, l);
	}
}

void nexus_disconnect(struct nexus *n, enum outcome why)
{
	struct list_node *pos;

	while ((pos = list_first(&n->logins)))
		answer(n, list_entry(pos, struct login, node), OUTCOME_LOGIN_RESOURCES);
	end_channels(n, why);
	nexus_mark(n);
}

void nexus_end(struct nexus *n, enum outcome why)
{
	n->ending = true;
	nexus_disconnect(n, why);
}

/* ---- going ---- */

static void let_go(struct nexus *n)
{
	n->letting_go = true;
	timer_cancel(n->shard->reactor, &n->linger_timer);
	list_for_each(pos, &n->paths)
		path_unwant(list_entry(pos, struct path, node));
}

/*
 * Without channels: the back-end sessions stay for the linger time, longer when the host is registered for persistent
 * reservations, and as long as a task management function would wait if aborted commands are still out; a login of the same
 * nexus finds its fences then.
 */
static void linger(struct nexus *n)
{
	const struct map *map = n->shard->map;
	uint32_t linger_ms = n->ending ? 0 : map->nexus_linger_ms;
	uint32_t answer_ms = map_or(map->tmf_answer_ms, MAP_TMF_ANSWER_MS);
	uint64_t now_ns = shard_now_ns(n->shard);

	if (!n->lingering) {
		n->lingering = true;
		n->lost_ns = now_ns;
	}
	if (n->letting_go) {
		/* A change of the map may have made new paths since. */
		let_go(n);
		return;
	}
	if (n->n_detached > 0 && !n->ending && linger_ms < answer_ms)
		linger_ms = answer_ms;
	/* Some targets forget a registration with the session. */
	if (!n->ending && linger_ms < map->registration_linger_ms && registration_any(n))
		linger_ms = map->registration_linger_ms;
	if (now_ns >= n->lost_ns + linger_ms * NS_PER_MS)
		let_go(n);
	else
		timer_arm(n->shard->reactor, &n->linger_timer, n->lost_ns + linger_ms * NS_PER_MS);
}

/* Paths that nobody needs any more; true when none is left that must be waited for. */
static bool reap_paths(struct nexus *n)
{
	bool idle = true;

	list_for_each_safe(pos, &n->paths) {
		struct path *p = list_entry(pos, struct path, node);

		if (!path_is_idle(p))
			idle = false;
		else if (list_empty(&p->lus) && !p->inventory)
			path_free(p);
	}
	return idle;
}

static bool is_over(const struct nexus *n, bool paths_idle)
{
	return n->letting_go && paths_idle && n->n_channels == 0 && list_empty(&n->logins) && list_empty(&n->tasks) &&
	       list_empty(&n->tmfs) && n->n_detached == 0;
}

void nexus_settle(struct nexus *n)
{
	struct shard *s = n->shard;
	bool idle;

	if (n->had_channels && n->n_channels == 0) {
		n->had_channels = false;
		n->lost = true;
		n->lost_serial = s->next_serial;
		reserve_nexus_lost(n);
		fence_nexus_lost(n);
	}
	inventory_settle(n);
	settle_logins(n);
	if (n->n_channels == 0 && list_empty(&n->logins))
		linger(n);
	idle = reap_paths(n);
	if (!is_over(n, idle))
		return;
	list_del(&n->node);
	list_del(&n->dirty_node);
	timer_cancel(s->reactor, &n->linger_timer);
	log_info("session %u of %s ended", n->id, n->peer_text);
	/* The LUs and paths hold references that belong to this thread; the rest goes with the message. */
	nexus_drop_lus(n);
	list_for_each_safe(pos, &n->paths)
		path_free(list_entry(pos, struct path, node));
	reactor_send(s->control, &n->gone);
	shard_nexus_gone(s);
}
