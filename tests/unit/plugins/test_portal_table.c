/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of a target's portals (plugins/iscsi/portals.c), with a clock of the test's own. */
#include "../../../plugins/iscsi/portals.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct portal_table table;
static char why[WHY_BYTES];
static uint64_t now = 1000 * NS_PER_S;

static void make(uint32_t n, int32_t group, int failback_s, bool discovers)
{
	struct portal portal[MAX_PORTALS];

	for (uint32_t i = 0; i < n; i++) {
		snprintf(portal[i].host, sizeof(portal[i].host), "10.0.0.%u", i + 1);
		portal[i].port = 3260;
	}
	portals_init(&table, portal, n, group, failback_s >= 0, failback_s < 0 ? 0 : (uint32_t)failback_s, discovers);
}

/* "2 0 1": the order in which they would be tried. */
static const char *order(uint64_t tried)
{
	static char text[256];
	uint8_t o[MAX_PORTALS];
	uint32_t n = portals_order(&table, tried, now, o);

	text[0] = 0;
	for (uint32_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), i ? " %u" : "%u", o[i]);
	return text;
}

struct seen {
	uint32_t n;
	char state[MAX_PORTALS][16], why[MAX_PORTALS][WHY_BYTES];
	uint64_t since_ns[MAX_PORTALS];
	uint32_t n_paths[MAX_PORTALS];
};

static void on_portal(void *arg, const struct srpgw_portal *p)
{
	struct seen *s = arg;

	snprintf(s->state[s->n], sizeof(s->state[0]), "%s", p->state);
	snprintf(s->why[s->n], sizeof(s->why[0]), "%s", p->why ? p->why : "");
	s->since_ns[s->n] = p->since_ns;
	s->n_paths[s->n++] = p->n_paths;
}

static const struct seen *seen(void)
{
	static struct seen s;

	memset(&s, 0, sizeof(s));
	portals_emit(&table, on_portal, &s);
	return &s;
}

static void up(uint32_t i)
{
	assert_true(portals_up(&table, i, now, why, sizeof(why)));
}

static void test_order(void **state)
{
	(void)state;
	make(4, NO_GROUP, -1, false);
	assert_string_equal(order(0), "0 1 2 3");
	assert_string_equal(order(1 << 0 | 1 << 2), "1 3");
	assert_string_equal(order(0xf), "");
	/* Known good first, known down last. */
	portals_failed(&table, 0, PORTAL_UNREACHABLE, now, "refused");
	portals_answered(&table, 3, now);
	assert_string_equal(order(0), "3 1 2 0");
	/* It answers, but sessions fail: behind those that nobody knows, until a while has passed. */
	portals_answered(&table, 0, now);
	portals_failed(&table, 0, PORTAL_NO_SERVICE, now, "no answer");
	portals_answered(&table, 0, now);
	assert_string_equal(order(0), "3 1 2 0");
	now += DISTRUST_FIRST_MS * NS_PER_MS;
	assert_string_equal(order(0), "0 3 1 2");
	/* Again, and for longer; a session that comes up makes good for all. */
	portals_failed(&table, 0, PORTAL_NO_SERVICE, now, "no answer");
	portals_answered(&table, 0, now);
	now += DISTRUST_FIRST_MS * NS_PER_MS;
	assert_string_equal(order(0), "3 1 2 0");
	up(0);
	assert_string_equal(order(0), "0 3 1 2");
	portals_destroy(&table);
}

