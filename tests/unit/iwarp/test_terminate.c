/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every rule that a peer can break: the Terminate message is exactly the right one, the connection ends, nothing was
 * placed or delivered, and the connection next to it does not notice.
 */
#include "raw.h"

static struct raw raw; /* large */

struct world {
	struct pair w; /* the innocent connection */
	struct peer t; /* our end of the raw peer's */
	struct fabric_exposure *x;
	uint32_t rkey;
};

static void setup(struct world *d)
{
	pair_up(&d->w, NULL, NULL);
	peer_init(&d->t, "target of the raw peer");
	d->t.fabric = d->w.tf;
	d->w.accept_as = &d->t;
	raw_up(&raw, &d->w);
	assert_int_equal(d->w.tf->ops->expose(d->t.conn, d->t.mem, 4096, &d->x, &d->rkey), 0);
	memset(d->t.mem, 0x5a, 8192);
}

/* @body: what the Terminate must say. */
static void check_terminated(struct world *d, const void *body, size_t len)
{
	raw_expect_terminate(&raw, body, len);
	assert_true(d->t.down);
	assert_int_equal(d->t.cause, FABRIC_DOWN_ERROR);
	for (uint32_t i = 0; i < 8192; i++)
		assert_int_equal(d->t.mem[i], 0x5a);
}

static void finish(struct world *d)
{
	raw_close(&raw);
	peer_close(&d->t);
	STEP_UNTIL(d->w.r, d->t.closed);
	/* The innocent one still works. */
	peer_send(&d->w.host, 0, 5);
	STEP_UNTIL(d->w.r, d->w.target.n_recv == 1);
	assert_false(d->w.host.down || d->w.target.down);
	pair_down(&d->w);
	peer_fini(&d->t);
}

/* body of a Terminate with the header of the segment at fault */
static size_t body_with(uint8_t *out, uint8_t b0, uint8_t b1, const struct ddp_hdr *h, uint32_t payload_len,
			const uint8_t *read)
{
	uint8_t ddp[DDP_UNTAGGED_LEN];
	size_t n = ddp_encode(h, ddp), ulpdu = n + payload_len, at = 6;

	out[0] = b0;
	out[1] = b1;
	out[2] = read ? 0xe0 : 0xc0;
	out[3] = 0;
	out[4] = (uint8_t)(ulpdu >> 8);
	out[5] = (uint8_t)ulpdu;
	memcpy(out + at, ddp, n);
	at += n;
	if (read) {
		memcpy(out + at, read, RDMAP_READ_REQ_LEN);
		at += RDMAP_READ_REQ_LEN;
	}
	return at;
}

/* One bad segment, answered with its header. */
static void bad_segment(const struct ddp_hdr *h, uint32_t len, uint8_t b0, uint8_t b1)
{
	static uint8_t payload[60000];
	struct world d;
	uint8_t body[64];
	size_t n;

	setup(&d);
	raw_fpdu(&raw, h, payload, len);
	n = body_with(body, b0, b1, h, len, NULL);
	check_terminated(&d, body, n);
	assert_int_equal(d.t.n_recv, 0);
	finish(&d);
}

#define SEG(...) (&(struct ddp_hdr){ .last = true, .version = 1, __VA_ARGS__ })

static void test_headers(void **state)
{
	(void)state;
	bad_segment(&(struct ddp_hdr){ .last = true, .tagged = true, .rdmap = 0x40 }, 8, 0x11, 4);
	bad_segment(&(struct ddp_hdr){ .last = true, .version = 2, .rdmap = 0x43, .msn = 1 }, 8, 0x12, 6);
	bad_segment(SEG(.rdmap = 0x43, .qn = 3, .msn = 1), 8, 0x12, 1);
	bad_segment(SEG(.rdmap = 0x03, .msn = 1), 8, 0x02, 5);
	bad_segment(SEG(.rdmap = 0x48, .msn = 1), 8, 0x02, 6);
	bad_segment(SEG(.rdmap = 0x40, .msn = 1), 8, 0x02, 6);
	bad_segment(SEG(.tagged = true, .rdmap = 0x43), 8, 0x02, 6);
	bad_segment(SEG(.rdmap = 0x43, .qn = 1, .msn = 1), 8, 0x02, 6);
}

