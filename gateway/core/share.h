/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What all nexuses of a shard together hold of its resources for one back-end. When a back-end stands still, every host
 * behind it holds what it may; without a limit of their sum nothing remained for the hosts of other back-ends.
 * Layer: core.
 */
#ifndef CORE_SHARE_H
#define CORE_SHARE_H

#include "gate.h"

#include <stdbool.h>
#include <stdint.h>

struct backend;

struct share {
	struct list_node node; /* shard->shares */
	const struct backend *backend;
	uint32_t n_paths; /* of them it is */
	uint32_t n_tasks, quota_ios;
	uint64_t quota_bytes;
	struct gate_side gate_side; /* of the back-end's depth */
};

/* The share of @b, made for its first path. NULL: out of memory. share_put() when the path goes. */
struct share *share_get(struct shard *s, struct backend *b);
void share_put(struct share *sh);

/*
 * May a back-end that holds @own take @want of the @free that are left? Three quarters at most: were it half, as for one
 * host, then one host could keep the others from the same back-end.
 */
static inline bool share_allows(uint64_t own, uint64_t want, uint64_t free)
{
	return want <= free && own + want <= 3 * (free - want);
}

#endif
