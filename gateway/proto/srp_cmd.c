// SPDX-License-Identifier: BSD-3-Clause
/*
 * CMD, as a target reads it. Layer: proto. Knows base only.
 *
 * Order of the checks, so that each malformed IU has exactly one answer:
 *   1. bytes    SHORT, OPCODE, then DESC_BOUNDS: additional CDB, data-out and data-in descriptor must have arrived
 *   2. formats  DATA_OUT_FORMAT, DATA_IN_FORMAT: reserved, or not in force on this channel
 *   3. bytes    IMM_BOUNDS, which needs the offset that only a granted format has
 *   4. fields   ADD_CDB_RESERVED, TABLE_LEN, DESC_SUM: the IU is sound and can be answered by a RSP
 * A descriptor of a reserved format has no known size; step 1 counts none and step 2 refuses it.
 */
#include "srp_iu.h"
#include "srp_wire.h"

static size_t data_size(unsigned fmt, uint8_t count, bool is_data_out)
{
	switch (fmt) {
	case SRP_FMT_DIRECT:
		return SRP_MDESC_LEN;
	case SRP_FMT_INDIRECT:
		return SRP_INDIRECT_HDR_LEN + (size_t)count * SRP_MDESC_LEN;
	case SRP_FMT_IMMEDIATE:
		return is_data_out ? SRP_IMM_HDR_LEN : 0;
	default:
		return 0;
	}
}

static bool format_in_force(unsigned fmt, const struct srp_terms *terms, bool is_data_out)
{
	switch (fmt) {
	case SRP_FMT_NONE:
		return true;
	case SRP_FMT_DIRECT:
		return terms->formats_direct;
	case SRP_FMT_INDIRECT:
		return terms->formats_indirect;
	case SRP_FMT_IMMEDIATE:
		return is_data_out && terms->imm_granted;
	default:
		return false;
	}
}

/* @p: as many bytes as data_size() says arrived. */
static void data_read(unsigned fmt, uint8_t count, const uint8_t *p, struct srp_data *d)
{
	const struct srp_indirect_wire *ind = (const void *)p;
	struct be32 imm_len;

	d->fmt = (enum srp_fmt)fmt;
	switch (d->fmt) {
	case SRP_FMT_NONE:
		break;
	case SRP_FMT_DIRECT:
		d->n_desc = 1;
		d->desc = p;
		d->len_bytes = srp_mdesc_get(p).len_bytes;
		break;
	case SRP_FMT_INDIRECT:
		d->n_desc = count;
		d->desc = p + SRP_INDIRECT_HDR_LEN;
		d->table = srp_mdesc_get(p);
		d->n_table = d->table.len_bytes / SRP_MDESC_LEN;
		d->len_bytes = be32_get(ind->len_bytes);
		break;
	case SRP_FMT_IMMEDIATE:
		memcpy(&imm_len, p, sizeof(imm_len));
		d->len_bytes = be32_get(imm_len);
		break;
	}
}

static enum srp_error table_fields_check(const struct srp_data *d, const struct srp_terms *terms)
{
	if (d->fmt != SRP_FMT_INDIRECT)
		return SRP_OK;
	if (d->table.len_bytes % SRP_MDESC_LEN || d->n_table < d->n_desc || d->n_table > terms->max_table_entries)
		return SRP_ERR_TABLE_LEN;
	return SRP_OK;
}

static enum srp_error table_sum_check(const struct srp_data *d)
{
	uint64_t sum = 0;

	if (d->fmt != SRP_FMT_INDIRECT)
		return SRP_OK;
	if (d->n_desc == d->n_table)
		return srp_table_check(d->desc, d->n_desc, d->len_bytes);
	/* The rest of the table is still in the initiator's memory; what is here must leave room for it. */
	for (size_t i = 0; i < d->n_desc; i++)
		sum += srp_mdesc_get(d->desc + i * SRP_MDESC_LEN).len_bytes;
	return sum <= d->len_bytes ? SRP_OK : SRP_ERR_DESC_SUM;
}

static enum srp_error request_fields_check(const struct srp_cmd_wire *w, const struct srp_terms *terms,
					   const struct srp_cmd *cmd)
{
	enum srp_error e;

	if (w->add_cdb_len & 3)
		return SRP_ERR_ADD_CDB_RESERVED;
	e = table_fields_check(&cmd->data_out, terms);
	if (e == SRP_OK)
		e = table_fields_check(&cmd->data_in, terms);
	if (e == SRP_OK)
		e = table_sum_check(&cmd->data_out);
	if (e == SRP_OK)
		e = table_sum_check(&cmd->data_in);
	return e;
}

enum srp_error srp_cmd_decode(const void *buf, size_t len, const struct srp_terms *terms, struct srp_cmd *cmd)
{
	const struct srp_cmd_wire *w = buf;
	const uint8_t *iu = buf;
	unsigned fmt_out, fmt_in;
	size_t add_cdb_bytes, out_at, in_at, end;

	*cmd = (struct srp_cmd){ 0 };
	if (len < sizeof(*w))
		return SRP_ERR_SHORT;
	cmd->tag = srp_tag_get(w->tag);
	cmd->sol_not = w->sol_not & (SRP_SCSOLNT | SRP_UCSOLNT);
	memcpy(cmd->lun, w->lun, sizeof(cmd->lun));
	cmd->task_attr = w->task_attr & 7;
	if (w->opcode != SRP_CMD)
		return SRP_ERR_OPCODE;

	/* None of these sums can wrap: each term is below 5000. */
	fmt_out = w->buf_fmt >> 4;
	fmt_in = w->buf_fmt & 0xf;
	add_cdb_bytes = w->add_cdb_len & 0xfc;
	out_at = sizeof(*w) + add_cdb_bytes;
	in_at = out_at + data_size(fmt_out, w->data_out_count, true);
	end = in_at + data_size(fmt_in, w->data_in_count, false);
	if (end > len)
		return SRP_ERR_DESC_BOUNDS;
	cmd->cdb = w->cdb;
	cmd->cdb_len = (uint16_t)(sizeof(w->cdb) + add_cdb_bytes);

	if (!format_in_force(fmt_out, terms, true))
		return SRP_ERR_DATA_OUT_FORMAT;
	if (!format_in_force(fmt_in, terms, false))
		return SRP_ERR_DATA_IN_FORMAT;
	data_read(fmt_out, w->data_out_count, iu + out_at, &cmd->data_out);
	data_read(fmt_in, w->data_in_count, iu + in_at, &cmd->data_in);

	if (fmt_out == SRP_FMT_IMMEDIATE) {
		if (terms->imm_data_offset < end ||
		    (uint64_t)terms->imm_data_offset + cmd->data_out.len_bytes > len)
			return SRP_ERR_IMM_BOUNDS;
		cmd->data_out.imm = iu + terms->imm_data_offset;
	}
	return request_fields_check(w, terms, cmd);
}
