/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive buffers: one arena per lane, shared by its connections like a shared receive queue. A connection holds at
 * most as many as were asked for it; one that finds none stops reading until a buffer comes back. Layer: fabric/iwarp.
 * The lane's reactor.
 */
#include "internal.h"

#include <errno.h>
#include <sys/mman.h>

int iwarp_rx_init(struct iwarp_lane *l)
{
	uint32_t n = l->fabric->params.rx_buffers, rx_bytes = l->fabric->params.rx_bytes;
	size_t size = (size_t)n * rx_bytes;
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	list_init(&l->rx_free);
	if (base == MAP_FAILED)
		return -ENOMEM;
	l->rx_region.base = base;
	l->rx_region.len_bytes = size;
	l->rx = calloc(n, sizeof(*l->rx));
	if (!l->rx)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		struct iwarp_rx *rx = &l->rx[i];

		rx->base.data = base + (size_t)i * rx_bytes;
		rx->base.region = &l->rx_region;
		rx->lane = l;
		list_push_back(&l->rx_free, &rx->node);
	}
	l->n_rx = l->n_rx_free = n;
	return 0;
}

void iwarp_rx_fini(struct iwarp_lane *l)
{
	if (l->rx_region.base)
		munmap(l->rx_region.base, l->rx_region.len_bytes);
	free(l->rx);
}

struct iwarp_rx *iwarp_rx_get(struct iwarp_conn *c)
{
	struct iwarp_lane *l = c->lane;
	struct iwarp_rx *rx;

	if (!l->n_rx_free || c->n_rx_held >= c->n_recv)
		return NULL;
	rx = list_entry(list_pop_front(&l->rx_free), struct iwarp_rx, node);
	l->n_rx_free--;
	rx->conn = c;
	rx->base.len_bytes = 0;
	list_push_back(&c->rx_held, &rx->node);
	c->n_rx_held++;
	iwarp_count(&l->count.rx_held, 1);
	return rx;
}

void iwarp_rx_put(struct iwarp_rx *rx)
{
	struct iwarp_lane *l = rx->lane;

	list_del(&rx->node);
	if (rx->conn)
		rx->conn->n_rx_held--;
	rx->conn = NULL;
	list_push_front(&l->rx_free, &rx->node); /* the warmest first */
	l->n_rx_free++;
	iwarp_count(&l->count.rx_held, -1);
	/* All who wait get a chance: the first may wait for its own share. */
	list_for_each(n, &l->starved)
		iwarp_lane_want(list_entry(n, struct iwarp_conn, starved));
}

void iwarp_rx_orphan(struct iwarp_conn *c)
{
	struct list_node *n;

	while ((n = list_pop_front(&c->rx_held)))
		list_entry(n, struct iwarp_rx, node)->conn = NULL;
	c->n_rx_held = 0;
}

void iwarp_rx_release(struct fabric_rx *rx)
{
	iwarp_rx_put(container_of(rx, struct iwarp_rx, base));
}

bool iwarp_rx_low(const struct fabric_conn *conn)
{
	const struct iwarp_conn *c = container_of(conn, const struct iwarp_conn, base);

	return c->lane->n_rx_free < c->lane->n_rx / 2;
}
