/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded into an iSCSI target: a write whose data begin with "LATE-OLD" stays in the target's device layer for as many milliseconds
 * as the file LATE_WRITE_DIR/ms says before it reaches the disk; others pass. The files LATE_WRITE_DIR/held and LATE_WRITE_DIR/landed
 * tell when (CLOCK_MONOTONIC, ms). While such a write is held and LATE_WRITE_DIR/cut is there or comes, the target's TCP
 * connections are shut down.
 */
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define MARK "LATE-OLD"
#define MARK_BYTES 8u
#define FD_MOST 1024
#define STEP_MS 10
#define EXPORT __attribute__((visibility("default")))

typedef ssize_t pwrite_fn(int fd, const void *buf, size_t len, off_t off);

static void path_of(const char *name, char *path, size_t cap)
{
	const char *dir = getenv("LATE_WRITE_DIR");

	snprintf(path, cap, "%s/%s", dir ? dir : ".", name);
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A file that is there with its contents, or not at all. */
static void tell(const char *name)
{
	char path[512], made[520];
	FILE *f;

	path_of(name, path, sizeof(path));
	snprintf(made, sizeof(made), "%s.new", path);
	f = fopen(made, "w");
	if (!f)
		return;
	fprintf(f, "%lld\n", now_ms());
	fclose(f);
	rename(made, path);
}

static bool is_told_to_cut(void)
{
	char path[512];

	path_of("cut", path, sizeof(path));
	return access(path, F_OK) == 0;
}

static void cut_connections(void)
{
	for (int fd = 0; fd < FD_MOST; fd++) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
		    (peer.ss_family == AF_INET || peer.ss_family == AF_INET6))
			shutdown(fd, SHUT_RDWR);
	}
}

static long delay_ms(void)
{
	char path[512], text[32] = "";
	FILE *f;

	path_of("ms", path, sizeof(path));
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return strtol(text, NULL, 10);
}

static void hold(void)
{
	const struct timespec step = { 0, STEP_MS * 1000000 };
	const long long until_ms = now_ms() + delay_ms();
	bool cut = false;

	tell("held");
	while (now_ms() < until_ms) {
		if (!cut && is_told_to_cut()) {
			cut = true;
			cut_connections();
		}
		nanosleep(&step, NULL);
	}
}

static ssize_t late_pwrite(const char *name, int fd, const void *buf, size_t len, off_t off)
{
	void *next = dlsym(RTLD_NEXT, name);
	pwrite_fn *real;
	ssize_t n;

	memcpy(&real, &next, sizeof(real));
	if (len < MARK_BYTES || memcmp(buf, MARK, MARK_BYTES) != 0)
		return real(fd, buf, len, off);
	hold();
	n = real(fd, buf, len, off);
	tell("landed");
	return n;
}

EXPORT ssize_t pwrite(int fd, const void *buf, size_t len, off_t off)
{
	return late_pwrite("pwrite", fd, buf, len, off);
}

EXPORT ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t off)
{
	return late_pwrite("pwrite64", fd, buf, len, off);
}
