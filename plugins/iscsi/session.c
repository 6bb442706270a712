/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of a path: who runs libiscsi, when, and how a session ends. Callbacks of libiscsi note what they learn in
 * the path; path_run() lets libiscsi work and then acts on the notes, from a stack without libiscsi on it.
 */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void tell(struct srpgw_bridge_path *path, uint32_t kind, const char *text)
{
	struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = kind, .text = text, .permanent = path->permanent };

	if (kind == SRPGW_PATH_DOWN && path->no_room)
		ev.causes = SRPGW_CAUSE_NO_ROOM;
	/* After detach() nobody listens. */
	if (!path->detached)
		path->host->event(path->ctx, &ev);
}

void path_kick(struct srpgw_bridge_path *path)
{
	if (path->kicked)
		return;
	path->kicked = true;
	path->host->timer_arm(path->kick, 0);
}

void path_fail(struct srpgw_bridge_path *path, bool permanent, const char *fmt, ...)
{
	va_list ap;

	if (path->failed)
		return;
	path->failed = true;
	path->permanent = permanent;
	va_start(ap, fmt);
	vsnprintf(path->why, sizeof(path->why), fmt, ap);
	va_end(ap);
	path->why[strcspn(path->why, "\r\n")] = 0;
	path_kick(path);
}

void path_lost(struct srpgw_bridge_path *path)
{
	bool has_socket = path->target->transport->type == TCP_TRANSPORT;
	int fd = iscsi_get_fd(path->iscsi);
	const char *during = path->state == PATH_UP ? "" : " during the login";
	char byte;
	ssize_t n = fd < 0 ? 0 : has_socket ? recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) : 1;

	path_blame_portal(path);
	if (!n)
		path_fail(path, false, "the target at %s closed the connection%s", path->portal, during);
	else if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
		path_fail(path, false, "the connection to %s broke%s: %s", path->portal, during, strerror(errno));
	else
		path_fail(path, false, "the connection to %s is of no use any more%s: %s", path->portal, during,
			  iscsi_get_error(path->iscsi));
}

void path_blame_portal(struct srpgw_bridge_path *path)
{
	path->elsewhere = true;
}

void path_group_told(struct srpgw_bridge_path *path, int32_t group)
{
	char why[WHY_BYTES];

	if (portals_group_told(&path->target->portals, path->portal_index, group, path->host->now_ns(path->reactor), why,
			       sizeof(why)))
		return;
	path_fail(path, true, "%s", why);
	path->foreign = path->elsewhere = true;
}

void path_heard(struct srpgw_bridge_path *path)
{
	path->heard_ns = path->host->now_ns(path->reactor);
	if (!path->is_silent)
		return;
	path->is_silent = false;
	tell(path, SRPGW_PATH_HEARD, NULL);
}

void path_up(struct srpgw_bridge_path *path)
{
	char text[PORTAL_MAX_BYTES + 16], why[WHY_BYTES];

	if (!portals_up(&path->target->portals, path->portal_index, path->host->now_ns(path->reactor), why, sizeof(why))) {
		path_fail(path, true, "%s", why);
		path->foreign = path->elsewhere = true;
		return;
	}
	path->is_counted = true;
	path->state = PATH_UP;
	if (path->target->transport->tune)
		path->target->transport->tune(iscsi_get_fd(path->iscsi));
	path->heard_ns = path->host->now_ns(path->reactor);
	timers_up(path);
	lookout_begin(path);
	snprintf(text, sizeof(text), "through %s", path->portal);
	tell(path, SRPGW_PATH_UP, text);
}

/* ---- the descriptor ---- */

static void on_fd(void *arg, int revents)
{
	path_run(arg, revents);
}

void path_watch(struct srpgw_bridge_path *path)
{
	int events = iscsi_which_events(path->iscsi);

	if (!path->watch) {
		path->watch = path->host->watch_add(path->reactor, iscsi_get_fd(path->iscsi), events, on_fd, path);
		if (!path->watch)
			path_fail(path, false, "out of memory");
	} else if (events != path->watched) {
		path->host->watch_mod(path->watch, events);
	}
	path->watched = events;
}

/* @wait: where ending it takes a while. Return: true if path_hung_up() will be called. */
static bool end_context(struct srpgw_bridge_path *path, bool wait)
{
	const struct offsite *offsite = path->target->transport->offsite;

	resolve_forget(&path->resolve);
	if (path->watch)
		path->host->watch_del(path->watch);
	path->watch = NULL;
	if (path->errand)
		offsite->forget(path);
	if (!path->iscsi)
		return false;
	/* Its callbacks come now, for everything that is under way; we answer that ourselves, afterwards. */
	path->closing = true;
	iscsi_set_log_level(path->iscsi, 0);
	if (offsite)
		iscsi_scsi_cancel_all_tasks(path->iscsi);
	else
		iscsi_destroy_context(path->iscsi);
	path->closing = false;
	if (offsite)
		return offsite->hang_up(path, wait);
	path->iscsi = NULL;
	return false;
}

