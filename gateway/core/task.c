/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of a task: allocation, the checked state change, refusal, end.
 * Layer: core.
 */
#include "task.h"

#include "../base/log.h"
#include "channel.h"
#include "io.h"
#include "limit.h"
#include "lu.h"
#include "nexus.h"
#include "order.h"
#include "path.h"
#include "quota.h"
#include "shard.h"
#include "share.h"
#include "tmf.h"

#include <string.h>

/* Tasks kept for refusals and task management when all others are in use. */
static uint32_t spare_tasks(const struct shard *s)
{
	return s->n_tasks / 16 + 1;
}

/* One nexus with many channels and a dead back-end must leave tasks to the others. */
static bool has_share(const struct shard *s, const struct nexus *n)
{
	uint32_t spare = spare_tasks(s);

	return s->n_tasks_free > spare && quota_allows(n->n_tasks, 1, s->n_tasks_free - spare);
}

static void reset(struct task *t)
{
	t->lu = NULL;
	t->io = NULL;
	t->tmf = NULL;
	t->kind = TASK_COMMAND;
	t->cause = TASK_CAUSE_NONE;
	t->dir = SRPGW_DIR_NONE;
	t->sol_not = t->attr = t->cdb_len = t->slots = 0;
	t->credit_held = t->admitted = t->local = t->fetched = t->fetching_table = t->shared = t->ranked = t->paid = false;
	t->data_len = t->buf_len = t->n_table = 0;
	t->desc = (struct buf){ .next = NULL };
	t->imm = (struct buf){ .next = NULL };
	t->rx = NULL;
	t->stash = NULL;
	t->reply = (struct reply){ .status = SCSI_GOOD };
	t->hold_until_ns = 0;
	t->n_repeats = 0;
	memset(t->held_ns, 0, sizeof(t->held_ns));
	memset(t->lun, 0, sizeof(t->lun));
}

struct task *task_new(struct channel *ch, uint64_t tag, bool spare)
{
	struct shard *s = ch->shard;
	struct task *t;

	if (spare ? s->n_tasks_free == 0 : !has_share(s, ch->nexus))
		return NULL;
	shard_stock_tasks(s);
	t = list_entry(list_pop_front(&s->free_tasks), struct task, node);
	s->n_tasks_free--;
	reset(t);
	t->ch = ch;
	t->nexus = ch->nexus;
	t->tag = tag;
	t->serial = ++s->next_serial;
	t->arrived_ns = t->since_ns = shard_now_ns(s);
	list_push_back(&ch->nexus->tasks, &t->nexus_node);
	ch->n_tasks++;
	ch->nexus->n_tasks++;
	task_set_state(t, TASK_RECEIVED);
	return t;
}

static bool is_outside(enum task_holder h)
{
	return h == TASK_HELD_BY_FABRIC || h == TASK_HELD_BY_BRIDGE;
}

void task_count_time(struct task *t, bool fresh)
{
	uint64_t now_ns = fresh ? shard_clock_ns(t->shard) : shard_now_ns(t->shard);

	/* The loop's time may be older than the last fresh one. */
	if (now_ns <= t->since_ns)
		return;
	t->held_ns[task_holder(t)] += now_ns - t->since_ns;
	t->since_ns = now_ns;
}

bool task_set_state(struct task *t, enum task_state to)
{
	struct shard *s = t->shard;

	if (!task_state_may_follow((enum task_state)t->state, to)) {
		s->bad_edges_total++;
		shard_trace(s, TRACE_BAD_EDGE, t->ch->number, t->tag, (uint64_t)t->state << 8 | to);
		log_error("session %u: task %016llx may not go from %s to %s; its channel is closed", t->nexus->id,
			  (unsigned long long)t->tag, task_state_name((enum task_state)t->state), task_state_name(to));
		channel_end(t->ch, OUTCOME_INTERNAL);
		return false;
	}
	/* At the end of its life it has been accounted for. */
	task_count_time(t, to != TASK_FREE && (is_outside(task_holder(t)) || is_outside(task_state_holder(to))));
	s->task_states[t->state]--;
	s->task_states[to]++;
	if (t->lu && !t->local)
		t->lu->path->n_waiting += (to == TASK_READY) - (t->state == TASK_READY);
	t->state = (uint8_t)to;
	list_del(&t->node);
	return true;
}

