/* SPDX-License-Identifier: BSD-3-Clause */
/* bridge_discover(): what a bridge finds reaches the caller once and in order, and nothing after the end. */
#include "../../../gateway/base/log.h"
#include "../../../gateway/bridge/internal.h"
#include "so_dir.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct {
	unsigned n_found, n_done;
	int rc;
	char name[32], why[64];
	int32_t group;
	void (*later)(void *arg);
	void *later_arg;
} seen;

static void on_found(void *arg, const struct srpgw_found *f)
{
	assert_ptr_equal(arg, &seen);
	assert_int_equal(seen.n_done, 0);
	seen.n_found++;
	seen.group = f->group;
	snprintf(seen.name, sizeof(seen.name), "%s", f->target_name);
}

static void on_done(void *arg, int rc, const char *why)
{
	assert_ptr_equal(arg, &seen);
	seen.n_done++;
	seen.rc = rc;
	snprintf(seen.why, sizeof(seen.why), "%s", why);
}

static int keep_work(struct srpgw_reactor *r, void (*fn)(void *arg), void (*done)(void *arg), void *arg)
{
	(void)r, (void)fn;
	seen.later = done;
	seen.later_arg = arg;
	return 0;
}

/* Return: what bridge_discover() returned; the work was run. @breaches: how many were counted. */
static int discover(const char *uri, uint64_t *breaches, struct err *e)
{
	struct srpgw_host services = { .work = keep_work };
	struct bridge_guard_stats stats;
	struct bridge_host *h;
	int rc;

	memset(&seen, 0, sizeof(seen));
	assert_int_equal(bridge_host_create(so_dir(), &services, &h, e), 0);
	rc = bridge_discover(h, NULL, uri, NULL, 0, "iqn.me", on_found, on_done, &seen, e);
	assert_int_equal(seen.n_done, 0);
	assert_int_equal(seen.n_found, 0);
	if (seen.later)
		seen.later(seen.later_arg);
	bridge_guard_stats(h, &stats);
	*breaches = stats.events_out_of_order_total;
	bridge_host_destroy(h);
	return rc;
}

static void found_and_done(void **state)
{
	struct err e = ERR_INIT;
	uint64_t breaches;

	(void)state;
	assert_int_equal(discover("rude:well", &breaches, &e), 0);
	assert_int_equal(seen.n_found, 1);
	assert_string_equal(seen.name, "iqn.x");
	assert_int_equal(seen.group, 3);
	assert_int_equal(seen.n_done, 1);
	assert_int_equal(seen.rc, 0);
	assert_string_equal(seen.why, "");
	assert_int_equal(breaches, 0);
}

static void nothing_after_the_end(void **state)
{
	struct err e = ERR_INIT;
	uint64_t breaches;

	(void)state;
	assert_int_equal(discover("rude:double", &breaches, &e), 0);
	assert_int_equal(seen.n_found, 1);
	assert_int_equal(seen.n_done, 1);
	assert_int_equal(seen.rc, 0);
	assert_int_equal(breaches, 2);
}

static void nothing_inside_the_start(void **state)
{
	struct err e = ERR_INIT;
	uint64_t breaches;

	(void)state;
	assert_int_equal(discover("rude:early", &breaches, &e), 0);
	assert_int_equal(seen.n_found, 1);
	assert_int_equal(seen.n_done, 1);
	assert_int_equal(breaches, 2);
}

static void a_target_without_a_name(void **state)
{
	struct err e = ERR_INIT;
	uint64_t breaches;

	(void)state;
	assert_int_equal(discover("rude:malformed", &breaches, &e), 0);
	assert_int_equal(seen.n_found, 1);
	assert_int_equal(breaches, 1);
}

static void refusals(void **state)
{
	struct err e = ERR_INIT, cannot = ERR_INIT, none = ERR_INIT;
	uint64_t breaches;

	(void)state;
	assert_int_equal(discover("rude:refuse", &breaches, &e), -EAGAIN);
	assert_string_equal(e.cause, "bridge rude: not today");
	assert_int_equal(seen.n_done, 0);
	assert_int_equal(discover("good:x", &breaches, &cannot), -EOPNOTSUPP);
	assert_string_equal(cannot.cause, "bridge good cannot ask for targets");
	assert_non_null(strstr(cannot.cure, "iscsi://"));
	assert_int_equal(discover("nowhere://h", &breaches, &none), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_and_done),	   cmocka_unit_test(nothing_after_the_end),
		cmocka_unit_test(nothing_inside_the_start), cmocka_unit_test(a_target_without_a_name),
		cmocka_unit_test(refusals),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
