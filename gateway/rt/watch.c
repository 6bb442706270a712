/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watched descriptors: level-triggered epoll. A parked descriptor is taken out of the epoll set, because epoll reports
 * EPOLLHUP and EPOLLERR even to those who ask for nothing. Layer: rt. Knows base and libc.
 */
#include "../base/log.h"
#include "reactor_private.h"

#include <errno.h>
#include <poll.h>

/* The bridge interface speaks of poll's bits and the reactor of epoll's: nobody need translate. */
_Static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR && EPOLLHUP == POLLHUP,
	       "epoll bits are poll bits");

void watches_init(struct watch_set *s)
{
	list_init(&s->all);
}

/* Events that epoll collected before the owner lost interest must not reach it. */
static void forget_pending(struct watch_set *s, const struct reactor_watch *w)
{
	for (int i = 0; i < s->n_batch; i++)
		if (s->batch[i].data.ptr == w)
			s->batch[i].data.ptr = NULL;
}

static int tell_epoll(struct reactor *r, struct reactor_watch *w, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	return epoll_ctl(r->epoll_fd, op, w->fd, &ev) < 0 ? -errno : 0;
}

static int set_events(struct reactor *r, struct reactor_watch *w, uint32_t from, uint32_t to)
{
	int rc = 0;

	if (from == to)
		return 0;
	if (!to) {
		/* A failure means that the kernel dropped it already: the descriptor was closed or replaced too early. */
		(void)tell_epoll(r, w, EPOLL_CTL_DEL, 0);
		r->watches.n_active--;
		forget_pending(&r->watches, w);
		return 0;
	}
	if (from) {
		/* A descriptor that dup2() replaced (libraries reconnect so) is the same number, but new to epoll. */
		rc = tell_epoll(r, w, EPOLL_CTL_MOD, to);
		return rc == -ENOENT ? tell_epoll(r, w, EPOLL_CTL_ADD, to) : rc;
	}
	rc = tell_epoll(r, w, EPOLL_CTL_ADD, to);
	if (!rc)
		r->watches.n_active++;
	return rc;
}

int reactor_watch_add(struct reactor *r, struct reactor_watch *w)
{
	int rc = set_events(r, w, 0, w->events);

	if (!rc)
		list_push_back(&r->watches.all, &w->node);
	else
		list_node_init(&w->node);
	return rc;
}

int reactor_watch_mod(struct reactor *r, struct reactor_watch *w, uint32_t events)
{
	int rc = set_events(r, w, w->events, events);

	if (!rc)
		w->events = events;
	return rc;
}

void reactor_watch_del(struct reactor *r, struct reactor_watch *w)
{
	if (!w->node.next || !list_linked(&w->node)) /* never added, or removed already */
		return;
	list_del(&w->node);
	(void)set_events(r, w, w->events, 0);
}

void watches_wait(struct reactor *r, int timeout_ms)
{
	int n = epoll_wait(r->epoll_fd, r->watches.batch, WATCH_BATCH, timeout_ms);

	if (n < 0 && errno != EINTR)
		log_error("reactor %s: epoll_wait: %m", r->name);
	r->watches.n_batch = n > 0 ? n : 0;
}

int watches_run(struct reactor *r)
{
	struct watch_set *s = &r->watches;
	int n = 0;

	for (int i = 0; i < s->n_batch; i++) {
		struct reactor_watch *w = s->batch[i].data.ptr;
		uint32_t revents = s->batch[i].events;

		if (!w)
			continue;
		if (s->batch[i].data.ptr == (void *)r) {
			uint64_t count;

			if (read(r->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN && errno != EINTR)
				log_error("reactor %s: wake-up descriptor: %m", r->name);
			continue;
		}
		revents &= w->events | EPOLLHUP | EPOLLERR; /* its interest may have changed since */
		if (!revents)
			continue;
		w->fn(w, revents); /* may remove or free any watch */
		n++;
	}
	s->n_batch = 0;
	r->stats.n_fd_events += (uint64_t)n;
	return n;
}
