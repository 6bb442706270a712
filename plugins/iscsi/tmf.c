/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Task management. Functions are sent as immediate requests, which overtake what libiscsi has not sent yet; so one
 * waits here until everything before it went, and what comes after it waits in our queue. The convenience calls for LUN
 * functions are not used: they cancel every command of the context first. Commands that a confirmed function ended get
 * no answer from the target and are answered here.
 */
#include "session.h"

#include <string.h>

/* How long commands may end by themselves when a function that is to end them cannot be sent. */
#define PATIENCE_MS 1000u

/* RFC 7143 11.6.1 */
enum { FUNCTION_COMPLETE = 0, TASK_DOES_NOT_EXIST = 1, NOT_SUPPORTED = 5 };

int lun_bits(const uint8_t lun[8])
{
	for (int i = 2; i < 8; i++)
		if (lun[i])
			return -1;
	return lun[0] << 8 | lun[1];
}

static void answered(struct tmf *t, enum srpgw_tmf_result result)
{
	struct srpgw_bridge_path *path = t->path;

	path->n_tmf_waiting -= t->state == TMF_WAITING;
	t->state = TMF_ANSWERED;
	t->pub->result = (uint8_t)result;
	if (t->command)
		t->command->abort = NULL;
	t->command = NULL;
	path_kick(path);
}

static void mark_aborted(struct command *c, bool unknown)
{
	if (c->aborted || c->place != COMMAND_SENT)
		return;
	c->aborted = true;
	c->unknown = unknown;
	c->path->n_aborted++;
}

static bool is_affected(const struct tmf *t, const struct command *c)
{
	return c->serial < t->serial && !memcmp(c->io->lun, t->pub->lun, sizeof(t->pub->lun));
}

static void on_tmf(struct iscsi_context *iscsi, int status, void *command_data, void *private_data)
{
	struct tmf *t = private_data;
	struct srpgw_bridge_path *path = t->path;
	uint32_t response;
	struct command *c;

	(void)iscsi;
	if (path->closing)
		return;
	if (status != SCSI_STATUS_GOOD || !command_data) {
		/* Left to the end of the session, which answers it. */
		path_lost(path);
		return;
	}
	memcpy(&response, command_data, sizeof(response));
	if (response == FUNCTION_COMPLETE || response == TASK_DOES_NOT_EXIST) {
		bool unknown = response == TASK_DOES_NOT_EXIST;

		if (t->command)
			mark_aborted(t->command, unknown);
		else if (t->pub->function != SRPGW_TMF_ABORT_TASK && t->pub->function != SRPGW_TMF_CLEAR_ACA &&
			 !unknown)
			TAILQ_FOREACH(c, &path->sent, node)
				if (is_affected(t, c))
					mark_aborted(c, false);
	}
	switch (response) {
	case FUNCTION_COMPLETE:
		answered(t, SRPGW_TMF_COMPLETE);
		break;
	case TASK_DOES_NOT_EXIST:
		answered(t, SRPGW_TMF_NO_SUCH_TASK);
		break;
	case NOT_SUPPORTED:
		answered(t, SRPGW_TMF_NOT_SUPPORTED);
		break;
	default:
		answered(t, SRPGW_TMF_FAILED);
		break;
	}
}

static int send_tmf(struct tmf *t)
{
	static const enum iscsi_task_mgmt_funcs function[] = {
		[SRPGW_TMF_ABORT_TASK_SET] = ISCSI_TM_ABORT_TASK_SET,
		[SRPGW_TMF_CLEAR_TASK_SET] = ISCSI_TM_CLEAR_TASK_SET,
		[SRPGW_TMF_LUN_RESET] = ISCSI_TM_LUN_RESET,
		[SRPGW_TMF_CLEAR_ACA] = ISCSI_TM_CLEAR_ACA,
	};
	struct srpgw_bridge_path *path = t->path;

	if (t->pub->function == SRPGW_TMF_ABORT_TASK)
		return iscsi_task_mgmt_abort_task_async(path->iscsi, t->command->task, on_tmf, t);
	return iscsi_task_mgmt_async(path->iscsi, lun_bits(t->pub->lun), function[t->pub->function], 0xffffffff, 0,
				     on_tmf, t);
}

/* ---- without task management on the wire ---- */

static bool waits_for_commands(const struct tmf *t)
{
	const struct command *c;

	if (t->pub->function == SRPGW_TMF_ABORT_TASK)
		return t->command != NULL;
	TAILQ_FOREACH(c, &t->path->sent, node)
		if (is_affected(t, c))
			return true;
	return false;
}

static void end_session_instead(struct srpgw_bridge_path *path)
{
	path_fail(path, false, "%s cannot carry task management here: the session ends and begins anew instead",
		  path->target->transport->name);
}

/*
 * The commands may end by themselves in a moment: nothing new is sent meanwhile. What was to act on others' commands, too,
 * fails all the same; the host of this session then has it ended in good order.
 */
