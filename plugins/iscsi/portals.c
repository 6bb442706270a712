/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The portals of one target, see portals.h. Pure but for its mutex.
 */
#include "portals.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_S 1000000000ull
#define NS_PER_MS 1000000ull
/* Pauses between probes of a portal that no session uses. */
#define PROBE_FIRST_MS 1000u
#define PROBE_MOST_MS 30000u
#define PROBE_GOOD_MS 10000u
#define DISTRUST_FIRST_MS 10000u
#define DISTRUST_MOST_MS 600000u
#define DISCOVER_AGAIN_NS (300 * NS_PER_S)
#define DISCOVER_RETRY_NS (60 * NS_PER_S)
#define DISCOVER_AT_MOST_NS (10 * NS_PER_S)

static bool is_gone(const struct portal_table *t, const struct portal_entry *e)
{
	return !e->listed && e->told < t->n_told && !e->n_paths;
}

static bool is_foreign(const struct portal_table *t, const struct portal_entry *e)
{
	return t->group != NO_GROUP && e->group != NO_GROUP && e->group != t->group;
}

static bool is_distrusted(const struct portal_entry *e, uint64_t now_ns)
{
	return now_ns < e->distrust_until_ns;
}

static void foreign_why(const struct portal_table *t, const struct portal_entry *e, char *why, size_t cap)
{
	snprintf(why, cap,
		 "%s belongs to target portal group %d, and this back-end uses group %d: give group %d a back-end and an SRP "
		 "target of its own; srpgwctl discover prints both",
		 e->address, e->group, t->group, e->group);
}

static const char *state_word(const struct portal_table *t, const struct portal_entry *e)
{
	if (e->n_paths)
		return "active";
	if (is_foreign(t, e) || e->reach == PORTAL_DOWN)
		return "down";
	return e->reach == PORTAL_ANSWERS ? "standby" : "unknown";
}

/* After every change: since when is it what it is? */
static void settle(struct portal_table *t, struct portal_entry *e, uint64_t now_ns)
{
	const char *word = state_word(t, e);

	if (e->shown && !strcmp(e->shown, word))
		return;
	e->shown = word;
	e->since_ns = now_ns;
}

static struct portal_entry *add(struct portal_table *t, const struct portal *p)
{
	struct portal_entry *e = &t->entry[t->n++];

	*e = (struct portal_entry){ .portal = *p, .group = NO_GROUP, .probe_pause_ms = PROBE_FIRST_MS };
	snprintf(e->address, sizeof(e->address), strchr(p->host, ':') ? "[%s]:%u" : "%s:%u", p->host, p->port);
	e->shown = "unknown";
	return e;
}

void portals_init(struct portal_table *t, const struct portal *portal, uint32_t n, int32_t group, bool has_failback,
		  uint32_t failback_s, bool discovers)
{
	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
	t->group = group;
	t->has_failback = has_failback;
	t->failback_ns = failback_s * NS_PER_S;
	t->discovers = discovers;
	for (uint32_t i = 0; i < n && i < MAX_PORTALS; i++)
		add(t, &portal[i])->listed = true;
}

void portals_destroy(struct portal_table *t)
{
	pthread_mutex_destroy(&t->lock);
}

/* ---- choice ---- */

static unsigned rank(const struct portal_table *t, const struct portal_entry *e, uint64_t now_ns)
{
	if (is_foreign(t, e))
		return 4;
	if (e->reach == PORTAL_DOWN)
		return 3;
	if (is_distrusted(e, now_ns))
		return 2;
	return e->reach == PORTAL_ANSWERS ? 0 : 1;
}

uint32_t portals_order(struct portal_table *t, uint64_t tried, uint64_t now_ns, uint8_t order[MAX_PORTALS])
{
	uint32_t n = 0;

	pthread_mutex_lock(&t->lock);
	for (unsigned r = 0; r <= 4 && !(r == 4 && (n || tried)); r++)
		for (uint32_t i = 0; i < t->n; i++)
			if (!(tried >> i & 1) && !is_gone(t, &t->entry[i]) && rank(t, &t->entry[i], now_ns) == r)
				order[n++] = (uint8_t)i;
	pthread_mutex_unlock(&t->lock);
	return n;
}

void portals_get(struct portal_table *t, uint32_t i, struct portal *out)
{
	pthread_mutex_lock(&t->lock);
	*out = t->entry[i].portal;
	pthread_mutex_unlock(&t->lock);
}

static int find(const struct portal_table *t, const struct portal *p)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->entry[i].portal.port == p->port && !strcmp(t->entry[i].portal.host, p->host))
			return (int)i;
	return -1;
}

/* ---- what was learned ---- */

