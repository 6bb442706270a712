/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Address and route on the RDMA network, see reach.h.
 */
#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rdma/rdma_cma.h>

#define RESOLVE_MS 2000

struct attempt {
	struct rdma_event_channel *channel;
	struct rdma_cm_id *id;
	int stop_fd;
	char *why;
	size_t cap;
};

static int failed(struct attempt *a, int rc, const char *what)
{
	snprintf(a->why, a->cap, "%s: %s", what, strerror(-rc));
	return rc;
}

static int split_address(const char *address, struct addrinfo **ai)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(address, ':');
	char host[256];
	size_t len;

	if (!colon)
		return -EINVAL;
	len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, address, len);
	host[len] = 0;
	return getaddrinfo(host, colon + 1, &hints, ai) ? -EINVAL : 0;
}

static int refusal(struct attempt *a, const struct rdma_cm_event *ev)
{
	int rc = ev->status < 0 ? ev->status : -EHOSTUNREACH;

	if (ev->event == RDMA_CM_EVENT_ADDR_ERROR)
		return failed(a, rc, "the address does not answer on the RDMA network");
	if (ev->event == RDMA_CM_EVENT_ROUTE_ERROR)
		return failed(a, rc, "no way through the RDMA network");
	snprintf(a->why, a->cap, "unexpected answer: %s", rdma_event_str(ev->event));
	return -EPROTO;
}

/* Waits for @wanted. */
static int await(struct attempt *a, enum rdma_cm_event_type wanted)
{
	struct pollfd fds[] = { { .fd = a->channel->fd, .events = POLLIN }, { .fd = a->stop_fd, .events = POLLIN } };
	struct rdma_cm_event *ev;
	int rc;

	while (rdma_get_cm_event(a->channel, &ev)) {
		if (errno != EAGAIN && errno != EINTR)
			return failed(a, -errno, "the connection manager fails");
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return failed(a, -errno, "poll");
		if (fds[1].revents)
			return -ECANCELED;
	}
	rc = ev->event == wanted ? 0 : refusal(a, ev);
	rdma_ack_cm_event(ev);
	return rc;
}

static int try_address(struct attempt *a, const struct addrinfo *ai)
{
	int rc;

	if (fcntl(a->channel->fd, F_SETFL, O_NONBLOCK))
		return failed(a, -errno, "the connection manager's descriptor");
	if (rdma_create_id(a->channel, &a->id, NULL, RDMA_PS_TCP))
		return failed(a, -errno, "no RDMA connection manager here");
	if (rdma_resolve_addr(a->id, NULL, ai->ai_addr, RESOLVE_MS))
		return failed(a, -errno, "no RDMA device leads there");
	rc = await(a, RDMA_CM_EVENT_ADDR_RESOLVED);
	if (rc)
		return rc;
	if (rdma_resolve_route(a->id, RESOLVE_MS))
		return failed(a, -errno, "no way through the RDMA network");
	return await(a, RDMA_CM_EVENT_ROUTE_RESOLVED);
}

int reach(const char *address, int stop_fd, char *why, size_t cap)
{
	struct attempt a = { .stop_fd = stop_fd, .why = why, .cap = cap };
	struct addrinfo *ai;
	int rc = split_address(address, &ai);

	if (rc)
		return failed(&a, rc, "not an address");
	a.channel = rdma_create_event_channel();
	rc = a.channel ? try_address(&a, ai) : failed(&a, -errno, "no RDMA connection manager here");
	if (a.id)
		rdma_destroy_id(a.id);
	if (a.channel)
		rdma_destroy_event_channel(a.channel);
	freeaddrinfo(ai);
	return rc;
}
