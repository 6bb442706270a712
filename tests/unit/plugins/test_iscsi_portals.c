/* SPDX-License-Identifier: BSD-3-Clause */
/* The iSCSI bridge with several portals: dead ones, mute ones, those of another group, and the way back. */
#include "host_shim.h"
#include "scripted.h"
#include "tgt.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { GOOD = 0x00, IN = SRPGW_DIR_IN };

static struct scripted one, two;
static struct shim shim;
static struct shim_path path;
static struct shim_io io;
static uint8_t buf[4096];

/* ---- helpers ---- */

static void script_usual(struct scripted *s)
{
	if (script_login(s))
		script_serve(s);
}

static void script_refuse(struct scripted *s)
{
	script_login(s);
}

/* Serves until the test says so. */
static void script_until_told(struct scripted *s)
{
	if (script_login(s))
		script_wait_step(s, 1);
}

/* Takes connections and says nothing. */
static void script_mute(struct scripted *s)
{
	while (script_recv(s))
		;
}

static bool is_down(void *arg)
{
	return ((struct shim_path *)arg)->down;
}

static bool is_moving(void *arg)
{
	return ((struct shim_path *)arg)->n_move > 0;
}

static bool is_silent(void *arg)
{
	return ((struct shim_path *)arg)->n_silent > 0;
}

static bool is_heard(void *arg)
{
	return ((struct shim_path *)arg)->n_heard > 0;
}

static uint64_t now_ms(void)
{
	return reactor_clock_ns(shim.reactor) / NS_PER_MS;
}

struct seen {
	uint32_t n;
	struct {
		char address[64], state[16], why[512];
		int32_t group;
		uint32_t n_paths;
	} portal[64];
};

static void on_portal(void *arg, const struct srpgw_portal *p)
{
	struct seen *s = arg;

	assert_true(s->n < 64);
	snprintf(s->portal[s->n].address, sizeof(s->portal[0].address), "%s", p->address);
	snprintf(s->portal[s->n].state, sizeof(s->portal[0].state), "%s", p->state);
	snprintf(s->portal[s->n].why, sizeof(s->portal[0].why), "%s", p->why ? p->why : "");
	s->portal[s->n].group = p->group;
	s->portal[s->n++].n_paths = p->n_paths;
}

static const struct seen *seen(void)
{
	static struct seen s;

	memset(&s, 0, sizeof(s));
	shim.b->portals(shim.t, on_portal, &s);
	return &s;
}

static bool state_is(uint32_t i, const char *want)
{
	const struct seen *s = seen();

	return i < s->n && !strcmp(s->portal[i].state, want);
}

static bool second_is_standby(void *arg)
{
	(void)arg;
	return state_is(1, "standby");
}

static void uses(const char *portal)
{
	char fact[64];

	assert_string_equal(shim_fact(&path, "portal", fact, sizeof(fact)), portal);
}

static void uses_port(uint16_t port)
{
	char text[64];

	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	uses(text);
}

static int start_read(void)
{
	uint8_t cdb[16];

	shim_rw16(cdb, false, 0, 1);
	shim_prepare(&io, 1, cdb, 16, IN, buf, 512, 1);
	shim_submit(&path, &io);
	return 0;
}

/* A portal that answers no connection request: its queue is full, and nobody accepts. */
struct hole {
	int fd[3];
	uint16_t port;
};

static void hole_make(struct hole *h)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sa);

	h->fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(h->fd[0], (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(h->fd[0], 0), 0);
	assert_int_equal(getsockname(h->fd[0], (struct sockaddr *)&sa, &len), 0);
	h->port = ntohs(sa.sin_port);
	for (int i = 1; i < 3; i++) {
		h->fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(h->fd[i], (struct sockaddr *)&sa, sizeof(sa));
	}
}

static void hole_close(struct hole *h)
{
	for (int i = 0; i < 3; i++)
		close(h->fd[i]);
}

