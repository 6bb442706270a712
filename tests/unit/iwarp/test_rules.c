/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of the RFCs that hold between messages: nothing acts after the first error, Reads see the Writes before them
 * and stay within the agreed number, numbers wrap, STags mean nothing elsewhere. See docs/conformance.md.
 */
#include "raw.h"

#include "../../../gateway/fabric/iwarp/internal.h"

static struct raw raw; /* large */

struct world {
	struct pair w;
	struct fabric_exposure *x;
	uint32_t rkey;
};

static void setup(struct world *d)
{
	pair_init(&d->w, NULL, NULL);
	raw_up(&raw, &d->w);
	assert_int_equal(d->w.tf->ops->expose(d->w.target.conn, d->w.target.mem, 8192, &d->x, &d->rkey), 0);
	memset(d->w.target.mem, 0x5a, 8192);
}

static void finish(struct world *d)
{
	raw_close(&raw);
	peer_close(&d->w.target);
	STEP_UNTIL(d->w.r, d->w.target.closed);
	pair_fini(&d->w);
}

static struct ddp_hdr write_to(const struct world *d, uint32_t at)
{
	return raw_tagged(RDMAP_WRITE, d->rkey, (uintptr_t)d->w.target.mem + at);
}

/* ---- errors ---- */

/* One burst: a fault, then what would be good, then another fault. Only the first is told, and nothing else acts. */
static void check_only_the_first(bool bad_crc, const void *body, size_t len)
{
	struct ddp_hdr fault = raw_tagged(RDMAP_WRITE, 0x77777777, 0), h, other = raw_send_hdr(9);
	uint8_t bytes[512];
	struct world d;
	size_t n;

	setup(&d);
	h = raw_send_hdr(1);
	n = raw_fpdu_at(bytes, bad_crc ? &h : &fault, "12345678", 8, bad_crc);
	h = write_to(&d, 0);
	n += raw_fpdu_at(bytes + n, &h, "12345678", 8, 0);
	h = raw_send_hdr(1);
	n += raw_fpdu_at(bytes + n, &h, "good", 4, 0);
	n += raw_fpdu_at(bytes + n, &other, "bad", 3, 0);
	raw_write(&raw, bytes, n);
	raw_need(&raw, 20 + len + 4);
	assert_memory_equal(raw.in + 20, body, len);
	raw_drop(&raw, (size_t)fpdu_len((uint32_t)(raw.in[0] << 8 | raw.in[1])));
	raw_expect_eof(&raw);
	assert_true(d.w.target.down);
	assert_int_equal(d.w.target.n_recv, 0);
	for (uint32_t i = 0; i < 8192; i++)
		assert_int_equal(d.w.target.mem[i], 0x5a);
	finish(&d);
}

static void test_nothing_after_the_first_error(void **state)
{
	(void)state;
	check_only_the_first(false, "\x11\x00\xc0\x00", 4);
	check_only_the_first(true, "\x20\x02\x00\x00", 4);
}

/* ---- messages ---- */

/* STag and offset of a Write without payload are not looked at (RFC 5041 5.2). */
static void test_empty_write(void **state)
{
	static const uint64_t to[] = { 0, 1, UINT64_MAX };
	struct ddp_hdr h;
	struct world d;

	(void)state;
	setup(&d);
	for (uint32_t i = 0; i < 3; i++) {
		h = raw_tagged(RDMAP_WRITE, i ? 0xdeadbeef : 0, to[i]);
		raw_fpdu(&raw, &h, NULL, 0);
		h = raw_send_hdr(i + 1);
		raw_fpdu(&raw, &h, "x", 1);
		STEP_UNTIL(d.w.r, d.w.target.n_recv == i + 1);
	}
	assert_false(d.w.target.down);
	finish(&d);
}

/* The pad is covered by the CRC, and its value means nothing. */
static void test_pad_is_not_looked_at(void **state)
{
	struct ddp_hdr h = raw_send_hdr(1);
	uint8_t bytes[64];
	struct world d;
	uint32_t crc;
	size_t n;

	(void)state;
	setup(&d);
	n = raw_fpdu_at(bytes, &h, "abc", 3, 0);
	assert_int_equal(n, 28);
	bytes[23] = 0xff; /* behind 2 + 18 + 3 */
	crc = crc32c_final(crc32c_update_portable(CRC32C_INIT, bytes, n - 4));
	for (int i = 0; i < 4; i++)
		bytes[24 + i] = (uint8_t)(crc >> 8 * i);
	raw_write(&raw, bytes, n);
	STEP_UNTIL(d.w.r, d.w.target.n_recv == 1);
	assert_int_equal(d.w.target.recv_len[0], 3);
	finish(&d);
}

