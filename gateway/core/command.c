/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An SRP_CMD arrives: judged, copied out of its receive buffer, and sent to its logical unit or refused.
 * Layer: core. Source: SRP r16a CMD; SAM-5 5.
 */
#include "aca.h"
#include "channel.h"
#include "inventory.h"
#include "io.h"
#include "lu.h"
#include "nexus.h"
#include "path.h"
#include "shard.h"

#include <string.h>

static enum outcome decode_outcome(enum srp_error e)
{
	switch (e) {
	case SRP_OK:
		return OUTCOME_OK;
	case SRP_ERR_ADD_CDB_RESERVED:
		return OUTCOME_ADD_CDB_RESERVED;
	case SRP_ERR_DATA_OUT_FORMAT:
		return OUTCOME_DATA_OUT_FORMAT;
	case SRP_ERR_DATA_IN_FORMAT:
		return OUTCOME_DATA_IN_FORMAT;
	case SRP_ERR_DESC_BOUNDS:
		return OUTCOME_DESC_BOUNDS;
	case SRP_ERR_IMM_BOUNDS:
		return OUTCOME_IMM_BOUNDS;
	case SRP_ERR_TABLE_LEN:
		return OUTCOME_TABLE_LEN;
	case SRP_ERR_DESC_SUM:
		return OUTCOME_DESC_SUM;
	default:
		return OUTCOME_IU_SHORT;
	}
}

/* Copies @len bytes at @from into pool memory, because receive buffers are short. */
static bool stash(struct task *t, const uint8_t *from, uint32_t len)
{
	/* Copies come on top of the quotas, so they never take the last of the pool. */
	if (pool_free_bytes(t->shard->pool) < pool_size_bytes(t->shard->pool) / 4)
		return false;
	if (pool_get(t->shard->pool, len, &t->stash) < 0)
		return false;
	for (struct buf *b = t->stash; b; b = b->next) {
		memcpy(b->addr, from, b->len_bytes);
		from += b->len_bytes;
	}
	return true;
}

/* The part of the IU that the command still needs: in the task, in the receive buffer, or copied to the pool. */
static bool keep(struct task *t, struct fabric_rx *rx, const uint8_t *from, uint32_t len, struct buf *view)
{
	if (t->ch->ops->rx_low(t->ch->conn)) {
		if (!stash(t, from, len))
			return false;
		*view = *t->stash;
		return true;
	}
	t->rx = rx;
	view->next = NULL;
	view->addr = (uint8_t *)from;
	view->len_bytes = len;
	view->region = rx->region;
	return true;
}

static bool keep_descriptors(struct task *t, struct fabric_rx *rx, const struct srp_data *d)
{
	uint32_t len = d->n_desc * SRP_MDESC_LEN;

	if (d->n_table > d->n_desc) {
		/* The whole table is fetched; what the IU held of it is not needed. */
		srp_mdesc_put(t->table_desc, d->table);
		t->n_table = d->n_table;
		return true;
	}
	if (d->n_desc > TASK_INLINE_DESC)
		return keep(t, rx, d->desc, len, &t->desc);
	memcpy(t->desc_inline, d->desc, len);
	t->desc.addr = t->desc_inline;
	t->desc.len_bytes = len;
	return true;
}

/* False: no memory to copy to. */
static bool take_data(struct task *t, struct fabric_rx *rx, const struct srp_cmd *cmd)
{
	const struct srp_data *d = cmd->data_out.fmt != SRP_FMT_NONE ? &cmd->data_out : &cmd->data_in;

	if (d->len_bytes == 0)
		return true;
	t->dir = cmd->data_out.fmt != SRP_FMT_NONE ? SRPGW_DIR_OUT : SRPGW_DIR_IN;
	t->data_len = t->buf_len = d->len_bytes;
	if (d->fmt != SRP_FMT_IMMEDIATE)
		return keep_descriptors(t, rx, d);
	t->ch->imm_writes_total++;
	t->fetched = true;
	return keep(t, rx, d->imm, d->len_bytes, &t->imm);
}

/* @len: 0 when its operation code does not tell. */
static void take_cdb(struct task *t, const struct srp_cmd *cmd, uint16_t len)
{
	memcpy(t->cdb, cmd->cdb, TASK_CDB_BYTES);
	t->cdb_len = len > 0 && len <= TASK_CDB_BYTES ? (uint8_t)len : TASK_CDB_BYTES;
}

