/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The status document: everything that the gateway tells about itself, as JSON. docs/status.schema.json describes it.
 * Names: monotone counters end in _total, units stand in names, identifiers are hexadecimal strings.
 * Pure: from copies to JSON. Layer: control. Knows core's status and map, events, listeners, jansson.
 */
#ifndef CONTROL_STATUS_DOC_H
#define CONTROL_STATUS_DOC_H

#include "../core/core.h"

#include <jansson.h>

#define STATUS_SCHEMA_VERSION 1

/* What the document is made of; all borrowed for the call. */
struct status_input {
	const struct core_status *core;
	const struct map *map;
	const struct reactor *control;
	const char *version, *config_file;
	const char *state;   /* "starting", "ready", "draining", "drained" */
	uint64_t started_ms; /* CLOCK_REALTIME */
	uint64_t now_ms;
	uint64_t reloads_total, reload_errors_total;
	const char *last_reload_error;	      /* or NULL */
	json_t *listeners, *devices, *events; /* parts made elsewhere; not consumed */
};

/*
 * The whole document, or with @part ("sessions", "luns", "backends", "targets", "events", "reactors") the common head
 * and that member only. Return: NULL when out of memory.
 */
json_t *status_document(const struct status_input *in, const char *part);
/* Is that a member that can be asked for alone? */
bool status_has_part(const char *part);

/* Members of the document; for status_document(). */
json_t *status_sessions_json(const struct status_input *in);
json_t *status_luns_json(const struct status_input *in);
json_t *status_backends_json(const struct status_input *in);
json_t *status_targets_json(const struct status_input *in);
json_t *status_reactors_json(const struct status_input *in);

/* Pieces that several members use. */
json_t *status_hist_json(const struct hist *h);
json_t *status_time_json(const struct time_split *t);
json_t *status_io_json(const struct io_counters *io);
/* CLOCK_REALTIME text for a time of core's clock. */
json_t *status_since_json(const struct status_input *in, uint64_t since_ns);
/* @n bytes as lower-case hexadecimal digits. */
json_t *status_hex_json(const uint8_t *b, size_t n);
/* Appends and tells whether that worked; NULL @item counts as failure. */
bool status_append(json_t *list, json_t *item);

#endif
