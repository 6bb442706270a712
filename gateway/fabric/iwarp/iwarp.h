/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iWARP in user space over plain TCP: MPA (RFC 5044, RFC 6581), DDP (RFC 5041) and RDMAP (RFC 5040). No RDMA device, no
 * kernel module. Listeners are IPv4 or IPv6 (an IPv6 listener takes IPv6 only, so that [::] and 0.0.0.0 go together).
 * Layer: fabric. Knows base and rt; no SRP here.
 */
#ifndef FABRIC_IWARP_IWARP_H
#define FABRIC_IWARP_IWARP_H

#include "../../rt/fabric.h"

/* Zero means the default. */
struct iwarp_params {
	uint32_t rx_bytes;   /* size of a receive buffer; rounded up to 64; default 8448 (IUs of 8276 bytes and more) */
	uint32_t rx_buffers; /* receive buffers per reactor, shared by its connections; default 2048 */
	uint32_t sq_depth;   /* largest send queue of a connection, work requests; default 512 */
	uint32_t reads;      /* RDMA Reads outstanding per connection and direction, 1..128; default 16 */
	/*
	 * Do not ask for CRCs; they are used all the same when the peer asks. For hosts with Linux' siw behind
	 * something that cuts TCP segments anew (a proxy, a user-mode network): siw finds CRC errors where a segment
	 * ends inside of a CRC.
	 */
	bool no_crc;
	/*
	 * Longest ULPDU, 128..64768; default: what fits into a TCP segment, as RFC 5044 4.5 wants it. More is quicker
	 * with peers that are software, and may break those that are not.
	 */
	uint32_t max_ulpdu;
	uint8_t revision;    /* of MPA requests, when connecting: 1 or 2; default 2 */
	uint8_t p2p_rtr;     /* when connecting: ready-to-receive messages to offer: 1 Send, 2 Write, 4 Read; or none */

	/* Patience with peers, milliseconds. */
	uint32_t startup_timeout_ms; /* a whole MPA request; a peer-to-peer initiator's first message; default 5000 */
	uint32_t frame_timeout_ms;   /* a message that has begun to arrive; default 10000 */
	uint32_t send_timeout_ms;    /* the peer takes nothing of what waits to be sent; default 15000 */
	uint32_t read_timeout_ms;    /* no byte of the Read Responses that are due; default 30000 */
	uint32_t dead_peer_ms;       /* no sign of life: TCP_USER_TIMEOUT, and keepalive when idle; default 20000 */

	/* Start-ups that did not reach login() yet; more are closed at once. */
	uint32_t max_half_open;          /* default 256 */
	uint32_t max_half_open_per_host; /* default 64 */
	uint32_t max_conns;              /* connections of any kind; default 1024 */
};

/**
 * iwarp_fabric_create() - make the fabric; no socket is opened yet.
 * @control: reactor for listen, accept, connect; it need not run yet.
 * @p: NULL for the defaults; copied.
 * @out: the fabric; free it with ops->destroy(), when all connections are closed and the connections' reactors do not
 *	run any more (or are the calling thread).
 * Memory needs no registration: mem_add() and mem_del() do nothing.
 * Return: 0; -EINVAL, -ENOMEM, with @e.
 */
int iwarp_fabric_create(struct reactor *control, const struct iwarp_params *p, struct fabric **out,
			struct err *e) WARN_UNUSED;

#endif