static void do_without(struct srpgw_bridge_path *path)
{
	struct tmf *t;

	TAILQ_FOREACH(t, &path->tmfs, node) {
		/* cppcheck-suppress uninitvar */
		if (t->state != TMF_WAITING || waits_for_commands(t))
			continue;
		if (t->pub->function == SRPGW_TMF_CLEAR_ACA)
			answered(t, SRPGW_TMF_NOT_SUPPORTED);
		else if (t->pub->function == SRPGW_TMF_ABORT_TASK || t->pub->function == SRPGW_TMF_ABORT_TASK_SET)
			answered(t, SRPGW_TMF_NO_SUCH_TASK);
		else
			answered(t, SRPGW_TMF_FAILED);
	}
	commands_feed(path);
}

/* They do not: with the session end those that the target still waits for. Their fate is not known. */
void tmf_patience_is_over(void *arg)
{
	struct srpgw_bridge_path *path = arg;

	if (path->state == PATH_UP && path->n_tmf_waiting)
		end_session_instead(path);
	path_run(path, 0);
}

void tmfs_feed(struct srpgw_bridge_path *path)
{
	struct tmf *t;

	if (!path->n_tmf_waiting || !commands_are_sent(path))
		return;
	if (!path->target->transport->has_tmf) {
		do_without(path);
		return;
	}
	TAILQ_FOREACH(t, &path->tmfs, node) {
		/* cppcheck-suppress uninitvar */
		if (t->state != TMF_WAITING || path->failed)
			continue;
		if (t->pub->function == SRPGW_TMF_ABORT_TASK && !t->command) {
			answered(t, SRPGW_TMF_NO_SUCH_TASK);
			continue;
		}
		path->n_tmf_waiting--;
		t->state = TMF_SENT;
		if (send_tmf(t))
			path_fail(path, false, "libiscsi refused a task management function: %s",
				  iscsi_get_error(path->iscsi));
	}
	commands_feed(path);
}

static bool is_known(uint8_t function)
{
	return function == SRPGW_TMF_ABORT_TASK || function == SRPGW_TMF_ABORT_TASK_SET ||
	       function == SRPGW_TMF_CLEAR_TASK_SET || function == SRPGW_TMF_LUN_RESET ||
	       function == SRPGW_TMF_CLEAR_ACA;
}

static void abort_task(struct tmf *t)
{
	struct srpgw_io *io = t->pub->io;
	struct command *c = command_of(io);

	switch (c->place) {
	case COMMAND_QUEUED:
		command_abort(t->path, io);
		answered(t, SRPGW_TMF_COMPLETE);
		break;
	case COMMAND_LATE: /* the target ended it already */
		answered(t, SRPGW_TMF_NO_SUCH_TASK);
		break;
	case COMMAND_SENT:
		if (c->abort) { /* the earlier function does it */
			answered(t, SRPGW_TMF_FAILED);
			break;
		}
		c->abort = t;
		t->command = c;
		break;
	}
}

void tmf_submit(struct srpgw_bridge_path *path, struct srpgw_tmf *pub)
{
	struct tmf *t = pub->scratch;

	*t = (struct tmf){ .path = path, .pub = pub, .serial = path->serial, .state = TMF_WAITING };
	TAILQ_INSERT_TAIL(&path->tmfs, t, node);
	path->n_tmf_waiting++;
	path_kick(path);
	if (path->state != PATH_UP || path->failed || path->detached) {
		answered(t, SRPGW_TMF_FAILED);
		return;
	}
	if (!is_known(pub->function) || lun_bits(pub->lun) < 0) {
		answered(t, SRPGW_TMF_NOT_SUPPORTED);
		return;
	}
	if (pub->function == SRPGW_TMF_ABORT_TASK)
		abort_task(t);
	else if (pub->function != SRPGW_TMF_CLEAR_ACA)
		commands_drop_queued(path, pub->lun);
	if (path->patience && path->n_tmf_waiting == 1)
		path->host->timer_arm(path->patience, PATIENCE_MS * NS_PER_MS);
}

void tmfs_report(struct srpgw_bridge_path *path)
{
	struct tmf *t = TAILQ_FIRST(&path->tmfs), *next;

	/* First the commands that it ended, then the function. */
	if (path->n_aborted)
		return;
	for (; t; t = next) {
		next = TAILQ_NEXT(t, node);
		if (t->state != TMF_ANSWERED)
			continue;
		TAILQ_REMOVE(&path->tmfs, t, node);
		path->host->tmf_done(t->pub);
	}
}

void tmfs_drop(struct srpgw_bridge_path *path)
{
	struct tmf *t;

	TAILQ_FOREACH(t, &path->tmfs, node)
		if (t->state != TMF_ANSWERED)
			answered(t, SRPGW_TMF_FAILED);
	tmfs_report(path);
}
