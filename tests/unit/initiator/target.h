/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A target without any back-end, for the initiator's tests: it logs in whoever comes, keeps what it receives, and
 * answers only what a test tells it to.
 */
#ifndef TESTS_INITIATOR_TARGET_H
#define TESTS_INITIATOR_TARGET_H

#include "../../../gateway/fabric/sim/sim.h"
#include "../../../gateway/initiator/initiator.h"
#include "../../../gateway/initiator/initiator_raw.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define MAX_CH 4
#define MAX_IU 64
#define ARENA_BYTES 65536u

struct tx {
	struct fabric_op op;
	struct fabric_wr wr[2];
	struct fabric_seg seg[2];
};

struct target_ch {
	struct target *t;
	struct fabric_conn *conn;
	struct srp_login_req login;
	bool up, down;
	uint8_t iu[MAX_IU][512];
	uint32_t len[MAX_IU];
	uint32_t n_iu;
};

struct target {
	struct sim_world *w;
	struct reactor *r[2];
	struct fabric *gw, *host;
	struct fabric_listener *listener;
	struct target_ch ch[MAX_CH];
	uint32_t n_ch;
	/* how it logs in */
	uint32_t refuse_from, reject_reason, grant;
	uint8_t rsp_flags;
	bool garbage;
	/* memory to send from */
	struct mem_region region;
	uint8_t *mem;
	struct tx tx[512];
	uint32_t n_tx;

	struct initiator *i;
	uint8_t *arena;
	int login_code;
	uint32_t login_reject, n_logins, n_lost, n_done, n_out;
	char why[256];
	int tmf_code;
	uint8_t tmf_rsp;
	uint32_t n_tmf;
};

static void op_done(struct fabric_op *op, enum fabric_wc_status status)
{
	(void)op;
	(void)status;
}

/* Sends bytes, after an optional RDMA of @data_len bytes of mem[0..]. */
static void target_send_rdma(struct target *t, uint32_t c, const void *iu, uint32_t len, enum fabric_opcode opcode,
			     struct srp_mdesc d, uint32_t mem_at)
{
	struct tx *x = &t->tx[t->n_tx];
	uint8_t *p = t->mem + 65536 + (size_t)t->n_tx++ * 512;

	assert_true(t->n_tx <= 512 && len <= 512);
	if (len)
		memcpy(p, iu, len);
	x->seg[0] = (struct fabric_seg){ t->mem + mem_at, d.len_bytes, &t->region };
	x->wr[0] = (struct fabric_wr){ .next = len ? &x->wr[1] : NULL, .opcode = opcode, .n_seg = 1, .seg = &x->seg[0],
				       .remote_addr = d.va, .rkey = d.rkey };
	x->seg[1] = (struct fabric_seg){ p, len, &t->region };
	x->wr[1] = (struct fabric_wr){ .opcode = FABRIC_SEND, .n_seg = 1, .seg = &x->seg[1] };
	x->op.first = d.len_bytes ? &x->wr[0] : &x->wr[1];
	x->op.n_wr = !!d.len_bytes + !!len;
	x->op.done = op_done;
	assert_int_equal(t->gw->ops->post(t->ch[c].conn, &x->op), 0);
}

static void target_send(struct target *t, uint32_t c, const void *iu, uint32_t len)
{
	target_send_rdma(t, c, iu, len, FABRIC_WRITE, (struct srp_mdesc){ 0 }, 0);
}

static void target_rsp(struct target *t, uint32_t c, const struct srp_rsp *rsp)
{
	uint8_t iu[512];

	target_send(t, c, iu, (uint32_t)srp_rsp_encode(rsp, iu, sizeof(iu)));
}

static void on_established(void *ctx, const void *priv, size_t len)
{
	struct target_ch *ch = ctx;

	(void)priv;
	(void)len;
	ch->up = true;
}

static void on_recv(void *ctx, struct fabric_rx *rx)
{
	struct target_ch *ch = ctx;
	const uint8_t *iu = ch->iu[ch->n_iu];

	assert_true(ch->n_iu < MAX_IU);
	memcpy(ch->iu[ch->n_iu], rx->data, rx->len_bytes < 512 ? rx->len_bytes : 512);
	ch->len[ch->n_iu++] = rx->len_bytes;
	ch->conn->ops->rx_release(rx);
	if (iu[0] == SRP_I_LOGOUT)
		ch->conn->ops->close(ch->conn);
}

static void on_down(void *ctx, enum fabric_down cause)
{
	struct target_ch *ch = ctx;

	(void)cause;
	ch->down = true;
	ch->conn->ops->close(ch->conn);
}

static void on_closed(void *ctx)
{
	struct target_ch *ch = ctx;

	ch->conn = NULL;
	ch->up = false;
}

static const struct fabric_conn_cbs target_cbs = {
	.established = on_established, .recv = on_recv, .down = on_down, .closed = on_closed
};

