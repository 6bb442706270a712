/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands that the gateway answers itself: REPORT LUNS from the LUN map, INQUIRY and REQUEST SENSE for LUNs that are
 * not mapped, INQUIRY for LUNs whose back-end is away, and REQUEST SENSE that tells a unit attention of the gateway's
 * own.
 * Layer: core. Source: SPC-4 6.33 (REPORT LUNS), 6.6 (INQUIRY), 6.39 (REQUEST SENSE); SAM-5 5.11 (LUNs not mapped).
 */
#include "../base/be.h"
#include "chain.h"
#include "channel.h"
#include "event.h"
#include "io.h"
#include "keep.h"
#include "lu.h"
#include "nexus.h"
#include "path.h"
#include "shard.h"

#include <string.h>

#define INQUIRY_BYTES 36u

/* ---- what it would answer, in bytes ---- */

static uint32_t luns_bytes(const struct task *t)
{
	/* SELECT REPORT 01h: well-known logical units only, and there are none. */
	return t->cdb[2] == 0x01 ? 8 : 8 + 8 * (uint32_t)t->nexus->n_lu;
}

/* True when the CDB is in order; false when the task was refused. */
static bool plan(struct task *t, uint32_t *alloc, uint32_t *full)
{
	struct keep_answer kept;

	switch (t->cdb[0]) {
	case SCSI_OP_REPORT_LUNS:
		*alloc = be32_at(t->cdb + 6);
		*full = luns_bytes(t);
		if (t->cdb[2] > 0x02) {
			task_refuse_field(t, OUTCOME_INVALID_FIELD, 2);
			return false;
		}
		if (*alloc < 16) {
			task_refuse_field(t, OUTCOME_INVALID_FIELD, 6);
			return false;
		}
		return true;
	case SCSI_OP_INQUIRY:
		*alloc = be16_at(t->cdb + 3);
		if (t->lu) {
			*full = keep_find_inquiry(t, &kept) ? kept.len_bytes : 0;
			return true;
		}
		*full = INQUIRY_BYTES;
		if ((t->cdb[1] & 0x01) || t->cdb[2] != 0) {
			/* No vital product data of a logical unit that is not there. */
			task_refuse_field(t, OUTCOME_INVALID_FIELD, t->cdb[1] & 0x01 ? 1 : 2);
			return false;
		}
		return true;
	default:
		*alloc = t->cdb[4];
		*full = SCSI_FIXED_SENSE_LEN;
		return true;
	}
}

/* ---- the answers ---- */

static void report_luns(struct task *t)
{
	const struct nexus *n = t->nexus;
	uint32_t n_luns = (luns_bytes(t) - 8) / 8;
	struct be32 len = be32_make(8 * n_luns);
	uint8_t head[8] = { 0 };

	/* There may be fewer than when it began to wait for memory: what was in there before goes to nobody. */
	if (t->buf_len > 8 + 8 * n_luns)
		t->buf_len = 8 + 8 * n_luns;
	memcpy(head, len.b, sizeof(len.b));
	chain_write(t->io->data, 0, head, t->buf_len < 8 ? t->buf_len : 8);
	for (uint32_t i = 0, off = 8; i < n_luns && off < t->buf_len; i++, off += 8)
		chain_write(t->io->data, off, n->lu[i]->lun, t->buf_len - off < 8 ? t->buf_len - off : 8);
}

/* False: it is no longer kept, or a shorter one is, since this task began to wait for memory. It was refused. */
static bool kept_inquiry(struct task *t)
{
	struct keep_answer kept;

	if (!keep_find_inquiry(t, &kept) || kept.len_bytes < t->buf_len) {
		task_refuse(t, OUTCOME_PATH_HELD);
		return false;
	}
	chain_write(t->io->data, 0, kept.data, t->buf_len);
	return true;
}

