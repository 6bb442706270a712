/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The logical units that a nexus is to see: the fixed entries of its group's LUN map, and what the inventories of
 * back-ends that are mapped as a whole add to them.
 * Layer: core.
 */
#ifndef CORE_LUN_PLAN_H
#define CORE_LUN_PLAN_H

#include "map.h"

struct nexus;

struct planned_lun {
	struct lun_map_entry map;
	uint32_t rank; /* 0: a fixed entry; else the smaller comes first */
};

struct lun_plan {
	struct planned_lun *entry; /* in the order of lu_lun_compare(), each LUN once */
	size_t n;
};

/*
 * A fixed entry wins over the back-end's own number, and a logical unit that has a fixed entry is not mapped a second
 * time: two LUNs of one nexus for one logical unit would have two task sets and two fences. Among several back-ends the
 * first of the configuration wins. Return: 0 or -ENOMEM.
 */
int lun_plan_make(const struct nexus *n, struct lun_plan *out) WARN_UNUSED;
void lun_plan_free(struct lun_plan *p);

#endif
