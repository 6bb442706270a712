/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands: what is refused here, the way to the submitter, and what an answer of the kernel means.
 */
#include "sg.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

enum { GOOD = 0x00, CHECK_CONDITION = 0x02, BUSY = 0x08, TASK_SET_FULL = 0x28 };
enum { ILLEGAL_REQUEST = 5, UNIT_ATTENTION = 6 };

static void answer(struct srpgw_bridge_path *path, struct srpgw_io *io, enum srpgw_delivery delivery, uint8_t status)
{
	io->delivery = (uint8_t)delivery;
	io->status = status;
	path->host->io_done(io);
}

static void answer_here(struct srpgw_bridge_path *path, struct srpgw_io *io, uint8_t status)
{
	io->sense_len = 0;
	io->resid_kind = io->data_len ? SRPGW_RESID_UNDER : SRPGW_RESID_NONE;
	io->resid = io->data_len;
	answer(path, io, SRPGW_DELIVERY_ANSWERED, status);
}

/* CHECK CONDITION of our own. Fixed format. */
static void refuse(struct srpgw_bridge_path *path, struct srpgw_io *io, uint8_t key, uint16_t asc)
{
	const uint8_t sense[18] = { 0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, (uint8_t)(asc >> 8), (uint8_t)asc };

	memcpy(io->sense, sense, sizeof(sense));
	io->resid_kind = io->data_len ? SRPGW_RESID_UNDER : SRPGW_RESID_NONE;
	io->resid = io->data_len;
	io->sense_len = sizeof(sense);
	answer(path, io, SRPGW_DELIVERY_ANSWERED, CHECK_CONDITION);
}

/* RESERVE, RELEASE (6, 10), PERSISTENT RESERVE IN and OUT. */
static bool is_reservation(uint8_t opcode)
{
	return opcode == 0x16 || opcode == 0x17 || opcode == 0x56 || opcode == 0x57 || opcode == 0x5e || opcode == 0x5f;
}

/* SAM-5 5.14: these report no unit attention. */
static bool is_exempt(uint8_t opcode)
{
	return opcode == 0x03 || opcode == 0x12 || opcode == 0xa0;
}

/*
 * REPORT LUNS names what the node can reach: itself. The device would name its whole target, under numbers that lead
 * nowhere here. Source: SPC-4 6.33.
 */
static void report_luns(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	static const uint8_t one[16] = { [3] = 8 };
	uint32_t alloc = (uint32_t)io->cdb[6] << 24 | (uint32_t)io->cdb[7] << 16 | (uint32_t)io->cdb[8] << 8 | io->cdb[9];
	uint32_t len = alloc < sizeof(one) ? alloc : (uint32_t)sizeof(one), done = 0;

	if (io->dir != SRPGW_DIR_IN || len > io->data_len)
		len = io->dir == SRPGW_DIR_IN ? io->data_len : 0;
	for (uint32_t i = 0; i < io->n_iov && done < len; i++) {
		uint32_t n = io->iov[i].iov_len < len - done ? (uint32_t)io->iov[i].iov_len : len - done;

		memcpy(io->iov[i].iov_base, one + done, n);
		done += n;
	}
	io->sense_len = 0;
	io->resid_kind = done < io->data_len ? SRPGW_RESID_UNDER : SRPGW_RESID_NONE;
	io->resid = io->data_len - done;
	answer(path, io, SRPGW_DELIVERY_ANSWERED, GOOD);
}

/* Return: true when the command must not go to the device; it is answered then. */
static bool stopped_here(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	static const uint8_t lun_0[8];
	const struct srpgw_bridge_target *t = path->target;
	uint8_t opcode = io->cdb[0];
	uint16_t asc;

	if (!path->up || path->down || path->detached) {
		answer(path, io, SRPGW_DELIVERY_NEVER, 0);
		return true;
	}
	/* A generic node is one logical unit. */
	if (memcmp(io->lun, lun_0, 8) != 0) {
		refuse(path, io, ILLEGAL_REQUEST, 0x2500);
		return true;
	}
	if (opcode == 0xa0) {
		report_luns(path, io);
		return true;
	}
	if (is_reservation(opcode) && !t->conf.pass_reservations) {
		refuse(path, io, ILLEGAL_REQUEST, 0x2000);
		return true;
	}
	if (io->dir == SRPGW_DIR_BIDI || io->cdb_len > SG_CDB_MAX || io->n_iov > SG_MAX_IOV ||
	    io->data_len > t->max_transfer_bytes) {
		refuse(path, io, ILLEGAL_REQUEST, 0x2400);
		return true;
	}
	if (atomic_load_explicit(&path->n_attentions, memory_order_relaxed) && !is_exempt(opcode)) {
		asc = sg_attention_take(path);
		if (asc) {
			refuse(path, io, UNIT_ATTENTION, asc);
			return true;
		}
	}
	return false;
}

static uint32_t emptiest_file(const struct srpgw_bridge_path *path)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < path->files->n; i++)
		if (path->load[i] < path->load[best])
			best = i;
	return best;
}

