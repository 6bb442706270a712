/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control side of a connection: queue pair made, handed to the reactor, accepted or rejected, disconnected, freed.
 * The reactor adopts a queue pair before the peer hears of it: so no completion can come for a connection that the
 * reactor does not know. Layer: fabric. Control reactor.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MIN_RNR_TIMER = 12 }; /* 0.64 ms. The connection manager leaves it at 0, which means 655 ms */

/* ---- queue pair ---- */

/* A peer that has given up looks like a bad argument. */
static bool peer_is_gone(struct verbs_conn *c)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT };
	int mask;

	return rdma_init_qp_attr(c->id, &attr, &mask) != 0;
}

static int create_qp(struct verbs_conn *c, uint32_t sq_depth)
{
	struct verbs_lane *l = c->lane;
	struct ibv_qp_init_attr want = {
		.qp_context = c,
		.send_cq = c->cq->send.cq,
		.recv_cq = c->cq->recv.cq,
		.srq = l->rx.srq,
		.qp_type = IBV_QPT_RC,
		.cap = {
			.max_send_wr = sq_depth + 1, /* one for the drain marker */
			.max_recv_wr = l->rx.srq ? 0 : c->rx_want,
			.max_send_sge = l->caps.send_sge,
			.max_recv_sge = l->rx.srq ? 0 : 1,
			.max_inline_data = VERBS_INLINE_WANTED,
		},
	}, got = want;

	if (rdma_create_qp(c->id, c->dev->pd, &got)) {
		got = want;
		got.cap.max_inline_data = 0; /* there is no attribute that says how much a device takes */
		if (rdma_create_qp(c->id, c->dev->pd, &got)) {
			int rc = -errno;

			return peer_is_gone(c) ? -ENOTCONN : rc;
		}
	}
	c->qp = c->id->qp;
	c->qp_num = c->qp->qp_num;
	c->sq_depth = c->sq_free = sq_depth;
	c->inline_bytes = got.cap.max_inline_data;
	return 0;
}

int verbs_conn_make_qp(struct verbs_conn *c)
{
	struct verbs_lane *l;
	uint32_t sq_depth = c->params.sq_depth, n_cqe;
	int rc;

	rc = verbs_lane_get(c->dev, c->base.reactor, &l);
	if (rc)
		return rc;
	if (!sq_depth || sq_depth > l->caps.sq_depth)
		sq_depth = l->caps.sq_depth;
	c->lane = l;
	if (!l->rx.srq) {
		c->rx_want = c->params.n_recv < l->caps.max_recv ? c->params.n_recv : l->caps.max_recv;
		if (l->rx_reserved + c->rx_want > l->caps.n_rx) {
			c->rx_want = 0;
			return -ENOBUFS;
		}
		l->rx_reserved += c->rx_want;
	}
	n_cqe = sq_depth + 1;
	rc = verbs_cq_get(l, n_cqe, &c->cq);
	if (!rc) {
		c->cq_reserved = n_cqe;
		c->gated = l->caps.iwarp && !c->active;
		rc = create_qp(c, sq_depth);
	}
	if (rc)
		verbs_conn_unmake_qp(c);
	return rc;
}

static void give_back_reserves(struct verbs_conn *c)
{
	if (c->cq)
		c->cq->reserved -= c->cq_reserved;
	if (c->lane)
		c->lane->rx_reserved -= c->rx_want;
	c->cq_reserved = c->rx_want = 0;
}

void verbs_conn_unmake_qp(struct verbs_conn *c)
{
	if (c->id && c->id->qp)
		rdma_destroy_qp(c->id);
	if (!c->adopted)
		give_back_reserves(c);
}

void verbs_conn_adopt(struct verbs_conn *c)
{
	c->cm_phase = VERBS_CM_ADOPT;
	reactor_send(c->base.reactor, &c->adopt_msg);
}

static void set_rnr_timer(struct verbs_conn *c)
{
	struct ibv_qp_attr attr = { .min_rnr_timer = MIN_RNR_TIMER };

	if (ibv_modify_qp(c->qp, &attr, IBV_QP_MIN_RNR_TIMER))
		log_debug("RDMA device %s: the RNR timer cannot be set: %m", c->dev->name);
}

