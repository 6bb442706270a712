/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop itself: time, sleep, ownership, counters, and that stepping on a virtual clock makes no system call. */
#include "rt_unit.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static void name_is_kept_and_cut(void **state)
{
	struct reactor *r;

	(void)state;
	assert_int_equal(reactor_create("a-name-that-is-far-too-long", &r), 0);
	assert_string_equal(reactor_name(r), "a-name-that-is-");
	reactor_destroy(r);
	reactor_destroy(NULL);
}

static void creation_fails_cleanly(void **state)
{
	struct rlimit old, none;
	struct reactor *r = NULL;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	/* no descriptor at all, then one: epoll's, but not the wake-up's */
	for (rlim_t n = 0; n < 2; n++) {
		int lowest = dup(STDERR_FILENO);

		close(lowest);
		none.rlim_cur = (rlim_t)lowest + n;
		setrlimit(RLIMIT_NOFILE, &none);
		assert_int_equal(reactor_create("x", &r), -EMFILE);
		setrlimit(RLIMIT_NOFILE, &old);
	}
	assert_null(r);
}

/* ---- time ---- */

struct look {
	struct reactor_timer t;
	struct reactor *r;
	uint64_t now_ns, later_ns, fresh_ns;
};

static void look_at_the_clock(struct reactor_timer *t)
{
	struct look *l = container_of(t, struct look, t);

	l->now_ns = reactor_now_ns(l->r);
	do
		l->fresh_ns = reactor_clock_ns(l->r);
	while (l->fresh_ns == l->now_ns);
	l->later_ns = reactor_now_ns(l->r);
}

static void time_stands_still_within_an_iteration_only(void **state)
{
	struct look l;
	struct reactor *r = new_reactor(NULL);
	uint64_t before_ns, after_ns;

	(void)state;
	l.r = r;
	timer_init(&l.t, look_at_the_clock);
	before_ns = reactor_now_ns(r);
	do
		after_ns = reactor_now_ns(r); /* outside the loop nothing is cached */
	while (after_ns == before_ns);
	assert_true(after_ns > before_ns);
	timer_arm(r, &l.t, 1);
	reactor_poll(r, 0);
	assert_int_equal(l.now_ns, l.later_ns);
	assert_true(l.fresh_ns > l.now_ns);
	assert_true(l.now_ns >= after_ns);
	before_ns = reactor_now_ns(r); /* and fresh again after the iteration */
	do
		after_ns = reactor_now_ns(r);
	while (after_ns == before_ns);
	assert_true(before_ns > l.now_ns);
	reactor_destroy(r);
}

static void look_at_the_virtual_clock(struct reactor_timer *t)
{
	struct look *l = container_of(t, struct look, t);

	l->now_ns = reactor_now_ns(l->r);
	l->fresh_ns = reactor_clock_ns(l->r);
}

static void a_virtual_clock_is_always_asked(void **state)
{
	struct virtual_clock c = { .now_ns = 77 };
	struct look l;
	struct reactor *r = new_reactor(&c);

	(void)state;
	l.r = r;
	timer_init(&l.t, look_at_the_virtual_clock);
	timer_arm(r, &l.t, 77);
	reactor_poll(r, 0);
	assert_int_equal(l.now_ns, 77);
	assert_int_equal(l.fresh_ns, 77);
	c.now_ns = 78;
	assert_int_equal(reactor_now_ns(r), 78);
	assert_int_equal(reactor_clock_ns(r), 78);
	reactor_destroy(r);
}

static void ignore(struct reactor_timer *t)
{
	(void)t;
}

static void sleeps_until_the_timer_and_no_longer_than_told(void **state)
{
	struct reactor *r = new_reactor(NULL);
	struct reactor_timer t;
	uint64_t start_ns, took_ns;

	(void)state;
	timer_init(&t, ignore);
	start_ns = reactor_clock_ns(r);
	timer_arm_in(r, &t, 10 * NS_PER_MS);
	assert_int_equal(reactor_poll(r, -1), 1); /* not a spurious 0 before the timer */
	took_ns = reactor_clock_ns(r) - start_ns;
	assert_true(took_ns >= 10 * NS_PER_MS && took_ns < 2 * NS_PER_S);
	assert_int_equal(reactor_stats(r)->n_sleeps, 1);
	timer_arm_in(r, &t, 3600 * NS_PER_S);
	start_ns = reactor_clock_ns(r);
	assert_int_equal(reactor_poll(r, 5), 0);
	took_ns = reactor_clock_ns(r) - start_ns;
	assert_true(took_ns >= 5 * NS_PER_MS && took_ns < 2 * NS_PER_S);
	timer_arm(r, &t, UINT64_MAX - 1); /* centuries: no overflow of the timeout */
	assert_int_equal(reactor_poll(r, 1), 0);
	assert_int_equal(reactor_stats(r)->n_sleeps, 3);
	timer_arm(r, &t, 1); /* due: no sleep */
	assert_int_equal(reactor_poll(r, -1), 1);
	assert_int_equal(reactor_stats(r)->n_sleeps, 3);
	reactor_destroy(r);
}

