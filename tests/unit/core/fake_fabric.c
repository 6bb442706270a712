/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scripted fabric, see fake_fabric.h.
 */
#include "fake_fabric.h"

#include "cmocka_all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fake_conn *conn_of(const struct fabric_conn *c)
{
	return (struct fake_conn *)(uintptr_t)c;
}

static void op_limits(struct fabric_conn *conn, struct fabric_limits *out)
{
	*out = conn_of(conn)->fab->limits;
}

static int op_accept(struct fabric_conn *conn, const struct fabric_accept *a)
{
	struct fake_conn *c = conn_of(conn);

	if (c->fab->accept_rc < 0)
		return c->fab->accept_rc;
	assert_false(c->accepted || c->rejected);
	c->accepted = true;
	c->cbs = a->cbs;
	c->ctx = a->ctx;
	c->n_recv = a->n_recv;
	c->sq_depth = a->sq_depth;
	assert_true(a->sq_depth <= c->fab->limits.sq_depth);
	assert_true(a->n_recv <= c->fab->limits.max_recv);
	memcpy(c->reply, a->priv, a->priv_len);
	c->reply_len = a->priv_len;
	return 0;
}

static void op_reject(struct fabric_conn *conn, const void *priv, size_t len)
{
	struct fake_conn *c = conn_of(conn);

	assert_false(c->accepted || c->rejected);
	c->rejected = true;
	memcpy(c->reply, priv, len);
	c->reply_len = len;
}

static int op_post(struct fabric_conn *conn, struct fabric_op *op)
{
	struct fake_conn *c = conn_of(conn);
	uint32_t n = 0;

	assert_true(c->accepted && !c->closed);
	assert_false(c->closing);
	for (struct fabric_wr *wr = op->first; wr; wr = wr->next, n++) {
		uint32_t most = wr->opcode == FABRIC_READ  ? c->fab->limits.max_read_seg :
				wr->opcode == FABRIC_WRITE ? c->fab->limits.max_write_seg :
							     c->fab->limits.max_send_seg;

		assert_true(wr->n_seg > 0 && wr->n_seg <= most);
	}
	assert_int_equal(n, op->n_wr);
	c->fab->n_posts++;
	if (c->fab->fail_post_at && --c->fab->fail_post_at == 0)
		return c->fab->fail_post_rc;
	if (c->broken)
		return -ENOTCONN;
	if (c->n_wr_posted + n > c->sq_depth)
		return -EAGAIN;
	c->n_wr_posted += n;
	c->n_posted++;
	if (n > c->largest_chain)
		c->largest_chain = n;
	list_push_back(&c->posted, &op->node);
	return 0;
}

static uint32_t op_sq_free(const struct fabric_conn *conn)
{
	const struct fake_conn *c = conn_of(conn);

	return c->sq_depth - c->n_wr_posted;
}

struct fake_rx {
	struct fabric_rx base;
	struct fake_fabric *fab;
	uint8_t bytes[];
};

static void op_rx_release(struct fabric_rx *rx)
{
	struct fake_rx *r = (struct fake_rx *)rx;

	r->fab->n_rx_held--;
	free(r);
}

static bool op_rx_low(const struct fabric_conn *conn)
{
	return conn_of(conn)->fab->rx_low;
}

static void op_close(struct fabric_conn *conn)
{
	struct fake_conn *c = conn_of(conn);

	assert_true(c->accepted);
	assert_false(c->closing);
	c->closing = true;
}

static const struct fabric_ops fake_ops = {
	.name = "fake",
	.limits = op_limits,
	.accept = op_accept,
	.reject = op_reject,
	.post = op_post,
	.sq_free = op_sq_free,
	.rx_release = op_rx_release,
	.rx_low = op_rx_low,
	.close = op_close,
};

void fake_fabric_init(struct fake_fabric *f, struct reactor *r)
{
	*f = (struct fake_fabric){
		.base.ops = &fake_ops,
		.reactor = r,
		.limits = {
			.sq_depth = 256,
			.max_send_seg = 4,
			.max_write_seg = 8,
			.max_read_seg = 4,
			.max_wr_bytes = 1u << 20,
			.max_reads = 16,
			.max_recv = 256,
			.rx_bytes = 8276,
		},
		.rkey = 0x1234,
	};
}

void fake_fabric_free(struct fake_fabric *f)
{
	for (uint32_t i = 0; i < f->n_conns; i++) {
		free(f->conn[i]->sent);
		free(f->conn[i]);
	}
	f->n_conns = 0;
}

struct fake_conn *fake_login(struct fake_fabric *f, struct core *core, const char *peer, const void *priv, size_t len,
			     enum fabric_login_form form)
{
	struct fake_conn *c = calloc(1, sizeof(*c));
	struct fabric_login login = { .priv = priv, .priv_len = len, .form = form, .device = "fake0" };

