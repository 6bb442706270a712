/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gateway on the bench, see rig.h.
 */
#include "rig.h"

#include "../../gateway/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int rc, const char *what, const struct err *e)
{
	if (!rc)
		return;
	fprintf(stderr, "rig: %s: %s (%s)\n", what, strerror(-rc), e ? e->cause : "");
	abort();
}

static void host_log(int level, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void host_log(int level, const char *fmt, ...)
{
	va_list ap;

	if (!log_enabled((enum log_level)level))
		return;
	va_start(ap, fmt);
	log_vline(NULL, (enum log_level)level, fmt, ap);
	va_end(ap);
}

/* ---- configuration ---- */

void rig_t_port_id(uint32_t n, uint8_t id[SRP_PORT_ID_LEN])
{
	memset(id, 0, SRP_PORT_ID_LEN);
	id[7] = (uint8_t)(n + 1);
	id[8] = 2;
	id[15] = (uint8_t)(n + 1);
}

struct fabric_addr rig_addr(void)
{
	return sim_addr(1, 5555);
}

uint32_t rig_n_luns(const struct rig *r)
{
	return r->p.n_backends * r->p.disks_per_backend;
}

static void map_release(struct map *m)
{
	struct rig *r = m->owner;

	r->n_released++;
	for (size_t t = 0; t < m->n_target; t++) {
		free(m->target[t].group->all_gate[0]);
		free(m->target[t].group->all_gate);
		free(m->target[t].group->pattern);
		free(m->target[t].group->lun);
		free(m->target[t].group);
	}
	free(m->target);
	free(m->backend);
	free(m);
}

static void *zalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		abort();
	return p;
}

static struct map *map_make(struct rig *r, uint32_t n_luns)
{
	static char name[] = "all", everybody[] = "*", gateway[] = "sim", target[] = "target";
	struct map *m = zalloc(1, sizeof(*m));

	*m = r->p.map;
	m->gateway_name = gateway;
	m->owner = r;
	m->release = map_release;
	m->n_backend = r->p.n_backends;
	m->backend = zalloc(m->n_backend, sizeof(*m->backend));
	for (size_t k = 0; k < m->n_backend; k++)
		m->backend[k] = r->backend[k];
	m->n_target = r->p.n_targets;
	m->target = zalloc(m->n_target, sizeof(*m->target));
	for (uint32_t t = 0; t < m->n_target; t++) {
		struct target_conf *tc = &m->target[t];
		struct initiator_group *g = zalloc(1, sizeof(*g));
		struct gate *gates;

		rig_t_port_id(t, tc->t_port_id);
		tc->name = target;
		tc->group = g;
		tc->n_group = 1;
		g->name = name;
		g->pattern = zalloc(1, sizeof(*g->pattern));
		g->pattern->any = true;
		g->pattern->text = everybody;
		g->n_pattern = 1;
		g->n_lun = n_luns;
		g->lun = zalloc(n_luns ? n_luns : 1, sizeof(*g->lun));
		g->iops = r->p.host_iops;
		g->bytes_per_second = r->p.host_bytes_per_second;
		g->all_gate = zalloc(1, sizeof(struct gate *)); /* keeps the LUNs' gates, there is no back-end with all */
		g->all_gate[0] = gates = zalloc(n_luns ? n_luns : 1, sizeof(*gates));
		for (uint32_t n = 0; n < n_luns; n++) {
			g->lun[n].lun[1] = (uint8_t)n;
			g->lun[n].backend_lun[1] = (uint8_t)(n / r->p.n_backends);
			g->lun[n].backend = r->backend[n % r->p.n_backends];
			/* A LUN without limits has none. */
			if (r->p.lun_depth || r->p.lun_iops || r->p.lun_bytes_per_second)
				g->lun[n].gate = &gates[n];
			gates[n].depth = r->p.lun_depth;
			gates[n].rate[GATE_IOPS] = r->p.lun_iops;
			gates[n].rate[GATE_BYTES] = r->p.lun_bytes_per_second;
		}
	}
	return m;
}

static void on_applied(void *arg)
{
	((struct rig *)arg)->applied = true;
}

static bool is_applied(void *arg)
{
	return ((struct rig *)arg)->applied;
}

static void set_policy(const struct rig *r, struct backend *b)
{
	b->gate.depth = r->p.backend_depth;
	b->max_inflight_bytes = r->p.max_inflight_bytes;
}

