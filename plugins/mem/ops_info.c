/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands that describe the unit: INQUIRY with its pages, REPORT LUNS, REQUEST SENSE, READ CAPACITY, MODE SENSE and
 * REPORT SUPPORTED OPERATION CODES. Source: SPC-4 6, 7; SBC-3 5, 6.
 */
#include "mem.h"

#include <stdio.h>
#include <string.h>

enum { TYPE_DISK = 0x00, TYPE_WELL_KNOWN = 0x1e, TYPE_ABSENT = 0x7f /* qualifier 3, type 1Fh */ };

/* Designator of this unit: the target's NAA identifier plus the unit's number. */
static void unit_id(const struct mem_cmd *c, uint8_t id[8])
{
	put64(id, get64(c->t->id) + c->lu_number);
	id[0] = (uint8_t)((id[0] & 0x0f) | 0x30); /* NAA 3: locally assigned */
}

static size_t serial(const struct mem_cmd *c, char text[17])
{
	uint8_t id[8];

	unit_id(c, id);
	for (size_t i = 0; i < 8; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
	return 16;
}

/* SCSI text is padded with blanks and has no end mark. */
static void put_text(uint8_t *b, const char *text)
{
	while (*text)
		*b++ = (uint8_t)*text++;
}

static size_t standard_inquiry(const struct mem_cmd *c, uint8_t *b)
{
	static const uint16_t versions[] = {0x00a0 /* SAM-5 */, 0x0460 /* SPC-4 */, 0x04c0 /* SBC-3 */,
					    0x0940 /* SRP */};

	b[2] = 0x06;         /* SPC-4 */
	b[3] = 0x12;         /* HISUP, response data format 2 */
	b[4] = 96 - 5;
	b[7] = 0x02;         /* CMDQUE */
	put_text(b + 8, "SRPGW   MEM DISK        0001");
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		put16(b + 58 + 2 * i, versions[i]);
	if (!c->lu)
		b[7] = 0;
	return 96;
}

static size_t vpd_identification(const struct mem_cmd *c, uint8_t *b)
{
	uint8_t *d = b + 4;

	d[0] = 0x01; /* binary */
	d[1] = 0x03; /* logical unit, NAA */
	d[3] = 8;
	unit_id(c, d + 4);
	d += 12;
	d[0] = 0x02; /* ASCII */
	d[1] = 0x01; /* T10 vendor */
	d[3] = 24;
	put_text(d + 4, "SRPGW   ");
	char text[17] = "";

	memcpy(d + 12, text, serial(c, text));
	return (size_t)(d + 4 + 24 - b);
}

static size_t vpd_block_limits(const struct mem_cmd *c, uint8_t *b)
{
	uint32_t max_blocks = MEM_MAX_TRANSFER_BYTES >> c->t->block_shift;

	b[4] = 0x01; /* WSNZ */
	b[5] = MEM_MAX_CAW_BLOCKS;
	put16(b + 6, (uint16_t)(4096u >> c->t->block_shift)); /* optimal granularity */
	put32(b + 8, max_blocks);
	put32(b + 12, (1u << 20) >> c->t->block_shift); /* optimal */
	put32(b + 20, UINT32_MAX);                      /* UNMAP: blocks */
	put32(b + 24, 256);                             /* UNMAP: descriptors */
	put32(b + 28, 4096u >> c->t->block_shift);      /* UNMAP granularity */
	put64(b + 36, max_blocks);                      /* WRITE SAME */
	return 64;
}

/* Return: length of the page, 0 when there is none such. */
static size_t vpd_page(const struct mem_cmd *c, uint8_t page, uint8_t *b)
{
	static const uint8_t pages[] = { 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2 };
	size_t len;

	switch (page) {
	case 0x00:
		memcpy(b + 4, pages, sizeof(pages));
		len = 4 + (c->lu ? sizeof(pages) : 1);
		break;
	case 0x80:
		len = 4 + serial(c, (char *)b + 4);
		break;
	case 0x83:
		len = vpd_identification(c, b);
		break;
	case 0xb0:
		len = vpd_block_limits(c, b);
		break;
	case 0xb1:
		put16(b + 4, 1); /* no rotation */
		len = 64;
		break;
	case 0xb2:
		b[5] = 0xe4; /* LBPU, LBPWS, LBPWS10, LBPRZ */
		b[6] = 0x02; /* thin provisioned */
		len = 8;
		break;
	default:
		return 0;
	}
	if (page && !c->lu)
		return 0;
	put16(b + 2, (uint16_t)(len - 4));
	return len;
}

void mem_op_inquiry(struct mem_cmd *c)
{
	uint8_t b[128] = { 0 };
	bool evpd = c->cdb[1] & 1;
	size_t len;

	if (!evpd && c->cdb[2]) {
		mem_bad_field(c, 2);
		return;
	}
	len = evpd ? vpd_page(c, c->cdb[2], b) : standard_inquiry(c, b);
	if (!len) {
		mem_bad_field(c, 2);
		return;
	}
	b[0] = c->lu ? TYPE_DISK : c->well_known ? TYPE_WELL_KNOWN : TYPE_ABSENT;
	if (evpd)
		b[1] = c->cdb[2];
	mem_reply(c, b, len, get16(c->cdb + 3));
}

void mem_op_report_luns(struct mem_cmd *c)
{
	static _Thread_local uint8_t b[8 + 8 * MEM_MAX_LUS]; /* too large for the stack of a reactor */
	uint8_t select = c->cdb[2];
	size_t n = 0;

	if (!c->lu && !c->well_known) {
		mem_check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_LU_NOT_SUPPORTED);
		return;
	}
	if (select > 2) {
		mem_bad_field(c, 2);
		return;
	}
	memset(b, 0, sizeof(b));
	for (; select != 1 && n < c->t->n_lu; n++)
		put16(b + 8 + 8 * n, (uint16_t)(n < 256 ? n : n | 0x4000));
	put32(b, (uint32_t)(8 * n));
	mem_reply(c, b, 8 + 8 * n, get32(c->cdb + 6));
}

