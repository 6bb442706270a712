/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPA Request and Reply frames: the first bytes of a connection in either direction (RFC 5044 7.1, RFC 6581 6 and 9).
 * Pure functions over (bytes, length). Layer: fabric/iwarp. Knows base.
 */
#ifndef FABRIC_IWARP_MPA_H
#define FABRIC_IWARP_MPA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MPA_HDR_LEN 20u
#define MPA_PD_MAX 512u /* private data, the enhanced word included */
#define MPA_ENHANCED_LEN 4u
#define MPA_FRAME_MAX (MPA_HDR_LEN + MPA_PD_MAX)
#define MPA_DEPTH_ULP 0x3fffu /* IRD or ORD: "the upper layer decides" */

enum mpa_kind { MPA_REQUEST, MPA_REPLY };

enum {
	MPA_MARKERS = 0x80,  /* the sender wants markers in what it receives */
	MPA_CRC = 0x40,
	MPA_REJECTED = 0x20, /* replies only */
	MPA_ENHANCED = 0x10, /* revision 2: private data begins with the enhanced word */
};

/* Ready-to-receive messages of peer-to-peer mode (RFC 6581 9.2); also bits of a set. */
enum { MPA_RTR_NONE = 0, MPA_RTR_SEND = 1, MPA_RTR_WRITE = 2, MPA_RTR_READ = 4 };

struct mpa_frame {
	enum mpa_kind kind;
	uint8_t flags; /* known bits only; MPA_ENHANCED only with revision 2 */
	uint8_t revision;
	uint16_t pd_len;
	/* with MPA_ENHANCED */
	bool p2p;
	uint8_t rtr; /* MPA_RTR_* set; none without p2p */
	uint16_t ird, ord;
	/* what is left for the upper layer; lent */
	const uint8_t *priv;
	size_t priv_len;
};

enum mpa_verdict {
	MPA_OK,
	MPA_BAD_KEY,      /* no MPA peer, or both sides are initiators */
	MPA_BAD_REVISION, /* neither 1 nor 2 */
	MPA_BAD_LENGTH,   /* private data longer than 512, or shorter than the enhanced word */
};
const char *mpa_verdict_text(enum mpa_verdict v);

/**
 * mpa_decode_header() - the first MPA_HDR_LEN bytes.
 * @kind: what must come.
 * @f: all but the enhanced word and priv; f->pd_len bytes of private data follow.
 */
enum mpa_verdict mpa_decode_header(const uint8_t hdr[MPA_HDR_LEN], enum mpa_kind kind, struct mpa_frame *f);
/* The private data, @pd[0..f->pd_len); f->priv points into it. */
void mpa_decode_private(const uint8_t *pd, struct mpa_frame *f);

/**
 * mpa_encode() - a whole frame; pd_len is computed.
 * @cap: MPA_FRAME_MAX always suffices for what fits into a frame.
 * Return: its length, 0 when it does not fit.
 */
size_t mpa_encode(const struct mpa_frame *f, uint8_t *out, size_t cap);

#endif