void rig_apply(struct rig *r, uint32_t n_luns)
{
	r->applied = false;
	for (uint32_t k = 0; k < r->p.n_backends; k++)
		set_policy(r, r->backend[k]);
	core_apply(r->core, map_make(r, n_luns), on_applied, r);
	if (!sim_run_until(r->w, is_applied, r, 10 * NS_PER_S))
		must(-1, "core_apply() did not finish", NULL);
}

static void set_defaults(struct rig_params *p)
{
	if (!p->n_backends)
		p->n_backends = 1;
	if (!p->disks_per_backend)
		p->disks_per_backend = 2;
	if (!p->n_targets)
		p->n_targets = 1;
	if (!p->hold_ms)
		p->hold_ms = 1000;
	if (!p->retry_ms)
		p->retry_ms = 50;
	if (!p->max_detached)
		p->max_detached = 16;
	if (!p->n_spare_rx)
		p->n_spare_rx = 16;
}

static void make_backends(struct rig *r)
{
	static char uri[] = "sim:";
	struct err e = ERR_INIT;

	must(core_check_bridge(r->core, &sim_bridge, &e), "core_check_bridge", &e);
	for (uint32_t k = 0; k < r->p.n_backends; k++) {
		struct backend *b = zalloc(1, sizeof(*b));
		char name[16];

		snprintf(name, sizeof(name), "disk%u", k);
		r->knobs[k] = r->p.knobs;
		*b = (struct backend){
			.name = strdup(name),
			.uri = uri,
			.bridge = &sim_bridge,
			.limits = { .struct_size = sizeof(struct srpgw_limits) },
			.hold_ms = r->p.hold_ms,
			.retry_ms = r->p.retry_ms,
			.retry_max_ms = r->p.retry_ms * 8,
			.fence_ms = r->p.fence_ms,
			.max_detached = r->p.max_detached,
			.number = k + 1,
		};
		b->target = sim_backend_create(&r->host, r->ledger, r->p.seed * 31 + k, k * r->p.disks_per_backend,
					       r->p.disks_per_backend, &r->knobs[k]);
		sim_bridge.limits(b->target, &b->limits);
		set_policy(r, b);
		r->backend[k] = b;
	}
}

/* Core keeps some blocks of its pools for itself: what is free now must be free at the end. */
static void take_baseline(struct rig *r)
{
	const struct core_status *st;

	rig_apply(r, rig_n_luns(r));
	st = rig_status(r);
	for (size_t k = 0; k < st->n_reactor && k < RIG_MAX_REACTORS; k++)
		r->pool_free_bytes[k] = st->reactor[k].pool_free_bytes;
}

void rig_make(struct rig *r, const struct rig_params *params)
{
	struct sim_params sp = { .seed = params->seed, .threaded = params->threaded, .delays = params->delays };
	struct fabric_addr addr = rig_addr();
	struct core_params cp;
	struct err e = ERR_INIT;

	memset(r, 0, sizeof(*r));
	r->p = *params;
	set_defaults(&r->p);
	must(sim_world_create(&sp, &r->w), "sim_world_create", NULL);
	must(sim_reactor_create(r->w, "control", &r->control), "reactor", NULL);
	for (uint32_t k = 0; k < r->p.n_reactors; k++)
		must(sim_reactor_create(r->w, "data", &r->data[k]), "reactor", NULL);
	if (!r->p.n_reactors)
		r->data[0] = r->control;
	must(sim_fabric_create(r->w, "gateway", r->control, &r->p.limits, r->p.n_spare_rx, &r->gw), "fabric", NULL);
	if (r->p.native)
		sim_fabric_native(r->gw);
	r->ledger = ledger_create();
	cp = r->p.core;
	cp.control = r->control;
	cp.reactor = r->data;
	cp.n_reactor = r->p.n_reactors ? r->p.n_reactors : 1;
	must(core_create(&cp, &r->core, &e), "core_create", &e);
	r->n_region = core_regions(r->core, r->region, RIG_MAX_REACTORS);
	for (size_t k = 0; k < r->n_region; k++)
		must(r->gw->ops->mem_add(r->gw, r->region[k]), "mem_add", NULL);
	r->host.struct_size = sizeof(r->host);
	core_host_services(r->core, &r->host);
	r->host.log = host_log;
	make_backends(r);
	if (!r->p.threaded)
		take_baseline(r);
	else
		core_apply(r->core, map_make(r, rig_n_luns(r)), on_applied, r);
	must(r->gw->ops->listen(r->gw, &addr, &core_listen_cbs, r->core, &r->listener, &e), "listen", &e);
}

/* ---- status and end ---- */

static void on_status(void *arg, struct core_status *st)
{
	struct rig *r = arg;

	r->status = st;
	r->have_status = true;
}

