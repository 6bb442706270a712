/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive buffers. Each is exactly as long as what arrived, so that an address sanitizer sees a read of one byte more.
 * A buffer that its user holds may outlive its connection.
 * Layer: fabric/sim. Knows base and rt.
 */
#include "internal.h"

#include <string.h>

static void rx_free(struct sim_rx *rx)
{
	struct sim_end *end = rx->end;

	end->n_rx_out--;
	end->link->w->n_rx_held--;
	free(rx->rx.data);
	free(rx);
	if (end->rnr_wait)
		exec_kick(end);
	link_put(end->link);
}

struct sim_rx *rx_make(struct sim_end *end, uint32_t len)
{
	struct sim_rx *rx = calloc(1, sizeof(*rx));

	if (!rx)
		abort();
	rx->rx.data = malloc(len ? len : 1);
	if (!rx->rx.data)
		abort();
	rx->rx.len_bytes = len;
	rx->rx.region = &rx->region;
	rx->region.base = rx->rx.data;
	rx->region.len_bytes = len;
	rx->region.key[SIM_KEY_SLOT] = end->f;
	rx->end = end;
	link_get(end->link);
	end->n_rx_out++;
	end->link->w->n_rx_held++;
	list_push_back(&end->rxq, &rx->node);
	if (!timer_armed(&end->rx_timer))
		timer_arm_in(end->base.reactor, &end->rx_timer, sim_delay_ns(end));
	return rx;
}

void rx_event(struct reactor_timer *t)
{
	struct sim_end *end = container_of(t, struct sim_end, rx_timer);
	uint32_t budget = 1 + rng_below(&end->rng, 8);
	struct list_node *n;

	while (budget-- && !end->closing && (n = list_pop_front(&end->rxq)))
		end->cbs->recv(end->ctx, &list_entry(n, struct sim_rx, node)->rx);
	if (!list_empty(&end->rxq) && !timer_armed(t))
		timer_arm_in(end->base.reactor, t, sim_delay_ns(end));
}

void rx_purge(struct sim_end *end)
{
	list_for_each_safe (n, &end->rxq) {
		list_del(n);
		rx_free(list_entry(n, struct sim_rx, node));
	}
}

void rx_release(struct fabric_rx *base)
{
	struct sim_rx *rx = container_of(base, struct sim_rx, rx);

	if (!reactor_is_mine(rx->end->base.reactor))
		sim_violation(rx->end->link->w, &rx->end->f->base, "rx_release() off the connection's reactor");
	rx_free(rx);
}

bool rx_low(const struct fabric_conn *conn)
{
	const struct sim_end *end = container_of(conn, const struct sim_end, base);

	return end->n_rx_out > end->f->n_spare_rx / 2;
}
