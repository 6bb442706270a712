/* SPDX-License-Identifier: BSD-3-Clause */
/* The iSCSI bridge against a real target, tgtd: login, data, sense, death and return. */
#include "host_shim.h"
#include "tgt.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GOOD = 0x00, CHECK = 0x02 };
enum { NONE = SRPGW_DIR_NONE, IN = SRPGW_DIR_IN, OUT = SRPGW_DIR_OUT };
enum { DEPTH = 16, MAX_BYTES = 8 << 20 };

#define CDB(...) (const uint8_t[16]){ __VA_ARGS__ }

static struct tgt tgt;
static struct shim shim;
static struct shim_path path;
static struct shim_io io, many[64];
static uint8_t *data, *back;

static int group_setup(void **state)
{
	(void)state;
	/* The environment must not have a say: neither the login nor the log. */
	setenv("LIBISCSI_CHAP_USERNAME", "somebody", 1);
	setenv("LIBISCSI_CHAP_PASSWORD", "else", 1);
	setenv("LIBISCSI_DEBUG", "10", 1);
	data = malloc(2 * MAX_BYTES);
	back = data + MAX_BYTES;
	tgt_start(&tgt);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	tgt_stop(&tgt);
	free(data);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	shim_open(&shim, tgt.uri[1], NULL);
	shim_attach(&shim, &path, 1);
	shim_clear_ua(&path, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	shim_detach(&path);
	shim_close(&shim);
	return 0;
}

static void fill(uint8_t *p, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

static void test_conf(void **state)
{
	static char many_portals[64 * 8];
	const struct {
		const char *uri, *key, *value, *says;
	} bad[] = {
		{ "iscsi:", NULL, NULL, "not an iscsi URI" },
		{ "iscsi://", NULL, NULL, "no portal" },
		{ "iscsi://h", NULL, NULL, "name is missing" },
		{ "iscsi://h/", NULL, NULL, "name is missing" },
		{ "iscsi://h:0/iqn.x", NULL, NULL, "no portal" },
		{ "iscsi://h:70000/iqn.x", NULL, NULL, "no portal" },
		{ "iscsi://h:12x/iqn.x", NULL, NULL, "no portal" },
		{ "iscsi://[::1/iqn.x", NULL, NULL, "no portal" },
		{ "iscsi://h,1/iqn.x", NULL, NULL, "no portal" },
		{ "iscsi://user%secret@h/iqn.x", NULL, NULL, "secret stands in the URI" },
		{ "iscsi://h/disk", NULL, NULL, "no iSCSI name" },
		{ "iscsi://h/iqn.x", "colour", "red", "\"colour\" is not known" },
		{ "iscsi://h/iqn.x", "nop_timeout_ms", "soon", "takes a number" },
		{ "iscsi://h/iqn.x", "max_outstanding", "0", "takes a number" },
		{ "iscsi://h/iqn.x", "max_outstanding", "99999", "takes a number" },
		{ "iscsi://h/iqn.x", "header_digest", "md5", "takes none, crc32c or prefer" },
		{ "iscsi://h/iqn.x", "portals", "a,b:x", "\"b:x\" is no portal" },
		{ "iscsi://h/iqn.x", "portals", many_portals, "too many" },
		{ "iscsi://h/iqn.x", "discover_portals", "yes", "takes true or false" },
		{ "iscsi://h/iqn.x", "portal_group", "65536", "takes a number" },
		{ "iscsi://h/iqn.x", "failback_seconds", "-1", "takes a number" },
		{ "iscsi://h/iqn.x", "chap_user", "u", "name without a secret" },
		{ "iscsi://h/iqn.x", "chap_secret", "", "takes 1 to 255" },
	};
	static const char *const mutual[] = { "chap_mutual_user", "u", "chap_mutual_secret", "s", NULL };
	static const char *const same[] = {
	    "chap_user", "a", "chap_secret", "s3cr3t", "chap_mutual_user", "b", "chap_mutual_secret", "s3cr3t", NULL};
	static const char *const good[] = {
	    "portals", "[fe80::1]:3261,other,h", "header_digest", "prefer", "max_outstanding", "7", NULL};
	struct srpgw_limits limits;
	char line[1024];

	(void)state;
	/* The URI's is the first of the 64. */
	for (int i = 0; i < 64; i++)
		sprintf(many_portals + strlen(many_portals), "%sh%d", i ? "," : "", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *set[] = { bad[i].key, bad[i].value, NULL };

		shim_open_refused(bad[i].uri, bad[i].key ? set : NULL, -EINVAL, line, sizeof(line));
		if (!strstr(line, bad[i].says))
			fail_msg("%s: \"%s\" lacks \"%s\"", bad[i].uri, line, bad[i].says);
	}
	shim_open_refused("iscsi://h/iqn.x", mutual, -EINVAL, line, sizeof(line));
	assert_non_null(strstr(line, "mutual CHAP without CHAP"));
	shim_open_refused("iscsi://h/iqn.x", same, -EINVAL, line, sizeof(line));
	assert_non_null(strstr(line, "are the same"));
	assert_null(strstr(line, "s3cr3t"));
	shim_open(&shim, "iscsi://[fe80::1%eth0]:3260/iqn.x", NULL);
	shim_close(&shim);
	shim_open(&shim, "iscsi://h:3260/iqn.2026-11.a:b/5", good);
	memset(&limits, 0, sizeof(limits));
	shim.b->limits(shim.t, &limits);
	assert_int_equal(limits.max_outstanding, 7);
	shim_close(&shim);
	assert_null(getenv("LIBISCSI_DEBUG"));
	assert_null(getenv("LIBISCSI_CHAP_USERNAME"));
}

static void test_inquiry_and_sense(void **state)
{
	char text[256];

	(void)state;
	memset(data, 0x5a, 255);
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x12, 0, 0, 0, 255), 6, IN, data, 255), GOOD);
	assert_int_equal(data[0], 0);
	assert_memory_equal(data + 8, "IET     ", 8);
	assert_int_equal(io.pub.resid_kind, SRPGW_RESID_UNDER);
	assert_int_equal(io.pub.resid, 255 - (data[4] + 5));
	/* The controller at LUN 0, and one that is not there. */
	assert_int_equal(shim_do(&path, &io, 0, CDB(0x12, 0, 0, 0, 36), 6, IN, data, 36), GOOD);
	assert_int_equal(data[0] & 0x1f, 0x0c);
	assert_int_equal(shim_do(&path, &io, 300, CDB(0x00), 6, NONE, NULL, 0), CHECK);
	assert_int_equal(shim_sense(&io), 0x052500);
	/* Sense passes through: a read behind the end. */
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 1), 10, IN, data, 512),
			 CHECK);
	assert_int_equal(shim_sense(&io), 0x052100);
	/* What libiscsi cannot carry is refused here. */
	assert_int_equal(shim_do(&path, &io, 1, (const uint8_t[32]){ 0x7f }, 32, NONE, NULL, 0), CHECK);
	assert_int_equal(shim_sense(&io), 0x052000);
	shim_prepare(&io, 1, CDB(0x00), 6, NONE, NULL, 0, 1);
	io.pub.lun[3] = 1;
	assert_int_equal(shim_command(&path, &io), CHECK);
	assert_int_equal(shim_sense(&io), 0x052500);
	shim_prepare(&io, 1, CDB(0x00), 6, SRPGW_DIR_BIDI, NULL, 0, 1);
	assert_int_equal(shim_command(&path, &io), CHECK);
	assert_int_equal(shim_sense(&io), 0x052000);
	assert_string_equal(shim_fact(&path, "initiator_name", text, sizeof(text)), "iqn.2026-11.srpgw.test:1");
	assert_string_equal(shim_fact(&path, "isid", text, sizeof(text)), "801234560001");
	assert_string_equal(shim_fact(&path, "state", text, sizeof(text)), "up");
	assert_string_equal(shim_fact(&path, "outstanding", text, sizeof(text)), "0");
}

