/* SPDX-License-Identifier: BSD-3-Clause */
/* Watched descriptors: events, parking, and changes made inside callbacks of the same epoll batch. */
#include "rt_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>

struct end {
	struct reactor_watch w;
	struct reactor *r;
	int peer;
	unsigned n_called;
	uint32_t revents;
	void (*action)(struct end *e);
	struct end *other;
};

static void end_called(struct reactor_watch *w, uint32_t revents)
{
	struct end *e = container_of(w, struct end, w);

	e->n_called++;
	e->revents = revents;
	if (e->action)
		e->action(e);
}

static void end_open(struct end *e, struct reactor *r, uint32_t events)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	*e = (struct end){ .w = { .fn = end_called, .fd = sv[0], .events = events }, .r = r, .peer = sv[1] };
	assert_int_equal(reactor_watch_add(r, &e->w), 0);
}

static void end_close(struct end *e)
{
	reactor_watch_del(e->r, &e->w);
	if (e->w.fd >= 0)
		close(e->w.fd);
	if (e->peer >= 0)
		close(e->peer);
}

static void poke(struct end *e)
{
	assert_int_equal(write(e->peer, "x", 1), 1);
}

static void events_arrive_and_are_level_triggered(void **state)
{
	struct reactor *r = new_reactor(NULL);
	struct end e;
	char c;

	(void)state;
	end_open(&e, r, EPOLLIN);
	assert_int_equal(reactor_poll(r, 0), 0);
	poke(&e);
	assert_int_equal(reactor_poll(r, -1), 1);
	assert_int_equal(e.revents, EPOLLIN);
	assert_int_equal(reactor_poll(r, 0), 1); /* still readable */
	assert_int_equal(read(e.w.fd, &c, 1), 1);
	assert_int_equal(reactor_poll(r, 0), 0);
	assert_int_equal(reactor_watch_mod(r, &e.w, EPOLLIN | EPOLLOUT), 0);
	assert_int_equal(reactor_poll(r, 0), 1);
	assert_int_equal(e.revents, EPOLLOUT);
	assert_int_equal(reactor_stats(r)->n_fd_events, 3);
	end_close(&e);
	reactor_destroy(r);
}

static void a_parked_descriptor_is_silent_even_when_hung_up(void **state)
{
	struct reactor *r = new_reactor(NULL);
	struct end e;

	(void)state;
	end_open(&e, r, 0); /* added parked */
	poke(&e);
	close(e.peer);
	e.peer = -1;
	for (int i = 0; i < 3; i++)
		assert_int_equal(reactor_poll(r, 0), 0);
	assert_int_equal(reactor_watch_mod(r, &e.w, EPOLLIN), 0);
	assert_int_equal(reactor_poll(r, 0), 1);
	assert_true(e.revents & EPOLLHUP);
	assert_true(e.revents & EPOLLIN);
	assert_int_equal(reactor_watch_mod(r, &e.w, 0), 0);
	assert_int_equal(reactor_watch_mod(r, &e.w, 0), 0);
	assert_int_equal(reactor_poll(r, 0), 0);
	assert_int_equal(reactor_watch_mod(r, &e.w, EPOLLIN), 0);
	assert_int_equal(reactor_poll(r, 0), 1);
	end_close(&e);
	assert_int_equal(reactor_poll(r, 0), 0);
	reactor_destroy(r);
}

/* Two ends are ready in one batch; whichever is called first does something to the other, which must not be called. */
static void del_other(struct end *e)
{
	reactor_watch_del(e->r, &e->other->w);
}

static void del_and_close_other(struct end *e)
{
	end_close(e->other);
	e->other->w.fd = e->other->peer = -1;
}

static void park_other(struct end *e)
{
	assert_int_equal(reactor_watch_mod(e->r, &e->other->w, 0), 0);
}

static void make_other_uninterested(struct end *e)
{
	assert_int_equal(reactor_watch_mod(e->r, &e->other->w, EPOLLPRI), 0);
}

static void del_and_add_other(struct end *e)
{
	reactor_watch_del(e->r, &e->other->w);
	assert_int_equal(reactor_watch_add(e->r, &e->other->w), 0);
}

static void scribble_over_other(struct end *e)
{
	end_close(e->other);
	memset(e->other, 0xa5, sizeof(*e->other)); /* as free() might */
	e->other->w.fn = NULL;
}

static void changes_inside_a_batch_take_effect_at_once(void **state)
{
	static const struct {
		void (*action)(struct end *e);
		bool other_fires_later;
		bool other_is_gone;
	} rows[] = {
		{ del_other, false, false },
		{ del_and_close_other, false, false },
		{ park_other, false, false },
		{ make_other_uninterested, false, false },
		{ del_and_add_other, true, false },
		{ scribble_over_other, false, true },
	};

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		struct reactor *r = new_reactor(NULL);
		struct end a, b, *first, *second;

		end_open(&a, r, EPOLLIN);
		end_open(&b, r, EPOLLIN);
		a.other = &b;
		b.other = &a;
		a.action = b.action = rows[i].action;
		poke(&a);
		poke(&b);
		assert_int_equal(reactor_poll(r, 0), 1);
		first = a.n_called == 1 ? &a : &b;
		second = first->other;
		assert_int_equal(first->n_called, 1);
		first->action = NULL;
		if (!rows[i].other_is_gone) {
			assert_int_equal(second->n_called, 0);
			second->action = NULL;
		}
		assert_int_equal(reactor_poll(r, 0), rows[i].other_fires_later ? 2 : 1);
		assert_int_equal(first->n_called, 2);
		end_close(first);
		if (!rows[i].other_is_gone)
			end_close(second);
		reactor_destroy(r);
	}
}

