/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A write that stays in the back-end's device layer (late_write.c) and what the host does then: it writes something newer to the
 * same place as soon as the gateway lets it. Prints when; the times are of CLOCK_MONOTONIC, in ms. See client.c.
 */
#include "client.h"

#include "../../gateway/proto/srp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEN = 4096, LOOK_MS = 5, AWAY_MS = 1000 };

struct late {
	struct client *c;
	struct host h;
	struct wait_cmd old, new;
	const char *held; /* file that is there when the write is held */
	bool sized;       /* it asks for the capacity, as disks' drivers do */
	bool answered;
};

static void say(const struct late *l, const char *what)
{
	printf("%s %llu\n", what, (unsigned long long)(reactor_clock_ns(l->c->reactor) / NS_PER_MS));
	fflush(stdout);
}

static void on_old(struct initiator_cmd *cmd)
{
	((struct wait_cmd *)cmd->ctx)->over = true;
}

static bool old_is_over(const void *arg)
{
	return ((const struct late *)arg)->old.over;
}

static void on_answer(void *arg, int code, uint8_t rsp_code)
{
	struct late *l = arg;

	if (code || rsp_code != SRP_RSP_CODE_OK)
		fail("task management: code %d, response code %u", code, rsp_code);
	l->answered = true;
	say(l, "answered");
}

static bool is_answered(const void *arg)
{
	return ((const struct late *)arg)->answered;
}

/* There is a session to the back-end, and the unit attentions of a new one are told. */
static void await_ready(struct late *l)
{
	struct wait_cmd tur = { .cmd.channel = UINT32_MAX };

	host_do(&l->h, &tur);
}

/* READ CAPACITY(10): from now on the gateway knows what a block is. */
static void ask_capacity(struct late *l)
{
	struct wait_cmd w = { .cmd.channel = UINT32_MAX };

	w.cmd.cdb[0] = 0x25;
	w.cmd.dir = INITIATOR_READ;
	w.cmd.buf = l->h.arena;
	w.cmd.len_bytes = 8;
	host_do(&l->h, &w);
}

static void log_in(struct late *l)
{
	memset(&l->h, 0, sizeof(l->h));
	host_login(l->c, &l->h, 7, 2 * (size_t)LEN);
	if (l->old.over)
		return;
	await_ready(l);
	if (l->sized)
		ask_capacity(l);
	memset(l->h.arena, 'o', LEN);
	memcpy(l->h.arena, "LATE-OLD", 8);
	cmd_rw(&l->old.cmd, true, 0, l->h.arena, LEN);
	l->old.cmd.done = on_old;
	l->old.cmd.ctx = &l->old;
	initiator_submit(l->h.ini, &l->old.cmd);
	say(l, "old");
	while (access(l->held, F_OK))
		reactor_poll(l->c->reactor, LOOK_MS);
	say(l, "held");
}

static void function(struct late *l, uint8_t which)
{
	static const uint8_t lun[8];

	l->answered = false;
	if (initiator_tmf(l->h.ini, UINT32_MAX, which, lun, which == SRP_TMF_ABORT_TASK ? &l->old.cmd : NULL, on_answer, l))
		fail("task management cannot be sent");
	client_wait(l->c, is_answered, l);
}

/* The gateway does not know: BUSY, never GOOD. */
static void await_busy(struct late *l)
{
	client_wait(l->c, old_is_over, l);
	if (l->old.cmd.code || l->old.cmd.status != 0x08)
		fail("the write of unknown fate: code %d, status %02x", l->old.cmd.code, l->old.cmd.status);
	say(l, "busy");
}

/* For longer than the gateway waits for what became of its commands. */
static void stay_away(struct late *l)
{
	uint64_t until_ns = reactor_clock_ns(l->c->reactor) + AWAY_MS * NS_PER_MS;

	while (reactor_clock_ns(l->c->reactor) < until_ns)
		reactor_poll(l->c->reactor, LOOK_MS);
}

/* The blocks behind it: nothing holds them. */
static void write_beside(struct late *l)
{
	struct wait_cmd w;

	memset(l->h.arena + LEN, 'b', LEN);
	cmd_rw(&w.cmd, true, LEN / 512, l->h.arena + LEN, LEN);
	host_do(&l->h, &w);
	say(l, "beside");
}

static void write_new(struct late *l)
{
	memset(l->h.arena + LEN, 'n', LEN);
	memcpy(l->h.arena + LEN, "LATE-NEW", 8);
	cmd_rw(&l->new.cmd, true, 0, l->h.arena + LEN, LEN);
	host_do(&l->h, &l->new);
	say(l, "new");
}

void client_late(struct client *c, const char *what, const char *held)
{
	struct late *l = calloc(1, sizeof(*l));

	if (!l)
		fail("no memory");
	l->c = c;
	l->held = held;
	l->sized = strcmp(what, "part") == 0;
	log_in(l);
	if (strcmp(what, "abort") == 0) {
		function(l, SRP_TMF_ABORT_TASK);
	} else if (strcmp(what, "again") == 0 || strcmp(what, "away") == 0) {
		host_close(&l->h, false);
		if (strcmp(what, "away") == 0)
			stay_away(l);
		l->old.over = true;
		log_in(l);
	} else if (strcmp(what, "lost") == 0) {
		await_busy(l);
	} else if (strcmp(what, "part") == 0) {
		await_busy(l);
		write_beside(l);
	} else if (strcmp(what, "reset") == 0 || strcmp(what, "set") == 0) {
		await_busy(l);
		await_ready(l);
		function(l, strcmp(what, "set") == 0 ? SRP_TMF_ABORT_TASK_SET : SRP_TMF_LUN_RESET);
	} else {
		fail("late %s: no such case", what);
	}
	write_new(l);
	host_end(&l->h);
	free(l);
}
