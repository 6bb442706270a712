/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One random run: chooses sizes, limits and troubles by the seed, lets the hosts work, calms everything down, and checks that all is
 * answered, paid back and given back.
 */
#include "run.h"

#include "villain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HOSTS 3u

struct run {
	struct rig rig;
	uint64_t rng;
	struct host *host[MAX_HOSTS];
	struct reactor *host_reactor[MAX_HOSTS];
	uint32_t n_hosts;
	struct villain *villain; /* or NULL */
	uint32_t disk[RIG_MAX_LUNS];
	char wrong[1500];
};

static uint64_t rnd(struct run *r)
{
	uint64_t z = r->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint32_t below(struct run *r, uint32_t n)
{
	return n ? (uint32_t)((rnd(r) >> 32) * n >> 32) : 0;
}

static uint32_t between(struct run *r, uint32_t lo, uint32_t hi)
{
	return lo + below(r, hi - lo + 1);
}

static bool one_in(struct run *r, uint32_t n)
{
	return below(r, n) == 0;
}

static struct fabric_limits choose_limits(struct run *r)
{
	/* One in four as iWARP has them: one segment per READ. */
	bool iwarp = one_in(r, 4);

	return (struct fabric_limits){
		.sq_depth = one_in(r, 3) ? between(r, 16, 40) : between(r, 64, 512),
		.max_send_seg = 2,
		.max_write_seg = iwarp ? between(r, 1, 3) : between(r, 1, 16),
		.max_read_seg = iwarp ? 1 : between(r, 1, 16),
		.max_wr_bytes = one_in(r, 3) ? between(r, 1, 8) * 4096 : 1u << 30,
		.max_reads = between(r, 1, 4),
		.max_recv = between(r, 24, 128),
		.rx_bytes = 16384,
	};
}

static void choose_knobs(struct run *r, struct sim_bridge_knobs *k)
{
	*k = (struct sim_bridge_knobs){
		.delay_ns = between(r, 0, 400) * NS_PER_US,
		.long_ppm = one_in(r, 2) ? 20000 : 0,
		.inside_ppm = one_in(r, 3) ? 300000 : 0,
		.detach_ns = between(r, 0, 300) * NS_PER_MS,
		.max_outstanding = one_in(r, 2) ? between(r, 1, 32) : 0,
		.max_transfer_bytes = one_in(r, 8) ? 128 << 10 : 0,
	};
	if (one_in(r, 3))
		return; /* a back-end without fault */
	k->lost_ppm = one_in(r, 2) ? between(r, 0, 30000) : 0;
	k->busy_ppm = one_in(r, 2) ? 20000 : 0;
	k->check_ppm = one_in(r, 2) ? 20000 : 0;
	k->full_ppm = one_in(r, 3) ? 20000 : 0;
	k->short_ppm = one_in(r, 2) ? 100000 : 0;
	k->down_ppm = one_in(r, 2) ? between(r, 0, 40000) : 0;
	k->attach_fail_ppm = one_in(r, 4) ? 200000 : 0;
	k->attach_down_ppm = one_in(r, 4) ? 200000 : 0;
	k->tmf_lost_ppm = one_in(r, 2) ? between(r, 0, 300000) : 0;
	k->tmf_fail_ppm = one_in(r, 2) ? between(r, 0, 300000) : 0;
	k->late_ppm = one_in(r, 4) ? 0 : 700000;
}

static void choose_rig(struct run *r, uint64_t seed, struct rig_params *p)
{
	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->n_reactors = below(r, 3);
	p->n_backends = between(r, 1, 2);
	p->disks_per_backend = between(r, 1, 3);
	p->n_targets = between(r, 1, 2);
	p->core.pool_bytes = (one_in(r, 2) ? 4u : 16u) << 20;
	p->core.max_tasks = one_in(r, 3) ? between(r, 24, 64) : 512;
	p->core.max_ios = one_in(r, 3) ? between(r, 8, 32) : 256;
	p->hold_ms = between(r, 100, 3000);
	p->retry_ms = between(r, 5, 100);
	p->fence_ms = one_in(r, 4) ? 0 : between(r, 10, 1500);
	p->max_detached = between(r, 1, 16);
	p->limits = choose_limits(r);
	p->n_spare_rx = between(r, 0, 32);
	p->delays = (struct sim_delays){ .none_pct = between(r, 20, 90), .long_pct = between(r, 0, 5), .short_ns = 20 * NS_PER_US,
					 .long_ns = between(r, 1, 20) * NS_PER_MS };
	p->map.req_lim = between(r, 4, p->limits.max_recv - 8);
	p->map.immediate_data = below(r, 4);
	p->map.nexus_linger_ms = one_in(r, 3) ? between(r, 1, 2000) : 0;
	p->map.tmf_answer_ms = one_in(r, 2) ? between(r, 50, 2500) : 0;
	p->map.allow_address_move = one_in(r, 2);
	choose_knobs(r, &p->knobs);
	p->knobs.late_ns = p->fence_ms * NS_PER_MS * 9 / 10;
	if (!p->fence_ms)
		p->knobs.late_ppm = 0;
}

/* Depths and caps, in every third run. From a stream of its own: the others stay what they were. */
static void choose_caps(uint64_t seed, struct rig_params *p)
{
	struct run own = { .rng = seed ^ 0x6c62272e07bb0142ull };
	struct run *r = &own;

	if (!one_in(r, 3))
		return;
	p->backend_depth = one_in(r, 2) ? between(r, 1, 12) : 0;
	p->lun_depth = one_in(r, 2) ? between(r, 1, 8) : 0;
	p->lun_iops = one_in(r, 3) ? between(r, 200, 20000) : 0;
	p->lun_bytes_per_second = one_in(r, 4) ? between(r, 10, 100) * 1000000ull : 0;
	p->host_iops = one_in(r, 3) ? between(r, 200, 20000) : 0;
	p->host_bytes_per_second = one_in(r, 4) ? between(r, 10, 100) * 1000000ull : 0;
	p->max_inflight_bytes = one_in(r, 2) ? between(r, 1, 1u << 20) : 0;
	p->knobs.room = one_in(r, 2) ? between(r, 1, 16) : 0;
}

static void choose_host(struct run *r, uint32_t n, struct host_params *p)
{
	bool calm = one_in(r, 3);

	*p = (struct host_params){
		.w = r->rig.w,
		.ledger = r->rig.ledger,
		.reactor = r->host_reactor[n],
		.seed = rnd(r),
		.number = n,
		.n_luns = rig_n_luns(&r->rig),
		.disk = r->disk,
		.n_targets = r->rig.p.n_targets,
		.n_channels = between(r, 1, 4),
		.queue_size = between(r, 2, 64),
		.cmd_descs = between(r, 1, 20),
		.depth = between(r, 1, 24),
		.max_bytes = one_in(r, 4) ? (1u << 20) + 4096 : 256u << 10,
		.max_cmds = between(r, 20, 120),
		.req_it_iu_len = one_in(r, 4) ? between(r, 84, 2000) : 8260,
		.immediate_data = below(r, 4),
		.tables_external = one_in(r, 4),
		.login_flags = (uint8_t)(below(r, 8) << 4),
		.sol_not = (uint8_t)(below(r, 4) << 1),
		.attr_ppm = one_in(r, 4) ? 0 : one_in(r, 3) ? between(r, 100000, 1000000) : between(r, 0, 200000),
		.abort_ppm = calm ? 0 : between(r, 0, 200000),
		.reset_ppm = calm ? 0 : between(r, 0, 50000),
		.drop_ppm = calm || one_in(r, 2) ? 0 : 20000,
		.logout_ppm = calm || one_in(r, 2) ? 0 : 20000,
		.evict_ppm = calm || one_in(r, 2) ? 0 : 20000,
		.tick_ns = between(r, 50, 3000) * NS_PER_US,
		.timeout_ns = between(r, 1, 5) * NS_PER_S,
		.limits = { .max_reads = between(r, 1, 4) },
	};
	p->both_revisions = one_in(r, 4);
	if (p->req_it_iu_len < 256)
		p->cmd_descs = 1;
}

/* ---- conditions ---- */

static bool all_done(void *arg)
{
	const struct run *r = arg;

	for (uint32_t k = 0; k < r->n_hosts; k++)
		if (!host_is_done(r->host[k]))
			return false;
	return true;
}

static bool all_idle(void *arg)
{
	const struct run *r = arg;

	for (uint32_t k = 0; k < r->n_hosts; k++)
		if (!host_is_idle(r->host[k]))
			return false;
	return true;
}

static bool all_probed(void *arg)
{
	const struct run *r = arg;

	for (uint32_t k = 0; k < r->n_hosts; k++)
		if (!host_is_probed(r->host[k]))
			return false;
	return true;
}

static bool all_out(void *arg)
{
	const struct run *r = arg;

	for (uint32_t k = 0; k < r->n_hosts; k++)
		if (!host_is_out(r->host[k]))
			return false;
	return !r->villain || villain_is_out(r->villain);
}

static const char *stuck(struct run *r, const char *where)
{
	int n = snprintf(r->wrong, sizeof(r->wrong), "stuck in %s at %llu ms:", where,
			 (unsigned long long)(sim_now_ns(r->rig.w) / NS_PER_MS));
	char text[500];

	for (uint32_t k = 0; k < r->n_hosts; k++) {
		host_describe(r->host[k], text, sizeof(text));
		n += snprintf(r->wrong + n, sizeof(r->wrong) - (size_t)n, " %s", text);
		if ((size_t)n >= sizeof(r->wrong))
			break;
	}
	return r->wrong;
}

/* No more faults: whatever is under way must come to its end now. */
static void calm_down(struct run *r)
{
	*sim_faults(r->rig.w) = (struct sim_faults){ 0 };
	for (uint32_t k = 0; k < r->rig.p.n_backends; k++) {
		struct sim_bridge_knobs *knobs = &r->rig.knobs[k];

		knobs->lost_ppm = knobs->down_ppm = knobs->attach_fail_ppm = knobs->attach_down_ppm = knobs->tmf_lost_ppm = 0;
		knobs->stuck = false;
	}
}

static void trouble(struct run *r)
{
	struct sim_faults *f = sim_faults(r->rig.w);

	if (one_in(r, 2))
		return;
	f->break_ppm = one_in(r, 2) ? between(r, 0, 4000) : 0;
	f->refuse_accept_ppm = one_in(r, 4) ? 100000 : 0;
	f->refuse_expose_ppm = one_in(r, 8) ? 10000 : 0;
	f->lost_login_ppm = one_in(r, 8) ? 50000 : 0;
}

/* Between, sometimes: a smaller and then again the whole LUN map. */
static void change_map(struct run *r)
{
	sim_run_for(r->rig.w, below(r, 20) * NS_PER_MS);
	rig_apply(&r->rig, below(r, rig_n_luns(&r->rig)));
	sim_run_for(r->rig.w, below(r, 20) * NS_PER_MS);
	rig_apply(&r->rig, rig_n_luns(&r->rig));
}

static const char *work(struct run *r)
{
	struct sim_world *w = r->rig.w;
	bool map_changes = one_in(r, 6);

	trouble(r);
	if (map_changes)
		trace("the LUN map changes in this run");
	ledger_allow_asc(r->rig.ledger, 0x29); /* nexus loss */
	ledger_allow_asc(r->rig.ledger, 0x04); /* not ready, of what only asks */
	ledger_allow_asc(r->rig.ledger, 0x24); /* larger than the gateway or the back-end takes */
	if (map_changes) {
		ledger_allow_asc(r->rig.ledger, 0x25);
		ledger_allow_asc(r->rig.ledger, 0x3f);
	}
	for (uint32_t k = 0; k < r->n_hosts; k++)
		host_start(r->host[k]);
	if (r->villain)
		villain_start(r->villain);
	if (map_changes)
		change_map(r);
	/* A stuck back-end makes slow runs: after a while the rest is not sent. */
	sim_run_until(w, all_done, r, 30 * NS_PER_S);
	for (uint32_t k = 0; k < r->n_hosts; k++)
		host_stop(r->host[k]);
	if (r->villain)
		villain_stop(r->villain);
	calm_down(r);
	if (!sim_run_until(w, all_idle, r, 60 * NS_PER_S))
		return stuck(r, "the end of the commands");
	for (uint32_t k = 0; k < r->n_hosts; k++)
		host_probe(r->host[k]);
	if (!sim_run_until(w, all_probed, r, 60 * NS_PER_S))
		return stuck(r, "the recovery of the logical units");
	sim_run_for(w, 500 * NS_PER_MS);
	for (uint32_t k = 0; k < r->n_hosts; k++)
		host_check_credits(r->host[k]);
	for (uint32_t k = 0; k < r->n_hosts; k++)
		host_logout(r->host[k]);
	if (!sim_run_until(w, all_out, r, 20 * NS_PER_S))
		return stuck(r, "the logouts");
	return NULL;
}

static void add_totals(struct run *r, struct run_totals *t)
{
	struct ledger_stats ls;
	struct sim_stats ss;

	ledger_stats(r->rig.ledger, &ls);
	sim_stats(r->rig.w, &ss);
	/* Plain counters, all of the same type. */
	for (size_t k = 0; k < sizeof(ls) / sizeof(uint64_t); k++)
		((uint64_t *)&t->ledger)[k] += ((const uint64_t *)&ls)[k];
	for (uint32_t h = 0; h < r->n_hosts; h++) {
		struct host_stats hs;

		host_stats(r->host[h], &hs);
		for (size_t k = 0; k < sizeof(hs) / sizeof(uint64_t); k++)
			((uint64_t *)&t->host)[k] += ((const uint64_t *)&hs)[k];
	}
	t->sim.rnr += ss.rnr;
	t->sim.breaks += ss.breaks;
	t->sim.flushed += ss.flushed;
	t->sim.eagain += ss.eagain;
	t->sim.writes += ss.writes;
	t->sim.reads += ss.reads;
	t->sim.sends += ss.sends;
}

const char *run_seed(uint64_t seed, bool verbose, struct run_totals *totals)
{
	static struct run r;
	struct rig_params p;
	struct host_params hp;
	const char *bad;

	memset(&r, 0, sizeof(r));
	r.rng = seed * 0xd1342543de82ef95ull + 1;
	choose_rig(&r, seed, &p);
	choose_caps(seed, &p);
	trace("fence %u ms, hold %u ms, late %u ppm, down %u ppm, lost %u ppm, lost functions %u ppm", p.fence_ms, p.hold_ms,
	      p.knobs.late_ppm, p.knobs.down_ppm, p.knobs.lost_ppm, p.knobs.tmf_lost_ppm);
	rig_make(&r.rig, &p);
	for (uint32_t k = 0; k < rig_n_luns(&r.rig); k++)
		r.disk[k] = k % r.rig.p.n_backends * r.rig.p.disks_per_backend + k / r.rig.p.n_backends;
	r.n_hosts = between(&r, 1, MAX_HOSTS);
	for (uint32_t k = 0; k < r.n_hosts; k++) {
		if (k == 0 || one_in(&r, 2)) {
			if (sim_reactor_create(r.rig.w, "host", &r.host_reactor[k]))
				abort();
		} else {
			r.host_reactor[k] = r.host_reactor[k - 1];
		}
		choose_host(&r, k, &hp);
		r.host[k] = host_create(&hp);
	}
	if (one_in(&r, 3))
		r.villain = villain_create(r.rig.w, r.host_reactor[0], rnd(&r), 9);
	bad = work(&r);
	add_totals(&r, totals);
	if (verbose)
		printf("seed %llu: %u reactors, %u hosts, %u LUNs, pool %llu KiB, %llu commands, %llu ms virtual\n",
		       (unsigned long long)seed, p.n_reactors, r.n_hosts, rig_n_luns(&r.rig),
		       (unsigned long long)p.core.pool_bytes >> 10, (unsigned long long)totals->host.cmds,
		       (unsigned long long)(sim_now_ns(r.rig.w) / NS_PER_MS));
	if (bad)
		return bad;
	/* Hosts before the rig: their fabrics live in its world. */
	sim_run_idle(r.rig.w, 100 * NS_PER_MS, 10 * NS_PER_S);
	for (uint32_t k = 0; k < r.n_hosts; k++)
		host_free(r.host[k]);
	if (r.villain)
		villain_free(r.villain);
	return rig_finish(&r.rig, 10000);
}
