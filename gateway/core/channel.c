/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of an RDMA channel, and what it posts. See channel.h.
 * Layer: core.
 */
#include "channel.h"

#include "../base/log.h"
#include "io.h"
#include "nexus.h"
#include "shard.h"

#include <errno.h>
#include <stdio.h>

const char *channel_state_name(enum channel_state s)
{
	static const char *const names[] = { "connecting", "live", "disconnecting", "draining", "disconnected" };

	return (unsigned)s < sizeof(names) / sizeof(names[0]) ? names[s] : "?";
}

/* Forward only. */
static void advance(struct channel *ch, enum channel_state to)
{
	if (to <= ch->state)
		return;
	ch->state = to;
	shard_trace(ch->shard, TRACE_CHANNEL_STATE, ch->number, to, ch->nexus->id);
}

void channel_mark(struct channel *ch)
{
	if (ch->state < CHANNEL_DISCONNECTED && !list_linked(&ch->dirty_node))
		list_push_back(&ch->shard->dirty_channels, &ch->dirty_node);
}

/* ---- ending ---- */

static void drop_parked(struct channel *ch)
{
	for (; ch->n_park > 0; ch->n_park--) {
		ch->ops->rx_release(ch->park[ch->park_head]);
		ch->park_head = (ch->park_head + 1) % ch->park_cap;
	}
	list_del(&ch->parked_node);
}

static void cancel_tasks(struct channel *ch)
{
	list_for_each_safe(pos, &ch->nexus->tasks) {
		struct task *t = list_entry(pos, struct task, nexus_node);

		if (t->ch == ch)
			task_cancel(t, TASK_CAUSE_CHANNEL);
	}
}

static void log_end(const struct channel *ch, enum outcome why)
{
	const struct outcome_row *row = outcome_row(why);
	char key[NEXUS_KEY_STRLEN];

	nexus_key_str(&ch->nexus->key, key);
	if (row->kind == OUTCOME_LOGOUT && why != OUTCOME_REPLACED && why != OUTCOME_DRAINED)
		log_warn("session %u: channel %u of %s at %s ends: %s (T_LOGOUT %u)", ch->nexus->id, ch->number, key,
			 ch->peer_text, row->text, row->value);
	else
		log_info("session %u: channel %u of %s at %s ends: %s", ch->nexus->id, ch->number, key, ch->peer_text,
			 row->text);
}

static bool is_protocol_error(enum outcome why)
{
	return why >= OUTCOME_IU_SHORT && why <= OUTCOME_OVER_CREDIT;
}

void channel_end(struct channel *ch, enum outcome why)
{
	if (ch->end != OUTCOME_OK)
		return;
	if (!ch->accepted) {
		if (ch->end_wanted == OUTCOME_OK)
			ch->end_wanted = why;
		return;
	}
	ch->end = why;
	ch->shard->protocol_errors_total += is_protocol_error(why);
	shard_trace(ch->shard, TRACE_CHANNEL_END, ch->number, why, 0);
	log_end(ch, why);
	drop_parked(ch);
	if (outcome_row(why)->kind == OUTCOME_LOGOUT) {
		advance(ch, CHANNEL_DISCONNECTING);
		timer_arm_in(ch->shard->reactor, &ch->logout_timer, CHANNEL_LOGOUT_MS * NS_PER_MS);
	} else {
		advance(ch, CHANNEL_DRAINING);
	}
	cancel_tasks(ch);
	channel_mark(ch);
}

/* The T_LOGOUT is out, or will never be. */
static void disconnect(struct channel *ch)
{
	timer_cancel(ch->shard->reactor, &ch->logout_timer);
	advance(ch, CHANNEL_DRAINING);
	channel_mark(ch);
}

static void logout_timeout(struct reactor_timer *t)
{
	struct channel *ch = container_of(t, struct channel, logout_timer);
	struct shard *s = ch->shard;

	shard_enter(s);
	disconnect(ch);
	shard_leave(s);
}

/* ---- posting ---- */

int channel_post(struct channel *ch, struct fabric_op *op)
{
	int rc = ch->ops->post(ch->conn, op);

	ch->n_posted += rc == 0;
	return rc;
}

/* Room in the send queue grows only here. */
void channel_op_done(struct channel *ch)
{
	ch->n_posted--;
	channel_mark(ch);
}

struct xfer_limits channel_round_limits(const struct channel *ch, enum fabric_opcode opcode)
{
	uint32_t sq_free = ch->ops->sq_free(ch->conn);
	uint32_t splinter = ch->terms.sq_depth / 4 < 4 ? ch->terms.sq_depth / 4 : 4;
	struct xfer_limits lim = {
		.max_wr = sq_free > 1 ? sq_free - 1 : 0,
		.max_seg = IO_ROUND_SEG,
		.max_wr_seg = opcode == FABRIC_READ ? ch->limits.max_read_seg : ch->limits.max_write_seg,
		.max_wr_bytes = ch->limits.max_wr_bytes,
	};

