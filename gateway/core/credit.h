/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The request limit of one channel: credits are conserved, host + live + owed == granted at any time.
 * Pure arithmetic. Layer: core. Source: SRP r16a, request limit.
 */
#ifndef CORE_CREDIT_H
#define CORE_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

struct credit {
	uint32_t granted; /* at login */
	uint32_t host;    /* requests that the host may still send, as far as we posted it */
	uint32_t live;    /* requests that arrived and are neither answered nor ended */
	uint32_t owed;    /* of requests that ended without a response */
};

void credit_init(struct credit *c, uint32_t granted);

/* A request arrived. Return: false if the host had no credit for it (nothing changes). */
bool credit_take(struct credit *c);

/* A request ended and gets no response. */
void credit_forfeit(struct credit *c);

/* A response is about to be posted. Return: its REQUEST LIMIT DELTA: its own credit and all that is owed. */
uint32_t credit_answer(struct credit *c);
/* That response was not posted after all. */
void credit_unanswer(struct credit *c, uint32_t delta);

/* Must a CRED_REQ carry what is owed: no response will, or the host runs dry? */
bool credit_wants_request(const struct credit *c);
/* A CRED_REQ is about to be posted. Return: its REQUEST LIMIT DELTA. */
uint32_t credit_request(struct credit *c);
/* That CRED_REQ was not posted after all. */
void credit_unrequest(struct credit *c, uint32_t delta);

#endif
