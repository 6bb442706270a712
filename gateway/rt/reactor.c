/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop: when to sleep and for how long, what the time is, whose thread this is, and the counters. The kinds of
 * events live in msgring.c, timer.c, watch.c and poller.c. Layer: rt. Knows base and libc.
 */
#include "../base/log.h"
#include "reactor_private.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>

/* A longer iteration is worth a look at the thread's CPU clock, which costs a system call. */
#define LONG_LOOP_NS NS_PER_MS
#define LONG_TOLD_NS (60 * NS_PER_S)
/* While we polled, the processor was somebody else's for so long: it is wanted, and polling would only take it away. */
#define CROWDED_NS (20 * NS_PER_US)
#define CROWDED_FOR_NS (2 * NS_PER_MS)

/* What pollers may handle, and how often they may be called, before the descriptors are looked at again. */
#define UNLOOKED_MAX 32u

static _Thread_local char thread_token; /* its address names the thread */

static uint64_t clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* ---- life ---- */

static int open_descriptors(struct reactor *r)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = r };

	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll_fd < 0)
		return -errno;
	r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->wake_fd < 0)
		return -errno;
	return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, r->wake_fd, &ev) < 0 ? -errno : 0;
}

static void reactor_free(struct reactor *r)
{
	cleanup_close_fd(&r->wake_fd);
	cleanup_close_fd(&r->epoll_fd);
	free(r);
}

int reactor_create(const char *name, struct reactor **out)
{
	struct reactor *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	r->epoll_fd = r->wake_fd = -1;
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->creator = &thread_token;
	atomic_init(&r->owner, &thread_token);
	msgring_init(&r->msgs);
	watches_init(&r->watches);
	pollers_init(&r->pollers);
	rc = open_descriptors(r);
	if (rc < 0) {
		reactor_free(r);
		return rc;
	}
	*out = r;
	return 0;
}

void reactor_destroy(struct reactor *r)
{
	unsigned n_lost;

	if (!r)
		return;
	n_lost = msgring_discard(&r->msgs);
	if (n_lost)
		log_warn("reactor %s: destroyed with %u messages that nobody handled", r->name, n_lost);
	reactor_free(r);
}

const char *reactor_name(const struct reactor *r)
{
	return r->name;
}

const struct reactor_stats *reactor_stats(const struct reactor *r)
{
	return &r->stats;
}

/* ---- whose thread ---- */

bool reactor_is_mine(const struct reactor *r)
{
	return atomic_load_explicit(&r->owner, memory_order_relaxed) == &thread_token;
}

static void claim(struct reactor *r)
{
	if (reactor_is_mine(r))
		return;
	atomic_store_explicit(&r->owner, &thread_token, memory_order_relaxed);
	r->cpu_marked = false; /* the mark was another thread's CPU time */
}

/* ---- time ---- */

void reactor_set_clock(struct reactor *r, uint64_t (*now_ns)(void *arg), void *arg)
{
	r->clock_fn = now_ns;
	r->clock_arg = arg;
}

uint64_t reactor_clock_ns(const struct reactor *r)
{
	return r->clock_fn ? r->clock_fn(r->clock_arg) : clock_read(CLOCK_MONOTONIC);
}

uint64_t reactor_now_ns(const struct reactor *r)
{
	uint64_t now_ns = atomic_load_explicit(&r->now_ns, memory_order_relaxed);

	return now_ns && !r->clock_fn ? now_ns : reactor_clock_ns(r);
}

/* Between two iterations. */
static uint64_t time_between(const struct reactor *r)
{
	return r->running && !r->clock_fn ? r->end_ns : reactor_clock_ns(r);
}

void reactor_set_busy_poll(struct reactor *r, uint32_t poll_us)
{
	r->busy_poll_ns = poll_us * NS_PER_US;
}

/* Return: the CPU time since the last mark. */
static uint64_t mark_cpu(struct reactor *r)
{
	uint64_t cpu_ns = clock_read(CLOCK_THREAD_CPUTIME_ID), used_ns = cpu_ns - r->cpu_mark_ns;

	r->cpu_mark_ns = cpu_ns;
	r->cpu_mark_busy_ns = r->stats.busy_ns;
	r->cpu_marked = true;
	return used_ns;
}

