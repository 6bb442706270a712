/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pools of a shard, and its settle loop.
 * Layer: core.
 */
#include "shard.h"

#include "channel.h"
#include "claim.h"
#include "gate.h"
#include "io.h"
#include "nexus.h"
#include "path.h"
#include "task.h"
#include "tmf.h"

#include <errno.h>

#define ALIGN16(x) (((x) + 15u) & ~(size_t)15u)
#define CTL_SLOTS 1024u
#define TRACE_ENTRIES 8192u

const struct mem_region *shard_region(const struct shard *s)
{
	return pool_region(s->pool);
}

/* ---- pools ---- */

/* Pool blocks for @n pieces of @piece bytes, to be cut by cut_next(). */
static int cut_begin(struct shard *s, uint32_t n, uint32_t piece, struct cutter *c)
{
	uint32_t per_min_block = POOL_BLOCK_MIN_BYTES / piece;
	size_t bytes = ((size_t)n + per_min_block - 1) / per_min_block * POOL_BLOCK_MIN_BYTES;
	int rc = pool_get(s->pool, bytes, &c->arena);

	c->at = c->arena;
	c->piece_bytes = piece;
	return rc;
}

/* At most as often as was said. */
static uint8_t *cut_next(struct cutter *c)
{
	uint8_t *addr;

	if (c->off_bytes + c->piece_bytes > c->at->len_bytes) {
		c->at = c->at->next;
		c->off_bytes = 0;
	}
	addr = c->at->addr + c->off_bytes;
	c->off_bytes += c->piece_bytes;
	return addr;
}

void shard_more_tasks(struct shard *s)
{
	struct task *t = &s->tasks[s->n_tasks_made];

	if (s->n_tasks_made == s->n_tasks)
		return;
	s->n_tasks_made++;
	t->shard = s;
	t->rsp = cut_next(&s->rsp_cutter);
	list_node_init(&t->nexus_node);
	list_node_init(&t->tag_node);
	list_push_back(&s->free_tasks, &t->node);
}

void shard_more_ios(struct shard *s)
{
	struct io *io = (struct io *)(void *)(s->ios + s->n_ios_made * s->io_stride);

	if (s->n_ios_made == s->n_ios)
		return;
	s->n_ios_made++;
	io->shard = s;
	io->pub.struct_size = sizeof(io->pub);
	io->pub.scratch = (uint8_t *)io + ALIGN16(sizeof(struct io));
	list_push_back(&s->free_ios, &io->node);
}

void shard_more_tmfs(struct shard *s)
{
	struct tmf *m = (struct tmf *)(void *)(s->tmfs + s->n_tmfs_made * s->tmf_stride);

	if (s->n_tmfs_made == s->n_tmfs)
		return;
	s->n_tmfs_made++;
	m->shard = s;
	m->pub.struct_size = sizeof(m->pub);
	m->pub.scratch = (uint8_t *)m + ALIGN16(sizeof(struct tmf));
	list_push_back(&s->free_tmfs, &m->node);
}

static int make_tasks(struct shard *s)
{
	s->tasks = calloc(s->n_tasks, sizeof(*s->tasks));
	if (!s->tasks)
		return -ENOMEM;
	s->n_tasks_free = s->n_tasks;
	s->task_states[TASK_FREE] = s->n_tasks;
	return cut_begin(s, s->n_tasks, TASK_RSP_BYTES, &s->rsp_cutter);
}

static int make_ios(struct shard *s, uint32_t scratch_bytes)
{
	s->io_stride = ALIGN16(sizeof(struct io)) + ALIGN16(scratch_bytes);
	s->ios = calloc(s->n_ios, s->io_stride);
	s->tmf_stride = ALIGN16(sizeof(struct tmf)) + ALIGN16(scratch_bytes);
	s->tmfs = calloc(s->n_tmfs, s->tmf_stride);
	if (!s->ios || !s->tmfs)
		return -ENOMEM;
	s->n_ios_free = s->n_ios;
	return 0;
}

static int make_ctl(struct shard *s)
{
	int rc;

	s->n_ctl = CTL_SLOTS;
	s->ctl = calloc(s->n_ctl, sizeof(*s->ctl));
	if (!s->ctl)
		return -ENOMEM;
	rc = cut_begin(s, s->n_ctl, CTL_SLOT_BYTES, &s->ctl_cutter);
	for (uint32_t i = 0; rc == 0 && i < s->n_ctl; i++) {
		s->ctl[i].addr = cut_next(&s->ctl_cutter);
		list_push_back(&s->free_ctl, &s->ctl[i].node);
	}
	return rc;
}