static void test_residuals(void **state)
{
	(void)state;
	/* The host's buffer is larger, then smaller, than what the command says. */
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 2), 10, IN, data, 4096), GOOD);
	assert_int_equal(io.pub.resid_kind, SRPGW_RESID_UNDER);
	assert_int_equal(io.pub.resid, 3072);
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 8), 10, IN, data, 1024), GOOD);
	assert_int_equal(io.pub.resid_kind, SRPGW_RESID_OVER);
	assert_int_equal(io.pub.resid, 3072);
}

static void test_unit_attention_passes(void **state)
{
	struct shim_path two;
	struct shim_tmf tmf;

	(void)state;
	/* What a new session finds first, and what a reset by another leaves, reaches the host. */
	shim_attach(&shim, &two, 2);
	shim_do(&two, &io, 1, CDB(0x00), 6, NONE, NULL, 0);
	assert_int_equal(shim_sense(&io), 0x062900);
	shim_clear_ua(&two, 1);
	assert_int_equal(shim_tmf(&two, &tmf, SRPGW_TMF_LUN_RESET, 1, NULL), SRPGW_TMF_COMPLETE);
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x00), 6, NONE, NULL, 0), CHECK);
	assert_int_equal(shim_sense(&io) >> 8, 0x0629);
	shim_detach(&two);
}

