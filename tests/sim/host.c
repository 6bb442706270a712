/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host of the simulator, see host.h. A session is one initiator object with its memory; a host has one, and while it is thrown out by its
 * own next login, two or three.
 */
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define N_OPS 24u
#define N_TMFS 4u
#define GUARD_BYTES 512u
#define SMALL_BYTES (64u << 10)
#define N_LARGE 3u /* the first so many ops have room for max_bytes */
#define CANARY 0xc7
#define TMF_LIMIT_NS (3 * NS_PER_S)
#define RELOGIN_TRIES 200u

struct op {
	struct initiator_cmd c;
	struct session *s;
	bool busy, aborting;
	uint32_t id, lba, n_blocks, disk;
	uint64_t sent_ns;
	uint8_t *buf; /* guarded on both sides */
	uint32_t cap;
};

struct tmf_op {
	struct session *s;
	bool busy, told_late;
	uint64_t sent_ns;
	struct op *op; /* ABORT TASK */
	uint32_t id;
};

enum session_state { SESSION_CONNECTING, SESSION_LIVE, SESSION_LEAVING, SESSION_OVER };

struct session {
	struct list_node node; /* host->sessions */
	struct host *h;
	struct initiator *i;
	enum session_state state;
	bool evicted, dropped;
	uint32_t number;
	uint8_t *arena;
	size_t arena_bytes;
	struct op op[N_OPS];
	struct tmf_op tmf[N_TMFS];
};

struct host {
	struct host_params p;
	struct fabric *f;
	struct fabric_addr src;
	uint64_t rng;
	struct list sessions; /* newest first */
	struct reactor_timer tick;
	bool stopping, leaving, probing;
	uint32_t luns_ok; /* bit per LUN that answered GOOD since the probing began */
	_Atomic bool done, idle, out, probed;
	uint64_t next_login_ns;
	uint32_t n_failed_in_row, n_sessions;
	struct host_stats st;
};

static uint64_t rnd(struct host *h)
{
	uint64_t z = h->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint32_t below(struct host *h, uint32_t n)
{
	return n ? (uint32_t)((rnd(h) >> 32) * n >> 32) : 0;
}

static bool chance(struct host *h, uint32_t ppm)
{
	return ppm && below(h, 1000000) < ppm;
}

static struct session *newest(const struct host *h)
{
	struct list_node *n = list_first(&h->sessions);

	return n ? list_entry(n, struct session, node) : NULL;
}

/* ---- memory of a session ---- */

static void session_memory(struct session *s)
{
	struct host *h = s->h;
	uint8_t *p;

	for (uint32_t k = 0; k < N_OPS; k++) {
		s->op[k].cap = k < N_LARGE && h->p.max_bytes > SMALL_BYTES ? h->p.max_bytes : SMALL_BYTES;
		s->arena_bytes += s->op[k].cap + 2 * GUARD_BYTES;
	}
	/* Not from the allocator: sanitizers would touch every page of it. */
	s->arena = mmap(NULL, s->arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->arena == MAP_FAILED)
		abort();
	p = s->arena;
	for (uint32_t k = 0; k < N_OPS; k++) {
		s->op[k].s = s;
		s->op[k].buf = p + GUARD_BYTES;
		memset(p, CANARY, GUARD_BYTES);
		memset(p + GUARD_BYTES + s->op[k].cap, CANARY, GUARD_BYTES);
		p += s->op[k].cap + 2 * GUARD_BYTES;
	}
}

static bool is_canary(const uint8_t *p, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (p[k] != CANARY)
			return false;
	return true;
}

/* ---- commands ---- */

static void check_memory(const struct op *o)
{
	const struct initiator_cmd *c = &o->c;
	struct ledger *l = o->s->h->p.ledger;

	if (!is_canary(o->buf - GUARD_BYTES, GUARD_BYTES) || !is_canary(o->buf + o->cap, GUARD_BYTES) ||
	    !is_canary(o->buf + c->len_bytes, o->cap - c->len_bytes < 64 ? o->cap - c->len_bytes : 64))
		ledger_breach(l, "memory around the buffer of command %u was written", o->id);
	if (c->dir == INITIATOR_READ && c->code == 0 && c->status == 0 && c->resid_under <= c->len_bytes &&
	    !is_canary(o->buf + c->len_bytes - c->resid_under, c->resid_under))
		ledger_breach(l, "read %u moved more than its residual says", o->id);
}

static void cmd_done(struct initiator_cmd *c)
{
	struct op *o = container_of(c, struct op, c);
	struct host *h = o->s->h;
	struct ledger *l = h->p.ledger;
	struct cmd_answer a = {
		.status = c->status,
		.has_rsp_code = c->has_rsp_code,
		.rsp_code = c->rsp_code,
		.resid_under = c->resid_under,
		.resid_over = c->resid_over,
		.sense = c->sense,
		.sense_len = c->sense_len,
	};

	if (!o->busy)
		ledger_breach(l, "command %u was answered twice", o->id);
	o->busy = false;
	check_memory(o);
	if (c->code == 0 && c->status == 0 && !c->has_rsp_code) {
		h->st.good++;
		h->luns_ok |= 1u << c->lun[1];
		if (c->dir == INITIATOR_READ && c->resid_under <= c->len_bytes)
			ledger_check_read(l, o->id, o->buf, c->len_bytes - c->resid_under);
	}
	if (c->code != 0 && c->code != -ENOTCONN && c->code != -ECANCELED && c->code != -ENOMEM)
		ledger_breach(l, "command %u ended with %d", o->id, c->code);
	ledger_end(l, o->id, c->code == 0 ? CMD_ANSWERED : c->code == -ECANCELED ? CMD_CANCELLED : CMD_DISCONNECTED, &a);
}

static void put32(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 24);
	b[1] = (uint8_t)(v >> 16);
	b[2] = (uint8_t)(v >> 8);
	b[3] = (uint8_t)v;
}

