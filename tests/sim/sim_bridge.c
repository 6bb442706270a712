/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulator's bridge, see sim_bridge.h. A command goes through three phases, each of random length: in the bridge's own queue
 * (nothing of it left: may be answered NEVER), at the device (it may act at any time), acted (the answer is on its way).
 */
#include "sim_bridge.h"

#include "../../gateway/base/list.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum phase { PHASE_QUEUED, PHASE_AT_DEVICE, PHASE_ACTED, PHASE_GONE };

struct simio {
	struct list_node node; /* path->ios */
	struct srpgw_io *io;
	struct simpath *path;
	enum phase phase;
	bool lost, aborted;
	uint64_t due_ns;
	uint32_t id, lba, n_blocks, disk, moved;
	bool is_write, is_rw;
	uint64_t sum; /* of the data-in that was placed */
	uint8_t status;
	uint64_t mark; /* at the end, so that a host that gives less scratch is seen */
};

struct simtmf {
	struct list_node node;
	struct srpgw_tmf *tmf;
	uint64_t due_ns;
	bool lost;
	uint8_t result;
	uint64_t mark;
};

enum simpath_state { SIMPATH_ATTACHING, SIMPATH_UP, SIMPATH_DOWN };

struct simpath {
	struct list_node node;
	struct simbackend *be;
	struct srpgw_reactor *r;
	struct srpgw_path_ctx *ctx;
	struct srpgw_timer *timer;
	enum simpath_state state;
	uint64_t up_ns;
	uint64_t rng;
	struct list ios, tmfs;
	bool detaching, dying;
	uint64_t die_due_ns, detach_due_ns;
	void (*done)(void *arg);
	void *done_arg;
};

struct simbackend {
	const struct srpgw_host *host;
	struct ledger *l;
	struct sim_bridge_knobs *k;
	uint64_t seed;
	uint32_t first_disk, n_disks;
	pthread_mutex_t lock; /* paths, counters */
	struct list paths;
	struct sim_backend_stats st;
	uint64_t n_attach;
};

/* A write that lands after its session died. */
struct late {
	struct simbackend *be;
	struct srpgw_timer *timer;
	uint32_t id;
};

static struct simpath *path_of(struct srpgw_bridge_path *p)
{
	return (struct simpath *)(void *)p;
}

static struct simbackend *be_of(struct srpgw_bridge_target *t)
{
	return (struct simbackend *)(void *)t;
}

static uint64_t rnd(struct simpath *p)
{
	uint64_t z = p->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	return (z ^ (z >> 27)) * 0x94d049bb133111ebull >> 16;
}

static bool chance(struct simpath *p, uint32_t ppm)
{
	return ppm && rnd(p) % 1000000 < ppm;
}

static void count(struct simbackend *be, uint32_t *what, int delta)
{
	pthread_mutex_lock(&be->lock);
	*what += (uint32_t)delta;
	pthread_mutex_unlock(&be->lock);
}

static uint64_t now_ns(struct simpath *p)
{
	return p->be->host->now_ns(p->r);
}

static uint64_t phase_ns(struct simpath *p)
{
	const struct sim_bridge_knobs *k = p->be->k;

	return now_ns(p) + rnd(p) % (k->delay_ns * (chance(p, k->long_ppm) ? 100 : 1) + 1);
}

static void rearm(struct simpath *p)
{
	uint64_t due = UINT64_MAX, now = now_ns(p);

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
	if (p->dying && !p->detaching && p->die_due_ns < due)
		due = p->die_due_ns;
	if (p->detaching && p->detach_due_ns < due)
		due = p->detach_due_ns;
	if (due == UINT64_MAX)
		p->be->host->timer_cancel(p->timer);
	else
		p->be->host->timer_arm(p->timer, due > now ? due - now : 0);
}

/* ---- data ---- */

/* Copies between block @k of the command and @block; false beyond the end of the iovec. */
static bool iov_block(const struct srpgw_io *io, uint32_t k, uint8_t block[BLOCK_BYTES], bool to_iov, uint32_t len)
{
	uint64_t at = (uint64_t)k * BLOCK_BYTES;

	for (uint32_t v = 0; v < io->n_iov && len; v++) {
		const struct iovec *iov = &io->iov[v];
		size_t part;

		if (at >= iov->iov_len) {
			at -= iov->iov_len;
			continue;
		}
		part = iov->iov_len - at < len ? iov->iov_len - at : len;
		if (to_iov)
			memcpy((uint8_t *)iov->iov_base + at, block, part);
		else
			memcpy(block, (uint8_t *)iov->iov_base + at, part);
		block += part;
		len -= (uint32_t)part;
		at = 0;
	}
	return len == 0;
}

