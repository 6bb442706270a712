/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stream as a raw peer sees it: everything in one-byte pieces, messages in segments, markers, the bytes that we
 * send.
 */
#include "raw.h"

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
}

static void finish(struct world *d)
{
	assert_false(d->w.target.down);
	raw_close(&raw);
	STEP_UNTIL(d->w.r, d->w.target.down);
	peer_close(&d->w.target);
	STEP_UNTIL(d->w.r, d->w.target.closed);
	pair_fini(&d->w);
}

static uint8_t pattern(uint32_t i)
{
	return (uint8_t)(i * 31 + 7);
}

/* A Send in three segments, a Write, a Read Request and a Read Response. */
static void conversation(struct world *d)
{
	struct pair *w = &d->w;
	struct ddp_hdr h = { .version = 1, .rdmap = rdmap_control(RDMAP_SEND_SE), .msn = 1 };
	uint8_t data[1000], got[1000];
	struct rdmap_read_req r;
	struct peer_op *o;

	for (uint32_t i = 0; i < 1000; i++)
		data[i] = pattern(i);
	raw_fpdu(&raw, &h, data, 10);
	h.mo = 10;
	raw_fpdu(&raw, &h, data + 10, 21);
	h.mo = 31;
	h.last = true;
	raw_fpdu(&raw, &h, data + 31, 32);
	STEP_UNTIL(w->r, w->target.n_recv == 1);
	assert_int_equal(w->target.recv_len[0], 63);
	{
		uint64_t sum = 0;

		for (uint32_t i = 0; i < 63; i++)
			sum += data[i];
		assert_true(w->target.recv_sum == sum);
	}

	memset(w->target.mem, 0, 8192);
	h = raw_tagged(RDMAP_WRITE, d->rkey, (uintptr_t)w->target.mem + 3);
	raw_fpdu(&raw, &h, data, 777);
	h = raw_send_hdr(2);
	raw_fpdu(&raw, &h, NULL, 0); /* an empty Send is delivered too */
	STEP_UNTIL(w->r, w->target.n_recv == 2);
	assert_int_equal(w->target.recv_len[1], 0);
	assert_memory_equal(w->target.mem + 3, data, 777);
	assert_int_equal(w->target.mem[2] | w->target.mem[780], 0);

	raw_read_request(&raw, 1, &(struct rdmap_read_req){ .sink_stag = 0xfeedbeef, .sink_to = UINT64_MAX - 99,
							    .size_bytes = 700, .src_stag = d->rkey,
							    .src_to = (uintptr_t)w->target.mem + 3 });
	assert_int_equal(raw_take(&raw, &h, got), 700);
	assert_true(h.tagged && h.last && h.version == 1);
	assert_int_equal(h.rdmap, 0x42);
	assert_int_equal(h.stag, 0xfeedbeef);
	assert_true(h.to == UINT64_MAX - 99); /* copied as it is */
	assert_memory_equal(got, data, 700);

	o = peer_op(&w->target);
	peer_rdma(o, FABRIC_READ, 1u << 20, 900, 7, (void *)0x8877665544332211, 0x1234);
	assert_int_equal(peer_post(&w->target, o), 0);
	assert_int_equal(raw_take(&raw, &h, got), 28);
	rdmap_read_req_decode(got, &r);
	assert_true(r.src_to == 0x8877665544332211);
	for (uint32_t at = 0; at < 900; at += 300) {
		h = raw_tagged(RDMAP_READ_RESP, r.sink_stag, r.sink_to + at);
		h.last = at == 600;
		raw_fpdu(&raw, &h, data + at, 300);
	}
	STEP_UNTIL(w->r, !o->busy);
	assert_int_equal(o->status, FABRIC_WC_OK);
	assert_memory_equal(w->target.mem + (1u << 20), data, 900);
}

static void test_whole(void **state)
{
	struct world d;

	(void)state;
	setup(&d);
	conversation(&d);
	finish(&d);
}

static void test_byte_by_byte(void **state)
{
	struct world d;

	(void)state;
	setup(&d);
	raw.bytewise = true;
	conversation(&d);
	finish(&d);
}

/* Many messages in one piece, cut at every place once. */
static void test_cut_anywhere(void **state)
{
	uint8_t bytes[4096];
	struct ddp_hdr h;
	struct world d;
	uint32_t msn = 1;
	size_t len = 0;

	(void)state;
	setup(&d);
	for (uint32_t cut = 1;; cut++) {
		len = 0;
		for (uint32_t i = 0; i < 3; i++) {
			h = raw_send_hdr(msn++);
			len += raw_fpdu_at(bytes + len, &h, "abcdefgh", 1 + i, 0);
			h = raw_tagged(RDMAP_WRITE, d.rkey, (uintptr_t)d.w.target.mem + i);
			len += raw_fpdu_at(bytes + len, &h, "z", 1, 0);
		}
		if (cut >= len)
			break;
		raw_write(&raw, bytes, cut);
		for (int i = 0; i < 3; i++)
			reactor_poll(d.w.r, 0);
		raw_write(&raw, bytes + cut, len - cut);
		STEP_UNTIL(d.w.r, d.w.target.n_recv == 3 * cut);
		assert_false(d.w.target.down);
	}
	finish(&d);
}

