/* SPDX-License-Identifier: BSD-3-Clause */
/* Back-ends with their paths and identities, and targets, in the status document, see status_doc.h. Layer: control. */
#include "../proto/scsi.h"
#include "config.h"
#include "snapshot.h"
#include "status_doc.h"

#include <string.h>

static json_t *path_json(const struct status_input *in, const struct path_status *p)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I}", "session_id",
			 (json_int_t)p->session_id, "state", p->state, "why", p->why, "initiator_name",
			 p->initiator_name, "since", status_since_json(in, p->since_ns), "silent", p->silent,
			 "outage_ms", (json_int_t)p->outage_ms, "n_outstanding", (json_int_t)p->n_outstanding,
			 "n_waiting", (json_int_t)p->n_waiting, "n_detached",
			 (json_int_t)p->n_detached, "ups_total", (json_int_t)p->ups_total, "downs_total",
			 (json_int_t)p->downs_total, "time", status_hist_json(&p->backend_time), "depth", (json_int_t)p->depth_now,
			 "refused_total", (json_int_t)p->refused_total, "limited_total", (json_int_t)p->limited_total);
}

struct identity_list {
	const struct backend *backend;
	json_t *list;
	bool failed;
};

static void on_identity(void *arg, const struct snapshot_identity *id)
{
	struct identity_list *l = arg;
	json_t *item;

	if (id->backend != l->backend || l->failed)
		return;
	item = json_pack("{s:s, s:s, s:s, s:s, s:o, s:b}", "target", id->target->name, "group", id->group->name,
			 "initiator", id->pattern->text, "initiator_name", id->initiator_name, "isid",
			 status_hex_json(id->isid, id->isid_known ? sizeof(id->isid) : 0), "complete", id->complete);
	l->failed = !status_append(l->list, item);
}

struct portal_list {
	const struct status_input *in;
	json_t *list;
	bool failed;
};

static void on_portal(void *arg, const struct srpgw_portal *p)
{
	struct portal_list *l = arg;
	json_t *group = p->group < 0 ? json_null() : json_integer(p->group);
	json_t *since = p->since_ns ? status_since_json(l->in, p->since_ns) : json_null();

	/* json_pack() takes both over, also when it fails. */
	if (!l->failed)
		l->failed = !status_append(l->list,
					   json_pack("{s:s, s:o, s:s, s:s, s:o, s:I}", "address", p->address, "group", group, "state",
						     p->state, "why", p->why ? p->why : "", "since", since, "n_paths",
						     (json_int_t)p->n_paths));
	else {
		json_decref(group);
		json_decref(since);
	}
}

/* NULL: out of memory. */
static json_t *portals_json(const struct status_input *in, const struct backend *b)
{
	struct portal_list l = { .in = in, .list = json_array() };

	if (l.list && b->bridge && SRPGW_HAS(b->bridge, portals))
		b->bridge->portals(b->target, on_portal, &l);
	if (!l.failed)
		return l.list;
	json_decref(l.list);
	return NULL;
}

/* One word over all paths of a back-end. */
static const char *paths_state(size_t n, size_t n_up)
{
	if (n == 0)
		return "idle";
	if (n_up == n)
		return "up";
	return n_up ? "degraded" : "down";
}

static const char *census_warning(const struct backend *b)
{
	if (b->census.refused)
		return "it has no room for another session";
	return census_is_near(&b->census) ? "most of the sessions that it admits are in use" : "";
}

