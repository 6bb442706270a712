/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Timers: an intrusive pairing heap. Arming is O(1), firing and cancelling O(log n) amortized; nothing recurses, so
 * ten thousand timers cost no stack. A node's prev is its left sibling, or its parent when it is the first child;
 * a root has none. Layer: rt. Knows base and libc.
 */
#include "reactor_private.h"

/* Makes one tree of two roots; of equal deadlines @a's comes first. Either may be NULL. */
static struct reactor_timer *meld(struct reactor_timer *a, struct reactor_timer *b)
{
	if (!a || !b)
		return a ? a : b;
	if (b->deadline_ns < a->deadline_ns) {
		struct reactor_timer *t = a;

		a = b;
		b = t;
	}
	b->prev = a;
	b->sibling = a->child;
	if (b->sibling)
		b->sibling->prev = b;
	a->child = b;
	return a;
}

static struct reactor_timer *detach(struct reactor_timer *t)
{
	t->prev = NULL;
	t->sibling = NULL;
	return t;
}

/* Makes one tree of a list of siblings: in pairs from left to right, then the pairs from right to left. */
static struct reactor_timer *meld_siblings(struct reactor_timer *t)
{
	struct reactor_timer *pairs = NULL, *root = NULL; /* pairs: stack, linked by sibling */

	while (t) {
		struct reactor_timer *a = t, *b = a->sibling;

		t = b ? b->sibling : NULL;
		detach(a);
		if (b)
			a = meld(a, detach(b));
		a->sibling = pairs;
		pairs = a;
	}
	while (pairs) {
		struct reactor_timer *next = pairs->sibling;

		root = meld(root, detach(pairs));
		pairs = next;
	}
	return root;
}

/* Takes @t out of whichever tree it is in; its children take its place, as they are due no earlier than its parent. */
static void heap_remove(struct timer_heap *h, struct reactor_timer *t)
{
	struct reactor_timer *heir = meld_siblings(t->child), *next = heir ? heir : t->sibling;

	if (t == h->root) {
		h->root = heir;
	} else if (t == h->fresh) {
		h->fresh = heir;
	} else {
		if (t->prev->child == t)
			t->prev->child = next;
		else
			t->prev->sibling = next;
		if (heir) {
			heir->prev = t->prev;
			heir->sibling = t->sibling;
			if (t->sibling)
				t->sibling->prev = heir;
		} else if (t->sibling) {
			t->sibling->prev = t->prev;
		}
	}
	t->child = NULL;
	detach(t);
	t->deadline_ns = 0;
}

void timer_init(struct reactor_timer *t, void (*fn)(struct reactor_timer *t))
{
	*t = (struct reactor_timer){ .fn = fn };
}

void timer_cancel(struct reactor *r, struct reactor_timer *t)
{
	if (timer_armed(t))
		heap_remove(&r->timers, t);
}

void timer_arm(struct reactor *r, struct reactor_timer *t, uint64_t deadline_ns)
{
	struct timer_heap *h = &r->timers;

	timer_cancel(r, t);
	t->deadline_ns = deadline_ns ? deadline_ns : 1; /* 0 means not armed */
	if (h->firing)
		h->fresh = meld(h->fresh, t);
	else
		h->root = meld(h->root, t);
}

void timer_arm_in(struct reactor *r, struct reactor_timer *t, uint64_t delay_ns)
{
	uint64_t now_ns = reactor_now_ns(r);

	timer_arm(r, t, delay_ns < UINT64_MAX - now_ns ? now_ns + delay_ns : UINT64_MAX);
}

uint64_t reactor_next_deadline_ns(const struct reactor *r)
{
	uint64_t root_ns = r->timers.root ? r->timers.root->deadline_ns : UINT64_MAX;
	uint64_t fresh_ns = r->timers.fresh ? r->timers.fresh->deadline_ns : UINT64_MAX;

	return root_ns < fresh_ns ? root_ns : fresh_ns;
}

int timers_run(struct reactor *r, uint64_t now_ns)
{
	struct timer_heap *h = &r->timers;
	int n = 0;

	h->firing = true;
	while (h->root && h->root->deadline_ns <= now_ns) {
		struct reactor_timer *t = h->root;

		heap_remove(h, t);
		t->fn(t); /* may free it */
		n++;
	}
	h->firing = false;
	h->root = meld(h->root, h->fresh);
	h->fresh = NULL;
	r->stats.n_timers += (uint64_t)n;
	return n;
}
