/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host's registration for persistent reservations at a logical unit, as far as the gateway saw it. It outlives the loss of
 * the I_T nexus; whether it outlives a session of the back-end hangs on the target: some know the nexus by name and ISID, some by
 * the very session. So the back-end's sessions linger for a nexus that is registered, and after a lost session the gateway asks
 * before anything else is delivered: REGISTER of the key that the host has, by that key, changes nothing where it is registered and
 * conflicts where it is not. What is gone, the host is told by REGISTRATIONS PREEMPTED. The gateway never registers again for a
 * host: it may have been preempted meanwhile.
 * Layer: core. Source: SPC-4 5.13 (persistent reservations survive I_T nexus loss), 6.14; SAM-5 6.3.4.
 */
#ifndef CORE_REGISTRATION_H
#define CORE_REGISTRATION_H

#include <stdbool.h>
#include <stdint.h>

struct io;
struct lu;
struct nexus;
struct path;

#define REGISTRATION_KEY_BYTES 8u

struct registration {
	bool held;
	bool unproven; /* the session that it was made in, or proven in, is over */
	bool aptpl;
	uint8_t key[REGISTRATION_KEY_BYTES];
	bool fenced;     /* its LU is, until that is known */
	uint8_t n_asked; /* times, in this session */
};

/* What a PERSISTENT RESERVE OUT says, kept in its io until it is answered. */
struct registration_order {
	struct lu *lu; /* of the gateway's own question */
	uint8_t key[REGISTRATION_KEY_BYTES], flags, unreg;
};

/* The host's PERSISTENT RESERVE OUT is about to go: @list are the @len bytes of its parameter list that came. */
void registration_order(struct io *io, const uint8_t *list, uint32_t len);
/* A command to an LU was answered by the device. */
void registration_note(struct io *io);

void registration_session_over(struct path *p);
/* Another session is up: asks, and fences the LU until it is known. */
void registration_session_up(struct path *p);

/* Is the nexus registered anywhere, or has yet to hear that it is no longer? */
bool registration_any(const struct nexus *n);

#endif
