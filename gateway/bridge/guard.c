/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stands between the host and a bridge and holds the bridge to its contract (<srpgw/bridge.h>): one answer for each
 * command and task management function, none for others, events in order, nothing owed after detach. What a bridge does
 * wrong is logged, counted and survived. Costs one insertion and one removal in a set per command. Layer: bridge.
 */
#include "internal.h"

#include "../base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct guard_target {
	struct plugin *plugin;
	struct srpgw_bridge_target *real;
};

enum path_state { PATH_STARTING, PATH_ATTACHING, PATH_UP, PATH_DOWN };

struct guard_path {
	struct guard_target *target;
	struct srpgw_bridge_path *real;
	struct srpgw_path_ctx *ctx; /* the host's */
	enum path_state state;
	uint32_t n_owed; /* commands and task management functions */
	void (*detached)(void *arg);
	void *detached_arg;
};

/* A task management function's key in the set: an odd address, so that it never meets a command's. */
static const void *tmf_key(const struct srpgw_tmf *tmf)
{
	return (const char *)tmf + 1;
}

static bool is_tmf_key(const void *key)
{
	return (uintptr_t)key & 1;
}

static const char *name_of(const struct guard_path *p)
{
	return p->target->plugin->real.name;
}

static struct bridge_host *host_of(const struct guard_path *p)
{
	return p->target->plugin->host;
}

/* ---- what a bridge calls ---- */

/* Answers that belong to nobody: the host that they would have gone to is not known either. */
static _Atomic(struct bridge_host *) any_host;

static void count_unknown(const char *what, const void *obj)
{
	struct bridge_host *h = atomic_load(&any_host);

	if (h)
		atomic_fetch_add(&h->stats.answers_unknown_total, 1);
	log_error("a bridge answered %s %p, which is not outstanding: dropped; this is a fault of the bridge", what,
		  obj);
}

static void guard_io_done(struct srpgw_io *io)
{
	struct guard_path *p = guard_set_take(io);

	if (!p) {
		count_unknown("command", io);
		return;
	}
	p->n_owed--;
	if (io->delivery > SRPGW_DELIVERY_ANSWERED || io->sense_len > SRPGW_SENSE_MAX ||
	    io->resid_kind > SRPGW_RESID_OVER || (io->resid_kind == SRPGW_RESID_UNDER && io->resid > io->data_len)) {
		atomic_fetch_add(&host_of(p)->stats.answers_malformed_total, 1);
		log_error("bridge %s answered a command with delivery %u, %u bytes of sense, residual %u: taken as of "
			  "unknown fate",
			  name_of(p), io->delivery, io->sense_len, io->resid);
		io->delivery = SRPGW_DELIVERY_MAYBE;
		io->sense_len = 0;
		io->resid_kind = SRPGW_RESID_NONE;
	}
	host_of(p)->services.io_done(io);
}

static void guard_tmf_done(struct srpgw_tmf *tmf)
{
	struct guard_path *p = guard_set_take(tmf_key(tmf));

	if (!p) {
		count_unknown("task management function", tmf);
		return;
	}
	p->n_owed--;
	if (tmf->result > SRPGW_TMF_FAILED) {
		atomic_fetch_add(&host_of(p)->stats.answers_malformed_total, 1);
		log_error("bridge %s answered a task management function with %u: taken as failed", name_of(p),
			  tmf->result);
		tmf->result = SRPGW_TMF_FAILED;
	}
	host_of(p)->services.tmf_done(tmf);
}

