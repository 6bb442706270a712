/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions of a back-end, see census.h.
 * Layer: core.
 */
#include "census.h"

#include "../base/log.h"

#include <stdatomic.h>

bool census_is_near(const struct census *c)
{
	uint64_t n = c->n, most = c->most;

	return most > 0 && n * 100 >= most * CENSUS_NEAR_PERCENT;
}

void census_enter(struct census *c, const char *backend_name)
{
	c->n++;
	c->refused = false;
	if (census_is_near(c) && !atomic_exchange(&c->near_told, true))
		log_warn("back-end %s: %u of the %u sessions that it admits are in use; hosts beyond that will not reach it: raise its limit "
			 "and \"max_sessions\"",
			 backend_name, (unsigned)c->n, (unsigned)c->most);
}

void census_leave(struct census *c)
{
	c->n--;
	if (!census_is_near(c))
		c->near_told = false;
}

void census_refuse(struct census *c, const char *backend_name)
{
	if (!atomic_exchange(&c->refused, true))
		log_warn("back-end %s: it has no room for another session beside the %u that this gateway has there: raise its limit",
			 backend_name, (unsigned)c->n);
}
