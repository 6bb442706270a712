/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who a nexus is at a back-end: initiator name and ISID. Pure functions of the configuration and of who the host is; the same
 * for ever, because access lists and persistent reservations hang on them.
 * Layer: core. Source: RFC 7143 4.2.7 (names), 11.12.5 (ISID); SPC-4 7.6.4 (an initiator port is name and ISID).
 */
#ifndef CORE_IDENTITY_H
#define CORE_IDENTITY_H

#include "map.h"

#define IDENTITY_NAME_MAX 223u /* bytes of an iSCSI name, RFC 7143 4.2.7.1 */

struct identity {
	char initiator_name[IDENTITY_NAME_MAX + 1];
	uint8_t isid[6];
};

/* The I_T nexus whose identity is asked for. */
struct identity_of {
	const char *gateway_name;
	const uint8_t *i_port_id, *t_port_id; /* SRP_PORT_ID_LEN bytes each */
	const struct fabric_addr *peer;       /* NULL: not known */
	const struct initiator_group *group;  /* that admits it, or NULL */
};

/*
 * The name that the configuration gives, instead of one made from the host: the back-end's, for those that admit one name
 * alone, before the group's; or NULL.
 */
const char *identity_configured_name(const struct initiator_group *g, const struct backend *b);

/*
 * A name made from the host goes with an ISID made from the target port and the back-end. A configured name may be that of
 * several hosts: then the ISID is made from the host, too, or their sessions would reinstate each other.
 */
void identity_make(const struct identity_of *of, const struct backend *b, struct identity *out);

#endif
