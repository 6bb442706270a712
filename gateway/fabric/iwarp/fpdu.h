/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FPDUs (RFC 5044 3 and 4): their size, and a builder that lays many of them into one iovec for one system call.
 * Headers, trailers, markers and short payloads lie in a flat buffer, long payloads stay where they are. Pure: it moves
 * no bytes to a peer. Layer: fabric/iwarp.
 */
#ifndef FABRIC_IWARP_FPDU_H
#define FABRIC_IWARP_FPDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define FPDU_LENGTH_LEN 2u
#define FPDU_CRC_LEN 4u
#define FPDU_MIN_ULPDU 128u   /* RFC 5044 3 */
#define FPDU_MAX_ULPDU 64768u
#define FPDU_MAX_UNPADDED_ULPDU 64766u /* the longest without pad */
#define FPDU_MARKER_LEN 4u
#define FPDU_MARKER_EVERY 512u

/* Longest ULPDU that fits into one TCP segment of @emss bytes (RFC 5044 4.5), within the bounds. */
uint32_t fpdu_mulpdu(uint32_t emss, bool markers);

/* Pad and CRC behind a ULPDU. */
static inline uint32_t fpdu_pad(uint32_t ulpdu_len)
{
	return -(ulpdu_len + FPDU_LENGTH_LEN) & 3u;
}
static inline uint32_t fpdu_len(uint32_t ulpdu_len)
{
	return FPDU_LENGTH_LEN + ulpdu_len + fpdu_pad(ulpdu_len) + FPDU_CRC_LEN;
}

/*
 * Linux' siw mixes up pad and CRC of an FPDU when a TCP segment ends inside of them, and then finds a CRC error. So we
 * let none end there. True when an FPDU that begins @at bytes behind the beginning of a segment would have that fate,
 * with segments of @emss bytes.
 */
static inline bool fpdu_trailer_is_cut(size_t at, uint32_t ulpdu_len, uint32_t emss)
{
	size_t end = at + fpdu_len(ulpdu_len), last_cut = (end - 1) / emss * emss;

	return last_cut > end - FPDU_CRC_LEN - fpdu_pad(ulpdu_len);
}

#define FPDU_BATCH_IOV 512u
#define FPDU_BATCH_FLAT 16384u
/* Payloads up to this are copied into the flat buffer: cheaper than an entry of the iovec. */
#define FPDU_COPY_MAX 256u

struct fpdu_batch {
	bool crc, markers; /* set once, after negotiation */
	uint64_t stream;   /* octets built since full operation began, markers included */
	/* the FPDU being built */
	uint64_t begin;    /* stream offset of its length field */
	uint32_t ulpdu_len;
	uint32_t crc_state;
	/* the batch */
	uint32_t n_iov, n_flat;
	size_t len_bytes;
	struct iovec iov[FPDU_BATCH_IOV];
	uint8_t flat[FPDU_BATCH_FLAT];
};

void fpdu_batch_init(struct fpdu_batch *b, bool crc, bool markers);
/* Empties it; the stream goes on. */
void fpdu_batch_reset(struct fpdu_batch *b);
/* True when an FPDU of this ULPDU with a payload of @n_seg pieces still fits. An empty batch takes any with <= 32. */
bool fpdu_batch_fits(const struct fpdu_batch *b, uint32_t ulpdu_len, uint32_t n_seg);

/* One FPDU: begin, then exactly @ulpdu_len bytes by put (copied) and ref (lent until the batch was sent), then end. */
void fpdu_begin(struct fpdu_batch *b, uint16_t ulpdu_len);
void fpdu_put(struct fpdu_batch *b, const void *data, size_t len_bytes);
void fpdu_ref(struct fpdu_batch *b, const void *data, size_t len_bytes);
void fpdu_end(struct fpdu_batch *b);

#endif
