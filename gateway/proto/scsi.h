/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The SCSI bits that a gateway must know: status, sense data, LUN formats, CDB length,
 * and the few data-in payloads that it answers itself (REPORT LUNS, INQUIRY of a LUN that is not mapped).
 * Layer: proto. Knows base only.
 */
#ifndef PROTO_SCSI_H
#define PROTO_SCSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scsi_status {
	SCSI_GOOD = 0x00,
	SCSI_CHECK_CONDITION = 0x02,
	SCSI_CONDITION_MET = 0x04,
	SCSI_BUSY = 0x08,
	SCSI_RESERVATION_CONFLICT = 0x18,
	SCSI_TASK_SET_FULL = 0x28,
	SCSI_ACA_ACTIVE = 0x30,
	SCSI_TASK_ABORTED = 0x40,
};

enum scsi_op {
	SCSI_OP_TEST_UNIT_READY = 0x00,
	SCSI_OP_REQUEST_SENSE = 0x03,
	SCSI_OP_INQUIRY = 0x12,
	SCSI_OP_RESERVE_6 = 0x16,
	SCSI_OP_RELEASE_6 = 0x17,
	SCSI_OP_PERSISTENT_RESERVE_IN = 0x5e,
	SCSI_OP_PERSISTENT_RESERVE_OUT = 0x5f,
	SCSI_OP_REPORT_LUNS = 0xa0,
	SCSI_OP_VARIABLE_LENGTH = 0x7f,
};

enum scsi_sense_key {
	SCSI_NO_SENSE = 0x0,
	SCSI_NOT_READY = 0x2,
	SCSI_ILLEGAL_REQUEST = 0x5,
	SCSI_UNIT_ATTENTION = 0x6,
	SCSI_ABORTED_COMMAND = 0xb,
};

/* Sense data as (key, ASC, ASCQ). */
struct scsi_sense {
	uint8_t key, asc, ascq;
};
#define SCSI_FIXED_SENSE_LEN 18u
/*
 * Fixed format, current error. @cdb_field >= 0: with the field pointer to that CDB byte. Return: SCSI_FIXED_SENSE_LEN.
 * Source: SPC-4 4.5.3.
 */
size_t scsi_sense_build(struct scsi_sense s, int cdb_field, uint8_t buf[SCSI_FIXED_SENSE_LEN]);
/* Gives fixed format sense data the field pointer to byte @field of the parameter data. Source: SPC-4 4.5.2.4.2. */
void scsi_sense_point_at_data(uint8_t buf[SCSI_FIXED_SENSE_LEN], uint16_t field);
/* Fixed and descriptor formats. Return: false when there is none. */
bool scsi_sense_parse(const uint8_t *buf, size_t len, struct scsi_sense *out);

/*
 * CDB length by its group code (SPC-4 4.3.2): 6, 10, 12 or 16; 0x7f: 8 + additional length (needs 8 bytes at @cdb);
 * vendor-specific and reserved groups: 0 (not known).
 */
uint16_t scsi_cdb_len(const uint8_t *cdb, size_t avail);
/*
 * Where the CONTROL byte of a CDB of @len bytes stands (SPC-4 4.3.2 to 4.3.4): the last, or byte 1 of one of variable
 * length. Return: negative when @len is 0 (not known).
 */
static inline int scsi_cdb_control_at(const uint8_t *cdb, uint16_t len)
{
	return cdb[0] == SCSI_OP_VARIABLE_LENGTH ? 1 : len - 1;
}

/* The logical blocks that a command reads or writes. */
struct scsi_blocks {
	uint64_t first, last; /* both of them */
	bool any;
};
/*
 * READ, WRITE, WRITE SAME, VERIFY and their like, which name the blocks that they touch in the CDB, @cdb of 16 bytes.
 * Return: false for others. The device must be one of direct access: elsewhere these operation codes mean other things.
 * Source: SBC-4 5.
 */
bool scsi_blocks(const uint8_t *cdb, struct scsi_blocks *out);

/*
 * Simple-LUN numbers: peripheral addressing below 256, flat space addressing up to 16383; single level.
 * Return: -1 if @lun is of another form (other methods, deeper levels).
 */
int32_t scsi_lun_to_number(const uint8_t lun[8]);
/* @number 0..16383. Return: false out of range. */
bool scsi_lun_from_number(uint32_t number, uint8_t lun[8]);
/* Same logical unit? Peripheral and flat addressing of one number are the same; other forms compare byte by byte. */
bool scsi_lun_equal(const uint8_t a[8], const uint8_t b[8]);
/* REPORT LUNS well-known LUN (C101h). */
bool scsi_lun_is_report_luns(const uint8_t lun[8]);
/* "0", "256", or 16 hex digits. Return: @buf. */
const char *scsi_lun_str(const uint8_t lun[8], char buf[17]);

/*
 * REPORT LUNS parameter data for @n LUNs (8 bytes each at @luns) into @buf; cut to @cap, header counts all.
 * Return: full length in bytes (8 + 8n). Source: SPC-4 6.33.
 */
size_t scsi_report_luns_build(const uint8_t (*luns)[8], size_t n, uint8_t *buf, size_t cap);
/*
 * Standard INQUIRY data of a LUN that is not mapped: qualifier 3, type 1Fh, VERSION >= 5 (Linux goes on to REPORT LUNS
 * only then). Return: full length, cut to @cap on writing.
 */
size_t scsi_inquiry_absent_build(const char *vendor, const char *product, const char *revision, uint8_t *buf,
				 size_t cap);

/* "READ(10)", or "opcode 0xc1". Return: @buf or a literal. */
const char *scsi_op_name(uint8_t opcode, char buf[16]);

#endif
