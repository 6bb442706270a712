/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cost of a 4 KiB read: one host, one channel, sixteen reads in flight, a back-end that answers at once. `read4k N` does N reads; run
 * under callgrind by tests/sim/callgrind, which takes the difference of two lengths.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#define DEPTH 16u

struct reader {
	struct initiator_cmd c;
	struct client *client;
	uint32_t *left, *done;
};

static void next(struct reader *r)
{
	if (!*r->left)
		return;
	--*r->left;
	initiator_submit(r->client->i, &r->c);
}

static void read_done(struct initiator_cmd *c)
{
	struct reader *r = c->ctx;

	if (c->code || c->status) {
		fprintf(stderr, "read4k: %d, status 0x%02x\n", c->code, c->status);
		exit(1);
	}
	++*r->done;
	next(r);
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000, left = n, done = 0;
	struct rig_params p = bench_params();
	struct reader r[DEPTH];
	struct bench b;
	struct client *c;

	p.n_reactors = 0;
	p.map.req_lim = 64;
	p.knobs = (struct sim_bridge_knobs){ .inside_ppm = 1000000 };
	p.delays = (struct sim_delays){ .none_pct = 100 };
	bench_make(&b, &p);
	c = client_make(&b, 0);
	if (client_login(c))
		return 1;
	for (uint32_t k = 0; k < DEPTH; k++) {
		r[k] = (struct reader){ .client = c, .left = &left, .done = &done };
		r[k].c = (struct initiator_cmd){ .dir = INITIATOR_READ, .buf = c->arena + k * 4096, .len_bytes = 4096, .n_frag = 1,
						 .done = read_done, .ctx = &r[k] };
		/* Without a number: the ledger does not count it. */
		r[k].c.cdb[0] = 0x28;
		r[k].c.cdb[8] = 8;
		next(&r[k]);
	}
	while (done < n)
		sim_run_for(b.rig.w, NS_PER_MS);
	client_free(c);
	bench_free(&b);
	return 0;
}