static void ignore_fd(struct reactor_watch *w, uint32_t revents)
{
	(void)w;
	(void)revents;
}

/* 2^32 ms: cut to an int it would be no sleep at all. A descriptor that is ready ends the sleep at once. */
static void a_far_deadline_does_not_overflow_the_timeout(void **state)
{
	struct virtual_clock c = { .now_ns = 1 };
	struct reactor *r = new_reactor(&c);
	struct reactor_watch w = { .fn = ignore_fd, .events = EPOLLOUT };
	struct reactor_timer t;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	w.fd = fd[1];
	assert_int_equal(reactor_watch_add(r, &w), 0);
	timer_init(&t, ignore);
	timer_arm_in(r, &t, (1ull << 32) * NS_PER_MS);
	assert_int_equal(reactor_poll(r, -1), 1);
	assert_int_equal(reactor_stats(r)->n_sleeps, 1);
	reactor_watch_del(r, &w);
	close(fd[0]);
	close(fd[1]);
	reactor_destroy(r);
}

/* ---- counters ---- */

static void burn(struct reactor_timer *t)
{
	struct timespec start, now;

	(void)t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while ((now.tv_sec - start.tv_sec) * 1000000000l + now.tv_nsec - start.tv_nsec < 4000000);
}

static void doze(struct reactor_timer *t)
{
	const struct timespec ts = { .tv_nsec = 30000000 };

	(void)t;
	nanosleep(&ts, NULL); /* what a blocking call in a callback looks like */
}

static unsigned n_warned;

static void count_warning(void *arg, enum log_level level, const char *text)
{
	(void)arg;
	n_warned += level == LOG_LEVEL_WARN && strstr(text, "one iteration took") != NULL;
}

static void burn_long(struct reactor_timer *t)
{
	uint64_t cpu_ns, start_ns = 0;
	struct timespec ts;

	(void)t;
	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
		cpu_ns = (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
		start_ns = start_ns ? start_ns : cpu_ns;
	} while (cpu_ns - start_ns < REACTOR_LONG_LOOP_NS);
}

/* Counted each time, told once a minute. */
static void long_loops_are_told(void **state)
{
	struct reactor *r = new_reactor(NULL);
	const struct reactor_stats *s = reactor_stats(r);
	struct reactor_timer t;

	(void)state;
	n_warned = 0;
	log_set_hook(count_warning, NULL);
	timer_init(&t, doze);
	timer_arm(r, &t, 1);
	reactor_poll(r, 0);
	assert_int_equal(s->n_long_loops, 0);
	timer_init(&t, burn_long);
	for (unsigned k = 1; k <= 3; k++) {
		timer_arm(r, &t, 1);
		reactor_poll(r, 0);
		assert_int_equal(s->n_long_loops, k);
		assert_int_equal(n_warned, 1);
	}
	log_set_hook(NULL, NULL);
	assert_true(s->max_loop_ns >= REACTOR_LONG_LOOP_NS);
	assert_true(s->max_loop_at_ns > 0 && s->max_loop_at_ns <= reactor_clock_ns(r));
	reactor_destroy(r);
}

static void longest_loop_tells_cpu_time_from_wall_time(void **state)
{
	struct reactor *r = new_reactor(NULL);
	const struct reactor_stats *s = reactor_stats(r);
	struct reactor_timer t;
	uint64_t busy_ns, start_ns;

	(void)state;
	timer_init(&t, doze);
	timer_arm(r, &t, 1);
	reactor_poll(r, 0);
	assert_true(s->max_loop_wall_ns >= 30 * NS_PER_MS);
	assert_true(s->max_loop_ns < 10 * NS_PER_MS); /* it blocked, it did not compute */
	timer_init(&t, burn);
	timer_arm(r, &t, 1);
	reactor_poll(r, 0);
	assert_true(s->max_loop_ns >= 4 * NS_PER_MS);
	assert_true(s->max_loop_ns <= s->max_loop_wall_ns);
	assert_int_equal(s->n_loops, 2);
	assert_int_equal(s->n_timers, 2);
	assert_true(s->busy_ns >= 34 * NS_PER_MS);
	busy_ns = s->busy_ns;
	start_ns = reactor_clock_ns(r);
	reactor_poll(r, 20);
	assert_true(s->busy_ns - busy_ns + 20 * NS_PER_MS <= reactor_clock_ns(r) - start_ns); /* sleep is not busy */
	reactor_destroy(r);
}

/* ---- ownership ---- */

struct ownership {
	struct reactor *r;
	struct reactor_msg msg;
	bool before, inside, after;
};

static void note_inside(struct reactor_msg *m)
{
	struct ownership *o = container_of(m, struct ownership, msg);

	o->inside = reactor_is_mine(o->r);
	reactor_stop(o->r);
}

static void *run_it(void *arg)
{
	struct ownership *o = arg;

	o->before = reactor_is_mine(o->r);
	reactor_send(o->r, &o->msg);
	reactor_run(o->r);
	o->after = reactor_is_mine(o->r);
	return NULL;
}

