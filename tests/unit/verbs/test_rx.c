// SPDX-License-Identifier: BSD-3-Clause
/* Receive buffers: posted in chains, held, given back, shared and not. */
#include "fake.h"

static struct fake *f;

static int setup_srq(void **state)
{
	(void)state;
	f = fake_new(false, true, false);
	verbs_rx_refill(&f->lane);
	fake_up(f);
	return 0;
}

static int setup_own(void **state)
{
	(void)state;
	f = fake_new(false, false, false);
	fake_up(f);
	return 0;
}

static int setup_active(void **state)
{
	(void)state;
	f = fake_new(true, false, false);
	fake_adopt(f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_free(f);
	return 0;
}

static void arrive(unsigned n)
{
	static unsigned next;

	if (f->n_recv == 0)
		next = 0;
	for (unsigned i = 0; i < n; i++)
		fake_complete(f, VERBS_WR_RECV, verbs_wr_number(f->posted_rx[next++ % FAKE_QUEUE]), IBV_WC_SUCCESS);
	fake_poll(f);
}

static void shared_is_filled_in_chains(void **state)
{
	(void)state;
	assert_int_equal(f->n_posted_rx, FAKE_N_RX);
	assert_int_equal(f->n_rx_posts, 2);
	assert_int_equal(f->lane.rx.n_free, 0);
	arrive(20);
	assert_int_equal(f->n_recv, 20);
	assert_int_equal(f->rx[0]->len_bytes, 48);
	/* given back one by one, posted again together */
	assert_int_equal(f->n_posted_rx, FAKE_N_RX + 20);
	assert_int_equal(f->n_rx_posts, 3);
}

static void held_buffers_make_it_low(void **state)
{
	(void)state;
	f->keep_rx = true;
	arrive(FAKE_N_RX / 2);
	assert_false(verbs_rx_low(&f->conn.base));
	arrive(1);
	assert_true(verbs_rx_low(&f->conn.base));
	verbs_rx_release(f->rx[3]);
	assert_false(verbs_rx_low(&f->conn.base));
	fake_poll(f);
	assert_int_equal(f->n_posted_rx, FAKE_N_RX + 1);
	assert_int_equal(verbs_wr_number(f->posted_rx[FAKE_N_RX]), (uint64_t)(f->rx[3]->data - f->arena) / FAKE_RX_BYTES);
}

static void full_queue_is_tried_again(void **state)
{
	(void)state;
	f->rx_room = 3;
	arrive(10);
	assert_int_equal(f->lane.rx.n_free, 7);
	f->rx_room = 100;
	fake_poll(f);
	assert_int_equal(f->lane.rx.n_free, 0);
	assert_int_equal(f->n_posted_rx, FAKE_N_RX + 10);
}

static void own_receives_keep_their_number(void **state)
{
	(void)state;
	assert_int_equal(f->n_posted_rx, 16);
	f->keep_rx = true;
	arrive(5);
	/* held ones count: nothing is posted in their place, so the receiver is told to let go early */
	assert_int_equal(f->n_posted_rx, 16);
	assert_int_equal(f->conn.rx_posted, 11);
	assert_true(verbs_rx_low(&f->conn.base));
	verbs_rx_release(f->rx[0]);
	verbs_rx_release(f->rx[1]);
	fake_poll(f);
	assert_int_equal(f->n_posted_rx, 18);
	assert_int_equal(f->conn.rx_posted, 13);
	assert_true(verbs_rx_low(&f->conn.base));
	verbs_rx_release(f->rx[2]);
	assert_false(verbs_rx_low(&f->conn.base));
}

static void own_receives_wait_for_buffers(void **state)
{
	(void)state;
	f->conn.rx_want = FAKE_N_RX + 8; /* more than there are */
	list_push_back(&f->lane.rx.needy, &f->conn.needy);
	fake_poll(f);
	assert_int_equal(f->conn.rx_posted, FAKE_N_RX);
	assert_true(list_linked(&f->conn.needy));
	arrive(1);
	assert_int_equal(f->conn.rx_posted, FAKE_N_RX); /* the one that came back */
	assert_int_equal(f->lane.rx.n_free, 0);
}

static void held_outlives_the_connection(void **state)
{
	(void)state;
	f->keep_rx = true;
	arrive(2);
	verbs_conn_close(&f->conn.base);
	reactor_send(f->reactor, &f->conn.error_msg);
	fake_run(f);
	for (unsigned i = 2; i < 16; i++)
		fake_complete(f, VERBS_WR_RECV, verbs_wr_number(f->posted_rx[i]), IBV_WC_WR_FLUSH_ERR);
	fake_complete(f, VERBS_WR_DRAIN, 0, IBV_WC_WR_FLUSH_ERR);
	fake_poll(f);
	fake_run(f);
	assert_int_equal(f->n_drained, 1);
	reactor_send(f->reactor, &f->conn.gone_msg);
	fake_run(f);
	assert_int_equal(f->n_closed, 1);
	assert_int_equal(f->lane.rx.n_free, FAKE_N_RX - 2);
	verbs_rx_release(f->rx[0]);
	verbs_rx_release(f->rx[1]);
	assert_int_equal(f->lane.rx.n_free, FAKE_N_RX);
	assert_int_equal(atomic_load(&f->lane.rx.n_held), 0);
}

static void initiator_hears_nothing_before_established(void **state)
{
	(void)state;
	arrive(2);
	assert_int_equal(f->n_recv, 0);
	reactor_send(f->reactor, &f->conn.up_msg);
	fake_run(f);
	assert_int_equal(f->n_established, 1);
	assert_int_equal(f->n_recv, 2);
	assert_true(f->rx[0]->data < f->rx[1]->data || f->rx[0] != f->rx[1]);
}

static void nothing_after_close(void **state)
{
	(void)state;
	verbs_conn_close(&f->conn.base);
	arrive(3);
	assert_int_equal(f->n_recv, 0);
	assert_int_equal(atomic_load(&f->lane.rx.n_held), 0);
}

static void unknown_queue_pair(void **state)
{
	(void)state;
	f->recv.wc[f->recv.n_wc++] = (struct ibv_wc){ .wr_id = f->posted_rx[0], .status = IBV_WC_SUCCESS, .qp_num = 0x4711, .byte_len = 9 };
	fake_poll(f);
	assert_int_equal(f->n_recv, 0);
	assert_int_equal(f->n_posted_rx, FAKE_N_RX + 1); /* back in the queue */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shared_is_filled_in_chains, setup_srq, teardown),
		cmocka_unit_test_setup_teardown(held_buffers_make_it_low, setup_srq, teardown),
		cmocka_unit_test_setup_teardown(full_queue_is_tried_again, setup_srq, teardown),
		cmocka_unit_test_setup_teardown(own_receives_keep_their_number, setup_own, teardown),
		cmocka_unit_test_setup_teardown(own_receives_wait_for_buffers, setup_own, teardown),
		cmocka_unit_test_setup_teardown(held_outlives_the_connection, setup_own, teardown),
		cmocka_unit_test_setup_teardown(initiator_hears_nothing_before_established, setup_active, teardown),
		cmocka_unit_test_setup_teardown(nothing_after_close, setup_srq, teardown),
		cmocka_unit_test_setup_teardown(unknown_queue_pair, setup_srq, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
