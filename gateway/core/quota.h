/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dynamic thresholds: an owner may hold at most as much as would remain free, so one owner alone can use half of a
 * resource, and any number of them together never use up what the others live on.
 * Pure. Layer: core.
 */
#ifndef CORE_QUOTA_H
#define CORE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

/* May an owner that holds @own take @want of the @free that are left? */
static inline bool quota_allows(uint64_t own, uint64_t want, uint64_t free)
{
	return want <= free && own + want <= free - want;
}

/* The most that one owner can ever hold of @total: more is refused, not starved. */
static inline uint64_t quota_most(uint64_t total)
{
	return total / 2;
}

#endif
