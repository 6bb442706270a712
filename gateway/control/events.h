/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last log lines, for the status document. Lines come from any thread (never from the data path), so there is a
 * lock. Layer: control. Knows base and jansson.
 */
#ifndef CONTROL_EVENTS_H
#define CONTROL_EVENTS_H

#include "../base/log.h"

#include <jansson.h>

#define EVENTS_KEPT 256u

struct events;

/* Hooks itself into the log; one at a time. Return: 0 or -ENOMEM. */
int events_create(struct events **out) WARN_UNUSED;
void events_destroy(struct events *ev);

/* The lines kept with a number above @after, oldest first: [{ "number", "time", "level", "text" }]; NULL when out of
 * memory. */
json_t *events_json(struct events *ev, uint64_t after);

/* "2026-11-22T18:33:19.123Z" of CLOCK_REALTIME in milliseconds. Return: @buf. */
const char *events_time_str(uint64_t realtime_ms, char buf[32]);
uint64_t events_now_ms(void);

#endif
