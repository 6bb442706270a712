/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands: our queue, the window before libiscsi, what the answer says, and when a command may be let go of.
 *
 * libiscsi reports a response whose iSCSI Response byte is not zero ("target failure") by its Status byte, mostly GOOD.
 * For data-in that would show the host whatever was in the buffer, so a secret mark is put where the first and last
 * bytes belong; a mark that survives a GOOD means that no data came. The buffer of a short transfer is cleared, against
 * targets that send less than they say.
 */
#include "session.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_BYTES 2048u

enum { GOOD = 0x00, CHECK_CONDITION = 0x02, TASK_ABORTED = 0x40 };

/* "struct scsi_iovec follows the POSIX struct iovec definition and *MUST* never change" */
_Static_assert(sizeof(struct scsi_iovec) == sizeof(struct iovec) &&
		   offsetof(struct scsi_iovec, iov_len) == offsetof(struct iovec, iov_len),
	       "iovecs are handed over as they are");

struct command *command_of(const struct srpgw_io *io)
{
	return io->scratch;
}

static void answer(struct srpgw_bridge_path *path, struct srpgw_io *io, enum srpgw_delivery delivery, uint8_t status)
{
	io->delivery = (uint8_t)delivery;
	io->status = status;
	path->host->io_done(io);
}

/* CHECK CONDITION of our own: the command cannot be carried. Fixed format. */
static void refuse(struct srpgw_bridge_path *path, struct srpgw_io *io, uint8_t key, uint16_t asc)
{
	const uint8_t sense[18] = { 0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, (uint8_t)(asc >> 8), (uint8_t)asc };

	memcpy(io->sense, sense, sizeof(sense));
	io->sense_len = sizeof(sense);
	io->resid_kind = io->data_len ? SRPGW_RESID_UNDER : SRPGW_RESID_NONE;
	io->resid = io->data_len;
	answer(path, io, SRPGW_DELIVERY_ANSWERED, CHECK_CONDITION);
}

/* ---- marks ---- */

static uint64_t *tail_of(const struct srpgw_io *io)
{
	const struct iovec *last = &io->iov[io->n_iov - 1];

	return (uint64_t *)(void *)((uint8_t *)last->iov_base + last->iov_len - sizeof(uint64_t));
}

static void put_marks(struct command *c)
{
	const struct srpgw_io *io = c->io;

	if (c->path->target->transport->pads_data_in)
		return;
	c->has_head_mark = io->n_iov && io->iov[0].iov_len >= sizeof(uint64_t);
	c->has_tail_mark = io->data_len > SHORT_BYTES && io->iov[io->n_iov - 1].iov_len >= sizeof(uint64_t);
	if (io->data_len <= SHORT_BYTES)
		for (uint32_t i = 0; i < io->n_iov; i++)
			memset(io->iov[i].iov_base, 0, io->iov[i].iov_len);
	if (c->has_head_mark)
		memcpy(io->iov[0].iov_base, &c->path->mark, sizeof(uint64_t));
	if (c->has_tail_mark)
		memcpy(tail_of(io), &c->path->mark, sizeof(uint64_t));
}

/* Data is missing that the residual does not account for. */
static bool data_is_missing(const struct command *c)
{
	const struct srpgw_io *io = c->io;
	bool under = io->resid_kind == SRPGW_RESID_UNDER;

	if (c->has_head_mark && !(under && io->data_len - io->resid < sizeof(uint64_t)) &&
	    !memcmp(io->iov[0].iov_base, &c->path->mark, sizeof(uint64_t)))
		return true;
	return c->has_tail_mark && !under && !memcmp(tail_of(io), &c->path->mark, sizeof(uint64_t));
}

/*
 * A transport that pads data-in leaves no mark, and what was in its own buffers may be of another command: of a command
 * that failed the host gets what a residual vouches for. Sense keys NO SENSE and RECOVERED ERROR are no failures.
 */
static bool data_is_doubtful(const struct command *c, uint8_t status)
{
	const struct srpgw_io *io = c->io;
	const uint8_t *s = io->sense;
	unsigned key = !io->sense_len ? 0xf : (s[0] & 0x7e) == 0x72 ? s[1] & 0xf : io->sense_len > 2 ? s[2] & 0xf : 0xf;

	return c->path->target->transport->pads_data_in && status != GOOD && io->resid_kind != SRPGW_RESID_UNDER &&
	       !(status == CHECK_CONDITION && key <= 1);
}

