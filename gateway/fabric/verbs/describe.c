/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices and listeners for the status document.
 * Layer: fabric. Control reactor.
 */
#include "internal.h"

#include <stdio.h>

typedef void emit_fn(void *arg, const char *device, const char *key, const char *value);

static const char *link_layer(uint8_t layer)
{
	return layer == IBV_LINK_LAYER_INFINIBAND ? "InfiniBand" : layer == IBV_LINK_LAYER_ETHERNET ? "Ethernet" : "unknown";
}

static void describe_ports(struct verbs_dev *d, emit_fn *emit, void *arg)
{
	for (uint8_t port = 1; port <= d->attr.phys_port_cnt; port++) {
		struct ibv_port_attr pa;
		char key[32], value[96];

		if (ibv_query_port(d->ctx, port, &pa))
			continue;
		snprintf(key, sizeof(key), "port %u", port);
		snprintf(value, sizeof(value), "%s, %s, MTU %u", ibv_port_state_str(pa.state), link_layer(pa.link_layer),
			 128u << pa.active_mtu);
		emit(arg, d->name, key, value);
	}
}

static void describe_dev(struct verbs_dev *d, emit_fn *emit, void *arg)
{
	uint32_t n_held = 0, n_rx = 0;
	char value[64];

	list_for_each(n, &d->lanes) {
		const struct verbs_lane *l = list_entry(n, struct verbs_lane, node);

		n_rx += l->rx.n_rx;
		n_held += atomic_load_explicit(&l->rx.n_held, memory_order_relaxed);
	}
	emit(arg, d->name, "state", d->gone ? "being removed" : "in use");
	emit(arg, d->name, "transport", d->caps.iwarp ? "iWARP" : "InfiniBand");
	emit(arg, d->name, "receive queues", d->caps.srq ? "shared" : "per connection");
	snprintf(value, sizeof(value), "%u", d->n_conns);
	emit(arg, d->name, "connections", value);
	snprintf(value, sizeof(value), "%u", n_rx);
	emit(arg, d->name, "receive buffers", value);
	snprintf(value, sizeof(value), "%u", n_held);
	emit(arg, d->name, "receive buffers held", value);
	if (!d->gone)
		describe_ports(d, emit, arg);
}

void verbs_describe(struct fabric *fabric, emit_fn *emit, void *arg)
{
	struct verbs_fabric *f = verbs_fabric_of(fabric);

	list_for_each(n, &f->devs)
		describe_dev(list_entry(n, struct verbs_dev, node), emit, arg);
	list_for_each(n, &f->listeners) {
		const struct fabric_listener *l = list_entry(n, struct fabric_listener, node);
		char addr[FABRIC_ADDR_STRLEN];

		emit(arg, l->id && l->id->verbs ? ibv_get_device_name(l->id->verbs->device) : "*",
		     l->id ? "listens on" : "waits for", fabric_addr_str(&l->addr, addr));
	}
}