static void the_runner_owns_it_and_the_maker_before_and_after(void **state)
{
	struct ownership o = { .r = new_reactor(NULL), .msg.fn = note_inside };
	pthread_t t;

	(void)state;
	assert_true(reactor_is_mine(o.r));
	assert_int_equal(pthread_create(&t, NULL, run_it, &o), 0);
	pthread_join(t, NULL);
	assert_false(o.before);
	assert_true(o.inside);
	assert_false(o.after);
	assert_true(reactor_is_mine(o.r));
	reactor_destroy(o.r);
}

static void *step_it(void *arg)
{
	struct ownership *o = arg;

	reactor_poll(o->r, 0);
	o->after = reactor_is_mine(o->r);
	return NULL;
}

static void who_steps_it_by_hand_owns_it(void **state)
{
	struct ownership o = { .r = new_reactor(NULL) };
	pthread_t t;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, step_it, &o), 0);
	pthread_join(t, NULL);
	assert_true(o.after);
	assert_false(reactor_is_mine(o.r));
	reactor_poll(o.r, 0);
	assert_true(reactor_is_mine(o.r));
	reactor_destroy(o.r);
}

/* ---- misuse ---- */

struct nested {
	struct reactor_timer t;
	struct reactor *r;
	int said;
};

static void poll_inside(struct reactor_timer *t)
{
	struct nested *n = container_of(t, struct nested, t);

	n->said = reactor_poll(n->r, -1);
}

static void polling_inside_a_callback_is_refused(void **state)
{
	struct virtual_clock c = { .now_ns = 5 };
	struct nested n = { .r = new_reactor(&c), .said = -1 };
	struct logged l = { 0 };

	(void)state;
	timer_init(&n.t, poll_inside);
	timer_arm(n.r, &n.t, 1);
	log_set_hook(note_line, &l);
	assert_int_equal(reactor_poll(n.r, 0), 1);
	log_set_hook(NULL, NULL);
	assert_int_equal(n.said, 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(reactor_poll(n.r, 0), 0);
	reactor_destroy(n.r);
}

/* ---- system calls ---- */

/* A sanitizer's run time maps memory on its own. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* From here on any system call but exit_group kills the process. */
static int forbid_system_calls(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SANITIZED
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_munmap, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 1, 0),
#endif
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog prog = { .len = N_OF(f), .filter = f };
	const struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static struct reactor_msg self_msg;
static struct reactor *self_reactor;
static unsigned n_ticks;

static void resend_self(struct reactor_msg *m)
{
	reactor_send(self_reactor, m);
}

static void tick(struct reactor_timer *t)
{
	n_ticks++;
	timer_arm_in(self_reactor, t, 10);
}

/* The wait status of a child that steps a busy reactor a hundred thousand times; it exits with 0 if all ticks came. */
static int step_in_a_cage(bool with_watch)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		static struct virtual_clock c = { .now_ns = 1 };
		static struct reactor_timer t;
		static struct reactor_watch w = { .fn = ignore_fd, .events = EPOLLIN };
		int fd[2];
		struct reactor *r = NULL;

		if (reactor_create("cage", &r) < 0)
			_exit(2);
		reactor_set_clock(r, virtual_now, &c);
		self_reactor = r;
		self_msg.fn = resend_self;
		n_ticks = 0;
		timer_init(&t, tick);
		timer_arm(r, &t, 1);
		reactor_send(r, &self_msg);
		if (pipe(fd) < 0)
			_exit(2);
		w.fd = fd[0];
		if (reactor_watch_add(r, &w) < 0)
			_exit(2);
		if (!with_watch && reactor_watch_mod(r, &w, 0) < 0) /* a parked watch does not count */
			_exit(2);
		if (forbid_system_calls() < 0)
			_exit(3);
		for (int i = 0; i < 100000; i++) {
			reactor_poll(r, 0);
			c.now_ns += 10;
		}
		syscall(SYS_exit_group, n_ticks == 100000 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void stepping_on_a_virtual_clock_makes_no_system_call(void **state)
{
	int status;

	(void)state;
	status = step_in_a_cage(false);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	/* and the cage is one: with a live watch the first look at epoll kills */
	status = step_in_a_cage(true);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_is_kept_and_cut),
		cmocka_unit_test(creation_fails_cleanly),
		cmocka_unit_test(time_stands_still_within_an_iteration_only),
		cmocka_unit_test(a_virtual_clock_is_always_asked),
		cmocka_unit_test(sleeps_until_the_timer_and_no_longer_than_told),
		cmocka_unit_test(a_far_deadline_does_not_overflow_the_timeout),
		cmocka_unit_test(longest_loop_tells_cpu_time_from_wall_time),
		cmocka_unit_test(long_loops_are_told),
		cmocka_unit_test(the_runner_owns_it_and_the_maker_before_and_after),
		cmocka_unit_test(who_steps_it_by_hand_owns_it),
		cmocka_unit_test(polling_inside_a_callback_is_refused),
		cmocka_unit_test(stepping_on_a_virtual_clock_makes_no_system_call),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
