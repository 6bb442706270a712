/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands at the bridge: handed over, answered, given up, answered late.
 * Layer: core.
 */
#include "../base/log.h"
#include "aca.h"
#include "attention.h"
#include "channel.h"
#include "fence.h"
#include "inventory.h"
#include "io.h"
#include "keep.h"
#include "limit.h"
#include "lu.h"
#include "nexus.h"
#include "order.h"
#include "path.h"
#include "repeat.h"
#include "reserve.h"
#include "task.h"
#include "tmf.h"

static void hand_over(struct io *io, uint64_t since_ns)
{
	struct path *p = io->path;

	io->pub.delivery = SRPGW_DELIVERY_MAYBE;
	io->pub.status = SCSI_GOOD;
	io->pub.resid_kind = SRPGW_RESID_NONE;
	io->pub.resid = 0;
	io->pub.sense_len = 0;
	io->submitted = true;
	io->submitted_ns = since_ns;
	list_push_back(&p->outstanding, &io->node);
	if (p->n_outstanding++ == 0)
		p->heard_ns = io->submitted_ns; /* it could not say anything before */
	p->backend->bridge->submit(p->session, &io->pub);
}

static void submit(struct io *io)
{
	split_begin(io);
	hand_over(io, io->task ? io->task->since_ns : shard_clock_ns(io->shard));
}

void path_submit(struct task *t)
{
	struct path *p = t->lu->path;

	if (!task_set_state(t, TASK_EXECUTING))
		return;
	if (!path_is_open(p) || !fence_lets(t)) {
		/* It was fetching while the path closed or the fence came. */
		task_unadmit(t);
		lu_ready(t, true);
		return;
	}
	submit(t->io);
}

/* ---- answers ---- */

static uint32_t moved_bytes(const struct task *t)
{
	const struct reply *r = &t->reply;

	return r->resid_kind == SRPGW_RESID_UNDER ? t->data_len - r->resid : t->data_len;
}

/* The host is told, and the gateway looks what changed. */
static void note_attention(const struct task *t, const struct srpgw_io *pub)
{
	const struct scsi_sense changed = outcome_row(OUTCOME_UA_LUNS_CHANGED)->sense;
	struct scsi_sense sense;

	if (t->lu->path->inventory && scsi_sense_parse(pub->sense, pub->sense_len, &sense) &&
	    sense.key == changed.key && sense.asc == changed.asc && sense.ascq == changed.ascq)
		inventory_outdated(t->lu->path, t->lu);
}

static void inquiry_answered(struct task *t, uint32_t len)
{
	aca_hide(t, len);
	split_tell_limit(t, len);
	if (t->reply.status == SCSI_GOOD)
		keep_note_inquiry(t, len);
}

static void answered(struct task *t, const struct srpgw_io *pub)
{
	struct reply *r = &t->reply;
	uint32_t len;

	r->status = pub->status;
	r->resid_kind = pub->resid_kind;
	r->resid = pub->resid_kind == SRPGW_RESID_NONE ? 0 : pub->resid;
	if (r->resid_kind == SRPGW_RESID_UNDER && r->resid > t->data_len)
		r->resid = t->data_len;
	r->sense = pub->sense;
	r->sense_len = pub->sense_len < SRPGW_SENSE_MAX ? pub->sense_len : SRPGW_SENSE_MAX;
	if (pub->status == SCSI_CHECK_CONDITION)
		note_attention(t, pub);
	len = t->dir == SRPGW_DIR_IN ? moved_bytes(t) : 0;
	if (!task_set_state(t, len > 0 ? TASK_WAIT_PLACE : TASK_WAIT_RESPOND))
		return;
	if (len > 0 && t->cdb[0] == SCSI_OP_INQUIRY)
		inquiry_answered(t, len);
	if (len > 0 && r->status == SCSI_GOOD)
		split_note_capacity(t, len);
	if (len > 0)
		xfer_init(&t->xfer, &t->desc, t->io->data, len);
	list_push_back(&t->ch->send, &t->node);
	channel_mark(t->ch);
}

/*
 * To its place in READY, for another delivery. What the host would have to send again keeps its buffers; the others take
 * new ones, because what waits shall hold none.
 */
void path_wait_again(struct io *io)
{
	struct task *t = io->task;

	if (t->dir != SRPGW_DIR_OUT && !io->table)
		io_release(io);
	else
		io_rewind(io);
	lu_ready(t, true);
}

/* It was not carried out, or may be carried out once more. It is held like one that just came, but only once. */
static void hold_again(struct io *io)
{
	struct task *t = io->task;

	outage_hold(t);
	if (t->hold_until_ns <= shard_now_ns(t->shard)) {
		task_refuse(t, OUTCOME_PATH_HELD);
		return;
	}
	path_pause(io->path);
	path_wait_again(io);
}

