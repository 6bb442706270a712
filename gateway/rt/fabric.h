/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The operations that core/ and initiator/ need from an RDMA fabric (verbs, user-space iWARP, the simulator).
 * This is the only way to the wire.
 *
 * Threads. A fabric is created with a control reactor: listen, login, accept, reject, connect, mem_* run there.
 * accept and connect name the connection's own reactor; from then on its callbacks run there, and post, close,
 * rx_release are called there. The two may be the same reactor (srpio, the simulator).
 *
 * Life of a connection (target side):
 *
 *   login() --accept()--> established() ... recv()* ... down() --close()--> closed()
 *      \----reject()          (recv may precede established)
 *
 * Initiator side: connect() --> established() | refused(), then as above; refused() counts as down().
 * down() comes at most once, and not after close(). close() must be called exactly once, after down() or instead
 * of waiting for it. closed() comes exactly once, after close(), and is the last callback: by then done() was called
 * for every posted op and no RDMA of this connection can touch local or remote memory any more. The connection is
 * freed when closed() returns.
 *
 * Layer: rt. Knows base and libc: no verbs types here.
 */
#ifndef RT_FABRIC_H
#define RT_FABRIC_H

#include "../base/err.h"
#include "pool.h"
#include "reactor.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define FABRIC_PRIV_MAX 512u

struct fabric;
struct fabric_listener;
struct fabric_conn;
struct fabric_exposure;

/* An endpoint: IPv4, IPv6, or native InfiniBand (AF_IB, 27: the kernel's struct sockaddr_ib, with GID and P_Key). */
struct fabric_addr {
	struct sockaddr_storage ss;
	socklen_t ss_len;
};
#define FABRIC_ADDR_STRLEN 64
/* "10.0.0.1:5555", "[fe80::1%2]:5555" (zone as a number), "ib:GID", "unknown"; pure. Return: @buf. */
const char *fabric_addr_str(const struct fabric_addr *a, char buf[FABRIC_ADDR_STRLEN]);
/*
 * Numeric host (brackets optional for IPv6; a link-local one may name its zone, "%eth0" or "%2") and port in host byte
 * order. Return: 0 or -EINVAL.
 */
int fabric_addr_parse(const char *host, uint16_t port, struct fabric_addr *out) WARN_UNUSED;
/*
 * Same host, whatever the port: what an I_T nexus is bound to. IPv4 equals its IPv4-mapped IPv6 form; an address of no
 * known family equals nothing, itself included.
 */
bool fabric_addr_same_host(const struct fabric_addr *a, const struct fabric_addr *b);

enum fabric_wc_status {
	FABRIC_WC_OK,
	FABRIC_WC_FLUSHED,       /* not carried out, or unknown: the connection went down */
	FABRIC_WC_REMOTE_ACCESS, /* the peer's memory refused; the connection goes down */
	FABRIC_WC_ERROR,         /* any other failure; the connection goes down */
};

enum fabric_opcode { FABRIC_SEND, FABRIC_WRITE, FABRIC_READ };

enum {
	FABRIC_SOLICITED = 1, /* SEND: raise the peer's solicited event */
	FABRIC_FENCE = 2,     /* start only when the READs before it have completed */
};

/* A piece of local memory. */
struct fabric_seg {
	void *addr;
	uint32_t len_bytes;
	const struct mem_region *region;
};

/* One work request. READ: remote -> segs; WRITE: segs -> remote. SEND: segs make one information unit. */
struct fabric_wr {
	struct fabric_wr *next; /* next of the same op, or NULL */
	enum fabric_opcode opcode;
	uint8_t flags;
	uint16_t n_seg;
	const struct fabric_seg *seg;
	uint64_t remote_addr; /* READ, WRITE */
	uint32_t rkey;
};

#define FABRIC_LAZY_MS 10u

/*
 * A chain of work requests that is posted at once and completes once. The poster owns the op and all that it
 * points at, and leaves them untouched from a successful post() to done().
 */
struct fabric_op {
	struct fabric_wr *first;
	uint32_t n_wr;
	/*
	 * Nobody waits for done(): it may come up to FABRIC_LAZY_MS after the completion, which need wake nobody.
	 */
	bool lazy;
	bool late; /* the fabric's, for done(): it comes when it came to light, which says nothing about the time of completion */
	/* On the connection's reactor, in posting order, never from inside post(). */
	void (*done)(struct fabric_op *op, enum fabric_wc_status status);
	struct list_node node; /* the fabric's while posted */
	uint64_t fabric_private;
};

/* A received information unit in a receive buffer that its receiver holds until rx_release(), even beyond closed(). */
struct fabric_rx {
	uint8_t *data;
	uint32_t len_bytes; /* bytes that arrived */
	const struct mem_region *region;
};

struct fabric_limits {
	uint32_t sq_depth;       /* work requests that may be posted at once */
	uint32_t max_send_seg, max_write_seg, max_read_seg; /* segments per work request (iWARP: 1 per READ) */
	uint32_t max_wr_bytes;   /* longest READ or WRITE */
	uint32_t max_reads;      /* READs in flight that the peer serves; more just wait */
	uint32_t max_recv;       /* receives of one connection; bounds the request limit */
	uint32_t rx_bytes;       /* size of a receive buffer: longest IU that can arrive */
};

enum fabric_down {
	FABRIC_DOWN_PEER,    /* the peer disconnected */
	FABRIC_DOWN_ERROR,   /* transport error, retries exhausted, remote access error */
	FABRIC_DOWN_DEVICE,  /* the device is being removed */
	FABRIC_DOWN_REFUSED, /* only with refused() */
};

