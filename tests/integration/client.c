/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client HOST:PORT COMMAND ARGUMENTS: hosts of srpgwd that do what srpio does not, over user-space iWARP, on the target port
 * 0000000000000001:0002c90300000001 and its LUN 0.
 *
 *	load SESSIONS DEPTH [EXT]	so many hosts log in (their identifiers begin with EXT, hex); each keeps DEPTH commands going,
 *					writes blocks of its own, reads them back and compares, again and again. Prints "working"
 *					when every host has compared a block, ends with SIGTERM, and sums up. BUSY and
 *					unit attentions are repeated.
 *	abort N				N reads, which the back-end must hold; ABORT TASK for each; all end, the credits are back, and a
 *					write works
 *	reset N				the same with one LOGICAL UNIT RESET
 *	tables				scattered blocks through external and internal descriptor tables, and immediate data of
 *					all lengths, verified
 *	slow				peers that say nothing, half, or a byte at a time, are cut off after the stated time
 *	luns				a host that looks at its LUNs when told to, see client_luns.c
 *	credits				more commands at once than the request limit, in order, and the credits are back
 *	late WHAT HELD			a write that stays in the back-end's device layer, and a newer one; see client_late.c
 *	pr PORT2 WHAT [...]		reservations of hosts at this gateway and at the one on PORT2, see client_pr_run.c
 *
 * Exit status 0: all as it should be; 1: not, with one line that says what.
 */
#include "client.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { BLOCK = 4096, PATIENCE_MS = 30000, LOGINS_AT_ONCE = 24 };

