/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gateway for tests, see rig.h.
 */
#include "rig.h"

#include "../../../gateway/base/log.h"
#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <stdlib.h>
#include <string.h>

static uint64_t rig_clock(void *arg)
{
	return ((struct rig *)arg)->now_ns;
}

void rig_lun(uint32_t number, uint8_t lun[8])
{
	assert_true(scsi_lun_from_number(number, lun));
}

void rig_fill(uint8_t *buf, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)((i * 2654435761u + seed * 40503u) >> 13);
}

/* ---- maps ---- */

static void map_release(struct map *m)
{
	struct rig_map *rm = m->owner;

	assert_false(rm->released);
	rm->released = true;
	rm->rig->n_released++;
}

struct rig_map *rig_map_new(struct rig *r)
{
	struct rig_map *m = calloc(1, sizeof(*m));
	static char gateway[] = "gw", target[] = "target", everybody[] = "everybody";

	assert_non_null(m);
	m->rig = r;
	for (unsigned i = 0; i < RIG_BACKENDS; i++)
		m->backend[i] = &r->backend[i];
	for (unsigned i = 0; i < RIG_LUNS; i++) {
		rig_lun(i, m->lun[0][i].lun);
		rig_lun(10 + i, m->lun[0][i].backend_lun);
		m->lun[0][i].backend = &r->backend[i / 2];
	}
	m->pattern[0].any = true;
	m->group[0] = (struct initiator_group){
		.name = everybody,
		.pattern = &m->pattern[0],
		.n_pattern = 1,
		.lun = m->lun[0],
		.n_lun = RIG_LUNS,
	};
	m->target = (struct target_conf){ .name = target, .group = m->group, .n_group = 1 };
	memset(m->target.t_port_id, 0x77, sizeof(m->target.t_port_id));
	m->map = (struct map){
		.gateway_name = gateway,
		.target = &m->target,
		.n_target = 1,
		.backend = m->backend,
		.n_backend = RIG_BACKENDS,
		.max_channels_per_nexus = 8,
		.max_channels = 64,
		.max_nexuses = 16,
		.max_it_iu_len = 8276,
		.max_imm_data_offset = 80,
		.req_lim = 16,
		.max_transfer_bytes = 1u << 20,
		.max_table_entries = 2048,
		.immediate_data = true,
		.tmf_answer_ms = 2500,
		.owner = m,
		.release = map_release,
	};
	assert_true(r->n_maps < sizeof(r->maps) / sizeof(r->maps[0]));
	r->maps[r->n_maps++] = m;
	return m;
}

void rig_apply(struct rig *r, struct rig_map *m)
{
	core_apply(r->core, &m->map, NULL, NULL);
	rig_run(r);
}

/* ---- life ---- */

void rig_init(struct rig *r)
{
	static char names[RIG_BACKENDS][4] = { "one", "two" }, uri[] = "fake:";

	memset(r, 0, sizeof(*r));
	if (!getenv("RIG_VERBOSE"))
		log_set_level(LOG_LEVEL_ERROR);
	r->now_ns = NS_PER_S;
	r->n_reactors = 1;
	assert_int_equal(reactor_create("control", &r->reactor), 0);
	reactor_set_clock(r->reactor, rig_clock, r);
	r->mem = calloc(1, RIG_MEM_BYTES);
	assert_non_null(r->mem);
	r->params =
		(struct core_params){ .pool_bytes = 8u << 20, .max_tasks = 128, .max_ios = 64, .scratch_bytes = 256 };
	for (unsigned i = 0; i < RIG_BACKENDS; i++)
		r->backend[i] = (struct backend){
			.name = names[i],
			.uri = uri,
			.bridge = &fake_bridge,
			.hold_ms = 5000,
			.retry_ms = 100,
			.retry_max_ms = 1000,
			.fence_ms = 700,
			.max_detached = 8,
			.number = i,
		};
	fake_fabric_init(&r->fab, r->reactor);
	r->fab.mem = r->mem;
	r->fab.mem_bytes = RIG_MEM_BYTES;
	rig_map_new(r);
}

