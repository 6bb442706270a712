/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A channel: its connection, its transmit slots, and their way onto the send queue.
 * Layer: initiator. Knows base, proto and rt.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

static void send_done(struct fabric_op *op, enum fabric_wc_status status);

int chan_init(struct chan *ch, struct initiator *i, uint32_t number)
{
	ch->i = i;
	ch->number = number;
	for (int k = 0; k < SLOT_N_KINDS; k++)
		list_init(&ch->free[k]);
	list_init(&ch->tx);
	list_init(&ch->waiting);
	ch->slot = calloc(i->n_slots, sizeof(*ch->slot));
	if (!ch->slot)
		return -ENOMEM;
	for (uint32_t k = 0; k < i->n_slots; k++) {
		struct slot *s = &ch->slot[k];

		s->ch = ch;
		s->index = k;
		if (k < i->p.queue_size)
			s->kind = SLOT_CMD;
		else if (k < i->p.queue_size + N_TMF_SLOTS)
			s->kind = SLOT_TMF;
		else if (k < i->p.queue_size + N_TMF_SLOTS + N_REPLY_SLOTS)
			s->kind = SLOT_REPLY;
		else
			s->kind = SLOT_RAW;
		list_push_back(&ch->free[s->kind], &s->node);
	}
	return 0;
}

void chan_fini(struct chan *ch)
{
	free(ch->slot);
}

bool chan_is_usable(const struct chan *ch)
{
	return ch->state == CHAN_LIVE && ch->may_post;
}

struct slot *slot_get(struct chan *ch, enum slot_kind kind)
{
	struct list_node *n = list_pop_front(&ch->free[kind]);
	struct slot *s;

	if (!n)
		return NULL;
	s = list_entry(n, struct slot, node);
	s->generation++;
	/* Never a tag twice: an answer to an old task cannot be taken for one to a new task. Bit 63 marks task management. */
	/* Bit 63: who joins a nexus keeps out of the way of its other channels' tags. */
	s->tag = (uint64_t)ch->i->p.join << 63 | (uint64_t)(s->generation & 0x7fffffff) << 32 |
		 (uint64_t)ch->number << 24 | s->index;
	if (kind == SLOT_TMF)
		s->tag |= 1ull << 63;
	s->order = ++ch->i->order;
	return s;
}

static void slot_maybe_free(struct slot *s)
{
	if (!s->live && !s->sending)
		list_push_back(&s->ch->free[s->kind], &s->node);
}

void slot_retire(struct slot *s)
{
	const struct fabric_ops *ops = s->ch->i->fabric->ops;

	if (s->x_buf)
		ops->unexpose(s->ch->conn, s->x_buf);
	if (s->x_table)
		ops->unexpose(s->ch->conn, s->x_table);
	s->x_buf = s->x_table = NULL;
	s->cmd = NULL;
	if (s->live)
		s->ch->n_live--;
	s->live = false;
	slot_maybe_free(s);
}

/* Posts what waits, in order. A refusal means that the channel goes down: down() will come and end everything. */
static void chan_flush(struct chan *ch)
{
	struct list_node *n;

	while (ch->may_post && (n = list_first(&ch->tx))) {
		struct slot *s = list_entry(n, struct slot, node);
		int rc;

		list_del(n);
		rc = ch->i->fabric->ops->post(ch->conn, &s->op);
		if (!rc)
			continue;
		list_push_front(&ch->tx, n);
		if (rc != -EAGAIN)
			ch->may_post = false;
		return;
	}
}

void slot_send(struct slot *s, size_t iu_len, void *more, uint32_t more_len)
{
	struct initiator *i = s->ch->i;

	s->seg[0] = (struct fabric_seg){ .addr = s->iu, .len_bytes = (uint32_t)iu_len, .region = &i->iu_region };
	s->seg[1] = (struct fabric_seg){ .addr = more, .len_bytes = more_len, .region = &i->arena_region };
	s->wr = (struct fabric_wr){ .opcode = FABRIC_SEND, .n_seg = more_len ? 2 : 1, .seg = s->seg };
	s->op.first = &s->wr;
	s->op.n_wr = 1;
	s->op.done = send_done;
	s->sending = true;
	list_push_back(&s->ch->tx, &s->node);
	chan_flush(s->ch);
}

static void send_done(struct fabric_op *op, enum fabric_wc_status status)
{
	struct slot *s = container_of(op, struct slot, op);
	struct chan *ch = s->ch;

	s->sending = false;
	if (s->ended)
		command_end(s, s->code);
	else
		slot_maybe_free(s);
	if (status != FABRIC_WC_OK)
		return; /* down() tells */
	chan_flush(ch);
	command_pump(ch);
}

void chan_close(struct chan *ch)
{
	if (ch->state != CHAN_CONNECTING && ch->state != CHAN_LIVE)
		return;
	ch->state = CHAN_CLOSING;
	ch->may_post = false;
	ch->i->fabric->ops->close(ch->conn);
}

static const char *down_text(enum fabric_down cause)
{
	switch (cause) {
	case FABRIC_DOWN_PEER:
		return "the target disconnected";
	case FABRIC_DOWN_DEVICE:
		return "the RDMA device is being removed";
	case FABRIC_DOWN_REFUSED:
		return "refused";
	case FABRIC_DOWN_ERROR:
		break;
	}
	return "the connection broke";
}

static void on_established(void *ctx, const void *priv, size_t priv_len)
{
	login_established(ctx, priv, priv_len);
}

static void on_refused(void *ctx, int code, const char *why, const void *priv, size_t priv_len)
{
	login_refused(ctx, code, why, priv, priv_len);
}

static void on_down(void *ctx, enum fabric_down cause)
{
	struct chan *ch = ctx;
	struct initiator *i = ch->i;
	bool told = i->logged_in && !i->logging_out && ch->state == CHAN_LIVE;

	if (i->logging_in)
		login_fail(i, -ECONNRESET, down_text(cause));
	chan_close(ch);
	if (told && i->p.lost)
		i->p.lost(i->p.ctx, down_text(cause));
}

/* The fabric is through with this channel's memory: only now may the commands' buffers go back to their owners. */
static void on_closed(void *ctx)
{
	struct chan *ch = ctx;
	struct initiator *i = ch->i;
	const struct fabric_ops *ops = i->fabric->ops;
	struct list_node *n;

	/* Slots that never reached the send queue. */
	while ((n = list_pop_front(&ch->tx))) {
		struct slot *s = list_entry(n, struct slot, node);

		s->sending = false;
		slot_maybe_free(s);
	}
	for (uint32_t k = 0; k < i->n_slots; k++) {
		struct slot *s = &ch->slot[k];

		if (s->live && s->kind == SLOT_CMD)
			command_end(s, -ENOTCONN);
	}
	for (uint32_t k = 0; k < i->n_slots; k++) {
		struct slot *s = &ch->slot[k];

		if (s->live && s->kind == SLOT_TMF && !list_linked(&s->node))
			tmf_end(s, -ENOTCONN, 0);
	}
	command_end_waiting(ch, -ENOTCONN);
	if (ch->x_arena)
		ops->unexpose(ch->conn, ch->x_arena);
	if (ch->x_tables)
		ops->unexpose(ch->conn, ch->x_tables);
	ch->x_arena = ch->x_tables = NULL;
	ch->conn = NULL;
	ch->state = CHAN_CLOSED;
	if (i->logging_in)
		login_closed(ch);
	else
		logout_check(i);
}

const struct fabric_conn_cbs chan_cbs = {
	.established = on_established,
	.refused = on_refused,
	.recv = chan_recv,
	.down = on_down,
	.closed = on_closed,
};