/* ---- answers ---- */

static void take_residual(struct srpgw_io *io, const struct scsi_task *task)
{
	io->resid_kind = SRPGW_RESID_NONE;
	io->resid = 0;
	if (task->residual_status == SCSI_RESIDUAL_UNDERFLOW) {
		io->resid_kind = SRPGW_RESID_UNDER;
		io->resid = task->residual > io->data_len ? io->data_len : (uint32_t)task->residual;
	} else if (task->residual_status == SCSI_RESIDUAL_OVERFLOW) {
		io->resid_kind = SRPGW_RESID_OVER;
		io->resid = task->residual > UINT32_MAX ? UINT32_MAX : (uint32_t)task->residual;
	}
}

/* RFC 7143 11.4.7: two bytes of length, then the sense data. */
static void take_sense(struct srpgw_io *io, const struct scsi_task *task)
{
	const uint8_t *d = task->datain.data;
	size_t size = task->datain.size > 0 ? (size_t)task->datain.size : 0, len;

	io->sense_len = 0;
	if (!d || size < 2)
		return;
	len = (size_t)d[0] << 8 | d[1];
	if (len > size - 2)
		len = size - 2;
	if (len > SRPGW_SENSE_MAX)
		len = SRPGW_SENSE_MAX;
	memcpy(io->sense, d + 2, len);
	io->sense_len = (uint16_t)len;
}

static bool says_luns_changed(const struct srpgw_io *io)
{
	const uint8_t *s = io->sense;

	if (io->sense_len >= 14 && (s[0] & 0x7e) == 0x70)
		return (s[2] & 0xf) == 6 && s[12] == 0x3f && s[13] == 0x0e;
	return io->sense_len >= 4 && (s[0] & 0x7e) == 0x72 && (s[1] & 0xf) == 6 && s[2] == 0x3f && s[3] == 0x0e;
}

/* Takes a command out of libiscsi's hands; its memory is the host's again after answer(). */
static void let_go(struct command *c)
{
	struct srpgw_bridge_path *path = c->path;

	if (c->place == COMMAND_SENT) {
		TAILQ_REMOVE(&path->sent, c, node);
		path->n_sent--;
		path->sent_bytes -= c->io->data_len;
		path->n_out -= c->io->dir == SRPGW_DIR_OUT;
	} else if (c->place == COMMAND_LATE) {
		TAILQ_REMOVE(&path->late, c, node);
		path->n_out -= c->io->dir == SRPGW_DIR_OUT;
	} else {
		TAILQ_REMOVE(&path->queued, c, node);
		path->n_queued--;
	}
	path->n_aborted -= c->aborted;
	if (c->abort)
		c->abort->command = NULL;
	if (c->task)
		scsi_free_scsi_task(c->task);
	c->task = NULL;
}

static void finish(struct command *c)
{
	static const uint8_t target_failure[18] = {0x70, 0, 0x0b, [7] = 10, [12] = 0x44}; /* INTERNAL TARGET FAILURE */
	struct srpgw_bridge_path *path = c->path;
	struct srpgw_io *io = c->io;
	/* Answered, so sent, so there is a task. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	uint8_t status = (uint8_t)c->task->status;
	bool changed = false;

	take_residual(io, c->task);
	io->sense_len = 0;
	if (status == CHECK_CONDITION) {
		take_sense(io, c->task);
		changed = says_luns_changed(io);
	}
	if (io->dir == SRPGW_DIR_IN && (data_is_missing(c) || data_is_doubtful(c, status))) {
		/* Whatever the status, the host must not be shown what else lies in the buffer. */
		io->resid_kind = io->data_len ? SRPGW_RESID_UNDER : SRPGW_RESID_NONE;
		io->resid = io->data_len;
		if (status == GOOD) {
			memcpy(io->sense, target_failure, sizeof(target_failure));
			io->sense_len = sizeof(target_failure);
			status = CHECK_CONDITION;
		}
	}
	let_go(c);
	answer(path, io, SRPGW_DELIVERY_ANSWERED, status);
	if (changed && !path->detached && path->state == PATH_UP) {
		struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = SRPGW_PATH_INVENTORY_CHANGED };

		path->host->event(path->ctx, &ev);
	}
}

