/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host's side of the bridge interface: completions go to the path, watches and timers to the path's reactor.
 * What a bridge is given as struct srpgw_reactor is the shard.
 * Layer: core.
 */
#include "core_private.h"
#include "path.h"
#include "tmf.h"

#include <errno.h>
#include <string.h>

struct srpgw_watch {
	struct reactor_watch watch;
	struct shard *shard;
	void (*fn)(void *arg, int revents);
	void *arg;
};

struct srpgw_timer {
	struct reactor_timer timer;
	struct shard *shard;
	void (*fn)(void *arg);
	void *arg;
};

static struct shard *shard_of(struct srpgw_reactor *r)
{
	return (struct shard *)(void *)r;
}

static uint64_t svc_now_ns(struct srpgw_reactor *r)
{
	return shard_now_ns(shard_of(r));
}

static void watch_fired(struct reactor_watch *rw, uint32_t revents)
{
	struct srpgw_watch *w = container_of(rw, struct srpgw_watch, watch);
	struct shard *s = w->shard;

	shard_enter(s);
	w->fn(w->arg, (int)revents);
	shard_leave(s);
}

static struct srpgw_watch *svc_watch_add(struct srpgw_reactor *r, int fd, int events,
					 void (*fn)(void *arg, int revents), void *arg)
{
	struct srpgw_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	*w = (struct srpgw_watch){
		.watch = { .fn = watch_fired, .fd = fd, .events = (uint32_t)events },
		.shard = shard_of(r),
		.fn = fn,
		.arg = arg,
	};
	list_node_init(&w->watch.node);
	if (reactor_watch_add(w->shard->reactor, &w->watch) < 0) {
		free(w);
		return NULL;
	}
	return w;
}

static void svc_watch_mod(struct srpgw_watch *w, int events)
{
	if (w->watch.events == (uint32_t)events)
		return;
	if (reactor_watch_mod(w->shard->reactor, &w->watch, (uint32_t)events) < 0)
		w->shard->contract_breaches_total++;
}

static void svc_watch_del(struct srpgw_watch *w)
{
	if (!w)
		return;
	reactor_watch_del(w->shard->reactor, &w->watch);
	free(w);
}

static void timer_fired(struct reactor_timer *rt)
{
	struct srpgw_timer *t = container_of(rt, struct srpgw_timer, timer);
	struct shard *s = t->shard;

	shard_enter(s);
	t->fn(t->arg);
	shard_leave(s);
}

static struct srpgw_timer *svc_timer_new(struct srpgw_reactor *r, void (*fn)(void *arg), void *arg)
{
	struct srpgw_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct srpgw_timer){ .shard = shard_of(r), .fn = fn, .arg = arg };
	timer_init(&t->timer, timer_fired);
	return t;
}

static void svc_timer_arm(struct srpgw_timer *t, uint64_t after_ns)
{
	timer_arm_in(t->shard->reactor, &t->timer, after_ns);
}

static void svc_timer_cancel(struct srpgw_timer *t)
{
	timer_cancel(t->shard->reactor, &t->timer);
}

static void svc_timer_free(struct srpgw_timer *t)
{
	if (!t)
		return;
	timer_cancel(t->shard->reactor, &t->timer);
	free(t);
}

static int svc_work(struct srpgw_reactor *r, void (*fn)(void *arg), void (*done)(void *arg), void *arg)
{
	struct shard *s = shard_of(r);

	return work_submit(&s->core->work, s->reactor, fn, done, arg);
}

void core_host_services(struct core *c, struct srpgw_host *host)
{
	(void)c;
	*host = (struct srpgw_host){
		.struct_size = sizeof(*host),
		.abi = SRPGW_BRIDGE_ABI,
		.io_size = sizeof(struct srpgw_io),
		.tmf_size = sizeof(struct srpgw_tmf),
		.io_done = path_io_done,
		.tmf_done = tmf_bridge_done,
		.event = path_event,
		.now_ns = svc_now_ns,
		.watch_add = svc_watch_add,
		.watch_mod = svc_watch_mod,
		.watch_del = svc_watch_del,
		.timer_new = svc_timer_new,
		.timer_arm = svc_timer_arm,
		.timer_cancel = svc_timer_cancel,
		.timer_free = svc_timer_free,
		.work = svc_work,
	};
}

int core_check_bridge(const struct core *c, const struct srpgw_bridge *b, struct err *e)
{
	const char *name = b->name ? b->name : "?";

	if (!SRPGW_HAS(b, open) || !SRPGW_HAS(b, close) || !SRPGW_HAS(b, attach) || !SRPGW_HAS(b, detach) ||
	    !SRPGW_HAS(b, submit) || !SRPGW_HAS(b, abort) || !SRPGW_HAS(b, tmf))
		return err_set(e, -EPROTO, "bridge %s lacks one of open, close, attach, detach, submit, abort, tmf",
			       name);
	if (b->scratch_size > c->params.scratch_bytes || b->tmf_scratch_size > c->params.scratch_bytes) {
		err_cure(e, "raise the scratch size to at least %u bytes",
			 b->scratch_size > b->tmf_scratch_size ? b->scratch_size : b->tmf_scratch_size);
		return err_set(e, -E2BIG, "bridge %s wants more than %u bytes of room per command", name,
			       c->params.scratch_bytes);
	}
	return 0;
}
