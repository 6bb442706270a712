/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands: from the queue onto the wire as credits allow, with data described in the form that fits, and their answers.
 * Layer: initiator. Knows base, proto and rt.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

/* The keys under which the target may touch this command's memory. */
static int expose_cmd(struct slot *s, const struct initiator_cmd *c, uint32_t n_desc, uint32_t *buf_rkey, uint32_t *table_rkey)
{
	struct chan *ch = s->ch;
	const struct fabric_ops *ops = ch->i->fabric->ops;
	int rc;

	*buf_rkey = ch->arena_rkey;
	*table_rkey = ch->tables_rkey;
	if (!ch->i->p.register_always)
		return 0;
	rc = ops->expose(ch->conn, c->buf, c->len_bytes, &s->x_buf, buf_rkey);
	if (!rc && n_desc > 1)
		rc = ops->expose(ch->conn, s->table, (size_t)n_desc * SRP_MDESC_LEN, &s->x_table, table_rkey);
	return rc;
}

/* Cuts the buffer into @n descriptors of nearly the same length, written to the slot's table. */
static void write_table(struct slot *s, const struct initiator_cmd *c, uint32_t n, uint32_t rkey)
{
	uint64_t va = (uint64_t)(uintptr_t)c->buf;

	for (uint32_t k = 0; k < n; k++) {
		uint32_t len = c->len_bytes / n + (k < c->len_bytes % n);

		srp_mdesc_put(s->table + (size_t)k * SRP_MDESC_LEN, (struct srp_mdesc){ va, rkey, len });
		va += len;
	}
}

static bool may_be_immediate(const struct chan *ch, const struct initiator_cmd *c)
{
	return ch->immediate && c->dir == INITIATOR_WRITE && c->n_frag <= 1 && c->len_bytes <= ch->i->p.max_imm_bytes &&
	       (uint64_t)IMM_OFFSET + c->len_bytes <= ch->max_iu;
}

/* Fills @d for the command's buffer. Return: 0 or -errno. */
static int describe(struct slot *s, struct initiator_cmd *c, struct srp_data *d, uint8_t direct[SRP_MDESC_LEN])
{
	struct chan *ch = s->ch;
	const struct initiator_params *p = &ch->i->p;
	uint8_t *arena = p->arena;
	uint32_t n = c->n_frag > 1 ? c->n_frag : 1, buf_rkey, table_rkey, in_iu;
	int rc;

	if ((uint8_t *)c->buf < arena || (uint64_t)((uint8_t *)c->buf - arena) + c->len_bytes > p->arena_bytes)
		return -EINVAL;
	d->len_bytes = c->len_bytes;
	if (may_be_immediate(ch, c)) {
		d->fmt = SRP_FMT_IMMEDIATE;
		return 0;
	}
	if (n > p->max_descs || n > c->len_bytes)
		return -EINVAL;
	if (!(ch->terms.buf_fmt & (n == 1 ? SRP_BUF_DIRECT : SRP_BUF_INDIRECT)))
		return -EINVAL;
	rc = expose_cmd(s, c, n, &buf_rkey, &table_rkey);
	if (rc)
		return rc;
	if (n == 1) {
		srp_mdesc_put(direct, (struct srp_mdesc){ (uint64_t)(uintptr_t)c->buf, buf_rkey, c->len_bytes });
		d->fmt = SRP_FMT_DIRECT;
		d->desc = direct;
		d->n_desc = 1;
		return 0;
	}
	write_table(s, c, n, buf_rkey);
	in_iu = (ch->max_iu - SRP_CMD_LEN) / SRP_MDESC_LEN;
	in_iu = in_iu > 2 ? in_iu - 2 : 0;
	if (in_iu > p->cmd_descs)
		in_iu = p->cmd_descs;
	if (in_iu > 255)
		in_iu = 255;
	d->fmt = SRP_FMT_INDIRECT;
	d->n_desc = p->tables_external ? 0 : n < in_iu ? n : in_iu;
	d->desc = s->table;
	d->n_table = n;
	d->table = (struct srp_mdesc){ (uint64_t)(uintptr_t)s->table, table_rkey, n * SRP_MDESC_LEN };
	return 0;
}

