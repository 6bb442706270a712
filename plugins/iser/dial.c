/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connecting, logging in and hanging up, see dial.h. libiscsi waits for the connection manager inside its calls, and
 * registers and deregisters tens of megabytes in the login and at the end. While an errand is under way the context is
 * its thread's; of the path it knows nothing but what was copied.
 */
#include "dial.h"

#include "iser.h"
#include "mend.h"
#include "offload.h"
#include "reach.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum result {
	NOT_YET,
	NOT_REACHED, /* why says it */
	CONNECTED,
	ANSWERED, /* status is the login's */
};

struct errand {
	struct offload offload;
	struct srpgw_bridge_path *path; /* the reactor's; not to be touched by the thread */
	struct iscsi_context *iscsi;
	bool mended;
	bool reached; /* the address is there */
	int stop_fd; /* readable: nobody waits any more; -1: hanging up */
	char address[PORTAL_MAX_BYTES];
	_Atomic int result;
	int status;
	char why[WHY_BYTES];
};

static struct errand *errand_of(struct offload *o)
{
	return (struct errand *)o;
}

static void end_context(struct errand *e)
{
	if (e->mended)
		mend_end(e->iscsi);
	else
		iscsi_destroy_context(e->iscsi);
}

static void errand_free(struct errand *e)
{
	if (e->stop_fd >= 0)
		close(e->stop_fd);
	free(e);
}

static struct errand *errand_new(struct srpgw_bridge_path *path)
{
	struct errand *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->path = path;
	e->iscsi = path->iscsi;
	e->mended = iser_limits_of_target(path->target)->must_be_mended;
	e->stop_fd = -1;
	return e;
}

/* ---- the thread ---- */

static void not_reached(struct errand *e, const char *why)
{
	snprintf(e->why, sizeof(e->why), "%s", why);
	atomic_store(&e->result, NOT_REACHED);
}

static void on_connect(struct iscsi_context *iscsi, int status, void *command_data, void *private_data)
{
	struct errand *e = private_data;

	(void)command_data;
	/* Once more when an established connection ends. */
	if (atomic_load(&e->result) != NOT_YET)
		return;
	if (status == SCSI_STATUS_GOOD)
		atomic_store(&e->result, CONNECTED);
	else
		not_reached(e, iscsi_get_error(iscsi));
}

static void on_login(struct iscsi_context *iscsi, int status, void *command_data, void *private_data)
{
	struct errand *e = private_data;

	(void)iscsi, (void)command_data;
	if (atomic_load(&e->result) != CONNECTED)
		return;
	e->status = status;
	atomic_store(&e->result, ANSWERED);
}

/* Lets libiscsi work as long as nothing else than @from is known. Return: false when stopped. */
static bool pump(struct errand *e, enum result from)
{
	while (atomic_load(&e->result) == (int)from) {
		struct pollfd fds[] = { { .fd = iscsi_get_fd(e->iscsi), .events = POLLIN },
					{ .fd = e->stop_fd, .events = POLLIN } };

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return false;
		if (fds[1].revents)
			return false;
		/* Called without a completion to fetch, 1.19 would never be able to let go of its queue. */
		if (fds[0].revents & POLLIN && iscsi_service(e->iscsi, POLLIN) &&
		    atomic_load(&e->result) == (int)from)
			not_reached(e, iscsi_get_error(e->iscsi));
	}
	return true;
}

static void connect_and_log_in(struct errand *e)
{
	if (reach(e->address, e->stop_fd, e->why, sizeof(e->why))) {
		atomic_store(&e->result, NOT_REACHED);
		return;
	}
	e->reached = true;
	if (iscsi_connect_async(e->iscsi, e->address, on_connect, e)) {
		not_reached(e, iscsi_get_error(e->iscsi));
		return;
	}
	if (!pump(e, NOT_YET) || atomic_load(&e->result) != CONNECTED)
		return;
	if (iscsi_login_async(e->iscsi, on_login, e))
		not_reached(e, iscsi_get_error(e->iscsi));
	else
		pump(e, CONNECTED);
}

static void dial_fn(struct offload *o)
{
	struct errand *e = errand_of(o);

	connect_and_log_in(e);
	if (atomic_load(&e->result) == ANSWERED)
		return;
	/* Here it may block; and a login that is not answered still knows of the errand. */
	end_context(e);
	e->iscsi = NULL;
}

static void end_fn(struct offload *o)
{
	end_context(errand_of(o));
}

/* ---- the reactor ---- */

static void dialled(struct offload *o)
{
	struct errand *e = errand_of(o);
	struct srpgw_bridge_path *path = e->path;

	path->errand = NULL;
	path->iscsi = e->iscsi;
	if (atomic_load(&e->result) == ANSWERED) {
		path->state = PATH_LOGGING_IN;
		login_answered(path, e->status);
	} else {
		login_unreachable(path, e->why, e->reached ? "; is the target running with iSER, and is it that port?" : "");
	}
	errand_free(e);
	path_run(path, 0);
}

static void dial_drop(struct offload *o)
{
	struct errand *e = errand_of(o);

	if (e->iscsi)
		end_context(e);
	errand_free(e);
}

static int dial(struct srpgw_bridge_path *path)
{
	struct errand *e = errand_new(path);
	int rc;

	if (!e)
		return -ENOMEM;
	e->offload.fn = dial_fn;
	e->offload.done = dialled;
	e->offload.drop = dial_drop;
	memcpy(e->address, path->address, sizeof(e->address));
	e->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = e->stop_fd < 0 ? -errno : offload_start(&e->offload, path->host, path->reactor);
	if (rc) {
		errand_free(e);
		return rc;
	}
	path->errand = e;
	path->iscsi = NULL;
	return 0;
}

static bool is_connected(struct srpgw_bridge_path *path)
{
	const struct errand *e = path->errand;

	return e && atomic_load(&e->result) >= CONNECTED;
}

static void hung_up(struct offload *o)
{
	struct errand *e = errand_of(o);
	struct srpgw_bridge_path *path = e->path;

	errand_free(e);
	path->errand = NULL;
	path_hung_up(path);
}

static void hang_up_drop(struct offload *o)
{
	errand_free(errand_of(o));
}

static bool hang_up(struct srpgw_bridge_path *path, bool wait)
{
	struct errand *e = errand_new(path);

	if (!e) {
		/* Nowhere to note it: it stays. Memory is what is short, but a context that others use is worse. */
		path->iscsi = NULL;
		return false;
	}
	path->iscsi = NULL;
	e->offload.fn = end_fn;
	e->offload.done = hung_up;
	e->offload.drop = hang_up_drop;
	if (offload_start(&e->offload, path->host, path->reactor)) {
		end_context(e);
		errand_free(e);
		return false;
	}
	if (wait)
		path->errand = e;
	else
		offload_forget(&e->offload);
	return wait;
}

static void forget(struct srpgw_bridge_path *path)
{
	struct errand *e = path->errand;

	path->errand = NULL;
	if (!e)
		return;
	if (e->stop_fd >= 0)
		eventfd_write(e->stop_fd, 1);
	offload_forget(&e->offload);
}

const struct offsite dial_offsite = {
	.dial = dial,
	.is_connected = is_connected,
	.hang_up = hang_up,
	.forget = forget,
};
