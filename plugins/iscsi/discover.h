/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SendTargets (RFC 7143 Appendix C): what a portal says that there is. One discovery is one session of its own, over
 * TCP, without blocking, on one reactor. Knows session.h's portals and configuration, no path and no table.
 */
#ifndef ISCSI_DISCOVER_H
#define ISCSI_DISCOVER_H

#include "session.h"

struct discovery;

struct discovery_ask {
	const struct srpgw_host *host;
	struct srpgw_reactor *reactor;
	const struct conf *conf; /* CHAP, timeouts; must live until done() or discovery_cancel() */
	const char *initiator_name; /* copied */
	struct portal portal;       /* whom to ask; its name is looked up off the reactor */
	/*
	 * Once for each target and portal of it; @group: its target portal group tag, -1: not told. A target without an
	 * address is at the portal that was asked. The strings are valid during the call.
	 */
	void (*found)(void *arg, const char *target_name, const char *address, int32_t group);
	/* Once, after which the discovery is gone: 0, or -errno with one line of cause and cure. */
	void (*done)(void *arg, int rc, const char *why);
	void *arg;
};

/*
 * Starts; found() and done() come later, on the reactor, never from inside this call.
 * Return: 0 or -ENOMEM.
 */
int discovery_start(const struct discovery_ask *ask, struct discovery **out) __attribute__((warn_unused_result));
/* Neither found() nor done() is called any more. Not from inside found(). */
void discovery_cancel(struct discovery *d);

#endif
