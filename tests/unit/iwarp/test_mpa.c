/* SPDX-License-Identifier: BSD-3-Clause */
/* MPA start-up frames and what two peers agree on, by table. */
#include "../../../gateway/fabric/iwarp/mpa_negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define REQ_KEY "MPA ID Req Frame"
#define REP_KEY "MPA ID Rep Frame"

/* What Linux' siw sends under ib_srp, less the login. */
static const uint8_t siw_request[24] = REQ_KEY "\x10\x02\x00\x3c\x00\x04\x00\x00";

static void test_decode_siw(void **state)
{
	uint8_t pd[60] = { 0, 4, 0, 0, 'l' };
	struct mpa_frame f;

	(void)state;
	assert_int_equal(mpa_decode_header(siw_request, MPA_REQUEST, &f), MPA_OK);
	assert_int_equal(f.flags, MPA_ENHANCED);
	assert_int_equal(f.revision, 2);
	assert_int_equal(f.pd_len, 60);
	mpa_decode_private(pd, &f);
	assert_false(f.p2p);
	assert_int_equal(f.ird, 4);
	assert_int_equal(f.ord, 0);
	assert_int_equal(f.priv_len, 56);
	assert_ptr_equal(f.priv, pd + 4);
}

static void test_decode_header(void **state)
{
	static const struct {
		const char *bytes;
		enum mpa_kind kind;
		enum mpa_verdict verdict;
		uint8_t flags;
	} rows[] = {
		{ REQ_KEY "\x00\x01\x00\x00", MPA_REQUEST, MPA_OK, 0 },
		{ REQ_KEY "\x00\x01\x02\x00", MPA_REQUEST, MPA_OK, 0 },
		{ REQ_KEY "\x00\x01\x02\x01", MPA_REQUEST, MPA_BAD_LENGTH, 0 },
		{ REQ_KEY "\x00\x01\xff\xff", MPA_REQUEST, MPA_BAD_LENGTH, 0 },
		{ REQ_KEY "\xff\x01\x00\x00", MPA_REQUEST, MPA_OK,
		  MPA_MARKERS | MPA_CRC }, /* R and Res: not looked at */
		{ REQ_KEY "\xff\x02\x00\x04", MPA_REQUEST, MPA_OK, MPA_MARKERS | MPA_CRC | MPA_ENHANCED },
		{ REQ_KEY "\x10\x02\x00\x03", MPA_REQUEST, MPA_BAD_LENGTH, MPA_ENHANCED },
		{ REQ_KEY "\x00\x02\x00\x03", MPA_REQUEST, MPA_OK, 0 },
		{ REQ_KEY "\x00\x00\x00\x00", MPA_REQUEST, MPA_BAD_REVISION, 0 },
		{ REQ_KEY "\x00\x03\x00\x00", MPA_REQUEST, MPA_BAD_REVISION, 0 },
		{ REP_KEY "\x00\x01\x00\x00", MPA_REQUEST, MPA_BAD_KEY, 0 },
		{ REQ_KEY "\x00\x01\x00\x00", MPA_REPLY, MPA_BAD_KEY, 0 },
		{ "MPA ID Req FramE\x00\x01\x00\x00", MPA_REQUEST, MPA_BAD_KEY, 0 },
		{ REP_KEY "\x20\x01\x00\x00", MPA_REPLY, MPA_OK, MPA_REJECTED },
		{ REP_KEY "\xff\x02\x00\x08", MPA_REPLY, MPA_OK, MPA_MARKERS | MPA_CRC | MPA_REJECTED | MPA_ENHANCED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mpa_frame f;

		assert_int_equal(mpa_decode_header((const uint8_t *)rows[i].bytes, rows[i].kind, &f), rows[i].verdict);
		assert_true(strlen(mpa_verdict_text(rows[i].verdict)) > 3);
		if (rows[i].verdict == MPA_OK)
			assert_int_equal(f.flags, rows[i].flags);
	}
}

static void test_encode(void **state)
{
	struct mpa_frame f = { .kind = MPA_REPLY,
			       .flags = MPA_ENHANCED | MPA_CRC,
			       .revision = 2,
			       .p2p = true,
			       .rtr = MPA_RTR_SEND | MPA_RTR_READ,
			       .ird = 3,
			       .ord = 0x105,
			       .priv = (const uint8_t *)"abc",
			       .priv_len = 3 };
	static const uint8_t want[27] = REP_KEY "\x50\x02\x00\x07\xc0\x03\x41\x05" "abc";
	uint8_t out[MPA_FRAME_MAX], big[MPA_PD_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(mpa_encode(&f, out, sizeof(out)), 27);
	assert_memory_equal(out, want, 27);
	assert_int_equal(mpa_encode(&f, out, 26), 0);
	f.rtr = MPA_RTR_WRITE;
	assert_int_equal(mpa_encode(&f, out, sizeof(out)), 27);
	assert_memory_equal(out + 20, "\x80\x03\x81\x05", 4);
	f.p2p = false; /* without A the others are 0 */
	assert_int_equal(mpa_encode(&f, out, sizeof(out)), 27);
	assert_memory_equal(out + 20, "\x00\x03\x01\x05", 4);
	f.priv = big;
	f.priv_len = MPA_PD_MAX - 4;
	assert_int_equal(mpa_encode(&f, out, sizeof(out)), MPA_FRAME_MAX);
	f.priv_len++;
	assert_int_equal(mpa_encode(&f, out, sizeof(out)), 0);
	f.flags = 0;
	f.priv_len = MPA_PD_MAX;
	assert_int_equal(mpa_encode(&f, out, sizeof(out)), MPA_FRAME_MAX);
	f.priv_len++;
	assert_int_equal(mpa_encode(&f, out, sizeof(out)), 0);
}

/* ---- the responder ---- */

#define ULP MPA_DEPTH_ULP
enum { M = MPA_MARKERS, C = MPA_CRC, S = MPA_ENHANCED, SND = MPA_RTR_SEND, WR = MPA_RTR_WRITE, RD = MPA_RTR_READ };

struct answer_row {
	/* request */
	uint8_t flags, rev;
	bool p2p;
	uint8_t rtr;
	uint16_t ird, ord;
	/* us */
	bool crc;
	uint16_t depth;
	/* reply */
	uint8_t rflags;
	bool rp2p;
	uint8_t rrtr;
	uint16_t rird, rord;
	/* terms */
	uint8_t trtr;
	uint16_t tird, tord;
};

static const struct answer_row answers[] = {
	/* ib_srp on siw */
	{ S, 2, false, 0, 4, 0, true, 16, S | C, false, 0, 1, 4, 0, 1, 4 },
	{ S, 2, false, 0, 4, 0, false, 16, S, false, 0, 1, 4, 0, 1, 4 },
	/* CRC: either side's wish is enough */
	{ S | C, 2, false, 0, 4, 0, false, 16, S | C, false, 0, 1, 4, 0, 1, 4 },
	/* depths: ORD never beyond the peer's IRD, IRD up to what we have */
	{ S, 2, false, 0, 64, 8, true, 16, S | C, false, 0, 8, 16, 0, 8, 16 },
	{ S, 2, false, 0, 2, 100, true, 16, S | C, false, 0, 16, 2, 0, 16, 2 },
	{ S, 2, false, 0, 0, 3, true, 16, S | C, false, 0, 3, 0, 0, 3, 0 },
	/* 0x3fff is answered by itself, our own values stay */
	{ S, 2, false, 0, ULP, ULP, true, 16, S | C, false, 0, ULP, ULP, 0, 16, 16 },
	{ S, 2, false, 0, 4, ULP, true, 16, S | C, false, 0, ULP, 4, 0, 16, 4 },
	{ S, 2, false, 0, ULP, 4, true, 16, S | C, false, 0, 4, ULP, 0, 4, 16 },
	/* peer to peer: A comes back with one ready-to-receive message */
	{ S, 2, true, RD, 4, 0, true, 16, S | C, true, RD, 1, 4, RD, 1, 4 },
	{ S, 2, true, SND | WR | RD, 4, 4, true, 16, S | C, true, RD, 4, 4, RD, 4, 4 },
	{ S, 2, true, SND | WR, 4, 4, true, 16, S | C, true, WR, 4, 4, WR, 4, 4 },
	{ S, 2, true, SND, 4, 4, true, 16, S | C, true, SND, 4, 4, SND, 4, 4 },
	{ S, 2, true, 0, 4, 4, true, 16, S | C, true, RD, 4, 4, 0, 4, 4 },
	/* no enhanced word: none comes back, the revision is echoed, one Read at a time */
	{ 0, 1, false, 0, 0, 0, true, 16, C, false, 0, 0, 0, 0, 16, 1 },
	{ 0, 2, false, 0, 0, 0, true, 16, C, false, 0, 0, 0, 0, 16, 1 },
	{ M | C, 1, false, 0, 0, 0, false, 16, C, false, 0, 0, 0, 0, 16, 1 },
};

static void test_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct answer_row *r = &answers[i];
		struct mpa_frame req = { .kind = MPA_REQUEST, .flags = r->flags, .revision = r->rev, .p2p = r->p2p,
					 .rtr = r->rtr, .ird = r->ird, .ord = r->ord }, reply;
		struct mpa_local l = { .crc = r->crc, .ird = r->depth, .ord = r->depth, .revision = 2 };
		struct mpa_terms t;

		mpa_answer(&req, &l, &t, &reply);
		assert_int_equal(reply.kind, MPA_REPLY);
		assert_int_equal(reply.flags, r->rflags);
		assert_int_equal(reply.revision, r->rev);
		assert_int_equal(reply.p2p, r->rp2p);
		assert_int_equal(reply.rtr, r->rrtr);
		assert_int_equal(reply.ird, r->rird);
		assert_int_equal(reply.ord, r->rord);
		assert_int_equal(t.rtr, r->trtr);
		assert_int_equal(t.ird, r->tird);
		assert_int_equal(t.ord, r->tord);
		assert_int_equal(t.crc, !!(r->rflags & C));
		assert_int_equal(t.markers, !!(r->flags & M));
		assert_int_equal(t.enhanced, !!(r->flags & S));
	}
}