static void two_portals(const char *const *settings)
{
	static char second[64];
	const char *set[16] = { "portals", second };

	snprintf(second, sizeof(second), "127.0.0.1:%u", two.port);
	for (int i = 0; settings && settings[i]; i++)
		set[i + 2] = settings[i];
	shim_open(&shim, one.uri, set);
}

static void stop_two(void)
{
	shim_detach(&path);
	shim_close(&shim);
	scripted_stop(&one);
	scripted_stop(&two);
	one.login_class = two.login_class = 0;
	one.group = two.group = 0;
}

/* ---- 24 portals, 23 of them dead ---- */

static void test_many_dead(void **state)
{
	static struct hole hole[12];
	char uri[128], list[24 * 32] = "";
	const char *set[] = { "portals", list, NULL };
	uint64_t start, took;
	uint32_t n_down = 0;

	(void)state;
	scripted_start(&one, script_usual);
	for (int i = 0; i < 12; i++)
		hole_make(&hole[i]);
	snprintf(uri, sizeof(uri), "iscsi://127.0.0.1:%u/iqn.2026-11.srpgw.test:script", hole[0].port);
	for (int i = 1; i < 23; i++)
		sprintf(list + strlen(list), "127.0.0.1:%u,", i < 12 ? hole[i].port : free_port());
	sprintf(list + strlen(list), "127.0.0.1:%u", one.port);
	shim_open(&shim, uri, set);
	start = now_ms();
	shim_attach(&shim, &path, 1);
	took = now_ms() - start;
	print_message("24 portals, 23 dead: up after %llu ms\n", (unsigned long long)took);
	assert_in_range(took, 0, 4999);
	uses_port(one.port);
	assert_int_equal(seen()->n, 24);
	assert_string_equal(seen()->portal[23].state, "active");
	assert_int_equal(seen()->portal[23].n_paths, 1);
	assert_int_equal(seen()->portal[23].group, 1);
	assert_string_equal(seen()->portal[12].state, "down");
	assert_non_null(strstr(seen()->portal[12].why, "Connection refused"));
	/* What the race left open, probes close. */
	for (int i = 0; i < 200 && n_down < 23; i++) {
		n_down = 0;
		shim_run_for(&shim, 50);
		for (uint32_t k = 0; k < 23; k++)
			n_down += state_is(k, "down") && seen()->portal[k].why[0];
	}
	assert_int_equal(n_down, 23);
	/* The next attach knows, and is quick. */
	shim_detach(&path);
	start = now_ms();
	shim_attach(&shim, &path, 1);
	assert_in_range(now_ms() - start, 0, 500);
	shim_detach(&path);
	shim_close(&shim);
	for (int i = 0; i < 12; i++)
		hole_close(&hole[i]);
	scripted_stop(&one);
}

static void test_all_dead(void **state)
{
	char uri[128], list[128];
	const char *set[] = { "portals", list, "login_timeout_ms", "300", NULL };
	struct hole hole;

	(void)state;
	hole_make(&hole);
	snprintf(uri, sizeof(uri), "iscsi://127.0.0.1:%u/iqn.x", free_port());
	snprintf(list, sizeof(list), "127.0.0.1:%u,127.0.0.1:%u", free_port(), hole.port);
	shim_open(&shim, uri, set);
	shim_attach_start(&shim, &path, 1);
	assert_true(shim_run(&shim, is_down, &path, 5000));
	assert_false(path.permanent);
	assert_non_null(strstr(path.why, "none of 3 portals serves: "));
	assert_non_null(strstr(path.why, "refused"));
	assert_non_null(strstr(seen()->portal[2].why, "no connection within"));
	shim_detach(&path);
	shim_close(&shim);
	hole_close(&hole);
}

static bool works_are_done(void *arg)
{
	(void)arg;
	return !shim_n_works;
}

