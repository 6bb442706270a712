/* SPDX-License-Identifier: BSD-3-Clause */
/* Every way that data can travel, and more commands than credits; see client.c. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 65536, N_CMDS = 400, SMALL = 4096 };

static void fill(uint8_t *p, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

/* Writes and reads back @len bytes in @n_frag pieces. */
static void there_and_back(struct host *h, uint32_t len, uint32_t n_frag)
{
	uint8_t *out = h->arena, *in = h->arena + MOST;
	struct wait_cmd w;

	fill(out, len, len * 31 + n_frag);
	memset(in, 0, MOST);
	cmd_rw(&w.cmd, true, 8, out, len);
	w.cmd.n_frag = n_frag;
	host_do(h, &w);
	cmd_rw(&w.cmd, false, 8, in, len);
	w.cmd.n_frag = n_frag;
	host_do(h, &w);
	if (memcmp(out, in, len) != 0)
		fail("%u bytes in %u pieces came back as others", len, n_frag);
	for (uint32_t i = len; i < MOST; i++)
		if (in[i])
			fail("%u bytes in %u pieces: byte %u behind them was touched", len, n_frag, i);
}

void client_tables(struct client *c)
{
	static const uint32_t lens[] = { 512, 1024, 4096, 7680, 8192, 8704, 65536 };
	static const struct {
		const char *name;
		struct initiator_params p;
		uint32_t n_frag;
	} ways[] = {
		{ "direct", { .immediate_data = false }, 1 },
		{ "immediate", { .immediate_data = true }, 1 },
		{ "table in the IU", { .cmd_descs = 12 }, 8 },
		{ "table longer than the IU", { .cmd_descs = 4, .max_descs = 256 }, 100 },
		{ "external table", { .cmd_descs = 4, .max_descs = 256, .tables_external = true }, 64 },
		{ "immediate data or external table, keys of their own", {
			.immediate_data = true, .cmd_descs = 4, .max_descs = 256, .tables_external = true, .register_always = true },
		  64 },
	};
	uint32_t n = 0;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct host h = { .params = ways[i].p };

		host_login(c, &h, (uint32_t)i + 1, (size_t)2 * MOST);
		for (size_t j = 0; j < sizeof(lens) / sizeof(lens[0]); j++, n++)
			there_and_back(&h, lens[j], ways[i].n_frag);
		printf("%s\n", ways[i].name);
		host_end(&h);
	}
	printf("%u there and back\n", n);
}

/* ---- credits ---- */

static uint32_t n_over;

static void on_over(struct initiator_cmd *c)
{
	if (c->code || (c->status && !cmd_again(c)))
		fail("a command failed: code %d, status %02x", c->code, c->status);
	n_over++;
}

static bool all_over(const void *arg)
{
	struct initiator_info info;

	initiator_info(arg, &info);
	if (info.req_lim < 0)
		fail("the request limit went below zero: %d", info.req_lim);
	return n_over == N_CMDS;
}

static bool credits_are_back(const void *arg)
{
	struct initiator_info info;

	initiator_info(arg, &info);
	return info.req_lim == (int32_t)info.req_lim_initial;
}

void client_credits(struct client *c)
{
	struct initiator_cmd *cmd = calloc(N_CMDS, sizeof(*cmd));
	struct host h = { .params = { .queue_size = N_CMDS } };
	struct initiator_info info;

	if (!cmd)
		fail("no memory");
	host_login(c, &h, 1, (size_t)N_CMDS * SMALL);
	initiator_info(h.ini, &info);
	if (info.req_lim_initial >= N_CMDS)
		fail("the request limit, %u, is too high for this test", info.req_lim_initial);
	for (uint32_t i = 0; i < N_CMDS; i++) {
		cmd_rw(&cmd[i], i % 2, i, h.arena + (size_t)i * SMALL, SMALL);
		cmd[i].done = on_over;
		initiator_submit(h.ini, &cmd[i]);
	}
	initiator_info(h.ini, &info);
	printf("%u wait for credits\n", info.n_waiting);
	if (!info.n_waiting)
		fail("nobody waits for credits");
	client_wait(c, all_over, h.ini);
	client_wait(c, credits_are_back, h.ini);
	printf("%u done, request limit %u again\n", n_over, info.req_lim_initial);
	host_end(&h);
	free(cmd);
}
