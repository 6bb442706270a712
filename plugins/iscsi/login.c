/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From an address to a session: the context with the nexus' identity, the connection, the login and its refusals.
 */
#include "session.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* At which libiscsi logs what the target answers in a login. */
enum { LOG_LEVEL_LOGIN_REPLIES = 6 };

int login_number_in(const char *text)
{
	const char *p = strrchr(text, '(');
	char *end;
	long n = p && p[1] >= '0' && p[1] <= '9' ? strtol(p + 1, &end, 10) : -1;

	return n >= 0 && n <= 0xffff ? (int)n : -1;
}

static void login_refused(struct srpgw_bridge_path *path)
{
	const struct conf *c = &path->target->conf;
	const char *text = iscsi_get_error(path->iscsi), *words = login_proof_str(text);
	int code = words ? 0 : login_number_in(text);
	bool permanent = false;

	if (words) {
		path_fail(path, true, "login at %s given up: %s", path->portal, words);
		return;
	}
	words = code > 0 ? login_status_str(code, &permanent) : NULL;
	if (words && code == LOGIN_NOT_AUTHENTICATED && !c->chap_user[0])
		words = "the target demands CHAP, and the back-end has none; give it chap with user and secret_file";
	else if (words && code == LOGIN_NOT_AUTHENTICATED && c->mutual_user[0])
		words = "authentication failed: compare CHAP name and secret with the target's, and see that it has an "
			"outgoing account for mutual CHAP";
	path->no_room = code == LOGIN_NO_RESOURCES || code == LOGIN_TOO_MANY;
	if (words)
		path_fail(path, permanent, "login at %s refused with %02x/%02x: %s", path->portal, (unsigned)code >> 8,
			  code & 0xff, words);
	else
		path_fail(path, false, "login at %s failed: %s", path->portal, text);
	/* The portal works: another would say the same, unless it is one of these, or 03h, the target's own trouble. */
	if (!words || code == 0x0203 || code == 0x0204 || code == 0x0206 || code >> 8 == 3)
		path_blame_portal(path);
}

/*
 * libiscsi is content with a target that answers None where CRC32C alone was offered, and keeps the tag of the portal group to
 * itself. Only its log tells what the answer was, and the log's function is told no context: hence the variable.
 */
static _Thread_local struct srpgw_bridge_path *listening;

/* RFC 7143 13.9 */
static const char group_key[] = "TargetLoginReply: TargetPortalGroupTag=";

static void on_log(int level, const char *text)
{
	const char *tag = strstr(text, group_key);

	(void)level;
	if (!listening)
		return;
	if (strstr(text, "TargetLoginReply: HeaderDigest="))
		listening->header_digest = strstr(text, "=CRC32C") != NULL;
	if (tag && tag[sizeof(group_key) - 1] >= '0' && tag[sizeof(group_key) - 1] <= '9')
		path_group_told(listening, (int32_t)(strtoul(tag + sizeof(group_key) - 1, NULL, 10) & UINT16_MAX));
}

void login_listen(struct srpgw_bridge_path *path)
{
	/* libiscsi makes the text of its log in memory that all threads share; it logs during logins alone. */
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	if (path && path->state < PATH_UP) {
		pthread_mutex_lock(&lock);
		listening = path;
	} else if (!path && listening) {
		listening = NULL;
		pthread_mutex_unlock(&lock);
	}
}

static void logged_in(struct srpgw_bridge_path *path)
{
	iscsi_set_log_level(path->iscsi, 0);
	if (path->target->conf.header_digest == ISCSI_HEADER_DIGEST_CRC32C && !path->header_digest)
		path_fail(path, true, "login at %s given up: the target does without header digests; turn them on there, or set "
				      "header_digest to prefer", path->portal);
	else
		path_up(path);
}

void login_answered(struct srpgw_bridge_path *path, int status)
{
	if (status == SCSI_STATUS_GOOD)
		logged_in(path);
	else if (status == SCSI_STATUS_REDIRECT)
		path->redirected = true;
	else if (status == SCSI_STATUS_CANCELLED)
		path_lost(path);
	else
		login_refused(path);
}

static void on_login(struct iscsi_context *iscsi, int status, void *command_data, void *private_data)
{
	struct srpgw_bridge_path *path = private_data;

	(void)iscsi, (void)command_data;
	if (!path->closing)
		login_answered(path, status);
}

void login_unreachable(struct srpgw_bridge_path *path, const char *why, const char *advice)
{
	path_fail(path, false, "cannot connect to %s: %s%s", path->portal, why, advice);
	path_blame_portal(path);
}

