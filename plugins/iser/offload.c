/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Work on a thread of its own, see offload.h. The lock is held for a moment at the end of the work only.
 */
#include "offload.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Enough for libiscsi and the connection manager, sanitizers included. */
#define STACK_BYTES (512u << 10)

static _Atomic unsigned n_offloads;

/* Signals are the main thread's business. Nobody joins it. */
static int start_thread(void *(*fn)(void *arg), void *arg)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	if (atomic_fetch_add(&n_offloads, 1) >= OFFLOADS_MAX) {
		atomic_fetch_sub(&n_offloads, 1);
		return -EAGAIN;
	}
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, &attr, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (rc)
		atomic_fetch_sub(&n_offloads, 1);
	return -rc;
}

static void *drop_thread(void *arg)
{
	struct offload *o = arg;

	o->drop(o);
	atomic_fetch_sub(&n_offloads, 1);
	return NULL;
}

static void *work_thread(void *arg)
{
	struct offload *o = arg;
	bool forgotten;

	o->fn(o);
	pthread_mutex_lock(&o->lock);
	o->finished = true;
	forgotten = o->forgotten;
	if (!forgotten)
		eventfd_write(o->fd, 1);
	pthread_mutex_unlock(&o->lock);
	if (forgotten) {
		pthread_mutex_destroy(&o->lock);
		o->drop(o);
	}
	atomic_fetch_sub(&n_offloads, 1);
	return NULL;
}

static void stop_waiting(struct offload *o)
{
	o->host->watch_del(o->watch);
	close(o->fd);
	o->watch = NULL;
	o->fd = -1;
}

static void on_finished(void *arg, int revents)
{
	struct offload *o = arg;

	(void)revents;
	/* The thread is about to leave the lock: it must have, before this memory goes. */
	pthread_mutex_lock(&o->lock);
	pthread_mutex_unlock(&o->lock);
	pthread_mutex_destroy(&o->lock);
	stop_waiting(o);
	o->done(o);
}

int offload_start(struct offload *o, const struct srpgw_host *host, struct srpgw_reactor *r)
{
	int rc;

	o->host = host;
	o->finished = o->forgotten = false;
	o->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (o->fd < 0)
		return -errno;
	o->watch = host->watch_add(r, o->fd, POLLIN, on_finished, o);
	if (!o->watch) {
		close(o->fd);
		return -ENOMEM;
	}
	pthread_mutex_init(&o->lock, NULL);
	rc = start_thread(work_thread, o);
	if (rc) {
		stop_waiting(o);
		pthread_mutex_destroy(&o->lock);
	}
	return rc;
}

void offload_forget(struct offload *o)
{
	bool finished;

	pthread_mutex_lock(&o->lock);
	o->forgotten = true;
	finished = o->finished;
	stop_waiting(o);
	pthread_mutex_unlock(&o->lock);
	if (!finished)
		return;
	/* Its result is not wanted; getting rid of it may block as well. */
	pthread_mutex_destroy(&o->lock);
	if (start_thread(drop_thread, o))
		o->drop(o);
}
