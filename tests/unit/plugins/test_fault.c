/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fault bridge in front of a RAM disk: each rule does what it says, the same each time, and every command is
 * answered once.
 */
#include "host_shim.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GOOD = 0x00, CHECK = 0x02, TASK_ABORTED = 0x40 };
enum { NONE = SRPGW_DIR_NONE, IN = SRPGW_DIR_IN, OUT = SRPGW_DIR_OUT };

#define CDB(...) (const uint8_t[16]){ __VA_ARGS__ }

static struct shim shim;
static struct shim_path path;
static struct shim_io io, many[200];
static uint8_t buf[4096];

static void begin(const char *uri)
{
	shim_open(&shim, uri, NULL);
	shim_attach(&shim, &path, 1);
}

static void end(void)
{
	shim_detach(&path);
	shim_close(&shim);
}

static uint64_t now_ms(void)
{
	return reactor_clock_ns(shim.reactor) / NS_PER_MS;
}

/* One block read (false) or written at block @lba. */
static void start_rw(struct shim_io *c, bool write, uint32_t lba)
{
	uint8_t cdb[16];

	shim_rw16(cdb, write, lba, 1);
	shim_prepare(c, 0, cdb, 16, write ? OUT : IN, buf, 512, 1);
	shim_submit(&path, c);
}

static void test_rules(void **state)
{
	static const struct {
		const char *uri, *says;
	} bad[] = {
		{ "fault:", "does not begin with a scheme" },
		{ "fault:colour=red;mem:1M", "\"colour\" is not known" },
		{ "fault:op=300,hold_ms=1;mem:1M", "\"op=300\"" },
		{ "fault:pct=101,hold_ms=1;mem:1M", "\"pct=101\"" },
		{ "fault:hold_ms=1,delay_ms=1;mem:1M", "one effect" },
		{ "fault:sense=12;mem:1M", "\"sense=12\"" },
		{ "fault:dir=up,lose=answer;mem:1M", "\"dir=up\"" },
		{ "fault:lose=all;mem:1M", "\"lose=all\"" },
		{ "fault:op=1,,hold_ms=1;mem:1M", "empty" },
		{ "fault:hold_ms=-1;mem:1M", "out of range" },
		{ "fault:tmf_result=maybe;mem:1M", "\"tmf_result=maybe\"" },
		{ "fault:hold_ms=1;mem:x", "size of the RAM disk" },
		{ "fault:hold_ms=1;none:x", "there is no bridge \"none\"" },
		{ "fault:fault:fault:fault:fault:mem:1M", "stacked" },
	    {"fault:hold_ms=1;;hold_ms=1;hold_ms=1;hold_ms=1;hold_ms=1;hold_ms=1;hold_ms=1;hold_ms=1;hold_ms=1;hold_ms="
	     "1;hold_ms=1;hold_ms=1;"
	     "hold_ms=1;hold_ms=1;hold_ms=1;hold_ms=1;hold_ms=1;mem:1M",
	     "more than 16"},
	};
	static const char *const more[] = { "rules", "status=08", NULL };
	static const char *const other[] = { "nop", "1", NULL };
	char line[1400];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int code = strstr(bad[i].uri, "none:")		? -ENOENT
			   : strstr(bad[i].uri, "fault:fault:") ? -ELOOP
								: -EINVAL;

		shim_open_refused(bad[i].uri, NULL, code, line, sizeof(line));
		if (!strstr(line, bad[i].says))
			fail_msg("%s: \"%s\" lacks \"%s\"", bad[i].uri, line, bad[i].says);
	}
	/* Settings: "rules" is ours, others go below. */
	shim_open(&shim, "fault:mem:1M", more);
	shim_attach(&shim, &path, 1);
	assert_int_equal(shim_do(&path, &io, 0, CDB(0x00), 6, NONE, NULL, 0), 0x08);
	end();
	shim_open_refused("fault:mem:1M", other, -EINVAL, line, sizeof(line));
	assert_non_null(strstr(line, "\"nop\""));
}

static void test_no_rule_no_difference(void **state)
{
	(void)state;
	begin("fault:mem:64M");
	shim_clear_ua(&path, 0);
	memset(buf, 7, 512);
	start_rw(&io, true, 3);
	assert_int_equal(io.n_done, 1);
	assert_int_equal(io.pub.status, GOOD);
	memset(buf, 0, 512);
	start_rw(&io, false, 3);
	assert_int_equal(buf[0], 7);
	assert_string_equal(shim_fact(&path, "below", (char *)buf, 64), "mem");
	end();
}

