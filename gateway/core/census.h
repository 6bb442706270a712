/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many sessions a back-end has from all hosts and shards, and how many it admits, where that is known: a person is warned
 * before the first host is turned away, and when one is; once each, until there is room again.
 * Layer: core.
 */
#ifndef CORE_CENSUS_H
#define CORE_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

#define CENSUS_NEAR_PERCENT 80u

/* Part of struct backend; any thread. */
struct census {
	_Atomic uint32_t most; /* sessions that the back-end admits, 0: not known */
	_Atomic uint32_t n;    /* that are up */
	_Atomic bool near_told, refused; /* refused: the back-end turned a session away, and none was up since */
};

void census_enter(struct census *c, const char *backend_name);
void census_leave(struct census *c);
/* The back-end refused a session for want of room. */
void census_refuse(struct census *c, const char *backend_name);
/* Most of what it admits is in use. */
bool census_is_near(const struct census *c);

#endif
