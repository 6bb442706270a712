/* SPDX-License-Identifier: BSD-3-Clause */
/* srpgwctl: the daemon's documents as text for people, see srpgwctl_views.h. Layer: tools. */
#include "srpgwctl_views.h"
#include "srpgwctl_table.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

/* A member that an older or newer daemon does not have reads as empty or zero. */
static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static uint64_t num(const json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v > 0 ? (uint64_t)v : 0;
}

static int print_and_free(struct table *t, FILE *out)
{
	int rc = table_print(t, out);

	table_free(t);
	return rc;
}

static void heading(struct table *t, const char *const *names)
{
	table_row(t);
	for (; *names; names++)
		table_cell(t, "%s", *names);
}

static void cell_count(struct table *t, uint64_t n)
{
	char buf[UNITS_STRLEN];

	table_cell(t, "%s", units_count(n, buf));
}

static void cell_bytes(struct table *t, uint64_t n)
{
	char buf[UNITS_STRLEN];

	table_cell(t, "%s", units_bytes(n, buf));
}

static void cell_ns(struct table *t, uint64_t n)
{
	char buf[UNITS_STRLEN];

	table_cell(t, "%s", units_ns(n, buf));
}

/* Commands, bytes, errors, and where the time goes (median of each part, then of all and its 99th percentile). */
static const char *const io_headings[] = { "READS",   "WRITES",	 "READ", "WRITTEN", "ERRORS", "FABRIC",
					   "GATEWAY", "BACKEND", "P50",	 "P99",	    NULL };

static void io_cells(struct table *t, const json_t *o)
{
	const json_t *io = json_object_get(o, "io"), *time = json_object_get(o, "time");
	const json_t *total = json_object_get(time, "total");

	cell_count(t, num(io, "reads_total"));
	cell_count(t, num(io, "writes_total"));
	cell_bytes(t, num(io, "read_bytes_total"));
	cell_bytes(t, num(io, "write_bytes_total"));
	cell_count(t, num(io, "errors_total"));
	cell_ns(t, num(json_object_get(time, "fabric"), "p50_ns"));
	cell_ns(t, num(json_object_get(time, "gateway"), "p50_ns"));
	cell_ns(t, num(json_object_get(time, "backend"), "p50_ns"));
	cell_ns(t, num(total, "p50_ns"));
	cell_ns(t, num(total, "p99_ns"));
}

static void io_heading(struct table *t)
{
	for (size_t i = 0; io_headings[i]; i++)
		table_cell(t, "%s", io_headings[i]);
}

/* ---- limits ---- */

#define LIMITS_LEN 200

/* Bounded appending; what does not fit is cut. */
static void add_limit(char buf[LIMITS_LEN], const char *fmt, ...) PRINTF_LIKE(2, 3);
static void add_limit(char buf[LIMITS_LEN], const char *fmt, ...)
{
	size_t len = strlen(buf);
	va_list ap;

	if (len > 0 && len + 2 < LIMITS_LEN) {
		memcpy(buf + len, ", ", 3);
		len += 2;
	}
	va_start(ap, fmt);
	vsnprintf(buf + len, LIMITS_LEN - len, fmt, ap);
	va_end(ap);
}

/* The limits that back-end, group or LUN @o has, by the members that it has. Return: "" when there are none. */
static const char *limits_of(const json_t *o, char buf[LIMITS_LEN])
{
	char n[UNITS_STRLEN];

	buf[0] = '\0';
	if (num(o, "queue_depth"))
		add_limit(buf, "queue depth %llu (%llu in use)", (unsigned long long)num(o, "queue_depth"),
			  (unsigned long long)num(o, "queue_depth_used"));
	if (num(o, "iops"))
		add_limit(buf, "%s commands/s", units_count(num(o, "iops"), n));
	if (num(o, "bytes_per_second"))
		add_limit(buf, "%s/s", units_bytes(num(o, "bytes_per_second"), n));
	if (num(o, "max_inflight_bytes"))
		add_limit(buf, "%s under way per session", units_bytes(num(o, "max_inflight_bytes"), n));
	if (num(o, "max_sessions"))
		add_limit(buf, "%llu sessions (%llu up)", (unsigned long long)num(o, "max_sessions"),
			  (unsigned long long)num(o, "sessions"));
	return buf;
}

