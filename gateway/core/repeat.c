/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands that may be repeated, see repeat.h. BUSY means "not accepted", and hosts send such a command again
 * without asking anybody; so whatever counts, moves a medium, compares, reserves or starts something is not here.
 * Opcodes mean different things on different devices, and the gateway does not know the device: an opcode is here only
 * if a repetition is harmless wherever it is in use. That excludes READ(6) and WRITE(6), which on a tape go on to the
 * next block, and 91h, which is SYNCHRONIZE CACHE(16) on a disk and SPACE(16) on a tape. (READ(16), WRITE(16) and
 * VERIFY(16) name their block on a tape, too.)
 * Layer: core.
 */
#include "repeat.h"

#include <stddef.h>

#define ANY 0xff

struct kind {
	uint8_t opcode, service_action; /* or ANY */
};

static const struct kind harmless[] = {
	{ 0x00, ANY },	/* TEST UNIT READY */
	{ 0x03, ANY },	/* REQUEST SENSE */
	{ 0x12, ANY },	/* INQUIRY */
	{ 0x1a, ANY },	/* MODE SENSE(6) */
	{ 0x25, ANY },	/* READ CAPACITY(10) */
	{ 0x28, ANY },	/* READ(10) */
	{ 0x2a, ANY },	/* WRITE(10) */
	{ 0x2e, ANY },	/* WRITE AND VERIFY(10) */
	{ 0x2f, ANY },	/* VERIFY(10) */
	{ 0x35, ANY },	/* SYNCHRONIZE CACHE(10) */
	{ 0x41, ANY },	/* WRITE SAME(10) */
	{ 0x42, ANY },	/* UNMAP */
	{ 0x4d, ANY },	/* LOG SENSE */
	{ 0x5a, ANY },	/* MODE SENSE(10) */
	{ 0x5e, ANY },	/* PERSISTENT RESERVE IN */
	{ 0x88, ANY },	/* READ(16) */
	{ 0x8a, ANY },	/* WRITE(16) */
	{ 0x8e, ANY },	/* WRITE AND VERIFY(16) */
	{ 0x8f, ANY },	/* VERIFY(16) */
	{ 0x93, ANY },	/* WRITE SAME(16) */
	{ 0x95, 0x00 }, /* REPORT ZONES */
	{ 0x9c, ANY },	/* WRITE ATOMIC(16) */
	{ 0x9e, 0x10 }, /* READ CAPACITY(16) */
	{ 0x9e, 0x12 }, /* GET LBA STATUS */
	{ 0x9e, 0x13 }, /* REPORT REFERRALS */
	{ 0xa0, ANY },	/* REPORT LUNS */
	{ 0xa3, 0x05 }, /* REPORT IDENTIFYING INFORMATION */
	{ 0xa3, 0x0a }, /* REPORT TARGET PORT GROUPS */
	{ 0xa3, 0x0b }, /* REPORT ALIASES */
	{ 0xa3, 0x0c }, /* REPORT SUPPORTED OPERATION CODES */
	{ 0xa3, 0x0d }, /* REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS */
	{ 0xa3, 0x0e }, /* REPORT PRIORITY */
	{ 0xa3, 0x0f }, /* REPORT TIMESTAMP */
	{ 0xa8, ANY },	/* READ(12) */
	{ 0xaa, ANY },	/* WRITE(12) */
	{ 0xae, ANY },	/* WRITE AND VERIFY(12) */
	{ 0xaf, ANY },	/* VERIFY(12) */
};

static const struct kind asking[] = {
	{ 0x00, ANY },	/* TEST UNIT READY */
	{ 0x03, ANY },	/* REQUEST SENSE */
	{ 0x05, ANY },	/* READ BLOCK LIMITS */
	{ 0x12, ANY },	/* INQUIRY */
	{ 0x1a, ANY },	/* MODE SENSE(6) */
	{ 0x1b, ANY },	/* START STOP UNIT: a host's try to make it ready */
	{ 0x1e, ANY },	/* PREVENT ALLOW MEDIUM REMOVAL */
	{ 0x23, ANY },	/* READ FORMAT CAPACITIES */
	{ 0x25, ANY },	/* READ CAPACITY(10) */
	{ 0x43, ANY },	/* READ TOC/PMA/ATIP */
	{ 0x46, ANY },	/* GET CONFIGURATION */
	{ 0x4a, ANY },	/* GET EVENT STATUS NOTIFICATION */
	{ 0x4d, ANY },	/* LOG SENSE */
	{ 0x5a, ANY },	/* MODE SENSE(10) */
	{ 0x9e, 0x10 }, /* READ CAPACITY(16) */
	{ 0xa0, ANY },	/* REPORT LUNS */
	{ 0xa3, 0x05 }, /* REPORT IDENTIFYING INFORMATION */
	{ 0xa3, 0x0a }, /* REPORT TARGET PORT GROUPS */
	{ 0xa3, 0x0b }, /* REPORT ALIASES */
	{ 0xa3, 0x0c }, /* REPORT SUPPORTED OPERATION CODES */
	{ 0xa3, 0x0d }, /* REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS */
	{ 0xa3, 0x0e }, /* REPORT PRIORITY */
	{ 0xa3, 0x0f }, /* REPORT TIMESTAMP */
};

static bool is_among(const struct kind *kinds, size_t n, const uint8_t *cdb)
{
	for (size_t i = 0; i < n; i++)
		if (kinds[i].opcode == cdb[0] &&
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
	return is_among(harmless, sizeof(harmless) / sizeof(harmless[0]), cdb) || repeat_is_flush(cdb);
}

bool repeat_only_asks(const uint8_t *cdb)
{
	return is_among(asking, sizeof(asking) / sizeof(asking[0]), cdb);
}
