/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Task management in every state of its victim: answered within 3 s whatever the back-end does, fenced where it is
 * not confirmed, and never answered while RDMA of the victim may still happen.
 */
#include "rig.h"

#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <stdlib.h>
#include <string.h>

static void test_unknown_task_and_functions(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, 4711), 0);
	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_ABORT_TASK, 99, 4711), 5);
	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_LUN_RESET, 99, 0), 5);
	/* No ACA is ever in effect: it is clear. */
	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_CLEAR_ACA, 0, 0), 0);
	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_CLEAR_ACA, 99, 0), 5);
	rig_expect_code(r, c, rig_tmf(r, c, 0x03, 0, 0), 4);
	rig_expect_code(r, c, rig_tmf(r, c, 0, 0, 0), 4);
	assert_int_equal(r->disk[0]->n_tmf_total, 0);
	rig_expect_idle(r);
}

static void test_lun_functions_reach_the_backend(void **state)
{
	static const uint8_t functions[] = { SRP_TMF_LUN_RESET, SRP_TMF_CLEAR_TASK_SET };
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (unsigned i = 0; i < 2; i++) {
		rig_expect_code(r, c, rig_tmf(r, c, functions[i], 0, 0), 0);
		assert_int_equal(r->disk[0]->n_tmf_total, i + 1);
		assert_int_equal(r->disk[0]->last_tmf, functions[i]);
	}
	/* Nothing there to abort: nobody needs to be asked. */
	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_ABORT_TASK_SET, 0, 0), 0);
	assert_int_equal(r->disk[0]->n_tmf_total, 2);
	r->disk[0]->tmf_result = SRPGW_TMF_NOT_SUPPORTED;
	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_LUN_RESET, 0, 0), 4);
	r->disk[0]->tmf_result = SRPGW_TMF_COMPLETE;
}

static void test_victim_in_ready(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	r->disk[0]->hold_up = true;
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag), 0);
	rig_expect_nothing(r, c);
	rig_expect_idle(r);
	r->disk[0]->hold_up = false;
}

static void test_victim_is_fetching(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_multi(r);
	uint64_t tag, tmf;

	a->manual = true;
	tag = rig_write(r, a, 0, 0, r->mem, 512);
	tmf = rig_tmf(r, b, SRP_TMF_ABORT_TASK, 0, tag);
	/* The READ may still touch the host's memory. */
	rig_expect_nothing(r, b);
	fake_complete(a, FABRIC_WC_OK);
	rig_expect_code(r, b, tmf, 0);
	assert_int_equal(r->disk[0]->n_submits, 0);
	a->manual = false;
}

/* RDMA that never ends: its channel is closed, and only then comes the answer. */
static void test_victim_is_stuck_in_the_fabric(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_multi(r);
	uint64_t tag, tmf;

	a->manual = true;
	tag = rig_write(r, a, 0, 0, r->mem, 512);
	tmf = rig_tmf(r, b, SRP_TMF_ABORT_TASK, 0, tag);
	rig_wait_ms(r, 2400);
	rig_expect_nothing(r, b);
	assert_false(a->closing);
	rig_wait_ms(r, 200);
	assert_true(a->closed);
	assert_false(b->closing);
	rig_expect_code(r, b, tmf, 0);
}

/* After its first round: no further WRITEs and no response, only the credit. */
static void expect_stopped(struct rig *r, struct fake_conn *c)
{
	const struct fake_iu *iu;

	c->manual = false;
	rig_run(r);
	assert_int_equal(c->n_write_wr, IO_ROUND_WR);
	iu = fake_next(c);
	assert_non_null(iu);
	assert_int_equal(iu->data[0], SRP_CRED_REQ);
	rig_expect_nothing(r, c);
}

static void test_victim_is_placing(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_multi(r);
	struct rig_cmd cmd = { .dir = RIG_IN, .buf = r->mem, .len = 65536, .n_frag = 200, .cdb = { 0x28 } };
	uint64_t tag, tmf;

	a->manual = true;
	tag = rig_send_cmd(r, a, &cmd);
	assert_int_equal(a->n_posted, 1);
	tmf = rig_tmf(r, b, SRP_TMF_ABORT_TASK, 0, tag);
	rig_expect_nothing(r, b);
	fake_complete(a, FABRIC_WC_OK);
	rig_expect_code(r, b, tmf, 0);
	expect_stopped(r, a);
}

