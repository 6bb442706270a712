/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Persistent reservations pass through; but where they name initiators, a host names SRP ports and an iSCSI back-end knows
 * iSCSI names. PERSISTENT RESERVE OUT is translated, or refused where that cannot be; READ FULL STATUS is translated back.
 * Layer: core. Source: SPC-4 6.13, 6.14.
 */
#ifndef CORE_PR_H
#define CORE_PR_H

#include "../proto/scsi.h"

#include <stdbool.h>

struct io;
struct task;

/*
 * @t is PERSISTENT RESERVE OUT with all its data, about to go to its path: its parameter list becomes the back-end's.
 * Return: false: it was refused.
 */
bool pr_out_translate(struct task *t);

/* PERSISTENT RESERVE IN was answered: its data becomes the host's, and the residual with it. */
void pr_in_translate(struct io *io);

#endif
