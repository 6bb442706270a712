/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A link's life: references, messages between its ends, and how an end breaks, stops and closes.
 *
 * An end that breaks or is closed sends STOP; the other lets go of everything that the first posted, answers STOPPED, and
 * breaks, too. After STOPPED nothing of the sender's memory is touched by the other's thread: then what is
 * still posted is flushed, and closed() may be told.
 * Layer: fabric/sim. Knows base and rt.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

struct sim_link *link_create(struct sim_fabric *f)
{
	struct sim_link *l = calloc(1, sizeof(*l));
	struct sim_world *w = f->w;

	if (!l)
		return NULL;
	l->w = w;
	l->refs = 1;
	w->n_links++;
	pthread_mutex_lock(&w->lock);
	l->number = w->next_link++;
	list_push_back(&w->links, &l->node);
	pthread_mutex_unlock(&w->lock);
	return l;
}

void link_get(struct sim_link *l)
{
	l->refs++;
}

void link_put(struct sim_link *l)
{
	struct sim_world *w = l->w;

	if (--l->refs)
		return;
	pthread_mutex_lock(&w->lock);
	list_del(&l->node);
	pthread_mutex_unlock(&w->lock);
	for (int k = 0; k < 2; k++) {
		free(l->end[k].exposure);
		if (!l->end[k].f)
			continue; /* nobody was there */
		list_for_each_safe (n, &l->end[k].spare)
			free(list_entry(n, struct sim_op, posted));
	}
	free(l);
	w->n_links--;
}

static void end_event(struct reactor_timer *t);

void end_init(struct sim_end *end, struct sim_link *l, struct sim_end *peer, struct sim_fabric *f)
{
	end->base.ops = f->base.ops;
	end->link = l;
	end->peer = peer;
	end->f = f;
	end->rng.s = l->w->p.seed ^ (l->number * 2 + (uint64_t)(end == &l->end[1])) * 0x9e3779b97f4a7c15ull;
	list_init(&end->posted);
	list_init(&end->spare);
	list_init(&end->in);
	list_init(&end->reads);
	list_init(&end->rxq);
	timer_init(&end->cq_timer, post_cq_event);
	timer_init(&end->retry_timer, post_retry_event);
	timer_init(&end->exec_timer, exec_event);
	timer_init(&end->read_timer, exec_read_event);
	timer_init(&end->rx_timer, rx_event);
	timer_init(&end->event_timer, end_event);
}

/* ---- messages ---- */

static void deliver(struct reactor_msg *base)
{
	struct sim_msg *m = container_of(base, struct sim_msg, msg);
	struct sim_end *end = m->to;

	switch (m->kind) {
	case TELL_STOP:
		end_stop(end, (enum fabric_down)m->code);
		break;
	case TELL_STOPPED:
		end_stopped(end);
		break;
	case TELL_REMOVED:
		if (end->base.reactor)
			end_send(end, end->base.reactor, TELL_KILL, 0);
		break;
	case TELL_KILL:
		if (end->state == END_CONNECTING)
			connect_msg(end, TELL_REFUSE, -ENODEV);
		end_break(end, FABRIC_DOWN_DEVICE);
		break;
	default:
		connect_msg(end, m->kind, m->code);
	}
	link_put(end->link);
	free(m);
}

void end_send(struct sim_end *to, struct reactor *on, enum tell kind, int code)
{
	struct sim_msg *m = calloc(1, sizeof(*m));

	if (!m)
		abort(); /* a test program without memory has nothing to say */
	link_get(to->link);
	m->msg.fn = deliver;
	m->to = to;
	m->kind = kind;
	m->code = code;
	reactor_send(on, &m->msg);
}

/* ---- events told to the user ---- */

void end_event_soon(struct sim_end *end)
{
	if (!timer_armed(&end->event_timer))
		timer_arm_in(end->base.reactor, &end->event_timer, sim_delay_ns(end));
}

