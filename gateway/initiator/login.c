/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Login: channel 0 SINGLE, then the others MULTI, one after the other as ib_srp does. A refusal of channel 0 fails the login;
 * a refusal of a later one leaves the nexus with the channels before it.
 * Layer: initiator. Knows base, proto and rt.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void put_id(const struct initiator *i, const uint8_t id[SRP_PORT_ID_LEN], uint8_t out[SRP_PORT_ID_LEN])
{
	size_t half = SRP_PORT_ID_LEN / 2, first = i->p.revision_10 ? half : 0;

	memcpy(out, id + first, half);
	memcpy(out + half, id + half - first, half);
}

/* Return: bytes of private data. */
static size_t login_encode(const struct initiator *i, const struct srp_login_req *req, uint8_t priv[FABRIC_PRIV_MAX])
{
	size_t len = srp_login_req_encode(req, i->p.form, priv, FABRIC_PRIV_MAX), want = i->p.login_bytes;

	if (!want || want > FABRIC_PRIV_MAX)
		return len;
	if (want > len)
		memset(priv + len, 0, want - len);
	return want;
}

static int connect_channel(struct chan *ch, struct err *e)
{
	struct initiator *i = ch->i;
	const struct initiator_params *p = &i->p;
	uint8_t priv[FABRIC_PRIV_MAX];
	size_t priv_len;
	struct srp_login_req req = {
		.tag = 0x4c4f47494e000000ull + ch->number,
		.req_it_iu_len = p->req_it_iu_len,
		.buf_fmt = SRP_BUF_DIRECT | SRP_BUF_INDIRECT,
		.req_flags = (ch->number || p->join ? SRP_MULTI_MULTI : SRP_MULTI_SINGLE) | p->login_flags,
	};
	struct fabric_connect c = {
		.dst = p->dst,
		.src = p->src,
		.timeout_ms = p->timeout_ms,
		.params = {
			.reactor = p->reactor,
			.cbs = &chan_cbs,
			.ctx = ch,
			/* Answers to all requests, one request of the target, a T_LOGOUT, one to spare. */
			.n_recv = p->queue_size + N_TMF_SLOTS + 3,
			.sq_depth = i->n_slots,
		},
	};
	int rc;

	if (p->immediate_data) {
		req.req_flags |= SRP_LOGIN_IMMED_REQ;
		req.imm_data_offset = IMM_OFFSET;
	}
	put_id(i, p->i_port_id, req.i_port_id);
	put_id(i, p->t_port_id, req.t_port_id);
	ch->login_tag = req.tag;
	if (ch->number == 0 && i->raw_login_len) {
		priv_len = i->raw_login_len;
		memcpy(priv, i->raw_login, priv_len);
	} else {
		priv_len = login_encode(i, &req, priv);
	}
	c.params.priv = priv;
	c.params.priv_len = priv_len;
	ch->state = CHAN_CONNECTING;
	rc = i->fabric->ops->connect(i->fabric, &c, &ch->conn, e);
	if (rc) {
		ch->state = CHAN_IDLE;
		return rc;
	}
	return 0;
}

/* After a failed login the user may destroy @i in login_done(), unless he waits for a logout. */
static void login_report(struct initiator *i)
{
	bool logging_out = i->logging_out;

	i->logging_in = false;
	i->logged_in = !i->login_code;
	i->p.login_done(i->p.ctx, i->login_code, i->login_why, i->login_reject);
	if (logging_out)
		logout_check(i);
}

/* After a failure all channels must be closed before it is told. */
static void report_when_closed(struct initiator *i)
{
	for (uint32_t n = 0; n < i->n_wanted; n++)
		if (i->chan[n].state != CHAN_IDLE && i->chan[n].state != CHAN_CLOSED)
			return;
	login_report(i);
}

int initiator_login(struct initiator *i, struct err *e)
{
	int rc;

	if (i->logging_in || i->logged_in || i->chan[0].state != CHAN_IDLE)
		return err_set(e, -EALREADY, "this initiator has logged in before");
	rc = connect_channel(&i->chan[0], e);
	if (!rc)
		i->logging_in = true;
	return rc;
}

void login_fail(struct initiator *i, int code, const char *why)
{
	if (i->login_failed)
		return;
	i->login_failed = true;
	i->login_code = code;
	snprintf(i->login_why, sizeof(i->login_why), "%.*s", (int)sizeof(i->login_why) - 1, why);
	for (uint32_t n = 0; n < i->n_wanted; n++)
		chan_close(&i->chan[n]);
}