static bool all_done(void *arg)
{
	for (uint32_t i = 0; i < *(uint32_t *)arg; i++)
		if (!many[i].n_done)
			return false;
	return true;
}

/* @n commands at a time over @data or @back, each of @len bytes in @n_iov pieces, in disjoint places. */
static void transfer(bool write, uint32_t n, uint32_t len, uint32_t n_iov)
{
	uint8_t cdb[16];

	for (uint32_t i = 0; i < n; i++) {
		shim_rw16(cdb, write, (uint64_t)i * len / 512, len / 512);
		shim_prepare(&many[i], 1, cdb, 16, write ? OUT : IN, (write ? data : back) + (size_t)i * len, len,
			     n_iov);
	}
	for (uint32_t i = 0; i < n; i++)
		shim_submit(&path, &many[i]);
	assert_true(shim_run(&shim, all_done, &n, 30000));
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(many[i].n_done, 1);
		assert_int_equal(many[i].pub.delivery, SRPGW_DELIVERY_ANSWERED);
		assert_int_equal(many[i].pub.status, GOOD);
		assert_int_equal(many[i].pub.resid_kind, SRPGW_RESID_NONE);
	}
}

static void test_data(void **state)
{
	static const uint32_t sizes[] = { 4096, 65536, 262144, 1 << 20, MAX_BYTES };

	(void)state;
	for (uint32_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		uint32_t n = MAX_BYTES / sizes[s] < DEPTH ? MAX_BYTES / sizes[s] : DEPTH;

		for (uint32_t n_iov = 1; n_iov <= 33; n_iov += 16) {
			fill(data, (size_t)n * sizes[s], s * 100 + n_iov);
			memset(back, 0xa5, (size_t)n * sizes[s]);
			transfer(true, n, sizes[s], n_iov);
			transfer(false, n, sizes[s], n_iov + 3);
			assert_memory_equal(data, back, (size_t)n * sizes[s]);
		}
	}
}

