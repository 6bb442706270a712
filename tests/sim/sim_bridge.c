/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulator's bridge, see sim_bridge.h: back-ends, sessions, and what the host hands over.
 */
#include "sim_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct simpath *path_of(struct srpgw_bridge_path *p)
{
	return (struct simpath *)(void *)p;
}

static struct simbackend *be_of(struct srpgw_bridge_target *t)
{
	return (struct simbackend *)(void *)t;
}

/* When the back-end does something next. */
static uint64_t device_due_ns(struct simpath *p)
{
	uint64_t due = UINT64_MAX;

	if (p->state == SIMPATH_ATTACHING && !p->detaching)
		due = p->up_ns;
	list_for_each (n, &p->ios) {
		struct simio *s = list_entry(n, struct simio, node);

		if (s->due_ns < due)
			due = s->due_ns;
	}
	list_for_each (n, &p->tmfs) {
		struct simtmf *m = list_entry(n, struct simtmf, node);

		if (m->due_ns < due)
			due = m->due_ns;
	}
	return due;
}

static void rearm(struct simpath *p)
{
	uint64_t due = UINT64_MAX, now = simpath_now_ns(p);

	if (!p->be->frozen)
		due = device_due_ns(p);
	if (p->say)
		due = now;
	if (p->dying && !p->detaching && p->die_due_ns < due)
		due = p->die_due_ns;
	if (p->detaching && p->detach_due_ns < due)
		due = p->detach_due_ns;
	if (due == UINT64_MAX)
		p->be->host->timer_cancel(p->timer);
	else
		p->be->host->timer_arm(p->timer, due > now ? due - now : 0);
}

/* ---- task management ---- */

static void tmf_finish(struct simpath *p, struct simtmf *m)
{
	struct srpgw_tmf *tmf = m->tmf;

	if (m->mark != 0x7f5ca7c4ull)
		ledger_breach(p->be->l, "the scratch bytes of a task management function changed while the bridge had it");
	tmf->result = m->result;
	list_del(&m->node);
	simbackend_count(p->be, &p->be->st.n_tmfs, -1);
	p->be->host->tmf_done(tmf);
}

/* ---- the session ---- */

static void tell(struct simpath *p, uint32_t kind, const char *text)
{
	struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = kind, .text = text };

	p->be->host->event(p->ctx, &ev);
}

static void answer_all(struct simpath *p)
{
	struct list_node *n;

	while ((n = list_first(&p->tmfs))) {
		struct simtmf *m = list_entry(n, struct simtmf, node);

		m->result = SRPGW_TMF_FAILED;
		tmf_finish(p, m);
	}
	while ((n = list_first(&p->ios)))
		simio_answer_unknown(list_entry(n, struct simio, node));
}

static void die(struct simpath *p)
{
	bool first = simpath_chance(p, 500000);

	p->dying = false;
	if (p->state == SIMPATH_DOWN)
		return;
	p->state = SIMPATH_DOWN;
	simbackend_count(p->be, &p->be->st.downs, 1);
	if (first)
		answer_all(p);
	tell(p, SRPGW_PATH_DOWN, "simulated loss of the session");
	answer_all(p);
}

static void on_timer(void *arg)
{
	struct simpath *p = arg;
	struct simbackend *be = p->be;
	uint64_t now = simpath_now_ns(p);

	if (p->detaching && p->detach_due_ns <= now) {
		void (*done)(void *) = p->done;
		void *done_arg = p->done_arg;

		answer_all(p);
		be->host->timer_free(p->timer);
		pthread_mutex_lock(&be->lock);
		list_del(&p->node);
		be->st.n_paths--;
		pthread_mutex_unlock(&be->lock);
		free(p);
		done(done_arg);
		return;
	}
	if (p->state == SIMPATH_ATTACHING && p->up_ns <= now && !p->detaching && !be->frozen) {
		if (simpath_chance(p, be->k->attach_down_ppm)) {
			die(p);
		} else {
			p->state = SIMPATH_UP;
			tell(p, SRPGW_PATH_UP, NULL);
		}
	}
	if (p->say && p->state == SIMPATH_UP && !p->detaching)
		tell(p, p->say, "simulated");
	p->say = 0;
	if (p->dying && !p->detaching && p->die_due_ns <= now)
		die(p);
	/* Callbacks may submit more: they are due later. Restart after each, the list may have changed. */
	for (bool again = !be->frozen; again;) {
		again = false;
		list_for_each (n, &p->ios) {
			struct simio *s = list_entry(n, struct simio, node);

			if (s->due_ns > now)
				continue;
			if (simio_advance(s))
				continue;
			again = true;
			break;
		}
	}
	for (bool again = !be->frozen; again;) {
		again = false;
		list_for_each (n, &p->tmfs) {
			struct simtmf *m = list_entry(n, struct simtmf, node);

			if (m->due_ns > now)
				continue;
			simtmf_execute(m, p);
			tmf_finish(p, m);
			again = true;
			break;
		}
	}
	rearm(p);
}

