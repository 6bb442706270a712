/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The responder's start-up: the MPA request comes in, goes to the user as a login, and is answered. Bounded in time and
 * number, because nobody knows yet who calls. Layer: fabric/iwarp. Control reactor, until accept() hands over.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

/* A FIN in one segment with a reject hides the reject from Linux' siw: the peer closes first, or this is over. */
#define REJECT_LINGER_NS (1500 * NS_PER_MS)

static void half_open_ends(struct iwarp_conn *c)
{
	if (c->half_open)
		c->fabric->n_half_open--;
	c->half_open = false;
}

void iwarp_login_drop(struct iwarp_conn *c)
{
	half_open_ends(c);
	timer_cancel(c->fabric->control, &c->timer);
	reactor_watch_del(c->fabric->control, &c->watch);
	iwarp_conn_free(c);
}

static void drop_with(struct iwarp_conn *c, const char *why)
{
	char peer[FABRIC_ADDR_STRLEN];

	log_info("iwarp: %s: MPA request dropped: %s", fabric_addr_str(&c->peer, peer), why);
	c->fabric->starts_refused_total++;
	iwarp_login_drop(c);
}

static void on_timer(struct reactor_timer *t)
{
	struct iwarp_conn *c = container_of(t, struct iwarp_conn, timer);

	if (c->phase == IWARP_START)
		drop_with(c, "it did not come whole in time");
	else
		iwarp_login_drop(c);
}

/* ---- the request comes in ---- */

static void hand_to_login(struct iwarp_conn *c)
{
	struct mpa_local local = iwarp_local_wants(&c->fabric->params);
	struct fabric_login login = { .form = FABRIC_LOGIN_RDMA_CM, .peer = c->peer, .device = "tcp" };

	mpa_decode_private(c->frame + MPA_HDR_LEN, &c->req);
	mpa_answer(&c->req, &local, &c->terms, &c->reply);
	half_open_ends(c);
	timer_cancel(c->fabric->control, &c->timer);
	c->phase = IWARP_LOGIN;
	iwarp_addr_of_local(c->fd, &login.local);
	login.priv = c->req.priv;
	login.priv_len = c->req.priv_len;
	c->listener->cbs->login(c->listener->arg, &c->base, &login);
}

static void request_ready(struct iwarp_conn *c)
{
	int rc = iwarp_frame_read(c);
	enum mpa_verdict v;

	if (rc == 0 && c->frame_need == MPA_HDR_LEN) {
		v = mpa_decode_header(c->frame, MPA_REQUEST, &c->req);
		if (v != MPA_OK) {
			drop_with(c, mpa_verdict_text(v));
			return;
		}
		c->frame_need += c->req.pd_len;
		rc = iwarp_frame_read(c);
	}
	if (rc == 0)
		hand_to_login(c);
	else if (rc != -EAGAIN)
		iwarp_login_drop(c); /* it went away: nothing to tell */
}

/* While the user thinks: nothing may come (RFC 5044 7.1.2), so the peer has gone or is broken. */
static void news_before_answer(struct iwarp_conn *c)
{
	reactor_watch_del(c->fabric->control, &c->watch);
	c->gone_told = true;
	if (c->listener && c->listener->cbs->gone)
		c->listener->cbs->gone(c->listener->arg, &c->base);
}