static void test_victim_is_responding(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_multi(r);
	uint64_t tag, tmf;

	a->manual = true;
	tag = rig_read(r, a, 0, 0, r->mem, 512);
	/* Its WRITE is posted, but not done, and nothing keeps it ahead of an answer on another channel. */
	tmf = rig_tmf(r, b, SRP_TMF_ABORT_TASK, 0, tag);
	rig_expect_nothing(r, b);
	a->manual = false;
	rig_expect_code(r, b, tmf, 0);
	rig_expect_status(r, a, tag, SCSI_GOOD);
	/* On the same channel the order is kept, and the task is complete as far as the host may know. */
	a->manual = true;
	tag = rig_read(r, a, 0, 0, r->mem, 512);
	tmf = rig_tmf(r, a, SRP_TMF_ABORT_TASK, 0, tag);
	assert_int_equal(a->n_posted, 2);
	a->manual = false;
	rig_expect_status(r, a, tag, SCSI_GOOD);
	rig_expect_code(r, a, tmf, 0);
}

static void test_victim_at_the_backend(void **state)
{
	static const uint8_t results[] = { SRPGW_TMF_COMPLETE, SRPGW_TMF_NO_SUCH_TASK };
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (unsigned i = 0; i < 2; i++) {
		uint64_t tag, tmf;

		r->disk[0]->hold = r->disk[0]->hold_tmf = true;
		tag = rig_write(r, c, 0, 0, r->mem, 512);
		tmf = rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag);
		rig_expect_nothing(r, c);
		assert_int_equal(r->disk[0]->last_tmf, SRPGW_TMF_ABORT_TASK);
		fake_tmf_answer(r->disk[0], (enum srpgw_tmf_result)results[i]);
		rig_expect_code(r, c, tmf, 0);
		/* The command's own answer comes late and goes nowhere. */
		assert_int_equal(rig_nexus(r)->n_detached, 1);
		fake_answer(fake_first(r->disk[0]));
		rig_expect_nothing(r, c);
		rig_expect_idle(r);
	}
}

/* The command is answered first: that settles it, the function's answer is not waited for. */
static void test_victim_answers_first(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag, tmf;

	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	tag = rig_read(r, c, 0, 0, r->mem, 512);
	tmf = rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag);
	memset(r->mem, 0x5a, 512);
	fake_answer(fake_first(r->disk[0]));
	rig_expect_code(r, c, tmf, 0);
	assert_int_equal(r->mem[0], 0x5a);
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
	fake_tmf_answer(r->disk[0], SRPGW_TMF_NO_SUCH_TASK);
	rig_expect_idle(r);
}

static void stuck(struct rig *r, struct fake_conn *c, uint8_t function, uint64_t tag)
{
	uint64_t tmf = rig_tmf(r, c, function, 0, tag), next;

	rig_wait_ms(r, 2400);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 200);
	rig_expect_code(r, c, tmf, 0);
	assert_true(rig_lu(r, 0)->n_fences > 0);
	/* What comes next waits; another LU of the same back-end does not. */
	next = rig_write(r, c, 0, 8, r->mem, 512);
	assert_int_equal(r->disk[0]->n_cmds, 1);
	r->disk[0]->hold = false;
	rig_expect_status(r, c, rig_write(r, c, 1, 9, r->mem, 512), SCSI_GOOD);
	rig_expect_nothing(r, c);
	fake_tmf_answer(r->disk[0], SRPGW_TMF_COMPLETE);
	rig_expect_status(r, c, next, SCSI_GOOD);
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
	fake_answer(fake_first(r->disk[0]));
	rig_expect_idle(r);
}

static void test_stuck_backend_abort(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	stuck(r, c, SRP_TMF_ABORT_TASK, rig_write(r, c, 0, 0, r->mem, 512));
	assert_int_equal(rig_nexus(r)->tmf_timeout_total, 1);
}

static void test_stuck_backend_reset(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	rig_write(r, c, 0, 0, r->mem, 512);
	stuck(r, c, SRP_TMF_LUN_RESET, 0);
}

static void test_stuck_backend_abort_task_set(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	rig_write(r, c, 0, 0, r->mem, 512);
	stuck(r, c, SRP_TMF_ABORT_TASK_SET, 0);
}

/* The late command itself lowers the fence as well. */
static void test_fence_ends_with_the_commands_answer(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag, tmf, next;

	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	tmf = rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag);
	rig_wait_ms(r, 2600);
	rig_expect_code(r, c, tmf, 0);
	r->disk[0]->hold = false;
	next = rig_write(r, c, 0, 8, r->mem, 512);
	rig_expect_nothing(r, c);
	fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, c, next, SCSI_GOOD);
	fake_tmf_answer(r->disk[0], SRPGW_TMF_NO_SUCH_TASK);
}