/* A name server that takes its time holds up no other portal. */
static void test_slow_name(void **state)
{
	char list[128];
	const char *set[] = { "portals", list, NULL };
	uint64_t start;

	(void)state;
	scripted_start(&one, script_usual);
	snprintf(list, sizeof(list), "127.0.0.1:%u", one.port);
	shim_work_delay_ms = 2000;
	shim_open(&shim, "iscsi://localhost:1/iqn.2026-11.srpgw.test:script", set);
	start = now_ms();
	shim_attach(&shim, &path, 1);
	assert_in_range(now_ms() - start, 0, 1000);
	uses_port(one.port);
	shim_detach(&path);
	assert_true(shim_run(&shim, works_are_done, NULL, 5000));
	shim_work_delay_ms = 0;
	shim_close(&shim);
	scripted_stop(&one);
}

/* ---- portals that connect and do not serve ---- */

static void test_refused_login_goes_on(void **state)
{
	(void)state;
	scripted_start(&one, script_refuse);
	scripted_start(&two, script_usual);
	one.login_class = 3;
	one.login_detail = 1;
	two_portals(NULL);
	shim_attach(&shim, &path, 1);
	uses_port(two.port);
	assert_true(state_is(0, "down"));
	assert_non_null(strstr(seen()->portal[0].why, "03/01"));
	/* That it answers probes does not make it the first choice. */
	shim_detach(&path);
	shim_attach(&shim, &path, 1);
	uses_port(two.port);
	assert_int_equal(one.n_connections, 2); /* a probe and a login */
	stop_two();
	/* What every portal would say ends the attach. */
	scripted_start(&one, script_refuse);
	scripted_start(&two, script_usual);
	one.login_class = 2;
	one.login_detail = 2;
	two_portals(NULL);
	shim_attach_start(&shim, &path, 1);
	assert_true(shim_run(&shim, is_down, &path, 5000));
	assert_true(path.permanent);
	assert_non_null(strstr(path.why, "02/02"));
	assert_int_equal(two.n_connections, 0);
	stop_two();
}

static void test_mute_portal(void **state)
{
	uint64_t start;

	(void)state;
	scripted_start(&one, script_mute);
	scripted_start(&two, script_usual);
	two_portals(NULL);
	start = now_ms();
	shim_attach(&shim, &path, 1);
	assert_in_range(now_ms() - start, 1900, 3500);
	uses_port(two.port);
	assert_non_null(strstr(seen()->portal[0].why, "the login was not answered within 2000 ms"));
	stop_two();
}

/* ---- failover, and the way back ---- */

static void test_failover(void **state)
{
	uint64_t start;

	(void)state;
	scripted_start(&one, script_until_told);
	scripted_start(&two, script_usual);
	two_portals(NULL);
	shim_attach(&shim, &path, 1);
	uses_port(one.port);
	assert_true(shim_run(&shim, second_is_standby, NULL, 5000));
	one.script = script_mute; /* it would take the next login and not answer */
	start_read();
	one.step = 1;
	assert_true(shim_run(&shim, is_down, &path, 5000));
	start = now_ms();
	assert_int_equal(io.n_done, 1);
	shim_detach(&path);
	shim_attach(&shim, &path, 1);
	print_message("failover: up after %llu ms\n", (unsigned long long)(now_ms() - start));
	assert_in_range(now_ms() - start, 0, 1000);
	uses_port(two.port);
	/* Without a policy nobody goes back. */
	shim_run_for(&shim, 1500);
	assert_int_equal(path.n_move, 0);
	stop_two();
}

static void test_failback(void **state)
{
	static const char *const set[] = { "failback_seconds", "1", NULL };
	uint64_t start;

	(void)state;
	scripted_start(&one, script_until_told);
	scripted_start(&two, script_usual);
	two_portals(set);
	shim_attach(&shim, &path, 1);
	uses_port(one.port);
	/* It goes away altogether. */
	one.step = 1;
	scripted_leave(&one);
	assert_true(shim_run(&shim, is_down, &path, 5000));
	shim_detach(&path);
	shim_attach(&shim, &path, 1);
	uses_port(two.port);
	shim_run_for(&shim, 2500);
	assert_int_equal(path.n_move, 0);
	assert_true(state_is(0, "down"));
	/* And comes back. */
	one.script = script_usual;
	scripted_return(&one);
	start = now_ms();
	assert_true(shim_run(&shim, is_moving, &path, 20000));
	assert_in_range(now_ms() - start, 1000, 20000);
	assert_true(path.up);
	shim_run_for(&shim, 2500);
	assert_int_equal(path.n_move, 1);
	shim_detach(&path);
	shim_attach(&shim, &path, 1);
	uses_port(one.port);
	stop_two();
}

