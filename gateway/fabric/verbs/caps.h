/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device can do, reduced to the numbers that the fabric works with; pure.
 * Layer: fabric. Knows base, rt and the verbs types.
 */
#ifndef FABRIC_VERBS_CAPS_H
#define FABRIC_VERBS_CAPS_H

#include "verbs.h"

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

enum {
	VERBS_SGE_MAX = 8,      /* segments per work request that we ask of a queue pair */
	VERBS_READS_SERVED = 4, /* READs that a peer may have in flight towards us */
	VERBS_INLINE_WANTED = 256, /* bytes: a response with sense data goes without a DMA read */
	VERBS_CQ_SENDS = 16384, /* completions of sends per queue; more connections get a further queue */
};

struct verbs_caps {
	bool iwarp;      /* one segment per READ, READ sinks need remote write access, the connecting side sends first */
	bool srq;
	uint32_t sq_depth;     /* of fabric_limits; one more is kept for the drain marker */
	uint32_t send_sge, read_sge;
	uint32_t max_wr_bytes; /* longest READ or WRITE */
	uint32_t max_recv;     /* per connection */
	uint32_t n_rx;         /* receive buffers per lane */
	uint32_t recv_cq_depth, send_cq_depth;
	uint8_t rd_init_max;   /* READs in flight from us */
	uint8_t rd_resp_max;   /* READs in flight towards us */
};

/* Fills in the defaults; idempotent. */
void verbs_params_complete(struct verbs_params *p);

/* @max_msg_bytes: longest message of the device's ports (ibv_query_port). @p is complete. */
void verbs_caps_from(const struct ibv_device_attr *a, enum ibv_transport_type transport, uint32_t max_msg_bytes,
		     const struct verbs_params *p, struct verbs_caps *out);

/*
 * Answer to a REQ: @offered is what the peer serves (initiator_depth of the event). A peer that offers nothing gets one
 * READ at a time: a queue pair with depth zero would stall for ever on the first one.
 */
void verbs_accept_param(const struct verbs_caps *c, uint8_t offered, const void *priv, uint8_t priv_len,
			struct rdma_conn_param *out);
/* For the connecting side. */
void verbs_connect_param(const struct verbs_caps *c, const void *priv, uint8_t priv_len, struct rdma_conn_param *out);

#endif
