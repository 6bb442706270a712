/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages between threads: order per sender, no loss, no lost wake-up (a lost one hangs the test until its alarm), and
 * what a message's fn may do with the message.
 */
#include "rt_unit.h"

#include <pthread.h>
#include <signal.h>

/* ---- one thread ---- */

struct note {
	struct reactor_msg msg;
	struct reactor *r;
	int value;
	unsigned resend;
};

static int got[64];
static unsigned n_got;

static void keep_value(struct reactor_msg *m)
{
	got[n_got++ % N_OF(got)] = container_of(m, struct note, msg)->value;
}

static void messages_keep_their_order(void **state)
{
	struct virtual_clock c = { 0 };
	struct reactor *r = new_reactor(&c);
	struct note n[10];

	(void)state;
	n_got = 0;
	assert_false(reactor_has_msgs(r));
	for (int i = 0; i < 10; i++) {
		n[i] = (struct note){ .msg.fn = keep_value, .value = i };
		reactor_send(r, &n[i].msg);
		assert_true(reactor_has_msgs(r));
	}
	assert_int_equal(n_got, 0);
	assert_int_equal(reactor_poll(r, 0), 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(got[i], i);
	assert_false(reactor_has_msgs(r));
	assert_int_equal(reactor_poll(r, 0), 0);
	assert_int_equal(reactor_stats(r)->n_msgs, 10);
	reactor_destroy(r);
}

static void send_again(struct reactor_msg *m)
{
	struct note *n = container_of(m, struct note, msg);

	n->value++;
	if (n->resend) {
		n->resend--;
		reactor_send(n->r, m);
	}
}

static void free_note(struct reactor_msg *m)
{
	n_got++;
	free(container_of(m, struct note, msg));
}

static void a_message_may_be_sent_again_or_freed(void **state)
{
	struct virtual_clock c = { 0 };
	struct reactor *r = new_reactor(&c);
	struct note n = { .msg.fn = send_again, .r = r, .resend = 3 };

	(void)state;
	n_got = 0;
	for (int i = 0; i < 5; i++) {
		struct note *f = malloc(sizeof(*f));

		assert_non_null(f);
		f->msg.fn = free_note;
		reactor_send(r, &f->msg);
	}
	reactor_send(r, &n.msg);
	assert_int_equal(reactor_poll(r, 0), 6);
	assert_int_equal(n_got, 5);
	for (int i = 2; i <= 4; i++) { /* once per iteration, so it cannot starve the rest */
		assert_int_equal(reactor_poll(r, 0), 1);
		assert_int_equal(n.value, i);
	}
	assert_int_equal(reactor_poll(r, 0), 0);
	reactor_destroy(r);
}

static void messages_nobody_handled_are_reported(void **state)
{
	struct virtual_clock c = { 0 };
	struct reactor *r = new_reactor(&c);
	struct note n[3];
	struct logged l = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		n[i] = (struct note){ .msg.fn = keep_value };
		reactor_send(r, &n[i].msg);
	}
	log_set_hook(note_line, &l);
	reactor_destroy(r);
	log_set_hook(NULL, NULL);
	assert_int_equal(l.n, 1);
	assert_non_null(strstr(l.last, "3 messages"));
}

/* ---- many senders, one receiver ---- */

enum { SENDERS = 4, PER_SENDER = 20000, WINDOW = 64 };

struct sender {
	pthread_t thread;
	struct reactor *to;
	struct parcel {
		struct reactor_msg msg;
		struct sender *from;
		unsigned number;
		atomic_bool free;
	} parcel[WINDOW];
	unsigned n_received; /* receiver's */
	bool disordered;
	unsigned *n_all; /* receiver's */
};

static void parcel_arrived(struct reactor_msg *m)
{
	struct parcel *p = container_of(m, struct parcel, msg);
	struct sender *s = p->from;

	if (p->number != s->n_received++)
		s->disordered = true;
	if (++*s->n_all == SENDERS * PER_SENDER)
		reactor_stop(s->to);
	atomic_store_explicit(&p->free, true, memory_order_release);
}

static void *send_all(void *arg)
{
	struct sender *s = arg;

	for (unsigned i = 0; i < PER_SENDER; i++) {
		struct parcel *p = &s->parcel[i % WINDOW];

		while (!atomic_load_explicit(&p->free, memory_order_acquire))
			sched_yield();
		atomic_store_explicit(&p->free, false, memory_order_relaxed);
		p->number = i;
		p->from = s;
		p->msg.fn = parcel_arrived;
		reactor_send(s->to, &p->msg);
	}
	return NULL;
}

