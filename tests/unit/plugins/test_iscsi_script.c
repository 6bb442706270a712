/* SPDX-License-Identifier: BSD-3-Clause */
/* The iSCSI bridge against a target that misbehaves on purpose. */
#include "host_shim.h"
#include "scripted.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { GOOD = 0x00, CHECK = 0x02, TASK_ABORTED = 0x40 };
enum { NONE = SRPGW_DIR_NONE, IN = SRPGW_DIR_IN, OUT = SRPGW_DIR_OUT };

#define CDB(...) (const uint8_t[16]){ __VA_ARGS__ }

static struct scripted target, second;
static struct shim shim;
static struct shim_path path;
static struct shim_io io, many[8];
static uint8_t buf[4 << 20];

static bool is_down(void *arg)
{
	return ((struct shim_path *)arg)->down;
}

static void begin(void (*script)(struct scripted *s))
{
	scripted_start(&target, script);
	shim_open(&shim, target.uri, NULL);
	shim_attach(&shim, &path, 1);
}

static void end(void)
{
	shim_detach(&path);
	shim_close(&shim);
	scripted_stop(&target);
}

static void start_read(struct shim_io *c, uint32_t lun, uint32_t len, uint32_t n_iov)
{
	uint8_t cdb[16];

	shim_rw16(cdb, false, 0, len / 512);
	shim_prepare(c, lun, cdb, 16, IN, buf, len, n_iov);
	shim_submit(&path, c);
}

static int read_now(uint32_t len, uint32_t n_iov)
{
	memset(buf, 0x5a, len);
	start_read(&io, 1, len, n_iov);
	assert_true(shim_run(&shim, shim_io_is_done, &io, 5000));
	return io.pub.delivery == SRPGW_DELIVERY_ANSWERED ? io.pub.status : -1;
}

/* ---- a target that leaves out the proof ---- */

/* Straight to the full feature phase (RFC 7143 11.13.3), without a word on who is who. */
static void script_no_word(struct scripted *s)
{
	uint8_t r[48] = { PDU_LOGIN_RESPONSE, 0x80 | 3 };

	if (!script_recv(s))
		return;
	memcpy(r + 8, s->in.bhs + 8, 6); /* ISID */
	r[15] = 7; /* TSIH */
	memcpy(r + 16, s->in.bhs + 16, 4);
	script_send(s, r, NULL, 0);
	s->stat_sn++;
	script_serve(s);
}

static void script_no_chap(struct scripted *s)
{
	if (script_login(s)) /* chooses AuthMethod=None */
		script_serve(s);
}

static void test_no_proof(void **state)
{
	static const char *const one_way[] = { "chap_user", "user", "chap_secret", "s3cr3t", NULL };
	static const char *const mutual[] = { "chap_user",	  "user",  "chap_secret",	 "s3cr3t",
					      "chap_mutual_user", "san",   "chap_mutual_secret", "0ther", NULL };

	(void)state;
	/* Who need not prove anything to the target may go on; who asked for a proof may not. */
	scripted_start(&target, script_no_chap);
	shim_open(&shim, target.uri, one_way);
	shim_attach(&shim, &path, 1);
	assert_int_equal(read_now(512, 1), GOOD);
	shim_detach(&path);
	shim_close(&shim);
	target.script = script_no_chap;
	for (int i = 0; i < 2; i++) {
		shim_open(&shim, target.uri, mutual);
		shim_attach_start(&shim, &path, 1);
		assert_true(shim_run(&shim, is_down, &path, 5000));
		assert_true(path.permanent);
		assert_non_null(strstr(path.why, "does not prove who it is"));
		shim_detach(&path);
		shim_close(&shim);
		target.script = script_no_word;
	}
	scripted_stop(&target);
}

/* ---- GOOD that is not good ---- */