/* What the answer lets the channel do; 0 or -errno with text when it cannot be used. */
static int take_terms(struct chan *ch, const void *priv, size_t priv_len, const char **why)
{
	struct initiator *i = ch->i;
	const struct fabric_ops *ops = i->fabric->ops;

	*why = "the target accepted without an SRP_LOGIN_RSP";
	if (srp_login_rsp_decode(priv, priv_len, &ch->terms) != SRP_OK)
		return -EPROTO;
	judge_login_rsp(ch, priv, priv_len);
	ops->limits(ch->conn, &ch->limits);
	ch->req_lim = (int32_t)ch->terms.req_lim_delta;
	*why = "the target granted fewer than two requests";
	if (ch->req_lim < 2)
		return -EPROTO;
	*why = "the target's information unit limits are below 64 bytes";
	if (ch->terms.max_it_iu_len < SRP_IU_MIN || ch->terms.max_ti_iu_len < SRP_IU_MIN)
		return -EPROTO;
	/* More than we have room for helps nobody. */
	ch->max_iu = ch->terms.max_it_iu_len < i->p.req_it_iu_len ? ch->terms.max_it_iu_len : i->p.req_it_iu_len;
	*why = "the target supports no data buffer format";
	if (!(ch->terms.buf_fmt & (SRP_BUF_DIRECT | SRP_BUF_INDIRECT)))
		return -EPROTO;
	ch->immediate = i->p.immediate_data && ch->terms.rsp_flags & SRP_RSP_IMMED_SUPP && ch->limits.max_send_seg >= 2;
	*why = "cannot register the memory for this channel";
	if (!i->p.register_always) {
		if (i->p.arena_bytes &&
		    ops->expose(ch->conn, i->p.arena, i->p.arena_bytes, &ch->x_arena, &ch->arena_rkey))
			return -ENOMEM;
		if (ops->expose(ch->conn, i->table_region.base, i->table_region.len_bytes, &ch->x_tables, &ch->tables_rkey))
			return -ENOMEM;
	}
	return 0;
}

void login_established(struct chan *ch, const void *priv, size_t priv_len)
{
	struct initiator *i = ch->i;
	struct err e = ERR_INIT;
	const char *why;
	int rc;

	if (i->login_failed || ch->state != CHAN_CONNECTING)
		return;
	rc = take_terms(ch, priv, priv_len, &why);
	if (rc) {
		login_fail(i, rc, why);
		return;
	}
	ch->state = CHAN_LIVE;
	ch->may_post = true;
	i->info.n_channels++;
	if (ch->number == 0) {
		i->info.max_it_iu_len = ch->terms.max_it_iu_len;
		i->info.max_ti_iu_len = ch->terms.max_ti_iu_len;
		i->info.multi_result = ch->terms.rsp_flags & SRP_MULTI_MASK;
		i->info.immediate_data = ch->immediate;
	}
	if (ch->number + 1 == i->n_wanted) {
		login_report(i);
		return;
	}
	rc = connect_channel(&i->chan[ch->number + 1], &e);
	if (rc)
		login_fail(i, rc, e.cause);
}

void login_refused(struct chan *ch, int code, const char *why, const void *priv, size_t priv_len)
{
	struct initiator *i = ch->i;
	struct srp_login_rej rej;

	if (!i->login_failed) {
		if (priv_len && srp_login_rej_decode(priv, priv_len, &rej) == SRP_OK) {
			i->login_reject = rej.reason;
			if (rej.tag != ch->login_tag && !i->raw_login_len)
				protocol_error(ch, "LOGIN_REJ with the tag of another login");
			snprintf(i->login_why, sizeof(i->login_why), "login of channel %u rejected: %s (0x%08x)", ch->number,
				 srp_rej_reason_name(rej.reason), rej.reason);
		} else {
			snprintf(i->login_why, sizeof(i->login_why), "connecting channel %u failed: %s", ch->number, why);
		}
		if (ch->number == 0) {
			i->login_failed = true;
			i->login_code = code ? code : -ECONNREFUSED;
		} else {
			i->login_ok = true; /* with the channels before this one */
		}
	}
	chan_close(ch);
}

void login_closed(struct chan *ch)
{
	struct initiator *i = ch->i;

	if (i->login_failed) {
		report_when_closed(i);
	} else if (i->login_ok) {
		i->login_code = 0;
		login_report(i);
	}
}
