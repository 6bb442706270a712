/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bridge-side half of a command: buffers, what the bridge is given, and room to plan RDMA rounds. Pooled per
 * shard, each followed by the bridge's scratch bytes. It may outlive its task: then it is detached and waits for the
 * back-end's answer.
 * Layer: core.
 */
#ifndef CORE_IO_H
#define CORE_IO_H

#include "../include/srpgw/bridge.h"
#include "../rt/fabric.h"
#include "registration.h"
#include "split.h"

struct lu;
struct nexus;
struct path;
struct shard;
struct task;

#define IO_MAX_IOV 512u  /* blocks of one command; a buffer in more pieces waits until the pool is less cut up */
#define IO_ROUND_WR 32u  /* work requests of one round */
#define IO_ROUND_SEG 64u /* segments of one round */

struct io {
	struct srpgw_io pub;
	struct list_node node; /* free list, or path->outstanding */
	struct shard *shard;
	struct task *task; /* NULL: detached */
	struct nexus *nexus;
	struct lu *lu;
	struct path *path; /* NULL for commands that the gateway answers */
	void (*probed)(struct io *io); /* a question of the gateway's own: takes the answer; see io_acquire_probe() */
	bool submitted;    /* the bridge has it */
	bool fences;       /* its answer releases a fence of lu */
	bool settled;      /* the back-end confirmed that it can no longer act */
	bool hurried;      /* abort() was called */
	bool ordered;      /* detached, and still counted in the order of lu */
	struct registration_order registration;
	uint8_t slots;     /* detached, and still counted by limits, see limit.h */
	uint32_t quota_bytes;
	struct split split;
	uint8_t cdb[16];
	uint64_t serial; /* of its task */
	uint64_t submitted_ns;
	uint64_t detached_ns;
	struct buf *data;  /* from the pool, or NULL */
	struct buf *table; /* fetched descriptors, or NULL */
	struct buf *stash; /* copied immediate data, or NULL */
	struct fabric_rx *rx; /* immediate data in its receive buffer, or NULL */
	const struct fabric_ops *rx_ops;
	struct fabric_wr wr[IO_ROUND_WR];
	struct fabric_seg seg[IO_ROUND_SEG];
	struct iovec iov[IO_MAX_IOV];
};

/*
 * Takes an io with all the memory that @t needs (data buffer, descriptor table) and gives it to @t.
 * Return: false when something is short; nothing is taken then.
 */
bool io_acquire(struct task *t);

/*
 * An io without a task, for a command of the gateway's own to @lu, without data; detached from the start.
 * Return: NULL when none is free. io_release() as for others.
 */
struct io *io_acquire_own(struct lu *lu);
/*
 * The same for a question to the target behind @p (LUN 0), with a data-in buffer of @len_bytes (> 0). It changes nothing, so
 * no fence and no task management waits for it. @done: called once on the path's reactor, before the io is released.
 * Return: NULL when no io or no memory is free.
 */
struct io *io_acquire_probe(struct path *p, uint32_t len_bytes, void (*done)(struct io *io));

/* Pool memory that io_acquire() will take for @t, in bytes. */
uint32_t io_need_bytes(const struct task *t);
/* May @t have its memory now, as far as the shares of its nexus and path go? And could it ever? */
bool io_quota_allows(const struct task *t);
bool io_fits_quota(const struct task *t);

/* Fills in CDB and iovec again, which a bridge and split_next() may have modified, for another submit. */
void io_rewind(struct io *io);
/* The iovec for @len_bytes of its data from @from_bytes on; it has that much. */
void io_window(struct io *io, uint32_t from_bytes, uint32_t len_bytes);

/*
 * May it change what is stored? WRITE SAME, FORMAT UNIT and others do so without a byte of data-out; TEST UNIT READY,
 * which hosts send all the time, does not, and a flush only says where it is stored.
 */
bool io_may_write(const struct io *io);

/* Gives back the io with its memory; the bridge does not have it. Pays path and nexus quotas. */
void io_release(struct io *io);

static inline struct io *io_of(struct srpgw_io *pub)
{
	return (struct io *)pub;
}

#endif