/* Segments never exceed what the peer's TCP segment size allows; Send and Write are cut and numbered right. */
static void test_our_segments(void **state)
{
	struct ddp_hdr h = raw_send_hdr(1);
	uint8_t got[65536], *all = malloc(200000);
	struct world d;
	struct peer_op *o;
	uint32_t at, n;

	(void)state;
	assert_non_null(all);
	setup(&d);
	raw_fpdu(&raw, &h, "go", 2);
	for (uint32_t i = 0; i < 200000; i++)
		d.w.target.mem[i] = pattern(i ^ i >> 8);
	o = peer_op(&d.w.target);
	peer_rdma(o, FABRIC_WRITE, 0, 150001, 5, (void *)0xfff0, 0x99);
	peer_wr(o, FABRIC_SEND, 1, 33, 2);
	peer_wr(o, FABRIC_SEND, 2, 0, 1)->flags = FABRIC_SOLICITED;
	assert_int_equal(peer_post(&d.w.target, o), 0);
	for (at = 0; at < 150001; at += n) {
		n = raw_take(&raw, &h, got);
		assert_true(n > 0 && n <= FPDU_MAX_ULPDU - DDP_TAGGED_LEN);
		assert_true(h.tagged && h.stag == 0x99 && h.to == 0xfff0 + at && h.rdmap == 0x40);
		assert_int_equal(h.last, at + n == 150001);
		memcpy(all + at, got, n);
	}
	assert_memory_equal(all, d.w.target.mem, 150001);
	assert_int_equal(raw_take(&raw, &h, got), 33);
	assert_true(!h.tagged && h.last && h.rdmap == 0x43 && h.msn == 1 && h.mo == 0 && h.qn == 0 &&
		    h.inval_stag == 0);
	assert_memory_equal(got, d.w.target.mem + 1, 33);
	assert_int_equal(raw_take(&raw, &h, got), 0);
	assert_true(!h.tagged && h.last && h.rdmap == 0x45 && h.msn == 2);
	free(all);
	finish(&d);
}

/* Send with Invalidate ends an exposure (RFC 5040 5.3), and what was ours is refused afterwards. */
static void test_send_with_invalidate(void **state)
{
	struct ddp_hdr h = raw_send_hdr(1);
	struct world d;

	(void)state;
	setup(&d);
	h.rdmap = rdmap_control(RDMAP_SEND_SE_INV);
	h.inval_stag = d.rkey;
	raw_fpdu(&raw, &h, "done", 4);
	STEP_UNTIL(d.w.r, d.w.target.n_recv == 1);
	assert_int_equal(d.w.target.recv_len[0], 4);
	h = raw_tagged(RDMAP_WRITE, d.rkey, (uintptr_t)d.w.target.mem);
	raw_fpdu(&raw, &h, "x", 1);
	STEP_UNTIL(d.w.r, d.w.target.down);
	raw_close(&raw);
	peer_close(&d.w.target);
	STEP_UNTIL(d.w.r, d.w.target.closed);
	pair_fini(&d.w);
}

/* An exposure that ends in the middle of a Write: the rest is not placed, and the peer hears of it. */
static void test_unexpose_in_the_middle(void **state)
{
	struct ddp_hdr h;
	uint8_t bytes[2048];
	struct world d;
	size_t len;

	(void)state;
	setup(&d);
	memset(d.w.target.mem, 1, 2000);
	memset(bytes, 2, sizeof(bytes));
	h = raw_tagged(RDMAP_WRITE, d.rkey, (uintptr_t)d.w.target.mem);
	{
		uint8_t payload[1500];

		memset(payload, 2, sizeof(payload));
		len = raw_fpdu_at(bytes, &h, payload, sizeof(payload), 0);
	}
	raw_write(&raw, bytes, 500);
	STEP_UNTIL(d.w.r, d.w.target.mem[400] == 2);
	d.w.tf->ops->unexpose(d.w.target.conn, d.x);
	memset(d.w.target.mem, 1, 2000);
	raw_write(&raw, bytes + 500, len - 500);
	STEP_UNTIL(d.w.r, d.w.target.down);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(d.w.target.mem[i], 1);
	raw_close(&raw);
	peer_close(&d.w.target);
	STEP_UNTIL(d.w.r, d.w.target.closed);
	pair_fini(&d.w);
}

/* ---- markers: only because the peer asks ---- */

struct marked {
	size_t at; /* stream offset of raw.in[0] */
};

