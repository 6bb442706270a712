/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LUN map of a nexus, see nexus_map.h.
 * Layer: core. Source: SPC-4 REPORTED LUNS DATA HAS CHANGED.
 */
#include "nexus_map.h"

#include "../base/log.h"
#include "event.h"
#include "inventory.h"
#include "limit.h"
#include "lu.h"
#include "lun_plan.h"
#include "map.h"
#include "path.h"

#include <errno.h>
#include <string.h>

bool nexus_resolve(struct nexus *n)
{
	const struct map *map = n->shard->map;

	n->target = map ? map_find_target(map, n->key.t_port_id) : NULL;
	n->group = n->target ? map_find_group(n->target, n->key.i_port_id, &n->peer) : NULL;
	limit_nexus(n);
	return n->group != NULL;
}

static bool is_same(const struct lu *lu, const struct lun_map_entry *e)
{
	return scsi_lun_equal(lu->lun, e->lun) && lu->path->backend == e->backend &&
	       memcmp(lu->backend_lun, e->backend_lun, sizeof(lu->backend_lun)) == 0;
}

/* Of the LUs before: the one that @e still means. Its fences and its tasks go on. */
static struct lu *find_same(struct lu *const *old, size_t n_old, const struct lun_map_entry *e)
{
	struct lu *lu = lu_search(old, n_old, e->lun);

	return lu && is_same(lu, e) ? lu : NULL;
}

/* One that was taken out of the map before and is still in use. */
static struct lu *revive(struct nexus *n, const struct lun_map_entry *e)
{
	list_for_each(pos, &n->old_lus) {
		struct lu *lu = list_entry(pos, struct lu, old_node);

		/* With an heir it comes before that one's commands; what comes now must follow them. */
		if (!is_same(lu, e) || lu->heir)
			continue;
		list_del(&lu->old_node);
		lu->removed = false;
		path_want(lu->path);
		return lu;
	}
	return NULL;
}

/* What is still under way to an older LU of the same LUN must not land after what comes next. */
static void wait_for_older(struct nexus *n)
{
	list_for_each(pos, &n->old_lus) {
		struct lu *old = list_entry(pos, struct lu, old_node), *lu = old->heir ? NULL : lu_find(n, old->lun);

		if (lu)
			lu_succeed(old, lu);
	}
}

static bool maps_all(const struct nexus *n, const struct backend *b)
{
	for (size_t i = 0; n->group && i < n->group->n_all; i++)
		if (n->group->all[i] == b)
			return true;
	return false;
}

/* Inventories of the back-ends that are mapped as a whole; before the LUs go that such a one inherits. */
static int start_inventories(struct nexus *n)
{
	int rc = 0;

	for (size_t i = 0; n->group && i < n->group->n_all; i++) {
		struct path *p = path_get(n, n->group->all[i]);

		if (!p || inventory_start(p) < 0)
			rc = -ENOMEM;
	}
	return rc;
}

static void stop_inventories(struct nexus *n)
{
	list_for_each(pos, &n->paths) {
		struct path *p = list_entry(pos, struct path, node);

		if (!p->inventory || maps_all(n, p->backend))
			continue;
		inventory_stop(p);
		if (list_empty(&p->lus))
			path_unwant(p);
		nexus_mark(n);
	}
}

static struct lu *get_lu(struct nexus *n, struct lu *const *old, size_t n_old, const struct lun_map_entry *e,
			 bool *changed)
{
	struct lu *lu = find_same(old, n_old, e);

	if (lu) {
		lu->kept = true;
		return lu;
	}
	*changed = true;
	lu = revive(n, e);
	return lu ? lu : lu_create(n, e);
}

static void let_go(struct lu **old, size_t n_old)
{
	for (size_t i = 0; i < n_old; i++) {
		if (!old[i]->kept)
			lu_remove(old[i]);
		else
			old[i]->kept = false;
	}
	free(old);
}

int nexus_build_lus(struct nexus *n)
{
	int rc = start_inventories(n);
	size_t n_old = n->n_lu;
	struct lu **old = n->lu;
	struct lun_plan plan;
	bool changed;

	if (lun_plan_make(n, &plan) < 0)
		rc = -ENOMEM;
	changed = plan.n != n_old;
	n->lu = plan.n ? calloc(plan.n, sizeof(struct lu *)) : NULL;
	n->n_lu = 0;
	if (plan.n && !n->lu)
		plan.n = 0, rc = -ENOMEM;
	for (size_t i = 0; i < plan.n; i++) {
		struct lu *lu = get_lu(n, old, n_old, &plan.entry[i].map, &changed);

		if (!lu) {
			rc = -ENOMEM;
			continue;
		}
		limit_lu(lu, plan.entry[i].map.gate);
		lu->imported = plan.entry[i].rank != 0;
		n->lu[n->n_lu++] = lu;
	}
	let_go(old, n_old);
	lun_plan_free(&plan);
	stop_inventories(n);
	wait_for_older(n);
	return rc < 0 ? rc : changed;
}

/* Back-ends of this snapshot that the paths know already: the older snapshot need not stay for them. */
static void move_paths(struct nexus *n)
{
	struct shard *s = n->shard;

	list_for_each(pos, &n->paths) {
		struct path *p = list_entry(pos, struct path, node);

		for (size_t i = 0; i < s->map->n_backend; i++) {
			if (s->map->backend[i] != p->backend || p->use == s->use)
				continue;
			snapshot_unref(p->use);
			p->use = snapshot_ref(s->use);
		}
	}
}

void nexus_remap(struct nexus *n, bool tell)
{
	int changed = nexus_build_lus(n);

	if (changed < 0)
		log_warn("session %u: out of memory for its LUN map", n->id);
	if (changed != 0 && tell)
		event_luns_changed(n);
}

void nexus_apply(struct nexus *n)
{
	if (!nexus_resolve(n))
		nexus_end(n, OUTCOME_UNMAPPED);
	nexus_remap(n, true);
	move_paths(n);
	nexus_mark(n);
}

void nexus_drop_lus(struct nexus *n)
{
	for (size_t i = 0; i < n->n_lu; i++)
		lu_free(n->lu[i]);
	free(n->lu);
	n->lu = NULL;
	n->n_lu = 0;
	list_for_each_safe(pos, &n->old_lus)
		lu_free(list_entry(pos, struct lu, old_node));
}
