/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registrations, see registration.h. Rare commands: bytes are copied here.
 * Layer: core.
 */
#include "registration.h"

#include "../base/be.h"
#include "../base/log.h"
#include "chain.h"
#include "fence.h"
#include "io.h"
#include "lu.h"
#include "nexus.h"
#include "path.h"
#include "transport_id.h"

#include <string.h>

enum {
	CLEAR = 0x03,
	LIST_BYTES = 24,
	ACTION_KEY_AT = 8,
	MOVE_FLAGS_AT = 17,
	UNREG = 0x02,
	FLAGS_AT = 20,
	APTPL = 0x01,
	LIST_LEN_AT = 5,
	ASC_RESET = 0x29,
	ASC_RESERVATIONS = 0x2a,
	RESERVATIONS_PREEMPTED = 0x03,
	REGISTRATIONS_PREEMPTED = 0x05,
	/* A unit attention may take the place of the answer, and another one the next. */
	MOST_ASKED = 8,
};

static const uint8_t no_key[REGISTRATION_KEY_BYTES];

/* ---- what the host does ---- */

void registration_order(struct io *io, const uint8_t *list, uint32_t len)
{
	uint8_t all[LIST_BYTES] = { 0 };

	memcpy(all, list, len < LIST_BYTES ? len : LIST_BYTES);
	memcpy(io->registration.key, all + ACTION_KEY_AT, REGISTRATION_KEY_BYTES);
	io->registration.flags = all[FLAGS_AT];
	io->registration.unreg = all[MOVE_FLAGS_AT] & UNREG;
}

static void carried_out(struct registration *r, uint8_t action, const struct registration_order *o)
{
	switch (action) {
	case PR_OUT_REGISTER:
	case PR_OUT_REGISTER_AND_IGNORE:
		r->held = memcmp(o->key, no_key, sizeof(no_key)) != 0;
		r->unproven = false;
		r->aptpl = o->flags & APTPL;
		memcpy(r->key, o->key, sizeof(r->key));
		break;
	case CLEAR:
		r->held = false;
		break;
	case PR_OUT_REGISTER_AND_MOVE:
		if (o->unreg)
			r->held = false;
		break;
	default:
		break;
	}
}

/* ---- the question ---- */

static void on_answer(struct io *io);

/* Whatever the queue holds: at UP it is empty, and later the answer of another question has left it. */
static void ask(struct lu *lu)
{
	struct registration *r = &lu->registration;
	uint8_t list[LIST_BYTES] = { 0 };
	struct io *io = io_acquire_probe(lu->path, LIST_BYTES, on_answer);

	if (!io) {
		path_rebuild(lu->path, "no room to ask for a registration");
		return;
	}
	io->pub.dir = SRPGW_DIR_OUT;
	memcpy(io->pub.lun, lu->backend_lun, sizeof(io->pub.lun));
	/* Its fence keeps the LU. */
	io->registration.lu = lu;
	memcpy(list, r->key, sizeof(r->key));
	memcpy(list + ACTION_KEY_AT, r->key, sizeof(r->key));
	list[FLAGS_AT] = r->aptpl ? APTPL : 0;
	chain_write(io->data, 0, list, sizeof(list));
	io->cdb[0] = SCSI_OP_PERSISTENT_RESERVE_OUT;
	io->cdb[1] = PR_OUT_REGISTER;
	be32_put(io->cdb + LIST_LEN_AT, sizeof(list));
	io->pub.cdb_len = 10;
	r->n_asked++;
	path_submit_probe(io);
}

/* Return: there was one to ask for. */
static bool ask_next(struct path *p)
{
	list_for_each(pos, &p->lus) {
		struct lu *lu = list_entry(pos, struct lu, path_node);

		if (!lu->registration.fenced || lu->registration.n_asked > 0)
			continue;
		ask(lu);
		return p->state == PATH_UP;
	}
	return false;
}

static void unfence(struct lu *lu)
{
	if (!lu->registration.fenced)
		return;
	lu->registration.fenced = false;
	fence_lower(lu);
}

/* Commands that were sent in the belief that all is as it was: the first of them hears that it is not. */
static void tell_waiting(struct lu *lu)
{
	list_for_each(pos, &lu->ready) {
		struct task *t = list_entry(pos, struct task, node);

		if (t->cdb[0] == SCSI_OP_INQUIRY || t->cdb[0] == SCSI_OP_REPORT_LUNS || t->cdb[0] == SCSI_OP_REQUEST_SENSE)
			continue;
		task_refuse(t, lu_take_ua(lu));
		return;
	}
}

