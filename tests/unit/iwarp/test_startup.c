/* SPDX-License-Identifier: BSD-3-Clause */
/* MPA start-up against raw peers, on both sides: exact bytes, bad bytes, too few, too many, too slow. */
#include "raw.h"

static struct raw raw, raw2; /* large */

static const struct iwarp_params quick = { .startup_timeout_ms = 200, .max_half_open_per_host = 2 };

static void end_target(struct pair *w)
{
	raw_close(&raw);
	peer_close(&w->target);
	STEP_UNTIL(w->r, w->target.closed);
	pair_fini(w);
}

/* ---- the listening side ---- */

static void check_dropped(const void *request, size_t len, bool fin)
{
	struct pair w;

	pair_init(&w, &quick, NULL);
	raw_connect(&raw, w.r, &w.addr);
	raw_write(&raw, request, len);
	if (fin)
		shutdown(raw.fd, SHUT_WR);
	raw_expect_eof(&raw);
	assert_int_equal(w.n_logins, 0);
	raw_close(&raw);
	pair_fini(&w);
}

static void test_bad_requests(void **state)
{
	(void)state;
	check_dropped("MPA ID Rep Frame\x40\x01\x00\x00", 20, false);
	check_dropped("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, false);
	check_dropped("MPA ID Req Frame\x40\x00\x00\x00", 20, false);
	check_dropped("MPA ID Req Frame\x40\x03\x00\x00", 20, false);
	check_dropped("MPA ID Req Frame\x40\x01\x02\x01", 20, false);
	check_dropped("MPA ID Req Frame\x50\x02\x00\x03""abc", 23, false);
	check_dropped("", 0, true);
	check_dropped("MPA ID", 6, true);
	check_dropped("MPA ID Req Frame\x40\x01\x00\x05""abc", 23, true);
}

/* Half a request, and nothing more: closed when the time is over, and not before. */
static void test_half_request(void **state)
{
	static const char half[] = "MPA ID Req Frame\x40\x01\x00\x05""abc";

	(void)state;
	for (size_t len = 0; len < sizeof(half); len += 11) {
		struct pair w;
		uint64_t begin;

		pair_init(&w, &quick, NULL);
		begin = reactor_clock_ns(w.r);
		raw_connect(&raw, w.r, &w.addr);
		raw_write(&raw, half, len);
		raw_expect_eof(&raw);
		assert_true(reactor_clock_ns(w.r) - begin >= 190 * NS_PER_MS);
		raw_close(&raw);
		pair_fini(&w);
	}
}

static void test_request_byte_by_byte(void **state)
{
	struct pair w;

	(void)state;
	pair_init(&w, NULL, NULL);
	raw_connect(&raw, w.r, &w.addr);
	raw.bytewise = true;
	raw_request(&raw, MPA_ENHANCED, 2, 4, 0);
	STEP_UNTIL(w.r, w.target.established);
	assert_int_equal(w.login_len, 5);
	assert_memory_equal(w.login_priv, "hello", 5);
	end_target(&w);
}

static void check_reply(uint8_t flags, uint8_t revision, uint16_t ird, uint16_t ord, const char *want, size_t len)
{
	struct pair w;

	pair_init(&w, NULL, NULL);
	raw_connect(&raw, w.r, &w.addr);
	raw_request(&raw, flags, revision, ird, ord);
	raw_expect(&raw, want, len - 1);
	STEP_UNTIL(w.r, w.target.established);
	assert_int_equal(raw.n_in, 0);
	end_target(&w);
}

#define CHECK_REPLY(flags, revision, ird, ord, want) check_reply(flags, revision, ird, ord, want, sizeof(want))

static void test_replies(void **state)
{
	(void)state;
	CHECK_REPLY(MPA_ENHANCED, 2, 4, 0, "MPA ID Rep Frame\x50\x02\x00\x0b\x00\x01\x00\x04welcome");
	CHECK_REPLY(MPA_ENHANCED, 2, 0x3fff, 0x3fff, "MPA ID Rep Frame\x50\x02\x00\x0b\x3f\xff\x3f\xffwelcome");
	CHECK_REPLY(MPA_ENHANCED | MPA_CRC, 2, 0xc002, 0x4001,
		    "MPA ID Rep Frame\x50\x02\x00\x0b\x80\x01\x40\x02welcome");
	CHECK_REPLY(0, 2, 0, 0, "MPA ID Rep Frame\x40\x02\x00\x07welcome");
	CHECK_REPLY(0, 1, 0, 0, "MPA ID Rep Frame\x40\x01\x00\x07welcome");
}

static void test_too_many_half_open(void **state)
{
	struct raw *r[2] = { &raw, &raw2 };
	static struct raw third;
	struct pair w;

	(void)state;
	pair_init(&w, &quick, NULL);
	for (int i = 0; i < 2; i++) {
		raw_connect(r[i], w.r, &w.addr);
		raw_write(r[i], "MPA", 3);
	}
	for (int i = 0; i < 5; i++)
		reactor_poll(w.r, 1);
	raw_connect(&third, w.r, &w.addr);
	raw_expect_eof(&third);
	assert_false(raw.eof || raw2.eof);
	raw_close(&third);
	/* One leaves: there is room again. */
	raw_close(&raw2);
	for (int i = 0; i < 5; i++)
		reactor_poll(w.r, 1);
	raw_connect(&raw2, w.r, &w.addr);
	raw_request(&raw2, MPA_ENHANCED, 2, 4, 0);
	STEP_UNTIL(w.r, w.target.established);
	raw_close(&raw2);
	end_target(&w);
}

static void test_too_many_connections(void **state)
{
	const struct iwarp_params p = { .max_conns = 1 };
	struct pair w;

	(void)state;
	pair_init(&w, &p, NULL);
	raw_up(&raw, &w);
	raw_connect(&raw2, w.r, &w.addr);
	raw_expect_eof(&raw2);
	raw_close(&raw2);
	end_target(&w);
}

/* An initiator must not send before it has the reply (RFC 5044 7.1.2). */
static void test_bytes_before_the_reply(void **state)
{
	struct ddp_hdr h = raw_send_hdr(1);
	struct pair w;

	(void)state;
	pair_init(&w, NULL, NULL);
	w.wait_answer = true;
	raw_connect(&raw, w.r, &w.addr);
	raw_request(&raw, MPA_ENHANCED, 2, 4, 0);
	STEP_UNTIL(w.r, w.pending);
	raw_fpdu(&raw, &h, "early", 5);
	STEP_UNTIL(w.r, w.n_gone == 1);
	raw_expect_eof(&raw);
	raw_close(&raw);
	pair_fini(&w);
}

/* The reject goes out alone; the peer closes first, or after a while we do. */
static void test_reject(void **state)
{
	static const char want[] = "MPA ID Rep Frame\x70\x02\x00\x08\x00\x01\x00\x04""nope";
	struct pair w;
	uint64_t begin;

	(void)state;
	pair_init(&w, NULL, NULL);
	w.do_reject = true;
	w.answer = "nope";
	raw_connect(&raw, w.r, &w.addr);
	raw_request(&raw, MPA_ENHANCED, 2, 4, 0);
	begin = reactor_clock_ns(w.r);
	raw_expect(&raw, want, sizeof(want) - 1);
	assert_false(raw.eof);
	raw_expect_eof(&raw);
	assert_true(reactor_clock_ns(w.r) - begin > NS_PER_S);
	raw_close(&raw);
	/* and at once when the peer closes */
	raw_connect(&raw, w.r, &w.addr);
	raw_request(&raw, MPA_ENHANCED, 2, 4, 0);
	begin = reactor_clock_ns(w.r);
	raw_expect(&raw, want, sizeof(want) - 1);
	shutdown(raw.fd, SHUT_WR);
	raw_expect_eof(&raw);
	assert_true(reactor_clock_ns(w.r) - begin < NS_PER_S);
	raw_close(&raw);
	pair_fini(&w);
}

/* A peer-to-peer initiator that does not send its ready-to-receive message. */
static void test_no_ready_to_receive(void **state)
{
	struct pair w;

	(void)state;
	pair_init(&w, &quick, NULL);
	raw_connect(&raw, w.r, &w.addr);
	raw_request(&raw, MPA_ENHANCED, 2, 0x8004, 0x4000);
	STEP_UNTIL(w.r, w.target.established);
	STEP_UNTIL(w.r, w.target.down);
	assert_int_equal(w.target.cause, FABRIC_DOWN_ERROR);
	end_target(&w);
}

static void test_ready_to_receive_read(void **state)
{
	struct rdmap_read_req none = { .sink_stag = 5, .src_stag = 6 };
	struct ddp_hdr h;
	struct pair w;

	(void)state;
	pair_init(&w, &quick, NULL);
	raw_connect(&raw, w.r, &w.addr);
	raw_request(&raw, MPA_ENHANCED, 2, 0x8004, 0x4000);
	STEP_UNTIL(w.r, w.target.established);
	peer_send(&w.target, 0, 3);
	raw_need(&raw, 31);
	raw_drop(&raw, 31);
	raw_read_request(&raw, 1, &none);
	assert_int_equal(raw_take(&raw, &h, NULL), 3); /* what waited for the gate */
	assert_int_equal(raw_take(&raw, &h, NULL), 0);
	assert_int_equal(h.rdmap, 0x42);
	for (int i = 0; i < 30; i++) /* past the time for it */
		reactor_poll(w.r, 10);
	assert_false(w.target.down);
	end_target(&w);
}

/* Half-open start-ups go with their listener; a login that was handed out is still answered. */
static void test_unlisten(void **state)
{
	struct fabric_accept a = { .cbs = &peer_cbs, .priv = "late", .priv_len = 4 };
	struct pair w;

	(void)state;
	pair_init(&w, NULL, NULL);
	w.wait_answer = true;
	raw_connect(&raw, w.r, &w.addr);
	raw_request(&raw, MPA_ENHANCED, 2, 4, 0);
	STEP_UNTIL(w.r, w.pending);
	raw_connect(&raw2, w.r, &w.addr);
	raw_write(&raw2, "MPA", 3);
	for (int i = 0; i < 5; i++)
		reactor_poll(w.r, 1);
	w.tf->ops->unlisten(w.listener);
	raw_expect_eof(&raw2);
	raw_close(&raw2);
	w.target.conn = w.pending;
	a.reactor = w.r;
	a.ctx = &w.target;
	assert_int_equal(w.tf->ops->accept(w.pending, &a), 0);
	raw_need(&raw, 28);
	STEP_UNTIL(w.r, w.target.established);
	end_target(&w);
}

static void test_close_before_adoption(void **state)
{
	struct fabric_accept a = { .cbs = &peer_cbs };
	struct pair w;

	(void)state;
	pair_init(&w, NULL, NULL);
	w.wait_answer = true;
	raw_connect(&raw, w.r, &w.addr);
	raw_request(&raw, MPA_ENHANCED, 2, 4, 0);
	STEP_UNTIL(w.r, w.pending);
	w.target.conn = w.pending;
	a.reactor = w.r;
	a.ctx = &w.target;
	assert_int_equal(w.tf->ops->accept(w.pending, &a), 0);
	peer_close(&w.target);
	STEP_UNTIL(w.r, w.target.closed);
	assert_false(w.target.established || w.target.down);
	raw_expect_eof(&raw);
	raw_close(&raw);
	pair_fini(&w);
}

static void test_too_much_private_data(void **state)
{
	struct fabric_accept a = { .cbs = &peer_cbs, .priv_len = 509 };
	static const uint8_t priv[509];
	struct pair w;

	(void)state;
	pair_init(&w, NULL, NULL);
	w.wait_answer = true;
	raw_connect(&raw, w.r, &w.addr);
	raw_request(&raw, MPA_ENHANCED, 2, 4, 0);
	STEP_UNTIL(w.r, w.pending);
	a.reactor = w.r;
	a.ctx = &w.target;
	a.priv = priv;
	assert_int_equal(w.tf->ops->accept(w.pending, &a), -EMSGSIZE);
	w.tf->ops->reject(w.pending, NULL, 0);
	raw_need(&raw, 24);
	assert_int_equal(raw.in[16], 0x70);
	raw_close(&raw);
	for (int i = 0; i < 5; i++)
		reactor_poll(w.r, 1);
	pair_fini(&w);
}

/* ---- the connecting side: the raw peer listens ---- */

struct active {
	struct pair w;
	int lfd;
};

static void begin_connect(struct active *d, const struct iwarp_params *hp, const char *want, size_t want_len)
{
	struct fabric_addr a;
	int fd;

	pair_init(&d->w, NULL, hp);
	assert_int_equal(fabric_addr_parse("127.0.0.1", 0, &a), 0);
	d->lfd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(d->lfd, (struct sockaddr *)&a.ss, a.ss_len), 0);
	assert_int_equal(listen(d->lfd, 4), 0);
	assert_int_equal(getsockname(d->lfd, (struct sockaddr *)&a.ss, &a.ss_len), 0);
	d->w.addr = a;
	{
		struct fabric_connect c = {
			.dst = a,
			.params = { .reactor = d->w.r,
				    .cbs = &peer_cbs,
				    .ctx = &d->w.host,
				    .priv = "hello",
				    .priv_len = 5 },
			.timeout_ms = 300,
		};
		struct err e = ERR_INIT;

		assert_int_equal(d->w.hf->ops->connect(d->w.hf, &c, &d->w.host.conn, &e), 0);
	}
	fd = accept(d->lfd, NULL, NULL);
	raw_init(&raw, d->w.r, fd);
	raw_expect(&raw, want, want_len);
}

