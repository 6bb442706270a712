/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The objects of the verbs fabric and who owns which part of them.
 *
 *   verbs_fabric ---- verbs_dev (one per ibv_context) ---- verbs_lane (one per device and reactor) ---- verbs_cq
 *        |                                                      |
 *        +---- fabric_listener                                  +---- verbs_rx (receive buffers)
 *        +---- verbs_conn  (device, lane and one completion queue of that lane)
 *
 * "control" marks what only the control reactor touches, "reactor" what only the lane's (the connection's) reactor touches.
 * The two sides of a connection talk by messages that lie in the connection; each is sent at most once, because both
 * state machines only go forward.
 * Layer: fabric. Private to this folder.
 */
#ifndef FABRIC_VERBS_INTERNAL_H
#define FABRIC_VERBS_INTERNAL_H

#include "wr.h"

#define VERBS_REGIONS_MAX 256u
#define VERBS_POLL_BATCH 32
#define VERBS_CONN_BUCKETS 256u

struct verbs_fabric {
	struct fabric base;
	struct reactor *control;
	struct verbs_params params;
	struct rdma_event_channel *channel;
	struct reactor_watch watch;      /* of the channel */
	struct reactor_timer scan_timer; /* looks for devices that went or came */
	struct list devs, listeners, conns;
	struct verbs_region {
		struct mem_region *region; /* NULL: free place */
		struct ibv_mr *mr[MEM_KEY_SLOTS];
	} regions[VERBS_REGIONS_MAX];
	bool slot_used[MEM_KEY_SLOTS];
};

/* ---- control, all of it; caps, slot and pd are constant ---- */
struct verbs_dev {
	struct list_node node;
	struct verbs_fabric *fabric;
	struct ibv_context *ctx;
	char name[32];
	unsigned slot;
	bool held;  /* librdmacm counts us as a user of ctx */
	bool gone;  /* being removed; freed with its last connection and lane */
	struct ibv_pd *pd;
	struct ibv_device_attr attr;
	struct verbs_caps caps;
	struct reactor_watch async_watch;
	struct list lanes;
	uint32_t n_conns;
	uint32_t next_vector; /* completion vector for the next queue */
};

/* A receive buffer. reactor */
struct verbs_rx {
	struct fabric_rx base;
	struct verbs_lane *lane;
	struct verbs_conn *conn; /* own receives: whose it is, posted or held; SRQ: NULL */
	bool with_receiver;
	struct list_node node;   /* of set->free, or conn->early */
};

/* The receive buffers of a lane. reactor, but for the first line */
struct verbs_rx_set {
	uint8_t *base;             /* the arena */
	struct mem_region region;
	struct ibv_srq *srq;       /* NULL: each connection has its own receives */
	struct verbs_rx *rx;       /* n_rx */
	uint32_t n_rx;
	struct list free;          /* not posted, held by nobody */
	uint32_t n_free;
	_Atomic uint32_t n_held;   /* with the receiver; written by the reactor only */
	struct list needy;         /* connections that miss receives */
};

/* One of the two queues of a verbs_cq. reactor */
struct verbs_cq_half {
	struct ibv_cq *cq; /* constant */
	uint32_t n_unacked;
	bool armed;
};

/*
 * Completions of receives and of sends, apart: a receive always wakes a sleeping reactor, a send only when somebody waits for
 * its completion. What nobody waits for is found when the reactor is awake anyway, or by @reap.
 */
struct verbs_cq {
	struct list_node node; /* reactor: of lane->cqs */
	struct verbs_cq *next_made; /* control: of lane->made */
	struct verbs_lane *lane;
	struct verbs_cq_half recv, send;
	struct ibv_comp_channel *channel;
	struct reactor_watch watch;
	struct reactor_msg start_msg;
	uint32_t reserved;  /* control: completions of sends that its connections may leave in it */
	uint32_t n_awaited; /* reactor: reasons to be woken by a send: ops, crowded send queues, draining connections */
	uint32_t n_lazy;    /* reactor: posted ops that are no such reason */
	struct reactor_timer reap; /* reactor */
};

