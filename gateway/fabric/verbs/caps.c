/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Device attributes reduced to limits, and the parameters of a connection. Pure: no calls into the verbs libraries.
 * Layer: fabric.
 */
#include "caps.h"

#include <string.h>

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Attributes are ints; a driver that reports nothing or nonsense counts as @fallback. */
static uint32_t attr_or(int value, uint32_t fallback)
{
	return value > 0 ? (uint32_t)value : fallback;
}

void verbs_params_complete(struct verbs_params *p)
{
	if (!p->rx_bytes)
		p->rx_bytes = 8448;
	p->rx_bytes = (p->rx_bytes + 63) & ~63u;
	if (!p->rx_buffers)
		p->rx_buffers = 1024;
	if (!p->sq_depth)
		p->sq_depth = 512;
}

void verbs_caps_from(const struct ibv_device_attr *a, enum ibv_transport_type transport, uint32_t max_msg_bytes,
		     const struct verbs_params *p, struct verbs_caps *out)
{
	uint32_t max_wr = attr_or(a->max_qp_wr, 64), max_sge = attr_or(a->max_sge, 1), cqes;

	memset(out, 0, sizeof(*out));
	out->iwarp = transport == IBV_TRANSPORT_IWARP;
	/* An iWARP peer has no RNR NAK: an empty shared queue would cost every connection. */
	out->srq = !p->no_srq && !out->iwarp && a->max_srq > 0 && a->max_srq_wr > 0;
	out->sq_depth = min_u32(p->sq_depth, max_wr > 1 ? max_wr - 1 : 1);
	out->send_sge = min_u32(max_sge, VERBS_SGE_MAX);
	out->read_sge = out->iwarp ? 1 : min_u32(attr_or(a->max_sge_rd, max_sge), out->send_sge);
	out->max_wr_bytes = max_msg_bytes ? min_u32(max_msg_bytes, 1u << 30) : 1u << 20;
	cqes = attr_or(a->max_cqe, 1024);
	out->n_rx = out->srq ? min_u32(p->rx_buffers, attr_or(a->max_srq_wr, 1)) : p->rx_buffers;
	out->n_rx = min_u32(out->n_rx, cqes); /* any queue may get the completions of them all */
	out->max_recv = out->srq ? out->n_rx : min_u32(out->n_rx, max_wr);
	out->recv_cq_depth = out->n_rx;
	out->send_cq_depth = min_u32(VERBS_CQ_SENDS, cqes);
	out->rd_init_max = (uint8_t)min_u32(attr_or(a->max_qp_init_rd_atom, 1), 128);
	out->rd_resp_max = (uint8_t)min_u32(attr_or(a->max_qp_rd_atom, 1), VERBS_READS_SERVED);
}

static void conn_param(const struct verbs_caps *c, const void *priv, uint8_t priv_len, struct rdma_conn_param *out)
{
	memset(out, 0, sizeof(*out));
	out->private_data = priv;
	out->private_data_len = priv_len;
	out->responder_resources = c->rd_resp_max;
	out->flow_control = 1;
	out->retry_count = 7;
	out->rnr_retry_count = 7; /* for ever: an empty receive queue is a delay, not a failure */
	out->srq = c->srq;
}

void verbs_accept_param(const struct verbs_caps *c, uint8_t offered, const void *priv, uint8_t priv_len,
			struct rdma_conn_param *out)
{
	conn_param(c, priv, priv_len, out);
	out->initiator_depth = (uint8_t)min_u32(offered ? offered : 1, c->rd_init_max);
}

void verbs_connect_param(const struct verbs_caps *c, const void *priv, uint8_t priv_len, struct rdma_conn_param *out)
{
	conn_param(c, priv, priv_len, out);
	out->initiator_depth = (uint8_t)min_u32(VERBS_READS_SERVED, c->rd_init_max);
}
