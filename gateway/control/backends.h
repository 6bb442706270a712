/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The open back-ends, shared between snapshots: a back-end whose configuration did not change keeps its sessions
 * over a reload. Control reactor only. Layer: control. Knows config, core/map.h, bridge/host.h.
 */
#ifndef CONTROL_BACKENDS_H
#define CONTROL_BACKENDS_H

#include "../bridge/host.h"
#include "../core/core.h"
#include "config.h"

struct backends;

/* @bridges and @core are borrowed and live longer. Return: 0 or -ENOMEM. */
int backends_create(struct bridge_host *bridges, struct core *core, struct backends **out) WARN_UNUSED;
/* Every back-end is put. */
void backends_destroy(struct backends *s);

/**
 * backends_get() - the back-end of a configuration entry: the open one if nothing changed, else a new one.
 * @at: place of the entry, for problems.
 * @out: give it back with backends_put().
 * Return: 0; -ENOMEM; another -errno with a problem (secret file, no such bridge, refused by the bridge).
 */
int backends_get(struct backends *s, const struct config_backend *c, struct json_path at, struct problems *problems,
		 struct backend **out) WARN_UNUSED;
void backends_put(struct backends *s, struct backend *b);

/*
 * The configuration that the last backends_get() calls came from takes effect: what does not touch a session
 * (hold, retry and fence times, limits) changes in the open back-ends.
 */
void backends_commit(struct backends *s);

#endif
