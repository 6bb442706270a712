/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A simulated device: listeners, memory registration, its operations table, and the ways to lose it.
 * Layer: fabric/sim. Knows base and rt.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int sim_listen(struct fabric *base, const struct fabric_addr *addr, const struct fabric_listen_cbs *cbs, void *arg,
		      struct fabric_listener **out, struct err *e)
{
	struct sim_fabric *f = sim_of(base);
	struct fabric_listener *l;
	char text[FABRIC_ADDR_STRLEN];
	int rc = 0;

	if (!reactor_is_mine(f->control))
		sim_violation(f->w, base, "listen() off the control reactor");
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(e, -ENOMEM, "no memory for a listener");
	*l = (struct fabric_listener){ .f = f, .addr = *addr, .cbs = cbs, .arg = arg };
	pthread_mutex_lock(&f->w->lock);
	list_for_each (n, &f->w->listeners) {
		struct fabric_listener *o = list_entry(n, struct fabric_listener, node);

		if (o->addr.ss_len == addr->ss_len && !memcmp(&o->addr.ss, &addr->ss, addr->ss_len))
			rc = -EADDRINUSE;
	}
	if (!rc)
		list_push_back(&f->w->listeners, &l->node);
	pthread_mutex_unlock(&f->w->lock);
	if (rc) {
		free(l);
		return err_set(e, rc, "%s is taken", fabric_addr_str(addr, text));
	}
	*out = l;
	return 0;
}

static void sim_unlisten(struct fabric_listener *l)
{
	struct sim_world *w = l->f->w;

	pthread_mutex_lock(&w->lock);
	list_del(&l->node);
	pthread_mutex_unlock(&w->lock);
	free(l);
}

static void sim_limits(struct fabric_conn *conn, struct fabric_limits *out)
{
	*out = end_of(conn)->f->limits;
}

static int sim_mem_add(struct fabric *base, struct mem_region *region)
{
	struct sim_fabric *f = sim_of(base);
	void *none = NULL;

	if (!atomic_compare_exchange_strong(&region->key[SIM_KEY_SLOT], &none, f))
		return -EBUSY;
	f->w->n_regions++;
	return 0;
}

static void sim_mem_del(struct fabric *base, struct mem_region *region)
{
	struct sim_fabric *f = sim_of(base);
	void *mine = f;

	if (!atomic_compare_exchange_strong(&region->key[SIM_KEY_SLOT], &mine, NULL))
		sim_violation(f->w, base, "mem_del() of memory that is not registered");
	else
		f->w->n_regions--;
}

static void sim_destroy(struct fabric *base)
{
	struct sim_fabric *f = sim_of(base);

	bool used = false;

	pthread_mutex_lock(&f->w->lock);
	list_for_each (n, &f->w->links) {
		struct sim_link *l = list_entry(n, struct sim_link, node);

		for (int k = 0; k < 2; k++)
			used = used || (l->end[k].f == f && (l->end[k].n_rx_out || (l->end[k].state != END_CLOSED &&
										     l->end[k].state != END_NEW)));
	}
	pthread_mutex_unlock(&f->w->lock);
	if (used)
		sim_violation(f->w, base, "destroyed with connections, or with receive buffers that nobody released");
	free(f);
}

static void sim_describe(struct fabric *base, void (*emit)(void *arg, const char *device, const char *key, const char *value),
			 void *arg)
{
	struct sim_fabric *f = sim_of(base);

	emit(arg, f->name, "state", f->removed ? "removed" : "active");
}

static const struct fabric_ops sim_ops = {
	.name = "sim",
	.listen = sim_listen,
	.unlisten = sim_unlisten,
	.limits = sim_limits,
	.accept = connect_accept,
	.reject = connect_reject,
	.connect = connect_start,
	.mem_add = sim_mem_add,
	.mem_del = sim_mem_del,
	.expose = expose,
	.unexpose = unexpose,
	.post = post_op,
	.sq_free = post_sq_free,
	.rx_release = rx_release,
	.rx_low = rx_low,
	.close = end_close,
	.destroy = sim_destroy,
	.describe = sim_describe,
};

int sim_fabric_create(struct sim_world *w, const char *name, struct reactor *control, const struct fabric_limits *limits,
		      uint32_t n_spare_rx, struct fabric **out)
{
	static const struct fabric_limits none;
	struct sim_fabric *f = calloc(1, sizeof(*f));
	struct fabric_limits *l;

	if (!f)
		return -ENOMEM;
	f->base.ops = &sim_ops;
	f->w = w;
	f->control = control;
	f->n_spare_rx = n_spare_rx;
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->limits = limits ? *limits : none;
	l = &f->limits;
	l->sq_depth = l->sq_depth ? l->sq_depth : 256;
	l->max_send_seg = l->max_send_seg ? l->max_send_seg : 2;
	l->max_write_seg = l->max_write_seg ? l->max_write_seg : 8;
	l->max_read_seg = l->max_read_seg ? l->max_read_seg : 8;
	l->max_wr_bytes = l->max_wr_bytes ? l->max_wr_bytes : 1u << 30;
	l->max_reads = l->max_reads ? l->max_reads : 4;
	l->max_recv = l->max_recv ? l->max_recv : 128;
	l->rx_bytes = l->rx_bytes ? l->rx_bytes : 16384;
	*out = &f->base;
	return 0;
}

void sim_fabric_lies(struct fabric *f)
{
	sim_of(f)->lies = true;
}

void sim_fabric_native(struct fabric *f)
{
	sim_of(f)->native = true;
}

uint64_t sim_fabric_violations(const struct fabric *f)
{
	return container_of(f, const struct sim_fabric, base)->violations;
}

struct fabric_addr sim_addr(uint32_t host, uint16_t port)
{
	struct fabric_addr a = { .ss_len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *sin = (struct sockaddr_in *)(void *)&a.ss;

	sin->sin_family = AF_INET;
	sin->sin_port = htons(port);
	sin->sin_addr.s_addr = htonl(0x0a010000u + host);
	return a;
}

void sim_fabric_remove_device(struct fabric *base)
{
	struct sim_fabric *f = sim_of(base);

	f->removed = true;
	pthread_mutex_lock(&f->w->lock);
	list_for_each (n, &f->w->links) {
		struct sim_link *l = list_entry(n, struct sim_link, node);

		for (int k = 0; k < 2; k++)
			if (l->end[k].f == f)
				end_send(&l->end[k], f->control, TELL_REMOVED, 0);
	}
	pthread_mutex_unlock(&f->w->lock);
}

void sim_fabric_silence(struct fabric *base)
{
	struct sim_fabric *f = sim_of(base);

	f->silent = true;
	pthread_mutex_lock(&f->w->lock);
	list_for_each (n, &f->w->links) {
		struct sim_link *l = list_entry(n, struct sim_link, node);

		if (l->end[0].f == f || l->end[1].f == f)
			l->silent = true;
	}
	pthread_mutex_unlock(&f->w->lock);
}