static void on_command(struct iscsi_context *iscsi, int status, void *command_data, void *private_data)
{
	struct command *c = private_data;
	struct srpgw_bridge_path *path = c->path;

	(void)command_data;
	if (path->closing || c->aborted)
		return;
	if (status < 0 || status > 0xff) {
		/*
		 * Cancelled, or a protocol error: the session is of no use any more. The command is answered with its
		 * end.
		 */
		path_lost(path);
		return;
	}
	c->task->status = status;
	/*
	 * A target may answer before all data-out went, be it an error, be it malice: libiscsi would go on to read the
	 * host's memory, which may hold another host's data by then. It does not say whose data still waits, so the
	 * command is let go of when nothing does; commands_feed() sends nothing new meanwhile, so that this comes soon.
	 */
	if (c->io->dir == SRPGW_DIR_OUT && (iscsi_out_queue_length(iscsi) || iscsi_which_events(iscsi) & POLLOUT)) {
		TAILQ_REMOVE(&path->sent, c, node);
		path->n_sent--;
		path->sent_bytes -= c->io->data_len;
		TAILQ_INSERT_TAIL(&path->late, c, node);
		c->place = COMMAND_LATE;
		return;
	}
	finish(c);
}

/* ---- on the way out ---- */

static int hand_over(struct command *c)
{
	static const int xfer[] = {
	    [SRPGW_DIR_NONE] = SCSI_XFER_NONE, [SRPGW_DIR_IN] = SCSI_XFER_READ, [SRPGW_DIR_OUT] = SCSI_XFER_WRITE};
	struct srpgw_io *io = c->io;
	int dir = io->data_len ? io->dir : SRPGW_DIR_NONE;

	c->task = scsi_create_task(io->cdb_len, (unsigned char *)(uintptr_t)io->cdb, xfer[dir], (int)io->data_len);
	if (!c->task)
		return -1;
	c->has_head_mark = c->has_tail_mark = false;
	if (dir == SRPGW_DIR_IN) {
		put_marks(c);
		scsi_task_set_iov_in(c->task, (struct scsi_iovec *)(void *)io->iov, (int)io->n_iov);
	} else if (dir == SRPGW_DIR_OUT) {
		scsi_task_set_iov_out(c->task, (struct scsi_iovec *)(void *)io->iov, (int)io->n_iov);
	}
	return iscsi_scsi_command_async(c->path->iscsi, lun_bits(io->lun), c->task, on_command, NULL, c);
}

/*
 * libiscsi reads and writes until nothing is left to do, so what is under way bounds for how long one path keeps the
 * reactor from the others. A command that is larger goes by itself.
 */
static bool fits(const struct srpgw_bridge_path *path, const struct command *c)
{
	return !path->n_sent || path->sent_bytes + c->io->data_len <= path->target->conf.max_outstanding_bytes;
}

void commands_feed(struct srpgw_bridge_path *path)
{
	struct command *c;

	/*
	 * A function that waits for what came before it must not wait for what came after it; nor must a command that
	 * was answered and waits for the last of the data to leave.
	 */
	while (path->state == PATH_UP && !path->failed && !path->n_tmf_waiting && TAILQ_EMPTY(&path->late) &&
	       path->n_sent < path->target->conf.max_outstanding && (c = TAILQ_FIRST(&path->queued)) &&
	       fits(path, c)) {
		TAILQ_REMOVE(&path->queued, c, node);
		path->n_queued--;
		TAILQ_INSERT_TAIL(&path->sent, c, node);
		path->n_sent++;
		path->sent_bytes += c->io->data_len;
		path->n_fed++;
		if (path->n_sent == 1)
			timers_busy(path);
		path->n_out += c->io->dir == SRPGW_DIR_OUT;
		path->commands_total++;
		c->place = COMMAND_SENT;
		if (hand_over(c))
			path_fail(path, false, "libiscsi refused a command: %s", iscsi_get_error(path->iscsi));
	}
}

