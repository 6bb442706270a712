/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * login, luns, inquiry: what the target and its logical units say about themselves.
 * Layer: tools.
 */
#include "srpio_commands.h"
#include "srpio_io.h"
#include "srpio_progress.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { INQUIRY_BYTES = 255, VPD_BYTES = 1024, LUNS_BYTES = 16384 };

static void port_id_str(const uint8_t id[SRP_PORT_ID_LEN], char out[36])
{
	size_t n = 0;

	for (int i = 0; i < SRP_PORT_ID_LEN; i++)
		n += (size_t)snprintf(out + n, 36 - n, "%s%02x", i == 8 ? ":" : "", id[i]);
}

/* ---- login ---- */

int srpio_cmd_login(struct srpio_session *s, json_t *out, struct err *e)
{
	struct initiator_info info;
	char i_port[36], t_port[36];

	(void)e;
	initiator_info(s->ini, &info);
	port_id_str(s->i_port_id, i_port);
	port_id_str(s->t_port_id, t_port);
	if (out) {
		json_object_set_new(out, "initiator_port_id", json_string(i_port));
		json_object_set_new(out, "target_port_id", json_string(t_port));
		json_object_set_new(out, "channels", json_integer(info.n_channels));
		json_object_set_new(out, "request_limit", json_integer(info.req_lim_initial));
		json_object_set_new(out, "max_it_iu_len", json_integer(info.max_it_iu_len));
		json_object_set_new(out, "max_ti_iu_len", json_integer(info.max_ti_iu_len));
		json_object_set_new(out, "immediate_data", json_boolean(info.immediate_data));
		json_object_set_new(out, "login_ms", json_real((double)s->login_ns / NS_PER_MS));
		return 0;
	}
	printf("logged in within %.1f ms\n", (double)s->login_ns / NS_PER_MS);
	printf("  initiator port   %s\n", i_port);
	printf("  target port      %s\n", t_port);
	printf("  channels         %u of %u\n", info.n_channels, s->o->channels);
	printf("  request limit    %u\n", info.req_lim_initial);
	printf("  IU lengths       %u bytes to the target, %u from it\n", info.max_it_iu_len, info.max_ti_iu_len);
	printf("  immediate data   %s\n", info.immediate_data ? "yes" : "no");
	return 0;
}

/* ---- luns ---- */

struct lun_row {
	uint8_t lun[8];
	struct srpio_inquiry inq;
	struct srpio_capacity cap;
	bool has_cap;
	char id[80], serial[64], problem[512];
};

static int vpd(struct srpio_session *s, const uint8_t lun[8], uint8_t page, uint32_t *got)
{
	struct err quiet = ERR_INIT;
	uint8_t cdb[SRPIO_CDB_LEN];

	srpio_cdb_inquiry(cdb, page, VPD_BYTES);
	return srpio_exec(s, lun, cdb, VPD_BYTES, got, &quiet);
}

static int standard_inquiry(struct srpio_session *s, const uint8_t lun[8], struct srpio_inquiry *inq, struct err *e)
{
	uint8_t cdb[SRPIO_CDB_LEN];
	uint32_t got;
	int rc;

	memset(s->arena, 0, INQUIRY_BYTES);
	srpio_cdb_inquiry(cdb, -1, INQUIRY_BYTES);
	rc = srpio_exec(s, lun, cdb, INQUIRY_BYTES, &got, e);
	if (rc)
		return rc;
	if (!srpio_inquiry_parse(s->arena, got, inq))
		return err_set(e, -EIO, "INQUIRY: only %u bytes came", got);
	return 0;
}

static bool has_capacity(const struct srpio_inquiry *inq)
{
	return inq->qualifier == 0 && (inq->type == 0x00 || inq->type == 0x05 || inq->type == 0x0e || inq->type == 0x14);
}