static uint64_t data_sum(const struct simio *s)
{
	uint8_t block[BLOCK_BYTES];
	uint64_t h = 1, v;

	for (uint32_t k = 0; k < s->moved / BLOCK_BYTES; k++) {
		iov_block(s->io, k, block, false, BLOCK_BYTES);
		for (uint32_t w = 0; w < BLOCK_BYTES; w += 8) {
			memcpy(&v, block + w, 8);
			h = (h ^ v) * 0x9fb21c651e98df25ull;
			h ^= h >> 29;
		}
	}
	return h;
}

/* A write's bytes must be the host's, from submit to the moment when they land. */
static void check_write_data(struct simio *s, const char *when)
{
	uint8_t block[BLOCK_BYTES];
	uint32_t n = s->io->data_len / BLOCK_BYTES;

	for (uint32_t k = 0; k < s->n_blocks && k < n; k++) {
		if (iov_block(s->io, k, block, false, BLOCK_BYTES) && ledger_block_is(s->id, s->lba + k, block))
			continue;
		ledger_breach(s->path->be->l, "write %u: block %u of %u is not the host's at %s", s->id, k, s->n_blocks, when);
		return;
	}
}

/* ---- answers ---- */

static void set_sense(struct srpgw_io *io, uint8_t key, uint8_t asc)
{
	memset(io->sense, 0, 18);
	io->sense[0] = 0x70;
	io->sense[2] = key;
	io->sense[7] = 10;
	io->sense[12] = asc;
	io->sense_len = 18;
}

static void answer(struct simio *s, uint8_t delivery)
{
	struct srpgw_io *io = s->io;
	struct simpath *p = s->path;
	struct simbackend *be = p->be;
	struct cmd_answer a = { .status = s->status };

	if (s->phase == PHASE_GONE || s->mark != (s->id ^ 0x5ca7c4ull)) {
		ledger_breach(be->l, "the scratch bytes of command %u changed while the bridge had it", s->id);
		return;
	}
	if (s->is_rw && !s->is_write && s->phase == PHASE_ACTED && s->moved && data_sum(s) != s->sum)
		ledger_breach(be->l, "data-in of read %u changed before its answer", s->id);
	io->delivery = delivery;
	io->status = delivery == SRPGW_DELIVERY_ANSWERED ? s->status : 0;
	io->sense_len = 0;
	io->resid = 0;
	io->resid_kind = SRPGW_RESID_NONE;
	if (delivery == SRPGW_DELIVERY_ANSWERED) {
		if (s->status == 0x02)
			set_sense(io, 0x0b, 0x47);
		if (s->moved < io->data_len) {
			io->resid_kind = SRPGW_RESID_UNDER;
			a.resid_under = io->resid = io->data_len - s->moved;
		} else if (s->is_rw && (uint64_t)s->n_blocks * BLOCK_BYTES > io->data_len) {
			io->resid_kind = SRPGW_RESID_OVER;
			a.resid_over = io->resid = s->n_blocks * BLOCK_BYTES - io->data_len;
		}
		a.sense = io->sense;
		a.sense_len = io->sense_len;
	}
	s->phase = PHASE_GONE;
	list_del(&s->node);
	count(be, &be->st.n_ios, -1);
	if (s->id)
		ledger_answer(be->l, s->id, (enum ledger_delivery)delivery, &a);
	/* The bridge may do with the iovec what it likes. */
	if (io->n_iov && chance(p, 300000)) {
		io->iov[0].iov_len = 1;
		io->iov[0].iov_base = NULL;
	}
	be->host->io_done(io);
}

static void late_landing(void *arg)
{
	struct late *late = arg;
	struct simbackend *be = late->be;

	trace("#%u lands although its session is gone", late->id);
	ledger_land(be->l, late->id);
	be->host->timer_free(late->timer);
	free(late);
	count(be, &be->st.n_late, -1);
}

/* Its session ends. What it was doing at the device may still happen. */
static void answer_unknown(struct simio *s)
{
	struct simpath *p = s->path;
	struct simbackend *be = p->be;

	if (s->phase == PHASE_QUEUED) {
		answer(s, SRPGW_DELIVERY_NEVER);
		return;
	}
	if (s->phase == PHASE_AT_DEVICE && s->is_write && !s->aborted && s->status == 0 && chance(p, be->k->late_ppm)) {
		struct late *late = calloc(1, sizeof(*late));

		if (!late)
			abort();
		*late = (struct late){ .be = be, .id = s->id };
		late->timer = be->host->timer_new(p->r, late_landing, late);
		be->host->timer_arm(late->timer, rnd(p) % (be->k->late_ns + 1));
		count(be, &be->st.n_late, 1);
	}
	answer(s, SRPGW_DELIVERY_MAYBE);
}