static void many_senders_keep_their_order_and_lose_nothing(void **state)
{
	struct reactor *r = new_reactor(NULL);
	struct sender *s = calloc(SENDERS, sizeof(*s));
	unsigned n_all = 0;

	(void)state;
	assert_non_null(s);
	for (int i = 0; i < SENDERS; i++) {
		s[i].to = r;
		s[i].n_all = &n_all;
		for (int k = 0; k < WINDOW; k++)
			atomic_init(&s[i].parcel[k].free, true);
		assert_int_equal(pthread_create(&s[i].thread, NULL, send_all, &s[i]), 0);
	}
	reactor_run(r);
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(s[i].thread, NULL);
		assert_int_equal(s[i].n_received, PER_SENDER);
		assert_false(s[i].disordered);
	}
	assert_int_equal(reactor_stats(r)->n_msgs, SENDERS * PER_SENDER);
	free(s);
	reactor_destroy(r);
}

/* ---- ping-pong: each hop has to wake a reactor that sleeps or is just about to ---- */

enum { HOPS = 6000 };

struct ball {
	struct reactor_msg msg;
	struct reactor *side[2];
	unsigned n_hops;
	unsigned n_wrong_thread;
};

static void hop(struct reactor_msg *m)
{
	struct ball *b = container_of(m, struct ball, msg);
	unsigned here = b->n_hops & 1;

	/* until it first runs, its maker owns the other side */
	if (!reactor_is_mine(b->side[here]) || (b->n_hops && reactor_is_mine(b->side[!here])))
		b->n_wrong_thread++;
	if (++b->n_hops == HOPS) {
		reactor_stop(b->side[0]);
		reactor_stop(b->side[1]);
		return;
	}
	reactor_send(b->side[!here], m);
}

static void *run(void *arg)
{
	reactor_run(arg);
	return NULL;
}

static void no_wake_up_is_lost(void **state)
{
	struct ball b = { .msg.fn = hop };
	pthread_t t;

	(void)state;
	b.side[0] = new_reactor(NULL);
	b.side[1] = new_reactor(NULL);
	assert_int_equal(pthread_create(&t, NULL, run, b.side[1]), 0);
	reactor_send(b.side[0], &b.msg);
	reactor_run(b.side[0]);
	pthread_join(t, NULL);
	assert_int_equal(b.n_hops, HOPS);
	assert_int_equal(b.n_wrong_thread, 0);
	reactor_destroy(b.side[0]);
	reactor_destroy(b.side[1]);
}

/* ---- stop ---- */

static void *send_and_stop(void *arg)
{
	static struct note n[100];
	struct reactor *r = arg;

	for (int i = 0; i < 100; i++) {
		n[i] = (struct note){ .msg.fn = keep_value, .value = i };
		reactor_send(r, &n[i].msg);
	}
	reactor_stop(r);
	return NULL;
}

static void messages_sent_before_the_stop_are_handled(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		struct reactor *r = new_reactor(NULL);
		pthread_t t;

		n_got = 0;
		assert_int_equal(pthread_create(&t, NULL, send_and_stop, r), 0);
		if (round % 2)
			pthread_join(t, NULL); /* stopped before it runs */
		reactor_run(r);
		assert_int_equal(n_got, 100);
		if (!(round % 2))
			pthread_join(t, NULL);
		reactor_destroy(r);
	}
}

static struct reactor *stop_on_signal;

static void on_signal(int sig)
{
	(void)sig;
	reactor_stop(stop_on_signal);
}

static void *send_signal(void *arg)
{
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static void a_signal_handler_may_stop(void **state)
{
	struct sigaction sa = { .sa_handler = on_signal };
	pthread_t self = pthread_self(), t;

	(void)state;
	sigaction(SIGUSR1, &sa, NULL);
	for (int round = 0; round < 50; round++) {
		stop_on_signal = new_reactor(NULL);
		assert_int_equal(pthread_create(&t, NULL, send_signal, &self), 0);
		reactor_run(stop_on_signal); /* the signal comes before, in or around epoll_wait */
		pthread_join(t, NULL);
		reactor_destroy(stop_on_signal);
	}
}

static void a_reactor_can_run_again_after_a_stop(void **state)
{
	struct reactor *r = new_reactor(NULL);
	struct note n = { .msg.fn = keep_value };

	(void)state;
	for (int i = 0; i < 3; i++) {
		n_got = 0;
		reactor_send(r, &n.msg);
		reactor_stop(r);
		reactor_run(r);
		assert_int_equal(n_got, 1);
	}
	reactor_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_keep_their_order),
		cmocka_unit_test(a_message_may_be_sent_again_or_freed),
		cmocka_unit_test(messages_nobody_handled_are_reported),
		cmocka_unit_test(many_senders_keep_their_order_and_lose_nothing),
		cmocka_unit_test(no_wake_up_is_lost),
		cmocka_unit_test(messages_sent_before_the_stop_are_handled),
		cmocka_unit_test(a_signal_handler_may_stop),
		cmocka_unit_test(a_reactor_can_run_again_after_a_stop),
	};

	alarm(60); /* a hang is a failure */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
