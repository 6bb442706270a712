/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffers of commands: taken all at once when a command may go, given back when its response is out or its detached
 * io was answered.
 * Layer: core.
 */
#include "io.h"

#include "channel.h"
#include "lu.h"
#include "nexus.h"
#include "path.h"
#include "quota.h"
#include "repeat.h"
#include "shard.h"
#include "share.h"
#include "task.h"

#include <string.h>

static uint32_t blocks_bytes(uint32_t len_bytes)
{
	return (len_bytes + POOL_BLOCK_MIN_BYTES - 1) / POOL_BLOCK_MIN_BYTES * POOL_BLOCK_MIN_BYTES;
}

uint32_t io_need_bytes(const struct task *t)
{
	return (t->imm.addr ? 0 : blocks_bytes(t->buf_len)) + blocks_bytes(t->n_table * SRP_MDESC_LEN);
}

bool io_quota_allows(const struct task *t)
{
	const struct shard *s = t->shard;
	const struct path *p = t->lu && !t->local ? t->lu->path : NULL;
	uint64_t need = io_need_bytes(t), free_bytes = pool_free_bytes(s->pool);

	if (p && (!quota_allows(p->quota_ios, 1, s->n_ios_free) || !quota_allows(p->quota_bytes, need, free_bytes)))
		return false;
	if (p && (!share_allows(p->share->quota_ios, 1, s->n_ios_free) ||
		  !share_allows(p->share->quota_bytes, need, free_bytes)))
		return false;
	return quota_allows(t->nexus->quota_ios, 1, s->n_ios_free) &&
	       quota_allows(t->nexus->quota_bytes, need, free_bytes);
}

bool io_fits_quota(const struct task *t)
{
	const struct shard *s = t->shard;
	uint64_t fixed = (uint64_t)s->n_tasks * TASK_RSP_BYTES + (uint64_t)s->n_ctl * CTL_SLOT_BYTES +
			 2ull * POOL_BLOCK_MAX_BYTES;
	uint64_t total = pool_size_bytes(s->pool);

	return io_need_bytes(t) <= quota_most(total > fixed ? total - fixed : 0);
}

static void quota_take(struct io *io, uint32_t bytes)
{
	io->quota_bytes = bytes;
	io->nexus->quota_bytes += bytes;
	io->nexus->quota_ios++;
	if (io->path) {
		io->path->quota_bytes += bytes;
		io->path->quota_ios++;
		io->path->share->quota_bytes += bytes;
		io->path->share->quota_ios++;
	}
}

static void quota_pay(struct io *io)
{
	io->nexus->quota_bytes -= io->quota_bytes;
	io->nexus->quota_ios--;
	if (io->path) {
		io->path->quota_bytes -= io->quota_bytes;
		io->path->quota_ios--;
		io->path->share->quota_bytes -= io->quota_bytes;
		io->path->share->quota_ios--;
	}
}

/* The bridge's view of the buffer. False: in too many pieces. */
static bool fill_iov(struct io *io, const struct buf *b)
{
	uint32_t n = 0;

	io->pub.data_len = 0;
	for (; b; b = b->next) {
		if (n == IO_MAX_IOV)
			return false;
		io->iov[n++] = (struct iovec){ .iov_base = b->addr, .iov_len = b->len_bytes };
		io->pub.data_len += b->len_bytes;
	}
	io->pub.n_iov = n;
	return true;
}

static bool get_memory(struct shard *s, const struct task *t, struct io *io)
{
	io->data = io->table = NULL;
	if (!t->imm.addr && t->buf_len > 0 && pool_get(s->pool, t->buf_len, &io->data) < 0)
		return false;
	if (fill_iov(io, t->imm.addr ? &t->imm : io->data) &&
	    (t->n_table == 0 || pool_get(s->pool, (size_t)t->n_table * SRP_MDESC_LEN, &io->table) == 0))
		return true;
	pool_put(s->pool, io->data);
	io->data = NULL;
	return false;
}

/* Immediate data must outlive the task, which may end while the bridge still writes it. */
static void take_immediate(struct io *io, struct task *t)
{
	io->rx = NULL;
	io->stash = NULL;
	if (!t->imm.addr)
		return;
	io->rx = t->rx;
	io->rx_ops = t->ch->ops;
	io->stash = t->stash;
	t->rx = NULL;
	t->stash = NULL;
}

