/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bridge's `discover`: SendTargets for whoever has no target yet. Parses like open(), asks by discover.c.
 */
#include "discover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct discover_op {
	struct conf conf;
	struct discovery *discovery; /* frees itself before done() is over */
	void (*found)(void *arg, const struct srpgw_found *f);
	void (*done)(void *arg, int rc, const char *why);
	void *arg;
};

static void op_found(void *arg, const char *target_name, const char *address, int32_t group)
{
	struct discover_op *op = arg;
	struct srpgw_found f = {
		.struct_size = sizeof(f),
		.group = group,
		.target_name = target_name,
		.address = address,
	};

	op->found(op->arg, &f);
}

static void op_free(struct discover_op *op)
{
	explicit_bzero(&op->conf, sizeof(op->conf)); /* secrets */
	free(op);
}

static void op_done(void *arg, int rc, const char *why)
{
	struct discover_op *op = arg;

	op->done(op->arg, rc, why);
	op_free(op);
}

/* The settings and the portal are judged as those of a back-end are; only the target's name is not there. */
static int parse(struct discover_op *op, const struct transport *t, const char *uri,
		 const struct srpgw_setting *settings, size_t n_settings, char *why, size_t cap)
{
	char whole[1024];
	size_t len = strlen(uri);
	int n;

	while (len && uri[len - 1] == '/')
		len--;
	n = snprintf(whole, sizeof(whole), "%.*s/iqn.2026-11.srpgw:any", (int)len, uri);
	if (n < 0 || (size_t)n >= sizeof(whole)) {
		snprintf(why, cap, "the URI is too long; write %s://HOST[:PORT]", t->scheme);
		return -EINVAL;
	}
	return conf_parse(t, whole, settings, n_settings, &op->conf, why, cap);
}

int bridge_discover_targets(const struct transport *t, const struct srpgw_host *host, struct srpgw_reactor *r,
			    const char *uri, const struct srpgw_setting *settings, size_t n_settings,
			    const char *initiator_name, void (*found)(void *arg, const struct srpgw_found *f),
			    void (*done)(void *arg, int rc, const char *why), void *arg, char *why, size_t why_cap)
{
	struct discover_op *op = calloc(1, sizeof(*op));
	struct discovery_ask ask;
	int rc;

	if (!op) {
		snprintf(why, why_cap, "out of memory");
		return -ENOMEM;
	}
	bridge_prepare_process();
	op->found = found;
	op->done = done;
	op->arg = arg;
	rc = parse(op, t, uri, settings, n_settings, why, why_cap);
	if (!rc) {
		ask = (struct discovery_ask){
			.host = host,
			.reactor = r,
			.conf = &op->conf,
			.initiator_name = initiator_name,
			.portal = op->conf.portal[0],
			.found = op_found,
			.done = op_done,
			.arg = op,
		};
		rc = discovery_start(&ask, &op->discovery);
		if (rc)
			snprintf(why, why_cap, "out of memory");
	}
	if (rc)
		op_free(op);
	return rc;
}