/*
 * The CPU clock is read at most once per LONG_LOOP_NS of busy time, at the beginning of an iteration, and after one that may
 * be the longest so far. So what max_loop_ns says is an upper bound: for a short iteration its wall time, for a long one the
 * smaller of its wall time and the CPU time since the last reading, which is at most LONG_LOOP_NS (and what falling asleep
 * costs) too much.
 */
static void loop_begins(struct reactor *r)
{
	if (r->clock_fn)
		return;
	if (!r->cpu_marked || r->stats.busy_ns - r->cpu_mark_busy_ns >= LONG_LOOP_NS)
		mark_cpu(r);
}

/* Its CPU time is no more than its wall time: that of most long iterations makes no difference. */
static bool cpu_matters(const struct reactor *r, uint64_t wall_ns)
{
	return wall_ns >= LONG_LOOP_NS && (wall_ns > r->stats.max_loop_ns || wall_ns >= REACTOR_LONG_LOOP_NS);
}

static uint64_t average(uint64_t old, uint64_t with)
{
	return old - old / 4 + with / 4;
}

/*
 * Polling pays where the waits are short, but longer than the work between them: a busier reactor is better off asleep while
 * more comes that it can do at once.
 */
static void judge_polling(struct reactor *r, uint64_t wait_ns, uint64_t work_ns, uint64_t now_ns)
{
	uint64_t most_ns = 8 * r->busy_poll_ns; /* so that a long wait is soon forgotten */

	r->wait_avg_ns = average(r->wait_avg_ns, wait_ns < most_ns ? wait_ns : most_ns);
	r->work_avg_ns = average(r->work_avg_ns, work_ns);
	r->poll_pays = r->wait_avg_ns < r->busy_poll_ns && r->wait_avg_ns > r->work_avg_ns &&
		       now_ns >= r->crowded_until_ns;
}

/* Somebody shall look at it, but not read it for ever. */
static void tell_long(struct reactor *r, uint64_t cpu_ns, uint64_t wall_ns, uint64_t now_ns)
{
	uint64_t n = ++r->stats.n_long_loops;

	if (r->long_told_ns && now_ns - r->long_told_ns < LONG_TOLD_NS)
		return;
	log_warn("reactor %s: one iteration took %llu ms of CPU time, %llu ms on the clock (%llu such since the last time)", r->name,
		 (unsigned long long)(cpu_ns / NS_PER_MS), (unsigned long long)(wall_ns / NS_PER_MS),
		 (unsigned long long)(n - r->long_told));
	r->long_told_ns = now_ns;
	r->long_told = n;
}

static void loop_ends(struct reactor *r, uint64_t begin_ns, int n_events)
{
	uint64_t end_ns, wall_ns, cpu_ns;

	r->stats.n_loops++;
	if (r->clock_fn) /* virtual time says nothing about cost */
		return;
	/* Where the clock is a system call, as on many virtual machines, it is what an idle look would cost most. */
	if (!n_events && !r->poll_pays && begin_ns == r->end_ns)
		return;
	end_ns = clock_read(CLOCK_MONOTONIC);
	wall_ns = cpu_ns = end_ns - begin_ns;
	r->stats.busy_ns += wall_ns;
	if (cpu_matters(r, wall_ns)) {
		uint64_t used_ns = mark_cpu(r);

		if (used_ns < cpu_ns)
			cpu_ns = used_ns;
	}
	if (wall_ns > r->stats.max_loop_wall_ns)
		r->stats.max_loop_wall_ns = wall_ns;
	if (cpu_ns > r->stats.max_loop_ns) {
		r->stats.max_loop_ns = cpu_ns;
		r->stats.max_loop_at_ns = end_ns;
	}
	if (cpu_ns >= REACTOR_LONG_LOOP_NS)
		tell_long(r, cpu_ns, wall_ns, end_ns);
	r->end_ns = end_ns;
	if (n_events) {
		judge_polling(r, begin_ns - r->last_event_ns, wall_ns, end_ns);
		r->last_event_ns = end_ns;
	}
}

/* ---- the loop ---- */