/* More commands than the window: our queue fills and empties. */
static void test_window(void **state)
{
	static const char *const set[] = { "max_outstanding", "3", NULL };
	char text[32];

	(void)state;
	shim_open(&shim, tgt.uri[1], set);
	shim_attach(&shim, &path, 1);
	shim_clear_ua(&path, 1);
	fill(data, 64 * 4096, 1);
	for (uint32_t i = 0; i < 64; i++) {
		uint8_t cdb[16];

		shim_rw16(cdb, true, i * 8, 8);
		shim_prepare(&many[i], 1, cdb, 16, OUT, data + i * 4096, 4096, 2);
		shim_submit(&path, &many[i]);
	}
	assert_string_equal(shim_fact(&path, "outstanding", text, sizeof(text)), "3");
	assert_string_equal(shim_fact(&path, "queued", text, sizeof(text)), "61");
	/* One that waits is aborted: it never left. */
	path.shim->b->abort(path.p, &many[40].pub);
	assert_int_equal(many[40].n_done, 1);
	assert_int_equal(many[40].pub.delivery, SRPGW_DELIVERY_NEVER);
	uint32_t n = 64;
	assert_true(shim_run(&shim, all_done, &n, 10000));
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(many[i].pub.delivery, i == 40 ? SRPGW_DELIVERY_NEVER : SRPGW_DELIVERY_ANSWERED);
	teardown(NULL);
}

static void test_task_management(void **state)
{
	struct shim_tmf tmf;
	uint8_t cdb[16];

	(void)state;
	/* The target does not run: command and function lie in its socket; then it finds both. */
	tgt_signal(&tgt, SIGSTOP);
	shim_rw16(cdb, true, 0, 8);
	shim_prepare(&io, 1, cdb, 16, OUT, data, 4096, 1);
	shim_submit(&path, &io);
	shim_tmf_start(&path, &tmf, SRPGW_TMF_ABORT_TASK, 1, &io);
	shim_run_for(&shim, 20);
	assert_int_equal(io.n_done + tmf.n_done, 0);
	tgt_signal(&tgt, SIGCONT);
	assert_true(shim_run(&shim, shim_io_is_done, &io, 5000));
	while (!tmf.n_done)
		shim_run_for(&shim, 1);
	assert_true(tmf.pub.result == SRPGW_TMF_COMPLETE || tmf.pub.result == SRPGW_TMF_NO_SUCH_TASK);
	assert_int_equal(io.n_done, 1);
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_LUN_RESET, 1, NULL), SRPGW_TMF_COMPLETE);
	shim_clear_ua(&path, 1);
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_ABORT_TASK_SET, 1, NULL), SRPGW_TMF_COMPLETE);
	/* tgt refuses this one over iSCSI. */
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_CLEAR_TASK_SET, 1, NULL), SRPGW_TMF_NOT_SUPPORTED);
	assert_int_equal(shim_tmf(&path, &tmf, 0x77, 1, NULL), SRPGW_TMF_NOT_SUPPORTED);
	shim_clear_ua(&path, 1);
	assert_int_equal(shim_do(&path, &io, 1, cdb, 16, OUT, data, 4096), GOOD);
}

static void test_many_resets_under_load(void **state)
{
	struct shim_tmf tmf;

	(void)state;
	for (int round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < DEPTH; i++) {
			uint8_t cdb[16];

			shim_rw16(cdb, i & 1, i * 128, 128);
			shim_prepare(&many[i], 1, cdb, 16, i & 1 ? OUT : IN, data + i * 65536, 65536, 3);
			shim_submit(&path, &many[i]);
		}
		assert_int_equal(
		    shim_tmf(&path, &tmf, round & 1 ? SRPGW_TMF_ABORT_TASK_SET : SRPGW_TMF_LUN_RESET, 1, NULL),
		    SRPGW_TMF_COMPLETE);
		uint32_t n = DEPTH;
		assert_true(shim_run(&shim, all_done, &n, 5000));
		shim_clear_ua(&path, 1);
	}
}

static void test_detach_under_load(void **state)
{
	uint32_t n_answered = 0;

	(void)state;
	setup(NULL);
	for (uint32_t i = 0; i < 64; i++) {
		uint8_t cdb[16];

		shim_rw16(cdb, true, i * 256, 256);
		shim_prepare(&many[i], 1, cdb, 16, OUT, data + (size_t)i * 131072, 131072, 1);
		shim_submit(&path, &many[i]);
	}
	shim_detach(&path);
	for (uint32_t i = 0; i < 64; i++) {
		assert_int_equal(many[i].n_done, 1);
		n_answered += many[i].pub.delivery == SRPGW_DELIVERY_ANSWERED;
	}
	assert_true(n_answered >= 1);
	assert_false(path.down); /* nothing is said after detach() */
	shim_close(&shim);
}

