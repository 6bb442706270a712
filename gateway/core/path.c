/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The path's session: attach, back-off, giving up; and who of the waiting may go. See path.h.
 * Layer: core.
 */
#include "path.h"

#include "../base/log.h"
#include "attention.h"
#include "claim.h"
#include "event.h"
#include "fence.h"
#include "limit.h"
#include "inventory.h"
#include "lu.h"
#include "nexus.h"
#include "order.h"
#include "registration.h"
#include "reserve.h"
#include "share.h"
#include "task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *path_state_name(enum path_state s)
{
	static const char *const names[] = { "off", "waiting", "attaching", "up", "ending", "detaching" };

	return (unsigned)s < sizeof(names) / sizeof(names[0]) ? names[s] : "?";
}

static void set_state(struct path *p, enum path_state to)
{
	bool was_up = p->state == PATH_UP;

	p->state = to;
	p->since_ns = shard_now_ns(p->shard);
	shard_trace(p->shard, TRACE_PATH_STATE, p->number, to, 0);
	outage_update(p);
	if (was_up) {
		/* Both were of that session. */
		move_stop(p);
		timer_cancel(p->shard->reactor, &p->pause_timer);
		path_mark(p);
	}
	if (to == PATH_OFF)
		nexus_mark(p->nexus);
	inventory_path_changed(p);
}

/* ---- session ---- */

static void retry_later(struct path *p)
{
	uint32_t most_ms = map_or(p->backend->retry_max_ms, BACKEND_RETRY_MAX_MS);

	set_state(p, PATH_WAITING);
	timer_arm_in(p->shard->reactor, &p->timer, p->backoff_ms * NS_PER_MS);
	p->backoff_ms = p->backoff_ms < most_ms / 2 ? p->backoff_ms * 2 : most_ms;
}

/* Is @p->why news? True for the first reason after UP, and for another one. */
static bool is_news(struct path *p)
{
	if (p->told[0] && strcmp(p->told, p->why) == 0)
		return false;
	memcpy(p->told, p->why, sizeof(p->told));
	return true;
}

/* Who it is there, as the configuration now says; a nexus that is admitted no longer stays what it was. */
static void identify(struct path *p)
{
	const struct nexus *n = p->nexus;
	const struct map *map = p->shard->map;
	const struct identity_of of = {
		.gateway_name = map->gateway_name ? map->gateway_name : core_gateway_name(p->shard->core),
		.i_port_id = n->key.i_port_id,
		.t_port_id = n->key.t_port_id,
		.peer = &n->peer,
		.group = n->group,
	};

	if (n->group || !p->identity.initiator_name[0])
		identity_make(&of, p->backend, &p->identity);
}

static void attach(struct path *p)
{
	const struct nexus *n = p->nexus;
	struct srpgw_nexus_id id = {
		.struct_size = sizeof(id),
		.peer = n->peer_text,
		.initiator_name = p->identity.initiator_name,
		.alias = p->shard->map->gateway_name,
	};
	int rc;

	identify(p);
	memcpy(id.i_port_id, n->key.i_port_id, sizeof(id.i_port_id));
	memcpy(id.t_port_id, n->key.t_port_id, sizeof(id.t_port_id));
	memcpy(id.isid, p->identity.isid, sizeof(id.isid));
	set_state(p, PATH_ATTACHING);
	rc = p->backend->bridge->attach(p->backend->target, (struct srpgw_reactor *)p->shard, &id,
					(struct srpgw_path_ctx *)p, &p->session);
	if (rc == 0)
		return;
	p->session = NULL;
	snprintf(p->why, sizeof(p->why), "attach: %s", strerror(-rc));
	if (is_news(p))
		log_warn("session %u: back-end %s: %s; trying again", n->id, p->backend->name, p->why);
	retry_later(p);
}

/* The present session is over; detach() is called from a clean stack, not from inside a callback of the bridge. */
static void end_session(struct path *p)
{
	set_state(p, PATH_ENDING);
	timer_arm(p->shard->reactor, &p->timer, shard_now_ns(p->shard));
}

/*
 * A session that was up is lost: the next attempt comes at once, because hosts wait. But only one in a while: a back-end
 * that takes logins and drops them again is not to be asked without a pause.
 */
static void lost(struct path *p)
{
	uint64_t now_ns = shard_now_ns(p->shard), pause_ms = map_or(p->backend->retry_ms, BACKEND_RETRY_MS);

	p->downs_total++;
	if (p->at_once_ns != 0 && now_ns - p->at_once_ns < pause_ms * NS_PER_MS)
		return;
	p->at_once = true;
	p->at_once_ns = now_ns;
}

static void detached(void *arg)
{
	struct path *p = arg;
	struct shard *s = p->shard;

	shard_enter(s);
	p->session = NULL;
	path_answer_leftovers(p);
	if (p->counted)
		census_leave(&p->backend->census);
	p->counted = false;
	reserve_forget_path(p);
	fence_session_over(p);
	if (!p->wanted)
		set_state(p, PATH_OFF);
	else if (p->at_once)
		attach(p);
	else
		retry_later(p);
	p->at_once = false;
	shard_leave(s);
}

