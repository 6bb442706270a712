/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connection set-up: LOGIN to the listener's control reactor, ACCEPT or REFUSE back, CONFIRM after ACCEPT, and CANCEL when
 * the initiator gives up. Whatever meets an end before it is accepted goes through its fabric's control reactor.
 * Layer: fabric/sim. Knows base and rt.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

static void set_params(struct sim_end *end, const struct fabric_accept *a)
{
	const struct fabric_limits *l = &end->f->limits;

	end->base.reactor = a->reactor;
	end->cbs = a->cbs;
	end->ctx = a->ctx;
	end->sq_depth = a->sq_depth && a->sq_depth < l->sq_depth ? a->sq_depth : l->sq_depth;
	end->n_recv = a->n_recv < l->max_recv ? a->n_recv : l->max_recv;
}

static struct sim_fabric *fabric_at(struct sim_world *w, const struct fabric_addr *addr)
{
	struct sim_fabric *f = NULL;

	pthread_mutex_lock(&w->lock);
	list_for_each (n, &w->listeners) {
		struct fabric_listener *l = list_entry(n, struct fabric_listener, node);

		if (l->addr.ss_len == addr->ss_len && !memcmp(&l->addr.ss, &addr->ss, addr->ss_len))
			f = l->f;
	}
	pthread_mutex_unlock(&w->lock);
	return f;
}

int connect_start(struct fabric *base, const struct fabric_connect *c, struct fabric_conn **out, struct err *e)
{
	struct sim_fabric *f = sim_of(base), *dst = fabric_at(f->w, &c->dst);
	struct sim_link *l;
	struct sim_end *end;

	if (c->params.priv_len > FABRIC_PRIV_MAX)
		return err_set(e, -EINVAL, "%zu bytes of private data", c->params.priv_len);
	if (f->removed)
		return err_set(e, -ENODEV, "%s was removed", f->name);
	l = link_create(f);
	if (!l)
		return err_set(e, -ENOMEM, "no memory for a connection");
	end = &l->end[0];
	end_init(end, l, &l->end[1], f);
	if (dst)
		end_init(&l->end[1], l, end, dst);
	set_params(end, &c->params);
	end->state = END_CONNECTING;
	l->dst = c->dst;
	l->priv_len = c->params.priv_len;
	memcpy(l->priv, c->params.priv, l->priv_len);
	/* Who does not say where it is gets an address of its own. */
	end->addr = c->src ? *c->src : sim_addr(0xff00u + (uint32_t)(l->number & 0xff), 0);
	l->silent = f->silent || (dst && dst->silent);
	/* The rest happens on the connection's reactor. The time limit is in end->refuse_code until then. */
	end->refuse_code = (int)(c->timeout_ms ? c->timeout_ms : 10000);
	*out = &end->base;
	end_send(end, end->base.reactor, TELL_START, 0);
	return 0;
}

static void refuse(struct sim_end *end, int code)
{
	if (end->refused || end->state != END_CONNECTING)
		return;
	end->refused = end->broken = end->stopped = true;
	end->refuse_code = code;
	timer_cancel(end->base.reactor, &end->retry_timer);
	if (!end->closing)
		end_event_soon(end);
}

/* On the target's control reactor. */
static void take_login(struct sim_end *end)
{
	struct sim_link *l = end->link;
	struct sim_fabric *f = end->f;
	struct fabric_listener *listener = NULL;

	if (end->cancelled || l->silent)
		return;
	pthread_mutex_lock(&f->w->lock);
	list_for_each (n, &f->w->listeners) {
		struct fabric_listener *o = list_entry(n, struct fabric_listener, node);

		if (o->f == f && o->addr.ss_len == l->dst.ss_len && !memcmp(&o->addr.ss, &l->dst.ss, l->dst.ss_len))
			listener = o;
	}
	pthread_mutex_unlock(&f->w->lock);
	if (!listener || f->removed) {
		end_send(end->peer, end->peer->base.reactor, TELL_REFUSE, -ECONNREFUSED);
		return;
	}
	link_get(l);
	end->base.reactor = f->control;
	end->state = END_PENDING;
	end->addr = l->dst;
	l->login = (struct fabric_login){
		.priv = l->priv,
		.priv_len = l->priv_len,
		.form = f->native ? FABRIC_LOGIN_NATIVE : FABRIC_LOGIN_RDMA_CM,
		.peer = end->peer->addr,
		.local = l->dst,
		.device = f->name,
	};
	listener->cbs->login(listener->arg, &end->base, &l->login);
}

