/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The core object: control's registry, the shards, and the present configuration.
 * Layer: core.
 */
#ifndef CORE_CORE_PRIVATE_H
#define CORE_CORE_PRIVATE_H

#include "core.h"
#include "port.h"
#include "work.h"

/*
 * A configuration and who uses it: control's own hold on the present one, and each shard. Freed with the map when
 * both are gone.
 */
struct snapshot {
	struct core *core;
	struct map *map;
	uint32_t n_users;
	uint32_t n_unacked; /* shards that have not taken it over yet */
	void (*done)(void *arg);
	void *arg;
	struct list_node node; /* core->snapshots */
	struct snapshot_use use[]; /* per shard */
};

struct drain;
struct keep;

struct core {
	struct core_params params;
	char *gateway_name;
	struct reactor *control;
	struct port port;
	struct shard **shard;
	uint32_t n_shards;
	struct snapshot *snap; /* the present one */
	struct list snapshots;
	struct drain *drain;
	struct keep *keep;
	struct work_pool work;
};

void drain_free(struct core *c);
void snapshots_free(struct core *c);

#endif
