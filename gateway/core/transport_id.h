/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TransportIDs in the parameter data of persistent reservations: SRP's, which hosts use, and iSCSI's, which the back-end
 * knows the same hosts by. Pure functions over bytes.
 * Layer: core. Source: SPC-4 6.13.5 (READ FULL STATUS), 6.14.3, 6.14.4 (parameter lists), 7.6.4 (TransportID); RFC 7143
 * 4.2.7 (names).
 */
#ifndef CORE_TRANSPORT_ID_H
#define CORE_TRANSPORT_ID_H

#include "identity.h"
#include "outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSPORT_IDS_MAX 32u   /* of one parameter list */
#define TRANSPORT_LIST_MAX 2048u /* bytes of one parameter list as hosts send it */
#define TRANSPORT_OUT_MAX 8192u  /* bytes of what becomes of it */

/* How the nexuses of one target port are named at one back-end. */
struct transport_names {
	const char *gateway_name;
	const uint8_t *own_id;      /* the asking host's initiator port identifier, ... */
	const struct identity *own; /* ... and who it is at the back-end */
	/* Who another host is there. Return: false: that hangs on more than its identifier. */
	bool (*find)(const void *arg, const uint8_t i_port_id[SRP_PORT_ID_LEN], struct identity *out);
	const void *arg;
};

enum { PR_OUT_REGISTER = 0x00, PR_OUT_REGISTER_AND_IGNORE = 0x06, PR_OUT_REGISTER_AND_MOVE = 0x07 };

/* Does this parameter list of PERSISTENT RESERVE OUT hold TransportIDs, as far as @len bytes tell? */
bool transport_list_has_ids(uint8_t service_action, const uint8_t *list, size_t len);

/**
 * transport_list_translate() - SRP's TransportIDs to iSCSI's; for lists that have some.
 * @list, @len: the host's, at most TRANSPORT_LIST_MAX bytes.
 * @out: TRANSPORT_OUT_MAX bytes; @out_len: of them.
 * @field: of a refusal: the byte of @list that is to blame.
 * Return: OUTCOME_OK, OUTCOME_PARAMETER, OUTCOME_PARAMETER_LENGTH.
 */
enum outcome transport_list_translate(const struct transport_names *names, uint8_t service_action, const uint8_t *list,
				      size_t len, uint8_t *out, size_t *out_len, uint16_t *field);

/*
 * iSCSI's TransportID of @len bytes to SRP's 24, when it names the asking host, or one whose name is made from it by this
 * gateway. Return: false when it does not; @out is untouched then. @names: without find.
 */
bool transport_id_to_srp(const struct transport_names *names, const uint8_t *id, size_t len, uint8_t out[24]);

#endif
