/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outages of paths, see outage.h.
 * Layer: core.
 */
#include "outage.h"

#include "fence.h"
#include "lu.h"
#include "nexus.h"
#include "path.h"
#include "repeat.h"

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint32_t hold_ms(const struct path *p)
{
	return p->backend->hold_ms;
}

/* ---- when who has waited long enough ---- */

/* When the outage is declared; for those who only @ask it may be earlier. */
static uint64_t declared_ns(const struct path *p, bool ask)
{
	uint64_t ms = hold_ms(p);

	if (ask && p->ups_total == 0)
		ms = min_u64(ms, OUTAGE_FIRST_MS);
	return p->outage.since_ns + ms * NS_PER_MS;
}

bool outage_is_declared(const struct path *p)
{
	return p->outage.away && declared_ns(p, true) <= shard_now_ns(p->shard);
}

/* It waited long enough itself, or the outage is long enough. */
static uint64_t flush_due_ns(const struct path *p, const struct task *t)
{
	uint64_t due_ns = t->arrived_ns + OUTAGE_FLUSH_MS * NS_PER_MS;

	if (!p->outage.away)
		return due_ns;
	return min_u64(due_ns, max_u64(p->outage.since_ns + OUTAGE_FLUSH_MS * NS_PER_MS,
				       t->arrived_ns + OUTAGE_FLUSH_PAUSE_MS * NS_PER_MS));
}

/* When @t must not wait any more, and what it is told then. */
static uint64_t due_ns(const struct path *p, const struct task *t, enum outcome *why)
{
	bool fail = p->backend->after_hold == AFTER_HOLD_FAIL, ask = repeat_only_asks(t->cdb);
	uint64_t ns = t->hold_until_ns;

	*why = OUTCOME_PATH_HELD;
	if (repeat_is_flush(t->cdb)) {
		ns = min_u64(ns, flush_due_ns(p, t));
		*why = OUTCOME_LU_BECOMING_READY;
	}
	if (p->outage.away && (fail || ask) && declared_ns(p, ask) <= ns) {
		ns = declared_ns(p, ask);
		*why = OUTCOME_LU_UNAVAILABLE;
	}
	return ns;
}

static bool is_read_capacity(const uint8_t *cdb)
{
	return cdb[0] == 0x25 || (cdb[0] == 0x9e && (cdb[1] & 0x1f) == 0x10);
}

static void note_refusal(const struct task *t, enum outcome why)
{
	/* The host goes on without a capacity. */
	if (why == OUTCOME_LU_UNAVAILABLE && is_read_capacity(t->cdb))
		t->lu->unsized = true;
}

enum outcome outage_judge(struct task *t)
{
	const struct path *p = t->lu->path;
	bool ask;

	if (!p->outage.away)
		return OUTCOME_OK;
	ask = repeat_only_asks(t->cdb);
	if (!ask && p->backend->after_hold != AFTER_HOLD_FAIL)
		return OUTCOME_OK;
	/* Its channel ends with it. */
	if (p->backend->after_hold == AFTER_HOLD_DISCONNECT && p->ups_total > 0)
		return OUTCOME_OK;
	if (declared_ns(p, ask) > shard_now_ns(p->shard))
		return OUTCOME_OK;
	note_refusal(t, OUTCOME_LU_UNAVAILABLE);
	return OUTCOME_LU_UNAVAILABLE;
}

void outage_hold(struct task *t)
{
	const struct path *p = t->lu->path;
	uint64_t now_ns = shard_now_ns(p->shard), ms = hold_ms(p);

	if (t->hold_until_ns != 0)
		return;
	if (p->outage.away && declared_ns(p, false) <= now_ns)
		ms = min_u64(ms, OUTAGE_PAUSE_MS);
	t->hold_until_ns = now_ns + ms * NS_PER_MS;
}

/* ---- the timer ---- */

static void arm(struct path *p, uint64_t at_ns)
{
	struct reactor_timer *timer = &p->outage.timer;

	if (at_ns != UINT64_MAX && (!timer_armed(timer) || timer->deadline_ns > at_ns))
		timer_arm(p->shard->reactor, timer, at_ns);
}

/* Answers those of @tasks who waited long enough. Return: when the next has. */
static uint64_t answer_list(struct path *p, struct list *tasks)
{
	uint64_t now_ns = shard_now_ns(p->shard), next_ns = UINT64_MAX;

	list_for_each_safe(pos, tasks) {
		struct task *t = list_entry(pos, struct task, node);
		enum outcome why;
		uint64_t at_ns;

		outage_hold(t);
		at_ns = due_ns(p, t, &why);
		if (at_ns > now_ns) {
			next_ns = min_u64(next_ns, at_ns);
			continue;
		}
		note_refusal(t, why);
		task_refuse(t, why);
	}
	return next_ns;
}

/* Those in READY who cannot go. */
static uint64_t answer_waiting(struct path *p)
{
	uint64_t next_ns = UINT64_MAX;

	list_for_each(pos, &p->lus) {
		struct lu *lu = list_entry(pos, struct lu, path_node);

		next_ns = min_u64(next_ns, answer_list(p, &lu->held));
		if (lu_is_blocked(lu))
			next_ns = min_u64(next_ns, answer_list(p, &lu->ready));
	}
	return next_ns;
}

/* The same for flushes that a silent back-end has. */
static uint64_t answer_flushes(struct path *p)
{
	uint64_t now_ns = shard_now_ns(p->shard), next_ns = UINT64_MAX;

	list_for_each_safe(pos, &p->outstanding) {
		struct io *io = list_entry(pos, struct io, node);
		struct task *t = io->task;
		uint64_t at_ns;

		if (!t || !repeat_is_flush(io->cdb))
			continue;
		at_ns = flush_due_ns(p, t);
		if (at_ns > now_ns) {
			next_ns = min_u64(next_ns, at_ns);
			continue;
		}
		path_detach_io(io, false, false);
		task_refuse(t, OUTCOME_LU_BECOMING_READY);
	}
	return next_ns;
}

