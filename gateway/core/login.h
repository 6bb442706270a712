/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Login policy: what a LOGIN_REQ asks for, against the map and the port's state. Pure.
 * Layer: core. Source: SRP r16a LOGIN_REQ, LOGIN_RSP, LOGIN_REJ.
 */
#ifndef CORE_LOGIN_H
#define CORE_LOGIN_H

#include "../proto/srp_iu.h"
#include "../rt/fabric.h"
#include "map.h"
#include "outcome.h"

#define LOGIN_RECV_RESERVE                                                                                             \
	4u /* receives beyond the request limit: I_LOGOUT and responses to our requests cost no credit */

/*
 * SINGLE logins of one nexus on their way: each waits for the channels of the one before it, so one host could fill the
 * gateway's queue of logins.
 */
#define LOGIN_NEXUS_PENDING 8u

/* What the port knows when a login comes. */
struct login_facts {
	bool draining;
	bool nexus_live;         /* the I_T nexus exists */
	bool same_host;          /* and its address is the peer's host */
	uint32_t nexus_logins;   /* on their way */
	uint32_t nexus_channels; /* that exist or are being made */
	uint32_t channels, nexuses; /* of the whole port, likewise */
};

/* What was agreed for a channel. */
struct login_terms {
	struct srp_terms srp;
	uint32_t req_lim, n_recv, sq_depth;
	uint32_t it_iu_len, ti_iu_len;
	bool multi;          /* MULTI: keep the nexus' other channels */
	bool revision_10;    /* the host's identifiers came in that order */
	uint8_t solnt;       /* SRP_LOGIN_LOSOLNT, CRSOLNT, AESOLNT as requested */
	uint64_t tag;        /* of the LOGIN_REQ */
};

/*
 * Revision 10 of the standard has the halves of both port identifiers in the other order (io_class FF00h). Nothing in
 * the LOGIN_REQ says so but a target port identifier that is ours only when turned: then both of @req are turned into the
 * order of revision 16a, so that a host is the same nexus, and the same initiator to access lists and back-ends, in
 * either form. @map may be NULL. Return: whether it was turned.
 */
bool login_turn_identifiers(const struct map *map, struct srp_login_req *req);

/**
 * login_decide() - accept or refuse.
 * @decoded: what srp_login_req_decode() said of @req.
 * @terms: filled when OUTCOME_OK is returned.
 * Return: OUTCOME_OK or the reason.
 */
enum outcome login_decide(enum srp_error decoded, const struct srp_login_req *req, const struct map *map,
			  const struct fabric_addr *peer, const struct fabric_limits *limits,
			  const struct login_facts *facts, struct login_terms *terms);

/* LOGIN_RSP's private data. @multi_result: SRP_RSP_MULTI_*. Return: bytes. */
size_t login_rsp_build(const struct login_terms *terms, uint8_t multi_result, uint8_t buf[SRP_LOGIN_RSP_LEN]);
/* LOGIN_REJ's private data. Return: bytes. */
size_t login_rej_build(uint64_t tag, enum outcome why, uint8_t buf[SRP_LOGIN_REJ_LEN]);

#endif