	if (lim.max_wr > IO_ROUND_WR)
		lim.max_wr = IO_ROUND_WR;
	if (lim.max_wr < splinter && ch->n_posted > 0)
		lim.max_wr = 0;
	return lim;
}

int channel_post_iu(struct channel *ch, struct channel_iu *iu, uint8_t *addr, size_t len, bool solicited,
		    void (*done)(struct fabric_op *op, enum fabric_wc_status status))
{
	iu->seg = (struct fabric_seg){ .addr = addr, .len_bytes = (uint32_t)len, .region = shard_region(ch->shard) };
	iu->wr = (struct fabric_wr){
		.opcode = FABRIC_SEND,
		.flags = solicited ? FABRIC_SOLICITED : 0,
		.n_seg = 1,
		.seg = &iu->seg,
	};
	iu->op = (struct fabric_op){ .first = &iu->wr, .n_wr = 1, .done = done };
	return channel_post(ch, &iu->op);
}

static void logout_done(struct fabric_op *op, enum fabric_wc_status status)
{
	struct channel *ch = container_of(op, struct channel, logout.op);
	struct shard *s = ch->shard;

	(void)status;
	shard_enter(s);
	channel_op_done(ch);
	disconnect(ch);
	shard_leave(s);
}

static void pump_logout(struct channel *ch)
{
	struct srp_t_logout lo = { .reason = outcome_row(ch->end)->value };
	bool solicited = ch->terms.solnt & SRP_LOGIN_LOSOLNT;
	size_t len;
	int rc;

	if (ch->logout.posted)
		return;
	lo.sol_not = solicited ? SRP_SOLNT : 0;
	len = srp_t_logout_encode(&lo, ch->slot->addr, CTL_LOGOUT_BYTES);
	rc = channel_post_iu(ch, &ch->logout, ch->slot->addr, len, solicited, logout_done);
	if (rc == 0) {
		ch->logout.posted = true;
		ch->n_sent++;
	} else if (rc != -EAGAIN) {
		disconnect(ch);
	}
}

/* Only the head of a queue advances. Responses first: they free what the others wait for. */
static void pump_tasks(struct channel *ch)
{
	enum pump go = PUMP_GO;
	struct list_node *n;

	while (go == PUMP_GO && channel_alive(ch) && (n = list_first(&ch->send))) {
		struct task *t = list_entry(n, struct task, node);

		go = t->state == TASK_WAIT_PLACE ? place_pump(t) : respond_pump(t);
	}
	while (go == PUMP_GO && channel_alive(ch) && (n = list_first(&ch->fetch)))
		go = fetch_pump(list_entry(n, struct task, node));
}

void channel_pump(struct channel *ch)
{
	if (ch->state == CHANNEL_LIVE && channel_alive(ch)) {
		pump_tasks(ch);
		/* Nearly always there is nothing to ask. */
		if (channel_alive(ch) && (ch->credit.owed > 0 || ch->nexus->event))
			request_pump(ch);
	}
	if (ch->state == CHANNEL_DISCONNECTING)
		pump_logout(ch);
	if (ch->state == CHANNEL_DRAINING && !ch->closing) {
		ch->closing = true;
		ch->ops->close(ch->conn);
	}
}

/* ---- the fabric's callbacks ---- */

static void now_accepted(struct channel *ch)
{
	ch->accepted = true;
	if (ch->end_wanted != OUTCOME_OK)
		channel_end(ch, ch->end_wanted);
}

static void on_established(void *ctx, const void *priv, size_t priv_len)
{
	struct channel *ch = ctx;
	struct shard *s = ch->shard;

	(void)priv;
	(void)priv_len;
	shard_enter(s);
	now_accepted(ch);
	advance(ch, CHANNEL_LIVE);
	channel_mark(ch);
	shard_leave(s);
}

static void park(struct channel *ch, struct fabric_rx *rx)
{
	if (ch->n_park == ch->park_cap) {
		/* More IUs than receives: the host overran its credits. */
		ch->ops->rx_release(rx);
		channel_end(ch, OUTCOME_OVER_CREDIT);
		return;
	}
	ch->park[(ch->park_head + ch->n_park++) % ch->park_cap] = rx;
	if (!list_linked(&ch->parked_node))
		list_push_back(&ch->shard->parked, &ch->parked_node);
}

