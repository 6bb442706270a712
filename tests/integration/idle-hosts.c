/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * idle-hosts ADDRESS PORT HOSTS CHANNELS: logs in so many hosts with so many channels each over user-space iWARP, prints "in",
 * and does nothing with them until it gets SIGTERM; then it logs out and prints "out".
 */
#include "../../gateway/fabric/iwarp/iwarp.h"
#include "../../gateway/initiator/initiator.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host {
	struct initiator *i;
	uint32_t n_channels;
	bool told, ok, out;
};

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void login_done(void *ctx, int code, const char *why, uint32_t reject_reason)
{
	struct host *h = ctx;
	struct initiator_info info;

	(void)reject_reason;
	h->told = true;
	initiator_info(h->i, &info);
	h->ok = code == 0 && info.n_channels == h->n_channels;
	if (!h->ok)
		fprintf(stderr, "idle-hosts: %u channels: %s\n", info.n_channels, why);
}

static void lost(void *ctx, const char *why)
{
	((struct host *)ctx)->ok = false;
	fprintf(stderr, "idle-hosts: %s\n", why);
}

static void logged_out(void *arg)
{
	((struct host *)arg)->out = true;
}

static int enter(struct host *h, struct initiator_params *p, uint32_t number, struct err *e)
{
	static const uint8_t t_port_id[SRP_PORT_ID_LEN] = { 0, 0, 0, 0, 0, 0, 0, 1, 0x00, 0x02, 0xc9, 0x03, 0, 0, 0, 1 };
	int rc;

	memcpy(p->t_port_id, t_port_id, sizeof(t_port_id));
	p->i_port_id[14] = (uint8_t)(number >> 8);
	p->i_port_id[15] = (uint8_t)number;
	p->i_port_id[8] = 1;
	p->ctx = h;
	h->n_channels = p->n_channels;
	rc = initiator_create(p, &h->i, e);
	return rc ? rc : initiator_login(h->i, e);
}

static bool all_out(const struct host *h, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		if (!h[k].out)
			return false;
	return true;
}

/* One after the other: a listener takes few half-open connections of one address. */
static int enter_all(struct initiator_params *p, struct host *h, uint32_t n)
{
	struct err e = ERR_INIT;

	for (uint32_t k = 0; k < n; k++) {
		if (enter(&h[k], p, k, &e)) {
			fprintf(stderr, "idle-hosts: %s\n", e.cause);
			return 1;
		}
		while (!h[k].told)
			reactor_poll(p->reactor, 100);
		if (!h[k].ok)
			return 1;
	}
	return 0;
}

static int stay(struct reactor *r, struct host *h, uint32_t n)
{
	bool ok = true;

	puts("in");
	fflush(stdout);
	while (!stop)
		reactor_poll(r, 100);
	for (uint32_t k = 0; k < n; k++) {
		ok = ok && h[k].ok;
		initiator_logout(h[k].i, true, logged_out, &h[k]);
	}
	while (!all_out(h, n))
		reactor_poll(r, 100);
	puts("out");
	return !ok;
}

int main(int argc, char **argv)
{
	uint32_t n = argc == 5 ? (uint32_t)atoi(argv[3]) : 0;
	struct initiator_params p = {
		.form = SRP_LOGIN_FORM_RDMA_CM,
		.n_channels = argc == 5 ? (uint32_t)atoi(argv[4]) : 0,
		.immediate_data = true,
		.queue_size = 2,
		.max_descs = 16,
		.login_done = login_done,
		.lost = lost,
	};
	struct sigaction sa = { .sa_handler = on_term };
	struct iwarp_params ip = { .rx_buffers = 4096 };
	struct host *h = calloc(n ? n : 1, sizeof(*h));
	struct err e = ERR_INIT;

	if (!n || !h || fabric_addr_parse(argv[1], (uint16_t)atoi(argv[2]), &p.dst) || reactor_create("hosts", &p.reactor)) {
		fputs("usage: idle-hosts ADDRESS PORT HOSTS CHANNELS\n", stderr);
		return 2;
	}
	sigaction(SIGTERM, &sa, NULL);
	if (iwarp_fabric_create(p.reactor, &ip, &p.fabric, &e)) {
		fprintf(stderr, "idle-hosts: %s\n", e.cause);
		return 2;
	}
	return enter_all(&p, h, n) ? 1 : stay(p.reactor, h, n);
}