static void on_login(void *arg, struct fabric_conn *conn, const struct fabric_login *login)
{
	struct target *t = arg;
	struct target_ch *ch = &t->ch[t->n_ch];
	uint8_t priv[64];
	struct srp_login_rsp rsp;
	struct fabric_accept a = { .reactor = t->r[1], .cbs = &target_cbs, .ctx = ch, .priv = priv, .n_recv = 100 };

	assert_int_equal(srp_login_req_decode(login->priv, login->priv_len, SRP_LOGIN_FORM_RDMA_CM, &ch->login), SRP_OK);
	if (t->n_ch >= t->refuse_from) {
		struct srp_login_rej rej = { .reason = t->reject_reason, .tag = ch->login.tag };

		conn->ops->reject(conn, priv, srp_login_rej_encode(&rej, priv, sizeof(priv)));
		return;
	}
	rsp = (struct srp_login_rsp){
		.req_lim_delta = t->grant,
		.tag = ch->login.tag,
		.max_it_iu_len = ch->login.req_it_iu_len,
		.max_ti_iu_len = 256,
		.buf_fmt = 6,
		.rsp_flags = t->rsp_flags | (t->n_ch ? SRP_RSP_MULTI_MAINTAINED : 0),
	};
	a.priv_len = srp_login_rsp_encode(&rsp, priv, sizeof(priv));
	if (t->garbage)
		priv[40] = 1;
	ch->t = t;
	ch->conn = conn;
	t->n_ch++;
	assert_int_equal(conn->ops->accept(conn, &a), 0);
}

static const struct fabric_listen_cbs target_listen_cbs = { .login = on_login };

/* ---- the initiator's side ---- */

static void login_done(void *ctx, int code, const char *why, uint32_t reject_reason)
{
	struct target *t = ctx;

	t->n_logins++;
	t->login_code = code;
	t->login_reject = reject_reason;
	memcpy(t->why, why, strlen(why) + 1);
}

static void lost(void *ctx, const char *why)
{
	assert_non_null(why);
	((struct target *)ctx)->n_lost++;
}

static void cmd_done(struct initiator_cmd *c)
{
	((struct target *)c->ctx)->n_done++;
}

static void tmf_done(void *arg, int code, uint8_t rsp_code)
{
	struct target *t = arg;

	t->n_tmf++;
	t->tmf_code = code;
	t->tmf_rsp = rsp_code;
}

static void logout_done(void *arg)
{
	((struct target *)arg)->n_out++;
}

static void run(struct target *t)
{
	assert_true(sim_run_idle(t->w, 500 * NS_PER_MS, 60 * NS_PER_S));
}

static struct initiator_params params_of(struct target *t)
{
	struct initiator_params p = {
		.fabric = t->host, .reactor = t->r[0], .dst = sim_addr(1, 5555), .form = SRP_LOGIN_FORM_RDMA_CM, .n_channels = 1,
		.arena = t->arena, .arena_bytes = ARENA_BYTES, .login_done = login_done, .lost = lost, .ctx = t,
		.register_always = true,
	};

	memset(p.i_port_id, 0x11, sizeof(p.i_port_id));
	memset(p.t_port_id, 0x22, sizeof(p.t_port_id));
	return p;
}

static struct target *target_make(uint64_t seed)
{
	struct sim_params sp = { .seed = seed };
	struct fabric_addr addr = sim_addr(1, 5555);
	struct target *t = calloc(1, sizeof(*t));
	struct err e = ERR_INIT;

	assert_non_null(t);
	t->refuse_from = UINT32_MAX;
	t->grant = 4;
	assert_int_equal(sim_world_create(&sp, &t->w), 0);
	for (int k = 0; k < 2; k++)
		assert_int_equal(sim_reactor_create(t->w, k ? "gw" : "host", &t->r[k]), 0);
	assert_int_equal(sim_fabric_create(t->w, "host", t->r[0], NULL, 8, &t->host), 0);
	assert_int_equal(sim_fabric_create(t->w, "gw", t->r[1], NULL, 8, &t->gw), 0);
	t->region.len_bytes = 65536 + 512 * 512;
	t->region.base = t->mem = calloc(1, t->region.len_bytes);
	assert_int_equal(t->gw->ops->mem_add(t->gw, &t->region), 0);
	assert_int_equal(t->gw->ops->listen(t->gw, &addr, &target_listen_cbs, t, &t->listener, &e), 0);
	t->arena = calloc(1, ARENA_BYTES);
	return t;
}

static void target_login(struct target *t, const struct initiator_params *p)
{
	struct err e = ERR_INIT;

	assert_int_equal(initiator_create(p, &t->i, &e), 0);
	assert_int_equal(initiator_login(t->i, &e), 0);
	run(t);
	assert_int_equal(t->n_logins, 1);
}

/* Logs out and checks that everything is gone. */
static void target_free(struct target *t, uint64_t expect_protocol_errors)
{
	struct initiator_info info;
	struct sim_stats st;

	if (t->i && t->login_code == 0) {
		initiator_logout(t->i, false, logout_done, t);
		run(t);
		assert_int_equal(t->n_out, 1);
	}
	if (t->i) {
		initiator_info(t->i, &info);
		if (info.protocol_errors != expect_protocol_errors)
			print_error("protocol error: %s\n", info.protocol_error);
		assert_int_equal(info.protocol_errors, expect_protocol_errors);
		initiator_destroy(t->i);
	}
	run(t);
	t->gw->ops->unlisten(t->listener);
	t->gw->ops->mem_del(t->gw, &t->region);
	sim_stats(t->w, &st);
	if (st.violations)
		print_error("violation: %s\n", sim_first_violation(t->w));
	assert_int_equal(st.violations, 0);
	assert_int_equal(st.n_links + st.n_rx_held + st.n_regions + st.n_exposures, 0);
	t->gw->ops->destroy(t->gw);
	t->host->ops->destroy(t->host);
	sim_world_destroy(t->w);
	free(t->mem);
	free(t->arena);
	free(t);
}

#endif
