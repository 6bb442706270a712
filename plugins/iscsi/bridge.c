/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening and describing a back-end, for every transport of libiscsi.
 */
#include "session.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* LIBISCSI_CHAP_USERNAME and others would silently change what sessions do. */
static void clear_environment(void)
{
	static const char prefix[] = "LIBISCSI_";
	char name[128];

	for (char **p = environ; *p;) {
		size_t len = strcspn(*p, "=");

		if (strncmp(*p, prefix, sizeof(prefix) - 1) != 0 || len >= sizeof(name)) {
			p++;
			continue;
		}
		memcpy(name, *p, len);
		name[len] = 0;
		unsetenv(name); /* moves the others down: look at the same place again */
	}
}

/* libiscsi writes with writev(): a peer that is gone must not end the process. */
static void ignore_sigpipe(void)
{
	struct sigaction sa;

	if (!sigaction(SIGPIPE, NULL, &sa) && sa.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

static void prepare_process(void)
{
	clear_environment();
	ignore_sigpipe();
}

void bridge_prepare_process(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, prepare_process);
}

int bridge_open_target(const struct transport *t, const struct srpgw_host *host, const char *uri,
		       const struct srpgw_setting *settings, size_t n_settings, struct srpgw_bridge_target **target,
		       char *why, size_t why_cap)
{
	struct srpgw_bridge_target *out = calloc(1, sizeof(*out));
	int rc;

	if (!out) {
		snprintf(why, why_cap, "out of memory");
		return -ENOMEM;
	}
	bridge_prepare_process();
	rc = conf_parse(t, uri, settings, n_settings, &out->conf, why, why_cap);
	if (rc) {
		explicit_bzero(&out->conf, sizeof(out->conf));
		free(out);
		return rc;
	}
	out->host = host;
	out->transport = t;
	portals_init(&out->portals, out->conf.portal, out->conf.n_portal, out->conf.portal_group, out->conf.has_failback,
		     out->conf.failback_s, out->conf.discover_portals);
	*target = out;
	return 0;
}

void bridge_close(struct srpgw_bridge_target *target)
{
	explicit_bzero(&target->conf, sizeof(target->conf)); /* secrets */
	portals_destroy(&target->portals);
	free(target);
}

void bridge_portals(struct srpgw_bridge_target *target, void (*emit)(void *arg, const struct srpgw_portal *p), void *arg)
{
	portals_emit(&target->portals, emit, arg);
}

void bridge_limits(struct srpgw_bridge_target *target, struct srpgw_limits *out)
{
	out->max_outstanding = target->conf.max_outstanding;
	out->max_transfer_bytes = target->transport->max_transfer_bytes;
	out->iscsi_transport_ids = true;
}

void bridge_describe(struct srpgw_bridge_path *path, void (*emit)(void *arg, const char *key, const char *value),
		     void *arg)
{
	static const char *const states[] = {[PATH_CHOOSING] = "trying portals",
					     [PATH_RESOLVING] = "resolving",
					     [PATH_CONNECTING] = "connecting",
					     [PATH_LOGGING_IN] = "logging in",
					     [PATH_UP] = "up",
					     [PATH_CLOSING] = "closing",
					     [PATH_DOWN] = "down"};
	const struct conf *c = &path->target->conf;
	char text[64];

	emit(arg, "state", path->detached && path->state == PATH_UP ? "logging out" : states[path->state]);
	emit(arg, "transport", path->target->transport->name);
	emit(arg, "portal", path->portal);
	emit(arg, "address", path->address);
	emit(arg, "target_name", c->target_name);
	emit(arg, "initiator_name", path->initiator_name);
	snprintf(text, sizeof(text), "%02x%02x%02x%02x%02x%02x", path->isid[0], path->isid[1], path->isid[2],
		 path->isid[3], path->isid[4], path->isid[5]);
	emit(arg, "isid", text);
	emit(arg, "authentication", c->mutual_user[0] ? "mutual chap" : c->chap_user[0] ? "chap" : "none");
	emit(arg, "header_digest", path->header_digest ? "crc32c" : "none");
	if (path->target->transport->describe)
		path->target->transport->describe(path, emit, arg);
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "max_outstanding", c->max_outstanding },
		{ "outstanding", path->n_sent },
		{ "queued", path->n_queued },
		{ "commands_total", path->commands_total },
		{ "nops_total", path->nops_total },
		{ "redirects", path->n_redirects },
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)numbers[i].value);
		emit(arg, numbers[i].key, text);
	}
}
