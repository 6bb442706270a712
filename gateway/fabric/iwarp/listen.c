/* SPDX-License-Identifier: BSD-3-Clause */
/* Listeners: sockets that accept. Layer: fabric/iwarp. Control reactor. */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define RETRY_NS (100 * NS_PER_MS)
enum { BACKLOG = 1024, ACCEPT_BATCH = 16 };

static int listen_err(struct err *e, int code, const struct fabric_addr *addr)
{
	char buf[FABRIC_ADDR_STRLEN];

	fabric_addr_str(addr, buf);
	switch (code) {
	case -EADDRINUSE:
		err_set(e, code, "cannot listen on %s: address in use", buf);
		err_cure(e, "stop what listens there (ss -ltnp), or choose another port");
		break;
	case -EADDRNOTAVAIL:
		err_set(e, code, "cannot listen on %s: no interface has this address", buf);
		err_cure(e, "choose an address of this machine (ip address show), or 0.0.0.0");
		break;
	case -EACCES:
		err_set(e, code, "cannot listen on %s: not permitted", buf);
		err_cure(e, "choose a port from 1024 on, or give the daemon CAP_NET_BIND_SERVICE");
		break;
	default:
		err_set(e, code, "cannot listen on %s: %s", buf, strerror(-code));
	}
	return code;
}

/* Return: a listening socket or -errno. */
static int open_socket(const struct fabric_addr *addr)
{
	const int one = 1;
	int fd = socket(addr->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP), rc = 0;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		rc = -errno;
	if (!rc && addr->ss.ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)))
		rc = -errno;
	iwarp_socket_at_home(fd, addr);
	if (!rc && bind(fd, (const struct sockaddr *)&addr->ss, addr->ss_len))
		rc = -errno;
	if (!rc && listen(fd, BACKLOG))
		rc = -errno;
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

static void set_events(struct fabric_listener *l, uint32_t events)
{
	int rc = reactor_watch_mod(l->fabric->control, &l->watch, events);

	if (rc)
		log_error("iwarp: cannot watch a listening socket: %s", strerror(-rc));
}

static void on_retry(struct reactor_timer *t)
{
	set_events(container_of(t, struct fabric_listener, retry), EPOLLIN);
}

/* What is wrong with the machine and not with the one connection: accepting at once again would fail again. */
static bool is_shortage(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

static void on_acceptable(struct reactor_watch *w, uint32_t revents)
{
	struct fabric_listener *l = container_of(w, struct fabric_listener, watch);

	(void)revents;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		struct fabric_addr peer = { .ss_len = sizeof(peer.ss) };
		int fd = accept4(w->fd, (struct sockaddr *)&peer.ss, &peer.ss_len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			iwarp_login_begin(l, fd, &peer);
			continue;
		}
		if (is_shortage(errno)) {
			log_warn("iwarp: cannot accept connections: %m");
			set_events(l, 0);
			timer_arm_in(l->fabric->control, &l->retry, RETRY_NS);
		}
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

int iwarp_listen(struct fabric *fabric, const struct fabric_addr *addr, const struct fabric_listen_cbs *cbs, void *arg,
		 struct fabric_listener **out, struct err *e)
{
	struct iwarp_fabric *f = iwarp_fabric_of(fabric);
	struct fabric_listener *l;
	int fd, rc;

	if (addr->ss.ss_family != AF_INET && addr->ss.ss_family != AF_INET6)
		return err_set(e, -EAFNOSUPPORT, "this fabric listens on IPv4 and IPv6 addresses only");
	fd = open_socket(addr);
	if (fd < 0)
		return listen_err(e, fd, addr);
	l = calloc(1, sizeof(*l));
	if (!l) {
		close(fd);
		return err_set(e, -ENOMEM, "out of memory");
	}
	l->fabric = f;
	l->cbs = cbs;
	l->arg = arg;
	iwarp_addr_of_local(fd, &l->addr);
	l->watch = (struct reactor_watch){ .fn = on_acceptable, .fd = fd, .events = EPOLLIN };
	timer_init(&l->retry, on_retry);
	rc = reactor_watch_add(f->control, &l->watch);
	if (rc) {
		close(fd);
		free(l);
		return listen_err(e, rc, addr);
	}
	list_push_back(&f->listeners, &l->node);
	*out = l;
	return 0;
}

void iwarp_unlisten(struct fabric_listener *l)
{
	struct iwarp_fabric *f = l->fabric;

	list_for_each_safe(n, &f->starting) {
		struct iwarp_conn *c = list_entry(n, struct iwarp_conn, node);

		if (c->listener != l)
			continue;
		c->listener = NULL;
		if (c->phase == IWARP_START)
			iwarp_login_drop(c);
	}
	timer_cancel(f->control, &l->retry);
	reactor_watch_del(f->control, &l->watch);
	close(l->watch.fd);
	list_del(&l->node);
	free(l);
}
