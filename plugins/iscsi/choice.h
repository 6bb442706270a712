/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which portal an attach logs in through. With more than one, TCP connections are tried in the table's order, one more
 * every STAGGER_MS and at once when one is refused; the first that stands wins, the others are closed, and the login
 * goes there. A login that comes to naught there goes on with those that are left, in the same attach. A transport
 * without TCP takes them in turn. See portals.h for the order.
 */
#ifndef ISCSI_CHOICE_H
#define ISCSI_CHOICE_H

#include "portals.h"

struct probe;
struct srpgw_bridge_path;

struct choice {
	uint8_t order[MAX_PORTALS]; /* of this round */
	uint32_t n, next;           /* how many, and which of them is to be started next */
	uint64_t tried;             /* a bit for each portal that is out, for this attach */
	struct probe *probe[MAX_PORTALS];
	uint32_t n_probes;
	struct srpgw_timer *stagger;
	uint64_t until_ns;          /* no further round after that */
	bool all_permanent;
	bool why_of_login;
	char why[WHY_BYTES];        /* what is best worth telling of those that failed */
};

/* Return: 0 or -ENOMEM. */
int choice_init(struct srpgw_bridge_path *path);
void choice_free(struct srpgw_bridge_path *path);
/* The attach begins: the portal is handed to path_take_portal(), at once or later; or path_fail() is called. */
void choice_begin(struct srpgw_bridge_path *path);
/*
 * The path failed before it was up. Return: true when another portal is tried now; else the path's why is what people
 * are told of the whole attach.
 */
bool choice_go_on(struct srpgw_bridge_path *path);
/* No portal has taken a connection for so long. */
void choice_expired(struct srpgw_bridge_path *path);
/* Closes what is under way. */
void choice_stop(struct srpgw_bridge_path *path);
/* Are there others that this attach could go on with? */
bool choice_has_others(struct srpgw_bridge_path *path);

#endif
