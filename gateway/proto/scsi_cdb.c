// SPDX-License-Identifier: BSD-3-Clause
/*
 * Command descriptor blocks: how long one is, and what people call it. Which way its data goes is told by the
 * descriptors of the information unit and never guessed from the operation code. Layer: proto. Knows base only.
 * Source: SPC-4 4.3.
 */
#include "scsi.h"

#include <string.h>

uint16_t scsi_cdb_len(const uint8_t *cdb, size_t avail)
{
	if (!avail)
		return 0;
	if (cdb[0] == SCSI_OP_VARIABLE_LENGTH)
		return avail >= 8 ? (uint16_t)(8 + cdb[7]) : 0;
	switch (cdb[0] >> 5) {
	case 0:
		return 6;
	case 1:
	case 2:
		return 10;
	case 4:
		return 16;
	case 5:
		return 12;
	default:
		return 0;
	}
}

static const char *const op_names[256] = {
	[0x00] = "TEST UNIT READY",
	[0x01] = "REWIND",
	[0x03] = "REQUEST SENSE",
	[0x04] = "FORMAT UNIT",
	[0x05] = "READ BLOCK LIMITS",
	[0x08] = "READ(6)",
	[0x0a] = "WRITE(6)",
	[0x10] = "WRITE FILEMARKS(6)",
	[0x11] = "SPACE(6)",
	[0x12] = "INQUIRY",
	[0x15] = "MODE SELECT(6)",
	[0x16] = "RESERVE(6)",
	[0x17] = "RELEASE(6)",
	[0x1a] = "MODE SENSE(6)",
	[0x1b] = "START STOP UNIT",
	[0x1c] = "RECEIVE DIAGNOSTIC RESULTS",
	[0x1d] = "SEND DIAGNOSTIC",
	[0x1e] = "PREVENT ALLOW MEDIUM REMOVAL",
	[0x25] = "READ CAPACITY(10)",
	[0x28] = "READ(10)",
	[0x2a] = "WRITE(10)",
	[0x2e] = "WRITE AND VERIFY(10)",
	[0x2f] = "VERIFY(10)",
	[0x34] = "PRE-FETCH(10)",
	[0x35] = "SYNCHRONIZE CACHE(10)",
	[0x37] = "READ DEFECT DATA(10)",
	[0x3b] = "WRITE BUFFER",
	[0x3c] = "READ BUFFER",
	[0x41] = "WRITE SAME(10)",
	[0x42] = "UNMAP",
	[0x48] = "SANITIZE",
	[0x4c] = "LOG SELECT",
	[0x4d] = "LOG SENSE",
	[0x53] = "XDWRITEREAD(10)",
	[0x55] = "MODE SELECT(10)",
	[0x56] = "RESERVE(10)",
	[0x57] = "RELEASE(10)",
	[0x5a] = "MODE SENSE(10)",
	[0x5e] = "PERSISTENT RESERVE IN",
	[0x5f] = "PERSISTENT RESERVE OUT",
	[0x7f] = "VARIABLE LENGTH CDB",
	[0x83] = "EXTENDED COPY",
	[0x84] = "RECEIVE COPY RESULTS",
	[0x85] = "ATA PASS-THROUGH(16)",
	[0x88] = "READ(16)",
	[0x89] = "COMPARE AND WRITE",
	[0x8a] = "WRITE(16)",
	[0x8c] = "READ ATTRIBUTE",
	[0x8e] = "WRITE AND VERIFY(16)",
	[0x8f] = "VERIFY(16)",
	[0x90] = "PRE-FETCH(16)",
	[0x91] = "SYNCHRONIZE CACHE(16)",
	[0x93] = "WRITE SAME(16)",
	[0x94] = "ZBC OUT",
	[0x95] = "ZBC IN",
	[0x9b] = "READ BUFFER(16)",
	[0x9e] = "SERVICE ACTION IN(16)",
	[0x9f] = "SERVICE ACTION OUT(16)",
	[0xa0] = "REPORT LUNS",
	[0xa1] = "ATA PASS-THROUGH(12)",
	[0xa2] = "SECURITY PROTOCOL IN",
	[0xa3] = "MAINTENANCE IN",
	[0xa4] = "MAINTENANCE OUT",
	[0xa8] = "READ(12)",
	[0xaa] = "WRITE(12)",
	[0xae] = "WRITE AND VERIFY(12)",
	[0xaf] = "VERIFY(12)",
	[0xb5] = "SECURITY PROTOCOL OUT",
	[0xb7] = "READ DEFECT DATA(12)",
};

const char *scsi_op_name(uint8_t opcode, char buf[16])
{
	static const char digits[] = "0123456789abcdef";

	if (op_names[opcode])
		return op_names[opcode];
	memcpy(buf, "opcode 0x", 9);
	buf[9] = digits[opcode >> 4];
	buf[10] = digits[opcode & 0xf];
	buf[11] = '\0';
	return buf;
}
