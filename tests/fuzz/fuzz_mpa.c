// SPDX-License-Identifier: BSD-3-Clause
/*
 * MPA frames from either side: what is lent lies within the bytes, what decodes encodes to the same, and what two peers
 * agree on keeps the rules of RFC 6581 whatever the other one says. First byte: what we want.
 */
#include "fuzz.h"

#include "../../gateway/fabric/iwarp/mpa_negotiate.h"

#include <string.h>

static void check_again(const struct mpa_frame *f, const uint8_t *data)
{
	uint8_t out[MPA_FRAME_MAX];
	struct mpa_frame g;
	size_t len = mpa_encode(f, out, sizeof(out));

	FUZZ_CHECK(len == MPA_HDR_LEN + f->pd_len);
	FUZZ_CHECK(mpa_encode(f, out, len - 1) == 0 && mpa_encode(f, out, sizeof(out)) == len);
	FUZZ_CHECK(memcmp(out, data, 16) == 0);
	FUZZ_CHECK(mpa_decode_header(out, f->kind, &g) == MPA_OK);
	mpa_decode_private(out + MPA_HDR_LEN, &g);
	FUZZ_CHECK(g.flags == f->flags && g.revision == f->revision && g.p2p == f->p2p && g.rtr == f->rtr &&
		   g.ird == f->ird && g.ord == f->ord && g.priv_len == f->priv_len);
	FUZZ_CHECK(f->priv_len == 0 || memcmp(g.priv, f->priv, f->priv_len) == 0);
}

static void check_answer(const struct mpa_frame *req, const struct mpa_local *l)
{
	struct mpa_frame reply;
	struct mpa_terms t, theirs;
	struct mpa_local them = { .ird = req->ird, .ord = req->ord };

	mpa_answer(req, l, &t, &reply);
	FUZZ_CHECK(t.ord <= l->ord && t.ird >= 1 && t.ird <= l->ird);
	FUZZ_CHECK(!(reply.flags & (MPA_MARKERS | MPA_REJECTED)) && reply.revision == req->revision);
	FUZZ_CHECK(t.crc == (l->crc || req->flags & MPA_CRC));
	FUZZ_CHECK(reply.p2p == req->p2p && (!reply.p2p || reply.rtr));
	if (!(req->flags & MPA_ENHANCED)) {
		FUZZ_CHECK(!(reply.flags & MPA_ENHANCED) && t.ord <= 1);
		return;
	}
	FUZZ_CHECK(req->ird == MPA_DEPTH_ULP ? reply.ord == MPA_DEPTH_ULP : reply.ord <= req->ird && t.ord <= req->ird);
	/* The initiator can live with it, unless it offered no ready-to-receive message. */
	if (mpa_settle(req, &reply, &them, &theirs) == TERM_NONE)
		FUZZ_CHECK(theirs.rtr == t.rtr && theirs.crc == t.crc);
	else
		FUZZ_CHECK(req->p2p && !req->rtr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mpa_local l = { .revision = 2, .ird = 16, .ord = 16 };
	enum mpa_kind kind;
	struct mpa_frame f, req;
	struct mpa_terms t;

	if (size < 1 + MPA_HDR_LEN)
		return 0;
	kind = data[0] & 1 ? MPA_REPLY : MPA_REQUEST;
	l.crc = data[0] & 2;
	l.ird = (uint16_t)(1 + (data[0] >> 2 & 3) * 42);
	l.rtr = data[0] >> 4 & 7;
	l.revision = data[0] & 0x80 ? 1 : 2;
	data++;
	size--;
	if (mpa_decode_header(data, kind, &f) != MPA_OK || size - MPA_HDR_LEN < f.pd_len)
		return 0;
	mpa_decode_private(data + MPA_HDR_LEN, &f);
	FUZZ_CHECK(f.priv_len <= f.pd_len && f.priv + f.priv_len == data + MPA_HDR_LEN + f.pd_len);
	fuzz_touch(f.priv, f.priv_len);
	check_again(&f, data);
	if (kind == MPA_REQUEST) {
		check_answer(&f, &l);
		return 0;
	}
	mpa_ask(&l, &req);
	if (mpa_settle(&req, &f, &l, &t) == TERM_NONE) {
		FUZZ_CHECK(t.ord <= l.ord && t.enhanced == !!(f.flags & MPA_ENHANCED));
		FUZZ_CHECK(!t.rtr || (t.rtr & req.rtr & f.rtr) == t.rtr);
	}
	return 0;
}
