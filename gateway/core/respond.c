/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What goes to the host when a command is answered: data-in in rounds of RDMA WRITEs, the last of them chained with
 * the response, so that RC ordering makes the data visible first.
 * Layer: core. Source: SRP r16a RSP.
 */
#include "channel.h"
#include "io.h"
#include "nexus.h"
#include "shard.h"
#include "task.h"

#include <errno.h>

#define LAZY_MAX_BYTES 65536u

/* ---- the response IU ---- */

static bool is_success(const struct task *t)
{
	const struct reply *r = &t->reply;

	return r->has_code ? r->code == SRP_RSP_CODE_OK : r->status == SCSI_GOOD;
}

static void set_residual(const struct task *t, struct srp_rsp *rsp)
{
	bool under = t->reply.resid_kind == SRPGW_RESID_UNDER;

	if ((!under && t->reply.resid_kind != SRPGW_RESID_OVER) || t->reply.resid == 0)
		return;
	if (t->dir == SRPGW_DIR_OUT) {
		rsp->flags |= under ? SRP_RSP_DOUNDER : SRP_RSP_DOOVER;
		rsp->data_out_resid = t->reply.resid;
	} else if (t->dir == SRPGW_DIR_IN) {
		rsp->flags |= under ? SRP_RSP_DIUNDER : SRP_RSP_DIOVER;
		rsp->data_in_resid = t->reply.resid;
	}
}

static size_t build(struct task *t, uint32_t delta)
{
	const struct reply *r = &t->reply;
	struct srp_rsp rsp = {
		.tag = t->tag,
		.req_lim_delta = (int32_t)delta,
		.status = r->status,
		.has_rsp_code = r->has_code,
		.rsp_code = r->code,
		.sense = r->sense_len ? r->sense : NULL,
		.sense_len = r->sense_len,
	};

	if (t->sol_not & (is_success(t) ? SRP_SCSOLNT : SRP_UCSOLNT))
		rsp.sol_not = SRP_SOLNT;
	set_residual(t, &rsp);
	return srp_rsp_encode(&rsp, t->rsp, t->ch->terms.ti_iu_len);
}

static void response_done(struct fabric_op *op, enum fabric_wc_status status)
{
	struct task *t = container_of(op, struct task, op);
	struct shard *s = t->shard;

	shard_enter(s);
	channel_op_done(t->ch);
	if (status == FABRIC_WC_OK)
		task_account(t);
	task_retire(t);
	shard_leave(s);
}

/*
 * From the moment of the post the host may see the response, use the credit and use the tag again: before our own
 * completion comes.
 */
static void responded(struct task *t)
{
	shard_trace(t->shard, TRACE_RESPONSE, t->ch->number, t->tag, (uint64_t)t->reply.status << 8 | t->reply.code);
	t->credit_held = false;
	list_del(&t->tag_node);
	t->ch->n_sent++;
	task_set_state(t, TASK_RESPONDING);
}

/* What it holds can wait, unless it is much or others wait for it. A wake-up for each short answer would cost more. */
static bool may_be_lazy(const struct task *t)
{
	const struct shard *s = t->shard;

	if (t->dir == SRPGW_DIR_IN && t->data_len > LAZY_MAX_BYTES)
		return false;
	return list_empty(&s->wait_buffer) && list_empty(&s->starved) && list_empty(&s->parked);
}

/* Posts @first .. @last (or nothing) and the response as one chain. */
static enum pump respond(struct task *t, struct fabric_wr *first, struct fabric_wr *last, uint32_t n_wr)
{
	struct channel *ch = t->ch;
	uint32_t delta = credit_answer(&ch->credit);
	size_t len = build(t, delta);
	int rc;

	t->seg = (struct fabric_seg){ .addr = t->rsp, .len_bytes = (uint32_t)len, .region = shard_region(t->shard) };
	t->wr = (struct fabric_wr){ .opcode = FABRIC_SEND, .n_seg = 1, .seg = &t->seg };
	if (t->rsp[1] & SRP_SOLNT)
		t->wr.flags = FABRIC_SOLICITED;
	if (last)
		last->next = &t->wr;
	t->op = (struct fabric_op){ .first = first ? first : &t->wr, .n_wr = n_wr + 1, .done = response_done };
	t->op.lazy = may_be_lazy(t);
	rc = len > 0 ? channel_post(ch, &t->op) : -EMSGSIZE;
	if (rc == 0) {
		responded(t);
		return PUMP_GO;
	}
	credit_unanswer(&ch->credit, delta);
	if (rc != -EAGAIN)
		channel_end(ch, OUTCOME_POST_FAILED);
	return PUMP_WAIT;
}

enum pump respond_pump(struct task *t)
{
	return t->ch->ops->sq_free(t->ch->conn) > 0 ? respond(t, NULL, NULL, 0) : PUMP_WAIT;
}

/* ---- data-in ---- */

static void round_done(struct fabric_op *op, enum fabric_wc_status status)
{
	struct task *t = container_of(op, struct task, op);
	struct shard *s = t->shard;

	shard_enter(s);
	channel_op_done(t->ch);
	if (t->cause != TASK_CAUSE_NONE) {
		task_retire(t);
	} else if (status != FABRIC_WC_OK) {
		task_cancel_failed(t);
	} else if (task_set_state(t, TASK_WAIT_PLACE)) {
		/* It was at the head when the round was posted; its response is nearer than any other's. */
		list_push_front(&t->ch->send, &t->node);
		channel_mark(t->ch);
	}
	shard_leave(s);
}

enum pump place_pump(struct task *t)
{
	struct channel *ch = t->ch;
	struct xfer before = t->xfer;
	struct xfer_limits lim = channel_round_limits(ch, FABRIC_WRITE);
	uint32_t n_wr;
	int rc;

	if (lim.max_wr == 0)
		return PUMP_WAIT;
	n_wr = xfer_plan(&t->xfer, FABRIC_WRITE, &lim, t->io->wr, t->io->seg);
	if (n_wr == 0) {
		channel_end(ch, OUTCOME_INTERNAL);
		return PUMP_WAIT;
	}
	if (t->xfer.left_bytes == 0) {
		if (respond(t, &t->io->wr[0], &t->io->wr[n_wr - 1], n_wr) == PUMP_GO)
			return PUMP_GO;
		/* channel_end() may have ended the task; then it is not touched. */
		if (channel_alive(ch))
			t->xfer = before;
		return PUMP_WAIT;
	}
	t->op = (struct fabric_op){ .first = t->io->wr, .n_wr = n_wr, .done = round_done };
	rc = channel_post(ch, &t->op);
	if (rc == 0) {
		task_set_state(t, TASK_PLACING);
		return PUMP_GO;
	}
	t->xfer = before;
	if (rc != -EAGAIN)
		channel_end(ch, OUTCOME_POST_FAILED);
	return PUMP_WAIT;
}