void rig_start(struct rig *r)
{
	struct err e = ERR_INIT;

	r->data[0] = r->reactor;
	for (uint32_t i = 1; i < r->n_reactors; i++) {
		assert_int_equal(reactor_create("data", &r->data[i]), 0);
		reactor_set_clock(r->data[i], rig_clock, r);
	}
	r->params.control = r->reactor;
	r->params.reactor = r->data;
	r->params.n_reactor = r->n_reactors;
	assert_int_equal(core_create(&r->params, &r->core, &e), 0);
	assert_int_equal(core_check_bridge(r->core, &fake_bridge, &e), 0);
	core_host_services(r->core, &r->host);
	for (unsigned i = 0; i < RIG_BACKENDS; i++) {
		r->disk[i] = fake_target_new(&r->host);
		r->backend[i].target = (struct srpgw_bridge_target *)(void *)r->disk[i];
	}
	rig_apply(r, r->maps[0]);
}

static void destroy(struct rig *r)
{
	core_destroy(r->core);
	for (unsigned i = 0; i < RIG_BACKENDS; i++)
		fake_target_free(r->disk[i]);
	for (uint32_t i = 1; i < r->n_reactors; i++)
		reactor_destroy(r->data[i]);
	reactor_destroy(r->reactor);
	fake_fabric_free(&r->fab);
	assert_int_equal(r->fab.n_rx_held, 0);
	assert_int_equal(r->fab.n_stray, 0);
	for (uint32_t i = 0; i < r->n_maps; i++)
		free(r->maps[i]);
	free(r->mem);
}

static void set_flag(void *arg)
{
	*(bool *)arg = true;
}

void rig_stop(struct rig *r)
{
	bool drained = false;

	for (unsigned i = 0; i < RIG_BACKENDS; i++)
		r->disk[i]->hold_detach = false;
	for (unsigned i = 0; i < RIG_BACKENDS; i++)
		fake_detached(r->disk[i]);
	for (uint32_t i = 0; i < r->fab.n_conns; i++)
		r->fab.conn[i]->manual = false;
	core_drain(r->core, 20000, set_flag, &drained);
	rig_wait_ms(r, 10000);
	assert_true(drained);
	assert_int_equal(r->core->port.n_channels, 0);
	assert_int_equal(r->core->port.n_nexuses, 0);
	assert_int_equal(r->core->port.n_pending, 0);
	rig_expect_idle(r);
	for (uint32_t i = 0; i < r->core->n_shards; i++) {
		assert_int_equal(r->core->shard[i]->bad_edges_total, 0);
		assert_int_equal(r->core->shard[i]->contract_breaches_total, 0);
	}
	destroy(r);
}

void rig_abandon(struct rig *r)
{
	destroy(r);
}

/* ---- time ---- */

static unsigned run_once(struct rig *r)
{
	unsigned n = (unsigned)reactor_poll(r->reactor, 0);

	for (uint32_t i = 1; i < r->n_reactors; i++)
		n += (unsigned)reactor_poll(r->data[i], 0);
	n += fake_step(&r->fab);
	for (unsigned i = 0; i < RIG_BACKENDS; i++)
		if (r->disk[i] && !r->disk[i]->hold_up)
			fake_up(r->disk[i]);
	return n;
}

static uint64_t next_deadline(const struct rig *r)
{
	uint64_t at = reactor_next_deadline_ns(r->reactor);

	for (uint32_t i = 1; i < r->n_reactors; i++) {
		uint64_t d = reactor_next_deadline_ns(r->data[i]);

		if (d < at)
			at = d;
	}
	return at;
}

void rig_run(struct rig *r)
{
	unsigned quiet = 0;

	for (unsigned i = 0; quiet < 4; i++) {
		assert_true(i < 100000);
		quiet = run_once(r) > 0 || next_deadline(r) <= r->now_ns ? 0 : quiet + 1;
	}
}

