/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands from IU to response: data in all descriptor forms, residuals, sense, credits, local answers.
 */
#include "rig.h"

#include "../../../gateway/core/io.h"
#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <string.h>

static int setup(void **state)
{
	rig_new(state);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void test_write_then_read(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	struct srp_rsp rsp;
	uint64_t tag;

	rig_start(r);
	c = rig_login(r);
	rig_fill(r->mem, 65536, 1);
	tag = rig_write(r, c, 0, 8, r->mem, 65536);
	rsp = rig_expect_rsp(r, c, tag);
	assert_int_equal(rsp.status, 0);
	assert_int_equal(rsp.flags, 0);
	assert_int_equal(rsp.req_lim_delta, 1);
	assert_memory_equal(r->disk[0]->disk + 8 * 512, r->mem, 65536);
	tag = rig_read(r, c, 1, 8, r->mem + 100000, 65536);
	rig_expect_status(r, c, tag, SCSI_GOOD);
	assert_memory_equal(r->mem, r->mem + 100000, 65536);
	assert_int_equal(r->disk[0]->last_cdb_len, 10);
	assert_int_equal(r->disk[0]->last_lun[1], 11);
	rig_expect_idle(r);
	rig_stop(r);
}

static void run_forms(struct rig *r, struct fake_conn *c, uint32_t len, uint32_t n_frag, bool external)
{
	uint8_t *from = r->mem, *to = r->mem + (1u << 20);
	struct rig_cmd cmd = {
		.dir = RIG_OUT, .buf = from, .len = len, .n_frag = n_frag, .external = external, .cdb = { 0x2a }
	};

	rig_fill(from, len, len + n_frag);
	memset(to, 0x5a, len + 16);
	rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
	assert_memory_equal(r->disk[0]->disk, from, len);
	cmd.dir = RIG_IN;
	cmd.buf = to;
	cmd.cdb[0] = 0x28;
	rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
	assert_memory_equal(from, to, len);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(to[len + i], 0x5a);
	rig_expect_idle(r);
}

static void test_descriptor_forms(void **state)
{
	static const uint32_t lengths[] = { 1, 512, 8192, 8193, 100000, 524288 };
	static const uint32_t frags[] = { 1, 2, 14, 15, 100, 500 };
	struct rig *r = *state;
	struct fake_conn *c;

	rig_start(r);
	c = rig_login(r);
	for (unsigned i = 0; i < 6; i++)
		for (unsigned k = 0; k < 6; k++) {
			if (frags[k] > lengths[i])
				continue;
			run_forms(r, c, lengths[i], frags[k], false);
			run_forms(r, c, lengths[i], frags[k], true);
			/* Receive buffers are short: what must stay is copied. */
			r->fab.rx_low = true;
			run_forms(r, c, lengths[i], frags[k], false);
			r->fab.rx_low = false;
		}
	assert_true(c->largest_chain <= IO_ROUND_WR + 1);
	rig_stop(r);
}

/* A device that can do little: one segment per READ, short work requests, a small send queue. */
static void test_poor_device(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;

	r->fab.limits.sq_depth = 8;
	r->fab.limits.max_read_seg = r->fab.limits.max_write_seg = 1;
	r->fab.limits.max_wr_bytes = 4096;
	rig_start(r);
	c = rig_login(r);
	run_forms(r, c, 524288, 1, false);
	run_forms(r, c, 300000, 77, false);
	run_forms(r, c, 300000, 77, true);
	assert_true(c->largest_chain <= 8);
	rig_stop(r);
}

static void test_immediate_data(void **state)
{
	struct rig *r = *state;
	struct rig_cmd cmd = { .dir = RIG_OUT, .buf = NULL, .len = 8192, .immediate = true, .cdb = { 0x2a } };
	struct fake_conn *c;
	uint64_t tag;

	rig_start(r);
	c = rig_login(r);
	cmd.buf = r->mem;
	rig_fill(r->mem, 8192, 9);
	for (int low = 0; low < 2; low++) {
		r->fab.rx_low = low;
		memset(r->disk[0]->disk, 0, 8192);
		r->disk[0]->hold = true;
		tag = rig_send_cmd(r, c, &cmd);
		/* Zero copy while receive buffers are plenty. */
		assert_int_equal(r->fab.n_rx_held, low ? 0 : 1);
		fake_answer(fake_first(r->disk[0]));
		rig_expect_status(r, c, tag, SCSI_GOOD);
		assert_memory_equal(r->disk[0]->disk, r->mem, 8192);
		rig_expect_idle(r);
	}
	assert_int_equal(c->n_read_wr, 0);
	/* The receive buffer may outlive the channel. */
	r->fab.rx_low = false;
	tag = rig_send_cmd(r, c, &cmd);
	fake_break(c, FABRIC_DOWN_ERROR);
	rig_run(r);
	assert_true(c->closed);
	assert_int_equal(r->fab.n_rx_held, 1);
	fake_answer(fake_first(r->disk[0]));
	assert_int_equal(r->fab.n_rx_held, 0);
	rig_stop(r);
}

static void test_residuals(void **state)
{
	static const struct {
		uint8_t kind;
		uint32_t resid;
		bool out;
		uint8_t flag;
		uint32_t told, moved;
	} cases[] = {
		{ SRPGW_RESID_UNDER, 100, false, SRP_RSP_DIUNDER, 100, 924 },
		{ SRPGW_RESID_UNDER, 1024, false, SRP_RSP_DIUNDER, 1024, 0 },
		{ SRPGW_RESID_UNDER, 100, true, SRP_RSP_DOUNDER, 100, 0 },
		{ SRPGW_RESID_OVER, 5000, false, SRP_RSP_DIOVER, 5000, 1024 },
		{ SRPGW_RESID_OVER, 5000, true, SRP_RSP_DOOVER, 5000, 0 },
		{ SRPGW_RESID_NONE, 0, false, 0, 0, 1024 },
	};
	struct rig *r = *state;
	struct fake_conn *c;

	rig_start(r);
	c = rig_login(r);
	rig_fill(r->disk[0]->disk, 4096, 3);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct srp_rsp rsp;
		uint64_t tag, before = c->write_bytes;

		r->disk[0]->resid_kind = cases[i].kind;
		r->disk[0]->resid = cases[i].resid;
		memset(r->mem, 0x5a, 2048);
		tag = cases[i].out ? rig_write(r, c, 0, 64, r->mem, 1024) : rig_read(r, c, 0, 0, r->mem, 1024);
		rsp = rig_expect_rsp(r, c, tag);
		assert_int_equal(rsp.flags & (SRP_RSP_DIUNDER | SRP_RSP_DIOVER | SRP_RSP_DOUNDER | SRP_RSP_DOOVER),
				 cases[i].flag);
		assert_int_equal(cases[i].out ? rsp.data_out_resid : rsp.data_in_resid, cases[i].told);
		assert_int_equal(cases[i].out ? rsp.data_in_resid : rsp.data_out_resid, 0);
		assert_int_equal(c->write_bytes - before, cases[i].moved);
		if (cases[i].moved) {
			assert_memory_equal(r->mem, r->disk[0]->disk, cases[i].moved);
			assert_int_equal(r->mem[cases[i].moved], 0x5a);
		}
	}
	r->disk[0]->resid_kind = SRPGW_RESID_NONE;
	rig_stop(r);
}

