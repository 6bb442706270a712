/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Persistent reservations of one logical unit, without persistence over power loss and without third parties. A nexus
 * is known by its two port identifiers, so registrations outlive its sessions. Source: SPC-4 5.13, 6.15, 6.16.
 */
#include "mem.h"

#include <string.h>

enum { REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT, REGISTER_AND_IGNORE };
enum { ALL_REGISTRANTS_WRITE = 7, ALL_REGISTRANTS_EXCLUSIVE = 8 };

static bool all_registrants(const struct mem_lu *lu)
{
	return lu->pr_type >= ALL_REGISTRANTS_WRITE;
}

static bool holds(const struct mem_lu *lu, const uint8_t *nexus)
{
	return lu->pr_type && (all_registrants(lu) || !memcmp(lu->pr_holder, nexus, MEM_NEXUS_KEY_LEN));
}

void mem_op_pr_in(struct mem_cmd *c)
{
	uint8_t b[8 + 8 * MEM_MAX_REGISTRATIONS] = { 0 };
	struct mem_lu *lu = c->lu;
	size_t len = 8;

	pthread_mutex_lock(&c->t->lock);
	switch (c->cdb[1] & 0x1f) {
	case 0: /* READ KEYS */
		put32(b, lu->pr_generation);
		for (uint32_t i = 0; i < lu->n_reg; i++, len += 8)
			put64(b + len, lu->reg[i].key);
		put32(b + 4, (uint32_t)len - 8);
		break;
	case 1: /* READ RESERVATION */
		put32(b, lu->pr_generation);
		if (lu->pr_type) {
			struct mem_registration *r = mem_find_registration(lu, lu->pr_holder);

			put32(b + 4, 16);
			put64(b + 8, all_registrants(lu) || !r ? 0 : r->key);
			b[21] = lu->pr_type;
			len = 24;
		}
		break;
	default: /* REPORT CAPABILITIES */
		put16(b, 8);
		b[3] = 0x80;        /* TMV: the type mask is valid */
		put16(b + 4, 0xea01); /* types 7, 6, 5, 3, 1 and 8 */
		break;
	}
	pthread_mutex_unlock(&c->t->lock);
	mem_reply(c, b, len, get16(c->cdb + 7));
}

/* Unit attention for the nexus of a registration, when it has a path now; @except is not told. */
static void tell(struct mem_cmd *c, const uint8_t *nexus, uint32_t ua)
{
	struct mem_path *p;

	LIST_FOREACH(p, &c->t->paths, node) {
		/* cppcheck-suppress uninitvar */
		if (p != c->path && (!nexus || !memcmp(p->nexus, nexus, MEM_NEXUS_KEY_LEN)))
			atomic_fetch_or(&p->view[c->lu_number].ua, ua);
	}
}

static void tell_registrants(struct mem_cmd *c, uint32_t ua)
{
	for (uint32_t i = 0; i < c->lu->n_reg; i++)
		tell(c, c->lu->reg[i].nexus, ua);
}

static void release(struct mem_cmd *c, bool tell_others)
{
	uint8_t type = c->lu->pr_type;

	c->lu->pr_type = 0;
	/* SPC-4 5.13.11.2.2: with the exclusive types for one nexus nobody else needs to know. */
	if (tell_others && type >= 5)
		tell_registrants(c, MEM_UA_RESERVATIONS_RELEASED);
}

static void drop_registration(struct mem_cmd *c, struct mem_registration *r)
{
	struct mem_lu *lu = c->lu;
	bool held = lu->pr_type && !all_registrants(lu) && holds(lu, r->nexus);

	*r = lu->reg[--lu->n_reg];
	if (held || !lu->n_reg)
		release(c, held);
}

static uint16_t do_register(struct mem_cmd *c, struct mem_registration *mine, uint64_t key)
{
	struct mem_lu *lu = c->lu;

	if (!mine && !key)
		return 0;
	if (!mine) {
		if (lu->n_reg == MEM_MAX_REGISTRATIONS)
			return MEM_ASC_NO_REGISTRATION_ROOM;
		mine = &lu->reg[lu->n_reg++];
		memcpy(mine->nexus, c->path->nexus, MEM_NEXUS_KEY_LEN);
	}
	if (key)
		mine->key = key;
	else
		drop_registration(c, mine);
	lu->pr_generation++;
	return 0;
}

