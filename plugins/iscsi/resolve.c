/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks a portal's name up on a helper thread: getaddrinfo() may block for long, and libiscsi would call it on the
 * reactor. A number needs no help. A lookup outlives whoever asked and went away meanwhile; it then ends unheard.
 */
#include "session.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resolve {
	void (*done)(void *arg, const char *address, const char *why); /* NULL: forgotten. The reactor's. */
	void *arg;
	struct resolve **holder;
	struct portal portal;
	char address[PORTAL_MAX_BYTES];
	char why[WHY_BYTES];
	bool ok;
};

/* Return: getaddrinfo()'s. */
static int lookup(const struct portal *p, int flags, char *address, size_t cap)
{
	struct addrinfo hints = { .ai_flags = flags, .ai_socktype = SOCK_STREAM }, *ai;
	int rc = getaddrinfo(p->host, NULL, &hints, &ai);
	char host[NI_MAXHOST];

	if (rc)
		return rc;
	rc = getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof(host), NULL, 0, NI_NUMERICHOST);
	if (!rc)
		snprintf(address, cap, ai->ai_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, p->port);
	freeaddrinfo(ai);
	return rc;
}

/* Helper thread: nothing of who asked may be touched here. */
static void work(void *arg)
{
	struct resolve *r = arg;
	int rc = lookup(&r->portal, AI_ADDRCONFIG, r->address, sizeof(r->address));

	r->ok = !rc;
	if (rc)
		snprintf(r->why, sizeof(r->why), "the name %s cannot be resolved: %s", r->portal.host,
			 rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
}

static void worked(void *arg)
{
	struct resolve *r = arg;

	if (r->done) {
		*r->holder = NULL;
		r->done(r->arg, r->ok ? r->address : NULL, r->why);
	}
	free(r);
}

int resolve_start(const struct srpgw_host *host, struct srpgw_reactor *reactor, const struct portal *p,
		  void (*done)(void *arg, const char *address, const char *why), void *arg, struct resolve **out)
{
	char address[PORTAL_MAX_BYTES];
	struct resolve *r;
	int rc;

	*out = NULL;
	if (!lookup(p, AI_NUMERICHOST, address, sizeof(address))) {
		done(arg, address, NULL);
		return 0;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->done = done;
	r->arg = arg;
	r->holder = out;
	r->portal = *p;
	rc = host->work(reactor, work, worked, r);
	if (rc) {
		free(r);
		return rc;
	}
	*out = r;
	return 0;
}

void resolve_forget(struct resolve **r)
{
	if (*r)
		(*r)->done = NULL;
	*r = NULL;
}