struct verbs_lane {
	struct list_node node; /* control: of dev->lanes */
	struct verbs_dev *dev;
	struct reactor *reactor;
	struct verbs_caps caps;  /* constant copy: the data path must not read the device */
	unsigned slot;
	struct verbs_cq *made;   /* control: all completion queues */
	uint32_t rx_reserved;    /* control: own receives promised to connections */
	bool stop_sent;          /* control */
	struct reactor_msg start_msg, stop_msg, stopped_msg;

	struct reactor_poller poller;
	struct list cqs;
	struct list pending;     /* connections that failed where no callback may run */
	struct list unposted;    /* connections with ops that the device does not have yet */
	struct list conns[VERBS_CONN_BUCKETS]; /* by queue pair number */
	struct verbs_conn *last; /* the connection of the last completion */
	struct verbs_rx_set rx;
	struct verbs_wr_room room;
	bool stopping;
};

/* control: what the connection manager knows. Forward only. */
enum verbs_cm_phase {
	VERBS_CM_LOGIN,   /* handed to login(); waits for accept or reject */
	VERBS_CM_ADDR,    /* active: resolving the address */
	VERBS_CM_ROUTE,   /* active: resolving the route */
	VERBS_CM_ADOPT,   /* queue pair made; the reactor takes it over */
	VERBS_CM_WAIT,    /* accepted or connecting; waits for the peer */
	VERBS_CM_UP,
	VERBS_CM_DOWN,    /* the reactor was told */
	VERBS_CM_CLOSING, /* disconnected, queue pair in error */
	VERBS_CM_GONE,    /* queue pair and id destroyed */
};

/* reactor. Forward only. */
enum verbs_conn_phase {
	VERBS_CONN_NEW,
	VERBS_CONN_OPEN,     /* established() was called */
	VERBS_CONN_DOWN,     /* down() or refused() was called */
	VERBS_CONN_CLOSING,  /* close() was called */
	VERBS_CONN_DRAINING, /* queue pair in error; waits for the last completions */
	VERBS_CONN_DRAINED,  /* the control side destroys the queue pair */
	VERBS_CONN_CLOSED,
};

struct verbs_conn {
	struct fabric_conn base;
	const struct fabric_conn_cbs *cbs;
	void *ctx;

	/* reactor: data path */
	struct verbs_lane *lane;
	struct ibv_qp *qp;
	uint32_t qp_num; /* outlives the queue pair: completions are looked up until closed() */
	uint32_t inline_bytes;
	uint32_t sq_depth, sq_free;
	uint64_t next_seq;
	struct list ops; /* posted, in order */
	struct fabric_op *unposted; /* the first of them that the device does not have, or NULL */
	bool crowded;    /* half of the send queue is in use: somebody may soon wait for room */
	enum verbs_conn_phase phase;
	bool active;     /* we connect */
	bool adopted;
	bool gated;      /* iWARP, passive: nothing may be sent before the first message arrived */
	bool failed;     /* a post failed; down() follows from the poller */
	bool sq_drained, rq_drained;
	uint64_t partial_seq; /* op that was posted in part; 0 = none */
	struct list_node bucket;  /* of lane->conns */
	struct list_node pending; /* of lane->pending */
	struct list_node to_post; /* of lane->unposted */
	struct list_node needy;   /* of lane->rx.needy */
	struct list early;        /* active: received before established() */
	uint32_t rx_posted, rx_out, rx_want; /* own receives: posted; posted or held; promised */
	struct reactor_timer timer;  /* suspicion, then drain */

	/* control */
	struct list_node node; /* of fabric->conns */
	struct verbs_fabric *fabric;
	struct verbs_dev *dev;
	struct verbs_cq *cq;
	struct rdma_cm_id *id;
	enum verbs_cm_phase cm_phase;
	bool tell_last_wqe;
	struct fabric_listener *listener; /* while in VERBS_CM_LOGIN */
	struct reactor_timer cm_timer;    /* active: connection set-up */
	struct fabric_accept params;
	uint32_t cq_reserved;
	uint32_t timeout_ms;
	uint8_t offered_reads;

	/* written by control before the message that hands it over, then the reactor's */
	enum fabric_down cm_cause;
	int refuse_code;
	char why[160];
	uint8_t priv[FABRIC_PRIV_MAX];
	size_t priv_len;

