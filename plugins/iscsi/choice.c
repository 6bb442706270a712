/* SPDX-License-Identifier: BSD-3-Clause */
/* Which portal an attach logs in through, see choice.h. */
#include "probe.h"

#include <stdio.h>
#include <string.h>

#define STAGGER_MS 150u
/* Who has not answered by then when another wins is taken for dead. */
#define SLOW_MS 1000u
#define ROUNDS_IN_LOGIN_TIMEOUTS 3ull

static struct portal_table *table_of(struct srpgw_bridge_path *path)
{
	return &path->target->portals;
}

static uint64_t now_of(const struct srpgw_bridge_path *path)
{
	return path->host->now_ns(path->reactor);
}

static void start_next(struct srpgw_bridge_path *path);

static void on_stagger(void *arg)
{
	start_next(arg);
}

int choice_init(struct srpgw_bridge_path *path)
{
	struct choice *c = &path->choice;

	c->stagger = path->host->timer_new(path->reactor, on_stagger, path);
	c->all_permanent = true;
	c->until_ns = now_of(path) + ROUNDS_IN_LOGIN_TIMEOUTS * path->target->conf.login_timeout_ms * NS_PER_MS;
	return c->stagger ? 0 : -1;
}

void choice_free(struct srpgw_bridge_path *path)
{
	choice_stop(path);
	if (path->choice.stagger)
		path->host->timer_free(path->choice.stagger);
	path->choice.stagger = NULL;
}

void choice_stop(struct srpgw_bridge_path *path)
{
	struct choice *c = &path->choice;

	if (c->stagger)
		path->host->timer_cancel(c->stagger);
	for (uint32_t i = 0; i < MAX_PORTALS && c->n_probes; i++) {
		if (!c->probe[i])
			continue;
		probe_cancel(c->probe[i]);
		c->probe[i] = NULL;
		c->n_probes--;
	}
}

/* What is worth telling: that a login failed says more than that a portal is dead. */
static void note(struct choice *c, const char *why, bool of_login, bool permanent)
{
	c->all_permanent &= permanent;
	if (c->why[0] && (c->why_of_login || !of_login))
		return;
	c->why_of_login = of_login;
	snprintf(c->why, sizeof(c->why), "%s", why);
}

/* All were tried: what people read is about all of them. */
static void tell_all(struct srpgw_bridge_path *path)
{
	struct choice *c = &path->choice;
	int n = __builtin_popcountll(c->tried);

	path->permanent = c->all_permanent;
	if (n > 1)
		snprintf(path->why, sizeof(path->why), "none of %d portals serves: %.300s", n, c->why);
}

static void lost_all(struct srpgw_bridge_path *path)
{
	choice_stop(path);
	path_fail(path, false, "%s", path->choice.why);
	tell_all(path);
}

/* ---- a race ---- */

static void on_probed(void *arg, uint32_t i, const char *address, const char *why)
{
	struct srpgw_bridge_path *path = arg;
	struct choice *c = &path->choice;

	c->probe[i] = NULL;
	c->n_probes--;
	path->inside++;
	if (!address) {
		portals_failed(table_of(path), i, PORTAL_UNREACHABLE, now_of(path), why);
		c->tried |= 1ull << i;
		note(c, why, false, false);
		start_next(path);
	} else {
		portals_answered(table_of(path), i, now_of(path));
		for (uint32_t k = 0; k < MAX_PORTALS; k++) {
			char late[WHY_BYTES];
			uint32_t ms = c->probe[k] ? probe_age_ms(c->probe[k]) : 0;

			if (ms < SLOW_MS)
				continue;
			snprintf(late, sizeof(late), "no connection within %u ms; is the portal reachable?", ms);
			portals_failed(table_of(path), k, PORTAL_UNREACHABLE, now_of(path), late);
		}
		choice_stop(path);
		path_take_portal(path, i, address);
	}
	path->inside--;
	path_kick(path);
}

static void start_next(struct srpgw_bridge_path *path)
{
	struct choice *c = &path->choice;
	uint32_t login_ms = path->target->conf.login_timeout_ms, pause_ms = STAGGER_MS;

	/* Many portals must not use up the whole time by waiting for each other. */
	if (pause_ms > login_ms / 2 / c->n)
		pause_ms = login_ms / 2 / c->n;
	while (c->next < c->n) {
		uint32_t i = c->order[c->next++];
		struct portal p;

		portals_get(table_of(path), i, &p);
		if (!probe_start(path->host, path->reactor, &p, login_ms, on_probed, path, i, &c->probe[i])) {
			c->n_probes++;
			break;
		}
		c->probe[i] = NULL;
		c->tried |= 1ull << i;
		note(c, "out of memory", false, false);
	}
	if (c->next < c->n)
		path->host->timer_arm(c->stagger, pause_ms * NS_PER_MS);
	else if (!c->n_probes)
		lost_all(path);
}

void choice_expired(struct srpgw_bridge_path *path)
{
	struct choice *c = &path->choice;
	char why[WHY_BYTES];

	for (uint32_t i = 0; i < MAX_PORTALS; i++) {
		if (!c->probe[i])
			continue;
		snprintf(why, sizeof(why), "no connection within %u ms; is the portal reachable?",
			 probe_age_ms(c->probe[i]));
		portals_failed(table_of(path), i, PORTAL_UNREACHABLE, now_of(path), why);
		c->tried |= 1ull << i;
		note(c, why, false, false);
	}
	lost_all(path);
}

/* ---- rounds ---- */

/* Return: false when there is none left. */
static bool begin_round(struct srpgw_bridge_path *path)
{
	struct choice *c = &path->choice;

	c->n = portals_order(table_of(path), c->tried, now_of(path), c->order);
	c->next = 0;
	if (!c->n)
		return false;
	path->elsewhere = path->foreign = false;
	/* With one there is nothing to choose, and without TCP nothing to choose by. */
	if (c->n == 1 || path->target->transport->type != TCP_TRANSPORT) {
		path_take_portal(path, c->order[0], NULL);
		return true;
	}
	path->state = PATH_CHOOSING;
	snprintf(path->portal, sizeof(path->portal), "%u portals", c->n);
	timers_login(path);
	start_next(path);
	return true;
}

void choice_begin(struct srpgw_bridge_path *path)
{
	if (!begin_round(path))
		path_fail(path, false, "there is no portal");
}

bool choice_has_others(struct srpgw_bridge_path *path)
{
	uint8_t order[MAX_PORTALS];

	return portals_order(table_of(path), path->choice.tried | 1ull << path->portal_index, now_of(path), order) > 0;
}

bool choice_go_on(struct srpgw_bridge_path *path)
{
	struct choice *c = &path->choice;
	bool connected = path->state == PATH_LOGGING_IN;

	if (path->state == PATH_CHOOSING || !path->elsewhere)
		return false;
	if (!path->foreign)
		portals_failed(table_of(path), path->portal_index, connected ? PORTAL_NO_SERVICE : PORTAL_UNREACHABLE,
			       now_of(path), path->why);
	c->tried |= 1ull << path->portal_index;
	note(c, path->why, true, path->permanent);
	path_drop_context(path);
	if (now_of(path) < c->until_ns) {
		path->failed = path->permanent = false;
		if (begin_round(path))
			return true;
		path->failed = true;
	}
	snprintf(path->why, sizeof(path->why), "%s", c->why);
	tell_all(path);
	return false;
}