static void test_untagged(void **state)
{
	(void)state;
	bad_segment(SEG(.rdmap = 0x43, .msn = 2), 8, 0x12, 3);
	bad_segment(SEG(.rdmap = 0x43, .msn = 0), 8, 0x12, 3);
	bad_segment(SEG(.rdmap = 0x43, .msn = 1, .mo = 4), 8, 0x12, 4);
	bad_segment(SEG(.rdmap = 0x43, .msn = 1), 8449, 0x12, 5);
	bad_segment(SEG(.rdmap = 0x43, .msn = 1), 60000, 0x12, 5);
	bad_segment(SEG(.rdmap = 0x44, .msn = 1, .inval_stag = 0x12345678), 8, 0x01, 9);
	bad_segment(SEG(.rdmap = 0x41, .qn = 1, .msn = 2), 28, 0x12, 3);
	bad_segment(SEG(.rdmap = 0x41, .qn = 1, .msn = 1, .mo = 1), 28, 0x12, 4);
	bad_segment(SEG(.rdmap = 0x41, .qn = 1, .msn = 1), 29, 0x12, 5);
	bad_segment(SEG(.rdmap = 0x41, .qn = 1, .msn = 1), 27, 0x02, 7);
	bad_segment(SEG(.rdmap = 0x41, .qn = 1, .msn = 1), 0, 0x02, 7);
	bad_segment(&(struct ddp_hdr){ .version = 1, .rdmap = 0x41, .qn = 1, .msn = 1 }, 28, 0x12, 5);
	bad_segment(SEG(.rdmap = 0x47, .qn = 2, .msn = 2), 4, 0x12, 3);
	bad_segment(SEG(.rdmap = 0x47, .qn = 2, .msn = 1, .mo = 4), 4, 0x12, 4);
}

static void test_send_in_wrong_pieces(void **state)
{
	static const uint32_t mo[] = { 0, 7, 9, 16, 0xfffffff8 };

	(void)state;
	for (size_t i = 0; i < sizeof(mo) / sizeof(mo[0]); i++) {
		struct ddp_hdr first = { .version = 1, .rdmap = 0x43, .msn = 1 }, second = raw_send_hdr(1);
		struct world d;
		uint8_t body[64];

		setup(&d);
		raw_fpdu(&raw, &first, "12345678", 8);
		second.mo = mo[i];
		raw_fpdu(&raw, &second, "12345678", 8);
		check_terminated(&d, body, body_with(body, 0x12, 4, &second, 8, NULL));
		finish(&d);
	}
}

static void write_at(uint64_t off, uint32_t len, uint32_t flip, bool wrap, uint8_t b0, uint8_t b1)
{
	static const uint8_t payload[8192];
	struct ddp_hdr h;
	struct world d;
	uint8_t body[64];

	setup(&d);
	h = raw_tagged(RDMAP_WRITE, d.rkey ^ flip, wrap ? off : (uintptr_t)d.t.mem + off);
	raw_fpdu(&raw, &h, payload, len);
	check_terminated(&d, body, body_with(body, b0, b1, &h, len, NULL));
	finish(&d);
}

static void test_writes(void **state)
{
	(void)state;
	write_at(0, 1, 1u << 24, false, 0x11, 0);
	write_at(0, 4097, 0, false, 0x11, 1);
	write_at(4090, 7, 0, false, 0x11, 1);
	write_at(4097, 1, 0, false, 0x11, 1);
	write_at((uint64_t)-1, 1, 0, false, 0x11, 1);
	write_at(UINT64_MAX - 3, 8, 0, true, 0x11, 3);
}

