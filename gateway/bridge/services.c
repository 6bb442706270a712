/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host services that live here: the log, and the opening of a back-end below another. Layer: bridge.
 */
#include "../base/log.h"
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_DEPTH 4u
#define N_SITES 64u

static _Thread_local struct bridge_host *opening;
static _Thread_local unsigned depth;

/* Rate-limited per format string, so that one chatty message of a plugin does not hide another. */
void services_log(int level, const char *fmt, ...)
{
	static struct log_site sites[N_SITES];
	enum log_level l = level <= 0 ? LOG_LEVEL_ERROR : level >= 3 ? LOG_LEVEL_DEBUG : (enum log_level)level;
	va_list ap;

	if (!log_enabled(l))
		return;
	va_start(ap, fmt);
	log_vline(&sites[((uintptr_t)fmt >> 3) % N_SITES], l, fmt, ap);
	va_end(ap);
}

bool services_enter_open(struct bridge_host *h)
{
	if (depth == MAX_DEPTH)
		return false;
	depth++;
	opening = h;
	return true;
}

void services_leave_open(void)
{
	if (!--depth)
		opening = NULL;
}

/* The lower bridge goes without a guard: what it does wrong is seen as the upper one's fault. */
int services_open_below(const char *uri, const struct srpgw_setting *settings, size_t n_settings,
			const struct srpgw_host *host_of_below, const struct srpgw_bridge **bridge,
			struct srpgw_bridge_target **target, char *why, size_t why_cap)
{
	struct err e = ERR_INIT;
	struct plugin *p;

	if (!opening) {
		snprintf(why, why_cap, "open_below() is for use inside open()");
		return -EPERM;
	}
	int rc = bridge_host_find(opening, uri, &p, &e);

	if (rc) {
		err_format(&e, why, why_cap);
		return rc;
	}
	if (!services_enter_open(opening)) {
		snprintf(why, why_cap, "bridges are stacked more than %u deep; take some out", MAX_DEPTH);
		return -ELOOP;
	}
	rc = p->real.open(host_of_below, uri, settings, n_settings, target, why, why_cap);
	services_leave_open();
	if (!rc)
		*bridge = &p->real;
	return rc;
}
