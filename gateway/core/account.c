/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counts what was answered, per nexus and per logical unit, with its time split.
 * Layer: core.
 */
#include "../include/srpgw/bridge.h"
#include "lu.h"
#include "nexus.h"

static void count(struct io_counters *c, const struct task *t)
{
	const struct reply *r = &t->reply;
	uint64_t moved = r->resid_kind == SRPGW_RESID_UNDER ? t->data_len - r->resid : t->data_len;

	switch (t->dir) {
	case SRPGW_DIR_IN:
		c->reads_total++;
		c->read_bytes_total += moved;
		break;
	case SRPGW_DIR_OUT:
		c->writes_total++;
		c->write_bytes_total += moved;
		break;
	default:
		c->others_total++;
	}
	c->check_conditions_total += r->status == SCSI_CHECK_CONDITION;
	c->busy_total += r->status == SCSI_BUSY || r->status == SCSI_TASK_SET_FULL;
	c->errors_total += r->sense == r->own_sense || r->has_code;
}

static void time_add(struct time_split *ts, const struct task *t)
{
	if (!ts)
		return;
	hist_add(&ts->fabric, t->held_ns[TASK_HELD_BY_FABRIC]);
	hist_add(&ts->gateway, t->held_ns[TASK_HELD_BY_GATEWAY]);
	hist_add(&ts->backend, t->held_ns[TASK_HELD_BY_BRIDGE]);
	hist_add(&ts->total,
		 t->held_ns[TASK_HELD_BY_FABRIC] + t->held_ns[TASK_HELD_BY_GATEWAY] + t->held_ns[TASK_HELD_BY_BRIDGE]);
}

void task_account(struct task *t)
{
	if (t->kind != TASK_COMMAND)
		return;
	/* The state before the last is still running. */
	if (!t->op.late)
		task_count_time(t, true);
	count(&t->nexus->io, t);
	time_add(t->nexus->time, t);
	if (t->lu) {
		count(&t->lu->io, t);
		time_add(t->lu->time, t);
	}
}