void reactor_wake(struct reactor *r)
{
	const uint64_t one = 1;
	int saved_errno = errno;

	/* It can fail only when the counter is full, and then the reactor is awake for long. */
	while (write(r->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	errno = saved_errno;
}

void reactor_stop(struct reactor *r)
{
	atomic_store(&r->stop, true);
	reactor_wake(r);
}

/* The pollers are looked at again before the loop sleeps: they have just had work, or it is to poll for some time. */
static bool stays_awake(const struct reactor *r)
{
	if (r->hot)
		return true;
	return r->poll_pays && !r->clock_fn && !list_empty(&r->pollers.all) &&
	       r->end_ns - r->last_event_ns < r->busy_poll_ns;
}

/* How long the loop may sleep now: at most @limit_ms (-1: no limit). 0: not at all. */
static int sleep_ms(struct reactor *r, int limit_ms)
{
	uint64_t deadline_ns, now_ns, wait_ms;

	if (!limit_ms || stays_awake(r) || atomic_load(&r->stop))
		return 0;
	deadline_ns = reactor_next_deadline_ns(r);
	if (deadline_ns == UINT64_MAX)
		return limit_ms;
	now_ns = time_between(r);
	if (deadline_ns <= now_ns)
		return 0;
	wait_ms = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	if (wait_ms > INT_MAX)
		wait_ms = INT_MAX;
	return limit_ms < 0 || wait_ms < (uint64_t)limit_ms ? (int)wait_ms : limit_ms;
}

/*
 * Looking at the descriptors is a system call: when the pollers have just had work it waits, a little. Who steps the reactor
 * by hand and asks for no sleep gets the look.
 */
static bool may_look_later(struct reactor *r, int limit_ms)
{
	return limit_ms && r->hot && ++r->n_unlooked < UNLOOKED_MAX;
}

/* Between two looks while the loop polls: who waits for this processor gets it, such as the peer that we wait for. */
static void give_way(struct reactor *r)
{
	uint64_t now_ns;

	sched_yield();
	now_ns = reactor_clock_ns(r);
	if (now_ns - r->end_ns < CROWDED_NS)
		return;
	r->crowded_until_ns = now_ns + CROWDED_FOR_NS;
	r->poll_pays = false;
}

/* Return: true when it slept or looked, so that time passed. */
static bool sleep_or_look(struct reactor *r, int limit_ms)
{
	int timeout_ms;

	if (may_look_later(r, limit_ms))
		return false;
	r->n_unlooked = 0;
	timeout_ms = sleep_ms(r, limit_ms);

	if (!timeout_ms && limit_ms && r->poll_pays && !r->hot)
		give_way(r);
	/* Arming the pollers comes after every other reason to stay awake: it costs; and before the last look at the
	 * messages, because it may send some. */
	if (timeout_ms && (!pollers_arm(r) || !msgring_try_sleep(&r->msgs)))
		timeout_ms = 0;
	if (timeout_ms)
		r->stats.n_sleeps++;
	if (!timeout_ms && !r->watches.n_active)
		return false;
	watches_wait(r, timeout_ms);
	return true;
}

int reactor_poll(struct reactor *r, int timeout_ms)
{
	uint64_t now_ns;
	int n, n_polled;

	if (r->iterating) {
		log_error("reactor %s: reactor_poll() from inside a callback", r->name);
		return 0;
	}
	claim(r);
	r->iterating = true;
	now_ns = sleep_or_look(r, timeout_ms) ? reactor_clock_ns(r) : time_between(r);
	atomic_store_explicit(&r->now_ns, now_ns, memory_order_relaxed);
	loop_begins(r);
	n = msgring_run(r);
	n += timers_run(r, now_ns);
	n += watches_run(r);
	n_polled = pollers_run(r);
	r->hot = n_polled != 0;
	r->n_unlooked += (uint32_t)n_polled;
	n += n_polled;
	atomic_store_explicit(&r->now_ns, 0, memory_order_relaxed);
	loop_ends(r, now_ns, n);
	r->iterating = false;
	return n;
}

void reactor_run(struct reactor *r)
{
	while (!atomic_load(&r->stop)) {
		reactor_poll(r, -1);
		r->running = true;
	}
	r->running = false;
	/* Who sent before the stop sees its messages handled; who goes on sending cannot keep us here. */
	reactor_poll(r, 0);
	atomic_store(&r->stop, false);
	r->cpu_marked = false; /* the mark is this thread's CPU time */
	atomic_store_explicit(&r->owner, r->creator, memory_order_relaxed);
}
