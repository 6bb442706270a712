/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host of the simulator that keeps no rule: mutated logins and information units, descriptors of memory that is not there, tags
 * of others, responses to nothing, more requests than credits. What it gets back does not matter; that the gateway and the honest hosts
 * survive it does.
 */
#ifndef TESTS_SIM_VILLAIN_H
#define TESTS_SIM_VILLAIN_H

#include "rig.h"

struct villain;

/* @number: address and port identifier; not one of the hosts'. */
struct villain *villain_create(struct sim_world *w, struct reactor *reactor, uint64_t seed, uint32_t number);
void villain_start(struct villain *v);
/* Logs out and stays out. */
void villain_stop(struct villain *v);
bool villain_is_out(const struct villain *v);
void villain_free(struct villain *v);

#endif
