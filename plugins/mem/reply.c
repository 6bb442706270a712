/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a command ends: status, fixed-format sense data with field pointer (SPC-4 4.5.3), and the residual.
 */
#include "mem.h"

#include <string.h>

size_t mem_sense_build(uint8_t buf[18], uint8_t key, uint16_t asc, int field, bool in_cdb)
{
	memset(buf, 0, 18);
	buf[0] = 0x70;
	buf[2] = key;
	buf[7] = 10; /* additional sense length */
	put16(buf + 12, asc);
	if (field >= 0) {
		buf[15] = 0x80 | (in_cdb ? 0x40 : 0);
		put16(buf + 16, (uint16_t)field);
	}
	return 18;
}

/* Nothing moved: what the host offered is left over. */
static void end_without_data(struct mem_cmd *c, uint8_t status)
{
	struct srpgw_io *io = c->io;

	io->status = status;
	io->resid = io->data_len;
	io->resid_kind = io->data_len ? SRPGW_RESID_UNDER : SRPGW_RESID_NONE;
}

static void check(struct mem_cmd *c, uint8_t key, uint16_t asc, int field, bool in_cdb)
{
	end_without_data(c, MEM_CHECK_CONDITION);
	c->io->sense_len = (uint16_t)mem_sense_build(c->io->sense, key, asc, field, in_cdb);
}

void mem_check(struct mem_cmd *c, uint8_t key, uint16_t asc)
{
	check(c, key, asc, -1, false);
}

void mem_bad_field(struct mem_cmd *c, int cdb_byte)
{
	check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_FIELD_IN_CDB, cdb_byte, true);
}

void mem_bad_param(struct mem_cmd *c, int param_byte)
{
	check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_FIELD_IN_PARAM, param_byte, false);
}

/* The data moved; the INFORMATION field says where it differs (SBC-3 5.3, 5.22). */
void mem_miscompare(struct mem_cmd *c, uint64_t offset)
{
	struct srpgw_io *io = c->io;

	io->status = MEM_CHECK_CONDITION;
	io->sense_len = (uint16_t)mem_sense_build(io->sense, MEM_MISCOMPARE, MEM_ASC_MISCOMPARE, -1, false);
	io->sense[0] |= 0x80;
	put32(io->sense + 3, (uint32_t)offset);
}

void mem_status(struct mem_cmd *c, uint8_t status)
{
	end_without_data(c, status);
}

size_t mem_transfer(struct mem_cmd *c, uint8_t dir, uint64_t wanted)
{
	struct srpgw_io *io = c->io;
	uint32_t room = io->dir == dir ? io->data_len : 0;
	uint64_t over = wanted > room ? wanted - room : 0;

	if (over) {
		io->resid_kind = SRPGW_RESID_OVER;
		io->resid = over > UINT32_MAX ? UINT32_MAX : (uint32_t)over;
		return room;
	}
	/* Wanted fits; a buffer of the other direction is all left over. */
	io->resid = io->data_len - (uint32_t)wanted;
	io->resid_kind = io->resid ? SRPGW_RESID_UNDER : SRPGW_RESID_NONE;
	return (size_t)wanted;
}

void mem_reply(struct mem_cmd *c, const void *buf, size_t len, size_t alloc_len)
{
	size_t wanted = len < alloc_len ? len : alloc_len;

	mem_buf_to_iov(c->io, buf, mem_transfer(c, SRPGW_DIR_IN, wanted));
}