static void end_connect(struct active *d)
{
	raw_close(&raw);
	peer_close(&d->w.host);
	STEP_UNTIL(d->w.r, d->w.host.closed);
	close(d->lfd);
	pair_fini(&d->w);
}

#define REQUEST "MPA ID Req Frame\x50\x02\x00\x09\x00\x10\x00\x10hello"

static void check_refused(const void *reply, size_t len, bool fin, int code, const char *why)
{
	struct active d;

	begin_connect(&d, NULL, REQUEST, sizeof(REQUEST) - 1);
	raw_write(&raw, reply, len);
	if (fin)
		shutdown(raw.fd, SHUT_WR);
	STEP_UNTIL(d.w.r, d.w.host.refused);
	assert_int_equal(d.w.host.refuse_code, code);
	if (!strstr(d.w.host.why, why))
		fail_msg("refused with: %s", d.w.host.why);
	raw_expect_eof(&raw);
	end_connect(&d);
}

static void test_bad_replies(void **state)
{
	(void)state;
	check_refused("MPA ID Req Frame\x40\x02\x00\x00", 20, false, -EPROTO, "key");
	check_refused("HTTP/1.1 400 Bad Request\r\n\r\n", 28, false, -EPROTO, "key");
	check_refused("MPA ID Rep Frame\x40\x09\x00\x00", 20, false, -EPROTO, "revision");
	check_refused("MPA ID Rep Frame\x40\x01\x00\x00", 20, false, -EPROTO, "another revision");
	check_refused("MPA ID Rep Frame\x40\x02\x00\x00", 20, false, -EPROTO, "another revision");
	check_refused("MPA ID Rep Frame\x50\x02\x00\x00", 20, false, -EPROTO, "length");
	check_refused("MPA ID Rep Frame\x50\x02\x02\x01", 20, false, -EPROTO, "length");
	check_refused("", 0, true, -ECONNRESET, "no MPA reply, but the end");
	check_refused("MPA ID Rep Frame\x50", 17, true, -ECONNRESET, "no MPA reply, but the end");
	check_refused("MPA ID Rep Frame\x50", 17, false, -ETIMEDOUT, "within 300 ms");
	check_refused("", 0, false, -ETIMEDOUT, "no answer from 127.0.0.1:");
}