static void script_false_good(struct scripted *s)
{
	if (!script_login(s) || !script_expect(s, PDU_COMMAND))
		return;
	script_respond(s, s->in.bhs, 1, GOOD, 0, 0, NULL, 0); /* target failure, no data */
	if (!script_expect(s, PDU_COMMAND))
		return;
	script_respond(s, s->in.bhs, 1, GOOD, 0, 0, NULL, 0);
	if (!script_expect(s, PDU_COMMAND))
		return;
	script_data_in(s, s->in.bhs, 0, 16384, 0x11); /* half of it, and no word of a residual */
	script_respond(s, s->in.bhs, 0, GOOD, 0, 0, NULL, 0);
	if (!script_expect(s, PDU_COMMAND))
		return;
	script_data_in(s, s->in.bhs, 0, 100, 0x11);
	script_respond(s, s->in.bhs, 0, GOOD, 0, 0, NULL, 0);
	if (!script_expect(s, PDU_COMMAND))
		return;
	script_data_in(s, s->in.bhs, 0, 512, 0x11); /* an error in the middle, without a residual */
	script_respond(s, s->in.bhs, 0, CHECK, 0, 0, "\0\0", 2);
	script_serve(s);
}

static void test_false_good(void **state)
{
	(void)state;
	begin(script_false_good);
	/* "Target failure" with status GOOD: no data came, so it was not good; nothing of the buffer may be shown. */
	for (uint32_t n = 0; n < 2; n++) {
		assert_int_equal(read_now(n ? 32768 : 512, n ? 5 : 1), CHECK);
		assert_int_equal(shim_sense(&io), 0x0b4400);
		assert_int_equal(io.pub.resid_kind, SRPGW_RESID_UNDER);
		assert_int_equal(io.pub.resid, io.pub.data_len);
	}
	assert_int_equal(read_now(32768, 5), CHECK);
	assert_int_equal(shim_sense(&io), 0x0b4400);
	/* A short answer to a short command passes; what did not come is zero. */
	assert_int_equal(read_now(512, 2), GOOD);
	assert_int_equal(buf[0], 0x11);
	assert_int_equal(buf[99], 0x11);
	assert_int_equal(buf[100] | buf[511], 0);
	assert_int_equal(read_now(32768, 5), CHECK);
	assert_int_equal(io.pub.resid, 32768);
	assert_int_equal(read_now(32768, 5), GOOD);
	end();
}

/* ---- sense data ---- */

static void script_sense(struct scripted *s)
{
	uint8_t luns_changed[2 + 18] = { 0, 18, 0x70, 0, 6, [2 + 7] = 10, [2 + 12] = 0x3f, [2 + 13] = 0x0e };
	uint8_t lies[2 + 18] = { 0xff, 0xff, 0x70, 0, 5, [2 + 7] = 10, [2 + 12] = 0x24 };
	uint8_t *large = calloc(1, 2 + 1000);

	large[0] = 1000 >> 8;
	large[1] = 1000 & 0xff;
	large[2] = 0x72;
	if (script_login(s)) {
		script_expect(s, PDU_COMMAND);
		script_respond(s, s->in.bhs, 0, CHECK, 0, 0, lies, sizeof(lies));
		script_expect(s, PDU_COMMAND);
		script_respond(s, s->in.bhs, 0, CHECK, 0, 0, large, 2 + 1000);
		script_expect(s, PDU_COMMAND);
		script_respond(s, s->in.bhs, 0, CHECK, 0, 0, luns_changed, sizeof(luns_changed));
		script_serve(s);
	}
	free(large);
}

static void test_sense(void **state)
{
	(void)state;
	begin(script_sense);
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x00), 6, NONE, NULL, 0), CHECK);
	assert_int_equal(io.pub.sense_len, 18); /* what came, not what was said */
	assert_int_equal(shim_sense(&io), 0x052400);
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x00), 6, NONE, NULL, 0), CHECK);
	assert_int_equal(io.pub.sense_len, SRPGW_SENSE_MAX);
	assert_false(path.inventory);
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x00), 6, NONE, NULL, 0), CHECK);
	assert_int_equal(shim_sense(&io), 0x063f0e);
	assert_true(path.inventory);
	end();
}

/* ---- task management ---- */

static void script_abort(struct scripted *s)
{
	uint8_t first[48], second_cmd[48];

	if (!script_login(s) || !script_expect(s, PDU_COMMAND))
		return;
	memcpy(first, s->in.bhs, 48);
	if (!script_expect(s, PDU_COMMAND))
		return;
	memcpy(second_cmd, s->in.bhs, 48);
	/* Function 1, the tag of the first command, its LUN. */
	if (!script_expect(s, PDU_TMF))
		return;
	s->failures += s->in.bhs[1] != 0x81 || memcmp(s->in.bhs + 20, first + 16, 4) != 0 || s->in.bhs[9] != 1;
	script_tmf_response(s, s->in.bhs, 0);
	if (!script_expect(s, PDU_TMF))
		return;
	s->failures += memcmp(s->in.bhs + 20, second_cmd + 16, 4) != 0;
	script_tmf_response(s, s->in.bhs, 1); /* task does not exist */
	script_serve(s);
}