static void test_status_and_sense_pass_through(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	struct srp_rsp rsp;

	rig_start(r);
	c = rig_login(r);
	r->disk[0]->status = SCSI_CHECK_CONDITION;
	r->disk[0]->sense_len = 18;
	for (unsigned i = 0; i < 18; i++)
		r->disk[0]->sense[i] = (uint8_t)(0xc0 + i);
	r->disk[0]->resid_kind = SRPGW_RESID_UNDER;
	r->disk[0]->resid = 512;
	rsp = rig_expect_rsp(r, c, rig_read(r, c, 0, 0, r->mem, 512));
	assert_int_equal(rsp.status, SCSI_CHECK_CONDITION);
	assert_int_equal(rsp.sense_len, 18);
	assert_memory_equal(rsp.sense, r->disk[0]->sense, 18);
	assert_int_equal(rsp.data_in_resid, 512);
	r->disk[0]->sense_len = 0;
	r->disk[0]->status = SCSI_RESERVATION_CONFLICT;
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_RESERVATION_CONFLICT);
	rig_stop(r);
}

/* A host that takes short responses gets its sense data cut, not a longer IU. */
static void test_short_responses(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 1, .it_iu_len = 64 };
	struct fake_conn *c;
	struct srp_rsp rsp;

	rig_start(r);
	c = rig_login_raw(r, &l);
	fake_established(c);
	assert_int_equal(c->reply[23], 64);
	r->disk[0]->status = SCSI_CHECK_CONDITION;
	r->disk[0]->sense_len = 18;
	rsp = rig_expect_rsp(r, c, rig_read(r, c, 0, 0, r->mem, 512));
	assert_true(c->sent[0].len <= 64);
	assert_int_equal(rsp.sense_len, 18);
	rig_stop(r);
}