static void guard_event(struct srpgw_path_ctx *ctx, const struct srpgw_event *ev)
{
	static const char *const states[] = { "not attached yet", "attaching", "up", "down" };
	struct guard_path *p = (struct guard_path *)(void *)ctx;
	bool in_order = p->state == PATH_ATTACHING || (p->state == PATH_UP && ev->kind != SRPGW_PATH_UP);

	if (!in_order || ev->kind < SRPGW_PATH_PROGRESS || ev->kind > SRPGW_PATH_MOVE) {
		atomic_fetch_add(&host_of(p)->stats.events_out_of_order_total, 1);
		log_error("bridge %s raised event %u on a path that is %s: dropped; this is a fault of the bridge",
			  name_of(p), ev->kind, states[p->state]);
		return;
	}
	if (ev->kind == SRPGW_PATH_UP)
		p->state = PATH_UP;
	else if (ev->kind == SRPGW_PATH_DOWN)
		p->state = PATH_DOWN;
	host_of(p)->services.event(p->ctx, ev);
}

void guard_wrap_host(struct bridge_host *h)
{
	h->to_plugins = h->services;
	h->to_plugins.io_done = guard_io_done;
	h->to_plugins.tmf_done = guard_tmf_done;
	h->to_plugins.event = guard_event;
	atomic_store(&any_host, h);
}

/* ---- what the host calls ---- */

static struct guard_target *target_of(struct srpgw_bridge_target *t)
{
	return (struct guard_target *)(void *)t;
}

static struct guard_path *path_of(struct srpgw_bridge_path *p)
{
	return (struct guard_path *)(void *)p;
}

static const struct srpgw_bridge *real_of(const struct guard_path *p)
{
	return &p->target->plugin->real;
}

int guard_open(struct plugin *p, const char *uri, const struct srpgw_setting *settings, size_t n_settings,
	       struct srpgw_bridge_target **target, char *why, size_t why_cap)
{
	struct guard_target *t = calloc(1, sizeof(*t));

	if (!t) {
		snprintf(why, why_cap, "out of memory");
		return -ENOMEM;
	}
	t->plugin = p;
	int rc = p->real.open(&p->host->to_plugins, uri, settings, n_settings, &t->real, why, why_cap);

	if (rc) {
		free(t);
		return rc < 0 ? rc : -EPROTO;
	}
	*target = (struct srpgw_bridge_target *)(void *)t;
	return 0;
}

static int open_unguarded(const struct srpgw_host *host, const char *uri, const struct srpgw_setting *settings,
			  size_t n_settings, struct srpgw_bridge_target **target, char *why, size_t why_cap)
{
	(void)host, (void)uri, (void)settings, (void)n_settings, (void)target;
	snprintf(why, why_cap, "back-ends are opened with bridge_open()");
	return -ENOTSUP;
}

static void guard_close(struct srpgw_bridge_target *target)
{
	struct guard_target *t = target_of(target);

	t->plugin->real.close(t->real);
	free(t);
}

static void guard_limits(struct srpgw_bridge_target *target, struct srpgw_limits *out)
{
	struct guard_target *t = target_of(target);

	memset(out, 0, sizeof(*out));
	out->struct_size = sizeof(*out);
	t->plugin->real.limits(t->real, out);
}

static int guard_attach(struct srpgw_bridge_target *target, struct srpgw_reactor *r, const struct srpgw_nexus_id *nexus,
			struct srpgw_path_ctx *ctx, struct srpgw_bridge_path **path)
{
	struct guard_path *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->target = target_of(target);
	p->ctx = ctx;
	int rc = real_of(p)->attach(p->target->real, r, nexus, (struct srpgw_path_ctx *)(void *)p, &p->real);

	if (rc) {
		free(p);
		return rc < 0 ? rc : -EPROTO;
	}
	p->state = PATH_ATTACHING;
	*path = (struct srpgw_bridge_path *)(void *)p;
	return 0;
}

