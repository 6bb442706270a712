/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies of what is to be known about each shard, collected by messages: each shard counts and fills its own part,
 * control joins them.
 * Layer: core.
 */
#include "channel.h"
#include "core_private.h"
#include "lu.h"
#include "path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct collector;

struct part {
	struct reactor_msg msg;
	struct collector *collector;
	struct shard *shard;
	struct core_status st; /* reactor, session, path and lun of this shard; reactor[0] only */
	uint64_t protocol_errors_total;
	int rc;
};

struct collector {
	struct core *core;
	uint32_t n_waiting;
	void (*done)(void *arg, struct core_status *st);
	void *arg;
	struct part part[];
};

/* ---- on the shard ---- */

static void copy_text(char *to, size_t cap, const char *from)
{
	snprintf(to, cap, "%s", from ? from : "");
}

static void fill_channel(struct channel_status *cs, const struct channel *ch)
{
	cs->id = ch->number;
	copy_text(cs->state, sizeof(cs->state), channel_state_name(ch->state));
	copy_text(cs->peer, sizeof(cs->peer), ch->peer_text);
	copy_text(cs->device, sizeof(cs->device), ch->device);
	cs->req_lim = (int32_t)ch->credit.host;
	cs->req_lim_granted = ch->credit.granted;
	cs->n_tasks = ch->n_tasks;
	cs->it_iu_len = ch->terms.it_iu_len;
	cs->ti_iu_len = ch->terms.ti_iu_len;
	cs->immediate_data = ch->terms.srp.imm_granted;
	cs->n_recv = ch->n_recv;
	cs->n_sent = ch->n_sent;
	cs->imm_writes_total = ch->imm_writes_total;
	cs->ext_tables_total = ch->ext_tables_total;
}

static void fill_session(struct session_status *ss, const struct nexus *n)
{
	const size_t most = sizeof(ss->channel) / sizeof(ss->channel[0]);
	size_t i = 0;

	ss->id = n->id;
	ss->reactor = n->shard->index;
	memcpy(ss->i_port_id, n->key.i_port_id, sizeof(ss->i_port_id));
	memcpy(ss->t_port_id, n->key.t_port_id, sizeof(ss->t_port_id));
	copy_text(ss->target, sizeof(ss->target), n->group ? n->target->name : "");
	copy_text(ss->group, sizeof(ss->group), n->group ? n->group->name : "");
	copy_text(ss->peer, sizeof(ss->peer), n->peer_text);
	ss->since_ns = n->since_ns;
	ss->n_channels = n->n_channels;
	list_for_each(pos, &n->channels) {
		if (i == most)
			break;
		fill_channel(&ss->channel[i++], list_entry(pos, struct channel, nexus_node));
	}
	ss->io = n->io;
	if (n->time)
		ss->time = *n->time;
	ss->tmf_total = n->tmf_total;
	ss->tmf_timeout_total = n->tmf_timeout_total;
	ss->logins_total = n->logins_total;
	ss->n_detached = n->n_detached;
}

static void fill_path(struct path_status *ps, const struct path *p)
{
	ps->session_id = p->nexus->id;
	copy_text(ps->backend, sizeof(ps->backend), p->backend->name);
	copy_text(ps->state, sizeof(ps->state), path_state_name(p->state));
	copy_text(ps->why, sizeof(ps->why), p->why);
	copy_text(ps->initiator_name, sizeof(ps->initiator_name), p->identity.initiator_name);
	ps->since_ns = p->since_ns;
	ps->silent = p->outage.silent;
	ps->outage_ms = outage_ms(p);
	/* The way that it takes stays in p->why for the time after. */
	if (ps->silent)
		snprintf(ps->why, sizeof(ps->why), "no sign of life for %llu ms; %.200s", (unsigned long long)ps->outage_ms,
			 p->why);
	ps->n_outstanding = p->n_outstanding;
	ps->n_waiting = p->n_waiting;
	ps->n_detached = p->n_detached;
	ps->ups_total = p->ups_total;
	ps->downs_total = p->downs_total;
	ps->depth_now = p->throttle.depth;
	ps->refused_total = p->throttle.refused_total;
	ps->limited_total = p->limited_total;
	ps->backend_time = p->backend_time;
}

static void fill_lun(struct lun_status *ls, const struct lu *lu)
{
	ls->session_id = lu->nexus->id;
	scsi_lun_str(lu->lun, ls->lun);
	scsi_lun_str(lu->backend_lun, ls->backend_lun);
	copy_text(ls->backend, sizeof(ls->backend), lu->path->backend->name);
	ls->imported = lu->imported;
	ls->fenced = lu_is_fenced(lu);
	ls->io = lu->io;
	if (lu->time)
		ls->time = *lu->time;
}

static void fill_reactor(struct reactor_status *rs, const struct shard *s)
{
	rs->index = s->index;
	copy_text(rs->name, sizeof(rs->name), reactor_name(s->reactor));
	rs->stats = *reactor_stats(s->reactor);
	rs->pool_size_bytes = pool_size_bytes(s->pool);
	rs->pool_free_bytes = pool_free_bytes(s->pool);
	rs->pool_low_water_bytes = pool_low_water_bytes(s->pool);
	memcpy(rs->task_states, s->task_states, sizeof(rs->task_states));
	rs->n_channels = s->n_channels;
}

