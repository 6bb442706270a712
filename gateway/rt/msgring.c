/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages between reactors: an intrusive, lock-free stack that many threads push onto and the owner takes whole.
 *
 * The word `newest` is all the shared state. It is NULL (empty), &asleep (empty, and the owner sleeps or is about to)
 * or the newest message. Because "asleep" and "empty" are one word, no sleeping flag has to be ordered against the
 * queue, and the proof that no wake-up is lost needs no fence:
 *
 *   1. The owner sleeps only after its compare-and-swap NULL -> &asleep succeeded. A message pushed before makes that
 *      fail.
 *   2. All changes of one word have one order. After that swap the next change is either the owner's own, made awake
 *      (it takes the stack), or a push. That push replaces &asleep, therefore its sender, and only it, saw &asleep,
 *      and writes to the wake-up descriptor.
 *   3. The descriptor is level-triggered and read only by the owner, between waking and the next attempt to sleep, so
 *      such a write ends the sleep whether it comes before or after epoll_wait() begins. If the owner had woken for
 *      another reason, it wakes once more for nothing.
 *
 * Pushing again what was popped cannot confuse a push (ABA): a push compares the head with the value that it has just
 * stored into msg->next, so whatever happened in between, the link is right when the swap succeeds; nobody pops one.
 * Per sender the order is kept: its pushes are ordered in `newest`, and the taker turns the stack over.
 *
 * Layer: rt. Knows base and libc.
 */
#include "reactor_private.h"

void msgring_init(struct msgring *q)
{
	atomic_init(&q->newest, NULL);
}

void reactor_send(struct reactor *to, struct reactor_msg *msg)
{
	struct msgring *q = &to->msgs;
	struct reactor_msg *old = atomic_load_explicit(&q->newest, memory_order_relaxed);

	do {
		struct reactor_msg *next = old == &q->asleep ? NULL : old;

		atomic_store_explicit(&msg->next, next, memory_order_relaxed);
		/* release: the receiver sees all that the sender wrote before */
	} while (!atomic_compare_exchange_weak_explicit(&q->newest, &old, msg, memory_order_release,
							memory_order_relaxed));
	/* From here on msg belongs to the receiver. */
	if (old == &q->asleep)
		reactor_wake(to);
}

bool msgring_try_sleep(struct msgring *q)
{
	struct reactor_msg *expected = NULL;

	return atomic_compare_exchange_strong(&q->newest, &expected, &q->asleep) || expected == &q->asleep;
}

bool reactor_has_msgs(const struct reactor *r)
{
	const struct reactor_msg *m = atomic_load_explicit(&r->msgs.newest, memory_order_acquire);

	return m && m != &r->msgs.asleep;
}

/* Takes all messages, oldest first. */
static struct reactor_msg *take_all(struct msgring *q)
{
	struct reactor_msg *m, *oldest = NULL;

	/* The plain look first: an exchange would pull the cache line away from the senders in every iteration. */
	if (!atomic_load_explicit(&q->newest, memory_order_relaxed))
		return NULL;
	/* acquire pairs with every push: a read-modify-write continues the release sequence of the one before */
	m = atomic_exchange_explicit(&q->newest, NULL, memory_order_acquire);
	if (m == &q->asleep)
		return NULL;
	while (m) {
		struct reactor_msg *next = atomic_load_explicit(&m->next, memory_order_relaxed);

		atomic_store_explicit(&m->next, oldest, memory_order_relaxed);
		oldest = m;
		m = next;
	}
	return oldest;
}

int msgring_run(struct reactor *r)
{
	struct reactor_msg *m = take_all(&r->msgs);
	int n = 0;

	while (m) {
		struct reactor_msg *next = atomic_load_explicit(&m->next, memory_order_relaxed);

		m->fn(m); /* may free or send it again */
		m = next;
		n++;
	}
	r->stats.n_msgs += (uint64_t)n;
	return n;
}

unsigned msgring_discard(struct msgring *q)
{
	unsigned n = 0;

	for (struct reactor_msg *m = take_all(q); m; m = atomic_load_explicit(&m->next, memory_order_relaxed))
		n++;
	return n;
}
