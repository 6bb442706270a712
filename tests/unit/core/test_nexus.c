/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One I_T nexus over many channels: SINGLE and MULTI, caps, address binding, logins that fail half-way, I_LOGOUT,
 * nexus loss and linger, kick, drain.
 */
#include "rig.h"

#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <errno.h>
#include <stdlib.h>
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

static uint8_t multi_result(const struct fake_conn *c)
{
	return c->reply[26] & SRP_MULTI_MASK;
}

static void test_login_rsp(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 1, .immediate = true };
	static const uint8_t want[28] = { 0xc0, 0, 0, 0, 0,    0,    0, 16,   0x88, 0x77, 0x66, 0x55, 0x44, 0x33,
					  0x22, 0x11, 0, 0, 0x20, 0x54, 0, 0, 1, 0x40, 0, 6, 0x90, 0 };
	struct fake_conn *c;

	rig_start(r);
	c = rig_login_raw(r, &l);
	assert_true(c->accepted);
	assert_int_equal(c->reply_len, 52);
	assert_memory_equal(c->reply, want, 16 - 8);
	assert_memory_equal(c->reply + 16, want + 16, 12);
	assert_int_equal(c->n_recv, 20);
	rig_stop(r);
}

static void test_single_replaces(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a, *b, *c;
	struct rig_login l = { .id = 1 };

	rig_start(r);
	a = rig_login(r);
	assert_int_equal(multi_result(a), SRP_RSP_MULTI_NONE);
	b = rig_login_multi(r);
	assert_int_equal(multi_result(b), SRP_RSP_MULTI_MAINTAINED);
	assert_int_equal(rig_nexus(r)->n_channels, 2);
	/* The new channel waits until no RDMA of the old ones is possible. */
	a->manual = true;
	c = rig_login_raw(r, &l);
	assert_false(c->accepted);
	rig_expect_logout(r, b, 4);
	assert_false(c->accepted);
	a->manual = false;
	rig_expect_logout(r, a, 4);
	rig_run(r);
	assert_true(c->accepted);
	assert_int_equal(multi_result(c), SRP_RSP_MULTI_TERMINATED);
	assert_int_equal(rig_nexus(r)->n_channels, 1);
	assert_int_equal(r->core->port.n_channels, 1);
	rig_stop(r);
}

static void test_nexuses_are_apart(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 1 };
	struct fake_conn *a, *b;

	rig_start(r);
	a = rig_login_raw(r, &l);
	l.id = 2;
	b = rig_login_raw(r, &l);
	assert_true(a->accepted && b->accepted);
	assert_false(a->closing);
	assert_int_equal(r->core->port.n_nexuses, 2);
	/* Each has a session of its own at each back-end. */
	assert_int_equal(r->disk[0]->n_paths, 2);
	assert_string_not_equal(list_entry(list_first(&r->disk[0]->paths), struct fake_path, node)->initiator_name,
				list_entry(r->disk[0]->paths.head.prev, struct fake_path, node)->initiator_name);
	rig_stop(r);
}

static void test_channel_caps(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 1, .multi = true };

	r->maps[0]->map.max_channels_per_nexus = 3;
	r->maps[0]->map.max_channels = 4;
	rig_start(r);
	for (unsigned i = 0; i < 3; i++)
		assert_true(rig_login_raw(r, &l)->accepted);
	rig_expect_reject(r, rig_login_raw(r, &l), 0x00010006);
	l.id = 2;
	assert_true(rig_login_raw(r, &l)->accepted);
	rig_expect_reject(r, rig_login_raw(r, &l), 0x00010006);
	/* SINGLE replaces, so it is not one more. */
	l.id = 1, l.multi = false;
	assert_true(rig_login_raw(r, &l)->accepted);
	rig_stop(r);
}

static void test_no_multi_channel(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 1, .multi = true };

	r->maps[0]->map.max_channels_per_nexus = 1;
	rig_start(r);
	assert_true(rig_login_raw(r, &l)->accepted);
	rig_expect_reject(r, rig_login_raw(r, &l), 0x00010005);
	rig_stop(r);
}

