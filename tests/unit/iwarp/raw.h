/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A peer that is nothing but a socket: it writes the bytes that a test spells out, good or bad, and compares what comes
 * back.
 */
#ifndef TESTS_UNIT_IWARP_RAW_H
#define TESTS_UNIT_IWARP_RAW_H

#include "../../../gateway/fabric/iwarp/crc32c.h"
#include "../../../gateway/fabric/iwarp/ddp.h"
#include "../../../gateway/fabric/iwarp/fpdu.h"
#include "../../../gateway/fabric/iwarp/mpa.h"
#include "../../../gateway/fabric/iwarp/rdmap.h"
#include "peers.h"

#include <fcntl.h>

struct raw {
	int fd;
	struct reactor *r;
	uint8_t in[1u << 20]; /* what came and was not looked at */
	size_t n_in;
	bool eof, reset;
	bool bytewise; /* writes go byte by byte, with the other side running in between */
};

static inline void raw_pull(struct raw *x)
{
	ssize_t n;

	while (!x->eof && x->n_in < sizeof(x->in)) {
		n = recv(x->fd, x->in + x->n_in, sizeof(x->in) - x->n_in, MSG_DONTWAIT);
		if (n > 0) {
			x->n_in += (size_t)n;
			continue;
		}
		if (n == 0)
			x->eof = true;
		else if (errno == ECONNRESET)
			x->eof = x->reset = true;
		return;
	}
}

static inline void raw_write(struct raw *x, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		ssize_t n = send(x->fd, p, x->bytewise ? 1 : len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
		if (n < 0 || x->bytewise)
			reactor_poll(x->r, 0);
		raw_pull(x);
	}
}

static inline void raw_init(struct raw *x, struct reactor *r, int fd)
{
	int one = 1;

	x->fd = fd;
	x->r = r;
	x->n_in = 0;
	x->eof = x->reset = x->bytewise = false;
	assert_true(fd >= 0);
	/* Bytes go out one by one. */
	setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one));
}