void verbs_conn_on_adopted(struct reactor_msg *m)
{
	struct verbs_conn *c = container_of(m, struct verbs_conn, adopted_msg);
	struct rdma_conn_param p;
	int rc;

	if (c->cm_phase != VERBS_CM_ADOPT)
		return;
	c->cm_phase = VERBS_CM_WAIT;
	if (c->active) {
		verbs_connect_param(&c->lane->caps, c->priv, (uint8_t)c->priv_len, &p);
		rc = rdma_connect(c->id, &p);
	} else {
		verbs_accept_param(&c->lane->caps, c->offered_reads, c->priv, (uint8_t)c->priv_len, &p);
		rc = rdma_accept(c->id, &p);
	}
	if (!rc) {
		if (!c->active)
			set_rnr_timer(c);
		return;
	}
	rc = -errno;
	if (c->active) {
		snprintf(c->why, sizeof(c->why), "rdma_connect: %s", strerror(-rc));
		verbs_cm_refuse(c, rc);
	} else {
		log_info("RDMA device %s: cannot accept: %s", c->dev->name, strerror(-rc));
		verbs_cm_down(c, FABRIC_DOWN_ERROR);
	}
}

/* ---- fabric_ops ---- */

void verbs_limits(struct fabric_conn *conn, struct fabric_limits *out)
{
	struct verbs_conn *c = verbs_conn_of(conn);
	const struct verbs_caps *k = c->lane ? &c->lane->caps : c->dev ? &c->dev->caps : NULL;
	struct rdma_conn_param p;

	memset(out, 0, sizeof(*out));
	if (!k)
		return; /* connecting, and the route to a device is not known yet */
	verbs_accept_param(k, c->active ? VERBS_READS_SERVED : c->offered_reads, NULL, 0, &p);
	out->sq_depth = k->sq_depth;
	out->max_send_seg = out->max_write_seg = k->send_sge;
	out->max_read_seg = k->read_sge;
	out->max_wr_bytes = k->max_wr_bytes;
	out->max_reads = p.initiator_depth;
	out->max_recv = k->max_recv;
	out->rx_bytes = c->fabric->params.rx_bytes;
}

int verbs_accept(struct fabric_conn *conn, const struct fabric_accept *a)
{
	struct verbs_conn *c = verbs_conn_of(conn);
	int rc;

	if (c->cm_phase != VERBS_CM_LOGIN)
		return -ENOTCONN;
	if (a->priv_len > sizeof(c->priv) || a->priv_len > UINT8_MAX)
		return -EMSGSIZE;
	verbs_conn_bind(c, a);
	rc = verbs_conn_make_qp(c);
	if (rc) {
		if (rc != -ENOTCONN)
			log_warn("RDMA device %s: no queue pair for a login: %s", c->dev->name, strerror(-rc));
		c->lane = NULL;
		c->cq = NULL;
		return rc;
	}
	if (a->priv_len)
		memcpy(c->priv, a->priv, a->priv_len);
	c->priv_len = a->priv_len;
	c->listener = NULL;
	verbs_conn_adopt(c);
	return 0;
}

void verbs_reject(struct fabric_conn *conn, const void *priv, size_t priv_len)
{
	struct verbs_conn *c = verbs_conn_of(conn);

	if (rdma_reject(c->id, priv, priv_len > UINT8_MAX ? UINT8_MAX : (uint8_t)priv_len))
		log_debug("verbs: reject: %m"); /* the peer has given up */
	verbs_cm_conn_free(c);
}

/* ---- the way down ---- */

void verbs_conn_on_close(struct reactor_msg *m)
{
	struct verbs_conn *c = container_of(m, struct verbs_conn, close_msg);
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };

	timer_cancel(c->fabric->control, &c->cm_timer);
	/* Errors mean that there is nothing left to disconnect. */
	if (c->cm_phase >= VERBS_CM_WAIT)
		(void)rdma_disconnect(c->id);
	c->cm_phase = VERBS_CM_CLOSING;
	if (c->qp && ibv_modify_qp(c->qp, &attr, IBV_QP_STATE))
		log_debug("verbs: queue pair to error: %m");
	reactor_send(c->base.reactor, &c->error_msg);
}

void verbs_conn_on_drained(struct reactor_msg *m)
{
	struct verbs_conn *c = container_of(m, struct verbs_conn, drained_msg);

	verbs_conn_unmake_qp(c);
	rdma_destroy_id(c->id);
	c->id = NULL;
	c->cm_phase = VERBS_CM_GONE;
	reactor_send(c->base.reactor, &c->gone_msg);
}

void verbs_conn_on_free(struct reactor_msg *m)
{
	struct verbs_conn *c = container_of(m, struct verbs_conn, free_msg);

	give_back_reserves(c);
	verbs_cm_conn_free(c);
}