static void timer_fired(struct reactor_timer *t)
{
	struct path *p = container_of(t, struct path, timer);
	struct shard *s = p->shard;

	shard_enter(s);
	if (p->state == PATH_WAITING) {
		attach(p);
	} else if (p->state == PATH_ENDING) {
		set_state(p, PATH_DETACHING);
		p->backend->bridge->detach(p->session, detached, p);
	}
	shard_leave(s);
}

void path_want(struct path *p)
{
	/* It ended because nobody wanted it, not because it failed: no back-off. */
	if (!p->wanted && (p->state == PATH_ENDING || p->state == PATH_DETACHING))
		p->at_once = true;
	p->wanted = true;
	if (p->state == PATH_OFF)
		attach(p);
}

void path_unwant(struct path *p)
{
	p->wanted = false;
	if (p->state == PATH_ATTACHING || p->state == PATH_UP) {
		end_session(p);
	} else if (p->state == PATH_WAITING) {
		timer_cancel(p->shard->reactor, &p->timer);
		set_state(p, PATH_OFF);
	}
}

void path_rebuild(struct path *p, const char *why)
{
	if (p->state != PATH_ATTACHING && p->state != PATH_UP)
		return;
	snprintf(p->why, sizeof(p->why), "%s", why);
	if (p->state == PATH_UP)
		lost(p);
	log_warn("session %u: back-end %s: the session is given up: %s", p->nexus->id, p->backend->name, why);
	end_session(p);
}

void path_move(struct path *p)
{
	log_info("session %u: back-end %s: its session moves to a better portal", p->nexus->id, p->backend->name);
	p->at_once = true;
	end_session(p);
}

static bool has_cause(const struct srpgw_event *ev, enum srpgw_path_cause cause)
{
	return ev->struct_size >= sizeof(*ev) && ev->causes & cause;
}

void path_event(struct srpgw_path_ctx *ctx, const struct srpgw_event *ev)
{
	struct path *p = (struct path *)ctx;
	struct shard *s = p->shard;
	const char *text = ev->text ? ev->text : "";

	shard_enter(s);
	switch (ev->kind) {
	case SRPGW_PATH_PROGRESS:
		snprintf(p->why, sizeof(p->why), "%s", text);
		break;
	case SRPGW_PATH_UP:
		if (p->state != PATH_ATTACHING)
			break;
		log_info("session %u: back-end %s is up %s", p->nexus->id, p->backend->name, text);
		set_state(p, PATH_UP);
		snprintf(p->why, sizeof(p->why), "%s", text);
		p->told[0] = '\0';
		if (p->ups_total++ > 0)
			attention_session_up(p);
		throttle_reset(p);
		p->backoff_ms = map_or(p->backend->retry_ms, BACKEND_RETRY_MS);
		p->counted = true;
		census_enter(&p->backend->census, p->backend->name);
		registration_session_up(p);
		path_mark(p);
		break;
	case SRPGW_PATH_DOWN:
		if (p->state != PATH_ATTACHING && p->state != PATH_UP)
			break;
		snprintf(p->why, sizeof(p->why), "%s", text);
		if (is_news(p))
			log_warn("session %u: back-end %s is down: %s", p->nexus->id, p->backend->name, text);
		if (has_cause(ev, SRPGW_CAUSE_NO_ROOM))
			census_refuse(&p->backend->census, p->backend->name);
		if (p->state == PATH_UP)
			lost(p);
		if (ev->permanent) {
			p->at_once = false;
			p->backoff_ms = map_or(p->backend->retry_max_ms, BACKEND_RETRY_MAX_MS);
		}
		end_session(p);
		break;
	case SRPGW_PATH_SILENT:
	case SRPGW_PATH_HEARD:
		if (p->state == PATH_UP)
			log_info("session %u: back-end %s %s %s", p->nexus->id, p->backend->name,
				 ev->kind == SRPGW_PATH_SILENT ? "is silent" : "is heard again", text);
		outage_silence(p, ev->kind == SRPGW_PATH_SILENT);
		break;
	case SRPGW_PATH_MOVE:
		move_ask(p);
		break;
	case SRPGW_PATH_INVENTORY_CHANGED:
		log_info("session %u: back-end %s says that its logical units changed", p->nexus->id, p->backend->name);
		if (!inventory_outdated(p, NULL))
			event_luns_changed(p->nexus);
		break;
	default:
		break;
	}
	shard_leave(s);
}

/* ---- who may go ---- */

void path_mark(struct path *p)
{
	if (!list_linked(&p->dirty_node))
		list_push_back(&p->shard->dirty_paths, &p->dirty_node);
}

