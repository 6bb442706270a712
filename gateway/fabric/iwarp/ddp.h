/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DDP headers (RFC 5041 4). Pure functions over bytes. Layer: fabric/iwarp. Knows base.
 */
#ifndef FABRIC_IWARP_DDP_H
#define FABRIC_IWARP_DDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DDP_TAGGED_LEN 14u
#define DDP_UNTAGGED_LEN 18u
#define DDP_VERSION 1u

enum { DDP_QN_SEND, DDP_QN_READ, DDP_QN_TERM, DDP_N_QN };

struct ddp_hdr {
	bool tagged, last;
	uint8_t version;
	uint8_t rdmap; /* the RDMAP control octet */
	/* tagged */
	uint32_t stag;
	uint64_t to;
	/* untagged */
	uint32_t inval_stag, qn, msn, mo;
};

/* Length of the header whose first octet this is. */
static inline uint32_t ddp_hdr_len(uint8_t first)
{
	return first & 0x80 ? DDP_TAGGED_LEN : DDP_UNTAGGED_LEN;
}

/* @p: as many bytes as ddp_hdr_len() says. */
void ddp_decode(const uint8_t *p, struct ddp_hdr *h);
/* Return: bytes written, at most DDP_UNTAGGED_LEN. */
size_t ddp_encode(const struct ddp_hdr *h, uint8_t *p);

#endif
