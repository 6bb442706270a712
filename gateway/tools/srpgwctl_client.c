/* SPDX-License-Identifier: BSD-3-Clause */
/* srpgwctl: one request to the daemon and its answer, see srpgwctl_client.h. Layer: tools. Knows base and jansson. */
#include "srpgwctl_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define ANSWER_MAX_BYTES (256u << 20)

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int connect_to(const char *path, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(e, -ENAMETOOLONG, "%s is too long for a socket", path);
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	rc = -errno;
	if (fd >= 0)
		close(fd);
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		err_cure(e, "start it (systemctl start srpgwd), or name its folder with --runtime-dir");
	else if (rc == -EACCES)
		err_cure(e, "run as root, or for the status as a member of group srpgw");
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		return err_set(e, rc, "no srpgwd answers at %s", path);
	return err_set(e, rc, "cannot reach srpgwd at %s: %s", path, strerror(-rc));
}

static int wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = deadline_ms - now_ms();
	int n;

	if (left <= 0)
		return -ETIMEDOUT;
	n = poll(&p, 1, (int)left);
	if (n < 0 && errno != EINTR)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int send_line(int fd, const char *line, int64_t deadline_ms)
{
	size_t len = strlen(line), done = 0;

	while (done < len) {
		int rc = wait_for(fd, POLLOUT, deadline_ms);
		ssize_t n;

		if (rc)
			return rc;
		n = send(fd, line + done, len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/* Reads up to the newline. @out: malloc'ed. */
static int read_line(int fd, int64_t deadline_ms, char **out, size_t *out_len)
{
	char *buf = NULL, *grown;
	size_t len = 0, cap = 0;
	int rc = 0;

	for (;;) {
		ssize_t n;

		if (len == cap) {
			cap = cap ? cap * 2 : 65536;
			grown = cap <= ANSWER_MAX_BYTES ? realloc(buf, cap) : NULL;
			if (!grown) {
				rc = -ENOMEM;
				break;
			}
			buf = grown;
		}
		rc = wait_for(fd, POLLIN, deadline_ms);
		if (rc)
			break;
		n = recv(fd, buf + len, cap - len, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0) {
			rc = n < 0 ? -errno : -EPIPE;
			break;
		}
		len += (size_t)n;
		if (buf[len - 1] == '\n') {
			*out = buf;
			*out_len = len;
			return 0;
		}
	}
	free(buf);
	return rc;
}

int client_ask(const char *socket, const json_t *request, int timeout_ms, json_t **answer, struct err *e)
{
	int64_t deadline = now_ms() + timeout_ms;
	CLEANUP_FREE char *text = json_dumps(request, JSON_COMPACT), *line = NULL, *reply = NULL;
	CLEANUP_FD int fd = -1;
	size_t len = 0;
	int rc;

	if (!text || asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
		return err_set(e, -ENOMEM, "out of memory");
	}
	fd = connect_to(socket, e);
	if (fd < 0)
		return fd;
	rc = send_line(fd, line, deadline);
	if (rc == 0)
		rc = read_line(fd, deadline, &reply, &len);
	if (rc) {
		err_cure(e, rc == -ETIMEDOUT ? "see its log; it may be overloaded" : "see its log");
		return err_set(e, rc, rc == -EPIPE ? "srpgwd closed the connection" : "srpgwd did not answer: %s",
			       strerror(-rc));
	}
	*answer = json_loadb(reply, len, 0, NULL);
	if (!json_is_object(*answer)) {
		json_decref(*answer);
		return err_set(e, -EPROTO, "srpgwd answered something that is no JSON object");
	}
	return 0;
}
