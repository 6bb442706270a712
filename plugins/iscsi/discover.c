/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SendTargets over a discovery session of libiscsi, see discover.h. As with paths, libiscsi's callbacks note what they
 * learn, and run() acts on it from a stack without libiscsi on it.
 */
#include "discover.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An answer with more than this is not taken for one. */
#define MAX_FOUND 4096u
#define MAX_FOUND_PER_TARGET 256u

struct discovery {
	struct discovery_ask ask;
	char initiator_name[NAME_MAX_BYTES];
	char portal[PORTAL_MAX_BYTES]; /* as asked for, for people */
	struct resolve *resolve;
	struct iscsi_context *iscsi;
	struct srpgw_watch *watch;
	struct srpgw_timer *kick, *deadline;
	const char *doing;
	bool over, closing;
	int rc;
	char why[WHY_BYTES];
};

static void finish(struct discovery *d, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Notes the first outcome; run() tells it. */
static void finish(struct discovery *d, int rc, const char *fmt, ...)
{
	va_list ap;

	if (d->over)
		return;
	d->over = true;
	d->rc = rc;
	va_start(ap, fmt);
	vsnprintf(d->why, sizeof(d->why), fmt, ap);
	va_end(ap);
	d->why[strcspn(d->why, "\r\n")] = 0;
	d->ask.host->timer_arm(d->kick, 0);
}

static void destroy(struct discovery *d)
{
	const struct srpgw_host *host = d->ask.host;

	resolve_forget(&d->resolve);
	if (d->watch)
		host->watch_del(d->watch);
	if (d->iscsi) {
		d->closing = true;
		iscsi_destroy_context(d->iscsi);
	}
	if (d->kick)
		host->timer_free(d->kick);
	if (d->deadline)
		host->timer_free(d->deadline);
	free(d);
}

/* ---- what libiscsi says ---- */

/* "10.0.0.1:3260,1" as RFC 7143 C.3 has it. */
static void found_portal(struct discovery *d, const char *target_name, const char *text)
{
	const char *comma = strrchr(text, ',');
	char address[PORTAL_MAX_BYTES];
	struct portal portal;
	int32_t group = -1;
	char *end;
	long tag;

	if (portal_parse(text, strlen(text), &portal))
		return;
	if (comma) {
		tag = strtol(comma + 1, &end, 10);
		if (end != comma + 1 && !*end && tag >= 0 && tag <= UINT16_MAX)
			group = (int32_t)tag;
	}
	d->ask.found(d->ask.arg, target_name, portal_str(&portal, address, sizeof(address)), group);
}

/* libiscsi turns the order round; the target's own is its preference. Return: how many, at most @most. */
static uint32_t found_portals(struct discovery *d, const struct iscsi_discovery_address *target, uint32_t most)
{
	const struct iscsi_target_portal *list[MAX_FOUND_PER_TARGET];
	uint32_t n = 0;

	for (const struct iscsi_target_portal *p = target->portals; p && n < most && n < MAX_FOUND_PER_TARGET; p = p->next)
		if (p->portal)
			list[n++] = p;
	for (uint32_t i = n; i-- > 0;)
		found_portal(d, target->target_name, list[i]->portal);
	return n;
}

static void on_targets(struct iscsi_context *iscsi, int status, void *command_data, void *private_data)
{
	const struct iscsi_discovery_address *target = command_data;
	struct discovery *d = private_data;
	uint32_t n = 0;

	if (d->closing || d->over)
		return;
	if (status != SCSI_STATUS_GOOD) {
		finish(d, -EPROTO, "%s does not say what targets it has: %s", d->portal, iscsi_get_error(iscsi));
		return;
	}
	for (; target && n < MAX_FOUND; target = target->next) {
		if (!target->target_name)
			continue;
		n++;
		if (target->portals)
			n += found_portals(d, target, MAX_FOUND - n);
		else
			d->ask.found(d->ask.arg, target->target_name, d->portal, -1);
	}
	if (target)
		finish(d, -E2BIG, "%s names more than %u portals; ask one that serves fewer targets", d->portal, MAX_FOUND);
	else
		finish(d, 0, "%s", "");
}

static void login_refused(struct discovery *d)
{
	const char *text = iscsi_get_error(d->iscsi), *words = login_proof_str(text);
	bool permanent;
	int code;

	if (words) {
		finish(d, -EACCES, "discovery at %s given up: %s", d->portal, words);
		return;
	}
	code = login_number_in(text);
	words = code > 0 ? login_status_str(code, &permanent) : NULL;
	if (words && code == LOGIN_NOT_AUTHENTICATED && !d->ask.conf->chap_user[0])
		words = "the portal demands CHAP for discovery; give a user and a secret";
	if (words)
		finish(d, -EACCES, "discovery at %s refused with %02x/%02x: %s", d->portal, (unsigned)code >> 8, code & 0xff,
		       words);
	else
		finish(d, -EPROTO, "discovery at %s failed: %s", d->portal, text);
}

static void on_login(struct iscsi_context *iscsi, int status, void *command_data, void *private_data)
{
	struct discovery *d = private_data;

	(void)command_data;
	if (d->closing || d->over)
		return;
	if (status != SCSI_STATUS_GOOD) {
		login_refused(d);
		return;
	}
	d->doing = "SendTargets was not answered";
	if (iscsi_discovery_async(iscsi, on_targets, d))
		finish(d, -ENOMEM, "cannot ask %s: %s", d->portal, iscsi_get_error(iscsi));
}

static void on_connect(struct iscsi_context *iscsi, int status, void *command_data, void *private_data)
{
	struct discovery *d = private_data;
	int code;

	(void)command_data;
	if (d->closing || d->over)
		return;
	if (status != SCSI_STATUS_GOOD) {
		code = login_number_in(iscsi_get_error(iscsi));
		finish(d, code > 0 ? -code : -ECONNABORTED, "cannot connect to %s: %s%s", d->portal,
		       code > 0 ? strerror(code) : iscsi_get_error(iscsi),
		       code == ECONNREFUSED ? "; is an iSCSI target running, and is it that port?" : "");
		return;
	}
	d->doing = "the login was not answered";
	if (iscsi_login_async(iscsi, on_login, d))
		finish(d, -ENOMEM, "cannot begin the login at %s: %s", d->portal, iscsi_get_error(iscsi));
}

/* ---- running ---- */

static void run(struct discovery *d, int revents);

static void on_fd(void *arg, int revents)
{
	run(arg, revents);
}

static void watch(struct discovery *d)
{
	const struct srpgw_host *host = d->ask.host;
	int events = iscsi_which_events(d->iscsi);

	if (d->watch) {
		host->watch_mod(d->watch, events);
		return;
	}
	d->watch = host->watch_add(d->ask.reactor, iscsi_get_fd(d->iscsi), events, on_fd, d);
	if (!d->watch)
		finish(d, -ENOMEM, "out of memory");
}

static void run(struct discovery *d, int revents)
{
	if (!d->over && d->iscsi && revents && iscsi_service(d->iscsi, revents))
		finish(d, -ECONNABORTED, "%s closed the connection: %s", d->portal, iscsi_get_error(d->iscsi));
	if (!d->over && d->iscsi)
		watch(d);
	if (!d->over)
		return;
	d->ask.done(d->ask.arg, d->rc, d->why);
	destroy(d);
}

static void on_kick(void *arg)
{
	run(arg, 0);
}

static void on_expired(void *arg)
{
	struct discovery *d = arg;

	finish(d, -ETIMEDOUT, "%s: %s within %u ms; is the portal reachable?", d->portal, d->doing,
	       d->ask.conf->login_timeout_ms);
	run(d, 0);
}

/* ---- start ---- */

static int prepare(struct discovery *d)
{
	const struct conf *c = d->ask.conf;

	d->iscsi = iscsi_create_context(d->initiator_name);
	if (!d->iscsi)
		return -ENOMEM;
	iscsi_set_noautoreconnect(d->iscsi, 1);
	iscsi_set_timeout(d->iscsi, 0);
	iscsi_set_log_level(d->iscsi, 0);
	if (c->tcp_user_timeout_ms)
		iscsi_set_tcp_user_timeout(d->iscsi, (int)c->tcp_user_timeout_ms);
	/* Header digests are for sessions with data; a target that insists on them has them for those. */
	if (iscsi_set_session_type(d->iscsi, ISCSI_SESSION_DISCOVERY) ||
	    iscsi_set_header_digest(d->iscsi, ISCSI_HEADER_DIGEST_NONE_CRC32C) ||
	    (c->chap_user[0] && iscsi_set_initiator_username_pwd(d->iscsi, c->chap_user, c->chap_secret)) ||
	    (c->mutual_user[0] && iscsi_set_target_username_pwd(d->iscsi, c->mutual_user, c->mutual_secret)))
		return -ENOMEM;
	return 0;
}

static void on_resolved(void *arg, const char *address, const char *why)
{
	struct discovery *d = arg;

	if (!address) {
		finish(d, -EHOSTUNREACH, "%s", why);
		return;
	}
	d->doing = "no connection";
	if (prepare(d))
		finish(d, -ENOMEM, "out of memory");
	else if (iscsi_connect_async(d->iscsi, address, on_connect, d))
		finish(d, -ECONNABORTED, "cannot connect to %s: %s", d->portal, iscsi_get_error(d->iscsi));
	else
		watch(d);
}

int discovery_start(const struct discovery_ask *ask, struct discovery **out)
{
	struct discovery *d = calloc(1, sizeof(*d));
	int rc = 0;

	if (!d)
		return -ENOMEM;
	d->ask = *ask;
	snprintf(d->initiator_name, sizeof(d->initiator_name), "%s", ask->initiator_name);
	portal_str(&ask->portal, d->portal, sizeof(d->portal));
	d->doing = "the name was not resolved";
	d->kick = ask->host->timer_new(ask->reactor, on_kick, d);
	d->deadline = ask->host->timer_new(ask->reactor, on_expired, d);
	if (!d->kick || !d->deadline)
		rc = -ENOMEM;
	if (!rc) {
		ask->host->timer_arm(d->deadline, ask->conf->login_timeout_ms * NS_PER_MS);
		rc = resolve_start(ask->host, ask->reactor, &d->ask.portal, on_resolved, d, &d->resolve);
	}
	if (rc) {
		destroy(d);
		return rc;
	}
	*out = d;
	return 0;
}

void discovery_cancel(struct discovery *d)
{
	destroy(d);
}