	assert_non_null(c);
	assert_true(f->n_conns < FAKE_MAX_CONNS);
	c->base.ops = &fake_ops;
	c->base.reactor = f->reactor;
	c->fab = f;
	c->sent = calloc(FAKE_MAX_SENT, sizeof(*c->sent));
	assert_non_null(c->sent);
	list_init(&c->posted);
	f->conn[f->n_conns++] = c;
	assert_int_equal(fabric_addr_parse(peer, (uint16_t)(40000 + f->n_conns), &login.peer), 0);
	assert_int_equal(fabric_addr_parse("10.0.0.100", 5555, &login.local), 0);
	core_listen_cbs.login(core, &c->base, &login);
	return c;
}

void fake_gone(struct fake_conn *c, struct core *core)
{
	core_listen_cbs.gone(core, &c->base);
}

void fake_established(struct fake_conn *c)
{
	assert_true(c->accepted);
	c->cbs->established(c->ctx, NULL, 0);
}

void fake_send(struct fake_conn *c, const void *iu, size_t len)
{
	struct fake_rx *rx = malloc(sizeof(*rx) + len);

	assert_non_null(rx);
	assert_true(c->accepted);
	*rx = (struct fake_rx){ .base = { .data = rx->bytes, .len_bytes = (uint32_t)len }, .fab = c->fab };
	memcpy(rx->bytes, iu, len);
	if (c->closing || c->closed) {
		free(rx);
		return;
	}
	c->fab->n_rx_held++;
	c->cbs->recv(c->ctx, &rx->base);
}

static void move(struct fake_conn *c, const struct fabric_wr *wr)
{
	struct fake_fabric *f = c->fab;
	uint8_t *remote = (uint8_t *)(uintptr_t)wr->remote_addr;
	size_t total = 0;

	for (uint16_t i = 0; i < wr->n_seg; i++)
		total += wr->seg[i].len_bytes;
	if (remote < f->mem || remote + total > f->mem + f->mem_bytes || wr->rkey != f->rkey || c->closed) {
		f->n_stray++;
		return;
	}
	assert_true(total <= f->limits.max_wr_bytes);
	for (uint16_t i = 0; i < wr->n_seg; i++) {
		const struct fabric_seg *s = &wr->seg[i];

		if (wr->opcode == FABRIC_WRITE)
			memcpy(remote, s->addr, s->len_bytes);
		else
			memcpy(s->addr, remote, s->len_bytes);
		remote += s->len_bytes;
	}
	if (wr->opcode == FABRIC_WRITE) {
		c->n_write_wr++;
		c->write_bytes += total;
	} else {
		c->n_read_wr++;
		c->read_bytes += total;
	}
}

static void deliver(struct fake_conn *c, const struct fabric_wr *wr)
{
	struct fake_iu *iu = &c->sent[c->n_sent++];

	assert_true(c->n_sent <= FAKE_MAX_SENT);
	iu->solicited = wr->flags & FABRIC_SOLICITED;
	iu->len = 0;
	for (uint16_t i = 0; i < wr->n_seg; i++) {
		assert_true(iu->len + wr->seg[i].len_bytes <= FAKE_IU_BYTES);
		memcpy(iu->data + iu->len, wr->seg[i].addr, wr->seg[i].len_bytes);
		iu->len += wr->seg[i].len_bytes;
	}
}

bool fake_complete(struct fake_conn *c, enum fabric_wc_status status)
{
	struct list_node *n = list_pop_front(&c->posted);
	struct fabric_op *op;

	if (!n)
		return false;
	op = list_entry(n, struct fabric_op, node);
	c->n_posted--;
	c->n_wr_posted -= op->n_wr;
	for (const struct fabric_wr *wr = op->first; wr && status == FABRIC_WC_OK; wr = wr->next) {
		if (wr->opcode == FABRIC_SEND)
			deliver(c, wr);
		else
			move(c, wr);
	}
	op->done(op, status);
	return true;
}

void fake_break(struct fake_conn *c, enum fabric_down why)
{
	c->broken = true;
	while (fake_complete(c, FABRIC_WC_FLUSHED))
		;
	if (!c->closing && !c->closed && !c->down_told) {
		c->down_told = true;
		c->cbs->down(c->ctx, why);
	}
}

unsigned fake_step(struct fake_fabric *f)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < f->n_conns; i++) {
		struct fake_conn *c = f->conn[i];

		while (!c->manual && !c->closing && fake_complete(c, FABRIC_WC_OK))
			n++;
		if (!c->closing || c->closed)
			continue;
		while (fake_complete(c, FABRIC_WC_FLUSHED))
			n++;
		c->closed = true;
		c->cbs->closed(c->ctx);
		n++;
	}
	return n;
}

const struct fake_iu *fake_next(struct fake_conn *c)
{
	return c->n_seen < c->n_sent ? &c->sent[c->n_seen++] : NULL;
}
