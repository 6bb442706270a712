/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Injects errors and delay in front of another bridge, by rules, the same each time for a seed. For tests.
 * Knows <srpgw/bridge.h> and libc only.
 *
 * fault:[RULE;]...BACK-END   RULE is KEY[=VALUE],...   for example
 *   fault:op=2a,nth=3,hold_ms=500;dir=in,pct=1,sense=0b4400;mem:64M
 */
#ifndef FAULT_FAULT_H
#define FAULT_FAULT_H

#include <srpgw/bridge.h>

#include <stdatomic.h>
#include <sys/queue.h>

#define NS_PER_MS 1000000ull
#define MAX_RULES 16u
#define BELOW_SCRATCH 640u /* what a bridge below may need per command */
#define BELOW_TMF_SCRATCH 256u

enum rule_act { ACT_NONE, ACT_HOLD, ACT_DELAY, ACT_LOSE_COMMAND, ACT_LOSE_ANSWER, ACT_STATUS };

/* One rule: whom it means, how often, and what happens to a command. The first that takes a command wins. */
struct rule {
	int16_t op;       /* -1: any */
	int16_t dir;      /* enum srpgw_dir, -1: any */
	int32_t lun;      /* -1: any */
	uint32_t pct_ppm; /* of a million; 1000000: all */
	uint64_t nth, every, after, count; /* 0: not given */
	enum rule_act act;
	uint32_t ms;
	uint8_t status;
	uint8_t sense[3]; /* key, ASC, ASCQ */
};

/* What is not about single commands. */
struct plan {
	struct rule rule[MAX_RULES];
	uint32_t n_rules;
	uint64_t seed;
	uint32_t paths;                    /* only this many first paths have faults; 0: all */
	uint64_t down_after, down_after_ms; /* 0: never */
	uint32_t attach_fail, attach_down;  /* this many first attempts */
	uint32_t up_delay_ms;
	uint32_t tmf_delay_ms;
	bool tmf_lose;
	int8_t tmf_result; /* enum srpgw_tmf_result, -1: the true one */
};

/* Reads all rules of "RULE;RULE". Return: 0 or -EINVAL with @why. */
int plan_parse(struct plan *p, const char *rules, size_t len, char *why, size_t why_cap);
void plan_init(struct plan *p);
extern const char plan_help[];

struct srpgw_bridge_target {
	const struct srpgw_host *host;
	struct srpgw_host to_below; /* what the bridge below calls: us */
	const struct srpgw_bridge *below;
	struct srpgw_bridge_target *below_target;
	struct plan plan;
	_Atomic uint32_t n_attach;
};

enum fault_place {
	AT_BELOW,   /* the bridge below has it */
	HELD,       /* waits to go below */
	DELAYED,    /* answered by below, and waits */
	LOST_BELOW, /* will never go below */
	LOST,       /* answered by below, which nobody hears */
};

/* Our part of a command's scratch bytes; the lower bridge's part follows. */
struct fault_io {
	TAILQ_ENTRY(fault_io) node;
	struct srpgw_bridge_path *path;
	struct srpgw_io *io;
	const struct rule *rule; /* NULL: none takes it */
	uint64_t due_ns, serial;
	enum fault_place place;
	_Alignas(16) uint8_t below[BELOW_SCRATCH];
};

struct fault_tmf {
	TAILQ_ENTRY(fault_tmf) node;
	struct srpgw_bridge_path *path;
	struct srpgw_tmf *tmf;
	uint64_t due_ns;  /* UINT64_MAX: never */
	bool sent;        /* the bridge below has it */
	bool io_is_gone;  /* the command of ABORT TASK was answered meanwhile */
	uint8_t result;
	_Alignas(16) uint8_t below[BELOW_TMF_SCRATCH];
};

TAILQ_HEAD(fault_ios, fault_io);
TAILQ_HEAD(fault_tmfs, fault_tmf);

struct srpgw_bridge_path {
	struct srpgw_bridge_target *target;
	const struct srpgw_host *host;
	struct srpgw_reactor *reactor;
	struct srpgw_path_ctx *ctx;
	struct srpgw_bridge_path *below; /* NULL when it is gone */
	bool below_detaching;
	struct srpgw_timer *timer; /* the earliest of all that waits */
	const struct plan *plan;
	bool faulty; /* this path has faults */
	bool below_up, up, down, soon;
	uint64_t up_ns, down_ns; /* when to say so; 0: not planned */
	uint32_t number;         /* of the target's paths, from 0 */
	uint64_t random, serial;
	uint64_t n_commands;
	uint64_t seen[MAX_RULES], taken[MAX_RULES];
	struct fault_ios waiting; /* HELD and DELAYED, by due_ns */
	struct fault_ios lost;
	struct fault_tmfs tmfs;
	void (*detached)(void *arg);
	void *detached_arg;
	uint64_t held_total, delayed_total, lost_total, failed_total;
};

/* ---- command.c ---- */
void fault_submit(struct srpgw_bridge_path *path, struct srpgw_io *io);
void fault_abort(struct srpgw_bridge_path *path, struct srpgw_io *io);
/* From below. */
void fault_io_done(struct srpgw_io *io);
/* Lets go of what is due. Return: when the next one is, UINT64_MAX for none. */
uint64_t commands_due(struct srpgw_bridge_path *path, uint64_t now);
/* Answers all that waits here or is lost; @lun: of this logical unit only, or NULL. */
void commands_end(struct srpgw_bridge_path *path, const uint8_t *lun);
/* One command of ours, ended by ABORT TASK. Return: result of the function; -1: the bridge below has it. */
int command_end_one(struct srpgw_io *io);

/* ---- tmf.c ---- */
void fault_tmf(struct srpgw_bridge_path *path, struct srpgw_tmf *tmf);
void fault_tmf_done(struct srpgw_tmf *tmf);
uint64_t tmfs_due(struct srpgw_bridge_path *path, uint64_t now);
/* @io is answered: functions that wait for their time must not look at it any more. */
void tmfs_forget(struct srpgw_bridge_path *path, const struct srpgw_io *io);

/* ---- bridge.c ---- */
void fault_event(struct srpgw_path_ctx *ctx, const struct srpgw_event *ev);
/* Runs the path's clock: what is due, and the timer for the rest. */
void path_tick(struct srpgw_bridge_path *path);
/* Has path_tick() called from a clean stack. */
void path_soon(struct srpgw_bridge_path *path);

#endif