/* ---- signs of life ---- */

static void script_pauses(struct scripted *s)
{
	if (!script_login(s) || !script_expect(s, PDU_COMMAND))
		return;
	script_wait_step(s, 1);
	script_data_in(s, s->in.bhs, 0, 512, 1);
	script_respond(s, s->in.bhs, 0, GOOD, 0, 0, NULL, 0);
	script_serve(s);
}

static void test_silence(void **state)
{
	uint64_t start;

	(void)state;
	scripted_start(&one, script_pauses);
	shim_open(&shim, one.uri, NULL);
	shim_attach(&shim, &path, 1);
	shim_run_for(&shim, 1500);
	start = now_ms();
	start_read();
	assert_true(shim_run(&shim, is_silent, &path, 5000));
	/* A second until the question, two until the answer is missed. */
	assert_in_range(now_ms() - start, 2900, 3600);
	assert_true(path.up);
	assert_int_equal(path.n_heard, 0);
	assert_int_equal(io.n_done, 0);
	one.step = 1;
	assert_true(shim_run(&shim, is_heard, &path, 2000));
	assert_true(shim_run(&shim, shim_io_is_done, &io, 2000));
	assert_int_equal(io.pub.status, GOOD);
	assert_false(path.down);
	assert_int_equal(path.n_silent, 1);
	shim_detach(&path);
	shim_close(&shim);
	scripted_stop(&one);
}

/* With another portal at hand, a quarter of the patience will do. */
static void test_silence_with_another_portal(void **state)
{
	uint64_t start;

	(void)state;
	scripted_start(&one, script_pauses);
	scripted_start(&two, script_usual);
	two_portals(NULL);
	shim_attach(&shim, &path, 1);
	uses_port(one.port);
	assert_true(shim_run(&shim, second_is_standby, NULL, 5000));
	start = now_ms();
	start_read();
	assert_true(shim_run(&shim, is_down, &path, 8000));
	assert_in_range(now_ms() - start, 3300, 4200);
	assert_non_null(strstr(path.why, "no sign of life"));
	one.step = 1;
	start = now_ms();
	shim_detach(&path);
	shim_attach(&shim, &path, 1);
	assert_in_range(now_ms() - start, 0, 1000);
	uses_port(two.port);
	stop_two();
}

/* ---- groups ---- */

static void test_other_group(void **state)
{
	(void)state;
	scripted_start(&one, script_until_told);
	scripted_start(&two, script_usual);
	one.group = 4;
	two.group = 5;
	two_portals(NULL);
	shim_attach(&shim, &path, 1);
	uses_port(one.port);
	assert_int_equal(seen()->portal[0].group, 4);
	/* The way is lost; the other one is another target port, with another reservation behind it. */
	one.step = 1;
	scripted_leave(&one);
	assert_true(shim_run(&shim, is_down, &path, 5000));
	shim_detach(&path);
	shim_attach_start(&shim, &path, 1);
	assert_true(shim_run(&shim, is_down, &path, 5000));
	assert_non_null(strstr(path.why, "belongs to target portal group 5, and this back-end uses group 4"));
	assert_true(state_is(1, "down"));
	assert_non_null(strstr(seen()->portal[1].why, "srpgwctl discover"));
	assert_int_equal(two.failures, 0);
	scripted_return(&one);
	stop_two();
}

static void test_configured_group(void **state)
{
	static const char *const set[] = { "portal_group", "5", NULL };

	(void)state;
	scripted_start(&one, script_usual);
	scripted_start(&two, script_usual);
	one.group = 4;
	two.group = 5;
	two_portals(set);
	shim_attach(&shim, &path, 1);
	uses_port(two.port);
	assert_true(state_is(0, "down"));
	assert_non_null(strstr(seen()->portal[0].why, "group 4"));
	stop_two();
}