static int sim_attach(struct srpgw_bridge_target *t, struct srpgw_reactor *r, const struct srpgw_nexus_id *nexus,
		      struct srpgw_path_ctx *ctx, struct srpgw_bridge_path **out)
{
	struct simbackend *be = be_of(t);
	struct simpath *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	pthread_mutex_lock(&be->lock);
	be->st.attaches++;
	p->rng = be->seed ^ ++be->n_attach * 0xd1342543de82ef95ull;
	pthread_mutex_unlock(&be->lock);
	if (!nexus || nexus->struct_size < sizeof(*nexus) || !nexus->initiator_name || !nexus->initiator_name[0] || !nexus->peer)
		ledger_breach(be->l, "attach() without an identity");
	if (simpath_chance(p, be->k->attach_fail_ppm)) {
		free(p);
		return -12; /* ENOMEM */
	}
	p->be = be;
	p->r = r;
	p->ctx = ctx;
	list_init(&p->ios);
	list_init(&p->tmfs);
	p->timer = be->host->timer_new(r, on_timer, p);
	if (!p->timer)
		abort();
	p->up_ns = simpath_phase_ns(p);
	pthread_mutex_lock(&be->lock);
	list_push_back(&be->paths, &p->node);
	be->st.n_paths++;
	pthread_mutex_unlock(&be->lock);
	rearm(p);
	*out = (struct srpgw_bridge_path *)(void *)p;
	return 0;
}

static void sim_detach(struct srpgw_bridge_path *path, void (*done)(void *arg), void *arg)
{
	struct simpath *p = path_of(path);

	if (p->detaching) {
		ledger_breach(p->be->l, "detach() twice");
		return;
	}
	p->detaching = true;
	p->done = done;
	p->done_arg = arg;
	p->detach_due_ns = simpath_now_ns(p) + simpath_rnd(p) % (p->be->k->detach_ns + 1);
	rearm(p);
}

/* ---- commands ---- */

static uint32_t get32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

void sim_cmd_name(uint8_t *cdb, uint32_t number)
{
	cdb[14] = (uint8_t)number;
	cdb[1] = (uint8_t)(number >> 8) << 1;
}

uint32_t sim_cmd_number(const uint8_t *cdb)
{
	return cdb[14] | (uint32_t)(cdb[1] & 0x1e) << 7;
}

static void decode(struct simio *s)
{
	const uint8_t *cdb = s->io->cdb;

	s->is_rw = cdb[0] == 0x88 || cdb[0] == 0x8a;
	s->is_write = cdb[0] == 0x8a;
	s->disk = s->path->be->first_disk + s->io->lun[1];
	if (s->is_rw) {
		s->id = sim_cmd_number(cdb);
		s->lba = get32(cdb + 6);
		s->n_blocks = get32(cdb + 10);
	} else if (cdb[0] == 0 && cdb[5] == 0xc0) {
		s->id = get32(cdb + 1); /* TEST UNIT READY: reserved bytes, when the vendor's bits say so */
	}
}

static void check_submit(struct simpath *p, const struct srpgw_io *io)
{
	struct ledger *l = p->be->l;
	uint64_t sum = 0;

	for (uint32_t v = 0; v < io->n_iov; v++) {
		sum += io->iov[v].iov_len;
		if (!io->iov[v].iov_len || !io->iov[v].iov_base)
			ledger_breach(l, "submit() with an empty iovec entry");
	}
	if (p->detaching)
		ledger_breach(l, "submit() after detach()");
	if (io->struct_size < sizeof(*io) || io->cdb_len < 6 || io->cdb_len > SRPGW_CDB_MAX || sum != io->data_len ||
	    io->dir > SRPGW_DIR_OUT || (uintptr_t)io->scratch & 15)
		ledger_breach(l, "submit() with size %u, CDB of %u bytes, %u bytes in iovecs of %llu, direction %u", io->struct_size,
			      io->cdb_len, io->data_len, (unsigned long long)sum, io->dir);
	if (p->be->k->max_transfer_bytes && io->data_len > p->be->k->max_transfer_bytes)
		ledger_breach(l, "submit() of more bytes than the back-end takes");
	if (p->be->k->max_outstanding) {
		uint32_t n = 0;

		list_for_each (node, &p->ios)
			n++;
		if (n >= p->be->k->max_outstanding)
			ledger_breach(l, "submit() of more commands than the back-end takes");
	}
	if (io->lun[1] >= p->be->n_disks || io->lun[0] || io->lun[2] || io->lun[3])
		ledger_breach(l, "submit() to a logical unit that is not there");
}

