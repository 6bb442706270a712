/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where FPDUs lie in TCP segments: no segment ends inside of pad and CRC, even when its size is no multiple of 4. Looks
 * into the batch before it is sent, because nobody can see segments from outside.
 */
#include "raw.h"

#include "../../../gateway/fabric/iwarp/internal.h"

#include <netinet/tcp.h>

static struct raw raw; /* large */

static void connect_with_mss(struct pair *w, int mss)
{
	raw_init(&raw, w->r, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	assert_int_equal(setsockopt(raw.fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)), 0);
	assert_int_equal(connect(raw.fd, (const struct sockaddr *)&w->addr.ss, w->addr.ss_len), 0);
	raw_request(&raw, MPA_ENHANCED, 2, 4, 4);
	raw_need(&raw, 31);
	raw_drop(&raw, 31);
	STEP_UNTIL(w->r, w->target.established);
}

/* Return: number of FPDUs in the batch. */
static uint32_t check_batch(const struct iwarp_tx *tx)
{
	const struct fpdu_batch *b = tx->batch;
	uint8_t *bytes = malloc(b->len_bytes);
	uint32_t n_fpdus = 0;
	size_t n = 0;

	assert_non_null(bytes);
	for (uint32_t i = 0; i < b->n_iov; i++) {
		memcpy(bytes + n, b->iov[i].iov_base, b->iov[i].iov_len);
		n += b->iov[i].iov_len;
	}
	for (size_t at = 0; at < n; n_fpdus++) {
		uint32_t ulpdu = (uint32_t)(bytes[at] << 8 | bytes[at + 1]);
		size_t end = at + fpdu_len(ulpdu), trailer = end - 4 - fpdu_pad(ulpdu);

		assert_true(end <= n && ulpdu <= tx->mulpdu);
		assert_int_equal(trailer / tx->emss, (end - 1) / tx->emss);
		at = end;
	}
	free(bytes);
	return n_fpdus;
}

static void check_mss(int mss, const struct iwarp_params *p)
{
	struct ddp_hdr h = raw_send_hdr(1);
	uint32_t seed = (uint32_t)mss, n_fpdus = 0, n_batches = 0;
	struct iwarp_conn *c;
	struct pair w;

	pair_init(&w, p, NULL);
	connect_with_mss(&w, mss);
	raw_fpdu(&raw, &h, "go", 2);
	STEP_UNTIL(w.r, w.target.n_recv == 1);
	c = iwarp_conn_of(w.target.conn);
	for (int i = 0; i < 400; i++) {
		uint32_t begin = w.target.n_posted;

		for (uint32_t k = 0; k < 4; k++) {
			struct peer_op *o = peer_op(&w.target);

			seed = seed * 1103515245u + 12345u;
			peer_rdma(o, FABRIC_WRITE, 0, (seed >> 12) % 5000, 1 + (seed >> 8) % 4, NULL, 1);
			peer_wr(o, FABRIC_SEND, 0, 36 + (seed >> 4) % 30, 1);
			assert_int_equal(peer_post(&w.target, o), 0);
		}
		assert_int_equal(c->tx.batch->n_iov, 0);
		while (w.target.n_done < begin + 4) {
			if (c->tx.batch->n_iov == 0 && iwarp_tx_pending(c)) {
				iwarp_tx_build(c);
				n_fpdus += check_batch(&c->tx);
				n_batches++;
			}
			reactor_poll(w.r, 0);
			raw_pull(&raw);
			raw.n_in = 0;
		}
	}
	assert_int_equal(w.target.n_ok, w.target.n_posted);
	assert_true(n_fpdus > 2000 && n_batches >= 400);
	raw_close(&raw);
	peer_close(&w.target);
	STEP_UNTIL(w.r, w.target.closed);
	pair_fini(&w);
}

static void test_layout(void **state)
{
	const struct iwarp_params large = { .max_ulpdu = 20000 };

	(void)state;
	check_mss(1410, NULL);
	check_mss(1401, NULL);
	check_mss(559, NULL);
	check_mss(1460, NULL);
	check_mss(1411, &large);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_layout) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
