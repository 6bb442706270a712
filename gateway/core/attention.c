/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Unit attentions after a lost back-end session, see attention.h.
 * Layer: core.
 */
#include "attention.h"

#include "lu.h"
#include "path.h"

#define ASC_RESET 0x29 /* power on, reset, or nexus loss */

void attention_session_up(struct path *p)
{
	list_for_each(pos, &p->lus) {
		struct lu *lu = list_entry(pos, struct lu, path_node);

		/* A host that has not dealt with the unit yet has lost nothing. */
		lu->loss_told = false;
		if (lu->met)
			lu->ua |= LU_UA_NEXUS_LOSS | LU_UA_OWN_LOSS;
	}
}

static bool says_reset(const struct srpgw_io *pub)
{
	struct scsi_sense sense;

	return pub->status == SCSI_CHECK_CONDITION && scsi_sense_parse(pub->sense, pub->sense_len, &sense) &&
	       sense.key == SCSI_UNIT_ATTENTION && sense.asc == ASC_RESET;
}

/* These are carried out in spite of a unit attention, so their answer tells nothing. */
static bool is_exempt(uint8_t opcode)
{
	return opcode == SCSI_OP_INQUIRY || opcode == SCSI_OP_REPORT_LUNS || opcode == SCSI_OP_REQUEST_SENSE;
}

bool attention_swallows(struct io *io)
{
	struct lu *lu = io->lu;
	bool told = lu->loss_told;

	lu->met = true;
	if (!told && !(lu->ua & LU_UA_OWN_LOSS))
		return false;
	if (is_exempt(io->cdb[0]))
		return false;
	lu->loss_told = false;
	if (!says_reset(&io->pub))
		return false;
	lu->ua &= (uint8_t)~(LU_UA_NEXUS_LOSS | LU_UA_OWN_LOSS);
	return told;
}
