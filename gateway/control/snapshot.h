/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the configuration to core's immutable snapshot (core/map.h). Control reactor only.
 * Layer: control. Knows config, backends, pattern, core/map.h.
 */
#ifndef CONTROL_SNAPSHOT_H
#define CONTROL_SNAPSHOT_H

#include "backends.h"

/**
 * snapshot_build() - open what is new, share what did not change.
 * @out: for core_apply(), whose release() frees it; or call release() yourself when it is never applied.
 * Return: 0 or -errno with at least one problem; then nothing changed.
 */
int snapshot_build(const struct config *c, struct backends *backends, struct problems *problems,
		   struct map **out) WARN_UNUSED;

/* A name that a back-end will see: one initiator that the configuration names, one target, one back-end of its map. */
struct snapshot_identity {
	const struct target_conf *target;
	const struct initiator_group *group;
	const struct initiator_pattern *pattern;
	const struct backend *backend;
	char initiator_name[224];
	uint8_t isid[6];
	bool complete; /* false: initiator_name is a form, with words in <...> for what only a login tells */
	bool isid_known; /* false: each host has an ISID of its own, which only its login tells */
};

/* Names for every (pattern, back-end) of @m, in the order of the configuration. */
void snapshot_identities(const struct map *m, void (*fn)(void *arg, const struct snapshot_identity *id), void *arg);

/* What of @m is allowed but costs something that a person should know: one line each, valid during the call. */
void snapshot_warnings(const struct map *m, void (*say)(void *arg, const char *text), void *arg);

#endif
