/* SPDX-License-Identifier: BSD-3-Clause */
/* Pollers: called each iteration, asked before sleep, and changed from inside their own callbacks. */
#include "rt_unit.h"

#include <sys/epoll.h>
#include <unistd.h>

struct probe {
	struct reactor_poller p;
	struct reactor *r;
	unsigned n_polled, n_armed;
	int poll_says, arm_says;
	void (*action)(struct probe *p);
	struct probe *other;
};

static int probe_poll(struct reactor_poller *p)
{
	struct probe *x = container_of(p, struct probe, p);

	x->n_polled++;
	if (x->action)
		x->action(x);
	return x->poll_says;
}

static int probe_arm(struct reactor_poller *p)
{
	struct probe *x = container_of(p, struct probe, p);

	x->n_armed++;
	return x->arm_says;
}

static void probe_add(struct probe *x, struct reactor *r)
{
	*x = (struct probe){ .p = { .poll = probe_poll, .arm = probe_arm }, .r = r };
	reactor_poller_add(r, &x->p);
}

static void polled_once_per_iteration(void **state)
{
	struct virtual_clock c = { 0 };
	struct reactor *r = new_reactor(&c);
	struct probe a, b;

	(void)state;
	probe_add(&a, r);
	probe_add(&b, r);
	a.poll_says = 2;
	b.poll_says = 3;
	assert_int_equal(reactor_poll(r, 0), 5);
	assert_int_equal(reactor_poll(r, 0), 5);
	assert_int_equal(a.n_polled, 2);
	assert_int_equal(b.n_polled, 2);
	assert_int_equal(a.n_armed, 0); /* it never was about to sleep */
	reactor_poller_del(r, &a.p);
	reactor_poller_del(r, &a.p); /* harmless */
	assert_int_equal(reactor_poll(r, 0), 3);
	assert_int_equal(a.n_polled, 2);
	reactor_poller_del(r, &b.p);
	assert_int_equal(reactor_poll(r, 0), 0);
	reactor_destroy(r);
}

static void armed_before_sleep_and_asked_once_more(void **state)
{
	struct reactor *r = new_reactor(NULL);
	struct probe a;

	(void)state;
	probe_add(&a, r);
	reactor_poll(r, 1); /* the first look comes before any sleep */
	assert_int_equal(reactor_stats(r)->n_sleeps, 0);
	assert_int_equal(a.n_polled, 1);
	a.arm_says = 1;
	reactor_poll(r, -1); /* would sleep for ever */
	assert_int_equal(a.n_armed, 1);
	assert_int_equal(a.n_polled, 2);
	assert_int_equal(reactor_stats(r)->n_sleeps, 0);
	a.arm_says = 0;
	a.poll_says = 1;
	reactor_poll(r, 1);
	assert_int_equal(reactor_stats(r)->n_sleeps, 1);
	assert_int_equal(a.n_armed, 2);
	reactor_poll(r, -1); /* no sleep after a poll that found something, and no arming either */
	assert_int_equal(reactor_stats(r)->n_sleeps, 1);
	assert_int_equal(a.n_armed, 2);
	reactor_poller_del(r, &a.p);
	reactor_destroy(r);
}

/* Events at once, so that polling for another may pay. Return: how long it was polled for. */
static uint64_t polled_for_ns(struct reactor *r, struct probe *a)
{
	uint64_t n_sleeps = reactor_stats(r)->n_sleeps, start_ns;

	a->poll_says = 1;
	for (int i = 0; i < 12; i++)
		reactor_poll(r, 0);
	a->poll_says = 0;
	a->n_polled = a->n_armed = 0;
	start_ns = reactor_clock_ns(r);
	while (reactor_stats(r)->n_sleeps == n_sleeps)
		reactor_poll(r, 1);
	return reactor_clock_ns(r) - start_ns;
}

static void busy_polling_lasts_as_long_as_asked(void **state)
{
	struct reactor *r = new_reactor(NULL);
	struct probe a;
	int n = 0;

	(void)state;
	probe_add(&a, r);
	reactor_set_busy_poll(r, 300);
	/* It ends early when another process wants the processor, which may happen, but not always. The sleep takes 1 ms. */
	do
		assert_true(++n < 2000);
	while (polled_for_ns(r, &a) < NS_PER_MS + 300 * NS_PER_US || a.n_polled <= 3);
	assert_int_equal(a.n_armed, 1);
	reactor_poller_del(r, &a.p);
	reactor_destroy(r);
}

static void busy_polling_ends_where_it_does_not_pay(void **state)
{
	struct reactor *r = new_reactor(NULL);
	uint64_t start_ns;
	struct probe a;

	(void)state;
	probe_add(&a, r);
	reactor_set_busy_poll(r, 5000);
	reactor_poll(r, 0);
	start_ns = reactor_clock_ns(r);
	while (reactor_clock_ns(r) - start_ns < 6 * NS_PER_MS)
		;
	a.poll_says = 1;
	reactor_poll(r, 0); /* an event after a longer wait */
	a.poll_says = 0;
	reactor_poll(r, 0); /* a poller that had work is looked at once more */
	reactor_poll(r, 1);
	assert_int_equal(reactor_stats(r)->n_sleeps, 1);
	reactor_poller_del(r, &a.p);
	reactor_destroy(r);
}