void rig_wait_ms(struct rig *r, uint64_t ms)
{
	uint64_t end_ns = r->now_ns + ms * NS_PER_MS;

	rig_run(r);
	while (r->now_ns < end_ns) {
		uint64_t at = next_deadline(r);

		r->now_ns = at < end_ns ? at : end_ns;
		rig_run(r);
	}
}

/* ---- logins ---- */

struct fake_conn *rig_login_raw(struct rig *r, const struct rig_login *l)
{
	struct srp_login_req req = {
		.tag = 0x1122334455667788ull,
		.req_it_iu_len = l->it_iu_len ? l->it_iu_len : 8260,
		.buf_fmt = SRP_BUF_DIRECT | SRP_BUF_INDIRECT,
		.req_flags = (uint8_t)((l->multi ? SRP_MULTI_MULTI : SRP_MULTI_SINGLE) |
				       (l->immediate ? SRP_LOGIN_IMMED_REQ : 0) | l->flags),
		.imm_data_offset = l->imm_offset ? l->imm_offset : 68,
	};
	uint8_t buf[SRP_LOGIN_REQ_LEN];
	struct fake_conn *c;

	if (!l->anonymous) {
		memset(req.i_port_id, 0x11, sizeof(req.i_port_id));
		req.i_port_id[15] = l->id;
	}
	memset(req.t_port_id, 0x77, sizeof(req.t_port_id));
	assert_int_equal(srp_login_req_encode(&req, SRP_LOGIN_FORM_NATIVE, buf, sizeof(buf)), sizeof(buf));
	c = fake_login(&r->fab, r->core, l->peer ? l->peer : "10.0.0.1", buf, sizeof(buf), FABRIC_LOGIN_NATIVE);
	rig_run(r);
	return c;
}

static struct fake_conn *login(struct rig *r, bool multi)
{
	struct rig_login l = { .id = 1, .multi = multi, .immediate = true };
	struct fake_conn *c = rig_login_raw(r, &l);

	assert_true(c->accepted);
	fake_established(c);
	rig_run(r);
	return c;
}

struct fake_conn *rig_login(struct rig *r)
{
	return login(r, false);
}

struct fake_conn *rig_login_multi(struct rig *r)
{
	return login(r, true);
}

/* ---- commands ---- */

static void put_frags(const struct rig *r, const struct rig_cmd *cmd, uint8_t *to, uint32_t n)
{
	uint32_t off = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = i + 1 < n ? cmd->len / n : cmd->len - off;

		srp_mdesc_put(to + 16 * i,
			      (struct srp_mdesc){ (uint64_t)(uintptr_t)(cmd->buf + off), r->fab.rkey, len });
		off += len;
	}
}

uint64_t rig_send_cmd(struct rig *r, struct fake_conn *c, struct rig_cmd *cmd)
{
	uint8_t iu[8276], lun[8], frags[512 * 16];
	struct srp_cmd s = { .tag = cmd->tag ? cmd->tag : ++r->next_tag,
			     .sol_not = cmd->sol_not,
			     .task_attr = cmd->attr };
	struct srp_data *d = cmd->dir == RIG_OUT ? &s.data_out : &s.data_in;
	uint32_t n = cmd->n_frag ? cmd->n_frag : 1;
	size_t len;

	rig_lun(cmd->lun, lun);
	memcpy(s.lun, lun, 8);
	s.cdb = cmd->cdb;
	s.cdb_len = 16;
	if (cmd->dir != RIG_NONE) {
		d->len_bytes = cmd->len;
		if (cmd->immediate) {
			d->fmt = SRP_FMT_IMMEDIATE;
			d->imm = cmd->buf;
		} else {
			assert_true(n <= 512);
			put_frags(r, cmd, frags, n);
			d->fmt = n > 1 || cmd->external ? SRP_FMT_INDIRECT : SRP_FMT_DIRECT;
			d->n_desc = cmd->external ? 0 : n < 255 ? n : 255;
			d->desc = frags;
			d->n_table = n;
			/* The table lies at the end of the host's memory. */
			memcpy(r->mem + RIG_MEM_BYTES - 16 * n, frags, 16 * n);
			d->table = (struct srp_mdesc){ (uint64_t)(uintptr_t)(r->mem + RIG_MEM_BYTES - 16 * n),
						       r->fab.rkey, 16 * n };
		}
	}
	len = srp_cmd_encode(&s, 68, true, iu, sizeof(iu));
	assert_true(len > 0);
	fake_send(c, iu, len);
	rig_run(r);
	return s.tag;
}

