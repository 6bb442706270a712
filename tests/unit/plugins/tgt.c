/* SPDX-License-Identifier: BSD-3-Clause */
/* A real iSCSI target for tests. */
#include "tgt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

uint16_t free_port(void)
{
	struct sockaddr_in sa = loopback(0);
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

/* Runs a command line in @t's environment. Return: its exit status. */
static int run(const struct tgt *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int run(const struct tgt *t, const char *fmt, ...)
{
	char line[512], full[768];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	snprintf(full, sizeof(full), "LSAN_OPTIONS= TGT_IPC_SOCKET=%s/sock %s >%s/out 2>&1", t->dir, line, t->dir);
	return system(full);
}

static void admin(const struct tgt *t, const char *args)
{
	if (run(t, "tgtadm -C 1 --lld iscsi %s", args))
		fail_msg("tgtadm %s failed; see %s/out", args, t->dir);
}

static bool listens(uint16_t port)
{
	struct sockaddr_in sa = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool ok = !connect(fd, (struct sockaddr *)&sa, sizeof(sa));

	close(fd);
	return ok;
}

static void configure(struct tgt *t)
{
	char line[256];

	for (int tid = 1; tid <= 2; tid++) {
		snprintf(line, sizeof(line), "--op new --mode target --tid %d -T iqn.2026-11.srpgw.test:disk%d", tid,
			 tid);
		admin(t, line);
		snprintf(line, sizeof(line), "--op new --mode logicalunit --tid %d --lun 1 -b %s/disk", tid, t->dir);
		admin(t, line);
		snprintf(line, sizeof(line), "--op bind --mode target --tid %d -I ALL", tid);
		admin(t, line);
	}
	admin(t, "--op new --mode logicalunit --tid 1 --lun 2 --bstype null -b dummy");
	admin(t, "--op new --mode account --user user --password secret");
	admin(t, "--op bind --mode account --tid 2 --user user");
	admin(t, "--op new --mode account --user target --password tsecret");
	admin(t, "--op bind --mode account --tid 2 --user target --outgoing");
	admin(t, "--op update --mode target --tid 2 --name HeaderDigest --value CRC32C");
}

void tgt_restart(struct tgt *t)
{
	char portal[320], log[128];
	const struct timespec pause = { .tv_nsec = 10000000 };
	pid_t parent = getpid();

	snprintf(portal, sizeof(portal), "portal=127.0.0.1:%u%s", t->port, t->more_portals);
	snprintf(log, sizeof(log), "%s/log", t->dir);
	t->pid = fork();
	assert_true(t->pid >= 0);
	if (!t->pid) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

		/* It ignores SIGTERM, and must not outlive a test that dies. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		dup2(fd, 1);
		dup2(fd, 2);
		snprintf(log, sizeof(log), "%s/sock", t->dir);
		setenv("TGT_IPC_SOCKET", log, 1);
		execlp("tgtd", "tgtd", "-f", "-C", "1", "--iscsi", portal, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; !listens(t->port) || run(t, "tgtadm -C 1 --op show --mode sys"); i++) {
		int status;

		if (waitpid(t->pid, &status, WNOHANG) == t->pid) {
			t->pid = 0;
			fail_msg("tgtd ended at once; see %s/log; is the package tgt installed?", t->dir);
		}
		assert_true(i < 1000);
		nanosleep(&pause, NULL);
	}
	configure(t);
}

void tgt_start(struct tgt *t)
{
	char path[128];

	memset(t, 0, sizeof(*t));
	strcpy(t->dir, "/dev/shm/srpgw-tgt-XXXXXX");
	if (!mkdtemp(t->dir)) {
		strcpy(t->dir, "/tmp/srpgw-tgt-XXXXXX");
		assert_non_null(mkdtemp(t->dir));
	}
	snprintf(path, sizeof(path), "%s/disk", t->dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	close(fd);
	t->port = free_port();
	for (int i = 0; i < 3; i++)
		snprintf(t->uri[i], sizeof(t->uri[i]), "iscsi://127.0.0.1:%u/iqn.2026-11.srpgw.test:disk%d", t->port,
			 i);
	tgt_restart(t);
}

void tgt_signal(struct tgt *t, int sig)
{
	assert_true(t->pid > 0);
	assert_int_equal(kill(t->pid, sig), 0);
}

void tgt_kill(struct tgt *t)
{
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, NULL, 0);
	}
	t->pid = 0;
}

void tgt_stop(struct tgt *t)
{
	static const char *const files[] = { "disk", "log", "out", "sock", "sock.1", "sock.1.lock" };
	char path[128];

	tgt_kill(t);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", t->dir, files[i]);
		unlink(path);
	}
	rmdir(t->dir);
}
