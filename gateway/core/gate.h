/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A gate: how many commands at once, and how many commands and bytes per second, may pass to something that several
 * share: a back-end, a LUN of the map, or what one host may do. Who must wait stands in line; each passes with one
 * command and then goes to the end of the line.
 *
 * A gate may be used by several shards; each has its own side with its own line. Between them:
 *  - Slots of the depth are one atomic counter. While other shards wait, a shard holds at most its part: the depth,
 *    divided by how many users (hosts) each side has, rounded down. What rounding leaves over, and all slots of a
 *    depth that is smaller than the number of users, goes round the waiting shards by turns. So nobody starves, and
 *    two hosts on different shards differ by less than one slot for each shard.
 *  - The rate is one atomic bucket (bucket.h), so the sum is exact. While other shards wait, a shard keeps its own
 *    pace too: the rate, divided in the same way.
 *  - Who waits sets its shard's bit; who gives something back wakes those whose bits are set, by one message for all
 *    gates of a shard. No lock is taken and nobody spins.
 * Layer: core.
 */
#ifndef CORE_GATE_H
#define CORE_GATE_H

#include "../base/list.h"
#include "../rt/reactor.h"
#include "bucket.h"

#define GATE_MOST_SHARDS 64u

struct lu;
struct path;
struct shard;
struct task;

enum gate_rate { GATE_IOPS, GATE_BYTES, GATE_N_RATES };

/* All zero: open. The limits may be changed at any time, by control; a side looks at them for each command. */
struct gate {
	_Atomic uint32_t depth;              /* commands at once; 0: no limit */
	_Atomic uint64_t rate[GATE_N_RATES]; /* per second; 0: no limit */

	struct bucket bucket[GATE_N_RATES];
	_Atomic uint32_t n_used;   /* slots of the depth */
	_Atomic uint32_t n_active; /* users that hold a slot or wait, of all sides */
	_Atomic uint32_t turn;     /* index of a shard: for the slots that are left over */
	_Atomic uint64_t waiting;  /* shards with users in line, by index */
};

/* The gate as one shard has it. */
struct gate_side {
	struct list_node node; /* shard->gates */
	struct gate *gate;
	struct shard *shard;
	struct list line; /* gate_user->node: who waits, the next one first */
	uint32_t n_used, n_active;
	uint32_t n_users; /* that belong to it; the last one leaves, it is closed */
	bool is_own;      /* allocated by gate_side_get(), freed with its last user */
	uint64_t rest[GATE_N_RATES]; /* see bucket_cost_ns() */
	uint64_t pace_ns[GATE_N_RATES];
	struct reactor_timer timer; /* the next one in line may pass */
};

/* Who passes: a path, or one of its LUs. */
struct gate_user {
	struct list_node node;
	struct gate_side *side; /* NULL: nothing is limited */
	struct path *path;
	struct lu *lu; /* NULL: the path as a whole */
	uint32_t n_held; /* slots */
	bool had_turn;   /* see gate_keep_turn() */
};

static inline bool gate_is_open(const struct gate *g)
{
	return !g->depth && !g->rate[GATE_IOPS] && !g->rate[GATE_BYTES];
}

void gate_user_init(struct gate_user *u, struct path *p, struct lu *lu);
/* For a side that lies in another object; users may join then. */
void gate_side_init(struct gate_side *d, struct shard *s, struct gate *g);
/* The side of @g on @s, made when there is none: for its first user. NULL: out of memory. */
struct gate_side *gate_side_get(struct shard *s, struct gate *g);

/* @u belongs to @side from now on, NULL: to none. What it holds goes with it; it leaves the line. */
void gate_join(struct gate_user *u, struct gate_side *side);

/* May the next command of @u pass? @paid: it went through the rates before. Nothing is taken. */
bool gate_may_pass(const struct gate_user *u, bool paid);
/*
 * Takes a slot of the depth. @slot: there was one to take; it goes back with gate_give(). False: another shard was
 * quicker; look again.
 */
bool gate_take(struct gate_user *u, bool *slot);
void gate_give(struct gate_user *u);
/* It passes, with @len_bytes, and leaves the line: the next one is called. */
void gate_pass(struct gate_user *u, uint32_t len_bytes, bool paid);

/* It may not pass: stands in line, at the end if it is new. */
void gate_wait(struct gate_user *u, bool paid);
/* It does not want to pass any more, or stands in another line. */
void gate_leave(struct gate_user *u);
static inline bool gate_waits(const struct gate_user *u)
{
	return list_linked(&u->node);
}

/*
 * It may pass here, but stands in another line now. If its turn has come here it keeps it: it need not be the next one
 * again before it has passed. Else three users of two gates could drive each other out of both lines for ever: who is
 * the next one here finds somebody else there, goes to the end of that line, and loses its place here.
 */
static inline void gate_keep_turn(struct gate_user *u)
{
	u->had_turn = u->had_turn || gate_waits(u);
}

void gate_init_shard(struct shard *s);

#endif