static void test_abort_task(void **state)
{
	struct shim_tmf tmf;

	(void)state;
	begin(script_abort);
	start_read(&many[0], 1, 4096, 1);
	start_read(&many[1], 1, 4096, 1);
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_ABORT_TASK, 1, &many[0]), SRPGW_TMF_COMPLETE);
	/* Confirmed: no answer will come, so the bridge gives it; before the function's. */
	assert_int_equal(many[0].n_done, 1);
	assert_int_equal(many[0].pub.delivery, SRPGW_DELIVERY_ANSWERED);
	assert_int_equal(many[0].pub.status, TASK_ABORTED);
	assert_int_equal(many[1].n_done, 0);
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_ABORT_TASK, 1, &many[1]), SRPGW_TMF_NO_SUCH_TASK);
	assert_int_equal(many[1].pub.delivery, SRPGW_DELIVERY_MAYBE);
	assert_int_equal(read_now(65536, 3), GOOD); /* the session lives on */
	end();
}

static void script_reset(struct scripted *s)
{
	uint8_t cmd[3][48];

	if (!script_login(s))
		return;
	for (int i = 0; i < 3; i++) {
		if (!script_expect(s, PDU_COMMAND))
			return;
		memcpy(cmd[i], s->in.bhs, 48);
	}
	if (!script_expect(s, PDU_TMF))
		return;
	s->failures += s->in.bhs[1] != 0x85 || s->in.bhs[9] != 1;
	/* One is answered on the way, the other unit's later. */
	script_data_in(s, cmd[0], 0, 4096, 1);
	script_respond(s, cmd[0], 0, GOOD, 0, 0, NULL, 0);
	script_tmf_response(s, s->in.bhs, 0);
	script_wait_step(s, 1);
	script_data_in(s, cmd[2], 0, 4096, 3);
	script_respond(s, cmd[2], 0, GOOD, 0, 0, NULL, 0);
	if (!script_expect(s, PDU_TMF))
		return;
	script_tmf_response(s, s->in.bhs, 5); /* not supported */
	if (!script_expect(s, PDU_TMF))
		return;
	script_tmf_response(s, s->in.bhs, 255); /* rejected */
	if (!script_expect(s, PDU_TMF))
		return;
	script_wait_step(s, 2); /* the connection ends before an answer */
}

static void test_lun_reset(void **state)
{
	struct shim_tmf tmf;

	(void)state;
	begin(script_reset);
	start_read(&many[0], 1, 4096, 1);
	start_read(&many[1], 1, 4096, 1);
	start_read(&many[2], 2, 4096, 1);
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_LUN_RESET, 1, NULL), SRPGW_TMF_COMPLETE);
	assert_int_equal(many[0].pub.status, GOOD);
	assert_int_equal(many[1].n_done, 1);
	assert_int_equal(many[1].pub.status, TASK_ABORTED);
	assert_int_equal(many[2].n_done, 0);
	target.step = 1;
	assert_true(shim_run(&shim, shim_io_is_done, &many[2], 3000));
	assert_int_equal(many[2].pub.status, GOOD);
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_CLEAR_ACA, 1, NULL), SRPGW_TMF_NOT_SUPPORTED);
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_ABORT_TASK_SET, 1, NULL), SRPGW_TMF_FAILED);
	shim_tmf_start(&path, &tmf, SRPGW_TMF_LUN_RESET, 1, NULL);
	shim_run_for(&shim, 20);
	assert_int_equal(tmf.n_done, 0);
	target.step = 2;
	assert_true(shim_run(&shim, is_down, &path, 3000));
	assert_int_equal(tmf.n_done, 1);
	assert_int_equal(tmf.pub.result, SRPGW_TMF_FAILED);
	end();
}

/* ---- an error before all data-out was taken ---- */