static uint32_t random_blocks(struct host *h, const struct op *o)
{
	uint32_t max = o->cap / BLOCK_BYTES, n;

	switch (below(h, 8)) {
	case 0:
		return 0;
	case 1:
	case 2:
	case 3:
		n = 1 + below(h, 8);
		break;
	case 4:
	case 5:
		n = 1 + below(h, 32);
		break;
	case 6:
		n = 1 + below(h, SMALL_BYTES / BLOCK_BYTES);
		break;
	default:
		n = chance(h, 100000) ? max : 1 + below(h, max / 4);
	}
	return n < max ? n : max;
}

static void send_one(struct session *s, uint32_t lun, bool is_tur)
{
	struct host *h = s->h;
	uint32_t k = below(h, N_OPS);
	struct op *o = &s->op[k];
	struct initiator_cmd *c = &o->c;
	bool is_write = below(h, 2);

	if (o->busy)
		return;
	o->n_blocks = is_tur ? 0 : random_blocks(h, o);
	o->lba = below(h, DISK_BLOCKS - o->n_blocks);
	/* Some land where others are. */
	if (chance(h, 500000) && o->n_blocks < 64)
		o->lba &= 63;
	if (is_tur)
		o->lba = 0, is_write = false;
	o->disk = h->p.disk[lun];
	o->id = ledger_send(h->p.ledger, h->p.number, o->disk, is_write, o->lba, o->n_blocks);
	if (!o->id) {
		h->done = true;
		return;
	}
	memset(c, 0, sizeof(*c));
	c->lun[1] = (uint8_t)lun;
	c->task_attr = chance(h, h->p.attr_ppm) ? (uint8_t)(1 + below(h, 2)) : 0;
	c->channel = UINT32_MAX;
	c->done = cmd_done;
	c->len_bytes = o->n_blocks * BLOCK_BYTES;
	c->buf = o->buf;
	c->dir = !c->len_bytes ? INITIATOR_NONE : is_write ? INITIATOR_WRITE : INITIATOR_READ;
	c->n_frag = below(h, 2) ? 1 : 1 + below(h, c->len_bytes < 250 ? 1 : 250);
	if (is_tur) {
		put32(c->cdb + 1, o->id);
		c->cdb[5] = 0xc0;
	} else {
		c->cdb[0] = is_write ? 0x8a : 0x88;
		sim_cmd_name(c->cdb, o->id);
		put32(c->cdb + 6, o->lba);
		put32(c->cdb + 10, o->n_blocks);
	}
	memset(o->buf, CANARY, c->len_bytes);
	memset(o->buf + c->len_bytes, CANARY, o->cap - c->len_bytes < 64 ? o->cap - c->len_bytes : 64);
	if (c->dir == INITIATOR_WRITE)
		ledger_fill(o->id, o->lba, o->n_blocks, o->buf);
	o->busy = true;
	o->aborting = false;
	o->sent_ns = reactor_now_ns(h->p.reactor);
	h->st.cmds++;
	h->st.bytes += c->len_bytes;
	initiator_submit(s->i, c);
	ledger_order(h->p.ledger, o->id,
		     ((uint64_t)h->p.number + 1) << 48 | (uint64_t)s->number << 16 | (uint64_t)c->ch << 8 | o->disk, c->task_attr);
	trace("#%u is at %p, %u bytes in %u pieces, channel %u, tag %llx", o->id, (void *)o->buf, c->len_bytes, c->n_frag, c->ch,
	      (unsigned long long)c->tag);
}