/* Return: false for a reservation conflict. */
static bool do_preempt(struct mem_cmd *c, uint64_t key, uint8_t type)
{
	struct mem_lu *lu = c->lu;
	struct mem_registration *holder = lu->pr_type ? mem_find_registration(lu, lu->pr_holder) : NULL;
	bool take = lu->pr_type && (all_registrants(lu) ? !key : holder && holder->key == key);
	bool found = take;

	for (uint32_t i = 0; i < lu->n_reg;) {
		struct mem_registration *r = &lu->reg[i];
		bool me = !memcmp(r->nexus, c->path->nexus, MEM_NEXUS_KEY_LEN);

		if ((key ? r->key == key : take) && !me) {
			found = true;
			tell(c, r->nexus, MEM_UA_REGISTRATIONS_PREEMPTED);
			*r = lu->reg[--lu->n_reg];
		} else {
			i++;
		}
	}
	if (!found)
		return false;
	if (take) {
		if (lu->pr_type != type)
			tell_registrants(c, MEM_UA_RESERVATIONS_RELEASED);
		lu->pr_type = type;
		memcpy(lu->pr_holder, c->path->nexus, MEM_NEXUS_KEY_LEN);
	}
	lu->pr_generation++;
	return true;
}

static bool type_is_known(uint8_t type)
{
	return type == 1 || type == 3 || (type >= 5 && type <= 8);
}

enum verdict { OK, CONFLICT, BAD_TYPE, BAD_RELEASE, NO_ROOM };

static enum verdict locked(struct mem_cmd *c, uint8_t action, uint64_t key, uint64_t new_key)
{
	struct mem_lu *lu = c->lu;
	uint8_t scope_type = c->cdb[2], type = scope_type & 0x0f;
	struct mem_registration *mine = mem_find_registration(lu, c->path->nexus);

	if (action == REGISTER_AND_IGNORE || action == REGISTER) {
		if (action == REGISTER && (mine ? mine->key != key : key != 0))
			return CONFLICT;
		return do_register(c, mine, new_key) ? NO_ROOM : OK;
	}
	if (!mine || mine->key != key)
		return CONFLICT;
	if (action == CLEAR) {
		lu->pr_type = 0;
		tell_registrants(c, MEM_UA_RESERVATIONS_PREEMPTED);
		lu->n_reg = 0;
		lu->pr_generation++;
		return OK;
	}
	if (scope_type >> 4 || !type_is_known(type))
		return BAD_TYPE;
	switch (action) {
	case RESERVE:
		if (lu->pr_type)
			return holds(lu, c->path->nexus) && lu->pr_type == type ? OK : CONFLICT;
		lu->pr_type = type;
		memcpy(lu->pr_holder, c->path->nexus, MEM_NEXUS_KEY_LEN);
		return OK;
	case RELEASE:
		if (!holds(lu, c->path->nexus))
			return OK;
		if (lu->pr_type != type)
			return BAD_RELEASE;
		release(c, true);
		return OK;
	default: /* PREEMPT, PREEMPT AND ABORT: there are no commands to abort */
		return do_preempt(c, new_key, type) ? OK : CONFLICT;
	}
}

void mem_op_pr_out(struct mem_cmd *c)
{
	uint8_t list[24];
	enum verdict v;

	if (get32(c->cdb + 5) != sizeof(list) || mem_transfer(c, SRPGW_DIR_OUT, sizeof(list)) < sizeof(list)) {
		mem_check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_PARAM_LIST_LENGTH);
		return;
	}
	mem_iov_to_buf(c->io, list, sizeof(list));
	/* SPEC_I_PT, ALL_TG_PT, APTPL: none of them is offered. */
	if (list[20] & 0x0d) {
		mem_bad_param(c, 20);
		return;
	}
	pthread_mutex_lock(&c->t->lock);
	v = c->lu->reserved_by ? CONFLICT : locked(c, c->cdb[1] & 0x1f, get64(list), get64(list + 8));
	mem_access_update(c->t, c->lu_number);
	pthread_mutex_unlock(&c->t->lock);
	switch (v) {
	case OK:
		break;
	case CONFLICT:
		mem_status(c, MEM_RESERVATION_CONFLICT);
		break;
	case BAD_TYPE:
		mem_bad_field(c, 2);
		break;
	case BAD_RELEASE:
		mem_check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_RELEASE_INVALID);
		break;
	case NO_ROOM:
		mem_check(c, MEM_ILLEGAL_REQUEST, MEM_ASC_NO_REGISTRATION_ROOM);
		break;
	}
}
