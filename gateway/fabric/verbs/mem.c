/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory registration: every region with every device, present and future; and what an initiator exposes.
 * Layer: fabric. Control reactor, but for expose.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <string.h>

static int region_register(struct verbs_dev *d, struct verbs_region *r)
{
	/* iWARP writes what a READ brings as if the peer wrote it. */
	int access = IBV_ACCESS_LOCAL_WRITE | (d->caps.iwarp ? IBV_ACCESS_REMOTE_WRITE : 0);
	struct ibv_mr *mr = ibv_reg_mr(d->pd, r->region->base, r->region->len_bytes, access);

	if (!mr) {
		int rc = -errno;

		log_error("RDMA device %s: cannot register %zu KiB: %s%s", d->name, r->region->len_bytes >> 10, strerror(-rc),
			  rc == -ENOMEM ? "; raise the limit of locked memory (LimitMEMLOCK=infinity, ulimit -l unlimited)" : "");
		return rc;
	}
	r->mr[d->slot] = mr;
	atomic_store_explicit(&r->region->key[d->slot], mr, memory_order_release);
	return 0;
}

static void region_deregister(struct verbs_dev *d, struct verbs_region *r)
{
	if (!r->mr[d->slot])
		return;
	atomic_store_explicit(&r->region->key[d->slot], NULL, memory_order_relaxed);
	if (ibv_dereg_mr(r->mr[d->slot]))
		log_warn("RDMA device %s: cannot deregister memory: %m", d->name);
	r->mr[d->slot] = NULL;
}

static struct verbs_region *region_find(struct verbs_fabric *f, const struct mem_region *region)
{
	for (unsigned i = 0; i < VERBS_REGIONS_MAX; i++)
		if (f->regions[i].region == region)
			return &f->regions[i];
	return NULL;
}

int verbs_mem_add(struct fabric *fabric, struct mem_region *region)
{
	struct verbs_fabric *f = verbs_fabric_of(fabric);
	struct verbs_region *r = region_find(f, NULL);

	if (!r)
		return -ENOSPC;
	r->region = region;
	list_for_each(n, &f->devs) {
		struct verbs_dev *d = list_entry(n, struct verbs_dev, node);
		int rc = d->gone ? 0 : region_register(d, r);

		if (rc) {
			verbs_mem_del(fabric, region);
			return rc;
		}
	}
	return 0;
}

void verbs_mem_del(struct fabric *fabric, struct mem_region *region)
{
	struct verbs_fabric *f = verbs_fabric_of(fabric);
	struct verbs_region *r = region_find(f, region);

	if (!r)
		return;
	list_for_each(n, &f->devs)
		region_deregister(list_entry(n, struct verbs_dev, node), r);
	r->region = NULL;
}

int verbs_mem_dev_add(struct verbs_dev *d)
{
	for (unsigned i = 0; i < VERBS_REGIONS_MAX; i++) {
		struct verbs_region *r = &d->fabric->regions[i];
		int rc = r->region ? region_register(d, r) : 0;

		if (rc)
			return rc;
	}
	return 0;
}

void verbs_mem_dev_del(struct verbs_dev *d)
{
	for (unsigned i = 0; i < VERBS_REGIONS_MAX; i++)
		region_deregister(d, &d->fabric->regions[i]);
}

int verbs_expose(struct fabric_conn *conn, void *addr, size_t len_bytes, struct fabric_exposure **out, uint32_t *rkey)
{
	struct verbs_conn *c = verbs_conn_of(conn);
	struct fabric_exposure *x;

	if (!c->qp)
		return -ENOTCONN;
	x = malloc(sizeof(*x));
	if (!x)
		return -ENOMEM;
	x->mr = ibv_reg_mr(c->qp->pd, addr, len_bytes,
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE);
	if (!x->mr) {
		int rc = -errno;

		free(x);
		return rc;
	}
	*rkey = x->mr->rkey;
	*out = x;
	return 0;
}

void verbs_unexpose(struct fabric_conn *conn, struct fabric_exposure *x)
{
	(void)conn;
	if (!x)
		return;
	if (ibv_dereg_mr(x->mr))
		log_warn("verbs: cannot deregister exposed memory: %m");
	free(x);
}