static void absent_inquiry(struct task *t)
{
	uint8_t data[INQUIRY_BYTES];

	scsi_inquiry_absent_build("SRPGW", "NO LOGICAL UNIT", "1", data, sizeof(data));
	chain_write(t->io->data, 0, data, t->buf_len);
}

static void request_sense(struct task *t)
{
	enum outcome why = t->lu ? lu_take_ua(t->lu) : OUTCOME_NO_LUN;
	uint8_t data[SCSI_FIXED_SENSE_LEN];

	if (why == OUTCOME_OK && t->lu && outage_is_declared(t->lu->path))
		why = OUTCOME_LU_UNAVAILABLE;
	/* A second REQUEST SENSE may have told the unit attention meanwhile. */
	scsi_sense_build(why == OUTCOME_OK ? (struct scsi_sense){ SCSI_NO_SENSE, 0, 0 } : outcome_row(why)->sense, -1,
			 data);
	chain_write(t->io->data, 0, data, t->buf_len);
}

void local_run(struct task *t)
{
	if (!task_set_state(t, TASK_EXECUTING))
		return;
	if (t->cdb[0] == SCSI_OP_INQUIRY && t->lu && !kept_inquiry(t))
		return;
	if (t->cdb[0] == SCSI_OP_REPORT_LUNS)
		report_luns(t);
	else if (t->cdb[0] == SCSI_OP_INQUIRY && !t->lu)
		absent_inquiry(t);
	else if (t->cdb[0] == SCSI_OP_REQUEST_SENSE)
		request_sense(t);
	if (t->cdb[0] == SCSI_OP_REPORT_LUNS)
		event_luns_reported(t->nexus);
	if (t->buf_len < t->data_len) {
		t->reply.resid_kind = SRPGW_RESID_UNDER;
		t->reply.resid = t->data_len - t->buf_len;
	}
	xfer_init(&t->xfer, &t->desc, t->io->data, t->buf_len);
	if (!task_set_state(t, TASK_WAIT_PLACE))
		return;
	list_push_back(&t->ch->send, &t->node);
	channel_mark(t->ch);
}

/* Its answer was kept while the back-end spoke to us. With descriptors that must be fetched it waits like others. */
static bool is_kept(const struct task *t)
{
	struct keep_answer kept;

	return t->lu->path->outage.away && t->n_table == 0 && keep_find_inquiry(t, &kept);
}

static bool is_local(const struct task *t)
{
	switch (t->cdb[0]) {
	case SCSI_OP_REPORT_LUNS:
		return true;
	case SCSI_OP_INQUIRY:
		return !t->lu || is_kept(t);
	case SCSI_OP_REQUEST_SENSE:
		return !t->lu || t->lu->ua != 0 || outage_is_declared(t->lu->path);
	default:
		return false;
	}
}

/* GOOD without a byte of data: the host gave no room, or asked for none. */
static void answer_empty(struct task *t)
{
	if (t->data_len > 0) {
		t->reply.resid_kind = SRPGW_RESID_UNDER;
		t->reply.resid = t->data_len;
	}
	if (!task_set_state(t, TASK_WAIT_RESPOND))
		return;
	list_push_back(&t->ch->send, &t->node);
	channel_mark(t->ch);
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

bool local_receive(struct task *t)
{
	uint32_t alloc, full;

	if (!is_local(t))
		return false;
	t->local = true;
	if (!plan(t, &alloc, &full))
		return true;
	t->buf_len = min_u32(min_u32(alloc, full), t->dir == SRPGW_DIR_IN ? t->data_len : 0);
	if (t->buf_len == 0)
		answer_empty(t);
	else if (t->n_table > 0)
		/* Such a table for a few bytes: nobody does that, and fetching it belongs to commands with a path. */
		task_refuse(t, OUTCOME_DESC_SUM);
	else if (!io_quota_allows(t))
		/* It has no path whose queue it could wait in. */
		task_refuse(t, OUTCOME_TASK_SET_FULL);
	else if (task_set_state(t, TASK_READY))
		task_go(t);
	return true;
}
