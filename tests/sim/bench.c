/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients for scripted scenarios, see bench.h.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

struct rig_params bench_params(void)
{
	struct rig_params p = {
		.seed = 1,
		.n_reactors = 1,
		.core = { .pool_bytes = 8u << 20, .max_tasks = 512, .max_ios = 256 },
		.map = { .req_lim = 16, .immediate_data = true },
		.knobs = { .delay_ns = 20 * NS_PER_US, .detach_ns = 5 * NS_PER_MS },
	};

	return p;
}

void bench_make(struct bench *b, const struct rig_params *p)
{
	memset(b, 0, sizeof(*b));
	log_init("scenario", getenv("SIM_VERBOSE") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, false);
	rig_make(&b->rig, p);
	assert_int_equal(sim_reactor_create(b->rig.w, "hosts", &b->host_reactor), 0);
}

void bench_free(struct bench *b)
{
	const char *bad = rig_finish(&b->rig, 10000);

	if (bad)
		fail_msg("%s", bad);
}

/* ---- clients ---- */

static void login_done(void *ctx, int code, const char *why, uint32_t reject_reason)
{
	struct client *c = ctx;

	c->login_told = true;
	c->code = code;
	c->reject = reject_reason;
	memcpy(c->why, why, strlen(why) + 1);
}

static void lost(void *ctx, const char *why)
{
	(void)why;
	((struct client *)ctx)->lost = true;
}

static void logged_out(void *arg)
{
	((struct client *)arg)->out = true;
}

static bool on_rx(void *ctx, uint32_t channel, const uint8_t *bytes, uint32_t len)
{
	struct client *c = ctx;

	(void)channel;
	if (!c->raw)
		return false;
	c->n_ius++;
	c->iu_len = len;
	memcpy(c->iu, bytes, len < sizeof(c->iu) ? len : sizeof(c->iu));
	return true;
}

struct client *client_make(struct bench *b, uint32_t number)
{
	struct client *c = calloc(1, sizeof(*c));
	char name[16];

	assert_non_null(c);
	snprintf(name, sizeof(name), "client%u", number);
	c->b = b;
	c->src = sim_addr(100 + number, 0);
	c->arena = calloc(1, CLIENT_ARENA);
	assert_int_equal(sim_fabric_create(b->rig.w, name, b->host_reactor, NULL, 8, &c->f), 0);
	c->p = (struct initiator_params){
		.fabric = c->f,
		.reactor = b->host_reactor,
		.dst = rig_addr(),
		.src = &c->src,
		.form = SRP_LOGIN_FORM_RDMA_CM,
		.n_channels = 1,
		.timeout_ms = 5000,
		.arena = c->arena,
		.arena_bytes = CLIENT_ARENA,
		.login_done = login_done,
		.lost = lost,
		.ctx = c,
	};
	c->p.i_port_id[0] = 0xcc;
	c->p.i_port_id[15] = (uint8_t)(number + 1);
	rig_t_port_id(0, c->p.t_port_id);
	return c;
}

int client_login_raw(struct client *c, const void *priv, size_t len)
{
	struct err e = ERR_INIT;

	c->login_told = false;
	assert_int_equal(initiator_create(&c->p, &c->i, &e), 0);
	if (len)
		initiator_raw_set_login(c->i, priv, len);
	initiator_raw_set_rx(c->i, on_rx, c);
	assert_int_equal(initiator_login(c->i, &e), 0);
	bench_until(c->b, 20, c->login_told);
	return c->code;
}

int client_login(struct client *c)
{
	return client_login_raw(c, NULL, 0);
}

struct initiator_info client_info(const struct client *c)
{
	struct initiator_info info;

	initiator_info(c->i, &info);
	return info;
}

void client_free(struct client *c)
{
	if (c->i) {
		if (!c->code) {
			initiator_logout(c->i, false, logged_out, c);
			bench_until(c->b, 10, c->out);
		}
		initiator_destroy(c->i);
	}
	sim_run_for(c->b->rig.w, 50 * NS_PER_MS);
	c->f->ops->destroy(c->f);
	free(c->arena);
	free(c);
}

/* ---- commands ---- */

static void put32(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 24);
	b[1] = (uint8_t)(v >> 16);
	b[2] = (uint8_t)(v >> 8);
	b[3] = (uint8_t)v;
}

static void cmd_done(struct initiator_cmd *c)
{
	struct client_cmd *cmd = c->ctx;
	struct ledger *l = cmd->client->b->rig.ledger;
	struct cmd_answer a = { .status = c->status, .has_rsp_code = c->has_rsp_code, .rsp_code = c->rsp_code,
				.resid_under = c->resid_under, .resid_over = c->resid_over, .sense = c->sense,
				.sense_len = c->sense_len };

	assert_false(cmd->done);
	cmd->done = true;
	if (c->code == 0 && c->status == 0 && c->dir == INITIATOR_READ)
		ledger_check_read(l, cmd->id, c->buf, c->len_bytes - c->resid_under);
	ledger_end(l, cmd->id, c->code == 0 ? CMD_ANSWERED : c->code == -ECANCELED ? CMD_CANCELLED : CMD_DISCONNECTED, &a);
}

