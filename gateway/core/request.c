/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests of the target: CRED_REQ for credits that no response can carry, AER_REQ for an event that the host should
 * know at once. An initiator keeps one buffer for its answers, so at most one of both is unanswered per channel; whatever
 * is sent carries the credits that are owed.
 * Layer: core. Source: SRP r16a CRED_REQ, AER_REQ.
 */
#include "../base/log.h"
#include "channel.h"
#include "lu.h"
#include "nexus.h"
#include "shard.h"

#include <errno.h>
#include <string.h>

static void request_done(struct fabric_op *op, enum fabric_wc_status status)
{
	struct channel *ch = container_of(op, struct channel, request.op);
	struct shard *s = ch->shard;

	(void)status;
	shard_enter(s);
	channel_op_done(ch);
	ch->request.posted = false;
	shard_leave(s);
}

/* ---- AER_REQ ---- */

static bool wants_event(const struct channel *ch)
{
	const struct nexus *n = ch->nexus;

	if (!n->event || !n->target)
		return false;
	switch (n->target->async_events) {
	case ASYNC_EVENTS_ALWAYS:
		return true;
	case ASYNC_EVENTS_NEVER:
		return false;
	default:
		return ch->terms.solnt & SRP_LOGIN_AESOLNT;
	}
}

/* All logical units have the unit attention; the first stands for them. */
static size_t build_event(const struct channel *ch, uint32_t delta, uint8_t *addr)
{
	const struct nexus *n = ch->nexus;
	uint8_t sense[SCSI_FIXED_SENSE_LEN];
	struct srp_aer_req ar = {
		.tag = ch->request_tag,
		.sol_not = ch->terms.solnt & SRP_LOGIN_AESOLNT ? SRP_SOLNT : 0,
		.req_lim_delta = (int32_t)delta,
		.sense = sense,
	};

	ar.sense_len = (uint32_t)scsi_sense_build(outcome_row(OUTCOME_UA_LUNS_CHANGED)->sense, -1, sense);
	if (n->n_lu > 0)
		memcpy(ar.lun, n->lu[0]->lun, sizeof(ar.lun));
	return srp_aer_req_encode(&ar, addr, CTL_REQUEST_BYTES);
}

/* ---- CRED_REQ ---- */

static size_t build_credit(const struct channel *ch, uint32_t delta, uint8_t *addr)
{
	struct srp_cred_req cr = {
		.tag = ch->request_tag,
		.sol_not = ch->terms.solnt & SRP_LOGIN_CRSOLNT ? SRP_SOLNT : 0,
		.req_lim_delta = (int32_t)delta,
	};

	return srp_cred_req_encode(&cr, addr, CTL_REQUEST_BYTES);
}

/* ---- both ---- */

void request_pump(struct channel *ch)
{
	uint8_t *addr = ch->slot->addr + CTL_LOGOUT_BYTES;
	bool event = wants_event(ch), solicited;
	uint32_t delta;
	size_t len;
	int rc;

	if (ch->awaited || ch->request.posted || (!event && !credit_wants_request(&ch->credit)))
		return;
	delta = credit_request(&ch->credit);
	ch->request_tag++;
	len = event ? build_event(ch, delta, addr) : build_credit(ch, delta, addr);
	solicited = ch->terms.solnt & (event ? SRP_LOGIN_AESOLNT : SRP_LOGIN_CRSOLNT);
	rc = channel_post_iu(ch, &ch->request, addr, len, solicited, request_done);
	if (rc == 0) {
		ch->request.posted = true;
		ch->awaited = event ? SRP_AER_RSP : SRP_CRED_RSP;
		ch->n_sent++;
		if (!event)
			return;
		ch->nexus->event = false;
		log_info("session %u: %s was told that its logical units changed", ch->nexus->id, ch->peer_text);
		return;
	}
	credit_unrequest(&ch->credit, delta);
	if (rc != -EAGAIN)
		channel_end(ch, OUTCOME_POST_FAILED);
}

bool request_answered(struct channel *ch, uint8_t opcode, uint64_t tag)
{
	if (ch->awaited != opcode || tag != ch->request_tag)
		return false;
	ch->awaited = 0;
	return true;
}
