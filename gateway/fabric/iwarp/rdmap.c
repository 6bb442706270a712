/* SPDX-License-Identifier: BSD-3-Clause */
/* RDMAP headers, see rdmap.h. Layer: fabric/iwarp, pure. */
#include "rdmap.h"

#include "../../base/be.h"

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)be32_at(p) << 32 | be32_at(p + 4);
}

static void put64(uint8_t *p, uint64_t x)
{
	be32_put(p, (uint32_t)(x >> 32));
	be32_put(p + 4, (uint32_t)x);
}

static enum term_cause check_opcode(const struct ddp_hdr *h)
{
	enum rdmap_opcode op = rdmap_opcode_of(h);

	if (op > RDMAP_TERMINATE)
		return TERM_OPCODE;
	if (op == RDMAP_WRITE || op == RDMAP_READ_RESP)
		return h->tagged ? TERM_NONE : TERM_OPCODE;
	if (h->tagged)
		return TERM_OPCODE;
	if (rdmap_is_send(op))
		return h->qn == DDP_QN_SEND ? TERM_NONE : TERM_OPCODE;
	return h->qn == (op == RDMAP_READ_REQ ? DDP_QN_READ : DDP_QN_TERM) ? TERM_NONE : TERM_OPCODE;
}

enum term_cause rdmap_check(const struct ddp_hdr *h)
{
	if (h->version != DDP_VERSION)
		return h->tagged ? TERM_TAGGED_VERSION : TERM_UNTAGGED_VERSION;
	if (!h->tagged && h->qn >= DDP_N_QN)
		return TERM_QN;
	if (h->rdmap >> 6 != RDMAP_VERSION)
		return TERM_RDMAP_VERSION;
	return check_opcode(h);
}

void rdmap_read_req_decode(const uint8_t p[RDMAP_READ_REQ_LEN], struct rdmap_read_req *r)
{
	*r = (struct rdmap_read_req){
		.sink_stag = be32_at(p),
		.sink_to = get64(p + 4),
		.size_bytes = be32_at(p + 12),
		.src_stag = be32_at(p + 16),
		.src_to = get64(p + 20),
	};
}

void rdmap_read_req_encode(const struct rdmap_read_req *r, uint8_t p[RDMAP_READ_REQ_LEN])
{
	be32_put(p, r->sink_stag);
	put64(p + 4, r->sink_to);
	be32_put(p + 12, r->size_bytes);
	be32_put(p + 16, r->src_stag);
	put64(p + 20, r->src_to);
}
