/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One event loop per core: file descriptors (epoll), timers, messages from other threads, and pollers.
 * Everything here but reactor_send(), reactor_stop(), reactor_now_ns() and reactor_is_mine() belongs to the thread
 * that runs the reactor (before and after it runs: to the thread that made it). Objects are intrusive: nothing
 * allocates after start, except reactor_watch_add() when the kernel's epoll set grows.
 *
 * A reactor can be stepped by hand on a virtual clock (reactor_set_clock(), reactor_poll()): that is how the
 * simulator runs the same core deterministically.
 * Layer: rt. Knows base and libc.
 */
#ifndef RT_REACTOR_H
#define RT_REACTOR_H

#include "../base/cleanup.h"
#include "../base/list.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct reactor;

/* A message: fn(msg) runs once on the receiving reactor; the receiver owns the memory from send to fn. */
struct reactor_msg {
	_Atomic(struct reactor_msg *) next; /* private */
	void (*fn)(struct reactor_msg *msg);
};

/* A one-shot timer; zero-initialized by its owner, then timer_init(). */
struct reactor_timer {
	void (*fn)(struct reactor_timer *t);
	uint64_t deadline_ns; /* 0 = not armed */
	struct reactor_timer *child, *sibling, *prev; /* private: pairing heap */
};

/* A watched descriptor; the owner closes it after reactor_watch_del(). */
struct reactor_watch {
	void (*fn)(struct reactor_watch *w, uint32_t revents); /* EPOLL* bits, the same as POLL* */
	int fd;
	uint32_t events; /* 0 = parked: registered but silent (EPOLLHUP and EPOLLERR included) */
	struct list_node node; /* private */
};

/* Called once per loop iteration. Busy polling keeps the loop from sleeping while @busy says so. */
struct reactor_poller {
	/* Return: number of events handled; the loop does not sleep after a non-zero answer. */
	int (*poll)(struct reactor_poller *p);
	/*
	 * Called right before the loop would sleep: arm notifications (ibv_req_notify_cq) and look once more.
	 * May be NULL. Return: non-zero if there is work, so do not sleep.
	 */
	int (*arm)(struct reactor_poller *p);
	struct list_node node; /* private */
};

/* Plain counters, read by the owner only; exported with the status. */
struct reactor_stats {
	uint64_t n_loops, n_sleeps, n_msgs, n_timers, n_fd_events;
	uint64_t busy_ns;        /* wall time spent outside epoll_wait; 0 on a virtual clock, as the two below */
	/*
	 * Longest iteration in CPU time of the thread: an upper bound that is at most 1 ms too high (the CPU clock is
	 * read at most once per millisecond; an iteration shorter than that counts with its wall time).
	 */
	uint64_t max_loop_ns;
	uint64_t max_loop_wall_ns; /* longest iteration by the clock, preemption and blocking calls included */
	uint64_t max_loop_at_ns;   /* reactor clock: when the one of max_loop_ns ended; 0: none yet */
	uint64_t n_long_loops;     /* iterations of REACTOR_LONG_LOOP_NS of CPU time or more */
};

/* An iteration that takes so much CPU time keeps others waiting: it is counted and, at most once a minute, logged. */
#define REACTOR_LONG_LOOP_NS 50000000ull

/**
 * reactor_create() - make a reactor; no thread is started.
 * @name: for logs and the status; copied, at most 15 bytes.
 * @out: the reactor; free it with reactor_destroy() when no thread runs it.
 * Return: 0, -ENOMEM, or -errno of epoll_create1/eventfd.
 */
int reactor_create(const char *name, struct reactor **out) WARN_UNUSED;
void reactor_destroy(struct reactor *r);
const char *reactor_name(const struct reactor *r);

/* Runs until reactor_stop(), also one that came before. The calling thread owns it meanwhile. It may run again. */
void reactor_run(struct reactor *r);

/* Any thread, also a signal handler. Messages sent before the stop are still handled; what these send need not be. */
void reactor_stop(struct reactor *r);