static void limit_row(struct table *t, const json_t *o, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void limit_row(struct table *t, const json_t *o, const char *fmt, ...)
{
	char limits[LIMITS_LEN], what[LIMITS_LEN];
	va_list ap;

	if (!*limits_of(o, limits))
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	table_row(t);
	table_cell(t, "limit");
	table_cell(t, "%s: %s", what, limits);
}

static void status_limits(struct table *t, const json_t *targets)
{
	size_t i, k, m;
	json_t *target, *group, *lun;

	json_array_foreach(targets, i, target)
	{
		json_array_foreach(json_object_get(target, "groups"), k, group)
		{
			limit_row(t, group, "each host of %s, %s", str(target, "name"), str(group, "name"));
			json_array_foreach(json_object_get(group, "luns"), m, lun)
			{
				limit_row(t, json_object_get(lun, "limits"), "LUN %s of %s, %s", str(lun, "lun"),
					  str(target, "name"), str(group, "name"));
			}
		}
	}
}

/* What its limits, and the back-end itself, did to its sessions. */
static void status_backend(struct table *t, const json_t *backend)
{
	const json_t *paths = json_object_get(backend, "paths");
	uint64_t limited = 0, refused = 0;
	size_t i;
	json_t *p;

	table_row(t);
	table_cell(t, "back-end");
	table_cell(t, "%s: %s, %zu paths, %s", str(backend, "name"), str(backend, "state"), json_array_size(paths),
		   str(backend, "uri"));
	limit_row(t, backend, "%s", str(backend, "name"));
	json_array_foreach(paths, i, p)
	{
		limited += num(p, "limited_total");
		refused += num(p, "refused_total");
	}
	if (limited == 0 && refused == 0)
		return;
	table_row(t);
	table_cell(t, "held up");
	table_cell(t, "%s: %llu times by a limit; %llu commands that the back-end had refused", str(backend, "name"),
		   (unsigned long long)limited, (unsigned long long)refused);
}

static void status_logins(struct table *t, const json_t *logins)
{
	size_t i;
	json_t *reason;

	table_row(t);
	table_cell(t, "logins");
	table_cell(t, "%llu accepted, %llu refused", (unsigned long long)num(logins, "logins_accepted_total"),
		   (unsigned long long)num(logins, "logins_refused_total"));
	json_array_foreach(json_object_get(logins, "refused_by_reason"), i, reason)
	{
		if (!num(reason, "total"))
			continue;
		table_row(t);
		table_cell(t, "refused");
		table_cell(t, "%llu: %s", (unsigned long long)num(reason, "total"), str(reason, "text"));
	}
}

static void status_reactors(struct table *t, const json_t *list)
{
	char used[UNITS_STRLEN], size[UNITS_STRLEN], low[UNITS_STRLEN];
	size_t i;
	json_t *r;

	json_array_foreach(list, i, r)
	{
		uint64_t pool = num(r, "pool_size_bytes");

		if (!json_object_get(r, "pool_size_bytes"))
			continue;
		table_row(t);
		table_cell(t, "reactor");
		table_cell(t, "%s: %llu sessions, %llu channels, buffers %s of %s in use, at most %s", str(r, "name"),
			   (unsigned long long)num(r, "n_sessions"), (unsigned long long)num(r, "n_channels"),
			   units_bytes(pool - num(r, "pool_free_bytes"), used), units_bytes(pool, size),
			   units_bytes(pool - num(r, "pool_low_water_bytes"), low));
	}
}

int view_status(const json_t *doc, FILE *out)
{
	const json_t *gw = json_object_get(doc, "gateway");
	struct table t = { .n_cells = 0 };
	char age[UNITS_STRLEN];
	size_t i;
	json_t *item;

	fprintf(out, "%s (srpgw %s): %s, up %s\n", str(gw, "name"), str(gw, "version"), str(gw, "state"),
		units_age_ms(num(gw, "uptime_ms"), age));
	table_row(&t);
	table_cell(&t, "configuration");
	table_cell(&t, "%s, reloaded %llu times", str(gw, "config_file"), (unsigned long long)num(gw, "reloads_total"));
	if (*str(gw, "last_reload_error")) {
		table_row(&t);
		table_cell(&t, "reload failed");
		table_cell(&t, "%s", str(gw, "last_reload_error"));
	}
	json_array_foreach(json_object_get(doc, "listeners"), i, item)
	{
		table_row(&t);
		table_cell(&t, "listen");
		table_cell(&t, "%s %s port %llu: %s", str(item, "fabric"), str(item, "address"),
			   (unsigned long long)num(item, "port"), str(item, "state"));
	}
	json_array_foreach(json_object_get(doc, "devices"), i, item)
	{
		if (strcmp(str(item, "device"), "*") == 0) /* a listener on all of them: told above */
			continue;
		table_row(&t);
		table_cell(&t, "device");
		table_cell(&t, "%s (%s)", str(item, "device"), str(item, "fabric"));
	}
	status_logins(&t, json_object_get(doc, "logins"));
	table_row(&t);
	table_cell(&t, "sessions");
	table_cell(&t, "%zu", json_array_size(json_object_get(doc, "sessions")));
	json_array_foreach(json_object_get(doc, "backends"), i, item)
	{
		status_backend(&t, item);
	}
	status_limits(&t, json_object_get(doc, "targets"));
	status_reactors(&t, json_object_get(doc, "reactors"));
	return print_and_free(&t, out);
}

int view_sessions(const json_t *doc, FILE *out)
{
	static const char *const names[] = { "ID", "INITIATOR", "PEER", "TARGET", "GROUP", "CH", NULL };
	struct table t = { .n_cells = 0 };
	size_t i;
	json_t *s;

	heading(&t, names);
	io_heading(&t);
	json_array_foreach(json_object_get(doc, "sessions"), i, s)
	{
		table_row(&t);
		table_cell(&t, "%llu", (unsigned long long)num(s, "id"));
		table_cell(&t, "%s", str(s, "i_port_id"));
		table_cell(&t, "%s", str(s, "peer"));
		table_cell(&t, "%s", str(s, "target"));
		table_cell(&t, "%s", str(s, "group"));
		table_cell(&t, "%llu", (unsigned long long)num(s, "n_channels"));
		io_cells(&t, s);
	}
	return print_and_free(&t, out);
}

int view_luns(const json_t *doc, FILE *out)
{
	static const char *const names[] = { "SESSION", "LUN", "BACK-END", "ITS LUN", "SOURCE", "FENCED", NULL };
	struct table t = { .n_cells = 0 };
	size_t i;
	json_t *l;

	heading(&t, names);
	io_heading(&t);
	json_array_foreach(json_object_get(doc, "luns"), i, l)
	{
		table_row(&t);
		table_cell(&t, "%llu", (unsigned long long)num(l, "session_id"));
		table_cell(&t, "%s", str(l, "lun"));
		table_cell(&t, "%s", str(l, "backend"));
		table_cell(&t, "%s", str(l, "backend_lun"));
		table_cell(&t, "%s", str(l, "source"));
		table_cell(&t, "%s", json_is_true(json_object_get(l, "fenced")) ? "yes" : "no");
		io_cells(&t, l);
	}
	return print_and_free(&t, out);
}

/* ---- back-ends ---- */

/* A table over all back-ends: their members called @list, with the name of the back-end in front. */
struct part {
	const char *list;
	bool (*is_shown)(const json_t *item); /* NULL: all; and no table at all when there is none */
	void (*cells)(struct table *t, const json_t *item);
	const char *headings[TABLE_COLUMNS_MAX];
};

static int view_part(const struct part *part, const json_t *backends, FILE *out)
{
	struct table t = { .n_cells = 0 };
	bool any = !part->is_shown;
	size_t i, k;
	json_t *b, *item;

	heading(&t, part->headings);
	json_array_foreach(backends, i, b)
	{
		json_array_foreach(json_object_get(b, part->list), k, item)
		{
			if (part->is_shown && !part->is_shown(item))
				continue;
			any = true;
			table_row(&t);
			table_cell(&t, "%s", str(b, "name"));
			part->cells(&t, item);
		}
	}
	if (!any) {
		table_free(&t);
		return 0;
	}
	fputc('\n', out);
	return print_and_free(&t, out);
}

static void portal_cells(struct table *t, const json_t *p)
{
	const json_t *group = json_object_get(p, "group");
	const char *since = str(p, "since");

	table_cell(t, "%s", str(p, "address"));
	if (json_is_integer(group))
		cell_count(t, num(p, "group"));
	else
		table_cell(t, "-");
	table_cell(t, "%s", str(p, "state"));
	table_cell(t, "%s", *since ? since : "-");
	cell_count(t, num(p, "n_paths"));
	table_cell(t, "%s", str(p, "why"));
}

static void path_cells(struct table *t, const json_t *p)
{
	cell_count(t, num(p, "session_id"));
	table_cell(t, "%s", str(p, "state"));
	cell_count(t, num(p, "n_outstanding"));
	cell_count(t, num(p, "n_waiting"));
	cell_count(t, num(p, "n_detached"));
	cell_count(t, num(p, "ups_total"));
	cell_count(t, num(p, "downs_total"));
	cell_ns(t, num(json_object_get(p, "time"), "p50_ns"));
	cell_ns(t, num(json_object_get(p, "time"), "p99_ns"));
	table_cell(t, "%s", str(p, "why"));
}

static bool is_held_up(const json_t *p)
{
	return num(p, "limited_total") || num(p, "refused_total") || num(p, "depth");
}

static void held_up_cells(struct table *t, const json_t *p)
{
	cell_count(t, num(p, "session_id"));
	cell_count(t, num(p, "limited_total"));
	cell_count(t, num(p, "refused_total"));
	if (num(p, "depth"))
		cell_count(t, num(p, "depth"));
	else
		table_cell(t, "-");
}

static void identity_cells(struct table *t, const json_t *p)
{
	table_cell(t, "%s", str(p, "target"));
	table_cell(t, "%s", str(p, "group"));
	table_cell(t, "%s", str(p, "initiator"));
	table_cell(t, "%s", str(p, "initiator_name"));
	table_cell(t, "%s", str(p, "isid"));
}

static const struct part backend_parts[] = {
	{ "portals", NULL, portal_cells, { "BACK-END", "PORTAL", "GROUP", "STATE", "SINCE", "PATHS", "WHY" } },
	{ "paths",
	  NULL,
	  path_cells,
	  { "BACK-END", "SESSION", "STATE", "OUTSTANDING", "WAITING", "DETACHED", "UPS", "DOWNS", "P50", "P99", "WHY" } },
	{ "paths", is_held_up, held_up_cells, { "BACK-END", "SESSION", "LIMITED", "REFUSED", "SENDS AT ONCE" } },
	{ "identities",
	  NULL,
	  identity_cells,
	  { "BACK-END", "TARGET", "GROUP", "INITIATOR", "INITIATOR NAME AT THE BACK-END", "ISID" } },
};

int view_backends(const json_t *doc, FILE *out)
{
	static const char *const names[] = { "BACK-END", "STATE", "BRIDGE", "PATHS", "URI", NULL };
	const json_t *list = json_object_get(doc, "backends");
	struct table t = { .n_cells = 0 };
	size_t i;
	json_t *b;
	int rc;

	heading(&t, names);
	json_array_foreach(list, i, b)
	{
		table_row(&t);
		table_cell(&t, "%s", str(b, "name"));
		table_cell(&t, "%s", str(b, "state"));
		table_cell(&t, "%s", str(b, "bridge"));
		table_cell(&t, "%zu", json_array_size(json_object_get(b, "paths")));
		table_cell(&t, "%s", str(b, "uri"));
	}
	rc = print_and_free(&t, out);
	json_array_foreach(list, i, b)
	{
		char limits[LIMITS_LEN];

		if (*limits_of(b, limits))
			fprintf(out, "%s: %s\n", str(b, "name"), limits);
		if (*str(b, "warning"))
			fprintf(out, "%s: %s\n", str(b, "name"), str(b, "warning"));
	}
	for (i = 0; rc == 0 && i < sizeof(backend_parts) / sizeof(backend_parts[0]); i++)
		rc = view_part(&backend_parts[i], list, out);
	return rc;
}

int view_bridges(const json_t *doc, FILE *out)
{
	static const char *const names[] = { "BRIDGE", "VERSION", "SCHEMES", "WHAT IT IS", "FILE", NULL };
	const json_t *list = json_object_get(doc, "bridges");
	struct table t = { .n_cells = 0 };
	size_t i;
	json_t *b;
	int rc;

	heading(&t, names);
	json_array_foreach(list, i, b)
	{
		bool usable = json_is_true(json_object_get(b, "usable"));

		table_row(&t);
		table_cell(&t, "%s", usable ? str(b, "name") : "-");
		table_cell(&t, "%s", str(b, "version"));
		table_cell(&t, "%s", str(b, "schemes"));
		table_cell(&t, "%s", usable ? str(b, "description") : str(b, "why"));
		table_cell(&t, "%s", str(b, "path"));
	}
	rc = print_and_free(&t, out);
	json_array_foreach(list, i, b)
	{
		const char *help = str(b, "settings_help");

		if (!*help)
			continue;
		fprintf(out, "\nSettings of %s:\n", str(b, "name"));
		while (*help) {
			int len = (int)strcspn(help, "\n");

			fprintf(out, "  %.*s\n", len, help);
			help += len + (help[len] == '\n');
		}
	}
	return rc;
}

int view_events(const json_t *doc, FILE *out)
{
	struct table t = { .n_cells = 0 };
	size_t i;
	json_t *e;

	json_array_foreach(json_object_get(doc, "events"), i, e)
	{
		table_row(&t);
		table_cell(&t, "%s", str(e, "time"));
		table_cell(&t, "%s", str(e, "level"));
		table_cell(&t, "%s", str(e, "text"));
	}
	return print_and_free(&t, out);
}