/* ---- task management ---- */

static void tmf_done(void *arg, int code, uint8_t rsp_code)
{
	struct tmf_op *t = arg;
	struct host *h = t->s->h;

	if (!t->busy)
		ledger_breach(h->p.ledger, "a task management function was answered twice");
	t->busy = false;
	trace("host %u: task management of #%u: %d, code %u", h->p.number, t->id, code, rsp_code);
	/* 5: what it was for is not mapped, or the back-end refused. */
	if (code == 0 && rsp_code != SRP_RSP_CODE_OK && rsp_code != SRP_RSP_CODE_TMF_NOT_SUPPORTED &&
	    rsp_code != SRP_RSP_CODE_TMF_FAILED)
		ledger_breach(h->p.ledger, "task management answered with code %u", rsp_code);
	if (code == 0 && reactor_now_ns(h->p.reactor) - t->sent_ns > TMF_LIMIT_NS)
		ledger_breach(h->p.ledger, "task management took %llu ms",
			      (unsigned long long)((reactor_now_ns(h->p.reactor) - t->sent_ns) / NS_PER_MS));
	if (t->op && t->op->id == t->id)
		t->op->aborting = false; /* ended by the answer, or it had ended before */
}

static struct tmf_op *tmf_slot(struct session *s)
{
	for (uint32_t k = 0; k < N_TMFS; k++)
		if (!s->tmf[k].busy)
			return &s->tmf[k];
	return NULL;
}

static void tmf_send(struct session *s, uint8_t function, const uint8_t lun[8], struct op *o)
{
	struct tmf_op *t = tmf_slot(s);

	if (!t)
		return;
	*t = (struct tmf_op){ .s = s, .sent_ns = reactor_now_ns(s->h->p.reactor), .op = o, .id = o ? o->id : 0 };
	if (initiator_tmf(s->i, UINT32_MAX, function, lun, o ? &o->c : NULL, tmf_done, t))
		return;
	t->busy = true;
	trace("host %u asks for task management %u of #%u", s->h->p.number, function, o ? o->id : 0);
	if (o)
		o->aborting = true;
}

static void reset_one(struct session *s)
{
	static const uint8_t functions[] = { SRP_TMF_LUN_RESET, SRP_TMF_LUN_RESET, SRP_TMF_ABORT_TASK_SET, SRP_TMF_CLEAR_TASK_SET,
					     SRP_TMF_CLEAR_ACA };
	uint8_t lun[8] = { 0 };

	lun[1] = (uint8_t)below(s->h, s->h->p.n_luns);
	tmf_send(s, functions[below(s->h, sizeof(functions))], lun, NULL);
	s->h->st.resets++;
}