static void read_at(uint64_t off, uint32_t len, uint32_t flip, bool wrap, uint8_t b0, uint8_t b1)
{
	struct rdmap_read_req r = { .sink_stag = 7, .sink_to = 9, .size_bytes = len };
	struct ddp_hdr h = raw_read_hdr(1);
	uint8_t body[64], req[RDMAP_READ_REQ_LEN];
	struct world d;

	setup(&d);
	r.src_stag = d.rkey ^ flip;
	r.src_to = wrap ? off : (uintptr_t)d.t.mem + off;
	rdmap_read_req_encode(&r, req);
	raw_fpdu(&raw, &h, req, sizeof(req));
	check_terminated(&d, body, body_with(body, b0, b1, &h, sizeof(req), req));
	finish(&d);
}

static void test_read_requests(void **state)
{
	(void)state;
	read_at(0, 1, 1u << 24, false, 0x01, 0);
	read_at(0, 4097, 0, false, 0x01, 1);
	read_at(4096, 1, 0, false, 0x01, 1);
	read_at((uint64_t)-1, 1, 0, false, 0x01, 1);
	read_at(0, 0xffffffff, 0, false, 0x01, 1);
	read_at(UINT64_MAX - 3, 8, 0, true, 0x01, 4);
}

/* A Read of size 0 is answered whatever it names (RFC 5040 5.2.1). */
static void test_empty_read(void **state)
{
	struct ddp_hdr h;
	struct world d;
	uint8_t body[4] = { 0x20, 2, 0, 0 }, bad[64];
	struct ddp_hdr send = raw_send_hdr(1);

	(void)state;
	setup(&d);
	raw_read_request(&raw, 1, &(struct rdmap_read_req){ .sink_stag = 0x77, .sink_to = 5, .src_stag = 1 });
	assert_int_equal(raw_take(&raw, &h, NULL), 0);
	assert_true(h.tagged && h.last);
	assert_int_equal(h.rdmap, 0x42);
	assert_int_equal(h.stag, 0x77);
	assert_int_equal(h.to, 5);
	raw_write(&raw, bad, raw_fpdu_at(bad, &send, "abc", 3, 1));
	check_terminated(&d, body, 4);
	finish(&d);
}

/* Reads beyond the IRD of 4, while the answers cannot go. */
static void test_too_many_reads(void **state)
{
	struct rdmap_read_req r = { .sink_stag = 7, .size_bytes = 4096 };
	uint8_t bytes[5 * 64], body[64], req[RDMAP_READ_REQ_LEN];
	struct ddp_hdr h;
	struct world d;
	size_t n = 0;

	(void)state;
	setup(&d);
	r.src_stag = d.rkey;
	r.src_to = (uintptr_t)d.t.mem;
	rdmap_read_req_encode(&r, req);
	for (uint32_t i = 1; i <= 5; i++) {
		h = raw_read_hdr(i);
		n += raw_fpdu_at(bytes + n, &h, req, sizeof(req), 0);
	}
	raw_write(&raw, bytes, n); /* one segment: all five are read before the first is answered */
	check_terminated(&d, body, body_with(body, 0x12, 2, &h, sizeof(req), NULL));
	finish(&d);
}

static void test_crc(void **state)
{
	struct ddp_hdr good = raw_send_hdr(1), bad = raw_send_hdr(9);
	static const uint8_t body[4] = { 0x20, 2, 0, 0 };
	uint8_t out[64];
	struct world d;

	(void)state;
	setup(&d);
	raw_write(&raw, out, raw_fpdu_at(out, &good, "abc", 3, 0x80000000));
	check_terminated(&d, body, 4);
	assert_int_equal(d.t.n_recv, 0);
	finish(&d);
	/* What a bad CRC covers is not believed: the header is not blamed. */
	setup(&d);
	raw_write(&raw, out, raw_fpdu_at(out, &bad, "abc", 3, 1));
	check_terminated(&d, body, 4);
	finish(&d);
}

