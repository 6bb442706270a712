/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands in pieces, see split.h. Pure but for the io that it cuts.
 * Layer: core.
 */
#include "split.h"

#include "../base/be.h"
#include "fence.h"
#include "io.h"
#include "lu.h"
#include "map.h"
#include "path.h"
#include "task.h"

#include <string.h>

enum { OP_READ_CAPACITY_10 = 0x25, OP_SERVICE_ACTION_IN_16 = 0x9e, SA_READ_CAPACITY_16 = 0x10, PAGE_BLOCK_LIMITS = 0xb0 };

#define LEAST_BLOCK 512u
#define MOST_BLOCK 65536u
#define PROTECTION_BYTES 8u

/* Where a CDB has its logical block address and its number of blocks. */
static const struct form {
	uint8_t opcode[3];
	uint8_t lba_at, lba_bytes, n_at, n_bytes;
} forms[] = {
	/* Of six bytes: the address has 21 bits. */
	{ { 0x08, 0x0a, 0x0a }, 1, 3, 4, 1 },
	{ { 0x28, 0x2a, 0x2e }, 2, 4, 7, 2 },
	{ { 0xa8, 0xaa, 0xae }, 2, 4, 6, 4 },
	{ { 0x88, 0x8a, 0x8e }, 2, 8, 10, 4 },
};

enum { SIX, N_FORMS = sizeof(forms) / sizeof(forms[0]) };