static void gone(struct lu *lu)
{
	lu->registration.held = lu->registration.unproven = false;
	lu->ua |= LU_UA_REGISTRATIONS;
	log_warn("session %u: back-end %s: the registration for persistent reservations did not outlive the lost session; "
		 "the host is told",
		 lu->nexus->id, lu->path->backend->name);
	tell_waiting(lu);
}

/*
 * A unit attention that the question took was the host's. It is told as what every back-end may say to a new session; once, if
 * that is what it said: see attention.h.
 */
static void retell(struct lu *lu, const struct scsi_sense *sense)
{
	bool told = lu->loss_told;

	lu->loss_told = false;
	lu->ua &= (uint8_t)~LU_UA_OWN_LOSS;
	if (!told || sense->asc != ASC_RESET)
		lu->ua |= LU_UA_NEXUS_LOSS;
}

/* Return: it is known now. */
static bool judge(struct lu *lu, const struct srpgw_io *pub)
{
	struct registration *r = &lu->registration;
	struct scsi_sense sense;

	switch (pub->status) {
	case SCSI_GOOD:
		r->unproven = false;
		log_info("session %u: back-end %s: the registration for persistent reservations outlived the lost session",
			 lu->nexus->id, lu->path->backend->name);
		return true;
	case SCSI_BUSY:
	case SCSI_TASK_SET_FULL:
		/* Comes back with the pause between attempts. */
		path_rebuild(lu->path, "it is too busy to say whether a registration is still there");
		return false;
	case SCSI_CHECK_CONDITION:
		if (!scsi_sense_parse(pub->sense, pub->sense_len, &sense) || sense.key != SCSI_UNIT_ATTENTION)
			break;
		retell(lu, &sense);
		if (r->n_asked < MOST_ASKED) {
			ask(lu);
			return false;
		}
		break;
	default:
		break;
	}
	gone(lu);
	return true;
}

static void on_answer(struct io *io)
{
	struct lu *lu = io->registration.lu;
	struct path *p = lu->path;

	/* Of a session that is lost: the next one is asked. */
	if (io->pub.delivery != SRPGW_DELIVERY_ANSWERED || p->state != PATH_UP || !judge(lu, &io->pub))
		return;
	ask_next(p);
	unfence(lu);
}

void registration_note(struct io *io)
{
	struct lu *lu = io->lu;
	struct scsi_sense sense;

	if (io->pub.status == SCSI_GOOD && io->cdb[0] == SCSI_OP_PERSISTENT_RESERVE_OUT)
		carried_out(&lu->registration, io->cdb[1] & 0x1f, &io->registration);
	/* Another host took it away, and this one is being told so. */
	if (lu->registration.held && io->pub.status == SCSI_CHECK_CONDITION &&
	    scsi_sense_parse(io->pub.sense, io->pub.sense_len, &sense) && sense.key == SCSI_UNIT_ATTENTION &&
	    sense.asc == ASC_RESERVATIONS &&
	    (sense.ascq == RESERVATIONS_PREEMPTED || sense.ascq == REGISTRATIONS_PREEMPTED))
		lu->registration.held = false;
}

/* ---- sessions ---- */

void registration_session_over(struct path *p)
{
	list_for_each_safe(pos, &p->lus) {
		struct lu *lu = list_entry(pos, struct lu, path_node);

		lu->registration.unproven = lu->registration.held;
		unfence(lu);
	}
}

void registration_session_up(struct path *p)
{
	bool any = false;

	list_for_each(pos, &p->lus) {
		struct lu *lu = list_entry(pos, struct lu, path_node);

		lu->registration.n_asked = 0;
		if (!lu->registration.unproven)
			continue;
		lu->registration.fenced = any = true;
		fence_raise(lu);
	}
	if (any)
		while (ask_next(p) && !path_queue_full(p))
			;
}

bool registration_any(const struct nexus *n)
{
	for (size_t i = 0; i < n->n_lu; i++)
		if (n->lu[i]->registration.held || n->lu[i]->ua & LU_UA_REGISTRATIONS)
			return true;
	return false;
}
