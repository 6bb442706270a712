/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers on a virtual clock: what fires when, what a timer's fn may do, and a long random walk against an array. */
#include "rt_unit.h"

struct probe {
	struct reactor_timer t;
	struct reactor *r;
	unsigned n_fired;
	uint64_t rearm_at_ns; /* 0: do not */
	struct reactor_timer *cancel;
};

static void probe_fired(struct reactor_timer *t)
{
	struct probe *p = container_of(t, struct probe, t);

	assert_false(timer_armed(t));
	p->n_fired++;
	if (p->rearm_at_ns)
		timer_arm(p->r, t, p->rearm_at_ns);
	if (p->cancel)
		timer_cancel(p->r, p->cancel);
}

static void probe_init(struct probe *p, struct reactor *r)
{
	memset(p, 0, sizeof(*p));
	p->r = r;
	timer_init(&p->t, probe_fired);
}

static void fires_once_at_its_deadline(void **state)
{
	struct virtual_clock c = { .now_ns = 1000 };
	struct reactor *r = new_reactor(&c);
	struct probe p;

	(void)state;
	probe_init(&p, r);
	assert_int_equal(reactor_next_deadline_ns(r), UINT64_MAX);
	timer_arm(r, &p.t, 2000);
	assert_true(timer_armed(&p.t));
	assert_int_equal(reactor_next_deadline_ns(r), 2000);
	c.now_ns = 1999;
	assert_int_equal(reactor_poll(r, 0), 0);
	c.now_ns = 2000;
	assert_int_equal(reactor_poll(r, 0), 1);
	assert_int_equal(p.n_fired, 1);
	assert_int_equal(reactor_poll(r, 0), 0);
	assert_int_equal(p.n_fired, 1);
	assert_int_equal(reactor_next_deadline_ns(r), UINT64_MAX);
	assert_int_equal(reactor_stats(r)->n_timers, 1);
	reactor_destroy(r);
}

static void odd_deadlines(void **state)
{
	struct virtual_clock c = { .now_ns = 0 };
	struct reactor *r = new_reactor(&c);
	struct probe p;

	(void)state;
	probe_init(&p, r);
	timer_arm(r, &p.t, 0); /* means 1: 0 is "not armed" */
	assert_true(timer_armed(&p.t));
	assert_int_equal(reactor_next_deadline_ns(r), 1);
	timer_cancel(r, &p.t);
	timer_cancel(r, &p.t);
	assert_false(timer_armed(&p.t));
	timer_arm_in(r, &p.t, 0);
	assert_true(timer_armed(&p.t));
	c.now_ns = 50;
	timer_arm_in(r, &p.t, 7);
	assert_int_equal(p.t.deadline_ns, 57);
	timer_arm_in(r, &p.t, UINT64_MAX - 50);
	assert_int_equal(p.t.deadline_ns, UINT64_MAX);
	timer_arm_in(r, &p.t, UINT64_MAX - 10); /* no overflow */
	assert_int_equal(p.t.deadline_ns, UINT64_MAX);
	assert_int_equal(reactor_poll(r, 0), 0);
	timer_arm(r, &p.t, 3); /* long past */
	assert_int_equal(reactor_poll(r, 0), 1);
	assert_int_equal(p.n_fired, 1);
	reactor_destroy(r);
}

static void rearming_in_the_past_fires_in_the_next_iteration(void **state)
{
	struct virtual_clock c = { .now_ns = 1000 };
	struct reactor *r = new_reactor(&c);
	struct probe p, q;

	(void)state;
	probe_init(&p, r);
	probe_init(&q, r);
	p.rearm_at_ns = 1;
	timer_arm(r, &p.t, 500);
	timer_arm(r, &q.t, 501);
	for (unsigned i = 1; i <= 5; i++) {
		assert_int_equal(reactor_poll(r, 0), i == 1 ? 2 : 1);
		assert_int_equal(p.n_fired, i);
		assert_int_equal(q.n_fired, 1);
		assert_int_equal(reactor_next_deadline_ns(r), 1);
	}
	reactor_destroy(r);
}

static void a_timer_may_cancel_another_that_is_due(void **state)
{
	struct virtual_clock c = { .now_ns = 1000 };
	struct reactor *r = new_reactor(&c);
	struct probe p[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		probe_init(&p[i], r);
		timer_arm(r, &p[i].t, 100 + (uint64_t)i);
	}
	p[0].cancel = &p[1].t;
	p[2].cancel = &p[2].t; /* itself: harmless */
	assert_int_equal(reactor_poll(r, 0), 2);
	assert_int_equal(p[0].n_fired, 1);
	assert_int_equal(p[1].n_fired, 0);
	assert_int_equal(p[2].n_fired, 1);
	reactor_destroy(r);
}

struct owned {
	struct reactor_timer t;
	unsigned *n_freed;
};

static void free_self(struct reactor_timer *t)
{
	struct owned *o = container_of(t, struct owned, t);

	++*o->n_freed;
	free(o);
}

