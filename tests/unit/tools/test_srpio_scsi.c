// SPDX-License-Identifier: BSD-3-Clause
/* CDBs, parameter data that a target may get wrong, and outcomes in words. */
#include "../base/unit.h"

#include "../../../gateway/tools/srpio_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void cdbs(void **state)
{
	static const uint8_t read10[16] = { 0x28, 0, 0x12, 0x34, 0x56, 0x78, 0, 0xff, 0xff, 0 };
	static const uint8_t write16[16] = { 0x8a, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8 };
	static const uint8_t read16[16] = { 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0 };
	static const uint8_t inquiry[16] = { 0x12, 1, 0x83, 4, 0 };
	static const uint8_t luns[16] = { 0xa0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0 };
	static const uint8_t cap16[16] = { 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32 };
	uint8_t cdb[SRPIO_CDB_LEN];

	(void)state;
	srpio_cdb_rw(cdb, false, 0x12345678, 0xffff);
	assert_memory_equal(cdb, read10, 16);
	srpio_cdb_rw(cdb, true, 1ull << 32, 8);
	assert_memory_equal(cdb, write16, 16);
	srpio_cdb_rw(cdb, false, 0, 0x10000); /* too many blocks for (10) */
	assert_memory_equal(cdb, read16, 16);
	srpio_cdb_rw(cdb, false, UINT32_MAX, 1); /* the last block of (10) is not beyond it */
	assert_int_equal(cdb[0], 0x88);
	srpio_cdb_inquiry(cdb, 0x83, 1024);
	assert_memory_equal(cdb, inquiry, 16);
	srpio_cdb_report_luns(cdb, 16384);
	assert_memory_equal(cdb, luns, 16);
	srpio_cdb_read_capacity_16(cdb, 32);
	assert_memory_equal(cdb, cap16, 16);
}

static void inquiry(void **state)
{
	uint8_t buf[36] = { 0x00, 0x80, 6, 2, 31 };
	struct srpio_inquiry inq;

	(void)state;
	memcpy(buf + 8, "IET     \x1b[2JEVIL        0001", 28);
	assert_true(srpio_inquiry_parse(buf, sizeof(buf), &inq));
	assert_string_equal(inq.vendor, "IET");
	assert_string_equal(inq.product, "?[2JEVIL"); /* no escape sequence reaches the terminal */
	assert_string_equal(inq.revision, "0001");
	assert_true(inq.removable);
	assert_false(srpio_inquiry_parse(buf, 35, &inq));
	assert_false(srpio_inquiry_parse(buf, 0, &inq));
	buf[0] = 0x7f;
	assert_true(srpio_inquiry_parse(buf, 5, &inq));
	assert_int_equal(inq.qualifier, 3);
	assert_int_equal(inq.type, 0x1f);
}

static void capacity(void **state)
{
	uint8_t c10[8] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 2, 0 }, c16[32] = { 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x10, 0 };
	struct srpio_capacity cap;

	(void)state;
	assert_true(srpio_capacity_10_parse(c10, 8, &cap));
	assert_true(cap.n_blocks > UINT32_MAX); /* ask (16) */
	assert_int_equal(cap.block_bytes, 512);
	assert_false(srpio_capacity_10_parse(c10, 7, &cap));
	c10[6] = 0;
	assert_false(srpio_capacity_10_parse(c10, 8, &cap));
	assert_true(srpio_capacity_16_parse(c16, 32, &cap));
	assert_int_equal(cap.n_blocks, (1ull << 32) + 1);
	assert_int_equal(cap.block_bytes, 4096);
	memset(c16, 0xff, 8); /* 2^64 blocks wrap to none */
	assert_false(srpio_capacity_16_parse(c16, 32, &cap));
	assert_false(srpio_capacity_16_parse(c16, 11, &cap));
}

static void report_luns(void **state)
{
	uint8_t buf[24] = { 0, 0, 0, 16 };
	uint32_t full;

	(void)state;
	assert_int_equal(srpio_report_luns_parse(buf, 24, &full), 2);
	assert_int_equal(full, 2);
	assert_int_equal(srpio_report_luns_parse(buf, 16, &full), 1); /* cut */
	assert_int_equal(full, 2);
	assert_int_equal(srpio_report_luns_parse(buf, 7, &full), 0);
	memset(buf, 0xff, 4); /* a lie */
	assert_int_equal(srpio_report_luns_parse(buf, 24, &full), 2);
}

/* In a heap block of its own, so that the sanitizer sees every byte that is read beyond it. */
static const char *id_of(const uint8_t *page, size_t len, char out[80])
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, page, len);
	srpio_vpd_id(copy, len, out, 80);
	free(copy);
	return out;
}

