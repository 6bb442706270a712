/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SRP initiator over fabric_ops: what srpio and the tests drive the gateway with. One I_T nexus with 1..n channels on one
 * reactor; asynchronous; everything runs on that reactor, which is also the fabric's control reactor.
 * Layer: initiator. Knows base, proto and rt.
 */
#ifndef INITIATOR_INITIATOR_H
#define INITIATOR_INITIATOR_H

#include "../base/err.h"
#include "../proto/srp_iu.h"
#include "../rt/fabric.h"
#include "../rt/reactor.h"

struct initiator;

struct initiator_params {
	struct fabric *fabric;
	struct reactor *reactor;
	struct fabric_addr dst;
	const struct fabric_addr *src; /* NULL = any */
	uint8_t i_port_id[SRP_PORT_ID_LEN], t_port_id[SRP_PORT_ID_LEN];
	enum srp_login_form form;
	uint32_t n_channels;          /* default 1 */
	uint32_t req_it_iu_len;       /* default 8260 */
	uint32_t cmd_descs;           /* most descriptors in the IU; more go through an external table; default 12 */
	bool immediate_data;          /* ask for it */
	uint32_t max_imm_bytes;       /* default 8192 */
	uint32_t queue_size;          /* commands in flight per channel; default 64 */
	uint32_t timeout_ms;          /* login; default 10000 */
	/* Memory that commands may use: exposed to the target on every channel. */
	void *arena;
	size_t arena_bytes;
	/*
	 * Events; @ctx. login_done: code 0, or negative errno with text; with code 0 a @reject_reason tells that a later channel
	 * was refused, and the nexus has the channels before it. lost: a channel went down (why) after login; its commands end
	 * when it is closed, which is soon after.
	 */
	void (*login_done)(void *ctx, int code, const char *why, uint32_t reject_reason);
	void (*lost)(void *ctx, const char *why);
	void *ctx;

	uint32_t max_descs;           /* most descriptors of a command, in the IU or a table; default 256 */
	bool tables_external;         /* put no descriptor of an indirect buffer into the IU */
	/*
	 * As ib_srp with register_always: expose each command's memory only from its sending to its answer, so that the fabric
	 * refuses whatever the target moves later. Else the arena is exposed once per channel.
	 */
	bool register_always;
	uint8_t login_flags;          /* SRP_LOGIN_LOSOLNT, _CRSOLNT, _AESOLNT */
	uint8_t sol_not;              /* SRP_SCSOLNT, SRP_UCSOLNT for every command and task management function */

	/* Forms of other initiators. */
	bool join;                    /* channel 0 asks MULTI as well: it joins its nexus, if there is one */
	bool revision_10;             /* sends the halves of both identifiers in the other order, as ib_srp with io_class=ff00 */
	uint32_t login_bytes;         /* the LOGIN_REQ is cut, or padded with zeros, to this; default as long as its form says */
};

/* A command. The owner keeps it and its buffers until done(). */
struct initiator_cmd {
	/* from the caller */
	uint8_t lun[8];
	uint8_t cdb[16];
	uint8_t task_attr;
	enum { INITIATOR_NONE, INITIATOR_READ, INITIATOR_WRITE } dir;
	void *buf;            /* inside the arena */
	uint32_t len_bytes;
	uint32_t n_frag;      /* describe buf as so many separate descriptors (to exercise indirect forms); 0, 1 = direct */
	uint32_t channel;     /* which channel; UINT32_MAX = round robin */
	void (*done)(struct initiator_cmd *c);
	void *ctx;

	/* result, valid in done() */
	int code;             /* 0: an SRP_RSP came; -ENOTCONN: the channel went down; -ECANCELED: ended by task management;
	                         -EINVAL: cannot be described; no timers here */
	uint8_t status;       /* SCSI status */
	bool has_rsp_code;
	uint8_t rsp_code;
	uint32_t resid_under, resid_over;
	uint8_t sense[252];
	uint32_t sense_len;

	/* private */
	struct list_node node;
	uint64_t tag;
	uint32_t slot, ch;
};

int initiator_create(const struct initiator_params *p, struct initiator **out, struct err *e) WARN_UNUSED;
/* Starts the login of all channels: the first SINGLE, the others MULTI. login_done() comes once. */
int initiator_login(struct initiator *i, struct err *e) WARN_UNUSED;
/* Queues (FIFO) and sends as credits allow. done() always comes, never from inside. */
void initiator_submit(struct initiator *i, struct initiator_cmd *c);
/*
 * @task: a command that was submitted and is not done, or NULL for functions on a LUN; it decides the channel. @done: rsp_code, or
 * code != 0. As in ib_srp any answer to ABORT TASK, and the answer 0 to the others, ends the affected commands (-ECANCELED, before
 * @done unless their immediate data is still being sent) that were sent before the function on its
 * channel. Commands on other channels may have been overtaken by it: they stay outstanding until they are answered or aborted.
 * Return: 0; -EAGAIN no credit or four functions are outstanding; -ENOTCONN.
 */
int initiator_tmf(struct initiator *i, uint32_t channel, uint8_t function, const uint8_t lun[8], const struct initiator_cmd *task,
		  void (*done)(void *arg, int code, uint8_t rsp_code), void *arg) WARN_UNUSED;
/* I_LOGOUT on every channel when @polite, else a plain disconnect; @done when all are closed and all commands answered. */
void initiator_logout(struct initiator *i, bool polite, void (*done)(void *arg), void *arg);
void initiator_destroy(struct initiator *i); /* after logout's done, a failed login, or without any login */

/* What the login agreed (channel 0) and the counters of the credit check. */
struct initiator_info {
	uint32_t n_channels;
	uint32_t max_it_iu_len, max_ti_iu_len;
	uint32_t req_lim_initial; /* sum over the channels */
	int32_t req_lim;          /* sum, now */
	bool immediate_data;
	uint8_t multi_result;     /* SRP_RSP_MULTI_* of the first channel */
	uint64_t rsps, cred_reqs, aer_reqs, t_logouts;
	uint32_t t_logout_reason; /* last */
	uint32_t n_outstanding;
	uint64_t protocol_errors; /* what the target did that the standard forbids (unknown tag, over-long IU, ...) */
	const char *protocol_error; /* the first of them, text; "" = none */
	uint32_t n_waiting;       /* commands that wait for credits */
	uint32_t n_live;          /* channels that are up */
};
void initiator_info(const struct initiator *i, struct initiator_info *out);

#endif