/* A fenced LU holds what comes for hold_ms, then says BUSY. */
static void test_fence_holds_then_busy(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag, next;

	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag);
	rig_wait_ms(r, 2600);
	fake_next(c);
	next = rig_write(r, c, 0, 8, r->mem, 512);
	rig_wait_ms(r, 4900);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 200);
	rig_expect_status(r, c, next, SCSI_BUSY);
	fake_answer(fake_first(r->disk[0]));
	fake_tmf_answer(r->disk[0], SRPGW_TMF_COMPLETE);
}

/* A back-end that never answers: its session is given up, and the LU comes back. */
static void test_fence_does_not_stand_for_ever(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag);
	rig_wait_ms(r, 2600);
	fake_next(c);
	rig_wait_ms(r, 9000);
	assert_int_equal(r->disk[0]->n_detaches, 0);
	r->disk[0]->hold = r->disk[0]->hold_tmf = false;
	rig_wait_ms(r, 1000);
	assert_int_equal(r->disk[0]->n_detaches, 1);
	rig_wait_ms(r, 1000);
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
	rig_expect_status(r, c, rig_write(r, c, 0, 8, r->mem, 512), SCSI_GOOD);
	rig_wait_ms(r, 20000);
	assert_int_equal(r->disk[0]->n_detaches, 1);
}

/* A read that its host gave up with the channel disturbs nobody, but a back-end that never answers it has room for the fewer others. */
static void test_lost_read_is_not_awaited_for_ever(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r), *other = rig_login_multi(r);

	r->disk[0]->hold = true;
	rig_read(r, other, 0, 0, r->mem, 512);
	fake_break(other, FABRIC_DOWN_ERROR);
	rig_wait_ms(r, 9900);
	assert_int_equal(rig_nexus(r)->n_detached, 1);
	assert_int_equal(r->disk[0]->n_detaches, 0);
	r->disk[0]->hold = false;
	rig_wait_ms(r, 1000);
	assert_int_equal(r->disk[0]->n_detaches, 1);
	assert_int_equal(rig_nexus(r)->n_detached, 0);
	rig_expect_status(r, c, rig_write(r, c, 0, 8, r->mem, 512), SCSI_GOOD);
	rig_wait_ms(r, 20000);
	assert_int_equal(r->disk[0]->n_detaches, 1);
}

/* The session dies with the fate of an aborted write unknown: fenced until fence_ms after its end. */
static void test_session_dies_under_the_fence(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag, next;

	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag);
	rig_wait_ms(r, 2600);
	fake_next(c);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	r->disk[0]->hold = false;
	rig_run(r);
	next = rig_write(r, c, 0, 8, r->mem, 512);
	rig_wait_ms(r, 500);
	assert_int_equal(rig_nexus(r)->n_detached, 0);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
	rig_expect_nothing(r, c);
	rig_expect_status(r, c, rig_write(r, c, 1, 8, r->mem, 512), SCSI_GOOD);
	rig_wait_ms(r, 300);
	rig_expect_status(r, c, next, SCSI_GOOD);
}

static void test_function_not_supported_falls_back_to_abort(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag, tmf;

	r->disk[0]->hold = true;
	r->disk[0]->tmf_result = SRPGW_TMF_NOT_SUPPORTED;
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	tmf = rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag);
	assert_int_equal(r->disk[0]->n_aborts, 1);
	rig_expect_nothing(r, c);
	fake_answer(fake_first(r->disk[0]));
	rig_expect_code(r, c, tmf, 0);
	r->disk[0]->tmf_result = SRPGW_TMF_COMPLETE;
}

static void test_failed_reset_gives_the_session_up(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tmf;

	r->disk[0]->hold = true;
	r->disk[0]->tmf_result = SRPGW_TMF_FAILED;
	rig_write(r, c, 0, 0, r->mem, 512);
	tmf = rig_tmf(r, c, SRP_TMF_LUN_RESET, 0, 0);
	rig_expect_code(r, c, tmf, 0);
	rig_run(r);
	assert_int_equal(r->disk[0]->n_detaches, 1);
	r->disk[0]->tmf_result = SRPGW_TMF_COMPLETE;
	rig_wait_ms(r, 2000);
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
}