static void put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void script_early_error(struct scripted *s)
{
	static const uint8_t sense[2 + 18] = { 0, 18, 0x70, 0, 0x03, [2 + 7] = 10, [2 + 12] = 0x0c };
	uint8_t r2t[48] = { PDU_R2T, 0x80 }, cmd[48];

	if (!script_login(s) || !script_expect(s, PDU_COMMAND))
		return;
	memcpy(cmd, s->in.bhs, 48);
	memcpy(r2t + 8, cmd + 8, 12);
	put_be32(r2t + 20, 77);
	put_be32(r2t + 44, sizeof(buf));
	script_send(s, r2t, NULL, 0);
	script_respond(s, cmd, 0, CHECK, 0x02, sizeof(buf), sense, sizeof(sense));
	s->step = 1;
	script_wait_step(s, 2);
	for (uint32_t got = 0; got < sizeof(buf);) {
		if (!script_recv(s) || (s->in.bhs[0] & 0x3f) != PDU_DATA_OUT)
			return;
		for (uint32_t i = 0; i < s->in.len; i += 509)
			s->failures += s->in.data[i] != 0x77;
		got += s->in.len;
	}
	script_serve(s);
}

static void test_early_error(void **state)
{
	uint8_t cdb[16];

	(void)state;
	target.small_buffers = true;
	begin(script_early_error);
	memset(buf, 0x77, sizeof(buf));
	shim_rw16(cdb, true, 0, sizeof(buf) / 512);
	shim_prepare(&io, 1, cdb, 16, OUT, buf, sizeof(buf), 40);
	shim_submit(&path, &io);
	while (target.step < 1)
		shim_run_for(&shim, 1);
	shim_run_for(&shim, 50);
	/* The target has said its word, but libiscsi still reads our memory. */
	assert_int_equal(io.n_done, 0);
	target.step = 2;
	assert_true(shim_run(&shim, shim_io_is_done, &io, 5000));
	memset(buf, 0, sizeof(buf));
	assert_int_equal(io.pub.status, CHECK);
	assert_int_equal(shim_sense(&io), 0x030c00);
	assert_int_equal(read_now(4096, 1), GOOD);
	end();
	target.small_buffers = false;
}

/* GOOD comes while most of the data-out still waits for room in the socket. */
static void script_early_good(struct scripted *s)
{
	uint8_t r2t[48] = { PDU_R2T, 0x80 }, cmd[48];

	if (!script_login(s) || !script_expect(s, PDU_COMMAND))
		return;
	memcpy(cmd, s->in.bhs, 48);
	memcpy(r2t + 8, cmd + 8, 12);
	put_be32(r2t + 20, 77);
	put_be32(r2t + 44, sizeof(buf));
	script_send(s, r2t, NULL, 0);
	script_respond(s, cmd, 0, GOOD, 0, 0, NULL, 0);
	s->step = 1;
	script_wait_step(s, 2);
	for (uint32_t got = 0; got < sizeof(buf);) {
		if (!script_recv(s) || (s->in.bhs[0] & 0x3f) != PDU_DATA_OUT)
			return;
		got += s->in.len;
	}
	script_serve(s);
}

static void test_early_good(void **state)
{
	uint8_t cdb[16];

	(void)state;
	target.small_buffers = true;
	target.step = 0;
	begin(script_early_good);
	memset(buf, 0x77, sizeof(buf));
	shim_rw16(cdb, true, 0, sizeof(buf) / 512);
	shim_prepare(&io, 1, cdb, 16, OUT, buf, sizeof(buf), 40);
	shim_submit(&path, &io);
	while (target.step < 1)
		shim_run_for(&shim, 1);
	shim_run_for(&shim, 50);
	/* libiscsi still reads the buffer: it is not the host's again yet. */
	assert_false(shim_io_is_done(&io));
	target.step = 2;
	assert_true(shim_run(&shim, shim_io_is_done, &io, 5000));
	assert_int_equal(read_now(4096, 1), GOOD);
	end();
	target.small_buffers = false;
}

/* ---- logins ---- */

static void script_refuse(struct scripted *s)
{
	script_login(s);
}

static void script_usual(struct scripted *s)
{
	if (script_login(s))
		script_serve(s);
}

static bool is_no_room(const char *says)
{
	return strncmp(says, "02/06", 5) == 0 || strncmp(says, "03/02", 5) == 0;
}

