/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The objects of the iWARP fabric and who owns which part of them.
 *
 *   iwarp_fabric ---- fabric_listener
 *        |      `---- iwarp_conn while it starts up (control)
 *        `---- iwarp_lane (one per reactor) ---- iwarp_conn from accept or connect on (its reactor)
 *                                           `--- iwarp_rx (receive buffers)
 *
 * A connection belongs to the control reactor until accept() or connect() hands it over with its one message,
 * adopt_msg; from then on its lane's reactor owns all of it, and frees it after closed(). Callbacks may re-enter
 * post(), close() and rx_release(), so these only take note: the work is done by the lane's poller, at the end of the
 * same iteration. Layer: fabric. Private to this folder.
 */
#ifndef FABRIC_IWARP_INTERNAL_H
#define FABRIC_IWARP_INTERNAL_H

#include "fpdu.h"
#include "iwarp.h"
#include "mpa_negotiate.h"
#include "rdmap.h"
#include "stag.h"

#define IWARP_STAGING_BYTES 65536u
#define IWARP_SEGS_MAX 32u
#define IWARP_WR_BYTES_MAX (64u << 20)
#define IWARP_RX_BYTES_MAX (1u << 20)

struct iwarp_fabric {
	struct fabric base;
	struct reactor *control;
	struct iwarp_params params;   /* completed */
	struct list listeners;        /* control */
	struct list starting;         /* control: connections that no reactor owns yet */
	struct list lanes;            /* control */
	uint32_t n_half_open;         /* control */
	_Atomic uint32_t n_conns;
	uint64_t starts_refused_total; /* control: malformed, too slow, too many */
};

/* Written by the lane's reactor, read by control for the status. */
struct iwarp_counters {
	_Atomic uint64_t conns, rx_held;
	_Atomic uint64_t send_calls_total, send_bytes_total, recv_calls_total, recv_bytes_total;
	_Atomic uint64_t terminates_sent_total, terminates_received_total, cut_off_total, starved_total;
};

static inline void iwarp_count(_Atomic uint64_t *c, int64_t n)
{
	/* One writer only. */
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + (uint64_t)n, memory_order_relaxed);
}

/* A receive buffer. reactor */
struct iwarp_rx {
	struct fabric_rx base;
	struct iwarp_lane *lane;
	struct iwarp_conn *conn; /* whose share it counts in; NULL when that is gone */
	struct list_node node;   /* of lane->rx_free or conn->rx_held */
};

/* reactor, but for what says otherwise */
struct iwarp_lane {
	struct list_node node; /* control: of fabric->lanes */
	struct iwarp_fabric *fabric;
	struct reactor *reactor;
	bool started;
	struct reactor_poller poller;
	struct reactor_timer tick;  /* looks after slow peers */
	struct list conns;
	struct list work;           /* connections with something to do */
	struct list starved;        /* connections that wait for a receive buffer */
	uint8_t *staging;           /* IWARP_STAGING_BYTES: what a read call brings besides payload in place */

	struct mem_region rx_region;
	struct iwarp_rx *rx;
	uint32_t n_rx, n_rx_free;
	struct list rx_free;

	uint32_t random[64];
	uint32_t n_random;
	struct iwarp_counters count;
};

/* Forward only. */
enum iwarp_phase {
	/* control */
	IWARP_START,    /* the MPA request is arriving */
	IWARP_LOGIN,    /* handed to login(); waits for accept or reject */
	IWARP_REJECTED, /* the reject is sent; the peer closes */
	/* reactor */
	IWARP_CONNECT,  /* active: TCP is connecting */
	IWARP_REPLY,    /* active: the MPA reply is to come */
	IWARP_UP,
	IWARP_LAST,     /* what is still to go goes, then our FIN */
	IWARP_DRAIN,    /* our FIN is out; waits for theirs */
	IWARP_DEAD,     /* the socket is closed */
};

/* A posted op. */
struct iwarp_sqe {
	struct fabric_op *op;
	uint64_t end;        /* stream offset behind its last FPDU; valid when built */
	uint32_t reads_left; /* READs built and not answered, or not built */
	bool built;
	enum fabric_wc_status status;
};

/* A Read Request that we sent. */
struct iwarp_orqe {
	struct iwarp_sqe *sqe; /* NULL: ready-to-receive message */
	const struct fabric_seg *seg;
	uint32_t n_seg;
	uint32_t stag, size_bytes;
	/* progress */
	uint32_t placed_bytes;
};

/* A Read Request that the peer sent. */
struct iwarp_irqe {
	struct rdmap_read_req req;
};

enum iwarp_tx_msg { IWARP_TX_NONE, IWARP_TX_SQ, IWARP_TX_RESP };

struct iwarp_tx {
	/* ring of posted ops; positions only grow */
	struct iwarp_sqe *sq;
	uint32_t sq_size;                /* power of two */
	uint32_t sq_head, sq_next, sq_tail; /* oldest posted, next to be built, next free */
	uint32_t sq_free;                /* work requests that may still be posted */
	/* outbound Reads */
	struct iwarp_orqe *orq;
	uint32_t orq_size, orq_head, orq_tail;
	/* inbound Reads */
	struct iwarp_irqe *irq;
	uint32_t irq_size, irq_head, irq_tail;

	/* the message being cut into FPDUs */
	enum iwarp_tx_msg msg;
	enum iwarp_tx_msg turn;          /* who begins the next message, when both could */
	const struct fabric_wr *wr;      /* of sq[sq_next]; NULL: its first */
	uint32_t len_bytes, done_bytes;
	uint32_t seg, seg_off;
	uint32_t send_msn, read_msn;

	struct fpdu_batch *batch;
	uint32_t iov_at;                 /* first entry that is not sent whole */
	uint64_t sent;                   /* stream offset that TCP has taken */
	uint32_t emss, mulpdu;
	uint64_t emss_at_ns;
	uint64_t stalled_ns;             /* since when TCP takes nothing; 0: it does */
	bool gated;                      /* passive: nothing may be sent before the first FPDU came (RFC 5044 7.1.2) */
	bool rtr_due;                    /* active, peer-to-peer: the ready-to-receive message goes first */
	bool stop;                       /* build nothing more */
	enum term_cause term;            /* to be sent; TERM_NONE: none */
	bool term_built;
	uint8_t term_body[TERM_BODY_MAX];
	uint32_t term_len;
};

enum iwarp_rx_stage { IWARP_RX_HEADER, IWARP_RX_CLAIM, IWARP_RX_PAYLOAD, IWARP_RX_TRAILER };

#define IWARP_HDR_MAX (FPDU_LENGTH_LEN + DDP_UNTAGGED_LEN)
#define IWARP_SMALL_BYTES 64u

struct iwarp_rxs {
	enum iwarp_rx_stage stage;
	uint32_t have, need;        /* header or trailer bytes */
	uint8_t hdr[IWARP_HDR_MAX]; /* with the length field */
	uint8_t trailer[8];
	uint32_t ulpdu_len;
	uint32_t crc;
	struct ddp_hdr ddp;
	enum term_cause fault;      /* found in the header; told when the CRC has been checked */
	/* payload of this FPDU and where it goes */
	uint32_t left;
	const struct fabric_seg *seg;
	uint32_t n_seg;             /* 0: nowhere */
	uint32_t seg_off;
	struct fabric_seg one;
	uint32_t placed_stag;       /* exposure that the payload goes to, 0: none */
	uint8_t small[IWARP_SMALL_BYTES];
	uint32_t small_len;
	/* between FPDUs */
	struct iwarp_rx *cur;       /* Send being put together */
	uint32_t cur_len;
	uint32_t send_msn, read_msn;
	uint64_t frame_since_ns;    /* a message has begun and is not whole; 0: none */
	uint64_t read_since_ns;     /* last progress of the oldest outstanding Read */
	uint8_t *spill;             /* IWARP_STAGING_BYTES: read, but not to be looked at yet */
	uint32_t spill_at, spill_len;
	bool parked;                /* no receive buffer */
	uint32_t bulk;              /* counts down from the last long FPDU: read little more than payload in place */
};

struct iwarp_conn {
	struct fabric_conn base;
	struct iwarp_fabric *fabric;
	struct iwarp_lane *lane;
	const struct fabric_conn_cbs *cbs;
	void *ctx;
	struct list_node node;    /* of fabric->starting, later of lane->conns */
	struct list_node work;    /* of lane->work */
	struct list_node starved; /* of lane->starved */
	struct list rx_held;      /* receive buffers that it is charged for */
	uint32_t n_rx_held, n_recv;
	enum iwarp_phase phase;
	bool active, adopted, up_told, down_told, closing, failed;
	int fd;
	struct reactor_watch watch;
	struct reactor_timer timer;
	struct reactor_msg adopt_msg;
	struct fabric_addr peer;

	/* start-up */
	struct fabric_listener *listener; /* START, LOGIN */
	bool half_open, gone_told;
	struct mpa_frame req, reply;
	struct mpa_terms terms;
	uint8_t frame[MPA_FRAME_MAX];
	size_t frame_have, frame_need;
	uint32_t timeout_ms;

	struct stag_table stags;
	struct iwarp_tx tx;
	struct iwarp_rxs rx;
};

struct fabric_listener {
	struct list_node node;
	struct iwarp_fabric *fabric;
	const struct fabric_listen_cbs *cbs;
	void *arg;
	struct fabric_addr addr;
	struct reactor_watch watch;
	struct reactor_timer retry; /* out of descriptors */
};

struct fabric_exposure {
	uint32_t stag; /* never dereferenced: the pointer itself carries the STag */
};

static inline struct iwarp_fabric *iwarp_fabric_of(struct fabric *f)
{
	return container_of(f, struct iwarp_fabric, base);
}

static inline struct iwarp_conn *iwarp_conn_of(struct fabric_conn *c)
{
	return container_of(c, struct iwarp_conn, base);
}

static inline uint64_t iwarp_now(const struct iwarp_conn *c)
{
	return reactor_now_ns(c->base.reactor);
}

extern const struct fabric_ops iwarp_ops;

/* ---- socket.c: any thread ---- */
/* Options of a connection's socket. */
void iwarp_socket_tune(int fd, const struct iwarp_params *p);
/*
 * To be called before listen() or connect() at @a: inside the machine there is no congestion, so algorithms that send by
 * the clock (BBR) only set a timer for each segment, and no delay that a long queue would have to cover.
 */
void iwarp_socket_at_home(int fd, const struct fabric_addr *a);
void iwarp_addr_of_peer(int fd, struct fabric_addr *a);
void iwarp_addr_of_local(int fd, struct fabric_addr *a);
uint32_t iwarp_socket_emss(int fd);
/* What TCP would take as one write. Return: 0 when all of it was taken. */
int iwarp_socket_send_all(int fd, const void *data, size_t len) WARN_UNUSED;

/* Reads no more than the start-up frame: what follows are FPDUs. Return: 0 whole, -EAGAIN, or -errno. */
int iwarp_frame_read(struct iwarp_conn *c) WARN_UNUSED;

/* ---- lane.c ---- */
/* control: the lane of @r, made when it does not exist. Return: 0 or -ENOMEM. */
int iwarp_lane_get(struct iwarp_fabric *f, struct reactor *r, struct iwarp_lane **out) WARN_UNUSED;
void iwarp_lane_free(struct iwarp_lane *l);  /* control, with no reactor running it */
void iwarp_lane_start(struct iwarp_lane *l); /* reactor: harmless when started */
/* reactor: iwarp_conn_work() will be called before the reactor sleeps. */
static inline void iwarp_lane_want(struct iwarp_conn *c)
{
	if (!list_linked(&c->work))
		list_push_back(&c->lane->work, &c->work);
}
/* reactor: something has a deadline. */
void iwarp_lane_watchdog(struct iwarp_lane *l);
uint32_t iwarp_lane_random(struct iwarp_lane *l);

/* ---- rx_buffer.c (reactor, but for init and fini) ---- */
int iwarp_rx_init(struct iwarp_lane *l) WARN_UNUSED;
void iwarp_rx_fini(struct iwarp_lane *l);
struct iwarp_rx *iwarp_rx_get(struct iwarp_conn *c); /* NULL: none is free, or the connection has its share */
void iwarp_rx_put(struct iwarp_rx *rx);
void iwarp_rx_orphan(struct iwarp_conn *c);
void iwarp_rx_release(struct fabric_rx *rx);
bool iwarp_rx_low(const struct fabric_conn *conn);

/* ---- conn.c ---- */
/* control. Return: NULL without memory. Sends and receives are allocated at accept or connect: iwarp_conn_equip(). */
struct iwarp_conn *iwarp_conn_new(struct iwarp_fabric *f, int fd, bool active);
int iwarp_conn_equip(struct iwarp_conn *c, const struct fabric_accept *a) WARN_UNUSED;
void iwarp_conn_free(struct iwarp_conn *c); /* its owner; closes the socket */
void iwarp_conn_hand_over(struct iwarp_conn *c, void (*adopt)(struct reactor_msg *m));
/* reactor */
void iwarp_conn_adopt(struct iwarp_conn *c);
void iwarp_conn_half_up(struct iwarp_conn *c); /* FPDUs may go and come, and the user does not know */
void iwarp_conn_up(struct iwarp_conn *c, const void *priv, size_t priv_len); /* negotiated: full operation */
void iwarp_conn_events(struct iwarp_conn *c, uint32_t events); /* what to watch for */
void iwarp_conn_dead(struct iwarp_conn *c, enum fabric_down cause); /* the socket goes now; may call down() */
void iwarp_conn_fail(struct iwarp_conn *c);  /* the same with an error, from where no callback may run */
void iwarp_conn_last(struct iwarp_conn *c);  /* send what is still to go, then FIN; bounded */
void iwarp_conn_down(struct iwarp_conn *c, enum fabric_down cause); /* tells the user, once */
void iwarp_conn_work(struct iwarp_conn *c);  /* may free it */
void iwarp_conn_check(struct iwarp_conn *c, uint64_t now_ns); /* deadlines */
bool iwarp_conn_has_deadline(const struct iwarp_conn *c);
void iwarp_conn_close(struct fabric_conn *conn);

/* ---- listen.c, login.c, connect.c (control; connect.c later the reactor) ---- */
int iwarp_listen(struct fabric *f, const struct fabric_addr *addr, const struct fabric_listen_cbs *cbs, void *arg,
		 struct fabric_listener **out, struct err *e);
void iwarp_unlisten(struct fabric_listener *l);
/* A socket was accepted; takes it. */
void iwarp_login_begin(struct fabric_listener *l, int fd, const struct fabric_addr *peer);
void iwarp_login_drop(struct iwarp_conn *c); /* ends a start-up that was not handed to login() */
int iwarp_accept(struct fabric_conn *conn, const struct fabric_accept *a);
void iwarp_reject(struct fabric_conn *conn, const void *priv, size_t priv_len);
int iwarp_connect(struct fabric *f, const struct fabric_connect *p, struct fabric_conn **out, struct err *e);
void iwarp_connect_ready(struct iwarp_conn *c); /* reactor: the socket has news */
void iwarp_connect_timeout(struct iwarp_conn *c);

/* ---- post.c (reactor) ---- */
int iwarp_post(struct fabric_conn *conn, struct fabric_op *op);
uint32_t iwarp_sq_free(const struct fabric_conn *conn);
void iwarp_sq_complete(struct iwarp_conn *c); /* calls done() for what is done, in order */
void iwarp_sq_flush(struct iwarp_conn *c);    /* the rest, when the socket is closed */

/* ---- tx_build.c, tx.c (reactor) ---- */
void iwarp_tx_build(struct iwarp_conn *c); /* fills an empty batch */
bool iwarp_tx_pending(const struct iwarp_conn *c); /* something can be built now */
void iwarp_tx_run(struct iwarp_conn *c);
void iwarp_tx_begin(struct iwarp_conn *c); /* full operation begins */

/* ---- rx.c, rx_place.c (reactor) ---- */
void iwarp_rx_run(struct iwarp_conn *c);     /* the socket is readable */
void iwarp_rx_resume(struct iwarp_conn *c);  /* a receive buffer may be free again */
void iwarp_rx_begin(struct iwarp_conn *c);
enum iwarp_rx_go { IWARP_RX_GO, IWARP_RX_STARVED };
/* A header is complete: decides where its payload goes, or sets rx.fault. */
enum iwarp_rx_go iwarp_rx_place(struct iwarp_conn *c);
/* An FPDU is complete and good: acts. */
void iwarp_rx_deliver(struct iwarp_conn *c);

/* ---- reads.c (reactor) ---- */
/* A Read Request has arrived whole and in order. */
void iwarp_read_request(struct iwarp_conn *c, const uint8_t body[RDMAP_READ_REQ_LEN]);
struct iwarp_orqe *iwarp_orq_oldest(struct iwarp_conn *c); /* NULL: none */
struct iwarp_orqe *iwarp_orq_push(struct iwarp_conn *c, struct iwarp_sqe *sqe, const struct fabric_wr *wr,
				  uint32_t size_bytes);
bool iwarp_orq_has(const struct iwarp_conn *c, uint32_t stag); /* any that is outstanding */
void iwarp_orq_done(struct iwarp_conn *c); /* the oldest is answered */

/* ---- terminate.c (reactor) ---- */
/*
 * The peer broke a rule, or we cannot go on: says so to the peer and takes the connection down.
 * @ddp: header of the segment at fault, with its length field, or NULL; @read_req: body of the Read Request at fault,
 * or NULL.
 */
void iwarp_terminate(struct iwarp_conn *c, enum term_cause cause, const uint8_t *ddp, const uint8_t *read_req);
void iwarp_terminated(struct iwarp_conn *c, const uint8_t *body, size_t len); /* the peer says so */

/* ---- expose.c ---- */
int iwarp_expose(struct fabric_conn *conn, void *addr, size_t len_bytes, struct fabric_exposure **out, uint32_t *rkey);
void iwarp_unexpose(struct fabric_conn *conn, struct fabric_exposure *x);

/* ---- fabric.c, describe.c (control) ---- */
struct mpa_local iwarp_local_wants(const struct iwarp_params *p);
void iwarp_limits(struct fabric_conn *conn, struct fabric_limits *out);
void iwarp_describe(struct fabric *f, void (*emit)(void *arg, const char *device, const char *key, const char *value),
		    void *arg);

#endif
