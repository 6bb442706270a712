/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peers that waste a target's time, on plain TCP sockets: one says nothing, one stops in the middle of its MPA request, one sends it a
 * byte at a time, one logs in and stops in the middle of an FPDU. All are cut off; see client.c.
 */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PD = 56, MPA = 20, REQUEST = MPA + PD, TICK_MS = 250, GIVE_UP_MS = 30000 };

enum slowness { SILENT, HALF, TRICKLE, HALF_FPDU, N_SLOW };

static const struct {
	const char *name;
	uint32_t least_ms, most_ms; /* from connecting, or from the last byte, to the end of the connection */
} slow[N_SLOW] = {
	[SILENT] = { "says nothing", 4000, 9000 },
	[HALF] = { "half an MPA request", 4000, 9000 },
	[TRICKLE] = { "an MPA request byte by byte", 4000, 9000 },
	[HALF_FPDU] = { "half an FPDU", 9000, 16000 },
};

/* An MPA request of revision 1 with CRC (RFC 5044 7.1.1) around a login (SRP r16a LOGIN_REQ, in Linux' form for RDMA/CM). */
static void make_request(uint8_t out[REQUEST])
{
	struct srp_login_req req = {
		.req_it_iu_len = 512, .buf_fmt = 6, .i_port_id = { 0x51, 0x0e }, .t_port_id = { [7] = 1, [9] = 0x02, 0xc9, 0x03, [15] = 1 },
	};

	memset(out, 0, REQUEST);
	memcpy(out, "MPA ID Req Frame", 16);
	out[16] = 0x40;
	out[17] = 1;
	out[19] = PD;
	if (srp_login_req_encode(&req, SRP_LOGIN_FORM_RDMA_CM, out + MPA, PD) != PD)
		fail("the login is not %d bytes long", PD);
}

static void put(int fd, const void *p, size_t n)
{
	if (send(fd, p, n, MSG_NOSIGNAL) != (ssize_t)n)
		fail("send: %s", strerror(errno));
}

/* Return: false when the target ended the connection. */
static bool drain(int fd)
{
	uint8_t buf[1024];

	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (n > 0)
			continue;
		return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
	}
}

static int start(const struct client *c, enum slowness s, const uint8_t request[REQUEST])
{
	static const uint8_t half_fpdu[] = { 0x01, 0x00, 0x41, 0x43 };
	int fd = socket(c->dst.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint8_t reply[REQUEST];

	if (fd < 0 || connect(fd, (const struct sockaddr *)&c->dst.ss, c->dst.ss_len))
		fail("connect: %s", strerror(errno));
	if (s == HALF)
		put(fd, request, REQUEST / 2);
	if (s == HALF_FPDU) {
		put(fd, request, REQUEST);
		if (recv(fd, reply, MPA, MSG_WAITALL) != MPA || memcmp(reply, "MPA ID Rep Frame", 16) != 0 || reply[16] & 0x20)
			fail("%s: the login was not answered", slow[s].name);
		put(fd, half_fpdu, sizeof(half_fpdu));
	}
	return fd;
}

void client_slow(struct client *c)
{
	uint8_t request[REQUEST];
	int fd[N_SLOW];
	uint64_t start_ns = reactor_clock_ns(c->reactor);
	unsigned n_sent = 0, n_open = N_SLOW;

	make_request(request);
	for (unsigned s = 0; s < N_SLOW; s++)
		fd[s] = start(c, s, request);
	while (n_open) {
		uint32_t ms = (uint32_t)((reactor_clock_ns(c->reactor) - start_ns) / NS_PER_MS);

		if (ms > GIVE_UP_MS)
			fail("%u are not cut off after %u s", n_open, ms / 1000);
		for (unsigned s = 0; s < N_SLOW; s++) {
			if (fd[s] < 0 || drain(fd[s]))
				continue;
			printf("%s: cut off after %u ms\n", slow[s].name, ms);
			if (ms < slow[s].least_ms || ms > slow[s].most_ms)
				fail("%s: not after %u to %u ms", slow[s].name, slow[s].least_ms, slow[s].most_ms);
			close(fd[s]);
			fd[s] = -1;
			n_open--;
		}
		if (fd[TRICKLE] >= 0 && n_sent < REQUEST - 1) {
			(void)!send(fd[TRICKLE], request + n_sent, 1, MSG_NOSIGNAL);
			n_sent++;
		}
		poll(NULL, 0, TICK_MS);
	}
	printf("%d cut off\n", N_SLOW);
}
