// SPDX-License-Identifier: BSD-3-Clause
/*
 * The data-in payloads that the gateway makes itself: REPORT LUNS, and INQUIRY of a LUN that is not mapped.
 * Layer: proto. Knows base only.
 */
#include "scsi.h"

#include "../base/be.h"

#include <string.h>

/* Copies the part of @src that falls below @cap when placed at @at of @buf. */
static void put_cut(uint8_t *buf, size_t cap, size_t at, const void *src, size_t len)
{
	if (at >= cap)
		return;
	if (len > cap - at)
		len = cap - at;
	memcpy(buf + at, src, len);
}

size_t scsi_report_luns_build(const uint8_t (*luns)[8], size_t n, uint8_t *buf, size_t cap)
{
	uint8_t header[8] = { 0 };
	struct be32 list_len = be32_make((uint32_t)(n * 8));

	memcpy(header, &list_len, sizeof(list_len));
	put_cut(buf, cap, 0, header, sizeof(header));
	if (n)
		put_cut(buf, cap, sizeof(header), luns, n * 8);
	return sizeof(header) + n * 8;
}

/* Left-aligned ASCII, padded with spaces: SPC-4 4.4.1. */
static void put_ascii(uint8_t *field, size_t len, const char *text)
{
	size_t n = strnlen(text, len);

	memset(field, ' ', len);
	memcpy(field, text, n);
}

size_t scsi_inquiry_absent_build(const char *vendor, const char *product, const char *revision, uint8_t *buf,
				 size_t cap)
{
	uint8_t inq[36] = {
		[0] = 0x7f,            /* qualifier 3, type 1Fh: no device can be here */
		[2] = 0x06,            /* SPC-4 */
		[3] = 0x02,            /* response data format */
		[4] = sizeof(inq) - 5, /* additional length */
	};

	put_ascii(inq + 8, 8, vendor);
	put_ascii(inq + 16, 16, product);
	put_ascii(inq + 32, 4, revision);
	put_cut(buf, cap, 0, inq, sizeof(inq));
	return sizeof(inq);
}
