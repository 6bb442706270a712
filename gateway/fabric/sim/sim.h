/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulator: a world of in-process fabrics, for tests. It keeps what reliable connections promise (order within one
 * connection, completions in posting order, data before the message behind it) and permutes everything else by a
 * seed. It judges its users: RDMA outside of what is exposed, memory that changes between post and done, posts after
 * close, and more, each counted as a violation of the fabric that did it.
 *
 * Two modes. Stepped: one thread, virtual clock, deterministic; the world steps the reactors made by
 * sim_reactor_create(). Threaded: reactors run on threads of their own with the real clock.
 * Layer: fabric/sim. Knows base and rt.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "../../base/err.h"
#include "../../rt/fabric.h"
#include "../../rt/reactor.h"

struct sim_world;

/* Delay of one step (executing a work request, delivering a completion, a handshake message). */
struct sim_delays {
	uint32_t none_pct;  /* so many of 100 steps take no time at all */
	uint32_t long_pct;  /* so many of 100 take up to long_ns, the others up to short_ns */
	uint64_t short_ns, long_ns;
};

/* Chances in millionths. May be changed between steps. */
struct sim_faults {
	uint32_t break_ppm;         /* the connection breaks before a work request is executed */
	uint32_t refuse_accept_ppm; /* accept() fails with -ENOMEM */
	uint32_t refuse_expose_ppm; /* expose() fails with -ENOMEM */
	uint32_t lost_login_ppm;    /* a login never arrives */
};

struct sim_params {
	uint64_t seed;
	bool threaded;
	struct sim_delays delays; /* all zero: 60 % none, 3 % up to 2 ms, else up to 20 us; threaded: none */
};

int sim_world_create(const struct sim_params *p, struct sim_world **out) WARN_UNUSED;
/* Everything else is destroyed. */
void sim_world_destroy(struct sim_world *w);

/* A reactor on the world's clock. Stepped: sim_run_until() drives it. The world destroys it. */
int sim_reactor_create(struct sim_world *w, const char *name, struct reactor **out) WARN_UNUSED;

/*
 * Stepped mode. Runs until @cond, at most @limit_ns of virtual time. Return: cond's last answer; false also when
 * nothing is left to happen.
 */
bool sim_run_until(struct sim_world *w, bool (*cond)(void *arg), void *arg, uint64_t limit_ns);
/* Runs until nothing happens for @idle_ns (timers farther off do not count), at most @limit_ns. Return: false at the limit. */
bool sim_run_idle(struct sim_world *w, uint64_t idle_ns, uint64_t limit_ns);
void sim_run_for(struct sim_world *w, uint64_t ns);
uint64_t sim_now_ns(struct sim_world *w);

/* The world's own random numbers: for the stepping thread. Deterministic. */
uint64_t sim_rand(struct sim_world *w);
uint32_t sim_rand_below(struct sim_world *w, uint32_t n); /* 0..n-1; 0 for n = 0 */
bool sim_chance_ppm(struct sim_world *w, uint32_t ppm);
struct sim_faults *sim_faults(struct sim_world *w);

struct sim_stats {
	uint64_t sends, writes, reads, write_bytes, read_bytes;
	uint64_t rnr;       /* a SEND had to wait for a receive */
	uint64_t breaks;    /* connections broken by injected faults */
	uint64_t flushed;   /* ops that completed FLUSHED */
	uint64_t eagain;    /* posts refused for want of send-queue entries */
	uint64_t violations; /* of all fabrics */
	uint32_t n_links;   /* connections with an end that is not closed, or with messages or receive buffers outstanding */
	uint32_t n_rx_held; /* receive buffers that were not released */
	uint32_t n_regions, n_exposures;
};
void sim_stats(struct sim_world *w, struct sim_stats *out);
/* Text of the first violation, or "". */
const char *sim_first_violation(struct sim_world *w);
/* Any thread: also for test doubles that judge. @f may be NULL. */
void sim_violation(struct sim_world *w, struct fabric *f, const char *fmt, ...) PRINTF_LIKE(3, 4);

/**
 * sim_fabric_create() - one host's (or the gateway's) RDMA device.
 * @control: the reactor on which listen, login, accept, ... happen.
 * @limits: zero members get defaults (sq_depth 256, 2 SEND and 8 WRITE/READ segments, 1 GiB per work request, 4 reads, 128
 * receives, 16 KiB receive buffers).
 * @n_spare_rx: receives per connection that its user may hold before the peer runs into RNR; rx_low() tells at half of them.
 */
int sim_fabric_create(struct sim_world *w, const char *name, struct reactor *control, const struct fabric_limits *limits,
		      uint32_t n_spare_rx, struct fabric **out) WARN_UNUSED;
/* Its users describe memory that they do not expose: RDMA that fails there is not held against the peer. Before it connects. */
void sim_fabric_lies(struct fabric *f);
/* Logins to @f have the standard's own layout, as over native InfiniBand. Before it listens. */
void sim_fabric_native(struct fabric *f);
uint64_t sim_fabric_violations(const struct fabric *f);

/* "10.1.0.N:port" and its parse. */
struct fabric_addr sim_addr(uint32_t host, uint16_t port);

/* ---- what may go wrong; on the connection's reactor, or any thread for those that take a fabric ---- */

void sim_conn_break(struct fabric_conn *conn);
/* All connections of the fabric get DOWN_DEVICE, its listeners vanish. */
void sim_fabric_remove_device(struct fabric *base);
/* The fabric's host is dead: nothing of it arrives anywhere, nobody is told; a peer that posts gets an error after a second. */
void sim_fabric_silence(struct fabric *base);

#endif
