/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connecting side: address, route, queue pair, connection, and why it was refused.
 * Layer: fabric. Control reactor.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Reject reasons of the InfiniBand connection manager (IBTA 12.6.7.2). */
enum { REJ_INVALID_SERVICE_ID = 8, REJ_STALE_CONNECTION = 10, REJ_CONSUMER_DEFINED = 28 };

static void peer_str(const struct verbs_conn *c, char buf[FABRIC_ADDR_STRLEN])
{
	struct fabric_addr a = { .ss_len = sizeof(a.ss) };

	a.ss = c->id->route.addr.dst_storage;
	fabric_addr_str(&a, buf);
}

static void on_timeout(struct reactor_timer *t)
{
	struct verbs_conn *c = container_of(t, struct verbs_conn, cm_timer);
	char peer[FABRIC_ADDR_STRLEN];

	peer_str(c, peer);
	snprintf(c->why, sizeof(c->why), "no answer from %s within %u ms", peer, c->timeout_ms);
	verbs_cm_refuse(c, -ETIMEDOUT);
}

static void refuse_step(struct verbs_conn *c, const char *what, int status)
{
	char peer[FABRIC_ADDR_STRLEN];

	peer_str(c, peer);
	if (status >= 0)
		status = -EIO;
	snprintf(c->why, sizeof(c->why), "%s %s: %s", what, peer, strerror(-status));
	verbs_cm_refuse(c, status);
}

static void keep_priv(struct verbs_conn *c, const struct rdma_cm_event *ev)
{
	c->priv_len = ev->param.conn.private_data_len;
	if (c->priv_len)
		memcpy(c->priv, ev->param.conn.private_data, c->priv_len);
}

static void rejected(struct verbs_conn *c, const struct rdma_cm_event *ev)
{
	char peer[FABRIC_ADDR_STRLEN];

	peer_str(c, peer);
	keep_priv(c, ev);
	switch (ev->status) {
	case REJ_CONSUMER_DEFINED:
		snprintf(c->why, sizeof(c->why), "%s rejected the connection", peer);
		break;
	case REJ_INVALID_SERVICE_ID:
		snprintf(c->why, sizeof(c->why), "nothing listens at %s", peer);
		break;
	case REJ_STALE_CONNECTION:
		snprintf(c->why, sizeof(c->why), "%s says that the connection is stale; try again", peer);
		break;
	default:
		snprintf(c->why, sizeof(c->why), "%s rejected the connection (reason %d)", peer, ev->status);
	}
	verbs_cm_refuse(c, ev->status < 0 ? ev->status : -ECONNREFUSED); /* iWARP gives a negative errno */
}

/* The route is known, and with it the device. */
static void route_resolved(struct verbs_conn *c)
{
	int rc;

	c->dev = verbs_dev_get(c->fabric, c->id->verbs);
	if (!c->dev) {
		snprintf(c->why, sizeof(c->why), "the RDMA device of the route cannot be used");
		verbs_cm_refuse(c, -ENODEV);
		return;
	}
	c->dev->n_conns++;
	rc = verbs_conn_make_qp(c);
	if (!rc) {
		verbs_conn_adopt(c);
		return;
	}
	snprintf(c->why, sizeof(c->why), "cannot make a queue pair on %s: %s", c->dev->name, strerror(-rc));
	verbs_cm_refuse(c, rc);
}

void verbs_connect_event(struct verbs_conn *c, const struct rdma_cm_event *ev)
{
	if (c->cm_phase >= VERBS_CM_DOWN)
		return;
	switch (ev->event) {
	case RDMA_CM_EVENT_ADDR_RESOLVED:
		c->cm_phase = VERBS_CM_ROUTE;
		if (rdma_resolve_route(c->id, (int)c->timeout_ms))
			refuse_step(c, "no route to", -errno);
		break;
	case RDMA_CM_EVENT_ADDR_ERROR:
		refuse_step(c, "no RDMA device reaches", ev->status);
		break;
	case RDMA_CM_EVENT_ROUTE_RESOLVED:
		route_resolved(c);
		break;
	case RDMA_CM_EVENT_ROUTE_ERROR:
		refuse_step(c, "no route to", ev->status);
		break;
	case RDMA_CM_EVENT_ESTABLISHED:
		timer_cancel(c->fabric->control, &c->cm_timer);
		keep_priv(c, ev);
		break;
	case RDMA_CM_EVENT_REJECTED:
		rejected(c, ev);
		break;
	case RDMA_CM_EVENT_UNREACHABLE:
		refuse_step(c, "no answer from", ev->status);
		break;
	default:
		refuse_step(c, "cannot connect to", ev->status);
	}
}

static int start(struct verbs_conn *c, const struct fabric_connect *p, struct err *e)
{
	struct sockaddr_storage dst = p->dst.ss, src;
	char peer[FABRIC_ADDR_STRLEN];
	int rc;

	if (rdma_create_id(c->fabric->channel, &c->id, c, RDMA_PS_TCP)) {
		rc = -errno;
		return err_set(e, rc, "cannot open a connection: %s", strerror(-rc));
	}
	if (p->src)
		src = p->src->ss;
	if (rdma_resolve_addr(c->id, p->src ? (struct sockaddr *)&src : NULL, (struct sockaddr *)&dst,
			      (int)c->timeout_ms)) {
		rc = -errno;
		err_set(e, rc, "no RDMA device reaches %s: %s", fabric_addr_str(&p->dst, peer), strerror(-rc));
		err_cure(e, "check the address, and that its interface has an RDMA device (rdma link show)");
		return rc;
	}
	return 0;
}

int verbs_connect(struct fabric *fabric, const struct fabric_connect *p, struct fabric_conn **out, struct err *e)
{
	struct verbs_fabric *f = verbs_fabric_of(fabric);
	struct verbs_conn *c;
	int rc;

	if (p->params.priv_len > sizeof(c->priv) || p->params.priv_len > UINT8_MAX)
		return err_set(e, -EMSGSIZE, "too much private data");
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(e, -ENOMEM, "out of memory");
	verbs_conn_init(c, f, true);
	verbs_conn_bind(c, &p->params);
	c->cm_phase = VERBS_CM_ADDR;
	c->timeout_ms = p->timeout_ms ? p->timeout_ms : 10000;
	timer_init(&c->cm_timer, on_timeout);
	if (p->params.priv_len)
		memcpy(c->priv, p->params.priv, p->params.priv_len);
	c->priv_len = p->params.priv_len;
	rc = start(c, p, e);
	if (rc) {
		verbs_cm_conn_free(c);
		return rc;
	}
	timer_arm_in(f->control, &c->cm_timer, c->timeout_ms * NS_PER_MS);
	*out = &c->base;
	return 0;
}