void mem_op_request_sense(struct mem_cmd *c)
{
	uint8_t b[18], key = MEM_NO_SENSE;
	uint16_t asc = 0;

	if (!c->lu && !c->well_known) {
		key = MEM_ILLEGAL_REQUEST;
		asc = MEM_ASC_LU_NOT_SUPPORTED;
	} else if (c->lu) {
		asc = mem_ua_take(c->path, c->lu_number);
		key = asc ? MEM_UNIT_ATTENTION : MEM_NO_SENSE;
	}
	if (c->cdb[1] & 1) {
		const uint8_t d[8] = { 0x72, key, (uint8_t)(asc >> 8), (uint8_t)asc };

		mem_reply(c, d, sizeof(d), c->cdb[4]);
		return;
	}
	mem_reply(c, b, mem_sense_build(b, key, asc, -1, false), c->cdb[4]);
}

void mem_op_read_capacity_10(struct mem_cmd *c)
{
	uint8_t b[8];
	uint64_t last = c->t->n_blocks - 1;

	put32(b, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
	put32(b + 4, 1u << c->t->block_shift);
	mem_reply(c, b, sizeof(b), sizeof(b));
}

void mem_op_read_capacity_16(struct mem_cmd *c)
{
	uint8_t b[32] = { 0 };

	put64(b, c->t->n_blocks - 1);
	put32(b + 8, 1u << c->t->block_shift);
	b[13] = (uint8_t)(12 - c->t->block_shift); /* logical blocks per 4096-byte page, as an exponent */
	b[14] = 0xc0;                              /* LBPME, LBPRZ */
	mem_reply(c, b, sizeof(b), get32(c->cdb + 10));
}

/* @pc: page control; changeable values are all zero. Return: length of the pages added, 0 when @page is not known. */
static size_t mode_pages(uint8_t *b, uint8_t page, uint8_t subpage, bool changeable)
{
	static const uint8_t caching[20] = { 0x08, 18, 0x04 /* WCE */ };
	static const uint8_t control[12] = {0x0a, 10,  0x02 /* GLTSD */, 0x10 /* unrestricted reordering */, 0, 0, 0, 0,
					    0xff, 0xff};
	static const uint8_t exceptions[12] = { 0x1c, 10, 0x08 /* DEXCPT */ };
	static const struct {
		const uint8_t *data;
		size_t len;
	} pages[] = { { caching, sizeof(caching) }, { control, sizeof(control) }, { exceptions, sizeof(exceptions) } };
	size_t len = 0;

	if (subpage && !(subpage == 0xff && page == 0x3f))
		return 0;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (page != 0x3f && page != pages[i].data[0])
			continue;
		memcpy(b + len, pages[i].data, pages[i].len);
		if (changeable)
			memset(b + len + 2, 0, pages[i].len - 2);
		len += pages[i].len;
	}
	return len;
}

