/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One random run of the simulator: everything in it comes from its seed.
 */
#ifndef TESTS_SIM_RUN_H
#define TESTS_SIM_RUN_H

#include "host.h"

struct run_totals {
	struct host_stats host;
	struct ledger_stats ledger;
	struct sim_stats sim;
};

/* Return: NULL, or what was wrong. @verbose prints what the seed chose and what happened. @totals adds up. */
const char *run_seed(uint64_t seed, bool verbose, struct run_totals *totals);

#endif