static void expect_down(const char *says, bool permanent)
{
	shim_open(&shim, target.uri, NULL);
	shim_attach_start(&shim, &path, 1);
	assert_true(shim_run(&shim, is_down, &path, 5000));
	if (!strstr(path.why, says) || path.permanent != permanent || path.no_room != is_no_room(says))
		fail_msg("\"%s\" (permanent %d) lacks \"%s\"", path.why, path.permanent, says);
	shim_detach(&path);
	shim_close(&shim);
}

static void test_refusals(void **state)
{
	static const struct {
		uint8_t class, detail;
		bool permanent;
		const char *says;
	} cases[] = {
		{ 2, 0, false, "02/00: the target found a fault" },
		{ 2, 1, true, "02/01: the target demands CHAP" },
		{ 2, 2, true, "02/02: not allowed" },
		{ 2, 3, true, "02/03: there is no such target" },
		{ 2, 6, false, "02/06: too many connections" },
		{ 2, 7, true, "02/07: a parameter is missing" },
		{ 3, 1, false, "03/01: the target is out of service" },
		{ 3, 2, false, "03/02: the target is out of resources" },
		{ 9, 9, false, "failed" },
	};

	(void)state;
	scripted_start(&target, script_refuse);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		target.login_class = cases[i].class;
		target.login_detail = cases[i].detail;
		expect_down(cases[i].says, cases[i].permanent);
	}
	target.login_class = 0;
	scripted_stop(&target);
}

static void test_redirect(void **state)
{
	char text[64];

	(void)state;
	scripted_start(&second, script_usual);
	scripted_start(&target, script_refuse);
	target.login_class = target.login_detail = 1;
	snprintf(target.redirect, sizeof(target.redirect), "127.0.0.1:%u,1", second.port);
	shim_open(&shim, target.uri, NULL);
	shim_attach(&shim, &path, 1);
	assert_int_equal(read_now(4096, 1), GOOD);
	snprintf(text, sizeof(text), "127.0.0.1:%u", second.port);
	char fact[64];
	assert_string_equal(shim_fact(&path, "portal", fact, sizeof(fact)), text);
	assert_string_equal(shim_fact(&path, "redirects", fact, sizeof(fact)), "1");
	shim_detach(&path);
	shim_close(&shim);
	scripted_stop(&second);
	/* To itself, for ever. */
	snprintf(target.redirect, sizeof(target.redirect), "127.0.0.1:%u,1", target.port);
	expect_down("round in circles", false);
	assert_int_equal(target.n_connections, 6);
	target.login_class = target.login_detail = 0;
	target.redirect[0] = 0;
	scripted_stop(&target);
}

/* ---- a target that breaks the protocol, or leaves ---- */

static void script_garbage(struct scripted *s)
{
	uint8_t bhs[48] = { 0x3f, 0x80 };

	if (!script_login(s) || !script_expect(s, PDU_COMMAND))
		return;
	if (s->n_connections == 1) {
		memset(bhs, 0xff, sizeof(bhs)); /* also a data segment of 16 MiB that never comes */
		send(s->fd, bhs, sizeof(bhs), MSG_NOSIGNAL);
	} else if (s->n_connections == 2) {
		script_data_in(s, s->in.bhs, 1 << 20, 4096, 1); /* far behind the buffer */
	} else {
		script_data_in(s, s->in.bhs, 0, 60000, 1); /* more than asked for */
	}
	script_wait_step(s, s->n_connections);
}


static void test_garbage(void **state)
{
	(void)state;
	scripted_start(&target, script_garbage);
	for (int i = 0; i < 3; i++) {
		shim_open(&shim, target.uri, NULL);
		shim_attach(&shim, &path, 1);
		memset(buf, 0x5a, 65536);
		start_read(&io, 1, 4096, 2);
		assert_true(shim_run(&shim, is_down, &path, 5000));
		assert_int_equal(io.n_done, 1);
		assert_int_equal(io.pub.delivery, SRPGW_DELIVERY_MAYBE);
		assert_int_equal(buf[4096], 0x5a);
		target.step = i + 1;
		shim_detach(&path);
		shim_close(&shim);
	}
	scripted_stop(&target);
}

static void script_asks_for_logout(struct scripted *s)
{
	uint8_t async[48] = { PDU_ASYNC, 0x80, [36] = 1, [43] = 3 };

	memset(async + 16, 0xff, 4);
	if (!script_login(s) || !script_expect(s, PDU_COMMAND))
		return;
	script_send(s, async, NULL, 0);
	script_serve(s);
}

