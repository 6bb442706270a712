/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The SCSI commands that srpio sends, what their answers mean, and status and sense data for people. Pure.
 * Layer: tools. Knows proto.
 */
#ifndef TOOLS_SRPIO_SCSI_H
#define TOOLS_SRPIO_SCSI_H

#include "../proto/scsi.h"

#define SRPIO_CDB_LEN 16

void srpio_cdb_inquiry(uint8_t cdb[SRPIO_CDB_LEN], int vpd_page, uint16_t alloc_len); /* vpd_page -1: standard data */
void srpio_cdb_report_luns(uint8_t cdb[SRPIO_CDB_LEN], uint32_t alloc_len);
void srpio_cdb_read_capacity_10(uint8_t cdb[SRPIO_CDB_LEN]);
void srpio_cdb_read_capacity_16(uint8_t cdb[SRPIO_CDB_LEN], uint32_t alloc_len);
/* READ or WRITE, (10) where the numbers fit, else (16). */
void srpio_cdb_rw(uint8_t cdb[SRPIO_CDB_LEN], bool write, uint64_t lba, uint32_t n_blocks);

/* Standard INQUIRY data. Strings have no trailing blanks and only printable ASCII. */
struct srpio_inquiry {
	uint8_t qualifier, type, version;
	bool removable;
	char vendor[9], product[17], revision[5];
};
bool srpio_inquiry_parse(const uint8_t *buf, size_t len, struct srpio_inquiry *out);
const char *srpio_type_name(uint8_t peripheral_type); /* "disk" */

struct srpio_capacity {
	uint64_t n_blocks;
	uint32_t block_bytes;
};
/* Return: false when short or with a zero block length. (10): n_blocks UINT32_MAX + 1 means "ask READ CAPACITY(16)". */
bool srpio_capacity_10_parse(const uint8_t *buf, size_t len, struct srpio_capacity *out);
bool srpio_capacity_16_parse(const uint8_t *buf, size_t len, struct srpio_capacity *out);

/* LUNs of a REPORT LUNS list that arrived; never reads beyond @len. Return: their number; @full: what the header announces. */
size_t srpio_report_luns_parse(const uint8_t *buf, size_t len, uint32_t *full);

/*
 * The best designator of a device identification page (83h) as text: NAA, EUI-64, or T10 vendor, in this order.
 * Return: @out, empty when there is none.
 */
const char *srpio_vpd_id(const uint8_t *buf, size_t len, char *out, size_t cap);
/* Unit serial number page (80h), without blanks at the ends. */
const char *srpio_vpd_serial(const uint8_t *buf, size_t len, char *out, size_t cap);

const char *srpio_status_name(uint8_t status);     /* "CHECK CONDITION" */
const char *srpio_sense_key_name(uint8_t key);     /* "ILLEGAL REQUEST" */
/* "LOGICAL BLOCK ADDRESS OUT OF RANGE", or "" where the code is not known to us. */
const char *srpio_asc_name(uint8_t asc, uint8_t ascq);
/*
 * "CHECK CONDITION: ILLEGAL REQUEST, logical block address out of range (05/21/00)".
 * Return: @out.
 */
const char *srpio_outcome_text(uint8_t status, const uint8_t *sense, size_t sense_len, char *out, size_t cap);

#endif
