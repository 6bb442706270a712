/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ring of commands. In order, slot number = sequence number modulo depth, and a slot is free again only when done()
 * has consumed it; without order any free slot will do.
 * Layer: tools.
 */
#include "srpio_io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

size_t srpio_io_bytes(uint32_t bs_bytes, uint32_t depth)
{
	return (size_t)bs_bytes * depth;
}

static void give_up(struct srpio_io *io, int rc)
{
	if (!io->rc)
		io->rc = rc;
}

static void submit(struct srpio_io *io, struct srpio_slot *slot)
{
	struct initiator_cmd *c = &slot->cmd;

	srpio_cdb_rw(c->cdb, slot->write, slot->offset_bytes / io->cap.block_bytes, slot->len_bytes / io->cap.block_bytes);
	initiator_submit(io->s->ini, c);
}

static void consume(struct srpio_io *io, struct srpio_slot *slot)
{
	slot->state = SRPIO_SLOT_FREE;
	if (io->rc)
		return;
	io->n_done++;
	io->bytes_done += slot->len_bytes;
	give_up(io, io->done(io, slot, io->e));
}

static void slot_over(struct srpio_io *io, struct srpio_slot *slot)
{
	io->n_busy--;
	slot->state = SRPIO_SLOT_OVER;
	if (!io->ordered) {
		consume(io, slot);
		return;
	}
	while (io->over_seq < io->next_seq && io->slot[io->over_seq % io->depth].state == SRPIO_SLOT_OVER)
		consume(io, &io->slot[io->over_seq++ % io->depth]);
}

static void failed(struct srpio_io *io, struct srpio_slot *slot)
{
	char what[64];

	snprintf(what, sizeof(what), "%s at byte %llu", slot->write ? "WRITE" : "READ",
		 (unsigned long long)slot->offset_bytes);
	give_up(io, srpio_cmd_err(io->s, &slot->cmd, what, io->e));
	io->n_busy--;
	slot->state = SRPIO_SLOT_FREE;
}

static bool short_transfer(const struct srpio_slot *slot)
{
	return slot->cmd.resid_under || slot->cmd.resid_over;
}

static void on_done(struct initiator_cmd *c)
{
	struct srpio_slot *slot = container_of(c, struct srpio_slot, cmd);
	struct srpio_io *io = slot->io;
	uint64_t now_ns = reactor_now_ns(io->s->reactor);

	switch (srpio_judge(c)) {
	case SRPIO_OK:
		if (short_transfer(slot)) {
			give_up(io, err_set(io->e, -EIO, "%s at byte %llu: %u bytes of %u were not transferred",
					    slot->write ? "WRITE" : "READ", (unsigned long long)slot->offset_bytes,
					    c->resid_under, slot->len_bytes));
		}
		hist_add(&io->latency, now_ns - slot->start_ns);
		slot_over(io, slot);
		return;
	case SRPIO_AGAIN:
		if (io->rc || ++slot->n_again > SRPIO_AGAIN_MAX)
			break;
		io->n_repeated++;
		submit(io, slot);
		return;
	case SRPIO_LATER:
		if (io->rc || io->s->interrupted || now_ns > slot->end_ns)
			break;
		io->n_repeated++;
		timer_arm_in(io->s->reactor, &slot->later, SRPIO_LATER_NS);
		return;
	case SRPIO_FAILED:
		break;
	}
	failed(io, slot);
}

static void on_later(struct reactor_timer *t)
{
	struct srpio_slot *slot = container_of(t, struct srpio_slot, later);

	submit(slot->io, slot);
}

static struct srpio_slot *free_slot(struct srpio_io *io)
{
	if (io->ordered) {
		struct srpio_slot *slot = &io->slot[io->next_seq % io->depth];

		return slot->state == SRPIO_SLOT_FREE ? slot : NULL;
	}
	for (uint32_t i = 0; i < io->depth; i++)
		if (io->slot[i].state == SRPIO_SLOT_FREE)
			return &io->slot[i];
	return NULL;
}

static void slot_start(struct srpio_io *io, struct srpio_slot *slot)
{
	struct initiator_cmd *c = &slot->cmd;

	memset(c, 0, sizeof(*c));
	memcpy(c->lun, io->s->lun, 8);
	c->dir = slot->write ? INITIATOR_WRITE : INITIATOR_READ;
	c->buf = slot->buf;
	c->len_bytes = slot->len_bytes;
	c->channel = UINT32_MAX;
	c->done = on_done;
	slot->n_again = 0;
	slot->start_ns = reactor_clock_ns(io->s->reactor);
	slot->end_ns = slot->start_ns + SRPIO_PATIENCE_NS;
	slot->state = SRPIO_SLOT_BUSY;
	io->next_seq++;
	io->n_busy++;
	submit(io, slot);
}