static void test_states(void **state)
{
	uint64_t then;

	(void)state;
	make(2, NO_GROUP, -1, false);
	assert_int_equal(seen()->n, 2);
	assert_string_equal(seen()->state[0], "unknown");
	assert_int_equal(seen()->since_ns[0], 0);
	up(0);
	up(0);
	then = now;
	assert_string_equal(seen()->state[0], "active");
	assert_int_equal(seen()->n_paths[0], 2);
	/* One of two sessions is lost: the portal is in use, and is the last to be tried. */
	now += NS_PER_S;
	portals_session_over(&table, 0, now);
	portals_failed(&table, 0, PORTAL_UNREACHABLE, now, "closed");
	assert_string_equal(seen()->state[0], "active");
	assert_string_equal(seen()->why[0], "");
	assert_int_equal(seen()->since_ns[0], then);
	assert_string_equal(order(0), "1 0");
	portals_session_over(&table, 0, now);
	assert_string_equal(seen()->state[0], "down");
	assert_string_equal(seen()->why[0], "closed");
	assert_int_equal(seen()->since_ns[0], now);
	then = now;
	now += NS_PER_S;
	portals_failed(&table, 0, PORTAL_UNREACHABLE, now, "refused");
	assert_int_equal(seen()->since_ns[0], then);
	assert_string_equal(seen()->why[0], "refused");
	portals_answered(&table, 0, now);
	assert_string_equal(seen()->state[0], "standby");
	assert_string_equal(seen()->why[0], "");
	assert_int_equal(seen()->since_ns[0], now);
	portals_destroy(&table);
}

static void test_groups(void **state)
{
	(void)state;
	/* Not configured: the group of the first session. */
	make(3, NO_GROUP, -1, false);
	assert_true(portals_group_told(&table, 1, 2, now, why, sizeof(why)));
	assert_true(portals_group_told(&table, 0, 1, now, why, sizeof(why)));
	up(0);
	assert_string_equal(order(0), "0 2");
	assert_string_equal(seen()->state[1], "down");
	assert_non_null(strstr(seen()->why[1], "10.0.0.2:3260 belongs to target portal group 2, and this back-end uses group 1"));
	assert_non_null(strstr(seen()->why[1], "give group 2 a back-end and an SRP target of its own"));
	assert_false(portals_group_told(&table, 2, 7, now, why, sizeof(why)));
	assert_non_null(strstr(why, "group 7"));
	assert_false(portals_up(&table, 2, now, why, sizeof(why)));
	/* It may come back into the group. */
	assert_true(portals_group_told(&table, 2, 1, now, why, sizeof(why)));
	up(2);
	portals_destroy(&table);
	/* Configured. When there is nothing else, they are asked again: their group may have changed. */
	make(2, 5, -1, false);
	assert_false(portals_group_told(&table, 0, 1, now, why, sizeof(why)));
	assert_string_equal(order(0), "1");
	assert_false(portals_group_told(&table, 1, 1, now, why, sizeof(why)));
	assert_string_equal(order(0), "0 1");
	assert_string_equal(order(1), "");
	portals_destroy(&table);
}

static void test_failback(void **state)
{
	(void)state;
	make(3, NO_GROUP, 30, false);
	up(1);
	assert_int_equal(portals_better(&table, 1, now), -1);
	portals_answered(&table, 0, now);
	portals_answered(&table, 2, now);
	now += 29 * NS_PER_S;
	portals_answered(&table, 0, now);
	assert_int_equal(portals_better(&table, 1, now), -1);
	/* An interruption begins the count anew. */
	portals_failed(&table, 0, PORTAL_UNREACHABLE, now, "refused");
	portals_answered(&table, 0, now);
	now += 29 * NS_PER_S;
	assert_int_equal(portals_better(&table, 1, now), -1);
	now += NS_PER_S;
	assert_int_equal(portals_better(&table, 1, now), 0);
	assert_int_equal(portals_better(&table, 0, now), -1);
	/* One that does not serve is no better, however well it answers. */
	for (int i = 0; i < 5; i++) {
		portals_failed(&table, 0, PORTAL_NO_SERVICE, now, "no answer");
		portals_answered(&table, 0, now);
		now += 31 * NS_PER_S;
	}
	assert_int_equal(portals_better(&table, 1, now), -1);
	portals_destroy(&table);
	/* Without a policy, never. */
	make(2, NO_GROUP, -1, false);
	up(1);
	portals_answered(&table, 0, now);
	now += 100000 * NS_PER_S;
	assert_int_equal(portals_better(&table, 1, now), -1);
	assert_true(portals_other_answers(&table, 1, now));
	portals_destroy(&table);
}

