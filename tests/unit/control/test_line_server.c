/* SPDX-License-Identifier: BSD-3-Clause */
/* line_server.h on a reactor that is stepped by hand, with a clock of its own: who is served, in what order, and who is
 * cut off. */
#include "../../../gateway/control/line_server.h"
#include "../../../gateway/control/unix_socket.h"
#include "unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

static uint64_t clock_ns;

static uint64_t now(void *arg)
{
	(void)arg;
	return clock_ns;
}

struct rig {
	char dir[UNIT_DIR];
	struct reactor *r;
	struct line_server *s;
	struct line_client *held[8]; /* clients whose request was "hold" */
	size_t n_held, n_requests;
	size_t answer_bytes;
};

static struct line_text *text(const char *s)
{
	return line_text_new(strdup(s), strlen(s));
}

static void on_request(void *arg, struct line_client *c, const char *line, size_t len)
{
	struct rig *rig = arg;
	char answer[256];

	rig->n_requests++;
	assert_true(strlen(line) <= len);
	if (strcmp(line, "hold") == 0) {
		rig->held[rig->n_held++] = c;
	} else if (strcmp(line, "close") == 0) {
		line_client_reply(c, NULL);
	} else if (strcmp(line, "big") == 0) {
		char *big = malloc(rig->answer_bytes);

		assert_non_null(big);
		memset(big, 'x', rig->answer_bytes);
		big[rig->answer_bytes - 1] = '\n';
		line_client_reply(c, line_text_new(big, rig->answer_bytes));
	} else {
		snprintf(answer, sizeof(answer), "%.200s!\n", line);
		line_client_reply(c, text(answer));
	}
}

static void rig_up(struct rig *rig, uint32_t max_clients)
{
	struct line_server_params p = { .request = on_request, .arg = rig, .max_clients = max_clients };
	struct err e = ERR_INIT;

	memset(rig, 0, sizeof(*rig));
	clock_ns = NS_PER_S;
	unit_mkdir(rig->dir);
	assert_int_equal(reactor_create("test", &rig->r), 0);
	reactor_set_clock(rig->r, now, NULL);
	assert_int_equal(unix_socket_listen(rig->dir, "s", NULL, &p.listen_fd, &e), 0);
	p.reactor = rig->r;
	assert_int_equal(line_server_create(&p, &rig->s), 0);
}

static void rig_down(struct rig *rig)
{
	line_server_destroy(rig->s);
	reactor_destroy(rig->r);
	unix_socket_unlink(rig->dir, "s");
	unit_rm(rig->dir, NULL);
}

/* Steps until nothing is left to do. */
static void settle(struct rig *rig)
{
	while (reactor_poll(rig->r, 0))
		;
}

static int client(struct rig *rig)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = 5 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", rig->dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	settle(rig);
	return fd;
}

static void say(struct rig *rig, int fd, const char *s)
{
	assert_int_equal(send(fd, s, strlen(s), MSG_NOSIGNAL), (ssize_t)strlen(s));
	settle(rig);
}

static void hears(int fd, const char *want)
{
	char buf[512] = "";
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	buf[n > 0 ? n : 0] = '\0';
	assert_string_equal(buf, want);
}

static void is_cut_off(int fd)
{
	char c;

	assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), 0);
	close(fd);
}

static void later(struct rig *rig, uint64_t ms)
{
	for (uint64_t t = 0; t < ms; t += 250) {
		clock_ns += 250 * NS_PER_MS;
		settle(rig);
	}
}

static void lines_are_answered_in_order(void **state)
{
	struct rig rig;
	int a, b;

	(void)state;
	rig_up(&rig, 0);
	a = client(&rig);
	b = client(&rig);
	say(&rig, a, "one\ntwo\nthr");
	hears(a, "one!\ntwo!\n");
	say(&rig, b, "other\n");
	hears(b, "other!\n");
	say(&rig, a, "ee\n\n");
	hears(a, "three!\n!\n");
	assert_int_equal(line_server_clients(rig.s), 2);
	close(a);
	close(b);
	settle(&rig);
	assert_int_equal(line_server_clients(rig.s), 0);
	rig_down(&rig);
}

static void an_answer_may_come_later(void **state)
{
	struct rig rig;
	int a, b;

	(void)state;
	rig_up(&rig, 0);
	a = client(&rig);
	b = client(&rig);
	say(&rig, a, "hold\nnext\n");
	say(&rig, b, "x\n");
	hears(b, "x!\n");
	hears(a, "");	     /* "next" waits for its turn */
	later(&rig, 120000); /* a client that waits for us is not idle; b is */
	is_cut_off(b);
	line_client_reply(rig.held[0], text("held\n"));
	settle(&rig);
	hears(a, "held\nnext!\n");
	close(a);
	settle(&rig);
	rig_down(&rig);
}