static void test_nexus_cap(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 1 };

	r->maps[0]->map.max_nexuses = 2;
	rig_start(r);
	assert_true(rig_login_raw(r, &l)->accepted);
	l.id = 2;
	assert_true(rig_login_raw(r, &l)->accepted);
	l.id = 3;
	rig_expect_reject(r, rig_login_raw(r, &l), 0x00010001);
	rig_stop(r);
}

static void test_address_binding(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 1, .peer = "10.0.0.1" };
	struct fake_conn *a, *b;

	rig_start(r);
	a = rig_login_raw(r, &l);
	fake_established(a);
	l.peer = "10.0.0.2";
	rig_expect_reject(r, rig_login_raw(r, &l), 0x00010003);
	assert_false(a->closing);
	/* When the nexus is gone, anybody who is admitted may have the name. */
	fake_break(a, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 3000);
	assert_int_equal(r->core->port.n_nexuses, 0);
	b = rig_login_raw(r, &l);
	assert_true(b->accepted);
	r->maps[0]->map.allow_address_move = true;
	l.peer = "10.0.0.1";
	assert_true(rig_login_raw(r, &l)->accepted);
	rig_run(r);
	assert_true(b->closed);
	rig_stop(r);
}

static void test_anonymous_hosts(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .anonymous = true, .peer = "10.0.0.1" };
	struct fake_conn *a, *b;
	char name[224];

	rig_start(r);
	a = rig_login_raw(r, &l);
	strcpy(name, fake_path(r->disk[0])->initiator_name);
	assert_non_null(strstr(name, "10.0.0.1"));
	l.peer = "10.0.0.2";
	b = rig_login_raw(r, &l);
	assert_true(a->accepted && b->accepted);
	assert_false(a->closing);
	assert_int_equal(r->core->port.n_nexuses, 2);
	rig_stop(r);
}

static void test_accept_fails(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 1 };

	rig_start(r);
	r->fab.accept_rc = -ENOMEM;
	rig_expect_reject(r, rig_login_raw(r, &l), 0x00010001);
	rig_wait_ms(r, 3000);
	assert_int_equal(r->core->port.n_channels, 0);
	assert_int_equal(r->core->port.n_nexuses, 0);
	/* Nobody reads this one, but the log and the counters say what it was. */
	r->fab.accept_rc = -ENOTCONN;
	rig_expect_reject(r, rig_login_raw(r, &l), 0x00010000);
	assert_int_equal(r->core->port.refused_by_reason_total[0], 1);
	assert_int_equal(r->core->port.refused_by_reason_total[1], 1);
	rig_wait_ms(r, 3000);
	r->fab.accept_rc = 0;
	assert_true(rig_login_raw(r, &l)->accepted);
	rig_stop(r);
}

static void test_peer_gives_up(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 1 };
	struct fake_conn *a, *b, *c;

	rig_start(r);
	a = rig_login(r);
	a->manual = true;
	b = rig_login_raw(r, &l); /* waits for the end of a */
	c = rig_login_raw(r, &l);
	fake_gone(b, r->core);
	a->manual = false;
	rig_wait_ms(r, 2000);
	assert_true(b->rejected);
	assert_true(c->accepted);
	assert_int_equal(r->core->port.n_channels, 1);
	rig_stop(r);
}

/* Logins that wait for each other are few, so that one host does not fill the queue of all. */
static void test_pending_logins_of_one_nexus(void **state)
{
	struct rig *r = *state;
	struct rig_login one = { .id = 1 }, other = { .id = 2, .peer = "10.0.0.2" };
	struct fake_conn *a, *c;

	rig_start(r);
	a = rig_login(r);
	a->manual = true; /* its end takes a while */
	for (unsigned i = 0; i < 8; i++)
		assert_false(rig_login_raw(r, &one)->rejected);
	for (unsigned i = 0; i < 300; i++)
		rig_expect_reject(r, rig_login_raw(r, &one), 0x00010001);
	assert_int_equal(r->core->port.n_pending, 8);
	c = rig_login_raw(r, &other);
	assert_true(c->accepted);
	a->manual = false;
	rig_wait_ms(r, 30000);
	assert_int_equal(r->core->port.n_pending, 0);
	assert_true(rig_login_raw(r, &one)->accepted);
	rig_stop(r);
}