static void test_detach_at_once(void **state)
{
	(void)state;
	shim_open(&shim, tgt.uri[1], NULL);
	shim_attach_start(&shim, &path, 1);
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x00), 6, NONE, NULL, 0), -1 - SRPGW_DELIVERY_NEVER);
	shim_detach(&path);
	shim_close(&shim);
}

static bool is_down(void *arg)
{
	return ((struct shim_path *)arg)->down;
}

/* Attaches to @uri and expects DOWN with @says in its reason. */
static void expect_down_why(const char *uri, const char *const *set, bool permanent, const char *says)
{
	shim_open(&shim, uri, set);
	shim_attach_start(&shim, &path, 1);
	assert_true(shim_run(&shim, is_down, &path, 10000));
	if (!strstr(path.why, says) || path.permanent != permanent)
		fail_msg("%s: \"%s\" (permanent %d) lacks \"%s\"", uri, path.why, path.permanent, says);
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x00), 6, NONE, NULL, 0), -1 - SRPGW_DELIVERY_NEVER);
	shim_detach(&path);
	shim_close(&shim);
}

static void test_login_refused(void **state)
{
	static const char *const wrong[] = { "chap_user", "user", "chap_secret", "wrong", NULL };
	static const char *const impostor[] = {
	    "chap_user",	  "user",  "chap_secret", "secret", "chap_mutual_user", "target",
	    "chap_mutual_secret", "other", NULL};
	static const char *const impatient[] = { "login_timeout_ms", "300", NULL };
	char uri[128];

	(void)state;
	expect_down_why(tgt.uri[0], NULL, true, "there is no such target");
	expect_down_why(tgt.uri[2], wrong, true, "authentication failed");
	expect_down_why(tgt.uri[2], NULL, true, "demands CHAP");
	expect_down_why(tgt.uri[2], impostor, true, "mutual_secret_file");
	snprintf(uri, sizeof(uri), "iscsi://127.0.0.1:%u/iqn.x", free_port());
	expect_down_why(uri, NULL, false, "Connection refused");
	expect_down_why("iscsi://no-such-host.invalid/iqn.x", NULL, false, "cannot be resolved");
	tgt_signal(&tgt, SIGSTOP);
	expect_down_why(tgt.uri[1], impatient, false, "login was not answered within 300 ms");
	tgt_signal(&tgt, SIGCONT);
}

static void test_chap(void **state)
{
	static const char *const chap[] = { "chap_user", "user", "chap_secret", "secret", NULL };
	static const char *const mutual[] = {
	    "chap_user",	  "user",    "chap_secret", "secret", "chap_mutual_user", "target",
	    "chap_mutual_secret", "tsecret", NULL};
	char text[64];

	(void)state;
	for (int i = 0; i < 2; i++) {
		shim_open(&shim, tgt.uri[2], i ? mutual : chap);
		shim_attach(&shim, &path, 1);
		assert_int_equal(shim_do(&path, &io, 1, CDB(0x12, 0, 0, 0, 36), 6, IN, data, 36), GOOD);
		assert_string_equal(shim_fact(&path, "authentication", text, sizeof(text)), i ? "mutual chap" : "chap");
		teardown(NULL);
	}
}

static void test_header_digest(void **state)
{
	static const char *const set[] = {
	    "header_digest", "crc32c", "chap_user", "user", "chap_secret", "secret", NULL};
	static const char *const prefer[] = { "header_digest", "prefer", NULL };
	char text[64];

	(void)state;
	/* A target that answers None to an offer of CRC32C alone: libiscsi would be content. */
	expect_down_why(tgt.uri[1], set, true, "does without header digests");
	shim_open(&shim, tgt.uri[1], prefer);
	shim_attach(&shim, &path, 1);
	assert_string_equal(shim_fact(&path, "header_digest", text, sizeof(text)), "none");
	teardown(NULL);

	shim_open(&shim, tgt.uri[2], set);
	shim_attach(&shim, &path, 1);
	assert_string_equal(shim_fact(&path, "header_digest", text, sizeof(text)), "crc32c");
	shim_clear_ua(&path, 1);
	fill(data, 1 << 20, 3);
	memset(back, 0, 1 << 20);
	transfer(true, 4, 65536, 5);
	transfer(false, 4, 65536, 2);
	assert_memory_equal(data, back, 4 * 65536);
	teardown(NULL);
}

