// SPDX-License-Identifier: BSD-3-Clause
/*
 * The SCSI bits over any bytes: sense data, LUN forms, CDB lengths, REPORT LUNS into any room.
 */
#include "fuzz.h"

#include "../../gateway/proto/scsi.h"

#include <string.h>

static void sense(const uint8_t *data, size_t size)
{
	uint8_t built[SCSI_FIXED_SENSE_LEN];
	struct scsi_sense a, b;

	if (!scsi_sense_parse(data, size, &a))
		return;
	FUZZ_CHECK(a.key < 16);
	FUZZ_CHECK(scsi_sense_build(a, -1, built) == SCSI_FIXED_SENSE_LEN);
	FUZZ_CHECK(scsi_sense_parse(built, sizeof(built), &b));
	FUZZ_CHECK(a.key == b.key && a.asc == b.asc && a.ascq == b.ascq);
}

static void lun(const uint8_t l[8])
{
	int32_t number = scsi_lun_to_number(l);
	uint8_t back[8];
	char text[17];

	FUZZ_CHECK(number >= -1 && number < 16384);
	FUZZ_CHECK(scsi_lun_equal(l, l));
	FUZZ_CHECK(strlen(scsi_lun_str(l, text)) == (number < 0 ? 16u : strlen(text)));
	if (number >= 0) {
		FUZZ_CHECK(strtol(text, NULL, 10) == number);
		FUZZ_CHECK(scsi_lun_from_number((uint32_t)number, back) && scsi_lun_equal(l, back));
		FUZZ_CHECK(!scsi_lun_is_report_luns(l));
	}
}

static void report_luns(const uint8_t *data, size_t size)
{
	size_t n = size / 8, cap = size ? data[0] * 4u : 0;
	uint8_t (*luns)[8] = malloc(n * 8 + 1);
	uint8_t *buf = malloc(cap);

	if (n)
		memcpy(luns, data, n * 8);
	FUZZ_CHECK(scsi_report_luns_build((const uint8_t(*)[8])luns, n, buf, cap) == 8 + 8 * n);
	if (cap > 8 && n)
		FUZZ_CHECK(memcmp(buf + 8, data, cap - 8 < n * 8 ? cap - 8 : n * 8) == 0);
	free(buf);
	free(luns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[16];
	uint16_t cdb_len = scsi_cdb_len(data, size);

	FUZZ_CHECK(cdb_len <= 8 + 255);
	sense(data, size);
	for (size_t at = 0; at + 8 <= size && at < 64; at += 8)
		lun(data + at);
	report_luns(data, size);
	if (size)
		FUZZ_CHECK(strlen(scsi_op_name(data[0], name)) > 3);
	return 0;
}