void path_drop_context(struct srpgw_bridge_path *path)
{
	end_context(path, false);
}

/* ---- from a name to a session ---- */

static void connect_to(struct srpgw_bridge_path *path, const char *address)
{
	char text[PORTAL_MAX_BYTES * 2 + 32];

	snprintf(path->address, sizeof(path->address), "%s", address);
	if (!login_start(path) && path->iscsi)
		path_watch(path);
	/* The first one happens inside attach(): too early for an event. */
	if (!path->inside && !path->failed) {
		snprintf(text, sizeof(text), "connecting to %s", path->address);
		tell(path, SRPGW_PATH_PROGRESS, text);
	}
}

static void on_resolved(void *arg, const char *address, const char *why)
{
	struct srpgw_bridge_path *path = arg;

	if (path->failed)
		return;
	if (address) {
		connect_to(path, address);
		return;
	}
	path_fail(path, false, "%s", why);
	path_blame_portal(path);
}

static void begin(struct srpgw_bridge_path *path, const struct portal *p)
{
	int rc;

	path->state = PATH_RESOLVING;
	portal_str(p, path->portal, sizeof(path->portal));
	rc = resolve_start(path->host, path->reactor, p, on_resolved, path, &path->resolve);
	if (rc)
		path_fail(path, false, "cannot resolve %s: %s", path->portal, strerror(-rc));
}

void path_take_portal(struct srpgw_bridge_path *path, uint32_t i, const char *address)
{
	struct portal p;

	path->portal_index = i;
	portals_get(&path->target->portals, i, &p);
	timers_portal(path);
	if (!address) {
		begin(path, &p);
		return;
	}
	portal_str(&p, path->portal, sizeof(path->portal));
	connect_to(path, address);
}

static void follow_redirect(struct srpgw_bridge_path *path)
{
	const char *where = iscsi_get_target_address(path->iscsi);
	struct portal p;
	bool ok = where && !portal_parse(where, strlen(where), &p);
	char text[PORTAL_MAX_BYTES + 32];

	path->redirected = false;
	if (!ok || path->n_redirects++ == MAX_REDIRECTS) {
		path_fail(path, false, ok ? "the target at %s sends us round in circles; look at its redirections"
					  : "the target at %s has moved and does not say where",
			  path->portal);
		return;
	}
	end_context(path, false);
	begin(path, &p);
	snprintf(text, sizeof(text), "redirected to %s", path->portal);
	tell(path, SRPGW_PATH_PROGRESS, text);
}

/* ---- running and settling ---- */

static void free_path(struct srpgw_bridge_path *path)
{
	if (path->kick)
		path->host->timer_free(path->kick);
	if (path->deadline)
		path->host->timer_free(path->deadline);
	if (path->patience)
		path->host->timer_free(path->patience);
	choice_free(path);
	lookout_free(path);
	free(path);
}

static void finish_detach(struct srpgw_bridge_path *path)
{
	void (*done)(void *) = path->detached;
	void *arg = path->detached_arg;

	free_path(path);
	done(arg);
}

/* For the next attach, be it of this path's host or of another. */
static void note_portal(struct srpgw_bridge_path *path)
{
	struct portal_table *t = &path->target->portals;
	uint64_t now_ns = path->host->now_ns(path->reactor);

	if (path->is_counted) {
		portals_session_over(t, path->portal_index, now_ns);
		portals_discover_soon(t, now_ns);
	}
	path->is_counted = false;
	if (path->state == PATH_UP && !path->detached)
		portals_failed(t, path->portal_index, path->is_silent ? PORTAL_NO_SERVICE : PORTAL_UNREACHABLE, now_ns,
			       path->why);
}

static void session_over(struct srpgw_bridge_path *path)
{
	path->state = PATH_DOWN;
	path->host->timer_cancel(path->deadline);
	/* Said first, so that what the host submits because of the answers does not come here. */
	tell(path, SRPGW_PATH_DOWN, path->why);
	commands_drop(path);
	tmfs_drop(path);
}

/* What is outstanding is answered when nothing of it can act through this context any more. */
static void end_session(struct srpgw_bridge_path *path)
{
	note_portal(path);
	choice_stop(path);
	lookout_end(path);
	path->state = PATH_CLOSING;
	path->host->timer_cancel(path->deadline);
	if (end_context(path, true))
		timers_closing(path);
	else
		session_over(path);
}

void path_hung_up(struct srpgw_bridge_path *path)
{
	session_over(path);
	path_run(path, 0);
}

void path_give_up_closing(struct srpgw_bridge_path *path)
{
	path->target->transport->offsite->forget(path);
	session_over(path);
}

/*
 * One pass sends all that was queued since the last: the kick comes once per round of the reactor. libiscsi gives each
 * PDU to TCP by itself, and a PDU's header and its data apart; a TCP segment for each of them would cost both sides
 * more than the rest of a small command. While such passes follow one another the socket stays as it is, since each
 * change is a system call: nothing but this writes to it.
 */
