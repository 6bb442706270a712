/* SPDX-License-Identifier: BSD-3-Clause */
/* srpgwctl_client.h against a server that says what a test wants: whole answers, pieces, nonsense, silence. */
#include "../../../gateway/tools/srpgwctl_client.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

struct server {
	char path[64];
	int fd;
	pthread_t thread;
	const char *say; /* NULL: nothing; the connection stays open until the client closes it */
	size_t len, piece;
	char heard[256];
};

static void *serve(void *arg)
{
	struct server *s = arg;
	int fd = accept(s->fd, NULL, NULL);
	ssize_t n = recv(fd, s->heard, sizeof(s->heard) - 1, 0);

	s->heard[n > 0 ? n : 0] = '\0';
	for (size_t done = 0; s->say && done < s->len;) {
		size_t len = s->len - done < s->piece ? s->len - done : s->piece;

		n = send(fd, s->say + done, len, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (!s->say)
		(void)!recv(fd, &(char){ 0 }, 1, 0); /* until the client gives up */
	close(fd);
	return NULL;
}

static void up(struct server *s, const char *say, size_t len, size_t piece)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	memset(s, 0, sizeof(*s));
	s->say = say;
	s->len = len;
	s->piece = piece;
	snprintf(s->path, sizeof(s->path), "/tmp/srpgw-ctl-%d", (int)getpid());
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	unlink(s->path);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(s->fd, 1), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void down(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->fd);
	unlink(s->path);
}

static int ask(struct server *s, int timeout_ms, json_t **answer, struct err *e)
{
	json_t *request = json_pack("{s:s}", "get", "status");
	int rc;

	memset(e, 0, sizeof(*e));
	*answer = NULL;
	rc = client_ask(s->path, request, timeout_ms, answer, e);
	json_decref(request);
	return rc;
}

static void answers_come_in_any_pieces(void **state)
{
	static const char line[] = "{\"a\":1}\n";
	static const size_t pieces[] = { 1, 3, 100 };
	struct server s;
	struct err e;
	json_t *v;

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		up(&s, line, strlen(line), pieces[i]);
		assert_int_equal(ask(&s, 5000, &v, &e), 0);
		assert_int_equal(json_integer_value(json_object_get(v, "a")), 1);
		json_decref(v);
		down(&s);
		assert_string_equal(s.heard, "{\"get\":\"status\"}\n");
	}
}

static void a_big_answer(void **state)
{
	size_t len = 3000000;
	char *line = malloc(len);
	struct server s;
	struct err e;
	json_t *v;

	(void)state;
	assert_non_null(line);
	memset(line, ' ', len);
	line[0] = '{';
	line[len - 2] = '}';
	line[len - 1] = '\n';
	up(&s, line, len, 65000);
	assert_int_equal(ask(&s, 5000, &v, &e), 0);
	json_decref(v);
	down(&s);
	free(line);
}

static void nonsense_and_silence(void **state)
{
	struct server s;
	struct err e;
	json_t *v;

	(void)state;
	up(&s, "hello\n", 6, 6);
	assert_int_equal(ask(&s, 5000, &v, &e), -EPROTO);
	assert_string_equal(e.cause, "srpgwd answered something that is no JSON object");
	down(&s);
	up(&s, "[]\n", 3, 3);
	assert_int_equal(ask(&s, 5000, &v, &e), -EPROTO);
	down(&s);
	up(&s, "{\"a\":", 5, 5);
	assert_int_equal(ask(&s, 5000, &v, &e), -EPIPE);
	assert_string_equal(e.cause, "srpgwd closed the connection");
	down(&s);
	up(&s, NULL, 0, 0);
	assert_int_equal(ask(&s, 50, &v, &e), -ETIMEDOUT);
	assert_string_not_equal(e.cure, "");
	down(&s);
}

static void nobody_there(void **state)
{
	struct server s = { .path = "/tmp/srpgw-none/sock" };
	char longest[200];
	struct err e = ERR_INIT;
	json_t *v = NULL, *request = json_object();

	(void)state;
	assert_int_equal(ask(&s, 50, &v, &e), -ENOENT);
	assert_string_equal(e.cause, "no srpgwd answers at /tmp/srpgw-none/sock");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	memset(&e, 0, sizeof(e));
	assert_int_equal(client_ask(longest, request, 50, &v, &e), -ENAMETOOLONG);
	json_decref(request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_in_any_pieces),
		cmocka_unit_test(a_big_answer),
		cmocka_unit_test(nonsense_and_silence),
		cmocka_unit_test(nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