/* A channel that is replaced before the fabric even knows it. */
static void test_two_single_logins_at_once(void **state)
{
	struct rig *r = *state;
	uint8_t buf[64] = { [18] = 0x20, [19] = 0x44, [25] = 6 };
	struct fake_conn *a, *b;

	rig_start(r);
	memset(buf + 32, 0x11, 16);
	memset(buf + 48, 0x77, 16);
	a = fake_login(&r->fab, r->core, "10.0.0.1", buf, 64, FABRIC_LOGIN_NATIVE);
	b = fake_login(&r->fab, r->core, "10.0.0.1", buf, 64, FABRIC_LOGIN_NATIVE);
	rig_wait_ms(r, 1000);
	assert_true(a->accepted && b->accepted);
	assert_true(a->closed);
	assert_false(b->closing);
	rig_stop(r);
}

static void test_i_logout(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a, *b;
	uint8_t iu[16] = { SRP_I_LOGOUT };

	rig_start(r);
	a = rig_login(r);
	b = rig_login_multi(r);
	fake_send(a, iu, sizeof(iu));
	rig_run(r);
	assert_true(a->closed);
	assert_int_equal(a->n_sent, 0);
	/* The other channel of the nexus lives. */
	rig_expect_status(r, b, rig_read(r, b, 0, 0, r->mem, 512), SCSI_GOOD);
	rig_stop(r);
}

static void test_iu_before_established(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 1 };
	struct fake_conn *c;

	rig_start(r);
	c = rig_login_raw(r, &l);
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
	fake_established(c);
	rig_stop(r);
}

static void test_down_before_established(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 1 };
	struct fake_conn *c;

	rig_start(r);
	c = rig_login_raw(r, &l);
	fake_break(c, FABRIC_DOWN_ERROR);
	rig_run(r);
	assert_true(c->closed);
	rig_stop(r);
}

/* RDMA that is posted when the channel breaks: nothing is given back before it is done. */
static void test_break_in_every_state(void **state)
{
	enum { READY, FETCHING, EXECUTING, EXECUTING_WRITE, RESPONDING, N };
	struct rig *r = *state;

	rig_start(r);
	for (int when = READY; when < N; when++) {
		struct fake_conn *c = rig_login(r);

		c->manual = true;
		r->disk[0]->hold = when != RESPONDING;
		r->disk[0]->hold_up = when == READY;
		if (when == READY)
			fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
		if (when == FETCHING || when == EXECUTING_WRITE)
			rig_write(r, c, 0, 0, r->mem, 65536);
		else
			rig_read(r, c, 0, 0, r->mem, 65536);
		if (when == EXECUTING_WRITE)
			assert_true(fake_complete(c, FABRIC_WC_OK));
		rig_run(r);
		assert_int_equal(r->disk[0]->n_cmds, when == EXECUTING || when == EXECUTING_WRITE);
		assert_int_equal(c->n_posted, when == FETCHING || when == RESPONDING);
		fake_break(c, FABRIC_DOWN_ERROR);
		rig_run(r);
		assert_true(c->closed);
		assert_int_equal(r->core->shard[0]->n_tasks_free, r->core->shard[0]->n_tasks);
		if (fake_first(r->disk[0]))
			fake_answer(fake_first(r->disk[0]));
		r->disk[0]->hold_up = false;
		rig_wait_ms(r, 5000);
		assert_int_equal(r->core->port.n_nexuses, 0);
		rig_expect_idle(r);
	}
	rig_stop(r);
}

