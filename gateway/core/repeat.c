/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands that may be repeated, see repeat.h. BUSY means "not accepted", and hosts send such a command again
 * without asking anybody; so whatever counts, moves a medium, compares, reserves or starts something is not marked so.
 * Opcodes mean different things on different devices, and the gateway does not know the device: an opcode is
 * HARMLESS only if a repetition is harmless wherever it is in use. That excludes READ(6) and WRITE(6), which on a tape go on to the
 * next block, and 91h, which is SYNCHRONIZE CACHE(16) on a disk and SPACE(16) on a tape. (READ(16), WRITE(16) and
 * VERIFY(16) name their block on a tape, too.)
 * Layer: core.
 */
#include "repeat.h"

#include <stddef.h>

#define ANY 0xff

enum {
	HARMLESS = 1, /* to carry out twice */
	ASKS = 2,     /* moves no medium data and reserves nothing */
};

static const struct kind {
	uint8_t opcode, service_action; /* or ANY */
	uint8_t is;
} kinds[] = {
	{ 0x00, ANY, HARMLESS | ASKS }, /* TEST UNIT READY */
	{ 0x03, ANY, HARMLESS | ASKS }, /* REQUEST SENSE */
	{ 0x05, ANY, ASKS }, /* READ BLOCK LIMITS */
	{ 0x12, ANY, HARMLESS | ASKS }, /* INQUIRY */
	{ 0x1a, ANY, HARMLESS | ASKS }, /* MODE SENSE(6) */
	{ 0x1b, ANY, ASKS }, /* START STOP UNIT: a host's try to make it ready */
	{ 0x1e, ANY, ASKS }, /* PREVENT ALLOW MEDIUM REMOVAL */
	{ 0x23, ANY, ASKS }, /* READ FORMAT CAPACITIES */
	{ 0x25, ANY, HARMLESS | ASKS }, /* READ CAPACITY(10) */
	{ 0x28, ANY, HARMLESS }, /* READ(10) */
	{ 0x2a, ANY, HARMLESS }, /* WRITE(10) */
	{ 0x2e, ANY, HARMLESS }, /* WRITE AND VERIFY(10) */
	{ 0x2f, ANY, HARMLESS }, /* VERIFY(10) */
	{ 0x35, ANY, HARMLESS }, /* SYNCHRONIZE CACHE(10) */
	{ 0x41, ANY, HARMLESS }, /* WRITE SAME(10) */
	{ 0x42, ANY, HARMLESS }, /* UNMAP */
	{ 0x43, ANY, ASKS }, /* READ TOC/PMA/ATIP */
	{ 0x46, ANY, ASKS }, /* GET CONFIGURATION */
	{ 0x4a, ANY, ASKS }, /* GET EVENT STATUS NOTIFICATION */
	{ 0x4d, ANY, HARMLESS | ASKS }, /* LOG SENSE */
	{ 0x5a, ANY, HARMLESS | ASKS }, /* MODE SENSE(10) */
	{ 0x5e, ANY, HARMLESS }, /* PERSISTENT RESERVE IN */
	{ 0x88, ANY, HARMLESS }, /* READ(16) */
	{ 0x8a, ANY, HARMLESS }, /* WRITE(16) */
	{ 0x8e, ANY, HARMLESS }, /* WRITE AND VERIFY(16) */
	{ 0x8f, ANY, HARMLESS }, /* VERIFY(16) */
	{ 0x93, ANY, HARMLESS }, /* WRITE SAME(16) */
	{ 0x95, 0x00, HARMLESS }, /* REPORT ZONES */
	{ 0x9c, ANY, HARMLESS }, /* WRITE ATOMIC(16) */
	{ 0x9e, 0x10, HARMLESS | ASKS }, /* READ CAPACITY(16) */
	{ 0x9e, 0x12, HARMLESS }, /* GET LBA STATUS */
	{ 0x9e, 0x13, HARMLESS }, /* REPORT REFERRALS */
	{ 0xa0, ANY, HARMLESS | ASKS }, /* REPORT LUNS */
	{ 0xa3, 0x05, HARMLESS | ASKS }, /* REPORT IDENTIFYING INFORMATION */
	{ 0xa3, 0x0a, HARMLESS | ASKS }, /* REPORT TARGET PORT GROUPS */
	{ 0xa3, 0x0b, HARMLESS | ASKS }, /* REPORT ALIASES */
	{ 0xa3, 0x0c, HARMLESS | ASKS }, /* REPORT SUPPORTED OPERATION CODES */
	{ 0xa3, 0x0d, HARMLESS | ASKS }, /* REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS */
	{ 0xa3, 0x0e, HARMLESS | ASKS }, /* REPORT PRIORITY */
	{ 0xa3, 0x0f, HARMLESS | ASKS }, /* REPORT TIMESTAMP */
	{ 0xa8, ANY, HARMLESS }, /* READ(12) */
	{ 0xaa, ANY, HARMLESS }, /* WRITE(12) */
	{ 0xae, ANY, HARMLESS }, /* WRITE AND VERIFY(12) */
	{ 0xaf, ANY, HARMLESS }, /* VERIFY(12) */
};

static bool is(const uint8_t *cdb, uint8_t what)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].opcode == cdb[0] && kinds[i].is & what &&
		    (kinds[i].service_action == ANY || kinds[i].service_action == (cdb[1] & 0x1f)))
			return true;
	return false;
}

bool repeat_is_flush(const uint8_t *cdb)
{
	if (cdb[0] == 0x35)
		return true;
	if (cdb[0] != 0x91)
		return false;
	/* SYNCHRONIZE CACHE(16) of everything; on a tape SPACE(16) over nothing. Others may be a SPACE that moves. */
	for (size_t i = 1; i < 16; i++)
		if (cdb[i] != 0)
			return false;
	return true;
}

bool repeat_is_harmless(const uint8_t *cdb)
{
	return is(cdb, HARMLESS) || repeat_is_flush(cdb);
}

bool repeat_only_asks(const uint8_t *cdb)
{
	return is(cdb, ASKS);
}
