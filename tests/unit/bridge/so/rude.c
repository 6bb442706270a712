/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A plugin that breaks its contract as its URI asks: rude:double (two answers), rude:mute (none, not even at detach),
 * rude:malformed, rude:events (out of order), rude:early (an event inside attach). Otherwise it answers in submit().
 */
#include <srpgw/bridge.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rude {
	const struct srpgw_host *host;
	const char *how;
	struct srpgw_path_ctx *ctx;
};

static struct rude *rude_of(void *p)
{
	return p;
}

static int rude_open(const struct srpgw_host *host, const char *uri, const struct srpgw_setting *settings,
		     size_t n_settings, struct srpgw_bridge_target **target, char *why, size_t why_cap)
{
	struct rude *r = calloc(1, sizeof(*r));

	(void)settings, (void)n_settings, (void)why, (void)why_cap;
	if (!r)
		return -ENOMEM;
	r->host = host;
	r->how = strdup(uri + strlen("rude:"));
	*target = (struct srpgw_bridge_target *)(void *)r;
	return 0;
}

static void rude_close(struct srpgw_bridge_target *target)
{
	struct rude *r = rude_of(target);

	free((void *)(uintptr_t)r->how);
	free(r);
}

static void rude_limits(struct srpgw_bridge_target *target, struct srpgw_limits *out)
{
	(void)target, (void)out;
}

static void say(struct rude *r, uint32_t kind)
{
	struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = kind };

	r->host->event(r->ctx, &ev);
}

static int rude_attach(struct srpgw_bridge_target *target, struct srpgw_reactor *reactor,
		       const struct srpgw_nexus_id *nexus, struct srpgw_path_ctx *ctx, struct srpgw_bridge_path **path)
{
	struct rude *r = rude_of(target);

	(void)reactor, (void)nexus;
	r->ctx = ctx;
	if (!strcmp(r->how, "early"))
		say(r, SRPGW_PATH_UP);
	*path = (struct srpgw_bridge_path *)(void *)r;
	return 0;
}

static void rude_detach(struct srpgw_bridge_path *path, void (*done)(void *arg), void *arg)
{
	(void)path;
	done(arg);
}

static void rude_submit(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct rude *r = rude_of(path);

	if (!strcmp(r->how, "mute"))
		return;
	if (!strcmp(r->how, "events")) {
		say(r, SRPGW_PATH_UP);
		say(r, SRPGW_PATH_UP);
		say(r, SRPGW_PATH_DOWN);
		say(r, SRPGW_PATH_DOWN);
		say(r, SRPGW_PATH_UP);
	}
	io->delivery = SRPGW_DELIVERY_ANSWERED;
	io->status = 0;
	if (!strcmp(r->how, "malformed")) {
		io->delivery = 9;
		io->sense_len = 60000;
	}
	r->host->io_done(io);
	if (!strcmp(r->how, "double"))
		r->host->io_done(io);
}

static void rude_abort(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	(void)path, (void)io;
}

static void rude_tmf(struct srpgw_bridge_path *path, struct srpgw_tmf *tmf)
{
	struct rude *r = rude_of(path);

	if (!strcmp(r->how, "mute"))
		return;
	tmf->result = strcmp(r->how, "malformed") ? SRPGW_TMF_COMPLETE : 77;
	r->host->tmf_done(tmf);
	if (!strcmp(r->how, "double"))
		r->host->tmf_done(tmf);
}

/* ---- discover: found and done come when the test runs the work that is asked for here ---- */

static struct {
	const char *how;
	void (*found)(void *arg, const struct srpgw_found *f);
	void (*done)(void *arg, int rc, const char *why);
	void *arg;
} ask;

static void find(const char *name)
{
	struct srpgw_found f = { .struct_size = sizeof(f), .group = 3, .target_name = name, .address = "h:1" };

	ask.found(ask.arg, &f);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void tell(void *arg)
{
	(void)arg;
	find("iqn.x");
	if (!strcmp(ask.how, "malformed"))
		find(NULL);
	ask.done(ask.arg, 0, NULL);
	if (!strcmp(ask.how, "double")) {
		find("iqn.late");
		ask.done(ask.arg, -EIO, "again");
	}
}

static int rude_discover(const struct srpgw_host *host, struct srpgw_reactor *r, const char *uri,
			 const struct srpgw_setting *settings, size_t n_settings, const char *initiator_name,
			 void (*found)(void *arg, const struct srpgw_found *f),
			 void (*done)(void *arg, int rc, const char *why), void *arg, char *why, size_t why_cap)
{
	static char how[16];

	(void)settings, (void)n_settings, (void)initiator_name;
	snprintf(how, sizeof(how), "%s", uri + strlen("rude:"));
	ask.how = how;
	ask.found = found;
	ask.done = done;
	ask.arg = arg;
	if (!strcmp(how, "refuse")) {
		snprintf(why, why_cap, "not today");
		return -EAGAIN;
	}
	if (!strcmp(how, "early")) {
		find("iqn.early");
		done(arg, 0, NULL);
	}
	return host->work(r, nothing, tell, NULL);
}

SRPGW_BRIDGE_REGISTER(
	.name = "rude",
	.version = "1",
	.description = "breaks its contract",
	.schemes = "rude",
	.open = rude_open,
	.close = rude_close,
	.limits = rude_limits,
	.attach = rude_attach,
	.detach = rude_detach,
	.submit = rude_submit,
	.abort = rude_abort,
	.tmf = rude_tmf,
	.discover = rude_discover,
)