/* ---- SendTargets ---- */

static bool answer_is_there(void *arg)
{
	(void)arg;
	return seen()->n == 4 && state_is(1, "standby");
}

static void test_discovery(void **state)
{
	static const char *const set[] = { "discover_portals", "true", NULL };
	static struct scripted again;
	static struct hole hole;

	(void)state;
	hole_make(&hole);
	scripted_start(&two, script_usual);
	scripted_start(&one, script_usual);
	snprintf(one.send_targets, sizeof(one.send_targets),
		 "TargetName=iqn.2026-11.srpgw.test:other\nTargetAddress=127.0.0.1:9,1\n"
		 "TargetName=iqn.2026-11.srpgw.test:script\nTargetAddress=127.0.0.1:%u,1\nTargetAddress=127.0.0.1:%u,1\n"
		 "TargetAddress=[::1]:%u,2\nTargetAddress=127.0.0.1:%u,1\n",
		 one.port, two.port, two.port, hole.port);
	scripted_share(&again, &one);
	shim_open(&shim, one.uri, set);
	shim_attach(&shim, &path, 1);
	uses_port(one.port);
	assert_true(shim_run(&shim, answer_is_there, NULL, 10000));
	/* In the target's order. */
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(seen()->portal[i].address[0] == '[', i == 2);
		assert_int_equal(seen()->portal[i].group, i == 2 ? 2 : 1);
		assert_int_equal(!!strstr(seen()->portal[i].why, "belongs to target portal group 2"), i == 2);
	}
	assert_true(state_is(0, "active"));
	shim_detach(&path);
	/* The listed one is gone; the one that was told is the way now. */
	scripted_leave(&one);
	shutdown(again.listen_fd, SHUT_RDWR);
	shim_attach(&shim, &path, 1);
	uses_port(two.port);
	shim_detach(&path);
	shim_close(&shim);
	scripted_leave(&again);
	scripted_stop(&two);
	assert_int_equal(one.failures + again.failures, 0);
	one.send_targets[0] = 0;
	hole_close(&hole);
}

/* ---- IPv6, and a real target ---- */

static void test_ipv6(void **state)
{
	static const char *const set[] = { "discover_portals", "true", NULL };
	uint16_t second = free_port();
	struct tgt tgt;
	char uri[128];

	(void)state;
	tgt_start(&tgt);
	tgt_kill(&tgt);
	snprintf(tgt.more_portals, sizeof(tgt.more_portals), ",portal=127.0.0.2:%u,portal=[::1]:%u", tgt.port, second);
	tgt_restart(&tgt);
	snprintf(uri, sizeof(uri), "iscsi://[::1]:%u/iqn.2026-11.srpgw.test:disk1", second);
	shim_open(&shim, uri, set);
	shim_attach(&shim, &path, 1);
	shim_clear_ua(&path, 1);
	assert_int_equal(shim_do(&path, &io, 1, (const uint8_t[16]){ 0x12, 0, 0, 0, 36 }, 6, IN, buf, 36), GOOD);
	shim_run_for(&shim, 500);
	/* tgtd tells the portal that was asked, and no other. */
	assert_int_equal(seen()->n, 1);
	assert_int_equal(seen()->portal[0].group, 1);
	shim_detach(&path);
	shim_close(&shim);
	tgt_stop(&tgt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_dead),
		cmocka_unit_test(test_all_dead),
		cmocka_unit_test(test_slow_name),
		cmocka_unit_test(test_refused_login_goes_on),
		cmocka_unit_test(test_mute_portal),
		cmocka_unit_test(test_failover),
		cmocka_unit_test(test_failback),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_silence_with_another_portal),
		cmocka_unit_test(test_other_group),
		cmocka_unit_test(test_configured_group),
		cmocka_unit_test(test_discovery),
		cmocka_unit_test(test_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