static void del_self(struct probe *p)
{
	reactor_poller_del(p->r, &p->p);
}

static void del_other(struct probe *p)
{
	reactor_poller_del(p->r, &p->other->p);
}

static void del_both(struct probe *p)
{
	del_other(p);
	del_self(p);
}

static void add_other(struct probe *p)
{
	struct probe *o = p->other;

	p->action = NULL;
	probe_add(o, p->r);
}

static void pollers_change_inside_callbacks(void **state)
{
	static const struct {
		void (*action)(struct probe *p);
		unsigned want[3]; /* polled after one iteration; the middle one acts on the last */
		unsigned then[3]; /* after one more */
	} rows[] = {
		{ del_self, { 1, 1, 1 }, { 2, 1, 2 } },
		{ del_other, { 1, 1, 0 }, { 2, 2, 0 } },
		{ del_both, { 1, 1, 0 }, { 2, 1, 0 } },
	};

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		struct virtual_clock c = { 0 };
		struct reactor *r = new_reactor(&c);
		struct probe p[3];

		for (int k = 0; k < 3; k++)
			probe_add(&p[k], r);
		p[1].action = rows[i].action;
		p[1].other = &p[2];
		reactor_poll(r, 0);
		for (int k = 0; k < 3; k++)
			assert_int_equal(p[k].n_polled, rows[i].want[k]);
		reactor_poll(r, 0);
		for (int k = 0; k < 3; k++)
			assert_int_equal(p[k].n_polled, rows[i].then[k]);
		reactor_destroy(r);
	}
}

static void a_poller_may_add_another(void **state)
{
	struct virtual_clock c = { 0 };
	struct reactor *r = new_reactor(&c);
	struct probe a, b;

	(void)state;
	probe_add(&a, r);
	a.other = &b;
	a.action = add_other;
	reactor_poll(r, 0);
	reactor_poll(r, 0);
	assert_int_equal(a.n_polled, 2);
	assert_in_range(b.n_polled, 1, 2);
	reactor_destroy(r);
}

/* An event that comes between the last poll and the sleep is found by arm(): like a completion queue. */
struct queue {
	struct reactor_poller p;
	unsigned n_waiting, n_taken;
	bool armed;
};

static int queue_poll(struct reactor_poller *p)
{
	struct queue *q = container_of(p, struct queue, p);
	int n = (int)q->n_waiting;

	q->n_taken += q->n_waiting;
	q->n_waiting = 0;
	return n;
}

static int queue_arm(struct reactor_poller *p)
{
	struct queue *q = container_of(p, struct queue, p);

	q->armed = true;
	if (q->n_taken < 5)
		q->n_waiting++; /* arrives right now, without a notification */
	return q->n_waiting != 0;
}

static void work_found_while_arming_is_not_slept_over(void **state)
{
	struct reactor *r = new_reactor(NULL);
	struct queue q = { .p = { .poll = queue_poll, .arm = queue_arm } };

	(void)state;
	reactor_poller_add(r, &q.p);
	while (q.n_taken < 5)
		reactor_poll(r, -1);
	assert_int_equal(reactor_stats(r)->n_sleeps, 0);
	assert_true(q.armed);
	reactor_destroy(r);
}

static void fd_seen(struct reactor_watch *w, uint32_t revents)
{
	(void)revents;
	w->events = 0; /* the test asks */
}

/* A look at the descriptors costs a system call: busy pollers put it off, but not for long. */
static void descriptors_beside_busy_pollers(void **state)
{
	struct reactor *r = new_reactor(NULL);
	struct reactor_watch w = { .fn = fd_seen, .events = EPOLLIN };
	struct probe a;
	unsigned n = 0;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "x", 1), 1);
	w.fd = fd[0];
	assert_int_equal(reactor_watch_add(r, &w), 0);
	probe_add(&a, r);
	a.poll_says = 1;
	while (w.events) {
		reactor_poll(r, -1);
		assert_true(++n <= 33);
	}
	assert_true(n > 1);
	/* Many events of pollers count like many iterations. */
	w.events = EPOLLIN;
	a.poll_says = 32;
	reactor_poll(r, -1);
	reactor_poll(r, -1);
	assert_int_equal(w.events, 0);
	/* Who steps it by hand gets the look each time. */
	w.events = EPOLLIN;
	a.poll_says = 1;
	reactor_poll(r, 0);
	assert_int_equal(w.events, 0);
	reactor_poller_del(r, &a.p);
	w.events = EPOLLIN;
	reactor_watch_del(r, &w);
	close(fd[0]);
	close(fd[1]);
	reactor_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(polled_once_per_iteration),
		cmocka_unit_test(armed_before_sleep_and_asked_once_more),
		cmocka_unit_test(busy_polling_lasts_as_long_as_asked),
		cmocka_unit_test(busy_polling_ends_where_it_does_not_pay),
		cmocka_unit_test(pollers_change_inside_callbacks),
		cmocka_unit_test(a_poller_may_add_another),
		cmocka_unit_test(work_found_while_arming_is_not_slept_over),
		cmocka_unit_test(descriptors_beside_busy_pollers),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