/* Message sequence numbers go from 2^32 - 1 to 0, in both directions and on both queues. */
static void test_sequence_numbers_wrap(void **state)
{
	struct iwarp_conn *c;
	struct ddp_hdr h;
	struct world d;

	(void)state;
	setup(&d);
	c = iwarp_conn_of(d.w.target.conn);
	c->rx.send_msn = c->rx.read_msn = c->tx.send_msn = c->tx.read_msn = UINT32_MAX;
	for (uint32_t i = 0; i < 3; i++) {
		struct peer_op *o = peer_op(&d.w.target);
		struct rdmap_read_req ask = { .sink_stag = 1 }, r;
		uint8_t body[RDMAP_READ_REQ_LEN];

		h = raw_send_hdr(UINT32_MAX + i);
		raw_fpdu(&raw, &h, "x", 1);
		STEP_UNTIL(d.w.r, d.w.target.n_recv == i + 1);
		raw_read_request(&raw, UINT32_MAX + i, &ask);
		assert_int_equal(raw_take(&raw, &h, NULL), 0);
		peer_wr(o, FABRIC_SEND, 0, 5, 1);
		peer_rdma(o, FABRIC_READ, 4096, 4, 1, NULL, 1);
		assert_int_equal(peer_post(&d.w.target, o), 0);
		assert_int_equal(raw_take(&raw, &h, NULL), 5);
		assert_int_equal(h.msn, UINT32_MAX + i);
		assert_int_equal(raw_take(&raw, &h, body), sizeof(body));
		assert_int_equal(h.msn, UINT32_MAX + i);
		rdmap_read_req_decode(body, &r);
		h = raw_tagged(RDMAP_READ_RESP, r.sink_stag, r.sink_to);
		raw_fpdu(&raw, &h, "data", 4);
		STEP_UNTIL(d.w.r, !o->busy);
		assert_int_equal(o->status, FABRIC_WC_OK);
	}
	finish(&d);
}

/* ---- Reads ---- */

/* A Read sees the Write before it, though both came in one piece; Reads are answered in the order of the requests. */
static void test_reads_see_the_writes_before(void **state)
{
	struct ddp_hdr h;
	uint8_t bytes[1024], req[RDMAP_READ_REQ_LEN], got[64];
	struct rdmap_read_req r = { .size_bytes = 8 };
	struct world d;
	size_t n = 0;

	(void)state;
	setup(&d);
	r.src_stag = d.rkey;
	for (uint32_t i = 0; i < 4; i++) {
		uint8_t data[8];

		memset(data, (int)i + 1, sizeof(data));
		h = write_to(&d, 100 * i);
		n += raw_fpdu_at(bytes + n, &h, data, sizeof(data), 0);
		r.sink_stag = 0x1000 + i;
		r.src_to = (uintptr_t)d.w.target.mem + 100u * i;
		rdmap_read_req_encode(&r, req);
		h = raw_read_hdr(i + 1);
		n += raw_fpdu_at(bytes + n, &h, req, sizeof(req), 0);
	}
	raw_write(&raw, bytes, n);
	for (uint32_t i = 0; i < 4; i++) {
		uint8_t want[8];

		memset(want, (int)i + 1, sizeof(want));
		assert_int_equal(raw_take(&raw, &h, got), 8);
		assert_int_equal(h.stag, 0x1000 + i);
		assert_memory_equal(got, want, 8);
	}
	finish(&d);
}

