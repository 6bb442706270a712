/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SCSI-2 reservations, see reserve.h.
 * Layer: core.
 */
#include "reserve.h"

#include "fence.h"
#include "io.h"
#include "lu.h"
#include "nexus.h"
#include "path.h"
#include "pr.h"

enum { OP_RESERVE_10 = 0x56, OP_RELEASE_10 = 0x57 };

void reserve_note(struct io *io)
{
	if (!io->lu)
		return;
	registration_note(io);
	if (io->pub.status != SCSI_GOOD)
		return;
	switch (io->cdb[0]) {
	case SCSI_OP_RESERVE_6:
	case OP_RESERVE_10:
		io->lu->reserved = true;
		/* It began in a nexus that was lost before the answer: nobody will release it. */
		if (!io->task && io->serial <= io->nexus->lost_serial)
			reserve_release(io->lu);
		break;
	case SCSI_OP_RELEASE_6:
	case OP_RELEASE_10:
		io->lu->reserved = false;
		break;
	case SCSI_OP_PERSISTENT_RESERVE_IN:
		pr_in_translate(io);
		break;
	default:
		break;
	}
}

void reserve_forget(struct lu *lu)
{
	lu->reserved = false;
}

void reserve_forget_path(struct path *p)
{
	list_for_each(pos, &p->lus) {
		struct lu *lu = list_entry(pos, struct lu, path_node);

		/* What its host must hear before anything else is carried out. */
		if (lu->reserved && p->nexus->n_channels > 0)
			lu->ua |= LU_UA_NEXUS_LOSS;
		reserve_forget(lu);
	}
	registration_session_over(p);
}

void reserve_release(struct lu *lu)
{
	struct path *p = lu->path;
	struct io *io;

	if (p->state != PATH_UP)
		return;
	lu->reserved = false;
	io = path_queue_full(p) ? NULL : io_acquire_own(lu);
	if (!io) {
		path_rebuild(p, "no room to release a reservation");
		return;
	}
	io->cdb[0] = SCSI_OP_RELEASE_6;
	io->pub.cdb_len = 6;
	path_submit_own(io);
}

void reserve_nexus_lost(struct nexus *n)
{
	for (size_t i = 0; i < n->n_lu; i++)
		if (n->lu[i]->reserved)
			reserve_release(n->lu[i]);
}
