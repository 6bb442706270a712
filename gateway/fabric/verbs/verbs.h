/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RDMA fabric on libibverbs and librdmacm: InfiniBand, RoCE and iWARP adapters, soft RoCE included.
 * Listeners are IPv4 or IPv6 (an IPv6 listener takes IPv6 only, so that [::] and 0.0.0.0 go together).
 * Layer: fabric. Knows base and rt; no SRP here.
 */
#ifndef FABRIC_VERBS_VERBS_H
#define FABRIC_VERBS_VERBS_H

#include "../../rt/fabric.h"

/* Zero means the default. */
struct verbs_params {
	uint32_t rx_bytes;   /* size of a receive buffer; rounded up to 64; default 8448 (IUs of 8276 bytes and more) */
	uint32_t rx_buffers; /* receive buffers per device and reactor; default 1024 */
	uint32_t sq_depth;   /* largest send queue of a connection, work requests; default 512 */
	bool no_srq;         /* give each connection its own receives; also the way of devices without shared receive queues */
};

/**
 * verbs_fabric_create() - open every RDMA device and the connection manager.
 * @control: reactor for listen, accept, connect, mem_* and all that may block; it need not run yet.
 * @p: NULL for the defaults; copied.
 * @out: the fabric; free it with ops->destroy(), when all connections are closed and the connections' reactors do not
 *	run any more (or are the calling thread). It polls them for the last messages, so not from inside a callback.
 * Devices that appear later are taken up when a first connection comes over them, or within two seconds.
 * Return: 0; -ENODEV (no device, or no connection manager in the kernel), -EACCES, -ENOMEM, with @e.
 */
int verbs_fabric_create(struct reactor *control, const struct verbs_params *p, struct fabric **out,
			struct err *e) WARN_UNUSED;

#endif