/* The session dies before it answers: complete, because nothing that follows is delivered before that session is proven over. */
static void lost_function(struct rig *r, uint8_t function)
{
	struct fake_conn *c = rig_login(r);
	uint64_t tmf, next;

	r->disk[0]->hold = r->disk[0]->hold_tmf = r->disk[0]->hold_detach = true;
	rig_write(r, c, 0, 0, r->mem, 512);
	tmf = rig_tmf(r, c, function, 0, 0);
	rig_expect_nothing(r, c);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	rig_expect_code(r, c, tmf, 0);
	r->disk[0]->hold = r->disk[0]->hold_tmf = false;
	next = rig_write(r, c, 0, 0, r->mem, 512);
	rig_wait_ms(r, 1000);
	assert_int_equal(r->disk[0]->n_attaches, 1);
	fake_detached(r->disk[0]);
	r->disk[0]->hold_detach = false;
	/* Up again, and fence_ms since the end of the other are not over. */
	rig_wait_ms(r, 600);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 200);
	rig_expect_status(r, c, next, SCSI_GOOD);
	rig_expect_idle(r);
}

static void test_lost_reset(void **state)
{
	lost_function(*state, SRP_TMF_LUN_RESET);
}

static void test_lost_clear_task_set(void **state)
{
	lost_function(*state, SRP_TMF_CLEAR_TASK_SET);
}

static void test_lost_abort_task_set(void **state)
{
	lost_function(*state, SRP_TMF_ABORT_TASK_SET);
}

static void test_reset_cancels_everywhere(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_multi(r);
	uint64_t other, tmf;

	r->backend[0].limits.max_outstanding = 2;
	r->disk[0]->hold = true;
	a->manual = true;
	rig_write(r, a, 0, 0, r->mem, 512); /* fetching */
	for (unsigned i = 0; i < 4; i++)
		rig_read(r, b, 0, 0, r->mem, 512); /* one at the bridge, the others wait for the queue */
	other = rig_read(r, b, 1, 0, r->mem, 512);
	tmf = rig_tmf(r, b, SRP_TMF_LUN_RESET, 0, 0);
	rig_expect_nothing(r, b);
	a->manual = false;
	rig_run(r);
	rig_expect_code(r, b, tmf, 0);
	r->disk[0]->hold = false;
	while (fake_first(r->disk[0]))
		fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, b, other, SCSI_GOOD);
	rig_run(r);
	b->n_seen = b->n_sent;
	a->n_seen = a->n_sent;
	rig_expect_idle(r);
	r->backend[0].limits.max_outstanding = 0;
}

static void test_too_many_detached(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	r->disk[0]->hold = true;
	for (unsigned i = 0; i < 9; i++) {
		uint64_t tag = rig_read(r, c, 0, 0, r->mem, 512), tmf;

		assert_int_equal(r->disk[0]->n_detaches, 0);
		tmf = rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag);
		rig_expect_code(r, c, tmf, 0);
	}
	/* Nine wait for a back-end that may have eight: the session is built anew. */
	rig_run(r);
	assert_int_equal(r->disk[0]->n_detaches, 1);
	assert_int_equal(rig_nexus(r)->n_detached, 0);
	r->disk[0]->hold = false;
	rig_wait_ms(r, 200);
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
}

static void test_manager_loses_its_channel(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_multi(r);
	uint64_t tag;

	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	tag = rig_write(r, a, 0, 0, r->mem, 512);
	rig_tmf(r, b, SRP_TMF_ABORT_TASK, 0, tag);
	fake_break(b, FABRIC_DOWN_ERROR);
	rig_run(r);
	/* Nobody is told anything now, and yet the host takes its command for ended. */
	assert_true(rig_lu(r, 0)->n_fences > 0);
	fake_answer(fake_first(r->disk[0]));
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
	fake_tmf_answer(r->disk[0], SRPGW_TMF_COMPLETE);
	rig_run(r);
	assert_true(list_empty(&rig_nexus(r)->tmfs));
}