static void test_name_is_resolved(void **state)
{
	char uri[128];

	(void)state;
	snprintf(uri, sizeof(uri), "iscsi://localhost:%u/iqn.2026-11.srpgw.test:disk1", tgt.port);
	shim_open(&shim, uri, NULL);
	shim_attach(&shim, &path, 1);
	assert_true(path.n_progress >= 1);
	teardown(NULL);
}

static bool works_are_done(void *arg)
{
	(void)arg;
	return !shim_n_works;
}

/* A slow name server blocks nobody; the lookup ends after its path, unheard. */
static void test_name_is_resolved_slowly(void **state)
{
	static const char *const set[] = { "login_timeout_ms", "100", NULL };
	uint64_t start;

	(void)state;
	shim_work_delay_ms = 400;
	shim_open(&shim, "iscsi://localhost/iqn.x", set);
	start = reactor_clock_ns(shim.reactor);
	shim_attach_start(&shim, &path, 1);
	assert_true(reactor_clock_ns(shim.reactor) - start < 200 * NS_PER_MS);
	assert_true(shim_run(&shim, is_down, &path, 5000));
	assert_non_null(strstr(path.why, "the name was not resolved within 100 ms"));
	shim_detach(&path);
	shim_attach_start(&shim, &path, 1);
	shim_detach(&path);
	assert_int_equal(shim_n_works, 2);
	assert_true(shim_run(&shim, works_are_done, NULL, 5000));
	shim_work_delay_ms = 0;
	shim_close(&shim);
}

/* What is at the target is bounded in bytes, too; a command that is larger goes by itself. */
static void test_bytes_outstanding(void **state)
{
	static const char *const set[] = { "max_outstanding_bytes", "131072", NULL };
	static const uint32_t sizes[] = { 65536, 65536, 65536, 1 << 20, 512 };
	uint32_t n = sizeof(sizes) / sizeof(sizes[0]);
	char fact[32];

	(void)state;
	shim_open(&shim, tgt.uri[1], set);
	shim_attach(&shim, &path, 1);
	shim_clear_ua(&path, 1);
	tgt_signal(&tgt, SIGSTOP);
	for (uint32_t i = 0, at = 0; i < n; at += sizes[i++]) {
		uint8_t cdb[16];

		shim_rw16(cdb, false, at / 512, sizes[i] / 512);
		shim_prepare(&many[i], 1, cdb, 16, IN, data + at, sizes[i], 1);
		shim_submit(&path, &many[i]);
	}
	shim_run_for(&shim, 50);
	assert_string_equal(shim_fact(&path, "outstanding", fact, sizeof(fact)), "2");
	assert_string_equal(shim_fact(&path, "queued", fact, sizeof(fact)), "3");
	tgt_signal(&tgt, SIGCONT);
	assert_true(shim_run(&shim, all_done, &n, 5000));
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(many[i].pub.status, GOOD);
	teardown(NULL);
}

/* The first portal is dead: the same attach takes the other. */
static void test_next_portal(void **state)
{
	char uri[128], other[32], text[64];
	const char *set[] = { "portals", other, NULL };

	(void)state;
	snprintf(uri, sizeof(uri), "iscsi://127.0.0.1:%u/iqn.2026-11.srpgw.test:disk1", free_port());
	snprintf(other, sizeof(other), "127.0.0.1:%u", tgt.port);
	shim_open(&shim, uri, set);
	shim_attach(&shim, &path, 1);
	assert_string_equal(shim_fact(&path, "portal", text, sizeof(text)), other);
	teardown(NULL);
}