static void rw_cdb(uint8_t cdb[16], uint8_t op, uint32_t block, uint32_t len)
{
	uint32_t n = len / 512;

	memset(cdb, 0, 16);
	cdb[0] = op;
	cdb[2] = (uint8_t)(block >> 24), cdb[3] = (uint8_t)(block >> 16), cdb[4] = (uint8_t)(block >> 8),
	cdb[5] = (uint8_t)block;
	cdb[7] = (uint8_t)(n >> 8), cdb[8] = (uint8_t)n;
}

uint64_t rig_read(struct rig *r, struct fake_conn *c, uint32_t lun, uint32_t block, uint8_t *buf, uint32_t len)
{
	struct rig_cmd cmd = { .lun = lun, .dir = RIG_IN, .buf = buf, .len = len };

	rw_cdb(cmd.cdb, 0x28, block, len);
	return rig_send_cmd(r, c, &cmd);
}

uint64_t rig_write(struct rig *r, struct fake_conn *c, uint32_t lun, uint32_t block, uint8_t *buf, uint32_t len)
{
	struct rig_cmd cmd = { .lun = lun, .dir = RIG_OUT, .buf = buf, .len = len };

	rw_cdb(cmd.cdb, 0x2a, block, len);
	return rig_send_cmd(r, c, &cmd);
}

uint64_t rig_tmf(struct rig *r, struct fake_conn *c, uint8_t function, uint32_t lun, uint64_t task_tag)
{
	struct srp_tsk_mgmt tm = { .tag = ++r->next_tag | 1ull << 63, .function = function, .task_tag = task_tag };
	uint8_t iu[SRP_TSK_MGMT_LEN];

	rig_lun(lun, tm.lun);
	assert_int_equal(srp_tsk_mgmt_encode(&tm, iu, sizeof(iu)), sizeof(iu));
	fake_send(c, iu, sizeof(iu));
	rig_run(r);
	return tm.tag;
}

/* ---- what the gateway answers ---- */

struct srp_rsp rig_expect_rsp(struct rig *r, struct fake_conn *c, uint64_t tag)
{
	const struct fake_iu *iu;
	struct srp_rsp rsp;

	rig_run(r);
	iu = fake_next(c);
	assert_non_null(iu);
	assert_int_equal(iu->data[0], SRP_RSP);
	assert_int_equal(srp_rsp_decode(iu->data, iu->len, &rsp), SRP_OK);
	assert_true(rsp.tag == tag);
	assert_int_equal(iu->solicited, rsp.sol_not & SRP_SOLNT ? 1 : 0);
	return rsp;
}

void rig_expect_status(struct rig *r, struct fake_conn *c, uint64_t tag, uint8_t status)
{
	struct srp_rsp rsp = rig_expect_rsp(r, c, tag);

	assert_int_equal(rsp.status, status);
	assert_false(rsp.has_rsp_code);
}

void rig_expect_sense(struct rig *r, struct fake_conn *c, uint64_t tag, uint8_t key, uint8_t asc, uint8_t ascq)
{
	struct srp_rsp rsp = rig_expect_rsp(r, c, tag);
	struct scsi_sense s;

	assert_int_equal(rsp.status, SCSI_CHECK_CONDITION);
	assert_true(scsi_sense_parse(rsp.sense, rsp.sense_len, &s));
	assert_int_equal(s.key, key);
	assert_int_equal(s.asc, asc);
	assert_int_equal(s.ascq, ascq);
}