/* A back-end that sits on task management functions, too, is given up before they use up what all live on. */
static void test_too_many_functions(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	r->disk[0]->hold_tmf = true;
	r->maps[0]->map.tmf_answer_ms = 100;
	for (unsigned i = 0; i < 9; i++) {
		uint64_t tmf;

		assert_int_equal(r->disk[0]->n_detaches, 0);
		tmf = rig_tmf(r, c, SRP_TMF_LUN_RESET, 0, 0);
		rig_wait_ms(r, 110);
		rig_expect_code(r, c, tmf, 0);
	}
	rig_run(r);
	assert_int_equal(r->disk[0]->n_detaches, 1);
	rig_wait_ms(r, 2000);
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
	rig_expect_status(r, c, rig_read(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
}

static void test_no_room_for_a_function(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct shard *s = r->core->shard[0];
	uint32_t n_tmfs = s->n_tmfs;
	struct list all;

	list_init(&all);
	list_splice_back(&all, &s->free_tmfs);
	s->n_tmfs = s->n_tmfs_made;
	r->disk[0]->hold = true;
	rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, rig_write(r, c, 0, 0, r->mem, 512));
	/* Hosts take any answer for a yes, so there is none. */
	rig_expect_logout(r, c, 0);
	list_splice_back(&s->free_tmfs, &all);
	s->n_tmfs = n_tmfs;
	fake_answer(fake_first(r->disk[0]));
}

static void test_two_aborts_of_one_task(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_multi(r);
	uint64_t tag, t1, t2;

	a->manual = true;
	tag = rig_write(r, a, 0, 0, r->mem, 512);
	t1 = rig_tmf(r, b, SRP_TMF_ABORT_TASK, 0, tag);
	t2 = rig_tmf(r, b, SRP_TMF_ABORT_TASK, 0, tag);
	rig_expect_nothing(r, b);
	fake_complete(a, FABRIC_WC_OK);
	rig_expect_code(r, b, t1, 0);
	rig_expect_code(r, b, t2, 0);
	a->manual = false;
}

static void test_duplicate_tag(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct srp_tsk_mgmt tm = { .function = SRP_TMF_ABORT_TASK };
	uint8_t iu[48];
	uint64_t tag;

	r->disk[0]->hold = true;
	tag = rig_read(r, c, 0, 0, r->mem, 512);
	tm.tag = tm.task_tag = tag;
	srp_tsk_mgmt_encode(&tm, iu, sizeof(iu));
	fake_send(c, iu, sizeof(iu));
	rig_expect_code(r, c, tag, 2);
	r->disk[0]->hold = false;
	fake_answer(fake_first(r->disk[0]));
	rig_expect_status(r, c, tag, SCSI_GOOD);
}

/* REPORT LUNS is the gateway's own command: it can be aborted like any other. */
static void test_victim_is_local(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a = rig_login(r), *b = rig_login_multi(r);
	struct rig_cmd cmd = {
		.lun = 99, .dir = RIG_IN, .buf = r->mem, .len = 40, .n_frag = 40, .cdb = { 0xa0, [9] = 40 }
	};
	uint64_t tag, tmf;

	a->manual = true;
	tag = rig_send_cmd(r, a, &cmd); /* 40 WRITEs are more than a round */
	tmf = rig_tmf(r, b, SRP_TMF_ABORT_TASK, 99, tag);
	rig_expect_nothing(r, b);
	fake_complete(a, FABRIC_WC_OK);
	rig_expect_code(r, b, tmf, 0);
	expect_stopped(r, a);
}

static void test_path_is_down(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	r->disk[0]->hold_up = true;
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_run(r);
	/* No session, no command of ours that could act: the reset is as good as done. */
	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_LUN_RESET, 0, 0), 0);
	r->disk[0]->hold_up = false;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_unknown_task_and_functions),
		TEST(test_lun_functions_reach_the_backend),
		TEST(test_victim_in_ready),
		TEST(test_victim_is_fetching),
		TEST(test_victim_is_stuck_in_the_fabric),
		TEST(test_victim_is_placing),
		TEST(test_victim_is_responding),
		TEST(test_victim_at_the_backend),
		TEST(test_victim_answers_first),
		TEST(test_stuck_backend_abort),
		TEST(test_stuck_backend_reset),
		TEST(test_stuck_backend_abort_task_set),
		TEST(test_fence_ends_with_the_commands_answer),
		TEST(test_fence_holds_then_busy),
		TEST(test_fence_does_not_stand_for_ever),
		TEST(test_lost_read_is_not_awaited_for_ever),
		TEST(test_session_dies_under_the_fence),
		TEST(test_function_not_supported_falls_back_to_abort),
		TEST(test_failed_reset_gives_the_session_up),
		TEST(test_lost_reset),
		TEST(test_lost_clear_task_set),
		TEST(test_lost_abort_task_set),
		TEST(test_reset_cancels_everywhere),
		TEST(test_too_many_detached),
		TEST(test_manager_loses_its_channel),
		TEST(test_too_many_functions),
		TEST(test_no_room_for_a_function),
		TEST(test_two_aborts_of_one_task),
		TEST(test_duplicate_tag),
		TEST(test_victim_is_local),
		TEST(test_path_is_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