static void abort_one(struct session *s, bool only_old)
{
	struct host *h = s->h;
	uint32_t first = below(h, N_OPS);

	for (uint32_t k = 0; k < N_OPS; k++) {
		struct op *o = &s->op[(first + k) % N_OPS];

		if (!o->busy || o->aborting)
			continue;
		if (only_old && reactor_now_ns(h->p.reactor) - o->sent_ns < h->p.timeout_ns)
			continue;
		tmf_send(s, SRP_TMF_ABORT_TASK, o->c.lun, o);
		h->st.aborts++;
		return;
	}
}

/* ---- sessions ---- */

static void later(struct host *h)
{
	uint64_t soon_ns = reactor_clock_ns(h->p.reactor) + rnd(h) % (h->p.tick_ns + 1);

	if (!timer_armed(&h->tick) || h->tick.deadline_ns > soon_ns)
		timer_arm(h->p.reactor, &h->tick, soon_ns);
}

static void logged_out(void *arg)
{
	struct session *s = arg;

	s->state = SESSION_OVER;
	later(s->h);
}

static void leave(struct session *s, bool polite)
{
	if (s->state >= SESSION_LEAVING)
		return;
	s->state = SESSION_LEAVING;
	initiator_logout(s->i, polite, logged_out, s);
}

static void login_done(void *ctx, int code, const char *why, uint32_t reject_reason)
{
	struct session *s = ctx;
	struct host *h = s->h;

	(void)reject_reason;
	trace("host %u: login %d %s", h->p.number, code, why);
	if (s->state == SESSION_LEAVING)
		return; /* logged_out() follows */
	if (code) {
		s->state = SESSION_OVER;
		h->st.failed_logins++;
		if (++h->n_failed_in_row > RELOGIN_TRIES)
			ledger_breach(h->p.ledger, "host %u could not log in %u times, lastly: %s", h->p.number, h->n_failed_in_row, why);
	} else {
		s->state = SESSION_LIVE;
		h->st.logins++;
		h->n_failed_in_row = 0;
	}
	later(h);
}

static void lost(void *ctx, const char *why)
{
	struct session *s = ctx;

	trace("host %u lost its session: %s", s->h->p.number, why);
	s->h->st.losses++;
	/* As ib_srp: one lost channel ends them all, then a new login. */
	leave(s, false);
}

static void session_start(struct host *h)
{
	const struct host_params *hp = &h->p;
	struct session *s = calloc(1, sizeof(*s));
	struct initiator_params p = {
		.fabric = h->f,
		.reactor = hp->reactor,
		.dst = rig_addr(),
		.src = &h->src,
		.form = SRP_LOGIN_FORM_RDMA_CM,
		.n_channels = hp->n_channels,
		.req_it_iu_len = hp->req_it_iu_len,
		.cmd_descs = hp->cmd_descs,
		.immediate_data = hp->immediate_data,
		.queue_size = hp->queue_size,
		.timeout_ms = 5000,
		.login_done = login_done,
		.lost = lost,
		.ctx = s,
		.max_descs = 256,
		.tables_external = hp->tables_external,
		.register_always = true,
		.login_flags = hp->login_flags,
		.sol_not = hp->sol_not,
		.revision_10 = hp->both_revisions && below(h, 2),
	};
	struct err e = ERR_INIT;

	if (!s)
		abort();
	s->h = h;
	s->number = ++h->n_sessions;
	session_memory(s);
	p.arena = s->arena;
	p.arena_bytes = s->arena_bytes;
	memset(p.i_port_id, 0, sizeof(p.i_port_id));
	p.i_port_id[15] = (uint8_t)(hp->number + 1);
	p.i_port_id[0] = 0xaa;
	rig_t_port_id(hp->number % hp->n_targets, p.t_port_id);
	if (initiator_create(&p, &s->i, &e) || initiator_login(s->i, &e)) {
		fprintf(stderr, "host: %s\n", e.cause);
		abort();
	}
	list_push_front(&h->sessions, &s->node);
}

