/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices: taken up when they are there, given up when they go. librdmacm opens them; we count as one user of each, so
 * that it does not close one under us.
 * Layer: fabric. Control reactor.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int slot_take(struct verbs_fabric *f)
{
	for (int i = 0; i < MEM_KEY_SLOTS; i++)
		if (!f->slot_used[i]) {
			f->slot_used[i] = true;
			return i;
		}
	return -1;
}

static uint32_t longest_message(struct ibv_context *ctx, uint8_t n_ports)
{
	uint32_t bytes = 0;

	for (uint8_t port = 1; port <= n_ports; port++) {
		struct ibv_port_attr pa;

		if (!ibv_query_port(ctx, port, &pa) && (!bytes || pa.max_msg_sz < bytes))
			bytes = pa.max_msg_sz;
	}
	return bytes;
}

/* Gives librdmacm's count of this one device back; the list is ours, of the form that rdma_get_devices() returns. */
static void unhold(struct ibv_context *ctx)
{
	struct ibv_context **list = malloc(2 * sizeof(struct ibv_context *));

	if (!list)
		return;
	list[0] = ctx;
	list[1] = NULL;
	rdma_free_devices(list);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): librdmacm has freed it */
}

struct verbs_dev *verbs_dev_find(struct verbs_fabric *f, const struct ibv_context *ctx)
{
	list_for_each(n, &f->devs) {
		struct verbs_dev *d = list_entry(n, struct verbs_dev, node);

		if (d->ctx == ctx)
			return d;
	}
	return NULL;
}

static int dev_open(struct verbs_dev *d)
{
	int rc = ibv_query_device(d->ctx, &d->attr);

	if (rc)
		return -rc;
	verbs_caps_from(&d->attr, d->ctx->device->transport_type, longest_message(d->ctx, d->attr.phys_port_cnt),
			&d->fabric->params, &d->caps);
	d->pd = ibv_alloc_pd(d->ctx);
	if (!d->pd)
		return -errno;
	rc = verbs_mem_dev_add(d);
	return rc ? rc : verbs_async_watch(d);
}

static struct verbs_dev *dev_add(struct verbs_fabric *f, struct ibv_context *ctx)
{
	struct verbs_dev *d;
	int slot = slot_take(f), rc;

	if (slot < 0) {
		log_warn("RDMA device %s: not used, there are more than %d", ibv_get_device_name(ctx->device), MEM_KEY_SLOTS);
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (!d) {
		f->slot_used[slot] = false;
		return NULL;
	}
	d->fabric = f;
	d->ctx = ctx;
	d->slot = (unsigned)slot;
	list_init(&d->lanes);
	list_push_back(&f->devs, &d->node);
	snprintf(d->name, sizeof(d->name), "%s", ibv_get_device_name(ctx->device));
	rc = dev_open(d);
	if (rc) {
		log_error("RDMA device %s: cannot be used: %s%s", d->name, strerror(-rc),
			  rc == -ENOMEM ? "; raise the limit of locked memory (LimitMEMLOCK=infinity, ulimit -l unlimited)" : "");
		verbs_dev_free(d);
		return NULL;
	}
	log_info("RDMA device %s: in use (%s, %s receive queues)", d->name,
		 d->caps.iwarp ? "iWARP" : "InfiniBand or RoCE", d->caps.srq ? "shared" : "separate");
	return d;
}

/*
 * A driver that cannot detach user space makes the removal of its device wait until the last descriptor is closed, and
 * tells us nothing. Its entry in sysfs goes first.
 */
static bool is_there(const struct verbs_dev *d)
{
	return access(d->ctx->device->dev_path, F_OK) == 0 || errno != ENOENT;
}

void verbs_dev_scan(struct verbs_fabric *f)
{
	struct ibv_context **list;

	list_for_each_safe(n, &f->devs) {
		struct verbs_dev *d = list_entry(n, struct verbs_dev, node);

		if (!d->gone && !is_there(d))
			verbs_dev_remove(d);
	}
	list = rdma_get_devices(NULL);
	if (!list)
		return;
	for (struct ibv_context **p = list; *p; p++) {
		struct verbs_dev *d = verbs_dev_find(f, *p);

		if (!d)
			d = dev_add(f, *p);
		if (d && !d->held)
			d->held = true;
		else
			unhold(*p);
	}
	free(list); /* only the array: the counts in it are accounted for one by one */
}

struct verbs_dev *verbs_dev_get(struct verbs_fabric *f, struct ibv_context *ctx)
{
	struct verbs_dev *d = verbs_dev_find(f, ctx);

	if (!d) {
		verbs_dev_scan(f);
		d = verbs_dev_find(f, ctx);
	}
	return d && !d->gone ? d : NULL;
}

void verbs_dev_remove(struct verbs_dev *d)
{
	if (d->gone)
		return;
	d->gone = true;
	log_warn("RDMA device %s: removed", d->name);
	d->n_conns++; /* a connection that ends at once must not free the device under this loop */
	list_for_each_safe(n, &d->fabric->conns) {
		struct verbs_conn *c = list_entry(n, struct verbs_conn, node);

		if (c->dev == d)
			verbs_cm_down(c, FABRIC_DOWN_DEVICE);
	}
	d->n_conns--;
	verbs_dev_reap(d);
}

void verbs_dev_reap(struct verbs_dev *d)
{
	if (!d->gone || d->n_conns)
		return;
	if (list_empty(&d->lanes)) {
		verbs_dev_free(d);
		return;
	}
	list_for_each_safe(n, &d->lanes)
		verbs_lane_stop(list_entry(n, struct verbs_lane, node));
}

/*
 * librdmacm keeps a device open that nobody uses, and closes it only when it looks at the list of devices and finds
 * another one in its place. The kernel may be waiting for us: let go of the descriptors behind its back. (librdmacm's
 * own protection domain, 16 bytes, is lost with them.)
 */
static void let_go(struct ibv_context *ctx)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup3(null, ctx->cmd_fd, O_CLOEXEC);
	dup3(null, ctx->async_fd, O_CLOEXEC);
	close(null);
}

void verbs_dev_free(struct verbs_dev *d)
{
	struct verbs_fabric *f = d->fabric;
	struct ibv_context *ctx = d->ctx;
	bool held = d->held, gone = d->gone;

	list_for_each_safe(n, &d->lanes)
		verbs_lane_free(list_entry(n, struct verbs_lane, node));
	if (d->async_watch.fn)
		reactor_watch_del(f->control, &d->async_watch);
	verbs_mem_dev_del(d);
	if (d->pd)
		ibv_dealloc_pd(d->pd);
	f->slot_used[d->slot] = false;
	list_del(&d->node);
	free(d);
	if (gone) {
		/* Makes librdmacm look; it fails when this was the last device. */
		struct ibv_context **list = rdma_get_devices(NULL);

		if (list)
			rdma_free_devices(list);
		else
			let_go(ctx);
	}
	if (held)
		unhold(ctx);
}