static inline void raw_connect(struct raw *x, struct reactor *r, const struct fabric_addr *to)
{
	raw_init(x, r, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	assert_int_equal(connect(x->fd, (const struct sockaddr *)&to->ss, to->ss_len), 0);
}

static inline void raw_close(struct raw *x)
{
	if (x->fd >= 0)
		close(x->fd);
	x->fd = -1;
}

/* Steps until @n bytes are there. */
static inline void raw_need(struct raw *x, size_t n)
{
	uint64_t until = reactor_clock_ns(x->r) + 10 * NS_PER_S;

	for (;;) {
		raw_pull(x);
		if (x->n_in >= n)
			return;
		if (x->eof || reactor_clock_ns(x->r) > until)
			fail_msg("%zu bytes came instead of %zu%s", x->n_in, n, x->eof ? ", then the end" : "");
		reactor_poll(x->r, 20);
	}
}

static inline void raw_drop(struct raw *x, size_t n)
{
	x->n_in -= n;
	memmove(x->in, x->in + n, x->n_in);
}

static inline void raw_expect(struct raw *x, const void *want, size_t n)
{
	raw_need(x, n);
	assert_memory_equal(x->in, want, n);
	raw_drop(x, n);
}

/* The other side closes, and says nothing more. */
static inline void raw_expect_eof(struct raw *x)
{
	STEP_UNTIL(x->r, (raw_pull(x), x->eof));
	assert_int_equal(x->n_in, 0);
}

/* ---- start-up ---- */

static inline void raw_request(struct raw *x, uint8_t flags, uint8_t revision, uint16_t ird, uint16_t ord)
{
	struct mpa_frame f = { .kind = MPA_REQUEST, .flags = flags, .revision = revision, .ird = ird & 0x3fff,
			       .ord = ord & 0x3fff, .priv = (const uint8_t *)"hello", .priv_len = 5 };
	uint8_t out[MPA_FRAME_MAX];
	size_t n;

	f.p2p = ird & 0x8000;
	f.rtr = (uint8_t)((ird & 0x4000 ? MPA_RTR_SEND : 0) | (ord & 0x8000 ? MPA_RTR_WRITE : 0) |
			  (ord & 0x4000 ? MPA_RTR_READ : 0));
	n = mpa_encode(&f, out, sizeof(out));
	assert_true(n > 0);
	raw_write(x, out, n);
}

/* An accepted start-up with the answer "welcome": depths 4 and 16, CRC on. */
static inline void raw_up(struct raw *x, struct pair *w)
{
	static const char want[] = "MPA ID Rep Frame\x50\x02\x00\x0b\x00\x04\x00\x04welcome";

	raw_connect(x, w->r, &w->addr);
	raw_request(x, MPA_ENHANCED, 2, 4, 4);
	raw_expect(x, want, sizeof(want) - 1);
	STEP_UNTIL(w->r, w->accept_as->established);
}

/* ---- FPDUs ---- */

/* Appends one to @out. Return: its length. @crc_xor: 0 for a good CRC. */
static inline size_t raw_fpdu_at(uint8_t *out, const struct ddp_hdr *h, const void *payload, uint32_t len,
				 uint32_t crc_xor)
{
	uint8_t ddp[DDP_UNTAGGED_LEN];
	uint32_t hdr_len = (uint32_t)ddp_encode(h, ddp), ulpdu = hdr_len + len, at, crc;

	out[0] = (uint8_t)(ulpdu >> 8);
	out[1] = (uint8_t)ulpdu;
	memcpy(out + 2, ddp, hdr_len);
	if (len)
		memcpy(out + 2 + hdr_len, payload, len);
	at = 2 + ulpdu;
	for (uint32_t i = 0; i < fpdu_pad(ulpdu); i++)
		out[at++] = 0;
	crc = crc32c_final(crc32c_update_portable(CRC32C_INIT, out, at)) ^ crc_xor;
	for (int i = 0; i < 4; i++)
		out[at++] = (uint8_t)(crc >> 8 * i);
	return at;
}

static inline void raw_fpdu(struct raw *x, const struct ddp_hdr *h, const void *payload, uint32_t len)
{
	uint8_t *out = malloc(len + 64);

	assert_non_null(out);
	raw_write(x, out, raw_fpdu_at(out, h, payload, len, 0));
	free(out);
}

static inline struct ddp_hdr raw_send_hdr(uint32_t msn)
{
	return (struct ddp_hdr){ .last = true, .version = 1, .rdmap = rdmap_control(RDMAP_SEND), .msn = msn };
}

static inline struct ddp_hdr raw_tagged(enum rdmap_opcode op, uint32_t stag, uint64_t to)
{
	return (struct ddp_hdr){
		.tagged = true, .last = true, .version = 1, .rdmap = rdmap_control(op), .stag = stag, .to = to
	};
}

static inline struct ddp_hdr raw_read_hdr(uint32_t msn)
{
	return (struct ddp_hdr){
		.last = true, .version = 1, .rdmap = rdmap_control(RDMAP_READ_REQ), .qn = 1, .msn = msn
	};
}

static inline void raw_read_request(struct raw *x, uint32_t msn, const struct rdmap_read_req *r)
{
	struct ddp_hdr h = raw_read_hdr(msn);
	uint8_t body[RDMAP_READ_REQ_LEN];

	rdmap_read_req_encode(r, body);
	raw_fpdu(x, &h, body, sizeof(body));
}

/* Takes the next FPDU, checks its CRC. Return: payload length; @payload may be NULL. */
static inline uint32_t raw_take(struct raw *x, struct ddp_hdr *h, void *payload)
{
	uint32_t ulpdu, hdr_len, total, crc;

	raw_need(x, 2);
	ulpdu = (uint32_t)(x->in[0] << 8 | x->in[1]);
	total = fpdu_len(ulpdu);
	raw_need(x, total);
	crc = crc32c_final(crc32c_update_portable(CRC32C_INIT, x->in, total - 4));
	for (int i = 0; i < 4; i++)
		assert_int_equal(x->in[total - 4 + i], crc >> 8 * i & 0xff);
	hdr_len = ddp_hdr_len(x->in[2]);
	ddp_decode(x->in + 2, h);
	if (payload)
		memcpy(payload, x->in + 2 + hdr_len, ulpdu - hdr_len);
	raw_drop(x, total);
	return ulpdu - hdr_len;
}

/* A Terminate with exactly this body, then the end of the stream. */
static inline void raw_expect_terminate(struct raw *x, const void *body, size_t len)
{
	struct ddp_hdr h = { .last = true, .version = 1, .rdmap = 0x47, .qn = 2, .msn = 1 };
	uint8_t want[128];
	size_t n = raw_fpdu_at(want, &h, body, (uint32_t)len, 0);

	raw_expect(x, want, n);
	raw_expect_eof(x);
}

#endif