static void free_me(struct end *e)
{
	unsigned *n = (unsigned *)(void *)e->other;

	end_close(e);
	free(e);
	++*n;
}

static void a_watch_may_remove_and_free_itself(void **state)
{
	struct reactor *r = new_reactor(NULL);
	unsigned n = 0;

	(void)state;
	for (int i = 0; i < 150; i++) { /* more than one batch */
		struct end *e = malloc(sizeof(*e));

		assert_non_null(e);
		end_open(e, r, EPOLLIN);
		e->action = free_me;
		e->other = (struct end *)(void *)&n;
		poke(e);
	}
	while (n < 150)
		assert_true(reactor_poll(r, 0) > 0);
	assert_int_equal(reactor_poll(r, 0), 0);
	reactor_destroy(r);
}

/* From a message and from a timer of the iteration in whose batch the event already waits. */
struct killer {
	struct reactor_msg msg;
	struct reactor_timer timer;
	struct end *victim;
};

static void kill_by_msg(struct reactor_msg *m)
{
	end_close(container_of(m, struct killer, msg)->victim);
}

static void kill_by_timer(struct reactor_timer *t)
{
	end_close(container_of(t, struct killer, timer)->victim);
}

static void removal_by_message_or_timer_is_in_time(void **state)
{
	(void)state;
	for (int by_timer = 0; by_timer < 2; by_timer++) {
		struct reactor *r = new_reactor(NULL);
		struct end e;
		struct killer k = { .msg.fn = kill_by_msg, .victim = &e };

		timer_init(&k.timer, kill_by_timer);
		end_open(&e, r, EPOLLIN);
		poke(&e);
		if (by_timer)
			timer_arm(r, &k.timer, 1);
		else
			reactor_send(r, &k.msg);
		assert_int_equal(reactor_poll(r, 0), 1);
		assert_int_equal(e.n_called, 0);
		reactor_destroy(r);
	}
}

static void errors_are_returned(void **state)
{
	struct reactor *r = new_reactor(NULL);
	struct reactor_watch w = { .fn = end_called, .fd = -1, .events = EPOLLIN };
	struct end e;
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(reactor_watch_add(r, &w), -EBADF);
	reactor_watch_del(r, &w); /* was never added */
	w.fd = file;
	assert_int_equal(reactor_watch_add(r, &w), -EPERM);
	reactor_watch_del(r, &w);
	memset(&w, 0, sizeof(w));
	reactor_watch_del(r, &w);
	end_open(&e, r, EPOLLIN);
	w = (struct reactor_watch){ .fn = end_called, .fd = e.w.fd, .events = EPOLLIN };
	assert_int_equal(reactor_watch_add(r, &w), -EEXIST);
	end_close(&e);
	reactor_watch_del(r, &e.w); /* twice */
	/* no watch is left, so this must not even look */
	assert_int_equal(reactor_poll(r, 0), 0);
	close(file);
	reactor_destroy(r);
}

/* The owner's bug: the descriptor is closed, and its number comes again, while the watch is still there. */
static void a_reused_number_does_no_harm(void **state)
{
	struct reactor *r = new_reactor(NULL);
	struct end old, fresh;
	int number;

	(void)state;
	end_open(&old, r, EPOLLIN);
	number = old.w.fd;
	close(number);
	assert_int_equal(reactor_poll(r, 0), 0);
	end_open(&fresh, r, EPOLLIN);
	assert_int_equal(fresh.w.fd, number);
	poke(&fresh);
	assert_int_equal(reactor_poll(r, 0), 1);
	assert_int_equal(fresh.n_called, 1);
	assert_int_equal(old.n_called, 0);
	reactor_watch_del(r, &old.w); /* takes the new one out of epoll's set: it goes deaf ... */
	assert_int_equal(reactor_poll(r, 0), 0);
	assert_int_equal(reactor_watch_mod(r, &fresh.w, EPOLLIN | EPOLLRDHUP), 0); /* ... until it says what it wants */
	assert_int_equal(reactor_poll(r, 0), 1);
	close(old.peer);
	end_close(&fresh);
	assert_int_equal(reactor_poll(r, 0), 0);
	reactor_destroy(r);
}

/* How libraries reconnect: the number stays, the socket behind it is another one. */
static void dup2_over_a_watched_descriptor_is_mended_by_mod(void **state)
{
	struct reactor *r = new_reactor(NULL);
	struct end e;
	int sv[2];

	(void)state;
	end_open(&e, r, EPOLLIN);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	assert_int_equal(dup2(sv[0], e.w.fd), e.w.fd);
	close(sv[0]);
	assert_int_equal(reactor_watch_mod(r, &e.w, EPOLLIN | EPOLLOUT), 0);
	assert_int_equal(reactor_poll(r, 0), 1);
	assert_int_equal(e.revents, EPOLLOUT);
	close(sv[1]);
	end_close(&e);
	reactor_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_arrive_and_are_level_triggered),
		cmocka_unit_test(a_parked_descriptor_is_silent_even_when_hung_up),
		cmocka_unit_test(changes_inside_a_batch_take_effect_at_once),
		cmocka_unit_test(a_watch_may_remove_and_free_itself),
		cmocka_unit_test(removal_by_message_or_timer_is_in_time),
		cmocka_unit_test(errors_are_returned),
		cmocka_unit_test(a_reused_number_does_no_harm),
		cmocka_unit_test(dup2_over_a_watched_descriptor_is_mended_by_mod),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