static void unmark(struct marked *m, uint8_t *to, size_t n)
{
	while (n) {
		if (m->at % 512 == 0) {
			raw_need(&raw, 4);
			assert_int_equal(raw.in[0] | raw.in[1], 0);
			raw_drop(&raw, 4);
			m->at += 4;
		}
		raw_need(&raw, 1);
		*to++ = raw.in[0];
		raw_drop(&raw, 1);
		m->at++;
		n--;
	}
}

static void test_markers(void **state)
{
	static const char want[] = "MPA ID Rep Frame\x50\x02\x00\x0b\x00\x01\x00\x04welcome";
	struct ddp_hdr h = raw_send_hdr(1);
	uint8_t one[65600], all[5000];
	struct marked m = { 0 };
	struct peer_op *o;
	uint32_t at = 0;
	struct pair w;

	(void)state;
	{
		struct iwarp_params p = { .max_ulpdu = 1000 };

		pair_init(&w, &p, NULL);
	}
	raw_connect(&raw, w.r, &w.addr);
	raw_request(&raw, MPA_ENHANCED | MPA_MARKERS, 2, 4, 0);
	raw_expect(&raw, want, sizeof(want) - 1); /* M stays 0: what we receive has none */
	STEP_UNTIL(w.r, w.target.established);
	raw_fpdu(&raw, &h, "go", 2);
	for (uint32_t i = 0; i < 5000; i++)
		w.target.mem[i] = pattern(i);
	o = peer_op(&w.target);
	peer_wr(o, FABRIC_SEND, 0, 5000, 3);
	assert_int_equal(peer_post(&w.target, o), 0);
	while (at < 5000) {
		uint32_t ulpdu, len;

		unmark(&m, one, 2);
		ulpdu = (uint32_t)(one[0] << 8 | one[1]);
		assert_true(ulpdu <= 1000);
		unmark(&m, one, ulpdu + fpdu_pad(ulpdu) + 4);
		ddp_decode(one, &h);
		assert_true(!h.tagged && h.mo == at && h.msn == 1);
		len = ulpdu - DDP_UNTAGGED_LEN;
		memcpy(all + at, one + DDP_UNTAGGED_LEN, len);
		at += len;
		assert_int_equal(h.last, at == 5000);
	}
	assert_memory_equal(all, w.target.mem, 5000);
	raw_close(&raw);
	peer_close(&w.target);
	STEP_UNTIL(w.r, w.target.closed);
	pair_fini(&w);
}

/* ---- CRC off: the field is there, zero, and not looked at ---- */

static void test_crc_off(void **state)
{
	static const char want[] = "MPA ID Rep Frame\x10\x02\x00\x0b\x00\x01\x00\x04welcome";
	struct iwarp_params p = { .no_crc = true };
	struct ddp_hdr h = raw_send_hdr(1);
	uint8_t bytes[64];
	struct pair w;

	(void)state;
	pair_init(&w, &p, NULL);
	raw_connect(&raw, w.r, &w.addr);
	raw_request(&raw, MPA_ENHANCED, 2, 4, 0);
	raw_expect(&raw, want, sizeof(want) - 1);
	raw_write(&raw, bytes, raw_fpdu_at(bytes, &h, "abc", 3, 0x12345678));
	STEP_UNTIL(w.r, w.target.n_recv == 1);
	peer_send(&w.target, 0, 2);
	raw_need(&raw, 28);
	assert_memory_equal(raw.in + 24, "\0\0\0\0", 4);
	raw_close(&raw);
	peer_close(&w.target);
	STEP_UNTIL(w.r, w.target.closed);
	pair_fini(&w);
}

/* A FIN between messages is a disconnect; inside of one it is an error. */
static void check_fin(size_t n_bytes, enum fabric_down cause)
{
	struct ddp_hdr h = raw_send_hdr(1);
	uint8_t bytes[64];
	struct world d;

	setup(&d);
	raw_fpdu_at(bytes, &h, "abc", 3, 0);
	raw_write(&raw, bytes, n_bytes);
	shutdown(raw.fd, SHUT_WR);
	STEP_UNTIL(d.w.r, d.w.target.down);
	assert_int_equal(d.w.target.cause, cause);
	raw_close(&raw);
	peer_close(&d.w.target);
	STEP_UNTIL(d.w.r, d.w.target.closed);
	pair_fini(&d.w);
}

static void test_fin(void **state)
{
	(void)state;
	check_fin(0, FABRIC_DOWN_PEER);
	check_fin(1, FABRIC_DOWN_ERROR);
	check_fin(20, FABRIC_DOWN_ERROR);
	check_fin(24, FABRIC_DOWN_ERROR);
	check_fin(28, FABRIC_DOWN_PEER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	     cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_cut_anywhere), cmocka_unit_test(test_our_segments),
		cmocka_unit_test(test_send_with_invalidate), cmocka_unit_test(test_unexpose_in_the_middle),
		cmocka_unit_test(test_markers),	     cmocka_unit_test(test_crc_off),
		cmocka_unit_test(test_fin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