void mem_op_mode_sense(struct mem_cmd *c)
{
	uint8_t b[8 + 16 + 64] = { 0 };
	bool ten = c->cdb[0] == 0x5a, no_descriptor = c->cdb[1] & 0x08, long_lba = ten && c->cdb[1] & 0x10;
	uint8_t pc = c->cdb[2] >> 6;
	size_t header = ten ? 8 : 4, desc = no_descriptor ? 0 : long_lba ? 16 : 8;

	if (pc == 3) {
		mem_check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_SAVING);
		return;
	}
	size_t pages = mode_pages(b + header + desc, c->cdb[2] & 0x3f, c->cdb[3], pc == 1);
	size_t len = header + desc + pages;

	if (!pages) {
		mem_bad_field(c, 2);
		return;
	}
	if (desc == 8) {
		put32(b + header, c->t->n_blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)c->t->n_blocks);
		put32(b + header + 4, 1u << c->t->block_shift);
	} else if (desc == 16) {
		put64(b + header, c->t->n_blocks);
		put32(b + header + 12, 1u << c->t->block_shift);
	}
	if (ten) {
		put16(b, (uint16_t)(len - 2));
		b[3] = 0x10; /* DPOFUA */
		b[4] = long_lba;
		put16(b + 6, (uint16_t)desc);
	} else {
		b[0] = (uint8_t)(len - 1);
		b[2] = 0x10;
		b[3] = (uint8_t)desc;
	}
	mem_reply(c, b, len, ten ? get16(c->cdb + 7) : c->cdb[4]);
}

#define TIMEOUTS_LEN 12u

static void put_timeouts(uint8_t *b)
{
	memset(b, 0, TIMEOUTS_LEN);
	put16(b, TIMEOUTS_LEN - 2);
}

static void report_all_opcodes(struct mem_cmd *c, bool timeouts)
{
	uint8_t b[4 + 64 * (8 + TIMEOUTS_LEN)];
	size_t len = 4;

	for (size_t i = 0; i < mem_n_ops; i++) {
		uint8_t *d = b + len;

		memset(d, 0, 8);
		d[0] = mem_ops[i].opcode;
		d[5] = (uint8_t)((timeouts ? 0x02 : 0) | (mem_ops[i].service_action >= 0));
		put16(d + 2, mem_ops[i].service_action >= 0 ? (uint16_t)mem_ops[i].service_action : 0);
		put16(d + 6, mem_ops[i].cdb_len);
		len += 8;
		if (timeouts) {
			put_timeouts(b + len);
			len += TIMEOUTS_LEN;
		}
	}
	put32(b, (uint32_t)(len - 4));
	mem_reply(c, b, len, get32(c->cdb + 6));
}

void mem_op_report_opcodes(struct mem_cmd *c)
{
	uint8_t b[4 + 16 + TIMEOUTS_LEN] = { 0 }, options = c->cdb[2] & 7, opcode = c->cdb[3];
	bool timeouts = c->cdb[2] & 0x80, has_sa = false;
	uint16_t sa = get16(c->cdb + 4);
	const struct mem_op *found = NULL;

	if (!options) {
		report_all_opcodes(c, timeouts);
		return;
	}
	for (size_t i = 0; i < mem_n_ops; i++) {
		if (mem_ops[i].opcode != opcode)
			continue;
		has_sa |= mem_ops[i].service_action >= 0;
		if (mem_ops[i].service_action < 0 || mem_ops[i].service_action == sa)
			found = &mem_ops[i];
	}
	/* 1: an opcode without, 2: one with service actions; 3: either (SPC-4 6.35). */
	if (options > 3 || (options == 1 && has_sa) || (options == 2 && found && !has_sa)) {
		mem_bad_field(c, options > 3 ? 2 : 4);
		return;
	}
	size_t len = 4;

	b[1] = found ? 3 : 1;
	if (found) {
		put16(b + 2, found->cdb_len);
		memcpy(b + 4, found->usage, found->cdb_len);
		len += found->cdb_len;
		if (timeouts) {
			b[1] |= 0x80;
			put_timeouts(b + len);
			len += TIMEOUTS_LEN;
		}
	}
	mem_reply(c, b, len, get32(c->cdb + 6));
}
