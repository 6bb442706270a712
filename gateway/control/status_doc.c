/* SPDX-License-Identifier: BSD-3-Clause */
/* The status document, see status_doc.h. Layer: control. */
#include "status_doc.h"
#include "../proto/srp_iu.h"
#include "events.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	json_t *(*make)(const struct status_input *in);
} parts[] = {
	{ "sessions", status_sessions_json }, { "luns", status_luns_json },
	{ "backends", status_backends_json }, { "targets", status_targets_json },
	{ "reactors", status_reactors_json },
};
#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

bool status_append(json_t *list, json_t *item)
{
	return json_array_append_new(list, item) == 0;
}

json_t *status_hex_json(const uint8_t *b, size_t n)
{
	char text[65];

	if (n > 32)
		return NULL;
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", b[i]);
	text[2 * n] = '\0';
	return json_string(text);
}

json_t *status_since_json(const struct status_input *in, uint64_t since_ns)
{
	uint64_t age_ms = in->core->now_ns > since_ns ? (in->core->now_ns - since_ns) / NS_PER_MS : 0;
	char text[32];

	return json_string(events_time_str(in->now_ms - age_ms, text));
}

json_t *status_hist_json(const struct hist *h)
{
	json_t *buckets = json_array();

	for (unsigned b = 0; buckets && b < HIST_BUCKETS; b++) {
		uint64_t bound = hist_bound_ns(b);
		json_t *pair;

		if (!h->bucket[b])
			continue;
		pair = json_pack("[o, I]", bound == UINT64_MAX ? json_null() : json_integer((json_int_t)bound),
				 (json_int_t)h->bucket[b]);
		if (!status_append(buckets, pair)) {
			json_decref(buckets);
			buckets = NULL;
		}
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "count", (json_int_t)h->count, "sum_ns",
			 (json_int_t)h->sum_ns, "max_ns", (json_int_t)h->max_ns, "p50_ns",
			 (json_int_t)hist_percentile_ns(h, 50), "p99_ns", (json_int_t)hist_percentile_ns(h, 99),
			 "buckets", buckets);
}

json_t *status_time_json(const struct time_split *t)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "fabric", status_hist_json(&t->fabric), "gateway",
			 status_hist_json(&t->gateway), "backend", status_hist_json(&t->backend), "total",
			 status_hist_json(&t->total));
}

json_t *status_io_json(const struct io_counters *io)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "reads_total", (json_int_t)io->reads_total,
			 "writes_total", (json_int_t)io->writes_total, "others_total", (json_int_t)io->others_total,
			 "read_bytes_total", (json_int_t)io->read_bytes_total, "write_bytes_total",
			 (json_int_t)io->write_bytes_total, "check_conditions_total",
			 (json_int_t)io->check_conditions_total, "busy_total", (json_int_t)io->busy_total,
			 "errors_total", (json_int_t)io->errors_total, "aborted_total", (json_int_t)io->aborted_total);
}

/* How many sessions @b has, and how many of them are up. */
static void count_paths(const struct status_input *in, const struct backend *b, size_t *n, size_t *n_up)
{
	for (size_t i = 0; i < in->core->n_path; i++) {
		const struct path_status *p = &in->core->path[i];

		if (strcmp(p->backend, b->name) != 0)
			continue;
		(*n)++;
		*n_up += strcmp(p->state, "up") == 0;
	}
}

/* Hosts use it, and reach none of its back-ends. */
static bool is_cut_off(const struct status_input *in, const struct target_conf *t)
{
	size_t n = 0, n_up = 0;

	for (size_t g = 0; g < t->n_group && n_up == 0; g++) {
		for (size_t i = 0; i < t->group[g].n_lun && n_up == 0; i++)
			count_paths(in, t->group[g].lun[i].backend, &n, &n_up);
		for (size_t i = 0; i < t->group[g].n_all && n_up == 0; i++)
			count_paths(in, t->group[g].all[i], &n, &n_up);
	}
	return n > 0 && n_up == 0;
}

static const char *state_name(const struct status_input *in)
{
	if (strcmp(in->state, "ready") != 0 || !in->map)
		return in->state;
	for (size_t i = 0; i < in->map->n_target; i++)
		if (is_cut_off(in, &in->map->target[i]))
			return "degraded";
	return in->state;
}

static json_t *gateway_json(const struct status_input *in)
{
	char now[32], started[32];
	uint64_t uptime_ms = in->now_ms > in->started_ms ? in->now_ms - in->started_ms : 0;

	return json_pack("{s:s, s:s, s:i, s:s, s:b, s:s, s:s, s:I, s:s, s:I, s:I, s:s?}", "name",
			 in->map ? in->map->gateway_name : "srpgw", "version", in->version, "pid", (int)getpid(),
			 "state", state_name(in), "ready", strcmp(in->state, "ready") == 0, "time",
			 events_time_str(in->now_ms, now), "started_at", events_time_str(in->started_ms, started),
			 "uptime_ms", (json_int_t)uptime_ms, "config_file", in->config_file, "reloads_total",
			 (json_int_t)in->reloads_total, "reload_errors_total", (json_int_t)in->reload_errors_total,
			 "last_reload_error", in->last_reload_error);
}

static json_t *logins_json(const struct core_status *c)
{
	json_t *reasons = json_array();
	char code[16];

	for (uint32_t i = 0; reasons && i < sizeof(c->refused_by_reason_total) / sizeof(c->refused_by_reason_total[0]);
	     i++) {
		uint32_t reason = SRP_REJ_NO_DETAIL + i;

		snprintf(code, sizeof(code), "0x%08x", reason);
		if (!status_append(reasons,
				   json_pack("{s:s, s:s, s:I}", "reason", code, "text", srp_rej_reason_name(reason),
					     "total", (json_int_t)c->refused_by_reason_total[i]))) {
			json_decref(reasons);
			reasons = NULL;
		}
	}
	return json_pack("{s:I, s:I, s:I, s:o}", "logins_accepted_total", (json_int_t)c->logins_accepted_total,
			 "logins_refused_total", (json_int_t)c->logins_refused_total, "protocol_errors_total",
			 (json_int_t)c->protocol_errors_total, "refused_by_reason", reasons);
}

bool status_has_part(const char *part)
{
	for (size_t i = 0; i < N_PARTS; i++) {
		if (strcmp(parts[i].name, part) == 0)
			return true;
	}
	return strcmp(part, "events") == 0;
}

/* Steals @value; false when something is out of memory. */
static bool set(json_t *doc, const char *key, json_t *value)
{
	return json_object_set_new(doc, key, value) == 0;
}

static bool set_all(json_t *doc, const struct status_input *in, const char *part)
{
	if (!set(doc, "schema_version", json_integer(STATUS_SCHEMA_VERSION)) || !set(doc, "gateway", gateway_json(in)))
		return false;
	if (!part && (!set(doc, "listeners", json_incref(in->listeners)) ||
		      !set(doc, "devices", json_incref(in->devices)) || !set(doc, "logins", logins_json(in->core))))
		return false;
	for (size_t i = 0; i < N_PARTS; i++) {
		if ((!part || strcmp(part, parts[i].name) == 0) && !set(doc, parts[i].name, parts[i].make(in)))
			return false;
	}
	return (part && strcmp(part, "events") != 0) || set(doc, "events", json_incref(in->events));
}

json_t *status_document(const struct status_input *in, const char *part)
{
	json_t *doc = json_object();

	if (doc && !set_all(doc, in, part)) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}
