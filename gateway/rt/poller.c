/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollers: called once per iteration. A walk keeps its place in the set, so that any poller may be added or removed
 * from inside a callback. Layer: rt. Knows base and libc.
 */
#include "reactor_private.h"

void pollers_init(struct poller_set *s)
{
	list_init(&s->all);
	s->next = NULL;
}

void reactor_poller_add(struct reactor *r, struct reactor_poller *p)
{
	struct poller_set *s = &r->pollers;

	list_push_back(&s->all, &p->node);
	r->hot = true; /* what came before it was added must be found before the loop sleeps */
}

void reactor_poller_del(struct reactor *r, struct reactor_poller *p)
{
	struct poller_set *s = &r->pollers;

	if (!p->node.next || !list_linked(&p->node))
		return;
	if (s->next == &p->node)
		s->next = p->node.next;
	list_del(&p->node);
}

/* Return: the next poller of the walk that s->next belongs to, or NULL. */
static struct reactor_poller *walk(struct poller_set *s)
{
	struct list_node *n = s->next;

	if (n == &s->all.head)
		return NULL;
	s->next = n->next;
	return list_entry(n, struct reactor_poller, node);
}

int pollers_run(struct reactor *r)
{
	struct poller_set *s = &r->pollers;
	struct reactor_poller *p;
	int n = 0;

	s->next = s->all.head.next;
	while ((p = walk(s)))
		n += p->poll(p);
	s->next = NULL;
	return n;
}

bool pollers_arm(struct reactor *r)
{
	struct poller_set *s = &r->pollers;
	struct reactor_poller *p;
	bool quiet = true;

	s->next = s->all.head.next;
	while (quiet && (p = walk(s)))
		quiet = !p->arm || p->arm(p) == 0;
	s->next = NULL;
	return quiet;
}
