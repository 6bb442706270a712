/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the simulator. A link is a connection with its two ends; each end belongs to its reactor and talks to
 * the other by messages only, so that the same code runs stepped and threaded. Memory of an op is touched by the peer's
 * thread between the message that posts it and the message that answers it.
 * Layer: fabric/sim.
 */
#ifndef SIM_INTERNAL_H
#define SIM_INTERNAL_H

#include "sim.h"

#include <pthread.h>

#define SIM_MAX_REACTORS 64
#define SIM_KEY_SLOT (MEM_KEY_SLOTS - 1) /* far from those that real devices take */
#define SIM_RETRY_NS (1 * NS_PER_S)      /* transport retries of a dead peer */

struct sim_rng {
	uint64_t s;
};
uint64_t rng_next(struct sim_rng *r);
uint32_t rng_below(struct sim_rng *r, uint32_t n);
bool rng_ppm(struct sim_rng *r, uint32_t ppm);

struct sim_world {
	struct sim_params p;
	struct sim_rng rng;
	uint64_t now_ns;
	struct reactor *reactor[SIM_MAX_REACTORS];
	uint32_t n_reactor;
	struct sim_faults faults;
	pthread_mutex_t lock; /* listeners, links, first_violation */
	struct list listeners, links;
	char first_violation[256];
	_Atomic uint64_t sends, writes, reads, write_bytes, read_bytes, rnr, breaks, flushed, eagain, violations;
	_Atomic uint32_t n_links, n_rx_held, n_regions, n_exposures;
	uint64_t next_link; /* under lock */
};

struct sim_fabric {
	struct fabric base;
	struct sim_world *w;
	char name[24];
	struct reactor *control;
	struct fabric_limits limits;
	uint32_t n_spare_rx;
	_Atomic uint64_t violations;
	_Atomic bool removed, silent, lies, native;
};

struct fabric_listener {
	struct sim_fabric *f;
	struct fabric_addr addr;
	const struct fabric_listen_cbs *cbs;
	void *arg;
	struct list_node node; /* world.listeners */
};

struct fabric_exposure {
	uint8_t *addr;
	size_t len_bytes;
	uint32_t rkey, index;
};

/* A posted op. Owned by its poster; the peer's while its message is on the way or it is on the peer's in list. */
struct sim_op {
	struct reactor_msg msg; /* to the peer, and back */
	struct fabric_op *op;
	struct sim_end *from, *to;
	struct list_node posted; /* from->posted */
	struct list_node in;     /* to->in */
	uint64_t checksum;
	struct fabric_wr *cursor; /* next to execute */
	uint32_t n_wr, n_reads;   /* reads begun and not executed */
	bool answered;            /* the answer arrived back */
	enum fabric_wc_status status;
};

struct sim_read {
	struct list_node node; /* end->reads */
	struct sim_op *sop;
	struct fabric_wr *wr;
};

struct sim_rx {
	struct fabric_rx rx;
	struct mem_region region;
	struct sim_end *end;
	struct list_node node; /* end->rxq */
};

enum end_state {
	END_NEW,
	END_CONNECTING, /* initiator: waits for the answer */
	END_PENDING,    /* target: login() was called, accept() or reject() did not come */
	END_ACCEPTED,   /* target: waits for the initiator's confirmation */
	END_UP,
	END_CLOSED, /* closed() was called, or rejected */
};

/* LOGIN, CANCEL, REMOVED: on the control reactor of the end's fabric; the others on the end's own. */
enum tell {
	TELL_START, TELL_LOGIN, TELL_CANCEL, TELL_ACCEPT, TELL_REFUSE, TELL_CONFIRM, TELL_STOP, TELL_STOPPED, TELL_REMOVED,
	TELL_KILL,
};

/* Something told to an end, on its reactor. Holds a reference on the link. */
struct sim_msg {
	struct reactor_msg msg;
	struct sim_end *to;
	enum tell kind;
	int code; /* REFUSE: -errno; STOP, KILL: enum fabric_down */
};

struct sim_end {
	struct fabric_conn base;
	struct sim_link *link;
	struct sim_end *peer;
	struct sim_fabric *f;
	enum end_state state;
	const struct fabric_conn_cbs *cbs;
	void *ctx;
	struct sim_rng rng;
	struct fabric_addr addr;

	/* what this end posted */
	uint32_t sq_depth, sq_used;
	struct list posted, spare;
	struct reactor_timer cq_timer, retry_timer;