/*
 * Nobody knows whether it was carried out. The host need not hear of a command that changes nothing; but it may be the one that
 * kills the session, so not too often.
 */
static void fate_unknown(struct io *io)
{
	struct task *t = io->task;
	bool may_write = io_may_write(io), harmless = repeat_is_harmless(t->cdb);

	if (harmless && !may_write && t->n_repeats < PATH_MOST_REPEATS) {
		t->n_repeats++;
		hold_again(io);
		return;
	}
	if (may_write)
		fence_hazard(t->lu, io->cdb);
	/* BUSY is the better answer, because a host repeats it as often as it takes; but it does so blindly. */
	task_refuse(t, harmless ? OUTCOME_FATE_UNKNOWN : OUTCOME_FATE_UNKNOWN_ONCE);
}

static void complete(struct io *io)
{
	struct task *t = io->task;

	task_unadmit(t);
	switch (io->pub.delivery) {
	case SRPGW_DELIVERY_ANSWERED:
		if (attention_swallows(io))
			path_wait_again(io);
		else if (!throttle_concerns(io->path, io->pub.status) || !throttle_settles(io))
			answered(t, &io->pub);
		break;
	case SRPGW_DELIVERY_NEVER:
		hold_again(io);
		break;
	default:
		fate_unknown(io);
	}
}

static void answered_late(struct io *io)
{
	struct nexus *n = io->nexus;
	struct path *p = io->path;
	struct lu *lu = io->lu;

	shard_trace(p->shard, TRACE_IO_LATE, p->number, shard_clock_ns(p->shard) - io->submitted_ns, io->pub.delivery);
	if (io->pub.delivery == SRPGW_DELIVERY_MAYBE && !io->settled && (io->fences || io_may_write(io)))
		fence_hazard(lu, io->cdb);
	fence_io_lower(io);
	order_io_left(io);
	limit_give_detached(io);
	p->n_detached--;
	n->n_detached--;
	io_release(io);
	tmf_recheck(n);
	lu_unref(lu);
	nexus_mark(n);
}

/* Its place in the queue is that of an admitted command. */
void path_submit_probe(struct io *io)
{
	io->path->n_admitted++;
	submit(io);
}

static void probe_answered(struct io *io)
{
	io->path->n_admitted--;
	io->probed(io);
	io_release(io);
}

void path_io_done(struct srpgw_io *pub)
{
	struct io *io = io_of(pub);
	struct shard *s = io->shard;
	struct path *p = io->path;

	shard_enter(s);
	if (!io->submitted) {
		s->contract_breaches_total++;
		log_error("a bridge answered a command that it does not have; ignored");
		shard_leave(s);
		return;
	}
	io->submitted = false;
	list_del(&io->node);
	p->n_outstanding--;
	p->heard_ns = shard_clock_ns(s);
	hist_add(&p->backend_time, p->heard_ns - io->submitted_ns);
	if (pub->delivery == SRPGW_DELIVERY_ANSWERED) {
		if (p->outage.silent)
			outage_silence(p, false);
		reserve_note(io);
	}
	if (split_next(io))
		hand_over(io, shard_clock_ns(s));
	else if (io->probed)
		probe_answered(io);
	else if (io->task)
		complete(io);
	else
		answered_late(io);
	path_mark(p);
	shard_leave(s);
}

/* More of them, and the session is given up; in any case before they take all of its queue. */
static uint32_t most_detached(const struct path *p)
{
	uint32_t most = map_or(p->backend->max_detached, BACKEND_MAX_DETACHED),
		 queue = p->backend->limits.max_outstanding;

	return queue && queue <= most ? queue - 1 : most;
}

void path_check_detached(struct path *p)
{
	if (p->n_detached + p->n_late_tmfs > most_detached(p))
		path_rebuild(p, "too many aborted commands wait for it");
}

static void count_detached(struct io *io, bool fence)
{
	lu_ref(io->lu);
	io->path->n_detached++;
	io->nexus->n_detached++;
	io->detached_ns = shard_now_ns(io->shard);
	if (fence)
		fence_io_raise(io);
	else
		fence_await(io->path);
	path_check_detached(io->path);
}

void path_detach_io(struct io *io, bool fence, bool ordered)
{
	if (ordered)
		order_io_detached(io);
	limit_detach(io);
	io->task->io = NULL;
	io->task = NULL;
	count_detached(io, fence);
}

void path_submit_own(struct io *io)
{
	count_detached(io, true);
	submit(io);
}

void path_answer_leftovers(struct path *p)
{
	struct list_node *pos;

	while ((pos = list_first(&p->outstanding))) {
		struct io *io = list_entry(pos, struct io, node);

		p->shard->contract_breaches_total++;
		log_error("back-end %s: its bridge detached without answering a command", p->backend->name);
		io->pub.delivery = SRPGW_DELIVERY_MAYBE;
		path_io_done(&io->pub);
	}
	tmf_session_over(p);
}
