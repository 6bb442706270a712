/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SCSI-2 reservations end with the I_T nexus. Where the back-end's session outlives it, nobody there knows, so the
 * gateway releases what it saw reserved.
 * Layer: core. Source: SPC-2 RESERVE, RELEASE; SAM-5 6.3.4 (I_T nexus loss).
 */
#ifndef CORE_RESERVE_H
#define CORE_RESERVE_H

struct io;
struct lu;
struct nexus;
struct path;

/* A command was answered by the device: keeps the book of RESERVE and RELEASE; what it says of initiators is the host's. */
void reserve_note(struct io *io);
/* The LU was reset, or the session ended: the reservation went with it. */
void reserve_forget(struct lu *lu);
void reserve_forget_path(struct path *p);

/* The nexus lost its last channel: RELEASE goes to each LU that it had reserved and whose session stands. */
void reserve_nexus_lost(struct nexus *n);
/* RELEASE to one LU; it is fenced until the answer. Without room for it the session is given up instead. */
void reserve_release(struct lu *lu);

#endif
