/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a nexus is to see, see lun_plan.h.
 * Layer: core.
 */
#include "lun_plan.h"

#include "../base/log.h"
#include "inventory.h"
#include "lu.h"
#include "nexus.h"
#include "path.h"

#include <errno.h>
#include <string.h>

static const struct inventory *inventory_of(const struct nexus *n, const struct backend *b)
{
	list_for_each(pos, &n->paths) {
		const struct path *p = list_entry(pos, struct path, node);

		if (p->backend == b)
			return p->inventory;
	}
	return NULL;
}

static size_t most_entries(const struct nexus *n)
{
	size_t sum = n->group->n_lun;

	for (size_t i = 0; i < n->group->n_all; i++) {
		const struct inventory *inv = inventory_of(n, n->group->all[i]);

		sum += inv ? inv->list.n : 0;
	}
	return sum;
}

/* Numbers are shown in the form that every host knows, whatever form the back-end uses. */
static void show_as(const uint8_t backend_lun[8], uint8_t lun[8])
{
	int32_t number = scsi_lun_to_number(backend_lun);

	if (number < 0 || !scsi_lun_from_number((uint32_t)number, lun))
		memcpy(lun, backend_lun, 8);
}

static void gather(const struct nexus *n, struct lun_plan *out)
{
	const struct initiator_group *g = n->group;
	uint32_t n_imported = 0;

	for (size_t i = 0; i < g->n_lun; i++)
		out->entry[out->n++].map = g->lun[i];
	for (size_t i = 0; i < g->n_all; i++) {
		const struct inventory *inv = inventory_of(n, g->all[i]);

		for (uint32_t k = 0; inv && k < inv->list.n; k++) {
			struct planned_lun *e = &out->entry[out->n];

			if (n_imported++ == INVENTORY_MAX_LUNS) {
				log_warn("session %u: its back-ends have more than %u logical units together; the others are not mapped",
					 n->id, INVENTORY_MAX_LUNS);
				return;
			}
			*e = (struct planned_lun){ .map.backend = g->all[i], .rank = n_imported };
			e->map.gate = g->all_gate ? g->all_gate[i] : NULL;
			memcpy(e->map.backend_lun, inv->list.lun[k], 8);
			show_as(e->map.backend_lun, e->map.lun);
			out->n++;
		}
	}
}

static int by_rank(const struct planned_lun *a, const struct planned_lun *b)
{
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

static int compare_backend_luns(const void *pa, const void *pb)
{
	const struct planned_lun *a = pa, *b = pb;
	int c;

	if (a->map.backend != b->map.backend)
		return a->map.backend < b->map.backend ? -1 : 1;
	c = lu_lun_compare(a->map.backend_lun, b->map.backend_lun);
	return c ? c : by_rank(a, b);
}

static int compare_luns(const void *pa, const void *pb)
{
	const struct planned_lun *a = pa, *b = pb;
	int c = lu_lun_compare(a->map.lun, b->map.lun);

	return c ? c : by_rank(a, b);
}

/* Of @p, sorted, those go that are not fixed and mean the same as the entry before. */
static void thin(struct lun_plan *p, bool (*same)(const struct lun_map_entry *a, const struct lun_map_entry *b))
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++)
		if (kept == 0 || p->entry[i].rank == 0 || !same(&p->entry[kept - 1].map, &p->entry[i].map))
			p->entry[kept++] = p->entry[i];
	p->n = kept;
}

static bool same_unit(const struct lun_map_entry *a, const struct lun_map_entry *b)
{
	return a->backend == b->backend && scsi_lun_equal(a->backend_lun, b->backend_lun);
}

static bool same_lun(const struct lun_map_entry *a, const struct lun_map_entry *b)
{
	return scsi_lun_equal(a->lun, b->lun);
}

int lun_plan_make(const struct nexus *n, struct lun_plan *out)
{
	*out = (struct lun_plan){ .entry = NULL };
	if (!n->group)
		return 0;
	out->entry = calloc(most_entries(n) + 1, sizeof(*out->entry));
	if (!out->entry)
		return -ENOMEM;
	gather(n, out);
	if (out->n > n->group->n_lun) {
		qsort(out->entry, out->n, sizeof(*out->entry), compare_backend_luns);
		thin(out, same_unit);
	}
	qsort(out->entry, out->n, sizeof(*out->entry), compare_luns);
	thin(out, same_lun);
	return 0;
}

void lun_plan_free(struct lun_plan *p)
{
	free(p->entry);
	*p = (struct lun_plan){ .entry = NULL };
}
