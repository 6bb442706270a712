/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the target sends: answers, credits, asynchronous events, logouts. The receive buffer goes back before any
 * answer is sent, so that the target's next IU always finds one.
 * Layer: initiator. Knows base, proto and rt.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

static void reply(struct chan *ch, uint8_t opcode, uint64_t tag)
{
	struct slot *s = slot_get(ch, SLOT_REPLY);

	if (!s) {
		protocol_error(ch, "%s while earlier ones are unanswered", opcode == SRP_CRED_RSP ? "CRED_REQ" : "AER_REQ");
		return;
	}
	slot_send(s, srp_simple_encode(opcode, tag, s->iu, SRP_CRED_RSP_LEN), NULL, 0);
}

static void on_rsp(struct chan *ch, const struct fabric_rx *rx)
{
	struct initiator *i = ch->i;
	struct srp_rsp rsp;
	uint32_t index;
	struct slot *s;

	if (srp_rsp_decode(rx->data, rx->len_bytes, &rsp) != SRP_OK) {
		protocol_error(ch, "RSP of %u bytes whose lengths do not fit", rx->len_bytes);
		return;
	}
	i->info.rsps++;
	judge_rsp(ch, rx, &rsp);
	ch->req_lim += rsp.req_lim_delta;
	index = rsp.tag & 0xffffff;
	s = index < i->n_slots ? &ch->slot[index] : NULL;
	if (s && s->live && !s->ended && s->tag == rsp.tag && !list_linked(&s->node)) {
		judge_answer(s, &rsp);
		if (s->kind == SLOT_TMF)
			tmf_answer(s, &rsp);
		else
			command_answer(s, &rsp);
		return;
	}
	protocol_error(ch, "RSP for the unknown tag 0x%016llx", (unsigned long long)rsp.tag);
}

static void on_cred_req(struct chan *ch, const struct fabric_rx *rx)
{
	struct srp_cred_req cr;

	if (srp_cred_req_decode(rx->data, rx->len_bytes, &cr) != SRP_OK || rx->len_bytes != SRP_CRED_REQ_LEN) {
		protocol_error(ch, "CRED_REQ of %u bytes", rx->len_bytes);
		return;
	}
	judge_request(ch, "CRED_REQ", cr.sol_not, SRP_LOGIN_CRSOLNT);
	ch->i->info.cred_reqs++;
	ch->req_lim += cr.req_lim_delta;
	reply(ch, SRP_CRED_RSP, cr.tag);
}

static void on_aer_req(struct chan *ch, const struct fabric_rx *rx)
{
	struct srp_aer_req ar;

	if (srp_aer_req_decode(rx->data, rx->len_bytes, &ar) != SRP_OK) {
		protocol_error(ch, "AER_REQ of %u bytes", rx->len_bytes);
		return;
	}
	judge_request(ch, "AER_REQ", ar.sol_not, SRP_LOGIN_AESOLNT);
	if (!ar.sense_len)
		protocol_error(ch, "AER_REQ without sense data");
	ch->i->info.aer_reqs++;
	ch->req_lim += ar.req_lim_delta;
	reply(ch, SRP_AER_RSP, ar.tag);
}

static void on_t_logout(struct chan *ch, const struct fabric_rx *rx)
{
	struct srp_t_logout lo;

	if (srp_t_logout_decode(rx->data, rx->len_bytes, &lo) != SRP_OK || rx->len_bytes != SRP_T_LOGOUT_LEN) {
		protocol_error(ch, "T_LOGOUT of %u bytes", rx->len_bytes);
		return;
	}
	judge_request(ch, "T_LOGOUT", lo.sol_not, SRP_LOGIN_LOSOLNT);
	ch->i->info.t_logouts++;
	ch->i->info.t_logout_reason = lo.reason;
}

void chan_recv(void *ctx, struct fabric_rx *rx)
{
	struct chan *ch = ctx;
	struct initiator *i = ch->i;
	const struct fabric_ops *ops = i->fabric->ops;

	if (ch->state == CHAN_LIVE && !(i->raw_rx && i->raw_rx(i->raw_ctx, ch->number, rx->data, rx->len_bytes))) {
		if (rx->len_bytes > ch->terms.max_ti_iu_len)
			protocol_error(ch, "IU of %u bytes, %u were negotiated", rx->len_bytes, ch->terms.max_ti_iu_len);
		switch (rx->len_bytes ? rx->data[0] : 0) {
		case SRP_RSP:
			on_rsp(ch, rx);
			break;
		case SRP_CRED_REQ:
			on_cred_req(ch, rx);
			break;
		case SRP_AER_REQ:
			on_aer_req(ch, rx);
			break;
		case SRP_T_LOGOUT:
			on_t_logout(ch, rx);
			break;
		default:
			protocol_error(ch, "IU of %u bytes that no target sends", rx->len_bytes);
		}
	}
	ops->rx_release(rx);
	command_pump(ch);
	logout_check(i);
}