static json_t *backend_json(const struct status_input *in, const struct backend *b)
{
	struct identity_list ids = { .backend = b, .list = json_array() };
	json_t *paths = json_array(), *portals = portals_json(in, b);
	size_t n = 0, n_up = 0;
	bool ok = ids.list && paths && portals;

	for (size_t i = 0; ok && i < in->core->n_path; i++) {
		const struct path_status *p = &in->core->path[i];

		if (strcmp(p->backend, b->name) != 0)
			continue;
		n++;
		n_up += strcmp(p->state, "up") == 0 && !p->silent;
		ok = status_append(paths, path_json(in, p));
	}
	if (ok)
		snapshot_identities(in->map, on_identity, &ids);
	if (!ok || ids.failed) {
		json_decref(ids.list);
		json_decref(paths);
		json_decref(portals);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:o}", "name", b->name, "uri", b->uri,
			 "bridge", b->bridge->name, "state", paths_state(n, n_up), "number", (json_int_t)b->number,
			 "hold_ms", (json_int_t)b->hold_ms, "after_hold", config_after_hold_names[b->after_hold],
			 "fence_ms", (json_int_t)b->fence_ms, "max_outstanding",
			 (json_int_t)b->limits.max_outstanding, "max_transfer_bytes",
			 (json_int_t)b->limits.max_transfer_bytes, "queue_depth", (json_int_t)b->gate.depth,
			 "queue_depth_used", (json_int_t)b->gate.n_used, "max_inflight_bytes",
			 (json_int_t)b->max_inflight_bytes, "sessions", (json_int_t)b->census.n, "max_sessions",
			 (json_int_t)b->census.most, "warning", census_warning(b), "portals", portals, "paths", paths, "identities", ids.list);
}

json_t *status_backends_json(const struct status_input *in)
{
	json_t *list = json_array();

	for (size_t i = 0; list && in->map && i < in->map->n_backend; i++) {
		if (!status_append(list, backend_json(in, in->map->backend[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *limits_json(const struct gate *g)
{
	if (!g)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I}", "queue_depth", (json_int_t)g->depth, "queue_depth_used",
			 (json_int_t)g->n_used, "iops", (json_int_t)g->rate[GATE_IOPS], "bytes_per_second",
			 (json_int_t)g->rate[GATE_BYTES]);
}

static json_t *group_json(const struct initiator_group *g)
{
	json_t *patterns = json_array(), *luns = json_array(), *all = json_array();
	char lun[17], backend_lun[17];
	bool ok = patterns && luns && all;

	for (size_t i = 0; ok && i < g->n_pattern; i++)
		ok = status_append(patterns, json_string(g->pattern[i].text));
	for (size_t i = 0; ok && i < g->n_lun; i++) {
		const struct lun_map_entry *l = &g->lun[i];

		ok = status_append(luns, json_pack("{s:s, s:s, s:s, s:o}", "lun", scsi_lun_str(l->lun, lun), "backend",
						   l->backend->name, "backend_lun",
						   scsi_lun_str(l->backend_lun, backend_lun), "limits",
						   limits_json(l->gate)));
	}
	for (size_t i = 0; ok && i < g->n_all; i++)
		ok = status_append(all, json_string(g->all[i]->name));
	if (!ok) {
		json_decref(patterns);
		json_decref(luns);
		json_decref(all);
		return NULL;
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:I, s:I}", "name", g->name, "initiators", patterns, "luns", luns,
			 "all_luns_of", all, "iops", (json_int_t)g->iops, "bytes_per_second",
			 (json_int_t)g->bytes_per_second);
}

static json_t *target_json(const struct target_conf *t)
{
	json_t *groups = json_array();

	for (size_t i = 0; groups && i < t->n_group; i++) {
		if (!status_append(groups, group_json(&t->group[i]))) {
			json_decref(groups);
			groups = NULL;
		}
	}
	return json_pack("{s:s, s:o, s:o, s:o}", "name", t->name, "id_ext", status_hex_json(t->t_port_id, 8),
			 "ioc_guid", status_hex_json(t->t_port_id + 8, 8), "groups", groups);
}

json_t *status_targets_json(const struct status_input *in)
{
	json_t *list = json_array();

	for (size_t i = 0; list && in->map && i < in->map->n_target; i++) {
		if (!status_append(list, target_json(&in->map->target[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
