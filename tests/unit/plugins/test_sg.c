/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bridge to local devices, in front of a device without a kernel (tests/unit/bridge/so/sg_device.c): data,
 * refusals, unit attentions of several hosts, a device that hangs in each place, and one that goes. The kernel's own
 * driver is tested in the emulated machine.
 */
#include "host_shim.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GOOD = 0x00, CHECK = 0x02 };
enum { NONE = SRPGW_DIR_NONE, IN = SRPGW_DIR_IN, OUT = SRPGW_DIR_OUT };
enum { NEVER = -1 - SRPGW_DELIVERY_NEVER, MAYBE = -1 - SRPGW_DELIVERY_MAYBE };

static struct shim shim;
static struct shim_path path, other;
static struct shim_io io;
static uint8_t buf[64 << 10];

#define CDB(...)                                                                                                       \
	(const uint8_t[16])                                                                                            \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}
#define RUN(p, ...) shim_do(p, &io, 0, CDB(__VA_ARGS__), 10, NONE, NULL, 0)

static int setup(void **state)
{
	(void)state;
	shim_bridges = "../bridge/so";
	shim_open(&shim, "sg:/dev/fake", NULL);
	shim_attach(&shim, &path, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	shim_detach(&path);
	shim_close(&shim);
	return 0;
}

static void test_settings(void **state)
{
	static const struct {
		const char *uri, *key, *value, *says;
	} rows[] = {
		{ "sg:sda", NULL, NULL, "sg:/dev/sgN" },
		{ "sg:/dev/fake", "speed", "9", "speed" },
		{ "sg:/dev/fake", "max_outstanding", "0", "max_outstanding" },
		{ "sg:/dev/fake", "max_outstanding", "129", "max_outstanding" },
		{ "sg:/dev/fake", "timeout_ms", "1", "timeout_ms" },
		{ "sg:/dev/fake", "reservations", "maybe", "reservations" },
	};
	char line[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const settings[] = { rows[i].key, rows[i].value, NULL };

		shim_open_refused(rows[i].uri, rows[i].key ? settings : NULL, -EINVAL, line, sizeof(line));
		assert_non_null(strstr(line, rows[i].says));
	}
}

static void test_data(void **state)
{
	(void)state;
	shim_prepare(&io, 0, CDB(0x28, 0, 0, 0, 0, 0x5a), 10, IN, buf, sizeof(buf), 7);
	assert_int_equal(shim_command(&path, &io), GOOD);
	assert_int_equal(io.pub.resid_kind, SRPGW_RESID_NONE);
	for (size_t i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0x5a);
	shim_prepare(&io, 0, CDB(0x2a), 10, OUT, buf, sizeof(buf), 7);
	assert_int_equal(shim_command(&path, &io), GOOD);
}

static void test_refusals(void **state)
{
	(void)state;
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x00), 6, NONE, NULL, 0), CHECK);
	assert_int_equal(shim_sense(&io), 0x052500);
	assert_int_equal(RUN(&path, 0x5f), CHECK); /* PERSISTENT RESERVE OUT */
	assert_int_equal(shim_sense(&io), 0x052000);
	assert_int_equal(RUN(&path, 0xc5), CHECK); /* the kernel does not permit it */
	assert_int_equal(shim_sense(&io), 0x052000);
}

/* A node is one logical unit, whatever else its target has. */
static void test_report_luns(void **state)
{
	static const uint8_t one[17] = { 0, 0, 0, 8, [16] = 0xee };

	(void)state;
	memset(buf, 0xee, sizeof(buf));
	shim_prepare(&io, 0, CDB(0xa0, [8] = 0x20, [9] = 0x08), 12, IN, buf, 8200, 3);
	assert_int_equal(shim_command(&path, &io), GOOD);
	assert_int_equal(io.pub.resid_kind, SRPGW_RESID_UNDER);
	assert_int_equal(io.pub.resid, 8200 - 16);
	assert_memory_equal(buf, one, sizeof(one));
	memset(buf, 0xee, sizeof(buf));
	shim_prepare(&io, 0, CDB(0xa0, [9] = 8), 12, IN, buf, 16, 1);
	assert_int_equal(shim_command(&path, &io), GOOD);
	assert_int_equal(io.pub.resid, 8);
	assert_int_equal(buf[8], 0xee);
}

static void test_attentions_reach_every_host(void **state)
{
	(void)state;
	shim_attach(&shim, &other, 2);
	assert_int_equal(RUN(&path, 0xc4, 0x2a), CHECK);
	assert_int_equal(shim_sense(&io), 0x062a00);
	assert_int_equal(RUN(&path, 0xc4, 0x2a), CHECK); /* the same again: told once */
	assert_int_equal(RUN(&path, 0x00), GOOD);
	assert_int_equal(RUN(&other, 0x12), GOOD); /* INQUIRY does not take it */
	assert_int_equal(RUN(&other, 0x00), CHECK);
	assert_int_equal(shim_sense(&io), 0x062a00);
	assert_int_equal(RUN(&other, 0x00), GOOD);
	shim_detach(&other);
}

static bool is_down(void *arg)
{
	return ((struct shim_path *)arg)->down;
}

static void test_offline(void **state)
{
	(void)state;
	assert_int_equal(RUN(&path, 0xc2), MAYBE);
	assert_true(shim_run(&shim, is_down, &path, 1000));
	assert_non_null(strstr(path.why, "offline"));
	assert_int_equal(RUN(&path, 0x00), NEVER);
}