void fail(const char *fmt, ...)
{
	va_list ap;

	fputs("client: ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(1);
}

/* ---- a host ---- */

static void on_login(void *ctx, int code, const char *why, uint32_t reason)
{
	struct host *h = ctx;

	if (code || reason)
		fail("host %u: login: %d %s, reason %08x", h->number, code, why ? why : "", reason);
	h->up = true;
}

static void on_lost(void *ctx, const char *why)
{
	struct host *h = ctx;

	if (!h->may_be_lost)
		fail("host %u: lost: %s", h->number, why ? why : "");
}

static void on_closed(void *ctx)
{
	((struct host *)ctx)->closed = true;
}

static void on_patience(struct reactor_timer *t)
{
	(void)t;
	fail("nothing happened for %d s", PATIENCE_MS / 1000);
}

void client_wait(struct client *c, bool (*over)(const void *arg), const void *arg)
{
	timer_arm_in(c->reactor, &c->patience, PATIENCE_MS * NS_PER_MS);
	while (!over(arg))
		reactor_poll(c->reactor, -1);
	timer_cancel(c->reactor, &c->patience);
}

static bool is_up(const void *h)
{
	return ((const struct host *)h)->up;
}

static bool is_closed(const void *h)
{
	return ((const struct host *)h)->closed;
}

void host_start(struct client *c, struct host *h, uint32_t number, size_t arena_bytes)
{
	static const uint8_t t_port_id[SRP_PORT_ID_LEN] = { 0, 0, 0, 0, 0, 0, 0, 1, 0x00, 0x02, 0xc9, 0x03, 0, 0, 0, 1 };
	struct initiator_params p = h->params;
	struct err e = ERR_INIT;

	h->c = c;
	h->number = number;
	h->arena = mmap(NULL, arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	h->arena_bytes = arena_bytes;
	if (h->arena == MAP_FAILED)
		fail("no memory");
	p.fabric = c->fabric;
	p.reactor = c->reactor;
	p.dst = c->dst;
	p.form = SRP_LOGIN_FORM_RDMA_CM;
	p.arena = h->arena;
	p.arena_bytes = arena_bytes;
	p.login_done = on_login;
	p.lost = on_lost;
	p.ctx = h;
	p.timeout_ms = PATIENCE_MS;
	memcpy(p.t_port_id, t_port_id, sizeof(t_port_id));
	for (int i = 0; i < 4; i++) {
		p.i_port_id[i] = (uint8_t)(c->ext >> (24 - 8 * i));
		p.i_port_id[12 + i] = (uint8_t)(number >> (24 - 8 * i));
	}
	if (initiator_create(&p, &h->ini, &e) || initiator_login(h->ini, &e))
		fail("host %u: %s", number, e.cause);
}

void host_login(struct client *c, struct host *h, uint32_t number, size_t arena_bytes)
{
	host_start(c, h, number, arena_bytes);
	client_wait(c, is_up, h);
}

void host_end(struct host *h)
{
	struct initiator_info info;

	initiator_info(h->ini, &info);
	if (info.protocol_errors)
		fail("host %u: the gateway broke the protocol: %s", h->number, info.protocol_error);
	host_close(h, true);
}

void host_close(struct host *h, bool polite)
{
	h->may_be_lost = true;
	initiator_logout(h->ini, polite, on_closed, h);
	client_wait(h->c, is_closed, h);
	initiator_destroy(h->ini);
	munmap(h->arena, h->arena_bytes);
}

/* ---- one command after the other ---- */

static void on_done(struct initiator_cmd *cmd)
{
	((struct wait_cmd *)cmd->ctx)->over = true;
}

static bool is_over(const void *w)
{
	return ((const struct wait_cmd *)w)->over;
}

void cmd_rw(struct initiator_cmd *c, bool write, uint64_t lba, void *buf, uint32_t len_bytes)
{
	uint32_t blocks = len_bytes / 512;

	memset(c, 0, sizeof(*c));
	c->cdb[0] = write ? 0x2a : 0x28;
	for (int i = 0; i < 4; i++)
		c->cdb[2 + i] = (uint8_t)(lba >> (24 - 8 * i));
	c->cdb[7] = (uint8_t)(blocks >> 8);
	c->cdb[8] = (uint8_t)blocks;
	c->dir = write ? INITIATOR_WRITE : INITIATOR_READ;
	c->buf = buf;
	c->len_bytes = len_bytes;
	c->channel = UINT32_MAX;
}

bool cmd_again(const struct initiator_cmd *c)
{
	return c->status == 0x08 || c->status == 0x28 || (c->status == 0x02 && c->sense_len > 2 && (c->sense[2] & 0xf) == 6);
}

void host_do(struct host *h, struct wait_cmd *w)
{
	do {
		w->over = false;
		w->cmd.done = on_done;
		w->cmd.ctx = w;
		initiator_submit(h->ini, &w->cmd);
		client_wait(h->c, is_over, w);
	} while (!w->cmd.code && cmd_again(&w->cmd));
	if (w->cmd.code || w->cmd.status || w->cmd.resid_under || w->cmd.resid_over)
		fail("host %u: opcode %02x: code %d, status %02x, sense key %x, residual %u", h->number, w->cmd.cdb[0], w->cmd.code,
		     w->cmd.status, w->cmd.sense_len > 2 ? w->cmd.sense[2] & 0xf : 0, w->cmd.resid_under);
}

/* ---- load ---- */

struct slot {
	struct initiator_cmd cmd;
	struct host *host;
	struct reactor_timer later;
	uint8_t *out, *in;
	uint32_t number, generation;
	bool reading;
};

struct load {
	struct client *c;
	struct host *host;
	struct slot *slot;
	struct reactor_watch signals;
	uint32_t n_hosts, depth, n_working, n_logins;
	uint64_t writes, reads, repeated, n_busy;
	bool stop;
};

static struct load load;

static void slot_next(struct slot *s);

static void slot_send(struct slot *s)
{
	load.n_busy++;
	initiator_submit(s->host->ini, &s->cmd);
}

static void slot_later(struct reactor_timer *t)
{
	slot_send(container_of(t, struct slot, later));
}

static void slot_done(struct initiator_cmd *cmd)
{
	struct slot *s = container_of(cmd, struct slot, cmd);

	load.n_busy--;
	if (cmd->code)
		fail("host %u: %s: code %d", s->host->number, s->reading ? "READ" : "WRITE", cmd->code);
	if (cmd_again(cmd)) {
		load.repeated++;
		timer_arm_in(load.c->reactor, &s->later, 20 * NS_PER_MS);
		return;
	}
	if (cmd->status || cmd->resid_under || cmd->resid_over)
		fail("host %u: %s: status %02x, sense %02x/%02x/%02x, residual %u", s->host->number, s->reading ? "READ" : "WRITE",
		     cmd->status, cmd->sense[2] & 0xf, cmd->sense[12], cmd->sense[13], cmd->resid_under);
	if (s->reading && memcmp(s->in, s->out, BLOCK) != 0)
		fail("host %u, block %u: not what generation %u wrote there", s->host->number, s->number, s->generation);
	if (s->reading) {
		load.reads++;
		if (!s->host->working) {
			s->host->working = true;
			load.n_working++;
		}
	} else {
		load.writes++;
	}
	slot_next(s);
}

/* Writes, and reads what was written, in turn. */
static void slot_next(struct slot *s)
{
	if (load.stop)
		return;
	s->reading = !s->reading;
	if (!s->reading) {
		s->generation++;
		for (uint32_t i = 0; i < BLOCK / 4; i++) {
			uint32_t v = s->number * 2654435761u ^ s->generation << 8 ^ i;

			memcpy(s->out + (size_t)i * 4, &v, 4);
		}
	}
	cmd_rw(&s->cmd, !s->reading, (uint64_t)s->number * (BLOCK / 512), s->reading ? s->in : s->out, BLOCK);
	s->cmd.done = slot_done;
	slot_send(s);
}

static void on_signal(struct reactor_watch *w, uint32_t revents)
{
	struct signalfd_siginfo info;

	(void)revents;
	if (read(w->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		load.stop = true;
}

static bool all_work(const void *arg)
{
	(void)arg;
	return load.n_working == load.n_hosts;
}

static bool all_quiet(const void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < load.n_hosts * load.depth; i++)
		if (timer_armed(&load.slot[i].later))
			return false;
	return !load.n_busy;
}

static void log_all_in(struct client *c)
{
	for (uint32_t i = 0; i < load.n_hosts; i++) {
		host_start(c, &load.host[i], i + 1, (size_t)load.depth * 2 * BLOCK);
		/* No more at a time than the gateway lets one address have half-open. */
		if (i >= LOGINS_AT_ONCE)
			client_wait(c, is_up, &load.host[i - LOGINS_AT_ONCE]);
	}
	for (uint32_t i = 0; i < load.n_hosts; i++)
		client_wait(c, is_up, &load.host[i]);
}

static void run_load(struct client *c, uint32_t n_hosts, uint32_t depth)
{
	sigset_t set;

	load = (struct load){ .c = c, .n_hosts = n_hosts, .depth = depth };
	load.host = calloc(n_hosts, sizeof(*load.host));
	load.slot = calloc((size_t)n_hosts * depth, sizeof(*load.slot));
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	load.signals = (struct reactor_watch){ .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), .fn = on_signal, .events = EPOLLIN };
	if (!load.host || !load.slot || load.signals.fd < 0 || reactor_watch_add(c->reactor, &load.signals))
		fail("cannot begin");
	log_all_in(c);
	for (uint32_t i = 0; i < n_hosts * depth; i++) {
		struct slot *s = &load.slot[i];

		s->host = &load.host[i / depth];
		s->number = i;
		s->reading = true;
		s->out = s->host->arena + (size_t)(i % depth) * 2 * BLOCK;
		s->in = s->out + BLOCK;
		timer_init(&s->later, slot_later);
		slot_next(s);
	}
	client_wait(c, all_work, NULL);
	printf("working\n");
	fflush(stdout);
	while (!load.stop)
		reactor_poll(c->reactor, -1);
	client_wait(c, all_quiet, NULL);
	reactor_watch_del(c->reactor, &load.signals);
	close(load.signals.fd);
	for (uint32_t i = 0; i < n_hosts; i++)
		host_end(&load.host[i]);
	printf("%u hosts, %llu writes, %llu reads compared, %llu repeated\n", n_hosts, (unsigned long long)load.writes,
	       (unsigned long long)load.reads, (unsigned long long)load.repeated);
	free(load.slot);
	free(load.host);
}

/* ---- the whole ---- */

static int usage(void)
{
	fputs("usage: client HOST PORT load SESSIONS DEPTH [EXT] | abort N | reset N | tables | credits | slow | luns | late WHAT HELD | pr PORT2 WHAT\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct client c = { .ext = 0x74657374 };
	struct err e = ERR_INIT;
	uint32_t n = argc > 4 ? (uint32_t)atoi(argv[4]) : 0;
	const char *what = argc > 3 ? argv[3] : "";

	if (argc < 4 || fabric_addr_parse(argv[1], (uint16_t)atoi(argv[2]), &c.dst))
		return usage();
	if (reactor_create("client", &c.reactor) ||
	    iwarp_fabric_create(c.reactor, &(struct iwarp_params){ .rx_buffers = 4096 }, &c.fabric, &e))
		fail("cannot start: %s", e.cause);
	timer_init(&c.patience, on_patience);
	if (strcmp(what, "load") == 0 && argc > 5 && n) {
		c.ext = argc > 6 ? (uint32_t)strtoul(argv[6], NULL, 16) : c.ext;
		run_load(&c, n, (uint32_t)atoi(argv[5]));
	} else if (strcmp(what, "abort") == 0 && n) {
		client_abort(&c, n);
	} else if (strcmp(what, "reset") == 0 && n) {
		client_reset(&c, n);
	} else if (strcmp(what, "tables") == 0) {
		client_tables(&c);
	} else if (strcmp(what, "credits") == 0) {
		client_credits(&c);
	} else if (strcmp(what, "pr") == 0 && argc > 5 && n) {
		struct fabric_addr other;

		if (fabric_addr_parse(argv[1], (uint16_t)n, &other))
			return usage();
		client_pr(&c, &other, argv + 5);
	} else if (strcmp(what, "luns") == 0) {
		client_luns(&c);
	} else if (strcmp(what, "late") == 0 && argc > 5) {
		client_late(&c, argv[4], argv[5]);
	} else if (strcmp(what, "slow") == 0) {
		client_slow(&c);
	} else {
		return usage();
	}
	c.fabric->ops->destroy(c.fabric);
	reactor_destroy(c.reactor);
	return 0;
}
