// SPDX-License-Identifier: BSD-3-Clause
/* Ops on the send queue: accounting, order of completion, failures in the middle of a chain, the iWARP gate. */
#include "fake.h"

static struct fake *f;

static int setup(void **state)
{
	(void)state;
	f = fake_new(false, true, false);
	fake_up(f);
	return 0;
}

static int setup_iwarp(void **state)
{
	(void)state;
	f = fake_new(false, false, true);
	fake_up(f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_free(f);
	return 0;
}

static int post(struct an_op *o)
{
	int rc = verbs_post(&f->conn.base, &o->op);

	fake_hand_over(f);
	return rc;
}

static uint64_t last_seq(void)
{
	return verbs_wr_number(f->sent[f->n_sent - 1].wr_id);
}

static void accounting(void **state)
{
	struct an_op o[3];

	(void)state;
	an_op_make(f, &o[0], FABRIC_WRITE, 16, 8);
	an_op_make(f, &o[1], FABRIC_WRITE, 15, 8);
	an_op_make(f, &o[2], FABRIC_WRITE, 2, 8);
	assert_int_equal(post(&o[0]), 0);
	assert_int_equal(post(&o[1]), 0);
	assert_int_equal(verbs_sq_free(&f->conn.base), 1);
	assert_int_equal(post(&o[2]), -EAGAIN);
	assert_int_equal(f->n_posts, 2); /* one call each */
	assert_int_equal(o[0].status, NOT_DONE);
	fake_complete(f, VERBS_WR_OP, 1, IBV_WC_SUCCESS);
	fake_poll(f);
	assert_int_equal(o[0].status, FABRIC_WC_OK);
	assert_int_equal(verbs_sq_free(&f->conn.base), 17);
	assert_int_equal(post(&o[2]), 0);
	fake_complete(f, VERBS_WR_OP, 2, IBV_WC_SUCCESS);
	fake_complete(f, VERBS_WR_OP, 3, IBV_WC_SUCCESS);
	fake_poll(f);
	assert_true(o[0].order < o[1].order && o[1].order < o[2].order);
	assert_int_equal(verbs_sq_free(&f->conn.base), FAKE_SQ);
	assert_int_equal(f->n_down, 0);
}

static void error_in_the_middle_of_an_op(void **state)
{
	struct an_op o[2];
	uint64_t seq;

	(void)state;
	an_op_make(f, &o[0], FABRIC_WRITE, 4, 8);
	an_op_make(f, &o[1], FABRIC_SEND, 1, 8);
	assert_int_equal(post(&o[0]), 0);
	seq = last_seq();
	assert_int_equal(post(&o[1]), 0);
	/* The second WRITE is refused by the peer; the others, signalled or not, come back flushed. */
	fake_complete(f, VERBS_WR_OP, seq, IBV_WC_REM_ACCESS_ERR);
	fake_complete(f, VERBS_WR_OP, seq, IBV_WC_WR_FLUSH_ERR);
	fake_complete(f, VERBS_WR_OP, seq, IBV_WC_WR_FLUSH_ERR);
	fake_complete(f, VERBS_WR_OP, seq + 1, IBV_WC_WR_FLUSH_ERR);
	fake_poll(f);
	assert_int_equal(o[0].status, FABRIC_WC_REMOTE_ACCESS);
	assert_int_equal(o[1].status, FABRIC_WC_FLUSHED);
	assert_int_equal(f->n_down, 1);
	assert_int_equal(f->down_cause, FABRIC_DOWN_ERROR);
	assert_int_equal(post(&o[0]), -ENOTCONN);
}

static void refused_at_once(void **state)
{
	struct an_op o;

	(void)state;
	an_op_make(f, &o, FABRIC_SEND, 2, 8);
	f->fail_at = 1;
	f->fail_with = ENOMEM;
	assert_int_equal(post(&o), 0);
	assert_int_equal(o.status, NOT_DONE);
	assert_int_equal(f->n_down, 0); /* not from inside post() */
	assert_int_equal(verbs_post(&f->conn.base, &o.op), -ENOTCONN);
	fake_poll(f);
	assert_int_equal(f->n_down, 1);
	verbs_post_flush(&f->conn);
	assert_int_equal(o.status, FABRIC_WC_ERROR);
	assert_int_equal(verbs_sq_free(&f->conn.base), FAKE_SQ);
}

static void posted_in_part(void **state)
{
	struct an_op before, part;

	(void)state;
	an_op_make(f, &before, FABRIC_SEND, 1, 8);
	an_op_make(f, &part, FABRIC_WRITE, 4, 8);
	assert_int_equal(post(&before), 0);
	f->fail_at = 3;
	f->fail_with = ENOMEM;
	assert_int_equal(post(&part), 0); /* two of four run: done() must come */
	fake_poll(f);
	assert_int_equal(f->n_down, 1);
	assert_int_equal(part.status, NOT_DONE); /* its memory may still be touched */
	verbs_conn_close(&f->conn.base);
	fake_run(f);
	f->fail_at = 0;
	reactor_send(f->reactor, &f->conn.error_msg);
	fake_run(f);
	fake_complete(f, VERBS_WR_OP, 1, IBV_WC_SUCCESS);
	fake_complete(f, VERBS_WR_DRAIN, 0, IBV_WC_WR_FLUSH_ERR);
	fake_poll(f);
	assert_int_equal(before.status, FABRIC_WC_OK);
	assert_int_equal(part.status, NOT_DONE);
	fake_pass(f, 100 * NS_PER_MS);
	assert_int_equal(f->n_drained, 1);
	reactor_send(f->reactor, &f->conn.gone_msg);
	fake_run(f);
	assert_int_equal(part.status, FABRIC_WC_ERROR);
	assert_int_equal(f->n_closed, 1);
}

static void bad_op(void **state)
{
	struct an_op o;

	(void)state;
	an_op_make(f, &o, FABRIC_READ, 1, (1 << 20) + 1);
	assert_int_equal(post(&o), 0);
	assert_int_equal(f->n_posts, 0);
	fake_poll(f);
	assert_int_equal(f->n_down, 1);
	verbs_post_flush(&f->conn);
	assert_int_equal(o.status, FABRIC_WC_ERROR);
	assert_int_equal(verbs_sq_free(&f->conn.base), FAKE_SQ);
}

/* An iWARP responder may not send before the first message of its peer. */
static void gate(void **state)
{
	struct an_op o[2];

	(void)state;
	an_op_make(f, &o[0], FABRIC_SEND, 1, 8);
	an_op_make(f, &o[1], FABRIC_SEND, 1, 8);
	assert_int_equal(post(&o[0]), 0);
	assert_int_equal(post(&o[1]), 0);
	assert_int_equal(f->n_sent, 0);
	assert_int_equal(verbs_sq_free(&f->conn.base), FAKE_SQ - 2);
	fake_complete(f, VERBS_WR_RECV, verbs_wr_number(f->posted_rx[0]), IBV_WC_SUCCESS);
	fake_poll(f);
	assert_int_equal(f->n_recv, 1);
	assert_int_equal(f->n_sent, 2);
	assert_true(verbs_wr_number(f->sent[0].wr_id) < verbs_wr_number(f->sent[1].wr_id));
	fake_complete(f, VERBS_WR_OP, last_seq() - 1, IBV_WC_SUCCESS);
	fake_complete(f, VERBS_WR_OP, last_seq(), IBV_WC_SUCCESS);
	fake_poll(f);
	assert_int_equal(o[0].status, FABRIC_WC_OK);
	assert_int_equal(o[1].status, FABRIC_WC_OK);
}

/* A device that loses a completion loses an op's fate, never the op. */
static void lost_completion(void **state)
{
	struct an_op o[2];

	(void)state;
	an_op_make(f, &o[0], FABRIC_SEND, 1, 8);
	an_op_make(f, &o[1], FABRIC_SEND, 1, 8);
	assert_int_equal(post(&o[0]), 0);
	assert_int_equal(post(&o[1]), 0);
	fake_complete(f, VERBS_WR_OP, last_seq(), IBV_WC_SUCCESS);
	fake_poll(f);
	assert_int_equal(o[0].status, FABRIC_WC_FLUSHED);
	assert_int_equal(o[1].status, FABRIC_WC_OK);
	assert_true(o[0].order < o[1].order);
}

/* All of an iteration goes in one call; of the ops that nobody waits for only the last is signalled. */
static void one_chain_per_iteration(void **state)
{
	static const bool lazy[4] = { true, false, true, true };
	struct an_op o[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		an_op_make(f, &o[i], FABRIC_WRITE, 2, 8);
		o[i].op.lazy = lazy[i];
		assert_int_equal(verbs_post(&f->conn.base, &o[i].op), 0);
	}
	assert_int_equal(f->n_posts, 0);
	fake_hand_over(f);
	assert_int_equal(f->n_posts, 1);
	assert_int_equal(f->n_sent, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(f->sent[i].send_flags & IBV_SEND_SIGNALED, i == 3 || i == 7 ? IBV_SEND_SIGNALED : 0);
	fake_complete(f, VERBS_WR_OP, 2, IBV_WC_SUCCESS);
	fake_poll(f);
	assert_int_equal(o[0].status, FABRIC_WC_OK);
	assert_int_equal(o[1].status, FABRIC_WC_OK);
	assert_true(o[0].order < o[1].order);
	assert_int_equal(o[2].status, NOT_DONE);
	/* The silent one succeeded, else its failure had come; the last one was flushed. */
	fake_complete(f, VERBS_WR_OP, 4, IBV_WC_WR_FLUSH_ERR);
	fake_poll(f);
	assert_int_equal(o[2].status, FABRIC_WC_OK);
	assert_int_equal(o[3].status, FABRIC_WC_FLUSHED);
	assert_int_equal(f->vcq.n_lazy, 0);
}

static void longer_than_the_room(void **state)
{
	struct an_op o[3];

	(void)state;
	f->lane.room.n_wr = 8; /* the send queue of this connection is longer than one chain */
	for (unsigned i = 0; i < 3; i++) {
		an_op_make(f, &o[i], FABRIC_WRITE, 5, 8);
		assert_int_equal(verbs_post(&f->conn.base, &o[i].op), 0);
	}
	fake_hand_over(f);
	assert_int_equal(f->n_posts, 3);
	assert_int_equal(f->n_sent, 15);
	assert_null(f->conn.unposted);
}

/* The device takes the first op and part of the second; the third never reached it. */
static void chain_broken_in_the_middle(void **state)
{
	struct an_op o[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		an_op_make(f, &o[i], FABRIC_WRITE, 2, 8);
		assert_int_equal(verbs_post(&f->conn.base, &o[i].op), 0);
	}
	f->fail_at = 4;
	f->fail_with = ENOMEM;
	fake_hand_over(f);
	fake_complete(f, VERBS_WR_OP, 1, IBV_WC_SUCCESS);
	fake_poll(f);
	assert_int_equal(f->n_down, 1);
	assert_int_equal(o[0].status, FABRIC_WC_OK);
	assert_int_equal(o[1].status, NOT_DONE);
	verbs_post_flush(&f->conn);
	assert_int_equal(o[1].status, FABRIC_WC_ERROR);
	assert_int_equal(o[2].status, FABRIC_WC_FLUSHED);
	assert_int_equal(f->vcq.n_awaited, 0);
	assert_int_equal(verbs_sq_free(&f->conn.base), FAKE_SQ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(accounting, setup, teardown),
		cmocka_unit_test_setup_teardown(error_in_the_middle_of_an_op, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(posted_in_part, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_op, setup, teardown),
		cmocka_unit_test_setup_teardown(one_chain_per_iteration, setup, teardown),
		cmocka_unit_test_setup_teardown(longer_than_the_room, setup, teardown),
		cmocka_unit_test_setup_teardown(chain_broken_in_the_middle, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_completion, setup, teardown),
		cmocka_unit_test_setup_teardown(gate, setup_iwarp, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