void path_pause(struct path *p)
{
	if (p->state == PATH_UP && !timer_armed(&p->pause_timer))
		timer_arm_in(p->shard->reactor, &p->pause_timer, PATH_PAUSE_MS * NS_PER_MS);
}

static void pause_fired(struct reactor_timer *timer)
{
	struct path *p = container_of(timer, struct path, pause_timer);
	struct shard *s = p->shard;

	shard_enter(s);
	path_mark(p);
	shard_leave(s);
}

bool path_queue_full(const struct path *p)
{
	uint32_t most = p->backend->limits.max_outstanding;

	return most && p->n_admitted + p->n_detached >= most;
}

static bool may_run(const struct path *p)
{
	return path_is_open(p) && !timer_armed(&p->pause_timer) && !path_queue_full(p);
}

void path_run(struct path *p)
{
	bool held = false, limited;

	move_try(p);
	if (p->inventory && may_run(p))
		inventory_ask(p);
	while (may_run(p) && !list_empty(&p->ready_lus)) {
		struct lu *lu = list_entry(list_first(&p->ready_lus), struct lu, ready_node);
		struct task *t;

		if (list_empty(&lu->ready)) {
			list_del(&lu->ready_node);
			continue;
		}
		t = list_entry(list_first(&lu->ready), struct task, node);
		if (!fence_lets(t)) {
			fence_hold(t);
			continue;
		}
		if (lu->order.n_ranked > 0 && !order_may_start(t)) {
			/* Whatever ends wakes it. */
			list_del(&lu->ready_node);
			continue;
		}
		held = throttle_holds(p) || limit_bytes_full(p);
		if (held)
			break;
		limited = limit_concerns(lu);
		if (limited) {
			enum limit what = limit_check(t);

			if (what == LIMIT_LU)
				continue;
			if (what == LIMIT_PATH) {
				claim_end(p);
				return;
			}
		}
		if (!t->io && !(claim_admits(p) && io_quota_allows(t))) {
			claim_wait(p, t);
			if (p->n_in_line > 0)
				limit_leave_lines(p, true);
			return;
		}
		if (limited && !limit_take(t))
			continue;
		claim_served(p);
		/* Each LU in turn, so that a long queue does not hold up the others. */
		list_del(&lu->ready_node);
		list_push_back(&p->ready_lus, &lu->ready_node);
		t->admitted = true;
		p->n_admitted++;
		order_start(t);
		task_go(t);
	}
	claim_end(p);
	if (p->n_in_line > 0)
		limit_leave_lines(p, held || !may_run(p));
}

/* ---- fences ---- */

static void fence_fired(struct reactor_timer *timer)
{
	struct path *p = container_of(timer, struct path, fence_timer);
	struct shard *s = p->shard;

	shard_enter(s);
	fence_timer_fired(p);
	shard_leave(s);
}

static void stuck_fired(struct reactor_timer *timer)
{
	struct path *p = container_of(timer, struct path, stuck_timer);
	struct shard *s = p->shard;

	shard_enter(s);
	fence_stuck_fired(p);
	shard_leave(s);
}

/* ---- life ---- */

struct path *path_get(struct nexus *n, struct backend *b)
{
	struct path *p;

	list_for_each(pos, &n->paths) {
		p = list_entry(pos, struct path, node);
		if (p->backend == b) {
			path_want(p);
			return p;
		}
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->share = share_get(n->shard, b);
	if (!p->share) {
		free(p);
		return NULL;
	}
	p->shard = n->shard;
	p->nexus = n;
	p->backend = b;
	p->use = snapshot_ref(n->shard->use);
	p->number = ++n->shard->next_number;
	p->backoff_ms = map_or(b->retry_ms, BACKEND_RETRY_MS);
	list_node_init(&p->dirty_node);
	list_node_init(&p->starved_node);
	list_init(&p->lus);
	for (unsigned i = 0; i < PATH_LU_BUCKETS; i++)
		list_init(&p->lu_buckets[i]);
	list_init(&p->ready_lus);
	list_init(&p->outstanding);
	timer_init(&p->timer, timer_fired);
	outage_init(p);
	move_init(p);
	timer_init(&p->fence_timer, fence_fired);
	timer_init(&p->pause_timer, pause_fired);
	timer_init(&p->stuck_timer, stuck_fired);
	throttle_init(p);
	limit_path(p);
	list_push_back(&n->paths, &p->node);
	path_want(p);
	return p;
}

void path_free(struct path *p)
{
	struct reactor *r = p->shard->reactor;

	inventory_stop(p);
	timer_cancel(r, &p->timer);
	outage_stop(p);
	move_stop(p);
	timer_cancel(r, &p->fence_timer);
	timer_cancel(r, &p->pause_timer);
	timer_cancel(r, &p->stuck_timer);
	list_del(&p->node);
	list_del(&p->dirty_node);
	list_del(&p->starved_node);
	claim_end(p);
	throttle_reset(p);
	limit_path_gone(p);
	share_put(p->share);
	snapshot_unref(p->use);
	free(p);
}
