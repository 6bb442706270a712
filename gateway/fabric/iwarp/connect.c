/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The initiator's start-up: TCP connection, MPA request, reply, and why it was refused.
 * Layer: fabric/iwarp. connect() on control, the rest on the connection's reactor.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define DEFAULT_TIMEOUT_MS 10000u

/* ---- refused ---- */

static void tell_refused(struct iwarp_conn *c, int code, const char *why)
{
	bool tell = !c->down_told && !c->closing;

	c->down_told = true;
	if (tell)
		c->cbs->refused(c->ctx, code, why, c->reply.priv, c->reply.priv_len);
}

/* "TEXT PEER: MORE"; @more may be NULL. */
static void refuse(struct iwarp_conn *c, int code, const char *text, const char *more)
{
	char why[160], peer[FABRIC_ADDR_STRLEN];

	snprintf(why, sizeof(why), "%s %s%s%s", text, fabric_addr_str(&c->peer, peer), more ? ": " : "",
		 more ? more : "");
	tell_refused(c, code, why);
	iwarp_conn_dead(c, FABRIC_DOWN_REFUSED);
}

void iwarp_connect_timeout(struct iwarp_conn *c)
{
	char limit[40];

	snprintf(limit, sizeof(limit), "none within %u ms", c->timeout_ms);
	refuse(c, -ETIMEDOUT, "no answer from", limit);
}

static void refuse_errno(struct iwarp_conn *c, int code)
{
	if (c->phase != IWARP_CONNECT)
		refuse(c, code, "no MPA reply, but the end of the connection from", strerror(-code));
	else if (code == -ECONNREFUSED)
		refuse(c, code, "nothing listens at", NULL);
	else
		refuse(c, code, "cannot connect to", strerror(-code));
}

/* ---- the reply ---- */

static void reply_came(struct iwarp_conn *c)
{
	struct mpa_local local = iwarp_local_wants(&c->fabric->params);
	enum term_cause cause;

	mpa_decode_private(c->frame + MPA_HDR_LEN, &c->reply);
	if (c->reply.flags & MPA_REJECTED) {
		refuse(c, -ECONNREFUSED, "rejected by", NULL);
		return;
	}
	cause = mpa_settle(&c->req, &c->reply, &local, &c->terms);
	if (cause == TERM_STREAM) {
		refuse(c, -EPROTO, "bad MPA reply from", "of another revision, or enhanced and the request was not");
		return;
	}
	timer_cancel(c->base.reactor, &c->timer);
	if (cause == TERM_NONE) {
		iwarp_conn_up(c, c->reply.priv, c->reply.priv_len);
		return;
	}
	iwarp_conn_half_up(c);
	tell_refused(c, -EPROTO, term_text(cause));
	iwarp_terminate(c, cause, NULL, NULL);
}

static void read_reply(struct iwarp_conn *c)
{
	int rc = iwarp_frame_read(c);

	if (rc == 0 && c->frame_need == MPA_HDR_LEN) {
		enum mpa_verdict v = mpa_decode_header(c->frame, MPA_REPLY, &c->reply);

		if (v != MPA_OK) {
			refuse(c, -EPROTO, "bad MPA reply from", mpa_verdict_text(v));
			return;
		}
		c->frame_need += c->reply.pd_len;
		rc = iwarp_frame_read(c);
	}
	if (rc == 0)
		reply_came(c);
	else if (rc != -EAGAIN)
		refuse_errno(c, rc);
}

/* ---- TCP is connected ---- */

static void send_request(struct iwarp_conn *c)
{
	int code = 0, rc;
	socklen_t len = sizeof(code);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &code, &len))
		code = errno;
	rc = code ? -code : iwarp_socket_send_all(c->fd, c->frame, c->frame_have);
	if (rc) {
		refuse_errno(c, rc);
		return;
	}
	c->phase = IWARP_REPLY;
	c->frame_have = 0;
	c->frame_need = MPA_HDR_LEN;
	iwarp_conn_events(c, EPOLLIN);
}

void iwarp_connect_ready(struct iwarp_conn *c)
{
	if (c->phase == IWARP_CONNECT)
		send_request(c);
	else
		read_reply(c);
}

static void on_adopt(struct reactor_msg *m)
{
	struct iwarp_conn *c = container_of(m, struct iwarp_conn, adopt_msg);

	iwarp_conn_adopt(c);
	if (c->closing) {
		iwarp_conn_dead(c, FABRIC_DOWN_ERROR);
		return;
	}
	timer_arm_in(c->base.reactor, &c->timer, c->timeout_ms * NS_PER_MS);
	iwarp_conn_events(c, EPOLLOUT);
}

/* ---- control ---- */

/* Return: a socket that is connecting, or -errno with @e. */
static int open_socket(const struct fabric_connect *p, struct err *e)
{
	char buf[FABRIC_ADDR_STRLEN];
	int fd, rc;

	fd = socket(p->dst.ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0) {
		rc = -errno;
		return err_set(e, rc, "cannot open a socket: %s", strerror(-rc));
	}
	iwarp_socket_at_home(fd, &p->dst);
	if (p->src && bind(fd, (const struct sockaddr *)&p->src->ss, p->src->ss_len)) {
		rc = -errno;
		close(fd);
		return err_set(e, rc, "cannot connect from %s: %s", fabric_addr_str(p->src, buf), strerror(-rc));
	}
	if (connect(fd, (const struct sockaddr *)&p->dst.ss, p->dst.ss_len) && errno != EINPROGRESS) {
		rc = -errno;
		close(fd);
		if (rc == -ECONNREFUSED)
			return err_set(e, rc, "nothing listens at %s", fabric_addr_str(&p->dst, buf));
		return err_set(e, rc, "cannot connect to %s: %s", fabric_addr_str(&p->dst, buf), strerror(-rc));
	}
	return fd;
}

static int prepare(struct iwarp_conn *c, const struct fabric_connect *p)
{
	struct mpa_local local = iwarp_local_wants(&c->fabric->params);

	mpa_ask(&local, &c->req);
	c->req.priv = p->params.priv;
	c->req.priv_len = p->params.priv_len;
	c->frame_have = mpa_encode(&c->req, c->frame, sizeof(c->frame));
	c->req.priv = NULL;
	if (!c->frame_have)
		return -EMSGSIZE;
	c->phase = IWARP_CONNECT;
	c->peer = p->dst;
	c->timeout_ms = p->timeout_ms ? p->timeout_ms : DEFAULT_TIMEOUT_MS;
	return iwarp_conn_equip(c, &p->params);
}

int iwarp_connect(struct fabric *fabric, const struct fabric_connect *p, struct fabric_conn **out, struct err *e)
{
	struct iwarp_fabric *f = iwarp_fabric_of(fabric);
	struct iwarp_conn *c;
	int fd, rc;

	if (p->dst.ss.ss_family != AF_INET && p->dst.ss.ss_family != AF_INET6)
		return err_set(e, -EAFNOSUPPORT, "this fabric connects to IPv4 and IPv6 addresses only");
	fd = open_socket(p, e);
	if (fd < 0)
		return fd;
	iwarp_socket_tune(fd, &f->params);
	c = iwarp_conn_new(f, fd, true);
	if (!c) {
		close(fd);
		return err_set(e, -ENOMEM, "out of memory");
	}
	rc = prepare(c, p);
	if (rc) {
		iwarp_conn_free(c);
		return err_set(e, rc, rc == -EMSGSIZE ? "too much private data" : "out of memory");
	}
	*out = &c->base;
	iwarp_conn_hand_over(c, on_adopt);
	return 0;
}