static void test_rejected(void **state)
{
	struct active d;

	(void)state;
	begin_connect(&d, NULL, REQUEST, sizeof(REQUEST) - 1);
	raw_write(&raw, "MPA ID Rep Frame\x70\x02\x00\x08\x00\x10\x00\x10nope", 28);
	STEP_UNTIL(d.w.r, d.w.host.refused);
	assert_int_equal(d.w.host.refuse_code, -ECONNREFUSED);
	assert_int_equal(d.w.host.priv_len, 4);
	assert_memory_equal(d.w.host.priv, "nope", 4);
	end_connect(&d);
}

/* The responder wants more Reads than our IRD (RFC 6581 9.1), or offers no message that we could send (9.2). */
static void test_unfit_replies(void **state)
{
	static const struct iwarp_params p2p = { .p2p_rtr = 2 };
	struct active d;

	(void)state;
	begin_connect(&d, NULL, REQUEST, sizeof(REQUEST) - 1);
	raw_write(&raw, "MPA ID Rep Frame\x50\x02\x00\x04\x00\x10\x00\x11", 24);
	raw_expect_terminate(&raw, "\x20\x06\x00\x00", 4);
	assert_true(d.w.host.refused);
	end_connect(&d);
	begin_connect(&d, &p2p, "MPA ID Req Frame\x50\x02\x00\x09\x80\x10\x80\x10hello", 29);
	raw_write(&raw, "MPA ID Rep Frame\x50\x02\x00\x04\x80\x10\x40\x10", 24);
	raw_expect_terminate(&raw, "\x20\x07\x00\x00", 4);
	assert_true(d.w.host.refused);
	end_connect(&d);
}

