/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes from TCP to FPDUs, wherever TCP cut them: header, payload to its place, pad and CRC. One system call reads the
 * rest of a long payload straight into place and whatever follows into the lane's staging buffer. Nothing is acted on
 * before the CRC has been checked. Layer: fabric/iwarp. The connection's reactor.
 */
#include "crc32c.h"
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

enum { FIRST_NEED = 4 };     /* length and the first octets of DDP and RDMAP: enough to know the rest */
enum { READS_PER_EVENT = 8 }; /* then the others have their turn */
/* With long payloads, what follows one is read only so far that the next can go straight into place. */
enum { BULK_BYTES = 16384, BULK_STAGING_BYTES = 2048, BULK_MEMORY = 8 };
/* A shorter rest is not worth an entry of the iovec. */
enum { DIRECT_MIN_BYTES = 512 };

static void begin_fpdu(struct iwarp_rxs *rx)
{
	rx->stage = IWARP_RX_HEADER;
	rx->have = 0;
	rx->need = FIRST_NEED;
	rx->fault = TERM_NONE;
	rx->n_seg = 0;
	rx->placed_stag = 0;
}

void iwarp_rx_begin(struct iwarp_conn *c)
{
	c->rx.send_msn = c->rx.read_msn = 1;
	begin_fpdu(&c->rx);
}

/* ---- payload ---- */

/* The place gets @n bytes, from @p or, when that is NULL, it has got them already. What has no place is dropped. */
static void payload_came(struct iwarp_conn *c, const uint8_t *p, uint32_t n)
{
	struct iwarp_rxs *rx = &c->rx;

	if (p && c->terms.crc)
		rx->crc = crc32c_update(rx->crc, p, n);
	rx->left -= n;
	while (n && rx->n_seg) {
		uint8_t *to = (uint8_t *)rx->seg->addr + rx->seg_off;
		uint32_t part = rx->seg->len_bytes - rx->seg_off;

		if (part > n)
			part = n;
		if (p) {
			memcpy(to, p, part);
			p += part;
		} else if (c->terms.crc) {
			rx->crc = crc32c_update(rx->crc, to, part);
		}
		n -= part;
		rx->seg_off += part;
		if (rx->seg_off == rx->seg->len_bytes) {
			rx->seg++;
			rx->n_seg--;
			rx->seg_off = 0;
		}
	}
}

/* Where the rest of the payload goes. Return: number of entries; 0: not worth it, or no place. */
static int direct_iov(struct iwarp_rxs *rx, struct iovec *v, uint32_t *len)
{
	uint32_t left = rx->left, off = rx->seg_off;
	int n = 0;

	*len = 0;
	if (rx->stage != IWARP_RX_PAYLOAD || rx->left < DIRECT_MIN_BYTES)
		return 0;
	for (uint32_t i = 0; i < rx->n_seg && left; i++, off = 0) {
		uint32_t part = rx->seg[i].len_bytes - off;

		if (part > left)
			part = left;
		if (part)
			v[n++] = (struct iovec){ (uint8_t *)rx->seg[i].addr + off, part };
		*len += part;
		left -= part;
	}
	if (left) /* its place is too small: only Terminate messages, which are short */
		return 0;
	return n;
}

/* ---- header and trailer ---- */

/* Return: false when the stream cannot be followed any more. */
static bool first_came(struct iwarp_conn *c)
{
	struct iwarp_rxs *rx = &c->rx;
	uint32_t hdr_len = ddp_hdr_len(rx->hdr[FPDU_LENGTH_LEN]);

	rx->ulpdu_len = (uint32_t)(rx->hdr[0] << 8 | rx->hdr[1]);
	if (rx->ulpdu_len < hdr_len) {
		iwarp_terminate(c, TERM_LENGTH, NULL, NULL);
		return false;
	}
	rx->need = FPDU_LENGTH_LEN + hdr_len;
	rx->left = rx->ulpdu_len - hdr_len;
	return true;
}

static void header_came(struct iwarp_conn *c)
{
	struct iwarp_rxs *rx = &c->rx;

	ddp_decode(rx->hdr + FPDU_LENGTH_LEN, &rx->ddp);
	if (c->terms.crc)
		rx->crc = crc32c_update(CRC32C_INIT, rx->hdr, rx->need);
	if (rx->left >= BULK_BYTES)
		rx->bulk = BULK_MEMORY;
	else if (rx->bulk)
		rx->bulk--;
	rx->stage = IWARP_RX_CLAIM;
}

static void payload_begins(struct iwarp_rxs *rx)
{
	rx->stage = IWARP_RX_PAYLOAD;
	rx->have = 0;
	rx->need = fpdu_pad(rx->ulpdu_len) + FPDU_CRC_LEN;
}

static bool crc_is_good(const struct iwarp_conn *c)
{
	const struct iwarp_rxs *rx = &c->rx;
	uint32_t pad = fpdu_pad(rx->ulpdu_len), want;
	const uint8_t *got = rx->trailer + pad;

	if (!c->terms.crc)
		return true;
	want = crc32c_final(crc32c_update(rx->crc, rx->trailer, pad));
	return got[0] == (want & 0xff) && got[1] == (want >> 8 & 0xff) && got[2] == (want >> 16 & 0xff) &&
	       got[3] == want >> 24;
}

static void fpdu_came(struct iwarp_conn *c)
{
	struct iwarp_rxs *rx = &c->rx;

	if (!crc_is_good(c))
		iwarp_terminate(c, TERM_CRC, NULL, NULL);
	else
		iwarp_rx_deliver(c);
	begin_fpdu(rx);
	if (!rx->cur)
		rx->frame_since_ns = 0;
}