static void test_credits_of_cancelled_tasks_come_back(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t tags[10], tmf;
	struct srp_rsp rsp;

	rig_start(r);
	c = rig_login(r);
	r->disk[0]->hold = true;
	for (unsigned i = 0; i < 10; i++)
		tags[i] = rig_read(r, c, 0, 0, r->mem, 512);
	tmf = rig_tmf(r, c, SRP_TMF_LUN_RESET, 0, 0);
	(void)tags;
	rsp = rig_expect_rsp(r, c, tmf);
	assert_false(rsp.has_rsp_code && rsp.rsp_code);
	assert_int_equal(rsp.req_lim_delta, 11);
	while (fake_first(r->disk[0]))
		fake_answer(fake_first(r->disk[0]));
	rig_expect_nothing(r, c);
	rig_stop(r);
}

/* All that a channel had is cancelled by task management from another: only a CRED_REQ can bring its credits back. */
static void test_cred_req(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a, *b;
	const struct fake_iu *iu;
	struct rig_login l = { .id = 1, .multi = true, .flags = SRP_LOGIN_CRSOLNT };
	uint8_t rsp[16] = { SRP_CRED_RSP };
	uint64_t tmf;

	rig_start(r);
	a = rig_login(r);
	b = rig_login_raw(r, &l);
	fake_established(b);
	r->disk[0]->hold = true;
	for (unsigned i = 0; i < 16; i++)
		rig_read(r, b, 0, 0, r->mem, 512);
	tmf = rig_tmf(r, a, SRP_TMF_LUN_RESET, 0, 0);
	rig_expect_code(r, a, tmf, 0);
	rig_run(r);
	iu = fake_next(b);
	assert_non_null(iu);
	assert_int_equal(iu->len, 16);
	assert_int_equal(iu->data[0], SRP_CRED_REQ);
	assert_int_equal(iu->data[1], SRP_SOLNT);
	assert_true(iu->solicited);
	/* One at a time: the rest follows when this one was answered. */
	rig_expect_nothing(r, b);
	memcpy(rsp + 8, iu->data + 8, 8);
	if (iu->data[7] < 16) {
		uint8_t first = iu->data[7];

		fake_send(b, rsp, 16);
		rig_run(r);
		iu = fake_next(b);
		assert_non_null(iu);
		assert_int_equal(first + iu->data[7], 16);
		memcpy(rsp + 8, iu->data + 8, 8);
	}
	rsp[15] ^= 0x55; /* an answer to something else */
	fake_send(b, rsp, 16);
	rig_expect_logout(r, b, 3);
	while (fake_first(r->disk[0]))
		fake_answer(fake_first(r->disk[0]));
	rig_stop(r);
}

static void test_nexus_loss_ends_the_session(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;

	rig_start(r);
	c = rig_login(r);
	assert_int_equal(r->disk[0]->n_paths, 1);
	fake_break(c, FABRIC_DOWN_PEER);
	rig_run(r);
	assert_int_equal(r->disk[0]->n_paths, 0);
	assert_int_equal(r->core->port.n_nexuses, 0);
	rig_stop(r);
}

static void test_linger_and_unit_attention(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint32_t id;

	r->maps[0]->map.nexus_linger_ms = 2000;
	rig_start(r);
	c = rig_login(r);
	id = rig_nexus(r)->id;
	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 1500);
	assert_int_equal(r->disk[0]->n_paths, 1);
	c = rig_login(r);
	assert_int_equal(rig_nexus(r)->id, id);
	/*
	 * The back-end's session outlived the nexus: it does not know of the loss, so the gateway tells it. INQUIRY
	 * is not told.
	 */
	rig_expect_status(r, c, rig_send_cmd(r, c, &(struct rig_cmd){ .cdb = { 0x12 } }), SCSI_GOOD);
	rig_expect_sense(r, c, rig_read(r, c, 0, 0, r->mem, 512), 6, 0x29, 0x07);
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
	rig_expect_sense(r, c, rig_read(r, c, 3, 0, r->mem, 512), 6, 0x29, 0x07);
	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 2500);
	assert_int_equal(r->core->port.n_nexuses, 0);
	rig_stop(r);
}