static int send_command(struct slot *s, struct initiator_cmd *c)
{
	struct chan *ch = s->ch;
	struct srp_cmd cmd = {
		.tag = s->tag,
		.sol_not = ch->i->p.sol_not,
		.task_attr = c->task_attr,
		.cdb_len = sizeof(c->cdb),
		.cdb = c->cdb,
	};
	struct srp_data *d = c->dir == INITIATOR_WRITE ? &cmd.data_out : &cmd.data_in;
	uint8_t direct[SRP_MDESC_LEN];
	size_t len;
	int rc;

	memcpy(cmd.lun, c->lun, sizeof(cmd.lun));
	if (c->dir != INITIATOR_NONE && c->len_bytes) {
		rc = describe(s, c, d, direct);
		if (rc)
			return rc;
	}
	len = srp_cmd_encode(&cmd, IMM_OFFSET, false, s->iu, ch->max_iu);
	if (!len)
		return -EMSGSIZE;
	s->cmd = c;
	s->live = true;
	ch->n_live++;
	ch->req_lim--;
	c->tag = s->tag;
	c->slot = s->index;
	if (d->fmt == SRP_FMT_IMMEDIATE)
		slot_send(s, len, c->buf, c->len_bytes);
	else
		slot_send(s, len, NULL, 0);
	return 0;
}

/* Told later: the caller may stand inside initiator_submit(). */
static void reject_later(struct initiator *i, struct initiator_cmd *c, int code)
{
	c->code = code;
	list_push_back(&i->ended, &c->node);
	end_later(i);
}

void command_pump(struct chan *ch)
{
	/* One credit stays behind for task management. */
	while (chan_is_usable(ch) && ch->req_lim > 1 && !list_empty(&ch->waiting) && !list_empty(&ch->free[SLOT_CMD])) {
		struct slot *s = slot_get(ch, SLOT_CMD);
		struct initiator_cmd *c = list_entry(list_pop_front(&ch->waiting), struct initiator_cmd, node);
		int rc = send_command(s, c);

		if (rc) {
			slot_retire(s);
			reject_later(ch->i, c, rc == -ENOMEM ? rc : -EINVAL);
		}
	}
}

void initiator_submit(struct initiator *i, struct initiator_cmd *c)
{
	struct chan *ch = NULL;

	c->code = 0;
	c->status = 0;
	c->has_rsp_code = false;
	c->rsp_code = 0;
	c->resid_under = c->resid_over = c->sense_len = 0;
	c->tag = 0;
	if (c->channel != UINT32_MAX) {
		ch = c->channel < i->n_wanted ? &i->chan[c->channel] : NULL;
	} else {
		for (uint32_t k = 0; k < i->n_wanted && (!ch || !chan_is_usable(ch)); k++)
			ch = &i->chan[i->next_chan++ % i->n_wanted];
	}
	if (!ch || !chan_is_usable(ch) || !i->logged_in || i->logging_out) {
		reject_later(i, c, -ENOTCONN);
		return;
	}
	c->ch = ch->number;
	list_push_back(&ch->waiting, &c->node);
	command_pump(ch);
}

void command_end(struct slot *s, int code)
{
	struct initiator_cmd *c = s->cmd;

	/* Immediate data is sent from the caller's buffer, and an answer may come before the fabric is through with it. */
	if (s->sending && s->wr.n_seg > 1 && !list_linked(&s->node)) {
		s->ended = true;
		s->code = code;
		return;
	}
	c->code = s->ended ? s->code : code;
	s->ended = false;
	slot_retire(s);
	c->done(c);
}

void command_end_waiting(struct chan *ch, int code)
{
	struct list_node *n;

	while ((n = list_pop_front(&ch->waiting)))
		reject_later(ch->i, list_entry(n, struct initiator_cmd, node), code);
}

void command_answer(struct slot *s, const struct srp_rsp *rsp)
{
	struct initiator_cmd *c = s->cmd;

	c->status = rsp->status;
	c->has_rsp_code = rsp->has_rsp_code;
	c->rsp_code = rsp->rsp_code;
	if (rsp->flags & SRP_RSP_DIUNDER)
		c->resid_under = rsp->data_in_resid;
	else if (rsp->flags & SRP_RSP_DOUNDER)
		c->resid_under = rsp->data_out_resid;
	if (rsp->flags & SRP_RSP_DIOVER)
		c->resid_over = rsp->data_in_resid;
	else if (rsp->flags & SRP_RSP_DOOVER)
		c->resid_over = rsp->data_out_resid;
	c->sense_len = rsp->sense_len < sizeof(c->sense) ? rsp->sense_len : sizeof(c->sense);
	if (c->sense_len)
		memcpy(c->sense, rsp->sense, c->sense_len);
	command_end(s, 0);
}