	/* what the peer posted, executed here */
	struct list in;    /* ops in order */
	struct list reads; /* READs begun, answered in order, later than what follows them if that is not fenced */
	uint32_t n_reads;
	struct reactor_timer exec_timer, read_timer;
	uint32_t n_recv, n_rx_out; /* receives; those taken and not released */
	bool rnr_wait;
	struct list rxq; /* arrived, recv() not called */
	struct reactor_timer rx_timer;
	struct fabric_exposure **exposure;
	uint32_t n_exposure, exposure_gen;

	/* end of life */
	bool broken;      /* nothing is posted, executed or received any more */
	bool closing;     /* close() was called */
	bool refused;     /* refused() was told or is to be */
	bool down_wanted, down_told, established_told;
	bool step_sent; /* initiator: LOGIN was sent; target: ACCEPT was sent */
	bool stop_sent, stopped; /* the peer touches nothing of ours any more */
	bool cancelled;   /* target: the initiator gave up before accept() */
	bool in_callback;
	enum fabric_down cause;
	int refuse_code;
	struct reactor_timer event_timer; /* established(), refused(), down(), closed() and handshake steps */
};

struct sim_link {
	struct sim_world *w;
	uint64_t number;
	_Atomic uint32_t refs;
	_Atomic bool silent;
	struct sim_end end[2]; /* initiator, target */
	struct fabric_addr dst;
	struct fabric_login login;
	uint8_t priv[FABRIC_PRIV_MAX], answer[FABRIC_PRIV_MAX];
	size_t priv_len, answer_len;
	struct list_node node; /* world.links */
};

#define sim_of(fabric_ptr) container_of(fabric_ptr, struct sim_fabric, base)
#define end_of(conn_ptr) container_of(conn_ptr, struct sim_end, base)

/* sim_world.c */
uint64_t sim_delay_ns(struct sim_end *end);

/* sim_link.c: references, messages, breaking */
struct sim_link *link_create(struct sim_fabric *f);
void link_get(struct sim_link *l);
void link_put(struct sim_link *l);
void end_init(struct sim_end *end, struct sim_link *l, struct sim_end *peer, struct sim_fabric *f);
void end_send(struct sim_end *to, struct reactor *on, enum tell kind, int code);
void end_event_soon(struct sim_end *end);
void end_break(struct sim_end *end, enum fabric_down cause);
void end_close(struct fabric_conn *conn);
void end_maybe_closed(struct sim_end *end);
void end_stop(struct sim_end *end, enum fabric_down cause);
void end_stopped(struct sim_end *end);

/* sim_connect.c: handshake */
int connect_start(struct fabric *base, const struct fabric_connect *c, struct fabric_conn **out, struct err *e);
int connect_accept(struct fabric_conn *conn, const struct fabric_accept *a);
void connect_reject(struct fabric_conn *conn, const void *priv, size_t priv_len);
void connect_msg(struct sim_end *end, enum tell kind, int code);
void connect_event(struct sim_end *end);

/* sim_post.c: the posting side */
int post_op(struct fabric_conn *conn, struct fabric_op *op);
uint32_t post_sq_free(const struct fabric_conn *conn);
void post_flush(struct sim_end *end);
void post_cq_event(struct reactor_timer *t);
void post_retry_event(struct reactor_timer *t);
void post_answer(struct sim_op *sop, enum fabric_wc_status status);

/* sim_exec.c: the side where a posted op takes effect */
void exec_arrived(struct reactor_msg *msg);
void exec_event(struct reactor_timer *t);
void exec_read_event(struct reactor_timer *t);
void exec_drop(struct sim_end *end);
void exec_kick(struct sim_end *end);

/* sim_rx.c: receive buffers */
struct sim_rx *rx_make(struct sim_end *end, uint32_t len);
void rx_event(struct reactor_timer *t);
void rx_purge(struct sim_end *end);
void rx_release(struct fabric_rx *base);
bool rx_low(const struct fabric_conn *conn);

/* sim_check.c: what a user may not do */
int check_op(struct sim_end *end, const struct fabric_op *op);
uint64_t check_sum(const struct fabric_op *op);
uint8_t *check_remote(struct sim_end *end, const struct fabric_wr *wr, uint32_t len);
bool region_has(const struct mem_region *r, const struct sim_fabric *f, const void *addr, uint64_t len);
int expose(struct fabric_conn *conn, void *addr, size_t len_bytes, struct fabric_exposure **out, uint32_t *rkey);
void unexpose(struct fabric_conn *conn, struct fabric_exposure *x);
uint64_t wr_len(const struct fabric_wr *wr);

#endif