/* Counted, if so. */
static bool has_room(struct simbackend *be)
{
	struct sim_backend_stats *st = &be->st;
	bool room;

	pthread_mutex_lock(&be->lock);
	room = !be->k->room || st->n_inside < be->k->room;
	st->n_inside += room;
	if (st->n_inside > st->most_inside)
		st->most_inside = st->n_inside;
	pthread_mutex_unlock(&be->lock);
	return room;
}

static void choose_fate(struct simio *s)
{
	struct simpath *p = s->path;
	const struct sim_bridge_knobs *k = p->be->k;

	if (simpath_chance(p, k->busy_ppm))
		s->status = 0x08;
	else if (simpath_chance(p, k->full_ppm))
		s->status = 0x28;
	else if (simpath_chance(p, k->check_ppm) || (s->is_rw && (uint64_t)s->lba + s->n_blocks > DISK_BLOCKS))
		s->status = 0x02;
	s->inside = s->status != 0x08 && s->status != 0x28 && has_room(p->be);
	if (!s->inside && s->status != 0x08)
		s->status = 0x28;
	s->lost = k->stuck || simpath_chance(p, k->lost_ppm); /* before it acts, or after */
	s->due_ns = simpath_phase_ns(p);
	if (!p->dying && simpath_chance(p, k->down_ppm)) {
		p->dying = true;
		p->die_due_ns = simpath_phase_ns(p);
	}
}

static void sim_submit(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct simpath *p = path_of(path);
	struct simio *s = io->scratch;

	check_submit(p, io);
	list_for_each (n, &p->ios) {
		if (list_entry(n, struct simio, node)->io == io) {
			ledger_breach(p->be->l, "submit() of a command that the bridge has");
			return;
		}
	}
	memset(s, 0, sizeof(*s));
	s->io = io;
	s->path = p;
	decode(s);
	s->mark = s->id ^ 0x5ca7c4ull;
	list_push_back(&p->ios, &s->node);
	simbackend_count(p->be, &p->be->st.n_ios, 1);
	if (s->id)
		ledger_deliver(p->be->l, s->id, s->disk, s->is_write, s->lba, s->n_blocks);
	if (p->state != SIMPATH_UP) {
		simio_answer(s, SRPGW_DELIVERY_NEVER);
		return;
	}
	if (s->is_write)
		simio_check_write(s, "submit()");
	choose_fate(s);
	if (!s->lost && !p->be->frozen && simpath_chance(p, p->be->k->inside_ppm)) {
		simio_act(s);
		simio_answer(s, SRPGW_DELIVERY_ANSWERED);
		return;
	}
	rearm(p);
}

static struct simio *find_io(struct simpath *p, const struct srpgw_io *io)
{
	list_for_each (n, &p->ios)
		if (list_entry(n, struct simio, node)->io == io)
			return list_entry(n, struct simio, node);
	return NULL;
}

static void sim_abort(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct simpath *p = path_of(path);
	struct simio *s = find_io(p, io);

	simbackend_count(p->be, &p->be->st.aborts, 1);
	if (!s) {
		ledger_breach(p->be->l, "abort() of a command that the bridge does not have");
		return;
	}
	if (p->be->k->stuck || p->be->frozen)
		return;
	/* It hurries; whether the device listens is chance. */
	if (simpath_chance(p, 700000))
		simio_end(s);
	rearm(p);
}