static void test_removed(void **state)
{
	(void)state;
	assert_int_equal(RUN(&path, 0xc3), NEVER);
	assert_true(shim_run(&shim, is_down, &path, 1000));
	assert_false(path.permanent);
}

static void test_missing(void **state)
{
	struct shim s;
	struct shim_path p;

	(void)state;
	shim_open(&s, "sg:/dev/missing", NULL);
	shim_attach_start(&s, &p, 1);
	assert_true(shim_run(&s, is_down, &p, 1000));
	assert_non_null(strstr(p.why, "no such device"));
	shim_detach(&p);
	shim_close(&s);
}

/* Under the same name another disk: no byte may go to it. */
static void test_another_device(void **state)
{
	struct shim s;
	struct shim_path p;

	(void)state;
	shim_open(&s, "sg:/dev/changing", NULL);
	shim_attach(&s, &p, 1);
	shim_detach(&p);
	shim_attach_start(&s, &p, 1);
	assert_true(shim_run(&s, is_down, &p, 1000));
	assert_true(p.permanent);
	assert_non_null(strstr(p.why, "another device"));
	shim_detach(&p);
	shim_close(&s);
}

static void test_one_host_with_reservations(void **state)
{
	static const char *const settings[] = { "reservations", "pass", NULL };
	struct shim s;
	struct shim_path p, q;

	(void)state;
	shim_open(&s, "sg:/dev/fake", settings);
	shim_attach(&s, &p, 1);
	assert_int_equal(RUN(&p, 0x5f), GOOD);
	shim_attach_start(&s, &q, 2);
	assert_true(shim_run(&s, is_down, &q, 1000));
	shim_detach(&q);
	shim_detach(&p);
	shim_attach(&s, &q, 2);
	shim_detach(&q);
	shim_close(&s);
}

static void test_task_management(void **state)
{
	struct shim_tmf tmf;

	(void)state;
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_LUN_RESET, 0, NULL), SRPGW_TMF_COMPLETE);
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_ABORT_TASK_SET, 0, NULL), SRPGW_TMF_NOT_SUPPORTED);
}

/* The device never answers: detach ends, in time, and says so; other hosts do not notice. */
static void test_device_hangs(void **state)
{
	static struct shim_io stuck;

	(void)state;
	shim_attach(&shim, &other, 2);
	shim_prepare(&stuck, 0, CDB(0xc0), 10, NONE, NULL, 0, 0);
	shim_submit(&other, &stuck);
	assert_int_equal(RUN(&path, 0x00), GOOD);
	shim_detach(&other);
	assert_int_equal(stuck.n_done, 1);
	assert_int_equal(stuck.pub.delivery, SRPGW_DELIVERY_MAYBE);
}

/* The kernel keeps the submitter asleep: what waits was never sent, what it has in hand is of unknown fate. */
static void test_kernel_sleeps(void **state)
{
	static struct shim_io stuck, waiting;

	(void)state;
	shim_attach(&shim, &other, 2);
	shim_prepare(&stuck, 0, CDB(0xc1, 30), 10, OUT, buf, sizeof(buf), 3);
	shim_submit(&other, &stuck);
	shim_run_for(&shim, 50);
	shim_prepare(&waiting, 0, CDB(0x2a), 10, OUT, buf, sizeof(buf), 3);
	shim_submit(&other, &waiting);
	shim.b->abort(other.p, &waiting.pub);
	assert_int_equal(waiting.n_done, 1);
	assert_int_equal(waiting.pub.delivery, SRPGW_DELIVERY_NEVER);
	shim_prepare(&waiting, 0, CDB(0x2a), 10, OUT, buf, sizeof(buf), 3);
	shim_submit(&other, &waiting);
	shim_detach(&other);
	assert_int_equal(waiting.pub.delivery, SRPGW_DELIVERY_NEVER);
	assert_int_equal(stuck.n_done, 1);
	assert_int_equal(stuck.pub.delivery, SRPGW_DELIVERY_MAYBE);
	/* The host uses the memory for something else; the sleeper must not touch it. */
	memset(&stuck, 0xff, sizeof(stuck));
	assert_int_equal(RUN(&path, 0x00), GOOD);
	for (size_t i = 0; i < sizeof(stuck); i++)
		assert_int_equal(((uint8_t *)&stuck)[i], 0xff);
}

static bool all_done(void *arg)
{
	struct shim_io *ios = arg;

	for (size_t i = 0; i < 32; i++)
		if (!ios[i].n_done)
			return false;
	return true;
}

static void test_many_at_once(void **state)
{
	static struct shim_io ios[32];
	static uint8_t data[32][4096];

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		for (uint8_t i = 0; i < 32; i++) {
			shim_prepare(&ios[i], 0, CDB(0x28, 0, 0, 0, 0, i), 10, IN, data[i], 4096, 1);
			shim_submit(&path, &ios[i]);
		}
		assert_true(shim_run(&shim, all_done, ios, 5000));
		for (uint8_t i = 0; i < 32; i++) {
			assert_int_equal(ios[i].n_done, 1);
			assert_int_equal(ios[i].pub.status, GOOD);
			assert_int_equal(data[i][0], i);
		}
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_settings),
		TEST(test_data),
		TEST(test_refusals),
		TEST(test_report_luns),
		TEST(test_attentions_reach_every_host),
		TEST(test_offline),
		TEST(test_removed),
		TEST(test_missing),
		TEST(test_another_device),
		TEST(test_one_host_with_reservations),
		TEST(test_task_management),
		TEST(test_device_hangs),
		TEST(test_kernel_sleeps),
		TEST(test_many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