static bool check_group(struct portal_table *t, struct portal_entry *e, uint64_t now_ns, char *why, size_t cap)
{
	settle(t, e, now_ns);
	if (!is_foreign(t, e))
		return true;
	foreign_why(t, e, why, cap);
	return false;
}

bool portals_group_told(struct portal_table *t, uint32_t i, int32_t group, uint64_t now_ns, char *why, size_t cap)
{
	bool ours;

	pthread_mutex_lock(&t->lock);
	t->entry[i].group = group;
	ours = check_group(t, &t->entry[i], now_ns, why, cap);
	pthread_mutex_unlock(&t->lock);
	return ours;
}

static void adopt_group(struct portal_table *t, int32_t group, uint64_t now_ns)
{
	if (t->group != NO_GROUP)
		return;
	t->group = group;
	for (uint32_t i = 0; i < t->n; i++)
		settle(t, &t->entry[i], now_ns);
}

static void answers(struct portal_entry *e, uint64_t now_ns)
{
	if (e->reach != PORTAL_ANSWERS)
		e->answers_since_ns = now_ns;
	e->reach = PORTAL_ANSWERS;
	e->why[0] = 0;
	e->probing = false;
	e->probe_pause_ms = PROBE_FIRST_MS;
}

bool portals_up(struct portal_table *t, uint32_t i, uint64_t now_ns, char *why, size_t cap)
{
	struct portal_entry *e = &t->entry[i];
	bool ours;

	pthread_mutex_lock(&t->lock);
	adopt_group(t, e->group, now_ns);
	ours = !is_foreign(t, e);
	if (ours) {
		answers(e, now_ns);
		e->n_paths++;
		e->distrust_ms = 0;
		e->distrust_until_ns = 0;
	}
	check_group(t, e, now_ns, why, cap);
	pthread_mutex_unlock(&t->lock);
	return ours;
}

void portals_session_over(struct portal_table *t, uint32_t i, uint64_t now_ns)
{
	pthread_mutex_lock(&t->lock);
	t->entry[i].n_paths--;
	t->entry[i].probe_at_ns = now_ns;
	settle(t, &t->entry[i], now_ns);
	pthread_mutex_unlock(&t->lock);
}

void portals_failed(struct portal_table *t, uint32_t i, enum portal_failure kind, uint64_t now_ns, const char *why)
{
	struct portal_entry *e = &t->entry[i];

	pthread_mutex_lock(&t->lock);
	e->probing = false;
	e->reach = PORTAL_DOWN;
	snprintf(e->why, sizeof(e->why), "%s", why);
	e->probe_at_ns = now_ns + e->probe_pause_ms * NS_PER_MS;
	e->probe_pause_ms = e->probe_pause_ms < PROBE_MOST_MS / 2 ? e->probe_pause_ms * 2 : PROBE_MOST_MS;
	/* Many sessions lose the same portal together: that is one failure. */
	if (kind == PORTAL_NO_SERVICE && !is_distrusted(e, now_ns)) {
		e->distrust_ms = !e->distrust_ms ? DISTRUST_FIRST_MS :
				 e->distrust_ms < DISTRUST_MOST_MS / 2 ? e->distrust_ms * 2 : DISTRUST_MOST_MS;
		e->distrust_until_ns = now_ns + e->distrust_ms * NS_PER_MS;
	}
	settle(t, e, now_ns);
	pthread_mutex_unlock(&t->lock);
}

void portals_answered(struct portal_table *t, uint32_t i, uint64_t now_ns)
{
	struct portal_entry *e = &t->entry[i];
	uint64_t pause_ns = PROBE_GOOD_MS * NS_PER_MS;

	pthread_mutex_lock(&t->lock);
	answers(e, now_ns);
	/* A failback within a few seconds wants to be sure of them. */
	if (t->has_failback && t->failback_ns / 4 < pause_ns)
		pause_ns = t->failback_ns / 4 > NS_PER_S ? t->failback_ns / 4 : NS_PER_S;
	e->probe_at_ns = now_ns + pause_ns;
	settle(t, e, now_ns);
	pthread_mutex_unlock(&t->lock);
}

/* ---- background ---- */

/* One in use shows that it works, unless a session has just been lost through it. */
static bool wants_probes(const struct portal_table *t, const struct portal_entry *e)
{
	return !is_gone(t, e) && !is_foreign(t, e) && !e->probing && (!e->n_paths || e->reach == PORTAL_DOWN);
}

int portals_probe_due(struct portal_table *t, uint64_t now_ns, uint64_t *in_ns)
{
	int due = -1;

	*in_ns = UINT64_MAX;
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 0; i < t->n && due < 0; i++) {
		struct portal_entry *e = &t->entry[i];

		if (!wants_probes(t, e))
			continue;
		if (e->probe_at_ns <= now_ns)
			due = (int)i;
		else if (e->probe_at_ns - now_ns < *in_ns)
			*in_ns = e->probe_at_ns - now_ns;
	}
	if (due >= 0)
		t->entry[due].probing = true;
	pthread_mutex_unlock(&t->lock);
	return due;
}

