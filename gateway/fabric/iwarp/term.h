/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a stream ends: every cause of a Terminate message (RFC 5040 4.8, RFC 5041 7 and 8, RFC 5044 8, RFC 6581 9), and
 * the message itself. Pure. Layer: fabric/iwarp. Knows base.
 */
#ifndef FABRIC_IWARP_TERM_H
#define FABRIC_IWARP_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TERM_HDR_NONE = 0, TERM_HDR_DDP = 1, TERM_HDR_READ = 2 /* and the Read Request's, where it is one */ };

/* name, layer, error type, code, headers that go with it, text */
#define TERM_CAUSES(X)                                                                                              \
	X(RDMAP_LOCAL, 0, 0, 0x00, TERM_HDR_NONE, "RDMAP local catastrophic error")                                 \
	X(STAG, 0, 1, 0x00, TERM_HDR_READ, "RDMAP invalid STag")                                                    \
	X(BOUNDS, 0, 1, 0x01, TERM_HDR_READ, "RDMAP base or bounds violation")                                      \
	X(ACCESS, 0, 1, 0x02, TERM_HDR_READ, "RDMAP access rights violation")                                       \
	X(WRAP, 0, 1, 0x04, TERM_HDR_READ, "RDMAP tagged offset wraps")                                             \
	X(INVALIDATE, 0, 1, 0x09, TERM_HDR_DDP, "RDMAP STag cannot be invalidated")                                 \
	X(RDMAP_VERSION, 0, 2, 0x05, TERM_HDR_DDP, "RDMAP invalid version")                                         \
	X(OPCODE, 0, 2, 0x06, TERM_HDR_DDP, "RDMAP unexpected opcode")                                              \
	X(STREAM, 0, 2, 0x07, TERM_HDR_DDP, "RDMAP catastrophic error of this stream")                              \
	X(DDP_LOCAL, 1, 0, 0x00, TERM_HDR_NONE, "DDP local catastrophic error")                                     \
	X(TAGGED_STAG, 1, 1, 0x00, TERM_HDR_DDP, "DDP tagged: invalid STag")                                        \
	X(TAGGED_BOUNDS, 1, 1, 0x01, TERM_HDR_DDP, "DDP tagged: base or bounds violation")                          \
	X(TAGGED_WRAP, 1, 1, 0x03, TERM_HDR_DDP, "DDP tagged: offset wraps")                                        \
	X(TAGGED_VERSION, 1, 1, 0x04, TERM_HDR_DDP, "DDP tagged: invalid version")                                  \
	X(QN, 1, 2, 0x01, TERM_HDR_DDP, "DDP untagged: invalid queue number")                                       \
	X(NO_BUFFER, 1, 2, 0x02, TERM_HDR_DDP, "DDP untagged: no buffer for this message")                          \
	X(MSN, 1, 2, 0x03, TERM_HDR_DDP, "DDP untagged: message sequence number out of range")                      \
	X(MO, 1, 2, 0x04, TERM_HDR_DDP, "DDP untagged: invalid message offset")                                     \
	X(TOO_LONG, 1, 2, 0x05, TERM_HDR_DDP, "DDP untagged: message too long for the buffer")                      \
	X(UNTAGGED_VERSION, 1, 2, 0x06, TERM_HDR_DDP, "DDP untagged: invalid version")                              \
	X(CRC, 2, 0, 0x02, TERM_HDR_NONE, "MPA CRC error")                                                          \
	X(LENGTH, 2, 0, 0x03, TERM_HDR_NONE, "MPA ULPDU length does not fit")                                       \
	X(MPA_LOCAL, 2, 0, 0x05, TERM_HDR_NONE, "MPA local catastrophic error")                                     \
	X(IRD, 2, 0, 0x06, TERM_HDR_NONE, "MPA insufficient IRD resources")                                         \
	X(RTR, 2, 0, 0x07, TERM_HDR_NONE, "MPA no matching ready-to-receive message")

enum term_cause {
	TERM_NONE,
#define X(name, layer, etype, code, hdr, text) TERM_##name,
	TERM_CAUSES(X)
#undef X
	TERM_N_CAUSES,
};

const char *term_text(enum term_cause cause);

#define TERM_BODY_MAX 52u /* control, segment length, DDP header, Read Request */

/**
 * term_encode() - the body of a Terminate message.
 * @ulpdu_len, @ddp, @ddp_len: length and header of the segment that is at fault (14 or 18 bytes), or NULL, 0.
 * @read: body of the Read Request at fault (28 bytes), or NULL.
 * Return: its length, at most TERM_BODY_MAX.
 */
size_t term_encode(enum term_cause cause, uint16_t ulpdu_len, const uint8_t *ddp, size_t ddp_len, const uint8_t *read,
		   uint8_t out[TERM_BODY_MAX]);

/* What a peer says. */
struct term_msg {
	uint8_t layer, etype, code;
	bool swapped; /* the nibbles were in the wrong order, as Linux' siw sends them */
	enum term_cause cause; /* TERM_NONE: unknown */
	const char *text;      /* of the cause, or "unknown" */
};
/* Return: false when there are fewer than four bytes. */
bool term_decode(const uint8_t *body, size_t len, struct term_msg *m);
/* True when the peer's memory refused what we did. */
bool term_is_remote_access(const struct term_msg *m);

#endif
