/* SPDX-License-Identifier: BSD-3-Clause */
/* Two fabrics over loopback TCP: logins, SEND, WRITE, READ of random sizes and pieces, closing, backpressure. */
#include "peers.h"

static void fill(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

static void test_login_and_close(void **state)
{
	struct pair w;

	(void)state;
	pair_up(&w, NULL, NULL);
	assert_int_equal(w.login_len, 5);
	assert_memory_equal(w.login_priv, "hello", 5);
	assert_int_equal(w.host.priv_len, 7);
	assert_memory_equal(w.host.priv, "welcome", 7);
	assert_int_equal(w.limits.max_reads, 16);
	assert_true(w.limits.rx_bytes >= 8448);
	peer_close(&w.host);
	STEP_UNTIL(w.r, w.host.closed || w.target.down);
	STEP_UNTIL(w.r, w.target.down);
	assert_int_equal(w.target.cause, FABRIC_DOWN_PEER);
	pair_down(&w);
}

static void test_reject(void **state)
{
	struct pair w;

	(void)state;
	pair_init(&w, NULL, NULL);
	w.do_reject = true;
	w.answer = "no, because";
	pair_connect(&w, "hello");
	STEP_UNTIL(w.r, w.host.refused);
	assert_int_equal(w.host.refuse_code, -ECONNREFUSED);
	assert_int_equal(w.host.priv_len, 11);
	assert_memory_equal(w.host.priv, "no, because", 11);
	peer_close(&w.host);
	STEP_UNTIL(w.r, w.host.closed);
	pair_fini(&w);
}

static void test_nobody_listens(void **state)
{
	struct pair w;
	struct fabric_connect c = { .timeout_ms = 1000 };
	struct err e = ERR_INIT;
	int rc;

	(void)state;
	pair_init(&w, NULL, NULL);
	c.dst = any_port();
	c.params = (struct fabric_accept){ .reactor = w.r, .cbs = &peer_cbs, .ctx = &w.host };
	rc = w.hf->ops->connect(w.hf, &c, &w.host.conn, &e);
	if (rc == 0) {
		STEP_UNTIL(w.r, w.host.refused);
		rc = w.host.refuse_code;
		peer_close(&w.host);
		STEP_UNTIL(w.r, w.host.closed);
	} else {
		snprintf(w.host.why, sizeof(w.host.why), "%s", e.cause);
	}
	assert_int_equal(rc, -ECONNREFUSED);
	assert_non_null(strstr(w.host.why, "nothing listens at 127.0.0.1:"));
	pair_fini(&w);
}

static void test_host_gives_up(void **state)
{
	struct pair w;

	(void)state;
	pair_init(&w, NULL, NULL);
	w.wait_answer = true;
	pair_connect(&w, "hello");
	STEP_UNTIL(w.r, w.pending);
	peer_close(&w.host);
	STEP_UNTIL(w.r, w.host.closed && w.n_gone == 1);
	pair_fini(&w);
}

/* The target may send only after the host has (RFC 5044 7.1.2). */
static void test_gate(void **state)
{
	struct pair w;

	(void)state;
	pair_up(&w, NULL, NULL);
	peer_send(&w.target, 0, 10);
	for (int i = 0; i < 20; i++)
		reactor_poll(w.r, 1);
	assert_int_equal(w.host.n_recv, 0);
	assert_int_equal(w.target.n_done, 0);
	peer_send(&w.host, 0, 10);
	STEP_UNTIL(w.r, w.host.n_recv == 1 && w.target.n_recv == 1);
	assert_int_equal(w.target.n_ok, 1);
	pair_down(&w);
}

static void check_rdma(struct pair *w, uint32_t max_len, int rounds)
{
	struct fabric_exposure *x;
	uint32_t rkey, seed = 1, n_sends = 0;

	assert_int_equal(w->hf->ops->expose(w->host.conn, w->host.mem, PEER_MEM, &x, &rkey), 0);
	peer_send(&w->host, 0, 64);
	STEP_UNTIL(w->r, w->target.n_recv == 1);
	for (int i = 0; i < rounds; i++) {
		uint32_t len, at, to, n_seg;
		struct peer_op *o;

		seed = seed * 1103515245u + 12345u;
		len = i == 0 ? 0 : (seed >> 8) % (max_len + 1);
		at = (seed >> 3) % 4096;
		to = (seed >> 5) % 4096;
		n_seg = 1 + (seed >> 16) % 32;
		fill(w->target.mem + at, len, seed);
		memset(w->host.mem + to, 0, len + 8);
		o = peer_op(&w->target);
		peer_rdma(o, FABRIC_WRITE, at, len, n_seg, w->host.mem + to, rkey);
		peer_wr(o, FABRIC_SEND, at, len < 512 ? len : 512, 1)->flags = FABRIC_SOLICITED;
		assert_int_equal(peer_post(&w->target, o), 0);
		n_sends++;
		STEP_UNTIL(w->r, w->host.n_recv == n_sends);
		assert_memory_equal(w->host.mem + to, w->target.mem + at, len);
		assert_int_equal(w->host.mem[to + len], 0);
		assert_int_equal(w->host.recv_len[n_sends - 1], len < 512 ? len : 512);

		/* and back, to another place */
		o = peer_op(&w->target);
		memset(w->target.mem + (2u << 20), 0, len + 8);
		peer_rdma(o, FABRIC_READ, 2u << 20, len / 2, n_seg, w->host.mem + to, rkey);
		peer_rdma(o, FABRIC_READ, (2u << 20) + len / 2, len - len / 2, 1 + n_seg / 2,
			  w->host.mem + to + len / 2, rkey);
		assert_int_equal(peer_post(&w->target, o), 0);
		STEP_UNTIL(w->r, !o->busy);
		assert_int_equal(o->status, FABRIC_WC_OK);
		assert_memory_equal(w->host.mem + to, w->target.mem + (2u << 20), len);
		assert_int_equal(w->target.mem[(2u << 20) + len], 0);
	}
	w->hf->ops->unexpose(w->host.conn, x);
	assert_false(w->target.down || w->host.down);
	assert_int_equal(w->target.n_ok, w->target.n_posted);
}

static void test_rdma(void **state)
{
	struct pair w;

	(void)state;
	pair_up(&w, NULL, NULL);
	check_rdma(&w, 1u << 20, 40);
	pair_down(&w);
}

static void test_rdma_without_crc(void **state)
{
	struct iwarp_params p = { .no_crc = true };
	struct pair w;

	(void)state;
	pair_up(&w, &p, &p);
	check_rdma(&w, 300000, 20);
	pair_down(&w);
}

/* Small FPDUs: every message is cut into many. */
static void test_rdma_in_small_pieces(void **state)
{
	struct iwarp_params p = { .max_ulpdu = 128 };
	struct pair w;

	(void)state;
	pair_up(&w, &p, &p);
	check_rdma(&w, 40000, 20);
	pair_down(&w);
}

static void test_revision_1(void **state)
{
	struct iwarp_params h = { .revision = 1 };
	struct pair w;

	(void)state;
	pair_up(&w, NULL, &h);
	assert_int_equal(w.limits.max_reads, 1);
	check_rdma(&w, 100000, 10);
	pair_down(&w);
}

static void check_rtr(uint8_t rtr)
{
	struct iwarp_params h = { .p2p_rtr = rtr };
	struct pair w;

	pair_up(&w, NULL, &h);
	/* The ready-to-receive message opens the gate, and nobody sees it. */
	peer_send(&w.target, 0, 10);
	STEP_UNTIL(w.r, w.host.n_recv == 1);
	assert_int_equal(w.target.n_recv, 0);
	check_rdma(&w, 0, 0);
	assert_int_equal(w.target.n_recv, 1);
	pair_down(&w);
}

static void test_peer_to_peer(void **state)
{
	(void)state;
	check_rtr(1);
	check_rtr(2);
	check_rtr(4);
	check_rtr(7);
}

/* More Reads than may be outstanding, and a fence behind them. */
static void test_many_reads(void **state)
{
	struct iwarp_params p = { .reads = 2 };
	struct fabric_exposure *x;
	struct pair w;
	uint32_t rkey;

	(void)state;
	pair_up(&w, NULL, &p);
	assert_int_equal(w.limits.max_reads, 2);
	fill(w.host.mem, 1u << 20, 5);
	assert_int_equal(w.hf->ops->expose(w.host.conn, w.host.mem, 1u << 20, &x, &rkey), 0);
	peer_send(&w.host, 0, 8);
	STEP_UNTIL(w.r, w.target.n_recv == 1);
	memset(w.target.mem, 0, 1u << 20);
	for (uint32_t i = 0; i < 32; i++) {
		struct peer_op *o = peer_op(&w.target);

		peer_rdma(o, FABRIC_READ, i * 32768, 32768, 3, w.host.mem + i * 32768, rkey);
		assert_int_equal(peer_post(&w.target, o), 0);
	}
	{
		struct peer_op *o = peer_op(&w.target);

		peer_wr(o, FABRIC_SEND, (1u << 20) - 100, 100, 1)->flags = FABRIC_FENCE;
		assert_int_equal(peer_post(&w.target, o), 0);
	}
	STEP_UNTIL(w.r, w.host.n_recv == 1);
	/* The Send carries the last bytes that the Reads brought: it went out behind them. */
	assert_int_equal(w.host.recv_first[0], w.host.mem[(1u << 20) - 100]);
	assert_memory_equal(w.host.mem, w.target.mem, 1u << 20);
	assert_int_equal(w.target.n_ok, 33);
	pair_down(&w);
}

static void test_send_queue_is_bounded(void **state)
{
	struct pair w;
	uint32_t n = 0;

	(void)state;
	pair_up(&w, NULL, NULL);
	assert_int_equal(w.tf->ops->sq_free(w.target.conn), 64);
	for (;; n++) {
		struct peer_op *o = peer_op(&w.target);

		peer_wr(o, FABRIC_SEND, 0, 1, 1);
		if (peer_post(&w.target, o) == -EAGAIN)
			break;
	}
	assert_int_equal(n, 64);
	assert_int_equal(w.tf->ops->sq_free(w.target.conn), 0);
	peer_send(&w.host, 0, 1);
	STEP_UNTIL(w.r, w.host.n_recv == 64);
	assert_int_equal(w.tf->ops->sq_free(w.target.conn), 64);
	pair_down(&w);
}

/* What was posted before close() arrives. */
static void test_close_flushes(void **state)
{
	struct pair w;

	(void)state;
	pair_up(&w, NULL, NULL);
	for (uint32_t i = 0; i < 50; i++)
		peer_send(&w.host, 0, 8000);
	peer_close(&w.host);
	STEP_UNTIL(w.r, w.target.down);
	assert_int_equal(w.target.n_recv, 50);
	assert_int_equal(w.target.cause, FABRIC_DOWN_PEER);
	STEP_UNTIL(w.r, w.host.closed);
	assert_int_equal(w.host.n_ok, 50);
	pair_down(&w);
}

static void test_close_of_both_with_reads(void **state)
{
	struct fabric_exposure *x;
	struct pair w;
	struct peer_op *o;
	uint32_t rkey;

	(void)state;
	pair_up(&w, NULL, NULL);
	assert_int_equal(w.hf->ops->expose(w.host.conn, w.host.mem, PEER_MEM, &x, &rkey), 0);
	peer_send(&w.host, 0, 8);
	STEP_UNTIL(w.r, w.target.n_recv == 1);
	o = peer_op(&w.target);
	peer_rdma(o, FABRIC_READ, 0, 1u << 20, 1, w.host.mem, rkey);
	assert_int_equal(peer_post(&w.target, o), 0);
	peer_close(&w.target);
	assert_int_equal(w.tf->ops->post(w.target.conn, &peer_op(&w.target)->op), -ENOTCONN);
	STEP_UNTIL(w.r, w.host.down);
	peer_close(&w.host);
	STEP_UNTIL(w.r, w.target.closed && w.host.closed);
	assert_int_equal(o->status, FABRIC_WC_FLUSHED);
	pair_fini(&w);
}

/* The receiver holds its buffers: the sender waits, and nothing is lost. */
static void test_no_receive_buffer(void **state)
{
	struct iwarp_params t = { .rx_buffers = 16 };
	struct pair w;

	(void)state;
	pair_up(&w, &t, NULL);
	w.target.hold_rx = true;
	for (uint32_t i = 0; i < 60; i++) {
		w.host.mem[i] = (uint8_t)i;
		peer_send(&w.host, i, 100);
	}
	STEP_UNTIL(w.r, w.target.n_recv == 16);
	assert_true(w.tf->ops->rx_low(w.target.conn));
	for (int i = 0; i < 20; i++)
		reactor_poll(w.r, 1);
	assert_int_equal(w.target.n_recv, 16);
	while (w.target.n_recv < 60) {
		uint32_t n = w.target.n_recv;

		w.tf->ops->rx_release(w.target.held[n - 16]);
		STEP_UNTIL(w.r, w.target.n_recv > n);
		assert_int_equal(w.target.n_recv, n + 1);
	}
	for (uint32_t i = 0; i < 60; i++)
		assert_int_equal(w.target.recv_first[i], i);
	/* Buffers may be held beyond closed(). */
	peer_close(&w.target);
	STEP_UNTIL(w.r, w.target.closed);
	for (uint32_t i = 44; i < 60; i++)
		w.tf->ops->rx_release(w.target.held[i]);
	pair_down(&w);
}

/* A share of the receive buffers is all that one connection gets. */
static void test_share_of_receive_buffers(void **state)
{
	struct pair w;

	(void)state;
	pair_init(&w, NULL, NULL);
	w.n_recv = 4;
	pair_connect(&w, "hello");
	STEP_UNTIL(w.r, w.target.established && w.host.established);
	w.target.hold_rx = true;
	for (uint32_t i = 0; i < 6; i++)
		peer_send(&w.host, 0, 100);
	STEP_UNTIL(w.r, w.target.n_recv == 4);
	for (int i = 0; i < 10; i++)
		reactor_poll(w.r, 1);
	assert_int_equal(w.target.n_recv, 4);
	w.tf->ops->rx_release(w.target.held[0]);
	w.tf->ops->rx_release(w.target.held[1]);
	STEP_UNTIL(w.r, w.target.n_recv == 6);
	for (uint32_t i = 2; i < 6; i++)
		w.tf->ops->rx_release(w.target.held[i]);
	pair_down(&w);
}

/* Memory that is not exposed any more is refused, and only that connection ends. */
static void test_stale_exposure(void **state)
{
	struct fabric_exposure *x;
	struct pair w;
	struct peer_op *o;
	uint32_t rkey;

	(void)state;
	pair_up(&w, NULL, NULL);
	assert_int_equal(w.hf->ops->expose(w.host.conn, w.host.mem, 4096, &x, &rkey), 0);
	peer_send(&w.host, 0, 8);
	STEP_UNTIL(w.r, w.target.n_recv == 1);
	w.hf->ops->unexpose(w.host.conn, x);
	w.host.mem[0] = 7;
	w.target.mem[0] = 9;
	o = peer_op(&w.target);
	peer_rdma(o, FABRIC_READ, 100, 50, 1, w.host.mem, rkey);
	peer_rdma(o, FABRIC_WRITE, 0, 50, 1, w.host.mem, rkey);
	assert_int_equal(peer_post(&w.target, o), 0);
	STEP_UNTIL(w.r, w.target.down && w.host.down);
	assert_int_equal(w.host.mem[0], 7);
	STEP_UNTIL(w.r, !o->busy);
	assert_int_equal(o->status, FABRIC_WC_REMOTE_ACCESS);
	pair_down(&w);
}

static void test_bad_posts(void **state)
{
	struct pair w;
	struct peer_op *o;

	(void)state;
	pair_up(&w, NULL, NULL);
	o = peer_op(&w.target);
	peer_wr(o, FABRIC_SEND, 0, 1, 1);
	o->op.n_wr = 2;
	assert_int_equal(peer_post(&w.target, o), -EINVAL);
	o->op.n_wr = 1;
	o->wr[0].n_seg = 33;
	assert_int_equal(peer_post(&w.target, o), -EINVAL);
	/* Far below 2^32 octets a message (RFC 5041 5.2). */
	o->wr[0].n_seg = 1;
	o->seg[0][0].len_bytes = (64u << 20) + 1;
	assert_int_equal(peer_post(&w.target, o), -EINVAL);
	pair_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login_and_close),
		cmocka_unit_test(test_reject),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_host_gives_up),
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_rdma),
		cmocka_unit_test(test_rdma_without_crc),
		cmocka_unit_test(test_rdma_in_small_pieces),
		cmocka_unit_test(test_revision_1),
		cmocka_unit_test(test_peer_to_peer),
		cmocka_unit_test(test_many_reads),
		cmocka_unit_test(test_send_queue_is_bounded),
		cmocka_unit_test(test_close_flushes),
		cmocka_unit_test(test_close_of_both_with_reads),
		cmocka_unit_test(test_no_receive_buffer),
		cmocka_unit_test(test_share_of_receive_buffers),
		cmocka_unit_test(test_stale_exposure),
		cmocka_unit_test(test_bad_posts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