static void test_status_and_sense(void **state)
{
	(void)state;
	begin("fault:op=00,status=18;dir=in,every=3,sense=0b4400;mem:64M");
	assert_int_equal(shim_do(&path, &io, 0, CDB(0x00), 6, NONE, NULL, 0), 0x18);
	assert_int_equal(shim_do(&path, &io, 0, CDB(0x03, 0, 0, 0, 18), 6, IN, buf, 18), GOOD);
	start_rw(&io, false, 0);
	assert_int_equal(io.pub.status, GOOD);
	start_rw(&io, false, 0);
	assert_int_equal(io.pub.status, CHECK);
	assert_int_equal(shim_sense(&io), 0x0b4400);
	assert_int_equal(io.pub.resid_kind, SRPGW_RESID_UNDER);
	assert_int_equal(io.pub.resid, 512);
	start_rw(&io, true, 0);
	assert_int_equal(io.pub.status, GOOD);
	end();
}

/* How many of 200 commands fail, and which, is a matter of the seed only. */
static uint32_t failures(const char *uri, bool which[200])
{
	uint32_t n = 0;

	begin(uri);
	shim_clear_ua(&path, 0);
	for (int i = 0; i < 200; i++) {
		start_rw(&many[i], false, 0);
		which[i] = many[i].pub.status != GOOD;
		n += which[i];
	}
	end();
	return n;
}

static void test_dice(void **state)
{
	bool a[200], b[200], c[200];
	uint32_t n;

	(void)state;
	n = failures("fault:op=88,pct=25,status=08,seed=5;mem:64M", a);
	assert_in_range(n, 30, 70);
	assert_int_equal(failures("fault:op=88,pct=25,status=08,seed=5;mem:64M", b), n);
	assert_memory_equal(a, b, sizeof(a));
	failures("fault:op=88,pct=25,status=08,seed=6;mem:64M", c);
	assert_int_not_equal(memcmp(a, c, sizeof(a)), 0);
	assert_int_equal(failures("fault:op=88,after=10,count=4,status=08;mem:64M", a), 4);
	assert_true(!a[9] && a[10] && a[13] && !a[14]);
	assert_int_equal(failures("fault:op=88,nth=7,status=08;mem:64M", a), 1);
	assert_true(a[6]);
	assert_int_equal(failures("fault:lun=1,status=08;mem:64M?luns=2", a), 0);
}

/* A held write lands late; a delayed one lands at once and its answer comes late. */
static void test_hold_and_delay(void **state)
{
	uint64_t start;

	(void)state;
	begin("fault:dir=out,nth=1,hold_ms=60;dir=out,nth=1,delay_ms=60;mem:64M");
	shim_clear_ua(&path, 0);
	for (int round = 0; round < 2; round++) {
		memset(buf, 0x11 + round, 512);
		start = now_ms();
		start_rw(&many[0], true, 0);
		assert_int_equal(many[0].n_done, 0);
		uint8_t now[512];
		shim_do(&path, &io, 0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1), 10, IN, now, 512);
		assert_int_equal(now[0], round ? 0x12 : 0);
		assert_true(shim_run(&shim, shim_io_is_done, &many[0], 2000));
		assert_true(now_ms() - start >= 59);
		assert_int_equal(many[0].pub.status, GOOD);
		shim_do(&path, &io, 0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1), 10, IN, now, 512);
		assert_int_equal(now[0], 0x11 + round);
	}
	end();
}

/* Lost commands end by task management, by abort(), and by detach(). */
static void test_lose(void **state)
{
	struct shim_tmf tmf;

	(void)state;
	begin("fault:dir=out,lose=command;dir=in,lose=answer;mem:64M");
	shim_clear_ua(&path, 0);
	for (int i = 0; i < 8; i++)
		start_rw(&many[i], i & 1, (uint32_t)i);
	shim_run_for(&shim, 20);
	for (int i = 0; i < 8; i++)
		assert_int_equal(many[i].n_done, 0);
	/* What never went is ended by the function; what did act is forgotten by then. */
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_ABORT_TASK, 0, &many[1]), SRPGW_TMF_COMPLETE);
	assert_int_equal(many[1].pub.delivery, SRPGW_DELIVERY_ANSWERED);
	assert_int_equal(many[1].pub.status, TASK_ABORTED);
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_ABORT_TASK, 0, &many[2]), SRPGW_TMF_NO_SUCH_TASK);
	assert_int_equal(many[2].pub.delivery, SRPGW_DELIVERY_MAYBE);
	shim.b->abort(path.p, &many[3].pub);
	assert_int_equal(many[3].n_done, 1);
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_LUN_RESET, 0, NULL), SRPGW_TMF_COMPLETE);
	for (int i = 0; i < 8; i++)
		assert_int_equal(many[i].n_done, 1);
	start_rw(&many[0], true, 0);
	assert_int_equal(many[0].n_done, 0);
	shim_detach(&path);
	assert_int_equal(many[0].n_done, 1);
	assert_int_equal(many[0].pub.delivery, SRPGW_DELIVERY_MAYBE);
	shim_close(&shim);
}