void portals_probe_dropped(struct portal_table *t, uint32_t i)
{
	pthread_mutex_lock(&t->lock);
	t->entry[i].probing = false;
	pthread_mutex_unlock(&t->lock);
}

void portals_probe_soon(struct portal_table *t, uint64_t now_ns)
{
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 0; i < t->n; i++)
		if (wants_probes(t, &t->entry[i]))
			t->entry[i].probe_at_ns = now_ns;
	pthread_mutex_unlock(&t->lock);
}

static bool is_usable(const struct portal_table *t, const struct portal_entry *e, uint64_t now_ns)
{
	return !is_gone(t, e) && rank(t, e, now_ns) == 0;
}

int portals_better(struct portal_table *t, uint32_t mine, uint64_t now_ns)
{
	int better = -1;

	if (!t->has_failback)
		return -1;
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 0; i < mine && better < 0; i++) {
		const struct portal_entry *e = &t->entry[i];

		if (is_usable(t, e, now_ns) && now_ns - e->answers_since_ns >= t->failback_ns)
			better = (int)i;
	}
	pthread_mutex_unlock(&t->lock);
	return better;
}

bool portals_other_answers(struct portal_table *t, uint32_t mine, uint64_t now_ns)
{
	bool found = false;

	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 0; i < t->n; i++)
		found |= i != mine && is_usable(t, &t->entry[i], now_ns);
	pthread_mutex_unlock(&t->lock);
	return found;
}

/* ---- SendTargets ---- */

bool portals_discovery_due(struct portal_table *t, uint64_t now_ns)
{
	bool due;

	pthread_mutex_lock(&t->lock);
	due = t->discovers && !t->discovering && t->discover_at_ns <= now_ns;
	t->discovering |= due;
	pthread_mutex_unlock(&t->lock);
	return due;
}

bool portals_told(struct portal_table *t, const struct portal *p, int32_t group, uint64_t now_ns)
{
	struct portal_entry *e = NULL;
	int i;

	pthread_mutex_lock(&t->lock);
	i = find(t, p);
	if (i >= 0)
		e = &t->entry[i];
	else if (t->n < MAX_PORTALS)
		e = add(t, p);
	if (e) {
		e->told = t->n_told + 1;
		if (group != NO_GROUP)
			e->group = group;
		settle(t, e, now_ns);
	}
	pthread_mutex_unlock(&t->lock);
	return e != NULL;
}

void portals_discovered(struct portal_table *t, uint32_t i, bool ok, uint64_t now_ns)
{
	pthread_mutex_lock(&t->lock);
	if (ok) {
		t->n_told++;
		adopt_group(t, t->entry[i].group, now_ns);
	}
	t->discovering = false;
	t->discover_at_ns = now_ns + (ok ? DISCOVER_AGAIN_NS : DISCOVER_RETRY_NS);
	pthread_mutex_unlock(&t->lock);
}

void portals_discover_soon(struct portal_table *t, uint64_t now_ns)
{
	pthread_mutex_lock(&t->lock);
	if (t->discover_at_ns > now_ns + DISCOVER_AT_MOST_NS)
		t->discover_at_ns = now_ns + DISCOVER_AT_MOST_NS;
	pthread_mutex_unlock(&t->lock);
}

/* ---- status ---- */

void portals_emit(struct portal_table *t, void (*emit)(void *arg, const struct srpgw_portal *p), void *arg)
{
	char why[WHY_BYTES];

	/* One at a time and without the lock: who listens may take as long as it likes. */
	for (uint32_t i = 0; i < MAX_PORTALS; i++) {
		struct srpgw_portal out = { .struct_size = sizeof(out) };
		char address[PORTAL_MAX_BYTES];
		bool there;

		pthread_mutex_lock(&t->lock);
		const struct portal_entry *e = &t->entry[i];

		there = i < t->n && !is_gone(t, e);
		if (there) {
			snprintf(address, sizeof(address), "%s", e->address);
			snprintf(why, sizeof(why), "%s", e->why);
			if (is_foreign(t, e))
				foreign_why(t, e, why, sizeof(why));
			out.group = e->group;
			out.state = e->shown;
			out.since_ns = e->since_ns;
			out.n_paths = e->n_paths;
		}
		pthread_mutex_unlock(&t->lock);
		if (!there)
			continue;
		out.address = address;
		out.why = why[0] && !strcmp(out.state, "down") ? why : NULL;
		emit(arg, &out);
	}
}
