/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iSER: the transport in what the loaded libiscsi can bear, and the plugin's entry.
 */
#include "iser.h"

#include "../iscsi/members.h"
#include "dial.h"
#include "mend.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const char settings_help[] =
	"login_timeout_ms: longest time from the first packet to the end of the login, 20000\n"
	"nop_interval_ms: silence after which the target is asked for a sign of life, 2000; 0 never asks, and a lost target "
	"is never noticed\n"
	"nop_timeout_ms: how long the sign of life may take, 3000\n"
	"max_outstanding: commands at the target at a time, per host; at most 32 with libiscsi 1.19\n"
	"portals: more ways to the target, HOST[:PORT], comma separated\n"
	"chap_user: name for CHAP\n"
	"chap_secret: secret for CHAP\n"
	"chap_mutual_user: name that the target must show\n"
	"chap_mutual_secret: secret that the target must know\n";

static struct {
	pthread_once_t once;
	enum iser_version version;
	char file[128];
	struct transport transport;
} loaded = { .once = PTHREAD_ONCE_INIT };

const struct iser_limits *iser_limits_of_target(const struct srpgw_bridge_target *target)
{
	(void)target;
	return iser_limits_of(loaded.version);
}

/* 1.19 announces immediate data and does not send it, which LIO takes for a broken PDU. */
static int prepare(struct iscsi_context *iscsi, char *why, size_t cap)
{
	const struct iser_limits *l = iser_limits_of(loaded.version);

	if (l->must_be_mended && mend_begin(iscsi, why, cap))
		return -1;
	if (l->announces_immediate && (iscsi_set_immediate_data(iscsi, ISCSI_IMMEDIATE_DATA_NO) ||
				       iscsi_set_initial_r2t(iscsi, ISCSI_INITIAL_R2T_YES))) {
		snprintf(why, cap, "cannot turn immediate data off: %s", iscsi_get_error(iscsi));
		return -1;
	}
	return 0;
}

/* It takes POLLIN and nothing else. */
static int only_in(int revents)
{
	return revents & POLLIN;
}

static void describe(struct srpgw_bridge_path *path, void (*emit)(void *arg, const char *key, const char *value),
		     void *arg)
{
	char text[192];

	(void)path;
	snprintf(text, sizeof(text), "libiscsi %s (%s)", iser_limits_of(loaded.version)->name, loaded.file);
	emit(arg, "library", text);
}

static void look_at_library(void)
{
	const struct iser_limits *l;

	/* ISO C has no cast from a function to void *; the address is all that is wanted. */
	loaded.version = iser_version_at((const void *)(uintptr_t)iscsi_create_context, loaded.file, sizeof(loaded.file));
	l = iser_limits_of(loaded.version);
	loaded.transport = (struct transport){
		.name = "iser",
		.scheme = "iser",
		.type = ISER_TRANSPORT,
		.default_outstanding = l->default_outstanding,
		.most_outstanding = l->most_outstanding,
		.max_transfer_bytes = l->max_transfer_bytes,
		.has_tmf = l->has_tmf,
		.pads_data_in = true,
		.offsite = &dial_offsite,
		.prepare = prepare,
		.describe = describe,
		.revents = only_in,
	};
}

/*
 * Nothing but a sign of life that does not come tells of a lost target; so it is asked for more often than over TCP,
 * whose connections tell by themselves.
 */
#define NOP_INTERVAL_MS 2000u
#define NOP_TIMEOUT_MS 3000u

static bool is_set(const struct srpgw_setting *settings, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(settings[i].key, key))
			return true;
	return false;
}

/* RFC 7145 6: iSER knows no digests; and there is no TCP. */
static int refuse_settings(const struct srpgw_setting *settings, size_t n, char *why, size_t cap)
{
	static const char *const others[] = { "header_digest", "tcp_user_timeout_ms", "discover_portals", "failback_seconds" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (is_set(settings, n, others[i])) {
			snprintf(why, cap, "setting \"%s\" is for iSCSI over TCP; iSER has no such thing", others[i]);
			return -EINVAL;
		}
	}
	return 0;
}

static int iser_open(const struct srpgw_host *host, const char *uri, const struct srpgw_setting *settings,
		     size_t n_settings, struct srpgw_bridge_target **target, char *why, size_t why_cap)
{
	pthread_once(&loaded.once, look_at_library);
	if (!iser_limits_of(loaded.version)->most_outstanding) {
		iser_version_refuse(loaded.version, loaded.file, why, why_cap);
		return -ENOTSUP;
	}
	if (refuse_settings(settings, n_settings, why, why_cap))
		return -EINVAL;
	int rc = bridge_open_target(&loaded.transport, host, uri, settings, n_settings, target, why, why_cap);

	if (rc)
		return rc;
	if (!is_set(settings, n_settings, "login_timeout_ms"))
		(*target)->conf.login_timeout_ms = iser_limits_of(loaded.version)->login_timeout_ms;
	if (!is_set(settings, n_settings, "nop_interval_ms"))
		(*target)->conf.nop_interval_ms = NOP_INTERVAL_MS;
	if (!is_set(settings, n_settings, "nop_timeout_ms"))
		(*target)->conf.nop_timeout_ms = NOP_TIMEOUT_MS;
	return 0;
}

SRPGW_BRIDGE_REGISTER(
	.name = "iser",
	.version = SRPGW_VERSION " (libiscsi 1.19 or 1.20.0)",
	.description = "iSER, iSCSI over RDMA: iser://HOST[:PORT]/TARGET-NAME",
	.schemes = "iser",
	.settings_help = settings_help,
	.open = iser_open,
	SESSION_MEMBERS,
)