static void on_connect(struct iscsi_context *iscsi, int status, void *command_data, void *private_data)
{
	struct srpgw_bridge_path *path = private_data;
	struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = SRPGW_PATH_PROGRESS, .text = "logging in" };

	(void)command_data;
	/* Called once more when an established connection ends: others see that, too. */
	if (path->closing || path->state != PATH_CONNECTING)
		return;
	if (status != SCSI_STATUS_GOOD) {
		int code = login_number_in(iscsi_get_error(iscsi));

		login_unreachable(path, code > 0 ? strerror(code) : iscsi_get_error(iscsi),
				  code == ECONNREFUSED ? "; is the target running, and is it that port?" : "");
		return;
	}
	path->state = PATH_LOGGING_IN;
	portals_answered(&path->target->portals, path->portal_index, path->host->now_ns(path->reactor));
	iscsi_set_log_level(iscsi, LOG_LEVEL_LOGIN_REPLIES);
	if (iscsi_login_async(iscsi, on_login, path))
		path_fail(path, false, "cannot begin the login: %s", iscsi_get_error(iscsi));
	else if (!path->detached)
		path->host->event(path->ctx, &ev);
}

/* RFC 7143 11.12.5: the type in the two highest bits says how the other 46 are cut. */
static int set_isid(struct iscsi_context *iscsi, const uint8_t isid[6])
{
	uint32_t high = (uint32_t)isid[1] << 16 | (uint32_t)isid[2] << 8 | isid[3],
		 low = (uint32_t)isid[4] << 8 | isid[5];

	switch (isid[0] >> 6) {
	case 0: /* OUI: 22 bits, 24 bits */
		return iscsi_set_isid_oui(iscsi, (uint32_t)(isid[0] & 0x3f) << 16 | (uint32_t)isid[1] << 8 | isid[2],
					  (uint32_t)isid[3] << 16 | low);
	case 1: /* enterprise number */
		return isid[0] & 0x3f ? -1 : iscsi_set_isid_en(iscsi, high, low);
	case 2: /* random */
		return isid[0] & 0x3f ? -1 : iscsi_set_isid_random(iscsi, high, low);
	default:
		return -1;
	}
}

static int set_identity(struct srpgw_bridge_path *path)
{
	const struct conf *c = &path->target->conf;
	struct iscsi_context *iscsi = path->iscsi;

	if (iscsi_set_session_type(iscsi, ISCSI_SESSION_NORMAL) || iscsi_set_targetname(iscsi, c->target_name) ||
	    iscsi_set_header_digest(iscsi, c->header_digest) || (path->alias[0] && iscsi_set_alias(iscsi, path->alias)))
		return -1;
	if (c->chap_user[0] && iscsi_set_initiator_username_pwd(iscsi, c->chap_user, c->chap_secret))
		return -1;
	if (c->mutual_user[0] && iscsi_set_target_username_pwd(iscsi, c->mutual_user, c->mutual_secret))
		return -1;
	return 0;
}

int login_start(struct srpgw_bridge_path *path)
{
	const struct transport *t = path->target->transport;
	char why[WHY_BYTES];

	path->state = PATH_CONNECTING;
	path->iscsi = iscsi_create_context(path->initiator_name);
	if (!path->iscsi) {
		path_fail(path, false, "out of memory");
		return -1;
	}
	iscsi_set_noautoreconnect(path->iscsi, 1);
	iscsi_set_timeout(path->iscsi, 0);
	path->header_digest = false;
	iscsi_set_log_level(path->iscsi, 0);
	iscsi_set_log_fn(path->iscsi, on_log);
	if (path->target->conf.tcp_user_timeout_ms)
		iscsi_set_tcp_user_timeout(path->iscsi, (int)path->target->conf.tcp_user_timeout_ms);
	if (t->type != TCP_TRANSPORT && iscsi_init_transport(path->iscsi, t->type)) {
		path_fail(path, true, "libiscsi has no transport %s here: %s", t->name, iscsi_get_error(path->iscsi));
		return -1;
	}
	if (set_isid(path->iscsi, path->isid)) {
		path_fail(
		    path, true,
		    "the ISID %02x%02x%02x%02x%02x%02x cannot be sent; its type must be 0, 1 or 2 (RFC 7143 11.12.5)",
		    path->isid[0], path->isid[1], path->isid[2], path->isid[3], path->isid[4], path->isid[5]);
		return -1;
	}
	if (set_identity(path)) {
		path_fail(path, false, "cannot prepare the login: %s", iscsi_get_error(path->iscsi));
		return -1;
	}
	if (t->prepare && t->prepare(path->iscsi, why, sizeof(why))) {
		path_fail(path, true, "%s", why);
		return -1;
	}
	if (t->offsite) {
		int rc = t->offsite->dial(path);

		if (rc)
			path_fail(path, false, "cannot begin to connect to %s: %s", path->portal, strerror(-rc));
		return rc ? -1 : 0;
	}
	if (iscsi_connect_async(path->iscsi, path->address, on_connect, path)) {
		path_fail(path, false, "cannot connect to %s: %s", path->portal, iscsi_get_error(path->iscsi));
		path_blame_portal(path);
		return -1;
	}
	return 0;
}