void client_rw(struct client *c, struct client_cmd *cmd, uint32_t lun, bool is_write, uint32_t lba, uint32_t n_blocks, uint32_t n_frag,
	       uint32_t arena_offset)
{
	const struct rig_params *p = &c->b->rig.p;
	uint32_t disk = lun % p->n_backends * p->disks_per_backend + lun / p->n_backends;

	memset(cmd, 0, sizeof(*cmd));
	cmd->client = c;
	cmd->id = ledger_send(c->b->rig.ledger, (uint32_t)c->p.i_port_id[15] - 1, disk, is_write, lba, n_blocks);
	cmd->c.lun[1] = (uint8_t)lun;
	cmd->c.cdb[0] = is_write ? 0x8a : 0x88;
	sim_cmd_name(cmd->c.cdb, cmd->id);
	put32(cmd->c.cdb + 6, lba);
	put32(cmd->c.cdb + 10, n_blocks);
	cmd->c.len_bytes = n_blocks * BLOCK_BYTES;
	cmd->c.dir = !n_blocks ? INITIATOR_NONE : is_write ? INITIATOR_WRITE : INITIATOR_READ;
	cmd->c.buf = c->arena + arena_offset;
	cmd->c.n_frag = n_frag;
	cmd->c.channel = UINT32_MAX;
	cmd->c.done = cmd_done;
	cmd->c.ctx = cmd;
	if (is_write)
		ledger_fill(cmd->id, lba, n_blocks, cmd->c.buf);
	cmd->c.task_attr = c->task_attr;
	initiator_submit(c->i, &cmd->c);
	ledger_order(c->b->rig.ledger, cmd->id, (uint64_t)(uintptr_t)c->i << 8 | (uint64_t)cmd->c.ch << 4 | disk, c->task_attr);
}

bool client_was_reset(const struct client_cmd *cmd)
{
	return cmd->c.status == SCSI_CHECK_CONDITION && cmd->c.sense_len >= 14 && cmd->c.sense[12] == 0x29;
}

void client_must_work(struct client *c, uint32_t lun)
{
	struct client_cmd w, r;

	/* A unit attention is told once. */
	for (uint32_t k = 0; k == 0 || (k == 1 && client_was_reset(&w)); k++) {
		client_rw(c, &w, lun, true, 8, 8, 1, 0);
		bench_until(c->b, 20, w.done);
	}
	assert_int_equal(w.c.code, 0);
	assert_int_equal(w.c.status, 0);
	client_rw(c, &r, lun, false, 8, 8, 3, 0);
	bench_until(c->b, 20, r.done);
	assert_int_equal(r.c.code, 0);
	assert_int_equal(r.c.status, 0);
}

static void tmf_done(void *arg, int code, uint8_t rsp_code)
{
	struct client *c = arg;

	c->tmf_told = true;
	c->tmf_code = code;
	c->tmf_rsp = rsp_code;
	c->tmf_ns = sim_now_ns(c->b->rig.w) - c->tmf_ns;
}

void client_tmf(struct client *c, uint8_t function, uint32_t lun, const struct client_cmd *task)
{
	uint8_t bytes[8] = { 0, (uint8_t)lun };

	c->tmf_told = false;
	c->tmf_ns = sim_now_ns(c->b->rig.w);
	assert_int_equal(initiator_tmf(c->i, UINT32_MAX, function, bytes, task ? &task->c : NULL, tmf_done, c), 0);
}

/* ---- raw ---- */

size_t raw_cmd(uint8_t iu[512], uint64_t tag, uint32_t lun)
{
	memset(iu, 0, 512);
	iu[0] = SRP_CMD;
	memcpy(iu + 8, &tag, 8);
	iu[21] = (uint8_t)lun;
	return SRP_CMD_LEN;
}

void client_raw(struct client *c, const void *iu, size_t len)
{
	uint32_t before = c->n_ius;

	c->raw = true;
	assert_int_equal(initiator_raw_send(c->i, 0, iu, len), 0);
	bench_until(c->b, 10, c->n_ius != before || c->lost);
}

void expect_t_logout(struct client *c, uint32_t reason)
{
	struct srp_t_logout lo;

	assert_true(c->n_ius > 0);
	assert_int_equal(srp_t_logout_decode(c->iu, c->iu_len, &lo), SRP_OK);
	assert_int_equal(c->iu_len, SRP_T_LOGOUT_LEN);
	assert_int_equal(lo.reason, reason);
	bench_until(c->b, 5, c->lost);
}

void expect_rsp_code(struct client *c, uint64_t tag, uint8_t code)
{
	struct srp_rsp rsp;

	assert_int_equal(srp_rsp_decode(c->iu, c->iu_len, &rsp), SRP_OK);
	assert_true(rsp.tag == tag);
	assert_true(rsp.has_rsp_code);
	assert_int_equal(rsp.rsp_code, code);
	assert_int_equal(rsp.req_lim_delta, 1);
	sim_run_for(c->b->rig.w, 100 * NS_PER_MS);
	assert_false(c->lost);
}