static void test_length(void **state)
{
	static const uint8_t tagged[16] = { 0, 13, 0xc1, 0x40 }, untagged[20] = { 0, 17, 0x41, 0x43 }, zero[4] = { 0 };
	static const uint8_t body[4] = { 0x20, 3, 0, 0 };
	struct world d;

	(void)state;
	setup(&d);
	raw_write(&raw, tagged, sizeof(tagged));
	check_terminated(&d, body, 4);
	finish(&d);
	setup(&d);
	raw_write(&raw, untagged, sizeof(untagged));
	check_terminated(&d, body, 4);
	finish(&d);
	setup(&d);
	raw_write(&raw, zero, sizeof(zero));
	check_terminated(&d, body, 4);
	finish(&d);
}

/* ---- Read Responses: the target reads from the raw peer ---- */

static struct peer_op *begin_read(struct world *d, uint32_t len, struct rdmap_read_req *r)
{
	struct ddp_hdr send = raw_send_hdr(1), h;
	struct peer_op *o;
	uint8_t body[RDMAP_READ_REQ_LEN];

	raw_fpdu(&raw, &send, "go", 2);
	STEP_UNTIL(d->w.r, d->t.n_recv == 1);
	o = peer_op(&d->t);
	peer_rdma(o, FABRIC_READ, 1u << 20, len, 3, (void *)0x1000, 0xabcd);
	assert_int_equal(peer_post(&d->t, o), 0);
	assert_int_equal(raw_take(&raw, &h, body), sizeof(body));
	assert_int_equal(h.rdmap, 0x41);
	assert_int_equal(h.qn, 1);
	assert_int_equal(h.msn, 1);
	rdmap_read_req_decode(body, r);
	assert_int_equal(r->size_bytes, len);
	assert_int_equal(r->src_stag, 0xabcd);
	assert_int_equal(r->src_to, 0x1000);
	assert_int_not_equal(r->sink_stag, 0);
	return o;
}

static void bad_response(uint32_t flip, int64_t to_off, uint32_t len, bool last, bool exposed, uint8_t b0, uint8_t b1)
{
	static const uint8_t payload[8192];
	struct rdmap_read_req r;
	struct peer_op *o;
	struct ddp_hdr h;
	struct world d;
	uint8_t body[64];

	setup(&d);
	o = begin_read(&d, 1000, &r);
	memset(d.t.mem + (1u << 20), 0x11, 2000);
	h = raw_tagged(RDMAP_READ_RESP, exposed ? d.rkey : r.sink_stag ^ flip, r.sink_to + (uint64_t)to_off);
	h.last = last;
	raw_fpdu(&raw, &h, payload, len);
	check_terminated(&d, body, body_with(body, b0, b1, &h, len, NULL));
	finish(&d);
	assert_int_equal(o->status, FABRIC_WC_FLUSHED);
}

static void test_responses(void **state)
{
	struct ddp_hdr h = raw_tagged(RDMAP_READ_RESP, 1, 0);

	(void)state;
	bad_segment(&h, 8, 0x02, 6); /* nobody asked */
	bad_response(1, 0, 1000, true, false, 0x11, 0);
	bad_response(0, 1, 999, true, false, 0x11, 1);
	bad_response(0, 0, 1001, true, false, 0x11, 1);
	bad_response(0, -1, 1000, true, false, 0x11, 3);
	bad_response(0, 0, 999, true, false, 0x02, 7); /* short */
	bad_response(0, 0, 0, true, false, 0x02, 7);
	bad_response(0, 0, 100, true, true, 0x01, 2); /* into what is exposed for Writes */
}

