/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands on a range of blocks: READ, WRITE, VERIFY, SYNCHRONIZE CACHE, COMPARE AND WRITE, WRITE SAME, UNMAP. Source:
 * SBC-3 5.
 */
#include "mem.h"

#include <string.h>

struct range {
	uint64_t lba;
	uint32_t n_blocks;
	int lba_byte, len_byte; /* where they stand in the CDB */
};

static struct range cdb_range(const uint8_t *cdb)
{
	switch (cdb[0] >> 5) {
	case 0:
		return (struct range){ get32(cdb) & 0x1fffff, cdb[4] ? cdb[4] : 256, 1, 4 };
	case 1:
	case 2:
		return (struct range){ get32(cdb + 2), get16(cdb + 7), 2, 7 };
	case 5:
		return (struct range){ get32(cdb + 2), get32(cdb + 6), 2, 6 };
	default:
		return (struct range){ get64(cdb + 2), get32(cdb + 10), 2, 10 };
	}
}

static bool in_range(struct mem_cmd *c, uint64_t lba, uint64_t n_blocks)
{
	if (lba <= c->t->n_blocks && n_blocks <= c->t->n_blocks - lba)
		return true;
	mem_check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_LBA_RANGE);
	return false;
}

/* Range of the CDB, checked against the unit's size and the longest transfer. */
static bool take_range(struct mem_cmd *c, struct range *r)
{
	*r = cdb_range(c->cdb);
	if (!in_range(c, r->lba, r->n_blocks))
		return false;
	if (r->n_blocks > MEM_MAX_TRANSFER_BYTES >> c->t->block_shift) {
		mem_bad_field(c, r->len_byte);
		return false;
	}
	return true;
}

static uint8_t *at(const struct mem_cmd *c, uint64_t lba)
{
	return c->lu->base + (lba << c->t->block_shift);
}

static uint64_t bytes(const struct mem_cmd *c, uint64_t n_blocks)
{
	return n_blocks << c->t->block_shift;
}

void mem_op_read(struct mem_cmd *c)
{
	struct range r;

	if (take_range(c, &r))
		mem_store_to_iov(at(c, r.lba), c->io, mem_transfer(c, SRPGW_DIR_IN, bytes(c, r.n_blocks)));
}

void mem_op_write(struct mem_cmd *c)
{
	struct range r;

	if (take_range(c, &r))
		mem_iov_to_store(at(c, r.lba), c->io, 0, mem_transfer(c, SRPGW_DIR_OUT, bytes(c, r.n_blocks)));
}

void mem_op_verify(struct mem_cmd *c)
{
	unsigned bytchk = c->cdb[1] >> 1 & 3;
	uint32_t block = 1u << c->t->block_shift;
	struct range r;

	if (!take_range(c, &r))
		return;
	if (bytchk == 2) {
		mem_bad_field(c, 1);
		return;
	}
	if (bytchk == 0)
		return;
	/* 01b: the range is compared with as many blocks; 11b: each block with one. */
	size_t n = mem_transfer(c, SRPGW_DIR_OUT, bytchk == 1 ? bytes(c, r.n_blocks) : r.n_blocks ? block : 0);
	uint32_t rounds = bytchk == 1 ? 1 : r.n_blocks;

	for (uint32_t i = 0; i < rounds; i++) {
		size_t same = mem_store_compare(at(c, r.lba + i), c->io, n);

		if (same < n) {
			mem_miscompare(c, same);
			return;
		}
	}
}

void mem_op_sync_cache(struct mem_cmd *c)
{
	struct range r = cdb_range(c->cdb);

	in_range(c, r.lba, r.n_blocks);
}

void mem_op_compare_and_write(struct mem_cmd *c)
{
	uint64_t lba = get64(c->cdb + 2);
	uint32_t n_blocks = c->cdb[13];
	size_t half = bytes(c, n_blocks);

	if (!in_range(c, lba, n_blocks))
		return;
	if (n_blocks > MEM_MAX_CAW_BLOCKS ||
	    (n_blocks && (c->io->dir != SRPGW_DIR_OUT || c->io->data_len < 2 * half))) {
		mem_bad_field(c, 13);
		return;
	}
	mem_transfer(c, SRPGW_DIR_OUT, 2 * (uint64_t)half);
	while (atomic_flag_test_and_set_explicit(&c->lu->caw_lock, memory_order_acquire))
		;
	size_t same = mem_store_compare(at(c, lba), c->io, half);

	if (same == half)
		mem_iov_to_store(at(c, lba), c->io, half, half);
	atomic_flag_clear_explicit(&c->lu->caw_lock, memory_order_release);
	if (same < half)
		mem_miscompare(c, same);
}

void mem_op_write_same(struct mem_cmd *c)
{
	uint8_t block[4096];
	size_t block_bytes = bytes(c, 1);
	bool unmap = c->cdb[1] & 0x08, no_data_out = c->cdb[1] & 0x01;
	struct range r = cdb_range(c->cdb);

	if (!in_range(c, r.lba, r.n_blocks))
		return;
	/* Zero blocks would mean "to the end": refused, as the Block Limits page says (WSNZ). */
	if (!r.n_blocks || (!unmap && r.n_blocks > MEM_MAX_TRANSFER_BYTES >> c->t->block_shift)) {
		mem_bad_field(c, r.len_byte);
		return;
	}
	if (no_data_out) {
		memset(block, 0, block_bytes);
	} else {
		if (c->io->dir != SRPGW_DIR_OUT || c->io->data_len < block_bytes) {
			mem_bad_field(c, r.len_byte);
			return;
		}
		mem_iov_to_buf(c->io, block, mem_transfer(c, SRPGW_DIR_OUT, block_bytes));
	}
	/* Only zeros may be unmapped: unmapped blocks read as zeros. */
	bool zeros = !block[0] && !memcmp(block, block + 1, block_bytes - 1);

	if (unmap && zeros)
		mem_store_discard(at(c, r.lba), bytes(c, r.n_blocks));
	else if (r.n_blocks > MEM_MAX_TRANSFER_BYTES >> c->t->block_shift)
		mem_bad_field(c, r.len_byte);
	else
		mem_store_fill(at(c, r.lba), block, block_bytes, r.n_blocks);
}

#define UNMAP_MAX_DESCRIPTORS 256u

void mem_op_unmap(struct mem_cmd *c)
{
	uint8_t list[8 + 16 * UNMAP_MAX_DESCRIPTORS];
	size_t len = get16(c->cdb + 7);

	if (!len)
		return;
	if (len < 8) {
		mem_check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_PARAM_LIST_LENGTH);
		return;
	}
	if (len > sizeof(list)) {
		mem_bad_field(c, 7);
		return;
	}
	if (mem_transfer(c, SRPGW_DIR_OUT, len) < len) {
		mem_check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_PARAM_LIST_LENGTH);
		return;
	}
	mem_iov_to_buf(c->io, list, len);
	size_t n = get16(list + 2) / 16;

	if (n > (len - 8) / 16) {
		mem_bad_param(c, 2);
		return;
	}
	/* All or nothing: every descriptor is checked before the first block goes. */
	for (size_t i = 0; i < n; i++)
		if (!in_range(c, get64(list + 8 + 16 * i), get32(list + 16 + 16 * i)))
			return;
	for (size_t i = 0; i < n; i++)
		mem_store_discard(at(c, get64(list + 8 + 16 * i)), bytes(c, get32(list + 16 + 16 * i)));
}
