/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks after the portals that are not in use, see lookout.h. */
#include "discover.h"
#include "probe.h"

#include <string.h>

#define PROBE_WITHIN_MS 2000u
#define TICK_LEAST_NS (1000 * NS_PER_MS)
#define TICK_MOST_NS (5000 * NS_PER_MS)

static struct portal_table *table_of(struct srpgw_bridge_path *path)
{
	return &path->target->portals;
}

static uint64_t now_of(const struct srpgw_bridge_path *path)
{
	return path->host->now_ns(path->reactor);
}

/* ---- probes ---- */

static void on_probed(void *arg, uint32_t slot, const char *address, const char *why)
{
	struct srpgw_bridge_path *path = arg;
	struct lookout *l = &path->lookout;

	l->probe[slot] = NULL;
	if (address)
		portals_answered(table_of(path), l->probed[slot], now_of(path));
	else
		portals_failed(table_of(path), l->probed[slot], PORTAL_UNREACHABLE, now_of(path), why);
}

/* Return: when to look again. */
static uint64_t probe_due(struct srpgw_bridge_path *path)
{
	struct lookout *l = &path->lookout;
	uint64_t in_ns = TICK_MOST_NS;

	for (uint32_t slot = 0; slot < LOOKOUT_PROBES; slot++) {
		struct portal p;
		int i;

		if (l->probe[slot])
			continue;
		i = portals_probe_due(table_of(path), now_of(path), &in_ns);
		if (i < 0)
			return in_ns;
		portals_get(table_of(path), (uint32_t)i, &p);
		l->probed[slot] = (uint32_t)i;
		if (probe_start(path->host, path->reactor, &p, PROBE_WITHIN_MS, on_probed, path, slot, &l->probe[slot])) {
			l->probe[slot] = NULL;
			portals_probe_dropped(table_of(path), (uint32_t)i);
			return TICK_MOST_NS;
		}
	}
	return TICK_LEAST_NS;
}

/* ---- SendTargets ---- */

static void on_found(void *arg, const char *target_name, const char *address, int32_t group)
{
	struct srpgw_bridge_path *path = arg;
	struct lookout *l = &path->lookout;
	struct portal p;

	if (strcmp(target_name, path->target->conf.target_name) != 0 || portal_parse(address, strlen(address), &p))
		return;
	l->n_told++;
	/* The way that we came, which may be listed by name. */
	if (!strcmp(address, path->address))
		portals_get(table_of(path), path->portal_index, &p);
	if (!portals_told(table_of(path), &p, group, now_of(path)))
		path->host->log(1, "%s: SendTargets names more than %u portals; %s is left out", target_name, MAX_PORTALS,
				address);
}

static void on_discovered(void *arg, int rc, const char *why)
{
	struct srpgw_bridge_path *path = arg;
	struct lookout *l = &path->lookout;

	l->discovery = NULL;
	if (rc)
		path->host->log(1, "%s: its portals were not told: %s", path->target->conf.target_name, why);
	else if (!l->n_told)
		path->host->log(1, "%s: SendTargets at %s does not name it; does the target's access list cover discovery?",
				path->target->conf.target_name, path->portal);
	portals_discovered(table_of(path), path->portal_index, !rc && l->n_told, now_of(path));
	lookout_begin(path);
}

static void discover_due(struct srpgw_bridge_path *path)
{
	struct lookout *l = &path->lookout;
	struct discovery_ask ask = {
		.host = path->host,
		.reactor = path->reactor,
		.conf = &path->target->conf,
		.initiator_name = path->initiator_name,
		.found = on_found,
		.done = on_discovered,
		.arg = path,
	};

	if (l->discovery || !portals_discovery_due(table_of(path), now_of(path)))
		return;
	l->n_told = 0;
	if (portal_parse(path->address, strlen(path->address), &ask.portal) || discovery_start(&ask, &l->discovery)) {
		l->discovery = NULL;
		portals_discovered(table_of(path), path->portal_index, false, now_of(path));
	}
}

/* ---- the round ---- */

static void on_tick(void *arg)
{
	struct srpgw_bridge_path *path = arg;
	struct lookout *l = &path->lookout;
	struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = SRPGW_PATH_MOVE };
	uint64_t in_ns;

	if (path->state != PATH_UP || path->failed || path->detached)
		return;
	discover_due(path);
	in_ns = probe_due(path);
	if (in_ns < TICK_LEAST_NS || path->target->conf.has_failback)
		in_ns = TICK_LEAST_NS;
	path->host->timer_arm(l->timer, in_ns < TICK_MOST_NS ? in_ns : TICK_MOST_NS);
	if (!l->moved && portals_better(table_of(path), path->portal_index, now_of(path)) >= 0) {
		l->moved = true;
		path->host->event(path->ctx, &ev);
	}
}

int lookout_init(struct srpgw_bridge_path *path)
{
	const struct conf *c = &path->target->conf;

	/* Its probes are TCP's. */
	if ((c->n_portal == 1 && !c->discover_portals) || path->target->transport->type != TCP_TRANSPORT)
		return 0;
	path->lookout.timer = path->host->timer_new(path->reactor, on_tick, path);
	return path->lookout.timer ? 0 : -1;
}

void lookout_begin(struct srpgw_bridge_path *path)
{
	if (path->lookout.timer)
		path->host->timer_arm(path->lookout.timer, 0);
}

void lookout_hurry(struct srpgw_bridge_path *path)
{
	if (!path->lookout.timer)
		return;
	portals_probe_soon(table_of(path), now_of(path));
	lookout_begin(path);
}

void lookout_end(struct srpgw_bridge_path *path)
{
	struct lookout *l = &path->lookout;

	if (l->timer)
		path->host->timer_cancel(l->timer);
	for (uint32_t slot = 0; slot < LOOKOUT_PROBES; slot++) {
		if (!l->probe[slot])
			continue;
		probe_cancel(l->probe[slot]);
		l->probe[slot] = NULL;
		portals_probe_dropped(table_of(path), l->probed[slot]);
	}
	if (!l->discovery)
		return;
	discovery_cancel(l->discovery);
	l->discovery = NULL;
	portals_discovered(table_of(path), path->portal_index, false, now_of(path));
	portals_discover_soon(table_of(path), now_of(path));
}

void lookout_free(struct srpgw_bridge_path *path)
{
	lookout_end(path);
	if (path->lookout.timer)
		path->host->timer_free(path->lookout.timer);
	path->lookout.timer = NULL;
}
