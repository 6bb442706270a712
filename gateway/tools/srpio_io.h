/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many READs or WRITEs in flight: a ring of buffers, filled and consumed by callbacks, with the waits and repetitions that
 * the answers ask for.
 * Layer: tools.
 */
#ifndef TOOLS_SRPIO_IO_H
#define TOOLS_SRPIO_IO_H

#include "../base/hist.h"
#include "srpio_session.h"

struct srpio_io;

struct srpio_slot {
	struct initiator_cmd cmd;
	struct srpio_io *io;
	uint8_t *buf; /* io->bs_bytes */
	/* set by next() */
	bool write;
	uint64_t offset_bytes; /* on the logical unit; a multiple of its block size */
	uint32_t len_bytes;
	/* private */
	enum { SRPIO_SLOT_FREE, SRPIO_SLOT_BUSY, SRPIO_SLOT_OVER } state;
	uint64_t start_ns, end_ns;
	unsigned n_again;
	struct reactor_timer later;
};

struct srpio_io {
	struct srpio_session *s;
	struct srpio_capacity cap; /* of the logical unit */
	uint32_t bs_bytes, depth;
	bool ordered; /* done() in the order of next() */
	/* Return: 1 with the slot filled in, 0 when there is nothing more, -errno with @e to give up. */
	int (*next)(struct srpio_io *io, struct srpio_slot *slot, struct err *e);
	/* The command succeeded. Return: 0, or -errno with @e to give up. */
	int (*done)(struct srpio_io *io, struct srpio_slot *slot, struct err *e);
	void *arg;

	/* result */
	uint64_t n_done, bytes_done, n_repeated;
	struct hist latency;

	/* private */
	struct srpio_slot *slot;
	uint32_t n_busy;
	uint64_t next_seq, over_seq;
	bool exhausted;
	int rc;
	struct err *e;
};

/* Buffers for @depth commands of @bs_bytes behind the session's memory for single commands. */
size_t srpio_io_bytes(uint32_t bs_bytes, uint32_t depth);

/* Runs until next() has no more, something failed, or a signal came. Return: 0 or -errno with @e. */
int srpio_io_run(struct srpio_io *io, struct err *e) WARN_UNUSED;

/* Size of the logical unit of --lun. Return: 0 or -errno with @e. */
int srpio_capacity(struct srpio_session *s, const uint8_t lun[8], struct srpio_capacity *out, struct err *e) WARN_UNUSED;

/*
 * Checks --offset, --length and --bs against the unit. @length_bytes: in: what to take when --length was not said (0: all
 * that follows the offset); out: the length. Return: 0 or -EINVAL with @e.
 */
int srpio_range(const struct srpio_options *o, const struct srpio_capacity *cap, uint32_t bs_bytes, uint64_t *length_bytes,
		struct err *e) WARN_UNUSED;

/* SYNCHRONIZE CACHE; a unit that does not know it has no cache. */
int srpio_flush(struct srpio_session *s, struct err *e) WARN_UNUSED;

#endif