void rig_expect_code(struct rig *r, struct fake_conn *c, uint64_t tag, uint8_t code)
{
	struct srp_rsp rsp = rig_expect_rsp(r, c, tag);

	assert_true(rsp.has_rsp_code);
	assert_int_equal(rsp.rsp_code, code);
}

void rig_expect_nothing(struct rig *r, struct fake_conn *c)
{
	rig_run(r);
	assert_int_equal(c->n_sent, c->n_seen);
}

void rig_expect_logout(struct rig *r, struct fake_conn *c, uint32_t reason)
{
	const uint8_t want[16] = { 0x80, 0, 0, 0, 0, 0, 0, (uint8_t)reason };
	const struct fake_iu *iu;

	rig_run(r);
	iu = fake_next(c);
	assert_non_null(iu);
	assert_int_equal(iu->len, sizeof(want));
	assert_memory_equal(iu->data, want, sizeof(want));
	assert_true(c->closed);
	assert_null(fake_next(c));
}

void rig_expect_reject(struct rig *r, struct fake_conn *c, uint32_t reason)
{
	uint8_t want[32] = {
		0xc2, 0, 0, 0, (uint8_t)(reason >> 24), (uint8_t)(reason >> 16), (uint8_t)(reason >> 8), (uint8_t)reason
	};

	rig_run(r);
	assert_true(c->rejected);
	assert_int_equal(c->reply_len, sizeof(want));
	memcpy(want + 8, c->reply + 8, 8); /* the tag, see the login tests */
	want[25] = 0x06;
	assert_memory_equal(c->reply, want, sizeof(want));
}

struct nexus *rig_nexus(struct rig *r)
{
	struct list_node *n = list_first(&r->core->shard[0]->nexuses);

	assert_non_null(n);
	return list_entry(n, struct nexus, node);
}

struct lu *rig_lu(struct rig *r, uint32_t number)
{
	uint8_t lun[8];

	rig_lun(number, lun);
	return lu_find(rig_nexus(r), lun);
}

void rig_expect_idle(struct rig *r)
{
	for (uint32_t i = 0; i < r->core->n_shards; i++) {
		struct shard *s = r->core->shard[i];

		assert_int_equal(s->n_tasks_free, s->n_tasks);
		assert_int_equal(s->n_ios_free, s->n_ios);
		assert_int_equal(s->task_states[TASK_FREE], s->n_tasks);
		list_for_each(pos, &s->nexuses) {
			struct nexus *n = list_entry(pos, struct nexus, node);

			assert_int_equal(n->quota_bytes, 0);
			assert_int_equal(n->quota_ios, 0);
			assert_int_equal(n->n_detached, 0);
			assert_int_equal(n->n_dying, 0);
			assert_true(list_empty(&n->tmfs));
			list_for_each(cpos, &n->channels) {
				const struct credit *k = &list_entry(cpos, struct channel, nexus_node)->credit;

				assert_int_equal(k->live, 0);
				assert_int_equal(k->host + k->owed, k->granted);
			}
			list_for_each(ppos, &n->paths) {
				const struct path *p = list_entry(ppos, struct path, node);

				assert_int_equal(p->n_outstanding, 0);
				assert_int_equal(p->n_admitted, 0);
				assert_int_equal(p->n_waiting, 0);
				assert_int_equal(p->n_detached, 0);
				assert_int_equal(p->quota_ios, 0);
			}
		}
	}
	assert_int_equal(r->fab.n_rx_held, 0);
	assert_int_equal(r->fab.n_stray, 0);
}

struct rig *rig_new(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	rig_init(r);
	*state = r;
	return r;
}

int rig_setup(void **state)
{
	rig_start(rig_new(state));
	return 0;
}

int rig_teardown(void **state)
{
	rig_stop(*state);
	free(*state);
	return 0;
}
