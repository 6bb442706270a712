/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iSCSI over TCP: the transport and the plugin's entry.
 */
#include "members.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Enough to keep the other processor busy, and little enough to be read from the cache. */
#define HOME_SNDBUF_BYTES (512 << 10)

static bool is_at_home(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} peer = { 0 };
	socklen_t len = sizeof(peer);

	if (getpeername(fd, &peer.any, &len))
		return false;
	if (peer.any.sa_family == AF_INET)
		return ntohl(peer.v4.sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
	return peer.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&peer.v6.sin6_addr);
}

/*
 * To a target on this machine: no congestion control by the clock, and no queue of megabytes. A failure costs speed and
 * nothing else.
 */
static void tcp_tune(int fd)
{
	static const char reno[] = "reno";
	int sndbuf = HOME_SNDBUF_BYTES;

	if (!is_at_home(fd))
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof(reno) - 1);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
}

/* A failure costs speed and nothing else. */
static void tcp_hold(int fd, bool on)
{
	int value = on;

	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &value, sizeof(value));
}

/* tcp(7): "setting this option forces an explicit flush of pending output, even if TCP_CORK is currently set". */
static void tcp_push(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static const struct transport tcp = {
	.name = "tcp",
	.scheme = "iscsi",
	.type = TCP_TRANSPORT,
	/* Below the command window of common targets (LIO 64, tgt 128), so that a NOP always finds room. */
	.default_outstanding = 60,
	.most_outstanding = 1024,
	.has_tmf = true,
	.tune = tcp_tune,
	.hold = tcp_hold,
	.push = tcp_push,
};

static int tcp_open(const struct srpgw_host *host, const char *uri, const struct srpgw_setting *settings,
		    size_t n_settings, struct srpgw_bridge_target **target, char *why, size_t why_cap)
{
	return bridge_open_target(&tcp, host, uri, settings, n_settings, target, why, why_cap);
}

static int tcp_discover(const struct srpgw_host *host, struct srpgw_reactor *r, const char *uri,
			const struct srpgw_setting *settings, size_t n_settings, const char *initiator_name,
			void (*found)(void *arg, const struct srpgw_found *f),
			void (*done)(void *arg, int rc, const char *why), void *arg, char *why, size_t why_cap)
{
	return bridge_discover_targets(&tcp, host, r, uri, settings, n_settings, initiator_name, found, done, arg, why,
				       why_cap);
}

SRPGW_BRIDGE_REGISTER(
	.name = "iscsi",
	.version = SRPGW_VERSION " (libiscsi 1.19)",
	.description = "iSCSI over TCP: iscsi://HOST[:PORT]/TARGET-NAME",
	.schemes = "iscsi",
	.settings_help = conf_settings_help,
	.open = tcp_open,
	SESSION_MEMBERS,
	.discover = tcp_discover,
)
