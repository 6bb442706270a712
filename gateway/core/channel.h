/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One RDMA channel of an I_T nexus, from login to the fabric's last callback. Its state only moves forward.
 * Layer: core. Source: SRP r16a, RDMA channels.
 */
#ifndef CORE_CHANNEL_H
#define CORE_CHANNEL_H

#include "../proto/srp_iu.h"
#include "../rt/fabric.h"
#include "credit.h"
#include "login.h"
#include "outcome.h"
#include "task.h"

struct nexus;
struct port_entry;
struct shard;

enum channel_state {
	CHANNEL_CONNECTING,    /* login answered or about to be */
	CHANNEL_LIVE,          /* established, or its first IU came */
	CHANNEL_DISCONNECTING, /* we end it: tasks are cancelled, T_LOGOUT is on its way */
	CHANNEL_DRAINING,      /* closed at the fabric, posted work is coming back */
	CHANNEL_DISCONNECTED,  /* no RDMA of it can happen any more */
};

/* How long a T_LOGOUT may take before we disconnect anyway. */
#define CHANNEL_LOGOUT_MS 500u

/* A request of ours: T_LOGOUT, CRED_REQ, AER_REQ. */
struct channel_iu {
	struct fabric_op op;
	struct fabric_wr wr;
	struct fabric_seg seg;
	bool posted;
};

struct channel {
	struct list_node nexus_node; /* nexus->channels */
	struct list_node dirty_node; /* shard->dirty_channels */
	struct list_node parked_node; /* shard->parked */
	struct shard *shard;
	struct nexus *nexus;
	struct fabric_conn *conn;
	const struct fabric_ops *ops;
	struct fabric_limits limits;
	struct login_terms terms;
	struct fabric_addr peer;
	uint32_t number;
	char device[32];
	char peer_text[FABRIC_ADDR_STRLEN];

	enum channel_state state;
	bool accepted;     /* the fabric knows ctx: close() is allowed */
	bool told;         /* channel_accepted() was called: control holds no message for it any more */
	bool closing;      /* close() was called */
	enum outcome end;  /* why, once it is ending */
	enum outcome end_wanted; /* to end as soon as it is accepted */
	struct reactor_timer logout_timer;

	struct credit credit;
	struct list fetch; /* tasks in WAIT_FETCH */
	struct list send;  /* tasks in WAIT_PLACE and WAIT_RESPOND */
	uint32_t n_tasks;  /* of any state but FREE */
	uint32_t n_posted; /* ops of ours that the fabric has */

	struct ctl_slot *slot;
	struct channel_iu logout, request;
	uint8_t awaited; /* opcode of the response that is due: SRP_CRED_RSP, SRP_AER_RSP; 0: none */
	uint64_t request_tag;

	struct fabric_rx **park; /* IUs that found no free task, oldest first; ring of park_cap */
	uint32_t park_cap, park_head, n_park;

	uint64_t n_recv, n_sent, imm_writes_total, ext_tables_total;
	struct reactor_msg gone; /* to control, with the memory */
	struct port_entry *entry; /* control's: opaque here */
};

extern const struct fabric_conn_cbs channel_cbs;
const char *channel_state_name(enum channel_state s);

/* Reactor. Memory of a channel that is not yet known to the fabric; joins @nexus. NULL: out of memory. */
struct channel *channel_create(struct nexus *nexus, struct fabric_conn *conn, const struct login_terms *terms,
			       const struct fabric_addr *peer, const char *device);

/* Control, when it has counted the channel out (message @gone, handled by port.c). */
void channel_free(struct channel *ch);
void port_channel_gone(struct reactor_msg *msg);

/* Control told that accept() succeeded, or failed (then the channel is dropped). */
void channel_accepted(struct channel *ch, bool ok);

/*
 * Ends the channel for @why: cancels its tasks, sends T_LOGOUT where @why asks for one, disconnects. The first reason
 * counts. May be called from anywhere between shard_enter() and shard_leave(); frees nothing at once.
 */
void channel_end(struct channel *ch, enum outcome why);

/* Something to post, or send-queue room: channel_pump() runs when the shard settles. */
void channel_mark(struct channel *ch);
/* Settle loop only: posts what its queues and the send queue allow. */
void channel_pump(struct channel *ch);

/* May new requests be served and responses be posted? */
static inline bool channel_alive(const struct channel *ch)
{
	return ch->state <= CHANNEL_LIVE && ch->end_wanted == OUTCOME_OK;
}

/* Posts @op and keeps count. Return: as fabric_ops.post; on failures but -EAGAIN the channel is ending. */
int channel_post(struct channel *ch, struct fabric_op *op) WARN_UNUSED;
/*
 * What the next round of a transfer may use: leaves an entry for the response, and refuses (max_wr 0) to post
 * splinters while more room is on its way.
 */
struct xfer_limits channel_round_limits(const struct channel *ch, enum fabric_opcode opcode);
/* To be called first in every done(). */
void channel_op_done(struct channel *ch);
/* Posts one information unit of @len bytes at @addr, in the channel's slot. Return: as channel_post(). */
int channel_post_iu(struct channel *ch, struct channel_iu *iu, uint8_t *addr, size_t len, bool solicited,
		    void (*done)(struct fabric_op *op, enum fabric_wc_status status)) WARN_UNUSED;

/* ---- request.c: CRED_REQ and AER_REQ ---- */
/* channel_pump() only: sends one of them when there is a reason and none is unanswered. */
void request_pump(struct channel *ch);
/* A CRED_RSP or AER_RSP of that tag came. Return: false when it answers no request of ours. */
bool request_answered(struct channel *ch, uint8_t opcode, uint64_t tag) WARN_UNUSED;

/* iu.c: one received information unit. Takes over @rx. Return: false if no task was free; @rx is the caller's then. */
bool channel_receive(struct channel *ch, struct fabric_rx *rx);
/* Retries parked IUs after a task was freed. */
void channel_unpark(struct channel *ch);

/* command.c */
bool command_receive(struct channel *ch, struct fabric_rx *rx);

#endif
