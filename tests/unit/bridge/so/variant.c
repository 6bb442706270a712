/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A plugin that is right or wrong in one way, chosen with -DVARIANT_name when it is compiled; its scheme is NAME. It
 * answers every command at once with GOOD. Includes the header that -I finds first: today's, or the frozen older one.
 */
#include <srpgw/bridge.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct path {
	const struct srpgw_host *host;
};

static const struct srpgw_host *the_host;

__attribute__((unused)) static int v_open(const struct srpgw_host *host, const char *uri,
		  const struct srpgw_setting *settings, size_t n_settings,
		  struct srpgw_bridge_target **target, char *why, size_t why_cap)
{
	(void)settings, (void)n_settings;
	if (strstr(uri, "refuse")) {
		snprintf(why, why_cap, "refused as asked; ask for something else");
		return -EINVAL;
	}
#ifdef VARIANT_below
	const struct srpgw_bridge *b;

	the_host = host;
	/* below:below:below:...: each opens the next, until one is not "below:" any more. */
	if (host->open_below(uri + strlen("below:"), NULL, 0, host, &b, target, why, why_cap))
		return -ELOOP;
#endif
	the_host = host;
	*target = (struct srpgw_bridge_target *)(void *)calloc(1, 8);
	return *target ? 0 : -ENOMEM;
}

static void v_close(struct srpgw_bridge_target *target)
{
	free(target);
}

static void v_limits(struct srpgw_bridge_target *target, struct srpgw_limits *out)
{
	(void)target;
	out->max_outstanding = 7;
}

static int v_attach(struct srpgw_bridge_target *target, struct srpgw_reactor *r, const struct srpgw_nexus_id *nexus,
		    struct srpgw_path_ctx *ctx, struct srpgw_bridge_path **path)
{
	struct path *p = calloc(1, sizeof(*p));

	(void)target, (void)r, (void)nexus, (void)ctx;
	if (!p)
		return -ENOMEM;
	p->host = the_host;
	*path = (struct srpgw_bridge_path *)(void *)p;
	return 0;
}

__attribute__((unused)) static void v_detach(struct srpgw_bridge_path *path, void (*done)(void *arg), void *arg)
{
	free(path);
	done(arg);
}

static void v_submit(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct path *p = (struct path *)(void *)path;

	io->delivery = SRPGW_DELIVERY_ANSWERED;
	io->status = 0;
	p->host->io_done(io);
}

static void v_abort(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	(void)path, (void)io;
}

__attribute__((unused)) static void v_tmf(struct srpgw_bridge_path *path, struct srpgw_tmf *tmf)
{
	struct path *p = (struct path *)(void *)path;

	tmf->result = SRPGW_TMF_COMPLETE;
	p->host->tmf_done(tmf);
}

#ifndef VARIANT_NAME
#error "compile with -DVARIANT_NAME=..."
#endif

/* A table of tomorrow: longer than today's. */
struct newer {
	struct srpgw_bridge today;
	void (*frobnicate)(void);
	void *more[8];
};

__attribute__((unused)) static const struct newer table = {
	.today = {
#if defined(VARIANT_newer)
		.struct_size = sizeof(struct newer),
#elif defined(VARIANT_short)
		.struct_size = 4,
#elif defined(VARIANT_cut)
		.struct_size = offsetof(struct srpgw_bridge, submit), /* says that it ends before submit */
#else
		.struct_size = sizeof(struct srpgw_bridge),
#endif
#if defined(VARIANT_wrongabi)
		.abi = SRPGW_BRIDGE_ABI + 41,
#else
		.abi = SRPGW_BRIDGE_ABI,
#endif
#if !defined(VARIANT_noname)
		.name = VARIANT_NAME,
#endif
		.version = "1",
		.description = "for tests",
#if defined(VARIANT_alien)
		.schemes = "mars,venus",
#else
		.schemes = "first," VARIANT_NAME ",last",
#endif
#if !defined(VARIANT_noopen)
		.open = v_open,
#endif
		.close = v_close,
		.limits = v_limits,
		.attach = v_attach,
#if !defined(VARIANT_nodetach)
		.detach = v_detach,
#endif
		.submit = v_submit,
		.abort = v_abort,
#if !defined(VARIANT_notmf)
		.tmf = v_tmf,
#endif
	},
};

#ifndef VARIANT_nosymbol
const struct srpgw_bridge *srpgw_bridge_entry_v1(void);
__attribute__((visibility("default"))) const struct srpgw_bridge *srpgw_bridge_entry_v1(void)
{
#ifdef VARIANT_null
	return NULL;
#else
	return &table.today;
#endif
}
#else
const void *not_an_entry(void);
const void *not_an_entry(void)
{
	return &table;
}
#endif
