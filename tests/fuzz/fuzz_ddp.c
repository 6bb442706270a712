// SPDX-License-Identifier: BSD-3-Clause
/*
 * DDP and RDMAP headers, Read Requests and Terminate bodies: what decodes encodes to the same, and every fault of a
 * header makes a Terminate message that names it.
 */
#include "fuzz.h"

#include "../../gateway/fabric/iwarp/rdmap.h"

#include <string.h>

static void check_header(const uint8_t *data, struct ddp_hdr *h)
{
	uint8_t out[DDP_UNTAGGED_LEN];
	struct ddp_hdr again;
	size_t len = ddp_hdr_len(data[0]);

	ddp_decode(data, h);
	FUZZ_CHECK(h->tagged == (len == DDP_TAGGED_LEN));
	FUZZ_CHECK(ddp_encode(h, out) == len);
	FUZZ_CHECK((out[0] ^ data[0]) == (data[0] & 0x3c)); /* reserved bits go out as 0 */
	FUZZ_CHECK(memcmp(out + 1, data + 1, len - 1) == 0);
	ddp_decode(out, &again);
	FUZZ_CHECK(again.msn == h->msn && again.mo == h->mo && again.to == h->to && again.stag == h->stag &&
		   again.qn == h->qn);
}

static void check_terminate(enum term_cause cause, const uint8_t *data, size_t size)
{
	const uint8_t *read = size >= 18 + RDMAP_READ_REQ_LEN ? data + 18 : NULL;
	uint8_t body[TERM_BODY_MAX];
	struct term_msg m;
	size_t len = term_encode(cause, (uint16_t)size, data, ddp_hdr_len(data[0]), read, body);

	FUZZ_CHECK(len >= 4 && len <= TERM_BODY_MAX);
	FUZZ_CHECK(term_decode(body, len, &m) && !m.swapped);
	FUZZ_CHECK(strcmp(m.text, term_text(cause)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rdmap_read_req r;
	uint8_t out[RDMAP_READ_REQ_LEN];
	enum term_cause cause;
	struct term_msg m;
	struct ddp_hdr h;

	if (term_decode(data, size, &m)) {
		FUZZ_CHECK(m.text && m.layer < 16 && m.etype < 16);
		(void)term_is_remote_access(&m);
	}
	if (size < DDP_UNTAGGED_LEN)
		return 0;
	check_header(data, &h);
	cause = rdmap_check(&h);
	if (cause == TERM_NONE) {
		FUZZ_CHECK(h.version == DDP_VERSION && h.rdmap >> 6 == RDMAP_VERSION &&
			   rdmap_opcode_of(&h) <= RDMAP_TERMINATE);
		FUZZ_CHECK(h.tagged || h.qn < DDP_N_QN);
		cause = TERM_NONE + 1 + data[1] % (TERM_N_CAUSES - 1);
	}
	check_terminate(cause, data, size);
	if (size < RDMAP_READ_REQ_LEN)
		return 0;
	rdmap_read_req_decode(data, &r);
	rdmap_read_req_encode(&r, out);
	FUZZ_CHECK(memcmp(out, data, sizeof(out)) == 0);
	return 0;
}
