// SPDX-License-Identifier: BSD-3-Clause
/*
 * CMD, as an initiator writes it. Layer: proto. Knows base only.
 */
#include "srp_iu.h"
#include "srp_wire.h"

/* Bytes of the descriptor of @d in the IU; -1 when its members contradict each other. */
static int data_size(const struct srp_data *d, bool is_data_out)
{
	switch (d->fmt) {
	case SRP_FMT_NONE:
		return 0;
	case SRP_FMT_DIRECT:
		if (d->n_desc != 1 || !d->desc || srp_mdesc_get(d->desc).len_bytes != d->len_bytes)
			return -1;
		return SRP_MDESC_LEN;
	case SRP_FMT_INDIRECT:
		if (d->n_desc > UINT8_MAX || (d->n_desc && !d->desc) || d->table.len_bytes % SRP_MDESC_LEN ||
		    d->table.len_bytes / SRP_MDESC_LEN < d->n_desc)
			return -1;
		return (int)(SRP_INDIRECT_HDR_LEN + d->n_desc * SRP_MDESC_LEN);
	case SRP_FMT_IMMEDIATE:
		return is_data_out ? SRP_IMM_HDR_LEN : -1;
	}
	return -1;
}

/* Return: the first byte behind the descriptor. */
static uint8_t *data_write(uint8_t *p, const struct srp_data *d)
{
	struct be32 len = be32_make(d->len_bytes);

	switch (d->fmt) {
	case SRP_FMT_NONE:
		break;
	case SRP_FMT_DIRECT:
		memcpy(p, d->desc, SRP_MDESC_LEN);
		p += SRP_MDESC_LEN;
		break;
	case SRP_FMT_INDIRECT:
		srp_mdesc_put(p, d->table);
		memcpy(p + SRP_MDESC_LEN, &len, sizeof(len));
		p += SRP_INDIRECT_HDR_LEN;
		if (d->n_desc)
			memcpy(p, d->desc, (size_t)d->n_desc * SRP_MDESC_LEN);
		p += (size_t)d->n_desc * SRP_MDESC_LEN;
		break;
	case SRP_FMT_IMMEDIATE:
		memcpy(p, &len, sizeof(len));
		p += SRP_IMM_HDR_LEN;
		break;
	}
	return p;
}

size_t srp_cmd_encode(const struct srp_cmd *cmd, uint16_t imm_data_offset, bool gather_imm, void *buf, size_t cap)
{
	const struct srp_data *out = &cmd->data_out, *in = &cmd->data_in;
	int out_size = data_size(out, true), in_size = data_size(in, false);
	struct srp_cmd_wire w = { .opcode = SRP_CMD };
	uint8_t *iu = buf, *p;
	uint64_t imm_bytes = 0;
	size_t end;

	if (out_size < 0 || in_size < 0 || !cmd->cdb || cmd->cdb_len < sizeof(w.cdb) || cmd->cdb_len % 4 ||
	    cmd->cdb_len > SRP_CDB_MAX)
		return 0;
	end = SRP_CMD_LEN - sizeof(w.cdb) + cmd->cdb_len + (size_t)out_size + (size_t)in_size;
	if (out->fmt == SRP_FMT_IMMEDIATE) {
		if (imm_data_offset < end)
			return 0;
		end = imm_data_offset;
		if (gather_imm)
			imm_bytes = out->len_bytes;
		if (imm_bytes && !out->imm)
			return 0;
	}
	if (end + imm_bytes > cap)
		return 0;

	w.sol_not = cmd->sol_not & (SRP_SCSOLNT | SRP_UCSOLNT);
	w.buf_fmt = (uint8_t)(out->fmt << 4 | in->fmt);
	w.data_out_count = out->fmt == SRP_FMT_INDIRECT ? (uint8_t)out->n_desc : 0;
	w.data_in_count = in->fmt == SRP_FMT_INDIRECT ? (uint8_t)in->n_desc : 0;
	srp_tag_put(w.tag, cmd->tag);
	memcpy(w.lun, cmd->lun, sizeof(w.lun));
	w.task_attr = cmd->task_attr & 7;
	w.add_cdb_len = (uint8_t)(cmd->cdb_len - sizeof(w.cdb));

	memcpy(iu, &w, sizeof(w));
	p = iu + offsetof(struct srp_cmd_wire, cdb);
	memcpy(p, cmd->cdb, cmd->cdb_len);
	p = data_write(p + cmd->cdb_len, out);
	p = data_write(p, in);
	memset(p, 0, (size_t)(iu + end - p));
	if (imm_bytes)
		memcpy(iu + end, out->imm, imm_bytes);
	return end + imm_bytes;
}
