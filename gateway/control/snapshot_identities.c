/* SPDX-License-Identifier: BSD-3-Clause */
/* Who hosts will be at back-ends, as far as the configuration alone tells, see snapshot.h. Layer: control. */
#include "../core/identity.h"
#include "pattern.h"
#include "snapshot.h"

#include <string.h>

/* The interface-id half says nothing: then the peer's address is part of the identity. */
static bool needs_address(const uint8_t i_port_id[SRP_PORT_ID_LEN])
{
	static const uint8_t zero[8];

	return memcmp(i_port_id + 8, zero, 8) == 0;
}

static bool is_one_host(const struct initiator_pattern *p)
{
	return pattern_is_one_id(p) && (!needs_address(p->id) || pattern_is_one_addr(p));
}

static void make(const struct map *m, struct snapshot_identity *id)
{
	const struct initiator_pattern *p = id->pattern;
	const char *configured = identity_configured_name(id->group, id->backend);
	const struct identity_of of = { .gateway_name = m->gateway_name,
					.i_port_id = p->id,
					.t_port_id = id->target->t_port_id,
					.peer = pattern_is_one_addr(p) ? &p->addr : NULL,
					.group = id->group };
	struct identity who;

	identity_make(&of, id->backend, &who);
	memcpy(id->isid, who.isid, sizeof(id->isid));
	id->complete = configured || is_one_host(p);
	id->isid_known = !configured || is_one_host(p);
	if (id->complete)
		memcpy(id->initiator_name, who.initiator_name, sizeof(id->initiator_name));
	else
		snprintf(id->initiator_name, sizeof(id->initiator_name),
			 "iqn.2026-11.srpgw:%s:<initiator port identifier>", m->gateway_name);
}

static bool group_uses(const struct initiator_group *g, const struct backend *b)
{
	for (size_t i = 0; i < g->n_lun; i++) {
		if (g->lun[i].backend == b)
			return true;
	}
	for (size_t i = 0; i < g->n_all; i++) {
		if (g->all[i] == b)
			return true;
	}
	return false;
}

/* Every group with every back-end that it sees something of. */
static void for_each_use(const struct map *m, void (*fn)(void *arg, const struct snapshot_identity *id), void *arg)
{
	for (size_t t = 0; t < m->n_target; t++) {
		for (size_t k = 0; k < m->target[t].n_group * m->n_backend; k++) {
			struct snapshot_identity id = { .target = &m->target[t],
							.group = &m->target[t].group[k / m->n_backend],
							.backend = m->backend[k % m->n_backend] };

			if (group_uses(id.group, id.backend))
				fn(arg, &id);
		}
	}
}

struct listing {
	const struct map *map;
	void (*fn)(void *arg, const struct snapshot_identity *id);
	void (*say)(void *arg, const char *text);
	void *arg;
};

static void list_patterns(void *arg, const struct snapshot_identity *use)
{
	const struct listing *l = arg;

	for (size_t i = 0; i < use->group->n_pattern; i++) {
		struct snapshot_identity id = *use;

		id.pattern = &use->group->pattern[i];
		make(l->map, &id);
		l->fn(l->arg, &id);
	}
}

void snapshot_identities(const struct map *m, void (*fn)(void *arg, const struct snapshot_identity *id), void *arg)
{
	struct listing l = { .map = m, .fn = fn, .arg = arg };

	for_each_use(m, list_patterns, &l);
}

/* ---- warnings ---- */

#define LOST "its access list cannot tell them apart; and where it knows initiators by name alone, persistent reservations do not " \
	     "keep them from each other (one that goes by name and ISID, as SPC-4 says, still does)"

static void warn_of_group(void *arg, const struct snapshot_identity *use)
{
	const struct listing *l = arg;
	const struct initiator_group *g = use->group;
	char text[512];

	/* That of the back-end was told; and a bridge that does not speak iSCSI has nobody to tell names to. */
	if (!g->initiator_name || use->backend->initiator_name || !use->backend->limits.iscsi_transport_ids ||
	    (g->n_pattern == 1 && is_one_host(&g->pattern[0])))
		return;
	snprintf(text, sizeof(text), "back-end %s: all hosts of group %s of %s that log in are \"%s\" there: " LOST, use->backend->name,
		 g->name, use->target->name, g->initiator_name);
	l->say(l->arg, text);
}

void snapshot_warnings(const struct map *m, void (*say)(void *arg, const char *text), void *arg)
{
	struct listing l = { .map = m, .say = say, .arg = arg };
	char text[512];

	for (size_t i = 0; i < m->n_backend; i++) {
		const struct backend *b = m->backend[i];

		if (!b->initiator_name || !b->limits.iscsi_transport_ids)
			continue;
		snprintf(text, sizeof(text), "back-end %s: all hosts are \"%s\" there: " LOST, b->name, b->initiator_name);
		say(arg, text);
	}
	for_each_use(m, warn_of_group, &l);
}
