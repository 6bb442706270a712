/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Received information units by type; what an initiator may not send ends the channel with the reason that the
 * standard names.
 * Layer: core. Source: SRP r16a, information units; T_LOGOUT reasons.
 */
#include "channel.h"
#include "lu.h"
#include "nexus.h"
#include "shard.h"
#include "tmf.h"

#include <string.h>

static void drop(struct channel *ch, struct fabric_rx *rx)
{
	ch->ops->rx_release(rx);
}

static bool task_management(struct channel *ch, struct fabric_rx *rx)
{
	struct srp_tsk_mgmt tm;
	struct task *t;

	if (srp_tsk_mgmt_decode(rx->data, rx->len_bytes, &tm) != SRP_OK) {
		drop(ch, rx);
		channel_end(ch, OUTCOME_IU_SHORT);
		return true;
	}
	t = task_new(ch, tm.tag, true);
	if (!t)
		return false;
	drop(ch, rx);
	t->kind = TASK_MANAGEMENT;
	t->sol_not = tm.sol_not;
	memcpy(t->lun, tm.lun, sizeof(t->lun));
	if (!credit_take(&ch->credit)) {
		task_retire(t);
		channel_end(ch, OUTCOME_OVER_CREDIT);
		return true;
	}
	t->credit_held = true;
	if (nexus_find_tag(t->nexus, t->tag)) {
		task_refuse(t, OUTCOME_TMF_DUPLICATE_TAG);
		return true;
	}
	nexus_add_tag(t->nexus, t);
	tmf_receive(t, &tm);
	return true;
}

/* CRED_RSP and AER_RSP: only when we asked, and for what we asked. */
static void response(struct channel *ch, const struct fabric_rx *rx, uint8_t opcode)
{
	uint64_t tag;

	if (srp_simple_decode(rx->data, rx->len_bytes, opcode, &tag) != SRP_OK)
		channel_end(ch, OUTCOME_IU_SHORT);
	else if (!request_answered(ch, opcode, tag))
		channel_end(ch, OUTCOME_RSP_UNASKED);
	channel_mark(ch);
}

static void i_logout(struct channel *ch, const struct fabric_rx *rx)
{
	uint64_t tag;

	channel_end(ch, srp_simple_decode(rx->data, rx->len_bytes, SRP_I_LOGOUT, &tag) == SRP_OK ? OUTCOME_I_LOGOUT :
												      OUTCOME_IU_SHORT);
}

bool channel_receive(struct channel *ch, struct fabric_rx *rx)
{
	uint8_t opcode;

	if (rx->len_bytes == 0) {
		drop(ch, rx);
		channel_end(ch, OUTCOME_IU_SHORT);
		return true;
	}
	opcode = rx->data[0];
	switch (opcode) {
	case SRP_CMD:
		return command_receive(ch, rx);
	case SRP_TSK_MGMT:
		return task_management(ch, rx);
	case SRP_CRED_RSP:
	case SRP_AER_RSP:
		response(ch, rx, opcode);
		break;
	case SRP_I_LOGOUT:
		i_logout(ch, rx);
		break;
	default:
		channel_end(ch, OUTCOME_IU_TYPE);
	}
	drop(ch, rx);
	return true;
}