static void sim_tmf(struct srpgw_bridge_path *path, struct srpgw_tmf *tmf)
{
	struct simpath *p = path_of(path);
	struct simtmf *m = tmf->scratch;

	if (p->detaching || tmf->struct_size < sizeof(*tmf) || (uintptr_t)tmf->scratch & 15)
		ledger_breach(p->be->l, "tmf() after detach(), or without its memory");
	if ((tmf->function == SRPGW_TMF_ABORT_TASK) != !!tmf->io || (tmf->io && !find_io(p, tmf->io)))
		ledger_breach(p->be->l, "tmf() for a command that the bridge does not have");
	memset(m, 0, sizeof(*m));
	m->tmf = tmf;
	m->mark = 0x7f5ca7c4ull;
	m->due_ns = simpath_phase_ns(p);
	m->result = SRPGW_TMF_FAILED;
	if (p->be->k->stuck || simpath_chance(p, p->be->k->tmf_lost_ppm))
		m->due_ns = UINT64_MAX;
	list_push_back(&p->tmfs, &m->node);
	simbackend_count(p->be, &p->be->st.n_tmfs, 1);
	simbackend_count(p->be, &p->be->st.tmfs, 1);
	if (p->state != SIMPATH_UP) {
		tmf_finish(p, m);
		return;
	}
	rearm(p);
}

/* ---- the back-end ---- */

static int sim_open(const struct srpgw_host *host, const char *uri, const struct srpgw_setting *settings, size_t n_settings,
		    struct srpgw_bridge_target **target, char *why, size_t why_cap)
{
	(void)host, (void)uri, (void)settings, (void)n_settings, (void)target;
	snprintf(why, why_cap, "use sim_backend_create()");
	return -22;
}

static void sim_close(struct srpgw_bridge_target *t)
{
	struct simbackend *be = be_of(t);

	if (be->st.n_paths || be->st.n_late)
		ledger_breach(be->l, "close() with %u sessions", be->st.n_paths);
	pthread_mutex_destroy(&be->lock);
	free(be);
}

static void sim_limits(struct srpgw_bridge_target *t, struct srpgw_limits *out)
{
	out->max_outstanding = be_of(t)->k->max_outstanding;
	out->max_transfer_bytes = be_of(t)->k->max_transfer_bytes;
}

const struct srpgw_bridge sim_bridge = {
	.struct_size = sizeof(struct srpgw_bridge),
	.abi = SRPGW_BRIDGE_ABI,
	.name = "sim",
	.version = "1",
	.description = "simulated disks",
	.schemes = "sim",
	.scratch_size = sizeof(struct simio),
	.tmf_scratch_size = sizeof(struct simtmf),
	.open = sim_open,
	.close = sim_close,
	.limits = sim_limits,
	.attach = sim_attach,
	.detach = sim_detach,
	.submit = sim_submit,
	.abort = sim_abort,
	.tmf = sim_tmf,
};

struct srpgw_bridge_target *sim_backend_create(const struct srpgw_host *host, struct ledger *l, uint64_t seed, uint32_t first_disk,
					       uint32_t n_disks, struct sim_bridge_knobs *knobs)
{
	struct simbackend *be = calloc(1, sizeof(*be));

	if (!be)
		abort();
	be->host = host;
	be->l = l;
	be->k = knobs;
	be->seed = seed;
	be->first_disk = first_disk;
	be->n_disks = n_disks;
	pthread_mutex_init(&be->lock, NULL);
	list_init(&be->paths);
	return (struct srpgw_bridge_target *)(void *)be;
}

void sim_backend_stats(struct srpgw_bridge_target *t, struct sim_backend_stats *out)
{
	struct simbackend *be = be_of(t);

	pthread_mutex_lock(&be->lock);
	*out = be->st;
	pthread_mutex_unlock(&be->lock);
}

void sim_backend_down(struct srpgw_bridge_target *t, bool permanent)
{
	struct simbackend *be = be_of(t);

	(void)permanent;
	list_for_each (n, &be->paths) {
		struct simpath *p = list_entry(n, struct simpath, node);

		if (p->detaching)
			continue;
		p->dying = true;
		p->die_due_ns = simpath_now_ns(p);
		rearm(p);
	}
}

void sim_backend_freeze(struct srpgw_bridge_target *t, bool frozen)
{
	struct simbackend *be = be_of(t);

	be->frozen = frozen;
	list_for_each (n, &be->paths)
		rearm(list_entry(n, struct simpath, node));
}

void sim_backend_say(struct srpgw_bridge_target *t, uint32_t kind)
{
	struct simbackend *be = be_of(t);

	list_for_each (n, &be->paths) {
		struct simpath *p = list_entry(n, struct simpath, node);

		p->say = kind;
		rearm(p);
	}
}
