/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks a portal's name up on a helper thread: getaddrinfo() may block for long, and libiscsi would call it on the
 * reactor. A number needs no help. A lookup outlives a path that was detached meanwhile; it then ends unheard.
 */
#include "session.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resolve {
	struct srpgw_bridge_path *path; /* NULL: forgotten. The reactor's. */
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

/* Helper thread: nothing of the path may be touched here. */
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
	struct srpgw_bridge_path *path = r->path;

	if (path) {
		path->resolve = NULL;
		resolve_done(path, r->ok ? r->address : NULL, r->why);
	}
	free(r);
}

int resolve_start(struct srpgw_bridge_path *path, const struct portal *p)
{
	char address[PORTAL_MAX_BYTES];

	if (!lookup(p, AI_NUMERICHOST, address, sizeof(address))) {
		resolve_done(path, address, NULL);
		return 0;
	}
	struct resolve *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->path = path;
	r->portal = *p;
	path->resolve = r;
	int rc = path->host->work(path->reactor, work, worked, r);

	if (rc) {
		path->resolve = NULL;
		free(r);
	}
	return rc;
}

void resolve_forget(struct srpgw_bridge_path *path)
{
	if (path->resolve)
		path->resolve->path = NULL;
	path->resolve = NULL;
}
