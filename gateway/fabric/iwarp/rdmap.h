/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RDMAP: opcodes, what is wrong with a header in itself, the Read Request (RFC 5040 4). Pure.
 * Layer: fabric/iwarp. Knows base.
 */
#ifndef FABRIC_IWARP_RDMAP_H
#define FABRIC_IWARP_RDMAP_H

#include "ddp.h"
#include "term.h"

enum rdmap_opcode {
	RDMAP_WRITE,
	RDMAP_READ_REQ,
	RDMAP_READ_RESP,
	RDMAP_SEND,
	RDMAP_SEND_INV,
	RDMAP_SEND_SE,
	RDMAP_SEND_SE_INV,
	RDMAP_TERMINATE,
};

#define RDMAP_VERSION 1u
#define RDMAP_READ_REQ_LEN 28u

static inline uint8_t rdmap_control(enum rdmap_opcode op)
{
	return (uint8_t)(RDMAP_VERSION << 6 | op);
}

static inline enum rdmap_opcode rdmap_opcode_of(const struct ddp_hdr *h)
{
	return (enum rdmap_opcode)(h->rdmap & 0x0f);
}

static inline bool rdmap_is_send(enum rdmap_opcode op)
{
	return op >= RDMAP_SEND && op <= RDMAP_SEND_SE_INV;
}

/**
 * rdmap_check() - what can be said of a header alone: versions, queue number, opcode.
 * Return: TERM_NONE or the cause, DDP's before RDMAP's.
 */
enum term_cause rdmap_check(const struct ddp_hdr *h);

struct rdmap_read_req {
	uint32_t sink_stag;
	uint64_t sink_to;
	uint32_t size_bytes;
	uint32_t src_stag;
	uint64_t src_to;
};
void rdmap_read_req_decode(const uint8_t p[RDMAP_READ_REQ_LEN], struct rdmap_read_req *r);
void rdmap_read_req_encode(const struct rdmap_read_req *r, uint8_t p[RDMAP_READ_REQ_LEN]);

#endif