/* What SCSI-2 reserved must not outlive the nexus, even where the back-end's session does. */
static void test_reservation_is_released(void **state)
{
	struct rig *r = *state;
	struct rig_cmd reserve = { .cdb = { 0x16 } };
	struct fake_conn *c;
	uint64_t n;

	r->maps[0]->map.nexus_linger_ms = 60000;
	rig_start(r);
	c = rig_login(r);
	rig_expect_status(r, c, rig_send_cmd(r, c, &reserve), SCSI_GOOD);
	n = r->disk[0]->n_submits;
	fake_break(c, FABRIC_DOWN_PEER);
	rig_run(r);
	assert_int_equal(r->disk[0]->n_submits, n + 1);
	assert_int_equal(r->disk[0]->last_cdb[0], 0x17);
	assert_int_equal(r->disk[0]->last_cdb_len, 6);
	assert_int_equal(r->disk[0]->last_lun[1], 10);
	/* Nothing is reserved now: another loss releases nothing. */
	c = rig_login(r);
	fake_break(c, FABRIC_DOWN_PEER);
	rig_run(r);
	assert_int_equal(r->disk[0]->n_submits, n + 1);
	/* Reserved after the loss, by a command from before it. */
	c = rig_login(r);
	rig_expect_sense(r, c, rig_send_cmd(r, c, &reserve), 6, 0x29, 0x07);
	r->disk[0]->hold = true;
	rig_send_cmd(r, c, &reserve);
	fake_break(c, FABRIC_DOWN_PEER);
	rig_run(r);
	assert_int_equal(r->disk[0]->n_submits, n + 2);
	r->disk[0]->hold = false;
	fake_answer(fake_first(r->disk[0]));
	rig_run(r);
	assert_int_equal(r->disk[0]->n_submits, n + 3);
	assert_int_equal(r->disk[0]->last_cdb[0], 0x17);
	rig_expect_idle(r);
	rig_stop(r);
}

/* A write that was in flight at the loss fences its LU until the back-end answered it. */
static void test_fence_over_nexus_loss(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t tag;

	rig_start(r);
	c = rig_login(r);
	r->disk[0]->hold = true;
	rig_write(r, c, 0, 0, r->mem, 512);
	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 1000);
	assert_int_equal(r->disk[0]->n_aborts, 1);
	assert_int_equal(r->disk[0]->n_paths, 1);
	c = rig_login(r);
	r->disk[0]->hold = false;
	/* the unit attention first */
	rig_expect_sense(r, c, rig_write(r, c, 0, 0, r->mem, 512), 6, 0x29, 0x07);
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	rig_expect_nothing(r, c);
	rig_expect_sense(r, c, rig_write(r, c, 1, 0, r->mem, 512), 6, 0x29, 0x07);
	rig_expect_status(r, c, rig_write(r, c, 1, 0, r->mem, 512), SCSI_GOOD); /* another LU */
	fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, c, tag, SCSI_GOOD);
	rig_stop(r);
}

static void done_found(void *arg, bool found)
{
	*(int *)arg = found;
}

static void test_kick(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a, *b;
	int found = -1;

	r->maps[0]->map.nexus_linger_ms = 60000;
	rig_start(r);
	a = rig_login(r);
	b = rig_login_multi(r);
	assert_int_equal(core_kick(r->core, 4711, done_found, &found), 0);
	rig_run(r);
	assert_int_equal(found, 0);
	assert_int_equal(core_kick(r->core, 0, done_found, &found), 0);
	rig_run(r);
	assert_int_equal(found, 0);
	assert_int_equal(core_kick(r->core, rig_nexus(r)->id, done_found, &found), 0);
	rig_expect_logout(r, a, 0);
	rig_expect_logout(r, b, 0);
	assert_int_equal(found, 1);
	/* No linger: whoever ends a session wants it ended. */
	assert_int_equal(r->core->port.n_nexuses, 0);
	assert_non_null(rig_login(r));
	rig_stop(r);
}

