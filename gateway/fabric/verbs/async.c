/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asynchronous events of a device. Each is acknowledged before it is handled: destroying a queue pair waits for the
 * acknowledgements of its events.
 * Layer: fabric. Control reactor.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>

/* Only queue pairs that exist have events in the queue, so the pointer in qp_context is good. */
static void qp_event(struct verbs_dev *d, enum ibv_event_type type, struct verbs_conn *c)
{
	switch (type) {
	case IBV_EVENT_COMM_EST: /* a message came before the peer's RTU: it proves as much */
		if (c->cm_phase == VERBS_CM_WAIT)
			rdma_notify(c->id, IBV_EVENT_COMM_EST);
		break;
	case IBV_EVENT_QP_LAST_WQE_REACHED:
		if (!c->tell_last_wqe) {
			c->tell_last_wqe = true;
			reactor_send(c->base.reactor, &c->last_wqe_msg);
		}
		break;
	case IBV_EVENT_QP_FATAL:
	case IBV_EVENT_QP_REQ_ERR:
	case IBV_EVENT_QP_ACCESS_ERR:
		log_warn("RDMA device %s: queue pair 0x%x: %s", d->name, c->qp_num, ibv_event_type_str(type));
		verbs_cm_down(c, FABRIC_DOWN_ERROR);
		break;
	default:
		break;
	}
}

static void cq_event(struct verbs_dev *d, const struct ibv_cq *cq)
{
	log_error("RDMA device %s: completion queue error; its connections are closed", d->name);
	list_for_each_safe(n, &d->fabric->conns) {
		struct verbs_conn *c = list_entry(n, struct verbs_conn, node);

		if (c->cq && (c->cq->recv.cq == cq || c->cq->send.cq == cq))
			verbs_cm_down(c, FABRIC_DOWN_ERROR);
	}
}

/* Return: false when the device goes; it may be freed by then. */
static bool event(struct verbs_dev *d, const struct ibv_async_event *ev)
{
	switch (ev->event_type) {
	case IBV_EVENT_QP_FATAL:
	case IBV_EVENT_QP_REQ_ERR:
	case IBV_EVENT_QP_ACCESS_ERR:
	case IBV_EVENT_COMM_EST:
	case IBV_EVENT_QP_LAST_WQE_REACHED:
		if (ev->element.qp->qp_context)
			qp_event(d, ev->event_type, ev->element.qp->qp_context);
		break;
	case IBV_EVENT_CQ_ERR:
		cq_event(d, ev->element.cq);
		break;
	case IBV_EVENT_SRQ_ERR:
		log_error("RDMA device %s: shared receive queue error", d->name);
		verbs_dev_remove(d);
		return false;
	case IBV_EVENT_DEVICE_FATAL:
		verbs_dev_remove(d);
		return false;
	case IBV_EVENT_PORT_ACTIVE:
	case IBV_EVENT_PORT_ERR:
		log_info("RDMA device %s port %d: %s", d->name, ev->element.port_num, ibv_event_type_str(ev->event_type));
		break;
	default:
		break;
	}
	return true;
}

static void on_async(struct reactor_watch *w, uint32_t revents)
{
	struct verbs_dev *d = container_of(w, struct verbs_dev, async_watch);

	(void)revents;
	for (int i = 0; i < 64; i++) {
		struct ibv_async_event ev;

		if (ibv_get_async_event(d->ctx, &ev)) {
			/* A dead device answers with an error for ever. */
			if (errno != EAGAIN && errno != EINTR)
				(void)!reactor_watch_mod(d->fabric->control, w, 0);
			return;
		}
		ibv_ack_async_event(&ev);
		if (!event(d, &ev))
			return;
	}
}

int verbs_async_watch(struct verbs_dev *d)
{
	int flags = fcntl(d->ctx->async_fd, F_GETFL);

	if (flags < 0 || fcntl(d->ctx->async_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	d->async_watch.fn = on_async;
	d->async_watch.fd = d->ctx->async_fd;
	d->async_watch.events = EPOLLIN;
	return reactor_watch_add(d->fabric->control, &d->async_watch);
}