static void flush(struct srpgw_bridge_path *path)
{
	const struct transport *t = path->target->transport;
	bool hold = t->hold && (path->n_fed > 1 || path->n_out);

	if (path->failed || !(iscsi_which_events(path->iscsi) & POLLOUT))
		return;
	path->n_fed = 0;
	if (t->hold && hold != path->is_held) {
		t->hold(iscsi_get_fd(path->iscsi), hold);
		path->is_held = hold;
	}
	if (iscsi_service(path->iscsi, POLLOUT))
		path_lost(path);
	if (hold)
		t->push(iscsi_get_fd(path->iscsi));
}

bool path_send_now(struct srpgw_bridge_path *path)
{
	if (path->inside || path->n_sent != 1 || path->n_tmf_waiting || path->failed)
		return false;
	path->inside++;
	flush(path);
	path->inside--;
	return !path->failed && iscsi_which_events(path->iscsi) == path->watched;
}

static void work_with_libiscsi(struct srpgw_bridge_path *path, int revents)
{
	const struct transport *t = path->target->transport;

	if (t->revents)
		revents = t->revents(revents);
	if (path->state == PATH_UP)
		revents &= ~POLLOUT; /* after what has come: flush() */
	if (revents & POLLIN && path->state == PATH_UP)
		path_heard(path);
	if (revents && iscsi_service(path->iscsi, revents))
		path_lost(path);
	if (path->failed || path->redirected || path->state < PATH_LOGGING_IN)
		return;
	if (path->state == PATH_UP)
		commands_feed(path);
	flush(path);
	if (path->state == PATH_UP && !path->failed && path->n_tmf_waiting) {
		tmfs_feed(path);
		flush(path);
	}
	if (path->state == PATH_UP && !path->failed && commands_sweep(path)) {
		commands_feed(path);
		flush(path);
	}
}

void path_run(struct srpgw_bridge_path *path, int revents)
{
	path->inside++;
	if (path->iscsi && !path->failed) {
		login_listen(path);
		work_with_libiscsi(path, revents);
		login_listen(NULL);
	}
	if (path->redirected && !path->failed)
		follow_redirect(path);
	while (path->failed && path->state < PATH_UP && !path->detached && choice_go_on(path))
		;
	if (path->detached && !path->failed && path->state < PATH_CLOSING && detach_step(path))
		path_fail(path, false, "detached");
	if (path->failed && path->state < PATH_CLOSING)
		end_session(path);
	tmfs_report(path);
	if (path->iscsi && !path->failed)
		path_watch(path);
	path->inside--;
	if (path->detached && path->state == PATH_DOWN && !path->inside)
		finish_detach(path);
}

static void on_kick(void *arg)
{
	struct srpgw_bridge_path *path = arg;

	path->kicked = false;
	path_run(path, 0);
}

/* ---- attach, detach ---- */

int bridge_attach(struct srpgw_bridge_target *target, struct srpgw_reactor *r, const struct srpgw_nexus_id *nexus,
		  struct srpgw_path_ctx *ctx, struct srpgw_bridge_path **out_path)
{
	const struct srpgw_host *host = target->host;
	struct srpgw_bridge_path *path;

	if (!nexus->initiator_name || strlen(nexus->initiator_name) >= NAME_MAX_BYTES)
		return -EINVAL;
	path = calloc(1, sizeof(*path));
	if (!path)
		return -ENOMEM;
	path->target = target;
	path->host = host;
	path->reactor = r;
	path->ctx = ctx;
	path->kick = host->timer_new(r, on_kick, path);
	path->deadline = host->timer_new(r, on_deadline, path);
	if (!target->transport->has_tmf)
		path->patience = host->timer_new(r, tmf_patience_is_over, path);
	if (!path->kick || !path->deadline || (!target->transport->has_tmf && !path->patience) || choice_init(path) || lookout_init(path)) {
		free_path(path);
		return -ENOMEM;
	}
	TAILQ_INIT(&path->queued);
	TAILQ_INIT(&path->sent);
	TAILQ_INIT(&path->late);
	TAILQ_INIT(&path->tmfs);
	snprintf(path->initiator_name, sizeof(path->initiator_name), "%s", nexus->initiator_name);
	snprintf(path->alias, sizeof(path->alias), "%s", nexus->alias ? nexus->alias : "");
	memcpy(path->isid, nexus->isid, sizeof(path->isid));
	path->mark = host->now_ns(r) * 0x9e3779b97f4a7c15ull ^ (uintptr_t)path ^ 0x5bd1e995a7c4f3d1ull;
	*out_path = path;
	path->inside++;
	timers_login(path);
	choice_begin(path);
	path->inside--;
	return 0;
}

void bridge_detach(struct srpgw_bridge_path *path, void (*done)(void *arg), void *arg)
{
	path->detached = done;
	path->detached_arg = arg;
	path->detach_ns = path->host->now_ns(path->reactor);
	path_kick(path);
}
