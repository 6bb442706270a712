/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one I_T nexus sees of a logical unit: unit attentions, RESERVE(6), and the access that reservations leave it.
 * The data path reads two atomics; whoever changes a reservation works out everybody's access under the target's mutex.
 */
#include "mem.h"

#include <string.h>

int32_t mem_lun_number(const uint8_t lun[8])
{
	if (get32(lun + 4) || get16(lun + 2))
		return -1;
	switch (lun[0] >> 6) {
	case 0: /* peripheral device addressing, bus 0 */
		return lun[0] & 0x3f ? -1 : lun[1];
	case 1: /* flat space addressing */
		return get16(lun) & 0x3fff;
	default:
		return -1;
	}
}

uint16_t mem_ua_take(struct mem_path *p, uint32_t lu)
{
	static const uint16_t asc[] = { 0x2900, 0x2903, 0x2f00, 0x2a03, 0x2a04, 0x2a05 };
	_Atomic uint32_t *ua = &p->view[lu].ua;
	uint32_t pending = atomic_load_explicit(ua, memory_order_relaxed);

	if (!pending)
		return 0;
	/* Only the path's own reactor clears bits, so the lowest one is still there. */
	unsigned bit = (unsigned)__builtin_ctz(pending);

	atomic_fetch_and(ua, ~(1u << bit));
	return asc[bit];
}

void mem_ua_raise(struct mem_target *t, uint32_t lu, uint32_t ua, const struct mem_path *except)
{
	struct mem_path *p;

	LIST_FOREACH(p, &t->paths, node) {
		/* cppcheck-suppress uninitvar */
		if (p != except)
			atomic_fetch_or(&p->view[lu].ua, ua);
	}
}

struct mem_registration *mem_find_registration(struct mem_lu *lu, const uint8_t nexus[MEM_NEXUS_KEY_LEN])
{
	for (uint32_t i = 0; i < lu->n_reg; i++)
		if (!memcmp(lu->reg[i].nexus, nexus, MEM_NEXUS_KEY_LEN))
			return &lu->reg[i];
	return NULL;
}

static uint8_t access_of(struct mem_lu *lu, struct mem_path *p)
{
	bool registered;

	if (lu->reserved_by)
		return lu->reserved_by == p ? MEM_ACCESS_FULL : MEM_ACCESS_RESERVED;
	if (!lu->pr_type)
		return MEM_ACCESS_FULL;
	registered = mem_find_registration(lu, p->nexus);
	if (registered && (lu->pr_type >= 5 || !memcmp(lu->pr_holder, p->nexus, MEM_NEXUS_KEY_LEN)))
		return MEM_ACCESS_FULL;
	/* Write exclusive: 1, 5 (registrants only), 7 (all registrants); exclusive access: 3, 6, 8. SPC-4 table 66. */
	bool write_exclusive = lu->pr_type == 1 || lu->pr_type == 5 || lu->pr_type == 7;
	return write_exclusive ? MEM_ACCESS_PR_WRITE_EXCLUSIVE : MEM_ACCESS_PR_EXCLUSIVE;
}

void mem_access_update(struct mem_target *t, uint32_t lu)
{
	struct mem_path *p;

	LIST_FOREACH(p, &t->paths, node) {
		/* cppcheck-suppress uninitvar */
		atomic_store(&p->view[lu].access, access_of(&t->lu[lu], p));
	}
}

void mem_op_reserve_6(struct mem_cmd *c)
{
	struct mem_lu *lu = c->lu;
	bool conflict;

	pthread_mutex_lock(&c->t->lock);
	conflict = (lu->reserved_by && lu->reserved_by != c->path) || lu->n_reg;
	if (!conflict) {
		lu->reserved_by = c->path;
		mem_access_update(c->t, c->lu_number);
	}
	pthread_mutex_unlock(&c->t->lock);
	if (conflict)
		mem_status(c, MEM_RESERVATION_CONFLICT);
}

/* A release by somebody else succeeds and does nothing (SPC-2 7.17). */
void mem_op_release_6(struct mem_cmd *c)
{
	bool conflict;

	pthread_mutex_lock(&c->t->lock);
	conflict = c->lu->n_reg;
	if (!conflict && c->lu->reserved_by == c->path) {
		c->lu->reserved_by = NULL;
		mem_access_update(c->t, c->lu_number);
	}
	pthread_mutex_unlock(&c->t->lock);
	if (conflict)
		mem_status(c, MEM_RESERVATION_CONFLICT);
}

/* Commands end inside submit(), so there is none to abort. SAM-5 6.3.3. */
void mem_lu_reset(struct mem_path *by, uint32_t lu)
{
	struct mem_target *t = by->target;

	pthread_mutex_lock(&t->lock);
	t->lu[lu].reserved_by = NULL;
	mem_access_update(t, lu);
	mem_ua_raise(t, lu, MEM_UA_LU_RESET, NULL);
	pthread_mutex_unlock(&t->lock);
	atomic_store(&t->lu[lu].stopped, false);
}

void mem_op_nothing(struct mem_cmd *c)
{
	(void)c;
}

void mem_op_start_stop(struct mem_cmd *c)
{
	atomic_store(&c->lu->stopped, !(c->cdb[4] & 1));
}
