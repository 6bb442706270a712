/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The states of a task and their legal successors: the one source from which come the enum, the checker, the names
 * in logs and JSON, the gauges, and the diagram in docs/. Who holds the memory is a column, so that
 * cancelling is one function over it.
 * Layer: core.
 */
#ifndef CORE_TASK_STATE_H
#define CORE_TASK_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* Who may touch the task's buffers. */
enum task_holder { TASK_HELD_BY_NOBODY, TASK_HELD_BY_GATEWAY, TASK_HELD_BY_FABRIC, TASK_HELD_BY_BRIDGE };

/* X(state, holder, successors) with N(state) for each successor. */
#define TASK_STATES(X, N)                                                                                             \
	X(FREE, NOBODY, N(RECEIVED))                                                                                  \
	X(RECEIVED, GATEWAY, N(READY) | N(WAIT_RESPOND) | N(FREE))                                                    \
	X(READY, GATEWAY, N(WAIT_BUFFER) | N(WAIT_FETCH) | N(EXECUTING) | N(WAIT_RESPOND) | N(FREE))                   \
	X(WAIT_BUFFER, GATEWAY, N(WAIT_FETCH) | N(EXECUTING) | N(WAIT_RESPOND) | N(FREE))                              \
	X(WAIT_FETCH, GATEWAY, N(FETCHING) | N(WAIT_RESPOND) | N(FREE))                                               \
	X(FETCHING, FABRIC, N(WAIT_FETCH) | N(WAIT_BUFFER) | N(EXECUTING) | N(WAIT_RESPOND) | N(FREE))                 \
	X(EXECUTING, BRIDGE, N(READY) | N(WAIT_PLACE) | N(WAIT_RESPOND) | N(FREE))                                    \
	X(WAIT_PLACE, GATEWAY, N(PLACING) | N(RESPONDING) | N(FREE))                                                  \
	X(PLACING, FABRIC, N(WAIT_PLACE) | N(FREE))                                                                   \
	X(WAIT_RESPOND, GATEWAY, N(RESPONDING) | N(FREE))                                                             \
	X(RESPONDING, FABRIC, N(FREE))

enum task_state {
#define TASK_ENUM_(s, h, n) TASK_##s,
	TASK_STATES(TASK_ENUM_, )
#undef TASK_ENUM_
	TASK_N_STATES
};

struct task_state_row {
	const char *name;
	uint16_t successors; /* bit N: enum task_state N */
	uint8_t holder;      /* enum task_holder */
};

/* Asked several times per command: here, so that it costs no call. */
extern const struct task_state_row task_state_rows[TASK_N_STATES];

const char *task_state_name(enum task_state s);

static inline enum task_holder task_state_holder(enum task_state s)
{
	return (unsigned)s < TASK_N_STATES ? (enum task_holder)task_state_rows[s].holder : TASK_HELD_BY_NOBODY;
}

static inline bool task_state_may_follow(enum task_state from, enum task_state to)
{
	return (unsigned)from < TASK_N_STATES && (unsigned)to < TASK_N_STATES &&
	       (task_state_rows[from].successors >> to & 1);
}

#endif