/* The device does it. */
static void act(struct simio *s)
{
	struct simpath *p = s->path;
	const struct sim_bridge_knobs *k = p->be->k;
	struct srpgw_io *io = s->io;
	uint8_t block[BLOCK_BYTES];
	uint64_t want = (uint64_t)s->n_blocks * BLOCK_BYTES;

	s->phase = PHASE_ACTED;
	if (s->status)
		return;
	if (!s->is_rw) {
		/* Commands that the ledger does not follow: they move something, or nothing. */
		if (io->dir == SRPGW_DIR_IN)
			for (uint32_t v = 0; v < io->n_iov; v++)
				memset(io->iov[v].iov_base, 0xa5, io->iov[v].iov_len);
		s->moved = io->cdb[0] == 0x28 || io->cdb[0] == 0x2a ? io->data_len : 0;
		return;
	}
	if (s->is_write) {
		check_write_data(s, "landing");
		ledger_land(p->be->l, s->id);
		s->moved = (uint32_t)(want < io->data_len ? want : io->data_len);
		return;
	}
	if (want > io->data_len)
		want = io->data_len;
	if (chance(p, k->short_ppm))
		want = rnd(p) % (want / BLOCK_BYTES + 1) * BLOCK_BYTES;
	for (uint32_t b = 0; b < want / BLOCK_BYTES; b++) {
		ledger_block_now(p->be->l, s->disk, s->lba + b, block);
		iov_block(io, b, block, true, BLOCK_BYTES);
	}
	s->moved = (uint32_t)want;
	s->sum = data_sum(s);
}

/* Goes through the phases that are due. Return: false when it was answered. */
static bool advance(struct simio *s)
{
	struct simpath *p = s->path;

	while (s->due_ns <= now_ns(p)) {
		s->due_ns = phase_ns(p);
		switch (s->phase) {
		case PHASE_QUEUED:
			s->phase = PHASE_AT_DEVICE;
			if (s->lost && chance(p, 500000))
				s->due_ns = UINT64_MAX;
			break;
		case PHASE_AT_DEVICE:
			if (!s->aborted)
				act(s);
			s->phase = PHASE_ACTED;
			if (s->lost && !s->aborted)
				s->due_ns = UINT64_MAX;
			break;
		default:
			answer(s, SRPGW_DELIVERY_ANSWERED);
			return false;
		}
	}
	return true;
}

/* ---- task management ---- */

/* The device ends the task: if it has not acted it never will. The answer still comes. */
static void end_task(struct simio *s)
{
	struct simpath *p = s->path;

	s->lost = false;
	if (s->phase <= PHASE_AT_DEVICE) {
		s->aborted = true;
		s->status = 0x40; /* TASK ABORTED */
		s->moved = 0;
	}
	s->due_ns = phase_ns(p);
}

static void tmf_execute(struct simtmf *m, struct simpath *p)
{
	const struct srpgw_tmf *tmf = m->tmf;

	m->result = SRPGW_TMF_COMPLETE;
	if (chance(p, p->be->k->tmf_fail_ppm)) {
		m->result = chance(p, 500000) ? SRPGW_TMF_FAILED : SRPGW_TMF_NOT_SUPPORTED;
		return;
	}
	if (tmf->function == SRPGW_TMF_CLEAR_ACA)
		return;
	if (tmf->function == SRPGW_TMF_ABORT_TASK)
		m->result = SRPGW_TMF_NO_SUCH_TASK;
	list_for_each (n, &p->ios) {
		struct simio *s = list_entry(n, struct simio, node);

		if (tmf->function == SRPGW_TMF_ABORT_TASK ? s->io == tmf->io : !memcmp(s->io->lun, tmf->lun, 8)) {
			end_task(s);
			m->result = SRPGW_TMF_COMPLETE;
		}
	}
}

static void tmf_finish(struct simpath *p, struct simtmf *m)
{
	struct srpgw_tmf *tmf = m->tmf;

	if (m->mark != 0x7f5ca7c4ull)
		ledger_breach(p->be->l, "the scratch bytes of a task management function changed while the bridge had it");
	tmf->result = m->result;
	list_del(&m->node);
	count(p->be, &p->be->st.n_tmfs, -1);
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
		answer_unknown(list_entry(n, struct simio, node));
}

