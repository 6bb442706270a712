/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The smallest host that a bridge can live in: watches, timers and helper threads over one reactor; answers and events
 * are only noted. Layer: tools. Knows rt and <srpgw/bridge.h>; no core.
 */
#include "srpgwctl_discover.h"

#include "../rt/reactor.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct srpgw_watch {
	struct reactor_watch watch;
	struct reactor *reactor;
	void (*fn)(void *arg, int revents);
	void *arg;
};

struct srpgw_timer {
	struct reactor_timer timer;
	struct reactor *reactor;
	void (*fn)(void *arg);
	void *arg;
};

struct work {
	struct reactor_msg msg;
	struct reactor *reactor;
	void (*fn)(void *arg), (*done)(void *arg);
	void *arg;
};

static struct reactor *reactor_of(struct srpgw_reactor *r)
{
	return (struct reactor *)(void *)r;
}

static uint64_t now_ns(struct srpgw_reactor *r)
{
	return reactor_now_ns(reactor_of(r));
}

/* ---- descriptors ---- */

static void watch_fired(struct reactor_watch *rw, uint32_t revents)
{
	struct srpgw_watch *w = container_of(rw, struct srpgw_watch, watch);

	w->fn(w->arg, (int)revents);
}

static struct srpgw_watch *watch_add(struct srpgw_reactor *r, int fd, int events, void (*fn)(void *arg, int revents),
				     void *arg)
{
	struct srpgw_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->watch = (struct reactor_watch){ .fn = watch_fired, .fd = fd, .events = (uint32_t)events };
	list_node_init(&w->watch.node);
	w->reactor = reactor_of(r);
	w->fn = fn;
	w->arg = arg;
	if (reactor_watch_add(w->reactor, &w->watch) < 0) {
		free(w);
		return NULL;
	}
	return w;
}

static void watch_mod(struct srpgw_watch *w, int events)
{
	/* It was added before, so the kernel knows it; and a bridge could not be told. */
	if (w->watch.events != (uint32_t)events && reactor_watch_mod(w->reactor, &w->watch, (uint32_t)events) < 0)
		w->watch.events = (uint32_t)events;
}

static void watch_del(struct srpgw_watch *w)
{
	if (!w)
		return;
	reactor_watch_del(w->reactor, &w->watch);
	free(w);
}

/* ---- timers ---- */

static void timer_fired(struct reactor_timer *rt)
{
	struct srpgw_timer *t = container_of(rt, struct srpgw_timer, timer);

	t->fn(t->arg);
}

static struct srpgw_timer *timer_new(struct srpgw_reactor *r, void (*fn)(void *arg), void *arg)
{
	struct srpgw_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct srpgw_timer){ .reactor = reactor_of(r), .fn = fn, .arg = arg };
	timer_init(&t->timer, timer_fired);
	return t;
}

static void host_timer_arm(struct srpgw_timer *t, uint64_t after_ns)
{
	timer_arm_in(t->reactor, &t->timer, after_ns);
}

static void host_timer_cancel(struct srpgw_timer *t)
{
	timer_cancel(t->reactor, &t->timer);
}

static void timer_free(struct srpgw_timer *t)
{
	if (!t)
		return;
	timer_cancel(t->reactor, &t->timer);
	free(t);
}

/* ---- work ---- */

static unsigned n_works; /* of the reactor's thread */

unsigned discover_host_n_works(void)
{
	return n_works;
}

static void work_done(struct reactor_msg *msg)
{
	struct work *w = container_of(msg, struct work, msg);

	n_works--;
	w->done(w->arg);
	free(w);
}

static void *work_run(void *arg)
{
	struct work *w = arg;

	w->fn(w->arg);
	reactor_send(w->reactor, &w->msg);
	return NULL;
}

/* A thread for each: there are few, and the program ends soon. */
static int work(struct srpgw_reactor *r, void (*fn)(void *arg), void (*done)(void *arg), void *arg)
{
	struct work *w = calloc(1, sizeof(*w));
	pthread_t thread;
	int rc;

	if (!w)
		return -ENOMEM;
	*w = (struct work){ .msg.fn = work_done, .reactor = reactor_of(r), .fn = fn, .done = done, .arg = arg };
	rc = pthread_create(&thread, NULL, work_run, w);
	if (rc) {
		free(w);
		return -rc;
	}
	n_works++;
	pthread_detach(thread);
	return 0;
}

/* ---- what a bridge says ---- */

static void io_done(struct srpgw_io *io)
{
	((struct discover_io *)(void *)io)->done = true;
}

/* None is ever sent. */
static void tmf_done(struct srpgw_tmf *tmf)
{
	(void)tmf;
}

static void event(struct srpgw_path_ctx *ctx, const struct srpgw_event *ev)
{
	struct discover_path *p = (struct discover_path *)(void *)ctx;

	if (ev->kind == SRPGW_PATH_UP) {
		p->up = true;
	} else if (ev->kind == SRPGW_PATH_DOWN) {
		p->down = true;
		snprintf(p->why, sizeof(p->why), "%s", ev->text ? ev->text : "the session ended");
	}
}

void discover_host_services(struct srpgw_host *host)
{
	*host = (struct srpgw_host){
		.struct_size = sizeof(*host),
		.abi = SRPGW_BRIDGE_ABI,
		.io_size = sizeof(struct srpgw_io),
		.tmf_size = sizeof(struct srpgw_tmf),
		.io_done = io_done,
		.tmf_done = tmf_done,
		.event = event,
		.now_ns = now_ns,
		.watch_add = watch_add,
		.watch_mod = watch_mod,
		.watch_del = watch_del,
		.timer_new = timer_new,
		.timer_arm = host_timer_arm,
		.timer_cancel = host_timer_cancel,
		.timer_free = timer_free,
		.work = work,
	};
}