	/* to the reactor */
	struct reactor_msg adopt_msg, up_msg, down_msg, error_msg, last_wqe_msg, gone_msg;
	/* to control */
	struct reactor_msg adopted_msg, close_msg, drained_msg, free_msg;
};

struct fabric_listener {
	struct list_node node;
	struct verbs_fabric *fabric;
	struct rdma_cm_id *id; /* NULL while its device is away */
	struct fabric_addr addr;
	const struct fabric_listen_cbs *cbs;
	void *arg;
	struct reactor_timer retry;
};

struct fabric_exposure {
	struct ibv_mr *mr;
};

static inline struct verbs_fabric *verbs_fabric_of(struct fabric *f)
{
	return container_of(f, struct verbs_fabric, base);
}

static inline struct verbs_conn *verbs_conn_of(struct fabric_conn *c)
{
	return container_of(c, struct verbs_conn, base);
}

extern const struct fabric_ops verbs_ops;

/* ---- device.c (control) ---- */
/* Takes up devices that came and starts the removal of those that went. */
void verbs_dev_scan(struct verbs_fabric *f);
/* Return: NULL when it is not known. */
struct verbs_dev *verbs_dev_find(struct verbs_fabric *f, const struct ibv_context *ctx);
/* The device of @ctx; taken up now if it is new. Return: NULL when it cannot be used. */
struct verbs_dev *verbs_dev_get(struct verbs_fabric *f, struct ibv_context *ctx);
/* The device goes: all its connections go down; it is freed with the last of them. */
void verbs_dev_remove(struct verbs_dev *d);
/* A connection or lane of a device that goes is gone: free what nobody needs any more. */
void verbs_dev_reap(struct verbs_dev *d);
void verbs_dev_free(struct verbs_dev *d);

/* ---- async.c (control) ---- */
int verbs_async_watch(struct verbs_dev *d) WARN_UNUSED;

/* ---- mem.c (control, but for expose) ---- */
int verbs_mem_add(struct fabric *f, struct mem_region *region);
void verbs_mem_del(struct fabric *f, struct mem_region *region);
int verbs_mem_dev_add(struct verbs_dev *d) WARN_UNUSED; /* registers every region with @d */
void verbs_mem_dev_del(struct verbs_dev *d);
int verbs_expose(struct fabric_conn *conn, void *addr, size_t len_bytes, struct fabric_exposure **out, uint32_t *rkey);
void verbs_unexpose(struct fabric_conn *conn, struct fabric_exposure *x);

/* ---- lane.c ---- */
/* control: the lane of (@d, @r), made when it does not exist. Return: 0 or -errno. */
int verbs_lane_get(struct verbs_dev *d, struct reactor *r, struct verbs_lane **out) WARN_UNUSED;
void verbs_lane_stop(struct verbs_lane *l); /* control: leads to verbs_dev_reap() */
void verbs_lane_free(struct verbs_lane *l); /* control, with no reactor running it */
void verbs_lane_try_stopped(struct verbs_lane *l); /* reactor: a receive buffer came back */
struct verbs_conn *verbs_lane_conn(struct verbs_lane *l, uint32_t qp_num); /* reactor; NULL: unknown */

/* ---- cq.c ---- */
void verbs_cq_init(struct verbs_cq *q, struct verbs_lane *l); /* control: of a zeroed one */
/* control: completion queues with room for @n more completions of sends. */
int verbs_cq_get(struct verbs_lane *l, uint32_t n, struct verbs_cq **out) WARN_UNUSED;
void verbs_cq_free(struct verbs_cq *q);  /* control */
void verbs_cq_unwatch(struct verbs_cq *q); /* reactor */
/* reactor: handles up to @max completions of either half. Return: number handled. */
int verbs_cq_poll(struct verbs_cq *q, int max);
int verbs_cq_poll_sends(struct verbs_cq *q); /* reactor */
void verbs_cq_reap_later(struct verbs_cq *q); /* reactor: a lazy op was posted */
int verbs_cq_arm(struct verbs_cq *q); /* reactor. Return: 1 if it is not safe to sleep */

