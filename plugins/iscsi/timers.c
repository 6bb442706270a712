/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Deadlines that libiscsi does not have, or has and should not use: the login, signs of life, and an end that is
 * orderly but bounded.
 */
#include "session.h"

#include <poll.h>

/*
 * Of SRPGW_DETACH_MS: how long commands may still end by themselves, and when the logout's answer is not awaited any
 * longer.
 */
#define DRAIN_MS 1000u
#define LOGOUT_MS (SRPGW_DETACH_MS - 300u)
/* How long the end of a context is awaited before it is left to itself, and the least of it in a detach. */
#define CLOSING_MS 1000u
#define CLOSING_LEAST_MS 200u
/* A NOP that waits for the command window says nothing about the target's health until much later. */
#define WINDOW_PATIENCE 6u
/* With commands under way: silence after which the target is asked, and how late an answer may be unremarked. */
#define BUSY_INTERVAL_MS 1000u
#define SILENT_MS 2000u
/* For the login through one of several portals while others are left. */
#define LOGIN_OF_MANY_MS 2000u

static void arm_ms(struct srpgw_bridge_path *path, uint64_t ms)
{
	path->host->timer_arm(path->deadline, ms * NS_PER_MS);
}

void timers_login(struct srpgw_bridge_path *path)
{
	path->login_ms = path->target->conf.login_timeout_ms;
	arm_ms(path, path->login_ms);
}

void timers_portal(struct srpgw_bridge_path *path)
{
	path->login_ms = path->target->conf.login_timeout_ms;
	/* A target may take its time; but the one that does not answer must not use up that of the others. */
	if (path->login_ms > LOGIN_OF_MANY_MS && choice_has_others(path))
		path->login_ms = LOGIN_OF_MANY_MS;
	arm_ms(path, path->login_ms);
}

static void login_expired(struct srpgw_bridge_path *path)
{
	static const char *const doing[] = {[PATH_RESOLVING] = "the name was not resolved",
					    [PATH_CONNECTING] = "no connection",
					    [PATH_LOGGING_IN] = "the login was not answered"};
	const struct offsite *offsite = path->target->transport->offsite;
	enum path_state state = path->state;

	if (state == PATH_CHOOSING) {
		choice_expired(path);
		return;
	}
	if (state == PATH_CONNECTING && offsite && offsite->is_connected(path))
		state = PATH_LOGGING_IN;
	path_fail(path, false, "%s: %s within %u ms; is the target reachable?", path->portal, doing[state],
		  path->login_ms);
	path_blame_portal(path);
}

/* ---- signs of life ---- */

/*
 * A session on which nothing is under way is asked for a sign of life after nop_interval_ms without a byte. With commands
 * under way the question comes after a second at the latest, and the host of the path learns of an answer that is two
 * seconds late. It is given up for lost when the answer is nop_timeout_ms late; after a quarter of that when another
 * portal is known to answer, because there the commands are served while here they would only wait. Where there is no other,
 * patience costs less than a new session, before which writes of unknown fate must be waited for (fence_ms).
 */

static void look_again(struct srpgw_bridge_path *path, uint64_t after_ns, bool is_slow)
{
	path->is_slow = is_slow;
	path->host->timer_arm(path->deadline, after_ns);
}

void timers_up(struct srpgw_bridge_path *path)
{
	uint32_t ms = path->target->conf.nop_interval_ms;
	bool is_slow = !path->n_sent && ms > BUSY_INTERVAL_MS;

	if (ms)
		look_again(path, (is_slow || ms < BUSY_INTERVAL_MS ? ms : BUSY_INTERVAL_MS) * NS_PER_MS, is_slow);
	else
		path->host->timer_cancel(path->deadline);
}

static void on_nop(struct iscsi_context *iscsi, int status, void *command_data, void *private_data)
{
	struct srpgw_bridge_path *path = private_data;

	(void)iscsi, (void)command_data;
	if (path->closing || status != SCSI_STATUS_GOOD)
		return;
	path->nop_sent_ns = 0;
	path_heard(path);
	/* After detach() the timer is for the end. */
	if (!path->detached)
		timers_up(path);
}

static void fall_silent(struct srpgw_bridge_path *path)
{
	struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = SRPGW_PATH_SILENT };

	path->is_silent = true;
	lookout_hurry(path);
	path->host->event(path->ctx, &ev);
}

