/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * There is never an auto contingent allegiance (ACA) here: the condition would have to be kept where the back-end
 * session and the host's nexus both know of it, and no host in use asks for it. So whoever asks is refused, and no
 * back-end may tell a host that it could.
 * Layer: core. Source: SAM-5 5.2 (CONTROL byte), 5.9 (ACA), 8.6.5 (ACA task attribute); SPC-4 6.6.2 (NormACA).
 */
#ifndef CORE_ACA_H
#define CORE_ACA_H

#include "../include/srpgw/bridge.h"
#include "outcome.h"
#include "task.h"

#define SCSI_CONTROL_NACA 0x04u

/* Does @t ask for an ACA, or for a place in one? @cdb_len: from scsi_cdb_len(). */
static inline enum outcome aca_judge(const struct task *t, uint16_t cdb_len)
{
	int at = scsi_cdb_control_at(t->cdb, cdb_len);

	/* Reserved attributes go the same way. */
	if (t->attr > SRPGW_ATTR_ORDERED)
		return OUTCOME_TASK_ATTRIBUTE;
	return cdb_len > 0 && (t->cdb[at] & SCSI_CONTROL_NACA) ? OUTCOME_NACA : OUTCOME_OK;
}

/* An INQUIRY was answered with @len bytes in its io: NormACA becomes 0. */
void aca_hide(struct task *t, uint32_t len);

#endif