static void test_probes(void **state)
{
	uint64_t in_ns, last = 0;

	(void)state;
	make(3, NO_GROUP, -1, false);
	up(0);
	/* Those that nobody uses, each once at a time. */
	assert_int_equal(portals_probe_due(&table, now, &in_ns), 1);
	assert_int_equal(portals_probe_due(&table, now, &in_ns), 2);
	assert_int_equal(portals_probe_due(&table, now, &in_ns), -1);
	portals_probe_dropped(&table, 1);
	assert_int_equal(portals_probe_due(&table, now, &in_ns), 1);
	portals_answered(&table, 2, now);
	portals_destroy(&table);
	/* The pauses of a dead one grow, up to a limit. */
	make(2, NO_GROUP, -1, false);
	up(0);
	for (int i = 0; i < 10; i++) {
		uint64_t start = now;

		portals_failed(&table, 1, PORTAL_UNREACHABLE, now, "refused");
		assert_int_equal(portals_probe_due(&table, now, &in_ns), -1);
		now += in_ns;
		assert_int_equal(portals_probe_due(&table, now, &in_ns), 1);
		assert_true(now - start >= last);
		last = now - start;
	}
	assert_int_equal(last, PROBE_MOST_MS * NS_PER_MS);
	portals_failed(&table, 1, PORTAL_UNREACHABLE, now, "refused");
	assert_int_equal(portals_probe_due(&table, now, &in_ns), -1);
	portals_probe_soon(&table, now);
	assert_int_equal(portals_probe_due(&table, now, &in_ns), 1);
	portals_destroy(&table);
}

static void tell(const char *host, int32_t group)
{
	struct portal p = { .port = 3260 };

	snprintf(p.host, sizeof(p.host), "%s", host);
	assert_true(portals_told(&table, &p, group, now));
}

static void test_discovery(void **state)
{
	struct portal p = { .port = 1 };

	(void)state;
	make(1, NO_GROUP, -1, false);
	assert_false(portals_discovery_due(&table, now));
	portals_destroy(&table);
	make(2, NO_GROUP, -1, true);
	up(0);
	assert_true(portals_discovery_due(&table, now));
	assert_false(portals_discovery_due(&table, now));
	tell("10.0.0.1", 3);
	tell("10.0.0.9", 3);
	tell("10.0.0.8", 4);
	portals_discovered(&table, 0, true, now);
	assert_int_equal(seen()->n, 4);
	assert_string_equal(order(0), "0 1 2");
	assert_string_equal(seen()->state[3], "down");
	assert_non_null(strstr(seen()->why[3], "group 4"));
	/* The next answer lacks one; a failed one changes nothing. */
	assert_false(portals_discovery_due(&table, now));
	now += DISCOVER_AGAIN_NS;
	assert_true(portals_discovery_due(&table, now));
	portals_discovered(&table, 0, false, now);
	assert_int_equal(seen()->n, 4);
	portals_discover_soon(&table, now);
	now += DISCOVER_AT_MOST_NS;
	assert_true(portals_discovery_due(&table, now));
	tell("10.0.0.1", 3);
	tell("10.0.0.8", 4);
	portals_discovered(&table, 0, true, now);
	assert_int_equal(seen()->n, 3);
	assert_string_equal(order(0), "0 1");
	/* There is an end to it. */
	for (uint32_t i = 0; i < MAX_PORTALS - 4; i++) {
		snprintf(p.host, sizeof(p.host), "10.1.0.%u", i);
		assert_true(portals_told(&table, &p, 3, now));
	}
	snprintf(p.host, sizeof(p.host), "10.1.1.1");
	assert_false(portals_told(&table, &p, 3, now));
	portals_destroy(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),    cmocka_unit_test(test_states), cmocka_unit_test(test_groups),
		cmocka_unit_test(test_failback), cmocka_unit_test(test_probes), cmocka_unit_test(test_discovery),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