static void die(struct simpath *p)
{
	bool first = chance(p, 500000);

	p->dying = false;
	if (p->state == SIMPATH_DOWN)
		return;
	p->state = SIMPATH_DOWN;
	count(p->be, &p->be->st.downs, 1);
	if (first)
		answer_all(p);
	tell(p, SRPGW_PATH_DOWN, "simulated loss of the session");
	answer_all(p);
}

static void on_timer(void *arg)
{
	struct simpath *p = arg;
	struct simbackend *be = p->be;
	uint64_t now = now_ns(p);

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
	if (p->state == SIMPATH_ATTACHING && p->up_ns <= now && !p->detaching) {
		if (chance(p, be->k->attach_down_ppm)) {
			die(p);
		} else {
			p->state = SIMPATH_UP;
			tell(p, SRPGW_PATH_UP, NULL);
		}
	}
	if (p->dying && !p->detaching && p->die_due_ns <= now)
		die(p);
	/* Callbacks may submit more: they are due later. Restart after each, the list may have changed. */
	for (bool again = true; again;) {
		again = false;
		list_for_each (n, &p->ios) {
			struct simio *s = list_entry(n, struct simio, node);

			if (s->due_ns > now)
				continue;
			if (advance(s))
				continue;
			again = true;
			break;
		}
	}
	for (bool again = true; again;) {
		again = false;
		list_for_each (n, &p->tmfs) {
			struct simtmf *m = list_entry(n, struct simtmf, node);

			if (m->due_ns > now)
				continue;
			tmf_execute(m, p);
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
	if (chance(p, be->k->attach_fail_ppm)) {
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
	p->up_ns = phase_ns(p);
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
	p->detach_due_ns = now_ns(p) + rnd(p) % (p->be->k->detach_ns + 1);
	rearm(p);
}

/* ---- commands ---- */

static uint32_t get32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void decode(struct simio *s)
{
	const uint8_t *cdb = s->io->cdb;

	s->is_rw = cdb[0] == 0x88 || cdb[0] == 0x8a;
	s->is_write = cdb[0] == 0x8a;
	s->disk = s->path->be->first_disk + s->io->lun[1];
	if (s->is_rw) {
		/* The upper half of the LBA names the command in the ledger. */
		s->id = get32(cdb + 2);
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

static void choose_fate(struct simio *s)
{
	struct simpath *p = s->path;
	const struct sim_bridge_knobs *k = p->be->k;

	if (chance(p, k->busy_ppm))
		s->status = 0x08;
	else if (chance(p, k->full_ppm))
		s->status = 0x28;
	else if (chance(p, k->check_ppm) || (s->is_rw && (uint64_t)s->lba + s->n_blocks > DISK_BLOCKS))
		s->status = 0x02;
	s->lost = k->stuck || chance(p, k->lost_ppm); /* before it acts, or after */
	s->due_ns = phase_ns(p);
	if (!p->dying && chance(p, k->down_ppm)) {
		p->dying = true;
		p->die_due_ns = phase_ns(p);
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
	count(p->be, &p->be->st.n_ios, 1);
	if (s->id)
		ledger_deliver(p->be->l, s->id, s->disk, s->is_write, s->lba, s->n_blocks);
	if (p->state != SIMPATH_UP) {
		answer(s, SRPGW_DELIVERY_NEVER);
		return;
	}
	if (s->is_write)
		check_write_data(s, "submit()");
	choose_fate(s);
	if (!s->lost && chance(p, p->be->k->inside_ppm)) {
		act(s);
		answer(s, SRPGW_DELIVERY_ANSWERED);
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

	count(p->be, &p->be->st.aborts, 1);
	if (!s) {
		ledger_breach(p->be->l, "abort() of a command that the bridge does not have");
		return;
	}
	if (p->be->k->stuck)
		return;
	/* It hurries; whether the device listens is chance. */
	if (chance(p, 700000))
		end_task(s);
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
	m->due_ns = phase_ns(p);
	m->result = SRPGW_TMF_FAILED;
	if (p->be->k->stuck || chance(p, p->be->k->tmf_lost_ppm))
		m->due_ns = UINT64_MAX;
	list_push_back(&p->tmfs, &m->node);
	count(p->be, &p->be->st.n_tmfs, 1);
	count(p->be, &p->be->st.tmfs, 1);
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
		p->die_due_ns = now_ns(p);
		rearm(p);
	}
}
