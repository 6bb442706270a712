/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The judge: what a target may not do. Nothing here changes the course of events; it counts, and keeps the first case as
 * text. It is stricter than ib_srp, which overlooks reserved fields and contradictory flags.
 * Layer: initiator. Knows base, proto and rt.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void PRINTF_LIKE(2, 0) keep_text(struct chan *ch, const char *fmt, va_list ap)
{
	struct initiator *i = ch->i;
	int n = snprintf(i->first_error, sizeof(i->first_error), "channel %u: ", ch->number);

	vsnprintf(i->first_error + n, sizeof(i->first_error) - (size_t)n, fmt, ap);
}

void protocol_error(struct chan *ch, const char *fmt, ...)
{
	va_list ap;

	if (ch->i->info.protocol_errors++)
		return;
	va_start(ap, fmt);
	keep_text(ch, fmt, ap);
	va_end(ap);
}

static bool all_zero(const uint8_t *p, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (p[k])
			return false;
	return true;
}

void judge_login_rsp(struct chan *ch, const uint8_t *priv, size_t len)
{
	const struct initiator *i = ch->i;
	const struct srp_login_rsp *t = &ch->terms;
	uint8_t multi = t->rsp_flags & SRP_MULTI_MASK;

	if (!i->raw_login_len) {
		if (t->tag != ch->login_tag)
			protocol_error(ch, "LOGIN_RSP with the tag of another login");
		if (t->rsp_flags & SRP_RSP_IMMED_SUPP && !i->p.immediate_data)
			protocol_error(ch, "LOGIN_RSP grants immediate data that nobody asked for");
	}
	if (!all_zero(priv + 1, 3) || !all_zero(priv + 27, SRP_LOGIN_RSP_LEN - 27))
		protocol_error(ch, "LOGIN_RSP with bits in reserved bytes");
	/* Transports pad private data with zeros. */
	if (len > SRP_LOGIN_RSP_LEN && !all_zero(priv + SRP_LOGIN_RSP_LEN, len - SRP_LOGIN_RSP_LEN))
		protocol_error(ch, "LOGIN_RSP of %zu bytes with something behind it", len);
	if (t->rsp_flags & ~(SRP_MULTI_MASK | SRP_RSP_SOLNT_SUPP | SRP_RSP_IMMED_SUPP))
		protocol_error(ch, "LOGIN_RSP with reserved flags 0x%02x", t->rsp_flags);
	if (t->buf_fmt & ~(SRP_BUF_DIRECT | SRP_BUF_INDIRECT))
		protocol_error(ch, "LOGIN_RSP with reserved formats 0x%04x", t->buf_fmt);
	if (ch->number == 0 && multi != SRP_RSP_MULTI_NONE &&
	    multi != (i->p.join ? SRP_RSP_MULTI_MAINTAINED : SRP_RSP_MULTI_TERMINATED))
		protocol_error(ch, "multichannel result %u for %s", multi, i->p.join ? "MULTI" : "SINGLE");
	if (ch->number > 0 && multi != SRP_RSP_MULTI_MAINTAINED)
		protocol_error(ch, "multichannel result %u for MULTI beside a live channel", multi);
	if (t->max_it_iu_len < i->p.req_it_iu_len && !i->raw_login_len)
		protocol_error(ch, "%u bytes per IU granted where %u were asked for", t->max_it_iu_len, i->p.req_it_iu_len);
}