static void fill(struct srpio_io *io)
{
	struct srpio_slot *slot;

	if (io->s->interrupted)
		give_up(io, err_set(io->e, -EINTR, "interrupted"));
	while (!io->rc && !io->exhausted && (slot = free_slot(io))) {
		int rc = io->next(io, slot, io->e);

		if (rc < 0)
			give_up(io, rc);
		else if (!rc)
			io->exhausted = true;
		else
			slot_start(io, slot);
	}
}

int srpio_io_run(struct srpio_io *io, struct err *e)
{
	CLEANUP_FREE struct srpio_slot *slots = calloc(io->depth, sizeof(*slots));

	if (!slots)
		return err_set(e, -ENOMEM, "out of memory");
	io->slot = slots;
	io->e = e;
	io->n_busy = 0;
	io->next_seq = io->over_seq = 0;
	io->exhausted = false;
	io->rc = 0;
	for (uint32_t i = 0; i < io->depth; i++) {
		slots[i].io = io;
		slots[i].buf = io->s->arena + SRPIO_CONTROL_BYTES + (size_t)i * io->bs_bytes;
		timer_init(&slots[i].later, on_later);
	}
	for (;;) {
		fill(io);
		if (!io->n_busy)
			break;
		reactor_poll(io->s->reactor, -1);
	}
	io->slot = NULL;
	return io->rc;
}

/* ---- the logical unit ---- */

int srpio_capacity(struct srpio_session *s, const uint8_t lun[8], struct srpio_capacity *out, struct err *e)
{
	uint8_t cdb[SRPIO_CDB_LEN];
	uint32_t got;
	int rc;

	srpio_cdb_read_capacity_10(cdb);
	rc = srpio_exec(s, lun, cdb, 8, &got, e);
	if (rc)
		return rc;
	if (!srpio_capacity_10_parse(s->arena, got, out))
		return err_set(e, -EIO, "READ CAPACITY(10): an answer that makes no sense");
	if (out->n_blocks <= UINT32_MAX)
		return 0;
	srpio_cdb_read_capacity_16(cdb, 32);
	rc = srpio_exec(s, lun, cdb, 32, &got, e);
	if (rc)
		return rc;
	if (!srpio_capacity_16_parse(s->arena, got, out))
		return err_set(e, -EIO, "READ CAPACITY(16): an answer that makes no sense");
	return 0;
}

int srpio_range(const struct srpio_options *o, const struct srpio_capacity *cap, uint32_t bs_bytes, uint64_t *length_bytes,
		struct err *e)
{
	uint64_t unit_bytes = cap->n_blocks * cap->block_bytes, rest;

	if (cap->n_blocks > UINT64_MAX / cap->block_bytes)
		return err_set(e, -EINVAL, "LUN %u says that it has 2^64 bytes or more", o->lun);
	if (o->offset_bytes % cap->block_bytes || o->length_bytes % cap->block_bytes || bs_bytes % cap->block_bytes)
		return err_set(e, -EINVAL, "--offset, --length and --bs must be multiples of the LUN's block size, %u bytes",
			       cap->block_bytes);
	if (o->offset_bytes >= unit_bytes)
		return err_set(e, -EINVAL, "--offset %llu is behind the end of LUN %u, which has %llu bytes",
			       (unsigned long long)o->offset_bytes, o->lun, (unsigned long long)unit_bytes);
	rest = unit_bytes - o->offset_bytes;
	if (o->length_bytes > rest)
		return err_set(e, -EINVAL, "--length %llu reaches beyond the end of LUN %u: %llu bytes follow the offset",
			       (unsigned long long)o->length_bytes, o->lun, (unsigned long long)rest);
	if (o->length_bytes)
		*length_bytes = o->length_bytes;
	else if (!*length_bytes || *length_bytes > rest)
		*length_bytes = rest;
	return 0;
}

int srpio_flush(struct srpio_session *s, struct err *e)
{
	static const uint8_t cdb[SRPIO_CDB_LEN] = { 0x35 };
	struct err inner = ERR_INIT;
	struct scsi_sense sense;
	int rc = srpio_exec(s, s->lun, cdb, 0, NULL, &inner);

	if (rc == -EIO && scsi_sense_parse(s->cmd.sense, s->cmd.sense_len, &sense) && sense.key == SCSI_ILLEGAL_REQUEST)
		return 0;
	return rc ? err_set(e, rc, "SYNCHRONIZE CACHE: %s", inner.cause) : 0;
}
