/* SPDX-License-Identifier: BSD-3-Clause */
/* FPDUs, see fpdu.h. Layer: fabric/iwarp, pure. */
#include "fpdu.h"

#include "../../base/be.h"
#include "crc32c.h"

#include <string.h>

uint32_t fpdu_mulpdu(uint32_t emss, bool markers)
{
	uint32_t overhead = FPDU_LENGTH_LEN + FPDU_CRC_LEN + emss % 4, mulpdu;

	if (markers)
		overhead += FPDU_MARKER_LEN * ((emss + FPDU_MARKER_EVERY - 1) / FPDU_MARKER_EVERY);
	mulpdu = emss > overhead ? emss - overhead : 0;
	if (mulpdu < FPDU_MIN_ULPDU)
		return FPDU_MIN_ULPDU;
	return mulpdu > FPDU_MAX_UNPADDED_ULPDU ? FPDU_MAX_UNPADDED_ULPDU : mulpdu;
}

void fpdu_batch_init(struct fpdu_batch *b, bool crc, bool markers)
{
	b->crc = crc;
	b->markers = markers;
	b->stream = 0;
	fpdu_batch_reset(b);
}

void fpdu_batch_reset(struct fpdu_batch *b)
{
	b->n_iov = 0;
	b->n_flat = 0;
	b->len_bytes = 0;
}

static uint32_t n_markers(uint32_t len)
{
	return len / (FPDU_MARKER_EVERY - FPDU_MARKER_LEN) + 2;
}

bool fpdu_batch_fits(const struct fpdu_batch *b, uint32_t ulpdu_len, uint32_t n_seg)
{
	uint32_t marks = b->markers ? n_markers(fpdu_len(ulpdu_len)) : 0;
	/* Each piece, the bytes before and between them, and a marker that splits a piece in two. */
	uint32_t iov = 2 * n_seg + 2 + 2 * marks;
	uint32_t copied = n_seg * FPDU_COPY_MAX < ulpdu_len ? n_seg * FPDU_COPY_MAX : ulpdu_len;
	uint32_t flat = 64 + FPDU_MARKER_LEN * marks + copied;

	return b->n_iov + iov <= FPDU_BATCH_IOV && b->n_flat + flat <= FPDU_BATCH_FLAT;
}

/* ---- raw bytes into the batch ---- */

static void add_flat(struct fpdu_batch *b, const void *data, size_t len)
{
	uint8_t *to = b->flat + b->n_flat;
	struct iovec *last = b->n_iov ? &b->iov[b->n_iov - 1] : NULL;

	memcpy(to, data, len);
	b->n_flat += (uint32_t)len;
	if (last && (uint8_t *)last->iov_base + last->iov_len == to)
		last->iov_len += len;
	else
		b->iov[b->n_iov++] = (struct iovec){ to, len };
	b->len_bytes += len;
	b->stream += len;
}

static void add_lent(struct fpdu_batch *b, const void *data, size_t len)
{
	b->iov[b->n_iov++] = (struct iovec){ (void *)(uintptr_t)data, len };
	b->len_bytes += len;
	b->stream += len;
}

static void add(struct fpdu_batch *b, const void *data, size_t len, bool lend)
{
	if (b->crc)
		b->crc_state = crc32c_update(b->crc_state, data, len);
	if (lend)
		add_lent(b, data, len);
	else
		add_flat(b, data, len);
}

/* ---- markers ---- */

/* RFC 5044 4.3: how far back the FPDU began; 0 when the marker stands between two FPDUs. */
static void mark(struct fpdu_batch *b)
{
	struct be16 ptr = be16_make((uint16_t)(b->stream - b->begin));
	const uint8_t marker[FPDU_MARKER_LEN] = { 0, 0, ptr.b[0], ptr.b[1] };

	if (b->crc)
		b->crc_state = crc32c_update(b->crc_state, marker, sizeof(marker));
	add_flat(b, marker, sizeof(marker));
}

static void add_marked(struct fpdu_batch *b, const uint8_t *data, size_t len, bool lend)
{
	while (len) {
		size_t n;

		if (b->stream % FPDU_MARKER_EVERY == 0)
			mark(b);
		n = FPDU_MARKER_EVERY - b->stream % FPDU_MARKER_EVERY;
		if (n > len)
			n = len;
		add(b, data, n, lend);
		data += n;
		len -= n;
	}
}

/* ---- one FPDU ---- */

void fpdu_begin(struct fpdu_batch *b, uint16_t ulpdu_len)
{
	struct be16 length = be16_make(ulpdu_len);

	b->crc_state = CRC32C_INIT;
	b->ulpdu_len = ulpdu_len;
	b->begin = b->stream;
	if (b->markers && b->stream % FPDU_MARKER_EVERY == 0) {
		mark(b); /* it says 0, and the CRC of this FPDU covers it */
		b->begin = b->stream;
	}
	fpdu_put(b, length.b, sizeof(length));
}

void fpdu_put(struct fpdu_batch *b, const void *data, size_t len_bytes)
{
	if (b->markers)
		add_marked(b, data, len_bytes, false);
	else if (len_bytes)
		add(b, data, len_bytes, false);
}

void fpdu_ref(struct fpdu_batch *b, const void *data, size_t len_bytes)
{
	bool lend = len_bytes > FPDU_COPY_MAX;

	if (b->markers)
		add_marked(b, data, len_bytes, lend);
	else if (len_bytes)
		add(b, data, len_bytes, lend);
}

void fpdu_end(struct fpdu_batch *b)
{
	static const uint8_t zeros[4];
	uint8_t crc[FPDU_CRC_LEN] = { 0 };
	uint32_t value;

	fpdu_put(b, zeros, fpdu_pad(b->ulpdu_len));
	/* A marker right before the CRC field belongs into it. */
	if (b->markers && b->stream % FPDU_MARKER_EVERY == 0)
		mark(b);
	value = b->crc ? crc32c_final(b->crc_state) : 0;
	for (unsigned i = 0; i < FPDU_CRC_LEN; i++)
		crc[i] = (uint8_t)(value >> 8 * i);
	add_flat(b, crc, sizeof(crc));
}