static void set_flag(void *arg)
{
	*(bool *)arg = true;
}

static void test_drain(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 2 };
	struct fake_conn *c;
	bool done = false;

	rig_start(r);
	c = rig_login(r);
	r->disk[0]->hold = true;
	rig_write(r, c, 0, 0, r->mem, 512);
	core_drain(r->core, 5000, set_flag, &done);
	rig_expect_logout(r, c, 0);
	rig_expect_reject(r, rig_login_raw(r, &l), 0x00010001);
	rig_wait_ms(r, 1500);
	assert_true(done);
	assert_int_equal(r->core->port.n_nexuses, 0);
	rig_stop(r);
}

static void test_drain_gives_up(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	bool done = false;

	rig_start(r);
	c = rig_login(r);
	assert_true(c->accepted);
	r->disk[1]->hold_detach = true;
	core_drain(r->core, 3000, set_flag, &done);
	rig_wait_ms(r, 2900);
	assert_false(done);
	rig_wait_ms(r, 200);
	assert_true(done);
	r->disk[1]->hold_detach = false;
	fake_detached(r->disk[1]);
	rig_run(r);
	assert_int_equal(r->core->port.n_nexuses, 0);
	rig_abandon(r);
}

/* Whatever was abandoned is freed all the same, with its connections and commands. */
static void test_destroy_after_a_drain_that_gave_up(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	bool done = false;

	rig_start(r);
	c = rig_login(r);
	r->disk[0]->hold = r->disk[0]->hold_detach = r->disk[1]->hold_detach = true;
	rig_write(r, c, 0, 0, r->mem, 512);
	c->manual = true;
	rig_write(r, c, 1, 0, r->mem, 512);
	rig_apply(r, rig_map_new(r));
	core_drain(r->core, 1, set_flag, &done);
	rig_wait_ms(r, 2);
	assert_true(done);
	rig_abandon(r);
	assert_int_equal(r->n_released, r->n_maps);
}

static void test_many_reactors(void **state)
{
	struct rig *r = *state;
	uint32_t used[3] = { 0 };

	r->n_reactors = 3;
	rig_start(r);
	for (uint8_t i = 1; i <= 9; i++) {
		struct rig_login l = { .id = i };
		struct fake_conn *c = rig_login_raw(r, &l);

		assert_true(c->accepted);
		fake_established(c);
		l.multi = true;
		c = rig_login_raw(r, &l);
		fake_established(c);
		rig_expect_status(r, c, rig_read(r, c, i % 4u, 0, r->mem, 512), SCSI_GOOD);
	}
	for (uint32_t i = 0; i < 3; i++)
		list_for_each(pos, &r->core->shard[i]->nexuses)
			used[i]++;
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(used[i], 3);
	rig_stop(r);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_login_rsp),
		TEST(test_single_replaces),
		TEST(test_nexuses_are_apart),
		TEST(test_channel_caps),
		TEST(test_no_multi_channel),
		TEST(test_nexus_cap),
		TEST(test_address_binding),
		TEST(test_anonymous_hosts),
		TEST(test_accept_fails),
		TEST(test_peer_gives_up),
		TEST(test_pending_logins_of_one_nexus),
		TEST(test_two_single_logins_at_once),
		TEST(test_i_logout),
		TEST(test_iu_before_established),
		TEST(test_down_before_established),
		TEST(test_credits_of_cancelled_tasks_come_back),
		TEST(test_cred_req),
		TEST(test_nexus_loss_ends_the_session),
		TEST(test_linger_and_unit_attention),
		TEST(test_reservation_is_released),
		TEST(test_fence_over_nexus_loss),
		TEST(test_kick),
		TEST(test_drain),
		TEST(test_drain_gives_up),
		TEST(test_destroy_after_a_drain_that_gave_up),
		TEST(test_many_reactors),
		TEST(test_break_in_every_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