static void test_refusals(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	struct rig_cmd cmd = { .dir = RIG_IN, .cdb = { 0x28 } };
	uint8_t iu[128] = { SRP_CMD, [5] = 0x11, [15] = 77, [32] = 0x28 };
	const struct fake_iu *rsp;

	rig_start(r);
	c = rig_login(r);
	/* bidirectional */
	srp_mdesc_put(iu + 48, (struct srp_mdesc){ 1, 2, 512 });
	srp_mdesc_put(iu + 64, (struct srp_mdesc){ 1, 2, 512 });
	fake_send(c, iu, 80);
	rig_run(r);
	rsp = fake_next(c);
	assert_non_null(rsp);
	assert_int_equal(rsp->data[19], SCSI_CHECK_CONDITION);
	assert_int_equal(rsp->data[36 + 2], 0x05);
	assert_int_equal(rsp->data[36 + 12], 0x24);
	/* 20 bytes of CDB; then a variable-length one */
	memset(iu, 0, sizeof(iu));
	iu[0] = SRP_CMD, iu[15] = 78, iu[31] = 4;
	fake_send(c, iu, 52);
	rig_run(r);
	rsp = fake_next(c);
	assert_non_null(rsp);
	assert_int_equal(rsp->data[36 + 12], 0x20);
	iu[31] = 0, iu[32] = 0x7f, iu[39] = 24, iu[15] = 79;
	fake_send(c, iu, 48);
	rig_run(r);
	rsp = fake_next(c);
	assert_non_null(rsp);
	assert_int_equal(rsp->data[36 + 12], 0x20);
	/* more than a command may move */
	cmd.buf = r->mem;
	cmd.len = (1u << 20) + 1;
	rig_expect_sense(r, c, rig_send_cmd(r, c, &cmd), 0x05, 0x24, 0x00);
	assert_int_equal(r->disk[0]->n_submits, 0);
	rig_expect_idle(r);
	rig_stop(r);
}

static void test_solicited_notification(void **state)
{
	static const struct {
		uint8_t sol_not, status;
		bool solicited;
	} cases[] = {
		{ 0, 0, false }, { 0, 2, false }, { SRP_SCSOLNT, 0, true }, { SRP_SCSOLNT, 2, false },
		{ SRP_UCSOLNT, 0, false }, { SRP_UCSOLNT, 2, true }, { SRP_SCSOLNT | SRP_UCSOLNT, 0x18, true },
	};
	struct rig *r = *state;
	struct fake_conn *c;

	rig_start(r);
	c = rig_login(r);
	assert_true(c->reply[26] & SRP_RSP_SOLNT_SUPP);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_cmd cmd = { .sol_not = cases[i].sol_not };
		struct srp_rsp rsp;

		r->disk[0]->status = cases[i].status;
		rsp = rig_expect_rsp(r, c, rig_send_cmd(r, c, &cmd));
		assert_int_equal(rsp.sol_not, cases[i].solicited ? SRP_SOLNT : 0);
	}
	rig_stop(r);
}

static void test_task_attribute_and_cdb(void **state)
{
	struct rig *r = *state;
	struct rig_cmd cmd = { .attr = 2, .cdb = { 0x12 } };
	struct fake_conn *c;

	rig_start(r);
	c = rig_login(r);
	rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
	assert_int_equal(r->disk[0]->last_attr, SRPGW_ATTR_ORDERED);
	assert_int_equal(r->disk[0]->last_cdb_len, 6);
	cmd.cdb[0] = 0x88;
	rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
	assert_int_equal(r->disk[0]->last_cdb_len, 16);
	cmd.cdb[0] = 0xc1; /* vendor specific: as it came */
	rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
	assert_int_equal(r->disk[0]->last_cdb_len, 16);
	rig_stop(r);
}