static int allocate(struct core_status *st, const struct shard *s)
{
	list_for_each(pos, &s->nexuses) {
		const struct nexus *n = list_entry(pos, struct nexus, node);

		st->n_session++;
		st->n_lun += n->n_lu;
		list_for_each(ppos, &n->paths)
			st->n_path++;
	}
	st->n_reactor = 1;
	/* One more than needed, so that none of them is an allocation of nothing. */
	st->reactor = calloc(1, sizeof(*st->reactor));
	st->session = calloc(st->n_session + 1, sizeof(*st->session));
	st->path = calloc(st->n_path + 1, sizeof(*st->path));
	st->lun = calloc(st->n_lun + 1, sizeof(*st->lun));
	return st->reactor && st->session && st->path && st->lun ? 0 : -ENOMEM;
}

static void fill(struct core_status *st, const struct shard *s)
{
	size_t n_session = 0, n_path = 0, n_lun = 0;

	fill_reactor(&st->reactor[0], s);
	st->reactor[0].n_sessions = (uint32_t)st->n_session;
	list_for_each(pos, &s->nexuses) {
		const struct nexus *n = list_entry(pos, struct nexus, node);

		fill_session(&st->session[n_session++], n);
		list_for_each(ppos, &n->paths)
			fill_path(&st->path[n_path++], list_entry(ppos, struct path, node));
		for (size_t i = 0; i < n->n_lu; i++)
			fill_lun(&st->lun[n_lun++], n->lu[i]);
	}
}

static void collected(struct reactor_msg *msg);

static void collect_on_shard(struct reactor_msg *msg)
{
	struct part *p = container_of(msg, struct part, msg);

	p->rc = allocate(&p->st, p->shard);
	if (p->rc == 0)
		fill(&p->st, p->shard);
	p->protocol_errors_total = p->shard->protocol_errors_total;
	p->msg.fn = collected;
	reactor_send(p->shard->control, &p->msg);
}

/* ---- on control ---- */

static void free_arrays(struct core_status *st)
{
	free(st->reactor);
	free(st->session);
	free(st->path);
	free(st->lun);
}

void core_status_free(struct core_status *st)
{
	if (!st)
		return;
	free_arrays(st);
	free(st);
}

static struct core_status *new_total(const struct collector *c)
{
	struct core_status *st = calloc(1, sizeof(*st));
	size_t n_session = 1, n_path = 1, n_lun = 1;

	if (!st)
		return NULL;
	for (uint32_t i = 0; i < c->core->n_shards; i++) {
		if (c->part[i].rc < 0) {
			free(st);
			return NULL;
		}
		n_session += c->part[i].st.n_session;
		n_path += c->part[i].st.n_path;
		n_lun += c->part[i].st.n_lun;
	}
	st->reactor = calloc(c->core->n_shards + 1, sizeof(*st->reactor));
	st->session = calloc(n_session, sizeof(*st->session));
	st->path = calloc(n_path, sizeof(*st->path));
	st->lun = calloc(n_lun, sizeof(*st->lun));
	if (st->reactor && st->session && st->path && st->lun)
		return st;
	core_status_free(st);
	return NULL;
}

static void append(struct core_status *to, const struct core_status *from)
{
	memcpy(to->reactor + to->n_reactor, from->reactor, from->n_reactor * sizeof(*from->reactor));
	memcpy(to->session + to->n_session, from->session, from->n_session * sizeof(*from->session));
	memcpy(to->path + to->n_path, from->path, from->n_path * sizeof(*from->path));
	memcpy(to->lun + to->n_lun, from->lun, from->n_lun * sizeof(*from->lun));
	to->n_reactor += from->n_reactor;
	to->n_session += from->n_session;
	to->n_path += from->n_path;
	to->n_lun += from->n_lun;
}

static void finish(struct collector *c)
{
	const struct port *port = &c->core->port;
	struct core_status *st = new_total(c);

	for (uint32_t i = 0; i < c->core->n_shards; i++) {
		if (st) {
			append(st, &c->part[i].st);
			st->protocol_errors_total += c->part[i].protocol_errors_total;
		}
		free_arrays(&c->part[i].st);
	}
	if (st) {
		st->now_ns = reactor_now_ns(c->core->control);
		st->logins_accepted_total = port->accepted_total;
		st->logins_refused_total = port->refused_total;
		memcpy(st->refused_by_reason_total, port->refused_by_reason_total, sizeof(st->refused_by_reason_total));
	}
	c->done(c->arg, st);
	free(c);
}

static void collected(struct reactor_msg *msg)
{
	struct collector *c = container_of(msg, struct part, msg)->collector;

	if (--c->n_waiting == 0)
		finish(c);
}

int core_status_get(struct core *core, void (*done)(void *arg, struct core_status *st), void *arg)
{
	struct collector *c = calloc(1, sizeof(*c) + core->n_shards * sizeof(c->part[0]));

	if (!c)
		return -ENOMEM;
	c->core = core;
	c->n_waiting = core->n_shards;
	c->done = done;
	c->arg = arg;
	for (uint32_t i = 0; i < core->n_shards; i++) {
		c->part[i].collector = c;
		c->part[i].shard = core->shard[i];
		c->part[i].msg.fn = collect_on_shard;
		reactor_send(core->shard[i]->reactor, &c->part[i].msg);
	}
	/* The messages have it now. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	return 0;
}