/* The bridge has freed its path: it can answer no more, so the guard does. */
static void on_detached(void *arg)
{
	struct guard_path *p = arg;
	void (*done)(void *) = p->detached;
	void *done_arg = p->detached_arg;

	if (p->n_owed) {
		atomic_fetch_add(&host_of(p)->stats.answers_missing_total, p->n_owed);
		log_error("bridge %s detached a path and owes %u answers: answered for it as of unknown fate",
			  name_of(p), p->n_owed);
	}
	for (const void *key; p->n_owed && (key = guard_set_find(p));) {
		if (is_tmf_key(key)) {
			struct srpgw_tmf *tmf = (struct srpgw_tmf *)((uintptr_t)key - 1);

			tmf->result = SRPGW_TMF_FAILED;
			guard_tmf_done(tmf);
		} else {
			struct srpgw_io *io = (struct srpgw_io *)(uintptr_t)key;

			io->delivery = SRPGW_DELIVERY_MAYBE;
			io->sense_len = 0;
			io->resid_kind = SRPGW_RESID_NONE;
			guard_io_done(io);
		}
	}
	free(p);
	done(done_arg);
}

static void guard_detach(struct srpgw_bridge_path *path, void (*done)(void *arg), void *arg)
{
	struct guard_path *p = path_of(path);

	p->detached = done;
	p->detached_arg = arg;
	real_of(p)->detach(p->real, on_detached, p);
}

static void guard_submit(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct guard_path *p = path_of(path);
	bool full;

	if (guard_set_add(io, p, &full)) {
		p->n_owed++;
		real_of(p)->submit(p->real, io);
		return;
	}
	if (!full) {
		log_error("command %p was submitted to bridge %s while it is outstanding: dropped", (void *)io,
			  name_of(p));
		return;
	}
	io->delivery = SRPGW_DELIVERY_ANSWERED;
	io->status = 0x28; /* TASK SET FULL */
	io->sense_len = 0;
	io->resid_kind = io->data_len ? SRPGW_RESID_UNDER : SRPGW_RESID_NONE;
	io->resid = io->data_len;
	host_of(p)->services.io_done(io);
}

static void guard_abort(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct guard_path *p = path_of(path);

	real_of(p)->abort(p->real, io);
}

static void guard_tmf(struct srpgw_bridge_path *path, struct srpgw_tmf *tmf)
{
	struct guard_path *p = path_of(path);
	bool full;

	if (guard_set_add(tmf_key(tmf), p, &full)) {
		p->n_owed++;
		real_of(p)->tmf(p->real, tmf);
	} else if (full) {
		tmf->result = SRPGW_TMF_FAILED;
		host_of(p)->services.tmf_done(tmf);
	} else {
		log_error("task management function %p was given to bridge %s while it is outstanding: dropped",
			  (void *)tmf, name_of(p));
	}
}

static void guard_describe(struct srpgw_bridge_path *path, void (*emit)(void *arg, const char *key, const char *value),
			   void *arg)
{
	struct guard_path *p = path_of(path);

	real_of(p)->describe(p->real, emit, arg);
}

static int guard_mem_add(struct srpgw_bridge_target *target, void *base, size_t len)
{
	struct guard_target *t = target_of(target);

	return t->plugin->real.mem_add(t->real, base, len);
}

static void guard_mem_del(struct srpgw_bridge_target *target, void *base, size_t len)
{
	struct guard_target *t = target_of(target);

	t->plugin->real.mem_del(t->real, base, len);
}

static void guard_portals(struct srpgw_bridge_target *target, void (*emit)(void *arg, const struct srpgw_portal *p),
			  void *arg)
{
	struct guard_target *t = target_of(target);

	t->plugin->real.portals(t->real, emit, arg);
}

void guard_wrap_bridge(struct plugin *p)
{
	struct srpgw_bridge *g = &p->guarded;

	*g = p->real;
	g->struct_size = sizeof(*g);
	g->open = open_unguarded;
	g->close = guard_close;
	g->limits = guard_limits;
	g->attach = guard_attach;
	g->detach = guard_detach;
	g->submit = guard_submit;
	g->abort = guard_abort;
	g->tmf = guard_tmf;
	g->describe = p->real.describe ? guard_describe : NULL;
	g->mem_add = p->real.mem_add ? guard_mem_add : NULL;
	g->mem_del = p->real.mem_del ? guard_mem_del : NULL;
	g->portals = p->real.portals ? guard_portals : NULL;
}