/* The initiator sends its ready-to-receive message before anything else. */
static void test_we_are_ready_to_receive(void **state)
{
	static const struct iwarp_params p2p = { .p2p_rtr = 4 };
	struct ddp_hdr h;
	uint8_t body[RDMAP_READ_REQ_LEN];
	struct active d;
	struct peer_op *o;

	(void)state;
	begin_connect(&d, &p2p, "MPA ID Req Frame\x50\x02\x00\x09\x80\x10\x40\x10hello", 29);
	raw_write(&raw, "MPA ID Rep Frame\x50\x02\x00\x04\x80\x10\x40\x10", 24);
	assert_int_equal(raw_take(&raw, &h, body), sizeof(body));
	assert_true(h.rdmap == 0x41 && h.qn == 1 && h.msn == 1 && h.last);
	assert_int_equal(body[12] | body[13] | body[14] | body[15], 0);
	STEP_UNTIL(d.w.r, d.w.host.established);
	peer_send(&d.w.host, 0, 4);
	assert_int_equal(raw_take(&raw, &h, body), 4);
	/* Its answer is taken before that of the first real Read. */
	o = peer_op(&d.w.host);
	peer_rdma(o, FABRIC_READ, 0, 4, 1, NULL, 1);
	assert_int_equal(peer_post(&d.w.host, o), 0);
	assert_int_equal(raw_take(&raw, &h, body), sizeof(body));
	assert_int_equal(h.msn, 2);
	h = raw_tagged(RDMAP_READ_RESP, 0, 0);
	raw_fpdu(&raw, &h, NULL, 0);
	{
		struct rdmap_read_req r;

		rdmap_read_req_decode(body, &r);
		h = raw_tagged(RDMAP_READ_RESP, r.sink_stag, r.sink_to);
		raw_fpdu(&raw, &h, "data", 4);
	}
	STEP_UNTIL(d.w.r, !o->busy);
	assert_memory_equal(d.w.host.mem, "data", 4);
	end_connect(&d);
}

