/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The order of a task set by task attributes: who of the waiting may start, and in which order they wait. libiscsi
 * sends everything as SIMPLE, so the gateway keeps the order before the bridge is given a command.
 *
 * The task set is that of one I_T nexus at one logical unit (in the terms of the Control mode page: TST 001b). A nexus
 * lives on one reactor, so no lock is needed; a set over nexuses would hold between two hosts of one reactor and not
 * between those of two, or of two gateways, and one host's stuck command would stop another's.
 *
 * A task is dormant in READY and enabled from there on. It has ended when the back-end answered it; a task that was
 * aborted, when it can no longer act. Commands that the gateway answers itself (REPORT LUNS and its like) are
 * processed at once, as SPC-4 allows for them.
 * Layer: core. Source: SAM-5 8.6 (task attributes), 8.7 (task set management).
 */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include "io.h"
#include "lu.h"

/* The slow halves of what follows. */
void order_place_ranked(struct task *t, bool again);
void order_ended(struct task *t);
void order_forget(struct task *t);

/* @t waits in lu->ready: HEAD OF QUEUE first, else as they came. @again: it was there before. */
static inline void order_place(struct task *t, bool again)
{
	/* The youngest goes last without a search. */
	if (t->attr == SRPGW_ATTR_SIMPLE && !again)
		list_push_back(&t->lu->ready, &t->node);
	else
		order_place_ranked(t, again);
}

/*
 * The head of lu->ready: HEAD OF QUEUE may always start, ORDERED when all that started have ended, SIMPLE when all
 * HEAD OF QUEUE and ORDERED that started have ended.
 */
bool order_may_start(const struct task *t);

/* It leaves READY. */
static inline void order_start(struct task *t)
{
	struct order *o = &t->lu->order;

	o->n_started++;
	if (t->ranked)
		o->n_barriers++;
}

/* It started, and ended or goes back to READY. */
static inline void order_end(struct task *t)
{
	struct order *o = &t->lu->order;

	o->n_started--;
	if (o->n_ranked > 0)
		order_ended(t);
}

/* It will not wait again. After order_end(). */
static inline void order_leave(struct task *t)
{
	if (t->ranked)
		order_forget(t);
}

/* An io that its task has left counts like one as long as it may act. Before the task's order_end(). */
void order_io_detached(struct io *io);
/* It can no longer act; idempotent. */
void order_io_left(struct io *io);

#endif