/**
 * reactor_poll() - one iteration: messages, due timers, descriptors, pollers.
 * @timeout_ms: longest sleep; 0 never sleeps, -1 until something happens.
 * Not from inside a callback. On a virtual clock, with timeout 0 and no descriptor watched, it makes no system call.
 * Return: number of events handled.
 */
int reactor_poll(struct reactor *r, int timeout_ms);

/* Replaces CLOCK_MONOTONIC (virtual time of the simulator). */
void reactor_set_clock(struct reactor *r, uint64_t (*now_ns)(void *arg), void *arg);

/*
 * Time in ns. Inside an iteration it stands still (read once and cached), outside it is fresh; reactor_clock_ns() is
 * always fresh. A clock set with reactor_set_clock() is asked each time by both.
 */
uint64_t reactor_now_ns(const struct reactor *r);
uint64_t reactor_clock_ns(const struct reactor *r);

/*
 * How long the loop keeps polling before it sleeps, in microseconds (0 = interrupt driven). It polls only where that pays: while
 * the waits between events are shorter than that, the reactor is not busy for most of the time, and nobody else wants the
 * processor.
 */
void reactor_set_busy_poll(struct reactor *r, uint32_t poll_us);

/*
 * For ownership checks, any thread: true on the thread that runs @r; when none does, on the last one that stepped it by
 * hand, else (never stepped, or after reactor_run()) on the one that made it.
 */
bool reactor_is_mine(const struct reactor *r);

const struct reactor_stats *reactor_stats(const struct reactor *r);

/*
 * Any thread. Order is kept per sender. Lock-free; wakes the receiver only when it sleeps. @msg must not be on its way
 * already; from its own fn on it may be sent again or freed. @to must outlive every thread that sends to it.
 */
void reactor_send(struct reactor *to, struct reactor_msg *msg);

void timer_init(struct reactor_timer *t, void (*fn)(struct reactor_timer *t));
/*
 * Arms or re-arms; a deadline in the past (0 counts as 1) fires in the next iteration, also from inside a timer's fn,
 * which may re-arm, cancel or free itself and any other timer. Timers fire in the order of their deadlines, never
 * early, up to 1 ms late when the loop sleeps.
 */
void timer_arm(struct reactor *r, struct reactor_timer *t, uint64_t deadline_ns);
void timer_arm_in(struct reactor *r, struct reactor_timer *t, uint64_t delay_ns);
void timer_cancel(struct reactor *r, struct reactor_timer *t); /* harmless when not armed */
static inline bool timer_armed(const struct reactor_timer *t)
{
	return t->deadline_ns != 0;
}
/* Earliest armed deadline in ns, UINT64_MAX when there is none. */
uint64_t reactor_next_deadline_ns(const struct reactor *r);
/* True when messages wait (the simulator's quiescence test). */
bool reactor_has_msgs(const struct reactor *r);

/* Fill in fn, fd and events first. Return: 0 or -errno of epoll_ctl. */
int reactor_watch_add(struct reactor *r, struct reactor_watch *w) WARN_UNUSED;
/*
 * events 0 parks the descriptor. Takes effect at once: what this iteration has collected already is delivered only if
 * @events asks for it. Return: 0 or -errno (nothing changed).
 */
int reactor_watch_mod(struct reactor *r, struct reactor_watch *w, uint32_t events) WARN_UNUSED;
/*
 * From anywhere in the loop, w->fn included; w->fn is not called any more, even if an event of this iteration waits,
 * and @w may be freed. Twice is harmless. Close the descriptor afterwards, not before.
 */
void reactor_watch_del(struct reactor *r, struct reactor_watch *w);

/* Add and del are safe from inside any callback, those of pollers included. */
void reactor_poller_add(struct reactor *r, struct reactor_poller *p);
void reactor_poller_del(struct reactor *r, struct reactor_poller *p);

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

#endif