/* @io is off the free list and knows its nexus and path when it returns. */
static void take(struct io *io, struct nexus *n, struct lu *lu, struct path *p, uint32_t quota_bytes)
{
	list_del(&io->node);
	io->shard->n_ios_free--;
	io->nexus = n;
	io->lu = lu;
	io->path = p;
	io->split.total_bytes = 0;
	io->slots = 0;
	io->submitted = io->fences = io->settled = io->hurried = io->ordered = false;
	io->probed = NULL;
	quota_take(io, quota_bytes);
	io->pub.cdb = io->cdb;
	io->pub.iov = io->iov;
	if (lu)
		memcpy(io->pub.lun, lu->backend_lun, sizeof(io->pub.lun));
}

bool io_acquire(struct task *t)
{
	struct shard *s = t->shard;
	struct list_node *n;
	struct io *io;

	shard_stock_ios(s);
	n = list_first(&s->free_ios);
	if (!n)
		return false;
	io = list_entry(n, struct io, node);
	if (!get_memory(s, t, io))
		return false;
	take(io, t->nexus, t->lu, t->lu && !t->local ? t->lu->path : NULL, io_need_bytes(t));
	io->task = t;
	io->serial = t->serial;
	take_immediate(io, t);
	memcpy(io->cdb, t->cdb, sizeof(io->cdb));
	io->pub.dir = t->dir;
	io->pub.task_attr = t->attr;
	io->pub.cdb_len = t->cdb_len;
	t->io = io;
	return true;
}

static struct io *acquire_own(struct nexus *nexus, struct lu *lu, struct path *p, struct buf *data, uint32_t quota_bytes)
{
	struct shard *s = nexus->shard;
	struct list_node *n;
	struct io *io;

	shard_stock_ios(s);
	n = list_first(&s->free_ios);
	if (!n)
		return NULL;
	io = list_entry(n, struct io, node);
	take(io, nexus, lu, p, quota_bytes);
	io->task = NULL;
	io->serial = ++s->next_serial;
	io->data = data;
	io->table = io->stash = NULL;
	io->rx = NULL;
	memset(io->cdb, 0, sizeof(io->cdb));
	io->pub.dir = data ? SRPGW_DIR_IN : SRPGW_DIR_NONE;
	io->pub.task_attr = SRPGW_ATTR_SIMPLE;
	fill_iov(io, data);
	return io;
}

struct io *io_acquire_own(struct lu *lu)
{
	return acquire_own(lu->nexus, lu, lu->path, NULL, 0);
}

struct io *io_acquire_probe(struct path *p, uint32_t len_bytes, void (*done)(struct io *io))
{
	struct pool *pool = p->shard->pool;
	struct buf *data;
	struct io *io;

	if (pool_get(pool, len_bytes, &data) < 0)
		return NULL;
	io = acquire_own(p->nexus, NULL, p, data, blocks_bytes(len_bytes));
	if (!io) {
		pool_put(pool, data);
		return NULL;
	}
	io->probed = done;
	/* Nothing of it can act on anything. */
	io->settled = true;
	memset(io->pub.lun, 0, sizeof(io->pub.lun));
	return io;
}

void io_rewind(struct io *io)
{
	fill_iov(io, io->task->imm.addr ? &io->task->imm : io->data);
	if (io->split.total_bytes > 0)
		memcpy(io->cdb, io->task->cdb, sizeof(io->cdb));
}

void io_window(struct io *io, uint32_t from_bytes, uint32_t len_bytes)
{
	const struct buf *b = io->task->imm.addr ? &io->task->imm : io->data;
	uint32_t n = 0;

	io->pub.data_len = 0;
	for (; b && len_bytes > 0; b = b->next) {
		uint32_t skip = from_bytes < b->len_bytes ? from_bytes : b->len_bytes;
		uint32_t take = b->len_bytes - skip < len_bytes ? b->len_bytes - skip : len_bytes;

		from_bytes -= skip;
		if (take == 0)
			continue;
		io->iov[n++] = (struct iovec){ .iov_base = b->addr + skip, .iov_len = take };
		io->pub.data_len += take;
		len_bytes -= take;
	}
	io->pub.n_iov = n;
}

bool io_may_write(const struct io *io)
{
	return io->pub.dir != SRPGW_DIR_IN && io->cdb[0] != SCSI_OP_TEST_UNIT_READY && !repeat_is_flush(io->cdb);
}

void io_release(struct io *io)
{
	struct shard *s = io->shard;

	quota_pay(io);
	if (io->path)
		path_mark(io->path);
	pool_put(s->pool, io->data);
	pool_put(s->pool, io->table);
	pool_put(s->pool, io->stash);
	if (io->rx)
		io->rx_ops->rx_release(io->rx);
	io->data = io->table = io->stash = NULL;
	io->rx = NULL;
	if (io->task)
		io->task->io = NULL;
	io->task = NULL;
	list_push_front(&s->free_ios, &io->node);
	s->n_ios_free++;
	s->feed = true;
}
