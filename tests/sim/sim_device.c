/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device behind the simulated bridge. A command goes through three phases, each of random length: in the bridge's own queue (nothing
 * of it left: may be answered NEVER), at the device (it may act at any time, also when its session is gone), acted (the answer is on its way).
 */
#include "sim_device.h"

#include <stdlib.h>
#include <string.h>

uint64_t simpath_rnd(struct simpath *p)
{
	uint64_t z = p->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	return (z ^ (z >> 27)) * 0x94d049bb133111ebull >> 16;
}

bool simpath_chance(struct simpath *p, uint32_t ppm)
{
	return ppm && simpath_rnd(p) % 1000000 < ppm;
}

void simbackend_count(struct simbackend *be, uint32_t *what, int delta)
{
	pthread_mutex_lock(&be->lock);
	*what += (uint32_t)delta;
	pthread_mutex_unlock(&be->lock);
}

uint64_t simpath_now_ns(struct simpath *p)
{
	return p->be->host->now_ns(p->r);
}

uint64_t simpath_phase_ns(struct simpath *p)
{
	const struct sim_bridge_knobs *k = p->be->k;

	return simpath_now_ns(p) + simpath_rnd(p) % (k->delay_ns * (simpath_chance(p, k->long_ppm) ? 100 : 1) + 1);
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
void simio_check_write(struct simio *s, const char *when)
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

void simio_answer(struct simio *s, uint8_t delivery)
{
	struct srpgw_io *io = s->io;
	struct simpath *p = s->path;
	struct simbackend *be = p->be;
	struct cmd_answer a = { .status = s->status };
	bool refused;

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
	simbackend_count(be, &be->st.n_ios, -1);
	if (s->inside)
		simbackend_count(be, &be->st.n_inside, -1);
	/* BUSY and TASK SET FULL: the device server did not take it, and it may be sent again. */
	refused = delivery == SRPGW_DELIVERY_ANSWERED && (s->status == 0x08 || s->status == 0x28);
	if (s->id)
		ledger_answer(be->l, s->id, refused ? LEDGER_NEVER : (enum ledger_delivery)delivery, &a);
	/* The bridge may do with the iovec what it likes. */
	if (io->n_iov && simpath_chance(p, 300000)) {
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
	simbackend_count(be, &be->st.n_late, -1);
}

/* Its session ends. What it was doing at the device may still happen. */
void simio_answer_unknown(struct simio *s)
{
	struct simpath *p = s->path;
	struct simbackend *be = p->be;

	if (s->phase == PHASE_QUEUED) {
		simio_answer(s, SRPGW_DELIVERY_NEVER);
		return;
	}
	if (s->phase == PHASE_AT_DEVICE && s->is_write && !s->aborted && s->status == 0 && simpath_chance(p, be->k->late_ppm)) {
		struct late *late = calloc(1, sizeof(*late));

		if (!late)
			abort();
		*late = (struct late){ .be = be, .id = s->id };
		late->timer = be->host->timer_new(p->r, late_landing, late);
		be->host->timer_arm(late->timer, simpath_rnd(p) % (be->k->late_ns + 1));
		simbackend_count(be, &be->st.n_late, 1);
	}
	simio_answer(s, SRPGW_DELIVERY_MAYBE);
}

static bool is_read_capacity(const uint8_t *cdb)
{
	return cdb[0] == 0x9e && (cdb[1] & 0x1f) == 0x10;
}

/* The device does it. */
void simio_act(struct simio *s)
{
	struct simpath *p = s->path;
	const struct sim_bridge_knobs *k = p->be->k;
	static const uint8_t capacity[12] = { [6] = (DISK_BLOCKS - 1) >> 8, [7] = (DISK_BLOCKS - 1) & 0xff,
					      [10] = BLOCK_BYTES >> 8 };
	struct srpgw_io *io = s->io;
	uint8_t block[BLOCK_BYTES];
	uint64_t want = (uint64_t)s->n_blocks * BLOCK_BYTES;

	s->phase = PHASE_ACTED;
	if (s->status)
		return;
	if (!s->is_rw) {
		/* Commands that the ledger does not follow: they move something, or nothing. */
		if (is_read_capacity(io->cdb) && io->n_iov && io->iov[0].iov_len >= sizeof(capacity)) {
			memcpy(io->iov[0].iov_base, capacity, sizeof(capacity));
			s->moved = sizeof(capacity);
			return;
		}
		if (io->dir == SRPGW_DIR_IN)
			for (uint32_t v = 0; v < io->n_iov; v++)
				memset(io->iov[v].iov_base, 0xa5, io->iov[v].iov_len);
		s->moved = io->cdb[0] == 0x28 || io->cdb[0] == 0x2a ? io->data_len : 0;
		return;
	}
	if (s->is_write) {
		simio_check_write(s, "landing");
		ledger_land(p->be->l, s->id);
		s->moved = (uint32_t)(want < io->data_len ? want : io->data_len);
		return;
	}
	if (want > io->data_len)
		want = io->data_len;
	if (simpath_chance(p, k->short_ppm))
		want = simpath_rnd(p) % (want / BLOCK_BYTES + 1) * BLOCK_BYTES;
	for (uint32_t b = 0; b < want / BLOCK_BYTES; b++) {
		ledger_block_now(p->be->l, s->disk, s->lba + b, block);
		iov_block(io, b, block, true, BLOCK_BYTES);
	}
	s->moved = (uint32_t)want;
	s->sum = data_sum(s);
}

/* Goes through the phases that are due. Return: false when it was answered. */
bool simio_advance(struct simio *s)
{
	struct simpath *p = s->path;

	while (s->due_ns <= simpath_now_ns(p)) {
		s->due_ns = simpath_phase_ns(p);
		switch (s->phase) {
		case PHASE_QUEUED:
			s->phase = PHASE_AT_DEVICE;
			if (s->lost && simpath_chance(p, 500000))
				s->due_ns = UINT64_MAX;
			break;
		case PHASE_AT_DEVICE:
			if (!s->aborted)
				simio_act(s);
			s->phase = PHASE_ACTED;
			if (s->lost && !s->aborted)
				s->due_ns = UINT64_MAX;
			break;
		default:
			simio_answer(s, SRPGW_DELIVERY_ANSWERED);
			return false;
		}
	}
	return true;
}

/* ---- task management ---- */

/* The device ends the task: if it has not acted it never will. The answer still comes. */
void simio_end(struct simio *s)
{
	struct simpath *p = s->path;

	s->lost = false;
	if (s->id)
		ledger_stop(p->be->l, s->id);
	if (s->phase <= PHASE_AT_DEVICE) {
		s->aborted = true;
		s->status = 0x40; /* TASK ABORTED */
		s->moved = 0;
	}
	s->due_ns = simpath_phase_ns(p);
}

void simtmf_execute(struct simtmf *m, struct simpath *p)
{
	const struct srpgw_tmf *tmf = m->tmf;

	m->result = SRPGW_TMF_COMPLETE;
	if (simpath_chance(p, p->be->k->tmf_fail_ppm)) {
		m->result = simpath_chance(p, 500000) ? SRPGW_TMF_FAILED : SRPGW_TMF_NOT_SUPPORTED;
		return;
	}
	if (tmf->function == SRPGW_TMF_CLEAR_ACA)
		return;
	if (tmf->function == SRPGW_TMF_ABORT_TASK)
		m->result = SRPGW_TMF_NO_SUCH_TASK;
	list_for_each (n, &p->ios) {
		struct simio *s = list_entry(n, struct simio, node);

		if (tmf->function == SRPGW_TMF_ABORT_TASK ? s->io == tmf->io : !memcmp(s->io->lun, tmf->lun, 8)) {
			simio_end(s);
			m->result = SRPGW_TMF_COMPLETE;
		}
	}
}

