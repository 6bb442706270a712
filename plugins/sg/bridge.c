/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A local SCSI device as a bridge: targets, paths and their ends. What must not happen inside a call of the host is
 * done by the path's timer.
 */
#include "sg.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DEFAULT_TRANSFER_BYTES (512u << 10)
#define MAX_TRANSFER_BYTES (4u << 20)
#define DETACH_GRACE_NS UINT64_C(1500000000) /* within SRPGW_DETACH_MS */

static void sg_close(struct srpgw_bridge_target *t)
{
	if (t->submitter)
		sg_submitter_free(t->submitter);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static int sg_open(const struct srpgw_host *host, const char *uri, const struct srpgw_setting *settings,
		   size_t n_settings, struct srpgw_bridge_target **target, char *why, size_t why_cap)
{
	struct srpgw_bridge_target *t = calloc(1, sizeof(*t));
	char name[128], ignored[SG_WHY_BYTES];
	int rc, fd;

	if (!t) {
		snprintf(why, why_cap, "out of memory");
		return -ENOMEM;
	}
	rc = sg_conf_parse(uri, settings, n_settings, &t->conf, why, why_cap);
	if (rc) {
		free(t);
		return rc;
	}
	t->host = host;
	LIST_INIT(&t->paths);
	pthread_mutex_init(&t->lock, NULL);
	/* The device may be away today; a path says why. */
	fd = sg_node_open(t->conf.node, name, sizeof(name), ignored, sizeof(ignored));
	if (fd >= 0) {
		t->max_transfer_bytes = sg_node_max_transfer(fd);
		close(fd);
	}
	if (!t->max_transfer_bytes)
		t->max_transfer_bytes = DEFAULT_TRANSFER_BYTES;
	if (t->max_transfer_bytes > MAX_TRANSFER_BYTES)
		t->max_transfer_bytes = MAX_TRANSFER_BYTES;
	t->submitter = sg_submitter_new(t->max_transfer_bytes);
	if (!t->submitter) {
		sg_close(t);
		snprintf(why, why_cap, "out of memory or threads");
		return -ENOMEM;
	}
	*target = t;
	return 0;
}

static void sg_limits(struct srpgw_bridge_target *target, struct srpgw_limits *out)
{
	out->max_outstanding = target->conf.max_outstanding;
	out->max_transfer_bytes = target->max_transfer_bytes;
}

/* ---- the path's life ---- */

void sg_path_fail(struct srpgw_bridge_path *path, const char *fmt, ...)
{
	va_list ap;

	if (path->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(path->why, sizeof(path->why), fmt, ap);
	va_end(ap);
	path->host->timer_arm(path->later, 0);
}

static void say_down(struct srpgw_bridge_path *path)
{
	const struct srpgw_event ev = {
		.struct_size = sizeof(ev), .kind = SRPGW_PATH_DOWN, .text = path->why, .permanent = path->permanent
	};

	if (path->down || path->detached)
		return;
	path->down = true;
	path->host->event(path->ctx, &ev);
}

static void unregister(struct srpgw_bridge_path *path)
{
	pthread_mutex_lock(&path->target->lock);
	if (path->registered)
		LIST_REMOVE(path, node);
	path->registered = false;
	pthread_mutex_unlock(&path->target->lock);
}

static void let_go_of_files(struct srpgw_bridge_path *path)
{
	struct sg_files *files = path->files;

	if (!files)
		return;
	for (uint32_t i = 0; i < files->n; i++)
		if (path->watch[i])
			path->host->watch_del(path->watch[i]);
	path->files = NULL;
	sg_files_unref(files);
}

static void path_free(struct srpgw_bridge_path *path)
{
	if (path->refused_watch)
		path->host->watch_del(path->refused_watch);
	if (path->refused_fd >= 0)
		close(path->refused_fd);
	if (path->later)
		path->host->timer_free(path->later);
	free(path);
}

/* Return: true when the path may go. */
static bool detach_step(struct srpgw_bridge_path *path)
{
	bool late = path->host->now_ns(path->reactor) - path->detach_ns >= DETACH_GRACE_NS;

	sg_commands_end(path, late || path->down);
	sg_tmfs_answer(path, late || path->down);
	return TAILQ_EMPTY(&path->commands) && TAILQ_EMPTY(&path->tmfs);
}

static void on_later(void *arg)
{
	struct srpgw_bridge_path *path = arg;

	if (path->detached) {
		void (*done)(void *) = path->detached;
		void *done_arg = path->detached_arg;

		if (!detach_step(path)) {
			path->host->timer_arm(path->later, DETACH_GRACE_NS / 50);
			return;
		}
		sg_login_forget(path);
		unregister(path);
		let_go_of_files(path);
		path_free(path);
		done(done_arg);
		return;
	}
	if (path->why[0] && !path->down) {
		unregister(path);
		say_down(path);
	}
	/* The host may have detached inside its event: then the next round goes on. */
	if (path->down) {
		sg_commands_end(path, true);
		sg_tmfs_answer(path, true);
		if (!path->detached)
			let_go_of_files(path);
	} else {
		sg_tmfs_answer(path, false);
	}
}

/* Return: NULL, or why this device or host is not welcome. */
static const char *admit(struct srpgw_bridge_path *path, const struct sg_facts *f)
{
	struct srpgw_bridge_target *t = path->target;
	const char *why = NULL;

	pthread_mutex_lock(&t->lock);
	if (!t->identity_len) {
		memcpy(t->identity, f->identity, f->identity_len);
		t->identity_len = f->identity_len;
	} else if (t->identity_len != f->identity_len || memcmp(t->identity, f->identity, f->identity_len) != 0) {
		why = "another device has this name now; name it by /dev/disk/by-id/, and restart when it is meant";
		path->permanent = true;
	}
	if (!why && t->conf.pass_reservations && !LIST_EMPTY(&t->paths))
		why = "reservations are passed on, so one host may use the device at a time, and another does";
	if (!why) {
		LIST_INSERT_HEAD(&t->paths, path, node);
		path->registered = true;
	}
	pthread_mutex_unlock(&t->lock);
	return why;
}

static bool watch_all(struct srpgw_bridge_path *path)
{
	for (uint32_t i = 0; i < path->files->n; i++) {
		path->watch[i] = path->host->watch_add(path->reactor, path->files->fd[i], POLLIN, sg_on_readable, path);
		if (!path->watch[i])
			return false;
	}
	return true;
}

void sg_login_done(struct srpgw_bridge_path *path, struct sg_files *files, const struct sg_facts *facts,
		   const char *why)
{
	const struct srpgw_event up = { .struct_size = sizeof(up), .kind = SRPGW_PATH_UP };
	const char *unwelcome;

	if (!files) {
		sg_path_fail(path, "%s", why);
		return;
	}
	path->files = files;
	memcpy(path->product, facts->product, sizeof(path->product));
	memcpy(path->name, facts->name, sizeof(path->name));
	unwelcome = admit(path, facts);
	if (unwelcome) {
		sg_path_fail(path, "%s: %s", path->name, unwelcome);
		return;
	}
	if (!watch_all(path)) {
		sg_path_fail(path, "out of memory");
		return;
	}
	path->up = true;
	path->host->event(path->ctx, &up);
}

static int sg_attach(struct srpgw_bridge_target *target, struct srpgw_reactor *r, const struct srpgw_nexus_id *nexus,
		     struct srpgw_path_ctx *ctx, struct srpgw_bridge_path **out)
{
	struct srpgw_bridge_path *path = calloc(1, sizeof(*path));
	int rc = -ENOMEM;

	(void)nexus;
	if (!path)
		return -ENOMEM;
	path->target = target;
	path->host = target->host;
	path->reactor = r;
	path->ctx = ctx;
	TAILQ_INIT(&path->commands);
	TAILQ_INIT(&path->tmfs);
	STAILQ_INIT(&path->refused);
	path->refused_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	path->later = path->host->timer_new(r, on_later, path);
	if (path->refused_fd >= 0 && path->later)
		path->refused_watch = path->host->watch_add(r, path->refused_fd, POLLIN, sg_on_refused, path);
	if (path->refused_watch)
		rc = sg_login_start(path);
	if (rc) {
		path_free(path);
		return rc;
	}
	*out = path;
	return 0;
}

static void sg_detach(struct srpgw_bridge_path *path, void (*done)(void *arg), void *arg)
{
	path->detached = done;
	path->detached_arg = arg;
	path->detach_ns = path->host->now_ns(path->reactor);
	path->host->timer_arm(path->later, 0);
}

static void sg_describe(struct srpgw_bridge_path *path, void (*emit)(void *arg, const char *key, const char *value),
			void *arg)
{
	char text[32];

	emit(arg, "device", path->name[0] ? path->name : path->target->conf.node);
	emit(arg, "product", path->product);
	emit(arg, "reservations", path->target->conf.pass_reservations ? "passed" : "refused");
	snprintf(text, sizeof(text), "%u", path->target->max_transfer_bytes);
	emit(arg, "max_transfer_bytes", text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)path->commands_total);
	emit(arg, "commands_total", text);
}

SRPGW_BRIDGE_REGISTER(.name = "sg", .version = SRPGW_VERSION,
		      .description = "local SCSI device through the kernel: sg:/dev/sgN or sg:/dev/disk/by-id/NAME",
		      .schemes = "sg", .settings_help = sg_settings_help, .scratch_size = sizeof(struct sg_command),
		      .tmf_scratch_size = sizeof(struct sg_tmf), .open = sg_open, .close = sg_close,
		      .limits = sg_limits, .attach = sg_attach, .detach = sg_detach, .submit = sg_submit,
		      .abort = sg_abort, .tmf = sg_tmf, .describe = sg_describe, )
