/* SPDX-License-Identifier: BSD-3-Clause */
/* Task management: commands that a back-end holds are aborted, or their logical unit is reset; see client.c. */
#include "client.h"

#include "../../gateway/proto/srp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEN = 4096, ANSWER_MS = 5000, MAX_CMDS = 64 };

struct tmf {
	struct host *h;
	struct wait_cmd w[MAX_CMDS];
	uint32_t n, n_over, n_answers, n_wanted;
	uint64_t start_ns;
};

static void on_done(struct initiator_cmd *c)
{
	((struct tmf *)c->ctx)->n_over++;
}

static void on_answer(void *arg, int code, uint8_t rsp_code)
{
	struct tmf *t = arg;
	uint64_t ms = (reactor_clock_ns(t->h->c->reactor) - t->start_ns) / NS_PER_MS;

	if (code || rsp_code != SRP_RSP_CODE_OK)
		fail("task management: code %d, response code %u", code, rsp_code);
	/* SAM-5 knows no limit; Linux' initiator waits 5 s. */
	if (ms >= ANSWER_MS)
		fail("task management: the answer took %llu ms", (unsigned long long)ms);
	t->n_answers++;
}

static bool is_answered(const void *arg)
{
	const struct tmf *t = arg;

	return t->n_answers == t->n_wanted && t->n_over == t->n;
}

static bool is_idle(const void *arg)
{
	const struct tmf *t = arg;
	struct initiator_info info;

	initiator_info(t->h->ini, &info);
	return !info.n_outstanding && info.req_lim == (int32_t)info.req_lim_initial;
}

static void submit_all(struct tmf *t, struct client *c, struct host *h, uint32_t n)
{
	if (n > MAX_CMDS)
		fail("at most %d", MAX_CMDS);
	t->h = h;
	t->n = n;
	host_login(c, h, 1, (size_t)MAX_CMDS * LEN);
	for (uint32_t i = 0; i < n; i++) {
		cmd_rw(&t->w[i].cmd, false, i, h->arena + (size_t)i * LEN, LEN);
		t->w[i].cmd.done = on_done;
		t->w[i].cmd.ctx = t;
		initiator_submit(h->ini, &t->w[i].cmd);
	}
	/* They are on their way before the function is: it goes behind them on the same channel. */
	t->start_ns = reactor_clock_ns(c->reactor);
}

static void check_ended(const struct tmf *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->w[i].cmd.code != -ECANCELED)
			fail("command %u was not ended by task management: code %d, status %02x", i, t->w[i].cmd.code, t->w[i].cmd.status);
}

/* The same session works: writes are not held. */
static void try_write(struct host *h, struct tmf *t)
{
	cmd_rw(&t->w[0].cmd, true, 0, h->arena, LEN);
	host_do(h, &t->w[0]);
}

void client_abort(struct client *c, uint32_t n)
{
	struct tmf *t = calloc(1, sizeof(*t));
	struct host h = { .number = 1 };

	if (!t)
		fail("no memory");
	submit_all(t, c, &h, n);
	/* One after the other, as an initiator's error handling does. */
	for (uint32_t i = 0; i < n; i++) {
		t->n_wanted = i + 1;
		t->start_ns = reactor_clock_ns(c->reactor);
		if (initiator_tmf(h.ini, UINT32_MAX, SRP_TMF_ABORT_TASK, t->w[i].cmd.lun, &t->w[i].cmd, on_answer, t))
			fail("ABORT TASK cannot be sent");
		while (t->n_answers < t->n_wanted)
			reactor_poll(c->reactor, -1);
	}
	client_wait(c, is_answered, t);
	check_ended(t);
	client_wait(c, is_idle, t);
	try_write(&h, t);
	printf("%u aborted\n", n);
	host_end(&h);
	free(t);
}

void client_reset(struct client *c, uint32_t n)
{
	struct tmf *t = calloc(1, sizeof(*t));
	struct host h = { .number = 1 };
	static const uint8_t lun[8];

	if (!t)
		fail("no memory");
	submit_all(t, c, &h, n);
	t->n_wanted = 1;
	if (initiator_tmf(h.ini, 0, SRP_TMF_LUN_RESET, lun, NULL, on_answer, t))
		fail("LOGICAL UNIT RESET cannot be sent");
	client_wait(c, is_answered, t);
	check_ended(t);
	client_wait(c, is_idle, t);
	try_write(&h, t);
	printf("%u ended by a reset\n", n);
	host_end(&h);
	free(t);
}
