/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of a reactor, shared by reactor.c, msgring.c, timer.c, watch.c and poller.c and by nobody else.
 * Layer: rt. Knows base and libc.
 */
#ifndef RT_REACTOR_PRIVATE_H
#define RT_REACTOR_PRIVATE_H

#include "reactor.h"

#include <sys/epoll.h>

#define WATCH_BATCH 64

/* Messages from other threads (msgring.c). */
struct msgring {
	_Atomic(struct reactor_msg *) newest; /* linked newest first; or &asleep; or NULL */
	struct reactor_msg asleep;            /* only its address is used */
};

/* Armed timers (timer.c): two pairing heaps, so that what a timer's fn arms cannot fire in the same iteration. */
struct timer_heap {
	struct reactor_timer *root;
	struct reactor_timer *fresh; /* armed while timers fire */
	bool firing;
};

/* Descriptors (watch.c). */
struct watch_set {
	struct list all;
	unsigned n_active; /* not parked */
	int n_batch;
	struct epoll_event batch[WATCH_BATCH]; /* data.ptr: the watch, the reactor (wake-up) or NULL (removed meanwhile) */
};

/* Pollers (poller.c). */
struct poller_set {
	struct list all;
	struct list_node *next; /* where the running walk goes on; valid inside one */
};

struct reactor {
	char name[16];
	int epoll_fd, wake_fd;
	struct msgring msgs;
	_Atomic(const void *) owner; /* thread token, see reactor_is_mine() */
	const void *creator;
	atomic_bool stop;
	bool iterating;
	bool running; /* by reactor_run(): no time passes between iterations */
	uint32_t n_unlooked; /* iterations and events of pollers since the last look at the descriptors */
	bool hot; /* the pollers handled something in the last iteration */

	uint64_t (*clock_fn)(void *arg); /* NULL: CLOCK_MONOTONIC */
	void *clock_arg;
	_Atomic uint64_t now_ns; /* of the iteration; 0 outside and while asleep */
	uint64_t busy_poll_ns, last_event_ns, end_ns;
	bool poll_pays; /* waits are short, and the processor is not wanted */
	uint64_t wait_avg_ns, work_avg_ns, crowded_until_ns;
	uint64_t cpu_mark_ns, cpu_mark_busy_ns; /* CPU time of the thread, and stats.busy_ns when it was read */
	bool cpu_marked;
	uint64_t long_told_ns, long_told; /* when long iterations were logged last, and how many there were then */

	struct timer_heap timers;
	struct poller_set pollers;
	struct watch_set watches;
	struct reactor_stats stats;
};

void msgring_init(struct msgring *q);
/* Runs what was sent before the call. Return: number of messages run. */
int msgring_run(struct reactor *r);
/* True: no message waits, and the next sender will write to wake_fd. False: do not sleep. */
bool msgring_try_sleep(struct msgring *q);
/* Drops all messages. Return: how many. */
unsigned msgring_discard(struct msgring *q);

/* Fires what is due at @now_ns. Return: number fired. */
int timers_run(struct reactor *r, uint64_t now_ns);

void watches_init(struct watch_set *s);
/* Collects ready descriptors into the batch; sleeps up to @timeout_ms (-1: for ever). */
void watches_wait(struct reactor *r, int timeout_ms);
/* Calls the watches of the batch. Return: number called. */
int watches_run(struct reactor *r);

void pollers_init(struct poller_set *s);
/* Return: sum of what the pollers handled. */
int pollers_run(struct reactor *r);
/* Return: true when every poller is armed and none has work. */
bool pollers_arm(struct reactor *r);

/* Writes to the wake-up descriptor; async-signal-safe. */
void reactor_wake(struct reactor *r);

#endif
