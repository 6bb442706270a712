/* SPDX-License-Identifier: BSD-3-Clause */
/* A portal is tried without blocking, see probe.h. */
#include "probe.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct probe {
	const struct srpgw_host *host;
	struct srpgw_reactor *reactor;
	void (*done)(void *arg, uint32_t index, const char *address, const char *why);
	void *arg;
	uint32_t index, within_ms;
	uint64_t start_ns;
	struct resolve *resolve;
	struct srpgw_watch *watch;
	struct srpgw_timer *timer; /* the deadline, or the result from a clean stack */
	int fd;
	bool over, ok;
	char portal[PORTAL_MAX_BYTES], address[PORTAL_MAX_BYTES], why[WHY_BYTES];
};

static void destroy(struct probe *p)
{
	resolve_forget(&p->resolve);
	if (p->watch)
		p->host->watch_del(p->watch);
	if (p->fd >= 0)
		close(p->fd);
	if (p->timer)
		p->host->timer_free(p->timer);
	free(p);
}

static void finish(struct probe *p, bool ok)
{
	if (p->over)
		return;
	p->over = true;
	p->ok = ok;
	p->host->timer_arm(p->timer, 0);
}

static void failed(struct probe *p, int error)
{
	snprintf(p->why, sizeof(p->why), "cannot connect to %s: %s%s", p->portal, strerror(error),
		 error == ECONNREFUSED ? "; is the target running, and is it that port?" : "");
	finish(p, false);
}

static void on_timer(void *arg)
{
	struct probe *p = arg;

	if (!p->over) {
		snprintf(p->why, sizeof(p->why), "%s: %s within %u ms; is the target reachable?", p->portal,
			 p->resolve ? "the name was not resolved" : "no connection", p->within_ms);
		p->over = true;
	}
	p->done(p->arg, p->index, p->ok ? p->address : NULL, p->why);
	destroy(p);
}

static void on_fd(void *arg, int revents)
{
	struct probe *p = arg;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)revents;
	p->host->watch_mod(p->watch, 0);
	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len))
		error = errno;
	if (error)
		failed(p, error);
	else
		finish(p, true);
}

/* @address: as resolve_start() gives it. */
static struct addrinfo *numeric(const char *address)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	struct addrinfo *ai = NULL;
	char service[8];
	struct portal p;

	if (portal_parse(address, strlen(address), &p))
		return NULL;
	snprintf(service, sizeof(service), "%u", p.port);
	return getaddrinfo(p.host, service, &hints, &ai) ? NULL : ai;
}

static void begin_connection(struct probe *p, const struct addrinfo *ai)
{
	p->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0) {
		failed(p, errno);
		return;
	}
	if (!connect(p->fd, ai->ai_addr, ai->ai_addrlen)) {
		finish(p, true);
		return;
	}
	if (errno != EINPROGRESS) {
		failed(p, errno);
		return;
	}
	p->watch = p->host->watch_add(p->reactor, p->fd, POLLOUT, on_fd, p);
	if (!p->watch)
		failed(p, ENOMEM);
}

static void on_resolved(void *arg, const char *address, const char *why)
{
	struct probe *p = arg;
	struct addrinfo *ai;

	if (!address) {
		snprintf(p->why, sizeof(p->why), "%s", why);
		finish(p, false);
		return;
	}
	snprintf(p->address, sizeof(p->address), "%s", address);
	ai = numeric(address);
	if (!ai) {
		failed(p, EADDRNOTAVAIL);
		return;
	}
	begin_connection(p, ai);
	freeaddrinfo(ai);
}

int probe_start(const struct srpgw_host *host, struct srpgw_reactor *reactor, const struct portal *portal,
		uint32_t within_ms, void (*done)(void *arg, uint32_t index, const char *address, const char *why),
		void *arg, uint32_t index, struct probe **out)
{
	struct probe *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return -ENOMEM;
	p->host = host;
	p->reactor = reactor;
	p->done = done;
	p->arg = arg;
	p->index = index;
	p->within_ms = within_ms;
	p->start_ns = host->now_ns(reactor);
	p->fd = -1;
	portal_str(portal, p->portal, sizeof(p->portal));
	p->timer = host->timer_new(reactor, on_timer, p);
	if (!p->timer) {
		destroy(p);
		return -ENOMEM;
	}
	host->timer_arm(p->timer, within_ms * NS_PER_MS);
	rc = resolve_start(host, reactor, portal, on_resolved, p, &p->resolve);
	if (rc) {
		destroy(p);
		return rc;
	}
	*out = p;
	return 0;
}

uint32_t probe_age_ms(const struct probe *p)
{
	return (uint32_t)((p->host->now_ns(p->reactor) - p->start_ns) / NS_PER_MS);
}

void probe_cancel(struct probe *p)
{
	destroy(p);
}
