// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sense data: built in fixed format, read in both. Layer: proto. Knows base only.
 * Source: SPC-4 4.5.
 */
#include "scsi.h"

#include <string.h>

enum {
	SENSE_FIXED = 0x70,
	SENSE_FIXED_DEFERRED = 0x71,
	SENSE_DESC = 0x72,
	SENSE_DESC_DEFERRED = 0x73,
	FIXED_ADD_LEN_AT = 7, /* the additional length counts from the byte after it */
	FIXED_ASC_AT = 12,
	FIXED_ASCQ_AT = 13,
	FIXED_SKS_AT = 15,
	SKS_VALID = 0x80,
	SKS_IN_CDB = 0x40,
};

size_t scsi_sense_build(struct scsi_sense s, int cdb_field, uint8_t buf[SCSI_FIXED_SENSE_LEN])
{
	memset(buf, 0, SCSI_FIXED_SENSE_LEN);
	buf[0] = SENSE_FIXED;
	buf[2] = s.key & 0xf;
	buf[FIXED_ADD_LEN_AT] = SCSI_FIXED_SENSE_LEN - FIXED_ADD_LEN_AT - 1;
	buf[FIXED_ASC_AT] = s.asc;
	buf[FIXED_ASCQ_AT] = s.ascq;
	if (cdb_field >= 0) {
		buf[FIXED_SKS_AT] = SKS_VALID | SKS_IN_CDB;
		buf[FIXED_SKS_AT + 1] = (uint8_t)(cdb_field >> 8);
		buf[FIXED_SKS_AT + 2] = (uint8_t)cdb_field;
	}
	return SCSI_FIXED_SENSE_LEN;
}

void scsi_sense_point_at_data(uint8_t buf[SCSI_FIXED_SENSE_LEN], uint16_t field)
{
	buf[FIXED_SKS_AT] = SKS_VALID;
	buf[FIXED_SKS_AT + 1] = (uint8_t)(field >> 8);
	buf[FIXED_SKS_AT + 2] = (uint8_t)field;
}

static uint8_t byte_or_zero(const uint8_t *buf, size_t len, size_t at)
{
	return at < len ? buf[at] : 0;
}

bool scsi_sense_parse(const uint8_t *buf, size_t len, struct scsi_sense *out)
{
	*out = (struct scsi_sense){ 0 };
	if (!len)
		return false;
	switch (buf[0] & 0x7f) {
	case SENSE_FIXED:
	case SENSE_FIXED_DEFERRED:
		if (len < 3)
			return false;
		/* Bytes that the sender does not count as sense data are no ASC, whatever stands there. */
		if (len > FIXED_ADD_LEN_AT && len > (size_t)FIXED_ADD_LEN_AT + 1 + buf[FIXED_ADD_LEN_AT])
			len = (size_t)FIXED_ADD_LEN_AT + 1 + buf[FIXED_ADD_LEN_AT];
		out->key = buf[2] & 0xf;
		out->asc = byte_or_zero(buf, len, FIXED_ASC_AT);
		out->ascq = byte_or_zero(buf, len, FIXED_ASCQ_AT);
		return true;
	case SENSE_DESC:
	case SENSE_DESC_DEFERRED:
		if (len < 2)
			return false;
		out->key = buf[1] & 0xf;
		out->asc = byte_or_zero(buf, len, 2);
		out->ascq = byte_or_zero(buf, len, 3);
		return true;
	default:
		return false;
	}
}
