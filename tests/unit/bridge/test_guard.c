/* SPDX-License-Identifier: BSD-3-Clause */
/* The guard: whatever a bridge does wrong, the host sees one answer per command, events in order, and a count. */
#include "../../../gateway/base/log.h"
#include "../../../gateway/bridge/internal.h"
#include "so_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct {
	int ios, tmfs, detached;
	uint32_t events[16];
	int n_events;
	struct srpgw_path_ctx *ctx;
} seen;

static void on_io(struct srpgw_io *io)
{
	(void)io;
	seen.ios++;
}

static void on_tmf(struct srpgw_tmf *tmf)
{
	(void)tmf;
	seen.tmfs++;
}

static void on_event(struct srpgw_path_ctx *ctx, const struct srpgw_event *ev)
{
	seen.ctx = ctx;
	seen.events[seen.n_events++] = ev->kind;
}

static void on_detached(void *arg)
{
	++*(int *)arg;
}

struct rig {
	struct bridge_host *h;
	const struct srpgw_bridge *b;
	struct srpgw_bridge_target *t;
	struct srpgw_bridge_path *p;
	struct bridge_guard_stats stats;
};

static int mark; /* its address is the host's handle of the path */

static void start(struct rig *r, const char *uri)
{
	struct srpgw_host services = { .io_done = on_io, .tmf_done = on_tmf, .event = on_event };
	struct srpgw_nexus_id nexus = { .struct_size = sizeof(nexus) };
	struct err e = ERR_INIT;

	memset(&seen, 0, sizeof(seen));
	assert_int_equal(bridge_host_create(so_dir(), &services, &r->h, &e), 0);
	assert_int_equal(bridge_open(r->h, uri, NULL, 0, &r->b, &r->t, &e), 0);
	assert_int_equal(r->b->attach(r->t, NULL, &nexus, (struct srpgw_path_ctx *)(void *)&mark, &r->p), 0);
}

static void stop(struct rig *r)
{
	r->b->detach(r->p, on_detached, &seen.detached);
	assert_int_equal(seen.detached, 1);
	bridge_guard_stats(r->h, &r->stats);
	r->b->close(r->t);
	bridge_host_destroy(r->h);
}

static void test_double_answers(void **state)
{
	struct rig r;
	struct srpgw_io io = { .struct_size = sizeof(io) };
	struct srpgw_tmf tmf = { .struct_size = sizeof(tmf) };

	(void)state;
	start(&r, "rude:double");
	r.b->submit(r.p, &io);
	assert_int_equal(seen.ios, 1);
	r.b->tmf(r.p, &tmf);
	assert_int_equal(seen.tmfs, 1);
	r.b->submit(r.p, &io);
	assert_int_equal(seen.ios, 2);
	stop(&r);
	assert_int_equal(r.stats.answers_unknown_total, 3);
	assert_int_equal(r.stats.answers_missing_total, 0);
}

static void test_missing_answers(void **state)
{
	struct rig r;
	static struct srpgw_io io[300];
	struct srpgw_tmf tmf = { .struct_size = sizeof(tmf) };

	(void)state;
	start(&r, "rude:mute");
	for (int i = 0; i < 300; i++)
		r.b->submit(r.p, &io[i]);
	r.b->tmf(r.p, &tmf);
	assert_int_equal(seen.ios, 0);
	stop(&r);
	assert_int_equal(seen.ios, 300);
	assert_int_equal(seen.tmfs, 1);
	assert_int_equal(r.stats.answers_missing_total, 301);
	for (int i = 0; i < 300; i++)
		assert_int_equal(io[i].delivery, SRPGW_DELIVERY_MAYBE);
	assert_int_equal(tmf.result, SRPGW_TMF_FAILED);
}

static void test_malformed_answers(void **state)
{
	struct rig r;
	struct srpgw_io io = { .struct_size = sizeof(io) };
	struct srpgw_tmf tmf = { .struct_size = sizeof(tmf) };

	(void)state;
	start(&r, "rude:malformed");
	r.b->submit(r.p, &io);
	assert_int_equal(seen.ios, 1);
	assert_int_equal(io.delivery, SRPGW_DELIVERY_MAYBE);
	assert_int_equal(io.sense_len, 0);
	r.b->tmf(r.p, &tmf);
	assert_int_equal(tmf.result, SRPGW_TMF_FAILED);
	stop(&r);
	assert_int_equal(r.stats.answers_malformed_total, 2);
}

static void test_events_in_order(void **state)
{
	struct rig r;
	struct srpgw_io io = { .struct_size = sizeof(io) };

	(void)state;
	start(&r, "rude:events");
	r.b->submit(r.p, &io);
	assert_int_equal(seen.n_events, 2);
	assert_int_equal(seen.events[0], SRPGW_PATH_UP);
	assert_int_equal(seen.events[1], SRPGW_PATH_DOWN);
	assert_ptr_equal(seen.ctx, &mark);
	stop(&r);
	assert_int_equal(r.stats.events_out_of_order_total, 3);
}

static void test_event_inside_attach(void **state)
{
	struct rig r;

	(void)state;
	start(&r, "rude:early");
	assert_int_equal(seen.n_events, 0);
	stop(&r);
	assert_int_equal(r.stats.events_out_of_order_total, 1);
}

/* The set against a plain array, with more keys than fit and removals in any order. */
static void test_set(void **state)
{
	enum { N = 20000 };
	static char key[N * 16];
	static bool in[N];
	struct guard_path *one = (struct guard_path *)(void *)key, *two = (struct guard_path *)(void *)(key + 1);
	uint32_t seed = 1, n_in = 0, n_full = 0;
	bool full;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		seed = seed * 1664525u + 1013904223u;
		uint32_t i = (seed >> 8) % N;
		bool add = round < 60000 || seed & 1;
		const void *k = key + 16 * i;

		if (add) {
			bool added = guard_set_add(k, i & 1 ? one : two, &full);

			assert_int_equal(added, !in[i] && n_in < 12288);
			assert_int_equal(full, !in[i] && n_in == 12288);
			n_full += full;
			n_in += added;
			in[i] |= added;
		} else {
			struct guard_path *p = guard_set_take(k);

			assert_ptr_equal(p, !in[i] ? NULL : i & 1 ? one : two);
			n_in -= in[i];
			in[i] = false;
		}
	}
	assert_true(n_full > 0);
	while (guard_set_find(one))
		assert_ptr_equal(guard_set_take(guard_set_find(one)), one);
	for (uint32_t i = 0; i < N; i++)
		assert_ptr_equal(guard_set_take(key + 16 * i), in[i] && !(i & 1) ? two : NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_double_answers),
		cmocka_unit_test(test_missing_answers),
		cmocka_unit_test(test_malformed_answers),
		cmocka_unit_test(test_events_in_order),
		cmocka_unit_test(test_event_inside_attach),
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