static void test_target_asks_for_logout(void **state)
{
	(void)state;
	begin(script_asks_for_logout);
	start_read(&io, 1, 4096, 1);
	assert_true(shim_run(&shim, is_down, &path, 5000));
	assert_int_equal(io.n_done, 1);
	assert_int_equal(io.pub.delivery, SRPGW_DELIVERY_MAYBE);
	end();
}

/* The command window stays shut: commands wait in libiscsi, the target is not taken for dead, and the end is bounded.
 */
static void script_shut_window(struct scripted *s)
{
	s->window = 1;
	if (!script_login(s) || !script_expect(s, PDU_COMMAND))
		return;
	script_wait_step(s, 1);
	script_data_in(s, s->in.bhs, 0, 4096, 1);
	script_respond(s, s->in.bhs, 0, GOOD, 0, 0, NULL, 0);
	script_serve(s);
}

static void test_shut_window(void **state)
{
	static const char *const set[] = { "nop_interval_ms", "50", "nop_timeout_ms", "200", NULL };
	char fact[32];

	(void)state;
	scripted_start(&target, script_shut_window);
	target.window = 1;
	shim_open(&shim, target.uri, set);
	shim_attach(&shim, &path, 1);
	for (int i = 0; i < 4; i++)
		start_read(&many[i], 1, 4096, 1);
	shim_run_for(&shim, 500);
	assert_false(path.down);
	assert_string_equal(shim_fact(&path, "outstanding", fact, sizeof(fact)), "4");
	target.step = 1;
	for (int i = 0; i < 4; i++) {
		assert_true(shim_run(&shim, shim_io_is_done, &many[i], 3000));
		assert_int_equal(many[i].pub.status, GOOD);
	}
	end();
}

/* ---- nothing stays behind in the socket ---- */

/* The bridge's connection to the target. */
static int bridge_socket(void)
{
	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_in sa = { 0 };
		socklen_t len = sizeof(sa);

		if (!getpeername(fd, (struct sockaddr *)&sa, &len) && sa.sin_family == AF_INET && ntohs(sa.sin_port) == target.port)
			return fd;
	}
	return -1;
}

/* What was written to the socket and not sent: TCP keeps it back until it is told to go. */
static int kept_back(int fd)
{
	int n_bytes = -1;

	return ioctl(fd, SIOCOUTQNSD, &n_bytes) ? -1 : n_bytes;
}

static void start_write(struct shim_io *c, uint32_t len)
{
	uint8_t cdb[16];

	shim_rw16(cdb, true, 0, len / 512);
	shim_prepare(c, 1, cdb, 16, OUT, buf, len, 1);
	shim_submit(&path, c);
}

static void script_just_serve(struct scripted *s)
{
	if (script_login(s))
		script_serve(s);
}

static void test_nothing_is_kept_back(void **state)
{
	/* Writes after writes, reads after writes and the other way round, two at a time. */
	static const char order[] = "wwrwrrwwwrW rWWrw";
	int fd;

	(void)state;
	begin(script_just_serve);
	fd = bridge_socket();
	assert_true(fd >= 0);
	for (const char *c = order; *c; c++) {
		uint32_t n = *c == 'W' ? 2 : 1;

		if (*c == ' ') {
			shim_run_for(&shim, 20);
			continue;
		}
		for (uint32_t i = 0; i < n; i++) {
			if (*c == 'r')
				start_read(&many[i], 1, 4096, 1);
			else
				start_write(&many[i], 4096);
			if (!i) /* the only one under way goes at once */
				assert_int_equal(kept_back(fd), 0);
		}
		if (n > 1) {
			reactor_poll(shim.reactor, 0);
			assert_int_equal(kept_back(fd), 0);
		}
		for (uint32_t i = 0; i < n; i++) {
			assert_true(shim_run(&shim, shim_io_is_done, &many[i], 5000));
			assert_int_equal(many[i].pub.status, GOOD);
		}
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_kept_back),
		cmocka_unit_test(test_no_proof),
		cmocka_unit_test(test_false_good),
		cmocka_unit_test(test_sense),
		cmocka_unit_test(test_abort_task),
		cmocka_unit_test(test_lun_reset),
		cmocka_unit_test(test_early_error),
		cmocka_unit_test(test_early_good),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_target_asks_for_logout),
		cmocka_unit_test(test_shut_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