static void test_report_luns(void **state)
{
	static const uint32_t asked_at[] = { 0, 1, 99 };
	struct rig *r = *state;
	struct fake_conn *c;

	rig_start(r);
	c = rig_login(r);
	for (unsigned i = 0; i < 3; i++) {
		struct rig_cmd cmd = {
			.lun = asked_at[i], .dir = RIG_IN, .buf = r->mem, .len = 4096, .cdb = { 0xa0, [8] = 0x10 }
		};
		struct srp_rsp rsp;
		uint8_t want[40] = { [3] = 32, [9] = 0, [17] = 1, [25] = 2, [33] = 3 };

		memset(r->mem, 0x5a, 64);
		rsp = rig_expect_rsp(r, c, rig_send_cmd(r, c, &cmd));
		assert_int_equal(rsp.status, 0);
		assert_int_equal(rsp.flags, SRP_RSP_DIUNDER);
		assert_int_equal(rsp.data_in_resid, 4096 - 40);
		assert_memory_equal(r->mem, want, 40);
		assert_int_equal(r->mem[40], 0x5a);
		/* Cut by the allocation length, and by the buffer. */
		cmd.cdb[8] = 0, cmd.cdb[9] = 20;
		memset(r->mem, 0x5a, 64);
		rsp = rig_expect_rsp(r, c, rig_send_cmd(r, c, &cmd));
		assert_int_equal(rsp.data_in_resid, 4096 - 20);
		assert_memory_equal(r->mem, want, 20);
		assert_int_equal(r->mem[20], 0x5a);
		cmd.cdb[9] = 200, cmd.len = 10;
		rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
		/* Well-known logical units: none. */
		cmd.cdb[2] = 1, cmd.len = 512;
		rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
		assert_int_equal(r->mem[3], 0);
		cmd.cdb[2] = 3;
		rig_expect_sense(r, c, rig_send_cmd(r, c, &cmd), 5, 0x24, 0);
		cmd.cdb[2] = 0, cmd.cdb[9] = 15;
		rig_expect_sense(r, c, rig_send_cmd(r, c, &cmd), 5, 0x24, 0);
	}
	assert_int_equal(r->disk[0]->n_submits + r->disk[1]->n_submits, 0);
	rig_expect_idle(r);
	rig_stop(r);
}

static void test_lun_not_mapped(void **state)
{
	static const uint32_t luns[] = { 0, 4, 16383 };
	struct rig *r = *state;
	struct fake_conn *c;

	r->maps[0]->group[0].lun += 1; /* LUN 0 is not mapped either */
	r->maps[0]->group[0].n_lun -= 1;
	rig_start(r);
	c = rig_login(r);
	for (unsigned i = 0; i < 3; i++) {
		struct rig_cmd cmd = {
			.lun = luns[i], .dir = RIG_IN, .buf = r->mem, .len = 255, .cdb = { 0x12, [4] = 255 }
		};
		struct scsi_sense s;

		memset(r->mem, 0x5a, 256);
		rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
		assert_int_equal(r->mem[0], 0x7f);
		assert_in_range(r->mem[2], 5, 7);
		assert_int_equal(r->mem[4], 31);
		assert_int_equal(r->mem[36], 0x5a);
		cmd.cdb[1] = 1;
		rig_expect_sense(r, c, rig_send_cmd(r, c, &cmd), 5, 0x24, 0);
		cmd = (struct rig_cmd){
			.lun = luns[i], .dir = RIG_IN, .buf = r->mem, .len = 252, .cdb = { 0x03, [4] = 252 }
		};
		rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
		assert_true(scsi_sense_parse(r->mem, 18, &s));
		assert_int_equal(s.key, 5);
		assert_int_equal(s.asc, 0x25);
		cmd.cdb[0] = 0;
		cmd.dir = RIG_NONE;
		rig_expect_sense(r, c, rig_send_cmd(r, c, &cmd), 5, 0x25, 0);
		rig_expect_sense(r, c, rig_read(r, c, luns[i], 0, r->mem, 512), 5, 0x25, 0);
		rig_expect_sense(r, c, rig_write(r, c, luns[i], 0, r->mem, 512), 5, 0x25, 0);
	}
	rig_expect_idle(r);
	rig_stop(r);
}