void channel_unpark(struct channel *ch)
{
	while (ch->n_park > 0) {
		struct fabric_rx *rx = ch->park[ch->park_head];

		/* Taken out first: an IU that ends the channel releases all that are parked. */
		ch->park_head = (ch->park_head + 1) % ch->park_cap;
		ch->n_park--;
		if (channel_receive(ch, rx))
			continue;
		ch->park_head = (ch->park_head + ch->park_cap - 1) % ch->park_cap;
		ch->park[ch->park_head] = rx;
		ch->n_park++;
		list_push_back(&ch->shard->parked, &ch->parked_node);
		return;
	}
}

static void on_recv(void *ctx, struct fabric_rx *rx)
{
	struct channel *ch = ctx;
	struct shard *s = ch->shard;

	shard_enter(s);
	now_accepted(ch);
	/* The first IU may overtake the notice that the connection stands. */
	advance(ch, CHANNEL_LIVE);
	ch->n_recv++;
	if (!channel_alive(ch))
		ch->ops->rx_release(rx);
	else if (ch->n_park > 0 || !channel_receive(ch, rx))
		park(ch, rx);
	shard_leave(s);
}

static void on_down(void *ctx, enum fabric_down cause)
{
	struct channel *ch = ctx;
	struct shard *s = ch->shard;

	(void)cause;
	shard_enter(s);
	now_accepted(ch);
	channel_end(ch, OUTCOME_PEER_GONE);
	disconnect(ch);
	shard_leave(s);
}

/* Leaves the nexus; the memory goes to control, which counts it. */
static void depart(struct channel *ch)
{
	struct shard *s = ch->shard;
	struct nexus *n = ch->nexus;

	advance(ch, CHANNEL_DISCONNECTED);
	timer_cancel(s->reactor, &ch->logout_timer);
	drop_parked(ch);
	list_del(&ch->nexus_node);
	list_del(&ch->dirty_node);
	n->n_channels--;
	s->n_channels--;
	shard_ctl_put(s, ch->slot);
	nexus_mark(n);
	if (ch->told)
		reactor_send(s->control, &ch->gone);
}

static void on_closed(void *ctx)
{
	struct channel *ch = ctx;
	struct shard *s = ch->shard;

	shard_enter(s);
	list_for_each_safe(pos, &ch->nexus->tasks) {
		struct task *t = list_entry(pos, struct task, nexus_node);

		if (t->ch != ch)
			continue;
		s->contract_breaches_total++;
		log_error("session %u: channel %u closed with a work request not completed", ch->nexus->id, ch->number);
		task_retire(t);
	}
	depart(ch);
	shard_leave(s);
}

const struct fabric_conn_cbs channel_cbs = {
	.established = on_established,
	.recv = on_recv,
	.down = on_down,
	.closed = on_closed,
};

/* ---- life ---- */

struct channel *channel_create(struct nexus *n, struct fabric_conn *conn, const struct login_terms *terms,
			       const struct fabric_addr *peer, const char *device)
{
	struct shard *s = n->shard;
	struct channel *ch = calloc(1, sizeof(*ch));

	if (!ch)
		return NULL;
	ch->park_cap = terms->n_recv;
	ch->park = calloc(ch->park_cap, sizeof(struct fabric_rx *));
	ch->slot = shard_ctl_get(s);
	if (!ch->park || !ch->slot) {
		if (ch->slot)
			shard_ctl_put(s, ch->slot);
		free(ch->park);
		free(ch);
		return NULL;
	}
	ch->shard = s;
	ch->nexus = n;
	ch->conn = conn;
	ch->ops = conn->ops;
	ch->terms = *terms;
	ch->peer = *peer;
	ch->number = ++s->next_number;
	ch->gone.fn = port_channel_gone;
	snprintf(ch->device, sizeof(ch->device), "%s", device);
	fabric_addr_str(peer, ch->peer_text);
	credit_init(&ch->credit, terms->req_lim);
	list_init(&ch->fetch);
	list_init(&ch->send);
	list_node_init(&ch->dirty_node);
	list_node_init(&ch->parked_node);
	timer_init(&ch->logout_timer, logout_timeout);
	list_push_back(&n->channels, &ch->nexus_node);
	n->n_channels++;
	n->had_channels = true;
	s->n_channels++;
	return ch;
}

void channel_accepted(struct channel *ch, bool ok)
{
	ch->told = true;
	if (ch->state == CHANNEL_DISCONNECTED) {
		/* Its whole life was over before control's message came. */
		reactor_send(ch->shard->control, &ch->gone);
	} else if (ok) {
		now_accepted(ch);
		channel_mark(ch);
	} else {
		depart(ch);
	}
}

void channel_free(struct channel *ch)
{
	free(ch->park);
	free(ch);
}
