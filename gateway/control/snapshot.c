/* SPDX-License-Identifier: BSD-3-Clause */
/* From the configuration to core's immutable snapshot, see snapshot.h. Layer: control. */
#include "snapshot.h"
#include "pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct snapshot {
	struct map map;
	struct backends *backends;
	size_t n_got; /* of map.backend */
	struct arena arena;
};

static void snapshot_release(struct map *m)
{
	struct snapshot *s = m->owner;

	for (size_t i = 0; i < s->n_got; i++)
		backends_put(s->backends, m->backend[i]);
	arena_free(&s->arena);
	free(s);
}

static struct backend *find_backend(const struct map *m, const char *name)
{
	for (size_t i = 0; i < m->n_backend; i++) {
		if (strcmp(m->backend[i]->name, name) == 0)
			return m->backend[i];
	}
	return NULL;
}

static int compare_luns(const void *a, const void *b)
{
	return memcmp(((const struct lun_map_entry *)a)->lun, ((const struct lun_map_entry *)b)->lun, 8);
}

/* NULL in @out: it has no limits. */
static int build_gate(struct snapshot *s, const struct config_lun *l, struct gate **out)
{
	struct gate *g;

	*out = NULL;
	if (!l->queue_depth && !l->rates.iops && !l->rates.bytes_per_second)
		return 0;
	g = arena_array(&s->arena, 1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->depth = l->queue_depth;
	g->rate[GATE_IOPS] = l->rates.iops;
	g->rate[GATE_BYTES] = l->rates.bytes_per_second;
	*out = g;
	return 0;
}

static int build_group(struct snapshot *s, const char *name, const char *initiator_name,
		       const struct schema_strings *initiators, const struct schema_list *luns, struct initiator_group *g)
{
	char why[128];

	g->name = arena_strdup(&s->arena, name);
	g->pattern = arena_array(&s->arena, initiators->n, sizeof(*g->pattern));
	g->lun = arena_array(&s->arena, luns->n, sizeof(*g->lun));
	g->all = arena_array(&s->arena, luns->n, sizeof(struct backend *));
	g->all_gate = arena_array(&s->arena, luns->n, sizeof(struct gate *));
	if (!g->name || !g->pattern || !g->lun || !g->all || !g->all_gate)
		return -ENOMEM;
	if (initiator_name && !(g->initiator_name = arena_strdup(&s->arena, initiator_name)))
		return -ENOMEM;
	for (size_t i = 0; i < initiators->n; i++) {
		struct initiator_pattern *p = &g->pattern[g->n_pattern];

		if (!pattern_parse(initiators->item[i], p, why, sizeof(why)))
			return -EINVAL; /* config_check() has looked at it */
		p->text = arena_strdup(&s->arena, initiators->item[i]);
		if (!p->text)
			return -ENOMEM;
		g->n_pattern++;
	}
	for (size_t i = 0; i < luns->n; i++) {
		const struct config_lun *l = CONFIG_ITEM(luns, struct config_lun, i);
		struct lun_map_entry *entry = &g->lun[g->n_lun];
		struct backend *b = find_backend(&s->map, l->backend);

		if (!b)
			return -EINVAL;
		if (build_gate(s, l, l->all ? &g->all_gate[g->n_all] : &entry->gate) < 0)
			return -ENOMEM;
		if (l->all) {
			g->all[g->n_all++] = b;
			continue;
		}
		entry->backend = b;
		memcpy(entry->lun, l->lun.b, 8);
		memcpy(entry->backend_lun, l->backend_lun.b, 8);
		g->n_lun++;
	}
	qsort(g->lun, g->n_lun, sizeof(*g->lun), compare_luns);
	return 0;
}

static void set_rates(struct initiator_group *g, const struct config_rates *r)
{
	g->iops = r->iops;
	g->bytes_per_second = r->bytes_per_second;
}

static int build_target(struct snapshot *s, const struct config_target *c, struct target_conf *t)
{
	char number[32];
	int rc = 0;

	memcpy(t->t_port_id, c->id_ext.b, 8);
	memcpy(t->t_port_id + 8, c->ioc_guid.b, 8);
	t->async_events = (enum async_events)c->async_events;
	t->name = arena_strdup(&s->arena, c->name);
	t->group = arena_array(&s->arena, c->groups.n + 1, sizeof(*t->group));
	if (!t->name || !t->group)
		return -ENOMEM;
	for (size_t i = 0; i < c->groups.n && rc == 0; i++) {
		const struct config_group *g = CONFIG_ITEM(&c->groups, struct config_group, i);

		snprintf(number, sizeof(number), "groups[%zu]", i);
		rc = build_group(s, g->name ? g->name : number, g->initiator_name, &g->initiators, &g->luns,
				 &t->group[t->n_group]);
		set_rates(&t->group[t->n_group++], &g->rates);
	}
	if (rc == 0 && c->initiators.n) {
		rc = build_group(s, "default", NULL, &c->initiators, &c->luns, &t->group[t->n_group]);
		set_rates(&t->group[t->n_group++], &c->rates);
	}
	return rc;
}

static void build_limits(struct map *m, const struct config_limits *l)
{
	m->max_channels_per_nexus = l->max_channels_per_session;
	m->max_channels = l->max_channels;
	m->max_nexuses = l->max_sessions;
	m->max_it_iu_len = l->max_it_iu_len_bytes;
	m->max_imm_data_offset = l->max_imm_data_offset_bytes;
	m->req_lim = l->req_lim;
	m->max_transfer_bytes = (uint32_t)l->max_transfer_bytes;
	m->max_table_entries = l->max_table_entries;
	m->immediate_data = l->immediate_data;
	m->allow_address_move = l->allow_address_move;
	m->tmf_answer_ms = l->tmf_answer_ms;
	m->nexus_linger_ms = l->session_linger_ms;
	m->registration_linger_ms = l->registration_linger_ms;
}

static int build(struct snapshot *s, const struct config *c, struct problems *problems)
{
	struct map *m = &s->map;
	struct json_path list = json_path_key(JSON_PATH_TOP, "backends");
	int rc = 0;

	m->gateway_name = arena_strdup(&s->arena, c->name);
	m->backend = arena_array(&s->arena, c->backends.n, sizeof(struct backend *));
	m->target = arena_array(&s->arena, c->targets.n, sizeof(*m->target));
	if (!m->gateway_name || !m->backend || !m->target)
		return -ENOMEM;
	build_limits(m, &c->limits);
	/* All back-ends are tried, so that one run names all that is wrong. */
	for (size_t i = 0; i < c->backends.n; i++) {
		const struct config_backend *b = CONFIG_ITEM(&c->backends, struct config_backend, i);
		int one = backends_get(s->backends, b, json_path_key(list, b->name), problems, &m->backend[s->n_got]);

		if (one == 0)
			m->n_backend = ++s->n_got;
		else
			rc = one;
	}
	for (size_t i = 0; i < c->targets.n && rc == 0; i++)
		rc = build_target(s, CONFIG_ITEM(&c->targets, struct config_target, i), &m->target[m->n_target++]);
	return rc;
}

int snapshot_build(const struct config *c, struct backends *backends, struct problems *problems, struct map **out)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	if (s) {
		s->backends = backends;
		s->map.owner = s;
		s->map.release = snapshot_release;
		rc = build(s, c, problems);
		if (rc)
			snapshot_release(&s->map);
	}
	if (rc == 0) {
		*out = &s->map;
		return 0;
	}
	if (problems_count(problems) == 0)
		err_cure(problem(problems, "cannot build the configuration: %s", strerror(-rc)), "free some memory");
	return rc;
}
