// SPDX-License-Identifier: BSD-3-Clause
/*
 * A whole connection under a stream of a hostile peer: bytes of any kind, cut anywhere (first byte), without CRC so
 * that they get far. It has memory exposed (STag 5a5a5000 at offset 0 of the area), and a Read outstanding (sink STag
 * 81818181). Whatever comes, nothing outside of that memory changes, every op is done once, in order, and the
 * connection closes.
 */
#include "fuzz.h"

#include "../../gateway/base/log.h"
#include "../../gateway/fabric/iwarp/internal.h"

#include <string.h>
#include <sys/socket.h>

enum { EXPOSED = 512, SINK = 300, GUARD = 64, STAG = 0x5a5a5000, SINK_STAG = 0x81818181 };

static struct {
	struct reactor *r;
	struct fabric *f;
	int fd; /* the peer's */
	bool up, down, closed;
	uint32_t n_done;
	uint8_t area[GUARD + EXPOSED + GUARD + SINK + GUARD];
	struct mem_region region;
} w;

static void on_established(void *ctx, const void *priv, size_t len)
{
	(void)ctx;
	(void)priv;
	(void)len;
	w.up = true;
}

static void on_recv(void *ctx, struct fabric_rx *rx)
{
	(void)ctx;
	FUZZ_CHECK(w.up && !w.down && !w.closed);
	fuzz_touch(rx->data, rx->len_bytes);
	w.f->ops->rx_release(rx);
}

static void on_down(void *ctx, enum fabric_down cause)
{
	(void)ctx;
	(void)cause;
	FUZZ_CHECK(!w.down);
	w.down = true;
}

static void on_closed(void *ctx)
{
	(void)ctx;
	FUZZ_CHECK(!w.closed);
	w.closed = true;
}

static const struct fabric_conn_cbs cbs = {
	.established = on_established,
	.recv = on_recv,
	.down = on_down,
	.closed = on_closed,
};

static void on_done(struct fabric_op *op, enum fabric_wc_status status)
{
	(void)op;
	(void)status;
	FUZZ_CHECK(!w.closed);
	w.n_done++;
}

static void on_adopt(struct reactor_msg *m)
{
	struct iwarp_conn *c = container_of(m, struct iwarp_conn, adopt_msg);

	iwarp_conn_adopt(c);
	iwarp_conn_up(c, NULL, 0);
	c->tx.gated = false;
}

static void make_world(void)
{
	static const struct iwarp_params p = { .rx_buffers = 4, .rx_bytes = 256, .reads = 2, .sq_depth = 4 };
	struct err e = ERR_INIT;

	log_init("fuzz", LOG_LEVEL_ERROR, false);
	FUZZ_CHECK(reactor_create("fuzz", &w.r) == 0);
	FUZZ_CHECK(iwarp_fabric_create(w.r, &p, &w.f, &e) == 0);
}

static void step(void)
{
	while (reactor_poll(w.r, 0) > 0)
		;
}

static struct iwarp_conn *make_conn(void)
{
	struct fabric_accept a = { .reactor = w.r, .cbs = &cbs, .n_recv = 3 };
	struct iwarp_conn *c;
	uint32_t stag = 0;
	int fd[2];

	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	w.fd = fd[1];
	w.up = w.down = w.closed = false;
	w.n_done = 0;
	memset(w.area, 0x11, sizeof(w.area));
	c = iwarp_conn_new(iwarp_fabric_of(w.f), fd[0], false);
	FUZZ_CHECK(c && iwarp_conn_equip(c, &a) == 0);
	c->terms.ird = c->terms.ord = 2;
	FUZZ_CHECK(stag_add(&c->stags, STAG, w.area + GUARD, EXPOSED, &stag) == 0 && stag == STAG);
	iwarp_conn_hand_over(c, on_adopt);
	step();
	FUZZ_CHECK(w.up);
	return c;
}

/* The peer names our memory by offsets; its real address is not known to it. */
static void fix_offsets(uint8_t *p, size_t n)
{
	uint64_t base = (uintptr_t)w.area + GUARD;

	for (size_t at = 0; at + 12 <= n; at++) {
		struct ddp_hdr h = { .tagged = true };
		uint8_t hdr[DDP_TAGGED_LEN];
		uint64_t off = 0;

		if (memcmp(p + at, "\x5a\x5a\x50\x00", 4) != 0)
			continue;
		for (int i = 0; i < 8; i++)
			off = off << 8 | p[at + 4 + i];
		h.to = base + off;
		ddp_encode(&h, hdr);
		memcpy(p + at + 4, hdr + 6, 8);
		at += 11;
	}
}

static void check_area(void)
{
	const uint8_t *p = w.area;

	for (size_t i = 0; i < GUARD; i++)
		FUZZ_CHECK(p[i] == 0x11 && p[GUARD + EXPOSED + i] == 0x11 && p[sizeof(w.area) - 1 - i] == 0x11);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fabric_seg seg[2];
	struct fabric_wr wr = { .opcode = FABRIC_READ, .n_seg = 2, .seg = seg, .remote_addr = 1, .rkey = 2 };
	struct fabric_op op = { .first = &wr, .n_wr = 1, .done = on_done };
	struct iwarp_conn *c;
	uint8_t *bytes, sink[256];
	size_t chunk;
	bool posted;

	if (size < 1 || size > 16384)
		return 0;
	if (!w.r)
		make_world();
	c = make_conn();
	seg[0] = (struct fabric_seg){ w.area + 2 * GUARD + EXPOSED, 100, &w.region };
	seg[1] = (struct fabric_seg){ w.area + 2 * GUARD + EXPOSED + 100, SINK - 100, &w.region };
	posted = w.f->ops->post(&c->base, &op) == 0;
	step();
	FUZZ_CHECK(posted && c->tx.orq_tail == 1);
	c->tx.orq[0].stag = SINK_STAG;
	chunk = data[0] ? data[0] : size;
	bytes = malloc(size);
	FUZZ_CHECK(bytes);
	memcpy(bytes, data, size);
	fix_offsets(bytes + 1, size - 1);
	for (size_t at = 1; at < size && !w.down; at += chunk) {
		size_t n = size - at < chunk ? size - at : chunk;

		if (send(w.fd, bytes + at, n, MSG_NOSIGNAL) < 0)
			break;
		step();
		while (recv(w.fd, sink, sizeof(sink), 0) > 0)
			;
	}
	free(bytes);
	close(w.fd);
	step();
	FUZZ_CHECK(w.down);
	w.f->ops->close(&c->base);
	step();
	FUZZ_CHECK(w.closed && w.n_done == 1);
	check_area();
	return 0;
}