/* What the end of the hold time brings beside answers. Return: when it must be looked at again. */
static uint64_t give_up(struct path *p)
{
	struct outage *o = &p->outage;
	uint64_t now_ns = shard_now_ns(p->shard), at_ns, next_ns = UINT64_MAX;

	if (o->silent) {
		at_ns = o->since_ns + max_u64(hold_ms(p), OUTAGE_SILENT_MOST_MS) * NS_PER_MS;
		if (at_ns <= now_ns)
			path_rebuild(p, "it has been silent for too long");
		else
			next_ns = at_ns;
	}
	if (p->backend->after_hold != AFTER_HOLD_DISCONNECT || p->nexus->n_channels == 0)
		return next_ns;
	at_ns = declared_ns(p, false);
	if (at_ns > now_ns)
		return min_u64(next_ns, at_ns);
	/* An idle host need not be bothered: the first command that comes looks here again. */
	if (p->n_waiting > 0 || p->n_outstanding > 0)
		nexus_disconnect(p->nexus, OUTCOME_BACKEND_AWAY);
	return next_ns;
}

/* A login that waits for this path is to be refused then. */
static uint64_t login_due_ns(struct path *p)
{
	uint64_t at_ns = p->outage.since_ns + OUTAGE_LOGIN_MS * NS_PER_MS;

	if (list_empty(&p->nexus->logins))
		return UINT64_MAX;
	if (at_ns > shard_now_ns(p->shard))
		return at_ns;
	nexus_mark(p->nexus);
	return UINT64_MAX;
}

void outage_wait_all(struct path *p)
{
	uint64_t next_ns = UINT64_MAX;

	/* First, because those whose channel ends are not answered. */
	if (p->outage.away)
		next_ns = min_u64(give_up(p), login_due_ns(p));
	next_ns = min_u64(next_ns, answer_waiting(p));
	if (p->outage.silent)
		next_ns = min_u64(next_ns, answer_flushes(p));
	arm(p, next_ns);
}

void outage_wait(struct task *t)
{
	struct path *p = t->lu->path;
	enum outcome why;
	uint64_t at_ns;

	outage_hold(t);
	at_ns = due_ns(p, t, &why);
	if (p->outage.away && p->backend->after_hold == AFTER_HOLD_DISCONNECT)
		at_ns = min_u64(at_ns, max_u64(declared_ns(p, false), shard_now_ns(p->shard)));
	arm(p, at_ns);
}

static void timer_fired(struct reactor_timer *timer)
{
	struct path *p = container_of(timer, struct path, outage.timer);
	struct shard *s = p->shard;

	shard_enter(s);
	outage_wait_all(p);
	shard_leave(s);
}

/* ---- begin and end ---- */

static void begin(struct path *p)
{
	struct outage *o = &p->outage;
	uint64_t now_ns = shard_now_ns(p->shard), old_ns = o->silent ? OUTAGE_SILENT_MS * NS_PER_MS : 0;

	o->away = true;
	o->since_ns = now_ns > old_ns ? now_ns - old_ns : 0;
	outage_wait_all(p);
}

static void end(struct path *p)
{
	p->outage.away = false;
	list_for_each(pos, &p->lus) {
		struct lu *lu = list_entry(pos, struct lu, path_node);

		if (lu->unsized)
			lu->ua |= LU_UA_INQUIRY_CHANGED;
		lu->unsized = false;
	}
	/* Logins may wait for it. */
	nexus_mark(p->nexus);
}

void outage_update(struct path *p)
{
	struct outage *o = &p->outage;
	bool away;

	if (p->state != PATH_UP)
		o->silent = false;
	away = p->state != PATH_OFF && (p->state != PATH_UP || o->silent);
	if (away && !o->away)
		begin(p);
	else if (!away && o->away)
		end(p);
}

void outage_silence(struct path *p, bool silent)
{
	if (p->state != PATH_UP || p->outage.silent == silent)
		return;
	p->outage.silent = silent;
	outage_update(p);
	path_mark(p);
}

uint64_t outage_ms(const struct path *p)
{
	uint64_t now_ns = shard_now_ns(p->shard);

	return p->outage.away && now_ns > p->outage.since_ns ? (now_ns - p->outage.since_ns) / NS_PER_MS : 0;
}

void outage_init(struct path *p)
{
	timer_init(&p->outage.timer, timer_fired);
}

void outage_stop(struct path *p)
{
	timer_cancel(p->shard->reactor, &p->outage.timer);
}

/* ---- logins ---- */

enum outcome outage_admits(struct nexus *n, bool *wait)
{
	uint64_t now_ns = shard_now_ns(n->shard);

	*wait = false;
	list_for_each(pos, &n->paths) {
		struct path *p = list_entry(pos, struct path, node);

		if (list_empty(&p->lus) || p->backend->after_hold != AFTER_HOLD_DISCONNECT)
			continue;
		/* Of a nexus that was about to go: only an attempt tells. */
		path_want(p);
		if (!p->outage.away)
			continue;
		if (p->outage.since_ns + OUTAGE_LOGIN_MS * NS_PER_MS <= now_ns)
			return OUTCOME_LOGIN_BACKEND_AWAY;
		arm(p, p->outage.since_ns + OUTAGE_LOGIN_MS * NS_PER_MS);
		*wait = true;
	}
	return OUTCOME_OK;
}
