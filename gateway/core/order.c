/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Task attributes, see order.h.
 * Layer: core. Source: SAM-5 8.6, 8.7.
 */
#include "order.h"

#include "path.h"

/* What may start has changed: the path looks again. */
static void wake(struct lu *lu)
{
	if (list_empty(&lu->ready) || lu->fence == LU_SHUT)
		return;
	if (!list_linked(&lu->ready_node))
		list_push_back(&lu->path->ready_lus, &lu->ready_node);
	path_mark(lu->path);
}

static bool goes_before(const struct task *a, const struct task *b)
{
	bool a_head = a->attr == SRPGW_ATTR_HEAD_OF_QUEUE, b_head = b->attr == SRPGW_ATTR_HEAD_OF_QUEUE;

	return a_head != b_head ? a_head : a->serial < b->serial;
}

void order_place_ranked(struct task *t, bool again)
{
	struct lu *lu = t->lu;

	if (t->attr != SRPGW_ATTR_SIMPLE && !t->ranked) {
		t->ranked = true;
		lu->order.n_ranked++;
	}
	/* Who returns is older than most that wait. */
	if (again || t->attr == SRPGW_ATTR_HEAD_OF_QUEUE) {
		list_for_each(pos, &lu->ready) {
			if (goes_before(t, list_entry(pos, struct task, node))) {
				list_insert_before(pos, &t->node);
				return;
			}
		}
	}
	list_push_back(&lu->ready, &t->node);
}

bool order_may_start(const struct task *t)
{
	const struct order *o = &t->lu->order;

	switch (t->attr) {
	case SRPGW_ATTR_HEAD_OF_QUEUE:
		return true;
	case SRPGW_ATTR_ORDERED:
		return o->n_started == 0;
	default:
		return o->n_barriers == 0;
	}
}

void order_ended(struct task *t)
{
	if (t->ranked)
		t->lu->order.n_barriers--;
	wake(t->lu);
}

void order_forget(struct task *t)
{
	t->ranked = false;
	t->lu->order.n_ranked--;
	wake(t->lu);
}

void order_io_detached(struct io *io)
{
	struct order *o = &io->lu->order;
	bool ranked = io->pub.task_attr != SRPGW_ATTR_SIMPLE;

	io->ordered = true;
	o->n_started++;
	o->n_barriers += ranked;
	o->n_ranked += ranked;
}

void order_io_left(struct io *io)
{
	struct order *o;
	bool ranked = io->pub.task_attr != SRPGW_ATTR_SIMPLE;

	if (!io->ordered)
		return;
	io->ordered = false;
	o = &io->lu->order;
	o->n_started--;
	o->n_barriers -= ranked;
	o->n_ranked -= ranked;
	wake(io->lu);
}