/* On the connection's reactor; @ctx as given to accept()/connect(). */
struct fabric_conn_cbs {
	/* @priv: private data of the reply (initiator), or NULL; valid during the call. */
	void (*established)(void *ctx, const void *priv, size_t priv_len);
	/* Initiator only. @code: negative errno; @why: borrowed text; @priv: private data of the reject, may be empty. */
	void (*refused)(void *ctx, int code, const char *why, const void *priv, size_t priv_len);
	void (*recv)(void *ctx, struct fabric_rx *rx);
	void (*down)(void *ctx, enum fabric_down cause);
	void (*closed)(void *ctx);
};

/* Which LOGIN_REQ layout the private data has (decided by the listener's family). */
enum fabric_login_form { FABRIC_LOGIN_RDMA_CM, FABRIC_LOGIN_NATIVE };

struct fabric_login {
	const void *priv; /* valid during the call */
	size_t priv_len;  /* bytes that arrived; the transport may have padded with zeros */
	enum fabric_login_form form;
	struct fabric_addr peer, local;
	const char *device; /* for the status: "rxe0", "tcp", "sim"; lives as long as the fabric */
};

struct fabric_listen_cbs {
	/* Control reactor. Must lead, now or later, to exactly one accept() or reject() of @conn. */
	void (*login)(void *arg, struct fabric_conn *conn, const struct fabric_login *login);
	/* Control reactor. The peer gave up on @conn before accept()/reject(): still call reject(). May be NULL. */
	void (*gone)(void *arg, struct fabric_conn *conn);
};

struct fabric_accept {
	struct reactor *reactor;
	const struct fabric_conn_cbs *cbs;
	void *ctx;
	const void *priv; /* reply's private data (LOGIN_RSP) */
	size_t priv_len;
	uint32_t n_recv; /* receives to keep posted (request limit + reserve) */
	uint32_t sq_depth; /* wanted send-queue depth, at most limits.sq_depth */
};

struct fabric_connect {
	struct fabric_addr dst;
	const struct fabric_addr *src; /* NULL = any */
	struct fabric_accept params;   /* as for accept(); priv is the LOGIN_REQ */
	uint32_t timeout_ms;           /* for the whole connection set-up */
};

struct fabric_ops {
	const char *name; /* "verbs", "iwarp", "sim" */

	/* ---- control reactor ---- */

	/* Return: 0 or -errno with @e (address in use, no such device, ...). */
	int (*listen)(struct fabric *f, const struct fabric_addr *addr, const struct fabric_listen_cbs *cbs, void *arg,
		      struct fabric_listener **out, struct err *e);
	/* No login() after it returns; logins handed out before are still to be answered. */
	void (*unlisten)(struct fabric_listener *l);

	/* Limits of the device behind @conn; also valid for the conn of a login(). */
	void (*limits)(struct fabric_conn *conn, struct fabric_limits *out);

	/*
	 * Return: 0: callbacks will come, possibly before it returns to the caller's thread. -errno: no callback
	 * will come; @conn is still to be reject()ed.
	 */
	int (*accept)(struct fabric_conn *conn, const struct fabric_accept *a);
	/* Answers with private data (LOGIN_REJ) and frees @conn. */
	void (*reject)(struct fabric_conn *conn, const void *priv, size_t priv_len);

	/* Return: 0: established() or refused() will come. -errno with @e: nothing will come. */
	int (*connect)(struct fabric *f, const struct fabric_connect *c, struct fabric_conn **out, struct err *e);

	/*
	 * Registers a region with every device, present and future; fills region->key[]. Call before any op uses it;
	 * not on a data reactor. mem_del only when nothing uses it.
	 */
	int (*mem_add)(struct fabric *f, struct mem_region *region);
	void (*mem_del)(struct fabric *f, struct mem_region *region);

	/*
	 * Initiator: lets the peer of @conn READ and WRITE [addr, addr+len); the remote address is (uint64_t)addr.
	 * Connection's reactor or control. @rkey: what goes into a memory descriptor.
	 */
	int (*expose)(struct fabric_conn *conn, void *addr, size_t len_bytes, struct fabric_exposure **out, uint32_t *rkey);
	void (*unexpose)(struct fabric_conn *conn, struct fabric_exposure *x);

	/* ---- the connection's reactor ---- */

	/*
	 * Return: 0: done() will come once, whatever happens (a chain that was posted in part is completed with an
	 * error and the connection goes down). -EAGAIN: not enough free send-queue entries, nothing posted. A fabric may
	 * collect ops until the reactor's iteration ends, and hand them to the device together.
	 * -ENOTCONN and others: nothing posted; the connection is going down.
	 */
	int (*post)(struct fabric_conn *conn, struct fabric_op *op);
	/* Free send-queue entries now. It grows only when a done() is called. */
	uint32_t (*sq_free)(const struct fabric_conn *conn);
	void (*rx_release)(struct fabric_rx *rx);
	/* True when so many receive buffers are held that a holder should copy out and release. */
	bool (*rx_low)(const struct fabric_conn *conn);
	/*
	 * Disconnects: no recv() after it returns, posted ops complete (FLUSHED where they were not done), then
	 * closed(). Bounded: closed() comes within 2 s even if the peer is dead.
	 */
	void (*close)(struct fabric_conn *conn);

	/* ---- anywhere before threads run, or on control when all connections are closed ---- */
	void (*destroy)(struct fabric *f);

	/*
	 * Devices and listeners as (key, value) lines for the status document; control reactor. May be NULL.
	 */
	void (*describe)(struct fabric *f, void (*emit)(void *arg, const char *device, const char *key, const char *value),
			 void *arg);
};

/* Every fabric begins with its operations. */
struct fabric {
	const struct fabric_ops *ops;
};

/* Every connection begins with its operations and the reactor it lives on. */
struct fabric_conn {
	const struct fabric_ops *ops;
	struct reactor *reactor;
};

#endif