static uint64_t get(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static void put(uint8_t *p, unsigned n, uint64_t v)
{
	while (n > 0) {
		p[--n] = (uint8_t)v;
		v >>= 8;
	}
}

static unsigned form_of(const uint8_t *cdb)
{
	for (unsigned i = 0; i < N_FORMS; i++)
		if (memchr(forms[i].opcode, cdb[0], sizeof(forms[i].opcode)))
			return i;
	return N_FORMS;
}

static uint64_t lba_of(const uint8_t *cdb, unsigned form)
{
	uint64_t lba = get(cdb + forms[form].lba_at, forms[form].lba_bytes);

	return form == SIX ? lba & 0x1fffff : lba;
}

static uint64_t highest_lba(unsigned form)
{
	return form == SIX ? 0x1fffff : UINT64_MAX >> (64 - 8 * forms[form].lba_bytes);
}

static uint64_t blocks_of(const uint8_t *cdb, unsigned form)
{
	uint64_t n = get(cdb + forms[form].n_at, forms[form].n_bytes);

	return form == SIX && n == 0 ? 256 : n;
}

static bool is_protected(const uint8_t *cdb, unsigned form)
{
	return form != SIX && cdb[1] >> 5;
}

/* The block is known when the host asked for the capacity, which disks' drivers do; else it must be a usual one. */
static bool is_block_of(const struct lu *lu, const uint8_t *cdb, unsigned form, uint32_t wire_block)
{
	uint32_t protection = is_protected(cdb, form) ? PROTECTION_BYTES : 0;

	if (lu->block_bytes)
		return wire_block == lu->block_bytes || wire_block == lu->block_bytes + protection;
	/* Tapes have commands of six bytes with these operation codes, and other fields. */
	if (form == SIX)
		return false;
	return wire_block == 512 || wire_block == 4096 || wire_block == 512 + protection || wire_block == 4096 + protection;
}

/* Return: bytes per block as they travel, or 0: it cannot be cut. */
static uint32_t wire_block_of(const struct task *t, unsigned form)
{
	uint64_t n;

	if (form == N_FORMS || !t->lu)
		return 0;
	n = blocks_of(t->cdb, form);
	if (n == 0 || t->data_len % n != 0 || !is_block_of(t->lu, t->cdb, form, (uint32_t)(t->data_len / n)))
		return 0;
	/* The last piece's address must fit, too. */
	if (n - 1 > highest_lba(form) - lba_of(t->cdb, form))
		return 0;
	return (uint32_t)(t->data_len / n);
}

static uint32_t most_bytes(const struct lu *lu)
{
	return lu->path->backend->limits.max_transfer_bytes;
}

bool split_admits(const struct task *t)
{
	uint32_t most = most_bytes(t->lu), block;

	if (most == 0 || t->data_len <= most)
		return true;
	block = wire_block_of(t, form_of(t->cdb));
	return block > 0 && block <= most;
}

/* ---- pieces ---- */

static void cut(struct io *io)
{
	struct split *s = &io->split;
	const struct form *f = &forms[s->form];
	const uint8_t *whole = io->task->cdb;
	uint32_t most = most_bytes(io->lu) / s->wire_block * s->wire_block, left = s->total_bytes - s->done_bytes;
	uint32_t len = left < most ? left : most;
	uint64_t lba = lba_of(whole, s->form) + s->done_bytes / s->wire_block;

	put(io->cdb + f->n_at, f->n_bytes, len / s->wire_block);
	if (s->form == SIX)
		lba |= (uint64_t)(whole[1] & 0xe0) << 16;
	put(io->cdb + f->lba_at, f->lba_bytes, lba);
	io_window(io, s->done_bytes, len);
}

void split_begin(struct io *io)
{
	const struct task *t = io->task;

	io->split.total_bytes = 0;
	if (!t || !t->lu || most_bytes(t->lu) == 0 || t->data_len <= most_bytes(t->lu))
		return;
	io->split.form = (uint8_t)form_of(t->cdb);
	io->split.wire_block = wire_block_of(t, io->split.form);
	/* It was admitted; should its LU have changed since, the bridge refuses it. */
	if (io->split.wire_block == 0 || io->split.wire_block > most_bytes(t->lu))
		return;
	io->split.total_bytes = t->data_len;
	io->split.done_bytes = 0;
	cut(io);
}

/* From the piece to the whole: what did not move is also what was not asked for any more. */
static void sum_up(struct io *io)
{
	struct srpgw_io *pub = &io->pub;
	uint32_t behind = io->split.total_bytes - io->split.done_bytes - pub->data_len;

	if (pub->resid_kind == SRPGW_RESID_UNDER)
		pub->resid = (pub->resid < pub->data_len ? pub->resid : pub->data_len) + behind;
	else if (behind > 0)
		pub->resid = behind;
	if (behind > 0)
		pub->resid_kind = SRPGW_RESID_UNDER;
}

bool split_next(struct io *io)
{
	struct split *s = &io->split;
	struct srpgw_io *pub = &io->pub;
	bool is_last = s->done_bytes + pub->data_len == s->total_bytes;

	/* Nobody waits for the rest any more, and what was handed over has ended. */
	if (s->total_bytes == 0 || !io->task || pub->delivery != SRPGW_DELIVERY_ANSWERED)
		return false;
	if (is_last || pub->status != SCSI_GOOD || pub->resid_kind != SRPGW_RESID_NONE) {
		sum_up(io);
		return false;
	}
	if (io->path->state != PATH_UP || !fence_lets(io->task)) {
		/* All of it once more, when it may: what was read or written so far is no harm. */
		pub->delivery = SRPGW_DELIVERY_NEVER;
		return false;
	}
	s->done_bytes += pub->data_len;
	cut(io);
	return true;
}

/* ---- what the host and the gateway must know ---- */

void split_tell_limit(struct task *t, uint32_t len)
{
	enum { EVPD = 0x01, MAXIMUM_AT = 8, OPTIMAL_AT = 12 };
	uint32_t most = most_bytes(t->lu), block = t->lu->block_bytes ? t->lu->block_bytes : LEAST_BLOCK;
	uint8_t *page = t->io->data->addr;

	if (most == 0 || !(t->cdb[1] & EVPD) || t->cdb[2] != PAGE_BLOCK_LIMITS || t->io->data->len_bytes < OPTIMAL_AT + 4 ||
	    len < OPTIMAL_AT + 4 || page[1] != PAGE_BLOCK_LIMITS)
		return;
	most = most / block > 0 ? most / block : 1;
	/* 0: the device has no limit. */
	if (be32_at(page + MAXIMUM_AT) == 0 || be32_at(page + MAXIMUM_AT) > most)
		be32_put(page + MAXIMUM_AT, most);
	if (be32_at(page + OPTIMAL_AT) > most)
		be32_put(page + OPTIMAL_AT, most);
}

void split_note_capacity(const struct task *t, uint32_t len)
{
	const uint8_t *data = t->io->data->addr;
	uint32_t block = 0;

	if (t->cdb[0] == OP_READ_CAPACITY_10 && len >= 8)
		block = be32_at(data + 4);
	else if (t->cdb[0] == OP_SERVICE_ACTION_IN_16 && (t->cdb[1] & 0x1f) == SA_READ_CAPACITY_16 && len >= 12)
		block = be32_at(data + 8);
	if (block >= LEAST_BLOCK && block <= MOST_BLOCK)
		t->lu->block_bytes = block;
}