static void after_reject(struct iwarp_conn *c)
{
	uint8_t dropped[512];
	ssize_t n;

	do
		n = recv(c->fd, dropped, sizeof(dropped), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	iwarp_login_drop(c);
}

static void on_event(struct reactor_watch *w, uint32_t revents)
{
	struct iwarp_conn *c = container_of(w, struct iwarp_conn, watch);

	(void)revents;
	if (c->phase == IWARP_START)
		request_ready(c);
	else if (c->phase == IWARP_LOGIN)
		news_before_answer(c);
	else
		after_reject(c);
}

static bool is_full(struct iwarp_fabric *f, const struct fabric_addr *peer)
{
	const struct iwarp_params *p = &f->params;
	uint32_t n = 0;

	if (f->n_half_open >= p->max_half_open ||
	    atomic_load_explicit(&f->n_conns, memory_order_relaxed) >= p->max_conns)
		return true;
	list_for_each(node, &f->starting) {
		const struct iwarp_conn *c = list_entry(node, struct iwarp_conn, node);

		n += c->half_open && fabric_addr_same_host(&c->peer, peer);
	}
	return n >= p->max_half_open_per_host;
}

void iwarp_login_begin(struct fabric_listener *l, int fd, const struct fabric_addr *peer)
{
	struct iwarp_fabric *f = l->fabric;
	struct iwarp_conn *c = is_full(f, peer) ? NULL : iwarp_conn_new(f, fd, false);
	char buf[FABRIC_ADDR_STRLEN];

	if (!c) {
		log_warn("iwarp: %s: too many connections or start-ups; closed", fabric_addr_str(peer, buf));
		f->starts_refused_total++;
		close(fd);
		return;
	}
	iwarp_socket_tune(fd, &f->params);
	c->listener = l;
	c->peer = *peer;
	c->phase = IWARP_START;
	c->half_open = true;
	f->n_half_open++;
	c->frame_need = MPA_HDR_LEN;
	c->watch.fn = on_event;
	c->watch.events = EPOLLIN;
	timer_init(&c->timer, on_timer);
	timer_arm_in(f->control, &c->timer, f->params.startup_timeout_ms * NS_PER_MS);
	if (reactor_watch_add(f->control, &c->watch))
		drop_with(c, "the socket cannot be watched");
}

/* ---- the answer ---- */

/* Runs on the connection's reactor. */
static void on_adopt(struct reactor_msg *m)
{
	struct iwarp_conn *c = container_of(m, struct iwarp_conn, adopt_msg);

	iwarp_conn_adopt(c);
	/* In one call: Linux' siw copes badly with a reply in pieces. */
	if (c->closing || iwarp_socket_send_all(c->fd, c->frame, c->frame_have))
		iwarp_conn_dead(c, FABRIC_DOWN_PEER);
	else
		iwarp_conn_up(c, NULL, 0);
}

static int encode_reply(struct iwarp_conn *c, uint8_t flags, const void *priv, size_t priv_len)
{
	struct mpa_frame reply = c->reply;
	uint8_t frame[MPA_FRAME_MAX]; /* @priv may lie in c->frame: it was lent with the login */
	size_t len;

	reply.flags |= flags;
	reply.priv = priv;
	reply.priv_len = priv_len;
	len = mpa_encode(&reply, frame, sizeof(frame));
	if (!len)
		return -EMSGSIZE;
	memcpy(c->frame, frame, len);
	c->frame_have = len;
	return 0;
}

int iwarp_accept(struct fabric_conn *conn, const struct fabric_accept *a)
{
	struct iwarp_conn *c = iwarp_conn_of(conn);
	int rc;

	if (c->phase != IWARP_LOGIN || c->gone_told)
		return -ENOTCONN;
	rc = encode_reply(c, 0, a->priv, a->priv_len);
	if (!rc)
		rc = iwarp_conn_equip(c, a);
	if (rc) {
		c->base.reactor = c->fabric->control;
		return rc;
	}
	reactor_watch_del(c->fabric->control, &c->watch);
	c->listener = NULL;
	iwarp_conn_hand_over(c, on_adopt);
	return 0;
}

void iwarp_reject(struct fabric_conn *conn, const void *priv, size_t priv_len)
{
	struct iwarp_conn *c = iwarp_conn_of(conn);

	if (c->gone_told || encode_reply(c, MPA_REJECTED, priv, priv_len) ||
	    iwarp_socket_send_all(c->fd, c->frame, c->frame_have)) {
		iwarp_login_drop(c);
		return;
	}
	c->phase = IWARP_REJECTED;
	c->listener = NULL;
	timer_arm_in(c->fabric->control, &c->timer, REJECT_LINGER_NS);
}