static void end_event(struct reactor_timer *t)
{
	struct sim_end *end = container_of(t, struct sim_end, event_timer);

	if (end->closing) {
		end_maybe_closed(end);
		return;
	}
	if (end->refused) {
		if (!end->down_told) {
			end->down_told = true;
			end->cbs->refused(end->ctx, end->refuse_code, strerror(-end->refuse_code), end->link->answer,
					  end->link->answer_len);
		}
		return;
	}
	connect_event(end);
	if (!end->down_wanted || end->down_told || end->closing)
		return;
	/* What arrived before the end is delivered before the end. */
	if (!list_empty(&end->rxq)) {
		end_event_soon(end);
		return;
	}
	end->down_told = true;
	if (end == &end->link->end[0] && !end->established_told)
		end->cbs->refused(end->ctx, -ECONNRESET, strerror(ECONNRESET), "", 0);
	else
		end->cbs->down(end->ctx, end->cause);
}

/* ---- breaking, stopping ---- */

static bool is_connected(const struct sim_end *end)
{
	return end->state == END_ACCEPTED || end->state == END_UP;
}

void end_break(struct sim_end *end, enum fabric_down cause)
{
	if (end->broken || !is_connected(end))
		return;
	end->broken = true;
	end->cause = cause;
	timer_cancel(end->base.reactor, &end->exec_timer);
	timer_cancel(end->base.reactor, &end->read_timer);
	timer_cancel(end->base.reactor, &end->retry_timer);
	end->stop_sent = true;
	end_send(end->peer, end->peer->base.reactor, TELL_STOP, end->closing ? FABRIC_DOWN_PEER : FABRIC_DOWN_ERROR);
	if (!end->closing) {
		end->down_wanted = true;
		end_event_soon(end);
	}
}

/* The peer posts nothing any more and wants its memory back. */
void end_stop(struct sim_end *end, enum fabric_down cause)
{
	exec_drop(end);
	end_send(end->peer, end->peer->base.reactor, TELL_STOPPED, 0);
	if (end->state == END_CONNECTING) {
		connect_msg(end, TELL_REFUSE, -ECONNRESET);
		return;
	}
	if (!end->link->silent)
		end_break(end, cause);
}

void end_stopped(struct sim_end *end)
{
	if (end->state == END_CLOSED)
		return;
	end->stopped = true;
	post_flush(end);
	end_maybe_closed(end);
}

void sim_conn_break(struct fabric_conn *conn)
{
	end_of(conn)->link->w->breaks++;
	end_break(end_of(conn), FABRIC_DOWN_ERROR);
}

/* ---- closing ---- */

void end_close(struct fabric_conn *conn)
{
	struct sim_end *end = end_of(conn);

	if (!reactor_is_mine(conn->reactor))
		sim_violation(end->link->w, &end->f->base, "close() off the connection's reactor");
	if (end->closing || end->state == END_CLOSED) {
		sim_violation(end->link->w, &end->f->base, "close() twice");
		return;
	}
	end->closing = true;
	rx_purge(end);
	timer_cancel(end->base.reactor, &end->event_timer);
	if (end->state == END_CONNECTING) {
		if (!end->refused && end->peer->f)
			end_send(end->peer, end->peer->f->control, TELL_CANCEL, 0);
		end->broken = end->stopped = true;
	} else if (end->broken) {
		; /* STOP is on its way */
	} else {
		end_break(end, FABRIC_DOWN_PEER);
	}
	end_event_soon(end);
}

void end_maybe_closed(struct sim_end *end)
{
	struct reactor *r = end->base.reactor;
	uint32_t n_leaked = 0;

	if (!end->closing || !end->stopped || end->state == END_CLOSED || !list_empty(&end->posted))
		return;
	/* Never from inside a call of the user. */
	if (timer_armed(&end->event_timer))
		return;
	end->state = END_CLOSED;
	timer_cancel(r, &end->cq_timer);
	timer_cancel(r, &end->retry_timer);
	timer_cancel(r, &end->exec_timer);
	timer_cancel(r, &end->read_timer);
	timer_cancel(r, &end->rx_timer);
	end->cbs->closed(end->ctx);
	for (uint32_t k = 0; k < end->n_exposure; k++) {
		if (!end->exposure[k])
			continue;
		n_leaked++;
		free(end->exposure[k]);
		end->exposure[k] = NULL;
		end->link->w->n_exposures--;
	}
	if (n_leaked)
		sim_violation(end->link->w, &end->f->base, "%u exposures outlived their connection", n_leaked);
	link_put(end->link);
}