/* What one unit refuses to say must not hide the others; only a lost connection or a signal ends the list. */
static int lun_ask(struct srpio_session *s, struct lun_row *row, struct err *e)
{
	struct err inner = ERR_INIT;
	uint32_t got;
	int rc = standard_inquiry(s, row->lun, &row->inq, &inner);

	if (!rc && vpd(s, row->lun, 0x83, &got) == 0)
		srpio_vpd_id(s->arena, got, row->id, sizeof(row->id));
	if (!rc && vpd(s, row->lun, 0x80, &got) == 0)
		srpio_vpd_serial(s->arena, got, row->serial, sizeof(row->serial));
	if (!rc && has_capacity(&row->inq)) {
		rc = srpio_capacity(s, row->lun, &row->cap, &inner);
		row->has_cap = !rc;
	}
	if (rc == -ENOTCONN || rc == -EINTR)
		return err_set(e, rc, "%s", inner.cause);
	if (rc)
		snprintf(row->problem, sizeof(row->problem), "%s", inner.cause);
	return 0;
}

static json_t *lun_json(const struct lun_row *row)
{
	char lun[17];
	json_t *o = json_object();
	int32_t n = scsi_lun_to_number(row->lun);

	json_object_set_new(o, "lun", n >= 0 ? json_integer(n) : json_string(scsi_lun_str(row->lun, lun)));
	json_object_set_new(o, "type", json_string(srpio_type_name(row->inq.type)));
	json_object_set_new(o, "vendor", json_string(row->inq.vendor));
	json_object_set_new(o, "product", json_string(row->inq.product));
	json_object_set_new(o, "revision", json_string(row->inq.revision));
	if (row->has_cap) {
		json_object_set_new(o, "blocks", json_integer((json_int_t)row->cap.n_blocks));
		json_object_set_new(o, "block_bytes", json_integer(row->cap.block_bytes));
		json_object_set_new(o, "bytes", json_integer((json_int_t)row->cap.n_blocks * row->cap.block_bytes));
	}
	if (row->id[0])
		json_object_set_new(o, "id", json_string(row->id));
	if (row->serial[0])
		json_object_set_new(o, "serial", json_string(row->serial));
	if (row->problem[0])
		json_object_set_new(o, "problem", json_string(row->problem));
	return o;
}

static void lun_print(const struct lun_row *row)
{
	char lun[17], size[32] = "-", block[16] = "-";

	if (row->has_cap) {
		srpio_bytes_text((double)row->cap.n_blocks * row->cap.block_bytes, size, sizeof(size));
		snprintf(block, sizeof(block), "%u", row->cap.block_bytes);
	}
	printf("%-6s %-10s %-8s %-16s %-4s %10s %6s  %s%s%s\n", scsi_lun_str(row->lun, lun), srpio_type_name(row->inq.type),
	       row->inq.vendor, row->inq.product, row->inq.revision, size, block, row->id[0] ? row->id : row->serial,
	       row->problem[0] ? "! " : "", row->problem);
}

int srpio_cmd_luns(struct srpio_session *s, json_t *out, struct err *e)
{
	static const uint8_t lun_0[8];
	uint8_t cdb[SRPIO_CDB_LEN];
	uint8_t list[LUNS_BYTES];
	json_t *luns = NULL;
	uint32_t got, full;
	size_t n;
	int rc;

	if (out) {
		luns = json_array();
		json_object_set_new(out, "luns", luns);
	}
	srpio_cdb_report_luns(cdb, LUNS_BYTES);
	rc = srpio_exec(s, lun_0, cdb, LUNS_BYTES, &got, e);
	if (rc)
		return rc;
	n = srpio_report_luns_parse(s->arena, got, &full);
	memcpy(list, s->arena + 8, n * 8); /* the arena is needed again */
	if (!out)
		printf("%-6s %-10s %-8s %-16s %-4s %10s %6s  %s\n", "LUN", "TYPE", "VENDOR", "PRODUCT", "REV", "SIZE", "BLOCK",
		       "ID");
	for (size_t i = 0; i < n; i++) {
		struct lun_row row = { 0 };

		memcpy(row.lun, list + i * 8, 8);
		rc = lun_ask(s, &row, e);
		if (rc)
			return rc;
		if (out)
			json_array_append_new(luns, lun_json(&row));
		else
			lun_print(&row);
	}
	if (full > n)
		fprintf(stderr, "srpio: the target has %u LUNs; the first %zu are shown\n", full, n);
	return 0;
}