static void a_timer_may_free_itself(void **state)
{
	struct virtual_clock c = { .now_ns = 1000 };
	struct reactor *r = new_reactor(&c);
	unsigned n_freed = 0;

	(void)state;
	for (uint64_t i = 1; i <= 100; i++) {
		struct owned *o = malloc(sizeof(*o));

		assert_non_null(o);
		timer_init(&o->t, free_self);
		o->n_freed = &n_freed;
		timer_arm(r, &o->t, i * 37 % 101);
	}
	assert_int_equal(reactor_poll(r, 0), 100);
	assert_int_equal(n_freed, 100);
	reactor_destroy(r);
}

/* ---- random walk ---- */

enum { WALKERS = 300, STEPS = 4000 };

struct walk {
	struct virtual_clock clock;
	struct reactor *r;
	struct reactor_timer t[WALKERS];
	uint64_t want[WALKERS];       /* the oracle: deadline, 0 = not armed */
	unsigned armed_in[WALKERS];   /* iteration in whose timer phase it was armed, or 0 */
	unsigned iteration;
	bool in_poll;
	unsigned n_fired;
	uint64_t last_ns, seed;
};

static struct walk w;

static void change_one(void)
{
	unsigned i = (unsigned)rnd_below(&w.seed, WALKERS);

	if (rnd_below(&w.seed, 3) == 0) {
		timer_cancel(w.r, &w.t[i]);
		w.want[i] = 0;
	} else {
		/* few distinct values, so that many are equal; about half of them in the past */
		uint64_t deadline_ns = w.clock.now_ns + 50 - rnd_below(&w.seed, 100);

		timer_arm(w.r, &w.t[i], deadline_ns);
		w.want[i] = deadline_ns;
		w.armed_in[i] = w.in_poll ? w.iteration : 0;
	}
}

static uint64_t earliest(void)
{
	uint64_t min = UINT64_MAX;

	for (unsigned i = 0; i < WALKERS; i++)
		if (w.want[i] && w.want[i] < min)
			min = w.want[i];
	return min;
}

static void walker_fired(struct reactor_timer *t)
{
	unsigned i = (unsigned)(t - w.t);

	w.n_fired++;
	assert_true(w.want[i] != 0);
	assert_true(w.want[i] <= w.clock.now_ns);
	assert_true(w.want[i] >= w.last_ns); /* in order of their deadlines */
	assert_true(w.armed_in[i] != w.iteration);
	w.last_ns = w.want[i];
	w.want[i] = 0;
	while (rnd_below(&w.seed, 3) == 0)
		change_one();
	assert_int_equal(reactor_next_deadline_ns(w.r), earliest());
}

static void random_walk_matches_an_array(void **state)
{
	unsigned n_total = 0;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.clock.now_ns = 1000000;
	w.seed = 2026;
	w.r = new_reactor(&w.clock);
	for (unsigned i = 0; i < WALKERS; i++)
		timer_init(&w.t[i], walker_fired);
	for (unsigned step = 1; step <= STEPS; step++) {
		int n;

		for (uint64_t k = rnd_below(&w.seed, 30); k; k--)
			change_one();
		assert_int_equal(reactor_next_deadline_ns(w.r), earliest());
		w.clock.now_ns += rnd_below(&w.seed, 40);
		w.iteration = step;
		w.in_poll = true;
		w.last_ns = 0;
		w.n_fired = 0;
		n = reactor_poll(w.r, 0);
		assert_int_equal(n, w.n_fired);
		w.in_poll = false;
		n_total += w.n_fired;
		/* whatever is still due was armed while the others fired */
		for (unsigned i = 0; i < WALKERS; i++) {
			assert_int_equal(timer_armed(&w.t[i]), w.want[i] != 0);
			if (w.want[i] && w.want[i] <= w.clock.now_ns)
				assert_int_equal(w.armed_in[i], step);
		}
	}
	assert_true(n_total > STEPS);
	reactor_destroy(w.r);
}

/* ---- many ---- */

static unsigned n_many;

static void count_many(struct reactor_timer *t)
{
	(void)t;
	n_many++;
}

/* Orders that make a naive heap deep: ascending, descending, and all equal; half is cancelled from either end. */
static void many_timers_need_no_stack(void **state)
{
	enum { N = 50000 };
	struct virtual_clock c = { .now_ns = 1 };
	struct reactor *r = new_reactor(&c);
	struct reactor_timer *t = calloc(N, sizeof(*t));

	(void)state;
	assert_non_null(t);
	for (int order = 0; order < 3; order++) {
		n_many = 0;
		for (unsigned i = 0; i < N; i++) {
			timer_init(&t[i], count_many);
			timer_arm(r, &t[i], c.now_ns + (order == 0 ? i + 1 : order == 1 ? N - i : 1));
		}
		for (unsigned i = 0; i < N; i += 2)
			timer_cancel(r, &t[order == 2 ? N - 1 - i : i]);
		c.now_ns += N;
		assert_int_equal(reactor_poll(r, 0), N / 2);
		assert_int_equal(n_many, N / 2);
	}
	free(t);
	reactor_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_once_at_its_deadline),
		cmocka_unit_test(odd_deadlines),
		cmocka_unit_test(rearming_in_the_past_fires_in_the_next_iteration),
		cmocka_unit_test(a_timer_may_cancel_another_that_is_due),
		cmocka_unit_test(a_timer_may_free_itself),
		cmocka_unit_test(random_walk_matches_an_array),
		cmocka_unit_test(many_timers_need_no_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