void task_drop_iu(struct task *t)
{
	if (t->rx)
		t->ch->ops->rx_release(t->rx);
	t->rx = NULL;
	pool_put(t->shard->pool, t->stash);
	t->stash = NULL;
}

void task_unadmit(struct task *t)
{
	if (!t->admitted)
		return;
	t->admitted = false;
	t->lu->path->n_admitted--;
	limit_give(t);
	order_end(t);
	path_mark(t->lu->path);
}

bool task_share(struct task *t)
{
	const struct shard *s = t->shard;
	uint32_t free = s->n_tasks_free + 1, spare = spare_tasks(s); /* 1: itself */

	if (free <= spare || !share_allows(t->lu->path->share->n_tasks, 1, free - spare))
		return false;
	t->shared = true;
	t->lu->path->share->n_tasks++;
	return true;
}

void task_retire(struct task *t)
{
	struct shard *s = t->shard;
	struct channel *ch = t->ch;
	struct nexus *n = t->nexus;
	bool dying = t->cause != TASK_CAUSE_NONE;

	task_set_state(t, TASK_FREE);
	task_drop_iu(t);
	task_unadmit(t);
	order_leave(t);
	if (t->io)
		io_release(t->io);
	if (t->shared)
		t->lu->path->share->n_tasks--;
	if (t->lu)
		lu_unref(t->lu);
	if (t->credit_held)
		credit_forfeit(&ch->credit);
	list_del(&t->tag_node);
	list_del(&t->nexus_node);
	list_push_front(&s->free_tasks, &t->node);
	s->n_tasks_free++;
	s->feed = s->feed || !list_empty(&s->parked);
	ch->n_tasks--;
	n->n_tasks--;
	channel_mark(ch);
	if (dying) {
		n->n_dying--;
		tmf_recheck(n);
	}
}

static void refuse(struct task *t, enum outcome why, int cdb_field)
{
	const struct outcome_row *row = outcome_row(why);
	struct reply *r = &t->reply;

	*r = (struct reply){ .status = SCSI_GOOD };
	switch (row->kind) {
	case OUTCOME_CODE:
		r->has_code = true;
		r->code = (uint8_t)row->value;
		break;
	case OUTCOME_SENSE:
		r->sense_len = (uint16_t)scsi_sense_build(row->sense, cdb_field, r->own_sense);
		r->sense = r->own_sense;
		r->status = SCSI_CHECK_CONDITION;
		break;
	default:
		r->status = (uint8_t)row->value;
	}
	/* Nothing moved. */
	if (t->kind == TASK_COMMAND && t->data_len > 0) {
		r->resid_kind = SRPGW_RESID_UNDER;
		r->resid = t->data_len;
	}
	if (!task_set_state(t, TASK_WAIT_RESPOND))
		return;
	task_unadmit(t);
	order_leave(t);
	if (t->io)
		io_release(t->io);
	list_push_back(&t->ch->send, &t->node);
	channel_mark(t->ch);
}

void task_refuse(struct task *t, enum outcome why)
{
	refuse(t, why, -1);
}

void task_refuse_field(struct task *t, enum outcome why, int cdb_field)
{
	refuse(t, why, cdb_field);
}

void task_go(struct task *t)
{
	if (t->io) {
		/* It was at a bridge before, and never left it. */
		task_execute(t);
		return;
	}
	if (list_empty(&t->shard->wait_buffer) && io_acquire(t)) {
		task_provisioned(t);
		return;
	}
	if (task_set_state(t, TASK_WAIT_BUFFER))
		list_push_back(&t->shard->wait_buffer, &t->node);
}

void task_provisioned(struct task *t)
{
	if (t->local)
		local_run(t);
	else if (t->n_table > 0 || (t->dir == SRPGW_DIR_OUT && !t->imm.addr && t->data_len > 0))
		task_fetch(t);
	else
		task_execute(t);
}
