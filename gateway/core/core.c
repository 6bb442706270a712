/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Composition of the target: shards, port, helper threads.
 * Layer: core.
 */
#include "core_private.h"
#include "keep_private.h"

#include <errno.h>
#include <string.h>

static void fill_defaults(struct core_params *p)
{
	if (!p->pool_bytes)
		p->pool_bytes = 64u << 20;
	p->max_tasks = map_or(p->max_tasks, 4096);
	p->max_ios = map_or(p->max_ios, 1024);
	p->scratch_bytes = map_or(p->scratch_bytes, 1024);
}

static int build(struct core *c, struct err *e)
{
	int rc;

	c->shard = calloc(c->n_shards, sizeof(struct shard *));
	c->gateway_name = strdup(c->params.gateway_name ? c->params.gateway_name : "srpgw");
	if (!c->shard || !c->gateway_name)
		return err_set(e, -ENOMEM, "out of memory");
	rc = keep_init(c);
	if (rc == 0)
		rc = port_init(&c->port, c, c->n_shards);
	if (rc < 0)
		return err_set(e, rc, "out of memory");
	for (uint32_t i = 0; i < c->n_shards; i++) {
		rc = shard_create(c, i, &c->params, &c->shard[i], e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int core_create(const struct core_params *p, struct core **out, struct err *e)
{
	struct core *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return err_set(e, -ENOMEM, "out of memory");
	c->params = *p;
	fill_defaults(&c->params);
	c->control = p->control;
	c->n_shards = p->n_reactor;
	list_init(&c->snapshots);
	work_pool_init(&c->work);
	rc = build(c, e);
	if (rc < 0) {
		core_destroy(c);
		return rc;
	}
	*out = c;
	return 0;
}

/* Messages that are still on their way hold memory, and lie in memory that is about to be freed: let them arrive. */
static void deliver_messages(struct core *c)
{
	bool more = true;

	for (unsigned i = 0; more && i < 1000; i++) {
		more = false;
		for (uint32_t k = 0; k <= c->n_shards; k++) {
			struct reactor *r = k < c->n_shards ? c->params.reactor[k] : c->control;

			if (!reactor_has_msgs(r))
				continue;
			reactor_poll(r, 0);
			more = true;
		}
	}
}

void core_destroy(struct core *c)
{
	if (!c)
		return;
	work_pool_destroy(&c->work);
	deliver_messages(c);
	drain_free(c);
	if (c->shard)
		for (uint32_t i = 0; i < c->n_shards; i++)
			shard_destroy(c->shard[i]);
	if (c->port.core)
		port_free(&c->port);
	keep_free(c);
	snapshots_free(c);
	free(c->shard);
	free(c->gateway_name);
	free(c);
}

size_t core_regions(struct core *c, struct mem_region **out, size_t cap)
{
	for (uint32_t i = 0; i < c->n_shards && i < cap; i++)
		out[i] = pool_region(c->shard[i]->pool);
	return c->n_shards;
}

const char *core_gateway_name(const struct core *c)
{
	return c->gateway_name;
}
