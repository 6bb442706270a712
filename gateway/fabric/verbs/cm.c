/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connection manager's event channel, and how its news reach a connection's reactor.
 * Layer: fabric. Control reactor.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

enum { EVENTS_PER_WAKE = 64 };

void verbs_cm_down(struct verbs_conn *c, enum fabric_down cause)
{
	if (c->cm_phase >= VERBS_CM_DOWN)
		return;
	if (c->cm_phase == VERBS_CM_LOGIN) {
		struct fabric_listener *l = c->listener;

		c->cm_phase = VERBS_CM_DOWN;
		c->listener = NULL;
		if (l && l->cbs->gone)
			l->cbs->gone(l->arg, &c->base);
		return;
	}
	c->cm_phase = VERBS_CM_DOWN;
	c->cm_cause = cause;
	timer_cancel(c->fabric->control, &c->cm_timer);
	reactor_send(c->base.reactor, &c->down_msg);
}

void verbs_cm_refuse(struct verbs_conn *c, int code)
{
	c->refuse_code = code;
	verbs_cm_down(c, FABRIC_DOWN_REFUSED);
}

void verbs_cm_conn_free(struct verbs_conn *c)
{
	struct verbs_dev *d = c->dev;

	timer_cancel(c->fabric->control, &c->cm_timer);
	if (c->id)
		rdma_destroy_id(c->id);
	list_del(&c->node);
	free(c);
	if (d) {
		d->n_conns--;
		verbs_dev_reap(d);
	}
}

/* ---- events ---- */

static struct fabric_listener *listener_of(struct verbs_fabric *f, const struct rdma_cm_id *id)
{
	list_for_each(n, &f->listeners) {
		struct fabric_listener *l = list_entry(n, struct fabric_listener, node);

		if (l->id == id)
			return l;
	}
	return NULL;
}

static void device_removal(struct verbs_fabric *f, struct rdma_cm_id *id)
{
	struct fabric_listener *l = listener_of(f, id);
	struct verbs_conn *c = l ? NULL : id->context;
	struct verbs_dev *d = id->verbs ? verbs_dev_find(f, id->verbs) : NULL;

	if (l)
		verbs_listener_lost(l);
	if (d)
		verbs_dev_remove(d);
	else if (c)
		verbs_cm_down(c, FABRIC_DOWN_DEVICE);
}

static void established(struct verbs_conn *c, const struct rdma_cm_event *ev)
{
	if (c->cm_phase != VERBS_CM_WAIT)
		return;
	c->cm_phase = VERBS_CM_UP;
	if (c->active)
		verbs_connect_event(c, ev);
	reactor_send(c->base.reactor, &c->up_msg);
}

/* @ev is a copy: the original was acknowledged, so that a handler may destroy the id. */
static void event(struct verbs_fabric *f, const struct rdma_cm_event *ev)
{
	struct verbs_conn *c = ev->id->context;

	switch (ev->event) {
	case RDMA_CM_EVENT_CONNECT_REQUEST:
		verbs_listener_request(ev->listen_id->context, ev->id, &ev->param.conn);
		break;
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		device_removal(f, ev->id);
		break;
	case RDMA_CM_EVENT_ESTABLISHED:
		established(c, ev);
		break;
	case RDMA_CM_EVENT_DISCONNECTED:
	case RDMA_CM_EVENT_TIMEWAIT_EXIT:
		verbs_cm_down(c, FABRIC_DOWN_PEER);
		break;
	case RDMA_CM_EVENT_ADDR_RESOLVED:
	case RDMA_CM_EVENT_ADDR_ERROR:
	case RDMA_CM_EVENT_ROUTE_RESOLVED:
	case RDMA_CM_EVENT_ROUTE_ERROR:
		verbs_connect_event(c, ev);
		break;
	case RDMA_CM_EVENT_CONNECT_ERROR:
	case RDMA_CM_EVENT_UNREACHABLE:
	case RDMA_CM_EVENT_REJECTED:
		if (c->active && c->cm_phase < VERBS_CM_UP)
			verbs_connect_event(c, ev);
		else
			verbs_cm_down(c, FABRIC_DOWN_ERROR);
		break;
	default:
		break;
	}
}

static void on_channel(struct reactor_watch *w, uint32_t revents)
{
	struct verbs_fabric *f = container_of(w, struct verbs_fabric, watch);

	(void)revents;
	for (int i = 0; i < EVENTS_PER_WAKE; i++) {
		struct rdma_cm_event *ev, copy;
		uint8_t priv[UINT8_MAX];

		if (rdma_get_cm_event(f->channel, &ev)) {
			if (errno != EAGAIN && errno != EINTR)
				log_warn("RDMA connection manager: %m");
			return;
		}
		copy = *ev;
		if (ev->param.conn.private_data && ev->param.conn.private_data_len) {
			memcpy(priv, ev->param.conn.private_data, ev->param.conn.private_data_len);
			copy.param.conn.private_data = priv;
		} else {
			copy.param.conn.private_data = NULL;
			copy.param.conn.private_data_len = 0;
		}
		rdma_ack_cm_event(ev);
		event(f, &copy);
	}
}

int verbs_cm_start(struct verbs_fabric *f, struct err *e)
{
	int flags, rc;

	f->channel = rdma_create_event_channel();
	if (!f->channel) {
		rc = errno ? -errno : -ENODEV;
		err_set(e, rc, "cannot open the RDMA connection manager: %s", strerror(-rc));
		err_cure(e, "modprobe rdma_ucm, and check the rights on /dev/infiniband");
		return rc;
	}
	flags = fcntl(f->channel->fd, F_GETFL);
	f->watch.fn = on_channel;
	f->watch.fd = f->channel->fd;
	f->watch.events = EPOLLIN;
	if (flags < 0 || fcntl(f->channel->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		rc = -errno;
	else
		rc = reactor_watch_add(f->control, &f->watch);
	if (rc) {
		rdma_destroy_event_channel(f->channel);
		return err_set(e, rc, "cannot watch the RDMA connection manager: %s", strerror(-rc));
	}
	return 0;
}

void verbs_cm_stop(struct verbs_fabric *f)
{
	reactor_watch_del(f->control, &f->watch);
	rdma_destroy_event_channel(f->channel);
}
