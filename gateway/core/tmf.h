/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Task management: what it ends here, what it asks of the back-end, and when it may be answered. Answered within
 * tmf_answer_ms whatever the back-end does; what the back-end has not confirmed by then is fenced. Never answered
 * while RDMA of an affected task may still happen.
 * Layer: core. Source: SAM-5 7; SRP r16a TSK_MGMT.
 */
#ifndef CORE_TMF_H
#define CORE_TMF_H

#include "../include/srpgw/bridge.h"
#include "../proto/srp_iu.h"
#include "../rt/reactor.h"
#include "../base/list.h"

struct channel;
struct io;
struct lu;
struct nexus;
struct path;
struct shard;
struct task;

struct tmf {
	struct srpgw_tmf pub;
	struct list_node node; /* free list, or nexus->tmfs */
	struct shard *shard;
	struct nexus *nexus;
	struct lu *lu;     /* NULL, and path: ABORT TASK of a command that the gateway answers itself */
	struct path *path;
	struct task *task;   /* the TSK_MGMT; NULL once answered or cancelled */
	uint8_t function;
	uint8_t lun[8];      /* as the host addresses it */
	bool in_use;
	bool starting;       /* not asked yet: answers of aborted commands are not its own */
	uint64_t serial;     /* tasks with a smaller one are affected */
	uint64_t victim_serial; /* ABORT TASK: that one only */
	uint64_t asked_ns;
	bool at_bridge;      /* tmf_done() will come */
	bool fences;         /* holds a fence of lu */
	bool asked;          /* the back-end was asked; result is valid when !at_bridge */
	bool late;           /* the deadline passed: answer as soon as no RDMA can happen */
	uint8_t result;      /* enum srpgw_tmf_result */
	struct reactor_timer deadline;
};

/* A TSK_MGMT arrived; @t is its task, RECEIVED, with lun and lu set. */
void tmf_receive(struct task *t, const struct srp_tsk_mgmt *tm);
/* A cancelled task of the nexus is gone, or a detached io was answered: look again. */
void tmf_recheck(struct nexus *n);
/* Its channel is lost: nobody waits for the answer any more. */
void tmf_orphan(struct tmf *m);
/* The session is gone and these were never answered, against the contract. */
void tmf_session_over(struct path *p);
void tmf_bridge_done(struct srpgw_tmf *pub);

#endif
