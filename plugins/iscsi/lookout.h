/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a path that is up does about the other portals of its target: it probes them now and then, says when a better
 * one has been back for long enough, and asks the target for its portals. All paths of a target share the work through
 * the table.
 */
#ifndef ISCSI_LOOKOUT_H
#define ISCSI_LOOKOUT_H

#include "portals.h"

#define LOOKOUT_PROBES 8u

struct discovery;
struct probe;
struct srpgw_bridge_path;

struct lookout {
	struct srpgw_timer *timer; /* NULL: one portal, and none to be discovered */
	struct probe *probe[LOOKOUT_PROBES];
	uint32_t probed[LOOKOUT_PROBES]; /* index in the table */
	struct discovery *discovery;
	uint32_t n_told; /* portals of our target in its answer */
	bool moved;      /* MOVE was said */
};

/* Return: 0 or -ENOMEM. */
int lookout_init(struct srpgw_bridge_path *path);
/* The path is up. */
void lookout_begin(struct srpgw_bridge_path *path);
/* The path is in doubt: the others are probed now. */
void lookout_hurry(struct srpgw_bridge_path *path);
/* It is not up any more. */
void lookout_end(struct srpgw_bridge_path *path);
void lookout_free(struct srpgw_bridge_path *path);

#endif
