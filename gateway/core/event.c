/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asynchronous events, see event.h. Layer: core.
 */
#include "event.h"

#include "channel.h"
#include "lu.h"
#include "nexus.h"

void event_luns_changed(struct nexus *n)
{
	for (size_t i = 0; i < n->n_lu; i++) {
		struct lu *lu = n->lu[i];

		if (!lu->luns_told)
			lu->ua |= LU_UA_LUNS_CHANGED;
		lu->luns_told = false;
	}
	n->event = true;
	/* The first channel that can sends it; without any the unit attention must do. */
	list_for_each(pos, &n->channels)
		channel_mark(list_entry(pos, struct channel, nexus_node));
}

void event_luns_reported(struct nexus *n)
{
	for (size_t i = 0; i < n->n_lu; i++)
		n->lu[i]->ua &= (uint8_t)~LU_UA_LUNS_CHANGED;
	n->event = false;
}