/* FPDUs that share a segment with the reply are not lost. */
static void test_reply_and_fpdu_in_one(void **state)
{
	uint8_t bytes[128] = "MPA ID Rep Frame\x50\x02\x00\x04\x00\x10\x00\x10";
	struct ddp_hdr h = raw_send_hdr(1);
	struct active d;

	(void)state;
	begin_connect(&d, NULL, REQUEST, sizeof(REQUEST) - 1);
	raw_write(&raw, bytes, 24 + raw_fpdu_at(bytes + 24, &h, "early", 5, 0));
	STEP_UNTIL(d.w.r, d.w.host.established && d.w.host.n_recv == 1);
	end_connect(&d);
}

static void test_close_while_connecting(void **state)
{
	struct active d;

	(void)state;
	begin_connect(&d, NULL, REQUEST, sizeof(REQUEST) - 1);
	peer_close(&d.w.host);
	STEP_UNTIL(d.w.r, d.w.host.closed);
	assert_false(d.w.host.refused || d.w.host.established || d.w.host.down);
	raw_expect_eof(&raw);
	raw_close(&raw);
	close(d.lfd);
	pair_fini(&d.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_half_request),
		cmocka_unit_test(test_request_byte_by_byte),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_too_many_half_open),
		cmocka_unit_test(test_too_many_connections),
		cmocka_unit_test(test_bytes_before_the_reply),
		cmocka_unit_test(test_reject),
		cmocka_unit_test(test_no_ready_to_receive),
		cmocka_unit_test(test_ready_to_receive_read),
		cmocka_unit_test(test_unlisten),
		cmocka_unit_test(test_close_before_adoption),
		cmocka_unit_test(test_too_much_private_data),
		cmocka_unit_test(test_bad_replies),
		cmocka_unit_test(test_rejected),
		cmocka_unit_test(test_unfit_replies),
		cmocka_unit_test(test_we_are_ready_to_receive),
		cmocka_unit_test(test_reply_and_fpdu_in_one),
		cmocka_unit_test(test_close_while_connecting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
