/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection request that is taken back once it is accepted, see reach.h. No queue pair stands behind it, and the
 * passive side never sees it established. On iWARP, whose connections need a queue pair, the way there must do.
 * Source: RFC 7145 5.1 and its private data (flags: no zero-based addresses, no Send with Invalidate).
 */
#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rdma/rdma_cma.h>

#define RESOLVE_MS 2000
#define NO_QUEUE_PAIR 0xfffffeu
#define REFUSED_INVALID_SERVICE 8 /* InfiniBand Architecture volume 1, 12.6.7.2: invalid service ID */

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
	switch (ev->event) {
	case RDMA_CM_EVENT_REJECTED:
		snprintf(a->why, a->cap, ev->status == REFUSED_INVALID_SERVICE
						 ? "nobody takes RDMA connections there; is the target running with iSER, and is it that port?"
						 : "the target refuses RDMA connections (reason %d)", ev->status);
		return -ECONNREFUSED;
	case RDMA_CM_EVENT_UNREACHABLE:
	case RDMA_CM_EVENT_CONNECT_ERROR:
		snprintf(a->why, a->cap, "no answer to the connection request");
		return -EHOSTUNREACH;
	case RDMA_CM_EVENT_ADDR_ERROR:
		return failed(a, ev->status ? ev->status : -EHOSTUNREACH, "the address does not answer on the RDMA network");
	case RDMA_CM_EVENT_ROUTE_ERROR:
		return failed(a, ev->status ? ev->status : -ENETUNREACH, "no way through the RDMA network");
	default:
		snprintf(a->why, a->cap, "unexpected answer: %s", rdma_event_str(ev->event));
		return -EPROTO;
	}
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

static int ask(struct attempt *a)
{
	/* The iSER header of a connection request, and nothing behind it. */
	static const uint8_t header[4] = { 0xc0 };
	struct rdma_conn_param param = {
		.private_data = header,
		.private_data_len = sizeof(header),
		.responder_resources = 4,
		.retry_count = 7,
		.rnr_retry_count = 6,
		.qp_num = NO_QUEUE_PAIR,
	};
	int rc;

	if (rdma_connect(a->id, &param))
		return failed(a, -errno, "the connection request cannot be sent");
	rc = await(a, RDMA_CM_EVENT_CONNECT_RESPONSE);
	if (!rc)
		rdma_reject(a->id, NULL, 0);
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
	rc = await(a, RDMA_CM_EVENT_ROUTE_RESOLVED);
	if (rc)
		return rc;
	if (!a->id->verbs || a->id->verbs->device->transport_type == IBV_TRANSPORT_IWARP)
		return 0;
	return ask(a);
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
