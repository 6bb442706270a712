/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits of hosts, LUNs and back-ends, see limit.h.
 * Layer: core.
 */
#include "limit.h"

#include "../base/log.h"
#include "nexus.h"
#include "task.h"

enum slot { SLOT_LUN = 1, SLOT_BACKEND = 2 };

static void offer(struct lu *lu)
{
	if (list_empty(&lu->ready) || lu->fence == LU_SHUT || list_linked(&lu->ready_node))
		return;
	list_push_back(&lu->path->ready_lus, &lu->ready_node);
}

bool limit_call(struct gate_user *u)
{
	if (u->lu) {
		if (list_empty(&u->lu->ready) || u->lu->fence == LU_SHUT)
			return false;
		offer(u->lu);
	} else if (list_empty(&u->path->ready_lus)) {
		return false;
	}
	path_mark(u->path);
	return true;
}

static void leave_lun_lines(struct path *p)
{
	list_for_each(pos, &p->lus) {
		struct lu *lu = list_entry(pos, struct lu, path_node);

		if (!gate_waits(&lu->gate))
			continue;
		gate_leave(&lu->gate);
		offer(lu);
	}
}

static void stand_in_line(struct path *p, struct gate_user *u, bool paid)
{
	p->limited_total += !gate_waits(u);
	gate_wait(u, paid);
}

/* The path as a whole waits at @u, and is in nobody's way elsewhere. */
static enum limit path_waits(struct path *p, struct gate_user *u, struct gate_user *other, bool paid)
{
	gate_leave(other);
	if (p->n_in_line > (gate_waits(u) ? 1 : 0))
		leave_lun_lines(p);
	stand_in_line(p, u, paid);
	return LIMIT_PATH;
}

enum limit limit_check(struct task *t)
{
	struct lu *lu = t->lu;
	struct path *p = lu->path;

	if (!gate_may_pass(&p->host_gate, t->paid))
		return path_waits(p, &p->host_gate, &p->backend_gate, t->paid);
	if (!gate_may_pass(&lu->gate, t->paid)) {
		gate_keep_turn(&p->host_gate);
		list_del(&lu->ready_node);
		stand_in_line(p, &lu->gate, t->paid);
		return LIMIT_LU;
	}
	if (!gate_may_pass(&p->backend_gate, t->paid)) {
		gate_keep_turn(&p->host_gate);
		gate_keep_turn(&lu->gate);
		return path_waits(p, &p->backend_gate, &p->host_gate, t->paid);
	}
	return LIMIT_NONE;
}

bool limit_take(struct task *t)
{
	struct lu *lu = t->lu;
	struct path *p = lu->path;
	bool lun, backend;

	if (!gate_take(&lu->gate, &lun))
		return false;
	if (!gate_take(&p->backend_gate, &backend)) {
		if (lun)
			gate_give(&lu->gate);
		return false;
	}
	t->slots = (uint8_t)((lun ? SLOT_LUN : 0) | (backend ? SLOT_BACKEND : 0));
	gate_pass(&p->host_gate, t->data_len, t->paid);
	gate_pass(&lu->gate, t->data_len, t->paid);
	gate_pass(&p->backend_gate, t->data_len, t->paid);
	t->paid = true;
	return true;
}

void limit_give_slots(struct lu *lu, uint8_t slots)
{
	if (slots & SLOT_LUN)
		gate_give(&lu->gate);
	if (slots & SLOT_BACKEND)
		gate_give(&lu->path->backend_gate);
}

void limit_leave_lines(struct path *p, bool lus)
{
	gate_leave(&p->host_gate);
	gate_leave(&p->backend_gate);
	if (lus)
		leave_lun_lines(p);
}

/* ---- who is limited by what ---- */

static void set_rate(struct gate *g, enum gate_rate k, uint64_t rate)
{
	if (g->rate[k] == rate)
		return;
	g->rate[k] = rate;
	/* The debt was counted in time, by another rate. */
	g->bucket[k].free_ns = 0;
}

void limit_nexus(struct nexus *n)
{
	const struct initiator_group *g = n->group;

	set_rate(&n->gate, GATE_IOPS, g ? g->iops : 0);
	set_rate(&n->gate, GATE_BYTES, g ? g->bytes_per_second : 0);
	list_for_each(pos, &n->paths) {
		struct path *p = list_entry(pos, struct path, node);

		gate_join(&p->host_gate, gate_is_open(&n->gate) ? NULL : &n->gate_side);
		path_mark(p);
	}
}

void limit_path(struct path *p)
{
	gate_user_init(&p->host_gate, p, NULL);
	gate_user_init(&p->backend_gate, p, NULL);
	if (!gate_is_open(&p->nexus->gate))
		gate_join(&p->host_gate, &p->nexus->gate_side);
	gate_join(&p->backend_gate, &p->share->gate_side);
}

void limit_path_gone(struct path *p)
{
	gate_join(&p->host_gate, NULL);
	gate_join(&p->backend_gate, NULL);
}

void limit_lu(struct lu *lu, struct gate *g)
{
	struct gate_side *d = NULL;

	if (g) {
		d = gate_side_get(lu->nexus->shard, g);
		if (!d)
			log_warn("session %u: out of memory for the limits of a LUN: it has none", lu->nexus->id);
	}
	if (lu->gate.side == d)
		return;
	gate_join(&lu->gate, d);
	offer(lu);
	path_mark(lu->path);
}
