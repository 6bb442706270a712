/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What back-ends told of their logical units (core/keep.h), from one life of the gateway to the next: one file in the
 * state folder. It makes logins to a back-end that is away work; nothing depends on it, so whatever is wrong with it
 * costs a warning. Layer: control. Knows core and jansson.
 */
#ifndef CONTROL_KEEP_STORE_H
#define CONTROL_KEEP_STORE_H

#include "../core/core.h"

#define KEEP_STORE_FILE "kept.json"
#define KEEP_STORE_DELAY_MS 3000u /* from the first change to the file */

struct keep_store;

/*
 * Takes the folder (made when only its last part is missing), reads the file into @core and watches for changes. Before
 * the reactors run. @delay_ms: see KEEP_STORE_DELAY_MS.
 * Return: NULL when there is no usable folder or no memory: said in the log, and the gateway works without it.
 */
struct keep_store *keep_store_create(const char *dir, struct core *core, struct reactor *control, uint32_t delay_ms);
/* Writes what has changed since. No reactor runs; before core_destroy(). NULL is harmless. */
void keep_store_destroy(struct keep_store *s);

/* There is something to write, soon. Control reactor. @store: struct keep_store. */
void keep_store_changed(void *store);

#endif