static void session_reap(struct session *s)
{
	struct host *h = s->h;
	struct initiator_info info;

	initiator_info(s->i, &info);
	if (info.protocol_errors)
		ledger_breach(h->p.ledger, "host %u counts %llu protocol errors: %s", h->p.number,
			      (unsigned long long)info.protocol_errors, info.protocol_error);
	h->st.cred_reqs += info.cred_reqs;
	for (uint32_t k = 0; k < N_OPS; k++)
		if (s->op[k].busy)
			ledger_breach(h->p.ledger, "command %u was never ended", s->op[k].id);
	initiator_destroy(s->i);
	list_del(&s->node);
	munmap(s->arena, s->arena_bytes);
	free(s);
	h->next_login_ns = reactor_now_ns(h->p.reactor) + rnd(h) % (50 * NS_PER_MS);
}

static uint32_t n_busy(const struct session *s)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < N_OPS; k++)
		n += s->op[k].busy;
	for (uint32_t k = 0; k < N_TMFS; k++)
		n += s->tmf[k].busy;
	return n;
}

/* Random deeds of a live session. */
static void act(struct host *h, struct session *s)
{
	uint32_t n = below(h, h->p.depth) + 1;

	if (s->dropped) {
		leave(s, false);
		return;
	}
	while (n-- && n_busy(s) < h->p.depth && h->st.cmds < h->p.max_cmds)
		send_one(s, below(h, h->p.n_luns), chance(h, 30000));
	if (chance(h, h->p.abort_ppm))
		abort_one(s, false);
	if (chance(h, h->p.reset_ppm))
		reset_one(s);
	/* A session does some work before it ends, so that quick hosts do more than log in. */
	if (h->st.cmds < 4 * h->st.logins)
		return;
	if (chance(h, h->p.drop_ppm)) {
		/* One channel breaks and the others live for a moment: nothing more is sent, as the target may not know yet. */
		s->dropped = below(h, 2);
		if (s->dropped)
			initiator_raw_drop(s->i, below(h, h->p.n_channels));
		else
			leave(s, false);
	} else if (chance(h, h->p.logout_ppm)) {
		leave(s, true);
	} else if (chance(h, h->p.evict_ppm) && s->node.next == &h->sessions.head) {
		s->evicted = true;
		h->st.evictions++;
		session_start(h);
	}
}

/* After all trouble each LUN must come back: asks one after the other until it says GOOD. */
static void probe(struct host *h, struct session *s)
{
	uint32_t all = (1u << h->p.n_luns) - 1;

	if (!n_busy(s) && h->luns_ok != all)
		send_one(s, (uint32_t)__builtin_ctz(~h->luns_ok), true);
	h->probed = h->luns_ok == all && !n_busy(s);
}

static void check_tmfs(struct session *s)
{
	for (uint32_t k = 0; k < N_TMFS; k++) {
		struct tmf_op *t = &s->tmf[k];

		if (!t->busy || t->told_late || reactor_now_ns(s->h->p.reactor) - t->sent_ns <= 2 * TMF_LIMIT_NS)
			continue;
		t->told_late = true;
		ledger_breach(s->h->p.ledger, "task management without an answer");
	}
}

static void update(struct host *h)
{
	bool idle = true;

	list_for_each (n, &h->sessions) {
		const struct session *s = list_entry(n, struct session, node);

		if (s->state != SESSION_LIVE || n_busy(s))
			idle = false;
	}
	h->idle = idle && !list_empty(&h->sessions) && list_first(&h->sessions) == h->sessions.head.prev;
	h->out = list_empty(&h->sessions);
	if (h->st.cmds >= h->p.max_cmds)
		h->done = true;
}