static bool has_status(void *arg)
{
	return ((struct rig *)arg)->have_status;
}

const struct core_status *rig_status(struct rig *r)
{
	core_status_free(r->status);
	r->status = NULL;
	r->have_status = false;
	must(core_status_get(r->core, on_status, r), "core_status_get", NULL);
	if (!sim_run_until(r->w, has_status, r, 10 * NS_PER_S))
		must(-1, "core_status_get() did not finish", NULL);
	return r->status;
}

static void on_drained(void *arg)
{
	((struct rig *)arg)->drained = true;
}

static bool is_drained(void *arg)
{
	return ((struct rig *)arg)->drained;
}

static char wrong[400];

/* What the status says when nobody is logged in and nothing lingers. */
static const char *check_gauges(const struct core_status *st, const uint64_t *free_bytes)
{
	for (size_t k = 0; k < st->n_reactor; k++) {
		const struct reactor_status *s = &st->reactor[k];

		for (int t = 0; t < TASK_N_STATES; t++) {
			if (t == TASK_FREE || !s->task_states[t])
				continue;
			snprintf(wrong, sizeof(wrong), "%u tasks are left in %s", s->task_states[t], task_state_name((enum task_state)t));
			return wrong;
		}
		if (s->n_sessions || s->n_channels) {
			snprintf(wrong, sizeof(wrong), "%u sessions and %u channels are left", s->n_sessions, s->n_channels);
			return wrong;
		}
		if (s->pool_free_bytes != free_bytes[k]) {
			snprintf(wrong, sizeof(wrong), "%llu bytes of the pool are free, at the start it was %llu",
				 (unsigned long long)s->pool_free_bytes, (unsigned long long)free_bytes[k]);
			return wrong;
		}
	}
	return NULL;
}

const char *rig_check_idle(struct rig *r)
{
	struct sim_stats st;
	struct sim_backend_stats bs;
	const char *bad = NULL;

	sim_stats(r->w, &st);
	if (st.violations) {
		snprintf(wrong, sizeof(wrong), "%llu violations, the first: %s", (unsigned long long)st.violations,
			 sim_first_violation(r->w));
		return wrong;
	}
	if (ledger_breaches(r->ledger)) {
		snprintf(wrong, sizeof(wrong), "%llu breaches, the first: %s", (unsigned long long)ledger_breaches(r->ledger),
			 ledger_first_breach(r->ledger));
		return wrong;
	}
	if (st.n_links || st.n_rx_held || st.n_exposures) {
		snprintf(wrong, sizeof(wrong), "%u connections, %u receive buffers, %u exposures are left", st.n_links, st.n_rx_held,
			 st.n_exposures);
		return wrong;
	}
	for (uint32_t k = 0; k < r->p.n_backends; k++) {
		sim_backend_stats(r->backend[k]->target, &bs);
		if (!bs.n_paths && !bs.n_ios && !bs.n_tmfs)
			continue;
		snprintf(wrong, sizeof(wrong), "back-end %u still has %u paths, %u commands, %u task management functions", k, bs.n_paths,
			 bs.n_ios, bs.n_tmfs);
		bad = wrong;
	}
	return bad;
}

void rig_free(struct rig *r)
{
	core_status_free(r->status);
	core_destroy(r->core);
	for (uint32_t k = 0; k < r->p.n_backends; k++) {
		sim_bridge.close(r->backend[k]->target);
		free(r->backend[k]->name);
		free(r->backend[k]);
	}
	r->gw->ops->destroy(r->gw);
	sim_world_destroy(r->w);
	ledger_free(r->ledger);
	memset(r, 0, sizeof(*r));
}

const char *rig_finish(struct rig *r, uint32_t drain_timeout_ms)
{
	const char *bad = NULL;
	uint64_t limit_ns = (drain_timeout_ms + 1000ull) * NS_PER_MS;

	r->gw->ops->unlisten(r->listener);
	core_drain(r->core, drain_timeout_ms, on_drained, r);
	if (!sim_run_until(r->w, is_drained, r, limit_ns))
		bad = "core_drain() did not finish";
	sim_run_idle(r->w, 1 * NS_PER_S, 30 * NS_PER_S);
	if (!bad)
		bad = check_gauges(rig_status(r), r->pool_free_bytes);
	if (!bad)
		bad = rig_check_idle(r);
	if (!bad) {
		for (size_t k = 0; k < r->n_region; k++)
			r->gw->ops->mem_del(r->gw, r->region[k]);
		rig_free(r);
	}
	return bad;
}
