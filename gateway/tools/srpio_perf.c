/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * perf: commands per second, bytes per second, latency.
 * Layer: tools.
 */
#include "srpio_commands.h"
#include "srpio_io.h"
#include "srpio_progress.h"

#include <errno.h>
#include <stdio.h>

struct perf {
	bool write, random;
	uint64_t first_bytes, n_places, place; /* of bs_bytes each */
	uint64_t state;                        /* of the random numbers */
	uint64_t end_ns;
};

static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x;
}

static int next(struct srpio_io *io, struct srpio_slot *slot, struct err *e)
{
	struct perf *p = io->arg;

	(void)e;
	if (reactor_clock_ns(io->s->reactor) >= p->end_ns)
		return 0;
	if (p->random)
		p->place = next_random(&p->state) % p->n_places;
	else if (p->place == p->n_places)
		p->place = 0;
	slot->write = p->write;
	slot->offset_bytes = p->first_bytes + p->place * io->bs_bytes;
	slot->len_bytes = io->bs_bytes;
	if (!p->random)
		p->place++;
	return 1;
}

static int done(struct srpio_io *io, struct srpio_slot *slot, struct err *e)
{
	(void)io;
	(void)slot;
	(void)e;
	return 0;
}

static const char *rw_name(enum srpio_rw rw)
{
	static const char *const names[] = { "read", "write", "randread", "randwrite" };

	return names[rw];
}

static double us(uint64_t ns)
{
	return (double)ns / NS_PER_US;
}

static void report(const struct srpio_session *s, const struct srpio_io *io, uint64_t ns, json_t *out)
{
	static const double at[] = { 50, 90, 99, 99.9 };
	static const char *const key[] = { "p50_us", "p90_us", "p99_us", "p99_9_us" };
	const struct hist *h = &io->latency;
	double seconds = (double)ns / NS_PER_S, iops = seconds > 0 ? (double)io->n_done / seconds : 0;
	double mean_us = h->count ? us(h->sum_ns) / (double)h->count : 0;
	char rate[32], bs[32];

	if (out) {
		json_t *lat = json_object();

		json_object_set_new(out, "lun", json_integer(s->o->lun));
		json_object_set_new(out, "rw", json_string(rw_name(s->o->rw)));
		json_object_set_new(out, "bs_bytes", json_integer(io->bs_bytes));
		json_object_set_new(out, "depth", json_integer(io->depth));
		json_object_set_new(out, "seconds", json_real(seconds));
		json_object_set_new(out, "commands", json_integer((json_int_t)io->n_done));
		json_object_set_new(out, "repeated", json_integer((json_int_t)io->n_repeated));
		json_object_set_new(out, "iops", json_real(iops));
		json_object_set_new(out, "bytes_per_second", json_real(iops * io->bs_bytes));
		json_object_set_new(lat, "mean_us", json_real(mean_us));
		for (unsigned i = 0; i < sizeof(at) / sizeof(*at); i++)
			json_object_set_new(lat, key[i], json_real(us(hist_percentile_ns(h, at[i]))));
		json_object_set_new(lat, "max_us", json_real(us(h->max_ns)));
		json_object_set_new(out, "latency", lat);
		return;
	}
	srpio_bytes_text(iops * io->bs_bytes, rate, sizeof(rate));
	srpio_bytes_text(io->bs_bytes, bs, sizeof(bs));
	printf("%s, %s, depth %u, %.1f s: %.0f IOPS, %s/s\n", rw_name(s->o->rw), bs, io->depth, seconds, iops, rate);
	printf("latency us: mean %.1f", mean_us);
	for (unsigned i = 0; i < sizeof(at) / sizeof(*at); i++)
		printf(", p%g %.1f", at[i], us(hist_percentile_ns(h, at[i])));
	printf(", max %.1f\n", us(h->max_ns));
	if (io->n_repeated)
		printf("%llu commands had to be repeated\n", (unsigned long long)io->n_repeated);
}

int srpio_cmd_perf(struct srpio_session *s, json_t *out, struct err *e)
{
	const struct srpio_options *o = s->o;
	struct perf p = {
		.write = o->rw == SRPIO_RW_WRITE || o->rw == SRPIO_RW_RANDWRITE,
		.random = o->rw == SRPIO_RW_RANDREAD || o->rw == SRPIO_RW_RANDWRITE,
		.first_bytes = o->offset_bytes,
		.state = o->seed * 0x9e3779b97f4a7c15ull | 1,
	};
	struct srpio_io io = { .s = s, .next = next, .done = done, .arg = &p };
	uint64_t start_ns, length_bytes = 0;
	int rc;

	srpio_cmd_shape(o, &io.bs_bytes, &io.depth);
	rc = srpio_capacity(s, s->lun, &io.cap, e);
	if (!rc)
		rc = srpio_range(o, &io.cap, io.bs_bytes, &length_bytes, e);
	if (rc)
		return rc;
	p.n_places = length_bytes / io.bs_bytes;
	if (!p.n_places)
		return err_set(e, -EINVAL, "the range is smaller than --bs");
	start_ns = reactor_clock_ns(s->reactor);
	p.end_ns = start_ns + o->seconds * NS_PER_S;
	rc = srpio_io_run(&io, e);
	if (!rc)
		report(s, &io, reactor_clock_ns(s->reactor) - start_ns, out);
	return rc;
}
