/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The world: its clock, its chance, its reactors, and its book of violations.
 * Layer: fabric/sim. Knows base and rt.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* splitmix64: every seed gives a good sequence, also 0 and its neighbours. */
uint64_t rng_next(struct sim_rng *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint32_t rng_below(struct sim_rng *r, uint32_t n)
{
	return n ? (uint32_t)((rng_next(r) >> 32) * n >> 32) : 0;
}

bool rng_ppm(struct sim_rng *r, uint32_t ppm)
{
	return ppm && rng_below(r, 1000000) < ppm;
}

uint64_t sim_delay_ns(struct sim_end *end)
{
	const struct sim_delays *d = &end->link->w->p.delays;
	uint32_t roll = rng_below(&end->rng, 100);

	if (roll < d->none_pct)
		return 0;
	if (roll < d->none_pct + d->long_pct)
		return rng_next(&end->rng) % (d->long_ns + 1);
	return rng_next(&end->rng) % (d->short_ns + 1);
}

static uint64_t world_clock(void *arg)
{
	const struct sim_world *w = arg;

	return w->now_ns;
}

int sim_world_create(const struct sim_params *p, struct sim_world **out)
{
	struct sim_world *w = calloc(1, sizeof(*w));
	struct sim_delays *d;

	if (!w)
		return -ENOMEM;
	w->p = *p;
	d = &w->p.delays;
	if (p->threaded)
		*d = (struct sim_delays){ .none_pct = 100 };
	else if (!d->none_pct && !d->long_pct && !d->short_ns && !d->long_ns)
		*d = (struct sim_delays){ .none_pct = 60, .long_pct = 3, .short_ns = 20 * NS_PER_US, .long_ns = 2 * NS_PER_MS };
	w->rng.s = p->seed;
	w->now_ns = 1 * NS_PER_S; /* a timer's deadline may not be 0 */
	list_init(&w->listeners);
	list_init(&w->links);
	pthread_mutex_init(&w->lock, NULL);
	*out = w;
	return 0;
}

void sim_world_destroy(struct sim_world *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; i < w->n_reactor; i++)
		reactor_destroy(w->reactor[i]);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int sim_reactor_create(struct sim_world *w, const char *name, struct reactor **out)
{
	int rc;

	if (w->n_reactor == SIM_MAX_REACTORS)
		return -ENOSPC;
	rc = reactor_create(name, out);
	if (rc)
		return rc;
	if (!w->p.threaded)
		reactor_set_clock(*out, world_clock, w);
	w->reactor[w->n_reactor++] = *out;
	return 0;
}

/* Lets one reactor that has something to do go round once; which one is chance. Return: false when none has. */
static bool step(struct sim_world *w)
{
	struct reactor *ready[SIM_MAX_REACTORS];
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->n_reactor; i++)
		if (reactor_has_msgs(w->reactor[i]) || reactor_next_deadline_ns(w->reactor[i]) <= w->now_ns)
			ready[n++] = w->reactor[i];
	if (!n)
		return false;
	reactor_poll(ready[rng_below(&w->rng, n)], 0);
	return true;
}

static uint64_t next_deadline_ns(struct sim_world *w)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < w->n_reactor; i++) {
		uint64_t d = reactor_next_deadline_ns(w->reactor[i]);

		if (d < next)
			next = d;
	}
	return next;
}

bool sim_run_until(struct sim_world *w, bool (*cond)(void *arg), void *arg, uint64_t limit_ns)
{
	uint64_t end_ns = w->now_ns + limit_ns, next;

	for (;;) {
		if (cond && cond(arg))
			return true;
		if (step(w))
			continue;
		next = next_deadline_ns(w);
		if (next > end_ns) {
			/* Nothing left at all: let the clock stand, so that a failed run shows when it got stuck. */
			if (!cond || next != UINT64_MAX)
				w->now_ns = end_ns;
			return cond ? cond(arg) : false;
		}
		w->now_ns = next;
	}
}

bool sim_run_idle(struct sim_world *w, uint64_t idle_ns, uint64_t limit_ns)
{
	uint64_t end_ns = w->now_ns + limit_ns, next;

	for (;;) {
		if (step(w))
			continue;
		next = next_deadline_ns(w);
		if (next == UINT64_MAX || next - w->now_ns > idle_ns)
			return true;
		if (next > end_ns)
			return false;
		w->now_ns = next;
	}
}

void sim_run_for(struct sim_world *w, uint64_t ns)
{
	sim_run_until(w, NULL, NULL, ns);
}

uint64_t sim_now_ns(struct sim_world *w)
{
	return w->now_ns;
}

uint64_t sim_rand(struct sim_world *w)
{
	return rng_next(&w->rng);
}

uint32_t sim_rand_below(struct sim_world *w, uint32_t n)
{
	return rng_below(&w->rng, n);
}

bool sim_chance_ppm(struct sim_world *w, uint32_t ppm)
{
	return rng_ppm(&w->rng, ppm);
}

struct sim_faults *sim_faults(struct sim_world *w)
{
	return &w->faults;
}

static void PRINTF_LIKE(2, 0) format(char text[200], const char *fmt, va_list ap)
{
	vsnprintf(text, 200, fmt, ap);
}

void sim_violation(struct sim_world *w, struct fabric *f, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	format(text, fmt, ap);
	va_end(ap);
	log_debug("violation of %s: %s", f ? sim_of(f)->name : "world", text);
	w->violations++;
	if (f)
		sim_of(f)->violations++;
	pthread_mutex_lock(&w->lock);
	if (!w->first_violation[0])
		snprintf(w->first_violation, sizeof(w->first_violation), "%s: %s", f ? sim_of(f)->name : "world", text);
	pthread_mutex_unlock(&w->lock);
}

const char *sim_first_violation(struct sim_world *w)
{
	return w->first_violation;
}

void sim_stats(struct sim_world *w, struct sim_stats *out)
{
	*out = (struct sim_stats){
		.sends = w->sends,
		.writes = w->writes,
		.reads = w->reads,
		.write_bytes = w->write_bytes,
		.read_bytes = w->read_bytes,
		.rnr = w->rnr,
		.breaks = w->breaks,
		.flushed = w->flushed,
		.eagain = w->eagain,
		.violations = w->violations,
		.n_links = w->n_links,
		.n_rx_held = w->n_rx_held,
		.n_regions = w->n_regions,
		.n_exposures = w->n_exposures,
	};
}
