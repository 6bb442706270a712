/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is read from the host's memory before a command can execute: an indirect table that did not fit the IU, then
 * data-out.
 * Layer: core. Source: SRP r16a indirect data buffer descriptor.
 */
#include "channel.h"
#include "io.h"
#include "lu.h"
#include "path.h"
#include "pr.h"
#include "shard.h"
#include "task.h"

#include <errno.h>

/* The table as one descriptor, so that it is fetched as data is. */
static void begin_table(struct task *t)
{
	t->fetching_table = true;
	t->desc.next = NULL;
	t->desc.addr = t->table_desc;
	t->desc.len_bytes = SRP_MDESC_LEN;
	xfer_init(&t->xfer, &t->desc, t->io->table, t->n_table * SRP_MDESC_LEN);
}

static void begin_data(struct task *t)
{
	xfer_init(&t->xfer, &t->desc, t->io->data, t->data_len);
}

static void wait_turn(struct task *t)
{
	if (!task_set_state(t, TASK_WAIT_FETCH))
		return;
	list_push_back(&t->ch->fetch, &t->node);
	channel_mark(t->ch);
}

void task_fetch(struct task *t)
{
	if (t->n_table > 0)
		begin_table(t);
	else
		begin_data(t);
	wait_turn(t);
}

/* The table is here: it replaces the part that the IU held. */
static void table_fetched(struct task *t)
{
	t->fetching_table = false;
	t->desc = *t->io->table;
	t->n_table = 0;
	t->ch->ext_tables_total++;
	if (xfer_table_bytes(&t->desc) < t->data_len) {
		task_refuse(t, OUTCOME_DESC_SUM);
		return;
	}
	if (t->dir == SRPGW_DIR_OUT) {
		begin_data(t);
		wait_turn(t);
	} else {
		task_execute(t);
	}
}

static void round_done(struct fabric_op *op, enum fabric_wc_status status)
{
	struct task *t = container_of(op, struct task, op);
	struct shard *s = t->shard;

	shard_enter(s);
	channel_op_done(t->ch);
	if (t->cause != TASK_CAUSE_NONE)
		task_retire(t);
	else if (status != FABRIC_WC_OK)
		/* The channel is going down and says so; until then the task waits for its end. */
		task_cancel_failed(t);
	else if (t->xfer.left_bytes > 0)
		wait_turn(t);
	else if (t->fetching_table)
		table_fetched(t);
	else {
		t->fetched = true;
		task_drop_iu(t);
		task_execute(t);
	}
	shard_leave(s);
}

enum pump fetch_pump(struct task *t)
{
	struct channel *ch = t->ch;
	struct xfer before = t->xfer;
	struct xfer_limits lim;
	uint32_t n_wr;
	int rc;

	lim = channel_round_limits(ch, FABRIC_READ);
	if (lim.max_wr == 0)
		return PUMP_WAIT;
	n_wr = xfer_plan(&t->xfer, FABRIC_READ, &lim, t->io->wr, t->io->seg);
	if (n_wr == 0) {
		channel_end(ch, OUTCOME_INTERNAL);
		return PUMP_WAIT;
	}
	t->op = (struct fabric_op){ .first = t->io->wr, .n_wr = n_wr, .done = round_done };
	rc = channel_post(ch, &t->op);
	if (rc == 0) {
		task_set_state(t, TASK_FETCHING);
		return PUMP_GO;
	}
	t->xfer = before;
	if (rc != -EAGAIN)
		channel_end(ch, OUTCOME_POST_FAILED);
	return PUMP_WAIT;
}

void task_execute(struct task *t)
{
	if (t->cdb[0] == SCSI_OP_PERSISTENT_RESERVE_OUT && !pr_out_translate(t))
		return;
	path_submit(t);
}