/* LUN 0 in flat addressing is LUN 0. */
static void test_lun_forms(void **state)
{
	struct rig *r = *state;
	uint8_t iu[48] = { SRP_CMD, [15] = 3, [20] = 0x40, [21] = 1 };
	struct fake_conn *c;

	rig_start(r);
	c = rig_login(r);
	fake_send(c, iu, sizeof(iu));
	rig_run(r);
	assert_int_equal(c->sent[0].data[19], SCSI_GOOD);
	assert_int_equal(r->disk[0]->last_lun[1], 11);
	iu[22] = 1; /* a second level: somebody else */
	fake_send(c, iu, sizeof(iu));
	rig_run(r);
	assert_int_equal(c->sent[1].data[19], SCSI_CHECK_CONDITION);
	rig_stop(r);
}

/* More commands than one nexus may have tasks, which is half: TASK SET FULL for some, and every one is answered. */
static void test_tasks_run_out(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c[4];
	unsigned full = 0, good = 0;

	r->params.max_tasks = 32;
	r->backend[0].limits.max_outstanding = 4;
	rig_start(r);
	c[0] = rig_login(r);
	for (unsigned i = 1; i < 4; i++)
		c[i] = rig_login_multi(r);
	r->disk[0]->hold = true;
	for (unsigned i = 0; i < 4; i++)
		c[i]->manual = true;
	for (unsigned i = 0; i < 64; i++)
		rig_read(r, c[i % 4], 0, 0, r->mem, 512);
	assert_int_equal(r->disk[0]->n_cmds, 4);
	for (unsigned i = 0; i < 4; i++)
		c[i]->manual = false;
	rig_run(r);
	r->disk[0]->hold = false;
	while (fake_first(r->disk[0])) {
		fake_answer(fake_first(r->disk[0]));
		rig_run(r);
	}
	for (unsigned i = 0; i < 4; i++) {
		const struct fake_iu *iu;

		while ((iu = fake_next(c[i]))) {
			full += iu->data[19] == SCSI_TASK_SET_FULL;
			good += iu->data[19] == SCSI_GOOD;
		}
	}
	assert_int_equal(full + good, 64);
	assert_in_range(good, 13, 16);
	rig_expect_idle(r);
	rig_stop(r);
}

/* Much more than the pool holds, on both back-ends, one of them stuck: the other goes on. */
static void test_a_stuck_backend_leaves_memory_to_others(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t tag;

	r->params.pool_bytes = 4u << 20;
	r->maps[0]->map.req_lim = 100;
	r->params.max_tasks = 256;
	rig_start(r);
	c = rig_login(r);
	r->disk[0]->hold = true;
	for (unsigned i = 0; i < 90; i++)
		rig_read(r, c, 0, 0, r->mem, 262144);
	assert_true(r->disk[0]->n_cmds < 90);
	assert_true(r->disk[0]->n_cmds >= 4);
	for (unsigned i = 0; i < 20; i++) {
		tag = rig_read(r, c, 2, 0, r->mem, 65536);
		rig_expect_status(r, c, tag, SCSI_GOOD);
	}
	while (fake_first(r->disk[0])) {
		fake_answer(fake_first(r->disk[0]));
		rig_run(r);
	}
	assert_int_equal(c->n_sent, 110);
	c->n_seen = c->n_sent;
	rig_expect_idle(r);
	rig_stop(r);
}

static void test_send_queue_full(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;

	r->fab.limits.sq_depth = 4;
	r->maps[0]->map.req_lim = 64;
	r->params.max_tasks = 256;
	rig_start(r);
	c = rig_login(r);
	c->manual = true;
	rig_fill(r->disk[0]->disk, 65536, 4);
	for (unsigned i = 0; i < 60; i++)
		rig_read(r, c, 0, i, r->mem + 512 * i, 512);
	for (unsigned i = 0; c->n_sent < 60; i++) {
		assert_true(i < 1000);
		fake_complete(c, FABRIC_WC_OK);
		rig_run(r);
	}
	assert_memory_equal(r->mem, r->disk[0]->disk, 60 * 512);
	c->manual = false;
	c->n_seen = c->n_sent;
	rig_expect_idle(r);
	rig_stop(r);
}