void judge_rsp(struct chan *ch, const struct fabric_rx *rx, const struct srp_rsp *rsp)
{
	const uint8_t *iu = rx->data;
	uint64_t want = (uint64_t)SRP_RSP_LEN + (rsp->has_rsp_code ? SRP_RSP_DATA_LEN : 0) + rsp->sense_len;

	if (rx->len_bytes != want)
		protocol_error(ch, "RSP of %u bytes that describes %llu", rx->len_bytes, (unsigned long long)want);
	if (!all_zero(iu + 2, 2) || !all_zero(iu + 16, 2) || iu[1] & ~SRP_SOLNT || iu[18] & 0xc0)
		protocol_error(ch, "RSP with bits in reserved fields");
	if (rsp->has_rsp_code && !all_zero(iu + SRP_RSP_LEN, 3))
		protocol_error(ch, "RSP with bits in reserved response data");
	if (iu[18] & SRP_RSP_SNSVALID && !rsp->sense_len)
		protocol_error(ch, "RSP says that sense data is valid, but has none");
	if ((iu[18] & (SRP_RSP_DOOVER | SRP_RSP_DOUNDER)) == (SRP_RSP_DOOVER | SRP_RSP_DOUNDER) ||
	    (iu[18] & (SRP_RSP_DIOVER | SRP_RSP_DIUNDER)) == (SRP_RSP_DIOVER | SRP_RSP_DIUNDER))
		protocol_error(ch, "RSP with overflow and underflow of one direction");
	if (!!(iu[18] & (SRP_RSP_DOOVER | SRP_RSP_DOUNDER)) != !!rsp->data_out_resid)
		protocol_error(ch, "RSP whose data-out residual %u and flags 0x%02x disagree", rsp->data_out_resid, iu[18]);
	if (!!(iu[18] & (SRP_RSP_DIOVER | SRP_RSP_DIUNDER)) != !!rsp->data_in_resid)
		protocol_error(ch, "RSP whose data-in residual %u and flags 0x%02x disagree", rsp->data_in_resid, iu[18]);
}

void judge_request(struct chan *ch, const char *what, uint8_t sol_not, uint8_t login_flag)
{
	bool want = ch->i->p.login_flags & login_flag && ch->terms.rsp_flags & SRP_RSP_SOLNT_SUPP;

	if (!!(sol_not & SRP_SOLNT) != want)
		protocol_error(ch, "%s %s solicited notification", what, want ? "without the" : "with an unwanted");
}

static void judge_notification(const struct slot *s, const struct srp_rsp *rsp)
{
	bool good = rsp->status == 0 && (!rsp->has_rsp_code || rsp->rsp_code == SRP_RSP_CODE_OK);
	bool asked = s->ch->i->p.sol_not & (good ? SRP_SCSOLNT : SRP_UCSOLNT);
	bool want = asked && s->ch->terms.rsp_flags & SRP_RSP_SOLNT_SUPP;

	if (!!(rsp->sol_not & SRP_SOLNT) != want)
		protocol_error(s->ch, "RSP %s solicited notification", want ? "without the" : "with an unwanted");
}

void judge_answer(const struct slot *s, const struct srp_rsp *rsp)
{
	struct chan *ch = s->ch;
	const struct initiator_cmd *c = s->cmd;

	judge_notification(s, rsp);
	if (s->kind == SLOT_TMF) {
		if (!rsp->has_rsp_code || rsp->status || rsp->flags & 0x3c || rsp->sense_len)
			protocol_error(ch, "answer to task management without a response code, or with more than that");
		return;
	}
	if (rsp->has_rsp_code && (rsp->status || rsp->sense_len))
		protocol_error(ch, "RSP with both a response code and a status");
	if (rsp->status == 0x02 && !rsp->sense_len)
		protocol_error(ch, "CHECK CONDITION without sense data");
	if (c->dir != INITIATOR_WRITE && rsp->flags & (SRP_RSP_DOOVER | SRP_RSP_DOUNDER))
		protocol_error(ch, "data-out residual for a command without data-out");
	/* A device that has data for a host that gave no buffer says so with overflow. */
	if (c->dir == INITIATOR_WRITE && rsp->flags & (SRP_RSP_DIUNDER | SRP_RSP_DIOVER))
		protocol_error(ch, "data-in residual for a write");
	if (rsp->flags & SRP_RSP_DIUNDER && rsp->data_in_resid > c->len_bytes)
		protocol_error(ch, "residual %u of %u bytes", rsp->data_in_resid, c->len_bytes);
	if (rsp->flags & SRP_RSP_DOUNDER && rsp->data_out_resid > c->len_bytes)
		protocol_error(ch, "residual %u of %u bytes", rsp->data_out_resid, c->len_bytes);
}
