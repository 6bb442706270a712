/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An end to being passed over. A command that needs much memory may find too little again and again, because small
 * ones of other hosts take what comes back before it is enough. When CLAIM_AFTER of them went before it, its path
 * claims: no other starts on this reactor until it has what its quotas allow. One path claims at a time, those that
 * waited longest first.
 *
 * A claim ends at the latest when nothing was given back for CLAIM_IDLE_MS, or after CLAIM_MOST_MS: what is missing
 * then is held by a back-end that does not answer, and the others shall not stand still with it. The next claim of
 * that path takes four times the patience. Nobody claims what back-ends hold that have been silent for CLAIM_IDLE_MS.
 * Who mostly waits for its own commands does not claim: they come back without it.
 * Layer: core.
 */
#ifndef CORE_CLAIM_H
#define CORE_CLAIM_H

#include "path.h"

#define CLAIM_AFTER 64u
#define CLAIM_IDLE_MS 100u
#define CLAIM_MOST_MS 2000u

void claim_init(struct shard *s);

/* May commands of @p take memory, as far as claims go? */
static inline bool claim_admits(const struct path *p)
{
	const struct path *holder = p->shard->claim.path;

	return !holder || holder == p;
}

/* The first task of @p in READY is @t, and may not have its memory now: it waits in shard->starved, and may claim. */
void claim_wait(struct path *p, const struct task *t);

void claim_settled(struct path *p);

/* A task of @p takes its memory. */
static inline void claim_served(struct path *p)
{
	p->shard->claim.n_started++;
	if (p->starving)
		claim_settled(p);
}

/* Nothing of @p waits for memory any more, or @p goes: its claim ends. */
void claim_give_up(struct path *p);
static inline void claim_end(struct path *p)
{
	if (p->shard->claim.path == p)
		claim_give_up(p);
}

#endif
