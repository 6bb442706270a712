// SPDX-License-Identifier: BSD-3-Clause
/*
 * Logical unit numbers: eight bytes, and the simple numbers that people write. Layer: proto. Knows base only.
 * Source: SAM-5 4.7 (LUN structures and addressing methods).
 */
#include "scsi.h"

#include <string.h>

enum {
	METHOD_PERIPHERAL = 0,
	METHOD_FLAT = 1,
	PERIPHERAL_MAX = 0xff,
	FLAT_MAX = 0x3fff,
};

static bool single_level(const uint8_t lun[8])
{
	static const uint8_t zero[6];

	return memcmp(lun + 2, zero, sizeof(zero)) == 0;
}

int32_t scsi_lun_to_number(const uint8_t lun[8])
{
	if (!single_level(lun))
		return -1;
	switch (lun[0] >> 6) {
	case METHOD_PERIPHERAL:
		return lun[0] == 0 ? lun[1] : -1; /* bus identifier 0 only: others lead to deeper levels */
	case METHOD_FLAT:
		return (lun[0] & 0x3f) << 8 | lun[1];
	default:
		return -1;
	}
}

bool scsi_lun_from_number(uint32_t number, uint8_t lun[8])
{
	memset(lun, 0, 8);
	if (number > FLAT_MAX)
		return false;
	if (number > PERIPHERAL_MAX)
		lun[0] = (uint8_t)(METHOD_FLAT << 6 | number >> 8);
	lun[1] = (uint8_t)number;
	return true;
}

bool scsi_lun_equal(const uint8_t a[8], const uint8_t b[8])
{
	int32_t number;

	if (memcmp(a, b, 8) == 0)
		return true;
	number = scsi_lun_to_number(a);
	return number >= 0 && number == scsi_lun_to_number(b);
}

bool scsi_lun_is_report_luns(const uint8_t lun[8])
{
	return lun[0] == 0xc1 && lun[1] == 0x01 && single_level(lun);
}

const char *scsi_lun_str(const uint8_t lun[8], char buf[17])
{
	static const char digits[] = "0123456789abcdef";
	int32_t number = scsi_lun_to_number(lun);
	size_t n = 0;

	if (number < 0) {
		for (size_t i = 0; i < 8; i++) {
			buf[n++] = digits[lun[i] >> 4];
			buf[n++] = digits[lun[i] & 0xf];
		}
	} else {
		for (int32_t unit = 10000; unit; unit /= 10)
			if (number >= unit || unit == 1 || n)
				buf[n++] = digits[number / unit % 10];
	}
	buf[n] = '\0';
	return buf;
}
