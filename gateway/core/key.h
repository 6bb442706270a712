/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What names an I_T nexus: initiator and target port identifier, and the peer's address where the identifier says
 * nothing about the host. Pure. Layer: core. Source: SRP r16a, port identifiers.
 */
#ifndef CORE_KEY_H
#define CORE_KEY_H

#include "../proto/srp.h"
#include "../rt/fabric.h"

struct nexus_key {
	uint8_t i_port_id[SRP_PORT_ID_LEN], t_port_id[SRP_PORT_ID_LEN];
	struct fabric_addr addr; /* zero unless by_address */
	bool by_address;
};

/*
 * True when the identifier cannot tell hosts apart: its interface-id half (the second in the order of SRP r16a) is
 * zero. Soft iWARP makes Linux log in like that.
 */
bool i_port_id_is_anonymous(const uint8_t i_port_id[SRP_PORT_ID_LEN]);

void nexus_key_init(struct nexus_key *k, const uint8_t i_port_id[SRP_PORT_ID_LEN],
		    const uint8_t t_port_id[SRP_PORT_ID_LEN], const struct fabric_addr *peer);
bool nexus_key_equal(const struct nexus_key *a, const struct nexus_key *b);
uint32_t nexus_key_hash(const struct nexus_key *k);

/* "IIII...:IIII... -> TTTT...:TTTT..." for logs. Return: @buf. */
#define NEXUS_KEY_STRLEN 80
const char *nexus_key_str(const struct nexus_key *k, char buf[NEXUS_KEY_STRLEN]);

#endif