/* What the gateway refuses whatever the LUN is. */
static enum outcome judge(const struct task *t, const struct srp_cmd *cmd, uint16_t len)
{
	if (cmd->data_out.fmt != SRP_FMT_NONE && cmd->data_in.fmt != SRP_FMT_NONE)
		return OUTCOME_BIDIRECTIONAL;
	if (cmd->cdb_len > TASK_CDB_BYTES || len > TASK_CDB_BYTES)
		return OUTCOME_CDB_LONG;
	if (t->data_len > map_or(t->shard->map->max_transfer_bytes, MAP_MAX_TRANSFER) || !io_fits_quota(t))
		return OUTCOME_TOO_LARGE;
	return aca_judge(t, len);
}

static bool ua_exempt(uint8_t opcode)
{
	return opcode == SCSI_OP_INQUIRY || opcode == SCSI_OP_REPORT_LUNS || opcode == SCSI_OP_REQUEST_SENSE;
}

void command_dispatch(struct task *t)
{
	enum outcome ua;

	t->lu = lu_find(t->nexus, t->lun);
	if (inventory_decides(t)) {
		t->lu = NULL;
		inventory_hold(t);
		return;
	}
	if (t->lu)
		lu_ref(t->lu);
	if (local_receive(t))
		return;
	if (!t->lu) {
		task_refuse(t, OUTCOME_NO_LUN);
		return;
	}
	if (!split_admits(t)) {
		task_refuse(t, OUTCOME_TOO_LARGE);
		return;
	}
	if (!task_share(t)) {
		task_refuse(t, OUTCOME_TASK_SET_FULL);
		return;
	}
	ua = ua_exempt(t->cdb[0]) ? OUTCOME_OK : lu_take_ua(t->lu);
	if (ua != OUTCOME_OK)
		task_refuse(t, ua);
	else
		lu_ready(t, false);
}

/* Return: true if the task holds @rx now. */
static bool admit(struct task *t, struct fabric_rx *rx, const struct srp_cmd *cmd, enum outcome why)
{
	uint16_t len = scsi_cdb_len(cmd->cdb, cmd->cdb_len);
	bool kept = false;

	if (nexus_find_tag(t->nexus, t->tag)) {
		task_refuse(t, OUTCOME_OVERLAPPED);
		return false;
	}
	nexus_add_tag(t->nexus, t);
	if (why == OUTCOME_OK) {
		take_cdb(t, cmd, len);
		if (cmd->data_out.fmt == SRP_FMT_NONE || cmd->data_in.fmt == SRP_FMT_NONE)
			why = take_data(t, rx, cmd) ? OUTCOME_OK : OUTCOME_TASK_SET_FULL;
		kept = t->rx != NULL;
	}
	if (why == OUTCOME_OK)
		why = judge(t, cmd, len);
	if (why == OUTCOME_OK)
		command_dispatch(t);
	else if (why == OUTCOME_NACA)
		task_refuse_field(t, why, scsi_cdb_control_at(t->cdb, len));
	else
		task_refuse(t, why);
	return kept;
}

bool command_receive(struct channel *ch, struct fabric_rx *rx)
{
	struct srp_cmd cmd;
	enum outcome why = decode_outcome(srp_cmd_decode(rx->data, rx->len_bytes, &ch->terms.srp, &cmd));
	struct task *t;

	if (outcome_row(why)->kind == OUTCOME_LOGOUT) {
		ch->ops->rx_release(rx);
		channel_end(ch, why);
		return true;
	}
	t = task_new(ch, cmd.tag, false);
	if (!t) {
		t = task_new(ch, cmd.tag, true);
		if (!t)
			return false;
		if (why == OUTCOME_OK)
			why = OUTCOME_TASK_SET_FULL;
	}
	if (!credit_take(&ch->credit)) {
		task_retire(t);
		ch->ops->rx_release(rx);
		channel_end(ch, OUTCOME_OVER_CREDIT);
		return true;
	}
	t->credit_held = true;
	t->sol_not = cmd.sol_not;
	t->attr = cmd.task_attr;
	memcpy(t->lun, cmd.lun, sizeof(t->lun));
	shard_trace(ch->shard, TRACE_REQUEST, ch->number, cmd.tag, SRP_CMD);
	if (!admit(t, rx, &cmd, why))
		ch->ops->rx_release(rx);
	return true;
}
