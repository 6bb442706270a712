/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hosts with an appetite: each keeps so many reads of one size under way at one LUN, all the time, and counts them.
 */
#ifndef TESTS_SIM_LOAD_H
#define TESTS_SIM_LOAD_H

#include "bench.h"

#define LOAD_MOST_DEPTH 64u

struct load_cmd {
	struct initiator_cmd c;
	struct load *load;
	uint64_t sent_ns;
};

struct load {
	struct client *c;
	struct load_cmd cmd[LOAD_MOST_DEPTH];
	uint32_t lun, depth, n_blocks;
	bool stopped;
	bool may_fail; /* unit attentions and lost sessions belong to the scenario */
	uint64_t n_done, n_told_busy, n_aborted; /* GOOD; BUSY or TASK SET FULL; by task management */
	uint64_t longest_ns;
};

/* Logs in as client @number and begins. */
void load_start(struct load *l, struct bench *b, uint32_t number, uint32_t lun, uint32_t depth, uint32_t n_blocks);
/* Counts from now on. */
void load_reset(struct load *l);
/* Waits for the last commands and logs out. */
void load_stop(struct load *l);

#endif