/* The target stops answering: DOWN comes within the deadline, and every command is answered as of unknown fate. */
static void test_hung_target(void **state)
{
	static const char *const set[] = { "nop_interval_ms", "200", "nop_timeout_ms", "300", NULL };
	uint64_t start;

	(void)state;
	shim_open(&shim, tgt.uri[1], set);
	shim_attach(&shim, &path, 1);
	shim_clear_ua(&path, 1);
	/* Signs of life keep a silent session up. */
	shim_run_for(&shim, 700);
	assert_false(path.down);
	tgt_signal(&tgt, SIGSTOP);
	start = reactor_clock_ns(shim.reactor);
	for (uint32_t i = 0; i < DEPTH; i++) {
		uint8_t cdb[16];

		shim_rw16(cdb, i & 1, i * 8, 8);
		shim_prepare(&many[i], 1, cdb, 16, i & 1 ? OUT : IN, data + i * 4096, 4096, 1);
		shim_submit(&path, &many[i]);
	}
	assert_true(shim_run(&shim, is_down, &path, 3000));
	assert_true(reactor_clock_ns(shim.reactor) - start < 1500 * NS_PER_MS);
	assert_non_null(strstr(path.why, "no sign of life"));
	for (uint32_t i = 0; i < DEPTH; i++) {
		assert_int_equal(many[i].n_done, 1);
		assert_int_equal(many[i].pub.delivery, SRPGW_DELIVERY_MAYBE);
	}
	tgt_signal(&tgt, SIGCONT);
	teardown(NULL);
}

/* The target dies and comes back: DOWN, then the same nexus attaches again with the same ISID. */
static void test_dead_target(void **state)
{
	(void)state;
	setup(NULL);
	tgt_signal(&tgt, SIGSTOP);
	shim_prepare(&io, 1, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 8), 10, IN, data, 4096, 1);
	shim_submit(&path, &io);
	shim_run_for(&shim, 5);
	tgt_kill(&tgt);
	assert_true(shim_run(&shim, is_down, &path, 3000));
	assert_true(strstr(path.why, "closed the connection") || strstr(path.why, "broke"));
	assert_int_equal(io.pub.delivery, SRPGW_DELIVERY_MAYBE);
	shim_detach(&path);
	tgt_restart(&tgt);
	shim_attach(&shim, &path, 1);
	shim_clear_ua(&path, 1);
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 8), 10, IN, data, 4096), GOOD);
	teardown(NULL);
}

/* Detaching from a target that does not answer is bounded, and everything is answered. */
static void test_detach_from_hung_target(void **state)
{
	(void)state;
	setup(NULL);
	tgt_signal(&tgt, SIGSTOP);
	shim_prepare(&io, 1, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 8), 10, IN, data, 4096, 1);
	shim_submit(&path, &io);
	shim_detach(&path);
	assert_int_equal(io.n_done, 1);
	assert_int_equal(io.pub.delivery, SRPGW_DELIVERY_MAYBE);
	tgt_signal(&tgt, SIGCONT);
	shim_close(&shim);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf),
		T(test_inquiry_and_sense),
		T(test_residuals),
		T(test_unit_attention_passes),
		T(test_data),
		cmocka_unit_test(test_window),
		T(test_task_management),
		T(test_many_resets_under_load),
		cmocka_unit_test(test_detach_under_load),
		cmocka_unit_test(test_detach_at_once),
		cmocka_unit_test(test_login_refused),
		cmocka_unit_test(test_chap),
		cmocka_unit_test(test_header_digest),
		cmocka_unit_test(test_name_is_resolved),
		cmocka_unit_test(test_name_is_resolved_slowly),
		cmocka_unit_test(test_bytes_outstanding),
		cmocka_unit_test(test_next_portal),
		cmocka_unit_test(test_hung_target),
		cmocka_unit_test(test_dead_target),
		cmocka_unit_test(test_detach_from_hung_target),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
