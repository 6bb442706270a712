/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CDBs and parameter data (SPC-4, SBC-3).
 * Layer: tools.
 */
#include "srpio_scsi.h"

#include <stdio.h>
#include <string.h>

enum {
	OP_READ_10 = 0x28,
	OP_WRITE_10 = 0x2a,
	OP_READ_CAPACITY_10 = 0x25,
	OP_READ_16 = 0x88,
	OP_WRITE_16 = 0x8a,
	OP_SERVICE_ACTION_IN_16 = 0x9e,
	SAI_READ_CAPACITY_16 = 0x10,
};

static void put(uint8_t *p, unsigned n, uint64_t v)
{
	while (n--) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

static uint64_t get(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

/* ---- commands ---- */

void srpio_cdb_inquiry(uint8_t cdb[SRPIO_CDB_LEN], int vpd_page, uint16_t alloc_len)
{
	memset(cdb, 0, SRPIO_CDB_LEN);
	cdb[0] = SCSI_OP_INQUIRY;
	if (vpd_page >= 0) {
		cdb[1] = 1;
		cdb[2] = (uint8_t)vpd_page;
	}
	put(cdb + 3, 2, alloc_len);
}

void srpio_cdb_report_luns(uint8_t cdb[SRPIO_CDB_LEN], uint32_t alloc_len)
{
	memset(cdb, 0, SRPIO_CDB_LEN);
	cdb[0] = SCSI_OP_REPORT_LUNS;
	put(cdb + 6, 4, alloc_len);
}

void srpio_cdb_read_capacity_10(uint8_t cdb[SRPIO_CDB_LEN])
{
	memset(cdb, 0, SRPIO_CDB_LEN);
	cdb[0] = OP_READ_CAPACITY_10;
}

void srpio_cdb_read_capacity_16(uint8_t cdb[SRPIO_CDB_LEN], uint32_t alloc_len)
{
	memset(cdb, 0, SRPIO_CDB_LEN);
	cdb[0] = OP_SERVICE_ACTION_IN_16;
	cdb[1] = SAI_READ_CAPACITY_16;
	put(cdb + 10, 4, alloc_len);
}

void srpio_cdb_rw(uint8_t cdb[SRPIO_CDB_LEN], bool write, uint64_t lba, uint32_t n_blocks)
{
	memset(cdb, 0, SRPIO_CDB_LEN);
	if (lba + n_blocks <= UINT32_MAX && n_blocks <= UINT16_MAX) {
		cdb[0] = write ? OP_WRITE_10 : OP_READ_10;
		put(cdb + 2, 4, lba);
		put(cdb + 7, 2, n_blocks);
	} else {
		cdb[0] = write ? OP_WRITE_16 : OP_READ_16;
		put(cdb + 2, 8, lba);
		put(cdb + 10, 4, n_blocks);
	}
}

/* ---- answers ---- */

/* @cap counts the NUL. Blanks at both ends go; what is not printable becomes '?'. */
static void copy_ascii(char *out, size_t cap, const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (len && (p[len - 1] == ' ' || p[len - 1] == 0))
		len--;
	while (len && *p == ' ') {
		p++;
		len--;
	}
	for (; n < len && n + 1 < cap; n++)
		out[n] = p[n] >= 0x20 && p[n] < 0x7f ? (char)p[n] : '?';
	out[n] = '\0';
}

bool srpio_inquiry_parse(const uint8_t *buf, size_t len, struct srpio_inquiry *out)
{
	memset(out, 0, sizeof(*out));
	if (len < 5)
		return false;
	out->qualifier = buf[0] >> 5;
	out->type = buf[0] & 0x1f;
	out->removable = buf[1] & 0x80;
	out->version = buf[2];
	if (len < 36)
		return out->qualifier != 0; /* an absent unit may say no more */
	copy_ascii(out->vendor, sizeof(out->vendor), buf + 8, 8);
	copy_ascii(out->product, sizeof(out->product), buf + 16, 16);
	copy_ascii(out->revision, sizeof(out->revision), buf + 32, 4);
	return true;
}

const char *srpio_type_name(uint8_t type)
{
	switch (type) {
	case 0x00: return "disk";
	case 0x01: return "tape";
	case 0x03: return "processor";
	case 0x05: return "cd/dvd";
	case 0x08: return "changer";
	case 0x0c: return "raid";
	case 0x0d: return "enclosure";
	case 0x0e: return "rbc disk";
	case 0x11: return "osd";
	case 0x14: return "zoned disk";
	case 0x1f: return "none";
	default: return "other";
	}
}

bool srpio_capacity_10_parse(const uint8_t *buf, size_t len, struct srpio_capacity *out)
{
	if (len < 8)
		return false;
	out->n_blocks = get(buf, 4) + 1;
	out->block_bytes = (uint32_t)get(buf + 4, 4);
	return out->block_bytes != 0;
}

bool srpio_capacity_16_parse(const uint8_t *buf, size_t len, struct srpio_capacity *out)
{
	if (len < 12)
		return false;
	out->n_blocks = get(buf, 8) + 1;
	out->block_bytes = (uint32_t)get(buf + 8, 4);
	return out->block_bytes != 0 && out->n_blocks != 0;
}

size_t srpio_report_luns_parse(const uint8_t *buf, size_t len, uint32_t *full)
{
	uint64_t list_bytes;

	*full = 0;
	if (len < 8)
		return 0;
	list_bytes = get(buf, 4);
	*full = (uint32_t)(list_bytes / 8);
	return (size_t)(list_bytes < len - 8 ? list_bytes : len - 8) / 8;
}

static void hex(char *out, size_t cap, const uint8_t *p, size_t len)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < len && n + 3 <= cap; i++)
		n += (size_t)snprintf(out + n, cap - n, "%02x", p[i]);
}

const char *srpio_vpd_id(const uint8_t *buf, size_t len, char *out, size_t cap)
{
	static const struct {
		uint8_t type;
		const char *prefix;
		bool ascii;
	} wanted[] = { { 3, "naa.", false }, { 2, "eui.", false }, { 1, "t10.", true } };
	size_t end;

	out[0] = '\0';
	if (len < 4 || buf[1] != 0x83)
		return out;
	end = 4 + (size_t)get(buf + 2, 2);
	if (end > len)
		end = len;
	for (unsigned w = 0; w < sizeof(wanted) / sizeof(*wanted); w++) {
		for (size_t at = 4; at + 4 <= end && at + 4 + buf[at + 3] <= end; at += 4u + buf[at + 3]) {
			const uint8_t *d = buf + at;
			int n;

			/* association 0: the logical unit */
			if ((d[1] & 0x30) || (d[1] & 0x0f) != wanted[w].type || !d[3])
				continue;
			n = snprintf(out, cap, "%s", wanted[w].prefix);
			if (n < 0 || (size_t)n >= cap)
				return out;
			if (wanted[w].ascii)
				copy_ascii(out + n, cap - (size_t)n, d + 4, d[3]);
			else
				hex(out + n, cap - (size_t)n, d + 4, d[3]);
			return out;
		}
	}
	return out;
}

const char *srpio_vpd_serial(const uint8_t *buf, size_t len, char *out, size_t cap)
{
	size_t n;

	out[0] = '\0';
	if (len < 4 || buf[1] != 0x80)
		return out;
	n = (size_t)get(buf + 2, 2);
	copy_ascii(out, cap, buf + 4, n < len - 4 ? n : len - 4);
	return out;
}
