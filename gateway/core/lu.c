/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Logical units of a nexus, see lu.h.
 * Layer: core.
 */
#include "lu.h"

#include "fence.h"
#include "limit.h"
#include "map.h"
#include "nexus.h"
#include "order.h"
#include "outage.h"
#include "path.h"

#include <string.h>

static struct list *bucket(struct path *p, const uint8_t backend_lun[8])
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 8; i++)
		sum = sum * 31 + backend_lun[i];
	return &p->lu_buckets[sum % PATH_LU_BUCKETS];
}

/* The back-end knows both as one. */
static void find_twin(struct lu *lu)
{
	lu->twin = lu;
	list_for_each(pos, bucket(lu->path, lu->backend_lun)) {
		struct lu *other = list_entry(pos, struct lu, bucket_node);

		if (memcmp(other->backend_lun, lu->backend_lun, sizeof(lu->backend_lun)) != 0)
			continue;
		lu->twin = other->twin;
		lu->fence = other->fence;
		other->twin = lu;
		return;
	}
}

static void leave_twins(struct lu *lu)
{
	struct lu *before = lu->twin;

	while (before->twin != lu)
		before = before->twin;
	before->twin = lu->twin;
}

struct lu *lu_create(struct nexus *n, const struct lun_map_entry *e)
{
	struct path *p = path_get(n, e->backend);
	struct lu *lu;

	if (!p)
		return NULL;
	lu = calloc(1, sizeof(*lu));
	if (!lu)
		return NULL;
	lu->nexus = n;
	lu->path = p;
	/* Statistics are a luxury: without memory for them the LU works all the same. */
	lu->time = calloc(1, sizeof(*lu->time));
	memcpy(lu->lun, e->lun, sizeof(lu->lun));
	memcpy(lu->backend_lun, e->backend_lun, sizeof(lu->backend_lun));
	gate_user_init(&lu->gate, p, lu);
	list_init(&lu->ready);
	list_init(&lu->held);
	list_node_init(&lu->ready_node);
	list_node_init(&lu->old_node);
	find_twin(lu);
	list_push_back(&p->lus, &lu->path_node);
	list_push_back(bucket(p, lu->backend_lun), &lu->bucket_node);
	return lu;
}

void lu_succeed(struct lu *old, struct lu *heir)
{
	old->heir = heir;
	heir->n_older++;
	fence_raise(heir);
}

void lu_free(struct lu *lu)
{
	leave_twins(lu);
	gate_join(&lu->gate, NULL);
	list_del(&lu->path_node);
	list_del(&lu->bucket_node);
	list_del(&lu->ready_node);
	list_del(&lu->old_node);
	free(lu->time);
	free(lu);
}

/* A removed LU goes when nothing points at it; its hazard still counts for those who might map it again. */
static void lu_settle(struct lu *lu)
{
	struct path *p = lu->path;
	struct lu *heir = lu->heir;

	if (!lu->removed || lu->n_users > 0 || lu->n_fences > 0)
		return;
	lu_free(lu);
	if (list_empty(&p->lus) && !p->inventory)
		path_unwant(p);
	if (heir) {
		heir->n_older--;
		fence_lower(heir);
	}
}

void lu_unref(struct lu *lu)
{
	lu->n_users--;
	lu_settle(lu);
}

void lu_remove(struct lu *lu)
{
	lu->removed = true;
	limit_lu(lu, NULL);
	list_push_back(&lu->nexus->old_lus, &lu->old_node);
	lu_settle(lu);
}

/* Of @lu and its twins together. */
static enum lu_fence fence_of_all(const struct lu *lu)
{
	const struct lu *other = lu;
	bool any = false, shut = false;

	do {
		any = any || other->n_fences > 0;
		/* Of all reasons only a hazard knows its blocks. */
		shut = shut || other->n_fences > other->hazard || other->fences_all;
		other = other->twin;
	} while (other != lu);
	return !any ? LU_OPEN : shut ? LU_SHUT : LU_PART;
}

