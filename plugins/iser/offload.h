/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One piece of work on a thread of its own, handed back to its reactor, or left to itself when nobody waits any more.
 * The host's helper threads are few and shared; what may block for a minute does not belong there.
 * Plugin iser; knows <srpgw/bridge.h> and libc.
 */
#ifndef ISER_OFFLOAD_H
#define ISER_OFFLOAD_H

#include <srpgw/bridge.h>

#include <pthread.h>

/* At a time, in this process. */
#define OFFLOADS_MAX 512u

/* The first member of what describes the work. Freed by done() or drop(), whichever is called. */
struct offload {
	void (*fn)(struct offload *o);   /* on the thread */
	void (*done)(struct offload *o); /* on the reactor, after fn() */
	void (*drop)(struct offload *o); /* instead of done(), on a thread: nobody waits any more */

	/* Private. */
	const struct srpgw_host *host;
	struct srpgw_watch *watch;
	pthread_mutex_t lock;
	int fd;
	bool finished, forgotten;
};

/* Reactor. @o: fn, done and drop are set. Return: 0, or -errno: nothing will be called. */
int offload_start(struct offload *o, const struct srpgw_host *host, struct srpgw_reactor *r);
/* Reactor. done() will not be called; @o is not the caller's any more. */
void offload_forget(struct offload *o);

#endif
