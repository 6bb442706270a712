/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listeners. One on the wildcard address survives every device; one on an address loses its device with it, and tries
 * again until the address is back. Layer: fabric. Control reactor.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <string.h>

#define RETRY_NS NS_PER_S
enum { BACKLOG = 1024 };

static int listen_err(struct err *e, int code, const struct fabric_addr *addr)
{
	char buf[FABRIC_ADDR_STRLEN];

	fabric_addr_str(addr, buf);
	switch (code) {
	case -EADDRINUSE:
		err_set(e, code, "cannot listen on %s: address in use", buf);
		err_cure(e, "stop what listens there (rdma resource show cm_id), or choose another port");
		break;
	case -EADDRNOTAVAIL:
	case -ENODEV:
		err_set(e, code, "cannot listen on %s: no RDMA device has this address", buf);
		err_cure(e, "choose an address of an interface with an RDMA device (rdma link show), or 0.0.0.0");
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

static void set_port(struct sockaddr_storage *ss, in_port_t port)
{
	if (ss->ss_family == AF_INET6)
		((struct sockaddr_in6 *)ss)->sin6_port = port;
	else
		((struct sockaddr_in *)ss)->sin_port = port;
}

/* The kernel says EADDRNOTAVAIL for a foreign address and for a port in use alike: any port of a good address is free. */
static int why_not_available(struct fabric_listener *l)
{
	struct sockaddr_storage ss = l->addr.ss;
	struct rdma_cm_id *id;
	int rc;

	if (rdma_create_id(l->fabric->channel, &id, l, RDMA_PS_TCP))
		return -EADDRNOTAVAIL;
	set_port(&ss, 0);
	rc = rdma_bind_addr(id, (struct sockaddr *)&ss) ? -EADDRNOTAVAIL : -EADDRINUSE;
	rdma_destroy_id(id);
	return rc;
}

/* Return: 0 or -errno. */
static int listener_open(struct fabric_listener *l)
{
	struct sockaddr_storage ss = l->addr.ss;
	struct rdma_cm_id *id;
	int one = 1, rc;

	if (rdma_create_id(l->fabric->channel, &id, l, RDMA_PS_TCP))
		return -errno;
	rc = ss.ss_family == AF_INET6 ? rdma_set_option(id, RDMA_OPTION_ID, RDMA_OPTION_ID_AFONLY, &one, sizeof(one)) : 0;
	if (!rc)
		rc = rdma_bind_addr(id, (struct sockaddr *)&ss);
	if (!rc)
		rc = rdma_listen(id, BACKLOG);
	if (rc) {
		rc = errno ? -errno : -EIO;
		rdma_destroy_id(id);
		return rc == -EADDRNOTAVAIL ? why_not_available(l) : rc;
	}
	l->id = id;
	return 0;
}

static void on_retry(struct reactor_timer *t)
{
	struct fabric_listener *l = container_of(t, struct fabric_listener, retry);
	char buf[FABRIC_ADDR_STRLEN];

	if (listener_open(l))
		timer_arm_in(l->fabric->control, &l->retry, RETRY_NS);
	else
		log_info("listening again on %s", fabric_addr_str(&l->addr, buf));
}

int verbs_listen(struct fabric *fabric, const struct fabric_addr *addr, const struct fabric_listen_cbs *cbs, void *arg,
		 struct fabric_listener **out, struct err *e)
{
	struct verbs_fabric *f = verbs_fabric_of(fabric);
	struct fabric_listener *l;
	int rc;

	if (addr->ss.ss_family != AF_INET && addr->ss.ss_family != AF_INET6)
		return err_set(e, -EAFNOSUPPORT, "this fabric listens on IPv4 and IPv6 addresses only");
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(e, -ENOMEM, "out of memory");
	l->fabric = f;
	l->addr = *addr;
	l->cbs = cbs;
	l->arg = arg;
	timer_init(&l->retry, on_retry);
	rc = listener_open(l);
	if (rc) {
		free(l);
		return listen_err(e, rc, addr);
	}
	list_push_back(&f->listeners, &l->node);
	*out = l;
	return 0;
}

void verbs_listener_lost(struct fabric_listener *l)
{
	char buf[FABRIC_ADDR_STRLEN];

	log_warn("the RDMA device of %s is gone; waiting for it to come back", fabric_addr_str(&l->addr, buf));
	rdma_destroy_id(l->id);
	l->id = NULL;
	timer_arm_in(l->fabric->control, &l->retry, RETRY_NS);
}

void verbs_unlisten(struct fabric_listener *l)
{
	list_for_each(n, &l->fabric->conns) {
		struct verbs_conn *c = list_entry(n, struct verbs_conn, node);

		if (c->listener == l)
			c->listener = NULL;
	}
	timer_cancel(l->fabric->control, &l->retry);
	if (l->id)
		rdma_destroy_id(l->id);
	list_del(&l->node);
	free(l);
}

static void addr_from(struct fabric_addr *a, const struct sockaddr *sa)
{
	memset(a, 0, sizeof(*a));
	a->ss_len = sa->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	memcpy(&a->ss, sa, a->ss_len);
}

void verbs_listener_request(struct fabric_listener *l, struct rdma_cm_id *id, const struct rdma_conn_param *p)
{
	struct verbs_dev *d = verbs_dev_get(l->fabric, id->verbs);
	struct verbs_conn *c = d ? calloc(1, sizeof(*c)) : NULL;
	struct fabric_login login = {
		.priv = p->private_data,
		.priv_len = p->private_data_len,
		.form = FABRIC_LOGIN_RDMA_CM,
	};

	if (!c) {
		rdma_reject(id, NULL, 0);
		rdma_destroy_id(id);
		return;
	}
	verbs_conn_init(c, l->fabric, false);
	id->context = c;
	c->id = id;
	c->dev = d;
	d->n_conns++;
	c->listener = l;
	c->offered_reads = p->initiator_depth;
	addr_from(&login.peer, rdma_get_peer_addr(id));
	addr_from(&login.local, rdma_get_local_addr(id));
	login.device = d->name;
	l->cbs->login(l->arg, &c->base, &login);
}