/* ---- the machine ---- */

static size_t collect(uint8_t *to, struct iwarp_rxs *rx, const uint8_t *p, size_t n)
{
	size_t part = rx->need - rx->have;

	if (part > n)
		part = n;
	memcpy(to + rx->have, p, part);
	rx->have += (uint32_t)part;
	return part;
}

/* Return: bytes used; less than @n only when the connection is not up any more or waits for a receive buffer. */
static size_t consume(struct iwarp_conn *c, const uint8_t *p, size_t n)
{
	struct iwarp_rxs *rx = &c->rx;
	size_t used = 0, part;

	while (c->phase == IWARP_UP) {
		switch (rx->stage) {
		case IWARP_RX_HEADER:
			used += collect(rx->hdr, rx, p + used, n - used);
			if (rx->have < rx->need)
				return used;
			if (rx->need != FIRST_NEED)
				header_came(c);
			else if (!first_came(c))
				return used;
			break;
		case IWARP_RX_CLAIM:
			if (iwarp_rx_place(c) == IWARP_RX_STARVED)
				return used;
			payload_begins(rx);
			break;
		case IWARP_RX_PAYLOAD:
			part = rx->left < n - used ? rx->left : n - used;
			payload_came(c, p + used, (uint32_t)part);
			used += part;
			if (rx->left)
				return used;
			rx->stage = IWARP_RX_TRAILER;
			break;
		case IWARP_RX_TRAILER:
			used += collect(rx->trailer, rx, p + used, n - used);
			if (rx->have < rx->need)
				return used;
			fpdu_came(c);
			break;
		}
	}
	return used;
}

/* ---- waiting for a receive buffer ---- */

static void park(struct iwarp_conn *c, const uint8_t *rest, size_t n)
{
	struct iwarp_rxs *rx = &c->rx;

	memmove(rx->spill, rest, n);
	rx->spill_len = (uint32_t)n;
	rx->parked = true;
	rx->frame_since_ns = 0; /* it is not the peer who is slow */
	list_push_back(&c->lane->starved, &c->starved);
	iwarp_count(&c->lane->count.starved_total, 1);
}

static void feed(struct iwarp_conn *c, const uint8_t *p, size_t n)
{
	size_t used = consume(c, p, n);

	if (c->phase == IWARP_UP && c->rx.stage == IWARP_RX_CLAIM)
		park(c, p + used, n - used);
}

/* The peer's patience begins with the first byte of a message that is not whole. */
static void look_at_clock(struct iwarp_conn *c)
{
	struct iwarp_rxs *rx = &c->rx;
	bool partial = rx->stage != IWARP_RX_HEADER || rx->have || rx->cur;

	if (c->phase != IWARP_UP || rx->parked)
		return;
	if (!partial) {
		rx->frame_since_ns = 0;
	} else if (!rx->frame_since_ns) {
		rx->frame_since_ns = iwarp_now(c);
		iwarp_lane_watchdog(c->lane);
	}
}

void iwarp_rx_resume(struct iwarp_conn *c)
{
	struct iwarp_rxs *rx = &c->rx;

	list_del(&c->starved);
	rx->parked = false;
	feed(c, rx->spill, rx->spill_len);
	if (rx->parked || c->phase != IWARP_UP)
		return;
	look_at_clock(c);
	rx->read_since_ns = iwarp_now(c);
	iwarp_conn_events(c, c->watch.events | EPOLLIN);
}

/* ---- reading ---- */

/* Return: true when there may be more to read. */
static bool read_once(struct iwarp_conn *c)
{
	struct iovec v[IWARP_SEGS_MAX + 1];
	struct msghdr m = { .msg_iov = v };
	struct iwarp_lane *l = c->lane;
	uint32_t direct = 0, staging = IWARP_STAGING_BYTES;
	int n_iov = c->phase == IWARP_UP ? direct_iov(&c->rx, v, &direct) : 0;
	ssize_t n;

	if (n_iov == 0)
		direct = 0;
	if (c->phase == IWARP_UP && c->rx.bulk)
		staging = BULK_STAGING_BYTES;
	v[n_iov++] = (struct iovec){ l->staging, staging };
	m.msg_iovlen = (size_t)n_iov;
	do
		n = recvmsg(c->fd, &m, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	iwarp_count(&l->count.recv_calls_total, 1);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		/* A FIN in the middle of a message is no way to end. */
		bool clean = n == 0 && c->rx.stage == IWARP_RX_HEADER && c->rx.have == 0;

		iwarp_conn_dead(c, clean || (n < 0 && errno == ECONNRESET) ? FABRIC_DOWN_PEER : FABRIC_DOWN_ERROR);
		return false;
	}
	iwarp_count(&l->count.recv_bytes_total, n);
	if (c->phase == IWARP_UP) {
		uint32_t placed = (size_t)n < direct ? (uint32_t)n : direct;

		if (placed)
			payload_came(c, NULL, placed);
		feed(c, l->staging, (size_t)n - placed);
	}
	return (size_t)n == direct + staging;
}

void iwarp_rx_run(struct iwarp_conn *c)
{
	for (int i = 0; i < READS_PER_EVENT; i++) {
		if (c->phase == IWARP_DEAD || c->rx.parked || !read_once(c))
			break;
	}
	look_at_clock(c);
	if (c->rx.parked && c->phase == IWARP_UP)
		iwarp_conn_events(c, c->watch.events & ~(uint32_t)EPOLLIN);
}
