/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Searches in the configuration snapshot. Pure.
 * Layer: core.
 */
#include "map.h"

#include "../proto/scsi.h"

#include <string.h>

const struct target_conf *map_find_target(const struct map *m, const uint8_t t_port_id[SRP_PORT_ID_LEN])
{
	for (size_t i = 0; i < m->n_target; i++)
		if (memcmp(m->target[i].t_port_id, t_port_id, SRP_PORT_ID_LEN) == 0)
			return &m->target[i];
	return NULL;
}

static bool id_matches(const struct initiator_pattern *p, const uint8_t id[SRP_PORT_ID_LEN])
{
	for (unsigned i = 0; i < SRP_PORT_ID_LEN; i++)
		if ((id[i] ^ p->id[i]) & p->id_mask[i])
			return false;
	return true;
}

/* The bytes of an address that a prefix counts; 0: none. */
static size_t host_bytes(const struct sockaddr_storage *ss, uint8_t out[16])
{
	if (ss->ss_family == AF_INET) {
		memcpy(out, &((const struct sockaddr_in *)(const void *)ss)->sin_addr, 4);
		return 4;
	}
	if (ss->ss_family == AF_INET6) {
		memcpy(out, &((const struct sockaddr_in6 *)(const void *)ss)->sin6_addr, 16);
		return 16;
	}
	return 0;
}

/* An IPv4 peer of a dual-stack listener comes as ::ffff:a.b.c.d. */
static size_t unmap_v4(uint8_t a[16], size_t len)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (len != 16 || memcmp(a, mapped, sizeof(mapped)) != 0)
		return len;
	memmove(a, a + 12, 4);
	return 4;
}

static bool addr_matches(const struct initiator_pattern *p, const struct fabric_addr *peer)
{
	uint8_t want[16], have[16];
	size_t n_want = host_bytes(&p->addr.ss, want), n_have = host_bytes(&peer->ss, have);
	unsigned bits = p->addr_prefix_len;

	if (n_want == 0)
		return fabric_addr_same_host(&p->addr, peer);
	n_want = unmap_v4(want, n_want);
	n_have = unmap_v4(have, n_have);
	if (n_want != n_have || bits > 8 * n_want)
		return false;
	if (memcmp(want, have, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || ((want[bits / 8] ^ have[bits / 8]) & (0xff00u >> bits % 8) & 0xff) == 0;
}

static bool matches(const struct initiator_pattern *p, const uint8_t i_port_id[SRP_PORT_ID_LEN],
		    const struct fabric_addr *peer)
{
	if (!p->any && !p->has_id && !p->has_addr)
		return false;
	return (!p->has_id || id_matches(p, i_port_id)) && (!p->has_addr || addr_matches(p, peer));
}

const struct initiator_group *map_find_group(const struct target_conf *t, const uint8_t i_port_id[SRP_PORT_ID_LEN],
					     const struct fabric_addr *peer)
{
	for (size_t i = 0; i < t->n_group; i++)
		for (size_t j = 0; j < t->group[i].n_pattern; j++)
			if (matches(&t->group[i].pattern[j], i_port_id, peer))
				return &t->group[i];
	return NULL;
}

bool map_find_group_of_id(const struct target_conf *t, const uint8_t i_port_id[SRP_PORT_ID_LEN],
			  const struct initiator_group **out)
{
	*out = NULL;
	for (size_t i = 0; i < t->n_group; i++) {
		for (size_t j = 0; j < t->group[i].n_pattern; j++) {
			const struct initiator_pattern *p = &t->group[i].pattern[j];

			if (!p->any && (!p->has_id || !id_matches(p, i_port_id)) && !(p->has_addr && !p->has_id))
				continue;
			*out = p->has_addr ? NULL : &t->group[i];
			return !p->has_addr;
		}
	}
	return true;
}

const struct lun_map_entry *map_find_lun(const struct initiator_group *g, const uint8_t lun[8])
{
	for (size_t i = 0; i < g->n_lun; i++)
		if (scsi_lun_equal(g->lun[i].lun, lun))
			return &g->lun[i];
	return NULL;
}