/* Its tasks in READY may go, as far as fences are concerned, or may not. */
static void set_fence(struct lu *lu, enum lu_fence fence)
{
	struct list_node *pos;

	lu->fence = (uint8_t)fence;
	if (fence == LU_OPEN) {
		lu->fences_all = false;
		ranges_clear(&lu->fenced);
	}
	/* To their old places; who must wait again is found when its turn comes. */
	while ((pos = list_pop_front(&lu->held)))
		order_place(list_entry(pos, struct task, node), true);
	if (fence == LU_SHUT)
		list_del(&lu->ready_node);
	else if (!list_empty(&lu->ready) && !list_linked(&lu->ready_node))
		list_push_back(&lu->path->ready_lus, &lu->ready_node);
}

void lu_fence_changed(struct lu *lu)
{
	enum lu_fence fence = fence_of_all(lu);
	struct path *p = lu->path;
	struct lu *other = lu;

	if (fence != lu->fence) {
		do {
			set_fence(other, fence);
			other = other->twin;
		} while (other != lu);
		if (fence == LU_SHUT)
			outage_wait_all(p);
		path_mark(p);
	}
	lu_settle(lu);
}

int lu_lun_compare(const uint8_t a[8], const uint8_t b[8])
{
	int32_t na = scsi_lun_to_number(a), nb = scsi_lun_to_number(b);

	if (na >= 0 && nb >= 0)
		return na < nb ? -1 : na > nb;
	if (na >= 0 || nb >= 0)
		return na >= 0 ? -1 : 1;
	return memcmp(a, b, 8);
}

struct lu *lu_search(struct lu *const *lus, size_t n, const uint8_t lun[8])
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = lu_lun_compare(lun, lus[mid]->lun);

		if (c == 0)
			return lus[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

struct lu *lu_find(const struct nexus *n, const uint8_t lun[8])
{
	return lu_search(n->lu, n->n_lu, lun);
}

enum outcome lu_take_ua(struct lu *lu)
{
	if (lu->ua & LU_UA_NEXUS_LOSS) {
		lu->loss_told = lu->ua & LU_UA_OWN_LOSS;
		lu->ua &= (uint8_t)~(LU_UA_NEXUS_LOSS | LU_UA_OWN_LOSS);
		return OUTCOME_UA_NEXUS_LOSS;
	}
	if (lu->ua & LU_UA_REGISTRATIONS) {
		lu->ua &= (uint8_t)~LU_UA_REGISTRATIONS;
		return OUTCOME_UA_REGISTRATIONS;
	}
	if (lu->ua & LU_UA_LUNS_CHANGED) {
		lu->ua &= (uint8_t)~LU_UA_LUNS_CHANGED;
		return OUTCOME_UA_LUNS_CHANGED;
	}
	if (lu->ua & LU_UA_INQUIRY_CHANGED) {
		lu->ua &= (uint8_t)~LU_UA_INQUIRY_CHANGED;
		return OUTCOME_UA_INQUIRY_CHANGED;
	}
	return OUTCOME_OK;
}

bool lu_is_blocked(const struct lu *lu)
{
	return lu->fence == LU_SHUT || lu->path->outage.away;
}

void lu_ready(struct task *t, bool again)
{
	struct lu *lu = t->lu;
	enum outcome why = again ? OUTCOME_OK : outage_judge(t);

	if (why != OUTCOME_OK) {
		task_refuse(t, why);
		return;
	}
	if (!task_set_state(t, TASK_READY))
		return;
	order_place(t, again);
	if (lu->fence != LU_SHUT && !list_linked(&lu->ready_node))
		list_push_back(&lu->path->ready_lus, &lu->ready_node);
	if (lu_is_blocked(lu))
		outage_wait(t);
	else
		path_mark(lu->path);
}
