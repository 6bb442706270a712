/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nexus keys, see key.h. Layer: core.
 */
#include "key.h"

#include <stdio.h>
#include <string.h>

bool i_port_id_is_anonymous(const uint8_t i_port_id[SRP_PORT_ID_LEN])
{
	static const uint8_t zero[8];

	return memcmp(i_port_id + 8, zero, 8) == 0;
}

void nexus_key_init(struct nexus_key *k, const uint8_t i_port_id[SRP_PORT_ID_LEN],
		    const uint8_t t_port_id[SRP_PORT_ID_LEN], const struct fabric_addr *peer)
{
	memset(k, 0, sizeof(*k));
	memcpy(k->i_port_id, i_port_id, SRP_PORT_ID_LEN);
	memcpy(k->t_port_id, t_port_id, SRP_PORT_ID_LEN);
	k->by_address = i_port_id_is_anonymous(i_port_id);
	if (k->by_address)
		k->addr = *peer;
}

bool nexus_key_equal(const struct nexus_key *a, const struct nexus_key *b)
{
	return memcmp(a->i_port_id, b->i_port_id, SRP_PORT_ID_LEN) == 0 &&
	       memcmp(a->t_port_id, b->t_port_id, SRP_PORT_ID_LEN) == 0 && a->by_address == b->by_address &&
	       (!a->by_address || fabric_addr_same_host(&a->addr, &b->addr));
}

/* The address is left out: an address has several forms, and anonymous identifiers are few. */
uint32_t nexus_key_hash(const struct nexus_key *k)
{
	uint32_t h = 2166136261u;

	for (unsigned i = 0; i < SRP_PORT_ID_LEN; i++)
		h = (h ^ k->i_port_id[i]) * 16777619u;
	for (unsigned i = 0; i < SRP_PORT_ID_LEN; i++)
		h = (h ^ k->t_port_id[i]) * 16777619u;
	return h;
}

static void hex(const uint8_t *id, char out[34])
{
	for (size_t i = 0; i < SRP_PORT_ID_LEN; i++)
		snprintf(out + 2 * i + (i >= 8), 4, i == 7 ? "%02x:" : "%02x", id[i]);
}

const char *nexus_key_str(const struct nexus_key *k, char buf[NEXUS_KEY_STRLEN])
{
	char i[34], t[34];

	hex(k->i_port_id, i);
	hex(k->t_port_id, t);
	snprintf(buf, NEXUS_KEY_STRLEN, "%s -> %s", i, t);
	return buf;
}
