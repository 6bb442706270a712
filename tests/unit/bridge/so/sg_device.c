/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In place of plugins/sg/device.c: a device without a kernel. An answer travels through a socket pair, so that the
 * bridge's descriptors become readable as the kernel's would. READ(10) fills with the block number, and these opcodes
 * misbehave: C0h is never answered, C1h sleeps in submission for cdb[1] tenths of a second, C2h finds the device
 * offline, C3h finds it removed at submission, C4h answers unit attention cdb[1], cdb[2], C5h is not permitted.
 */
#include "../../../../plugins/sg/sg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FD 4096

struct result {
	struct sg_answer a;
	uint8_t fill;
	uint8_t *sense;
	struct iovec iov[64];
	uint32_t n_iov;
};

static int peer[MAX_FD];

int sg_node_open(const char *path, char *name, size_t name_cap, char *why, size_t why_cap)
{
	int fds[2];

	if (strstr(path, "missing")) {
		snprintf(why, why_cap, "%s: no such device", path);
		return -ENOENT;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) || fds[0] >= MAX_FD)
		return -EMFILE;
	/* The far end stays open for as long as the process lives: a late answer must find somebody. */
	peer[fds[0]] = fds[1];
	snprintf(name, name_cap, "%s", path);
	return fds[0];
}

int sg_node_facts(int fd, struct sg_facts *f, char *why, size_t why_cap)
{
	static _Atomic uint8_t serial;

	(void)fd, (void)why, (void)why_cap;
	memcpy(f->product, "FAKE disk", 10);
	memset(f->identity, 0, sizeof(f->identity));
	f->identity_len = 8;
	if (strstr(f->name, "changing"))
		f->identity[0] = atomic_fetch_add(&serial, 1);
	return 0;
}

uint32_t sg_node_max_transfer(int fd)
{
	close(peer[fd]);
	return 1u << 20;
}

static void answer(int fd, const struct sg_request *q, uint8_t status, uint16_t host_status)
{
	struct result r = { .a = { .tag = q->tag, .status = status, .host_status = host_status }, .sense = q->sense };

	if (status == 2) {
		r.a.sense_len = 18;
		r.fill = q->cdb[1];
	} else if (q->dir == SRPGW_DIR_IN) {
		r.fill = q->cdb[5];
		r.n_iov = q->n_iov;
		memcpy(r.iov, q->iov, q->n_iov * sizeof(r.iov[0]));
	}
	(void)!write(peer[fd], &r, sizeof(r));
}

int sg_node_submit(int fd, const struct sg_request *q)
{
	struct timespec t = { q->cdb[1] / 10, q->cdb[1] % 10 * 100000000L };

	switch (q->cdb[0]) {
	case 0xc0:
		return 0;
	case 0xc1:
		nanosleep(&t, NULL);
		break;
	case 0xc2:
		answer(fd, q, 0, SG_DID_NO_CONNECT);
		return 0;
	case 0xc3:
		return -ENODEV;
	case 0xc4:
		answer(fd, q, 2, 0);
		return 0;
	case 0xc5:
		return -EPERM;
	default:
		break;
	}
	answer(fd, q, 0, 0);
	return 0;
}

int sg_node_reap(int fd, struct sg_answer *a)
{
	struct result r;

	if (read(fd, &r, sizeof(r)) != sizeof(r))
		return -errno;
	*a = r.a;
	if (r.a.status == 2) {
		memset(r.sense, 0, 18);
		r.sense[0] = 0x70;
		r.sense[2] = 6;
		r.sense[7] = 10;
		r.sense[12] = r.fill;
	}
	for (uint32_t i = 0; i < r.n_iov; i++)
		memset(r.iov[i].iov_base, r.fill, r.iov[i].iov_len);
	return 0;
}

int sg_node_reset(int fd)
{
	(void)fd;
	return 0;
}
