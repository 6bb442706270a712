/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host that keeps no rule, see villain.h.
 */
#include "villain.h"

#include "../../gateway/initiator/initiator.h"
#include "../../gateway/initiator/initiator_raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES 65536u

enum villain_state { VILLAIN_OUT, VILLAIN_CONNECTING, VILLAIN_IN, VILLAIN_LEAVING, VILLAIN_OVER };

struct villain {
	struct fabric *f;
	struct reactor *reactor;
	struct initiator *i;
	struct initiator_params p;
	struct fabric_addr src;
	enum villain_state state;
	uint64_t rng;
	uint8_t *arena;
	uint32_t n_channels;
	uint64_t cred_tag; /* of the last CRED_REQ */
	bool stopping;
	_Atomic bool out; /* stopped, and nothing is left: any thread may look */
	struct reactor_timer tick;
};

static uint64_t rnd(struct villain *v)
{
	uint64_t z = v->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint32_t below(struct villain *v, uint32_t n)
{
	return n ? (uint32_t)((rnd(v) >> 32) * n >> 32) : 0;
}

static void put32(uint8_t *b, uint32_t x)
{
	b[0] = (uint8_t)(x >> 24);
	b[1] = (uint8_t)(x >> 16);
	b[2] = (uint8_t)(x >> 8);
	b[3] = (uint8_t)x;
}

/* Lengths that sit on edges. */
static uint32_t some_len(struct villain *v)
{
	static const uint32_t lens[] = { 0, 1, 15, 16, 17, 512, 4096, 8192, 65536, 1u << 20, 0x7fffffff, 0x80000000u, 0xfffffff0u, 0xffffffffu };

	return below(v, 2) ? 16 * below(v, 20) : lens[below(v, sizeof(lens) / sizeof(lens[0]))];
}

static struct srp_mdesc some_desc(struct villain *v)
{
	struct srp_mdesc d = { .va = (uint64_t)(uintptr_t)v->arena + below(v, ARENA_BYTES), .rkey = initiator_raw_rkey(v->i, 0) };

	d.len_bytes = some_len(v);
	if (!below(v, 4))
		d.rkey ^= below(v, 3);
	if (!below(v, 8))
		d.va = rnd(v);
	return d;
}

static uint32_t make_command(struct villain *v, uint8_t *iu)
{
	/* Those that the bridge does by itself; see its decode(). */
	static const uint8_t opcodes[] = { 0x00, 0x03, 0x12, 0x1a, 0x28, 0x2a, 0x5e, 0x5f, 0xa0, 0x7f, 0xc1 };
	uint8_t out = (uint8_t)(below(v, 4) ? below(v, 4) : below(v, 16)), in = (uint8_t)(below(v, 4) ? below(v, 3) : below(v, 16));
	uint32_t at = SRP_CMD_LEN, n;

	if (below(v, 3))
		out = 0;
	else if (below(v, 3))
		in = 0;
	iu[0] = SRP_CMD;
	iu[1] = (uint8_t)below(v, 8);
	iu[5] = (uint8_t)(out << 4 | in);
	iu[8] = (uint8_t)below(v, 40); /* tags collide */
	iu[21] = (uint8_t)below(v, 8);
	iu[29] = (uint8_t)below(v, 8);
	if (!below(v, 8))
		iu[31] = (uint8_t)rnd(v);
	at += iu[31] & 0xfc;
	for (int side = 0; side < 2; side++) {
		uint8_t fmt = side ? in : out;

		if (fmt == SRP_FMT_DIRECT) {
			srp_mdesc_put(iu + at, some_desc(v));
			at += SRP_MDESC_LEN;
		} else if (fmt == SRP_FMT_INDIRECT) {
			n = below(v, 12);
			iu[side ? 7 : 6] = (uint8_t)(below(v, 8) ? n : rnd(v));
			srp_mdesc_put(iu + at, some_desc(v));
			put32(iu + at + 12, below(v, 3) ? 16 * (n + below(v, 3) * 10) : some_len(v));
			put32(iu + at + 16, some_len(v));
			at += SRP_INDIRECT_HDR_LEN;
			for (uint32_t k = 0; k < n; k++, at += SRP_MDESC_LEN)
				srp_mdesc_put(iu + at, some_desc(v));
		} else if (fmt == SRP_FMT_IMMEDIATE) {
			put32(iu + at, below(v, 2) ? below(v, 600) : some_len(v));
			at = 68 + below(v, 600);
		}
	}
	iu[32] = opcodes[below(v, sizeof(opcodes))];
	for (int k = 33; k < 48; k++)
		iu[k] = below(v, 4) ? 0 : (uint8_t)rnd(v);
	iu[37] = 0;
	return at;
}

static uint32_t make_iu(struct villain *v, uint8_t *iu)
{
	uint32_t len = 16;

	memset(iu, 0, 2048);
	switch (below(v, 16)) {
	case 0:
		iu[0] = SRP_TSK_MGMT;
		iu[8] = (uint8_t)below(v, 40);
		iu[21] = (uint8_t)below(v, 8);
		iu[30] = (uint8_t)(below(v, 4) ? 1u << below(v, 7) : rnd(v));
		iu[32] = (uint8_t)below(v, 40);
		return SRP_TSK_MGMT_LEN;
	case 1:
		iu[0] = SRP_CRED_RSP;
		memcpy(iu + 8, &v->cred_tag, 8);
		return below(v, 2) ? len : 0; /* 0: not sent */
	case 2:
		iu[0] = (uint8_t)(below(v, 4) ? SRP_I_LOGOUT : rnd(v));
		return below(v, 8) ? 0 : len;
	case 3:
		for (uint32_t k = 0; k < 100; k++)
			iu[k] = (uint8_t)rnd(v);
		iu[32] = 0;
		iu[37] = 0;
		return below(v, 4) ? 0 : below(v, 100) + 1;
	default:
		return make_command(v, iu);
	}
}

static void send_one(struct villain *v)
{
	uint8_t iu[2048];
	uint32_t len = make_iu(v, iu);

	if (!len)
		return;
	if (!below(v, 30)) /* cut off, or with something behind */
		len = below(v, 2) ? below(v, len) + 1 : len + below(v, 100);
	if (!below(v, 30))
		iu[below(v, 32)] ^= (uint8_t)(1u << below(v, 8));
	/* Refused when its slots are full or the channel is down: then not. */
	if (initiator_raw_send(v->i, below(v, v->n_channels), iu, len))
		return;
}

/* ---- sessions ---- */

static bool on_rx(void *ctx, uint32_t channel, const uint8_t *bytes, uint32_t len)
{
	struct villain *v = ctx;

	(void)channel;
	if (len >= 16 && bytes[0] == SRP_CRED_REQ)
		memcpy(&v->cred_tag, bytes + 8, 8);
	return true;
}

static void login_done(void *ctx, int code, const char *why, uint32_t reject_reason)
{
	struct villain *v = ctx;

	(void)why;
	(void)reject_reason;
	if (v->state != VILLAIN_LEAVING)
		v->state = code ? VILLAIN_OVER : VILLAIN_IN;
}

static void logged_out(void *arg)
{
	((struct villain *)arg)->state = VILLAIN_OVER;
}

static void leave(struct villain *v, bool polite)
{
	v->state = VILLAIN_LEAVING;
	initiator_logout(v->i, polite, logged_out, v);
}

static void lost(void *ctx, const char *why)
{
	struct villain *v = ctx;

	(void)why;
	if (v->state == VILLAIN_IN)
		leave(v, false);
}

static void login(struct villain *v)
{
	struct srp_login_req q = { .tag = 9, .req_it_iu_len = 2048, .buf_fmt = 6, .imm_data_offset = 68,
				   .req_flags = SRP_LOGIN_IMMED_REQ };
	struct err e = ERR_INIT;
	uint8_t priv[FABRIC_PRIV_MAX] = { 0 };
	size_t len;

	v->n_channels = v->p.n_channels = 1 + below(v, 3);
	v->p.immediate_data = true;
	if (initiator_create(&v->p, &v->i, &e))
		abort();
	initiator_raw_set_rx(v->i, on_rx, v);
	if (!below(v, 3)) {
		memcpy(q.i_port_id, v->p.i_port_id, 16);
		memcpy(q.t_port_id, v->p.t_port_id, 16);
		len = srp_login_req_encode(&q, SRP_LOGIN_FORM_RDMA_CM, priv, sizeof(priv));
		for (uint32_t n = below(v, 4); n; n--)
			priv[below(v, 16)] ^= (uint8_t)(1u << below(v, 8)); /* not the identifiers: they may be another's */
		if (!below(v, 4))
			len = below(v, sizeof(priv)) + 1;
		initiator_raw_set_login(v->i, priv, len);
	}
	v->state = VILLAIN_CONNECTING;
	if (initiator_login(v->i, &e)) {
		initiator_destroy(v->i);
		v->i = NULL;
		v->state = VILLAIN_OUT;
	}
}

static void on_tick(struct reactor_timer *t)
{
	struct villain *v = container_of(t, struct villain, tick);

	if (v->state == VILLAIN_OVER) {
		initiator_destroy(v->i);
		v->i = NULL;
		v->state = VILLAIN_OUT;
	}
	if (v->state == VILLAIN_OUT && !v->stopping)
		login(v);
	if (v->state == VILLAIN_IN) {
		for (uint32_t n = below(v, 6); n && v->state == VILLAIN_IN; n--)
			send_one(v);
		if (v->stopping || !below(v, 100))
			leave(v, below(v, 2));
	}
	if (v->state != VILLAIN_OUT || !v->stopping)
		timer_arm_in(v->reactor, t, rnd(v) % NS_PER_MS + 1);
	else
		v->out = true;
}

struct villain *villain_create(struct sim_world *w, struct reactor *reactor, uint64_t seed, uint32_t number)
{
	struct villain *v = calloc(1, sizeof(*v));

	if (!v)
		abort();
	v->reactor = reactor;
	v->rng = seed;
	v->src = sim_addr(100 + number, 0);
	v->arena = calloc(1, ARENA_BYTES);
	if (!v->arena || sim_fabric_create(w, "villain", reactor, NULL, 8, &v->f))
		abort();
	sim_fabric_lies(v->f);
	v->p = (struct initiator_params){
		.fabric = v->f,
		.reactor = reactor,
		.dst = rig_addr(),
		.src = &v->src,
		.form = SRP_LOGIN_FORM_RDMA_CM,
		.req_it_iu_len = 2048,
		.queue_size = 16,
		.timeout_ms = 5000,
		.arena = v->arena,
		.arena_bytes = ARENA_BYTES,
		.login_done = login_done,
		.lost = lost,
		.ctx = v,
	};
	v->p.i_port_id[0] = 0xee;
	v->p.i_port_id[15] = (uint8_t)(number + 1);
	rig_t_port_id(0, v->p.t_port_id);
	timer_init(&v->tick, on_tick);
	return v;
}

void villain_start(struct villain *v)
{
	timer_arm_in(v->reactor, &v->tick, 1);
}

void villain_stop(struct villain *v)
{
	v->stopping = true;
}

bool villain_is_out(const struct villain *v)
{
	return v->out;
}

void villain_free(struct villain *v)
{
	timer_cancel(v->reactor, &v->tick);
	v->f->ops->destroy(v->f);
	free(v->arena);
	free(v);
}
