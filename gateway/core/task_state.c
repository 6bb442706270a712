/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names, holders and successors of the task states, all from the one table.
 * Layer: core.
 */
#include "task_state.h"

#include <stdint.h>

static const struct {
	const char *name;
	enum task_holder holder;
	uint32_t successors; /* bit per state */
} states[TASK_N_STATES] = {
#define BIT(s) (1u << TASK_##s)
#define ROW(s, h, n) [TASK_##s] = { #s, TASK_HELD_BY_##h, n },
	TASK_STATES(ROW, BIT)
#undef ROW
#undef BIT
};

const char *task_state_name(enum task_state s)
{
	return (unsigned)s < TASK_N_STATES ? states[s].name : "?";
}

enum task_holder task_state_holder(enum task_state s)
{
	return (unsigned)s < TASK_N_STATES ? states[s].holder : TASK_HELD_BY_NOBODY;
}

bool task_state_may_follow(enum task_state from, enum task_state to)
{
	return (unsigned)from < TASK_N_STATES && (unsigned)to < TASK_N_STATES && (states[from].successors >> to & 1);
}