/* ---- the time split, on the real clock, whose cached time stands still inside an iteration ---- */

struct one_iteration {
	struct reactor_msg msg;
	struct rig *rig;
	struct fake_conn *conn;
	uint8_t cdb[16];
	bool done;
};

static void pass_2_ms(void *arg)
{
	const struct rig *r = arg;
	uint64_t until_ns = reactor_clock_ns(r->reactor) + 2 * NS_PER_MS;

	while (reactor_clock_ns(r->reactor) < until_ns)
		;
}

/* A host's command from IU to response, fetch and response 2 ms each. */
static void whole_command(struct reactor_msg *msg)
{
	struct one_iteration *it = container_of(msg, struct one_iteration, msg);
	struct srp_cmd s = { .tag = 1, .cdb = it->cdb, .cdb_len = 16 };
	struct srp_mdesc d = { (uint64_t)(uintptr_t)it->rig->mem, it->rig->fab.rkey, 512 };
	uint8_t iu[256], desc[16];

	srp_mdesc_put(desc, d);
	s.data_out = (struct srp_data){ .fmt = SRP_FMT_DIRECT, .len_bytes = 512, .n_desc = 1, .desc = desc };
	fake_send(it->conn, iu, srp_cmd_encode(&s, 68, true, iu, sizeof(iu)));
	assert_int_equal(it->conn->n_posted, 1);
	for (unsigned i = 0; i < 2; i++) {
		pass_2_ms(it->rig);
		assert_true(fake_complete(it->conn, FABRIC_WC_OK));
	}
	it->done = true;
}

static void test_time_split_inside_an_iteration(void **state)
{
	struct rig *r = *state;
	struct one_iteration it = { .msg.fn = whole_command, .rig = r, .cdb = { 0x2a, [8] = 1 } };
	const struct lu *lu;

	rig_start(r);
	reactor_set_clock(r->reactor, NULL, NULL);
	it.conn = rig_login(r);
	it.conn->manual = true;
	r->disk[0]->on_submit = pass_2_ms;
	r->disk[0]->on_submit_arg = r;
	reactor_send(r->reactor, &it.msg);
	reactor_poll(r->reactor, 0);
	assert_true(it.done);
	rig_expect_status(r, it.conn, 1, SCSI_GOOD);
	lu = rig_nexus(r)->lu[0];
	assert_non_null(lu->time);
	assert_int_equal(lu->time->fabric.count, 1);
	assert_true(lu->time->fabric.sum_ns >= 4 * NS_PER_MS);
	assert_true(lu->time->backend.sum_ns >= 2 * NS_PER_MS);
	assert_true(lu->time->total.sum_ns >= 6 * NS_PER_MS);
	assert_true(lu->path->backend_time.sum_ns >= 2 * NS_PER_MS);
	/* And nothing is counted twice. */
	assert_true(lu->time->total.sum_ns == lu->time->fabric.sum_ns + lu->time->gateway.sum_ns + lu->time->backend.sum_ns);
	assert_true(lu->time->total.sum_ns <= reactor_clock_ns(r->reactor) - rig_nexus(r)->since_ns);
	r->disk[0]->on_submit = NULL;
	it.conn->manual = false;
	rig_stop(r);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_write_then_read),
		TEST(test_descriptor_forms),
		TEST(test_poor_device),
		TEST(test_immediate_data),
		TEST(test_residuals),
		TEST(test_status_and_sense_pass_through),
		TEST(test_short_responses),
		TEST(test_refusals),
		TEST(test_solicited_notification),
		TEST(test_task_attribute_and_cdb),
		TEST(test_report_luns),
		TEST(test_lun_not_mapped),
		TEST(test_lun_forms),
		TEST(test_tasks_run_out),
		TEST(test_a_stuck_backend_leaves_memory_to_others),
		TEST(test_send_queue_full),
		TEST(test_time_split_inside_an_iteration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