/* The peer serves two Reads at a time: a third is asked for when the first is answered, and not before. */
static void test_reads_within_ord(void **state)
{
	static const char want[] = "MPA ID Rep Frame\x50\x02\x00\x0b\x00\x01\x00\x02welcome";
	struct ddp_hdr h = raw_send_hdr(1);
	struct rdmap_read_req r[5];
	struct peer_op *o[5];
	uint8_t body[RDMAP_READ_REQ_LEN];
	uint32_t asked = 0;
	struct pair w;

	(void)state;
	pair_init(&w, NULL, NULL);
	raw_connect(&raw, w.r, &w.addr);
	raw_request(&raw, MPA_ENHANCED, 2, 2, 0);
	raw_expect(&raw, want, sizeof(want) - 1);
	STEP_UNTIL(w.r, w.target.established);
	raw_fpdu(&raw, &h, "go", 2);
	STEP_UNTIL(w.r, w.target.n_recv == 1);
	for (uint32_t i = 0; i < 5; i++) {
		o[i] = peer_op(&w.target);
		peer_rdma(o[i], FABRIC_READ, 64 * i, 4, 1, NULL, 1);
		assert_int_equal(peer_post(&w.target, o[i]), 0);
	}
	for (uint32_t i = 0; i < 5; i++) {
		for (; asked < 5 && asked < i + 2; asked++) {
			assert_int_equal(raw_take(&raw, &h, body), sizeof(body));
			assert_int_equal(h.msn, asked + 1);
			rdmap_read_req_decode(body, &r[asked]);
		}
		for (int k = 0; k < 5; k++)
			reactor_poll(w.r, 1);
		raw_pull(&raw);
		assert_int_equal(raw.n_in, 0);
		assert_true(o[i]->busy);
		h = raw_tagged(RDMAP_READ_RESP, r[i].sink_stag, r[i].sink_to);
		raw_fpdu(&raw, &h, "data", 4);
		STEP_UNTIL(w.r, !o[i]->busy);
		assert_memory_equal(w.target.mem + 64u * i, "data", 4);
	}
	raw_close(&raw);
	peer_close(&w.target);
	STEP_UNTIL(w.r, w.target.closed);
	pair_fini(&w);
}

/* ---- STags ---- */

/* What one connection exposes, another cannot reach (RFC 5040 8.1.1). */
static void test_stag_of_another_connection(void **state)
{
	static const uint8_t body[4] = { 0x11, 0, 0xc0, 0 };
	struct fabric_exposure *x;
	struct peer other;
	uint32_t rkey;
	struct ddp_hdr h;
	struct pair w;

	(void)state;
	pair_up(&w, NULL, NULL);
	assert_int_equal(w.tf->ops->expose(w.target.conn, w.target.mem, 4096, &x, &rkey), 0);
	memset(w.target.mem, 0x5a, 4096);
	peer_init(&other, "target of the raw peer");
	other.fabric = w.tf;
	w.accept_as = &other;
	raw_up(&raw, &w);
	h = raw_tagged(RDMAP_WRITE, rkey, (uintptr_t)w.target.mem);
	raw_fpdu(&raw, &h, "12345678", 8);
	raw_need(&raw, 24);
	assert_memory_equal(raw.in + 20, body, 4);
	STEP_UNTIL(w.r, other.down);
	assert_int_equal(w.target.mem[0], 0x5a);
	assert_false(w.target.down);
	raw_close(&raw);
	peer_close(&other);
	STEP_UNTIL(w.r, other.closed);
	pair_down(&w);
	peer_fini(&other);
}

/* Nobody can tell the next STag from those before, and one that was taken back does not return soon. */
static void test_stags_are_unpredictable(void **state)
{
	enum { N = 256 };
	uint32_t stag[N], n_same_step = 0;
	struct world d;

	(void)state;
	setup(&d);
	for (uint32_t i = 0; i < N; i++) {
		struct fabric_exposure *x;

		assert_int_equal(d.w.tf->ops->expose(d.w.target.conn, d.w.target.mem, 64, &x, &stag[i]), 0);
		d.w.tf->ops->unexpose(d.w.target.conn, x);
		for (uint32_t k = 0; k < i; k++)
			assert_int_not_equal(stag[i], stag[k]);
		if (i > 1)
			n_same_step += stag[i] - stag[i - 1] == stag[i - 1] - stag[i - 2];
	}
	assert_true(n_same_step < 8);
	finish(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_after_the_first_error),
		cmocka_unit_test(test_empty_write),
		cmocka_unit_test(test_pad_is_not_looked_at),
		cmocka_unit_test(test_sequence_numbers_wrap),
		cmocka_unit_test(test_reads_see_the_writes_before),
		cmocka_unit_test(test_reads_within_ord),
		cmocka_unit_test(test_stag_of_another_connection),
		cmocka_unit_test(test_stags_are_unpredictable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