/* ---- rx.c ---- */
int verbs_rx_init(struct verbs_lane *l) WARN_UNUSED; /* control */
void verbs_rx_fini(struct verbs_lane *l);            /* control */
void verbs_rx_refill(struct verbs_lane *l);          /* reactor: posts what is free and missed */
void verbs_rx_conn_open(struct verbs_conn *c);       /* reactor: own receives */
void verbs_rx_conn_gone(struct verbs_conn *c);       /* reactor */
void verbs_rx_done(struct verbs_lane *l, const struct ibv_wc *wc); /* reactor */
void verbs_rx_early(struct verbs_conn *c);           /* reactor: delivers what came before established() */
void verbs_rx_release(struct fabric_rx *rx);
bool verbs_rx_low(const struct fabric_conn *conn);

/* ---- post.c (reactor) ---- */
int verbs_post(struct fabric_conn *conn, struct fabric_op *op);
uint32_t verbs_sq_free(const struct fabric_conn *conn);
void verbs_post_done(struct verbs_conn *c, const struct ibv_wc *wc);
void verbs_post_ungate(struct verbs_conn *c);
void verbs_post_hand_over(struct verbs_conn *c); /* to the device, all that was posted */
int verbs_post_drain_marker(struct verbs_conn *c) WARN_UNUSED;
void verbs_post_flush(struct verbs_conn *c); /* completes what is left */

/* ---- conn.c (reactor side) ---- */
void verbs_conn_init(struct verbs_conn *c, struct verbs_fabric *f, bool active);
void verbs_conn_bind(struct verbs_conn *c, const struct fabric_accept *a);
void verbs_conn_down(struct verbs_conn *c, enum fabric_down cause);
void verbs_conn_suspect(struct verbs_conn *c); /* flushed without a known cause */
void verbs_conn_fail(struct verbs_conn *c);    /* down() from the poller, not from here */
void verbs_conn_drain_step(struct verbs_conn *c);
void verbs_conn_close(struct fabric_conn *conn);

/* ---- cm.c, accept.c, connect.c, listen.c (control) ---- */
int verbs_cm_start(struct verbs_fabric *f, struct err *e) WARN_UNUSED;
void verbs_cm_stop(struct verbs_fabric *f);
void verbs_cm_down(struct verbs_conn *c, enum fabric_down cause); /* tells the reactor, once */
void verbs_cm_refuse(struct verbs_conn *c, int code);               /* with the text in c->why */
void verbs_cm_conn_free(struct verbs_conn *c);

int verbs_conn_make_qp(struct verbs_conn *c) WARN_UNUSED; /* device, lane, completion queue, queue pair */
void verbs_conn_unmake_qp(struct verbs_conn *c);
void verbs_conn_adopt(struct verbs_conn *c);       /* hands the queue pair to the reactor */
void verbs_conn_on_adopted(struct reactor_msg *m); /* handlers of messages to control */
void verbs_conn_on_close(struct reactor_msg *m);
void verbs_conn_on_drained(struct reactor_msg *m);
void verbs_conn_on_free(struct reactor_msg *m);
int verbs_accept(struct fabric_conn *conn, const struct fabric_accept *a);
void verbs_reject(struct fabric_conn *conn, const void *priv, size_t priv_len);
void verbs_limits(struct fabric_conn *conn, struct fabric_limits *out);

int verbs_connect(struct fabric *f, const struct fabric_connect *p, struct fabric_conn **out, struct err *e);
void verbs_connect_event(struct verbs_conn *c, const struct rdma_cm_event *ev);

int verbs_listen(struct fabric *f, const struct fabric_addr *addr, const struct fabric_listen_cbs *cbs, void *arg,
		 struct fabric_listener **out, struct err *e);
void verbs_unlisten(struct fabric_listener *l);
void verbs_listener_request(struct fabric_listener *l, struct rdma_cm_id *id, const struct rdma_conn_param *p);
void verbs_listener_lost(struct fabric_listener *l); /* its device is going */

/* ---- describe.c (control) ---- */
void verbs_describe(struct fabric *f, void (*emit)(void *arg, const char *device, const char *key, const char *value),
		    void *arg);

#endif