void command_submit(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct command *c = command_of(io);

	if (path->state != PATH_UP || path->failed || path->detached) {
		answer(path, io, SRPGW_DELIVERY_NEVER, 0);
		return;
	}
	/* libiscsi has no additional header segments and no bidirectional commands, and copies a CDB without looking.
	 */
	if (io->cdb_len > SCSI_CDB_MAX_SIZE || io->dir > SRPGW_DIR_OUT) {
		refuse(path, io, 0x5, 0x2000); /* INVALID COMMAND OPERATION CODE */
		return;
	}
	if (lun_bits(io->lun) < 0) {
		refuse(path, io, 0x5, 0x2500); /* LOGICAL UNIT NOT SUPPORTED */
		return;
	}
	if (io->data_len > INT32_MAX) {
		refuse(path, io, 0x5, 0x2400); /* INVALID FIELD IN CDB */
		return;
	}
	*c = (struct command){ .path = path, .io = io, .serial = path->serial++, .place = COMMAND_QUEUED };
	TAILQ_INSERT_TAIL(&path->queued, c, node);
	path->n_queued++;
	commands_feed(path);
	if (!path_send_now(path))
		path_kick(path);
}

/* A command at the target ends by a task management function; one that waits here can go at once. */
void command_abort(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct command *c = command_of(io);

	if (c->place != COMMAND_QUEUED)
		return;
	let_go(c);
	answer(path, io, SRPGW_DELIVERY_NEVER, 0);
}

void commands_drop_queued(struct srpgw_bridge_path *path, const uint8_t *lun)
{
	struct command *c = TAILQ_FIRST(&path->queued), *next;

	for (; c; c = next) {
		struct srpgw_io *io = c->io;

		next = TAILQ_NEXT(c, node);
		if (lun && memcmp(lun, io->lun, sizeof(io->lun)) != 0)
			continue;
		let_go(c);
		answer(path, io, SRPGW_DELIVERY_NEVER, 0);
	}
}

/* ---- ends ---- */

bool commands_are_sent(struct srpgw_bridge_path *path)
{
	return !iscsi_out_queue_length(path->iscsi) && !(iscsi_which_events(path->iscsi) & POLLOUT);
}

static void end_aborted(struct command *c)
{
	struct srpgw_bridge_path *path = c->path;
	struct srpgw_io *io = c->io;
	bool unknown = c->unknown;

	/* All of it is sent and no answer will come: the one case in which cancelling is safe. on_command() looks away.
	 */
	iscsi_scsi_cancel_task(path->iscsi, c->task);
	let_go(c);
	io->sense_len = 0;
	io->resid_kind = io->data_len ? SRPGW_RESID_UNDER : SRPGW_RESID_NONE;
	io->resid = io->data_len;
	answer(path, io, unknown ? SRPGW_DELIVERY_MAYBE : SRPGW_DELIVERY_ANSWERED, TASK_ABORTED);
}

bool commands_sweep(struct srpgw_bridge_path *path)
{
	struct command *c, *next;

	if ((TAILQ_EMPTY(&path->late) && !path->n_aborted) || !commands_are_sent(path))
		return false;
	while ((c = TAILQ_FIRST(&path->late)))
		finish(c);
	for (c = TAILQ_FIRST(&path->sent); c && path->n_aborted; c = next) {
		next = TAILQ_NEXT(c, node);
		if (c->aborted)
			end_aborted(c);
	}
	return true;
}

static void drop_all(struct srpgw_bridge_path *path, struct command_list *list, enum srpgw_delivery delivery)
{
	struct command *c;

	while ((c = TAILQ_FIRST(list))) {
		struct srpgw_io *io = c->io;

		let_go(c);
		io->sense_len = 0;
		io->resid_kind = SRPGW_RESID_NONE;
		io->resid = 0;
		answer(path, io, delivery, 0);
	}
}

void commands_drop(struct srpgw_bridge_path *path)
{
	struct command *c;

	/* The device server did answer these. */
	while ((c = TAILQ_FIRST(&path->late)))
		finish(c);
	drop_all(path, &path->sent, SRPGW_DELIVERY_MAYBE);
	drop_all(path, &path->queued, SRPGW_DELIVERY_NEVER);
}
