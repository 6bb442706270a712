/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A scripted fabric for the tests of core: the test plays the host. It hands logins and IUs in, sees every posted op,
 * and says when and how each completes; RDMA moves real bytes of the test's memory.
 */
#ifndef TESTS_UNIT_CORE_FAKE_FABRIC_H
#define TESTS_UNIT_CORE_FAKE_FABRIC_H

#include "../../../gateway/core/core.h"

#define FAKE_MAX_SENT 4096u
#define FAKE_MAX_CONNS 512u
#define FAKE_IU_BYTES 512u

struct fake_iu {
	uint32_t len;
	bool solicited;
	uint8_t data[FAKE_IU_BYTES];
};

struct fake_conn {
	struct fabric_conn base;
	struct fake_fabric *fab;
	bool accepted, rejected, closing, closed, down_told, broken;
	bool manual; /* posted ops wait for fake_complete(); else fake_step() completes them */
	const struct fabric_conn_cbs *cbs;
	void *ctx;
	uint8_t reply[256]; /* LOGIN_RSP or LOGIN_REJ */
	size_t reply_len;
	uint32_t n_recv, sq_depth;
	struct list posted;
	uint32_t n_posted, n_wr_posted;
	struct fake_iu *sent; /* what the gateway sent, oldest first */
	uint32_t n_sent, n_seen; /* n_seen: the test's */
	uint64_t n_read_wr, n_write_wr, read_bytes, write_bytes;
	uint32_t largest_chain;
};

struct fake_fabric {
	struct fabric base;
	struct reactor *reactor;
	struct fabric_limits limits;
	struct fake_conn *conn[FAKE_MAX_CONNS];
	uint32_t n_conns;
	bool rx_low;
	int accept_rc;        /* what accept() returns */
	long fail_post_at;    /* the n-th post from now fails (0: never); ... */
	int fail_post_rc;     /* ... with this */
	long n_posts;
	uint32_t n_rx_held;
	const uint8_t *mem;   /* the host's memory: RDMA elsewhere is a failure of the test */
	size_t mem_bytes;
	uint64_t n_stray;     /* RDMA outside of it, or after close */
	uint32_t rkey;
};

void fake_fabric_init(struct fake_fabric *f, struct reactor *r);
void fake_fabric_free(struct fake_fabric *f);

/* A LOGIN_REQ arrives from @peer ("10.0.0.1"). Return: the connection; the answer comes when the reactor runs. */
struct fake_conn *fake_login(struct fake_fabric *f, struct core *c, const char *peer, const void *priv, size_t len,
			     enum fabric_login_form form);
void fake_gone(struct fake_conn *c, struct core *core);
void fake_established(struct fake_conn *c);
/* The host sends an IU. */
void fake_send(struct fake_conn *c, const void *iu, size_t len);
/* The connection breaks: posted ops are flushed, down() is told. */
void fake_break(struct fake_conn *c, enum fabric_down why);
/* Completes the oldest posted op; OK moves the data. Return: false if there is none. */
bool fake_complete(struct fake_conn *c, enum fabric_wc_status status);
/* Completes what may complete and closes what is closing. Return: number of events. */
unsigned fake_step(struct fake_fabric *f);

/* The next IU that the test has not looked at, or NULL. */
const struct fake_iu *fake_next(struct fake_conn *c);

#endif