static void init_lists(struct shard *s)
{
	list_init(&s->free_tasks);
	list_init(&s->free_ios);
	list_init(&s->free_tmfs);
	list_init(&s->free_ctl);
	list_init(&s->nexuses);
	list_init(&s->wait_buffer);
	list_init(&s->starved);
	list_init(&s->shares);
	list_init(&s->parked);
	list_init(&s->dirty_paths);
	list_init(&s->dirty_channels);
	list_init(&s->dirty_nexuses);
	claim_init(s);
	gate_init_shard(s);
}

static int make_pools(struct shard *s, const struct core_params *p)
{
	int rc = pool_create(p->pool_bytes, &s->pool);

	if (rc < 0)
		return rc;
	rc = trace_ring_create(TRACE_ENTRIES, &s->trace);
	if (rc == 0)
		rc = make_tasks(s);
	if (rc == 0)
		rc = make_ios(s, p->scratch_bytes);
	if (rc == 0)
		rc = make_ctl(s);
	return rc;
}

int shard_create(struct core *core, uint32_t index, const struct core_params *p, struct shard **out, struct err *e)
{
	struct shard *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_set(e, -ENOMEM, "out of memory");
	s->core = core;
	s->index = index;
	s->n_shards = p->n_reactor;
	s->reactor = p->reactor[index];
	s->control = p->control;
	s->n_tasks = p->max_tasks;
	s->n_ios = p->max_ios;
	s->n_tmfs = p->max_tasks / 2 + 16;
	init_lists(s);
	rc = make_pools(s, p);
	if (rc < 0) {
		shard_destroy(s);
		err_cure(e, "give the buffer pool more memory or lower the number of tasks");
		return err_set(e, rc, "cannot set up reactor %u: %llu bytes of buffers, %u tasks", index,
			       (unsigned long long)p->pool_bytes, p->max_tasks);
	}
	*out = s;
	return 0;
}

/* What abandoned commands still hold. Their receive buffers went with the fabric. */
static void reclaim(struct shard *s)
{
	for (uint32_t i = 0; i < s->n_ios_made; i++) {
		struct io *io = (struct io *)(void *)(s->ios + i * s->io_stride);

		pool_put(s->pool, io->data);
		pool_put(s->pool, io->table);
		pool_put(s->pool, io->stash);
	}
	for (uint32_t i = 0; i < s->n_tasks_made; i++)
		pool_put(s->pool, s->tasks[i].stash);
}

void shard_destroy(struct shard *s)
{
	if (!s)
		return;
	s->dead = true;
	list_for_each_safe(pos, &s->nexuses) {
		list_del(pos);
		nexus_abandon(list_entry(pos, struct nexus, node));
	}
	if (s->pool) {
		reclaim(s);
		pool_put(s->pool, s->rsp_cutter.arena);
		pool_put(s->pool, s->ctl_cutter.arena);
		pool_destroy(s->pool);
	}
	trace_ring_destroy(s->trace);
	free(s->tasks);
	free(s->ios);
	free(s->tmfs);
	free(s->ctl);
	free(s);
}

struct ctl_slot *shard_ctl_get(struct shard *s)
{
	struct list_node *n = list_pop_front(&s->free_ctl);

	return n ? list_entry(n, struct ctl_slot, node) : NULL;
}

void shard_ctl_put(struct shard *s, struct ctl_slot *slot)
{
	list_push_front(&s->free_ctl, &slot->node);
}

/* ---- settle loop ---- */

/* Memory, an io or a task came back: those who wait for one try again, oldest first. */
static void feed(struct shard *s)
{
	struct list again;
	struct list_node *n;

	while ((n = list_first(&s->wait_buffer)) && io_acquire(list_entry(n, struct task, node)))
		task_provisioned(list_entry(n, struct task, node));
	list_init(&again);
	list_splice_back(&again, &s->starved);
	while ((n = list_pop_front(&again)))
		path_mark(list_entry(n, struct path, starved_node));
	list_splice_back(&again, &s->parked);
	while ((n = list_pop_front(&again)))
		channel_unpark(list_entry(n, struct channel, parked_node));
}

static bool settle_once(struct shard *s)
{
	struct list_node *n;

	if (s->feed) {
		s->feed = false;
		feed(s);
		return true;
	}
	n = list_pop_front(&s->dirty_paths);
	if (n) {
		path_run(list_entry(n, struct path, dirty_node));
		return true;
	}
	n = list_pop_front(&s->dirty_channels);
	if (n) {
		channel_pump(list_entry(n, struct channel, dirty_node));
		return true;
	}
	n = list_pop_front(&s->dirty_nexuses);
	if (n) {
		nexus_settle(list_entry(n, struct nexus, dirty_node));
		return true;
	}
	return false;
}

void shard_enter(struct shard *s)
{
	s->depth++;
}

void shard_leave(struct shard *s)
{
	if (s->depth == 1)
		while (settle_once(s))
			;
	s->depth--;
}