/* ---- inquiry ---- */

static void hex_dump(const uint8_t *p, uint32_t len)
{
	for (uint32_t at = 0; at < len; at += 16) {
		printf("  %04x ", at);
		for (uint32_t i = 0; i < 16; i++)
			if (at + i < len)
				printf(" %02x", p[at + i]);
			else
				printf("   ");
		printf("  ");
		for (uint32_t i = 0; i < 16 && at + i < len; i++)
			putchar(p[at + i] >= 0x20 && p[at + i] < 0x7f ? p[at + i] : '.');
		putchar('\n');
	}
}

static json_t *hex_json(const uint8_t *p, uint32_t len)
{
	char text[2 * VPD_BYTES + 1];

	text[0] = '\0';
	for (uint32_t i = 0; i < len && i < VPD_BYTES; i++)
		snprintf(text + 2 * (size_t)i, 3, "%02x", p[i]);
	return json_string(text);
}

static int inquiry_vpd(struct srpio_session *s, json_t *out, struct err *e)
{
	uint8_t cdb[SRPIO_CDB_LEN];
	uint32_t got, page_bytes;
	int rc;

	srpio_cdb_inquiry(cdb, s->o->vpd_page, VPD_BYTES);
	rc = srpio_exec(s, s->lun, cdb, VPD_BYTES, &got, e);
	if (rc)
		return rc;
	if (got < 4)
		return err_set(e, -EIO, "INQUIRY: only %u bytes came", got);
	page_bytes = 4 + ((uint32_t)s->arena[2] << 8 | s->arena[3]);
	if (page_bytes > got)
		page_bytes = got;
	if (out) {
		json_object_set_new(out, "lun", json_integer(s->o->lun));
		json_object_set_new(out, "vpd_page", json_integer(s->o->vpd_page));
		json_object_set_new(out, "data", hex_json(s->arena, page_bytes));
		return 0;
	}
	printf("LUN %u, vital product data page %02xh, %u bytes\n", s->o->lun, (unsigned)s->o->vpd_page, page_bytes);
	hex_dump(s->arena, page_bytes);
	return 0;
}

int srpio_cmd_inquiry(struct srpio_session *s, json_t *out, struct err *e)
{
	struct srpio_inquiry inq;
	char id[80] = "", serial[64] = "";
	uint32_t got;
	int rc;

	if (s->o->vpd_page >= 0)
		return inquiry_vpd(s, out, e);
	rc = standard_inquiry(s, s->lun, &inq, e);
	if (rc)
		return rc;
	if (vpd(s, s->lun, 0x83, &got) == 0)
		srpio_vpd_id(s->arena, got, id, sizeof(id));
	if (vpd(s, s->lun, 0x80, &got) == 0)
		srpio_vpd_serial(s->arena, got, serial, sizeof(serial));
	if (out) {
		json_object_set_new(out, "lun", json_integer(s->o->lun));
		json_object_set_new(out, "qualifier", json_integer(inq.qualifier));
		json_object_set_new(out, "type", json_string(srpio_type_name(inq.type)));
		json_object_set_new(out, "version", json_integer(inq.version));
		json_object_set_new(out, "removable", json_boolean(inq.removable));
		json_object_set_new(out, "vendor", json_string(inq.vendor));
		json_object_set_new(out, "product", json_string(inq.product));
		json_object_set_new(out, "revision", json_string(inq.revision));
		json_object_set_new(out, "id", json_string(id));
		json_object_set_new(out, "serial", json_string(serial));
		return 0;
	}
	printf("LUN %u\n", s->o->lun);
	printf("  type       %s%s%s\n", srpio_type_name(inq.type), inq.removable ? ", removable" : "",
	       inq.qualifier ? ", not connected (there is no such LUN)" : "");
	printf("  vendor     %s\n  product    %s\n  revision   %s\n  version    %u\n", inq.vendor, inq.product, inq.revision,
	       inq.version);
	printf("  id         %s\n  serial     %s\n", id, serial);
	return 0;
}
