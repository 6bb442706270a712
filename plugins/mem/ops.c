/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of operation codes and what is common to all commands: which logical unit, unit attention, reserved bits of
 * the CDB, reservations, a stopped unit. The same table answers REPORT SUPPORTED OPERATION CODES.
 */
#include "mem.h"

#include <string.h>

#define ANY MEM_ACCESS_RESERVED
#define STATUS MEM_ACCESS_PR_EXCLUSIVE
#define READ MEM_ACCESS_PR_WRITE_EXCLUSIVE
#define WRITE MEM_ACCESS_FULL

#define F4 0xff, 0xff, 0xff, 0xff
#define F8 F4, F4

/* Sorted by opcode, service action. Byte 0 of the usage data is the opcode itself. */
const struct mem_op mem_ops[] = {
	{ 0x00, -1, 6, STATUS, MEM_OP_MEDIUM, { 0x00 }, mem_op_nothing },
	{ 0x03, -1, 6, ANY, MEM_OP_ANY_LU | MEM_OP_PAST_UA, { 0x03, 0x01, 0, 0, 0xff }, mem_op_request_sense },
	{ 0x08, -1, 6, READ, MEM_OP_MEDIUM, { 0x08, 0x1f, 0xff, 0xff, 0xff }, mem_op_read },
	{ 0x0a, -1, 6, WRITE, MEM_OP_MEDIUM, { 0x0a, 0x1f, 0xff, 0xff, 0xff }, mem_op_write },
	{ 0x12, -1, 6, ANY, MEM_OP_ANY_LU | MEM_OP_PAST_UA, { 0x12, 0x01, 0xff, 0xff, 0xff }, mem_op_inquiry },
	{ 0x16, -1, 6, ANY, 0, { 0x16 }, mem_op_reserve_6 },
	{ 0x17, -1, 6, ANY, 0, { 0x17 }, mem_op_release_6 },
	{ 0x1a, -1, 6, READ, 0, { 0x1a, 0x08, 0xff, 0xff, 0xff }, mem_op_mode_sense },
	{ 0x1b, -1, 6, STATUS, 0, { 0x1b, 0x01, 0, 0, 0x01 }, mem_op_start_stop },
	{ 0x1e, -1, 6, STATUS, 0, { 0x1e, 0, 0, 0, 0x03 }, mem_op_nothing },
	{ 0x25, -1, 10, STATUS, MEM_OP_MEDIUM, { 0x25 }, mem_op_read_capacity_10 },
	{ 0x28, -1, 10, READ, MEM_OP_MEDIUM, { 0x28, 0x18, F4, 0, 0xff, 0xff }, mem_op_read },
	{ 0x2a, -1, 10, WRITE, MEM_OP_MEDIUM, { 0x2a, 0x18, F4, 0, 0xff, 0xff }, mem_op_write },
	{ 0x2f, -1, 10, READ, MEM_OP_MEDIUM, { 0x2f, 0x16, F4, 0, 0xff, 0xff }, mem_op_verify },
	{ 0x35, -1, 10, WRITE, MEM_OP_MEDIUM, { 0x35, 0x02, F4, 0, 0xff, 0xff }, mem_op_sync_cache },
	{ 0x41, -1, 10, WRITE, MEM_OP_MEDIUM, { 0x41, 0x08, F4, 0, 0xff, 0xff }, mem_op_write_same },
	{ 0x42, -1, 10, WRITE, MEM_OP_MEDIUM, { 0x42, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, mem_op_unmap },
	{ 0x5a, -1, 10, READ, 0, { 0x5a, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff }, mem_op_mode_sense },
	{ 0x5e, 0x00, 10, STATUS, 0, { 0x5e, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, mem_op_pr_in },
	{ 0x5e, 0x01, 10, STATUS, 0, { 0x5e, 1, 0, 0, 0, 0, 0, 0xff, 0xff }, mem_op_pr_in },
	{ 0x5e, 0x02, 10, STATUS, 0, { 0x5e, 2, 0, 0, 0, 0, 0, 0xff, 0xff }, mem_op_pr_in },
	{ 0x5f, 0x00, 10, STATUS, 0, { 0x5f, 0, 0xff, 0, 0, F4 }, mem_op_pr_out },
	{ 0x5f, 0x01, 10, STATUS, 0, { 0x5f, 1, 0xff, 0, 0, F4 }, mem_op_pr_out },
	{ 0x5f, 0x02, 10, STATUS, 0, { 0x5f, 2, 0xff, 0, 0, F4 }, mem_op_pr_out },
	{ 0x5f, 0x03, 10, STATUS, 0, { 0x5f, 3, 0xff, 0, 0, F4 }, mem_op_pr_out },
	{ 0x5f, 0x04, 10, STATUS, 0, { 0x5f, 4, 0xff, 0, 0, F4 }, mem_op_pr_out },
	{ 0x5f, 0x05, 10, STATUS, 0, { 0x5f, 5, 0xff, 0, 0, F4 }, mem_op_pr_out },
	{ 0x5f, 0x06, 10, STATUS, 0, { 0x5f, 6, 0xff, 0, 0, F4 }, mem_op_pr_out },
	{ 0x88, -1, 16, READ, MEM_OP_MEDIUM, { 0x88, 0x18, F8, F4 }, mem_op_read },
	{ 0x89, -1, 16, WRITE, MEM_OP_MEDIUM, { 0x89, 0x18, F8, 0, 0, 0, 0xff }, mem_op_compare_and_write },
	{ 0x8a, -1, 16, WRITE, MEM_OP_MEDIUM, { 0x8a, 0x18, F8, F4 }, mem_op_write },
	{ 0x8f, -1, 16, READ, MEM_OP_MEDIUM, { 0x8f, 0x16, F8, F4 }, mem_op_verify },
	{ 0x91, -1, 16, WRITE, MEM_OP_MEDIUM, { 0x91, 0x02, F8, F4 }, mem_op_sync_cache },
	{ 0x93, -1, 16, WRITE, MEM_OP_MEDIUM, { 0x93, 0x09, F8, F4 }, mem_op_write_same },
	{ 0x9e, 0x10, 16, STATUS, MEM_OP_MEDIUM, { 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, F4 }, mem_op_read_capacity_16 },
	{ 0xa0, -1, 12, ANY, MEM_OP_ANY_LU | MEM_OP_PAST_UA, { 0xa0, 0, 0xff, 0, 0, 0, F4 }, mem_op_report_luns },
	{ 0xa3, 0x0c, 12, STATUS, 0, { 0xa3, 0x0c, 0x87, 0xff, 0xff, 0xff, F4 }, mem_op_report_opcodes },
	{ 0xa8, -1, 12, READ, MEM_OP_MEDIUM, { 0xa8, 0x18, F8 }, mem_op_read },
	{ 0xaa, -1, 12, WRITE, MEM_OP_MEDIUM, { 0xaa, 0x18, F8 }, mem_op_write },
};
const size_t mem_n_ops = sizeof(mem_ops) / sizeof(mem_ops[0]);

/* @known: the opcode exists, only the service action does not. */
static const struct mem_op *find_op(const uint8_t *cdb, bool *known)
{
	*known = false;
	for (size_t i = 0; i < mem_n_ops && mem_ops[i].opcode <= cdb[0]; i++) {
		if (mem_ops[i].opcode != cdb[0])
			continue;
		*known = true;
		if (mem_ops[i].service_action < 0 || mem_ops[i].service_action == (cdb[1] & 0x1f))
			return &mem_ops[i];
	}
	return NULL;
}

static bool find_lu(struct mem_cmd *c)
{
	static const uint8_t report_luns_wlun[8] = { 0xc1, 0x01 };
	int32_t n = mem_lun_number(c->io->lun);

	c->well_known = !memcmp(c->io->lun, report_luns_wlun, 8);
	if (n < 0 || (uint32_t)n >= c->t->n_lu)
		return c->well_known;
	c->lu_number = (uint32_t)n;
	c->lu = &c->t->lu[n];
	return true;
}

/* Return: byte of the CDB that has a bit set which nobody looks at, or 0. */
static int reserved_byte(const struct mem_op *op, const uint8_t *cdb)
{
	for (int i = 1; i < op->cdb_len; i++)
		if (cdb[i] & ~op->usage[i])
			return i;
	return 0;
}

/* A command's checks in the order of SAM-5 5.14 and SPC-4: logical unit, unit attention, CDB, reservation, readiness.
 */
void mem_execute(struct mem_cmd *c)
{
	struct srpgw_io *io = c->io;
	bool known;

	io->status = MEM_GOOD;
	io->sense_len = 0;
	mem_transfer(c, io->dir, 0);
	if (!io->cdb_len) {
		mem_check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_INVALID_OPCODE);
		return;
	}
	const struct mem_op *op = find_op(c->cdb, &known);
	bool have_lu = find_lu(c);

	if (!have_lu && !(op && op->flags & MEM_OP_ANY_LU)) {
		mem_check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_LU_NOT_SUPPORTED);
		return;
	}
	if (c->lu && !(op && op->flags & MEM_OP_PAST_UA)) {
		uint16_t ua = mem_ua_take(c->path, c->lu_number);

		if (ua) {
			mem_check(c, MEM_UNIT_ATTENTION, ua);
			return;
		}
	}
	if (!op || io->cdb_len < op->cdb_len || (!c->lu && !(op->flags & MEM_OP_ANY_LU))) {
		if (op || !known)
			mem_check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_INVALID_OPCODE);
		else
			mem_bad_field(c, 1);
		return;
	}
	int reserved = reserved_byte(op, c->cdb);
	if (reserved) {
		mem_bad_field(c, reserved);
		return;
	}
	if (c->lu && atomic_load(&c->path->view[c->lu_number].access) > op->max_access) {
		mem_status(c, MEM_RESERVATION_CONFLICT);
		return;
	}
	if (op->flags & MEM_OP_MEDIUM && atomic_load_explicit(&c->lu->stopped, memory_order_relaxed)) {
		mem_check(c, MEM_NOT_READY, MEM_ASC_LU_STOPPED);
		return;
	}
	op->fn(c);
}
