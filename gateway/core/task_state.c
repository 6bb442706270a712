/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names, holders and successors of the task states, all from the one table.
 * Layer: core.
 */
#include "task_state.h"

_Static_assert(TASK_N_STATES <= 16, "a bit per state");

const struct task_state_row task_state_rows[TASK_N_STATES] = {
#define BIT(s) (1u << TASK_##s)
#define ROW(s, h, n) [TASK_##s] = { .name = #s, .successors = (n), .holder = TASK_HELD_BY_##h },
	TASK_STATES(ROW, BIT)
#undef ROW
#undef BIT
};

const char *task_state_name(enum task_state s)
{
	return (unsigned)s < TASK_N_STATES ? task_state_rows[s].name : "?";
}
