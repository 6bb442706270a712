/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A nexus and the configuration: its group, and its logical units made from the group's LUN map.
 * Layer: core.
 */
#ifndef CORE_NEXUS_MAP_H
#define CORE_NEXUS_MAP_H

#include "nexus.h"

/* Looks target and group up in the shard's map. False: not admitted (group is NULL then). */
bool nexus_resolve(struct nexus *n);

/*
 * Makes n->lu from the group and the inventories of its back-ends: LUs that stay keep their state, others come and go.
 * Return: 1 something changed, 0 nothing, -ENOMEM when some are missing.
 */
int nexus_build_lus(struct nexus *n);

/* The same, and raises REPORTED LUNS DATA HAS CHANGED when something changed and hosts are to be @tell'ed. */
void nexus_remap(struct nexus *n, bool tell);

/*
 * Takes over another snapshot; ends the nexus when it is not admitted any more, raises REPORTED LUNS DATA HAS CHANGED
 * when its LUNs changed.
 */
void nexus_apply(struct nexus *n);

/* Frees all LUs; nothing points at them any more. */
void nexus_drop_lus(struct nexus *n);

#endif