static void test_tmf(void **state)
{
	struct shim_tmf tmf, hung;
	uint64_t start;

	(void)state;
	begin("fault:tmf_delay_ms=50;mem:64M");
	start = now_ms();
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_LUN_RESET, 0, NULL), SRPGW_TMF_COMPLETE);
	assert_true(now_ms() - start >= 49);
	end();
	/* The command is answered while the function that is to abort it waits. */
	begin("fault:tmf_delay_ms=50,dir=out,hold_ms=10;mem:64M");
	shim_clear_ua(&path, 0);
	start_rw(&io, true, 0);
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_ABORT_TASK, 0, &io), SRPGW_TMF_NO_SUCH_TASK);
	assert_int_equal(io.pub.status, GOOD);
	end();
	begin("fault:tmf_result=unsupported;mem:64M");
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_LUN_RESET, 0, NULL), SRPGW_TMF_NOT_SUPPORTED);
	end();
	begin("fault:tmf_lose;mem:64M");
	shim_tmf_start(&path, &hung, SRPGW_TMF_LUN_RESET, 0, NULL);
	shim_run_for(&shim, 30);
	assert_int_equal(hung.n_done, 0);
	shim_detach(&path);
	assert_int_equal(hung.n_done, 1);
	assert_int_equal(hung.pub.result, SRPGW_TMF_FAILED);
	shim_close(&shim);
}

static bool is_down(void *arg)
{
	return ((struct shim_path *)arg)->down;
}

static void test_path_life(void **state)
{
	struct srpgw_nexus_id nexus = { .struct_size = sizeof(nexus), .initiator_name = "iqn.x" };
	uint64_t start;

	(void)state;
	/* Down after five commands; what is held never left; paths after the first are sound. */
	begin("fault:down_after=5,paths=1,dir=out,hold_ms=5000;mem:64M");
	for (int i = 0; i < 6; i++)
		start_rw(&many[i], i == 2, 0);
	assert_true(shim_run(&shim, is_down, &path, 1000));
	assert_non_null(strstr(path.why, "injected"));
	assert_int_equal(many[2].n_done, 1);
	assert_int_equal(many[2].pub.delivery, SRPGW_DELIVERY_NEVER);
	start_rw(&io, false, 0);
	assert_int_equal(io.pub.delivery, SRPGW_DELIVERY_NEVER);
	shim_detach(&path);
	shim_attach(&shim, &path, 1);
	shim_clear_ua(&path, 0);
	for (int i = 0; i < 20; i++) {
		start_rw(&io, i & 1, 0);
		assert_int_equal(io.pub.status, GOOD);
	}
	end();
	begin("fault:down_after_ms=40;mem:64M");
	start = now_ms();
	assert_true(shim_run(&shim, is_down, &path, 1000));
	assert_true(now_ms() - start >= 38);
	end();
	/* Attempts that fail: at once, by going down, and late. */
	shim_open(&shim, "fault:attach_fail=1,attach_down=1,up_delay_ms=30;mem:64M", NULL);
	assert_int_equal(shim.b->attach(shim.t, (struct srpgw_reactor *)(void *)shim.reactor, &nexus,
					(struct srpgw_path_ctx *)(void *)&path, &path.p),
			 -ECONNREFUSED);
	shim_attach_start(&shim, &path, 1);
	assert_true(shim_run(&shim, is_down, &path, 1000));
	assert_false(path.up);
	shim_detach(&path);
	start = now_ms();
	shim_attach(&shim, &path, 1);
	assert_true(now_ms() - start >= 29);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_no_rule_no_difference),
		cmocka_unit_test(test_status_and_sense),
		cmocka_unit_test(test_dice),
		cmocka_unit_test(test_hold_and_delay),
		cmocka_unit_test(test_lose),
		cmocka_unit_test(test_tmf),
		cmocka_unit_test(test_path_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
