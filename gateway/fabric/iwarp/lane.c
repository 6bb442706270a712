/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lane: what the connections of one reactor share. Its poller does their work at the end of each iteration, so that
 * whatever an iteration posts to a connection goes out in one system call. Layer: fabric/iwarp.
 */
#include "internal.h"

#include <errno.h>
#include <sys/random.h>

#define TICK_NS (250 * NS_PER_MS)

enum { ROUNDS = 4 };

/* Return: number of connections that still have something to do; they get it after the others had their events. */
static int do_work(struct iwarp_lane *l)
{
	/* Callbacks make more work: a few rounds save the loop an iteration. */
	for (int round = 0; round < ROUNDS && !list_empty(&l->work); round++) {
		struct list now;

		list_init(&now);
		list_splice_back(&now, &l->work);
		for (struct list_node *n; (n = list_pop_front(&now));)
			iwarp_conn_work(list_entry(n, struct iwarp_conn, work));
	}
	return !list_empty(&l->work);
}

static int on_poll(struct reactor_poller *p)
{
	return do_work(container_of(p, struct iwarp_lane, poller));
}

/* What other pollers posted after ours ran. */
static int on_arm(struct reactor_poller *p)
{
	struct iwarp_lane *l = container_of(p, struct iwarp_lane, poller);

	if (list_empty(&l->work))
		return 0;
	do_work(l);
	return 1; /* the callbacks may have made work for others */
}

static void on_tick(struct reactor_timer *t)
{
	struct iwarp_lane *l = container_of(t, struct iwarp_lane, tick);
	uint64_t now_ns = reactor_now_ns(l->reactor);
	bool more = false;

	list_for_each_safe(n, &l->conns) {
		struct iwarp_conn *c = list_entry(n, struct iwarp_conn, node);

		iwarp_conn_check(c, now_ns);
		more |= iwarp_conn_has_deadline(c);
	}
	if (more)
		iwarp_lane_watchdog(l);
}

void iwarp_lane_watchdog(struct iwarp_lane *l)
{
	if (!timer_armed(&l->tick))
		timer_arm_in(l->reactor, &l->tick, TICK_NS);
}

uint32_t iwarp_lane_random(struct iwarp_lane *l)
{
	if (l->n_random == 0) {
		/* Up to 256 bytes come whole, or not at all before the kernel's pool is ready. */
		while (getrandom(l->random, sizeof(l->random), 0) < 0 && errno == EINTR)
			;
		l->n_random = sizeof(l->random) / sizeof(l->random[0]);
	}
	return l->random[--l->n_random];
}

static struct iwarp_lane *lane_new(struct iwarp_fabric *f, struct reactor *r)
{
	struct iwarp_lane *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->fabric = f;
	l->reactor = r;
	l->poller.poll = on_poll;
	l->poller.arm = on_arm;
	timer_init(&l->tick, on_tick);
	list_init(&l->conns);
	list_init(&l->work);
	list_init(&l->starved);
	list_node_init(&l->node);
	l->staging = malloc(IWARP_STAGING_BYTES);
	if (!l->staging || iwarp_rx_init(l)) {
		iwarp_lane_free(l);
		return NULL;
	}
	return l;
}

int iwarp_lane_get(struct iwarp_fabric *f, struct reactor *r, struct iwarp_lane **out)
{
	struct iwarp_lane *l;

	list_for_each(n, &f->lanes) {
		l = list_entry(n, struct iwarp_lane, node);
		if (l->reactor == r) {
			*out = l;
			return 0;
		}
	}
	l = lane_new(f, r);
	if (!l)
		return -ENOMEM;
	list_push_back(&f->lanes, &l->node);
	*out = l;
	return 0;
}

void iwarp_lane_start(struct iwarp_lane *l)
{
	if (l->started)
		return;
	l->started = true;
	reactor_poller_add(l->reactor, &l->poller);
}

void iwarp_lane_free(struct iwarp_lane *l)
{
	if (l->started) {
		reactor_poller_del(l->reactor, &l->poller);
		timer_cancel(l->reactor, &l->tick);
	}
	list_del(&l->node);
	iwarp_rx_fini(l);
	free(l->staging);
	free(l);
}