static void identification(void **state)
{
	static const uint8_t page[] = {
		0, 0x83, 0, 40,
		2, 1, 0, 8, 'V', 'E', 'N', 'D', 'O', 'R', ' ', ' ', /* T10 */
		1, 0x13, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8,		    /* NAA, but of the port */
		1, 3, 0, 8, 0x60, 0x01, 0x40, 0x5d, 0xaa, 0xbb, 0xcc, 0xdd,
	};
	char out[80];

	(void)state;
	assert_string_equal(id_of(page, sizeof(page), out), "naa.6001405daabbccdd");
	for (size_t cut = 0; cut < sizeof(page); cut++)
		id_of(page, cut, out);
	assert_string_equal(id_of(page, sizeof(page) - 1, out), "t10.VENDOR"); /* the NAA one is not whole */
	assert_string_equal(id_of(page, 3, out), "");
}

static void serial(void **state)
{
	static const uint8_t page[] = { 0, 0x80, 0, 8, ' ', ' ', 'a', 'b', 'c', 7, ' ', 0 };
	char out[16];

	(void)state;
	assert_string_equal(srpio_vpd_serial(page, sizeof(page), out, sizeof(out)), "abc?");
	assert_string_equal(srpio_vpd_serial(page, 7, out, sizeof(out)), "a");
	assert_string_equal(srpio_vpd_serial(page, 7, out, 1), "");
}

static void outcomes(void **state)
{
	static const uint8_t fixed[18] = { 0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x21, 0 };
	static const uint8_t desc[8] = { 0x72, 6, 0x29, 0x77, 0, 0, 0, 0 };
	char out[128];

	(void)state;
	assert_string_equal(srpio_outcome_text(2, fixed, 18, out, sizeof(out)),
			    "CHECK CONDITION: ILLEGAL REQUEST, logical block address out of range (05/21/00)");
	assert_string_equal(srpio_outcome_text(2, desc, 8, out, sizeof(out)), "CHECK CONDITION: UNIT ATTENTION (06/29/77)");
	assert_string_equal(srpio_outcome_text(2, NULL, 0, out, sizeof(out)), "CHECK CONDITION without sense data (status 02h)");
	assert_string_equal(srpio_outcome_text(0x18, NULL, 0, out, sizeof(out)), "RESERVATION CONFLICT (status 18h)");
	assert_string_equal(srpio_outcome_text(0x77, NULL, 0, out, sizeof(out)), "unknown status (status 77h)");
}

static struct initiator_cmd answer(int code, uint8_t status, uint8_t key, uint8_t asc, uint8_t ascq)
{
	struct initiator_cmd c = { .code = code, .status = status };

	if (key)
		c.sense_len = (uint32_t)scsi_sense_build((struct scsi_sense){ key, asc, ascq }, -1, c.sense);
	return c;
}

static void verdicts(void **state)
{
	static const struct {
		int code;
		uint8_t status, key, asc, ascq;
		enum srpio_verdict want;
	} rows[] = {
		{ 0, 0x00, 0, 0, 0, SRPIO_OK },
		{ 0, 0x04, 0, 0, 0, SRPIO_OK },
		{ 0, 0x02, 6, 0x29, 0, SRPIO_AGAIN },
		{ 0, 0x02, 6, 0x3f, 0x0e, SRPIO_AGAIN },
		{ 0, 0x08, 0, 0, 0, SRPIO_LATER },
		{ 0, 0x28, 0, 0, 0, SRPIO_LATER },
		{ 0, 0x02, 2, 4, 1, SRPIO_LATER },
		{ 0, 0x02, 2, 4, 3, SRPIO_FAILED }, /* somebody must go there */
		{ 0, 0x02, 5, 0x20, 0, SRPIO_FAILED },
		{ 0, 0x02, 0, 0, 0, SRPIO_FAILED },
		{ 0, 0x18, 0, 0, 0, SRPIO_FAILED },
		{ -ENOTCONN, 0x00, 0, 0, 0, SRPIO_FAILED },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct initiator_cmd c = answer(rows[i].code, rows[i].status, rows[i].key, rows[i].asc, rows[i].ascq);

		assert_int_equal(srpio_judge(&c), rows[i].want);
	}
	{
		struct initiator_cmd c = { .has_rsp_code = true, .rsp_code = SRP_RSP_CODE_INVALID_FIELDS };

		assert_int_equal(srpio_judge(&c), SRPIO_FAILED);
	}
}

static void port_id(void **state)
{
	struct srpio_options o = { 0 };
	uint8_t a[SRP_PORT_ID_LEN], b[SRP_PORT_ID_LEN];

	(void)state;
	srpio_port_id(&o, a);
	srpio_port_id(&o, b);
	assert_memory_equal(a, b, sizeof(a)); /* the same at every start */
	o.has_initiator_ext = true;
	o.initiator_ext[0] = 0xee;
	srpio_port_id(&o, b);
	assert_int_equal(b[0], 0xee);
	assert_memory_equal(a + 8, b + 8, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cdbs),		  cmocka_unit_test(inquiry),  cmocka_unit_test(capacity),
		cmocka_unit_test(report_luns),	  cmocka_unit_test(identification), cmocka_unit_test(serial),
		cmocka_unit_test(outcomes),	  cmocka_unit_test(verdicts), cmocka_unit_test(port_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
