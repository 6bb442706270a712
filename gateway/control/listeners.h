/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fabrics that the "listen" entries need, and their listeners. The composition root says which fabrics there are.
 * Control reactor. Layer: control. Knows config, core, rt/fabric.h.
 */
#ifndef CONTROL_LISTENERS_H
#define CONTROL_LISTENERS_H

#include "../core/core.h"
#include "config.h"

/* One kind of fabric, in a table that ends with a NULL name. */
struct fabric_kind {
	const char *name; /* as in listen[].fabric */
	/* @rx_bytes: longest information unit that must be receivable; 0 for the fabric's default. */
	int (*create)(struct reactor *control, uint32_t rx_bytes, struct fabric **out, struct err *e);
	bool crc_optional; /* for the entries that say so: "crc" */
};

struct listeners;

/* Is there a kind for every entry? What is missing goes to @problems. */
void listeners_check(const struct config *c, const struct fabric_kind *kinds, struct problems *problems);

/*
 * Opens the fabrics that @c names and gives them the core's buffers; nothing listens yet. @c, @kinds and @core are
 * borrowed. Return: 0 or -errno with a problem.
 */
int listeners_create(const struct config *c, const struct fabric_kind *kinds, struct reactor *control,
		     struct core *core, struct listeners **out, struct problems *problems) WARN_UNUSED;
/* Listens on every entry. Return: 0, or -errno with a problem for each that failed; then none listens. */
int listeners_start(struct listeners *s, struct problems *problems) WARN_UNUSED;
/* No login comes afterwards. */
void listeners_stop(struct listeners *s);
/* All connections are closed, no data reactor runs. */
void listeners_destroy(struct listeners *s);

/* For the status: entries with their state, and what the fabrics tell of their devices. Both NULL when out of memory.
 */
json_t *listeners_json(const struct listeners *s);
json_t *listeners_devices_json(const struct listeners *s);

#endif