/* A question is under way. */
static void await_answer(struct srpgw_bridge_path *path, uint64_t now)
{
	uint64_t patience = path->target->conf.nop_timeout_ms * NS_PER_MS, warn = SILENT_MS * NS_PER_MS;
	uint64_t waited = now - path->nop_sent_ns, silent = now - path->heard_ns;

	if (iscsi_out_queue_length(path->iscsi) && !(iscsi_which_events(path->iscsi) & POLLOUT)) {
		patience *= WINDOW_PATIENCE;
		warn *= WINDOW_PATIENCE;
	} else if (portals_other_answers(&path->target->portals, path->portal_index, now)) {
		patience /= 4;
	}
	/* Other answers are a sign of life, too. */
	if (silent < waited)
		waited = silent;
	if (waited >= patience) {
		path_fail(path, false, "the target at %s gave no sign of life for %llu ms", path->portal,
			  (unsigned long long)(silent / NS_PER_MS));
		path->is_silent = true;
		return;
	}
	if (waited >= warn && !path->is_silent)
		fall_silent(path);
	look_again(path, (path->is_silent || patience < warn ? patience : warn) - waited, false);
}

static void check_life(struct srpgw_bridge_path *path)
{
	uint64_t now = path->host->now_ns(path->reactor), quiet_since = path->heard_ns;
	uint64_t interval = path->target->conf.nop_interval_ms * NS_PER_MS;
	bool busy = path->n_sent > 0;

	if (path->nop_sent_ns) {
		await_answer(path, now);
		return;
	}
	if (busy && interval > BUSY_INTERVAL_MS * NS_PER_MS) {
		interval = BUSY_INTERVAL_MS * NS_PER_MS;
		if (quiet_since < path->busy_ns)
			quiet_since = path->busy_ns;
	}
	if (now - quiet_since < interval) {
		look_again(path, quiet_since + interval - now, !busy);
		return;
	}
	if (iscsi_nop_out_async(path->iscsi, on_nop, NULL, 0, path)) {
		path_fail(path, false, "cannot send a NOP: %s", iscsi_get_error(path->iscsi));
		return;
	}
	path->nops_total++;
	path->nop_sent_ns = now;
	await_answer(path, now);
	path_kick(path);
}

void timers_busy(struct srpgw_bridge_path *path)
{
	path->busy_ns = path->host->now_ns(path->reactor);
	if (path->is_slow)
		look_again(path, BUSY_INTERVAL_MS * NS_PER_MS, false);
}

/* ---- the end ---- */

static void on_logout(struct iscsi_context *iscsi, int status, void *command_data, void *private_data)
{
	struct srpgw_bridge_path *path = private_data;

	(void)iscsi, (void)status, (void)command_data;
	if (path->closing)
		return;
	path->logged_out = true;
	path_kick(path);
}

static uint64_t detaching_for_ms(struct srpgw_bridge_path *path)
{
	return (path->host->now_ns(path->reactor) - path->detach_ns) / NS_PER_MS;
}

void timers_closing(struct srpgw_bridge_path *path)
{
	uint64_t ms = CLOSING_MS;

	if (path->detached) {
		uint64_t spent = detaching_for_ms(path);

		ms = spent + CLOSING_MS < SRPGW_DETACH_MS ? CLOSING_MS : SRPGW_DETACH_MS - spent;
		if (spent >= SRPGW_DETACH_MS || ms < CLOSING_LEAST_MS)
			ms = CLOSING_LEAST_MS;
	}
	arm_ms(path, ms);
}

bool detach_step(struct srpgw_bridge_path *path)
{
	uint64_t ms = detaching_for_ms(path);
	bool idle = !path->n_sent && TAILQ_EMPTY(&path->late) && TAILQ_EMPTY(&path->tmfs);

	if (path->state != PATH_UP || path->logged_out || ms >= LOGOUT_MS)
		return true;
	commands_drop_queued(path, NULL);
	if (path->logout_sent)
		return false;
	if (!idle) {
		if (ms >= DRAIN_MS)
			return true;
		path->host->timer_arm(path->deadline, (DRAIN_MS - ms) * NS_PER_MS);
		return false;
	}
	if (iscsi_logout_async(path->iscsi, on_logout, path))
		return true;
	path->logout_sent = true;
	path->host->timer_arm(path->deadline, (LOGOUT_MS - ms) * NS_PER_MS);
	path_kick(path);
	return false;
}

void on_deadline(void *arg)
{
	struct srpgw_bridge_path *path = arg;

	if (path->state == PATH_CLOSING) {
		path_give_up_closing(path);
	} else if (!path->detached && !path->failed) {
		if (path->state == PATH_UP)
			check_life(path);
		else
			login_expired(path);
	}
	path_run(path, 0);
}