/* ---- the initiator ---- */

struct settle_row {
	/* us */
	uint8_t rev, rtr;
	bool crc;
	/* reply */
	uint8_t flags, rrev;
	bool p2p;
	uint8_t rrtr;
	uint16_t ird, ord;
	/* terms */
	enum term_cause cause;
	uint8_t trtr;
	uint16_t tord;
	bool tcrc;
};

static const struct settle_row settles[] = {
	{ 2, 0, true, S | C, 2, false, 0, 16, 16, TERM_NONE, 0, 16, true },
	{ 2, 0, false, S, 2, false, 0, 16, 16, TERM_NONE, 0, 16, false },
	{ 2, 0, false, S | C, 2, false, 0, 16, 16, TERM_NONE, 0, 16, true },
	{ 2, 0, true, S, 2, false, 0, 16, 16, TERM_NONE, 0, 16, true },
	/* the responder's IRD bounds what we send; its ORD must not be more than our IRD */
	{ 2, 0, true, S, 2, false, 0, 4, 1, TERM_NONE, 0, 4, true },
	{ 2, 0, true, S, 2, false, 0, 0, 1, TERM_NONE, 0, 0, true },
	{ 2, 0, true, S, 2, false, 0, 100, 16, TERM_NONE, 0, 16, true },
	{ 2, 0, true, S, 2, false, 0, 100, 17, TERM_IRD, 0, 16, true },
	{ 2, 0, true, S, 2, false, 0, ULP, ULP, TERM_NONE, 0, 16, true },
	/* ready to receive */
	{ 2, RD, true, S, 2, true, RD, 4, 4, TERM_NONE, RD, 4, true },
	{ 2, RD, true, S, 2, true, RD, 0, 4, TERM_NONE, RD, 1, true },
	{ 2, WR | SND, true, S, 2, true, WR | RD, 4, 4, TERM_NONE, WR, 4, true },
	{ 2, WR, true, S, 2, true, RD, 4, 4, TERM_RTR, 0, 4, true },
	{ 2, WR, true, S, 2, true, 0, 4, 4, TERM_RTR, 0, 4, true },
	{ 2, WR, true, S, 2, false, 0, 4, 4, TERM_NONE, 0, 4, true },
	/* enhanced wants enhanced, and plain wants plain */
	{ 2, 0, true, C, 2, false, 0, 0, 0, TERM_STREAM, 0, 1, true },
	{ 2, 0, true, C, 1, false, 0, 0, 0, TERM_STREAM, 0, 1, true },
	{ 1, 0, true, C, 1, false, 0, 0, 0, TERM_NONE, 0, 1, true },
	{ 1, 0, true, C | S, 2, false, 0, 4, 4, TERM_STREAM, 0, 1, true },
	{ 1, 0, true, C, 2, false, 0, 0, 0, TERM_STREAM, 0, 1, true },
};

static void test_settle(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(settles) / sizeof(settles[0]); i++) {
		const struct settle_row *r = &settles[i];
		struct mpa_local l = { .crc = r->crc, .ird = 16, .ord = 16, .revision = r->rev, .rtr = r->rtr };
		struct mpa_frame req, reply = { .kind = MPA_REPLY,
						.flags = r->flags,
						.revision = r->rrev,
						.p2p = r->p2p,
						.rtr = r->rrtr,
						.ird = r->ird,
						.ord = r->ord };
		struct mpa_terms t;

		mpa_ask(&l, &req);
		assert_int_equal(req.flags, (r->rev == 2 ? S : 0) | (r->crc ? C : 0));
		assert_int_equal(req.p2p, r->rev == 2 && r->rtr);
		assert_int_equal(mpa_settle(&req, &reply, &l, &t), r->cause);
		assert_int_equal(t.ord, r->tord);
		assert_int_equal(t.rtr, r->trtr);
		assert_int_equal(t.crc, r->tcrc);
		assert_int_equal(t.ird, 16);
		assert_false(t.markers);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode_siw), cmocka_unit_test(test_decode_header), cmocka_unit_test(test_encode),
		cmocka_unit_test(test_answer),     cmocka_unit_test(test_settle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
