// SPDX-License-Identifier: BSD-3-Clause
/* A connection's life on its reactor: every way up, every way down, and the bounded wait for the last completions. */
#include "fake.h"

static struct fake *f;

static int setup(void **state)
{
	(void)state;
	f = fake_new(false, false, false);
	return 0;
}

static int setup_srq(void **state)
{
	(void)state;
	f = fake_new(false, true, false);
	verbs_rx_refill(&f->lane);
	return 0;
}

static int setup_active(void **state)
{
	(void)state;
	f = fake_new(true, false, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_free(f);
	return 0;
}

static void tell(struct reactor_msg *m)
{
	reactor_send(f->reactor, m);
	fake_run(f);
}

static void flush_receives(void)
{
	for (unsigned i = 0; i < f->n_posted_rx; i++)
		fake_complete(f, VERBS_WR_RECV, verbs_wr_number(f->posted_rx[i]), IBV_WC_WR_FLUSH_ERR);
}

static void full_life(void **state)
{
	(void)state;
	fake_up(f);
	verbs_conn_close(&f->conn.base);
	verbs_conn_close(&f->conn.base); /* harmless */
	fake_run(f);
	assert_int_equal(f->n_close, 1);
	tell(&f->conn.error_msg);
	assert_int_equal(f->n_sent, 1);
	assert_int_equal(verbs_wr_kind(f->sent[0].wr_id), VERBS_WR_DRAIN);
	fake_complete(f, VERBS_WR_DRAIN, 0, IBV_WC_WR_FLUSH_ERR);
	fake_poll(f);
	fake_run(f);
	assert_int_equal(f->n_drained, 0); /* receives are still out */
	flush_receives();
	fake_poll(f);
	fake_run(f);
	assert_int_equal(f->n_drained, 1);
	assert_int_equal(f->n_closed, 0);
	tell(&f->conn.gone_msg);
	assert_int_equal(f->n_closed, 1);
	assert_int_equal(f->n_free, 1);
	assert_int_equal(f->n_down, 0); /* close() came first */
	assert_null(verbs_lane_conn(&f->lane, FAKE_QPN));
}

static void message_before_established(void **state)
{
	(void)state;
	fake_adopt(f);
	fake_complete(f, VERBS_WR_RECV, verbs_wr_number(f->posted_rx[0]), IBV_WC_SUCCESS);
	fake_poll(f);
	assert_int_equal(f->n_recv, 1);
	tell(&f->conn.up_msg);
	assert_int_equal(f->n_established, 1);
}

static void down_comes_once(void **state)
{
	struct an_op o;

	(void)state;
	fake_up(f);
	f->close_on_down = true;
	an_op_make(f, &o, FABRIC_SEND, 1, 8);
	assert_int_equal(verbs_post(&f->conn.base, &o.op), 0);
	fake_hand_over(f);
	fake_complete(f, VERBS_WR_OP, 1, IBV_WC_RETRY_EXC_ERR);
	fake_poll(f);
	assert_int_equal(f->n_down, 1);
	assert_int_equal(f->down_cause, FABRIC_DOWN_ERROR);
	f->conn.cm_cause = FABRIC_DOWN_PEER;
	tell(&f->conn.down_msg); /* the connection manager's news come late */
	assert_int_equal(f->n_down, 1);
	assert_int_equal(f->n_close, 1);
}

static void peer_leaves(void **state)
{
	(void)state;
	fake_up(f);
	f->conn.cm_cause = FABRIC_DOWN_PEER;
	tell(&f->conn.down_msg);
	assert_int_equal(f->down_cause, FABRIC_DOWN_PEER);
	assert_int_equal(f->n_down, 1);
}

/* Flushed and nobody says why: it is not silently dead. */
static void suspicion(void **state)
{
	(void)state;
	fake_up(f);
	fake_complete(f, VERBS_WR_RECV, verbs_wr_number(f->posted_rx[0]), IBV_WC_WR_FLUSH_ERR);
	fake_poll(f);
	assert_int_equal(f->n_down, 0); /* the peer's disconnect is on its way, as a rule */
	fake_pass(f, 190 * NS_PER_MS);
	assert_int_equal(f->n_down, 0);
	fake_pass(f, 20 * NS_PER_MS);
	assert_int_equal(f->n_down, 1);
	assert_int_equal(f->down_cause, FABRIC_DOWN_ERROR);
}

static void refused(void **state)
{
	(void)state;
	fake_adopt(f);
	f->conn.refuse_code = -ECONNREFUSED;
	f->conn.cm_cause = FABRIC_DOWN_REFUSED;
	tell(&f->conn.down_msg);
	assert_int_equal(f->n_refused, 1);
	assert_int_equal(f->refused_code, -ECONNREFUSED);
	assert_int_equal(f->n_down, 0);
}

static void fails_while_it_is_set_up(void **state)
{
	(void)state;
	fake_adopt(f);
	verbs_conn_down(&f->conn, FABRIC_DOWN_ERROR);
	assert_int_equal(f->n_refused, 1);
	assert_true(f->refused_code < 0);
	tell(&f->conn.up_msg);
	assert_int_equal(f->n_established, 0);
}

/* Refused before there was a route: nothing to drain. */
static void closed_without_queue_pair(void **state)
{
	(void)state;
	f->conn.lane = NULL;
	f->conn.qp = NULL;
	verbs_conn_close(&f->conn.base);
	fake_run(f);
	tell(&f->conn.error_msg);
	assert_int_equal(f->n_drained, 1);
	tell(&f->conn.gone_msg);
	assert_int_equal(f->n_closed, 1);
}

static void drain_is_bounded(void **state)
{
	struct an_op o;

	(void)state;
	fake_up(f);
	an_op_make(f, &o, FABRIC_READ, 2, 8);
	assert_int_equal(verbs_post(&f->conn.base, &o.op), 0);
	fake_hand_over(f);
	verbs_conn_close(&f->conn.base);
	tell(&f->conn.error_msg);
	fake_pass(f, 1400 * NS_PER_MS);
	assert_int_equal(f->n_drained, 0);
	fake_pass(f, 200 * NS_PER_MS);
	assert_int_equal(f->n_drained, 1);
	assert_int_equal(o.status, NOT_DONE); /* until the queue pair is destroyed */
	tell(&f->conn.gone_msg);
	assert_int_equal(o.status, FABRIC_WC_FLUSHED);
	assert_int_equal(f->n_closed, 1);
	assert_int_equal(f->lane.rx.n_free, FAKE_N_RX); /* what was posted is back */
}

static void dead_device_drains_fast(void **state)
{
	(void)state;
	fake_up(f);
	f->conn.cm_cause = FABRIC_DOWN_DEVICE;
	tell(&f->conn.down_msg);
	assert_int_equal(f->down_cause, FABRIC_DOWN_DEVICE);
	verbs_conn_close(&f->conn.base);
	tell(&f->conn.error_msg);
	fake_pass(f, 110 * NS_PER_MS);
	assert_int_equal(f->n_drained, 1);
}

static void shared_queue_waits_for_the_last_receive(void **state)
{
	(void)state;
	fake_up(f);
	verbs_conn_close(&f->conn.base);
	tell(&f->conn.error_msg);
	fake_complete(f, VERBS_WR_DRAIN, 0, IBV_WC_WR_FLUSH_ERR);
	fake_poll(f);
	fake_run(f);
	assert_int_equal(f->n_drained, 0);
	tell(&f->conn.last_wqe_msg);
	assert_int_equal(f->n_drained, 1);
}

static void shared_queue_of_a_silent_device(void **state)
{
	(void)state;
	fake_up(f);
	verbs_conn_close(&f->conn.base);
	tell(&f->conn.error_msg);
	fake_complete(f, VERBS_WR_DRAIN, 0, IBV_WC_WR_FLUSH_ERR);
	fake_poll(f);
	fake_pass(f, 40 * NS_PER_MS);
	assert_int_equal(f->n_drained, 1);
}

static void no_marker_without_ops(void **state)
{
	(void)state;
	fake_up(f);
	verbs_conn_close(&f->conn.base);
	f->fail_at = 1;
	f->fail_with = EINVAL;
	tell(&f->conn.error_msg);
	flush_receives();
	fake_poll(f);
	fake_run(f);
	assert_int_equal(f->n_drained, 1);
}

static void arming(void **state)
{
	(void)state;
	fake_up(f);
	assert_int_equal(verbs_cq_arm(&f->vcq), 0);
	assert_int_equal(verbs_cq_arm(&f->vcq), 0); /* armed already: no call */
	assert_int_equal(f->recv.n_armed, 1);
	assert_int_equal(f->send.n_armed, 0); /* nobody waits for one */
	f->vcq.recv.armed = false;
	fake_complete(f, VERBS_WR_RECV, verbs_wr_number(f->posted_rx[0]), IBV_WC_SUCCESS);
	assert_int_equal(verbs_cq_arm(&f->vcq), 1); /* it came in between: do not sleep */
	assert_int_equal(f->n_recv, 1);
}

/* A send wakes the reactor only when somebody waits for it, and is found in bounded time anyway. */
static void lazy_sends(void **state)
{
	struct an_op lazy, awaited, many[8];

	(void)state;
	fake_up(f);
	an_op_make(f, &lazy, FABRIC_SEND, 1, 8);
	lazy.op.lazy = true;
	assert_int_equal(verbs_post(&f->conn.base, &lazy.op), 0);
	fake_hand_over(f);
	assert_int_equal(verbs_cq_arm(&f->vcq), 0);
	assert_int_equal(f->send.n_armed, 0);
	fake_complete(f, VERBS_WR_OP, 1, IBV_WC_SUCCESS);
	fake_pass(f, (FABRIC_LAZY_MS - 1) * NS_PER_MS);
	assert_int_equal(lazy.status, NOT_DONE);
	fake_pass(f, NS_PER_MS);
	assert_int_equal(lazy.status, FABRIC_WC_OK);
	assert_false(timer_armed(&f->vcq.reap));

	an_op_make(f, &awaited, FABRIC_READ, 1, 8);
	assert_int_equal(verbs_post(&f->conn.base, &awaited.op), 0);
	fake_hand_over(f);
	assert_int_equal(verbs_cq_arm(&f->vcq), 0);
	assert_int_equal(f->send.n_armed, 1);
	fake_complete(f, VERBS_WR_OP, 2, IBV_WC_SUCCESS);
	fake_poll(f);
	assert_int_equal(f->vcq.n_awaited, 0);

	/* With half of the send queue in use, room is something to wait for. */
	f->vcq.send.armed = false;
	for (unsigned i = 0; i < 8; i++) {
		an_op_make(f, &many[i], FABRIC_SEND, 2, 8);
		many[i].op.lazy = true;
		assert_int_equal(f->vcq.n_awaited, 0);
		assert_int_equal(verbs_post(&f->conn.base, &many[i].op), 0);
	}
	assert_int_equal(f->vcq.n_awaited, 1);
	fake_hand_over(f);
	assert_int_equal(verbs_cq_arm(&f->vcq), 0);
	assert_int_equal(f->send.n_armed, 2);
	fake_complete(f, VERBS_WR_OP, 10, IBV_WC_SUCCESS); /* the last of the chain, for them all */
	fake_poll(f);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(many[i].status, FABRIC_WC_OK);
	assert_int_equal(f->vcq.n_awaited, 0);
	assert_int_equal(f->vcq.n_lazy, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(full_life, setup, teardown),
		cmocka_unit_test_setup_teardown(message_before_established, setup, teardown),
		cmocka_unit_test_setup_teardown(down_comes_once, setup, teardown),
		cmocka_unit_test_setup_teardown(peer_leaves, setup, teardown),
		cmocka_unit_test_setup_teardown(suspicion, setup, teardown),
		cmocka_unit_test_setup_teardown(refused, setup_active, teardown),
		cmocka_unit_test_setup_teardown(fails_while_it_is_set_up, setup_active, teardown),
		cmocka_unit_test_setup_teardown(closed_without_queue_pair, setup_active, teardown),
		cmocka_unit_test_setup_teardown(drain_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(dead_device_drains_fast, setup, teardown),
		cmocka_unit_test_setup_teardown(shared_queue_waits_for_the_last_receive, setup_srq, teardown),
		cmocka_unit_test_setup_teardown(shared_queue_of_a_silent_device, setup_srq, teardown),
		cmocka_unit_test_setup_teardown(no_marker_without_ops, setup, teardown),
		cmocka_unit_test_setup_teardown(arming, setup, teardown),
		cmocka_unit_test_setup_teardown(lazy_sends, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