static void clients_may_leave_at_any_time(void **state)
{
	struct rig rig;
	int a, b, c;

	(void)state;
	rig_up(&rig, 0);
	a = client(&rig);
	say(&rig, a, "hold\n");
	close(a); /* while its request is with the handler */
	settle(&rig);
	line_client_reply(rig.held[0], text("nobody hears this\n"));
	settle(&rig);
	assert_int_equal(line_server_clients(rig.s), 0);
	b = client(&rig);
	say(&rig, b, "close\n");
	is_cut_off(b);
	c = client(&rig);
	say(&rig, c, "hold\n");
	line_server_destroy(rig.s); /* the answer comes after the server has gone */
	line_client_reply(rig.held[1], text("too late\n"));
	is_cut_off(c);
	reactor_destroy(rig.r);
	unix_socket_unlink(rig.dir, "s");
	unit_rm(rig.dir, NULL);
}

static void the_idle_and_the_slow_are_cut_off(void **state)
{
	struct rig rig;
	int idle, dribbling, slow;

	(void)state;
	rig_up(&rig, 0);
	rig.answer_bytes = 8u << 20; /* more than a socket's buffers hold */
	idle = client(&rig);
	dribbling = client(&rig);
	slow = client(&rig);
	say(&rig, slow, "big\n");
	say(&rig, dribbling, "x");
	later(&rig, 9000);
	assert_int_equal(line_server_clients(rig.s), 3);
	later(&rig, 2000);
	assert_int_equal(line_server_clients(rig.s), 2); /* 10 s to take an answer */
	later(&rig, 45000);
	say(&rig, dribbling, "x"); /* does not help: only a whole request counts */
	assert_int_equal(line_server_clients(rig.s), 2);
	later(&rig, 5000);
	assert_int_equal(line_server_clients(rig.s), 0); /* 60 s to send a request */
	is_cut_off(idle);
	is_cut_off(dribbling);
	close(slow);
	rig_down(&rig);
}

static void a_big_answer_arrives_whole(void **state)
{
	static char buf[65536];
	struct rig rig;
	size_t total = 0;
	int a;

	(void)state;
	rig_up(&rig, 0);
	rig.answer_bytes = 5000001;
	a = client(&rig);
	say(&rig, a, "big\nafter\n");
	for (;;) {
		ssize_t n = recv(a, buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0)
			break;
		total += (size_t)n;
		settle(&rig);
	}
	assert_int_equal(total, rig.answer_bytes + strlen("after!\n"));
	close(a);
	settle(&rig);
	rig_down(&rig);
}

static void a_line_has_a_limit(void **state)
{
	static char flood[LINE_REQUEST_MAX_BYTES + 1];
	struct rig rig;
	int a;

	(void)state;
	rig_up(&rig, 0);
	a = client(&rig);
	memset(flood, 'y', sizeof(flood));
	for (size_t done = 0; done < LINE_REQUEST_MAX_BYTES;) {
		ssize_t n = send(a, flood, LINE_REQUEST_MAX_BYTES - done, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			done += (size_t)n;
		settle(&rig);
	}
	is_cut_off(a);
	assert_int_equal(rig.n_requests, 0);
	a = client(&rig);
	assert_int_equal(send(a, "a\0b\n", 4, 0), 4); /* NUL is a character like any other */
	settle(&rig);
	hears(a, "a!\n");
	close(a);
	settle(&rig);
	rig_down(&rig);
}

static void clients_are_counted(void **state)
{
	struct rig rig;
	int a, b, c;

	(void)state;
	rig_up(&rig, 2);
	a = client(&rig);
	b = client(&rig);
	c = client(&rig);
	is_cut_off(c);
	say(&rig, a, "x\n");
	hears(a, "x!\n");
	close(b);
	settle(&rig);
	c = client(&rig);
	say(&rig, c, "y\n");
	hears(c, "y!\n");
	close(a);
	close(c);
	settle(&rig);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_answered_in_order),	 cmocka_unit_test(an_answer_may_come_later),
		cmocka_unit_test(clients_may_leave_at_any_time), cmocka_unit_test(the_idle_and_the_slow_are_cut_off),
		cmocka_unit_test(a_big_answer_arrives_whole),	 cmocka_unit_test(a_line_has_a_limit),
		cmocka_unit_test(clients_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
