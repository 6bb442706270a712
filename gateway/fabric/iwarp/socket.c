/* SPDX-License-Identifier: BSD-3-Clause */
/* What this fabric wants of TCP sockets. Layer: fabric/iwarp. */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

/* Keepalive probes begin at half of the patience, and three more come before it ends. */
enum { KEEPALIVE_PROBES = 3 };
/* Enough to keep the other processor busy, and little enough to be read from the cache. */
#define HOME_SNDBUF_BYTES (512u << 10)

static void set(int fd, int level, int name, unsigned value, const char *what)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		log_debug("iwarp: %s: %m", what);
}

void iwarp_socket_tune(int fd, const struct iwarp_params *p)
{
	unsigned dead_s = (p->dead_peer_ms + 999) / 1000, idle_s = dead_s / 2 ? dead_s / 2 : 1;
	unsigned every_s = (dead_s - idle_s) / KEEPALIVE_PROBES;

	set(fd, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY");
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, p->dead_peer_ms, "TCP_USER_TIMEOUT");
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s, "TCP_KEEPIDLE");
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, every_s ? every_s : 1, "TCP_KEEPINTVL");
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES, "TCP_KEEPCNT");
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE");
}

static bool is_loopback(const struct fabric_addr *a)
{
	const struct sockaddr_in *v4 = (const void *)&a->ss;
	const struct sockaddr_in6 *v6 = (const void *)&a->ss;

	if (a->ss.ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
	return a->ss.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

void iwarp_socket_at_home(int fd, const struct fabric_addr *a)
{
	static const char reno[] = "reno"; /* every kernel has it */

	if (!is_loopback(a))
		return;
	if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof(reno) - 1))
		log_debug("iwarp: TCP_CONGESTION: %m");
	set(fd, SOL_SOCKET, SO_SNDBUF, HOME_SNDBUF_BYTES, "SO_SNDBUF");
}

void iwarp_addr_of_peer(int fd, struct fabric_addr *a)
{
	memset(a, 0, sizeof(*a));
	a->ss_len = sizeof(a->ss);
	if (getpeername(fd, (struct sockaddr *)&a->ss, &a->ss_len))
		a->ss_len = 0;
}

void iwarp_addr_of_local(int fd, struct fabric_addr *a)
{
	memset(a, 0, sizeof(*a));
	a->ss_len = sizeof(a->ss);
	if (getsockname(fd, (struct sockaddr *)&a->ss, &a->ss_len))
		a->ss_len = 0;
}

uint32_t iwarp_socket_emss(int fd)
{
	int mss = 0;
	socklen_t len = sizeof(mss);

	if (getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &len) || mss <= 0)
		return 536; /* RFC 9293 3.7.1 */
	return (uint32_t)mss;
}

int iwarp_socket_send_all(int fd, const void *data, size_t len)
{
	ssize_t n;

	do
		n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO; /* an empty send buffer takes a start-up frame whole */
}

int iwarp_frame_read(struct iwarp_conn *c)
{
	while (c->frame_have < c->frame_need) {
		ssize_t n = recv(c->fd, c->frame + c->frame_have, c->frame_need - c->frame_have, MSG_DONTWAIT);

		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		c->frame_have += (size_t)n;
	}
	return 0;
}