static void on_tick(struct reactor_timer *t)
{
	struct host *h = container_of(t, struct host, tick);
	struct session *s;

	list_for_each_safe (n, &h->sessions) {
		s = list_entry(n, struct session, node);
		check_tmfs(s);
		if (s->state == SESSION_OVER)
			session_reap(s);
	}
	s = newest(h);
	if (!s && !h->leaving && reactor_now_ns(h->p.reactor) >= h->next_login_ns) {
		session_start(h);
	} else if (s && s->state == SESSION_LIVE) {
		abort_one(s, true);
		if (!h->stopping || s->dropped)
			act(h, s);
		else if (h->probing)
			probe(h, s);
	}
	/* Who was thrown out and did not notice (a dead connection) goes, too. */
	list_for_each (n, &h->sessions) {
		s = list_entry(n, struct session, node);
		if (s->state == SESSION_LIVE && (h->leaving || s != newest(h)) && (h->leaving || chance(h, 20000)))
			leave(s, h->leaving && below(h, 2));
	}
	update(h);
	if (!h->out || !h->leaving)
		timer_arm_in(h->p.reactor, t, rnd(h) % (2 * h->p.tick_ns) + 1);
}

/* ---- the host ---- */

struct host *host_create(const struct host_params *p)
{
	struct host *h = calloc(1, sizeof(*h));
	char name[20];

	if (!h)
		abort();
	h->p = *p;
	h->rng = p->seed;
	list_init(&h->sessions);
	timer_init(&h->tick, on_tick);
	h->src = sim_addr(100 + p->number, 0);
	snprintf(name, sizeof(name), "host%u", p->number);
	if (sim_fabric_create(p->w, name, p->reactor, &p->limits, 8, &h->f))
		abort();
	return h;
}

void host_start(struct host *h)
{
	timer_arm_in(h->p.reactor, &h->tick, 1 + rnd(h) % h->p.tick_ns);
}

void host_stop(struct host *h)
{
	h->stopping = true;
	h->idle = false;
}

bool host_is_done(const struct host *h)
{
	return h->done;
}

void host_probe(struct host *h)
{
	h->luns_ok = 0;
	h->probing = true;
	h->probed = false;
}

bool host_is_probed(const struct host *h)
{
	return h->probed;
}

bool host_is_idle(const struct host *h)
{
	return h->idle;
}

void host_check_credits(struct host *h)
{
	const struct session *s = newest(h);

	if (!s || s->state != SESSION_LIVE)
		return;
	for (uint32_t k = 0; k < h->p.n_channels; k++) {
		int32_t now = initiator_raw_req_lim(s->i, k);
		uint32_t granted = initiator_raw_granted(s->i, k);

		if (now != (int32_t)granted)
			ledger_breach(h->p.ledger, "host %u, channel %u: %d credits, %u were granted", h->p.number, k, now, granted);
	}
}

void host_logout(struct host *h)
{
	h->leaving = true;
	h->out = false;
	later(h);
}

bool host_is_out(const struct host *h)
{
	return h->out;
}

void host_describe(const struct host *h, char *buf, size_t cap)
{
	int n = snprintf(buf, cap, "host %u: %llu of %u commands; LUNs back %02x;", h->p.number, (unsigned long long)h->st.cmds,
			 h->p.max_cmds, h->luns_ok);

	list_for_each (node, &h->sessions) {
		const struct session *s = list_entry(node, struct session, node);
		struct initiator_info info;

		initiator_info(s->i, &info);
		n += snprintf(buf + n, cap > (size_t)n ? cap - (size_t)n : 0,
			      " session (state %d, %u busy, %u outstanding, %u waiting, req_lim %d of %u, %u of %u channels)", s->state,
			      n_busy(s), info.n_outstanding, info.n_waiting, info.req_lim, info.req_lim_initial, info.n_live,
			      info.n_channels);
		for (uint32_t k = 0; k < N_OPS && (size_t)n + 40 < cap; k++)
			if (s->op[k].busy)
				n += snprintf(buf + n, cap - (size_t)n, " #%u%s", s->op[k].id, s->op[k].aborting ? "(aborting)" : "");
	}
}

void host_stats(const struct host *h, struct host_stats *out)
{
	*out = h->st;
}

void host_free(struct host *h)
{
	timer_cancel(h->p.reactor, &h->tick);
	h->f->ops->destroy(h->f);
	free(h);
}