void sg_submit(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct sg_command *c = io->scratch;

	if (stopped_here(path, io))
		return;
	*c = (struct sg_command){ .path = path, .io = io, .file = emptiest_file(path) };
	if (path->load[c->file] >= SG_QUEUE_PER_FD) {
		answer_here(path, io, TASK_SET_FULL);
		return;
	}
	path->load[c->file]++;
	path->commands_total++;
	TAILQ_INSERT_TAIL(&path->commands, c, node);
	sg_submitter_put(path->target->submitter, c);
}

static void forget(struct sg_command *c)
{
	c->path->load[c->file]--;
	TAILQ_REMOVE(&c->path->commands, c, node);
}

static void take_answer(struct srpgw_bridge_path *path, const struct sg_answer *a)
{
	struct sg_command *c = a->tag;
	struct srpgw_io *io = c->io;

	sg_submitter_disown(path->target->submitter, c);
	forget(c);
	io->sense_len = a->status == CHECK_CONDITION ? a->sense_len : 0;
	if (io->sense_len > SRPGW_SENSE_MAX)
		io->sense_len = SRPGW_SENSE_MAX;
	io->resid_kind = a->resid > 0 ? SRPGW_RESID_UNDER : a->resid < 0 ? SRPGW_RESID_OVER : SRPGW_RESID_NONE;
	io->resid = a->resid > 0 ? (uint32_t)a->resid : (uint32_t) - (int64_t)a->resid;
	if (io->resid_kind == SRPGW_RESID_UNDER && io->resid > io->data_len)
		io->resid = io->data_len;
	if (a->host_status == SG_DID_NO_CONNECT)
		sg_path_fail(path, "%s is offline or was removed", path->name);
	if (a->host_status) {
		answer(path, io, SRPGW_DELIVERY_MAYBE, 0);
		return;
	}
	if (io->sense_len)
		sg_attention_raise(path, io->sense, io->sense_len);
	answer(path, io, SRPGW_DELIVERY_ANSWERED, a->status);
}

void sg_on_readable(void *arg, int revents)
{
	struct srpgw_bridge_path *path = arg;
	struct sg_files *files = path->files;
	struct sg_answer a;

	/* The files are closed from a timer, never from here; answers may end the path, which @files does not mind. */
	for (uint32_t i = 0; i < files->n && !path->down; i++) {
		for (uint32_t n = 0; path->load[i] && n < SG_QUEUE_PER_FD; n++) {
			int rc = sg_node_reap(files->fd[i], &a);

			if (rc == -EAGAIN)
				break;
			if (rc) {
				sg_path_fail(path, "%s: %s", path->name, strerror(-rc));
				break;
			}
			take_answer(path, &a);
		}
	}
	if (revents & (POLLHUP | POLLERR))
		sg_path_fail(path, "%s was removed", path->name);
}

/* The kernel did not take it: nothing was sent. */
static void answer_refused(struct sg_command *c)
{
	struct srpgw_bridge_path *path = c->path;
	struct srpgw_io *io = c->io;
	int error = -c->error;

	forget(c);
	switch (error) {
	case ENODEV:
	case ENXIO:
		sg_path_fail(path, "%s was removed", path->name);
		answer(path, io, SRPGW_DELIVERY_NEVER, 0);
		break;
	case ENOMEM:
	case EAGAIN:
	case EBUSY:
	case EDOM:
		answer_here(path, io, BUSY);
		break;
	default:
		/* Not permitted (CAP_SYS_RAWIO), too long, or a form that the driver does not know. */
		refuse(path, io, ILLEGAL_REQUEST, error == EPERM || error == EACCES ? 0x2000 : 0x2400);
	}
}

void sg_on_refused(void *arg, int revents)
{
	struct srpgw_bridge_path *path = arg;
	struct sg_command *c;
	eventfd_t n;

	(void)revents;
	eventfd_read(path->refused_fd, &n);
	while ((c = sg_submitter_refused(path->target->submitter, path)))
		answer_refused(c);
}

/* The kernel offers no way to end one command: only what waits here can be hurried. */
void sg_abort(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct sg_command *c = io->scratch;

	if (sg_submitter_take_back(path->target->submitter, c)) {
		forget(c);
		answer(path, io, SRPGW_DELIVERY_NEVER, 0);
	}
}

void sg_commands_end(struct srpgw_bridge_path *path, bool all)
{
	struct sg_submitter *s = path->target->submitter;
	struct sg_command *c = TAILQ_FIRST(&path->commands);

	while (c) {
		bool waited = sg_submitter_take_back(s, c);

		if (!waited && !all) {
			c = TAILQ_NEXT(c, node);
			continue;
		}
		if (!waited)
			sg_submitter_disown(s, c);
		forget(c);
		answer(path, c->io, waited ? SRPGW_DELIVERY_NEVER : SRPGW_DELIVERY_MAYBE, 0);
		/* The host may have called back: begin anew. */
		c = TAILQ_FIRST(&path->commands);
	}
}
