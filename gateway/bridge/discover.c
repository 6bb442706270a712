/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way to a bridge's discover(), with a guard that hears nothing twice and nothing late. Layer: bridge.
 */
#include "internal.h"

#include "../base/log.h"

#include <errno.h>
#include <string.h>

struct discovery {
	struct list_node node; /* of those that are over */
	struct plugin *plugin;
	void (*found)(void *arg, const struct srpgw_found *f);
	void (*done)(void *arg, int rc, const char *why);
	void *arg;
	bool running, over;
};

static void breach(const struct discovery *d, const char *what)
{
	atomic_fetch_add(&d->plugin->host->stats.events_out_of_order_total, 1);
	log_error("bridge %s: %s: dropped; this is a fault of the bridge", d->plugin->real.name, what);
}

static void on_found(void *arg, const struct srpgw_found *f)
{
	struct discovery *d = arg;

	if (!d->running || d->over || !f->target_name || !f->address)
		breach(d, "discovered something out of order");
	else
		d->found(d->arg, f);
}

static void on_done(void *arg, int rc, const char *why)
{
	struct discovery *d = arg;

	if (!d->running || d->over) {
		breach(d, "ended a discovery twice, or inside its start");
		return;
	}
	d->over = true;
	d->done(d->arg, rc < 0 ? rc : 0, why ? why : "");
}

/* A bridge that speaks after the end must find something to be told so by: kept to the host's end. A few bytes each. */
int bridge_discover(struct bridge_host *h, struct srpgw_reactor *r, const char *uri,
		    const struct srpgw_setting *settings, size_t n_settings, const char *initiator_name,
		    void (*found)(void *arg, const struct srpgw_found *f),
		    void (*done)(void *arg, int rc, const char *why), void *arg, struct err *e)
{
	char why[512] = "";
	struct discovery *d;
	struct plugin *p;
	int rc = bridge_host_find(h, uri, &p, e);

	if (rc)
		return rc;
	if (!p->real.discover) {
		err_cure(e, "name the target in \"uri\" yourself, or ask a portal over TCP: iscsi://HOST[:PORT]");
		return err_set(e, -EOPNOTSUPP, "bridge %s cannot ask for targets", p->real.name);
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return err_set(e, -ENOMEM, "out of memory");
	*d = (struct discovery){ .plugin = p, .found = found, .done = done, .arg = arg };
	list_push_back(&h->discoveries, &d->node);
	rc = p->real.discover(&h->to_plugins, r, uri, settings, n_settings, initiator_name, on_found, on_done, d, why,
			      sizeof(why));
	why[sizeof(why) - 1] = 0;
	if (rc) {
		d->over = true;
		return err_set(e, rc < 0 ? rc : -EPROTO, "bridge %s: %s", p->real.name, why[0] ? why : strerror(-rc));
	}
	d->running = true;
	return 0;
}

void discoveries_free(struct bridge_host *h)
{
	list_for_each_safe(n, &h->discoveries) {
		list_del(n);
		free(list_entry(n, struct discovery, node));
	}
}