static void take_cancel(struct sim_end *end)
{
	struct sim_link *l = end->link;
	struct fabric_listener *listener = NULL;

	if (end->state == END_NEW || (end->state == END_PENDING && !end->cancelled)) {
		end->cancelled = true;
		if (end->state == END_NEW)
			return;
		pthread_mutex_lock(&end->f->w->lock);
		list_for_each (n, &end->f->w->listeners) {
			struct fabric_listener *o = list_entry(n, struct fabric_listener, node);

			if (o->f == end->f && !memcmp(&o->addr.ss, &l->dst.ss, l->dst.ss_len))
				listener = o;
		}
		pthread_mutex_unlock(&end->f->w->lock);
		if (listener && listener->cbs->gone)
			listener->cbs->gone(listener->arg, &end->base);
	} else if (end->base.reactor) {
		end_send(end, end->base.reactor, TELL_STOP, FABRIC_DOWN_PEER);
	}
}

int connect_accept(struct fabric_conn *conn, const struct fabric_accept *a)
{
	struct sim_end *end = end_of(conn);
	struct sim_link *l = end->link;

	if (!reactor_is_mine(end->f->control) || end->state != END_PENDING) {
		sim_violation(l->w, &end->f->base, "accept() off the control reactor or of what is not a login");
		return -EINVAL;
	}
	if (a->priv_len > FABRIC_PRIV_MAX || a->n_recv > end->f->limits.max_recv) {
		sim_violation(l->w, &end->f->base, "accept() with %zu bytes of private data and %u receives", a->priv_len,
			      a->n_recv);
		return -EINVAL;
	}
	if (end->cancelled || end->f->removed)
		return -ECONNABORTED;
	if (rng_ppm(&end->rng, l->w->faults.refuse_accept_ppm))
		return -ENOMEM;
	set_params(end, a);
	l->answer_len = a->priv_len;
	if (a->priv_len)
		memcpy(l->answer, a->priv, a->priv_len);
	end->state = END_ACCEPTED;
	end_send(end, a->reactor, TELL_START, 0);
	return 0;
}

void connect_reject(struct fabric_conn *conn, const void *priv, size_t priv_len)
{
	struct sim_end *end = end_of(conn);
	struct sim_link *l = end->link;

	if (!reactor_is_mine(end->f->control) || end->state != END_PENDING || priv_len > FABRIC_PRIV_MAX) {
		sim_violation(l->w, &end->f->base, "reject() off the control reactor or of what is not a login");
		return;
	}
	end->state = END_CLOSED;
	l->answer_len = priv_len;
	if (priv_len)
		memcpy(l->answer, priv, priv_len);
	end_send(end->peer, end->peer->base.reactor, TELL_REFUSE, -ECONNREFUSED);
	link_put(l);
}

void connect_msg(struct sim_end *end, enum tell kind, int code)
{
	switch (kind) {
	case TELL_START:
		if (end->state == END_CONNECTING && !end->closing) {
			timer_arm_in(end->base.reactor, &end->retry_timer, (uint64_t)end->refuse_code * NS_PER_MS);
			if (!end->peer->f)
				refuse(end, -ECONNREFUSED);
		}
		if (!end->closing)
			end_event_soon(end);
		break;
	case TELL_LOGIN:
		take_login(end);
		break;
	case TELL_CANCEL:
		take_cancel(end);
		break;
	case TELL_ACCEPT:
		if (end->state != END_CONNECTING || end->refused || end->closing)
			break;
		end->state = END_UP;
		timer_cancel(end->base.reactor, &end->retry_timer);
		end_event_soon(end);
		break;
	case TELL_CONFIRM:
		if (end->state == END_ACCEPTED) {
			end->state = END_UP;
			if (!end->closing)
				end_event_soon(end);
		}
		break;
	case TELL_REFUSE:
		refuse(end, code);
		break;
	default:
		break;
	}
}

/* The next step of the handshake on this end, when its random delay is over. */
void connect_event(struct sim_end *end)
{
	bool is_initiator = end == &end->link->end[0];

	if (is_initiator && end->state == END_CONNECTING && !end->step_sent) {
		end->step_sent = true;
		if (!rng_ppm(&end->rng, end->link->w->faults.lost_login_ppm))
			end_send(end->peer, end->peer->f->control, TELL_LOGIN, 0);
	} else if (!is_initiator && end->state == END_ACCEPTED && !end->step_sent && !end->broken) {
		end->step_sent = true;
		end_send(end->peer, end->peer->base.reactor, TELL_ACCEPT, 0);
	} else if (end->state == END_UP && !end->stop_sent && !end->established_told) {
		end->established_told = true;
		if (is_initiator) {
			end_send(end->peer, end->peer->base.reactor, TELL_CONFIRM, 0);
			end->cbs->established(end->ctx, end->link->answer, end->link->answer_len);
			exec_kick(end);
		} else {
			end->cbs->established(end->ctx, NULL, 0);
		}
	}
}
