/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A task: one request of the host (SRP_CMD or SRP_TSK_MGMT): tag, credit, reply. Its buffers and what the bridge
 * holds are its io's, which may outlive it. task_set_state() is the only writer of the state and checks every edge.
 * Layer: core.
 */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include "../rt/fabric.h"
#include "outcome.h"
#include "status.h"
#include "xfer.h"

struct channel;
struct io;
struct lu;
struct nexus;
struct shard;
struct tmf;

/*
 * Descriptors that fit the task itself: both directions never hold more at a time, bidirectional commands are
 * refused.
 */
#define TASK_INLINE_DESC 14u
#define TASK_RSP_BYTES 320u /* response IU: 36 + 4 + 252, rounded */
#define TASK_CDB_BYTES 16u

enum task_kind { TASK_COMMAND, TASK_MANAGEMENT };

/* Why a task ends without a response. Never an extra state. */
enum task_cause { TASK_CAUSE_NONE, TASK_CAUSE_TMF, TASK_CAUSE_CHANNEL };

struct reply {
	uint8_t status;
	bool has_code;
	uint8_t code;
	uint8_t resid_kind; /* enum srpgw_resid */
	uint32_t resid;
	uint16_t sense_len;
	const uint8_t *sense; /* the io's, or own_sense */
	uint8_t own_sense[SCSI_FIXED_SENSE_LEN];
};

struct task {
	struct list_node node;       /* the FIFO of its state */
	struct list_node nexus_node; /* nexus->tasks */
	struct list_node tag_node;   /* nexus->tags, while the tag is live */
	struct shard *shard;
	struct channel *ch;
	struct nexus *nexus;
	struct lu *lu; /* NULL: not mapped, or for no LUN in particular */
	struct io *io;
	struct tmf *tmf; /* kind MANAGEMENT, while it is not answered */

	uint8_t state; /* enum task_state */
	uint8_t kind, cause, dir;
	uint8_t sol_not, attr;
	bool credit_held;   /* its credit is counted as live */
	bool admitted;      /* counted in its path's n_admitted */
	bool local;         /* answered by the gateway, see local.c */
	bool fetched;       /* data-out is complete in the io's buffers */
	bool fetching_table;
	bool shared; /* counts in the share of its back-end */
	uint8_t slots; /* of depths, see limit.h */
	bool paid;     /* the rates have counted it */
	bool ranked; /* waits or runs by a task attribute other than SIMPLE, see order.h */
	uint8_t cdb_len;
	uint8_t n_repeats; /* by the gateway, because its fate was unknown */
	uint8_t cdb[TASK_CDB_BYTES];
	uint8_t lun[8];
	uint64_t tag, serial;
	uint32_t data_len;  /* bytes that the descriptors describe */
	uint32_t buf_len;   /* bytes that it needs a buffer for: data_len, or what the gateway itself answers */

	/* The host's memory: a chain of wire descriptors in desc_inline, in the IU, or in a fetched table. */
	struct buf desc;
	uint8_t desc_inline[TASK_INLINE_DESC * SRP_MDESC_LEN];
	uint8_t table_desc[SRP_MDESC_LEN]; /* external table: where it is */
	uint32_t n_table;                  /* entries to fetch, 0 if the IU held all */
	struct buf imm;                    /* immediate data, in rx or stash */
	struct fabric_rx *rx;              /* the IU, held as long as desc or imm lie in it */
	struct buf *stash;                 /* or a copy of that part */
	struct xfer xfer;

	struct reply reply;
	struct fabric_op op; /* partial rounds and the response */
	struct fabric_wr wr;
	struct fabric_seg seg;
	uint8_t *rsp; /* TASK_RSP_BYTES of registered memory, the task's for ever */

	uint64_t arrived_ns, since_ns; /* of the task, of its state */
	uint64_t hold_until_ns;        /* when waiting for a path or fence ends in BUSY; 0: never waited */
	uint64_t held_ns[4];           /* time by enum task_holder */
};

/*
 * Takes a free task for channel @ch in state RECEIVED. @spare: also from the last ones, which are kept for refusals and
 * task management. NULL: none left.
 */
struct task *task_new(struct channel *ch, uint64_t tag, bool spare);

/* Moves along an edge of the table. An illegal edge is counted, logged, not taken, and closes the channel: false. */
bool task_set_state(struct task *t, enum task_state to);

/* Adds the time since the last change of state to its holder's. @fresh: not the loop's time, see shard_clock_ns(). */
void task_count_time(struct task *t, bool fresh);

/* The end: gives back everything it still holds (not an io at the bridge), pays the credit, FREE. */
void task_retire(struct task *t);

/* Counts it in the share of its back-end. False: that has as many tasks as it may. */
bool task_share(struct task *t) WARN_UNUSED;

/* Its path does not count it as admitted any more; harmless when it did not. */
void task_unadmit(struct task *t);

/* Gives back the held IU (or the copy) when neither descriptors nor immediate data are needed any more. */
void task_drop_iu(struct task *t);

/* Fills in the reply and queues the response; for tasks held by the gateway, or EXECUTING after io_done. */
void task_refuse(struct task *t, enum outcome why);
void task_refuse_field(struct task *t, enum outcome why, int cdb_field);

static inline enum task_holder task_holder(const struct task *t)
{
	return task_state_holder((enum task_state)t->state);
}

/* ---- command.c ---- */
/* A command that was judged goes to its logical unit, is answered here, refused, or held by inventory_hold(). */
void command_dispatch(struct task *t);

/* It may go: takes its buffers, or waits for them in WAIT_BUFFER. */
void task_go(struct task *t);
/* It has its buffers: fetches what must be fetched, then executes. */
void task_provisioned(struct task *t);

/* ---- local.c: commands that the gateway answers itself ---- */
/* True if @t (RECEIVED) is one of them; then it was taken care of, or refused. */
bool local_receive(struct task *t);
/* It has its buffer. */
void local_run(struct task *t);

/* ---- account.c ---- */
/* Its response is out: counts it for nexus and LU. */
void task_account(struct task *t);

/* ---- cancel.c ---- */
/* Ends a task without a response: at once, or when its posted RDMA is done. @t may be freed when it returns. */
void task_cancel(struct task *t, enum task_cause cause);
/* A round of RDMA failed: the channel is going down, and the task ends with it. @t is freed when it returns. */
void task_cancel_failed(struct task *t);

/* ---- fetch.c, place.c, respond.c: run by channel_pump() ---- */
enum pump { PUMP_GO, PUMP_WAIT }; /* posted or finished; the send queue is full */
void task_fetch(struct task *t); /* -> WAIT_FETCH, with the first or next part */
enum pump fetch_pump(struct task *t);
enum pump place_pump(struct task *t);
enum pump respond_pump(struct task *t);
/* All of the data-out is there: to the bridge, or to the queue for it. */
void task_execute(struct task *t);

#endif