/* The sink of a Read is no place for a Write, and no source. */
static void test_sink_is_for_its_response(void **state)
{
	struct rdmap_read_req r, evil = { .sink_stag = 1, .size_bytes = 8 };
	struct ddp_hdr h;
	struct world d;
	uint8_t body[64], req[RDMAP_READ_REQ_LEN];

	(void)state;
	setup(&d);
	begin_read(&d, 1000, &r);
	h = raw_tagged(RDMAP_WRITE, r.sink_stag, r.sink_to);
	raw_fpdu(&raw, &h, "12345678", 8);
	check_terminated(&d, body, body_with(body, 0x01, 2, &h, 8, NULL));
	finish(&d);

	setup(&d);
	begin_read(&d, 1000, &r);
	evil.src_stag = r.sink_stag;
	rdmap_read_req_encode(&evil, req);
	h = raw_read_hdr(1);
	raw_fpdu(&raw, &h, req, sizeof(req));
	check_terminated(&d, body, body_with(body, 0x01, 2, &h, sizeof(req), req));
	finish(&d);
}

/* A Read Response with a bad CRC was placed, and is never reported. */
static void test_response_with_bad_crc(void **state)
{
	static const uint8_t body[4] = { 0x20, 2, 0, 0 };
	struct rdmap_read_req r;
	struct peer_op *o;
	struct ddp_hdr h;
	struct world d;
	uint8_t out[128];

	(void)state;
	setup(&d);
	o = begin_read(&d, 8, &r);
	h = raw_tagged(RDMAP_READ_RESP, r.sink_stag, r.sink_to);
	raw_write(&raw, out, raw_fpdu_at(out, &h, "12345678", 8, 4));
	check_terminated(&d, body, 4);
	finish(&d);
	assert_int_equal(o->status, FABRIC_WC_FLUSHED);
}

/* ---- Terminate from the peer ---- */

static void check_their_terminate(const void *body, uint32_t len, enum fabric_wc_status status)
{
	struct ddp_hdr h = { .last = true, .version = 1, .rdmap = 0x47, .qn = 2, .msn = 1 };
	struct rdmap_read_req r;
	struct peer_op *o;
	struct world d;

	setup(&d);
	o = begin_read(&d, 1000, &r);
	raw_fpdu(&raw, &h, body, len);
	raw_expect_eof(&raw);
	assert_true(d.t.down);
	assert_int_equal(d.t.cause, FABRIC_DOWN_ERROR);
	STEP_UNTIL(d.w.r, !o->busy);
	assert_int_equal(o->status, status);
	finish(&d);
}

static void test_their_terminate(void **state)
{
	(void)state;
	check_their_terminate("\x01\x01\xe0\x00", 4, FABRIC_WC_REMOTE_ACCESS);
	check_their_terminate("\x10\x01\x07\x00", 4, FABRIC_WC_REMOTE_ACCESS); /* Linux' siw */
	check_their_terminate("\x11\x00\xc0\x00", 4, FABRIC_WC_REMOTE_ACCESS);
	check_their_terminate("\x20\x02\x00\x00", 4, FABRIC_WC_FLUSHED);
	check_their_terminate("\x20", 1, FABRIC_WC_FLUSHED);
	check_their_terminate("", 0, FABRIC_WC_FLUSHED);
	check_their_terminate("\x02\x07\xc0\x00"
			      "0123456789012345678901234567890123456789012345678901234567890123456789",
			      74, FABRIC_WC_FLUSHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),		  cmocka_unit_test(test_untagged),
		cmocka_unit_test(test_send_in_wrong_pieces), cmocka_unit_test(test_writes),
		cmocka_unit_test(test_read_requests),	  cmocka_unit_test(test_empty_read),
		cmocka_unit_test(test_too_many_reads),	  cmocka_unit_test(test_crc),
		cmocka_unit_test(test_length),		  cmocka_unit_test(test_responses),
		cmocka_unit_test(test_sink_is_for_its_response), cmocka_unit_test(test_response_with_bad_crc),
		cmocka_unit_test(test_their_terminate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
