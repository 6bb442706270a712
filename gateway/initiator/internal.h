/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the initiator library: the nexus, its channels, and the slots that carry one IU each.
 * Nothing outside gateway/initiator includes it. Layer: initiator.
 */
#ifndef INITIATOR_INTERNAL_H
#define INITIATOR_INTERNAL_H

#include "initiator.h"
#include "initiator_raw.h"

#define N_TMF_SLOTS 4u   /* task management functions at once, per channel */
#define N_REPLY_SLOTS 4u /* CRED_RSP, AER_RSP; one would do but for SENDs that complete late */
#define N_RAW_SLOTS 16u
#define IMM_OFFSET 68u /* CMD of 48 bytes, 16 more of CDB, 4 of descriptor: as Linux */
#define I_LOGOUT_WAIT_MS 1000u

enum slot_kind { SLOT_CMD, SLOT_TMF, SLOT_REPLY, SLOT_RAW, SLOT_N_KINDS };

/* A transmit buffer, and the task that it started. In use while its SEND is under way or its answer is awaited. */
struct slot {
	struct fabric_op op;
	struct fabric_wr wr;
	struct fabric_seg seg[2];
	struct chan *ch;
	uint8_t *iu;
	uint8_t *table; /* SLOT_CMD: max_descs descriptors */
	struct fabric_exposure *x_buf, *x_table; /* register_always */
	enum slot_kind kind;
	uint32_t index, generation;
	uint64_t tag;
	uint64_t order; /* nexus-wide number of the sending: what a task management function can affect */
	bool sending;   /* posted or on ch->tx, done() did not come */
	bool live;      /* its answer is awaited */
	bool ended;     /* it came, but the command's own memory is still being sent from: done() waits for that */
	int code;       /* then */
	struct list_node node; /* ch->free[kind], ch->tx or nowhere */
	struct initiator_cmd *cmd;
	/* SLOT_TMF */
	uint8_t function, lun[8];
	struct slot *task; /* ABORT TASK: the slot of the task, valid while its tag is still task_tag */
	uint64_t task_tag;
	void (*tmf_done)(void *arg, int code, uint8_t rsp_code);
	void *tmf_arg;
};

enum chan_state { CHAN_IDLE, CHAN_CONNECTING, CHAN_LIVE, CHAN_CLOSING, CHAN_CLOSED };

struct chan {
	struct initiator *i;
	uint32_t number;
	enum chan_state state;
	struct fabric_conn *conn;
	struct fabric_limits limits;
	struct srp_login_rsp terms;
	uint64_t login_tag;
	uint32_t max_iu; /* longest that we send, bytes */
	int32_t req_lim;
	uint32_t n_live; /* requests whose answer is awaited */
	bool immediate;
	bool may_post; /* false once a post was refused because the channel goes down */
	uint32_t arena_rkey, tables_rkey;
	struct fabric_exposure *x_arena, *x_tables;
	struct list free[SLOT_N_KINDS];
	struct list tx;      /* slots that wait for a send-queue entry */
	struct list waiting; /* commands that wait for credit */
	struct slot *slot;
};

struct initiator {
	struct initiator_params p;
	struct fabric *fabric;
	struct chan *chan;
	uint32_t n_slots;   /* per channel */
	uint32_t n_wanted;  /* channels asked for */
	uint32_t next_chan; /* round robin */
	struct mem_region iu_region, table_region, arena_region;
	bool arena_added, iu_added, table_added;
	uint64_t order;

	/* login */
	bool logging_in, login_ok, login_failed, logged_in;
	int login_code;
	char login_why[256];
	uint32_t login_reject;
	uint8_t raw_login[FABRIC_PRIV_MAX];
	size_t raw_login_len;

	/* logout */
	bool logging_out;
	void (*logout_done)(void *arg);
	void *logout_arg;
	struct reactor_timer logout_timer;

	/* What must not be told from inside a call of the user. */
	struct reactor_timer later;
	struct list ended;      /* commands */
	struct list ended_tmfs; /* slots */

	initiator_raw_rx raw_rx;
	void *raw_ctx;

	struct initiator_info info; /* the counters in it */
	char first_error[200];
};

/* channel.c */
int chan_init(struct chan *ch, struct initiator *i, uint32_t number) WARN_UNUSED;
void chan_fini(struct chan *ch);
extern const struct fabric_conn_cbs chan_cbs;
struct slot *slot_get(struct chan *ch, enum slot_kind kind);
void slot_retire(struct slot *s); /* the answer came or will not: back to the free list when its SEND is done, too */
void slot_send(struct slot *s, size_t iu_len, void *more, uint32_t more_len);
void chan_close(struct chan *ch);
bool chan_is_usable(const struct chan *ch);

/* login.c */
void login_established(struct chan *ch, const void *priv, size_t priv_len);
void login_refused(struct chan *ch, int code, const char *why, const void *priv, size_t priv_len);
void login_closed(struct chan *ch);
void login_fail(struct initiator *i, int code, const char *why);

/* command.c */
void command_pump(struct chan *ch);
void command_answer(struct slot *s, const struct srp_rsp *rsp);
void command_end(struct slot *s, int code);
void command_end_waiting(struct chan *ch, int code);
void end_later(struct initiator *i);

/* tmf.c */
void tmf_answer(struct slot *s, const struct srp_rsp *rsp);
void tmf_end(struct slot *s, int code, uint8_t rsp_code);

/* judge.c: what the target may not do is counted and the first case is kept as text. */
void protocol_error(struct chan *ch, const char *fmt, ...) PRINTF_LIKE(2, 3);
void judge_login_rsp(struct chan *ch, const uint8_t *priv, size_t len);
void judge_rsp(struct chan *ch, const struct fabric_rx *rx, const struct srp_rsp *rsp);
/* @login_flag: the SRP_LOGIN_*SOLNT that asks for the notification of such a request of the target. */
void judge_request(struct chan *ch, const char *what, uint8_t sol_not, uint8_t login_flag);
void judge_answer(const struct slot *s, const struct srp_rsp *rsp);

/* receive.c */
void chan_recv(void *ctx, struct fabric_rx *rx);

/* logout.c */
void logout_check(struct initiator *i);

#endif
